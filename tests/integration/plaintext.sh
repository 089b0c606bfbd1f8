#!/bin/bash
# Plaintext that is given to TLS by programs that trust a certificate of their own, behind a gateway: the record has it, whichever library and
# function it was, and what cannot be seen is not made up.
#   plaintext.sh BUILD SOURCE [FOLDER]     FOLDER has the subjects; default: BUILD/tests
set -u
build=$(realpath "$1") source=$(realpath "$2") subjects=$(realpath "${3:-$1/tests}")
hallmark=$build/hallmark
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
command -v ip >/dev/null || { echo "1..0 # SKIP no ip"; exit 0; }
/usr/bin/python3 -c 'import cbor2, zstandard' 2>/dev/null || { echo "1..0 # SKIP no cbor2 or zstandard"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-plaintext-XXXXXX)
things=$(mktemp -d /opt/hallmark-plaintext-XXXXXX) # a chamber has folders of its own for what is temporary
export HALLMARK_WORK=$work/w
gate=hm-gate-$$ far=hm-far-$$
away() {
	[ -z "${servers:-}" ] || kill $servers 2>/dev/null
	ip netns del "$gate" 2>/dev/null
	ip netns del "$far" 2>/dev/null
	rm -rf "$work" "$things"
}
trap away EXIT
n=0 failed=0
result() { # CONDITION-EXIT TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}
ip netns add "$gate" && ip netns add "$far" && ip -n "$gate" link add g0 type veth peer name f0 netns "$far" &&
	ip -n "$gate" address add 192.0.2.1/24 dev g0 && ip -n "$far" address add 192.0.2.2/24 dev f0 &&
	ip -n "$gate" link set g0 up && ip -n "$gate" link set lo up && ip -n "$far" link set f0 up || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key.pem" -subj /CN=far.example -addext subjectAltName=DNS:far.example,IP:192.0.2.2 \
	-days 3650 -out "$work/pinned.pem" 2>/dev/null && openssl x509 -in "$work/pinned.pem" -outform DER -out "$work/pinned.der" || exit 1
ip netns exec "$far" /usr/bin/python3 "$source/tests/integration/far_tls.py" "$work/pinned.pem" "$work/key.pem" >"$work/ready" 2>"$work/far.err" &
servers=$!
for _ in $(seq 100); do [ -s "$work/ready" ] && break; sleep 0.1; done
for s in openssl gnutls nss; do [ ! -x "$subjects/${s}_subject" ] || cp "$subjects/${s}_subject" "$things/"; done
head -c 150 /dev/urandom | base64 >"$things/said"
cp "$work/pinned.pem" "$work/pinned.der" "$things/"
observe() { # NAME COMMAND
	timeout 120 "$hallmark" observe -o "$work/$1" --internet "gateway=$gate" --time-limit 60 -- sh -c "$2" >"$work/$1.out" 2>"$work/$1.err"
}
# given NAME EXPRESSION: of `said`, and of `calls`, those of the record outside others: dicts with function, length, cut, data, nested, taken (None where it is not
# told) and `held` of their library
given() {
	/usr/bin/python3 "$source/tests/integration/plaintext.py" "$source" "$work/$1" "$things/said" "$2"
}
# subject LIBRARY FORM EXPRESSION: runs it, and checks the calls
subject() {
	[ -x "$things/$1_subject" ] || { n=$((n + 1)); echo "ok $n - $1 $2 # SKIP not built"; return; }
	local authority=pinned.pem
	[ "$1" != nss ] || authority=pinned.der
	observe "$1-$2" "$things/$1_subject $2 192.0.2.2 443 $things/$authority $things/said"
	given "$1-$2" "$3" 2>>"$work/$1-$2.err"
	result $? "$1 $2: $(tr '\n' ' ' <"$work/$1-$2.out")"
}
whole='len(calls) == 1 and calls[0]["data"] == said and calls[0]["length"] == len(said) and not calls[0]["cut"] and calls[0]["held"]'
subject openssl write "$whole and calls[0]['function'] == 0 and calls[0]['taken'] == len(said) and calls[0]['port'] == 443"
subject openssl write_ex "$whole and calls[0]['function'] == 1 and calls[0]['taken'] == len(said) and calls[0]['port'] == 443"
subject openssl early "$whole and calls[0]['function'] == 3 and calls[0]['taken'] == 0"
subject openssl parts "len(calls) == 3 and b''.join(c['data'] for c in calls) == said and len({c['connection'] for c in calls}) == 1"
subject openssl absent "$whole"
subject openssl big "len(calls) == 1 and calls[0]['length'] == 400000 and len(calls[0]['data']) == 262144 and calls[0]['cut'] and said in calls[0]['data']"
subject openssl bio "$whole and calls[0]['port'] is None"
subject gnutls send "$whole and calls[0]['function'] == 8 and calls[0]['taken'] == len(said) and calls[0]['port'] == 443"
subject gnutls send2 "$whole and calls[0]['function'] == 9 and calls[0]['taken'] == len(said)"
subject gnutls range "$whole and calls[0]['function'] == 11 and calls[0]['taken'] == len(said)"
subject gnutls early "$whole and calls[0]['function'] == 10"
subject gnutls file "b''.join(c['data'] for c in calls) == said"
subject gnutls cork "$whole and calls[0]['function'] == 8"
subject nss write "$whole and calls[0]['function'] == 16 and calls[0]['taken'] == len(said) and calls[0]['port'] == 443"
subject nss send "$whole and calls[0]['function'] == 17 and calls[0]['taken'] == len(said)"
subject nss writev "len(calls) == 1 and calls[0]['data'] == said and calls[0]['function'] == 18"
subject nss plain "calls == []"

# The library in another place, under another name: found by what it has. And linked into the program.
lib=$(ldd "$things/openssl_subject" | sed -n 's/.*libssl[^ ]* => \([^ ]*\) .*/\1/p')
if [ -n "$lib" ]; then
	observe copy "mkdir /tmp/l && cp $lib /tmp/l/ && LD_LIBRARY_PATH=/tmp/l $things/openssl_subject write 192.0.2.2 443 $things/pinned.pem $things/said"
	given copy "$whole and libraries and libraries[0]['layer'] == 2"
	result $? "a copy of the library, made in the run"
	observe deleted "mkdir /tmp/l && cp $lib /tmp/l/ && cat >/tmp/go <<-'GO'
	LD_LIBRARY_PATH=/tmp/l $things/openssl_subject write 192.0.2.2 443 $things/pinned.pem $things/said & sleep 0.01; rm -r /tmp/l; wait
	GO
	sh /tmp/go"
	given deleted "len(calls) in (0, 1) and (not calls or calls[0]['data'] == said)"
	result $? "... and removed while it runs"
fi
# The judge: a document in what a pinned connection was given refutes, with the events; the bundle verifies.
if [ -x "$things/openssl_subject" ]; then
	"$hallmark" keygen "$work/sign.pem" >/dev/null
	timeout 300 "$hallmark" assess --key "$work/sign.pem" --internet "gateway=$gate" --json -o "$work/leak.hallmark" -- \
		sh -c "cat {target}/*.txt >/tmp/all; $things/openssl_subject write 192.0.2.2 443 $things/pinned.pem /tmp/all" >"$work/leak.json" 2>"$work/leak.err"
	/usr/bin/python3 -c 'import json, sys
f = json.load(open(sys.argv[1]))
c = next(c for c in f["claims"] if c["id"] == "collect.content")
good = c["verdict"] == "refuted" and c["reason"] == "content.given" and c["evidence"] and all("event" in e for e in c["evidence"])
rows = [r for r in f["influence"] if r["feature"] == "given.token" and r["layer"] == "tls" and r["endpoint"] == "[192.0.2.2]:443/tcp"]
sys.exit(0 if good and rows else 1)' "$work/leak.json" 2>>"$work/leak.err"
	result $? "a document that a pinned connection was given refutes"
	"$build/hallmark-verify" "$work/leak.hallmark" --key "$work/sign.pem.pub" >"$work/leak.out" 2>>"$work/leak.err"
	result "$(! grep -q FALSE "$work/leak.out" && [ -s "$work/leak.out" ]; echo $?)" "... and the bundle verifies"
	"$hallmark" report "$work/leak.hallmark" -o "$work/leak.html" >>"$work/leak.out" 2>>"$work/leak.err"
	result "$(grep -q 'given to TLS' "$work/leak.html"; echo $?)" "... and its report says so"
fi
# The experiment: a digest in a header that a pinned connection is given is found by the header's name, and the ledger has the bytes by what was given.
if command -v curl >/dev/null; then
	"$hallmark" keygen "$work/pair.pem" >/dev/null
	timeout 300 "$hallmark" assess --key "$work/pair.pem" --internet "gateway=$gate" --pairs 8 --factors content --json -o "$work/pair.hallmark" -- \
		bash -c "curl -sS --cacert $things/pinned.pem -H \"X-Sum: \$(rev {target}/note* | md5sum | cut -c 1-15)\" https://192.0.2.2:8443/report" >"$work/pair.json" 2>"$work/pair.err"
	/usr/bin/python3 -c 'import json, sys
f = json.load(open(sys.argv[1]))
c = next(c for c in f["claims"] if c["id"] == "collect.content")
told = [(i["endpoint"], i["layer"], i["feature"], i["grade"]) for i in f["influence"]]
row = next(r for r in f["ledger"] if r["endpoint"] == "[192.0.2.2]:8443/tcp")
whole = row["constant"] + row["explained"] + row["unaccounted"] + sum(i["bytes"] for i in row["influenced"])
good = c["reason"] == "influence.confirmed" and told == [("[192.0.2.2]:8443/tcp", "tls", "0.given.0.http.header.x-sum", "dependent")]
sys.exit(0 if good and whole == row["wire"] and row["given"] > 0 and sum(i["bytes"] for i in row["influenced"]) == 15 * f["experiment"]["runs"] else 1)' "$work/pair.json" 2>>"$work/pair.err"
	result $? "an experiment finds the header of a pinned connection that holds a digest, and every byte stands in one class"
	"$build/hallmark-verify" "$work/pair.hallmark" --key "$work/pair.pem.pub" >"$work/pair.out" 2>>"$work/pair.err"
	result "$(! grep -q FALSE "$work/pair.out" && grep -q 'holds .*findings' "$work/pair.out"; echo $?)" "... and the bundle verifies"
fi
# TLS of a program's own, without symbols: nothing is told of it, and what it sends stays what nobody could read.
if [ -x "$things/openssl_subject" ] && cc -w "$source/tests/subjects/openssl_subject.c" -o "$things/own_subject" -l:libssl.a -l:libcrypto.a -lpthread -ldl 2>/dev/null; then
	observe static "$things/own_subject write 192.0.2.2 443 $things/pinned.pem $things/said"
	given static 'len(libraries) == 1 and not libraries[0]["held"] and libraries[0]["watched"] & 3 == 3 and (not calls or calls[0]["data"] == said)' 2>>"$work/static.err"
	result $? "a library that is part of the program is found by its symbols, and the record says since when it is watched"
	strip "$things/own_subject"
	timeout 300 "$hallmark" assess --key "$work/sign.pem" --internet "gateway=$gate" --json -o "$work/own.hallmark" -- \
		sh -c "cat {target}/*.txt >/tmp/all; $things/own_subject write 192.0.2.2 443 $things/pinned.pem /tmp/all" >"$work/own.json" 2>"$work/own.err"
	/usr/bin/python3 -c 'import json, sys
c = next(c for c in json.load(open(sys.argv[1]))["claims"] if c["id"] == "collect.content")
sys.exit(0 if c["verdict"] == "not verifiable" and c["reason"] == "bytes.unexplained" else 1)' "$work/own.json" 2>>"$work/own.err"
	result $? "... and without symbols its bytes are opaque: not verifiable"
fi
observe none "true"
given none "calls == [] and libraries == []"
result $? "a program without TLS: no library, no call"
[ $failed = 0 ] || sed 's/^/# /' "$work"/*.err "$work"/*.out
echo "1..$n"
exit $failed
