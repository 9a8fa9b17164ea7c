#!/bin/bash
# A publisher killed, and failing, at each of its system calls on the data directory. Prints TAP. SINKHOLE is the
# program; SINKHOLE_KILLS=all for every error at every call.
set -u
for tool in python3 strace; do
	if ! command -v "$tool" >/dev/null; then
		echo "1..0 # SKIP $tool is not here"
		exit 0
	fi
done
exec python3 "$(dirname "${BASH_SOURCE[0]}")/kills.py"
