#!/bin/bash
# An assessment is made again with fresh secrets: the new bundle names the first, agrees or says what does not, and verify follows chains of
# replications and counts keys. What says falsely that it replicates, or is by the key that signed the first, counts for nothing.
#   replicate.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify")
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-replicate-XXXXXX)
export HALLMARK_WORK=$work/w
mode=/usr/local/share/hallmark-replicate-$$
trap 'rm -rf "$work" "$mode"' EXIT
cd "$work" || exit 1
n=0 failed=0
result() { # CONDITION-EXIT TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/# /' "$work/said"; failed=1; fi
}
exits() { # CODE COMMAND...
	local code=$1 got
	shift
	"$@" >said 2>&1
	got=$?
	[ "$got" = "$code" ] || echo "exit $got, not $code: $*" >>said
	[ "$got" = "$code" ]
}
for key in one two three; do "$hallmark" keygen $key >/dev/null || exit 1; done
# It reads a setting that the second time is not as it was: what it is to be seen of.
echo quiet >"$mode"
exits 0 "$hallmark" assess -q -k one -o first.hallmark -- sh -c "cat {target}/letter.txt; [ \$(cat $mode) = quiet ] || date >/etc/changed"
result $? "a first assessment"
exits 0 "$hallmark" replicate first.hallmark -k two -o second.hallmark
result $? "it is replicated: exit 0"
grep -q 'they agree' said
result $? "... and the two agree"
exits 0 "$hallmark" replicate second.hallmark -q -k three -o third.hallmark
result $? "the replication is replicated"
keys="--key one.pub --key two.pub --key three.pub"
# shellcheck disable=SC2086
{
	exits 2 "$verify" first.hallmark $keys --replication third.hallmark --replication second.hallmark --replicated 2
	result $? "verify follows the chain and counts two keys"
	[ "$(grep -c 'holds *replication .*the same verdicts and influence, signed by ' said)" = 2 ]
	result $? "... each with the key that signed it"
	exits 1 "$verify" first.hallmark $keys --replication second.hallmark --replicated 2
	result $? "one replication is not two"
	exits 1 "$verify" first.hallmark $keys --replication third.hallmark
	result $? "a chain with a link missing does not hold"
	exits 1 "$verify" first.hallmark --key one.pub --replication second.hallmark --replicated 1
	result $? "a replication by a key that was not given does not count"
	exits 0 "$hallmark" replicate first.hallmark -q -k one -o own.hallmark
	exits 1 "$verify" first.hallmark $keys --replication own.hallmark --replicated 1
	result $? "nor does one by the key that signed the first"
	exits 1 "$verify" first.hallmark $keys --replication first.hallmark
	result $? "a bundle does not replicate itself"
	exits 3 "$verify" first.hallmark $keys --replicated none
	result $? "--replicated none: wrong usage"
}
exits 0 "$hallmark" compare first.hallmark second.hallmark --json
/usr/bin/python3 -c "
import json
c = json.load(open('said'))
assert c['schema'] == 'hallmark/comparison/v1' and c['agree'] and c['product']['same'] and not c['not_comparable']
assert not c['claims']['differ'] and len(c['claims']['same']) >= 27 and c['old'] != c['new']" 2>>said
result $? "compare says the same as JSON"
echo loud >"$mode"
exits 1 "$hallmark" replicate first.hallmark -k two -o loud.hallmark
result $? "a product that does something else the second time: exit 1"
grep -q 'change.files *was upheld, is refuted' said
result $? "... and what is another verdict is named"
exits 2 "$verify" first.hallmark --key one.pub --key two.pub --replication loud.hallmark
grep -q 'it does NOT agree' said
result $? "... verify says so, and it is a true bundle all the same"
exits 1 "$verify" first.hallmark --key one.pub --key two.pub --replication loud.hallmark --replicated 1
result $? "... but it counts for nothing"
exits 0 "$hallmark" assess -q -k one -o closed.hallmark --internet closed -- sh -c 'cat {target}/letter.txt'
exits 2 "$hallmark" compare first.hallmark closed.hallmark
result $? "another internet: not comparable"
exits 0 "$hallmark" redact first.hallmark -o redacted.hallmark --withhold all
exits 2 "$hallmark" compare first.hallmark redacted.hallmark
grep -q 'evidence is withheld' said
result $? "evidence withheld: not comparable, and it says why"
exits 0 "$hallmark" redact second.hallmark -o redacted.hallmark --withhold all
exits 2 "$verify" first.hallmark --key one.pub --key two.pub --replication redacted.hallmark
grep -q 'unchecked *replication .*withheld' said
result $? "a replication of which evidence is withheld is not false, and was not checked"
exits 3 "$hallmark" replicate first.hallmark
result $? "replicate without --output: wrong usage"
exits 1 "$hallmark" compare first.hallmark "$mode"
result $? "what is no bundle: exit 1"
exits 4 "$hallmark" compare first.hallmark nowhere.hallmark
result $? "what is not there: exit 4"
exits 1 "$hallmark" replicate "$mode" -o none.hallmark
[ ! -e none.hallmark ]
result $? "what is no bundle is not replicated"
echo "1..$n"
exit $failed
