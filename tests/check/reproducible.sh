#!/bin/bash
# Builds the programs twice, in two folders of different depth, at two times, from two copies of the source, and compares
# them byte for byte: whoever doubts that a binary is this source builds it again.
#   reproducible.sh SOURCE
set -euo pipefail
source=$1
work=$(mktemp -d /tmp/hallmark-reproducible-XXXXXX)
trap 'rm -rf "$work"' EXIT
failed=0 n=0
build() { # FOLDER OUT
	mkdir -p "$1"
	(cd "$source" && tar cf - --exclude='./build*' --exclude=./.git --exclude=./out .) | tar xf - -C "$1"
	find "$1" -exec touch -h -d "$3" {} +
	meson setup "$1/$2" "$1" -Dtests=disabled -Dman=disabled >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
	ninja -C "$1/$2" hallmark hallmark-verify >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
}
build "$work/a" build 2024-01-02
sleep 1
build "$work/another/and deeper" b 2025-06-07
for program in hallmark hallmark-verify; do
	n=$((n + 1))
	one=$(sha256sum <"$work/a/build/$program")
	two=$(sha256sum <"$work/another/and deeper/b/$program")
	if [ "$one" = "$two" ]; then
		echo "ok $n - $program is the same, built twice: ${one%% *}"
	else
		echo "not ok $n - $program differs between two builds"
		cmp "$work/a/build/$program" "$work/another/and deeper/b/$program" 2>&1 | sed 's/^/# /' || true
		failed=1
	fi
done
n=$((n + 1))
libraries=$(ldd "$work/a/build/hallmark-verify" | awk '{ print $1 }')
if grep -qE 'libbpf|libpcap|libgcrypt|libseccomp|libevent|libnl' <<<"$libraries"; then
	echo "not ok $n - hallmark-verify links what only an assessment needs"
	sed 's/^/# /' <<<"$libraries"
	failed=1
else
	echo "ok $n - hallmark-verify links neither BPF, capture nor private-key libraries"
fi
echo "1..$n"
exit $failed
