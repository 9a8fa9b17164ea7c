#!/bin/bash
# From how a system's apt is configured, whatever way, to the mirrors that our private apt uses.
# Prints TAP. The set-up itself needs a network, and is tested by being used.
set -u
cd "${top_srcdir:-$(dirname "${BASH_SOURCE[0]}")/..}" || exit 1
. setup/common.sh
etc=$(mktemp -d)
trap 'rm -rf "$etc"' EXIT
mkdir "$etc/sources.list.d"
number=0

# gives NAME WANTED: what the files in $etc give for bookworm's sources, one stanza a line.
gives() {
	local got
	got=$(private_sources deb-src bookworm trixie "$etc" | awk 'BEGIN { RS = ""; FS = "\n"; OFS = " | " } { $1 = $1; print }')
	number=$((number + 1))
	if [ "$got" = "$2" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		printf '%s\n' "wanted: $2" "got:    $got" | sed 's/^/# /'
	fi
	rm -f "$etc"/sources.list "$etc"/sources.list.d/*
}

cat >"$etc/sources.list" <<-'EOF'
	# deb cdrom:[Debian GNU/Linux 12 _Bookworm_]/ bookworm main
	deb http://ftp.example.org/debian/ bookworm main non-free-firmware
	deb-src http://ftp.example.org/debian/ bookworm main non-free-firmware
	deb http://security.example.org/debian-security bookworm-security main # by the installer
EOF
gives "the installer's sources.list" \
	"Types: deb-src | URIs: http://ftp.example.org/debian/ | Suites: trixie | Components: main
Types: deb-src | URIs: http://security.example.org/debian-security | Suites: trixie-security | Components: main"

cat >"$etc/sources.list.d/debian.sources" <<-'EOF'
	Types: deb
	# a comment
	URIs: http://deb.example.org/debian
	Suites: bookworm bookworm-updates bookworm-backports
	Components: main
	Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

	Types: deb
	URIs: mirror+file:///etc/apt/mirrors/debian-security.list
	Suites: bookworm-security
	Components: contrib main
EOF
gives "deb822, several suites, a mirror list" \
	"Types: deb-src | URIs: http://deb.example.org/debian | Suites: trixie trixie-updates | Components: main | Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
Types: deb-src | URIs: mirror+file:///etc/apt/mirrors/debian-security.list | Suites: trixie-security | Components: main"

printf '%s\n' 'Types: deb' 'URIs: http://a.example/debian' ' http://b.example/debian' 'Suites: bookworm' \
	'Components: main' 'Signed-By:' ' -----BEGIN PGP PUBLIC KEY BLOCK-----' ' .' ' abc' \
	' -----END PGP PUBLIC KEY BLOCK-----' | head -c -1 >"$etc/sources.list.d/a.sources"
gives "fields of several lines, a key in place, no last newline" \
	"Types: deb-src | URIs: http://a.example/debian http://b.example/debian | Suites: trixie | Components: main | Signed-By: |  -----BEGIN PGP PUBLIC KEY BLOCK----- |  . |  abc |  -----END PGP PUBLIC KEY BLOCK-----"

cat >"$etc/sources.list" <<-'EOF'
	deb [arch=amd64 signed-by=/k.gpg] https://m.example/debian bookworm main
	deb [ trusted=yes ] file:/srv/debian bookworm main
EOF
gives "options: keys and trust are kept, the architecture is not" \
	"Types: deb-src | URIs: https://m.example/debian | Suites: trixie | Components: main | Signed-By: /k.gpg
Types: deb-src | URIs: file:/srv/debian | Suites: trixie | Components: main | Trusted: yes"

echo 'deb http://m.example/debian oldstable-updates main' >"$etc/sources.list"
gives "a release by its role" \
	"Types: deb-src | URIs: http://m.example/debian | Suites: trixie-updates | Components: main"

cat >"$etc/sources.list" <<-'EOF'
	deb https://packages.example/php/ bookworm main
	deb https://packages.example/linux/debian bookworm stable
	deb https://apt.example/debian bookworm-pgdg main
	deb https://apt.example/debian cloud-sdk-bookworm main
	deb https://apt.example/debian sid main
EOF
printf '%s\n' 'Enabled: no' 'Types: deb' 'URIs: http://off.example/debian' 'Suites: bookworm' 'Components: main' \
	>"$etc/sources.list.d/off.sources"
printf '%s\n' 'deb http://old.example/debian bookworm main' >"$etc/sources.list.d/old.list.disabled"
gives "what is not Debian's, not this release's, or switched off" ""

gives "no configuration at all" ""
echo "1..$number"
