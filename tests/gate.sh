#!/bin/bash
# The publish gate as an operator meets it: which sources are held back, what stays in their place, what is
# told, and what would change. Prints TAP. make check gives the program in $SINKHOLE.
# shellcheck disable=SC2016,SC2034 # conditions are evaluated later, and rules hold dollars
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"

says() { grep -q -- "$1" "${2:-err}"; } # PATTERN [FILE]
names() { seq -f "$1%.0f.$2" "$3" "$4"; } # PREFIX SUFFIX FROM TO

printf '%s\n' own.example other.example >own.txt

# --- the Danish case: 8,000 wrong names in a list of 4,000 ------------------------------------------------

fresh
names n feed.example 1 4000 >feed.txt
is 0 "a list for the first time is not judged" compile -d d --max-change 20% feed.txt,category=malware own.txt
names wrong example 1 8000 >>feed.txt
is 1 "8,000 more names than 4,000" compile -d d --max-change 20% --report report feed.txt,category=malware own.txt
ok "are held back, the others are published" all '[ "$(serial)" = 2 ]' 'listed own.example' \
	'! listed wrong1.example' '! listed wrong8000.example'
ok "what was there before stays, as it was" all 'listed n1.feed.example' 'listed n4000.feed.example' \
	'"$sinkhole" lookup -d d n7.feed.example | grep -q "source feed, category malware"'
ok "stderr names source, file, numbers, way out, and what stays" \
	says "source 'feed' held back: 'feed.txt': 8,000 entries more and 0 fewer than the 4,000.*--force=max-change.*4,000 last good"
ok "so does the report" all adds_up 'report ".sources[0] | .held == \"max-change\" and .added == 8000 and
	.removed == 0 and .kept == 4000 and .override == \"max-change\" and (.[\"held-why\"] | test(\"feed.txt\"))"' \
	'report ".sources[1] | .held == null and .kept == 0 and .added == 0"' 'report ".names == 4002 and .refused == null"'
is 1 "once more" compile -d d -q --max-change 20% feed.txt own.txt
ok "the last good entries stay for as long as it takes" all '[ "$(serial)" = 3 ]' 'listed n9.feed.example' \
	'! listed wrong9.example' '[ "$(wc -l <err)" = 1 ]'
before=$(cat d/current)
is 1 "nothing but that list" compile -d d --max-change 20% --report report feed.txt
ok "publishes nothing, and says so" all unchanged 'says "nothing published"' 'report ".refused == \"max-change\""'
is 0 "--force=max-change" compile -d d --max-change 20% --force=max-change feed.txt own.txt
ok "takes them" all 'listed wrong8000.example' 'listed n1.feed.example'
names n feed.example 1 4000 >feed.txt
is 0 "without --max-change nothing is judged" compile -d d feed.txt own.txt
ok "and gone they are" all '! listed wrong1.example' 'listed n1.feed.example'

# --- lists that shrink ------------------------------------------------------------------------------------------

for percent in 0 10 20 30 40 50 60 70 80 90 100; do
	names n feed.example 1 $((40 * percent)) >cut.txt
	wanted=$((percent < 80))
	is $wanted "cut to $percent %" compile -d d -q --dry-run --max-change 20% domains:cut.txt,source=feed own.txt
done
head -c 40000 feed.txt >cut.txt
is 1 "cut within a line" compile -d d -q --dry-run --max-change 20% cut.txt,source=feed own.txt
names other feed.example 1 4000 >cut.txt
is 1 "another list of that size" compile -d d -q --dry-run --max-change 199% cut.txt,source=feed own.txt
is 0 "which is a change of 200 %" compile -d d -q --dry-run --max-change 200% cut.txt,source=feed own.txt
{ cat feed.txt feed.txt && tr '[:lower:]' '[:upper:]' <feed.txt; } >cut.txt
is 0 "three times the same is no change" compile -d d -q --dry-run --max-change 0 cut.txt,source=feed own.txt
is 0 "nor is another scope, or what is said of it" \
	compile -d d -q --dry-run --max-change 0 feed.txt,scope=exact,tag=x,source=feed own.txt

: >feed.txt
is 1 "nothing where there was something" compile -d d --report report domains:feed.txt own.txt
ok "is held back without being asked" all 'says "no entry, where there were 4,000.*--force=empty"' \
	'listed n1.feed.example' 'report ".sources[0] | .held == \"empty\" and .entries == 0 and .kept == 4000"'
is 0 "--force=empty" compile -d d --force=empty feed.txt own.txt
ok "takes it" all '! listed n1.feed.example' 'listed own.example'
is 0 "empty as it was before is no news" compile -d d feed.txt own.txt

# --- pages instead of lists -----------------------------------------------------------------------------------------

fresh
names n feed.example 1 20 >feed.txt
run compile -d d feed.txt,category=c own.txt
printf '%s\n' '' '<!DOCTYPE HTML>' '<html><head><title>Log in</title>' >feed.txt
is 1 "a page, where a format is named" compile -d d domains:feed.txt,category=c own.txt
ok "is told from a list" all 'says "feed.txt.* is an HTML page, not a list.*--force=empty.*20 last good"' 'listed n20.feed.example'
is 1 "a page, where none is" compile -d d feed.txt,category=c own.txt
ok "is no list either" all 'says "feed.txt.* is an HTML page"' 'listed n20.feed.example'
before=$(cat d/current)
is 1 "only a page, a format is named: a guard refuses" compile -d d domains:feed.txt
is 3 "only a page, none is: it cannot be read" compile -d d feed.txt
ok "neither publishes" unchanged

# --- what cannot be read ----------------------------------------------------------------------------------------------

rm feed.txt
for list in feed.txt feed-dir domains:/dev/zero,source=feed; do
	mkdir -p feed-dir
	is 1 "not to be read: $list" compile -d d --report report "$list,source=feed" own.txt
	ok "its last good entries stay" all 'listed n1.feed.example' 'listed own.example' \
		'report ".sources[0] | .held == \"unreadable\" and .override == null and .kept == 20"'
done
names n feed.example 1 2000 | gzip | head -c 2000 >feed.gz
is 1 "a compressed list, cut short" compile -d d --report report domains:feed.gz,source=feed own.txt
ok "is not taken as far as it goes" all '[ "$("$sinkhole" info -d d --json | jq .names)" = 22 ]' \
	'report ".sources[0].held == \"unreadable\""'
before=$(cat d/current)
is 4 "two, and none is there" compile -d d nosuch.txt neither.txt
ok "both are named, nothing is published" all unchanged 'says "nosuch.txt"' 'says "neither.txt"' \
	'says "no source remains; nothing published"'
is 4 "the worst reason decides: the system" compile -d d nosuch.txt domains:feed.gz
is 3 "the worst reason decides: the data" compile -d d domains:feed.gz domains:feed-dir
is 4 "a list of popular names that is not there" compile -d d --popular nosuch own.txt
is 3 "a list of protected names with a mistake" compile -d d --protected <(echo 'a b') own.txt
is 3 "a list of popular names without a name" compile -d d --popular <(echo '#') own.txt
ok "no guard, no generation" unchanged
cp -r d broken
base=$(sed -n 's/^base //p' broken/current)
echo >>"broken/gen/$base"
before=$(cat broken/current)
is 3 "last good entries are needed, and damaged" compile -d broken nosuch.txt,source=feed own.txt
ok "then nothing is published" all '[ "$(cat broken/current)" = "$before" ]' 'says "last good entries cannot be kept"'
is 0 "they are damaged, and not needed" compile -d broken --max-change 20% own.txt
ok "then that is said" says "not compared with what is published"

# --- limits: an endless input ----------------------------------------------------------------------------------------------

fresh
run compile -d d own.txt
yes evil.example | "$sinkhole" compile -d d --max-lines 50000 --report report domains:-,source=endless own.txt 2>err
ok "an endless input ends at a limit on lines" all 'says "source .endless. held back: .standard input., line 50000"' \
	'! listed evil.example' 'listed own.example' 'report ".sources[0].held == \"limit\""'
yes evil.example | "$sinkhole" compile -d d --max-bytes 1M domains:-,source=endless own.txt 2>err
ok "at a limit on bytes" all 'says "source .endless. held back"' '! listed evil.example'
yes evil.example | "$sinkhole" compile -d d --max-entries 50000 domains:-,source=endless own.txt 2>err
ok "at a limit on entries" all 'says "line 50001: more than 50,000 entries"' '! listed evil.example'
yes '# no end' | "$sinkhole" compile -d d --max-lines 50000 domains:- own.txt 2>err
ok "at a limit on lines, of comments" says "line 50000"
yes '@@||a.example^' | "$sinkhole" compile -d d --max-bytes 1M adblock:- own.txt 2>err
ok "before it is copied for a second pass" all 'says "held back"' '[ -z "$(ls -A tmp)" ]'
status=0
yes evil.example | "$sinkhole" compile -d d --max-lines 5000 domains:- 2>err || status=$?
ok "alone it is bad data" [ "$status" = 3 ]
seq 50000 | sed 's/.*/same.example/' >same.txt
is 0 "the same name 50,000 times is one" compile -d d --max-entries 50000 --report report same.txt own.txt
ok "and 49,999 duplicates" report '.sources[0] | .entries == 50000 and .duplicates == 49999'

# --- popular names -----------------------------------------------------------------------------------------------------------

fresh
printf '%s\n' 1,google.com 2,popular.example 3,www.gov.example 4,github.io >top.csv
# entry, format, whether a source that has it is held back
while read -r format entry wanted; do
	echo "$entry" >entry.txt
	run compile -d d -q --dry-run --popular top.csv "$format:entry.txt" own.txt
	ok "popular: $entry as $format: $wanted" [ "$status" = "$wanted" ]
done <<-'END'
	domains popular.example 1
	domains POPULAR.example. 1
	domains www.popular.example 1
	domains *.popular.example 1
	domains gov.example 1
	domains www.gov.example 1
	domains google.com 1
	hosts 0.0.0.0_popular.example 0
	domains mail.popular.example 0
	domains *.mail.popular.example 0
	domains unpopular.example 0
	domains popular.example.evil.example 0
	domains github.io 0
	domains evil.github.io 0
	adblock @@||popular.example^ 0
	adblock ||popular.example^ 1
	adblock ||popular.example^$important 1
END
printf '%s\n' a.example popular.example b.example www.gov.example c.example popular.example x.popular.example >feed.txt
is 1 "a list with popular names" compile -d d --popular top.csv --report report feed.txt own.txt
ok "is held back as a whole: file, line, entry, how many more" all '! listed a.example' '! listed popular.example' \
	'says "source .feed. held back: .feed.txt.:2: .popular.example. would block a popular name, and so would 2 more.*--force=popular"'
ok "the report has the first ones" report '.sources[0] | .held == "popular" and .popular[0] == {"at": "feed.txt:2",
	"text": "popular.example"} and .popular[1].at == "feed.txt:4" and (.popular | length) == 3'
is 0 "an allow list may have them" compile -d d --popular top.csv feed.txt,allow own.txt
is 0 "--force=popular" compile -d d --popular top.csv --force popular --report report feed.txt own.txt
ok "takes them, and tells of them" all 'listed popular.example' 'report ".sources[0] | .held == null and (.popular | length) == 3"'
printf 'google.com\n' >feed.txt
run compile -d d --popular top.csv --force=popular feed.txt own.txt
ok "also where what is protected lies below" listed google.com
printf 'google.com\nfine.example\n' >feed.txt
run compile -d d feed.txt own.txt
ok "which nothing else does" all '! listed google.com' 'says "1 left out as protected, such as .google.com. (feed.txt:1); --force=protected"'
is 0 "two lists add up" compile -d d --dry-run --popular top.csv --popular <(echo deep.own2.example) own.txt
is 1 "the second counts" compile -d d --dry-run --popular top.csv --popular own.txt own.txt
is 0 "a name above a popular one, alone" compile -d d --popular <(echo deep.own.example) hosts:<(echo 0.0.0.0 own.example)
is 1 "with all below it" compile -d d --popular <(echo deep.own.example) own.txt

# --- last good entries are judged, too: a list may have become stricter --------------------------------------------------------

fresh
printf '%s\n' good.example isp.example popular.example x.isp.example >feed.txt
run compile -d d feed.txt own.txt
echo isp.example >protected.txt
is 1 "names that were not protected then" compile -d d --protected protected.txt nosuch.txt,source=feed own.txt
ok "do not stay" all 'listed good.example' 'listed x.isp.example' '! listed isp.example' \
	'says "its 3 last good entries stay, 1 is left out by the gate"'
is 1 "nor do those that were not popular then" compile -d d --popular top.csv --report report feed.txt own.txt
ok "although they are why it is held back" all 'listed good.example' '! listed popular.example' \
	'report ".sources[0] | .held == \"popular\" and .kept == 2 and .[\"kept-not\"] == 1"'

# --- lines that are mostly errors -----------------------------------------------------------------------------------------------

fresh
run compile -d d domains:own.txt,source=feed own.txt
errors() { names good example 1 "$1" && for _ in $(seq "$2"); do echo "no name"; done && seq -f '# %.0f' 100; }
errors 5 5 >feed.txt
is 0 "half of the lines are errors" compile -d d -q --dry-run domains:feed.txt own.txt
errors 4 6 >feed.txt
is 1 "more than half of them" compile -d d --report report domains:feed.txt own.txt
ok "the first one is named" all '! listed good1.example' 'listed own.example' \
	'says "feed.txt.:5: .no name.: more than one field; 6 of 10 lines are errors, more than 50 %.*--force=errors"' \
	'report ".sources[0] | .held == \"errors\" and .kept == 2"'
is 0 "--max-errors" compile -d d -q --dry-run --max-errors 60% domains:feed.txt own.txt
is 1 "--max-errors 0" compile -d d -q --dry-run --max-errors=0 domains:feed.txt own.txt
is 0 "--force=errors" compile -d d -q --force=errors domains:feed.txt own.txt
ok "takes what is good" all 'listed good1.example' 'listed good4.example'
errors 1 8 >feed.txt
is 0 "nine lines are too few to judge by" compile -d d -q --dry-run domains:feed.txt own.txt
{ echo '[Adblock Plus 2.0]' && seq -f 'example.com##.ad%.0f' 500 && seq -f '||x.example/%.0f' 500 && echo '||fine.example^'; } >rules.txt
is 0 "what DNS cannot express is no error" compile -d d -q rules.txt own.txt
seq -f '192.0.2.%.0f' 200 >addresses.txt && echo fine.example >>addresses.txt
is 0 "nor are addresses in a list of names" compile -d d -q --dry-run domains:addresses.txt own.txt

# --- sources that share a name -----------------------------------------------------------------------------------------------------

fresh
names a feed.example 1 100 >one.txt
names b feed.example 1 100 >two.txt
is 0 "one source of two lists" compile -d d --max-change 20% one.txt,source=feed two.txt,source=feed own.txt
names b feed.example 1 85 >two.txt
is 0 "is judged as a whole: 15 of 200" compile -d d --dry-run --max-change 10% one.txt,source=feed two.txt,source=feed own.txt
names b feed.example 1 50 >two.txt
is 1 "50 of 200" compile -d d --max-change 20% --report report one.txt,source=feed two.txt,source=feed own.txt
ok "and held back as a whole" all 'listed b100.feed.example' '[ "$(jq .names report)" = 202 ]' \
	'report "[.sources[:2][] | .held] == [\"max-change\", \"max-change\"]"'
is 1 "one of the two is not there" compile -d d --report report one.txt,source=feed nosuch.txt,source=feed own.txt
ok "so neither is taken" all 'listed b100.feed.example' 'report ".names == 202" && report ".sources[0].held == \"unreadable\""'
: >nothing.txt
is 0 "one is enough not to be empty" compile -d d --report report one.txt,source=feed domains:nothing.txt,source=feed own.txt
is 0 "the same list twice is one list" compile -d d --max-change 0 one.txt,source=feed one.txt,source=feed own.txt --force=max-change
ok "listed once" [ "$("$sinkhole" info -d d --json | jq .names)" = 102 ]
mkdir parts && cp one.txt parts/1 && cp two.txt parts/2
echo 'no name' >>parts/2
is 0 "a directory is one source" compile -d d --report report parts,source=feed own.txt
ok "its files add up, each example names its own" all adds_up 'report ".sources[0] | .lines == 151 and .entries == 150 and
	.reasons[0].examples[0].at == \"parts/2:51\""'
echo popular.example >>parts/2
run compile -d d --popular top.csv parts,source=feed own.txt
ok "so do its popular names" says "'parts/2':52: 'popular.example'"

# --- the order of sources, contradictions ------------------------------------------------------------------------------------------

rm -rf d e
export SOURCE_DATE_EPOCH=1700000000
printf '%s\n' '||both.example^' '@@||other.example^' '||strong.example^$important' >rules.txt
printf '%s\n' both.example strong.example >allow.txt
run compile -d d one.txt rules.txt allow.txt,allow own.txt
run compile -d e one.txt rules.txt allow.txt,allow own.txt
names z feed.example 1 1000 >one.txt
for order in 'one.txt rules.txt allow.txt,allow own.txt nosuch.txt' 'nosuch.txt own.txt allow.txt,allow rules.txt one.txt' \
	'allow.txt,allow one.txt nosuch.txt rules.txt own.txt'; do
	rm -rf e2
	cp -r e e2
	# shellcheck disable=SC2086 # words
	run compile -d e2 -q --max-change 20% $order
	ok "whatever the order, the same bytes, with one held back and one not there: $order" \
		all '[ "$status" = 1 ]' '[ "$(digest e2)" = "$(digest d)" ]'
done
unset SOURCE_DATE_EPOCH
action() { "$sinkhole" lookup -d d --json "$1" | jq -r .action; }
ok "who contradicts whom decides, not who comes first" \
	[ "$(action both.example) $(action strong.example) $(action other.example)" = "pass nxdomain pass" ]
ok "lookup shows every source that listed a name" all \
	'[ "$("$sinkhole" lookup -d d other.example | grep -c "source \(rules\|own\)")" = 2 ]'

# --- entries ---------------------------------------------------------------------------------------------------------------------------

fresh
printf '%s\n' root-servers.net a.root-servers.net time.windows.com urlhaus.abuse.ch x.resolver.arpa ocsp.digicert.com \
	isp.example www.isp.example evil.bank.example >feed.txt
printf '%s\n' isp.example .bank.example >protected.txt
run compile -d d --protected protected.txt --report report feed.txt own.txt
ok "protected names do not get in, the operator's neither, and what is below one does" all adds_up \
	'[ "$status" = 0 ]' 'listed www.isp.example' '! listed isp.example' '! listed time.windows.com' '! listed a.root-servers.net' \
	'report ".sources[0] | .entries == 1 and (.reasons[0] | .reason == \"protected\" and .lines == 8)"'
ok "file, line and override are told" says "8 left out as protected, such as 'root-servers.net' (feed.txt:1); --force=protected"
is 0 "--force=protected" compile -d d --force=protected --protected protected.txt feed.txt own.txt
ok "takes them" all 'listed isp.example' 'listed time.windows.com'
printf '%s\n' '$ORIGIN rpz.example.' '@ SOA ns. host. 1 2 3 4 5' '8.0.0.0.127.rpz-ip CNAME .' '0.0.0.0.0.rpz-ip CNAME .' \
	'32.8.8.8.8.rpz-ip CNAME .' '24.0.2.0.192.rpz-ip CNAME .' '8.0.0.0.10.rpz-client-ip CNAME .' \
	'16.0.0.168.192.rpz-ip CNAME rpz-passthru.' >zone.rpz
is 0 "addresses" compile -d d --report report rpz:zone.rpz
ok "that nobody may list are left out" report '.sources[0] | .entries == 3 and
	([.reasons[] | select(.reason == "address that nobody may list").lines] == [2]) and
	([.reasons[] | select(.reason == "protected").lines] == [1])'
is 0 "--force=bogon" compile -d d --force=bogon --force=protected --report report rpz:zone.rpz
ok "takes them" report '.sources[0].entries == 6'

# --- accounting ----------------------------------------------------------------------------------------------------------------------------

fresh
printf '%s\n' parent.example child.parent.example x.y.parent.example alone.example >feed.txt
printf '%s\n' '0.0.0.0 host.example' '0.0.0.0 below.host.example' '0.0.0.0 z.parent.example' >hosts.txt
echo q.parent.example >allow.txt
run compile -d d --report report feed.txt hosts.txt allow.txt,allow domains:feed.txt,source=late,valid-until=2999-01-01
ok "subsumed: covered by a parent of any source that is of the same kind, and lasts as long" report \
	'[.sources[] | .subsumed] == [2, 1, 0, 2]'
ok "they are kept" report '.names == 8 and .listings == 12'
ok "each source has its time" report '[.sources[].seconds >= 0] | all'
printf '%s\n' '||a.example^$third-party' '||b.example^$third-party,popup' '||c.example^$popup' '||d.example^' >rules.txt
run compile -d d --report report rules.txt
ok "what kind of a reason it was is counted" report '.sources[0].reasons[0] | .reason == "modifier that narrows the rule" and
	.details["third-party"] == 2 and .details.popup == 1'

# --- diff, and dry runs -------------------------------------------------------------------------------------------------------------------------

fresh
printf '%s\n' stays.example goes.example changes.example >feed.txt
is 3 "no generation, no difference" diff -d d
run compile -d d feed.txt,category=old own.txt
is 1 "the first one differs from nothing" diff -d d
ok "by all that it has" says "^nothing to generation 1: 5 added, 0 changed, 0 removed" out
run compile -d d feed.txt,category=old own.txt
is 0 "the same again: no difference" diff -d d
ok "and none is told" all 'says "^generation 1 to 2: 0 added, 0 changed, 0 removed" out' '[ "$(wc -l <out)" = 1 ]'
printf '%s\n' stays.example comes.example deep.in.example >feed.txt
printf '%s\n' '0.0.0.0 single.host.example' '0.0.0.0 popular.example' >hosts.txt
printf '%s\n' '||changes.example^' '||strong.host.example^$important' >rules.txt
before=$(cat d/current)
is 0 "a dry run" compile -d d --dry-run --popular <(echo popular.example) --force=popular --report report \
	feed.txt,category=old own.txt,tag=x hosts.txt adblock:rules.txt
ok "tells what would change, the riskiest first" [ "$(sed -n 's/^\([-+~] [a-z]* *[^:]*\):.*/\1/p' out | tr -s ' ' | paste -sd ,)" = \
	"+ popular popular.example,+ short changes.example,+ short comes.example,~ short other.example,~ short own.example,+ important strong.host.example,+ wide deep.in.example,+ exact single.host.example,- unblocked changes.example,- unblocked goes.example" ]
ok "in the report, too, by source and category" all unchanged 'report ".changes | .added == 6 and .changed == 2 and .removed == 2 and
	.[\"left-out\"] == 0 and ([.sources[] | select(.source == \"feed\")] ==
	[{\"source\": \"feed\", \"category\": \"old\", \"added\": 2, \"changed\": 0, \"removed\": 2, \"renewed\": 0}])"'
run compile -d d -q --dry-run feed.txt own.txt
ok "a quiet one does not" [ ! -s out ]
run compile -d d feed.txt,category=new,scope=exact domains:own.txt,allow
is 1 "generations that differ" diff -d d --json
ok "what it was, what it is" json '.from == 2 and .to == 3 and ([.changes[] | select(.name == "stays.example")] ==
	[{"change": "changed", "risk": "exact", "trigger": "qname", "name": "stays.example", "kind": "block", "scope": "exact",
	"source": "feed", "category": "new", "was": {"kind": "block", "scope": "subtree", "source": "feed", "category": "old"}}])'
ok "who blocks no longer, but allows" json '[.changes[] | select(.name == "own.example") | .risk, .was.kind] == ["allowed", "block"]'
is 1 "two serials" diff -d d 3 1
ok "the other way round" says "^generation 3 to 1: " out
is 0 "a generation and itself" diff -d d 2 2
is 3 "a serial that is not kept" diff -d d 7
is 2 "a serial that is none" diff -d d x
is 2 "three serials" diff -d d 1 2 3
names n many.example 1 500 >many.txt
run compile -d d many.txt
is 1 "500 changes" diff -d d
ok "of which the first 20 are told" all '[ "$(grep -c "^[-+~]" out)" = 20 ]' 'says "^and 485 more$" out'
is 1 "--all" diff -d d --all
ok "tells all, in the same order" all '[ "$(grep -c "^[-+~]" out)" = 505 ]' '[ "$(grep "^[-+~]" out | tail -n 1 | cut -c 1-11)" = "- unblocked" ]'
is 1 "--all --json" diff -d d --all --json
ok "is JSON" json '(.changes | length) == 505 and .added == 500 and .["left-out"] == 0'
run compile -d d "$(printf 'many.txt,valid-until=@%d' 4102444800)"
run compile -d d "$(printf 'many.txt,valid-until=@%d' 4102444900)"
is 0 "what only lasts longer is no difference" diff -d d --json
ok "but counted" json '.renewed == 500 and .changed == 0'

# --- a configuration ------------------------------------------------------------------------------------------------------------------------------

fresh
mkdir conf
printf '%s\n' bad.example isp.example >conf/feed.txt
printf '%s\n' 1,popular.example >conf/top.csv
echo isp.example >conf/protected.txt
cat >conf/sinkhole.yaml <<-'END'
	sources:
	  - name: feed
	    path: feed.txt
	    category: malware
	    valid-for: 30d
	  - name: ours
	    path: [allow.txt]
	    allow: true
	guards:
	  protected: [protected.txt]
	  popular: [top.csv]
	  max-change: 20%
END
echo good.example >conf/allow.txt
export SOURCE_DATE_EPOCH=1700000000
is 0 "a configuration" compile -d d -c conf/sinkhole.yaml own.txt
blocked_then() { "$sinkhole" lookup -d d --at 2023-11-20 "$1" >/dev/null; }
ok "its sources, and those of the command line" all 'blocked_then bad.example' 'blocked_then own.example' '! blocked_then isp.example'
ok "valid-for is a time from now" all \
	'"$sinkhole" lookup -d d --at 2023-12-14T22:13:19Z bad.example | grep -q wins' \
	'"$sinkhole" lookup -d d --at 2023-12-14T22:13:20Z bad.example | grep -q expired'
names wrong example 1 10 >>conf/feed.txt
is 1 "its guards" compile -d d -c conf/sinkhole.yaml own.txt
ok "hold back" all 'says "source .feed. held back"' 'says "more than 20 %"' '! blocked_then wrong1.example' 'blocked_then bad.example'
ok "what stays does not last longer for that" all \
	'"$sinkhole" lookup -d d --at 2023-12-14T22:13:20Z bad.example | grep -q expired'
is 0 "what the command line says about guards is stronger" compile -d d -c conf/sinkhole.yaml --max-change 1000% own.txt
ok "then they are taken" blocked_then wrong1.example
echo popular.example >>conf/feed.txt
is 1 "popular names of a configuration" compile -d d -c conf/sinkhole.yaml --max-change 1000%
ok "too" says "popular.example"
echo 'guard: x' >>conf/sinkhole.yaml
before=$(cat d/current)
is 3 "a configuration with a mistake" compile -d d -c conf/sinkhole.yaml own.txt
ok "is told with file and line, and publishes nothing" all unchanged 'says "conf/sinkhole.yaml:13:1: error: .*guard"'
is 4 "a configuration that is not there" compile -d d -c conf/nosuch.yaml
unset SOURCE_DATE_EPOCH

# --- what is fetched ------------------------------------------------------------------------------------------------------------------------------

fresh
chmod 0755 . # who fetches for root is somebody else
mkdir -m 0755 web
printf '%s\n' fetched.example isp.example >web/list.txt
chmod 0644 web/list.txt
cat >web/sinkhole.yaml <<-END
	sources:
	  - name: web
	    url: file://$room/web/list.txt
	  - name: gone
	    url: file://$room/web/gone.txt
	cache: cache
END
is 1 "a configuration of URLs, one of which is not there" compile -d d -c web/sinkhole.yaml --report report own.txt
ok "what there is, is fetched and compiled" all 'listed fetched.example' 'says "source .gone. held back: file:.*gone.txt"' \
	'report "[.sources[] | .fetched] == [\"new\", \"missing\", null]"' \
	'report ".sources[0].path | test(\"^file://.*/web/list.txt$\")"'
rm web/list.txt
is 1 "it is gone" compile -d d -c web/sinkhole.yaml own.txt
ok "the copy stays" listed fetched.example

# A copy that could not be brought up to date is compiled, and lasts no longer for that.
sed -i 's/\("fetched": "\)[^"]*/\12026-01-01T00:00:00Z/' web/cache/web.meta
cat >web/stale.yaml <<-END
	sources:
	  - name: web
	    url: file://$room/web/list.txt
	    valid-for: 30d
	cache: cache
END
is 1 "a copy from before instead of what is there now" compile -d d -c web/stale.yaml --report report own.txt
ok "is named, and told in the report" all 'says "source .web.: file:.*list.txt: No such file.*the copy of 2026-01-01"' \
	'report ".sources[0] | .fetched == \"kept\" and .held == null and (.[\"fetched-why\"] | test(\"No such file\"))"' \
	'report ".sources[1] | has(\"fetched\") | not"'
ok "valid-for counts from when it was last listed" all \
	'"$sinkhole" lookup -d d --at 2026-01-30T23:59:59Z fetched.example | grep -q wins' \
	'"$sinkhole" lookup -d d --at 2026-01-31T00:00:00Z fetched.example | grep -q expired'
chmod 0777 web/cache
is 1 "a cache that others can write to" compile -d d -c web/stale.yaml own.txt
ok "is not compiled from" says "source .web. held back: .*web/cache.* can be written to by others"
chmod 0700 web/cache
printf '%s\n' 'sources:' '  - name: a' '    url: http://feeds.example/?key=SECRET' '  - name: b' \
	'    url: "https://u:SECRET@ho st/"' '  - name: c' '    url: "feeds.example/?a=b://SECRET"' >web/secret.yaml
run check web/secret.yaml
ok "mistakes in URLs are shown without secrets" all '[ "$status" = 3 ]' '[ "$(grep -c error: err)" = 3 ]' '! says SECRET'

# --- messages ---------------------------------------------------------------------------------------------------------------------------------------

fresh
echo '[{"name": "a.example"}, {"name": "b.example"}]' >feed.json
run compile -d d json:feed.json own.txt
printf '%s\n' '[{"name": "a.example"},' '{"name": "c.example"},' >feed.json
is 1 "a document that breaks off" compile -d d --max-entries 2 json:feed.json own.txt
ok "is told with one place, and why" all 'says "held back: .feed.json.: line [0-9]*, column [0-9]*: "' '! says "more than"'
ok "what it said before it broke off is dropped" all 'listed b.example' '! listed c.example'
mkdir mixed
names n feed.example 1 30 >mixed/1.txt
gzip -c mixed/1.txt | head -c 40 >mixed/2.txt
is 1 "the second file of a directory" compile -d d domains:mixed,source=mixed own.txt
ok "is told without the first one's last line" all 'says ".mixed/2.txt.*cut short"' '! says "line 30"'
export SOURCE_DATE_EPOCH=1700000000
run compile -d d same.txt own.txt,source=feed,valid-for=1h
SOURCE_DATE_EPOCH=1700010000
run compile -d d same.txt nosuch.txt,source=feed --report report
ok "last good entries that are over are told" all 'says "its 2 last good entries stay, of which 2 expired"' \
	'report ".sources[1] | .kept == 2 and .[\"kept-expired\"] == 2"'
unset SOURCE_DATE_EPOCH
for n in $(seq 100); do echo "||x.example^\$no-such-modifier-$n"; done >rules.txt
run compile -d d --report report adblock:rules.txt own.txt
ok "kinds of a reason that are too many are counted together" \
	report '[.sources[0].reasons[] | select(.details) | .lines == ([.details[]] | add)] | length > 0 and all'
cat >conf/page.yaml <<-'END'
	sources:
	  - name: page
	    path: page.txt
END
echo '<html>' >conf/page.txt
run compile -d d -c conf/page.yaml
ok "a configuration is told its own way to name a format" says "HTML page; say format: if you know"

ok "nothing is left behind" all '[ -z "$(ls -A tmp)" ]' '[ "$(find . -name "tmp-*" | wc -l)" = 0 ]'
echo "1..$number"
