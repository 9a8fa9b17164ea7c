#!/bin/bash
# Keys, signatures and expiry, as who publishes meets them. Prints TAP.
# shellcheck disable=SC2016,SC2034 # conditions are evaluated later
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-$(dirname "$0")/..}/tests/command.sh"
export SINKHOLE_KEY=

says() { grep -q -- "$1" err; }
one_line() { [ "$(wc -l <err)" = 1 ]; }
key_of() { sed -n 's/^sinkhole-ed25519 \([0-9a-f]*\) .*/\1/p' "$1"; }
signers() { sed -n 's/^signature \([0-9a-f]*\) [0-9a-f]\{128\}$/\1/p' d/current | paste -sd ' '; }
# shellcheck disable=SC2119 # the directory is d
refused() { # STATUS PATTERN: one line, and nothing has changed
	[ "$status" = "$1" ] && says "$2" && one_line && unchanged
}

echo evil.example >evil.txt
printf 'policy:\n  - {rule: all, match: {}, action: refused}\n' >policy.yaml

# --- keys --------------------------------------------------------------------------------------------------

run keygen
ok "keygen: no file" all '[ "$status" = 2 ]' one_line 'says "no FILE"'
run keygen a b
ok "keygen: two of them" all '[ "$status" = 2 ]' one_line
umask 0
is 0 "keygen makes a key" keygen a
umask 022
ok "it says so in one line, and prints nothing" all one_line '[ ! -s out ]' 'says "^sinkhole: key $(key_of a.pub): .a. signs and is secret, .a.pub. is for resolvers$"'
ok "the secret one is for its owner only" [ "$(stat -c %a a)" = 600 ]
ok "the public one is a line" all '[ "$(wc -l <a.pub)" = 1 ]' 'grep -Exq "sinkhole-ed25519 [0-9a-f]{16} [0-9a-f]{64}" a.pub'
cp a a.was
cp a.pub a.pub.was
run keygen a
ok "a key is not written over" all '[ "$status" = 4 ]' one_line 'cmp -s a a.was' 'cmp -s a.pub a.pub.was'
rm a
run keygen a
ok "nor a public one, and then there is no secret one either" all '[ "$status" = 4 ]' one_line '[ ! -e a ]' 'cmp -s a.pub a.pub.was'
mv a.was a
rm a.pub.was
is 4 "no such directory" keygen none/a
run keygen --public a
ok "the public key again, of the secret one" all '[ "$status" = 0 ]' 'cmp -s out a.pub'
run keygen --public a.pub
ok "not of a public one" all '[ "$status" = 3 ]' one_line 'says "holds no secret key"' '[ ! -s out ]'
run keygen --public none
ok "nor of one that is not there" all '[ "$status" = 4 ]' one_line
run keygen b
run keygen c
ok "each key is another" [ "$(cat a.pub b.pub c.pub | sort -u | wc -l)" = 3 ]
if command -v openssl >/dev/null; then
	openssl genpkey -algorithm ed25519 -out foreign 2>/dev/null && chmod 600 foreign
	run keygen --public foreign
	ok "one that OpenSSL made will do" all '[ "$status" = 0 ]' 'grep -q "^sinkhole-ed25519 " out'
	openssl genpkey -algorithm x25519 -out x25519 2>/dev/null
	run keygen --public x25519
	ok "one of another kind will not" all '[ "$status" = 3 ]' one_line 'says "none for Ed25519"'
	openssl pkey -in a -aes256 -passout pass:x -out locked 2>/dev/null
	run keygen --public locked
	ok "nor one under a passphrase, and nobody is asked for it" all '[ "$status" = 3 ]' one_line 'says passphrase'
else
	skip "one that OpenSSL made will do" "no openssl"
fi

# --- compile -----------------------------------------------------------------------------------------------

run compile -d d --sign none evil.txt
ok "no such key: nothing is published" all '[ "$status" = 4 ]' one_line '[ ! -e d ]'
run compile -d d --sign a.pub evil.txt
ok "no secret key" all '[ "$status" = 3 ]' one_line '[ ! -e d ]'
run compile -d d --sign a --sign b --sign c evil.txt
ok "three keys" all '[ "$status" = 2 ]' one_line '[ ! -e d ]'
run compile -d d --sign a --sign a evil.txt
ok "the same twice" all '[ "$status" = 2 ]' one_line 'says "same key twice"' '[ ! -e d ]'
run compile -d d --sign a --unsigned evil.txt
ok "signed and not" all '[ "$status" = 2 ]' one_line '[ ! -e d ]'
for duration in 0s 1 x -1d ''; do
	run compile -d d --expires "$duration" evil.txt
	ok "--expires '$duration'" all '[ "$status" = 2 ]' one_line '[ ! -e d ]'
done
is 0 "compile without a signature" compile -d d --keep 50 evil.txt
ok "is of version 5, since something was read, and has none" all 'grep -qx "sinkhole-generation 5" d/current' '[ -z "$(signers)" ]'
run compile -d d --keep 50 -q --expires 2d evil.txt
ok "an expiry alone" all '[ "$status" = 0 ]' '[ -z "$(signers)" ]' 'grep -q "^expires " d/current'
is 0 "compile, signed" compile -d d --keep 50 -q --sign a evil.txt
ok "by that key" all '[ "$(signers)" = "$(key_of a.pub)" ]' '! grep -q ^expires d/current' '[ ! -s err ]'
cp a loose && chmod 644 loose
run compile -d d --keep 50 -q --sign loose evil.txt
ok "a secret key that is none is used, and told" all '[ "$status" = 0 ]' one_line 'says "others than its owner"'
before=$(cat d/current)
run compile -d d --keep 50 evil.txt
ok "compile: a signature that is forgotten" refused 1 "generation 4, which is published, is signed by $(key_of a.pub); nothing published"
run apply -d d --policy policy.yaml
ok "apply" refused 1 'nothing published'
run rollback -d d
ok "rollback" refused 1 'nothing published'
run pause -d d
ok "pause" refused 1 'nothing published'
run resume -d d
ok "resume" refused 1 'nothing published'
run compile -d d --dry-run evil.txt
ok "a dry run needs none" all '[ "$status" = 0 ]' unchanged
run apply -d d --policy policy.yaml --dry-run
ok "of a policy neither" all '[ "$status" = 0 ]' unchanged

# --- what else is published --------------------------------------------------------------------------------

SOURCE_DATE_EPOCH=1795262400 run compile -d d --keep 50 -q --sign a --sign b --expires 30d evil.txt
ok "two keys, in the order of their ids" [ "$(signers)" = "$(key_of a.pub a.pub | cat - <(key_of b.pub) | sort | paste -sd ' ')" ]
ok "the expiry counts from the time of the generation" grep -qx 'expires 2026-12-21T12:00:00Z' d/current
cp d/current first
SOURCE_DATE_EPOCH=1795262400 run compile -d e -q --sign b --sign a --expires 30d evil.txt
sed 's/^serial .*//; s/^end .*//; s/^signature .*//; s/-[0-9]*-/-/' first >first.bare
sed 's/^serial .*//; s/^end .*//; s/^signature .*//; s/-[0-9]*-/-/' e/current >second.bare
ok "same inputs, same bytes" cmp -s first.bare second.bare
for what in 'apply --keep 50 --policy policy.yaml' pause resume 'rollback 5'; do
	read -ra words <<<"$what"
	run "${words[0]}" -d d "${words[@]:1}" --sign b
	ok "$what: signed, and expires when it did" all '[ "$status" = 0 ]' '[ "$(signers)" = "$(key_of b.pub)" ]' \
		'grep -qx "expires 2026-12-21T12:00:00Z" d/current'
	run verify -d d --key b.pub
	ok "... and verifies" [ "$status" = 0 ]
done
SOURCE_DATE_EPOCH=1795262400 run apply -d d --keep 50 --policy policy.yaml --sign b --expires 60d
ok "or when it is told to" all '[ "$status" = 0 ]' 'grep -qx "expires 2027-01-20T12:00:00Z" d/current'

# --- who is told -------------------------------------------------------------------------------------------

b=$(key_of b.pub)
run generations -d d
ok "generations tells who has signed, and until when" grep -q "^\*.*  (expires 2027-01-20T12:00:00Z)  (signed by $b)$" out
ok "of two, too" grep -q "(signed by [0-9a-f]* and [0-9a-f]*)$" out
run generations -d d --json
ok "in JSON, too" json ".[-1] | .\"signed-by\" == [\"$b\"] and .expires == \"2027-01-20T12:00:00Z\""
ok "and nothing of what is neither" json '.[0] | (has("signed-by") or has("expires")) | not'
run info -d d
ok "info" all 'grep -q "^signed by $b" out' 'grep -qx "expires 2027-01-20T12:00:00Z" out'
run info -d d --json
ok "info in JSON" json ".\"signed-by\" == [\"$b\"] and .expires == \"2027-01-20T12:00:00Z\""
SOURCE_DATE_EPOCH=1000 run compile -d d --keep 50 -q --sign a --expires 1d evil.txt
run info -d d
ok "what has expired" grep -qx "has expired 1970-01-02T00:16:40Z" out
run lookup -d d evil.example
ok "is used all the same" [ "$status" = 0 ]

# --- verify ------------------------------------------------------------------------------------------------

run verify -d d
ok "verify without a key" all '[ "$status" = 0 ]' 'grep -q "signed by $(key_of a.pub), not checked: everything reads back$" out'
run verify -d d --key a.pub
ok "with it" all '[ "$status" = 0 ]' 'grep -q "signed by $(key_of a.pub): everything reads back$" out'
run verify -d d --key b.pub
ok "with another" all '[ "$status" = 1 ]' one_line 'says "signed by another key ($(key_of a.pub))"' '[ ! -s out ]'
cat b.pub a.pub >both.pub
run verify -d d --key both.pub
ok "with both" [ "$status" = 0 ]
SINKHOLE_KEY=b.pub run verify -d d
ok "with that of the resolver" all '[ "$status" = 1 ]' one_line
SINKHOLE_KEY=b.pub run verify -d d --key a.pub
ok "what is named goes before it" [ "$status" = 0 ]
run verify -d d --key none.pub
ok "a key that is not there" all '[ "$status" = 4 ]' one_line
SINKHOLE_KEY=none.pub run verify -d d
ok "that of the resolver neither" all '[ "$status" = 4 ]' one_line
: >empty.pub
run verify -d d --key empty.pub
ok "an empty file" all '[ "$status" = 3 ]' one_line 'says "holds no public key"'
head -c 60 a.pub >cut.pub
run verify -d d --key cut.pub
ok "one that was cut" all '[ "$status" = 3 ]' one_line 'says "line 1: no public key"'
run verify -d d --key a
ok "the secret one" all '[ "$status" = 3 ]' one_line
run verify -d d --key a.pub 1
ok "one that is not signed" all '[ "$status" = 1 ]' one_line 'says "generation 1 is not signed"'
run verify -d d 1
ok "without a key that is no matter" all '[ "$status" = 0 ]' 'grep -q "not signed: everything" out'
cp d/current good
sed "/^signature/s/.\$/$(tail -c 2 good | tr 0-9a-f 1-9a-f0 | head -c 1)/" good >d/current
run verify -d d --key a.pub
ok "one digit of a signature" all '[ "$status" = 3 ]' one_line "says 'the signature by key $(key_of a.pub) is not one of this manifest'"
{ sed '/^signature/d' good; grep ^signature first; } >d/current
run verify -d d --key a.pub
ok "that of another manifest" all '[ "$status" = 3 ]' one_line
sed 's/^reason.*/reason forged/; /^end/,$d' good >body
{ cat body; echo "end $(sha256sum <body | cut -d ' ' -f 1)"; grep ^signature good; } >d/current
run verify -d d --key a.pub
ok "a changed line, under a digest that fits" all '[ "$status" = 3 ]' one_line 'says "not one of this manifest"'
cp good d/current

# --- selftest ----------------------------------------------------------------------------------------------

SINKHOLE_KEY=a.pub run selftest -d d --unbound /bin/false
ok "selftest: the resolver takes it" grep -qx "ok    published generation is signed as asked for by a.pub" out
SINKHOLE_KEY=b.pub run selftest -d d --unbound /bin/false
ok "or not" all '[ "$status" = 1 ]' 'grep -q "^FAIL  .* another key .*: the resolver does not take it$" out'
SINKHOLE_KEY=none.pub run selftest -d d --unbound /bin/false
ok "or has no key" grep -q "^FAIL  none.pub: .*: the resolver does not take it$" out

# --- good-bye ----------------------------------------------------------------------------------------------

is 0 "--unsigned" compile -d d --keep 50 -q --unsigned evil.txt
ok "is not" all '[ -z "$(signers)" ]' '! grep -q "^expires " d/current'
is 0 "and from then on nothing need be" compile -d d --keep 50 -q evil.txt

echo "1..$number"
