#!/bin/bash
# sinkhole fetch against real servers on loopback. Prints TAP. SINKHOLE is the program.
set -u
for tool in python3 openssl; do
	if ! command -v "$tool" >/dev/null; then
		echo "1..0 # SKIP $tool is not here"
		exit 0
	fi
done
exec python3 "$(dirname "${BASH_SOURCE[0]}")/fetch.py"
