#!/bin/bash
# `sinkhole export` as a hosts file and as a response policy zone: what is written, read back, means the same. Prints TAP.
# shellcheck disable=SC2016,SC2034 # conditions are evaluated later
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"

says() { grep -q -- "$1" "${2:-out}"; }

cat >d.yaml <<'END'
sources:
  - {name: ours, path: allow.txt, format: domains, allow: true}
  - {name: zone, path: zone.rpz, format: rpz}
  - {name: mute, path: mute.txt, format: domains}
  - {name: hole, path: hole.txt, format: domains}
  - {name: typed, path: typed.txt, format: adblock}
  - {name: refused, path: refused.txt, format: domains}
  - {name: narrow, path: narrow.txt, format: hosts}
  - {name: broad, path: broad.txt, format: domains}
policy:
  - {rule: ours, match: {source: ours}, action: pass}
  - {rule: zone, match: {source: zone}, action: listed}
  - {rule: mute, match: {source: mute}, action: drop}
  - {rule: hole, match: {source: hole}, action: sinkhole, a: [192.0.2.53], aaaa: ["2001:db8::53"], ttl: 1m}
  - {rule: refused, match: {source: refused}, action: refused}
  - {rule: rest, match: {}, action: nxdomain}
END
printf '%s\n' good.broad.example let.mute.example >allow.txt
cat >zone.rpz <<'END'
$TTL 300
@ SOA localhost. root.localhost. 1 2 3 4 5
 NS localhost.
nodata.zone.example CNAME *.
tcp.zone.example CNAME rpz-tcp-only.
alias.zone.example CNAME target.example.net.
*.garden.zone.example CNAME *.garden.example.net.
data.zone.example A 192.0.2.7
data.zone.example TXT "a;b" "c"
*.wild.zone.example CNAME .
x.y.wild.zone.example CNAME *.
END
printf '%s\n' mute.example x.mute.broad.example >mute.txt
printf '%s\n' hole.example >hole.txt
printf '%s\n' '||typed.broad.example^$dnstype=TXT' '||but.example^$denyallow=not.but.example' >typed.txt
printf '%s\n' refused.example no.refused.broad.example >refused.txt
printf '0.0.0.0 %s\n' a.b.narrow.example narrow.example www.broad.example >narrow.txt
printf '%s\n' broad.example >broad.txt

names=()
for name in broad.example www.broad.example x.www.broad.example good.broad.example x.good.broad.example \
	y.x.mute.broad.example x.mute.broad.example mute.broad.example z.mute.broad.example \
	narrow.example x.narrow.example a.b.narrow.example b.narrow.example x.b.narrow.example \
	mute.example a.mute.example let.mute.example a.let.mute.example hole.example a.hole.example \
	nodata.zone.example a.nodata.zone.example tcp.zone.example alias.zone.example garden.zone.example a.b.garden.zone.example \
	data.zone.example wild.zone.example q.wild.zone.example x.y.wild.zone.example y.wild.zone.example \
	z.y.wild.zone.example q.x.y.wild.zone.example nowhere.example example com; do
	names+=("$name")
done

# verdicts DIRECTORY: "NAME TYPE ACTION ANSWER" for each name; what passes is what nothing is said about, and addresses of a
# sinkhole are records like others.
verdicts() {
	local type
	for type in A AAAA TXT MX; do
		"$sinkhole" lookup -d "$1" --json --type "$type" "${names[@]}" 2>>err |
			jq -r '[.name, .type, ({pass: "none", sinkhole: "data"}[.action] // .action),
				(.answer // {} | if .addresses then {data: [.addresses[] | "60 \(.type) \(.address)"]}
					else del(.ede, .ede_text, .ttl) end | tostring)] | join(" ")'
	done
}

run compile -d d -c d.yaml
ok "there is something to write" [ "$status" = 0 ]
run export -d d --format rpz
cp out d.rpz
ok "rpz: written" all '[ $status = 0 ]' 'says "left out, or let through" err'
ok "rpz: each action has its record" all 'says "^broad.example CNAME \.$"' 'says "^\*.broad.example CNAME \.$"' \
	'says "^let.mute.example CNAME rpz-passthru\.$"' 'says "^mute.example CNAME rpz-drop\.$"' \
	'says "^nodata.zone.example CNAME \*\.$"' 'says "^tcp.zone.example CNAME rpz-tcp-only\.$"' \
	'says "^hole.example 60 TYPE1 .# 4 c0000235$"' 'says "^data.zone.example 300 TYPE16 .# 6 03613b620163$"' \
	'says "^alias.zone.example CNAME target.example.net\.$"' \
	'says "^\*.garden.zone.example CNAME \*.garden.example.net\.$"'
ok "rpz: below a name that exists the wildcard above is said again" \
	all 'says "^\*.www.broad.example CNAME \.$"' 'says "^mute.broad.example CNAME \.$"' \
	'says "^\*.mute.broad.example CNAME \.$"'
ok "rpz: what a zone cannot say is let through below a wildcard" all 'says "^typed.broad.example CNAME rpz-passthru\.$"' \
	'says "^no.refused.broad.example CNAME rpz-passthru\.$"' '! says "^refused.example"' '! says "^\*.but.example"'
cat >e.yaml <<'END'
sources: [{name: zone, path: d.rpz, format: rpz}]
policy: [{rule: zone, match: {source: zone}, action: listed}, {rule: rest, match: {}, action: nxdomain}]
END
run compile -d e -c e.yaml
ok "rpz: we read it, and skip nothing" all '[ $status = 0 ]' 'says " 0 skipped" err'
verdicts d >want
verdicts e >got
ok "rpz: and it means the same, for $(wc -l <want) questions" all '[ -s want ]' 'diff want got >&2'

run export -d d --format hosts
cp out d.hosts
ok "hosts: names that are blocked themselves" all '[ $status = 0 ]' 'says "^0.0.0.0 broad.example$"' \
	'says "^0.0.0.0 a.b.narrow.example$"' '! says good.broad' '! says typed.broad' '! says let.mute' \
	'! says " garden.zone"' 'says "left out" err'
run compile -d h "hosts:d.hosts"
"$sinkhole" lookup -d h --json "${names[@]}" | jq -r 'select(.action != "none") | .name' | sort >got
"$sinkhole" lookup -d d --json "${names[@]}" | jq -r 'select(.action != "none" and .action != "pass") | .name' | sort |
	while read -r name; do grep -q " $name\$" d.hosts && echo "$name"; done >want
ok "hosts: read back, each of them is blocked and nothing else" all '[ -s want ]' 'diff want got >&2'

# What an address in the answer may yet let through is not said.
echo '32.1.2.0.192.rpz-ip CNAME rpz-passthru.' >>zone.rpz
"$sinkhole" compile -d w -c d.yaml 2>err
run export -d w --format rpz
ok "rpz: what waits for an answer is left out" all '[ $status = 0 ]' '! says broad.example.CNAME.\.$' \
	'says "^nodata.zone.example CNAME" d.rpz' '! says "^mute.example"'

# More than is held back before it is written.
seq -f 'name-%g.many.example' 5000 >many.txt
"$sinkhole" compile -q -d m domains:many.txt
for format in domains hosts rpz json; do
	status=0
	"$sinkhole" export -d m --format $format >/dev/full 2>err || status=$?
	ok "$format: where it cannot be written, one line says so" all '[ $status = 4 ]' '[ "$(wc -l <err)" = 1 ]' 'says "standard output" err'
done
echo "1..$number"
