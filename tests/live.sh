#!/bin/bash
# Live changes as a user makes them: apply FILE, --follow, what they outlast, many at once. What a policy's `apply` does
# is in apply.sh. Prints TAP.
# shellcheck disable=SC2016,SC2034,SC2317 # conditions are evaluated later
# shellcheck disable=SC2119,SC2120 # apply() without options
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"

says() { grep -q -- "$1" err; }
temps() { find d -name 'tmp-*' | wc -l; }
changes() { sed -n 's/^changes //p' d/current; }
in_force() { [ "$(cat "d/gen/$(changes)")" = "$1" ]; }
answer() { # of a name: "nxdomain a,b", with all that list it, the winner's sources and others; "none"
	"$sinkhole" lookup -d d --json "$1" |
		jq -r '[.action, ([.records[].source] | unique | join(",") | select(. != ""))] | join(" ")'
}
is_blocked() { [ "$("$sinkhole" lookup -d d --json "$1" | jq -r .action)" = nxdomain ]; }
apply() { # LINES...: as standard input, and the options before
	status=0
	printf '%s\n' "${lines[@]}" | "$sinkhole" apply -d d "$@" - >out 2>err || status=$?
}

printf '%s\n' evil.example two.example deep.two.example >a.txt
printf '%s\n' evil.example shared.example >b.txt
compile() { run compile -d d a.txt,category=malware b.txt,category=phishing "$@"; }

lines=('+ x.example')
apply
ok "nothing published, nothing to change" all '[ "$status" = 3 ]' 'says "nothing has been published"' '[ ! -e d ]'
compile

# --- what is refused: the whole input ------------------------------------------------------------------------

before=$(cat d/current)
files=$(ls d/gen)
refused() { # STATUS LINE: with a good one before and behind
	lines=('+ fine.example' "$2" '- evil.example')
	apply
	[ "$status" = "$1" ] && unchanged && [ "$(ls d/gen)" = "$files" ] && says "standard input:2: " && says "nothing published" &&
		[ ! -s out ]
}
while IFS=: read -r wanted line; do
	ok "refused with $wanted: $line" refused "$wanted" "$line"
done <<'END'
3:evil.example
3:+evil.example
3:* evil.example
3:+
3:+ 
3:+ bad!.example
3:+ http://evil.example/
3:+ user@evil.example
3:+ evil..example
3:+ ex ample.example
3:+ xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example
3:+ ａmple.example
3:+ 192.0.2.1/24
3:+ *.192.0.2.1
3:+ 192.0.2.1 scope=exact
3:+ a.example sorce=x
3:+ a.example scope=wide
3:+ a.example scope=
3:+ a.example action=allow
3:+ a.example severity=bad
3:+ a.example confidence=101
3:+ a.example valid-until=yesterday
3:+ a.example valid-until=2020-01-01
3:+ a.example valid-until=2099-01-01 valid-from=2099-01-02
3:+ a.example valid-for=0s
3:+ a.example valid-for=2
3:+ a.example trigger=answer
3:+ 192.0.2.1 trigger=qname
3:+ a.example trigger=sometimes
3:+ a.example source=
3:+ a.example reference="not closed
3:+ a.example reference="closed"not
3:+ a.example jurisdiction=fr
3:- a.example category=malware
3:- a.example scope=exact
3:- *.a.example
3:- .a.example
1:+ com
1:+ co.uk
1:+ github.io
1:+ root-servers.net
1:+ 10.0.0.0/8
1:+ 0.0.0.0/0
1:+ com action=pass
END
printf '+ a.example tag=\377\n' >latin
run apply -d d latin
ok "no UTF-8" all '[ "$status" = 3 ]' 'says "latin:1: no UTF-8"' unchanged
printf '+ a.example tag=a\0b\n' >nul
run apply -d d nul
ok "a zero byte" all '[ "$status" = 3 ]' 'says "nul:1: "' unchanged
{ printf '+ a.example tag=' && head -c 70000 /dev/zero | tr '\0' x; } >long
run apply -d d long
ok "a line too long" all '[ "$status" = 3 ]' 'says "long:1: line too long"' unchanged
seq -f 'wrong %g' 100 >many
run apply -d d many
ok "of a hundred mistakes the first twenty" all '[ "$(grep -c "many:" err)" = 20 ]' 'says "many:20: "' 'says "further lines"' \
	'says "100 of the lines are wrong"'
lines=('+ com' 'what')
apply
ok "wrong is worse than refused" all '[ "$status" = 3 ]' unchanged
lines=('+ com' '+ root-servers.net' '+ 10.0.0.0/8')
apply --force=tld --force=protected --force=bogon --dry-run
ok "each check can be forced" all '[ "$status" = 0 ]' 'says "3 added"' unchanged
run apply -d d
ok "no FILE" all '[ "$status" = 2 ]' 'says "no FILE"'
run apply -d d one two
ok "two of them" all '[ "$status" = 2 ]' unchanged
run apply -d d nowhere
ok "one that is not there" all '[ "$status" = 4 ]' 'says "nowhere"' unchanged
run apply -d d --force=what many
ok "a check that is none" all '[ "$status" = 2 ]' unchanged
run apply -d d --follow --dry-run many
ok "--follow publishes" all '[ "$status" = 2 ]' unchanged
: >empty
run apply -d d empty
ok "no change at all" all '[ "$status" = 0 ]' 'says "no change in it; nothing published"' unchanged
printf '%s\n' ours.example 203.0.113.0/24 >protected.txt
cat >guards.yaml <<'END'
sources: [{name: far, url: "https://feeds.far.example/list.txt"}]
guards: {protected: [protected.txt]}
END
for line in '+ ours.example' '+ 203.0.113.7' '+ far.example'; do
	lines=("$line")
	apply -c guards.yaml
	ok "what a configuration protects: $line" all '[ "$status" = 1 ]' unchanged 'says "protected"'
done
lines=('+ ours.example action=pass')
apply -c guards.yaml --dry-run
ok "... may be allowed" [ "$status" = 0 ]
run apply -d d -c many empty
ok "a configuration that is none" all '[ "$status" = 3 ]' unchanged 'says "nothing published"'
run apply -d d -c guards.yaml --policy guards.yaml
ok "or a policy" all '[ "$status" = 2 ]' unchanged
lines=('# a comment' '' '   ' '+ new.example')
apply --dry-run --json
ok "a dry run" all '[ "$status" = 0 ]' unchanged '[ "$(ls d/gen)" = "$files" ]' \
	'json ". == {generation: null, \"dry-run\": true, added: 1, removed: 0, changes: 1, names: 4}"'

# --- what comes of it ------------------------------------------------------------------------------------------

lines=('+ new.example category=malware severity=high reference="order 5, \"urgent\" \\ x"' '- shared.example'
	'+ *.wild.example' '+ .under.example' '+ Exact.Example. scope=exact' '+ bücher.example' '+ 198.51.100.0/24 source=cert'
	'+ evil.example source=b action=pass')
apply --json --reason 'as asked'
ok "added, removed, changed" all '[ "$status" = 0 ]' \
	'json ". == {generation: 2, \"dry-run\": false, added: 7, removed: 1, changes: 8, names: 4}"' \
	'says "generation 2 published: 7 added, 1 removed; 8 live changes in force"' '[ "$(temps)" = 0 ]'
ok "kept in one form, sorted" in_force '+ evil.example source=b scope=subtree action=pass
+ exact.example source=live scope=exact
+ new.example source=live scope=subtree category=malware reference="order 5, \"urgent\" \\ x" severity=high
- shared.example
+ under.example source=live scope=subtree
+ wild.example source=live scope=below
+ xn--bcher-kva.example source=live scope=subtree
+ 198.51.100.0/24 source=cert'
ok "a new name is blocked, with all below it" all 'is_blocked new.example' 'is_blocked www.new.example'
ok "one that is taken off is not" [ "$(answer shared.example)" = none ]
ok "an allow entry of one of two sources" [ "$(answer evil.example)" = "pass b" ]
ok "scopes" all '[ "$(answer wild.example)" = none ]' 'is_blocked x.wild.example' 'is_blocked under.example' 'is_blocked exact.example' \
	'[ "$(answer x.exact.example)" = none ]'
run lookup -d d --json --answer 198.51.100.7 nobody.example
ok "a prefix is one of the answer" json '.action == "nxdomain" and .records[0].source == "cert"'
run verify -d d
ok "everything reads back" all '[ "$status" = 0 ]' 'grep -q "generation 2: 9 names, 10 listings" out'
run info -d d --json
ok "info counts both together" json '.names == 9 and ([.records[] | .listings] | add) == 10'
ok "... and the changes" json '.changes == 8'
run info -d d
ok "... in words, too" grep -qx "8 live changes over the base" out
run generations -d d --json
ok "the history knows" json '.[1] | .origin == "apply" and .reason == "as asked" and (.delta | startswith("delta-2-")) and .names == 4'
run diff -d d --json
ok "diff compares what is listed" json '.from == 1 and .to == 2 and .added == 6 and .removed == 1'
run export -d d --format domains
ok "export writes what is in force" all 'grep -qx new.example out' '! grep -qx shared.example out' 'grep -qx two.example out'

# --- which change ends which -------------------------------------------------------------------------------------

lines=('- evil.example source=b' '+ shared.example source=mine' '- two.example' '+ two.example source=a category=other'
	'- new.example' '+ exact.example' '- 198.51.100.0/24 source=cert' '- wild.example' '- under.example source=live'
	'- bücher.example')
apply
ok "the last one counts" in_force "- evil.example source=b
+ exact.example source=live scope=subtree
- new.example
+ shared.example source=mine scope=subtree
+ two.example source=a scope=subtree category=other
- under.example source=live
- wild.example
- xn--bcher-kva.example
- 198.51.100.0/24 source=cert"
ok "what feeds say counts again, but for what is taken off" all '[ "$(answer evil.example)" = "nxdomain a" ]' \
	'[ "$(answer shared.example)" = "nxdomain b,mine" ]' '[ "$(answer two.example)" = "nxdomain a" ]' \
	'[ "$(answer new.example)" = none ]' 'is_blocked x.exact.example'
lines=('- shared.example' '- shared.example source=b' '+ shared.example source=mine' '- shared.example source=mine')
apply
ok "within one input as well" all '[ "$status" = 0 ]' '[ "$(answer shared.example)" = none ]' \
	'[ "$(grep shared "d/gen/$(changes)" | tr "\n" ,)" = "- shared.example source=b,- shared.example source=mine," ]'

# --- what it outlasts ----------------------------------------------------------------------------------------------

lines=('- evil.example' '+ mine.example category=ours')
apply
run verify -d d
printf '%s\n' evil.example two.example third.example >a.txt
compile
ok "a compile of feeds that still list it" all '[ "$status" = 0 ]' '[ "$(answer evil.example)" = none ]' 'is_blocked third.example' \
	'is_blocked mine.example' '[ "$(temps)" = 0 ]'
run verify -d d
ok "... which verifies" [ "$status" = 0 ]
compile --report report
ok "... and reports what feeds say" report '[.sources[] | [.entries, .duplicates]] == [[3, 0], [2, 0]]'
run compile -d d --dry-run --json a.txt,category=malware b.txt,category=phishing
ok "a dry run compares with it in force" all '[ "$status" = 0 ]' 'json ".changes.added == 0 and .changes.removed == 0"'
: >b.txt
compile
ok "a source that is held back keeps what its feed said" all '[ "$status" = 1 ]' '[ "$(answer evil.example)" = none ]'
lines=('+ evil.example')
apply
ok "... all of it, when that is no longer taken off" [ "$(answer evil.example)" = "nxdomain a,b,live" ]
printf '%s\n' evil.example shared.example >b.txt
run pause -d d
ok "a pause" all '[ "$status" = 0 ]' 'grep -q ^delta d/current' 'grep -q ^changes d/current' 'grep -q ^paused d/current'
lines=('- third.example')
apply
ok "... goes on" says 'filtering is paused'
run resume -d d
ok "... and ends" all 'is_blocked mine.example' '[ "$(answer third.example)" = none ]'
printf 'policy:\n  - {rule: all, match: {}, action: refused}\nsources: [{name: a, path: a.txt}]\n' >policy.yaml
run apply -d d --policy policy.yaml
ok "another policy" [ "$("$sinkhole" lookup -d d --json mine.example | jq -r .action)" = refused ]
run rollback -d d 1
ok "a rollback goes back to the changes of then" all '[ "$status" = 0 ] || [ "$status" = 1 ]'
run rollback -d d
ok "a rollback to the one before differs in changes alone" all '[ "$status" = 0 ]'
compile
current=$(changes)
lines=('+ again.example')
apply --keep 2
ok "pruning" all '[ "$(ls d/gen/*.manifest | wc -l)" = 2 ]' '[ "$(ls d/gen/changes-* | wc -l)" -le 2 ]' '[ -e "d/gen/$(changes)" ]'

# --- time ------------------------------------------------------------------------------------------------------------

SOURCE_DATE_EPOCH=1000000000 apply
lines=("+ soon.example valid-until=@$(($(date +%s) + 2))" '+ later.example valid-from=2090-01-01' '+ long.example valid-for=3w')
apply
ok "not yet, and no longer" all 'is_blocked soon.example' '[ "$(answer later.example)" = none ]' 'is_blocked long.example'
sleep 2
ok "... at the second, without anybody" [ "$(answer soon.example)" = none ]
lines=('+ other.example')
apply
ok "what is over is gone" all '! grep -q soon.example "d/gen/$(changes)"' 'grep -q long.example "d/gen/$(changes)"'

# --- what is damaged ---------------------------------------------------------------------------------------------------

cp "d/gen/$(changes)" kept
printf '# x\n' >>"d/gen/$(changes)"
before=$(cat d/current)
apply
ok "damaged changes are not guessed at" all '[ "$status" = 3 ]' unchanged 'says "changes-"' 'says "nothing published"'
compile
ok "... nor forgotten by a compile" all '[ "$status" = 3 ]' unchanged 'says "changes-"' '[ "$(temps)" = 0 ]'
run verify -d d
ok "... and verify tells" all '[ "$status" = 3 ]' 'says "changes-"'
compile --force=live
ok "... unless somebody wants that" all '[ "$status" = 0 ]' '! grep -q ^delta d/current' '! grep -q ^changes d/current'
apply
delta=$(sed -n 's/^delta //p' d/current)
printf '\1' | dd of="d/gen/$delta" bs=1 seek=5000 conv=notrunc 2>/dev/null
run lookup -d d other.example
ok "a damaged delta is refused" all '[ "$status" = 3 ]' 'says "delta-.*digest differs"'
run pause -d d --for 1h
ok "... which hinders no pause" [ "$status" = 0 ]
run resume -d d
ok "... nor its end" [ "$status" = 0 ]
lines=('+ more.example')
apply
ok "... and replaced by the next change" all '[ "$status" = 0 ]' 'is_blocked other.example' 'is_blocked more.example'

# --- as they come --------------------------------------------------------------------------------------------------------

serial_before=$(serial)
{
	printf '+ f1.example\n+ f2.example\n'
	sleep 0.3
	printf 'nonsense\n+ com\n+ f3.example\n'
	sleep 0.3
	printf 'only nonsense\n'
	sleep 0.3
	printf -- '- f1.example\n+ f4.example' # cut off
} | "$sinkhole" apply -d d --follow --json >out 2>err
status=${PIPESTATUS[1]}
ok "--follow: a generation a batch" all '[ "$status" = 3 ]' '[ "$(serial)" = $((serial_before + 3)) ]' '[ "$(wc -l <out)" = 4 ]' \
	'[ "$(answer f1.example)" = none ]' 'is_blocked f2.example' 'is_blocked f3.example' 'is_blocked f4.example'
ok "... each answered" [ "$(jq -c '[.added, .removed, .wrong, .refused, .generation != null]' out | tr -d '\n')" = \
	"[2,0,0,0,true][1,0,1,1,true][0,0,1,0,false][1,1,0,0,true]" ]
ok "... and mistakes told" all 'says "standard input:3: .*nonsense"' 'says "standard input:4: top-level"' 'says "standard input:6: "'
mkfifo pipe
"$sinkhole" apply -d d --follow pipe >out 2>err &
following=$!
exec 9>pipe
echo '+ slow.example' >&9
for _ in $(seq 100); do
	[ ! -s out ] || break
	sleep 0.05
done
ok "an answer comes before the end of the input" all 'grep -q "^generation [0-9]*: 1 added, 0 removed; " out' 'is_blocked slow.example'
head -c 200000 /dev/zero | tr '\0' x >&9
echo >&9
echo '+ after.example' >&9
exec 9>&-
wait "$following"
status=$?
ok "a line without end is one mistake" all '[ "$status" = 3 ]' '[ "$(grep -c "line too long" err)" = 1 ]' 'is_blocked after.example'

# --- allow ---------------------------------------------------------------------------------------------------------------

printf '||vital.example^$important\n' >important.txt
cat >rules.yaml <<'END'
sources:
  - {name: important, path: important.txt, format: adblock, category: malware}
  - {name: court, path: a.txt, category: legal}
  - {name: ours, path: b.txt, allow: true}
groups: [{name: school, clients: [192.0.2.0/24]}]
policy:
  - {rule: court, match: {category: legal}, action: refused}
  - {rule: school, group: school, match: {category: malware}, action: nodata}
  - {rule: rest, match: {}, action: nxdomain}
END
is 0 "rules" compile -d r -c rules.yaml
decided() { "$sinkhole" lookup -d r --json "$@" | jq -r '.action + " " + (.rule // "-")'; }
ok "an important block, and a court's" all '[ "$(decided www.vital.example)" = "nxdomain rest" ]' \
	'[ "$(decided third.example)" = "refused court" ]' '[ "$(decided --client 192.0.2.1 vital.example)" = "nodata school" ]'
run allow -d r --reason 'ticket 7' vital.example
ok "allow wins over an important block, for everybody" all '[ "$status" = 0 ]' '[ "$(decided www.vital.example)" = "pass sinkhole allow" ]' \
	'[ "$(decided --client 192.0.2.1 vital.example)" = "pass sinkhole allow" ]' '[ "$(decided third.example)" = "refused court" ]' \
	'says "generation 2 published: vital.example and all below it is let through"'
run generations -d r --json
ok "... which the history tells" json '.[1] | (.origin | startswith("allow vital.example by ")) and .reason == "ticket 7"'
run allow -d r --for 2s --json third.example
ok "... over a rule that comes first, for a time" all '[ "$status" = 0 ]' '[ "$(decided third.example)" = "pass sinkhole allow" ]' \
	'json ".origin | startswith(\"allow third.example --for 2s by\")"'
run compile -d r -c rules.yaml
ok "... and over what is compiled then" [ "$(decided vital.example)" = "pass sinkhole allow" ]
sed -i 's/action: refused/action: nodata/' rules.yaml
run apply -d r --policy rules.yaml
ok "... and over another policy" [ "$(decided vital.example)" = "pass sinkhole allow" ]
run verify -d r
ok "... all of which verifies" [ "$status" = 0 ]
sleep 2
ok "... until it ends, at the second" [ "$(decided third.example)" = "nodata court" ]
run allow -d r --end vital.example
ok "--end" all '[ "$status" = 0 ]' '[ "$(decided vital.example)" = "nxdomain rest" ]' '! grep -q ^changes r/current'
before=$(cat r/current)
run allow -d r --end vital.example
ok "... of what is not allowed" all '[ "$status" = 1 ]' 'unchanged r' 'says "nothing published"'
printf -- '- third.example\n' >off
run apply -d r off
run allow -d r --for 4s third.example
ok "over what was taken off" all '[ "$status" = 0 ]' '[ "$(decided third.example)" = "pass sinkhole allow" ]'
run apply -d r off
ok "... which an apply does not end" [ "$(decided third.example)" = "pass sinkhole allow" ]
sleep 4.1
ok "... and is off again after that" [ "$(decided third.example)" = "none -" ]
run allow -d r third.example
run allow -d r --end third.example
ok "... also by --end" [ "$(decided third.example)" = "none -" ]
printf '+ third.example category=legal\n' >on
run apply -d r on
long=$(printf 'a%.0s' {1..60}).$(printf 'b%.0s' {1..38})ü.example
run allow -d r "$long"
ok "a long name that is not ASCII" [ "$status" = 0 ]
run allow -d r --end "$long"
before=$(cat r/current)
for what in 'com' 'co.uk'; do
	run allow -d r "$what"
	ok "not $what" all '[ "$status" = 1 ]' 'unchanged r' 'says "nothing published"'
done
run allow -d r '"'
ok "allow of a quotation mark" all '[ "$status" = 2 ]' 'unchanged r'
for what in '192.0.2.1' 'a b' 'a.example b.example' '' '--for 0s a.example' '--end --for 1h a.example'; do
	# shellcheck disable=SC2086 # several words
	run allow -d r $what
	ok "allow '$what'" all '[ "$status" = 2 ]' 'unchanged r'
done
printf '+ a.example source="sinkhole allow"\n' >cheat
run apply -d r cheat
ok "not by the way" all '[ "$status" = 3 ]' 'unchanged r' 'says "is for .sinkhole allow"'
run compile -d r 'a.txt,source=sinkhole allow'
ok "not by a feed" all '[ "$status" = 2 ]' 'unchanged r'
sed 's/name: court/name: sinkhole allow/; s/rule: rest/rule: sinkhole allow/' rules.yaml >cheat.yaml
run check cheat.yaml
ok "not by a configuration" all '[ "$status" = 3 ]' '[ "$(grep -c "error: .*sinkhole allow" out err | grep -c :2)" = 1 ]'
run allow -d nowhere vital.example
ok "nothing published yet" all '[ "$status" = 3 ]' '[ ! -e nowhere ]'

# --- compact -------------------------------------------------------------------------------------------------------------

export_of() { "$sinkhole" export -d c --format json | jq -S .; }
printf '%s\n' evil.example two.example >a.txt
"$sinkhole" compile -q -d c --expires 1d a.txt,category=malware
before=$(cat c/current)
run compact -d c
ok "nothing to fold" all '[ "$status" = 0 ]' 'unchanged c' 'says "nothing to fold"'
printf '%s\n' '- evil.example' '+ live.example' '+ two.example source=a category=other' '+ 192.0.2.0/24' >lines
run apply -d c lines
run allow -d c kept.example
export_of >wanted
policy=$(sed -n 's/^policy //p' c/current)
run compact -d c --reason 'too many'
ok "compact" all '[ "$status" = 0 ]' 'grep -q "^base base-4-" c/current' 'grep -q "^changes changes-3-" c/current' \
	'grep -qx "policy $policy" c/current' 'grep -q ^expires c/current' '[ "$(find c -name "tmp-*" | wc -l)" = 0 ]' 'says "generation 4 published"'
export_of >found
ok "... holds the same" cmp -s wanted found
run verify -d c
ok "... and verifies" [ "$status" = 0 ]
run info -d c --json
ok "what is allowed stays where it is" json '[.records[] | select(.source == "sinkhole allow")] | length == 1'
is 0 "... and its end is one" allow -d c --end kept.example
ok "... of which nothing is left" all '! grep -q ^delta c/current' 'grep -q ^changes c/current'
echo '+ more.example' >lines
run apply -d c lines
run info -d c --json
ok "the next delta holds what is new alone" all '[ "$(stat -c %s c/gen/delta-6-*)" -le 16384 ]' 'json ".names == 4"'
run compile -d c a.txt,category=malware
run info -d c --json
ok "a compile begins with feeds alone, and lays the changes over them" all 'json ".names == 4"' 'grep -q ^delta c/current'
mkfifo hold
printf '+ late.example\n' >lines
"$sinkhole" compile -q -d c hold 2>err &
compiling=$!
"$sinkhole" compact -d c 2>>err
printf 'one.example\n' >hold
wait "$compiling"
"$sinkhole" compact -d c 2>err
run lookup -d c live.example
ok "compact and compile, one behind the other" [ "$status" = 0 ]

what='what somebody took back meanwhile is not folded'
if strace -qq -o /dev/null true 2>/dev/null; then
	"$sinkhole" compile -q -d g a.txt
	printf '+ later.example\n' | "$sinkhole" apply -d g - 2>>err
	strace -qq -f -o /dev/null -e trace=flock -e inject=flock:delay_enter=1500000:when=2+ "$sinkhole" compact -d g 2>folding &
	compacting=$!
	sleep 0.8
	is 0 "a rollback while somebody compacts" rollback -d g 1
	wait "$compacting"
	status=$?
	mv folding err
	ok "$what" all '[ "$status" = 1 ]' 'says "somebody went back meanwhile"' '[ "$(find g -name "tmp-*" | wc -l)" = 0 ]' \
		'[ "$("$sinkhole" lookup -d g --json later.example | jq -r .action)" = none ]'
else
	skip "$what" "strace is not permitted"
fi

printf '+ single.example\n' >single
"$sinkhole" compile -q -d s a.txt
run apply -d s single
ok "one change is one" says 'generation 2 published: 1 added, 0 removed; 1 live change in force$'

# --- when it was read --------------------------------------------------------------------------------------------------------

read_of() { sed -n 's/^read //p' "$1/current"; }
"$sinkhole" compile -q -d t a.txt
ok "compile says when it read" all '[[ "$(read_of t)" > "$(date -u -d "-1 hour" +%FT%T)" ]]' '[[ "$(read_of t)" < "$(date -u +%FT%T.%6NZ)" ]]'
begun=$(date -u +%FT%T.%6NZ)
(
	sleep 1.2
	date -u +%FT%T.%6NZ >sent
	echo '+ read.example'
) | "$sinkhole" apply -d t - 2>err
ok "apply: when the first line came, not when it began" all '[[ "$(read_of t)" > "$(cat sent)" ]]' '[[ "$(read_of t)" > "$begun" ]]'
run generations -d t --json
ok "the history tells, by the second" json '.[-1] | (.read | test("^20.*[.][0-9]{6}Z$")) and .["read-to-published"] >= 0'
run generations -d t
ok "for people, too" grep -q 'apply  (read [0-9,]* s before)$' out
run info -d t --json
ok "so does info" json '(.read | test("Z$")) and .["read-to-published"] >= 0'
for command in 'pause' 'resume' 'allow x.example' 'rollback 1' 'compact'; do
	# shellcheck disable=SC2086 # several words
	run ${command%% *} -d t ${command#"${command%% *}"}
	ok "nothing is read for: $command" all '[ "$status" = 0 ]' '! grep -q "^read " t/current' 'grep -q "^sinkhole-generation [234]$" t/current'
done

# --- many at once ------------------------------------------------------------------------------------------------------------

workers=()
for i in 1 2 3 4 5 6; do
	(
		for k in 1 2 3 4; do
			echo "+ w$i-$k.example" >"w$i"
			"$sinkhole" apply -d d "w$i" 2>>"err$i" || echo "$?" >>failures
			[ "$i" != 3 ] || "$sinkhole" compact -d d 2>>"err$i" || [ $? = 1 ] || echo compact >>failures
			[ "$i" -gt 2 ] || "$sinkhole" compile -q -d d a.txt,category=malware b.txt 2>>"err$i" || echo "$?" >>failures
		done
	) &
	workers+=($!)
done
wait "${workers[@]}"
lost=0
for i in 1 2 3 4 5 6; do
	for k in 1 2 3 4; do
		is_blocked "w$i-$k.example" || lost=$((lost + 1))
	done
done
ok "appliers, compilers and who compacts at once: nothing is lost" all '[ ! -e failures ]' '[ "$lost" = 0 ]' '[ "$(temps)" = 0 ]'
run verify -d d
ok "... and all verifies" [ "$status" = 0 ]

# --- the same, each time --------------------------------------------------------------------------------------------------------

export SOURCE_DATE_EPOCH=1790000000
lines=('+ q.example' '- evil.example' '+ 192.0.2.0/24')
for dir in e f; do
	"$sinkhole" compile -q -d $dir a.txt b.txt
	printf '%s\n' "${lines[@]}" | "$sinkhole" apply -d $dir - 2>>err
done
ok "the same changes, the same bytes" cmp -s e/current f/current

echo "1..$number"
