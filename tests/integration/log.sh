#!/bin/bash
# hallmark log and hallmark witness as their users meet them: log.sh HALLMARK
set -u
hallmark=$(realpath "$1")
work=$(mktemp -d /tmp/hallmark-log-XXXXXX)
pids=()
end() {
	[ ${#pids[@]} = 0 ] || { kill "${pids[@]}"; wait "${pids[@]}"; } 2>/dev/null
	rm -rf "$work"
}
trap end EXIT
cd "$work" || exit 1
number=0 failed=0
result() { # STATUS NAME
	number=$((number + 1))
	if [ "$1" = 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; failed=1; fi
}
expect() { # EXIT PATTERN NAME COMMAND...
	local code=$1 pattern=$2 name=$3 said status
	shift 3
	said=$("$@" 2>&1)
	status=$?
	[ $status = "$code" ] && grep -q -- "$pattern" <<<"$said"
	result $? "$name"
	[ $status = "$code" ] && grep -q -- "$pattern" <<<"$said" || sed "s/^/# exit $status: /" <<<"$said"
}
# Starts a server in the background; its port goes to `port`.
start() {
	local pid
	"$@" 2>said.$number &
	pid=$!
	pids+=("$pid")
	port=
	for _ in $(seq 100); do
		port=$(sed -n 's/.*on port \([0-9]*\)$/\1/p' said.$number)
		[ -n "$port" ] && return
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	echo "# not started: $*: $(cat said.$number)"
}
get() { # PATH [METHOD BODY]: status and body of a request to the port
	/usr/bin/python3 - "$port" "$@" <<'PY'
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
c.putrequest(sys.argv[3] if len(sys.argv) > 3 else "GET", sys.argv[2], skip_accept_encoding=True)
body = sys.argv[4].encode() if len(sys.argv) > 4 else None
if body is not None:
    c.putheader("Content-Length", str(len(body)))
c.endheaders(body)
r = c.getresponse()
print(r.status, r.getheader("Content-Type"), len(r.read()))
PY
}

"$hallmark" keygen --log log.example/l key >/dev/null
"$hallmark" log create log --key key
expect 4 "is there" "a key has one log" "$hallmark" log create other --key key
echo one >1; echo two >2; echo three >3
expect 0 "entries 0 to 1; the log has 2" "append" "$hallmark" log append log --key key --receipts . 1 2
expect 0 "1 is entry 0 of log.example/l" "a receipt holds" "$hallmark" log verify 1.tlog-proof 1 --key key
expect 1 "not at index" "and not for another entry" "$hallmark" log verify 1.tlog-proof 2 --key key
expect 3 "takes no --listen" "options belong to verbs" "$hallmark" log check log --listen x
expect 3 "unknown verb" "verbs are known" "$hallmark" log grow log
expect 3 "whose log" "check wants to know whom to trust" "$hallmark" log check log
head -c 65536 /dev/zero >large
expect 1 "larger than" "an entry has a limit" "$hallmark" log append log --key key large
expect 0 "2 entries" "which left the log as it was" "$hallmark" log check log --key key

# Three witnesses, of whom two are a quorum.
policy() { # URL...
	{
		echo "log $(cat key.pub)"
		for i in 1 2 3; do echo "witness w$i $(cat w$i.pub) ${!i}"; done
		echo "group two 2 w1 w2 w3"
		echo "quorum two"
	} >policy
}
echo "log $(cat key.pub)
quorum none" >logs
urls=()
for i in 1 2 3; do
	"$hallmark" keygen --witness w$i.example w$i >/dev/null
	start "$hallmark" witness --key w$i --logs logs --database db$i --listen 127.0.0.1:0
	urls+=("http://127.0.0.1:$port")
done
policy "${urls[@]}"
expect 2 "the quorum has not cosigned" "the published checkpoint has no cosignatures yet" "$hallmark" log check log --policy policy
expect 0 "entries 2 to 2" "append with witnesses" "$hallmark" log append log --key key --policy policy 3
expect 0 "cosigned by w3.example" "three have cosigned" "$hallmark" log check log --policy policy
kill "${pids[0]}"; wait "${pids[0]}" 2>/dev/null; unset 'pids[0]'
expect 0 "entries 3 to 3" "two of three are enough" "$hallmark" log append log --key key --policy policy 1
expect 0 "w1" "the one that is away does not stand there" bash -c "'$hallmark' log check log --policy policy; grep -c w1 log/checkpoint; echo w1"
result "$(grep -c w1.example log/checkpoint)" "nor in the checkpoint"
cp -a log log-4; cp key.signed signed-4
expect 0 "entries 4 to 4" "append again" "$hallmark" log append log --key key --policy policy 2
# Both log and key come from an older copy: nobody here can tell, the witnesses can.
cp -a log log-5; cp key.signed signed-5
rm -r log; cp -a log-4 log; cp signed-4 key.signed
expect 1 "has cosigned 5 entries of this log, and 4" "a witness that has seen more stops it before it signs" "$hallmark" log append log --key key --policy policy 3
result "$(cmp -s key.signed signed-4; echo $?)" "nothing was signed"
"$hallmark" log append log --key key --quiet 3
expect 1 "two versions were signed" "and finds a second history of the same size" "$hallmark" log append log --key key --policy policy 3
rm -r log; cp -a log-5 log; cp signed-5 key.signed
kill "${pids[1]}"; wait "${pids[1]}" 2>/dev/null; unset 'pids[1]'
expect 4 "no quorum" "one of three is not" "$hallmark" log append log --key key --policy policy 3
result "$(cmp -s key.signed signed-5; echo $?)" "and nothing is signed that they would not see"
start "$hallmark" witness --key w2 --logs logs --database db2 --listen 127.0.0.1:0
policy "${urls[0]}" "http://127.0.0.1:$port" "${urls[2]}"
expect 0 "entries 5 to 5" "with the witness back it goes on" "$hallmark" log append log --key key --policy policy 3
expect 0 "6 entries" "and everything agrees" "$hallmark" log check log --policy policy --key key
expect 0 "cosigned by w2.example" "a receipt carries the cosignatures" bash -c "'$hallmark' log prove log --index 5 -o 3.tlog-proof && '$hallmark' log verify 3.tlog-proof 3 --policy policy"
sed -i '/w2.example/d' 3.tlog-proof
expect 1 "the quorum has not" "without a quorum it is refused" "$hallmark" log verify 3.tlog-proof 3 --policy policy
result "$([[ $(get /add-checkpoint POST 'old 0') == "400 text/plain"* ]]; echo $?)" "a witness refuses what is no request"

# Served over HTTP.
seq 1 600 | "$hallmark" log append log --key key --lines --quiet -
start "$hallmark" log serve log --listen 127.0.0.1:0
expect 0 "606 entries" "the log is checked over HTTP" "$hallmark" log check "http://127.0.0.1:$port/" --key key
expect 0 "entry 300 " "a receipt over HTTP" bash -c "'$hallmark' log prove http://127.0.0.1:$port --index 300 -o r && printf 295 >e && '$hallmark' log verify r e --key key"
for row in "/checkpoint:200 text/plain; charset=utf-8" "/tile/0/001:200 application/octet-stream 8192" "/tile/0/002.p/94:200 application/octet-stream 3008" \
	"/tile/0/002:404" "/:404" "/.writing-0:404" "/../key:404" "/tile/../../key:404" "/tile/0/%30%30%31:404" "/tile/0/000.p/1:404" "/tile/0/0:404"; do
	said=$(get "${row%%:*}")
	[[ $said == "${row#*:}"* ]]
	result $? "GET ${row%%:*}: ${said}"
done
result "$([[ $(get /checkpoint POST x) == 405* || $(get /checkpoint POST x) == 501* ]]; echo $?)" "nothing can be posted: $(get /checkpoint POST x)"
result "$([[ $(get /checkpoint DELETE) == 405* || $(get /checkpoint DELETE) == 501* ]]; echo $?)" "nor deleted"
expect 4 "reading\|answered\|connection" "a log that is not there" "$hallmark" log check "http://127.0.0.1:1/" --key key
expect 4 "" "https to what speaks no TLS" "$hallmark" log check "https://127.0.0.1:$port/" --key key
kill "${pids[@]}"; wait "${pids[@]}" 2>/dev/null; codes=$?
pids=()
result $codes "servers end at SIGTERM with 0"
echo "1..$number"
exit $failed
