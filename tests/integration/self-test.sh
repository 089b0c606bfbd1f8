#!/bin/bash
# The self-test as a user meets it: doctor --chamber, its exit codes, and its place in a bundle.
#   self-test.sh BUILD
set -u
build=$(realpath "$1")
hallmark=$build/hallmark verify=$build/hallmark-verify
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-selftest-XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
export HALLMARK_WORK=$work/w
n=0 failed=0
result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}
# doctor NAME CODE TEXT [OPTION...]
doctor() {
	local name=$1 wanted=$2 text=$3
	shift 3
	timeout 120 "$hallmark" doctor "$@" >"$work/$name" 2>"$work/$name.err"
	local code=$?
	result "$([ $code = "$wanted" ]; echo $?)" "$text: exit $code"
	[ $code = "$wanted" ] || sed 's/^/# /' "$work/$name" "$work/$name.err"
}
doctor simulated 0 "doctor --chamber" --chamber
result "$(grep -q '^The self-test is green' "$work/simulated" && ! grep -q MISSED "$work/simulated"; echo $?)" "... says that it is green, and names nothing missed"
for way in read pread mmap sendfile scm_rights tcp udp daemon io_uring packet flood path look record; do
	grep -Eq "^(seen|denied) +(read|send|refuse|state) +$way " "$work/simulated" || { echo "# no row for $way"; false; }
	result $? "... tells of $way"
done
doctor closed 0 "with the internet closed" --chamber --internet closed
result "$(grep -q '^denied *refuse outside' "$work/closed"; echo $?)" "... nothing gets out there"
doctor usage 3 "--internet without --chamber" --internet closed
doctor mode 3 "an internet mode that is none" --chamber --internet open
doctor plain 0 "without a chamber it looks at the kernel alone"
result "$(! grep -q 'self-test' "$work/plain"; echo $?)" "... and runs no self-test"
cp "$hallmark" "$work/"
(cd / && setpriv --reuid 65534 --clear-groups env HALLMARK_WORK=/var/tmp/hallmark-nobody "$work/hallmark" doctor --chamber >"$work/nobody" 2>&1)
result "$([ $? = 4 ] && grep -q '^hallmark: .*root' "$work/nobody"; echo $?)" "as nobody: exit 4, and the error says why"
result "$(! "$hallmark" --help | grep -q self-test-subject; echo $?)" "the subject is no command"

"$hallmark" keygen "$work/key.pem" >/dev/null
for mode in simulated closed; do
	timeout 120 "$hallmark" assess --key "$work/key.pem" -o "$work/$mode.hallmark" --quiet --internet $mode -- /bin/true 2>"$work/err"
	code=$?
	result "$([ $code -le 2 ]; echo $?)" "assess with $mode internet: exit $code"
	[ $code -le 2 ] || sed 's/^/# /' "$work/err"
	/usr/bin/python3 - "$work/$mode.hallmark" $mode <<'PY'
import json, sys, zipfile
test = json.loads(zipfile.ZipFile(sys.argv[1]).read("assessment.json"))["chamber"]["self_test"]
rows = {row["way"]: row for row in test["rows"]}
assert test["result"] == "passed", test["result"]
assert len(rows) == len(test["rows"]) > 40
assert not [way for way, row in rows.items() if row["result"] == "missed"]
assert "syscall" in rows["pread"]["witnesses"] and rows["aio"]["result"] == "denied"
assert ("packet" in rows["udp"]["witnesses"]) == (sys.argv[2] == "simulated")
assert ("outside" in rows) == (sys.argv[2] == "closed")
PY
	result $? "... and its bundle holds the self-test, way by way"
	"$verify" "$work/$mode.hallmark" --key "$work/key.pem.pub" >"$work/out"
	result "$([ $? -le 2 ] && ! grep -q FALSE "$work/out"; echo $?)" "... and verifies"
done
result "$([ -z "$(find "$work/w" -mindepth 1 -maxdepth 1 ! -name 'lock*')" ] && ! grep -q "$work" /proc/mounts; echo $?)" "nothing is left behind"
echo "1..$n"
exit $failed
