#!/bin/bash
# The emergency exit: pause, resume, and what else is published meanwhile. Prints TAP.
# shellcheck disable=SC2016,SC2034 # conditions are evaluated later
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"

says() { grep -q -- "$1" err; }
action() { "$sinkhole" lookup -d d --json "$@" | jq -r .action; }
count() { find d -name "$1" | wc -l; }
one_line() { [ "$(wc -l <err)" = 1 ]; }
at() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
# shellcheck disable=SC2154 # $before: the serial, set below
refused() { [ "$status" = "$1" ] && says "$2" && one_line && [ ! -s out ] && [ "$(serial)" = "$before" ]; }
now() { date +%s; }

printf '%s\n' evil.example worse.example >evil.txt
printf '%s\n' 'policy:' '  - {rule: all, match: {}, action: refused}' >other.yaml

# --- nothing to pause --------------------------------------------------------------------------------------

for command in pause resume; do
	run $command -d d
	ok "$command without a data directory" all '[ "$status" = 3 ]' 'says "nothing has been published"' one_line '[ ! -e d ]'
	mkdir d
	run $command -d d
	ok "$command of an empty one" all '[ "$status" = 3 ]' 'says "nothing has been published"' '[ -z "$(ls d)" ]'
	mkdir d/gen
	run $command -d d
	ok "$command where nothing was ever published" all '[ "$status" = 3 ]' '[ -z "$(ls d/gen)" ]'
	rm -r d
done

"$sinkhole" compile -d d evil.txt 2>err
before=1
run resume -d d
ok "resume when it is not paused" refused 1 'filtering is not paused; nothing published'

# --- wrong usage -------------------------------------------------------------------------------------------

for duration in '' 0 0s 10 m '10 m' -10m +10m 1.5h 10x 10mm 10M 1h30m 99999999999w 366000d 10m\ ; do
	run pause -d d --for "$duration"
	ok "for '$duration'" all 'refused 2 "--for is a time"' '[ "$(action evil.example)" = nxdomain ]'
done
run pause -d d 10m
ok "an operand" refused 2 "'10m' is one word too many"
run pause -d d --for
ok "no duration" all '[ "$status" = 2 ]' '[ "$(serial)" = 1 ]'
run resume -d d --for 10m
ok "resume is not for a time" all '[ "$status" = 2 ]' '[ "$(serial)" = 1 ]'
for command in pause resume; do
	run $command -d d --reason "$(printf 'a\nb')"
	ok "$command for a reason of two lines" refused 2 'one line'
	SOURCE_DATE_EPOCH=x run $command -d d
	ok "$command at a time that is none" refused 2 SOURCE_DATE_EPOCH
done

# --- paused ------------------------------------------------------------------------------------------------

began=$(now)
SUDO_USER=alice is 0 "pause" pause -d d --reason 'the bank cannot be reached'
ok "says since when and until when, in one line" all one_line \
	"says \"generation 2 published: filtering is paused since 20.*Z until 'sinkhole resume'\"" '[ ! -s out ]'
ok "with the same files" all '[ "$(count "base-*")" = 1 ]' '[ "$(count "policy-*")" = 1 ]' '[ "$(count "tmp-*")" = 0 ]'
run lookup -d d evil.example
ok "nothing is blocked" all '[ "$status" = 1 ]' 'grep -q "^evil.example: none$" out'
ok "lookup says why" grep -q "^  filtering is paused since 20.*Z until 'sinkhole resume'$" out
run lookup -d d --json evil.example
ok "in JSON, too" json '.action == "none" and .rule == null and (.paused | .until == null and .since > "2026")
	and [.considered[].outcome] == ["filtering is paused"]'
run lookup -d d --json --at 2099-01-01 evil.example
ok "whenever" json '.action == "none" and .paused.until == null'
run generations -d d --json
ok "the history knows" json '.[0].paused == null and (.[1] | .published and .paused.until == null and
	.reason == "the bank cannot be reached" and .["base-sha256"] != null)'
if [ "$(id -u)" = 0 ]; then who=alice; else who=$(id -un); fi
ok "and who it was" json ".[1].origin == \"pause by $who\""
run generations -d d
ok "for people" grep -q "^\*      2 .* pause by $who: the bank cannot be reached  (paused since .* until 'sinkhole resume')$" out
run info -d d
ok "info says so" grep -q "^filtering is paused since .* until 'sinkhole resume'$" out
run info -d d --json
ok "in JSON, too" json '.paused | has("since") and .until == null'
run export -d d --format domains
ok "export writes what is listed all the same, and says so" all '[ "$status" = 0 ]' 'grep -qx evil.example out' \
	'says "filtering is paused since .*; what is written is what would be in force without"'
run verify -d d
ok "it verifies" [ "$status" = 0 ]
run diff -d d
ok "nothing that is listed has changed" [ "$status" = 0 ]

# --- what does not end it ----------------------------------------------------------------------------------

since=$("$sinkhole" generations -d d --json | jq -r '.[1].paused.since')
stays() { # what was published is, and filtering is paused since then
	[ "$status" = 0 ] && [ "$(serial)" = "$1" ] && says "^sinkhole: filtering is paused since $since until 'sinkhole resume', and stays so" &&
		[ "$(grep -c paused err)" = 1 ] && [ "$(action evil.example)" = none ] &&
		[ "$("$sinkhole" generations -d d --json | jq -r '.[-1].paused.since')" = "$since" ]
}
run compile -d d evil.txt
ok "compile" stays 3
run compile -d d --quiet evil.txt
ok "compile, quietly" all 'stays 4' one_line
SOURCE_DATE_EPOCH=4000000000 run compile -d d evil.txt
ok "compile of another time" stays 5
run apply -d d --policy other.yaml
ok "apply" stays 6
run rollback -d d
ok "rollback" all 'stays 7' 'says "generation 7 published: that of"'
run rollback -d d 1
ok "rollback to one from before" stays 8
run compile -d d --dry-run evil.txt
ok "a dry run says nothing of it" all '[ "$status" = 0 ]' '! says paused' '[ "$(serial)" = 8 ]'

# --- another end -------------------------------------------------------------------------------------------

run pause -d d --for 10m --json
ok "an end where there was none" json ".serial == 9 and .published and .paused.since == \"$since\" and
	(.paused.until | fromdateiso8601) >= $began + 600 and (.paused.until | fromdateiso8601) <= $(now) + 600"
ok "the history knows for how long" json '.origin | startswith("pause --for 10m by ")'
until=$(jq -r '.paused.until | fromdateiso8601' out)
run lookup -d d --at "@$((until - 1))" evil.example
ok "a second before the end nothing is blocked" all '[ "$status" = 1 ]' "grep -q '^  filtering is paused since $since until $(at "$until")' out"
run lookup -d d --at "@$until" evil.example
ok "at the end it is" all '[ "$status" = 0 ]' 'grep -q "^evil.example: nxdomain" out' '! grep -q paused out'
run lookup -d d --json --at "@$until" evil.example
ok "and JSON no longer tells of a pause" json '.action == "nxdomain" and (has("paused") | not)'
printf 'evil.example A - @%s\n' $((until - 1)) "$until" | "$sinkhole" lookup -d d --batch >out
ok "each line of a batch by its own time" [ "$(jq -r .action out | tr '\n' ' ')" = "none nxdomain " ]
run pause -d d --for 5m --json
ok "an earlier end" json "(.paused.until | fromdateiso8601) < $until"
run pause -d d --json
ok "no end any more" json '.paused.until == null'

# --- back --------------------------------------------------------------------------------------------------

is 0 "resume" resume -d d --reason 'it was not us'
ok "says so in one line" all one_line 'says "generation 12 published: filtering is back, 2 names as before"'
ok "filters" [ "$(action evil.example)" = nxdomain ]
run generations -d d --json
ok "the history knows" json '.[-1] | .published and (.origin | startswith("resume by ")) and .reason == "it was not us" and
	(has("paused") | not)'
run info -d d
ok "info says nothing of it" all '! grep -q paused out'
before=12
run resume -d d
ok "resume, twice" refused 1 'filtering is not paused'
run compile -d d evil.txt
ok "compile says nothing of it" all '[ "$(serial)" = 13 ]' '! says paused'
run rollback -d d 9
ok "a rollback to what was paused is not" all '[ "$status" = 0 ]' '! says paused' '[ "$(action evil.example)" = nxdomain ]'

# --- over --------------------------------------------------------------------------------------------------

is 0 "pause for a second" pause -d d --for 1s
sleep 1.2
ok "is over by itself" [ "$(action evil.example)" = nxdomain ]
before=15
run resume -d d
ok "and there is nothing to end" refused 1 'filtering is not paused'
run generations -d d
ok "the history still knows it" grep -q '^\*     15 .*(paused since .* until 2.*Z)$' out
run compile -d d evil.txt
ok "what is published then is not paused" all '[ "$status" = 0 ]' '! says paused' '! grep -q paused d/current'
run export -d d --format domains
ok "export says nothing of it" all '[ "$status" = 0 ]' '[ ! -s err ]'

# --- who, and what is damaged ------------------------------------------------------------------------------

SUDO_USER=$(printf 'a\nserial 99') run pause -d d
ok "a caller's name that is none" all '[ "$status" = 0 ]' '! grep -q "^serial 99" d/current'
SUDO_USER=$(printf 'a\302\205b') run pause -d d
ok "or one that would move the cursor" all '[ "$status" = 0 ]' '[ "$(serial)" = 18 ]'
SUDO_USER=$(printf '%0100d' 0) run resume -d d
ok "or too long" all '[ "$status" = 0 ]' '[ "$(serial)" = 19 ]'
cp d/current current
printf x >>d/current
run pause -d d
ok "a damaged manifest is not guessed at" all '[ "$status" = 3 ]' 'says "nothing published"'
cp current d/current
policy=$(sed -n 's/^policy //p' d/current)
cp "d/gen/$policy" policy
printf x >>"d/gen/$policy"
run pause -d d
ok "nor published what nobody could read" all '[ "$status" = 3 ]' 'says "nothing published"' '[ "$(serial)" = 19 ]'
cp policy "d/gen/$policy"
SOURCE_DATE_EPOCH=1000 run pause -d d --for 10m
ok "an end is by the clock, whatever time is said" all '[ "$status" = 0 ]' '[ "$(action evil.example)" = none ]' \
	'grep -qx "time 1970-01-01T00:16:40Z" d/current'
if [ "$(id -u)" = 0 ]; then
	skip "a directory that may not be written" "root may"
else
	chmod a-w d d/gen
	run resume -d d
	ok "a directory that may not be written" all '[ "$status" = 4 ]' 'says "nothing published"'
	chmod u+w d d/gen
fi

# --- many at once --------------------------------------------------------------------------------------------

for _ in 1 2 3 4; do
	"$sinkhole" pause -d d 2>/dev/null &
	"$sinkhole" resume -d d 2>/dev/null &
	"$sinkhole" compile -d d -q evil.txt 2>/dev/null &
done
wait
run verify -d d
ok "pausing and publishing at once leaves a whole directory" all '[ "$status" = 0 ]' '[ "$(count "tmp-*")" = 0 ]'

echo "1..$number"
