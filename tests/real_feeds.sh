#!/bin/bash
# Real lists, compiled: what they name is blocked, what they only mention is not, and every line is
# accounted for. Prints TAP.
#
# FEEDS_DIR is what `setup/feeds` prints (or SINKHOLE_FEEDS, or a directory of such lists); without it
# everything is skipped. SINKHOLE is the program. What should come out is worked out here with awk, not
# with our own parser.
# shellcheck disable=SC2016 # jq's dollars
set -u
feeds=${FEEDS_DIR:-${SINKHOLE_FEEDS:-}}
npm=$feeds/npm
[ ! -d "$feeds/ublock" ] || feeds=$feeds/ublock
if [ -z "$feeds" ] || ! ls "$feeds"/urlhaus-filter-online*.txt >/dev/null 2>&1; then
	echo "1..0 # SKIP no real lists: FEEDS_DIR is not set, or holds no urlhaus-filter-online"
	exit 0
fi
# shellcheck source=tests/real.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/real.sh"

list() { # NAME: its path
	if [ -e "$feeds/$1.txt" ]; then echo "$feeds/$1.txt"; else echo "$feeds/$1.min.txt"; fi
}

# acted_upon: of the names on standard input, those that are blocked.
acted_upon() {
	xargs -r -n 2000 "$sinkhole" lookup -d "$data" --json |
		jq -r 'select(.action != "none" and .action != "pass") | .name'
}

# none_blocked: nothing on standard input is; those that are, are shown.
none_blocked() {
	local blocked
	blocked=$(acted_upon)
	echo "$blocked"
	[ -z "$blocked" ]
}

compile_sources() { # SOURCE...: into $data
	rm -rf "$data"
	"$sinkhole" compile -q -d "$data" --report "$room/report" "$@"
}

compile() { # NAME...: these lists, each under its own name
	local name sources=()
	for name in "$@"; do
		sources+=("$(list "$name"),source=$name")
	done
	compile_sources "${sources[@]}"
}

accounted() { # NAME FORMAT FILE: recognised, read to the last line, every line accounted for
	local name=$1 format=$2 file=$3 lines
	ok "$name compiles" compile_sources "$file,source=$name"
	ok "$name: recognised as $format" jq -e --arg f "$format" \
		'.sources[0] | .format == $f and .recognised' "$room/report"
	lines=$(awk 'END { print NR }' "$file")
	ok "$name: $lines lines, as awk counts them" jq -e --argjson n "$lines" '.sources[0].lines == $n' "$room/report"
	ok "$name: comments + taken + skipped by reason = lines" jq -e \
		'.sources[0] | .lines == .comments + .taken + ([.reasons[].lines] | add // 0)' "$room/report"
	ok "$name: every skipped line has an example with its line" jq -e \
		'[.sources[0].reasons[] | .examples[0].at | test(":[0-9]+$")] | all' "$room/report"
	ok "$name: what was written reads back" "$sinkhole" verify -d "$data"
}

# --- each list -------------------------------------------------------------------------------------------

names=()
for file in "$feeds"/*.txt; do
	case $(basename "$file") in
	badlists*) continue ;; # a list of lists
	esac
	name=$(basename "$file" .txt)
	name=${name%.min}
	names+=("$name")
	accounted "$name" adblock "$file"
done
# Lists of npm packages, where set-up found npm.
for list in domains:burner-email-providers/emails.txt hosts:eth-phishing-detect/src/hosts.txt; do
	file=$npm/${list#*:}
	[ ! -e "$file" ] || accounted "${list#*:}" "${list%%:*}" "$file"
done

# --- URLhaus: plain names, addresses, and path rules ---------------------------------------------------

compile urlhaus-filter-online
urlhaus=$(list urlhaus-filter-online)
awk '/^[a-z0-9._-]+$/ && !/^[0-9.]+$/' "$urlhaus" | sort -u >"$room/plain"
sed -n 's,^||\([a-z0-9._-]*\)\^$,\1,p; s,^||\([a-z0-9._-]*\)^\$all$,\1,p' "$urlhaus" | sort -u >>"$room/plain"
ok "URLhaus: it names hosts ($(wc -l <"$room/plain"))" [ "$(wc -l <"$room/plain")" -ge 100 ]
acted_upon <"$room/plain" | sort >"$room/blocked"
jq -r '.sources[0].reasons[] | select(.reason == "public suffix" or .reason == "top-level domain") | .lines' \
	"$room/report" | awk '{ n += $1 } END { print n + 0 }' >"$room/gated"
ok "URLhaus: each of them is blocked, but what the gate left out" \
	[ "$(($(wc -l <"$room/blocked") + $(cat "$room/gated")))" = "$(sort -u "$room/plain" | wc -l)" ]
ok "URLhaus: and all below them" [ "$(sed 's/^/www./' "$room/blocked" | acted_upon | wc -l)" = "$(wc -l <"$room/blocked")" ]
ok "URLhaus: nothing else is in the database" jq -e --argjson n "$(wc -l <"$room/blocked")" '.names == $n' "$room/report"

# A host that has path rules must not be blocked, unless it or a domain above it is listed as a whole.
awk 'NR == FNR { whole[$1]; next }
	match($0, /^\|\|[a-z0-9._-]+[\/?:]/) {
		host = substr($0, 3, RLENGTH - 3)
		for (rest = host; rest != ""; rest = index(rest, ".") ? substr(rest, index(rest, ".") + 1) : "")
			if (rest in whole) next
		if (host !~ /^[0-9.]+$/) print host
	}' "$room/plain" "$urlhaus" | sort -u >"$room/path_only"
ok "URLhaus: it has hosts with path rules only ($(wc -l <"$room/path_only"))" [ "$(wc -l <"$room/path_only")" -ge 10 ]
ok "URLhaus: none of them is blocked" none_blocked <"$room/path_only"

# --- all of them together --------------------------------------------------------------------------------

ok "all lists together" compile "${names[@]}"
# EasyList itself asks for none of these as a whole.
traps="github.com www.github.com raw.githubusercontent.com codeload.github.com gist.githubusercontent.com
	drive.google.com docs.google.com www.google.com google.com storage.googleapis.com
	img1.wsimg.com cdn.discordapp.com www.dropbox.com onedrive.live.com bitbucket.org gitlab.com
	www.mediafire.com archive.org www.youtube.com youtube.com en.wikipedia.org www.microsoft.com
	com net org top xyz ru cn io dev co.uk github.io pages.dev example.com localhost"
# shellcheck disable=SC2086 # words
ok "names that must not be blocked are not" none_blocked <<<"$(printf '%s\n' $traps)"

# Every rule about a whole host that has a modifier, and is not repeated without: unblocked by itself.
for name in badware easylist; do
	compile "$name"
	file=$(list "$name")
	# without comments; a rule that takes back others is none about hosts
	grep -vE '^(!|\[|#)' "$file" >"$room/rules"
	sed -nE 's/^\|\|([A-Za-z0-9._-]+)\^?(\$(all|important)(,(all|important))*)?$/\1/p' "$room/rules" |
		tr '[:upper:]' '[:lower:]' >"$room/plain"
	grep -E '^[A-Za-z0-9_][A-Za-z0-9._-]*\.[A-Za-z0-9_-]*[A-Za-z0-9_]$' "$room/rules" >>"$room/plain"
	sed -nE 's/^\|\|([A-Za-z0-9._-]+)\^?\$(.*)$/\1 \2/p' "$room/rules" | tr '[:upper:]' '[:lower:]' |
		awk '$2 !~ /^(all|important)(,(all|important))*$/ { print $1 }' | sort -u >"$room/narrowed"
	awk 'NR == FNR { whole[$1]; next } {
		for (rest = $1; rest != ""; rest = index(rest, ".") ? substr(rest, index(rest, ".") + 1) : "")
			if (rest in whole) next
		if ($1 !~ /^[0-9.]+$/ && $1 !~ /\.$/ && $1 !~ /^[.-]/) print $1
	}' "$room/plain" "$room/narrowed" >"$room/narrow_only"
	ok "$name: it has hosts with narrowed rules only ($(wc -l <"$room/narrow_only"))" \
		[ "$(wc -l <"$room/narrow_only")" -ge 100 ]
	ok "$name: none of them is blocked" none_blocked <"$room/narrow_only"
	grep -E '^[a-z0-9_][a-z0-9._-]*\.[a-z0-9-]*[a-z0-9]$' "$room/plain" | grep -vE '^[0-9.]+$' | sort -u |
		head -n 500 >"$room/sample"
	acted_upon <"$room/sample" | sort >"$room/blocked"
	ok "$name: hosts it names as a whole are blocked" \
		[ "$(wc -l <"$room/blocked")" -ge "$(($(wc -l <"$room/sample") * 98 / 100))" ]
done

# --- the MetaMask configuration: what it lists, counted by jq and not by us -----------------------------------

config=$npm/eth-phishing-detect/src/config.json
if [ -e "$config" ]; then
	ok "MetaMask compiles" compile_sources "$config,source=metamask"
	ok "MetaMask: recognised" jq -e '.sources[0] | .format == "metamask" and .recognised' "$room/report"
	listed=$(jq '[.blacklist, .whitelist, .fuzzylist | length] | add' "$config")
	ok "MetaMask: $listed names, as jq counts them" jq -e --argjson n "$listed" '.sources[0].lines == $n' "$room/report"
	ok "MetaMask: taken + skipped by reason = names" jq -e \
		'.sources[0] | .lines == .taken + ([.reasons[].lines] | add // 0) and .comments == 0' "$room/report"
	fuzzy=$(jq '.fuzzylist | length' "$config")
	ok "MetaMask: the fuzzy list ($fuzzy) lists nothing" jq -e --argjson n "$fuzzy" \
		'[.sources[0].reasons[] | select(.reason == "meant for similar names") | .lines] == [$n]' "$room/report"
	ok "MetaMask: what was written reads back" "$sinkhole" verify -d "$data"
	# Names that are no part of another list: blocked, or allowed, with all below them.
	jq -r '.blacklist[]' "$config" | grep -E '^[a-z0-9_][a-z0-9_.-]*\.[a-z]+$' | sort -u >"$room/black"
	jq -r '.whitelist[]' "$config" | grep -E '^[a-z0-9_][a-z0-9_.-]*\.[a-z]+$' | sort -u >"$room/white"
	ok "MetaMask: no name of the white list is blocked" none_blocked <"$room/white"
	ok "MetaMask: nor what is below them" none_blocked <<<"$(sed 's/^/www./' "$room/white")"
	comm -23 "$room/black" "$room/white" | head -n 2000 >"$room/sample"
	acted_upon <"$room/sample" | sort >"$room/blocked"
	ok "MetaMask: names of the black list are blocked ($(wc -l <"$room/blocked") of $(wc -l <"$room/sample"))" \
		[ "$(wc -l <"$room/blocked")" -ge "$(($(wc -l <"$room/sample") * 97 / 100))" ]
fi

echo "1..$number"
