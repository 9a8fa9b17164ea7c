#!/bin/bash
# The policy zones inside Unbound's own scenario files, compiled: recognised, every record accounted for, and
# what they list is listed. Prints TAP.
#
# UNBOUND_SOURCE is Unbound's source tree; without it everything is skipped. SINKHOLE is the program. What
# should come out is worked out here with awk, not with our own parser.
# shellcheck disable=SC2016 # jq's and awk's dollars
set -u
source=${UNBOUND_SOURCE:-}
if [ -z "$source" ] || ! ls "$source"/testdata/rpz*.rpl >/dev/null 2>&1; then
	echo "1..0 # SKIP no Unbound source with testdata/rpz*.rpl: UNBOUND_SOURCE"
	exit 0
fi
# shellcheck source=tests/real.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/real.sh"

# Each zone that a scenario brings along: TEMPFILE_CONTENTS NAME ... TEMPFILE_END.
for file in "$source"/testdata/rpz*.rpl; do
	awk -v to="$room/$(basename "$file" .rpl)" '
		/^TEMPFILE_CONTENTS/ { zone = to "." ++n ".zone"; next }
		/^TEMPFILE_END/ { zone = "" }
		zone { print > zone }' "$file"
done

# records FILE: "DIRECTIVE", or owner without the apex, type, and the first field of the data, of each record.
records() {
	awk '
	function absolute(name) {
		if (name == "@") return origin
		return name ~ /\.$/ ? name : name "." origin
	}
	{ blank = /^[ \t]/; sub(/;.*/, "") }
	!NF { next }
	open { open = !/\)/; next }
	/^\$/ { print "DIRECTIVE"; if ($1 == "$ORIGIN") origin = $2; next }
	{
		if (!blank) owner = $1
		i = blank ? 1 : 2
		while ($i ~ /^([0-9]+|IN)$/) i++
		open = /\(/ && !/\)/
		if ($i == "SOA" && !apex) {
			if (!origin) origin = owner
			apex = absolute(owner)
		}
		if (!apex) apex = origin
		name = absolute(owner)
		relative = name == apex ? "@" : substr(name, 1, length(name) - length(apex) - 1)
		print tolower(relative), $i, $(i + 1)
	}' "$1"
}

# Records that join another one of their owner are one item with it.
items() {
	records "$1" | awk '
		$1 == "DIRECTIVE" || $1 == "@" || $2 == "CNAME" && $3 ~ /^(\.|\*\.|rpz-[a-z-]*\.)$/ { n++; next }
		!($1 in seen) { seen[$1]; n++ }
		END { print n + 0 }'
}

# Can it be told from any other zone? By an action, or by a trigger that is no query name.
is_told() {
	records "$1" | grep -qE ' CNAME (\.|\*\.|rpz-[a-z-]*\.)$|^[^ ]*\.rpz-[a-z-]+ '
}

# names FILE PATTERN: query names, not wildcards, all of whose CNAME targets match.
names() {
	records "$1" | awk -v pattern="$2" '
		$1 == "DIRECTIVE" || $1 == "@" || $1 ~ /(^|\.)\*|rpz-/ { next }
		{ all[$1]; if ($2 != "CNAME" || $3 !~ pattern) others[$1] }
		END { for (name in all) if (!(name in others)) print name }' | sort
}

# actions NAME...: what the resolver would do about each.
actions() {
	"$sinkhole" lookup -d "$data" --json "$@" | jq -r .action | sort -u
}

compile() { # FILE FORMAT:
	rm -rf "$data"
	# names of one label, which the gate would not let through
	"$sinkhole" compile -q -d "$data" --force=tld --report "$room/report" "$2$1"
}

check_zone() { # FILE NAME
	local file=$1 name=$2 format=rpz: recognised=false found count
	count=$(items "$file")
	if is_told "$file"; then
		format='' recognised=true
	fi
	ok "$name compiles" compile "$file" "$format"
	ok "$name: recognised as rpz: $recognised" jq -e --argjson r $recognised \
		'.sources[0] | .format == "rpz" and .recognised == $r' "$room/report"
	ok "$name: $count items, as awk counts them" jq -e --argjson n "$count" '.sources[0].lines == $n' "$room/report"
	ok "$name: comments + taken + skipped = items, and nothing was misunderstood" jq -e '.sources[0] |
		.lines == .comments + .taken + ([.reasons[].lines] | add // 0) and
		([.reasons[].reason] - ["top-level domain", "address that nobody may list"]) == []' "$room/report"
	ok "$name: what was written reads back" "$sinkhole" verify -d "$data"
	found=$(names "$file" '^(\.|\*\.|rpz-drop\.)$')
	# shellcheck disable=SC2086 # names
	[ -z "$found" ] || ok "$name blocks" test "$(actions $found)" = nxdomain
	found=$(names "$file" '^rpz-passthru\.$')
	# shellcheck disable=SC2086
	[ -z "$found" ] || ok "$name lets through" test "$(actions $found)" = pass
	found=$(records "$file" | awk '$1 ~ /^\*\.[^*]+$/ && $1 !~ /rpz-/ { print "x" substr($1, 2) }' | sort -u)
	# shellcheck disable=SC2086
	[ -z "$found" ] || ok "$name: wildcards match below" test -z "$(actions $found | grep -x none)"
	found=$(records "$file" | awk '
		{ all[$1] }
		$1 ~ /^\*\.[^*]+$/ && $1 !~ /rpz-/ { bare[substr($1, 3)] }
		END { for (name in bare) if (!(name in all)) print name }')
	# shellcheck disable=SC2086
	[ -z "$found" ] || ok "$name: but not the name itself" test "$(actions $found)" = none
}

zones=("$room"/*.zone)
ok "there are zones (${#zones[@]})" [ "${#zones[@]}" -ge 10 ]
for file in "${zones[@]}"; do
	check_zone "$file" "$(basename "$file" .zone)"
done

echo "1..$number"
