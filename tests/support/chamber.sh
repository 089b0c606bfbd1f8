# Sourced by scripts that start chambers, `. chamber.sh NAME`: skips without root; $work is a folder that goes with the script, and holds the
# chambers' own; `result` counts cases, and says them as TAP.
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
work=$(mktemp -d "/var/tmp/hallmark-$1-XXXXXX")
export HALLMARK_WORK=$work/w
trap 'rm -rf "$work"' EXIT
n=0 failed=0
result() { # CONDITION-EXIT TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}
