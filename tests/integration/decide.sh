#!/bin/sh
# decide as a user meets it: answers and exit codes by classification, day and relation; what is refused. Starts nothing. decide.sh HALLMARK SOURCE
set -u
hallmark=$1
source=$2
number=0 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export HALLMARK_DATA="$source/data"

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
# Before, on and after the days on which rules and exceptions begin and end.
day() {
	code=$1 text=$2 policy=$3 when=$4
	shift 4
	expect "$code" "$text" --policy "$policy" --product kesl --as-of "$when" "$@"
}
day 1 'by the rule secret' ncsc-2017 2017-12-01 --classification SECRET
day 2 'none is on 2017-09-12' bod-17-01 2017-09-12
day 1 'by the rule branded' bod-17-01 2017-09-13
day 2 'none is on 2018-09-30' far-52.204-23 2018-09-30
day 1 'by the rule covered-article' far-52.204-23 2018-10-01
day 2 'prohibited: kaspersky, kesl: from 2024-07-20 on, by the rule agreements' commerce-2024 2024-07-19
day 1 'by the rule agreements' commerce-2024 2024-07-20
day 0 'cannot tell: kaspersky, kesl: from 2024-09-29 on, by the rule updates' commerce-2024 2024-09-28 --exemption agreed-before
day 2 'none is on 2025-02-20' pspf-002-2025 2025-02-20
day 1 'by the rule install' pspf-002-2025 2025-02-21
day 2 'prohibited: kaspersky, kesl: from 2025-04-01 on, by the rule install' pspf-002-2025 2025-03-31 --exemption being-removed
day 1 'by the rule install' pspf-002-2025 2025-04-01 --exemption being-removed
# Words that nobody read allow nothing, and the answer says so.
day 2 'none of them were read here' bod-17-01 2018-01-01 --exemption national-security-system
# What it hangs on.
expect 0 'prohibited: kaspersky, kesl: --scope named-department' --policy ncsc-2017 --classification OFFICIAL --product kesl
expect 0 'allowed, by the rule official' --policy ncsc-2017 --classification OFFICIAL --product kesl
expect 1 'allowed: kaspersky, kesl: a system at OFFICIAL' --policy ncsc-2017 --classification SECRET --product kesl
expect 1 'the policy knows of nothing that would change it' --policy far-52.204-23 --product kesl
# The bundle is verified, and its verdicts are those that are derived here.
expect 2 'collect.content refuted' --policy ncsc-2017 --classification SECRET --bundle "$source/tests/golden/v4/sample.hallmark"
head -c 2000 "$source/tests/golden/v4/sample.hallmark" >"$tmp/cut.hallmark"
expect 1 'cannot be derived' --policy ncsc-2017 --classification SECRET --bundle "$tmp/cut.hallmark"
# Where it is, and what it does: a bundle counts for the build that it is of, and for nothing else.
golden=$source/tests/golden/v4
python3 "$source/tests/integration/decide_found.py" "$golden/sample.hallmark" "$tmp" || exit 1
beside() {
	code=$1 text=$2 level=$3 found=$4
	shift 4
	expect "$code" "$text" --policy "$tmp/policy.json" --classification "$level" --found "$tmp/$found.json" --bundle "$golden/sample.hallmark" "$@"
}
key=$golden/key.pem.pub
# Eleven systems in one question, since a bundle is verified anew in each.
"$hallmark" decide --policy "$tmp/policy.json" --classification OFFICIAL --found "$tmp/all.json" --bundle "$golden/sample.hallmark" --key "$key" --json >"$tmp/decision.json" 2>&1
python3 "$source/tests/integration/decide_found.py" "$golden/sample.hallmark" "$tmp" "$tmp/decision.json" "$number" >"$tmp/out" || failed=1
cat "$tmp/out"
number=$((number + $(wc -l <"$tmp/out")))
beside 0 'a system at SECRET' OFFICIAL same --bundle "$source/tests/golden/v5/sample.hallmark" --key "$key"
beside 2 'signed by 0 of the keys that were given, and 1 is asked for' UNSIGNED same
beside 2 'one in which something is false' OFFICIAL same --key "$source/tests/golden/v3/key.pem.pub"
beside 2 'signed by 1 of the keys that were given, and 2 are asked for' TWICE same --key "$key"
beside 2 'no log was shown to have it' LOGGED same --key "$key"
# One of which something is withheld, and one in which something is false.
"$hallmark" redact "$golden/sample.hallmark" --withhold records:1 -o "$tmp/redacted.hallmark" >"$tmp/out" 2>&1 || sed 's/^/# /' "$tmp/out"
python3 "$source/tests/support/alter.py" "$golden/sample.hallmark" "$tmp/false.hallmark" "a['kernel'] = {}"
# spoilt NAME TEXT: it does not count.
spoilt() {
	expect 2 "$2" --policy "$tmp/policy.json" --classification OFFICIAL --found "$tmp/same.json" --bundle "$tmp/$1.hallmark" --key "$key"
}
spoilt redacted 'findings cannot be derived'
spoilt false 'in which something is false'
beside 0 'by its package' OFFICIAL same --bundle "$tmp/redacted.hallmark" --bundle "$tmp/false.hallmark" --key "$key"
expect 3 'several bundles go with --found' --policy bod-17-01 --bundle "$tmp/false.hallmark" --bundle "$golden/sample.hallmark"
expect 3 'one of --found' --policy bod-17-01 --found "$tmp/same.json" --product kesl
beside 1 'signature: none is by a key that was given' OFFICIAL same --key "$key" --replication "$source/tests/golden/v3/sample.hallmark"
beside 1 'replication' OFFICIAL same --key "$key" --key "$source/tests/golden/v3/key.pem.pub" --replication "$source/tests/golden/v3/sample.hallmark"
expect 3 'is a replication of no bundle' --policy "$tmp/policy.json" --classification OFFICIAL --found "$tmp/same.json" --bundle "$golden/sample.hallmark" --bundle "$golden/sample.hallmark" --key "$key" --key "$source/tests/golden/v3/key.pem.pub" --replication "$source/tests/golden/v3/sample.hallmark"
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
