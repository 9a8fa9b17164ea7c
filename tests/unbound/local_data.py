#!/usr/bin/python3
"""What the operator configured in Unbound itself wins; and what RD=0 gets, by access list.

The table that the last part asserts (A "referral" is what Unbound's cache knows of a delegation):

    access           RD=1, listed   RD=1, other   RD=0, listed          RD=0, other
    allow            blocked        answered      REFUSED by Unbound    REFUSED
    allow_setrd      blocked        answered      blocked               answered
    allow_snoop      blocked        answered      blocked               answered, or a referral
    refuse           REFUSED        REFUSED       REFUSED               REFUSED
    deny             silence        silence       silence               silence
    refuse_non_local REFUSED        REFUSED       REFUSED               REFUSED
    deny_non_local   silence        silence       silence               silence

Local data is answered in all rows but deny and refuse, with and without RD.
"""
import socket
import sys

sys.dont_write_bytecode = True

import harness
import judge
import zones

LOCAL = """
local-zone: "local.evil.test." static
local-data: "local.evil.test. 77 A 192.0.2.200"
local-data: "www.local.evil.test. 77 A 192.0.2.201"
local-zone: "redirect.evil.test." redirect
local-data: "redirect.evil.test. 77 A 192.0.2.202"
local-zone: "transparent.evil.test." transparent
local-data: "www.transparent.evil.test. 77 A 192.0.2.203"
local-zone: "typed.evil.test." typetransparent
local-data: "www.typed.evil.test. 77 A 192.0.2.204"
local-zone: "inform.evil.test." inform
local-zone: "nodefault.evil.test." nodefault
local-zone: "refused.evil.test." refuse
local-zone: "nx.evil.test." always_nxdomain
local-zone: "null.evil.test." always_null
local-zone: "alias.local.test." redirect
local-data: "alias.local.test. 77 CNAME www.evil.test."
local-zone: "clean.clean.test." always_nxdomain
local-data: "exact.test. 77 A 192.0.2.205"
"""

AUTH_ZONE = """auth-zone:
	name: "auth.evil.test."
	zonefile: "{}"
	for-upstream: yes
	for-downstream: yes
"""

AUTH_TEXT = """$ORIGIN auth.evil.test.
@ 300 SOA ns admin 1 3600 600 86400 60
@ 300 NS ns
ns 300 A 127.0.0.1
www 300 A 192.0.2.206
"""

# The operator's own answers: the same as without the module, and not a block.
WINS = [
    ("local.evil.test", "A"), ("www.local.evil.test", "A"), ("www.local.evil.test", "TXT"),
    ("nonesuch.local.evil.test", "A"), ("redirect.evil.test", "A"), ("x.redirect.evil.test", "A"),
    ("x.redirect.evil.test", "AAAA"), ("www.transparent.evil.test", "A"),
    ("www.typed.evil.test", "A"), ("refused.evil.test", "A"), ("x.refused.evil.test", "AAAA"),
    ("nx.evil.test", "A"), ("null.evil.test", "A"), ("null.evil.test", "AAAA"),
    ("clean.clean.test", "A"), ("exact.test", "A"), ("www.auth.evil.test", "A"),
    ("nonesuch.auth.evil.test", "A"), ("auth.evil.test", "SOA"), ("localhost", "A"),
    ("1.0.0.127.in-addr.arpa", "PTR"), ("x.onion", "A"),
]

# Where a local zone leaves the question open, the block holds.
OPEN = [
    ("transparent.evil.test", "A"), ("other.transparent.evil.test", "A"),
    ("www.typed.evil.test", "AAAA"), ("www.typed.evil.test", "TXT"), ("inform.evil.test", "A"),
    ("x.inform.evil.test", "A"), ("nodefault.evil.test", "A"), ("www.evil.test", "A"),
]

ACCESS = ["allow", "allow_setrd", "allow_snoop", "refuse", "deny", "refuse_non_local",
          "deny_non_local"]
REFUSED = 5  # rcode

POLICY = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA)


def client_of(access):
    return "127.0.1.%d" % (ACCESS.index(access) + 1)


def outcome(resolver, qname, access, rd):
    """silence, REFUSED, blocked, local, answered, or a referral; and the answer."""
    asked = harness.query(qname, rd=rd, edns=0).to_wire()
    try:
        wire = harness.exchange(resolver.port, asked, source=client_of(access),
                                timeout=0.2 if access.startswith("deny") else harness.ASK_TIMEOUT)
    except socket.timeout:
        return "silence", None
    if wire[3] & 15 == REFUSED:  # Unbound 1.17 leaves bytes behind it that no parser likes
        return "REFUSED", None
    answer = harness.Answer(wire, asked)
    if answer.rcode != "NOERROR":
        return answer.rcode, answer
    if 15 in answer.edes:
        return "blocked", answer
    if answer.addresses() in (["192.0.2.200"], ["192.0.2.205"]):
        return "local", answer
    if answer.addresses():
        return "answered", answer
    return "referral" if answer.data("authority") else "empty", answer


def wanted(access, rd, listed):
    if access.startswith("deny"):
        return {"silence"}
    if access.startswith("refuse") or (access == "allow" and not rd):
        return {"REFUSED"}
    if listed:
        return {"blocked"}
    if access == "allow_snoop" and not rd:
        return {"answered", "referral"}
    return {"answered"}


def alias_to_a_listed_name(tap, ours):
    """The operator's CNAME is answered, and where it leads to is blocked."""
    for qtype, addresses in (("A", zones.SINK_A), ("AAAA", zones.SINK_AAAA), ("TXT", [])):
        answer = ours.ask("x.alias.local.test", qtype, edns=0)
        alias = "x.alias.local.test. IN CNAME www.evil.test." in answer.data()
        blocked = answer.addresses() == addresses and answer.edes == [15]
        tap.ok(alias and blocked and not zones.leaks(answer),
               "a local alias to a listed name, %s: the alias and the block" % qtype, repr(answer))


def recursion_denied(tap, plain, ours):
    table = ["%-17s %-4s %-22s %-10s %-10s" % ("access", "RD", "name", "without", "with")]
    for access in ACCESS:
        for rd in (True, False):
            for qname, listed in (
                    ("a-%s-%d.www.evil.test" % (access.replace("_", "-"), rd), True),
                    ("www.evil.test", True),
                    ("s-%s-%d.wild.clean.test" % (access.replace("_", "-"), rd), False),
                    ("www.clean.test", False)):
                without, _ = outcome(plain, qname, access, rd)
                seen, answer = outcome(ours, qname, access, rd)
                table.append("%-17s %-4d %-22s %-10s %-10s" % (
                    access, rd, qname[-22:], without, seen))
                tap.ok(seen in wanted(access, rd, listed),
                       "RD=%d from an address with %s: %s is %s" % (
                           rd, access, "a listed name" if listed else qname, seen), repr(answer))
                if answer and listed:
                    tap.none(zones.leaks(answer), "... and shows no real data")
            local = {"silence"} if access == "deny" else \
                {"REFUSED"} if access == "refuse" else {"local"}
            seen, answer = outcome(ours, "local.evil.test", access, rd)
            tap.ok(seen in local, "RD=%d from an address with %s: local data is %s" % (
                rd, access, seen), repr(answer))
    tap.note("\n".join(table))


def main(tap, lab):
    nsd = lab.nsd(zones.plain())
    relay = lab.relay(nsd)
    store = lab.store()
    store.compile(zones.SUBTREES + "exact.test\n", ("domains", zones.ALLOWED, "allow"),
                  options=POLICY.options())
    access = "".join("access-control: %s/32 %s\n" % (client_of(a), a) for a in ACCESS)
    auth = AUTH_ZONE.format(lab.write("auth.zone", AUTH_TEXT))
    plain = lab.unbound(relay, server=LOCAL + access, tail=auth)
    ours = lab.unbound(relay, store, server=LOCAL + access, tail=auth)
    for qname, qtype in WINS:
        found = []
        for flags in ({}, {"do": True}, {"tcp": True, "cd": True}):
            answer = ours.ask(qname, qtype, **flags)
            found += judge.same(plain.ask(qname, qtype, **flags), answer)
            found += [answer] if 15 in answer.edes else []
        tap.none(found, "%s %s: Unbound's own data wins" % (qname, qtype))
    for qname, qtype in OPEN:
        found = []
        for flags in ({}, {"do": True}, {"tcp": True, "cd": True}):
            found += judge.faults(POLICY, ours.ask(qname, qtype, **flags), qtype)
        tap.none(found, "%s %s: its local zone says nothing, the block holds" % (qname, qtype))
    alias_to_a_listed_name(tap, ours)
    recursion_denied(tap, plain, ours)


if __name__ == "__main__":
    harness.run(main)
