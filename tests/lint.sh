#!/bin/bash
# What make lint does: format, clang's warnings as errors, clang-tidy, cppcheck, shellcheck. (gcc's are errors
# in each build of ./runtests.)
# Prints TAP, a line a check; builds below a temporary directory.
#
# lint.sh [UNBOUND_SOURCE]; without it, module/ is left out of what needs a compiler.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
unbound=${1:-}
jobs=$(nproc)
work=$(mktemp -d "${TMPDIR:-/tmp}/lint.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$root" || exit 1
number=0
failed=0

# check NAME COMMAND...: its output is shown if it fails.
check() {
	local name=$1 log=$work/log
	shift
	number=$((number + 1))
	if ! command -v "${needs:-true}" >/dev/null; then
		echo "ok $number - $name # SKIP $needs is not here"
	elif ("$@") >"$log" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		grep -E 'error:|warning:|undefined|In .* line|SC[0-9]{4}' "$log" | head -n 60 | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

sources() { find include lib module tools tests fuzz bench -name '*.[ch]' | LC_ALL=C sort; }
units() { find lib tools ${unbound:+module} -name '*.c' | LC_ALL=C sort; }

# Scripts are known by their first line, wherever they lie.
scripts() {
	find . -path ./.git -prune -o -path ./build -prune -o -path ./build-aux -prune -o -path ./autom4te.cache \
		-prune -o -type f -size -200k -print |
		while IFS= read -r file; do
			case $file in
			./configure | ./config.status | ./libtool | ./ltmain.sh | *.m4 | *.rpl) continue ;;
			esac
			head -c 64 "$file" | head -n 1 | grep -qaE '^#!/(usr/)?bin/(env )?(ba|da)?sh' && echo "$file"
		done
	echo ./setup/common.sh
}

format() { sources | xargs clang-format --dry-run -Werror; }

# Everything, warnings as errors; clang-tidy is told how each file is compiled that it looks at (bear makes each process
# slow, hence not for the tests). Not through ccache, which compiles what
# was preprocessed already.
build() {
	export PATH=${PATH//\/usr\/lib\/ccache:/}
	mkdir "$work/clang"
	cd "$work/clang" || return
	"$root/configure" CC=clang --enable-werror ${unbound:+--with-unbound-source="$unbound"} &&
		bear --output compile_commands.json -- make -k -j"$jobs" && make -k -j"$jobs" check TESTS=
}

tidy() { units | xargs -P "$jobs" -n 4 clang-tidy --quiet -p "$work/clang"; }

# Unbound's macros are unknown to it, and are no fault of ours.
analyse() {
	cppcheck --quiet --error-exitcode=1 --std=c11 --language=c --enable=warning,performance,portability \
		--inline-suppr --suppress=missingInclude --suppress=missingIncludeSystem -D_GNU_SOURCE \
		-DSINK_VERSION='""' -DSINK_DATA_DIR='""' -DSINK_RUN_DIR='""' -DSINK_KEY_FILE='""' \
		-Iinclude -Ilib -Itools -j "$jobs" lib tools module
}

scripts_are_clean() { scripts | xargs shellcheck; }

[ -x configure ] || ./bootstrap >/dev/null 2>&1 || { echo "Bail out! ./bootstrap failed"; exit 1; }
needs=clang-format check "clang-format: make format changes nothing" format
needs=clang check "clang builds without a warning" build
needs=clang-tidy check "clang-tidy" tidy
needs=cppcheck check "cppcheck" analyse
needs=shellcheck check "shellcheck" scripts_are_clean
echo "1..$number"
[ "$failed" -eq 0 ]
