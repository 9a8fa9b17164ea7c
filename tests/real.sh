# Sourced by scripts that compile real lists: a room of their own, and TAP.
# shellcheck shell=bash
#
# The program is $SINKHOLE. Afterwards: $sinkhole, $room (removed at the end), $data (a data directory in it).

# shellcheck disable=SC2034 # for who sources this
sinkhole=${SINKHOLE:?the program under test}
room=$(mktemp -d "${TMPDIR:-/tmp}/sinkhole-real-XXXXXX") || exit 1
trap 'rm -rf "$room"' EXIT
export LC_ALL=C
# shellcheck disable=SC2034
data=$room/data
number=0

ok() { # NAME CONDITION...
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >"$room/out" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		head -n 20 "$room/out" | sed 's/^/# /'
	fi
}
