#!/bin/bash
# Where answers come from, as an assessor meets it: the bundle of a run is what another run's internet replays, and the findings
# say so; a third bundle needs neither to be checked.
#   internet.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify")
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-internet-XXXXXX)
export HALLMARK_WORK=$work/w
trap 'rm -rf "$work"' EXIT
n=0 failed=0
result() { # CONDITION-EXIT TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}
"$hallmark" keygen "$work/key.pem" >/dev/null || exit 1
assess() { # NAME MODE COMMAND
	timeout 120 "$hallmark" assess --key "$work/key.pem" --internet "$2" --json -o "$work/$1.hallmark" -- bash -c "$3" >"$work/$1.json" 2>"$work/$1.err"
}
ask() { # NAME EXPRESSION: of the findings `f` and the parts `part` of the bundle, must be true
	/usr/bin/python3 -c "
import json, sys, zipfile
f = json.load(open(sys.argv[1] + '.json'))
part = lambda name: json.loads(zipfile.ZipFile(sys.argv[1] + '.hallmark').read(name))
sys.exit(0 if $2 else 1)" "$work/$1"
}
# What it hears decides what it writes; a field of the answer is the time of the run.
product='echo >/tmp/time
exec 3<>/dev/udp/public.pyzor.org/24441; printf "Op: check\nThread: 7\n" >&3; head -c 8 <&3 >/tmp/heard
exec 4<>/dev/tcp/database.clamav.net/80; printf "GET /nothing HTTP/1.1\r\nHost: database.clamav.net\r\n\r\n" >&4; head -n 1 <&4 >>/tmp/heard
exec 5<>/dev/tcp/secret.example/443; printf "\x16\x03\x01\x00\x05hello" >&5; head -c 1 <&5 >/dev/null
cat /tmp/heard'

assess first simulated "$product"
result "$(ask first "f['experiment']['internet'] == 'simulated'"; echo $?)" "a run with a simulated internet"
assess second "replay=$work/first.hallmark" "$product"
result "$(ask second "f['experiment']['internet'] == 'replay'"; echo $?)" "... is replayed, and the findings say so"
ask second "part('scenario.json')['schema'] == 'hallmark/replay/v1' and [(t['to'], t['port']) for t in part('scenario.json')['tcp']] == [('database.clamav.net', 80)]"
result $? "... from a document in the bundle"
result "$(grep -q 'not replayed (tls): secret.example:443/tcp' "$work/second.err"; echo $?)" "what cannot be replayed is told"
rm "$work/first.hallmark"
"$verify" "$work/second.hallmark" --key "$work/key.pem.pub" >"$work/said"
result "$(! grep -q FALSE "$work/said" && grep -q 'scenario' "$work/said"; echo $?)" "the second bundle is sound without the first"
"$hallmark" observe -o "$work/r" --internet "replay=$work/second.hallmark" -- bash -c "$product" >"$work/heard" 2>"$work/err"
result "$(grep -q '^Code: 20HTTP/1.1 404 Not Found' "$work/heard"; echo $?)" "a replay can be replayed"
cp "$work/second.hallmark" "$work/damaged.hallmark"
printf 'x' | dd of="$work/damaged.hallmark" bs=1 seek=100 conv=notrunc status=none
for wrong in "replay=$work/nothing" "replay=$work/key.pem" "replay=$work/damaged.hallmark" "replay=" "replay" "recorded"; do
	"$hallmark" observe -o "$work/r2" --internet "$wrong" -- true >/dev/null 2>"$work/err"
	code=$?
	result "$([ $code = 2 ] || [ $code = 3 ] || [ $code = 4 ]; echo $?)" "--internet ${wrong/$work\//} is refused"
	result "$([ ! -e "$work/r2" ]; echo $?)" "... before anything runs"
done
[ $failed = 0 ] || sed 's/^/# /' "$work"/*.err "$work/err" "$work/said" "$work/heard"
echo "1..$n"
exit $failed
