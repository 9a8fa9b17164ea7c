#!/bin/bash
# `sinkhole check` as its user meets it: exit status, streams, JSON. What it says of each mistake is in
# data/config. Prints TAP.
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"

# gives STATUS OUT ERR: it ended so, and out and err are these.
gives() {
	[ "$status" = "$1" ] && [ "$(cat out)" = "$2" ] && [ "$(cat err)" = "$3" ]
}


# --- usage ------------------------------------------------------------------------------------------

run check
ok "no CONFIG" gives 2 "" "sinkhole: check: no CONFIG (see 'sinkhole help check')"
run check a b
ok "two of them" gives 2 "" "sinkhole: check: one CONFIG at a time (see 'sinkhole help check')"
run chek a
ok "the command misspelt" gives 2 "" "sinkhole: unknown command 'chek'; did you mean 'check'?"

# --- what cannot be read ------------------------------------------------------------------------------

run check nowhere.yaml
ok "not there" gives 4 "" "nowhere.yaml: error: No such file or directory"
run check .
ok "a directory" gives 4 "" ".: error: Is a directory"
run check --json nowhere.yaml
ok "not there, in JSON" json '. == [{"file": "nowhere.yaml", "line": null, "column": null,
	"severity": "error", "text": "No such file or directory"}]'
ok "the status is the same" [ "$status" = 4 ]
if [ "$(id -u)" = 0 ]; then
	skip "not to be read" "root may read everything"
else
	echo 'cache: x' >secret.yaml
	chmod 000 secret.yaml
	run check secret.yaml
	ok "not to be read" gives 4 "" "secret.yaml: error: Permission denied"
fi

# --- what is right, and what is not -------------------------------------------------------------------

mkdir feeds
echo evil.example >feeds/list.txt
printf '%s\n' 'sources:' '  - {name: a, path: feeds/list.txt}' '  - {name: b, path: [feeds, feeds/list.txt]}' >right.yaml
run check right.yaml
ok "nothing is wrong" gives 0 "right.yaml: 0 errors, 0 warnings, 2 sources" ""
run check --json right.yaml
ok "nothing is wrong, in JSON" json '. == []'
echo '  - {name: c, path: feeds/later.txt}' >>right.yaml
run check right.yaml
ok "a feed may come later" gives 0 "right.yaml: 0 errors, 1 warning, 3 sources" \
	"right.yaml:4:21: warning: 'feeds/later.txt': not there yet"
mkdir elsewhere
status=0
(cd elsewhere && "$sinkhole" check ../right.yaml >../out 2>../err)
ok "paths are relative to the file" gives 0 "../right.yaml: 0 errors, 1 warning, 3 sources" \
	"../right.yaml:4:21: warning: 'feeds/later.txt': not there yet"

printf '%s\n' 'guards: {max-change: 20}' 'sources:' '  - name: a' '    catgory: x' '    path: feeds/list.txt' >wrong.yaml
run check wrong.yaml
ok "every error, by line" gives 3 "wrong.yaml: 2 errors, 0 warnings" \
	"wrong.yaml:1:22: error: max-change cannot be '20': a share such as 20%
wrong.yaml:4:5: error: unknown key 'catgory' (is 'category' meant?)"
run check --json wrong.yaml
ok "the same in JSON" json '. == [
	{"file": "wrong.yaml", "line": 1, "column": 22, "severity": "error",
		"text": "max-change cannot be '"'20'"': a share such as 20%"},
	{"file": "wrong.yaml", "line": 4, "column": 5, "severity": "error",
		"text": "unknown key '"'catgory' (is 'category' meant?)"'"}]'
ok "with the same status, and nothing besides" gives 3 "$(cat out)" ""

status=0
printf 'cache: x\n' | "$sinkhole" check /dev/stdin >out 2>err
ok "from a pipe" gives 0 "/dev/stdin: 0 errors, 0 warnings, 0 sources" ""
escape=$'\e'
printf '%s\n' "\"${escape}[2Jx\": y" >"screen${escape}[2J.yaml"
run check "screen${escape}[2J.yaml"
ok "neither a file nor its name can clear the screen" [ "$(cat out err | tr -d '\n' | LC_ALL=C grep -c "$escape")" = 0 ]
status=0
"$sinkhole" check right.yaml >/dev/full 2>err || status=$?
ok "a summary that cannot be written" [ "$status" = 4 ]

# --- files of geoip -------------------------------------------------------------------------------------

# geoip COUNTRY: check a configuration with that file of countries; what is said of it goes to `said`.
geoip() {
	printf 'geoip: {country: %s, asn: "%s/asn.mmdb"}\n' "$1" "$geo" >geo.yaml
	run check geo.yaml
	grep -v 'geoip without policy' err >said
}

# geoip_says TEXT: a warning about the file, and nothing else; or nothing at all.
geoip_says() {
	[ "$status" = 0 ] && [ "$(cat said)" = "${1:+geo.yaml:1:18: warning: $1}" ]
}

geo=$source_tree/tests/data/geo
cp "$geo/country.mmdb" "$geo/country-ipv4.mmdb" "$geo/asn.mmdb" "$geo/bad-nodes.mmdb" .
geoip country.mmdb
ok "a file of countries" geoip_says ""
geoip country-ipv4.mmdb
ok "one of IPv4 only" geoip_says "'country-ipv4.mmdb': knows IPv4 only"
geoip nowhere.mmdb
ok "one that is not there" geoip_says "'nowhere.mmdb': not there: rules that ask where an address is do not apply without it"
geoip asn.mmdb
ok "one of the other kind" geoip_says "'asn.mmdb': no record of it (a file of type \"GeoLite2-ASN\") has a country: rules that ask where an address is do not apply without it"
head -c 1000 country.mmdb >cut.mmdb
geoip cut.mmdb
ok "one that was cut" geoip_says "'cut.mmdb': not a MaxMind DB file, or a damaged one: rules that ask where an address is do not apply without it"
geoip bad-nodes.mmdb
ok "a damaged one" grep -q "^geo.yaml:1:18: warning: 'bad-nodes.mmdb': .*: rules that ask where an address is do not apply without it" said

# --- what is written about it ---------------------------------------------------------------------------

page=$source_tree/doc/sinkhole.yaml.5
sed '1,/^\.Sh EXAMPLES/d' "$page" | sed -n '/^\.Bd -literal/,/^\.Ed/p' | sed '1d;$d' >example.yaml
run check example.yaml
ok "the manual's example is right" [ "$status" = 0 ]
run check "$source_tree/tests/data/config/interfaces.yaml"
ok "so is the one with everything" [ "$status" = 0 ]
if command -v mandoc >/dev/null; then
	status=0
	mandoc -Tlint -Wwarning "$page" >out 2>&1 || status=$?
	ok "mandoc has nothing to say" gives 0 "" "$(cat err)"
else
	skip "mandoc has nothing to say" "no mandoc"
fi

echo "1..$number"
