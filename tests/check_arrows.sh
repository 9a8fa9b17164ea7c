#!/bin/bash
# Who may include what (the room map in README.md), that every header compiles alone, and that no
# source was left out of Makefile.am. The compiler's -I flags hold the coarse part; this holds the rest.
#
# check_arrows.sh [SOURCE_TREE]; CC and top_builddir come from make check.
set -u
cd "${1:-${top_srcdir:-.}}" || exit 1
cc=${CC:-cc}
number=0
failures=$(mktemp)
trap 'rm -f "$failures"' EXIT

# verdict NAME: the lines in $failures are what is wrong.
verdict() {
	number=$((number + 1))
	if [ -s "$failures" ]; then
		echo "not ok $number - $1"
		sed 's/^/# /' "$failures"
	else
		echo "ok $number - $1"
	fi
	: >"$failures"
}

# includes DIRECTORY: `FILE:LINE:<HEADER>` or `FILE:LINE:"HEADER"` for each include.
includes() {
	find "$1" -name '*.[ch]' -exec grep -Hn '^[[:space:]]*#[[:space:]]*include' {} + |
		sed 's/^\([^:]*:[0-9]*\):[^<"]*\([<"][^>"]*[>"]\).*/\1:\2/'
}

# room DIRECTORY PATTERN NAME: all that may be included there.
room() {
	local line
	while IFS= read -r line; do
		[[ ${line#*:*:} =~ ^($2)$ ]] || echo "$line" >>"$failures"
	done < <(includes "$1")
	verdict "$3"
}

# not_in DIRECTORY PATTERN NAME [EXCEPT]: what only the files EXCEPT may include.
not_in() {
	local line
	while IFS= read -r line; do
		if [[ ${line#*:*:} =~ ^($2)$ ]] && ! [[ ${line%%:*} =~ ^(${4:-})$ ]]; then
			echo "$line" >>"$failures"
		fi
	done < <(includes "$1")
	verdict "$3"
}

# headers DIRECTORY...: theirs, as a pattern.
headers() {
	find "$@" -maxdepth 1 -name '*.h' -printf '%f\n' | sed 's/\./\\./' | paste -sd '|'
}

# A row a room. Our own headers stand in quotes, libc and libraries in angle brackets.
contract='"sinkhole/[a-z0-9_]+\.h"'
libc='<((sys|arpa|netinet|net|linux)/)?[a-z0-9_]+\.h>'
libraries='<(lmdb\.h|maxminddb\.h|check\.h|openssl/.*)>'
tool_libraries='<((idn2|libpsl|yaml|jansson|zlib|zstd|lzma|bzlib)\.h|(ldns|curl)/[a-z0-9]+\.h)>'
unbound='"(config\.h|(util|services|daemon|dynlibmod|sldns|iterator|validator|respip|libunbound)/.*)"'

room include "$contract|$libc" "include/ includes itself and libc"
not_in include "$libraries|$tool_libraries" "include/ knows no library"
room lib "$contract|\"($(headers lib))\"|$libc|<openssl/[a-z]+\.h>" \
	"lib/ includes include/, itself and its libraries"
not_in lib '<lmdb\.h>' "<lmdb.h> enters lib/ through mdb.h alone" 'lib/mdb\.h'
not_in lib '<maxminddb\.h>' "<maxminddb.h> enters lib/ through geo.c alone" 'lib/geo\.c'
not_in lib "$tool_libraries" "lib/ knows no library of the tool's"
room module "$contract|\"($(headers module))\"|$unbound|$libc" "module/ includes include/, itself and Unbound"
not_in module "$unbound" "Unbound enters module/ through ub.h alone" 'module/ub\.h'
not_in module "$libraries|$tool_libraries" "module/ knows no library"
room tools "$contract|\"($(headers tools tools/feeds))\"|\"feeds/[a-z0-9_]+\.h\"|\"protected\.inc\"|$libc|$tool_libraries" \
	"tools/ includes include/ and itself"
not_in tools "$libraries" "tools/ knows no library"

# Tests have these rooms' headers side by side, and could take the wrong one of two.
find lib tools tests -name '*.h' -printf '%f\n' | LC_ALL=C sort | uniq -d >>"$failures"
verdict "no two rooms have a header of one name"

# formats.c lists the formats; none of the others knows another.
formats=$(find tools/feeds -name '*.c' ! -name formats.c -printf '%f\n' | sed 's/\.c$//' | paste -sd '|')
while IFS= read -r line; do
	[[ $line =~ ^tools/feeds/([a-z0-9_]+)\.c:.*\"(feeds/)?($formats)\.h\"$ ]] || continue
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[3]}" ] || echo "$line" >>"$failures"
done < <(includes tools/feeds)
verdict "a feed format includes no other"

flags="-std=gnu11 -D_GNU_SOURCE -Iinclude -Wall -Wextra -Werror -fsyntax-only -x c"
alone() { # DIRECTORY FLAGS...
	local header directory=$1
	shift
	for header in $(find "$directory" -name '*.h' | LC_ALL=C sort); do
		# shellcheck disable=SC2086 # CC and flags are words
		printf '#include "%s"\n' "$PWD/$header" | $cc $flags "$@" - >>"$failures" 2>&1
	done
	verdict "each header in $directory/ compiles alone"
}
alone include
alone lib -Ilib
alone tools -Itools
alone tests -Ilib -Itools -Itests
[ -z "${UNBOUND_SOURCE:-}" ] || alone module -isystem "$UNBOUND_SOURCE"

# What Makefile.am does not name is neither built nor released.
find include lib module tools tests fuzz bench -path tests/data -prune -o -type f \
	\( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.bats' \) -print | LC_ALL=C sort |
	while IFS= read -r file; do
		# A test program's source has its name, and is not written out.
		grep -qwF -e "$file" Makefile.am || grep -qE "(^|[[:space:]])${file%.c}([[:space:]]|\$)" Makefile.am ||
			echo "$file"
	done >>"$failures"
verdict "every source stands in Makefile.am"

# A library that exits takes the resolver with it; what is printed there nobody reads.
find lib module -name '*.c' -exec grep -HnE '\b(printf|fprintf|puts|perror|exit|abort|system)[[:space:]]*\(' {} + |
	grep -v '^module/[^:]*:[0-9]*:.*log_' >>"$failures"
verdict "lib/ and module/ neither print nor exit"

echo "1..$number"
