#!/bin/bash
# Policies from the configuration to what is published: compile, apply --policy, rollback. What check says of each mistake
# is in data/config. Prints TAP.
# shellcheck disable=SC2016,SC2034 # conditions are evaluated later
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"

says() { grep -q -- "$1" err; }
action() { "$sinkhole" lookup -d d --json "$@" | jq -r .action; }
serial() { "$sinkhole" generations -d d --json | jq '[.[].serial] | max'; }
bases() { find d/gen -name 'base-*' | wc -l; }
temps() { find d -name 'tmp-*' | wc -l; }

mkdir feeds
printf '%s\n' evil.example garden.example sub.wild.example >feeds/evil.txt
printf '%s\n' good.example >feeds/ours.txt
configuration() { # RULES...: in a file of these sources
	cat <<-'END'
		operator: {organization: An ISP, contact: ["mailto:abuse@isp.example"], language: en}
		sources:
		  - {name: evil, path: feeds/evil.txt, category: malware}
		  - {name: ours, path: feeds/ours.txt, allow: true}
		groups:
		  - {name: school, clients: [192.0.2.0/24, "2001:db8::/48"]}
		policy:
	END
	printf '  - %s\n' "$@" '{rule: rest, match: {}, action: nxdomain}'
}
configuration '{rule: ours, match: {source: ours}, action: pass}' >one.yaml
configuration '{rule: ours, match: {source: ours}, action: pass}' \
	'{rule: school, match: {category: malware}, group: school, action: refused, ede: 17}' >two.yaml

# --- compile -----------------------------------------------------------------------------------------------

run apply -d d --policy one.yaml
ok "nothing published, nothing to apply it to" all '[ "$status" = 3 ]' 'says "nothing has been published"' '[ ! -d d/gen ]'
for option in '--action nodata' '--sinkhole-a 192.0.2.1' '--ttl 5'; do
	# shellcheck disable=SC2086 # two words
	run compile -d d -c one.yaml $option
	ok "a policy beside ${option% *}" all '[ "$status" = 2 ]' 'says "one.yaml.*has one"' '[ ! -d d ]'
done
is 0 "compile" compile -d d -c one.yaml
ok "its policy decides" all '[ "$(action evil.example)" = nxdomain ]' '[ "$(action good.example)" = pass ]'
run info -d d --json
ok "info tells the rules" json '[.policy.rules[].rule] == ["ours", "rest"] and .policy.groups == [
	{"name": "school", "prefixes": 2}]'
ok "structured errors are written" json '.policy.rules[1].error ==
	"{\"c\":[\"mailto:abuse@isp.example\"],\"o\":\"An ISP\",\"l\":\"en\"}"'
run info -d d
ok "so does its text" all 'grep -q "^group school: 2 prefixes" out' 'grep -q "^rule rest: nxdomain, match all" out'

# --- apply -------------------------------------------------------------------------------------------------

rm -r feeds
is 0 "apply needs no feed" apply -d d --policy two.yaml --reason 'as the school wished'
ok "says so in one line, without a word about feeds" all '[ "$(wc -l <err)" = 1 ]' \
	'says "generation 2 published: policy of 3 rules and 1 group, another than"' '[ ! -s out ]'
ok "what is listed is the same file" all '[ "$(bases)" = 1 ]' '[ "$(temps)" = 0 ]'
run info -d d --json
ok "the rules are the new ones" json '.generation == 2 and .names == 4 and [.policy.rules[].rule] ==
	["ours", "school", "rest"]'
run generations -d d --json
ok "the history knows" json '.[1] | .origin == "apply --policy" and .reason == "as the school wished" and .published'
run diff -d d
ok "diff tells that the policy is another one" all '[ "$status" = 1 ]' 'grep -q "^generation 1 to 2: another policy; " out'
run diff -d d --json
ok "in JSON, too" json '.["policy-changed"] and .from == 1'
run apply -d d --policy two.yaml --json
ok "--json" json '. == {"generation": 3, "dry-run": false, "changed": false, "names": 4, "rules": 3,
	"groups": 1, "prefixes": 2, "schedules": 0}'
run apply -d d --policy one.yaml --json --dry-run
ok "--dry-run publishes nothing" all '[ "$status" = 0 ]' '[ "$(serial)" = 3 ]' 'says "dry run, nothing published"'
run apply -d d --policy one.yaml --json --dry-run
ok "and tells what would be" json '.generation == null and .changed and .rules == 2'

run rollback -d d
ok "rollback goes back to another policy" all '[ "$status" = 0 ]' 'says "that of 1 again"' '[ "$(bases)" = 1 ]'
run info -d d --json
ok "which is in force" json '[.policy.rules[].rule] == ["ours", "rest"]'
run apply -d d --policy two.yaml --keep 2
run generations -d d --json
ok "--keep" json 'length == 2'

# --- what is refused -----------------------------------------------------------------------------------------

before=$(serial)
refused() { [ "$status" = "$1" ] && says "$2" && [ ! -s out ] && [ "$(serial)" = "$before" ] && [ "$(temps)" = 0 ]; }
run apply -d d
ok "without --policy" refused 2 'no --policy'
run apply -d d --policy one.yaml entries.txt
ok "a policy and entries" refused 2 '--policy goes without FILE'
run apply -d d --policy one.yaml --policy two.yaml
ok "two of them" refused 2 'given twice'
run apply -d d --policy one.yaml --keep 0
ok "to keep none" refused 2 '--keep is 1 to'
run apply -d d --policy one.yaml --reason "$(printf 'a\nb')"
ok "a reason of two lines" refused 2 'one line'
run apply -d d --policy nowhere.yaml
ok "a file that is not there" refused 4 'nowhere.yaml: error: No such file'
printf 'cache: x\n' >none.yaml
run apply -d d --policy none.yaml
ok "a file without a policy" refused 3 'none.yaml:1:1: error: there is no policy'
configuration '{rule: ours, match: {sorce: ours}, action: pas}' '{rule: ours, match: {}, action: sinkhole}' >wrong.yaml
run apply -d d --policy wrong.yaml
ok "a wrong one, all of it" refused 3 "wrong.yaml:8:26: error: unknown key 'sorce'"
ok "with every line" all 'says "wrong.yaml:8:.*action cannot be"' 'says "wrong.yaml:9:12: error: .*here twice"' \
	'says "wrong.yaml:9:.*addresses are missing"'
run compile -d d -c wrong.yaml
ok "compile refuses it as well" refused 3 "wrong.yaml:8:26: error"
SOURCE_DATE_EPOCH=x run apply -d d --policy one.yaml
ok "a time that is none" refused 2 SOURCE_DATE_EPOCH

# --- what is damaged -----------------------------------------------------------------------------------------

policy=$(sed -n 's/^policy //p' d/current)
printf x >>"d/gen/$policy"
run apply -d d --policy one.yaml
ok "a damaged policy is replaced" all '[ "$status" = 0 ]' '[ "$(action evil.example)" = nxdomain ]'
cp d/current current
printf x >>d/current
run apply -d d --policy one.yaml
ok "a damaged manifest is not guessed at" all '[ "$status" = 3 ]' 'says "nothing published"'
cp current d/current

# --- the same, each time -------------------------------------------------------------------------------------

mkdir feeds
printf '%s\n' evil.example garden.example sub.wild.example x.sub.wild.example >feeds/evil.txt
configuration '{rule: ours, match: {source: ours}, action: pass}' \
	'{rule: night, match: {category: malware}, schedule: {hours: 22:00-06:00, zone: Europe/Paris}, action: cname,
     cname: garden.example}' '{rule: share, match: {}, enforce: 10%, action: cname, cname: "*.wild.example"}' >night.yaml
printf '%s\n' good.example >feeds/ours.txt
export SOURCE_DATE_EPOCH=1790000000
digest() { sed -n 's/^policy-sha256 //p' "$1/current"; }
is 0 "gardens and a schedule" compile -d d --report report -c night.yaml
run compile -d e -c night.yaml
ok "the same bytes from the same time" [ "$(digest d)" = "$(digest e)" ]
ok "no entry reaches a garden" report '[.sources[0].reasons[] | select(.reason == "protected") | .lines] == [3]'
run info -d d --json
ok "the schedule reaches ahead of more than a year" json '.policy.schedules[0] | .edges > 800 and .until > "2027-10-25"'
unset SOURCE_DATE_EPOCH

# Without rules: what the options say, for everybody.
sed '/^groups:/,$d' one.yaml >plain.yaml
is 0 "a configuration without a policy" compile -d d --action refused -c plain.yaml
run info -d d --json
ok "has the answer of the options" json '.policy.rules | length == 1 and .[0].action == "refused" and
	(.[0].error | fromjson.o) == "An ISP"'

# --- many clients --------------------------------------------------------------------------------------------

awk 'BEGIN { for (i = 0; i < 100000; i++) printf "10.%d.%d.%d/31\n", i / 32768, i / 128 % 256, i % 128 * 2 }' >many.txt
sed 's/clients: .*}/clients-file: many.txt}/' two.yaml >many.yaml
is 0 "100,000 prefixes" apply -d d --policy many.yaml
run info -d d
ok "are a group" grep -q '^group school: 100,000 prefixes' out
echo '10.0.0.1/31' >>many.txt
run apply -d d --policy many.yaml
ok "a wrong one among them" all '[ "$status" = 3 ]' 'says "many.txt:100001:1: error: "'

# --- a policy that changes while feeds are read -------------------------------------------------------------

rm -rf d
"$sinkhole" compile -d d -c one.yaml 2>err
mkfifo slow
configuration '{rule: ours, match: {source: ours}, action: pass}' >three.yaml
sed -i 's#path: feeds/evil.txt#path: slow#' three.yaml
"$sinkhole" compile -d d -c three.yaml 2>compiled &
compiling=$!
exec 9>slow # until it is being read
configuration '{rule: emergency, match: {source: ours}, action: refused}' >new.yaml
sed 's#path: feeds/evil.txt#path: slow#' new.yaml >three.yaml
run apply -d d --policy three.yaml
cat feeds/evil.txt >&9
exec 9>&-
wait "$compiling"
ok "what was applied meanwhile is not taken back" \
	[ "$("$sinkhole" lookup -d d --json evil.example | jq -r '.action + " " + .rule'),$(serial)" = "nxdomain rest,3" ]
run lookup -d d --json good.example
ok "... and the new rule is in force" all '[ "$(jq -r .generation out)" = 3 ]' 'jq -e ".considered[0].rule == \"emergency\" or .rule == \"emergency\"" out'

# --- what only the whole shows --------------------------------------------------------------------------------

configuration "{rule: odd, match: {category: malware}, action: cname, cname: '\\042'}" >odd.yaml
run check odd.yaml
ok "check refuses what compile would" all '[ "$status" = 3 ]' 'says "odd.yaml:[0-9]*:[0-9]*: error: policy: "'
configuration '{rule: school, match: {}, group: school, action: refused}' | sed 's#192.0.2.0/24#"::ffff:192.0.2.0/120"#' >mapped.yaml
"$sinkhole" compile -d m -c mapped.yaml 2>err
ok "a group of IPv4 addresses mapped into IPv6 is one of IPv4" \
	[ "$("$sinkhole" lookup -d m --json --client 192.0.2.7 evil.example | jq -r .action)" = refused ]

echo "1..$number"
