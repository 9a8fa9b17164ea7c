#!/bin/bash
# Folding in the background: when it begins, what it leaves alone, and what may happen meanwhile. What `compact` itself does
# is in live.sh; its death at each step in kills.py. Prints TAP.
# shellcheck disable=SC2016,SC2034,SC2317 # conditions are evaluated later
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"

says() { grep -q -- "$1" err; }
temps() { find d -name 'tmp-*' | wc -l; }
field() { sed -n "s/^$1 //p" d/current; }
folds() { "$sinkhole" generations -d d --json | jq '[.[] | select(.origin | startswith("compact"))] | length'; }
settled() { flock d true; } # whoever folds holds this lock until it has ended
is_blocked() { [ "$("$sinkhole" lookup -d d --json "$1" | jq -r .action)" = nxdomain ]; }
apply() { # LINES... -- OPTIONS...: lines of changes as standard input
	local lines=()
	while [ "$1" != -- ]; do
		lines+=("$1")
		shift
	done
	shift
	status=0
	printf '%s\n' "${lines[@]}" | "$sinkhole" apply -d d --keep 100 "$@" - >out 2>err || status=$?
}
printf '%s\n' evil.example two.example shared.example >a.txt
begin() { # ...with what compile publishes
	rm -rf d
	"$sinkhole" compile -q -d d "$@" a.txt
}
# The process that folds in this room; nothing if there is none.
folding() {
	local at
	grep -lsx 'sinkhole fold' /proc/[0-9]*/comm | while read -r at; do
		at=${at%/comm}
		[ "$(readlink "$at/cwd")" != "$room" ] || echo "${at#/proc/}"
	done
}

# --- when -----------------------------------------------------------------------------------------------------

begin
before=$(cat d/current)
for wrong in x -1 1k '' 1.5; do
	apply '+ one.example' -- --compact-at="$wrong"
	ok "no threshold: '$wrong'" all '[ "$status" = 2 ]' unchanged
done
printf 'policy: [{rule: all, match: {}, action: refused}]\n' >policy.yaml
run apply -d d --policy policy.yaml --compact-at 1
ok "not with --policy" all '[ "$status" = 2 ]' unchanged
apply '+ one.example' '+ two.example source=live' -- --compact-at 2 --dry-run
settled
ok "not by a dry run" all '[ "$status" = 0 ]' unchanged '[ -z "$(folding)" ]'
for off in 0 never; do
	apply "+ $off-one.example" '- evil.example' "+ $off.example" -- --compact-at $off
	settled
	ok "--compact-at $off" all '[ "$status" = 0 ]' '[ "$(folds)" = 0 ]' '[ "$(wc -l <err)" = 1 ]'
done

begin
apply '+ one.example' -- --compact-at 2
settled
ok "less than the threshold" all '[ "$(folds)" = 0 ]' '[ "$(serial)" = 2 ]'
run allow -d d kept.example
apply '+ one.example' '+ one.example tag=again' -- --compact-at 2
settled
ok "neither what is allowed counts, nor a change of a change" all '[ "$(folds)" = 0 ]' '[ "$(serial)" = 4 ]'
"$sinkhole" export -d d --format json >wanted
apply '- evil.example' -- --compact-at 2 --reason 'a court says so'
settled
ok "as many: folded, and nobody is told" all '[ "$status" = 0 ]' '[ "$(wc -l <err)" = 1 ]' 'says "^sinkhole: generation 5 published"' \
	'[ "$(serial)" = 6 ]' '[ ! -s out ]' '[ "$(temps)" = 0 ]'
run generations -d d --json
ok "the history tells by whom and why" all 'json ".[-1].origin | test(\"^compact in the background of apply by .\")"' \
	'json ".[-1].reason == \"2 changes over the base, and compact-at is 2\""' 'json ".[-2].reason == \"a court says so\""'
run verify -d d
ok "it verifies" [ "$status" = 0 ]
ok "and lists the same" all 'is_blocked one.example' '! is_blocked evil.example' 'is_blocked two.example'
run info -d d --json
ok "what is allowed stays a change" json '[.records[] | select(.source == "sinkhole allow")] | length == 1'
before=$(cat d/current)
run compact -d d
ok "... and is nothing to fold" all '[ "$status" = 0 ]' unchanged 'says "nothing to fold"'
apply '+ three.example' -- --compact-at 2
settled
ok "it counts from the new base on" all '[ "$(folds)" = 1 ]' '[ "$(serial)" = 7 ]'

begin
printf 'compact-at: 1\n' >conf.yaml
apply '+ one.example' -- -c conf.yaml
settled
ok "the configuration's" [ "$(folds)" = 1 ]
apply '+ two-more.example' -- -c conf.yaml --compact-at never
settled
ok "an option comes before it" [ "$(folds)" = 1 ]
seq -f '+ n%.0f.example' 9998 | "$sinkhole" apply -d d - 2>err
settled
ok "9,999 are less than the default" [ "$(folds)" = 1 ]
echo '+ n9999.example' | "$sinkhole" apply -d d - 2>err
settled
ok "10,000 are not" [ "$(folds)" = 2 ]

# --- by whom ----------------------------------------------------------------------------------------------------

"$sinkhole" keygen key >/dev/null 2>&1
begin --sign key --expires 1d
expiry=$(field expires)
apply '+ one.example' -- --compact-at 1
settled
ok "without the key nothing is published" all '[ "$status" = 1 ]' '[ "$(serial)" = 1 ]'
apply '+ one.example' -- --compact-at 1 --sign key --expires 2d
settled
run verify -d d --key key.pub
ok "signed with the same key" all '[ "$status" = 0 ]' '[ "$(serial)" = 3 ]' '[ "$(field signature | cut -d " " -f 1)" = "$(cut -d " " -f 2 key.pub)" ]'
ok "... expiring when it would have" all '[ "$(field expires)" != "$expiry" ]' \
	'[ "$(field expires)" = "$(sed -n "s/^expires //p" d/gen/000000000002.manifest)" ]'

# --- in vain ------------------------------------------------------------------------------------------------------

begin
exec 9<d
flock 9
apply '+ one.example' -- --compact-at 1
ok "not while another one is at work" all '[ "$status" = 0 ]' '[ "$(wc -l <err)" = 1 ]' '[ -z "$(folding)" ]'
exec 9<&-
apply '+ two-more.example' -- --compact-at 1
settled
ok "each further threshold is another attempt" all '[ "$(serial)" = 4 ]' '[ "$(folds)" = 1 ]'

begin
base=d/gen/$(field base)
cp "$base" good
printf x | dd of="$base" bs=1 seek=$(($(stat -c %s "$base") - 5000)) conv=notrunc status=none
apply '+ one.example' '+ two-more.example' -- --compact-at 2
settled
ok "a damaged base: the change is published" all '[ "$status" = 0 ]' '[ "$(serial)" = 2 ]' '[ "$(folds)" = 0 ]' '[ "$(temps)" = 0 ]'
apply '+ three.example' -- --compact-at 2
settled
ok "it is not tried again, which is told" all '[ "$status" = 0 ]' '[ "$(serial)" = 3 ]' '[ "$(wc -l <err)" = 2 ]' \
	'says "3 changes over the base.*in vain.*sinkhole compact"'
run compact -d d
ok "who asks is told why" all '[ "$status" = 3 ]' 'says "base-1-.*digest"'
apply '- three.example' -- --compact-at never
ok "nothing is told to who does not want it" all '[ "$(wc -l <err)" = 1 ]'
printf '%s\n' '+ f1.example' '+ f2.example' '+ f1.example tag=x' >steady
mkfifo lines
"$sinkhole" apply -d d --follow --compact-at 2 - <lines >out 2>err &
following=$!
exec 8>lines
for k in 1 2 3; do
	sed -n "${k}p" steady >&8
	until [ "$(wc -l <out)" -ge $k ]; do sleep 0.05; done
done
exec 8>&-
wait $following
settled
ok "... by --follow once" all '[ "$(grep -c "in vain" err)" -le 2 ]' '[ "$(folds)" = 0 ]'
cp good "$base"
"$sinkhole" pause -d d 2>err
apply '+ four.example' -- --compact-at 2
settled
ok "it is tried again after something else was published" all '[ "$(folds)" = 1 ]' 'grep -q ^paused d/current'
run verify -d d
ok "and all is well" [ "$status" = 0 ]

# --- many at once -------------------------------------------------------------------------------------------------

begin
workers=()
for i in 1 2 3 4 5 6; do
	(for k in 1 2 3 4 5; do
		echo "+ w$i-$k.example" | "$sinkhole" apply -d d --keep 1000 --compact-at 3 - 2>>"err$i" || echo "$?" >>failures
	done) &
	workers+=($!)
done
wait "${workers[@]}"
settled
lost=0
for i in 1 2 3 4 5 6; do
	for k in 1 2 3 4 5; do
		is_blocked "w$i-$k.example" || lost=$((lost + 1))
	done
done
ok "appliers at once: nothing is lost" all '[ ! -e failures ]' '[ "$lost" = 0 ]' '[ "$(temps)" = 0 ]' '[ "$(folds)" -ge 1 ]'
run verify -d d
ok "... and all verifies" [ "$status" = 0 ]

# --- --follow -------------------------------------------------------------------------------------------------------

begin
"$sinkhole" apply -d d --follow --keep 100 --compact-at 3 - <lines >out 2>err &
following=$!
exec 8>lines
for k in 1 2 3 4 5 6 7; do
	echo "+ f$k.example" >&8
	until [ "$(wc -l <out)" -ge $k ]; do sleep 0.05; done
	[ $((k % 3)) != 0 ] || settled
done
children=$(cat /proc/$following/task/$following/children 2>/dev/null)
exec 8>&-
wait $following
status=$?
settled
ok "--follow folds each time" all '[ "$status" = 0 ]' '[ "$(folds)" = 2 ]' '[ ! -s err ]' 'is_blocked f1.example' 'is_blocked f7.example'
ok "... and has no child left" [ -z "$children" ]

# --- what happens meanwhile ----------------------------------------------------------------------------------------------

# held CALL COMMAND...: the same where whoever folds waits before that call for so long that other things can happen. None but
# its thread makes these: ioprio_set before it begins, exit when all is written.
held() {
	local call=$1
	shift
	strace -qq -f -o /dev/null -e "trace=$call" -e "inject=$call:delay_enter=4000000" "$@"
}
begun() { until [ -n "$(folding)" ]; do sleep 0.02; done; }

if strace -qq -o /dev/null true 2>/dev/null && unset LD_PRELOAD; then
	begin
	echo '+ one.example' >lines.txt
	held ioprio_set bash -c '"$1" apply -d d --compact-at 1 lines.txt 2>&1 | cat >piped; sed -n "s/^serial //p" d/current >reached' - "$sinkhole" &
	holding=$!
	begun
	folder=$(folding)
	until [ "$(wc -w <<<"$(echo "/proc/$folder"/task/*)")" = 2 ]; do sleep 0.02; done
	files=$(readlink "/proc/$folder"/fd/* | sort -u | paste -sd ' ')
	niceness=$(sed 's/.*) //' "/proc/$folder"/task/*/stat | cut -d ' ' -f 17 | sort -n | paste -sd ' ')
	session=$(sed 's/.*) //' "/proc/$folder/stat" | cut -d ' ' -f 4)
	wait $holding
	ok "who reads what apply says does not wait" all '[ "$(cat reached)" = 2 ]' '[ "$(serial)" = 3 ]' 'grep -q "generation 2" piped'
	ok "it has no file but the lock: $files" [ "$files" = "/dev/null $room/d" ]
	ok "a thread of it is nice, the one that publishes as nice as we are: $niceness" [ "$niceness" = "$(nice) 19" ]
	ok "and a session of its own" [ "$session" != "$(sed 's/.*) //' "/proc/$$/stat" | cut -d ' ' -f 4)" ]

	begin
	held exit "$sinkhole" apply -d d --compact-at 1 lines.txt 2>err &
	holding=$!
	begun
	until [ "$(temps)" = 1 ]; do sleep 0.02; done
	echo '+ meanwhile.example' | "$sinkhole" apply -d d --compact-at 1 - 2>err2
	wait $holding
	ok "a change made meanwhile lies over it" all '[ "$(serial)" = 4 ]' 'is_blocked meanwhile.example' 'is_blocked one.example' \
		'[ "$(wc -l <err2)" = 1 ]'

	begin
	held exit "$sinkhole" apply -d d --compact-at 1 lines.txt 2>err &
	holding=$!
	begun
	until [ "$(temps)" = 1 ]; do sleep 0.02; done
	"$sinkhole" rollback -d d 1 2>>err
	wait $holding
	ok "a rollback meanwhile is not undone" all '[ "$(serial)" = 3 ]' '! is_blocked one.example' '[ "$(temps)" = 0 ]'

	begin
	held exit "$sinkhole" apply -d d --compact-at 1 lines.txt 2>err &
	holding=$!
	begun
	until [ "$(temps)" = 1 ]; do sleep 0.02; done
	kill -9 "$(folding)"
	wait $holding
	ok "killed: the change is in force" all '[ "$(serial)" = 2 ]' 'is_blocked one.example' '[ "$(temps)" = 1 ]'
	touch -d '1 hour ago' d/gen/tmp-* # whoever waits for the dead may take his time
	apply '+ one.example tag=x' -- --compact-at 1
	settled
	ok "... the next one cleans up, and tells" all '[ "$status" = 0 ]' '[ "$(temps)" = 0 ]' 'says "in vain"' '[ "$(folds)" = 0 ]'
	run compact -d d
	ok "... and compact folds" all '[ "$status" = 0 ]' '[ "$(folds)" = 1 ]'

	for call in ioprio_set exit; do
		begin
		held $call "$sinkhole" apply -d d --compact-at 1 lines.txt 2>err &
		holding=$!
		begun
		[ $call != exit ] || until [ "$(temps)" = 1 ]; do sleep 0.02; done
		rm -r d
		wait $holding
		ok "the data directory is removed before $call: it stays so" [ ! -e d ]
	done

	begin
	held ioprio_set "$sinkhole" apply -d d --compact-at 1 lines.txt 2>err &
	holding=$!
	begun
	run compact -d d
	wait $holding
	ok "compact waits for it" all '[ "$status" = 0 ]' 'says "waiting"' 'says "nothing to fold"' '[ "$(folds)" = 1 ]'
else
	skip "what happens meanwhile" "strace is not permitted"
fi

echo "1..$number"
