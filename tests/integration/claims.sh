#!/bin/bash
# Claims about how what leaves is protected, what a declaration admits to, and the machine's address, by real programs.
#   claims.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify")
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
command -v curl >/dev/null || { echo "1..0 # SKIP no curl"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-claims-XXXXXX)
export HALLMARK_WORK=$work/w
trap 'rm -rf "$work"' EXIT
n=0 failed=0
result() { # CONDITION-EXIT TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/# /' "$work/err" | head -n 5; failed=1; fi
}
"$hallmark" keygen "$work/key.pem" >/dev/null || exit 1
assess() { # NAME OPTION... -- COMMAND...
	local name=$1
	shift
	timeout 400 "$hallmark" assess --key "$work/key.pem" --json -o "$work/$name.hallmark" "$@" >"$work/$name.json" 2>"$work/err"
}
ask() { # NAME EXPRESSION: of the findings `f` and its claims by their ids `c`, must be true
	/usr/bin/python3 -c "
import json, sys
f = json.load(open(sys.argv[1]))
c = {row['id']: row for row in f['claims']}
told = lambda id: (c[id]['verdict'], c[id]['reason']) if id in c else next(row['reason'] for row in f['not_tested'] if row['id'] == id)
sys.exit(0 if $2 else 1)" "$work/$1.json"
}
verified() { "$verify" "$work/$1.hallmark" --key "$work/key.pem.pub" >"$work/said"; ! grep -q FALSE "$work/said" && grep -q 'holds .*findings' "$work/said"; }

assess careful -- curl -s https://vendor.example/
ask careful "told('collect.authenticated') == ('upheld', 'certificate.refused') and [c['collect.authenticated']['values'][k] for k in ('authority', 'name', 'expired', 'trusted')] == [1, 1, 1, 1]"
result $? "curl refuses every wrong certificate"
ask careful "told('collect.encrypted') == ('upheld', 'bytes.sealed') and c['collect.encrypted']['values']['bytes'] > 50"
result $? "... and what it sends cannot be read on the way"
verified careful
result $? "... its bundle verifies"
assess careless -- curl -k -s https://vendor.example/
ask careless "told('collect.authenticated') == ('refuted', 'certificate.accepted') and c['collect.authenticated']['values']['handshakes'] == 3 and c['collect.authenticated']['evidence'][0]['layer'] == 'tls'"
result $? "curl -k refuses none"
verified careless
result $? "... its bundle verifies"
assess proxied -- curl -s -x http://proxy.example:3128 --data-binary '@/srv/documents/letter.eml' https://vendor.example/
ask proxied "told('collect.content') == ('refuted', 'content.token') and c['collect.content']['evidence'][0]['layer'] == 'tls' and told('collect.authenticated')[0] == 'upheld'"
result $? "TLS in a proxy's tunnel is opened, and its certificates are put to the test"
ask proxied "told('collect.encrypted') == ('refuted', 'bytes.readable') and c['collect.encrypted']['evidence'][0]['offset'] == 0"
result $? "... and what the proxy is asked can be read"
assess clear -- bash -c 'echo "a report in the clear" >/dev/udp/vendor.example/99'
ask clear "told('collect.encrypted') == ('refuted', 'bytes.readable') and told('collect.authenticated') == 'no tls'"
result $? "who uses no TLS is not asked whom he trusts, and can be read"

cat >"$work/declared.yaml" <<'END'
product: bash
author: assessor
source: a test
collects:
  - {value: sha256, to: "vendor.example:99/udp"}
END
assess declared --declaration "$work/declared.yaml" --pairs 7 --factors content -- \
	bash -c 'sum=$(sha256sum {target}/*.eml); echo "sum=${sum:0:64}" >/dev/udp/vendor.example/99'
ask declared "told('declared.collection') == ('upheld', 'collection.declared') and told('collect.content')[0] == 'refuted' and f['influence'] and all(i['declared'] for i in f['influence'])"
result $? "a digest that the declaration names is marked and upheld, and refutes collect.content all the same"
ask declared "[i['declared'] for row in f['ledger'] for i in row['influenced']] == [True]"
result $? "... in the ledger, too"
verified declared
result $? "... its bundle verifies"
assess address --declaration "$work/declared.yaml" --pairs 7 --factors host.address -- bash -c 'hostname -I >/dev/udp/vendor.example/99'
ask address "[(i['factor'], i['feature'], i['declared']) for i in f['influence']] == [('host.address', '0.0.data', False)] and told('declared.collection') == ('refuted', 'collection.undeclared')"
result $? "who sends the machine's address in a payload is found, and its packets' headers tell nothing more"
verified address
result $? "... its bundle verifies"
assess six -- /usr/bin/python3 -c 'import socket
try:
    socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"a report", ("2001:db8::9", 99))
except OSError:
    pass'
ask six "told('collect.content') == ('not verifiable', 'way.missing') and c['collect.content']['values'] == {'calls': 1, 'runs': 1}"
result $? "what is sent to an IPv6 address, which a chamber has no way for, is told"
verified six
result $? "... its bundle verifies"
echo "1..$n"
exit $failed
