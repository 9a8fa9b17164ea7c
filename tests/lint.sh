#!/bin/bash
# What make lint does: format, clang's warnings as errors, clang-tidy, cppcheck, shellcheck. (gcc's are errors
# in each build of ./runtests.)
# Prints TAP, a line a check. Nothing is compiled: make says how each file would be, in a temporary directory.
#
# What clang-tidy had nothing to say of is remembered in the cache (setup/common.sh), by all that it reads.
#
# lint.sh [UNBOUND_SOURCE]; without it, module/ is left out of what needs a compiler.
# shellcheck disable=SC2016 # in the commands that xargs calls, it is the inner shell's
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export root
# shellcheck source=setup/common.sh
source "$root/setup/common.sh"
make_cache
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

# Scripts are known by their first line, wherever they lie.
scripts() {
	find . -path ./.git -prune -o -path ./build -prune -o -path ./build-aux -prune -o -path ./autom4te.cache \
		-prune -o -type f -size -200k -print |
		while IFS= read -r file; do
			case $file in
			./configure | ./config.status | *.m4 | *.rpl) continue ;;
			esac
			head -c 64 "$file" | head -n 1 | grep -qaE '^#!/(usr/)?bin/(env )?(ba|da)?sh' && echo "$file"
		done
	echo ./setup/common.sh
}

format() { sources | xargs clang-format --dry-run -Werror; }

# A warning is an error. Nothing is compiled to an object, which says no more and takes the most time.
compiles() {
	mkdir "$work/clang"
	cd "$work/clang" || return
	"$root/configure" CC=clang --enable-werror ${unbound:+--with-unbound-source="$unbound"} && make tools/protected.inc &&
		"$root/tests/commands.sh" check TESTS= bench/decide bench/names bench/stages ${unbound:+bench/floor.so} |
		sed "s|\t$root/|\t|" >commands && [ "$(cut -f 2 commands | sort -u | wc -l)" -gt 200 ] &&
		tr '\t\n' '\0\0' <commands | xargs -0 -P "$jobs" -n 2 bash -c 'eval "$1 -fsyntax-only $root/$2"' _
}

# tidy_one COMMAND FILE: unless it was clean already as it is, with all that it includes.
tidy_one() {
	local known options=${1#* }
	known=$tidied/$({ printf '%s\n' "$wanted" && eval "clang -E -C $options $root/$2"; } |
		sed "s|$root/||g" | sha256sum | cut -c 1-32)
	if [ -e "$known" ]; then
		touch "$known"
	else
		eval "clang-tidy --quiet $root/$2 -- $options" && : >"$known"
	fi
}

# What the rooms are made of, each as it is compiled there (which sees no tests/); tests are not looked at so closely.
tidy() {
	cd "$work/clang" || return
	export -f tidy_one
	wanted=$(cat "$root/.clang-tidy" && clang-tidy --version) || return
	export wanted tidied=$cache/tidy
	mkdir -p "$tidied" && find "$tidied" -type f -mtime +30 -delete
	awk -F '\t' '$2 ~ /^(lib|tools|module)\// && $1 !~ /\/tests / { print }' commands | tr '\t\n' '\0\0' |
		xargs -0 -P "$jobs" -n 2 bash -c 'tidy_one "$1" "$2"' _
}

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
needs=clang check "clang compiles without a warning" compiles
needs=clang-tidy check "clang-tidy" tidy
needs=cppcheck check "cppcheck" analyse
needs=shellcheck check "shellcheck" scripts_are_clean
echo "1..$number"
[ "$failed" -eq 0 ]
