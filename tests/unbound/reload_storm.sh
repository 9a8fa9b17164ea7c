#!/bin/bash
# Reloads, and terminations at any moment, of a real Unbound with the module under light load, with
# good, missing and corrupt data. Nothing may make it exit, and nothing may be left behind: file
# descriptors, threads, mappings and memory are the same after 200 reloads as after the first 40.
#
# Arguments choose among good, missing, corrupt, and plain: an Unbound without the module, to compare.
# UNBOUND_DIR, SINKHOLE (the command), SINKHOLE_SO (the module); optional SANITIZE_PRELOAD. Prints TAP.
set -uo pipefail

: "${UNBOUND_DIR:?the source tree of an Unbound, see setup/unbound}"
: "${SINKHOLE_SO:?the module}"
: "${SINKHOLE:?the command}"
[ $# -gt 0 ] || set -- good missing corrupt
declare -A ports=([good]=5400 [missing]=5401 [corrupt]=5402 [plain]=5403) # so that they may run beside each other
port=${ports[$1]:?}
sighups=200
controls=60 # unbound-control reload and reload_keep_cache, in turn
starts=20   # terminated at a random moment, for each kind of data
# Memory: the reloads may add this much. They add 10 to 80 KiB, with our module as without it; a leak of
# 4 KiB a reload would add 1.2 MB, and of the smallest generation (12 KiB and its map) 10 MB.
memory_bound=1024 # KiB
if [ -n "${SANITIZE_PRELOAD:-}" ]; then
	sighups=40 controls=20 starts=8
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/storm.XXXXXX")
pid=''
load=''
number=0
failed=0
export SINKHOLE_RUN=$work/run
mkdir "$work/run"

cleanup() {
	[ -z "$load" ] || { kill "$load"; wait "$load"; } 2>/dev/null
	[ -z "$pid" ] || { kill -9 "$pid"; wait "$pid"; } 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# check NAME COMMAND...: one line of TAP; what failed leaves the log's end.
check() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		tail -n 8 "$work/log" 2>/dev/null | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

bail() {
	echo "Bail out! $*"
	tail -n 20 "$work/log" 2>/dev/null | sed 's/^/# /'
	exit 1
}

# --- the resolver --------------------------------------------------------------------------------

# The zone is Unbound's own, used as an upstream: its names go through all modules, without a network.
# (Not below "test.", which Unbound answers itself, before any module.)
# shellcheck disable=SC2016 # $ORIGIN is the zone file's
printf '%s\n' '$ORIGIN storm.example.' '@ 5 IN SOA ns a 1 3600 600 86400 5' '@ 5 IN NS ns' 'ns 5 IN A 192.0.2.1' \
	'* 5 IN A 192.0.2.2' >"$work/test.zone"
cat >"$work/unbound.conf" <<-EOF
	server:
		interface: 127.0.0.1@$port
		username: ""
		chroot: ""
		directory: "$work"
		pidfile: ""
		use-syslog: no
		logfile: "$work/log"
		num-threads: 2
		module-config: "dynlib validator iterator"
		do-not-query-localhost: no
		root-hints: ""
		trust-anchor-signaling: no
	remote-control:
		control-enable: yes
		control-interface: $work/control
		control-use-cert: no
	auth-zone:
		name: "storm.example."
		zonefile: "$work/test.zone"
		for-downstream: no
		for-upstream: yes
	dynlib:
		dynlib-file: "$SINKHOLE_SO"
EOF
sed "/dynlib/d; s/module-config.*//" "$work/unbound.conf" >"$work/plain.conf"

# nap SECONDS: a wait without a process of its own. Some thousands of these are made, and a machine that is busy with
# beginning processes reloads slowly.
exec {never}<> <(:)
nap() { read -rt "$1" -u "$never" || :; }

control() { "$UNBOUND_DIR/unbound-control" -c "$work/unbound.conf" "$@" >/dev/null 2>&1; }

# ask NAME: "NOERROR", "NXDOMAIN", ..., or nothing.
ask() {
	dig @127.0.0.1 -p "$port" +tries=1 +time=2 "$1" A 2>/dev/null | sed -n 's/.*status: \([A-Z]*\),.*/\1/p'
}

# start CONFIG: a resolver in the background, at once. One arena: glibc gives each thread that meets a
# busy one another, and a worker's takes 5 MB once, at a reload that nobody can foretell.
start() {
	[ -z "${log:-}" ] || exec {log}<&-
	: >"$work/log"
	exec {log}<"$work/log"
	services=0 part=''
	MALLOC_ARENA_MAX=1 LD_PRELOAD=${SANITIZE_PRELOAD:-} "$UNBOUND_DIR/unbound" -d -c "$work/$1" >>"$work/stdout" 2>&1 &
	pid=$!
}

is_up() { kill -0 "$pid" 2>/dev/null; }

# wait_for WHAT...: until the command succeeds; 20 s.
wait_for() {
	local i
	for ((i = 0; i < 2000; i++)); do
		"$@" && return 0
		is_up || return 1
		nap 0.01
	done
	return 1
}

answers() { [ -n "$(ask "up$RANDOM.storm.example")" ]; }

# ended: wait for the resolver, and leave how it exited in $status; one that hangs is killed: 137.
ended() {
	local i
	for ((i = 0; i < 1500; i++)); do
		is_up || break
		nap 0.01
	done
	is_up && kill -9 "$pid"
	wait "$pid" 2>/dev/null
	status=$?
	pid=''
}

# served COUNT: has service begun so often? Unbound says so once at start, and once for each reload. What it has logged
# since the last look is read, and the count is in $services.
served() {
	local line
	while IFS= read -r line <&"$log" || { part+=$line && false; }; do
		[[ $part$line != *'start of service'* ]] || services=$((services + 1))
		part=''
	done
	[ "$services" -ge "$1" ]
}

start_load() {
	local i
	for ((i = 0; i < 300; i++)); do
		echo "n$i.storm.example A"
		echo "listed$((i % 7)).storm.example A"
	done >"$work/names"
	while :; do
		dig @127.0.0.1 -p "$port" -f "$work/names" +tries=1 +time=1 +short
		sleep 0.02
	done >/dev/null 2>&1 &
	load=$!
}

stop_load() {
	kill "$load" 2>/dev/null
	wait "$load" 2>/dev/null
	load=''
}

# --- the storm -----------------------------------------------------------------------------------

# reload SIGNAL_OR_COMMAND: one, and wait until it is served; the next would be merged with it.
reload() {
	local before
	served 0
	before=$services
	case $1 in
	HUP) kill -HUP "$pid" || return ;;
	*) control "$1" || return ;;
	esac
	wait_for served $((before + 1))
}

# reloads COUNT KIND...: so many, in turn.
reloads() {
	local i count=$1 kinds
	shift
	kinds=("$@")
	for ((i = 0; i < count; i++)); do
		reload "${kinds[i % ${#kinds[@]}]}" || return
	done
}

# burst: signals that arrive during a reload. The sleeps are shorter than one.
burst() {
	local i
	for ((i = 0; i < 50; i++)); do
		kill -HUP "$pid" || return
		sleep "0.00$((RANDOM % 10))"
	done
	wait_for answers
}

# count_in FILE PATTERN
count_in() { grep -c "$2" "$1"; }

# settled: nothing has been logged for a second: of a burst of signals, the last reload may go on for a while, and a
# resolver that reloads has fewer descriptors and threads than it will have.
settled() {
	local i quiet=0 size was=-1
	for ((i = 0; i < 300 && quiet < 10; i++)); do
		sleep 0.1
		size=$(stat -c %s "$work/log")
		if [ "$size" = "$was" ]; then quiet=$((quiet + 1)); else quiet=0; fi
		was=$size
	done
}

# measure: fds, threads, maps, memory of an idle resolver. Descriptors that come and go, such as those
# of a look at the data, are there in some samples only: the least counts.
measure() {
	local i now
	settled
	fds=9999
	for ((i = 0; i < 5; i++)); do
		sleep 0.2
		now=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
		[ "$now" -ge "$fds" ] || fds=$now
	done
	find "/proc/$pid/fd" -mindepth 1 -printf '%l\n' | sed 's/[0-9]\{2,\}/N/g' | LC_ALL=C sort | uniq -c >"$work/fds.now"
	threads=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)
	maps=$(count_in "/proc/$pid/maps" 'memfd\|sinkhole')
	memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
}

same() { # NAME BEFORE AFTER
	[ "$2" -eq "$3" ] && return
	echo "# $1: $2 before, $3 after"
	[ "$1" != descriptors ] || diff "$work/fds.before" "$work/fds.now" | sed 's/^/# /'
	return 1
}

memory_is_flat() { # BEFORE AFTER
	echo "# resident: $1 KiB before, $2 KiB after"
	[ $(($2 - $1)) -le "$memory_bound" ]
}

storm() { # DATA: reload under load
	local before_fds before_threads before_maps before_memory
	start "$config"
	check "$1: starts and answers" wait_for answers
	is_up || return
	start_load
	check "$1: 40 reloads to warm up" reloads 40 HUP reload reload_keep_cache
	stop_load
	measure
	mv "$work/fds.now" "$work/fds.before"
	before_fds=$fds before_threads=$threads before_maps=$maps before_memory=$memory
	start_load
	check "$1: SIGHUP, $sighups times under load" reloads "$sighups" HUP
	check "$1: reload and reload_keep_cache, $controls times" reloads "$controls" reload reload_keep_cache
	check "$1: SIGHUP, 50 times at any moment" burst
	stop_load
	measure
	check "$1: file descriptors are the same" same descriptors "$before_fds" "$fds"
	check "$1: threads are the same" same threads "$before_threads" "$threads"
	check "$1: mappings are the same" same mappings "$before_maps" "$maps"
	# A sanitizer keeps freed memory on purpose.
	[ -n "${SANITIZE_PRELOAD:-}" ] || check "$1: memory is flat" memory_is_flat "$before_memory" "$memory"
	check "$1: an unlisted name is answered" [ "$(ask unlisted.storm.example)" = NOERROR ]
	if [ "$1" = good ]; then
		check "$1: a listed name is blocked" [ "$(ask listed1.storm.example)" = NXDOMAIN ]
	fi
	kill -TERM "$pid"
	ended
	check "$1: SIGTERM ends it with status 0 ($status)" [ "$status" -eq 0 ]
}

# Until Unbound has its handler, SIGTERM ends any program: 143. It has none of ours to run then.
ended_cleanly() { [ "$status" -eq 0 ] || [ "$status" -eq 143 ]; }

# is_lost: has Unbound lost the SIGTERM that was sent during its first reload? It does, with a module and without: between
# the end of its event loop ("service stopped") and signal_handling_record() in daemon_cleanup(), while it waits for its
# other threads, SIGTERM still goes to libevent, which keeps it for a loop that never runs again (daemon/daemon.c of
# 1.17.1 and 1.22; of 40 that were sent to an Unbound without the module as it said "service stopped", 23 were lost). Then
# it is back in service, and stays there: one that was only told late goes at once.
is_lost() {
	served 2 && answers && sleep 1 && is_up
}

# ended_though_lost: the same as `ended`, but a SIGTERM that Unbound has lost is sent once more; not one that
# nothing came of while the resolver hung, or did not come back.
ended_though_lost() {
	local i
	for ((i = 0; i < 1500; i++)); do
		is_up || break
		if is_lost; then
			lost=$((lost + 1))
			kill -TERM "$pid" 2>/dev/null
			break
		fi
		nap 0.01
	done
	ended
}

terminations() { # DATA: at a random moment of the start; then of a reload
	local i bad=0 lost=0
	for ((i = 0; i < starts; i++)); do
		start "$config"
		sleep "0.$(printf '%03d' $((RANDOM % 120)))"
		kill -TERM "$pid" 2>/dev/null
		ended
		ended_cleanly || { bad=$((bad + 1)); echo "# start $i ended with $status"; }
	done
	check "$1: SIGTERM during $starts starts" [ "$bad" -eq 0 ]
	for ((i = 0; i < starts / 2; i++)); do
		start "$config"
		wait_for answers || bad=$((bad + 1))
		kill -HUP "$pid" 2>/dev/null
		sleep "0.0$((RANDOM % 5))"
		kill -TERM "$pid" 2>/dev/null
		ended_though_lost
		[ "$status" -eq 0 ] || { bad=$((bad + 1)); echo "# reload $i ended with $status"; }
	done
	[ "$lost" -eq 0 ] || echo "# $lost of these signals were lost by Unbound, and sent again"
	check "$1: SIGTERM during $((starts / 2)) reloads" [ "$bad" -eq 0 ]
}

# --- the data ------------------------------------------------------------------------------------

for i in 0 1 2 3 4 5 6; do echo "listed$i.storm.example"; done >"$work/feed"
"$SINKHOLE" compile -d "$work/good" "domains:$work/feed" >"$work/log" 2>&1 || bail "sinkhole compile failed"
cp -r "$work/good" "$work/corrupt"
# A byte in the middle of every file there.
find "$work/corrupt" -type f | while IFS= read -r file; do
	chmod u+w "$file"
	printf '\245' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc 2>/dev/null
done

start plain.conf
wait_for answers || bail "a plain Unbound does not answer on port $port"
kill -TERM "$pid"
ended

for data in "$@"; do
	export SINKHOLE_DIR=$work/$data
	config=unbound.conf
	[ "$data" != plain ] || config=plain.conf
	storm "$data"
	[ -z "$pid" ] || { kill -9 "$pid"; ended; }
	terminations "$data"
done
if grep -l 'Sanitizer\|runtime error' "$work/stdout" >/dev/null; then
	grep -A 30 'Sanitizer\|runtime error' "$work/stdout" | sed 's/^/# /'
	check "no sanitizer reported anything" false
fi
echo "1..$number"
[ "$failed" -eq 0 ]
