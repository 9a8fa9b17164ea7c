#!/bin/bash
# Response policy zones as the resolver takes them, asked on a desk: which zone, trigger and name decides. What is
# expected follows from BIND's manual and RFC 4592 by hand, not from our code. Prints TAP.
# shellcheck disable=SC2016 # conditions are evaluated later, and jq has its own dollars
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"

# zone NAME LINE...: a zone file.
zone() {
	local name=$1
	shift
	printf '%s\n' "\$ORIGIN $name." '$TTL 300' '@ SOA ns. h. 1 2 3 4 5' "$@" >"$name.rpz"
}

# config NAME[:ACTION]...: zones in their order; a rule at the end that would refuse what is left.
config() {
	local zone
	{
		echo 'sources:'
		for zone; do
			echo "  - {name: ${zone%%:*}, path: ${zone%%:*}.rpz, format: rpz}"
		done
		[ ! -e feed.txt ] || echo '  - {name: feed, path: feed.txt, format: domains}'
		echo 'policy:'
		for zone; do
			case $zone in
			*:*) echo "  - {rule: ${zone%%:*}, match: {source: ${zone%%:*}}, action: ${zone#*:}}" ;;
			*) echo "  - {rule: $zone, match: {source: $zone}, action: listed}" ;;
			esac
		done
		echo '  - {rule: rest, match: {}, action: refused}'
	} >sinkhole.yaml
}

# compiles NAME ZONE...: a generation of these zones.
compiles() {
	local name=$1
	shift
	config "$@"
	fresh
	is 0 "$name" compile -q -d d -c sinkhole.yaml --report report --force=bogon --force=protected --force=tld
}

# decides WANTED NAME ARGUMENTS...: "ACTION RULE", of a lookup.
decides() {
	local wanted=$1 name=$2
	shift 2
	run lookup -d d --json "$@"
	ok "$name: $wanted" [ "$(jq -r 'if .rule then "\(.action) \(.rule)" else .action end' out)" = "$wanted" ]
}

# --- the closest encloser (RFC 4592, 3.3.1) ----------------------------------------------------------

zone one \
	'*.host.example CNAME .' 'www.host.example CNAME rpz-passthru.' \
	'*.deep.example CNAME .' 'x.y.deep.example CNAME *.' \
	'*.star.example CNAME .' '*.mid.star.example CNAME *.' \
	'pair.example CNAME .' '*.pair.example CNAME .' 'a.pair.example CNAME *.' '*.a.pair.example CNAME *.' \
	'*.ns.example.rpz-nsdname CNAME .' 'good.ns.example.rpz-nsdname CNAME rpz-passthru.'
compiles "wildcards" one
decides none "the name above a wildcard" host.example
decides "nxdomain one" "a name below it" mail.host.example
decides "nxdomain one" "at any depth" a.b.c.host.example
decides "pass one" "a name that is listed itself" www.host.example
decides none "a name below that one" x.www.host.example
decides none "and further below" x.y.www.host.example
decides "nodata one" "a listed name with an empty one above it" x.y.deep.example
decides none "the empty non-terminal" y.deep.example
decides none "another name below it" z.y.deep.example
decides none "below the listed one" z.x.y.deep.example
decides "nxdomain one" "beside it" z.deep.example
decides none "a wildcard's own name" mid.star.example
decides "nodata one" "which stands below another wildcard" x.mid.star.example
decides "nxdomain one" "beside that" x.star.example
decides "nxdomain one" "the usual pair, the name" pair.example
decides "nxdomain one" "and below" x.pair.example
decides "nodata one" "a pair below a pair" a.pair.example
decides "nodata one" "and below that" x.y.a.pair.example
decides "nxdomain one" "a name server below a wildcard" clean.example --server bad.ns.example
decides "pass one" "one that is listed itself" clean.example --server good.ns.example
decides none "one below that" clean.example --server x.good.ns.example
decides "nxdomain one" "a server that is stopped does not spare another" clean.example \
	--server x.good.ns.example --server bad.ns.example
decides none "a name on the way that is stopped" x.www.host.example --chain clean.example
decides "nxdomain one" "and another one that is not" x.www.host.example --chain mail.host.example

# --- stops are no entries --------------------------------------------------------------------------------

ok "none is counted as taken" report '.sources[0] | .entries == 12 and .taken == 12 and .lines == 15'
run info -d d --json
ok "info tells of them" json '[.records[] | select(.hint == "stop") | .listings] | add == 4'
ok "and they belong to the source" json '[.records[] | select(.hint == "stop") | .source] | unique == ["one"]'
zone one '*.host.example CNAME .' 'www.host.example CNAME rpz-passthru.'
config one
run compile -q -d d -c sinkhole.yaml
run diff -d d 1 2 --json
ok "what differs between generations is entries" json '.added == 0 and .removed == 8 and .changed == 0'
mkdir gone && mv one.rpz gone/
is 4 "a source that is not there any more" compile -q -d d -c sinkhole.yaml --report report
ok "nothing is published without it" [ "$(serial)" = 2 ]
zone two '*.other.example CNAME .'
config one two
is 1 "beside another one" compile -q -d d -c sinkhole.yaml --report report
decides none "keeps its stops" x.www.host.example
decides "nxdomain one" "and its wildcards" x.host.example
ok "as what they are" report '[.sources[] | select(.source == "one") | .kept] == [2]'
mv gone/one.rpz .
run compile -q -d d rpz:one.rpz,scope=subtree
run info -d d --json
ok "a zone whose scope is dictated is none, and has no stops" json '[.records[] | select(.hint == "stop")] == []'

# --- zones and triggers (BIND's manual: which of several records is used) ----------------------------------

zone one '24.0.2.0.192.rpz-client-ip CNAME *.' 'name.example CNAME .' '24.0.100.51.198.rpz-ip CNAME rpz-drop.' \
	'ns.example.rpz-nsdname CNAME rpz-tcp-only.' '24.0.113.0.203.rpz-nsip CNAME rpz-passthru.'
zone two 'name.example CNAME rpz-drop.' 'other.example CNAME .' 'good.example CNAME .' \
	'32.9.9.51.198.rpz-ip CNAME .' '32.7.100.51.198.rpz-ip A 192.0.2.1'
compiles "triggers" one two
all_of=(--client 192.0.2.7 --answer 198.51.100.7 --server ns.example --server-address 203.0.113.7)
decides "nodata one" "the client before all" name.example "${all_of[@]}"
decides "nxdomain one" "the query name before the answer" name.example "${all_of[@]:2}"
decides "drop one" "the answer before the server" clean.example "${all_of[@]:2}"
decides "truncate one" "the server's name before its address" clean.example "${all_of[@]:4}"
decides "pass one" "the server's address" clean.example "${all_of[@]:6}"
decides none "nothing of that" clean.example
decides "drop one" "a zone's answer before a later zone's query name" other.example --answer 198.51.100.7
decides "pass one" "and its server's address" other.example --server-address 203.0.113.7
decides "nxdomain two" "the later zone's query name" other.example --answer 198.18.0.1
decides "drop one" "a shorter prefix of an earlier zone before a longer one of a later" clean.example \
	--answer 198.51.100.7
compiles "the other way round" two one
decides "nxdomain two" "the zone that is first now" other.example --answer 198.51.100.7
decides "data two" "its longer prefix" clean.example --answer 198.51.100.7
decides "drop one" "the other zone's, where it has none" clean.example --answer 198.51.100.8

zone one '8.0.0.0.198.rpz-ip CNAME .' '16.0.0.51.198.rpz-ip CNAME *.' '24.0.100.51.198.rpz-ip CNAME rpz-passthru.' \
	'32.7.100.51.198.rpz-ip CNAME rpz-drop.' '32.zz.db8.2001.rpz-ip CNAME .' \
	'48.zz.1.db8.2001.rpz-ip CNAME rpz-passthru.'
compiles "prefixes" one
decides "drop one" "the longest prefix" clean.example --answer 198.51.100.7
decides "pass one" "the next" clean.example --answer 198.51.100.8
decides "nodata one" "the next" clean.example --answer 198.51.7.7
decides "nxdomain one" "the shortest" clean.example --answer 198.7.7.7
decides none "none" clean.example --answer 199.7.7.7
decides "drop one" "of several addresses the one with the longest" clean.example --answer 198.7.7.7 \
	--answer 198.51.100.7 --answer 198.51.7.7
decides "nxdomain one" "IPv6" clean.example --type AAAA --answer 2001:db8:7::1
decides "pass one" "a longer one" clean.example --type AAAA --answer 2001:db8:1::1

# --- actions, overrides ----------------------------------------------------------------------------------------

zone one 'pass.example CNAME rpz-passthru.' 'tcp.example CNAME rpz-tcp-only.' 'alias.example CNAME walled.example.' \
	'*.alias.example CNAME *.walled.example.' 'data.example A 192.0.2.1' 'data.example TXT "a text"'
zone two 'pass.example CNAME .' '32.1.2.0.192.rpz-ip CNAME .' 'tcp.example CNAME .' 'chain.example CNAME .'
compiles "actions" one two
decides "pass one" "who lets through ends it, for later zones" pass.example
decides "pass one" "and other triggers" pass.example --answer 192.0.2.1
decides "truncate one" "TCP only" tcp.example
decides "cname one" "an alias" alias.example
decides "cname one" "one to below its target" x.alias.example
decides "data one" "local data" data.example
decides "data one" "of other types" data.example --type MX
decides "pass one" "an earlier name of the way" pass.example --chain chain.example
decides "nxdomain two" "a later one" clean.example --chain chain.example
compiles "overrides" one:monitor two:nodata
decides "nodata two" "disabled, then NODATA" pass.example
decides none "disabled" tcp2.example
compiles "a zone that is let through" one:pass two
decides "pass one" "passthru" data.example

# --- beside other sources -----------------------------------------------------------------------------------------

printf '%s\n' feed.example host.example >feed.txt
zone one '*.host.example CNAME .' 'www.host.example CNAME rpz-passthru.' 'feed.example CNAME rpz-passthru.'
compiles "a feed behind a zone" one
decides "pass one" "the zone is first" feed.example
decides "refused rest" "what the zone does not say" x.feed.example
decides "refused rest" "nor where a wildcard of its ends" x.www.host.example
rm feed.txt

# --- the apex wildcard ----------------------------------------------------------------------------------------------

zone one '* CNAME .' 'www.good.example CNAME rpz-passthru.'
config one
fresh
is 0 "everything, by one record" compile -d d -c sinkhole.yaml
ok "is left out" all 'grep -q "1 left out as top-level domain, such as .\*. .*--force=tld" err' '! listed bad.test'
compiles "unless it is forced" one
decides "nxdomain one" "everything" bad.test
decides "nxdomain one" "be it of one label" bad
decides "pass one" "but what is listed" www.good.example
decides none "and the names on the way to it, as in every zone" good.example
decides none "with what is below them" bad.good.example

echo "1..$number"
