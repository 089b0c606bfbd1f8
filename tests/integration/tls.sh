#!/bin/bash
# HTTPS in a chamber: programs that trust the system's stores are answered, one that does not refuses and is counted, and the
# packet file opens in the clear.
#   tls.sh BUILD SOURCE
set -u
build=$(realpath "$1") source=$(realpath "$2")
hallmark=$build/hallmark
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-tls-XXXXXX)
trap 'rm -rf "$work"' EXIT
export HALLMARK_WORK=$work/w HALLMARK_DATA=$work/data
n=0 failed=0
result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}
cp -r "$source/data" "$work/data"
sed -i 's|^http:$|http:\n  - host: anything.example\n    path: "*"\n    text: "from the scenario\\n"|' "$work/data/scenarios/default.yaml"
before=$(sha256sum /etc/ssl/certs/ca-certificates.crt)

# observe NAME COMMAND...
observe() {
	local name=$1
	shift
	SSL_CERT_FILE=/nonexistent CURL_CA_BUNDLE=/nonexistent timeout 120 "$hallmark" observe -o "$work/$name" --internet simulated --time-limit 60 -- "$@" \
		>"$work/$name.out" 2>"$work/$name.err"
}
# What each client prints stands behind its name. One that is not installed prints nothing.
cat >"$work/data/clients" <<'CLIENTS'
client() { command -v "$2" >/dev/null || { echo "$1: missing"; return; }; name=$1; shift; echo "$name: $("$@" 2>&1 | tr '\n' ' ')"; }
s_client() { printf 'GET / HTTP/1.1\r\nHost: anything.example\r\n\r\n' | openssl s_client -quiet -verify_return_error -verify_hostname anything.example \
	-no-CAfile -no-CAstore -CApath /etc/ssl/certs -connect anything.example:443 2>/dev/null; }
client curl curl -sS https://anything.example/path
client address curl -sS -H "Host: anything.example" https://203.0.113.7:8443/
client tls-1.2 curl -sS --tls-max 1.2 https://anything.example/
client python /usr/bin/python3 -c 'import urllib.request; print(urllib.request.urlopen("https://anything.example/").read().decode())'
touch /etc/ssl/certs/new.pem
client wget wget -qO- https://anything.example/
client folder s_client
client java keytool -list -keystore /etc/ssl/certs/java/cacerts -storepass changeit -alias debian:chamber_root_ca.pem
CLIENTS
observe clients sh -c "$(cat "$work/data/clients")"
for name in curl address tls-1.2 python wget folder; do
	case $(grep "^$name: " "$work/clients.out") in
	*": missing") n=$((n + 1)); echo "ok $n - $name # SKIP not installed" ;;
	*) result "$(grep -q "^$name: .*from the scenario" "$work/clients.out"; echo $?)" "$name is answered" ;;
	esac
done
if grep -q '^java: missing' "$work/clients.out" ||
	[ "$(head -c 4 /etc/ssl/certs/java/cacerts 2>/dev/null | od -An -tx1 | tr -d ' ')" != feedfeed ]; then
	n=$((n + 1)); echo "ok $n - Java's store # SKIP none of type JKS, or no keytool"
else
	result "$(grep -q '^java: .*trustedCertEntry' "$work/clients.out"; echo $?)" "Java's store has the authority"
fi
result "$(grep -q 'TLS: [1-9][0-9]* handshakes accepted, 0 refused by the command, 0 failed' "$work/clients.err"; echo $?)" "every handshake is counted as accepted"
[ $failed = 0 ] || sed 's/^/# /' "$work/clients.out" "$work/clients.err"

# Protocols that go over to TLS: each client says in it what it came to say.
cat >"$work/data/starters" <<'STARTERS'
client() { command -v "$2" >/dev/null || { echo "$1: missing"; return; }; name=$1; shift; "$@" >/tmp/said 2>&1 && echo "$name: well" || { echo "$name: $(tr '\r\n' '  ' </tmp/said)"; }; }
start() { echo | openssl s_client -brief -verify_return_error -verify_hostname mx.example -starttls "$1" -connect "mx.example:$2"; }
printf 'From: a@b\r\nTo: c@d\r\nSubject: s\r\n\r\nthe mail\r\n' >/tmp/mail
for s in xmpp:5222 xmpp-server:5269 postgres:5432 mysql:3306 nntp:119 sieve:4190 irc:6667 ldap:389; do client "${s%:*}" start "${s%:*}" "${s#*:}"; done
client smtp curl -sS --ssl-reqd smtp://mx.example:587 -u u:p --mail-from a@b --mail-rcpt c@d -T /tmp/mail
client smtps curl -sS smtps://mx.example --mail-from a@b --mail-rcpt c@d -T /tmp/mail
client imap curl -sS --ssl-reqd imap://mx.example/INBOX -u u:p -T /tmp/mail
client pop3 curl -sS --ssl-reqd pop3://mx.example/ -u u:p
client ftp curl -sS --ssl-reqd ftp://mx.example/folder/file --ftp-create-dirs -T /tmp/mail
client swaks swaks --to c@d --from a@b --server mx.example --tls --body text
client psql psql 'host=mx.example user=u dbname=d sslmode=verify-full sslrootcert=/etc/ssl/certs/ca-certificates.crt' -c "insert into t values ('the statement')"
client ldapsearch ldapsearch -x -ZZ -H ldap://mx.example -b dc=example
STARTERS
observe starters bash -c "$(cat "$work/data/starters")"
while IFS=: read -r name said; do
	case $said in
	" missing") n=$((n + 1)); echo "ok $n - $name # SKIP not installed" ;;
	*) result "$([ "$said" = " well" ]; echo $?)" "$name goes over to TLS$([ "$said" = " well" ] || echo ": $said")" ;;
	esac
done <"$work/starters.out"
result "$(grep -q 'TLS: 1[5-9] handshakes accepted, 0 refused by the command, 0 failed\|TLS: 2[0-9] handshakes accepted, 0 refused by the command, 0 failed' "$work/starters.err"; echo $?)" "... and is counted"

# A root that is not the chamber's.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=other -out "$work/other.pem" 2>/dev/null
observe refused sh -c "echo '$(cat "$work/other.pem")' >/tmp/other.pem
	curl -sS --capath /nonexistent --cacert /tmp/other.pem https://anything.example/; echo \"exit \$?\""
result "$(grep -q '^exit 60' "$work/refused.out"; echo $?)" "curl that trusts another root refuses"
result "$(grep -q 'TLS: 0 handshakes accepted, 1 refused' "$work/refused.err"; echo $?)" "... and that is counted"
result "$([ "$before" = "$(sha256sum /etc/ssl/certs/ca-certificates.crt)" ]; echo $?)" "the host's store is as it was"
/usr/bin/python3 - "$work/clients.tree" <<'PY'
import sys, zstandard
data = open(sys.argv[1], "rb").read()
tree, at = b"", data.find(b"\x28\xb5\x2f\xfd")
while at >= 0:
    tree += zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
    at = data.find(b"\x28\xb5\x2f\xfd", at + 1)
assert b"/etc/ssl/certs/new.pem" in tree, "what the command left is not there"
assert b"ca-certificates.crt" not in tree and b"cacerts" not in tree and tree.count(b"/etc/ssl/certs/") == 1
PY
result $? "planted stores are not told as changes"

# A database of NSS's, on a host that has one: for this the tests' own namespace has another /etc.
if command -v certutil >/dev/null; then
	mkdir "$work/etc"
	cp -a /etc/. "$work/etc/"
	rm -rf "$work/etc/pki/nssdb"
	mkdir -p "$work/etc/pki/nssdb"
	certutil -N --empty-password -d "sql:$work/etc/pki/nssdb"
	database=$(cat "$work"/etc/pki/nssdb/*.db | sha256sum)
	export -f observe
	work=$work hallmark=$hallmark unshare -m bash -c 'mount --bind "$work/etc" /etc && observe nss certutil -L -d sql:/etc/pki/nssdb'
	result "$(grep -q 'hallmark chamber *C,,' "$work/nss.out"; echo $?)" "the authority is trusted in NSS's database"
	result "$([ "$database" = "$(cat "$work"/etc/pki/nssdb/*.db | sha256sum)" ]; echo $?)" "... and the host's database is as it was"
	/usr/bin/python3 - "$work/nss.tree" cert9.db <<'PY'
import sys, zstandard
data, at, tree = open(sys.argv[1], "rb").read(), 0, b""
while (at := data.find(b"\x28\xb5\x2f\xfd", at)) >= 0:
    tree += zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
    at += 1
sys.exit(sys.argv[2].encode() in tree)
PY
	result $? "... which is no change by the command"
else
	n=$((n + 1)); echo "ok $n - NSS's database # SKIP no certutil"
fi

if command -v tshark >/dev/null; then
	tshark -N n -r "$work/clients.pcapng" -Y 'http.request' -T fields -e http.host -e http.request.uri -e ip.dst_host >"$work/shark" 2>"$work/shark.err"
	result "$(grep -q '^anything.example	/path	anything.example' "$work/shark"; echo $?)" "tshark reads the request in the clear, and names the address"
	tshark -n -r "$work/refused.pcapng" -Y 'tls.alert_message' -T fields -e tls.alert_message.desc >"$work/shark" 2>>"$work/shark.err"
	result "$(grep -q '^48' "$work/shark"; echo $?)" "... and the alert of the one that refused: unknown authority"
	tshark -n -r "$work/starters.pcapng" -Y 'imf || ftp.request || imap.request || pgsql.query' -T fields -e imf.subject -e ftp.request.arg -e imap.request -e pgsql.query >"$work/shark" 2>>"$work/shark.err"
	for what in '^s	' '	file' 'APPEND INBOX' "the statement"; do
		result "$([ "$what" = "the statement" ] && ! command -v psql >/dev/null || grep -q "$what" "$work/shark"; echo $?)" "... reads behind STARTTLS: $what"
	done
	result "$(! grep -iE 'error|malformed|cut short' "$work/shark.err"; echo $?)" "... without complaint"
fi
echo "1..$n"
exit $failed
