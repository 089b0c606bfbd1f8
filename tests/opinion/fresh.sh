#!/bin/bash
# An experiment made here and now: the second verifier derives the same findings from it, all but what it says it takes.  fresh.sh BUILD SOURCE
set -u
build=$(realpath "$1") source=$(realpath "$2")
skip() {
	echo "1..0 # SKIP $1"
	exit 0
}
[ "$(id -u)" = 0 ] || skip "needs root"
command -v go >/dev/null || skip "no Go here (scripts/setup opinion installs it)"
command -v pyzor >/dev/null || skip "pyzor is not installed"
work=$(mktemp -d /var/tmp/hallmark-opinion-XXXXXX)
export HALLMARK_WORK=$work/w
trap 'rm -rf "$work"' EXIT
n=0 failed=0
result() { # GOOD TEXT [FILE]
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else
		echo "not ok $n - $2"
		[ -z "${3:-}" ] || sed 's/^/# /' "$3"
		failed=1
	fi
}
GOCACHE=$build/second-opinion/cache "$source/second-opinion/build" "$work/second" 2>"$work/said"
code=$?
[ $code != 77 ] || skip "$(cat "$work/said")"
result $code "it builds" "$work/said"
cd "$work" || exit 1
"$build/hallmark" assess --product pyzor --pairs 8 --factors content -q -o fresh.hallmark 2>said
[ $? -le 2 ] && [ -e fresh.hallmark ]
result $? "an experiment was made" said
"$build/hallmark-verify" fresh.hallmark >first
one=$?
./second fresh.hallmark >said
two=$?
[ $one = $two ] && ! grep -q FALSE said
result $? "both say the same of it (exit $one and $two)" said
grep -q '^  holds  *findings ' said
result $? "the same findings, byte for byte" said
! grep '^  taken ' said | grep -qvE '^  taken *(features|planted) '
result $? "nothing was taken but how messages are split into fields, and that documents follow from the seed" said
echo "1..$n"
exit $failed
