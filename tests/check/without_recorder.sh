#!/bin/sh
# An estate's owner has no recorder: with -Dobserve=disabled hallmark finds, decides and verifies, and says of the rest that it is not there. without_recorder.sh SOURCE
set -u
source=$1
number=0 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

check() { # TEXT COMMAND...: it succeeds
	text=$1
	shift
	number=$((number + 1))
	if "$@" >"$tmp/said" 2>&1; then
		echo "ok $number - $text"
	else
		echo "not ok $number - $text"
		tail -n 20 "$tmp/said" | sed 's/^/# /'
		failed=1
	fi
}
exits() { # CODE TEXT COMMAND...
	code=$1 text=$2
	shift 2
	"$@" >"$tmp/out" 2>&1
	got=$?
	[ $got = "$code" ] && grep -qF -e "$text" "$tmp/out" && return
	echo "exit $got, wanted $code with: $text"
	cat "$tmp/out"
	return 1
}

h=$tmp/build/hallmark
check 'it is configured' meson setup "$tmp/build" "$source" -Dobserve=disabled -Dtests=disabled -Dman=disabled -Dpage=disabled -Doptimization=0
check 'it is built' ninja -C "$tmp/build" hallmark
mkdir -p "$tmp/root/etc" "$tmp/root/var/lib/dpkg" "$tmp/root/opt/kaspersky/kesl/bin"
printf 'Package: kesl\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: AO Kaspersky Lab <support@kaspersky.com>\nVersion: 12.1.0-1297\nDescription: x\n\n' >"$tmp/root/var/lib/dpkg/status"
: >"$tmp/root/opt/kaspersky/kesl/bin/kesl-control"
export HALLMARK_DATA=$source/data
check 'find finds' exits 1 '"supplier":"kaspersky"' "$h" find --db none --json "$tmp/root"
cp "$tmp/out" "$tmp/found.json"
check 'decide decides' exits 1 'by the rule secret' "$h" decide --policy ncsc-2017 --classification SECRET --found "$tmp/found.json"
check 'decide knows products' exits 0 'allowed' "$h" decide --policy ncsc-2017 --classification OFFICIAL --product kesl
check 'verify verifies' exits 2 'holds      findings' "$h" verify "$source/tests/golden/v1/sample.hallmark"
check 'assess says that it is not there' exits 4 'assess is not in this build' "$h" assess -o x.hallmark -- true
check 'so does the help' exits 0 'assess       (not in this build)' "$h" --help
check 'no libbpf' sh -c "! ldd '$h' | grep -q libbpf"
echo "1..$number"
exit $failed
