#!/usr/bin/python3
"""Signed zones: what is not listed validates as ever, what is listed is blocked and never marked as
secure, and no forged answer finds its way into Unbound's negative caches. The rows are those of
doc/DNSSEC.md."""
import itertools
import json
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


# --- the rows of doc/DNSSEC.md -------------------------------------------------------------------

ROWS_KEY = zones.Key(0x20e5)
ROWS = zones.HEAD.format(origin="rows.test.") + """\
@ A 192.0.2.80
good A 192.0.2.81
good TXT "good"
bad A 203.0.113.20
to-good CNAME good
to-bad CNAME bad
to-evil CNAME www.evil.test.
*.wild A 192.0.2.82
bogus A 192.0.2.83
bogus-bad A 203.0.113.21
bogus-to-bad CNAME bad
parent A 192.0.2.84
child.parent A 203.0.113.22
sibling.parent A 192.0.2.85
"""
OPEN = zones.HEAD.format(origin="open.test.") + """\
good A 192.0.2.90
bad A 203.0.113.30
to-signed-bad CNAME bad.rows.test.
"""
ROWS_LISTED = "0.0.0.0 bad.rows.test bogus-bad.rows.test child.parent.rows.test bad.open.test\n"

# What may be done about it; the garden is a signed zone of others.
ACTIONS = {
    "nxdomain": {},
    "nodata": {},
    "refused": {},
    "sinkhole": {"a": zones.SINK_A, "aaaa": zones.SINK_AAAA},
    "cname": {"cname": "good.signed.test"},
    "data": {"data": ["A 198.51.100.53", "TXT \"blocked\""]},
}
FREE, STRICT = "127.0.1.1", "127.0.2.1"
PROOFS = {"RRSIG", "NSEC", "NSEC3", "DS", "DNSKEY"}


def rows_zones():
    zone = zones.sign(ROWS, "rows.test.", ROWS_KEY)
    for owner, rdtype in (("bogus", "A"), ("bogus-bad", "A"), ("bogus-to-bad", "CNAME")):
        zones.damage(zone, owner + ".rows.test.", rdtype)
    return {"rows.test.": zone.to_text(relativize=False), "open.test.": OPEN}


def config(lab, action):
    lab.write("rows.txt", ROWS_LISTED)
    lab.write("evil.txt", zones.SUBTREES)
    text = {"groups": [{"name": "free", "clients": ["127.0.1.0/24"]}],
            "sources": [{"name": "rows", "path": "rows.txt", "format": "hosts"},
                        {"name": "evil", "path": "evil.txt", "format": "domains"}],
            "policy": [{"rule": "free", "group": "free", "match": {}, "action": "pass"},
                       {"rule": "rows", "match": {"source": "rows"}, "action": action,
                        **ACTIONS[action]},
                       {"rule": "rest", "match": {}, "action": "nxdomain"}]}
    return lab.write("rows-%s.yaml" % action, json.dumps(text))


def forged(answer):
    """What is wrong with a blocked answer, whatever the action."""
    types = {harness.dns.rdatatype.to_text(rrset.rdtype)
             for section in answer.message.sections[1:] for rrset in section}
    return zones.leaks(answer) + ["AD"] * answer.has("AD") + sorted(types & PROOFS) + \
        ["EDE %r" % answer.edes] * (answer.message.edns >= 0 and answer.edes != [15])


class Table:
    """A resolver with us and one without, both asked with every mix of DO, CD, AD."""

    def __init__(self, tap, plain, ours, title):
        self.tap, self.plain, self.ours, self.title = tap, plain, ours, title

    def each(self, names, types, **only):
        for qname, qtype, flags in itertools.product(names.split(), types.split(), FLAGS):
            if all(flags[flag] == wanted for flag, wanted in only.items()):
                yield qname, qtype, flags

    def blocked(self, row, names, types="A TXT DS DNSKEY", **only):
        found = []
        for qname, qtype, flags in self.each(names, types, **only):
            answer = self.ours.ask(qname, qtype, source=STRICT, **flags)
            if forged(answer):
                found.append("%s %s %r: %r\n%r" % (qname, qtype, flags, forged(answer), answer))
        self.tap.none(found, "%s: row %s: %s is blocked, and never AD" % (self.title, row, names))

    def real(self, row, names, types="A TXT AAAA DS DNSKEY NS", source=STRICT, ad_may_miss=False):
        found = []
        for qname, qtype, flags in self.each(names, types):
            answer = self.ours.ask(qname, qtype, source=source, **flags)
            wanted = self.plain.ask(qname, qtype, **flags)
            if ad_may_miss and wanted.has("AD"):
                wanted.message.flags &= ~harness.dns.flags.AD
                answer.message.flags &= ~harness.dns.flags.AD
            found += judge.same(wanted, answer)
        self.tap.none(found, "%s: row %s: %s as without us" % (self.title, row, names))

    def servfail(self, row, names):
        found = [answer for qname, qtype, flags in self.each(names, "A", cd=False)
                 for answer in [self.ours.ask(qname, qtype, source=STRICT, **flags)]
                 if answer.rcode != "SERVFAIL" or answer.message.answer or answer.has("AD")]
        self.tap.none(found, "%s: row %s: %s stays SERVFAIL" % (self.title, row, names))

    def secure(self, row, names):
        found = [answer for qname, qtype, flags in self.each(names, "A", do=True, cd=False)
                 for answer in [self.ours.ask(qname, qtype, source=STRICT, **flags)]
                 if not answer.has("AD")]
        self.tap.none(found, "%s: row %s: %s is secure" % (self.title, row, names))

    def all_rows(self):
        self.blocked(1, "bad.open.test")
        self.blocked(2, "bad.rows.test child.parent.rows.test")
        self.blocked(3, "bogus-bad.rows.test")
        self.blocked(4, "to-bad.rows.test to-evil.rows.test to-signed-bad.open.test", "A TXT")
        self.servfail(5, "bogus-to-bad.rows.test")
        self.blocked(6, "bogus-to-bad.rows.test", "A", cd=True)
        self.real(7, "good.open.test nonesuch.open.test")
        self.real(8, "good.rows.test to-good.rows.test x.wild.rows.test nonesuch.rows.test")
        self.secure(8, "good.rows.test to-good.rows.test x.wild.rows.test nonesuch.rows.test")
        self.servfail(9, "bogus.rows.test")
        self.real(9, "bogus.rows.test")
        self.real(10, "rows.test parent.rows.test sibling.parent.rows.test "
                      "nonesuch.parent.rows.test x.child.parent.rows.test badd.rows.test")
        self.secure(10, "rows.test parent.rows.test sibling.parent.rows.test "
                        "nonesuch.parent.rows.test x.child.parent.rows.test")
        self.real(11, "bad.rows.test to-bad.rows.test child.parent.rows.test bogus-bad.rows.test",
                  source=FREE, ad_may_miss=True)


def rows(tap, lab, nsd):
    anchors = [zones.ANCHOR, "rows.test. DS " + ROWS_KEY.ds("rows.test.")]
    plain = lab.unbound(lab.relay(nsd), anchors=anchors, server=NEGATIVE)
    for action in ACTIONS:
        store = lab.store()
        store.run("compile", "-c", config(lab, action))
        ours = lab.unbound(lab.relay(nsd), store, anchors=anchors, server=NEGATIVE)
        for when in ("empty caches", "full caches"):
            Table(tap, plain, ours, "%s, %s" % (action, when)).all_rows()
        ours.flush()
        Table(tap, plain, ours, "%s, flushed" % action).blocked(2, "bad.rows.test")


def main(tap, lab):
    nsd = lab.nsd(dict(zones.all_of_it(), **rows_zones()))
    rows(tap, lab, nsd)
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
