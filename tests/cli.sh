#!/bin/bash
# The command as its user meets it: exit status, messages, files. Prints TAP.
# make check gives the program in $SINKHOLE.
# shellcheck disable=SC2016,SC2034 # conditions are evaluated later, and rules hold dollars
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"
build_tree=${top_builddir:?where make check runs}

# complains STATUS PATTERN NAME ARGUMENTS...: it ends so, says that in exactly one line, prints nothing.
complains() {
	local wanted=$1 pattern=$2 name=$3
	shift 3
	run "$@"
	ok "$name" complained "$wanted" "$pattern"
}
complained() { [ "$status" = "$1" ] && grep -q -- "$2" err && [ "$(wc -l <err)" = 1 ] && [ ! -s out ]; }

# shellcheck disable=SC2120 # only within strings
temps() { find "${1:-d}" -name 'tmp-*' | wc -l; }
says() { grep -q -- "$1" "${2:-out}"; } # PATTERN [FILE]
action() { "$sinkhole" lookup -d d --json "$1" | jq -r .action; }
escape=$'\e'

printf '%s\n' ads.example.com evil.example '*.wild.example' >list.txt
printf '%s\n' '0.0.0.0 hosts.example' '127.0.0.1 localhost' >hosts.txt
printf '%s\n' '! Title: t' '||block.example^' '@@||good.block.example^' '||strong.example^$important' \
	'@@||strong.example^' '||path.example/x' '||com^$doc' >rules.txt

# --- usage ----------------------------------------------------------------------------------------

complains 2 "no command" "no command"
complains 2 "unknown command 'frobnicate'" "an unknown command" frobnicate
complains 2 "did you mean 'lookup'" "a command misspelt" lokup
complains 2 "unknown option '--frob'" "an unknown option before the command" --frob
complains 2 "unknown or ambiguous option '--frob'" "an unknown long option" compile --frob x
complains 2 "unknown option '-Z'" "an unknown short option" lookup -Z
complains 2 "'--dir' needs a value" "a value is missing" lookup x --dir
complains 2 "takes no value" "a value too many" lookup --json=x y
complains 2 "unknown option '-x'" "an unknown letter among others, behind a good option" compile --json -xq list.txt
complains 2 "unknown option '-,'" "a comma among letters" compile -q, list.txt
complains 2 "help compile" "usage errors point to help" compile
complains 2 "no NAME" "lookup of nothing" lookup
complains 2 "no operand" "generations takes no operand" generations 3
complains 2 "is no serial" "a serial that is none" verify 0
complains 2 "is no serial" "a serial that is too large" rollback 99999999999999999999
complains 2 "one SERIAL" "two serials" rollback 1 2
complains 4 "sinkhole.yaml: .*No such file" "a configuration that is not there" compile -c sinkhole.yaml
complains 2 "one command" "help about two" help compile lookup
complains 2 "unknown command" "help about none" help frobnicate
complains 2 "unknown command '.x1B\[2Jx'" "what was typed cannot clear the screen" "${escape}[2Jx"

is 0 "help" help
words=$(sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' out)
ok "help lists the commands" [ "$(wc -w <<<"$words")" -ge 8 ]
is 0 "--help" --help
is 0 "--version" --version
ok "--version is one line" grep -qx 'sinkhole [0-9.]*' out
for word in $words; do
	is 0 "help $word" help "$word"
	cp out help.out
	is 0 "$word --help" "$word" --help
	ok "both are the same, and say how" all 'cmp -s out help.out' 'says "^usage: sinkhole $word "'
done
run help compile
for format in domains hosts adblock; do
	ok "help names the format $format" says "^  $format "
done
status=0
"$sinkhole" help >/dev/full 2>err || status=$?
ok "output that cannot be written is an error" all '[ $status = 4 ]' 'says "standard output" err'

# --- options of compile -----------------------------------------------------------------------------

fresh
complains 2 "--action is" "--action" compile -d d --action cname list.txt
complains 2 "no IPv4" "--sinkhole-a" compile -d d --sinkhole-a 1.2.3 list.txt
complains 2 "no IPv6" "--sinkhole-aaaa" compile -d d --sinkhole-aaaa 192.0.2.1 list.txt
complains 2 "no IPv4" "--sinkhole-a, nothing behind the comma" compile -d d --sinkhole-a 192.0.2.1, list.txt
complains 2 "more than 8" "--sinkhole-a with nine" compile -d d \
	--sinkhole-a 1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9 list.txt
complains 2 "needs --sinkhole-a" "a sinkhole without an address" compile -d d --action sinkhole list.txt
complains 2 "go with" "an address without a sinkhole" \
	compile -d d --action nodata --sinkhole-a 192.0.2.1 list.txt
complains 2 "--ttl" "--ttl too long" compile -d d --ttl 604801 list.txt
complains 2 "--ttl" "--ttl negative" compile -d d --ttl=-1 list.txt
complains 2 "--force is" "--force" compile -d d --force everything list.txt
complains 2 "--keep" "--keep" compile -d d --keep 0 list.txt
complains 2 "--memory" "--memory" compile -d d --memory 5Q list.txt
complains 2 "--memory" "--memory beyond all" compile -d d --memory 99999999999999999999G list.txt
complains 2 "--memory" "--memory beyond all, by its unit" compile -d d --memory 99999999999999999G list.txt
complains 2 "one line" "--reason of two lines" compile -d d --reason $'a\nb' list.txt
complains 2 "one line" "--reason too long" compile -d d --reason "$(printf '%0256d' 0)" list.txt
for epoch in '' x 1.5 -1 01 253402300800 99999999999999999999; do
	export SOURCE_DATE_EPOCH=$epoch
	complains 2 "SOURCE_DATE_EPOCH" "SOURCE_DATE_EPOCH='$epoch'" compile -d d list.txt
done
unset SOURCE_DATE_EPOCH
ok "wrong usage publishes nothing" [ -z "$(ls d)" ]

# --- sources ------------------------------------------------------------------------------------------

complains 2 "unknown key 'colour'" "an unknown key" compile -d d list.txt,colour=red
complains 2 "no key=value" "a comma in a path" compile -d d list.txt,v
complains 2 "unknown format 'nosuch'" "an unknown format" compile -d d nosuch:list.txt
complains 2 "names no file" "a format alone" compile -d d domains:
complains 2 "names no file" "no path at all" compile -d d ,source=x
complains 2 "severity cannot be" "a severity" compile -d d list.txt,severity=hot
complains 2 "confidence cannot be" "a confidence" compile -d d list.txt,confidence=101
complains 2 "confidence cannot be" "a confidence of nothing" compile -d d list.txt,confidence=
complains 2 "tlp cannot be" "a traffic light" compile -d d list.txt,tlp=blue
complains 2 "scope cannot be" "a scope" compile -d d list.txt,scope=all
complains 2 "action cannot be" "an action of an entry" compile -d d list.txt,action=drop
complains 2 "jurisdiction" "a jurisdiction" compile -d d list.txt,jurisdiction=France
complains 2 "category= needs" "an empty text" compile -d d list.txt,category=
complains 2 "printable" "a text with control characters" compile -d d list.txt,category="$escape"
complains 2 "printable" "a text that is not UTF-8" compile -d d list.txt,category=$'a\xff'
complains 2 "longer than" "a text too long" compile -d d "list.txt,category=$(printf '%01025d' 0)"
for time in tomorrow 2026-02-29 2026-13-01 1969-12-31 2026-01-01T25:00Z 2026-01-01T00:00+1 @-1 ''; do
	complains 2 "valid-until cannot be" "valid-until=$time" compile -d d "list.txt,valid-until=$time"
done
complains 2 "not after" "valid-until is valid-from" \
	compile -d d list.txt,valid-from=2026-01-02,valid-until=2026-01-02
complains 2 "read once" "standard input twice" compile -d d - domains:-
complains 2 "read once" "standard input twice, with keys" compile -d d -,tag=a -,tag=b
for time in @0 1970-01-01 1970-01-01T01:00:00+01:00; do
	complains 2 "valid-until cannot be" "valid-until=$time is not for ever" compile -d d "list.txt,valid-until=$time"
done

complains 4 "'nosuch.txt': No such file" "a file that is not there" compile -d d nosuch.txt
is 4 "two files that are not there" compile -d d nosuch.txt neither.txt
is 1 "one of two files is not there" compile -d other list.txt nosuch.txt
ok "does not stop the other one" all 'says "nosuch.txt.: No such file" err' '[ "$(serial other)" = 1 ]'
complains 3 "no file in it" "an empty directory" compile -d d domains:tmp
complains 3 "neither a file nor a pipe" "a device without end" compile -d d domains:/dev/zero
printf 'example.com\n' | iconv -f ascii -t utf-16 >utf16.txt
complains 3 "UTF-16" "UTF-16" compile -d d domains:utf16.txt
gzip <list.txt | head -c 40 >cut.gz
complains 3 "'cut.gz': gzip data that are cut short" "a compressed list, cut short" compile -d d domains:cut.gz
gzip <list.txt | xz >twice.xz
complains 3 "compressed twice" "a list compressed twice" compile -d d domains:twice.xz
yes evil.example | head -c 3000000 | gzip | head -c 5000 >late.gz
complains 3 "'late.gz', line [0-9]*: gzip data that are cut short" "a long one, cut short" compile -d late late.gz
printf '%s\n' '<html>' '<p>Please log in</p>' '</html>' >login.html
complains 3 "write FORMAT:login.html" "an HTML page" compile -d d login.html
printf '%s\n' '0.0.0.0 a.example' 'b.example' >mixed.txt
complains 3 "1 like domains, 1 like hosts" "an ambiguous list says why" compile -d d mixed.txt
printf '%s\n' 192.0.2.1 192.0.2.2 >addresses.txt
complains 3 "its format is not recognised" "a list of addresses only" compile -d d addresses.txt
ok "what could not be read publishes nothing" [ -z "$(ls d)" ]

nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
chmod 0755 .
if [ "$(id -u)" = 0 ] && "${nobody[@]}" "$sinkhole" --version >/dev/null 2>&1; then
	mkdir -m 0777 shared
	cp list.txt shared/open.txt
	install -m 0600 list.txt shared/secret.txt
	mkdir -m 0755 shared/closed
	status=0
	"${nobody[@]}" "$sinkhole" compile -d shared/d shared/secret.txt >out 2>err </dev/null || status=$?
	ok "a file that may not be read" complained 4 "Permission denied"
	status=0
	"${nobody[@]}" "$sinkhole" compile -d shared/closed shared/open.txt >out 2>err </dev/null || status=$?
	ok "a data directory that may not be written" complained 4 "Permission denied"
	mkdir -m 0700 shared/private
	run compile -d shared/private list.txt
	status=0
	"${nobody[@]}" "$sinkhole" generations -d shared/private >out 2>err </dev/null || status=$?
	ok "generations that may not be read" complained 4 "Permission denied"
else
	skip "a file that may not be read" "not root, or no other user can run the program"
	skip "a data directory that may not be written" "not root, or no other user can run the program"
	skip "generations that may not be read" "not root, or no other user can run the program"
fi
chmod 0700 .

fresh
is 0 "three formats, recognised" compile -d d --report report list.txt hosts.txt rules.txt
ok "the report is JSON, and every line is accounted for" adds_up
ok "formats are the right ones" report \
	'[.sources[] | .format + (.recognised | tostring)] == ["domainstrue", "hoststrue", "adblocktrue"]'
ok "sources are named after their files" report '[.sources[].source] == ["list", "hosts", "rules"]'
ok "a path rule is counted by its reason, with its line" report '.sources[2].reasons[] |
	select(.reason == "path") | .lines == 1 and .examples == [{"at": "rules.txt:6", "text": "||path.example/x"}]'
ok "stderr tells of each source and of the generation" all \
	'says "rules.txt (adblock): 7 lines, 4 entries, 1 comments, 2 skipped: 1 path, 1 modifier" err' \
	'says "generation 1 published: 7 names" err'
ok "nothing on standard output" [ ! -s out ]
is 0 "--json" compile -d d --json -q list.txt list.txt,source=again
ok "prints the report on standard output, and nothing else" all '[ ! -s err ]' \
	'json ".generation == 2 and .sources[0].entries == 3 and .sources[0].duplicates == 0"'
printf '%s\n' a.example A.example. b.example a.example >twice.txt
run compile -d d --json -q twice.txt list.txt
ok "duplicates are counted, by source and in all" \
	json '[.sources[].duplicates] == [2, 0] and .duplicates == 2 and .names == 5'
status=0
"$sinkhole" compile -d d - <list.txt >out 2>err || status=$?
ok "standard input" all '[ "$(serial)" = 4 ]' 'says "standard input (domains): 3 lines" err'
status=0
"$sinkhole" compile -d stdin hosts.txt -,category=c,source=s -q --reason -,tag=x ./n.txt twice.txt <list.txt >out 2>err || status=$?
ok "standard input with keys is no option" complained 1 "n.txt': No such file"
status=0
"$sinkhole" compile -d stdin hosts.txt -,category=c,source=s -q --reason -,tag=x twice.txt <list.txt >out 2>err || status=$?
ok "and its keys hold" all '[ "$status" = 0 ]' 'says "^reason -,tag=x$" stdin/current' 'says "^names 6$" stdin/current' \
	'"$sinkhole" lookup -d stdin evil.example | grep -q "source s, category c"'
# shellcheck disable=SC2002 # a pipe is what is tested
cat rules.txt | "$sinkhole" compile -d d - >out 2>err
ok "a pipe that needs two passes" all 'says "standard input (adblock): 7 lines, 4 entries" err' \
	'listed strong.example'
status=0
# shellcheck disable=SC2002 # a pipe is what is tested
cat rules.txt | TMPDIR=$room/nosuch "$sinkhole" compile -d d - >out 2>err || status=$?
ok "a TMPDIR that is not there is not the feed's fault" \
	complained 4 "'standard input': cannot be kept in \$TMPDIR: No such file"
for program in gzip xz zstd bzip2; do
	command -v $program >/dev/null || {
		skip "a list compressed by $program" "no $program"
		continue
	}
	$program <rules.txt >"$program.txt"
	is 0 "a list compressed by $program" compile -d packed "$program.txt"
	ok "is read like the plain one" says "$program.txt (adblock): 7 lines, 4 entries" err
	$program <rules.txt | "$sinkhole" compile -d packed - >out 2>err
	ok "and out of a pipe, twice" says "standard input (adblock): 7 lines, 4 entries" err
done
mkfifo pipe
cat list.txt >pipe &
is 0 "a named pipe" compile -d d pipe
wait
printf '%s\n' comma.example >'a,b.txt'
printf '%s\n' colon.example >'hosts:x.txt'
is 0 "a comma and a colon in a path" compile -d d 'a\,b.txt,category=x\,y' ./hosts:x.txt
run lookup -d d --json comma.example
ok "they are taken apart well" json '.records[0] | .source == "a,b" and .category == "x,y"'
ok "no temporary file stays" [ "$(temps)" = 0 ]
ok "nor in TMPDIR" [ -z "$(ls -A tmp)" ]

keys=source=s,category=c,severity=high,confidence=90,actor=a,campaign=m,tlp=amber+strict,legal-basis=l
keys=$keys,reference=r,jurisdiction=FR,jurisdiction=DE,tag=t,tag=u,valid-from=2020-01-01
is 0 "every key of an entry" compile -d d "list.txt,$keys,valid-until=2999-12-31T23:59:59+02:00,scope=exact"
run lookup -d d --json ads.example.com
ok "every key comes back" json '.records == [{"source": "s", "category": "c", "actor": "a", "campaign": "m",
	"legal-basis": "l", "reference": "r", "jurisdiction": "FR,DE", "tag": "t,u", "kind": "block",
	"severity": "high", "confidence": 90, "tlp": "amber+strict",
	"valid-from": "2020-01-01T00:00:00Z", "valid-until": "2999-12-31T21:59:59Z"}]'
ok "scope= rules over the format" all 'json ".scope == \"exact\""' '! listed x.ads.example.com'

# --- what is listed -------------------------------------------------------------------------------------

fresh
run compile -d d list.txt hosts.txt rules.txt
while read -r name wanted; do
	ok "$name: $wanted" [ "$(action "$name")" = "$wanted" ]
done <<-'EOF'
	path.example none
	com none
	example.com none
	localhost none
	notads.example.com none
	ads.example.com.evil.test none
	wild.example none
	x.hosts.example none
	good.block.example pass
	x.good.block.example pass
	ads.example.com nxdomain
	x.y.ads.example.com nxdomain
	ADS.Example.Com. nxdomain
	x.wild.example nxdomain
	hosts.example nxdomain
	block.example nxdomain
	bad.block.example nxdomain
	strong.example nxdomain
EOF
echo evil.example >allow.txt
is 0 "an allow list" compile -d d list.txt domains:allow.txt,allow
ok "allows" [ "$(action www.evil.example)" = pass ]
is 0 "action=pass is the same" compile -d d list.txt domains:allow.txt,action=pass
ok "allows too" [ "$(action www.evil.example)" = pass ]
printf '%s\n' '||ads.example.com^' '||evil.example^$important' '||evil.example^' '||stays.example^' >a.txt
printf '%s\n' '||ads.example.com^$badfilter' '||evil.example^$badfilter' '||stays.example$badfilter' \
	'||free.example^' >b.txt
for order in "a.txt b.txt" "b.txt a.txt"; do
	# shellcheck disable=SC2086 # two words
	run compile -d d --report report $order
	ok "\$badfilter takes back equal rules of any list, and no others ($order)" \
		[ "$(action ads.example.com) $(action evil.example) $(action stays.example)" = "none nxdomain nxdomain" ]
	ok "both lines are counted" all adds_up \
		'report "[.sources[].reasons[] | select(.reason | test(\"badfilter\")) | .lines] | add == 5"'
done

is 0 "nodata" compile -d d --action nodata list.txt
ok "is what lookup says" [ "$(action evil.example)" = nodata ]
is 0 "a sinkhole" compile -d d --sinkhole-a 192.0.2.53,192.0.2.54 --sinkhole-aaaa 2001:db8::53 --ttl 0 list.txt
ok "is what lookup says, too" [ "$(action evil.example)" = sinkhole ]
run info -d d --json
ok "info tells the answer" json '.policy.rules == [{"rule": "default", "match": {}, "action": "sinkhole", "addresses": [
	{"type": "A", "address": "192.0.2.53"}, {"type": "A", "address": "192.0.2.54"},
	{"type": "AAAA", "address": "2001:db8::53"}], "ttl": 0, "ede": 15}]'

# --- the gate ---------------------------------------------------------------------------------------------

fresh
printf '%s\n' com . co.uk github.io localhost in-addr.arpa '*.com' foo.ck xn--55qx5d.cn kawasaki.jp .net \
	fine.github.io fine.co.uk www.ck >suffixes.txt
is 0 "public suffixes as a feed" compile -d d --report report domains:suffixes.txt
ok "none gets in, their children do" report '.names == 3 and .sources[0].entries == 3'
ok "top-level domains are counted" report \
	'.sources[0].reasons[] | select(.reason == "top-level domain") | .lines == 5'
ok "so are public suffixes, ICANN's and private ones" report \
	'.sources[0].reasons[] | select(.reason == "public suffix") | .lines == 6'
ok "stderr names one of each, where, and the way out" all \
	'says "co.uk.*suffixes.txt:3); --force=suffix" err' 'says "com.*suffixes.txt:1); --force=tld" err'
for name in com co.uk github.io in-addr.arpa foo.ck; do
	ok "$name is not blocked" all "! listed $name" "! listed x.$name"
done
printf '%s\n' '||com^' '||co.uk^' '@@||com^' '||ok.example^' >suffixrules.txt
run compile -d d --report report adblock:suffixrules.txt
ok "AdBlock's too, allowed or blocked" all '! listed x.com' '! listed co.uk' 'listed ok.example' \
	'report ".names == 1"'
is 0 "--force=tld" compile -d d --force=tld domains:suffixes.txt
ok "takes top-level domains, but never the root" all 'listed com' '! listed co.uk' '! listed org'
ok "and does not propose what was done" all 'says "1 left out as top-level domain" err' '! says "force=tld" err' \
	'says "force=suffix" err'
printf '%s\n' . fine.example >root.txt
run compile -d d domains:root.txt
ok "nor what would not help: the root" all 'says "1 left out as top-level domain" err' '! says "force=" err'
is 0 "--force=suffix" compile -d d --force suffix domains:suffixes.txt
ok "takes public suffixes" all 'listed github.io' 'listed x.co.uk' '! listed x.com'

fresh
: >empty.txt
printf '# nothing\n' >comments.txt
for list in empty.txt comments.txt domains:addresses.txt; do
	is 1 "no entry: $list" compile -d d --report report "$list"
	ok "is refused, reported, and named" all adds_up '[ ! -e d/current ]' '[ "$(temps)" = 0 ]' \
		'says "no entry in any source.*--force=empty" err' \
		'report ".refused == \"empty\" and .generation == null"'
done
is 0 "--force=empty" compile -d d --force=empty empty.txt
ok "publishes a list of nothing" all '[ "$(serial)" = 1 ]' '! listed a.example' \
	'"$sinkhole" verify -d d >/dev/null'
is 0 "an empty list beside others is no harm" compile -d d empty.txt list.txt

# --- lookup ------------------------------------------------------------------------------------------------

fresh
complains 3 "nothing has been published" "lookup without data" lookup -d d a.example
run compile -d d list.txt,category=ads hosts.txt rules.txt domains:list.txt,source=two,valid-until=2026-01-01 \
	domains:list.txt,source=three,valid-from=2999-01-01
is 0 "one blocked name of several" lookup -d d clean.example evil.example
is 1 "none" lookup -d d clean.example other.example
is 1 "allowed is not blocked" lookup -d d good.block.example
is 1 "addresses" lookup -d d 192.0.2.1 2001:db8::1
ok "are not listed, it says" says "192.0.2.1: none, not listed"
for name in 192.0.2.1/24 '[2001:db8::1]' fe80::1%lo; do
	complains 3 "is no address" "an address that is none: $name" lookup -d d "$name"
done
complains 3 "is no domain name" "a name that is none" lookup -d d a..b
for name in https://evil.example/x evil.example:443 evil.example/ http:evil.example; do
	complains 3 "is no domain name" "pasted: $name" lookup -d d "$name"
done
is 1 "a slash in a name can be asked for" lookup -d d '0\/25.2.0.192.in-addr.arpa'
complains 2 "--client" "--client" lookup -d d --client example.com a.example
complains 2 "query type" "--type" lookup -d d --type FROB a.example
complains 2 "--at" "--at" lookup -d d --at yesterday a.example
run lookup -d d evil.example
ok "says what wins" says "wins: block evil.example (subtree), source list, category ads"
ok "says what lost, and why" all 'says "expired at 2026-01-01T00:00:00Z: .*source two"' \
	'says "not valid before 2999-01-01T00:00:00Z: .*source three"'
run lookup -d d --at 2025-12-31T23:59:59Z evil.example
ok "--at a second before the expiry: two in force" all 'says "source two"' '! says expired' 'says "agrees: "'
run lookup -d d --at 2026-01-01 evil.example
ok "--at that second: over" says expired
run lookup -d d --json --type aaaa --client 192.0.2.9 www.EVIL.example clean.example 192.0.2.1
ok "JSON: an object a line" [ "$(wc -l <out)" = 3 ]
ok "JSON: all fields, in every object" jq -es 'map(del(.as) | keys == ["action", "answer", "at", "awaits", "client",
	"considered", "country", "depends-on-client", "generation", "group", "matched", "monitor", "name", "records",
	"rule", "scope", "trigger", "type"]) | all' out
ok "JSON: of a hit" jq -es '.[0] | .name == "www.evil.example" and .type == "AAAA" and
	.client == "192.0.2.9" and .generation == 1 and .action == "nxdomain" and .rule == "default" and
	.matched == "evil.example" and .scope == "subtree" and .trigger == "qname" and
	(.records | length) == 1 and (.considered | length) == 3' out
ok "JSON: of a miss" jq -es '.[1] | .action == "none" and .rule == null and .matched == null and
	.records == [] and .considered == []' out
run lookup -d d x.good.block.example
ok "an overruled block is told" all 'says "wins: allow good.block.example"' \
	'says "overruled by an allow entry: block block.example"'
run lookup -d d strong.example
ok "an overruled allow is told" all 'says "wins: important strong.example"' \
	'says "overruled by an important entry: allow"'
run lookup -d d "${escape}[2Jx.example" 'a\.b.example' 'bücher.example' 'fe80::1%'"$escape"
ok "names are printed safe" all '! grep -q "$escape" out err' 'says "xn--bcher-kva.example"' \
	'says "a\\\\.b.example"'
run compile -d d domains:list.txt,source=s domains:list.txt,source=s,scope=exact domains:list.txt,source=a,confidence=99 \
	domains:list.txt,source=a,confidence=99,scope=exact
run lookup -d d --json evil.example
ok "JSON: a record is given once, whatever its scopes" \
	json '(.considered | length) == 4 and (.records | length) == 2 and (.records | unique | length) == 2'

# What no feed of these tests says: other triggers, hints, types, exceptions, data.
fresh
"$build_tree/tests/publish" d 2>err
run verify -d d
ok "every kind of entry reads back" all '[ "$status" = 0 ]' 'says "11 names, 12 listings"'
is 0 "lookup of a listed address" lookup -d d 192.0.2.1
ok "says what becomes of an answer with it, and of a client" [ "$(cat out)" = \
	"192.0.2.1: nxdomain, rule default; in an answer of which nothing else is listed
  answer: ttl 10, ede 15
  wins: block 192.0.2.1 (answer), source host, hint nxdomain
  expired at 1970-01-01T00:00:01Z: block 192.0.2.1 (answer), source over, until 1970-01-01T00:00:01Z
  less specific: block 192.0.2.0/24 (answer), source net
  as a client's: nxdomain, rule default
  answer: ttl 10, ede 15
  wins: block 192.0.2.0/25 (client), source client, hint drop" ]
is 0 "lookup of listed addresses, JSON" lookup -d d --json 192.0.2.1 192.0.2.128/25 2001:DB8:0::5 192.0.3.1
ok "every field of the interface" jq -es 'map(has("name", "type", "client", "generation", "action", "rule",
	"matched", "scope", "trigger", "records", "considered")) | all' out
ok "what is done, and what covers it under considered" jq -es '.[0] | .action == "nxdomain" and
	.matched == "192.0.2.1" and .scope == null and .trigger == "answer" and .as.client.action == "nxdomain" and
	.as["ns-address"].action == "none" and (.records | map(.source)) == ["host"] and
	[.considered[] | [.prefix, .trigger, .source, .outcome]] == [
	["192.0.2.1", "answer", "host", "wins"],
	["192.0.2.1", "answer", "over", "expired at 1970-01-01T00:00:01Z"],
	["192.0.2.0/24", "answer", "net", "less specific"],
	["192.0.2.0/25", "client", "client", "wins"]]' out
ok "a prefix: only told is what covers all of it" jq -es '.[1] | .name == "192.0.2.128/25" and
	.action == "none" and (.considered | map([.prefix, .outcome])) == [["192.0.2.0/24", "covers it"]]' out
ok "IPv6" jq -es '.[2] | .name == "2001:db8::5" and .action == "none" and
	.as["ns-address"].action == "nxdomain" and (.considered | map(.trigger)) == ["ns-address"]' out
ok "an address that is not listed" jq -es '.[3] | .considered == [] and .action == "none" and
	[.as[].action] == ["none", "none"]' out
run lookup -d d good.except.example x.good.except.example notgood.except.example
ok "a name that an entry leaves alone, with all below it and no other" all \
	'says "^good.except.example: none$"' 'says "^x.good.except.example: none$"' \
	'says "leaves this name alone: block except.example (subtree), source except, except good.except.example$"' \
	'says "^notgood.except.example: nxdomain, rule default$"'
is 0 "entries for some types" lookup -d d tcp.example types.example not.types.example
ok "are told, and that they are about others" all 'says "^tcp.example: nxdomain, rule default$"' \
	'says "wins: .*hint truncate$"' 'says "^types.example: none$"' 'says "^not.types.example: none$"' \
	'says "about other query types: .*, types AAAA HTTPS$"' 'says ", all types but A TYPE65534$"'
run lookup -d d --type aaaa types.example not.types.example
ok "and of their types" all 'says "^types.example: nxdomain, rule default$"' \
	'says "^not.types.example: nxdomain, rule default$"'
is 0 "an entry that brings data" lookup -d d data.example
ok "shows it, printable" all '! grep -q "$escape" out' 'says "hint data, data A 192.0.2.1 (60 s); A \\\\# 5 c000020101 (60 s)"' \
	'says "CNAME garden.test (300 s); TXT .a..b. ..027.2J... (0 s); AAAA 2001:db8::1 (0 s)"' \
	'says "; TYPE65280 .# 1 ff (0 s)"'
run lookup -d d --json data.example types.example not.types.example good.except.example
ok "JSON: data" jq -es '.[0].records[0] | .hint == "data" and .data[0] == {"type": "A", "ttl": 60, "data": "192.0.2.1"}
	and .data[1].data == "\\# 5 c000020101" and .data[2].data == "garden.test" and (.data | length) == 6' out
ok "JSON: types, exceptions" jq -es '.[1].considered[0].types == ["AAAA", "HTTPS"] and
	.[2].considered[0].types == {"not": ["A", "TYPE65534"]} and
	.[3].considered[0].except == ["good.except.example"] and .[3].considered[0].trigger == "qname"' out
is 1 "a name below a listed name server" lookup -d d ns1.evil-dns.example
ok "is told, and that answers are meant" \
	says "about answers from such a server: block evil-dns.example (ns-name, subtree), source server"
run info -d d
ok "info counts triggers" all \
	'says "^listings by trigger: 6 qname, 3 answer, 1 client, 1 ns-name, 1 ns-address$"' \
	'says "2  block .*server, 1 ns-name, 1 ns-address$"'
run info -d d --json
ok "info --json, too" json '.triggers == {"qname": 6, "answer": 3, "client": 1, "ns-name": 1, "ns-address": 1} and
	(.records[] | select(.source == "server") | .listings == 2 and ."ns-name" == 1) and .names == 11'

# --- generations, rollback, verify, info --------------------------------------------------------------------

fresh
complains 3 "nothing has been published" "no generations" generations -d d
complains 1 "" "no rollback" rollback -d d
complains 3 "nothing has been published" "nothing to verify" verify -d d
complains 3 "nothing has been published" "nothing to tell of" info -d d
complains 3 "nothing has been published" "nothing to compare" diff -d d
complains 3 "" "a directory that is not there" generations -d nosuch
for i in 1 2 3 4; do
	echo "n$i.example" >"n$i.txt"
	run compile -d d --reason "number $i" "n$i.txt"
done
run generations -d d --json
ok "four generations, the last one published" json 'map(.serial) == [1, 2, 3, 4] and
	map(.published) == [false, false, false, true] and .[1].reason == "number 2"'
run generations -d d
ok "a table marks it" all '[ "$(wc -l <out)" = 4 ]' 'says "^\*  *4 .*compile: number 4"'
is 0 "rollback" rollback -d d --reason "n4 was wrong"
ok "publishes the one before under a new serial" all '[ "$(serial)" = 5 ]' 'listed n3.example' '! listed n4.example'
is 0 "another rollback" rollback -d d
ok "goes one further back" all '[ "$(serial)" = 6 ]' 'listed n2.example'
is 0 "rollback to a serial" rollback -d d 4
ok "is forward again" all '[ "$(serial)" = 7 ]' 'listed n4.example'
run generations -d d --json
ok "the history says so" json '.[4].origin == "rollback to 3" and .[4].reason == "n4 was wrong" and .[6].published'
complains 1 "" "rollback to one that is not kept" rollback -d d 99
is 0 "--keep" compile -d d --keep 2 list.txt
run generations -d d --json
ok "keeps two" json 'map(.serial) == [7, 8]'
is 0 "verify" verify -d d
is 0 "verify an older one" verify -d d 7
is 1 "verify one that is not there" verify -d d 3
run info -d d
ok "info" all 'says "generation 8 .*3 names"' 'says "3  block .*list, 2 subtree, 1 below"'

base=d/gen/$(sed -n 's/^base //p' d/current)
cp "$base" whole
for how in truncated overwritten longer empty gone; do
	case $how in
	truncated) head -c 4096 whole >"$base" ;;
	overwritten) { head -c 9000 whole && printf X && tail -c +9002 whole; } >"$base" ;;
	longer) { cat whole && echo; } >"$base" ;;
	empty) : >"$base" ;;
	gone) rm "$base" ;;
	esac
	complains 3 "" "verify: the base is $how" verify -d d
	run lookup -d d evil.example
	ok "lookup: the base is $how" all '[ "$status" = 3 ]' '[ ! -s out ]' '[ -s err ]'
	run info -d d
	ok "info: the base is $how" all '[ "$status" = 3 ]' '[ ! -s out ]' '[ -s err ]'
	run selftest -d d --unbound /bin/false
	ok "selftest: the base is $how" all '[ "$status" = 3 ]' 'says "^FAIL.*compile again, or roll back"'
	complains 3 "nothing published" "rollback to it" rollback -d d 8
done
cp whole "$base"
sed -i 's/^names .*/names 4/' d/current
complains 3 "" "verify: the manifest is changed" verify -d d
run generations -d d
ok "generations: the manifest is changed" [ "$status" = 3 ]
complains 3 "" "lookup: the manifest is changed" lookup -d d evil.example
is 0 "rollback to a good one, all the same" rollback -d d 7
is 0 "and all is well again" verify -d d

fresh
for i in 1 2 3 4 5 6 7 8; do
	echo "n$i.example" >"n$i.txt"
	run compile -d d --keep 20 "n$i.txt"
done
# The serial whose content is published, by the only name in it.
content() { for i in 1 2 3 4 5 6 7 8 9; do listed "n$i.example" && echo "$i"; done | paste -sd ' '; }
trail=
for _ in 1 2 3 4 5 6 7; do
	run rollback -d d
	trail="$trail $(content)"
done
ok "rollback goes back and back, never forth" [ "$trail" = " 7 6 5 4 3 2 1" ]
complains 1 "no generation before 1, with another content" "and ends at the first" rollback -d d
ok "nothing is published then" all '[ "$(serial)" = 15 ]'
run generations -d d --json
ok "rollback prunes nothing" json 'map(.serial) == [range(1; 16)]'
is 0 "rollback to a rollback" rollback -d d 10
run generations -d d --json
ok "is to its original: no chain" all 'json ".[-1].origin == \"rollback to 6\""' '[ "$(content)" = 6 ]'
is 0 "and one back from there" rollback -d d
ok "is the one before the original" [ "$(content)" = 5 ]
echo n9.example >n9.txt
run compile -d d --keep 20 n9.txt
is 0 "back from what was compiled after a rollback" rollback -d d
ok "is what was published before it, not what was fled from" [ "$(content)" = 5 ]
rm d/current
complains 1 "" "current is missing: where back is, nobody knows" rollback -d d
is 0 "but to a serial it works" rollback -d d 3
ok "and does not tell of a generation 0" all '[ "$(content)" = 3 ]' '! says "published before" err' '[ "$(serial)" = 20 ]'

fresh
for i in 1 2 1; do run compile -d d "n$i.txt"; done
is 0 "A B A, rollback" rollback -d d
ok "is B" [ "$(content)" = 2 ]
is 0 "once more" rollback -d d
ok "is the first A" all '[ "$(content)" = 1 ]' 'says "^origin rollback to 1$" d/current'
run compile -d d n1.txt
is 1 "the same again has nothing else before it" rollback -d d
fresh
for i in 1 2 2 2; do run compile -d d "n$i.txt"; done
is 0 "equal ones are passed over" rollback -d d
ok "is another content" [ "$(content)" = 1 ]

if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
	script -qec "'$sinkhole' verify -d d" /dev/null >out 2>err </dev/null
	ok "on a terminal no progress stays before the result" all 'says reading' \
		'says "reading$escape\[K.$escape\[Kgeneration 5: "'
else
	skip "on a terminal no progress stays before the result" "no script(1), or no pseudo-terminals"
fi

# --- publishing: same bytes, all or nothing --------------------------------------------------------------------

rm -rf d e
export SOURCE_DATE_EPOCH=1700000000
run compile -d d --memory 64K list.txt hosts.txt rules.txt a.txt b.txt
run compile -d e list.txt hosts.txt rules.txt a.txt b.txt
ok "same inputs, same bytes, whatever the memory" diff -r d e
ok "the time is SOURCE_DATE_EPOCH" says '^time 2023-11-14T22:13:20Z$' d/current
for seed in 1 2 3 4 5; do
	rm -rf e
	# shellcheck disable=SC2046 # file names of ours
	run compile -d e $(printf '%s\n' list.txt hosts.txt rules.txt a.txt b.txt | shuf --random-source=<(yes $seed))
	ok "another order of sources, the same base ($seed)" [ "$(digest d)" = "$(digest e)" ]
done
sort -R list.txt >shuffled.txt
run compile -d e domains:shuffled.txt,source=list hosts.txt rules.txt a.txt b.txt
ok "another order of lines, too" [ "$(digest d)" = "$(digest e)" ]
unset SOURCE_DATE_EPOCH

fresh
run compile -d d list.txt
before=$(cat d/current)
is 0 "--dry-run" compile -d d --dry-run --report report rules.txt
ok "publishes nothing" unchanged
ok "reports what would be" report \
	'."dry-run" and .generation == null and .names == 3 and (."base-sha256" | length) == 64'
is 0 "--dry-run needs no data directory" compile -d nosuch/deep --dry-run list.txt
ok "and makes none" [ ! -e nosuch ]
ok "and leaves nothing in TMPDIR" [ -z "$(ls -A tmp)" ]
complains 4 "nosuch/report" "a report that cannot be written, found before anything is done" \
	compile -d d --report nosuch/report rules.txt
ok "publishes nothing" unchanged
is 4 "a report that cannot be written, found afterwards" compile -d d --report /dev/full list.txt
run compile -d d --report report rules.txt list.txt hosts.txt
cp report good
is 4 "a compilation that fails" compile -d d --report report nosuch.txt
ok "leaves the last report" cmp -s report good
run compile -d d --report report list.txt
ok "one that does not writes its own, whole" report '[.sources[].source] == ["list"]'
"$sinkhole" compile -q -d d --report /dev/stdout list.txt 2>err | cat >out
ok "a report into a pipe" json '[.sources[].source] == ["list"]'
before=$(cat d/current)
(umask 077 && "$sinkhole" compile -d new list.txt 2>err)
ok "readable for the resolver, whatever the umask" \
	[ "$(stat -c %a new new/current new/gen new/gen/*.mdb | paste -sd ' ')" = "755 644 755 644" ]

# interrupt SIGNAL: a compilation that is told to stop while it reads.
interrupt() {
	local pid
	# A background command of a script starts with SIGINT ignored.
	env --default-signal=INT,TERM,HUP "$sinkhole" compile -d d domains:pipe >out 2>err &
	pid=$!
	exec 7>pipe
	yes slow.example | head -n 200000 >&7
	for _ in $(seq 200); do
		[ "$(temps)" = 1 ] && break
		sleep 0.05
	done
	found=$(temps)
	kill -s "$1" "$pid"
	status=0
	wait "$pid" 2>/dev/null || status=$?
	exec 7>&-
}
for signal in INT TERM HUP; do
	interrupt $signal
	ok "SIG$signal: the old generation stays, no file does" \
		all '[ "$found" = 1 ]' unchanged '[ "$(temps)" = 0 ]' \
		'[ "$status" = $((128 + $(kill -l $signal))) ]'
done
interrupt KILL
ok "SIGKILL: the old generation stays" all '[ "$status" = 137 ]' unchanged '[ "$(temps)" = 1 ]'
is 0 "the next compilation" compile -d d list.txt
ok "removes what was left" [ "$(temps)" = 0 ]

before=$(cat d/current)
seq -f 'n%.0f.big.example' 300000 >big.txt
status=0
(ulimit -f 1000 && exec "$sinkhole" compile -d d big.txt) >out 2>err </dev/null || status=$?
ok "a limit on file sizes" complained 4 "nothing published"
ok "says what it was that failed, not what came of it" all 'grep -q "File too large" err' '! grep -q "No such file" err'
ok "leaves the old generation" all unchanged '[ "$(temps)" = 0 ]'
if ! ldd "$sinkhole" 2>/dev/null | grep -q asan && ! grep -qa __asan_init "$sinkhole"; then
	status=0
	(ulimit -v 60000 && exec "$sinkhole" compile -d d --memory 1G big.txt) >out 2>err </dev/null || status=$?
	ok "a limit on memory: done or refused, never a crash" \
		all '[ "$status" = 0 ] || { complained 4 "nothing published" && unchanged && [ "$(temps)" = 0 ]; }'
else
	skip "a limit on memory: done or refused, never a crash" "a sanitizer needs terabytes of addresses"
fi
mkdir full
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=2m tmpfs full 2>/dev/null; then
	run compile -d full list.txt
	before=$(cat full/current)
	run compile -d full big.txt
	ok "a full disk" complained 4 "No space left on device; nothing published"
	ok "leaves the old generation" all 'unchanged full' '[ "$(temps full)" = 0 ]'
	run compile -d full list.txt
	ok "and the next one can be published" [ "$status" = 0 ]
	umount full
else
	skip "a full disk" "cannot mount a tmpfs here"
	skip "leaves the old generation" "cannot mount a tmpfs here"
	skip "and the next one can be published" "cannot mount a tmpfs here"
fi

fresh
pids=
for i in 1 2 3 4 5 6; do
	"$sinkhole" compile -q -d d n1.txt list.txt 2>>err &
	pids="$pids $!"
done
good=0
for pid in $pids; do wait "$pid" && good=$((good + 1)); done
run generations -d d --json
ok "six at once: each publishes, one after the other" \
	all '[ $good = 6 ]' 'json "map(.serial) == [1, 2, 3, 4, 5, 6]"'

export SINKHOLE_DIR=$room/d
is 0 "SINKHOLE_DIR" lookup evil.example
SINKHOLE_DIR=nosuch run lookup -d d evil.example
ok "-d wins over it" [ "$status" = 0 ]
unset SINKHOLE_DIR

# --- feeds as weapons --------------------------------------------------------------------------------------------

mkdir evil
for name in "\$(touch canary).txt" -rf '%s%n%n.txt' "${escape}[2J.txt" ü.txt $'\xff.txt' $'two\nlines.txt'; do
	cp list.txt "evil/$name"
done
run compile -d d --report report evil/*
ok "file names are data" all '[ "$status" = 0 ]' '[ ! -e canary ]' adds_up '! grep -q "$escape" out err report' \
	'! grep -q "^lines" err'
printf '%s\n' '$(touch canary).example' '`touch canary`.example' '%s%n.example' "${escape}]0;x.example" >weapons.txt
cat list.txt >>weapons.txt
run compile -d d --report report domains:weapons.txt
ok "so are lines" all '[ ! -e canary ]' adds_up '! grep -q "$escape" out err report' \
	'report ".sources[0].entries == 3"'

# --- selftest -------------------------------------------------------------------------------------------------------

fake() { # LINES...: an unbound that prints them
	printf '%s\n' '#!/bin/sh' "cat <<'END'" "$@" END >unbound
	chmod 0755 unbound
}
fresh
run compile -d d list.txt
fake 'Version 0.0.1' '' 'Configure line: --none' 'Linked modules: dns64 respip validator iterator'
is 1 "an unbound without dynlib" selftest -d d --unbound ./unbound
ok "says what to do" says "FAIL  Unbound cannot load modules: it must be built with --with-dynlibmodule"
fake 'Version 0.0.1' '' 'Configure line: --none' 'Linked modules: dns64 dynlib respip validator iterator'
is 1 "another version" selftest -d d --unbound ./unbound
ok "is told" all 'says "^ok    Unbound can load modules"' 'says "^FAIL"'
fake 'Linked modules: nodynlib dynlibx'
run selftest -d d --unbound ./unbound
ok "a word is a word" says "FAIL  Unbound cannot load modules"
fake "Version ${escape}[2J" "Configure line: ${escape}[2J" 'Linked modules: dynlib'
run selftest -d d --unbound ./unbound
ok "what it prints is escaped" all '[ "$status" = 1 ]' '! grep -q "$escape" out'
is 1 "an unbound that fails" selftest -d d --unbound /bin/false
ok "is not done" all 'says "^FAIL  .*status 1" out' '! says "run: done"'
is 1 "an unbound that is none" selftest -d d --unbound ./list.txt
is 1 "an unbound that is not there" selftest -d d --unbound ./nosuch
ok "is not ok" all 'says "^FAIL  .*nosuch.*No such file"' '! says "^ok .*nosuch"'
real=${UNBOUND_SOURCE:-/nonexistent}/unbound
if [ -x "$real" ]; then
	is 0 "the unbound we were built for" selftest -d d --unbound "$real"
	ok "every line is ok" all '[ "$(grep -c "^ok" out)" -ge 5 ]' '! says "^FAIL"'
	run selftest -d nothing --unbound "$real"
	ok "nothing published is no success" all '[ $status = 1 ]' 'says "FAIL  .*sinkhole compile"'
else
	skip "the unbound we were built for" "built without --with-unbound-source"
	skip "every line is ok" "built without --with-unbound-source"
	skip "nothing published is no success" "built without --with-unbound-source"
fi

# --- what is written about it -----------------------------------------------------------------------------------------

page=$source_tree/doc/sinkhole.1
completion=$source_tree/tools/sinkhole.bash-completion
for word in $words; do
	"$sinkhole" help "$word" | sed -n '/^options:/,$s/.*--\([a-z-]*\).*/\1/p' | grep -vx help >options
	while read -r option; do
		ok "sinkhole(1) has --$option" grep -qE "Fl Fl $option( |\$)" "$page"
		ok "completion has --$option" grep -q -- "--$option" "$completion"
	done <options
	ok "sinkhole(1) has $word" grep -qE "^\.(It|Ic|Cm|Ss|Nm).*\b$word\b" "$page"
	ok "completion has $word" grep -qw -- "$word" "$completion"
done
if command -v mandoc >/dev/null; then
	status=0
	mandoc -Tlint -Wwarning "$page" >out 2>&1 || status=$?
	ok "mandoc has nothing to say" all '[ "$status" = 0 ]' '[ ! -s out ]'
else
	skip "mandoc has nothing to say" "no mandoc"
fi
completes() { # WANTED WORDS...: the last one is completed
	local wanted=$1
	shift
	(
		# shellcheck disable=SC1090 # the file under test
		. "$completion"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_sinkhole
		[ "${COMPREPLY[*]}" = "$wanted" ]
	)
}
ok "a command is completed" completes generations sinkhole gener
ok "an option is completed" completes --dry-run sinkhole compile --dry
ok "a word is completed" completes nodata sinkhole compile --action noda

echo "1..$number"
