#!/bin/bash
# hallmark assess --log and verify --log on a real run: logged.sh BUILD
set -u
build=$(realpath "$1")
hallmark=$build/hallmark
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
"$hallmark" doctor >/dev/null 2>&1 || { echo "1..0 # SKIP this machine runs no chambers (hallmark doctor tells why)"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-logged-XXXXXX)
export HALLMARK_WORK=$work/runs
pid= taker=
end() {
	for p in $pid $taker; do kill "$p"; wait "$p"; done 2>/dev/null
	rm -rf "$work"
}
trap end EXIT
cd "$work" || exit 1
number=0 failed=0
expect() { # EXIT PATTERN NAME COMMAND...
	local code=$1 pattern=$2 name=$3 said status
	shift 3
	said=$("$@" 2>&1)
	status=$?
	number=$((number + 1))
	if [ $status = "$code" ] && grep -q -- "$pattern" <<<"$said"; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed "s/^/# exit $status: /" <<<"$said"
		failed=1
	fi
}
"$hallmark" keygen --log log.example/assessments log.key >/dev/null
"$hallmark" keygen --witness w.example w >/dev/null
"$hallmark" keygen key >/dev/null
"$hallmark" log create log --key log.key
echo "log $(cat log.key.pub)
quorum none" >logs
"$hallmark" witness --key w --logs logs --database db --listen 127.0.0.1:0 2>said &
pid=$!
for _ in $(seq 100); do
	port=$(sed -n 's/.*on port \([0-9]*\)$/\1/p' said)
	[ -n "$port" ] && break
	sleep 0.1
done
echo "log $(cat log.key.pub)
witness w $(cat w.pub) http://127.0.0.1:$port
quorum w" >policy
assess() { # OUTPUT COMMAND...
	local out=$1
	shift
	"$hallmark" assess -o "$out" --key key --internet closed --log log --log-key log.key --log-policy policy --quiet -- "$@"
}
expect 3 "log's private key is wanted" "a log wants its key" "$hallmark" assess -o x --key key --log log -- true
expect 3 "whose log it is" "of a log at a URL it has to be said whose it is" "$hallmark" assess -o x --key key --log https://log.example/ -- true
expect 3 "without --log" "a key wants a log" "$hallmark" assess -o x --key key --log-key log.key -- true
expect 0 "" "an assessment that is logged" assess a.hallmark true
expect 0 "the attestation by key .* is entry 1 of log.example/assessments, cosigned by w.example" "verify --log demands it" "$hallmark" verify a.hallmark --key key.pub --log policy
expect 0 "the plan is entry 0 .*; witnesses saw it at" "and that the plan came before" "$hallmark" verify a.hallmark --key key.pub --log policy
expect 0 "" "hallmark-verify says so too" "$build/hallmark-verify" a.hallmark --key key.pub --log policy --quiet
expect 2 "no --log says which" "without a policy it is not checked" "$hallmark" verify a.hallmark --key key.pub
expect 0 "2 entries" "the log holds plan and attestation" "$hallmark" log check log --policy policy
# The same log, which another process keeps: it takes what this key signs.
"$hallmark" log accept log --key log.key --policy policy --submitter key.pub --listen 127.0.0.1:0 2>taking &
taker=$!
for _ in $(seq 100); do
	url=http://127.0.0.1:$(sed -n 's/.*on port \([0-9]*\)$/\1/p' taking)
	[ "$url" != http://127.0.0.1: ] && break
	sleep 0.1
done
expect 0 "" "an assessment that is logged at a URL" "$hallmark" assess -o far.hallmark --key key --internet closed --log "$url" --log-policy policy --quiet -- true
expect 0 "is entry 3 of log.example/assessments, cosigned by w.example" "verify --log takes it as any" "$hallmark" verify far.hallmark --key key.pub --log policy
expect 0 "" "a replication is logged too" "$hallmark" replicate far.hallmark -o again.hallmark --key key --log "$url" --log-policy policy --quiet
expect 2 "is entry 5 of log.example/assessments" "and verify --log says so" "$hallmark" verify again.hallmark --key key.pub --log policy
"$hallmark" keygen stranger >/dev/null
expect 4 "403" "a key that may not submit runs nothing" "$hallmark" assess -o x --key stranger --log "$url" --log-policy policy -- true
kill "$taker"; wait "$taker" 2>/dev/null; taker=
expect 4 "" "nor does anybody where the log does not answer" "$hallmark" assess -o x --key key --log "$url" --log-policy policy -- true
# The witness goes away while the product runs: when the plan has been published as seventh entry.
(until [ "$(sed -n 2p log/checkpoint)" = 7 ]; do sleep 0.1; done; kill "$pid") &
expect 4 "is whole and signed, but not in the log" "a witness that goes away costs no assessment" assess b.hallmark sleep 3
wait "$pid" 2>/dev/null
pid=
expect 1 "no attestation of this bundle was logged" "and verify tells" "$hallmark" verify b.hallmark --key key.pub --log policy
expect 4 "no quorum" "without a quorum nothing is run" assess c.hallmark true
number=$((number + 1))
if [ ! -e c.hallmark ]; then echo "ok $number - and nothing is written"; else echo "not ok $number - and nothing is written"; failed=1; fi
echo "1..$number"
exit $failed
