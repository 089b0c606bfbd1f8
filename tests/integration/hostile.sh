#!/bin/bash
# Products that do their worst to who assesses them: never end, send much, open many connections, ask for many names, flood with datagrams, say nonsense to
# every server. Each assessment ends, its bundle verifies, the servers still serve, memory stays bounded, nothing is lost unsaid, and nothing is upheld of
# what left. HALLMARK_HOSTILE=large: 4 GiB, 60,000 connections, 100,000 names (`make soak`).
#   hostile.sh BUILD SOURCE
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify") print=$(realpath "$1/tests/interop/record_print")
subject=$2/tests/subjects/hostile.py
. "$(dirname "$0")/../support/chamber.sh" hostile
"$hallmark" keygen "$work/key.pem" >/dev/null || exit 1
limit=20 memory=400
if [ "${HALLMARK_HOSTILE:-}" = large ]; then
	limit=900 memory=6000
	set -- bytes:4096 connections:60000 names:100000 datagrams:1000000 garbage:5000 ever:1
else
	set -- bytes:8 connections:600 names:600 datagrams:3000 garbage:8 ever:1
fi
for case; do
	way=${case%:*} count=${case#*:}
	/usr/bin/python3 - "$work/rss" "$hallmark" assess --key "$work/key.pem" -q --time-limit $limit -o "$work/$way.hallmark" -- /usr/bin/python3 -c "$(cat "$subject")" \
		"$way" "$count" >"$work/out" 2>"$work/err" <<'P'
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))
sys.exit(code)
P
	code=$?
	result "$([ $code -lt 3 ]; echo $?)" "$way $count: assessed: exit $code"
	sed 's/^/# /' "$work/err" | head -n 5
	"$verify" "$work/$way.hallmark" --key "$work/key.pem.pub" >"$work/said"
	result "$(! grep -q FALSE "$work/said" && grep -q 'holds *findings' "$work/said"; echo $?)" "... its bundle verifies"
	result "$([ "$(cat "$work/rss")" -lt $memory ]; echo $?)" "... no process took more than $memory MiB: $(cat "$work/rss")"
	/usr/bin/python3 -c "
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
f, a = (json.loads(z.read(name)) for name in ('findings.json', 'assessment.json'))
content = next(c for c in f['claims'] if c['id'] == 'collect.content')
ever, lost = sys.argv[3] == 'ever', any(row['events'] or row['packets'] for row in f['losses'])
honest = content['verdict'] == ('upheld' if ever else 'not verifiable') and (not lost or content['reason'] == 'record.gap')
open(sys.argv[2], 'wb').write(z.read('runs/0001/record.cbor.zst'))
print('#', a['runs'][0]['outcome'], f['losses'][0], content['reason'])
sys.exit(0 if honest and (a['runs'][0]['outcome'] == 'timeout') == ever else 1)" "$work/$way.hallmark" "$work/record" "$way"
	result $? "... it ends, and its findings say what is known"
	[ "$way" = ever ] || result "$("$print" "$work/record" | sed -n 's/.* output .*data=//p' | grep -q "$(printf served | od -An -tx1 | tr -d ' \n')"; echo $?)" "... the servers still serve"
	rm -f "$work/$way.hallmark" "$work/record"
done
echo "1..$n"
exit $failed
