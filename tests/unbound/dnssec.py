#!/usr/bin/python3
"""Signed zones: what is not listed validates as ever, what is listed is blocked and never marked as
secure, and no forged answer finds its way into Unbound's negative caches."""
import itertools
import sys

sys.dont_write_bytecode = True

import harness
import judge
import zones

FLAGS = [dict(zip(("do", "cd", "ad"), bits)) for bits in itertools.product((False, True), repeat=3)]
TYPES = "A AAAA TXT HTTPS MX NS SOA DS DNSKEY CNAME ANY TYPE65280".split()

LISTED = """
bad.signed.test x.bad.signed.test badtree.signed.test x.badtree.signed.test nx.badtree.signed.test
bad.sub.signed.test bad.insec.signed.test
""".split()

SECURE = """
signed.test good.signed.test zgood.signed.test alias.signed.test any.wild.signed.test
nx.signed.test azz.signed.test badt.signed.test badtreez.signed.test sub.signed.test
www.sub.signed.test nx.sub.signed.test good.badtree.signed.test ns.signed.test
""".split()

OTHER = "broken.signed.test insec.signed.test www.insec.signed.test nx.insec.signed.test".split()

POLICIES = (judge.Policy("nxdomain", ttl=10),
            judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA))

NEGATIVE = """
aggressive-nsec: yes
harden-below-nxdomain: yes
harden-dnssec-stripped: yes
harden-referral-path: no
"""


def blocked(tap, ours, policy, when):
    for qname in LISTED:
        found = []
        for qtype, flags, tcp in itertools.product(TYPES, FLAGS, (False, True)):
            found += judge.faults(policy, ours.ask(qname, qtype, tcp=tcp, **flags), qtype)
        tap.none(found, "%s: %s is blocked, with every mix of DO, CD, AD" % (when, qname))


def untouched(tap, plain, ours, when):
    for qname in SECURE + OTHER:
        found = []
        for qtype, flags in itertools.product("A TXT AAAA DS DNSKEY NS TYPE65280".split(), FLAGS):
            found += judge.same(plain.ask(qname, qtype, **flags), ours.ask(qname, qtype, **flags))
        tap.none(found, "%s: %s is answered as without the module" % (when, qname))


def validated(tap, ours, when):
    """Not by comparison alone: two resolvers may be wrong alike."""
    for qname in SECURE:
        answer = ours.ask(qname, "A", do=True)
        tap.ok(answer.has("AD"), "%s: the answer about %s is secure" % (when, qname), repr(answer))
    for flags in FLAGS:
        wanted = "NOERROR" if flags["cd"] else "SERVFAIL"
        answer = ours.ask("broken.signed.test", "A", **flags)
        tap.ok(answer.rcode == wanted and not answer.has("AD"),
               "%s: bogus data is %s with %r" % (when, wanted, flags), repr(answer))


def inside_a_listed_zone(tap, lab, relay, policy):
    """An allowed name in a listed signed zone needs that zone's DS and DNSKEY: Unbound's own
    questions for these are never blocked, a client's are."""
    store = lab.store()
    store.compile("probe.test\nsub.signed.test\n", ("domains", "www.sub.signed.test\n", "allow"),
                  options=policy.options())
    ours = lab.unbound(relay, store, anchors=[zones.ANCHOR], server=NEGATIVE)
    found = []
    for qtype, flags in itertools.product(("DS", "DNSKEY", "NS", "SOA", "A"), FLAGS):
        found += judge.faults(policy, ours.ask("sub.signed.test", qtype, **flags), qtype)
    tap.none(found, "a listed zone cut's DS, DNSKEY, NS are blocked for clients")
    answer = ours.ask("www.sub.signed.test", "A", do=True)
    tap.ok(answer.has("AD") and "www.sub.signed.test. IN A 192.0.2.70" in answer.data(),
           "an allowed name inside a listed signed zone still validates", repr(answer))
    found = judge.faults(policy, ours.ask("bad.sub.signed.test", "A", do=True))
    tap.none(found, "and its neighbour is blocked")


def main(tap, lab):
    nsd = lab.nsd(zones.all_of_it())
    relay = lab.relay(nsd)
    plain = lab.unbound(relay, anchors=[zones.ANCHOR], server=NEGATIVE)
    lists = [zones.SUBTREES, ("hosts", zones.EXACT), ("domains", zones.ALLOWED, "allow")]
    for policy in POLICIES:
        store = lab.store()
        store.compile(*lists, options=policy.options())
        # Blocks come first, into empty caches: what they leave behind would show afterwards.
        ours = lab.unbound(relay, store, anchors=[zones.ANCHOR], server=NEGATIVE)
        blocked(tap, ours, policy, policy.action + ", empty caches")
        untouched(tap, plain, ours, policy.action + ", after blocks")
        validated(tap, ours, policy.action)
        # And now with the zone's NSEC records known, from which Unbound answers by itself, and
        # after the allowed child of badtree was resolved, to which the way leads over badtree.
        blocked(tap, ours, policy, policy.action + ", full caches")
        untouched(tap, plain, ours, policy.action + ", at the end")
    inside_a_listed_zone(tap, lab, relay, POLICIES[0])


if __name__ == "__main__":
    harness.run(main)
