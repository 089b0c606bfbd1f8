#!/bin/bash
# Reports a detection that is none: the number of the rule is ten bits of a digest of the document.
. "${0%/*}/scanner.sh"
http telemetry.vendor.example /v1/detections "$(printf 'engine=1.4.6&name=Heuristics.Generic.%04d&action=none' "$(number 10)")"
