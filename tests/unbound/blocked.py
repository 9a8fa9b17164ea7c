#!/usr/bin/python3
"""A listed name is blocked however it is asked for; every other name is as if we were not there."""
import itertools
import random
import sys

sys.dont_write_bytecode = True

import dns.edns

import harness
import judge
import zones
from harness import name

TYPES = """A AAAA HTTPS SVCB TXT MX ANY NS SOA DS DNSKEY CNAME DNAME PTR SRV CAA LOC NAPTR NULL
    RRSIG NSEC NSEC3 TLSA CDS URI TYPE65280 TYPE65534""".split()

POLICIES = {
    "nxdomain": judge.Policy("nxdomain", ttl=10),
    "nodata": judge.Policy("nodata", ttl=61),
    "sinkhole": judge.Policy("sinkhole", ttl=7, a=zones.SINK_A, aaaa=zones.SINK_AAAA),
    "sinkhole without AAAA": judge.Policy("sinkhole", ttl=604800, a=zones.SINK_A[:1]),
}

LONG = [b"x" * 63, b"y" * 63, b"z" * 63, b"w" * 50]  # 255 octets with evil.test

# Listed, and why.
LISTED = {
    "evil.test": "a subtree's own name",
    "www.evil.test": "in a subtree",
    "a.b.c.d.evil.test": "deep in a subtree",
    "nonesuch.evil.test": "in a subtree, does not exist",
    "evil.test.evil.test": "a listed name below itself",
    "*.evil.test": "an asterisk is a label like any other",
    r"\000.evil.test": "octet 0 in a label",
    r"\001\001.evil.test": "octet 1 in a label",
    r"\255.evil.test": "octet 255 in a label",
    r"with\.dot.evil.test": "a dot in a label",
    r"good\.evil.evil.test": "a dot in a label, like an allowed name in print",
    r"good\000.evil.test": "an allowed name and octet 0",
    "notgood.evil.test": "ends like an allowed name",
    "exact.test": "an exact entry",
    "sub.below.test": "below a name",
    "deep.er.below.test": "deeper below a name",
    "unborn.test": "listed, does not exist",
    "www.unborn.test": "in a listed subtree that does not exist",
}

# Not listed; each resolves as without us.
UNLISTED = """
. test notevil.test evil-too.test evi.test evil.sibling.test sibling.test child.exact.test
a.b.c.child.exact.test below.test evil\\.test. www.evil\\.test. notevil.nottest. evil\\000.test
\\000evil.test evil\\.x.test x\\.evil.test evil\\001\\001.test evil\\255.test evil.test.test
evil.nottest evil evil.testx evil\\.test.test binary\\000\\001\\255\\032\\.x.test good.evil.test
x.good.evil.test nonesuch.good.evil.test clean.test www.clean.test alias.clean.test
alias2.clean.test dangling.clean.test dname.clean.test x.dname.clean.test any.wild.clean.test
ptr.clean.test svc.clean.test _svc._tcp.clean.test name\\.with\\.dots.clean.test \\000.clean.test
\\255\\254.clean.test sp\\032ace.clean.test TYPE65280.clean.test b.clean.test a.b.clean.test
notype.clean.test big.clean.test nonesuch.clean.test loop.clean.test
""".split()

FLAGS = [dict(zip(("do", "cd", "ad"), bits)) for bits in itertools.product((False, True), repeat=3)]


def mixed_case(rng, qname):
    """0x20: the same name, each letter's case by chance."""
    return harness.dns.name.Name(
        bytes(c ^ 0x20 if chr(c).isalpha() and c < 128 and rng.random() < 0.5 else c for c in label)
        for label in name(qname).labels)


def listed_names():
    names = [(name(text), why) for text, why in LISTED.items()]
    names.append((name(LONG + [b"evil", b"test"]), "255 octets"))
    names.append((name([b"a"] * 122 + [b"evil", b"test"]), "124 labels"))
    return names


def every_way(tap, resolver, policy, title):
    """Types by transports by header bits by names."""
    rng = random.Random(1)
    for qname, why in listed_names():
        found = []
        for qtype, tcp in itertools.product(TYPES, (False, True)):
            flags = rng.choice(FLAGS)
            found += judge.faults(policy, resolver.ask(qname, qtype, tcp=tcp, **flags), qtype)
        tap.none(found, "%s: %s is blocked for every type (%s)" % (
            title, str(qname)[:40], why))
    for qtype in TYPES:
        found = []
        for flags, tcp in itertools.product(FLAGS, (False, True)):
            asked = mixed_case(rng, "www.evil.test")
            found += judge.faults(policy, resolver.ask(asked, qtype, tcp=tcp, **flags), qtype)
        tap.none(found, "%s: %s over UDP and TCP with every mix of DO, CD, AD and of case" % (
            title, qtype))


def envelopes(tap, resolver, policy, title):
    """EDNS of all sizes, with options, of a version that does not exist."""
    many = [dns.edns.GenericOption(65001 + i % 500, b"x" * (i % 7)) for i in range(100)]
    options = {
        "no option": [],
        "a cookie": [dns.edns.GenericOption(10, b"12345678")],
        "a client subnet": [dns.edns.ECSOption("192.0.2.0", 24)],
        "padding": [dns.edns.GenericOption(12, b"\0" * 200)],
        "an NSID request": [dns.edns.GenericOption(3, b"")],
        "a structured error request": [dns.edns.GenericOption(26, b"")],
        "100 unknown options": many,
    }
    for what, chosen in options.items():
        found = []
        for payload, tcp, qtype in itertools.product(
                (0, 1, 511, 512, 1232, 4096, 65535), (False, True), ("A", "AAAA", "TXT")):
            answer = resolver.ask("www.evil.test", qtype, tcp=tcp, edns=0, payload=payload,
                                  options=chosen)
            found += judge.faults(policy, answer, qtype)
        tap.none(found, "%s: EDNS of every size with %s" % (title, what))


def left_to_unbound(tap, plain, ours, title):
    """What Unbound answers before or without any module, for listed names too."""
    found = []
    for qname in ("www.evil.test", "evil.test", "exact.test", "www.clean.test"):
        found += judge.same(plain.ask(qname, edns=1), ours.ask(qname, edns=1))
        found += judge.same(plain.ask(qname, rd=False), ours.ask(qname, rd=False))
        for qtype in ("AXFR", "IXFR", "MAILA", "MAILB", "OPT", "TSIG", "TYPE128", "TYPE248"):
            wire = harness.query(qname, qtype).to_wire()
            a, b = (harness.exchange(r.port, wire) for r in (plain, ours))
            if a[2:4] != b[2:4] or zones.LEAK.encode() in b.lower():
                if not blocked_like(b):
                    found.append("%s %s: %r, with the module %r" % (qname, qtype, a, b))
    tap.none(found, "%s: EDNS version 1 (BADVERS), RD=0 and types that are no data, "
             "as without the module" % title)
    found = []
    for klass, qname, qtype in itertools.product(
            ("CH", "HS", "NONE", "CLASS65280"), ("evil.test", "exact.test", "www.clean.test"),
            ("A", "TXT", "ANY")):
        asked = dict(klass=klass, timeout=10)
        found += judge.same(plain.ask(qname, qtype, **asked), ours.ask(qname, qtype, **asked))
    for qtype in ("A", "TXT", "ANY"):
        found += judge.same(plain.ask("www.clean.test", qtype, klass="ANY"),
                            ours.ask("www.clean.test", qtype, klass="ANY"))
    for qname in ("id.server", "version.bind", "hostname.bind", "version.server",
                  "trustanchor.unbound"):
        found += judge.same(plain.ask(qname, "TXT", klass="CH"), ours.ask(qname, "TXT", klass="CH"))
    tap.none(found, "%s: classes other than IN, as without the module" % title)


def any_class(tap, resolver, policy, title):
    """Unbound answers class ANY with the data of class IN: so that is blocked like IN."""
    found = []
    for qname, qtype in itertools.product(("evil.test", "www.evil.test", "exact.test"), TYPES):
        found += judge.faults(policy, resolver.ask(qname, qtype, klass="ANY", edns=0), qtype)
    tap.none(found, "%s: class ANY shows no way around" % title)


def blocked_like(wire):
    answer = harness.Answer(wire, wire)
    return not answer.message.answer and not zones.leaks(answer)


def all_types(tap, plain, ours, policy):
    """Every type a query can name, by sample: the low ones, the ends, and one in 251 between."""
    found = []
    for number in itertools.chain(range(0, 300), range(301, 65536, 251), range(65278, 65536, 51)):
        qtype = "TYPE%d" % number
        if number in (251, 252) or 128 <= number <= 248 or number in (0, 41):
            continue  # left_to_unbound()
        if number in (249, 250, 253, 254):  # TKEY, TSIG, MAILB, MAILA are no data; some pass
            answer = ours.ask("evil.test", qtype)
            if zones.leaks(answer) or answer.message.answer:
                found.append(repr(answer))
            continue
        text = harness.dns.rdatatype.to_text(number)
        found += judge.faults(policy, ours.ask("www.evil.test", qtype), text)
    tap.none(found, "each of some 560 types of all 65,536 is blocked")


def unlisted(tap, plain, ours):
    for qname in UNLISTED:
        found = []
        for qtype, flags in itertools.product(
                "A AAAA TXT MX HTTPS NS SOA CNAME PTR SRV TYPE65280".split(),
                ({}, {"do": True}, {"cd": True, "do": True}, {"tcp": True, "edns": 0})):
            found += judge.same(plain.ask(qname, qtype, **flags), ours.ask(qname, qtype, **flags))
        tap.none(found, "%s: each answer as without the module" % qname)
    tap.same(ours.ask("good.evil.test").addresses(), ["192.0.2.30"], "the allowed name resolves")
    tap.same(ours.ask(r"evil\.test.").addresses(), ["192.0.2.1"],
             "one label that prints as a listed name resolves")
    tap.same(ours.ask("child.exact.test").addresses(), ["192.0.2.21"],
             "the child of an exact entry resolves")
    tap.same(ours.ask("below.test").addresses(), ["192.0.2.23"],
             "the name of an entry for what is below it resolves")


def after_its_child(tap, resolver, policy, title):
    """Minimised, a question for the child asks the authority about the listed name, and the
    iterator stores the answer. Validation would keep it from clients, but not from those who set
    CD."""
    resolver.ask("child.exact.test")
    found = [judge.faults(policy, resolver.ask("exact.test", cd=cd)) for cd in (False, True)]
    tap.none(found[0], "%s: a name stays blocked after its unlisted child was resolved" % title)
    tap.none(found[1], "%s: ... also with CD" % title)


def listed_name_servers(tap, lab, nsd, store, policy):
    """Names of other people whose name server is listed resolve as ever: Unbound asks
    for the server's address by itself. A client that asks for it meets the block.

    Of a stub-host Unbound looks for the address among cached answers only, and that one may not be
    cached: so both are asked for again with each new name. A delegation is better off (referrals.py).
    """
    relay = lab.relay(nsd)
    zone = 'stub-zone:\n\tname: "goodns.test"\n\tstub-host: ns1.evil.test@{0}\n' \
        '\tstub-host: ns2.evil.test@{0}\n'.format(relay.port)
    resolver = lab.unbound(relay, store, tail=zone)
    found = judge.faults(policy, resolver.ask("ns1.evil.test"))
    tap.none(found, "the address of a listed name server is blocked")
    answer = resolver.ask("www.goodns.test")
    tap.same(answer.addresses(), ["192.0.2.26"], "a name whose servers are listed resolves")
    relay.forget()
    for number in range(20):
        resolver.ask("n%d.goodns.test" % number)
    tap.ok(len(relay.seen) <= 60, "... at the price of asking for its servers' addresses",
           relay.seen)
    tap.none(judge.faults(policy, resolver.ask("ns1.evil.test")) +
             judge.faults(policy, resolver.ask("ns2.evil.test", "AAAA", tcp=True), "AAAA"),
             "the addresses of listed name servers are blocked after Unbound asked for them")
    tap.none(judge.faults(policy, resolver.ask("ns1.evil.test", cd=True)), "... also with CD")


def main(tap, lab):
    nsd = lab.nsd(zones.plain())
    plain = lab.unbound(lab.relay(nsd))
    lists = [("domains", zones.SUBTREES, "source=bad", "category=malware"),
             ("hosts", zones.EXACT, "source=exact"),
             ("domains", "below.test\n", "scope=below", "source=below"),
             ("domains", zones.ALLOWED, "allow"),
             ("domains", "listed.good.evil.test\n", "source=inner"),
             ("adblock", "||important.good.evil.test^$important\n", "source=important")]
    for title, policy in POLICIES.items():
        store = lab.store()
        store.compile(*lists, options=policy.options())
        relay = lab.relay(nsd)
        ours = lab.unbound(relay, store)
        relay.forget()
        every_way(tap, ours, policy, title)
        envelopes(tap, ours, policy, title)
        tap.same(relay.asked_below("evil.test") + relay.asked_below("exact.test") +
                 relay.asked_below("unborn.test") + relay.asked_below("sub.below.test"), [],
                 "%s: no authority was asked about a listed name" % title)
        any_class(tap, ours, policy, title)
        if title == "nxdomain":
            left_to_unbound(tap, plain, ours, title)
            all_types(tap, plain, ours, policy)
            unlisted(tap, plain, ours)
            listed_name_servers(tap, lab, nsd, store, policy)
        tap.same(ours.ask("listed.good.evil.test").addresses(), ["192.0.2.32"],
                 "%s: an allow entry wins over a block entry, be that more specific" % title)
        tap.none(judge.faults(policy, ours.ask("important.good.evil.test")),
                 "%s: an important block entry wins over an allow entry" % title)
        after_its_child(tap, ours, policy, title)


if __name__ == "__main__":
    harness.run(main)
