#!/bin/bash
# `sinkhole lookup` and `sinkhole export` by a policy, as their user meets them. Prints TAP.
# shellcheck disable=SC2016,SC2034,SC2086 # conditions are evaluated later; $TUESDAY is two words
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"

says() { grep -q -- "$1" "${2:-out}"; }
prints() { [ "$(cat out)" = "$1" ]; }
complains() { # STATUS PATTERN NAME ARGUMENTS...
	local wanted=$1 pattern=$2 name=$3
	shift 3
	run "$@"
	ok "$name" all "[ $status = $wanted ]" "says \"$pattern\" err" '[ ! -s out ]'
}
geo=$source_tree/tests/data/geo

cat >policy.yaml <<END
operator: {organization: Tests, contact: ["mailto:a@isp.example"]}
geoip: {country: $geo/country.mmdb, asn: $geo/asn.mmdb}
sources:
  - {name: mal, path: mal.txt, format: domains, category: malware}
  - {name: legal, path: legal.txt, format: domains, category: legal}
  - {name: trial, path: trial.txt, format: domains}
  - {name: ours, path: allow.txt, format: domains, allow: true}
  - {name: late, path: late.txt, format: domains, allow: true}
  - {name: zone, path: zone.rpz, format: rpz}
  - {name: narrow, path: narrow.txt, format: hosts}
groups:
  - {name: school, clients: [192.0.2.0/24, "2001:db8::/48"]}
  - {name: analysts, clients: [198.51.100.7]}
policy:
  - {rule: ours, match: {source: ours}, action: pass}
  - {rule: shadow, match: {source: trial}, action: monitor}
  - {rule: zone, match: {source: zone}, action: listed, ede: none}
  - {rule: analysts, group: analysts, match: {}, action: pass}
  - {rule: orders, match: {category: legal}, group: school, action: nxdomain, ede: 16, ede-text: "court order"}
  - rule: lessons
    match: {category: legal}
    schedule: {days: [mon], hours: "08:00-16:30", zone: UTC}
    action: cname
    cname: "*.lessons.example"
    ede: 17
  - rule: c2
    match: {category: malware}
    types: [A, AAAA]
    action: sinkhole
    a: [192.0.2.53]
    aaaa: ["2001:db8::53"]
    ttl: 1m
    sub-error: 1
  - {rule: text, match: {category: malware}, types: [TXT], action: data, data: ['TXT "blocked"'], ede: 22}
  - {rule: french, match: {category: malware}, client-country: [FR], types: [MX], action: refused}
  - {rule: hosting, match: {answer-asn: [64511]}, action: nxdomain}
  - {rule: rest, match: {}, action: nodata, ede: 17}
END
printf '%s\n' evil.example fr.example >mal.txt
printf '%s\n' evil.example legal.example >legal.txt
printf '%s\n' evil.example trial.example >trial.txt
echo good.evil.example >allow.txt
echo late.evil.example >late.txt
printf '0.0.0.0 %s\n' host.example both.example >narrow.txt
cat >zone.rpz <<'END'
$TTL 60
@ SOA localhost. root.localhost. 1 2 3 4 5
 NS localhost.
24.0.113.0.203.rpz-ip CNAME .
32.9.113.0.203.rpz-ip CNAME rpz-passthru.
32.99.113.0.203.rpz-nsip CNAME .
ns.bad.example.rpz-nsdname CNAME *.
24.0.77.18.198.rpz-client-ip CNAME .
32.7.77.18.198.rpz-client-ip CNAME rpz-passthru.
garden.example CNAME wall.example.
*.wild.example CNAME .
x.wild.example CNAME rpz-passthru.
data.example A 192.0.2.80
data.example TXT "text"
END
is 0 "the policy compiles" compile -d d -c policy.yaml
MONDAY="--at 2026-11-23T09:00:00Z" TUESDAY="--at 2026-11-24T09:00:00Z"

# --- by client, type and time ---------------------------------------------------------------------------

# shellcheck disable=SC2086 # options and their values are words
decides() { # ACTION RULE|- ARGUMENTS...
	local action=$1 rule=$2
	shift 2
	run lookup -d d --json $TUESDAY "$@"
	[ "$rule" = - ] && rule=null || rule="\"$rule\""
	ok "$action by $rule: $*" all "[ $status = $([[ $action = none || $action = pass ]] && echo 1 || echo 0) ]" \
		"json '.action == \"$action\" and .rule == $rule'"
}

decides sinkhole c2 evil.example
decides sinkhole c2 --type AAAA a.b.evil.example
decides data text --type TXT evil.example
decides nodata rest --type MX evil.example
decides refused french --type MX --client 192.0.2.7 fr.example
decides nodata rest --type MX --client 203.0.113.7 fr.example
decides pass ours good.evil.example
decides sinkhole c2 late.evil.example # an allow entry that only a later rule is about
decides none - trial.example
decides nodata rest legal.example
decides nxdomain orders --client 192.0.2.1 legal.example
decides nxdomain orders --client 2001:db8::1 legal.example
decides nxdomain orders --client ::ffff:192.0.2.1 legal.example
decides nodata rest --client 192.0.3.1 legal.example
decides pass analysts --client 198.51.100.7 legal.example
decides cname lessons legal.example --at 2026-11-23T08:00:00Z
decides nodata rest legal.example --at 2026-11-23T07:59:59Z
decides nodata rest legal.example --at 2026-11-23T16:30:00Z
decides nxdomain zone a.wild.example
decides none - wild.example
decides pass zone x.wild.example
decides data zone --type TXT data.example
decides cname zone garden.example
decides none - clean.example
decides nxdomain zone --client 198.18.77.1 clean.example
decides pass zone --client 198.18.77.7 evil.example
decides nxdomain zone --client 198.18.77.1 good.evil.example.clean.example
decides pass ours --client 198.18.77.1 good.evil.example # a rule before the zone's

# --- what only the answer tells ---------------------------------------------------------------------------

decides none - --answer 198.18.0.1 clean.example
decides nxdomain zone --answer 198.18.0.1 --answer 203.0.113.1 clean.example
decides pass zone --answer 203.0.113.9 clean.example
decides none - --server ns.good.example clean.example
decides nodata zone --server ns.bad.example clean.example
decides none - --server x.ns.bad.example clean.example
decides nxdomain zone --server-address 203.0.113.99 clean.example
decides nxdomain zone --answer 203.0.113.99 --server ns.bad.example clean.example # answers before servers
decides nxdomain zone --answer 203.0.113.1 evil.example # the zone stands before c2
decides sinkhole c2 --chain b.example --chain evil.example clean.example
decides cname zone --chain garden.example --chain evil.example clean.example
decides pass ours --chain good.evil.example --chain evil.example clean.example
decides nxdomain zone 203.0.113.1
decides pass zone 203.0.113.9
decides none - 198.18.0.1

run lookup -d d --json $TUESDAY --answer 198.51.100.1 clean.example
ok "an address elsewhere" json '.action == "none" and .awaits == []'
sed -i 's/24.0.113.0.203.rpz-ip/32.1.113.0.203.rpz-ip/' zone.rpz
run compile -d d -c policy.yaml
decides nxdomain hosting --answer 203.0.113.2 clean.example # of that system, listed or not
decides nxdomain zone --answer 203.0.113.1 clean.example
decides sinkhole c2 --answer 203.0.113.2 evil.example # decided before the answer

# --- what is said -----------------------------------------------------------------------------------------

run lookup -d d $TUESDAY --client 192.0.2.1 evil.example
ok "for people: rule, client, answer, winner, losers, what may change" prints \
	'evil.example: nxdomain, rule orders, watched by rule shadow
  client 192.0.2.1: group school, country FR
  answer: ttl 10, ede 16, ede-text court order
  wins: block evil.example (subtree), source legal, category legal
  rule c2 is asked too late: block evil.example (subtree), source mal, category malware
  watched by rule shadow: block evil.example (subtree), source trial
  may change with the answer, which these rules look at: zone
  depends on the client'
run lookup -d d $TUESDAY --client 198.18.77.7 clean.example
ok "for people: an allowed client of a listed prefix" prints 'clean.example: pass, rule zone
  client 198.18.77.7: group others
  wins: allow 198.18.77.7 (client), source zone
  less specific: block 198.18.77.0/24 (client), source zone, hint nxdomain'
run lookup -d d $TUESDAY --server ns.bad.example --answer 203.0.113.1 clean.example
ok "for people: triggers in their order" says \
	"  an entry about an address in the answer comes first: block ns.bad.example (ns-name, exact), source zone"
run lookup -d d $TUESDAY a.x.wild.example
ok "for people: a name that a zone leaves alone" all 'says "^a.x.wild.example: none$"' \
	'says "^  leaves this name to other zones: "' \
	'says "^  in its zone something more specific leaves this name alone: block wild.example (below)"'
run lookup -d d $TUESDAY trial.example clean.example
ok "for people: nothing decides, yet" all 'says "^trial.example: none, watched by rule shadow$"' \
	'says "^clean.example: none, not listed$"' \
	'[ "$(grep -c "may change with the answer, which these rules look at: zone, hosting, rest$" out)" = 2 ]'
run lookup -d d --json $TUESDAY --client 192.0.2.1 --type AAAA evil.example
ok "for programs: who" json '.client == "192.0.2.1" and .group == "school" and .country == "FR" and
	.at == "2026-11-24T09:00:00Z" and .type == "AAAA"'
ok "for programs: what the client gets" json '.answer["ede-text"] == "court order" and .answer.ttl == 10 and
	.answer.ede == 16 and (.answer.error | fromjson | .c == ["mailto:a@isp.example"]) and
	.monitor == "shadow" and .["depends-on-client"] and .awaits == ["zone"]'
ok "for programs: every entry, its rule and what became of it" json '[.considered[] | [.source, .rule, .outcome]] | sort ==
	[["legal", "orders", "wins"], ["mal", "c2", "rule c2 is asked too late"],
	["trial", "shadow", "watched by rule shadow"]]'
run lookup -d d --json $TUESDAY --type TXT evil.example data.example garden.example
ok "for programs: data, of a rule and of a zone; an alias" jq -es '.[0].answer.data == ["10 TXT \"blocked\""] and
	.[0].answer.ede == 22 and (.[1].answer.data | sort) == ["60 A 192.0.2.80", "60 TXT \"text\""] and
	.[2].answer.cname == "wall.example" and .[2].answer.ede == null' out
run lookup -d d --json --at 2026-11-23T09:00:00Z legal.example
ok "for programs: an alias with an asterisk" json '.answer.cname == "*.lessons.example"'
run lookup -d d --json $TUESDAY --answer 203.0.113.2 clean.example
ok "for programs: a rule that needs no entry" json '.rule == "hosting" and .matched == null and
	.trigger == "answer" and .records == [] and .considered == []'
run lookup -d d --json $TUESDAY --chain x.example --chain evil.example clean.example
ok "for programs: which name of the chain" json '.name == "clean.example" and .matched == "evil.example" and
	([.considered[].about] | unique) == ["evil.example"]'
run lookup -d d $TUESDAY 198.18.77.1
ok "an address that is a client's" prints '198.18.77.1: none; in an answer of which nothing else is listed
  as a client'"'"'s: nxdomain, rule zone
  answer: ttl 10, ede none
  wins: block 198.18.77.0/24 (client), source zone, hint nxdomain'

for option in --chain --server; do
	complains 2 "'a..b' is not a domain name" "$option" lookup -d d $option a..b x.example
done
for option in --answer --server-address; do
	complains 2 "'192.0.2.0/24' is not an IP address" "$option" lookup -d d $option 192.0.2.0/24 x.example
done
complains 2 "--client is an IP address" "a client with a zone" lookup -d d --client fe80::1%lo x.example

# --- many questions ---------------------------------------------------------------------------------------

batch() { # ARGUMENTS, questions on stdin
	status=0
	"$sinkhole" lookup -d d --batch "$@" >out 2>err || status=$?
}
batch --at 2026-11-24 --client 192.0.2.1 <<END
evil.example
evil.example TXT 198.51.100.7

# a comment
legal.example - 192.0.3.1
legal.example - 192.0.3.1 2026-11-23T09:00:00Z
legal.example	AAAA	-	-
203.0.113.1
END
ok "a line each, with the options as default" all '[ $status = 0 ]' '[ ! -s err ]' \
	'[ "$(jq -r "[.name, .type, .client, .action] | join(\" \")" out)" = "evil.example A 192.0.2.1 nxdomain
evil.example TXT 198.51.100.7 pass
legal.example A 192.0.3.1 nodata
legal.example A 192.0.3.1 cname
legal.example AAAA 192.0.2.1 nxdomain
203.0.113.1 A 192.0.2.1 nxdomain" ]'
batch < <(printf 'clean.example\n')
ok "nothing is blocked" [ "$status" = 1 ]
batch < <(printf 'evil.example')
ok "a last line without its end" all '[ $status = 0 ]' '[ "$(wc -l <out)" = 1 ]'
batch < <(printf '%s\n' a..b 'x FROB' 'x A y' 'x A 192.0.2.1 never' 'x A 192.0.2.1 @1 more' 'a\000b' evil.example)
ok "lines that are no questions are told by number; the others are answered" all '[ $status = 3 ]' \
	'[ "$(wc -l <out)" = 2 ]' '[ "$(grep -o "line [0-9]*:" err | tr -d "\n")" = "line 1:line 2:line 3:line 4:line 5:" ]'
batch < <(printf 'a\0b\n')
ok "a byte that no text has" all '[ $status = 3 ]' 'says "line 1: text" err' '[ ! -s out ]'
batch evil.example </dev/null
ok "names in two places" all '[ $status = 2 ]' 'says "come from standard input" err'
batch </dev/null
ok "no question" [ "$status" = 1 ]

# --- export: RESINFO ----------------------------------------------------------------------------------------

complains 2 "unknown format 'foo'; there are unbound-acl, resinfo, json, domains, hosts, rpz" "an unknown format" export -d d --format foo
complains 2 "no --format; there are" "no format" export -d d
complains 2 "too many" "an operand" export -d d --format json x
complains 2 "for --format resinfo" "an option of another format" export -d d --format json --qnamemin
complains 2 "begins with https://" "an infourl without TLS" export -d d --format resinfo --infourl http://isp.example/
complains 2 "begins with https://" "an infourl that ends the string" export -d d --format resinfo --infourl 'https://a/"'
complains 2 "is a domain name" "a name that is none" export -d d --format resinfo --name a..b
complains 3 "nothing has been published" "nothing there" export -d nowhere --format json
run export -d d --format resinfo
ok "RESINFO: the codes that rules send" says '^resolver.arpa. 7200 IN RESINFO exterr=15-17,22$'
ok "in the form for unknown types, too" says "local-data: 'resolver.arpa. 7200 IN TYPE261 .# 16 0f657874"
run export -d d --format resinfo --qnamemin --name dns.isp.example --infourl 'https://isp.example/dns;a'
ok "RESINFO: in order, quoted where needed" says \
	'^dns.isp.example. 7200 IN RESINFO qnamemin exterr=15-17,22 "infourl=https://isp.example/dns;a"$'

# --- export: lists ------------------------------------------------------------------------------------------

run export -d d --format json
ok "JSON: each listing" all '[ $status = 0 ]' 'jq -es "map(select(.name == \"evil.example\")) | map(.source) | sort ==
	[\"legal\", \"mal\", \"trial\"]" out' 'jq -es "map(select(.trigger == \"client\")) | map(.prefix) | sort ==
	[\"198.18.77.0/24\", \"198.18.77.7\"]" out'
run export -d d --format domains
# Whatever the last rule blocks may have an address that the zone lets through.
ok "domains: none that may yet be let through" all '[ $status = 0 ]' '[ ! -s out ]' \
	'says "0 domains; .* left out" err'

cat >domains.rpz <<'END'
$TTL 60
@ SOA localhost. root.localhost. 1 2 3 4 5
 NS localhost.
*.x.below.example CNAME rpz-passthru.
END
printf '%s\n' below.example typed.example whole.example >domains.txt
cat >domains.yaml <<'END'
sources:
  - {name: z, path: domains.rpz, format: rpz}
  - {name: l, path: domains.txt, format: domains}
policy:
  - {rule: zone, match: {source: z}, action: listed}
  - {rule: rest, match: {}, action: nxdomain}
END
"$sinkhole" compile -d e -c domains.yaml 2>err
run export -d e --format domains
ok "domains: none below which something is let through" [ "$(cat out)" = "typed.example
whole.example" ]
sed -i 's/^policy:/&\n  - {rule: six, match: {source: l}, types: [AAAA], action: pass}/' domains.yaml
"$sinkhole" compile -d e -c domains.yaml 2>err
run export -d e --format domains
ok "domains: none of which a type is let through" [ ! -s out ]
sed -i 's/  - {rule: six.*/  - {rule: six, match: {source: l}, types: [AAAA], action: nodata}\n  - {rule: text, match: {source: l}, types: [MX, TXT], action: pass}/' domains.yaml
"$sinkhole" compile -d e -c domains.yaml 2>err
run export -d e --format domains
ok "... nor by the second of two types, behind a rule that blocks another one" [ ! -s out ]
sed -i '/rule: text/d' domains.yaml
sed -i '/rule: six/d; s/action: nxdomain/action: nxdomain, ede: 65534/' domains.yaml
"$sinkhole" compile -d e -c domains.yaml 2>err
run export -d e --format resinfo
ok "RESINFO: the last code there is" says ' exterr=15,65534$'

# --- export: access-control-view ------------------------------------------------------------------------------

run export -d d --format unbound-acl
cut_out='access-control-view: 198.18.77.0/30 sinkhole-0
access-control-view: 198.18.77.4/31 sinkhole-0
access-control-view: 198.18.77.6 sinkhole-0
access-control-view: 198.18.77.8/29 sinkhole-0
access-control-view: 198.18.77.16/28 sinkhole-0
access-control-view: 198.18.77.32/27 sinkhole-0
access-control-view: 198.18.77.64/26 sinkhole-0
access-control-view: 198.18.77.128/25 sinkhole-0'
ok "clients that are listed, but for those that are allowed" [ "$(sed -n 's/^\taccess/access/p' out)" = "$cut_out" ]
ok "their view" all 'says "local-zone: \".\" always_nxdomain$"' 'says "view-first: no"' '[ "$(grep -c "^view:" out)" = 1 ]'
ok "leaves names to the module that an earlier rule allows, and no others" \
	[ "$(grep -c transparent out),$(sed -n 's/.*"\(.*\)" transparent$/\1/p' out)" = 1,good.evil.example ]
ok "says which rule and entry" says '# 198.18.77.0/24: rule zone, source zone$'

# ACTION RULES...: what is written for a client list of each kind
cat >clients.rpz <<'END'
$TTL 60
@ SOA localhost. root.localhost. 1 2 3 4 5
 NS localhost.
24.0.1.18.198.rpz-client-ip CNAME .
24.0.2.18.198.rpz-client-ip CNAME *.
24.0.3.18.198.rpz-client-ip CNAME rpz-drop.
24.0.4.18.198.rpz-client-ip CNAME rpz-tcp-only.
24.0.5.18.198.rpz-client-ip CNAME wall.example.
24.0.6.18.198.rpz-client-ip A 192.0.2.80
24.0.6.18.198.rpz-client-ip TXT "it's ours"
48.zz.77.db8.2001.rpz-client-ip CNAME .
56.zz.1100.77.db8.2001.rpz-client-ip CNAME .
56.zz.1200.77.db8.2001.rpz-client-ip CNAME *.
64.zz.1201.77.db8.2001.rpz-client-ip CNAME .
END
exported() { # POLICY: rules, JSON
	printf '{"sources": [{"name": "c", "path": "clients.rpz", "format": "rpz"}], "groups": [{"name": "g", "clients":
	["198.18.1.128/25"]}], "geoip": {"country": "%s"}, "policy": [%s, {"rule": "rest", "match": {}, "action": "pass"}]}' \
		"$geo/country.mmdb" "$1" >acl.yaml
	rm -rf d
	"$sinkhole" compile -d d -c acl.yaml >err 2>&1 && run export -d d --format unbound-acl
}
exported '{"rule": "zone", "match": {"source": "c"}, "action": "listed"}'
for row in "198.18.1.0/24 always_nxdomain" "198.18.2.0/24 always_nodata" "198.18.3.0/24 always_deny" "198.18.6.0/24 redirect"; do
	view=$(sed -n "s|^\taccess-control-view: ${row% *} ||p" out)
	ok "listed: $row" all '[ -n "$view" ]' "grep -A3 'name: \"$view\"' out | grep -q 'local-zone: \".\" ${row#* }\$'"
done
ok "what Unbound cannot do is left to the module" all \
	'says "# 198.18.4.0/24: rule zone, source c: left to the module, Unbound would truncate over TCP, too$"' \
	'says "# 198.18.5.0/24: rule zone, source c: left to the module, Unbound would ask the module about the target$"' \
	'! says "view: 198.18.[45]"'
ok "data" all "says \"local-data: '. 60 IN A 192.0.2.80'\"" "says \"local-data: '. 60 IN TXT .it.039s ours.'\""
ok "the longest prefix wins, and what says the same is not said twice" [ \
	"$(grep -o 'view: 2001.*' out)" = "view: 2001:db8:77::/48 sinkhole-0
view: 2001:db8:77:1200::/56 sinkhole-1
view: 2001:db8:77:1201::/64 sinkhole-0" ]
exported '{"rule": "g", "match": {"source": "c"}, "group": "g", "action": "refused"},
	{"rule": "all", "match": {"source": "c"}, "action": "sinkhole", "a": ["192.0.2.1"], "aaaa": ["2001:db8::1"], "ttl": 5}'
ok "groups" all 'says "view: 198.18.1.0/24 sinkhole-0$"' 'says "view: 198.18.1.128/25 sinkhole-1$"' \
	'grep -A3 sinkhole-1\" out | grep -q always_refuse' 'grep -A5 sinkhole-0\" out | grep -q "\. 5 IN AAAA 2001:db8::1"'
exported '{"rule": "g", "match": {"source": "c"}, "group": "others", "action": "refused"}'
ok "a group that is let through is cut out" all 'says "view: 198.18.1.0/25 sinkhole-0$"' '! says "198.18.1.128\|198.18.1.0/24 s"'
for condition in '"types": ["A"]' '"client-country": ["FR"]' '"enforce": "50%"' \
	'"schedule": {"days": ["mon"], "zone": "UTC"}'; do
	exported "{\"rule\": \"some\", \"match\": {\"source\": \"c\"}, $condition, \"action\": \"refused\"}"
	ok "left to the module: $condition" all '! says "^\taccess-control-view"' \
		'says "# 198.18.1.0/24: .*left to the module, it depends on type, time, country or share$"'
done
exported '{"rule": "watch", "match": {"source": "c"}, "action": "monitor"}'
ok "nothing for a rule that monitors, nor for one that lets pass" all '[ "$status" = 0 ]' '! says "access-control-view"'
echo evil.example >list.txt
rm -rf d
run compile -d d list.txt
run export -d d --format unbound-acl
ok "no clients are listed" all '[ "$status" = 0 ]' 'says "^# None"' '! says "^[^#]"'

# --- what Unbound says to that ------------------------------------------------------------------------------

checkconf=${UNBOUND_DIR:+$UNBOUND_DIR/unbound-checkconf}
accepted() { # what was exported last
	printf 'server:\n\tchroot: ""\n\tusername: ""\n\tdirectory: "%s"\n\tmodule-config: "iterator"\n%s\n' "$room" \
		"include: \"$room/out\"" >unbound.conf
	"$checkconf" unbound.conf >err 2>&1
}
cat >names.rpz <<'END'
$TTL 60
@ SOA localhost. root.localhost. 1 2 3 4 5
 NS localhost.
32.9.2.18.198.rpz-client-ip PTR a\(b\;c\"d\039.e\$f.example.
END
names() {
	rm -rf n
	cat >names.yaml <<'END'
sources: [{name: n, path: names.rpz, format: rpz}]
policy: [{rule: n, match: {source: n}, action: listed}, {rule: rest, match: {}, action: nxdomain}]
END
	"$sinkhole" compile -d n -c names.yaml 2>err
	run export -d n --format unbound-acl
}
names
ok "names in data cannot say anything else to Unbound" says \
	"local-data: '. 60 IN PTR a.040b.059c.034d.039.e.036f.example'"
if [ -x "${checkconf:-}" ]; then
	exported '{"rule": "zone", "match": {"source": "c"}, "action": "listed"}'
	ok "unbound-checkconf accepts views of each kind" accepted
	exported '{"rule": "all", "match": {"source": "c"}, "action": "sinkhole", "a": ["192.0.2.1"], "aaaa": ["2001:db8::1"]}'
	ok "unbound-checkconf accepts a sinkhole" accepted
	rm -rf d
	"$sinkhole" compile -d d -c policy.yaml 2>err
	run export -d d --format unbound-acl
	ok "unbound-checkconf accepts names that are left to the module" accepted
	names
	ok "unbound-checkconf accepts them" accepted
	run export -d d --format resinfo --qnamemin --infourl https://isp.example/
	printf 'server:\n\t%s\n' "$(sed -n 's/^; unbound.conf: //p' out)" >out.conf && mv out.conf out
	ok "unbound-checkconf accepts the RESINFO record" accepted
else
	skip "unbound-checkconf" "no Unbound"
fi

# One name with very many entries: what is left out decides nothing.
many() { # COUNT ROW: rows that differ in what stands for &
	seq "$1" | sed "s/.*/$2/"
}
{
	echo 'name,reference,campaign,action,valid-until'
	many 300 'crowd.example,order &,,,'
	many 9 'crowd.example,order &,,,2096-12-0&T00:00:00Z'
	many 300 'both.example,order &,,,'
	many 100 'told.example,order &,c&,,'
	echo 'crowd.example,the last,special,,'
	echo 'both.example,the last,,pass,'
} >crowd.csv
cat >crowd.yaml <<'END'
sources:
  - {name: crowd, path: crowd.csv, columns: {name: 1, reference: 2, campaign: 3, action: 4, valid-until: 5}}
  - {name: other, path: crowd.csv, columns: {name: 1, reference: 2}, category: other}
policy:
  - {rule: special, match: {campaign: special}, action: nodata}
  - {rule: rest, match: {source: crowd}, action: nxdomain}
  - {rule: others, match: {}, action: refused}
END
is 0 "a feed with too much of one name" compile -d crowd -c crowd.yaml --report report
ok "is told of in one line a source" all '[ "$(grep -c "left out" err)" = 2 ]' \
	'says "source .crowd.: 518 entries left out as more than 64 for one name, such as .both.example.; rules can tell 36 of them" err' \
	'says "source .other.: 510 entries left out as more than 64 for one name, such as .both.example.; no rule can tell$" err'
ok "and in the report, where it is no line that was skipped" all adds_up \
	'report "[.sources[] | .entries, .skipped, .duplicates] == [711, 0, 0, 711, 0, 9] and .duplicates == 9"' \
	'report ".sources[0].crowded == {listings: 518, distinct: 36, examples: ([\"both\", \"crowd\", \"told\"] |
		map({at: \"crowd.csv\", text: (. + \".example\")}))}"' \
	'report ".sources[1].crowded | .listings == 510 and .distinct == 0"'
run lookup -d crowd crowd.example
ok "the last of 310 decides, as it would of few" says '^crowd.example: nodata, rule special$'
run lookup -d crowd both.example
ok "an allow entry behind 300 blocks wins, as it would behind few" all 'says "^both.example: pass, rule rest$"' \
	'says "wins: allow both.example (subtree), source crowd, reference the last"'
run lookup -d crowd told.example
ok "of what rules can tell apart, the first stay" all 'says "^told.example: nxdomain, rule rest$"' \
	'[ "$(grep -c "source crowd" out)" = 64 ]'
run compile -q -d crowd -c crowd.yaml --dry-run --json
ok "again, the same bytes" all 'json ".[\"base-sha256\"] | length == 64"' \
	'[ "$(jq ".[\"base-sha256\"]" out)" = "$(jq ".[\"base-sha256\"]" report)" ]'

# 100,000 entries of one name, each source with as many as it may have. What is linear needs a second.
many 64 'huge.example,order &' >huge.csv
mapfile -t sources < <(many 1563 'csv:huge.csv,columns.name=1,columns.reference=2,source=s&')
is 0 "1,563 sources" compile -q -d huge "${sources[@]}"
lookup_huge() { timeout 30 "$sinkhole" lookup -d huge "$@" huge.example >out 2>err; }
ok "a name with 100,000 entries is looked up" all lookup_huge 'says "^huge.example: nxdomain, rule default$"' \
	'[ "$(grep -c "^  agrees: " out)" = 100031 ]' '[ "$(grep -c "^  wins: " out)" = 1 ]'
ok "and in JSON" all 'lookup_huge --json' 'json "(.records | length) == 100032 and (.considered | length) == 100032"' \
	'json "[.considered[] | select(.outcome == \"wins\")] | length == 1"'

echo "1..$number"
