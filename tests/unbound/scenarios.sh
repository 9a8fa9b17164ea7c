#!/bin/bash
# Do no harm: Unbound's own scenarios (testdata/*.rpl, run by its testbound) with our module in front
# of the others. Prints TAP, a line a scenario.
#
# UNBOUND_DIR       Unbound's source tree with testbound built (setup/unbound)
# SINKHOLE_SO       the module
# SINKHOLE_DIR      a data directory to run with; without it there is no database at all
# SANITIZE_PRELOAD  the run-time library of the sanitizers a module was built with
#
# Arguments choose scenarios by name: scenarios.sh 'val_*'. A scenario that fails is run again as it
# came: if it fails then too, Unbound's build cannot do it, and it is skipped.
set -uo pipefail

: "${UNBOUND_DIR:?the source tree of an Unbound, see setup/unbound}"
: "${SINKHOLE_SO:?the module}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
testbound=$UNBOUND_DIR/testbound
work=$(mktemp -d "${TMPDIR:-/tmp}/scenarios.XXXXXX")
trap 'rm -rf "$work"' EXIT
with_database=$([ -n "${SINKHOLE_DIR:-}" ] && echo yes || echo no)
export SINKHOLE_DIR=${SINKHOLE_DIR:-$work/no-database}
export SINKHOLE_RUN=$work/run # nothing of ours may write outside
mkdir "$work/translated" "$work/result" "$work/run"

fatal() {
	echo "Bail out! $*"
	exit 1
}

[ -x "$testbound" ] || fatal "no testbound in $UNBOUND_DIR"
[ -r "$SINKHOLE_SO" ] || fatal "no module at $SINKHOLE_SO"
for tool in python3 timeout xargs; do
	command -v "$tool" >/dev/null || fatal "$tool is missing"
done

# What Unbound runs where a scenario names no modules (util/config_file.c).
default_modules="validator iterator"
if grep -q '^#define CLIENT_SUBNET' "$UNBOUND_DIR/config.h"; then
	default_modules="subnetcache $default_modules"
fi

[ $# -gt 0 ] || set -- '*'
scenarios=()
for pattern in "$@"; do
	# shellcheck disable=SC2206 # the pattern is one
	scenarios+=("$UNBOUND_DIR"/testdata/$pattern.rpl "$UNBOUND_DIR"/testdata/$pattern.crpl)
done
mapfile -t scenarios < <(for s in "${scenarios[@]}"; do [ -e "$s" ] && echo "$s"; done | sort -u)
[ ${#scenarios[@]} -gt 0 ] || fatal "no scenarios in $UNBOUND_DIR/testdata"

"$here/with_module.py" "$SINKHOLE_SO" "$default_modules" "$work/translated" "${scenarios[@]}" ||
	fatal "the scenarios could not be translated"

# filters LOG: the module says that it is there, and not that it stands aside; with a database, that it
# has it. Or a pass would prove nothing.
filters() {
	grep -Eq ' (info|warning): sinkhole [0-9]' "$1" &&
		! grep -q 'every query is passed on unfiltered' "$1" &&
		{ [ "$with_database" = no ] || ! grep -q 'sinkhole.*nothing is published' "$1"; }
}

# one SCENARIO: leave "ok", "skip WHY" or "not ok WHY" in the result directory.
one() {
	local name status=0 log
	name=$(basename "$1")
	log=$work/result/$name.log
	cd "$work" || exit 1
	LD_PRELOAD=${SANITIZE_PRELOAD:-} timeout 120 "$testbound" -p "translated/$name" >"$log" 2>&1 </dev/null ||
		status=$?
	if [ "$status" -eq 0 ] && filters "$log"; then
		echo ok
	elif [ "$status" -eq 0 ]; then
		echo "not ok passes, but the module was not at work"
	elif ! timeout 120 "$testbound" -p "$1" >"$log.plain" 2>&1 </dev/null; then
		echo "skip fails without the module too: $(tail -n 1 "$log.plain" | tr -d '#\n')"
	else
		echo "not ok passes without the module (status $status)"
	fi >"$work/result/$name"
}
export -f one filters
export with_database work testbound SANITIZE_PRELOAD=${SANITIZE_PRELOAD:-}

echo "1..${#scenarios[@]}"
# shellcheck disable=SC2016 # for the inner shell to expand
printf '%s\0' "${scenarios[@]}" | xargs -0 -n 1 -P 2 bash -c 'one "$1"' one

number=0
failed=0
for scenario in "${scenarios[@]}"; do
	name=$(basename "$scenario")
	number=$((number + 1))
	result=$(cat "$work/result/$name" 2>/dev/null)
	case $result in
	ok) echo "ok $number - $name" ;;
	"skip "*) echo "ok $number - $name # SKIP ${result#skip }" ;;
	*)
		echo "not ok $number - $name: ${result#not ok }"
		tail -n 15 "$work/result/$name.log" | sed 's/^/# /'
		failed=$((failed + 1))
		;;
	esac
done
[ "$failed" -eq 0 ]
