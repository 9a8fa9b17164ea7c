# Sourced by scripts that run the command as its user does: a room of their own, TAP, and what the last run left.
# shellcheck shell=bash
#
# The program is $SINKHOLE. Afterwards: $sinkhole, $source_tree, $room (the working directory, removed at the end).

sinkhole=${SINKHOLE:?the program under test}
# shellcheck disable=SC2034 # for who sources this
source_tree=$(cd "${top_srcdir:-$(dirname "$0")/..}" && pwd) || exit 1
room=$(mktemp -d "${TMPDIR:-/tmp}/sinkhole-test-XXXXXX") || exit 1
trap 'rm -rf "$room"' EXIT
cd "$room" || exit 1
export TMPDIR=$room/tmp LC_ALL=C
mkdir tmp
unset SINKHOLE_DIR SOURCE_DATE_EPOCH
number=0
status=0

# ok NAME CONDITION...: a test; on failure what the last run() left is shown.
ok() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		{
			echo "status $status"
			cat out err
		} 2>/dev/null | head -n 30 | cat -v | sed 's/^/# /'
	fi
}

skip() { # NAME WHY
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# In a sanitizer's build leaks are looked for in what is tested; what is done before and looked at behind it need not
# be: that is half of what a short command costs there.
looks_for_leaks=${ASAN_OPTIONS:-}
export ASAN_OPTIONS=detect_leaks=0:$looks_for_leaks

# run ARGUMENTS: the command; leaves $status, out and err.
run() {
	status=0
	ASAN_OPTIONS=$looks_for_leaks "$sinkhole" "$@" >out 2>err </dev/null || status=$?
}

# is STATUS NAME ARGUMENTS...: it ends so.
is() {
	local wanted=$1 name=$2
	shift 2
	run "$@"
	ok "$name" [ "$status" = "$wanted" ]
}

all() { # CONDITION...: each a word to evaluate
	local condition
	for condition in "$@"; do
		eval "$condition" || {
			echo "# not so: $condition"
			return 1
		}
	done
}

fresh() { rm -rf d && mkdir d; } # a data directory
# shellcheck disable=SC2120 # only within strings
serial() { sed -n 's/^serial //p' "${1:-d}/current"; }
digest() { sed -n 's/^base-sha256 //p' "${1:-d}/current"; }
json() { jq -e "$1" out >/dev/null; } # the output is JSON, and this is true of it
report() { jq -e "$1" report >/dev/null; }
listed() { "$sinkhole" lookup -d d "$1" >/dev/null; }
# shellcheck disable=SC2154 # $before: what current held, set by the script
unchanged() { [ "$(cat "${1:-d}/current")" = "$before" ]; }
adds_up() {
	jq -e '[.sources[] | .lines == .comments + .taken + ([.reasons[].lines] | add // 0)] | all' report >/dev/null
}
