# Sourced by the set-up scripts: where things are cached, how they speak, and a private apt.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SINKHOLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unbound-sinkhole}

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 4; }

# make_cache: create the cache directory, and leave its absolute path in $cache.
make_cache() {
	mkdir -p "$cache" || die "cannot create the cache directory '$cache'"
	cache=$(cd "$cache" && pwd)
}

# quietly LOG COMMAND...: run it with its output in LOG; if it fails, show the end of that and fail.
quietly() {
	local log=$1 status=0
	shift
	"$@" >>"$log" 2>&1 </dev/null || status=$?
	if [ "$status" -ne 0 ]; then
		say "failed ($status): $*"
		tail -n 25 "$log" >&2
		say "all of it: $log"
	fi
	return "$status"
}

# system_codename: bookworm on Debian 12, trixie on 13.
system_codename() {
	# shellcheck disable=SC1091
	(. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-}")
}

# private_sources TYPES FROM TO [ETC]: the Debian mirrors that ETC (/etc/apt) configures for the release
# FROM, as deb822, for other types of packages and the release TO.
private_sources() {
	local types=$1 from=$2 to=$3 etc=${4:-/etc/apt} files=() f
	for f in "$etc"/sources.list "$etc"/sources.list.d/*.list; do
		[ ! -r "$f" ] || files+=("$f")
	done
	{
		[ ${#files[@]} -eq 0 ] || awk -f "$here/sources-list.awk" "${files[@]}"
		for f in "$etc"/sources.list.d/*.sources; do
			# A file may lack its last newline, and stanzas are told apart by an empty line.
			[ ! -r "$f" ] || { cat "$f"; printf '\n\n'; }
		done
	} | grep -v '^#' | awk -v types="$types" -v from="$from" -v to="$to" -f "$here/sources.awk"
}

# private_apt TYPES CODENAME: set apt_options so that apt uses lists of our own, fetched now if they
# are missing or older than a day. The system's lists are neither read nor written.
private_apt() {
	local types=$1 codename=$2 dir sources
	dir=$cache/apt/${types// /-}-$codename
	mkdir -p "$dir/parts" "$dir/lists/partial" "$dir/cache/archives/partial"
	apt_options=(-o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$dir/parts"
		-o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache"
		-o "APT::Get::List-Cleanup=1" -o "Acquire::Languages=none" -o "Acquire::Retries=3"
		-o "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false")
	# The cache may lie where apt's own user cannot read it, as root's home does.
	[ "$(id -u)" -ne 0 ] || apt_options+=(-o "APT::Sandbox::User=root")
	sources=$(private_sources "$types" "$(system_codename)" "$codename")
	[ -n "$sources" ] || die "no Debian mirror in /etc/apt/sources.list and sources.list.d to derive $codename from"
	(
		flock 9
		if [ -e "$dir/fetched" ] && [ -z "$(find "$dir/fetched" -mmin +1440)" ] &&
			printf '%s\n' "$sources" | cmp -s - "$dir/parts/debian.sources"; then
			exit 0
		fi
		say "fetching package lists ($types, $codename) into the cache"
		printf '%s\n' "$sources" >"$dir/parts/debian.sources"
		: >"$dir/log"
		# A mirror that is out of reach is no failure yet: what we look for may be on another.
		quietly "$dir/log" apt-get "${apt_options[@]}" update || true
		touch "$dir/fetched"
	) 9>"$dir/lock"
}
