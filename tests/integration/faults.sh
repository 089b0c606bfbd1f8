#!/bin/bash
# What goes wrong, goes wrong in the open: wrong usage, no root, no BTF, products that are missing, crash, fork, hang or print
# for ever, stop themselves, flood, a full disk, SIGINT and SIGKILL in mid-run. Each must give the contracted exit code and a one-line error, and leave
# no process, mount, network namespace, cgroup or frozen task; a work folder that SIGKILL leaves goes with the guardian or
# the next start.
#   faults.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark")
print=$(realpath "$1/tests/interop/record_print")
verify=$(realpath "$1/hallmark-verify")
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
work=$(mktemp -d /var/tmp/hallmark-faults-XXXXXX)
export HALLMARK_WORK=$work/w HALLMARK_KEY=$work/key.pem
n=0 failed=0
cleanup() {
	mountpoint -q "$work/full" && umount "$work/full"
	rm -rf "$work"
}
trap cleanup EXIT
result() { # CONDITION-EXIT TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}
# expect CODE TEXT PATTERN COMMAND...: runs it, checks exit code and that standard error has the pattern and is short
expect() {
	local code=$1 text=$2 pattern=$3 got
	shift 3
	timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	if [ "$got" = "$code" ] && { [ -z "$pattern" ] || grep -qE -- "$pattern" "$work/err"; }; then
		result 0 "$text"
	else
		result 1 "$text (exit $got, expected $code with /$pattern/)"
		head -n 5 "$work/err" | sed 's/^/# /'
	fi
}
cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
namespaces() { find /proc/[0-9]*/ns/net -printf '%l\n' 2>/dev/null | sort -u | wc -l; }
before=$(namespaces)
# An assessment's own folder may stay after SIGKILL: the next start removes it, which the end of this test checks.
clean() { # TEXT: nothing of a run is left; the guardian has four seconds
	local i left
	for i in $(seq 1 40); do
		left=$(
			find "$cgroup2/hallmark" -mindepth 1 -type d 2>/dev/null
			grep -F "$work/w" /proc/mounts
			find "$work/w" -mindepth 1 -maxdepth 1 ! -name 'lock*' ! -name 'assess-*' 2>/dev/null
			[ "$(namespaces)" -le "$before" ] || echo "network namespaces: $(namespaces) instead of $before"
		)
		[ -n "$left" ] || break
		sleep 0.1
	done
	result "$([ -z "$left" ]; echo $?)" "$1"
	[ -z "$left" ] || sed 's/^/# left: /' <<<"$left"
}

expect 3 "no command" 'no command' "$hallmark"
expect 3 "an unknown command" 'unknown command seal' "$hallmark" seal -- true
expect 3 "an unknown option" 'unknown option --peers' "$hallmark" assess --peers 7 -- true
expect 3 "an option without its value" '--output needs a value' "$hallmark" observe --output
expect 3 "an option given twice" 'given twice' "$hallmark" observe -o a -o b -- true
expect 3 "a wrong time limit" 'not a number of seconds' "$hallmark" observe -o "$work/r" --time-limit -5 -- true
expect 3 "an unknown internet mode" 'unknown internet mode' "$hallmark" observe -o "$work/r" --internet open -- true
expect 4 "a bundle that is not there" 'No such file' "$verify" "$work/none.hallmark"
expect 1 "a bundle that is none" '' "$verify" /etc/passwd
expect 3 "an unknown product" 'hallmark: ' "$hallmark" assess --product no-such-product
expect 4 "no root" 'root' setpriv --reuid 65534 --clear-groups "$hallmark" observe -o /tmp/hallmark-none -- true
expect 4 "a kernel without BTF" 'BTF' unshare -m sh -c "mount -t tmpfs none /sys/kernel/btf && exec '$hallmark' observe -o '$work/r' -- true"
expect 4 "a product command that does not exist" 'no-such-command.*No such file' "$hallmark" observe -o "$work/r0" -- no-such-command
clean "... leaves nothing"
expect 4 "a record that exists already is not overwritten" 'exists' sh -c "echo kept >'$work/r1'; exec '$hallmark' observe -o '$work/r1' -- true"
result "$([ "$(cat "$work/r1")" = kept ]; echo $?)" "... and is as it was"
expect 0 "a product that crashes is recorded" '' "$hallmark" observe -o "$work/r2" -- sh -c 'kill -SEGV $$'
expect 0 "a product that leaves a child" '' "$hallmark" observe -o "$work/r3" -- sh -c 'setsid sleep 1000 & exit 0'
clean "... leaves nothing"
"$print" "$work/r3" >"$work/events"
child=$(awk '$2 == "alive" && /path=2f7573722f62696e2f736c656570$/ { sub(/.* of_tgid=/, ""); print $1 }' "$work/events" | tail -n 1)
result "$(grep -q ' look .* when=2 tasks=1 ' "$work/events" && [ -n "$child" ]; echo $?)" "... and the last look shows the child, /usr/bin/sleep"
result "$(grep -qE "^[0-9]+ exit [0-9]+ [0-9]+ [0-9]+ $child $child [0-9]+ code=9 last=1\$" "$work/events"; echo $?)" "... and its death by SIGKILL is recorded"
begun=$(date +%s)
expect 0 "a product that never ends is killed at its time limit" '' "$hallmark" observe -o "$work/r4" --time-limit 2 -- sh -c 'trap "" TERM INT; while :; do sleep 1 & wait; done'
result "$([ $(($(date +%s) - begun)) -lt 20 ]; echo $?)" "... in time"
clean "... leaves nothing"
expect 0 "a product that stops itself and never goes on is killed at its time limit" '' "$hallmark" observe -o "$work/r11" --time-limit 2 -- \
	sh -c 'kill -STOP $$'
result "$("$print" "$work/r11" | tail -n 1 | grep -q ' end .* outcome=2 '; echo $?)" "... and the record says so"
clean "... leaves nothing"
expect 0 "a product that prints for ever" '' "$hallmark" observe -o "$work/r5" --time-limit 2 -- yes
clean "... leaves nothing"

mkdir "$work/full" && mount -t tmpfs -o size=256k none "$work/full"
expect 4 "a disk that fills up while recording" 'No space left' "$hallmark" observe -o "$work/full/r" --time-limit 20 -- \
	sh -c 'while :; do head -c 100 /dev/urandom >/tmp/f; cat /tmp/f >/dev/null; done'
clean "... leaves nothing"
umount "$work/full"

# SIGINT: it stops, says so, and exits 130.
"$hallmark" observe -o "$work/r6" -- sleep 100 >"$work/out" 2>"$work/err" &
pid=$!
sleep 1
kill -INT $pid
wait $pid
result "$([ $? = 130 ]; echo $?)" "SIGINT in mid-run exits 130"
clean "... leaves nothing"

# A flood whose recorder stands still: the ring fills, and the product is stopped until somebody reads on.
flood='cd /tmp && name=$(printf %0200d 0) && for i in $(seq 18); do mkdir $name && cd $name; done && : >f && path=$(pwd)/f
	for i in $(seq 6); do (while :; do : <$path; done) & done; wait'
running() { # how many threads of the product run
	local state=0 task
	for task in $(cat "$cgroup2/hallmark/$pid"-*/product/cgroup.threads); do
		case $(cut -d ')' -f 2 "/proc/$task/stat" 2>/dev/null) in ' R'*) state=$((state + 1)) ;; esac
	done
	echo $state
}
flood() { # RECORD: in the background, returns when it has come to a stop; its recorder stands still
	local i
	rm -f "$work/$1"*
	"$hallmark" observe -o "$work/$1" --time-limit 10 -- bash -c "$flood" >"$work/out" 2>"$work/err" &
	pid=$!
	until grep -qs 'populated 1' "$cgroup2/hallmark/$pid"-*/product/cgroup.events || ! kill -0 $pid; do sleep 0.01; done
	sleep 0.3
	kill -STOP $pid
	for i in $(seq 80); do
		[ "$(running)" != 0 ] || break
		sleep 0.1
	done
}
flood r12
result "$([ "$(running)" = 0 ]; echo $?)" "a flood whose recorder stands still is stopped"
kill -CONT $pid
wait $pid
result "$([ $? = 0 ]; echo $?)" "... goes on with it, and ends at its time limit"
"$print" "$work/r12" | cut -c 1-300 | grep -E '^[0-9]+ (freeze|end) ' >"$work/events"
result "$(grep -q ' freeze ' "$work/events" && tail -n 1 "$work/events" | grep -q 'outcome=2 .* lost=0 '; echo $?)" \
	"... that it was stopped is told, and nothing is lost"
clean "... leaves nothing"
flood r13
kill -INT $pid
kill -CONT $pid
wait $pid
result "$([ $? = 130 ]; echo $?)" "SIGINT while the product is stopped exits 130"
result "$("$print" "$work/r13" | tail -n 1 | grep -q ' end .* outcome=3 .* lost=0 '; echo $?)" "... and the record has its end"
clean "... leaves nothing"

# SIGKILL, at several moments of a run's life.
for after in 0.02 0.05 0.1 0.2 0.5 1; do
	rm -f "$work/r7"*
	"$hallmark" observe -o "$work/r7" -- sh -c 'setsid sleep 1000 & while :; do cat /etc/passwd >/dev/null; done' >"$work/out" 2>"$work/err" &
	pid=$!
	sleep $after
	kill -KILL $pid
	wait $pid 2>/dev/null
	clean "SIGKILL after $after s leaves nothing"
done
# Its record reads up to its last whole block, and says that it is cut.
"$hallmark" observe -o "$work/r8" -- sh -c 'while :; do cat /etc/passwd >/dev/null; done' >/dev/null 2>&1 &
pid=$!
for i in $(seq 1 600); do [ "$(stat -c %s "$work/r8" 2>/dev/null || echo 0)" -lt 10000 ] || break; sleep 0.05; done
kill -KILL $pid
wait $pid 2>/dev/null
top=$(dirname "$(realpath "$0")")/../..
if /usr/bin/python3 "$top/tests/interop/record_reader.py" "$top/doc/format/record.md" "$work/r8" >"$work/out" 2>"$work/err"; then code=0; else code=$?; fi
result "$([ "$(wc -l <"$work/out")" -gt 100 ] && grep -q 'cut 1' "$work/out"; echo $?)" "a killed recorder's record reads and says that it is cut short (reader: exit $code)"
clean "... leaves nothing"
# SIGKILL of hallmark and of its guardian: the next start clears up, and says so.
"$hallmark" observe -o "$work/r9" -- sleep 100 >/dev/null 2>&1 &
pid=$!
sleep 1
children=$(ps -o pid= --ppid $pid)
guardians=$(pgrep -f "$hallmark observe -o $work/r9" | grep -vx "$pid")
# shellcheck disable=SC2086
kill -KILL $guardians $pid $children 2>/dev/null
wait $pid 2>/dev/null
sleep 0.5
timeout 60 "$hallmark" observe -o "$work/r10" -- true >"$work/out" 2>"$work/err"
result $? "a start after SIGKILL of everything"
clean "... leaves nothing"
result "$([ -z "$(find "$work/w" -mindepth 1 -maxdepth 1 -name 'assess-*')" ]; echo $?)" "... not even the folders that SIGKILL had left"
rmdir "$cgroup2/hallmark" 2>/dev/null
echo "1..$n"
exit $failed
