#!/bin/bash
# Programs that keep something of a document on disk and send nothing: what they keep depends on content, by what is in a file, by its name,
# or because it is a copy; a twin that always keeps the same does not, and one that keeps a clock's reading leaves it open.
#   residue.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify")
. "$(dirname "$0")/../support/chamber.sh" residue
"$hallmark" keygen "$work/key.pem" >/dev/null || exit 1
assess() { # NAME COMMAND
	timeout 240 "$hallmark" assess --key "$work/key.pem" --pairs 8 --factors content --internet closed --json -o "$work/$1.hallmark" -- \
		bash -c "mkdir -p /var/lib/scanner; cd /var/lib/scanner; $2" >"$work/$1.json" 2>"$work/$1.err"
	sed 's/^/# /' "$work/$1.err" | head -n 5
}
ask() { # NAME EXPRESSION: of the findings `f`, must be true
	/usr/bin/python3 -c "
import json, sys
f = json.load(open(sys.argv[1]))
kept = next(c for c in f['claims'] if c['id'] == 'collect.residue')
disk = [(i['feature'], i['grade']) for i in f['influence'] if (i['endpoint'], i['layer'], i['factor']) == ('disk', 'disk', 'content')]
sys.exit(0 if $2 else 1)" "$work/$1.json"
}
verified() { "$verify" "$work/$1.hallmark" --key "$work/key.pem.pub" >"$work/said" && false || ! grep -q FALSE "$work/said"; }
digest='rev /srv/documents/note* | md5sum | cut -c 1-16'

assess content "$digest >cache"
ask content "(kept['verdict'], kept['reason'], kept['values']) == ('refuted', 'residue.depends', {'features': 2, 'paths': 1})"
result $? "a file that depends on content is refuted"
ask content "disk == [('all', 'dependent'), ('file.content:/var/lib/scanner/cache', 'dependent')]"
result $? "... and named"
ask content "len(kept['evidence']) == 2 and kept['evidence'][0]['run'] + 1 == kept['evidence'][1]['run']"
result $? "... with its entry in both runs of a pair"
verified content
result $? "... its bundle verifies"

assess name "touch \$($digest)"
ask name "kept['reason'] == 'residue.depends' and ('dir.names:/var/lib/scanner', 'dependent') in disk"
result $? "a file whose name depends on content is refuted"

assess copy "cp /srv/documents/note* 1"
ask copy "kept['reason'] == 'residue.digest' and disk[0] == ('copy', 'proven')"
result $? "a copy of a document is one, statistics or not"

assess twin "cat /srv/documents/* >/dev/null; echo scanned >cache"
ask twin "kept['verdict'] == 'upheld' and kept['reason'] == 'residue.equal' and kept['bound']['pairs'] >= 8 and not disk"
result $? "what is always the same is upheld, with its bound"
verified twin
result $? "... its bundle verifies"

assess clock "cat /proc/uptime /proc/self/schedstat /proc/sys/kernel/random/uuid >cache"
ask clock "kept['verdict'] == 'not verifiable' and kept['reason'] == 'residue.differs' and kept['values'] == {'paths': 1, 'blocks': 8, 'of': 8} and not disk"
result $? "what differs by itself is not verifiable"
echo "1..$n"
exit $failed
