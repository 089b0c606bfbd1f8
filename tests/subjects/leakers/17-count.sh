#!/bin/bash
# As many pings as three bits of a digest of the document say, all alike.
. "${0%/*}/scanner.sh"
for _ in $(seq $((1 + $(number 3)))); do
	http telemetry.vendor.example /v1/ping
done
