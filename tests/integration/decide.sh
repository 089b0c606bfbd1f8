#!/bin/sh
# decide as a user meets it: answers and exit codes by classification, day and relation; what is refused. Starts nothing. decide.sh HALLMARK SOURCE
set -u
hallmark=$1
source=$2
number=0 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# expect CODE TEXT ARGUMENT...: the exit code, and TEXT in what it prints.
expect() {
	code=$1 text=$2
	shift 2
	number=$((number + 1))
	"$hallmark" decide "$@" >"$tmp/out" 2>&1
	got=$?
	if [ $got -eq "$code" ] && grep -qF -e "$text" "$tmp/out"; then
		echo "ok $number - decide $*"
	else
		echo "not ok $number - decide $*: exit $got, wanted $code with: $text"
		sed 's/^/# /' "$tmp/out"
		failed=1
	fi
}

expect 1 'prohibited, by the rule secret' --policy ncsc-2017 --classification SECRET --product kesl
expect 1 'TOP SECRET' --policy ncsc-2017 --classification 'TOP SECRET' --product kesl
expect 0 'allowed' --policy ncsc-2017 --classification OFFICIAL --product kesl
expect 1 'rule named-department' --policy ncsc-2017 --classification OFFICIAL --scope named-department --product kesl
expect 0 'allowed' --policy ncsc-2017 --classification SECRET --product clamscan
expect 2 'who controls pyzor-project' --policy ncsc-2017 --classification SECRET --product pyzor
expect 2 'none is on 2017-11-30' --policy ncsc-2017 --classification SECRET --product kesl --as-of 2017-11-30
expect 0 '"answer":"allowed"' --policy commerce-2024 --product kesl --exemption agreed-before --as-of 2024-09-28 --json
expect 2 'of which day' --policy commerce-2024 --product kesl --exemption agreed-before --as-of 2024-09-29
expect 2 'sealed only' --policy template --classification OFFICIAL --product kesl --as-of 2024-06-01
expect 0 'unless board-exemption' --policy template --classification OFFICIAL --product kesl --as-of 2024-06-01 --exemption board-exemption
expect 2 'sealed only' --policy template --classification OFFICIAL --product kesl --as-of 2027-01-01 --exemption board-exemption
# The bundle is verified, and its verdicts are those that are derived here.
expect 2 'collect.content refuted' --policy ncsc-2017 --classification SECRET --bundle "$source/tests/golden/v4/sample.hallmark"
head -c 2000 "$source/tests/golden/v4/sample.hallmark" >"$tmp/cut.hallmark"
expect 1 'cannot be derived' --policy ncsc-2017 --classification SECRET --bundle "$tmp/cut.hallmark"
# Two relations of one supplier, and a target of which a part was not read.
expect 1 'coverage' --policy "$source/data/policies/ncsc-2017.json" --classification SECRET --found "$source/tests/fuzz/corpus/found/one" --json
expect 3 'one of --found' --policy ncsc-2017 --classification SECRET
expect 3 'knows: OFFICIAL, SECRET, TOP SECRET' --policy ncsc-2017 --product kesl
expect 3 'no rule of bod-17-01 has granted' --policy bod-17-01 --product kesl --exemption granted
expect 3 'is no date' --policy bod-17-01 --product kesl --as-of yesterday
expect 3 'go with --bundle' --policy bod-17-01 --product kesl --key x
expect 4 'policies: ls' --policy none-2017 --product kesl
echo '{"schema":"hallmark/found/v9"}' >"$tmp/later"
expect 2 'of a later version' --policy bod-17-01 --found "$tmp/later"
echo "1..$number"
exit $failed
