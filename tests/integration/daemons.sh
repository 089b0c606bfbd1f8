#!/bin/bash
# Daemons that run already, recorded where they run (observe --cgroup, --unit): what a daemon states that it did is in the record,
# the gap at attach too, and who joins later; it ends as it is told to, and leaves the daemons as they were, also when hallmark is
# killed while it has stopped them; what must not be stopped is refused.
#   daemons.sh BUILD
set -u
build=$(realpath "$1")
hallmark=$build/hallmark print=$build/tests/interop/record_print subject=$build/tests/daemon_subject
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$cgroup2" ] || { echo "1..0 # SKIP no cgroup2 file system"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-daemons-XXXXXX)
slice=$cgroup2/hmtest.$$.slice
unit=$slice/hmtest-$$.service
n=0 failed=0
result() { # CONDITION-EXIT TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}
watcher=
empty() { # kills what lives in the unit
	local i
	for i in $(seq 1 100); do
		[ "$(cat "$unit/cgroup.procs" 2>/dev/null)" ] || return 0
		echo 1 >"$unit/cgroup.kill" 2>/dev/null
		sleep 0.02
	done
}
cleanup() {
	[ -z "$watcher" ] || kill -KILL "$watcher" 2>/dev/null
	[ ! -d "$unit" ] || empty
	rmdir "$unit" "$slice/empty" "$slice" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
mkdir "$slice" "$unit" || exit 1
within() { # SECONDS COMMAND...: until it succeeds
	local tries=$(($1 * 50))
	shift
	while ! "$@" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.02
	done
}
inside() { # COMMAND...: in the unit, in the background
	(echo $BASHPID >"$unit/cgroup.procs" && exec "$@") >/dev/null 2>&1 &
}
started() { [ -s "$1" ] || ! kill -0 "$watcher"; }
watch() { # RECORD OPTION...: in the background; returns when the recorder is there
	rm -f "$work/$1" "$work/$1.txt"
	"$hallmark" observe -o "$work/$1" "${@:2}" >"$work/out" 2>"$work/err" &
	watcher=$!
	within 20 started "$work/$1" && [ -s "$work/$1" ]
}
ended() { # SIGNAL-OR-NONE: the watcher's exit code in $code
	[ -z "$1" ] || kill "-$1" "$watcher"
	wait "$watcher" 2>/dev/null
	code=$?
	watcher=
}
events() { # RECORD KIND: its lines. A flood's are many and long: printed once, their ends cut off.
	[ -e "$work/$1.txt" ] || "$print" "$work/$1" | cut -c 1-600 >"$work/$1.txt"
	awk -v kind="$2" '$2 == kind' "$work/$1.txt"
}
hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }
fresh() { rm -rf "$work/d"; mkdir "$work/d"; }
daemon() { # starts one that waits for "go"
	fresh
	inside "$subject" daemon "$work/d" 9
	within 10 test -e "$work/d/ready"
}

# What it states, it did: in this order, each in an event of its own.
stated() {
	/usr/bin/python3 - "$work/d/stated" "$work/events" <<'PY'
import re, sys
def fields(text):
    found = {}
    for name, number, string in re.findall(r'(\w+)=(?:(-?\d+)|"([^"]*)")', text):
        found[name] = number or string.encode().hex()
    return found
events = [line.split() for line in open(sys.argv[2])][1:]
at = 0
for line in open(sys.argv[1]):
    wanted = fields(line)
    while at < len(events):
        event, at = events[at], at + 1
        has = dict(word.split("=", 1) for word in event[8:])
        if event[1] == line.split(" ")[0] and all(has.get(k) == v for k, v in wanted.items()):
            break
    else:
        sys.exit(f"# not recorded: {line}")
PY
}

daemon
main=$(cat "$unit/cgroup.procs")
watch r1 --unit "hmtest-$$"
result $? "a unit that runs is found by its name"
touch "$work/d/go"
within 10 test -e "$work/d/stated"
result $? "the daemon does its work"
sleep 1000 &
joined=$!
echo $joined >"$unit/cgroup.procs"
sleep 0.1
ended INT
result "$([ $code = 0 ]; echo $?)" "SIGINT ends it: exit $code"
"$print" "$work/r1" >"$work/events"
result "$(stated >&2; echo $?)" "what the daemon's grandchild states is in the record: fork, open, read, socket, send"
result "$([[ $(sed -n 3p "$work/events") == "1 gap "*" source=2 "* ]]; echo $?)" "event 1 is the gap at attach"
result "$(events r1 alive | grep -q " look=0 of_tgid=$main "; echo $?)" "it was alive at the start"
result "$(events r1 held | grep " look=0 of_tgid=$main " | grep -q "path=$(hex "$work/d/held")$"; echo $?)" "... and held an open file"
result "$(events r1 move | grep -q " moved_tgid=$joined moved_tid=$joined inside=1 path="; echo $?)" "a process that joins later is seen"
result "$(events r1 alive | grep -v " look=0 " | grep -q "of_tgid=$joined "; echo $?)" "... and lives at the end"
result "$(events r1 end | grep -q ' outcome=3 .* lost=0 '; echo $?)" "the end says that it was told to stop, and nothing lost"
result "$(events r1 start | sed 's/.*witnesses=//' | xxd -r -p 2>/dev/null | grep -qw packet; [ $? = 1 ]; echo $?)" "no packet capture among the witnesses"
result "$(kill -0 "$main" && kill -0 $joined; echo $?)" "the daemons go on"
grep -q 'ran before the recorder' "$work/err" && grep -q 'no chamber' "$work/err"
result $? "it says what is missing"

watch r2 --cgroup "${slice#"$cgroup2"}/hmtest-$$.service"
empty
ended ''
result "$([ $code = 0 ] && events r2 end | grep -q ' outcome=0 '; echo $?)" "it ends when nothing runs there any more"

watch r3 --cgroup "$unit" --time-limit 30
result "$(kill -0 $watcher; echo $?)" "an empty group is waited for"
inside "$subject" daemon "$work/d" 9
within 10 grep -q 'populated 1' "$unit/cgroup.events"
sleep 0.2
empty
ended ''
result "$([ $code = 0 ] && events r3 end | grep -q ' outcome=0 '; echo $?)" "... until what joined it has ended"
result "$([ -z "$(events r3 gap)" ]; echo $?)" "... and there is no gap"

mkdir "$slice/empty"
watch r4 --cgroup "$slice/empty" --time-limit 30
rmdir "$slice/empty"
ended ''
result "$([ $code = 0 ] && events r4 end | grep -q ' outcome=0 '; echo $?)" "a group that is removed ends it"

inside sleep 1000
watch r5 --cgroup "$unit" --time-limit 1
ended ''
result "$([ $code = 0 ] && events r5 end | grep -q ' outcome=2 '; echo $?)" "the time limit ends it"

# Refused.
expect() { # CODE TEXT PATTERN OPTION...
	timeout 20 "$hallmark" observe -o "$work/refused" "${@:4}" >"$work/out" 2>"$work/err" </dev/null
	code=$?
	result "$([ $code = "$1" ] && grep -qE -- "$3" "$work/err" && [ ! -e "$work/refused" ]; echo $?)" "refused: $2 (exit $code)"
}
expect 3 "the root group" 'root control group' --cgroup /
timeout 20 bash -c 'echo $$ >"$1/cgroup.procs"; exec "$2" observe -o "$3" --cgroup "$4"' - "$unit" "$hallmark" "$work/refused" "$slice" \
	>"$work/out" 2>"$work/err"
code=$?
result "$([ $code = 3 ] && grep -q 'hallmark itself' "$work/err"; echo $?)" "refused: a group that hallmark runs in (exit $code)"
timeout 20 bash -c 'echo $$ >"$1/cgroup.procs"; (echo $BASHPID >"$5/cgroup.procs"; exec "$2" observe -o "$3" --cgroup "$4"); exit $?' \
	- "$unit" "$hallmark" "$work/refused" "$unit" "$slice" >"$work/out" 2>"$work/err"
code=$?
result "$([ $code = 3 ] && grep -q 'that started hallmark' "$work/err"; echo $?)" "refused: a group of a process that started hallmark (exit $code)"
expect 4 "a unit that is not there" 'no control group' --unit "hmtest-$$-none"
expect 3 "a unit's name with a slash" 'not the name of a unit' --unit a/b
expect 3 "both a group and a unit" 'usage' --unit a --cgroup b
expect 3 "a group and a command" 'usage' --cgroup b -- true
expect 3 "--stdin" 'in a chamber' --cgroup b --stdin /dev/null
expect 3 "--no-freeze of a chamber" 'no-freeze' --no-freeze -- true
echo 1 >"$unit/cgroup.freeze"
expect 4 "a group that somebody has frozen" 'frozen it' --cgroup "$unit"
watch r6 --cgroup "$unit" --no-freeze --time-limit 1
ended ''
result "$([ $code = 0 ] && grep -q 1 "$unit/cgroup.freeze"; echo $?)" "... is recorded with --no-freeze, and stays frozen"
echo 0 >"$unit/cgroup.freeze"
empty

# Stopped by the recorder, and hallmark dies.
beat() { od -An -t u8 -N 8 "$work/d/beat" | tr -d ' '; }
beats() { local was; was=$(beat); sleep 0.3; [ "$(beat)" != "$was" ]; }
states() { local p; for p in $(cat "$unit/cgroup.procs"); do awk '{ sub(/.*\) /, ""); print $1 }' "/proc/$p/stat"; done 2>/dev/null; }
flood() {
	empty
	fresh
	inside "$subject" flood "$work/d" 6
	within 10 test -s "$work/d/beat" && within 10 beats
}
frozen() { grep -q 'frozen 1' "$unit/cgroup.events"; }
held_frozen() { # hallmark is stopped to look twice: it cannot thaw any more then
	renice -n 19 -p "$watcher" >/dev/null # the reader of the ring behind everybody: it fills soon
	frozen || return 1
	kill -STOP "$watcher"
	sleep 0.01
	frozen || { kill -CONT "$watcher"; return 1; }
}
flood
watch r7 --cgroup "$unit"
within 20 held_frozen
result $? "a flood is frozen"
ended KILL
result "$(within 10 beats; echo $?)" "hallmark killed while the group is frozen: it goes on"
result "$(frozen; [ $? = 1 ] && [ "$(cat "$unit/cgroup.freeze")" = 0 ]; echo $?)" "... and is not frozen"
"$print" "$work/r7" | head -n 1 | grep -q ' cut 1 '
result $? "... and the record says that it is cut"

# With hallmark itself standing still from before the flood on, nobody freezes the group: each process is stopped by a signal.
empty
inside sleep 1000
within 10 grep -q 'populated 1' "$unit/cgroup.events"
sleeper=$(cat "$unit/cgroup.procs")
kill -STOP "$sleeper"
watch r8 --cgroup "$unit"
kill -STOP "$watcher"
fresh
inside "$subject" flood "$work/d" 6
all_stopped() { ! beats && ! states | grep -qv T; }
within 3 all_stopped
result "$(! frozen && ! states | grep -qv T; echo $?)" "with hallmark itself stopped, a flood is stopped all the same"
ended KILL
result "$(within 10 beats; echo $?)" "hallmark killed then: it goes on"
within 5 bash -c '[ "$(for p in $(cat "$1/cgroup.procs"); do sed "s/.*) //; s/ .*//" /proc/$p/stat; done | grep -c T)" = 1 ]' - "$unit"
result $? "... all but the process that was stopped before"
result "$([ "$(sed 's/.*) //; s/ .*//' "/proc/$sleeper/stat")" = T ]; echo $?)" "... which stays stopped"

flood
watch r9 --cgroup "$unit" --time-limit 1
ended ''
result "$([ $code = 0 ] && events r9 end | grep -q ' outcome=2 .* lost=0 '; echo $?)" "a flood that is stopped and let go on loses nothing"
result "$([ -n "$(events r9 freeze)" ] && grep -q 'stopped [0-9]* times' "$work/err"; echo $?)" "... and says how often it was stopped"
result "$(within 10 beats; echo $?)" "... and goes on afterwards"
flood
watch r10 --cgroup "$unit" --no-freeze --time-limit 1
stood=0
for i in $(seq 1 15); do frozen && stood=1; sleep 0.05; done
ended ''
lost=$(events r10 end | sed 's/.* lost=\([0-9]*\) .*/\1/')
told=$(events r10 gap | awk '/ source=0 / { sub(/.*count=/, ""); sum += $1 } END { print sum + 0 }')
result "$([ $stood = 0 ] && [ -z "$(events r10 freeze)" ]; echo $?)" "--no-freeze never stops it"
result "$([ "$lost" = "$told" ]; echo $?)" "... and gaps tell of all that is lost ($lost events)"
empty
result "$([ -z "$(pgrep -x 'hallmark-thaw|hallmark-guard' -g 0 2>/dev/null)" ]; echo $?)" "no process of hallmark's is left"
echo "1..$n"
exit $failed
