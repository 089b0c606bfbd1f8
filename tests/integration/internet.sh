#!/bin/bash
# Where answers come from, as an assessor meets it: the bundle of a run is what another run's internet replays, and the findings
# say so; a third bundle needs neither to be checked.
#   internet.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify")
. "$(dirname "$0")/../support/chamber.sh" internet
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
curl -sS https://database.clamav.net/sealed >>/tmp/heard
exec 5<>/dev/tcp/secret.example/443; printf "\x16\x03\x01\x00\x05hello" >&5; head -c 1 <&5 >/dev/null
cat /tmp/heard'

assess first simulated "$product"
result "$(ask first "f['experiment']['internet'] == 'simulated'"; echo $?)" "a run with a simulated internet"
result "$(ask first "part('assessment.json')['runs'][0]['tls'] == {'accepted': 1, 'failed': 1, 'keys_lost': 0, 'refused': 0}"; echo $?)" "... in which handshakes are counted"
assess second "replay=$work/first.hallmark" "$product"
result "$(ask second "f['experiment']['internet'] == 'replay'"; echo $?)" "... is replayed, and the findings say so"
ask second "part('scenario.json')['schema'] == 'hallmark/replay/v2' and [(t['to'], t['port']) for t in part('scenario.json')['tcp']] == [('database.clamav.net', 80), ('database.clamav.net', 443)]"
result $? "... from a document in the bundle"
result "$(ask second "part('scenario.json')['tcp'][1]['tls'] == 0 and 'GET /sealed' in part('scenario.json')['tcp'][1]['turns'][0]['bytes'] and 'not in this mirror' in part('scenario.json')['tcp'][1]['turns'][1]['bytes']"; echo $?)" "... TLS opened with the keys of the packet file"
result "$(grep -q 'not replayed (tls): secret.example:443/tcp' "$work/second.err"; echo $?)" "what cannot be replayed is told"
rm "$work/first.hallmark"
"$verify" "$work/second.hallmark" --key "$work/key.pem.pub" >"$work/said"
result "$(! grep -q FALSE "$work/said" && grep -q 'scenario' "$work/said"; echo $?)" "the second bundle is sound without the first"
"$hallmark" observe -o "$work/r" --internet "replay=$work/second.hallmark" -- bash -c "$product" >"$work/heard" 2>"$work/err"
result "$(grep -q '^Code: 20HTTP/1.1 404 Not Found' "$work/heard"; echo $?)" "a replay can be replayed"
result "$(grep -q '^not in this mirror' "$work/heard"; echo $?)" "... inside TLS too"
cp "$work/second.hallmark" "$work/damaged.hallmark"
printf 'x' | dd of="$work/damaged.hallmark" bs=1 seek=100 conv=notrunc status=none
for wrong in "replay=$work/nothing" "replay=$work/key.pem" "replay=$work/damaged.hallmark" "replay=" "replay" "recorded"; do
	"$hallmark" observe -o "$work/r2" --internet "$wrong" -- true >/dev/null 2>"$work/err"
	code=$?
	result "$([ $code = 2 ] || [ $code = 3 ] || [ $code = 4 ]; echo $?)" "--internet ${wrong/$work\//} is refused"
	result "$([ ! -e "$work/r2" ]; echo $?)" "... before anything runs"
done

# A network of two: `gate` is let through, `far` is a host there. Neither touches the machine's own.
gate=hm-gate-$$ far=hm-far-$$
command -v ip >/dev/null || { echo "1..$n # no ip: nothing of mode gateway"; exit $failed; }
away() {
	[ -z "${servers:-}" ] || kill $servers 2>/dev/null
	ip netns del "$gate" 2>/dev/null
	ip netns del "$far" 2>/dev/null
	rm -rf "/etc/netns/$gate" "$work"
	rmdir /etc/netns 2>/dev/null
}
trap away EXIT
ip netns add "$gate" && ip netns add "$far" && ip -n "$gate" link add g0 type veth peer name f0 netns "$far" &&
	ip -n "$gate" address add 192.0.2.1/24 dev g0 && ip -n "$far" address add 192.0.2.2/24 dev f0 &&
	ip -n "$gate" link set g0 up && ip -n "$gate" link set lo up && ip -n "$far" link set f0 up || exit 1
mkdir -p "/etc/netns/$gate"
echo "nameserver 192.0.2.2" >"/etc/netns/$gate/resolv.conf"
echo "192.0.2.2 hosts.example" >"/etc/netns/$gate/hosts"
here=$(dirname "$(realpath "$0")")
ip netns exec "$far" /usr/bin/python3 "$here/far.py" 192.0.2.2 192.0.2.1 >"$work/ready" 2>"$work/far.err" &
servers=$!
ip netns exec "$gate" /usr/bin/python3 "$here/far.py" 0.0.0.0 192.0.2.1 >"$work/ready2" 2>>"$work/far.err" &
servers="$servers $!"
for _ in $(seq 100); do [ -s "$work/ready" ] && [ -s "$work/ready2" ] && break; sleep 0.1; done
cat >"$work/client.py" <<'CLIENT'
import hashlib, os, socket
def tcp(name, to, port=80, said=b"hello"):
    try:
        s = socket.create_connection((to, port), 10)
        s.sendall(said)
        s.shutdown(socket.SHUT_WR)
        heard = b""
        while chunk := s.recv(1 << 16):
            heard += chunk
        print(name, heard.decode() if len(heard) < 100 else heard == said, flush=True)
    except OSError as e:
        print(name, type(e).__name__, flush=True)
def udp(name, to, port, said):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect((to, port))
    s.send(said)
    print(name, s.recv(1000), flush=True)
tcp("name", "service.example")
tcp("hosts", "hosts.example")
tcp("literal", "192.0.2.2")
tcp("big", "service.example", 9000, os.urandom(8 << 20))
udp("udp", "service.example", 700, b"abc")
udp("txt", "192.0.2.2", 53, b"\\1\\2\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\7service\\7example\\0\\0\\x10\\0\\1")
tcp("shut", "service.example", 81)
tcp("nobody", "nobody.example")
tcp("loop", "loop.example")
tcp("gate", "gate.example")
tcp("gate-literal", "192.0.2.1")
tcp("cloud", "169.254.169.254")
CLIENT
sed -i 's/\\\\/\\/g' "$work/client.py"
timeout 120 "$hallmark" observe -o "$work/g" --internet "gateway=$gate" -- /usr/bin/python3 -c "$(cat "$work/client.py")" >"$work/heard" 2>"$work/err"
for wanted in "name from afar: hello" "hosts from afar: hello" "literal from afar: hello" "big True" "udp b'ABC'"; do
	result "$(grep -qF "$wanted" "$work/heard"; echo $?)" "gateway: $wanted"
done
result "$(grep -q '^txt.*text far' "$work/heard"; echo $?)" "gateway: a record that is no address comes from the resolver there"
for wanted in shut nobody loop gate gate-literal cloud; do
	result "$(grep -q "^$wanted ConnectionResetError" "$work/heard"; echo $?)" "gateway: no way to $wanted"
done
assess third simulated 'openssl s_client -verify_return_error -no-CAfile -no-CApath -no-CAstore -connect a.example:443 </dev/null
openssl s_client -connect a.example:443 </dev/null'
result "$(ask third "part('assessment.json')['runs'][0]['tls'] == {'accepted': 1, 'failed': 0, 'keys_lost': 0, 'refused': 1}"; echo $?)" "a refused certificate is in assessment.json"
assess fourth "gateway=$gate" 'exec 3<>/dev/tcp/service.example/80; echo hello >&3; cat <&3'
result "$(ask fourth "f['experiment']['internet'] == 'gateway' and not [n for n in zipfile.ZipFile(sys.argv[1] + '.hallmark').namelist() if n == 'scenario.json']"; echo $?)" \
	"gateway: the findings say so"
"$verify" "$work/fourth.hallmark" --key "$work/key.pem.pub" >"$work/said"
result "$(! grep -q FALSE "$work/said"; echo $?)" "gateway: the bundle is sound"
"$hallmark" observe -o "$work/r4" --internet "replay=$work/fourth.hallmark" -- bash -c 'exec 3<>/dev/tcp/service.example/80; echo hello >&3; cat <&3' >"$work/heard" 2>>"$work/err"
result "$(grep -q '^from afar: hello' "$work/heard"; echo $?)" "what a gateway let through is replayed without it"
"$hallmark" observe -o "$work/r5" --internet gateway=hm-no-such-network -- true >/dev/null 2>"$work/err"
result "$([ $? = 4 ] && grep -q hm-no-such-network "$work/err"; echo $?)" "gateway: a network that is not there is told"
"$hallmark" observe -o "$work/r6" --internet gateway=../gate -- true >/dev/null 2>"$work/err"
result "$([ $? = 3 ]; echo $?)" "gateway: nor does a name lead elsewhere"
[ $failed = 0 ] || sed 's/^/# /' "$work"/*.err "$work/err" "$work/said" "$work/heard"
echo "1..$n"
exit $failed
