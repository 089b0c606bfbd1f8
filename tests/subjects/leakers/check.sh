#!/bin/bash
# The leakers leak, their twins do not: check.py in network, mount, process and name spaces of its own. All that it starts, mounts and
# sets ends with it, and nothing of it reaches a network.
#   check.sh BUILD [CASE...]
set -u
cd "$(dirname "$0")" || exit 1
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
build=$(realpath "$1")
shift
exec unshare --net --uts --ipc --mount --propagation private --pid --fork --kill-child --mount-proc bash -c '
	mount -t tmpfs -o mode=755 tmpfs /var/lib && exec /usr/bin/python3 -B check.py "$@"' check "$build" "$@"
