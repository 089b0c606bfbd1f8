#!/bin/bash
# Our bundle under Sigstore's npm verifier, pinned by sigstore/package-lock.json: sigstore.sh LOGGED_PRINT HALLMARK SOURCE FOLDER
# FOLDER keeps the packages between runs.
set -u
print=$(realpath "$1") hallmark=$(realpath "$2") source=$3 modules=$4
{ command -v node && command -v npm; } >/dev/null || { echo "1..0 # SKIP no node or npm (scripts/setup page)"; exit 0; }
why=$("$source/web/fetch" "$modules" "$source/tests/interop/sigstore") || { echo "1..0 # SKIP $why"; exit 0; }
work=$(mktemp -d /tmp/hallmark-sigstore-XXXXXX)
trap 'rm -rf "$work"' EXIT
"$print" "$work" && "$hallmark" log trust --key "$work/log.key" >"$work/trusted_root.json" || { echo "Bail out! no bundle was made"; exit 1; }
node "$source/tests/interop/sigstore/check.mjs" "$modules/node_modules" "$work"
