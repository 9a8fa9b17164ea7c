#!/bin/bash
# `sinkhole stats` as its user meets it, over files that a test's own writer has made. Prints TAP. What a resolver
# writes is asked for in unbound/stats.py.
# shellcheck disable=SC2016,SC2034 # conditions are evaluated later
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"
record=${top_builddir:?where tests/record is built}/tests/record
unset SINKHOLE_RUN

says() { grep -q -- "$1" err; }
shows() { grep -q -- "$1" out; }
one_line() { [ "$(wc -l <err)" = 1 ] && [ ! -s out ]; }

# --- nothing there -------------------------------------------------------------------------------------------

run stats --run nowhere
ok "no directory" all '[ "$status" = 1 ]' one_line 'says "nowhere/stats: No such file or directory: no resolver has written there"'
mkdir r
run stats --run r
ok "no file" all '[ "$status" = 1 ]' one_line 'says "r/stats: No such file"'
run stats --json --run r
ok "nor in JSON" all '[ "$status" = 1 ]' one_line
SINKHOLE_RUN=elsewhere run stats
ok "where the environment says" all '[ "$status" = 1 ]' 'says "elsewhere/stats: "'
SINKHOLE_RUN=elsewhere run stats --run r
ok "unless an option says otherwise" all '[ "$status" = 1 ]' 'says "r/stats: "'
for wrong in '-r' '--run' 'r' '--dir=r'; do
	run stats "$wrong"
	ok "wrong usage: $wrong" all '[ "$status" = 2 ]' one_line
done

# --- one that has ended, with everything ---------------------------------------------------------------------

"$record" r whole || exit 1
run stats --run r
ok "a page" all '[ "$status" = 0 ]' '[ ! -s err ]' \
	'shows "^resolver 4711 with sinkhole.so 0.1.0, since 2026-11-21T12:00:00Z$"' \
	'shows "^NOT RUNNING: it has ended at 2026-11-21T13:00:00Z$"' \
	'shows "^generation 42 of 2026-11-21T12:30:00Z: 1,000,000 names, 1,000,321 listings$"' \
	'shows "^ *1,034  queries that Unbound.s cache did not answer, of them$"' \
	'shows "^ *1,000  none$"' 'shows "^ *31  nxdomain$"' 'shows "^ *3  servfail$"' \
	'! shows "refused"' 'shows "^ *12  queries that a rule has monitored$"' \
	'shows "^ *1  names that COULD NOT BE JUDGED, and passed unfiltered$"' \
	'shows "^generation 42, published 2026-11-21T12:30:00.250000Z, 5125.0 ms after what is new in it was read, was$"' \
	'shows "^ *0.3 ms  noticed$"' 'shows "^ *1500.0 ms  enforced$"' \
	'shows "^ *16  record sets and 17 messages were removed$"' \
	'shows "^published to in use, ms: min 1.0, median 2.0, 95 % 3.0, max 3.0 (of 3)$"' \
	'shows "^published to enforced, ms: min 1500.0, median 1500.0, 95 % 1500.0, max 1500.0 (of 1)$"'
run stats --run r --json
ok "the same in JSON" json '. == {"running": false, "pid": 4711, "tool": "0.1.0",
	"started": "2026-11-21T12:00:00.000000Z", "written": "2026-11-21T13:00:00.000000Z",
	"ended": "2026-11-21T13:00:00.000000Z",
	"generation": 42, "time": "2026-11-21T12:30:00Z", "names": 1000000, "listings": 1000321,
	"queries": {"seen": 1034, "servfail": 3, "monitored": 12, "failed": 1},
	"actions": {"none": 1000, "pass": 0, "nxdomain": 31, "nodata": 0, "sinkhole": 0, "refused": 0, "drop": 0,
		"truncate": 0, "cname": 0, "data": 0},
	"reaction": {
		"last": {"generation": 42, "read": "2026-11-21T12:29:55.125000Z", "read-to-published-us": 5125000,
			"published": "2026-11-21T12:30:00.250000Z", "noticed-us": 300, "in-use-us": 2000,
			"heard-us": 2500, "walked-us": 100000, "enforced-us": 1500000, "record-sets": 16, "messages": 17},
		"in-use-us": {"count": 3, "min": 1000, "median": 2000, "p95": 3000, "max": 3000},
		"enforced-us": {"count": 1, "min": 1500000, "median": 1500000, "p95": 1500000, "max": 1500000}}}'
cp -r r moved
run stats --run moved
ok "a copy reads the same" all '[ "$status" = 0 ]' 'shows "^generation 42 of"'

# --- other states ----------------------------------------------------------------------------------------------

"$record" r bare
run stats --run r
ok "killed, with nothing in use" all '[ "$status" = 0 ]' \
	'shows "^NOT RUNNING: it has ended without a word, after 2026-11-21T13:00:00Z$"' \
	'shows "^NOTHING IS FILTERED: no generation is in use$"' 'shows "^no generation was published since$"' \
	'! shows "COULD NOT"' '! shows " ms"'
run stats --run r --json
ok "in JSON" json '.generation == null and .time == null and .ended == null and .reaction.last == null and
	.reaction["in-use-us"].count == 0 and .queries.seen == 0'
"$record" r unenforced
run stats --run r
ok "not enforced yet" all 'shows "^ *not yet  enforced$"' 'shows "^ *0.3 ms  noticed$"' '! shows "removed"'
run stats --run r --json
ok "in JSON" json '.reaction.last | .["in-use-us"] == 2000 and .["enforced-us"] == null and .["heard-us"] == null'
"$record" r paused
run stats --run r
ok "paused" shows "^FILTERING IS PAUSED since 2026-11-21T12:00:00Z until 'sinkhole resume': every query is answered unfiltered$"
run stats --run r --json
ok "in JSON" json '.paused == {"since": "2026-11-21T12:00:00Z", "until": null}'
"$record" r resumed
run stats --run r
ok "a pause that is over" all '[ "$status" = 0 ]' '! shows PAUSED'

# --- while somebody writes -------------------------------------------------------------------------------------

"$record" r whole hold &
writer=$!
for _ in $(seq 100); do
	run stats --run r --json
	! json '.pid == 4711 and .ended == null' || break
	sleep 0.05
done
ok "it runs" json '.running and .ended == null'
run stats --run r
ok "of which the page makes no words" all '! shows RUNNING'
kill "$writer"
wait "$writer" 2>/dev/null
run stats --run r --json
ok "and no more" json '.running == false and .ended == null'

# --- damage ----------------------------------------------------------------------------------------------------

for size in 0 1 11 12 100 4527 4528 4529 4535 4537; do
	"$record" r whole
	truncate -s $size r/stats
	run stats --run r
	ok "$size bytes" all '[ "$status" = 3 ]' one_line 'says "r/stats: "'
done
"$record" r whole
printf x | dd of=r/stats bs=1 seek=170 conv=notrunc 2>/dev/null
run stats --run r --json
ok "a byte that is another" all '[ "$status" = 3 ]' one_line 'says "r/stats: its digest differs"'
"$record" r whole
printf '\0\0\0\3' | dd of=r/stats bs=1 seek=8 conv=notrunc 2>/dev/null
run stats --run r
ok "of a later version" all '[ "$status" = 3 ]' one_line 'says "r/stats: written by a later version of sinkhole"'
echo 'something else altogether' >r/stats
run stats --run r
ok "another file" all '[ "$status" = 3 ]' one_line 'says "not a file of counters"'
rm r/stats
mkdir r/stats
run stats --run r
ok "a directory" all '[ "$status" = 3 ]' one_line 'says "not a regular file"'
rmdir r/stats
mkfifo r/stats
run stats --run r
ok "a pipe" all '[ "$status" = 3 ]' one_line 'says "not a regular file"'
rm r/stats
if [ "$(id -u)" = 0 ]; then
	skip "a file that may not be read" "root may"
else
	"$record" r whole
	chmod 000 r/stats
	run stats --run r
	ok "a file that may not be read" all '[ "$status" = 4 ]' one_line 'says "Permission denied"'
	chmod 644 r/stats
fi
"$record" r whole
status=0
"$sinkhole" stats --run r >/dev/full 2>err || status=$?
ok "a page that cannot be written" [ "$status" = 4 ]

echo "1..$number"
