#!/bin/bash
# Every golden bundle verifies, under its own id, and its findings come out the same.
#   verify.sh HALLMARK-VERIFY SOURCE
set -u
verify=$1 source=$2
n=0 failed=0
for folder in "$source"/tests/golden/v*/; do
	n=$((n + 1))
	said=$("$verify" "$folder/sample.hallmark" --key "$folder/key.pem.pub")
	code=$?
	if [ $code -le 2 ] && [ $code != 1 ] && grep -q "^bundle sha256:$(cat "$folder/id")\$" <<<"$said" &&
		grep -q '^  holds  *findings ' <<<"$said" && grep -q '^  holds  *signature ' <<<"$said" && ! grep -q FALSE <<<"$said"; then
		echo "ok $n - $(basename "$folder") verifies, with the same findings"
	else
		echo "not ok $n - $(basename "$folder") (exit $code)"
		sed 's/^/# /' <<<"$said"
		failed=1
	fi
done
echo "1..$n"
[ $n -gt 0 ] || failed=1
exit $failed
