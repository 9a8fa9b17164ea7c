#!/usr/bin/python3
"""An alias of a listed name is as listed as its target, at any depth, and leaves nothing in the
cache; an alias of anything else is as without the module."""
import itertools
import random
import sys

sys.dont_write_bytecode = True

import chains
import harness
import judge
import zones
from chains import DEPTH, LISTS, NXDOMAIN, SINKHOLE

TYPES = "A AAAA HTTPS TXT MX SOA PTR TYPE65280".split()
FLAGS = [dict(zip(("do", "cd"), bits)) for bits in itertools.product((False, True), repeat=2)]
ALLOW = LISTS + [("domains", "ok.h1.test\n", "allow")]
OWNER = "mallory.test"

MODES = {
    "validator": {},
    "no validator": dict(modules="dynlib iterator"),
    "no minimisation": dict(server="qname-minimisation: no"),
    "strict minimisation, 2 threads": dict(threads=2, server="qname-minimisation-strict: yes"),
}


def every_depth(tap, resolver, policy, what):
    """Each question about a name that nobody asked before, the longest chain first. For types CNAME
    and ANY a chain is shown as far as it is known: that may end before the listed name."""
    rng = random.Random(5)
    for depth in range(DEPTH, 0, -1):
        found, other = [], []
        for qtype, tcp in itertools.product(TYPES, (False, True)):
            qname = "%s-%d.www.h%d.test" % (qtype, tcp, depth)
            answer = resolver.ask(qname, qtype, tcp=tcp, edns=0, **rng.choice(FLAGS))
            found += judge.faults(policy, answer, qtype, OWNER)
        for qtype in ("CNAME", "ANY"):
            qname = "%s.www.h%d.test" % (qtype, depth)
            answer = resolver.ask(qname, qtype, edns=0)
            if depth == 1 or b"mallory" in answer.wire or zones.leaks(answer):
                other += judge.faults(policy, answer, qtype, OWNER)
        tap.none(found, "%s: %d hops to a listed name: blocked" % (what, depth))
        tap.none(other, "%s: %d hops: types CNAME and ANY show nothing listed" % (what, depth))


def every_place(tap, resolver, policy, what):
    """The listed name in the middle of a chain, its end missing, without data, by DNAME."""
    rows = {
        "in the middle": ("middle", OWNER), "in the middle, by DNAME": ("middle2", OWNER),
        "NXDOMAIN": ("nx", OWNER), "NODATA": ("empty", OWNER), "a zone's apex": ("apex", OWNER),
        "exact, NODATA": ("tip", "tip.lone.test"), "by DNAME": ("www.dname", OWNER),
        "by DNAME, NXDOMAIN": ("nx.dname", OWNER), "by DNAME, deeper": ("x.y.www.dname", OWNER),
        "in a loop": ("listed-loop", OWNER)}
    for place, (label, owner) in rows.items():
        found = []
        for depth, qtype, flags in itertools.product((5, 2, 1), ("A", "TXT", "AAAA"), FLAGS):
            answer = resolver.ask("%s.h%d.test" % (label, depth), qtype, edns=0, **flags)
            found += judge.faults(policy, answer, qtype, owner)
        tap.none(found, "%s: the listed name is %s: blocked" % (what, place))


def not_cloaked(tap, resolver, relay, plain, what):
    rows = {"to a name that is not listed": "clean", "to nowhere": "nowhere",
            "to an allowed name": "good", "in a loop": "loop"}
    for where, label in rows.items():
        asked = list(itertools.product((8, 5, 2, 1), ("A", "AAAA", "TXT", "CNAME"), FLAGS))
        for turn in ("resolved", "from the cache"):
            relay.forget()
            found = []
            for depth, qtype, flags in asked:
                qname = "%s.h%d.test" % (label, depth)
                found += judge.same(plain.ask(qname, qtype, edns=0, **flags),
                                    resolver.ask(qname, qtype, edns=0, **flags))
            tap.none(found, "%s: a chain %s as without the module, %s" % (what, where, turn))
        if label != "loop":
            tap.same(relay.seen, [], "%s: ... without asking again" % what)


def allowed_alias(tap, resolver, relay, plain, policy, what):
    """The first entry that decides wins: an allowed alias of a listed name resolves."""
    found = []
    for qname, qtype, flags in itertools.product(
            ("ok.h2.test", "ok.h1.test", "ok.h5.test"), ("A", "AAAA", "TXT"), FLAGS):
        found += judge.same(plain.ask(qname, qtype, edns=0, **flags),
                            resolver.ask(qname, qtype, edns=0, **flags))
    tap.none(found, "%s: an allowed alias of a listed name resolves, and aliases of it" % what)
    relay.forget()
    addresses = [resolver.ask("ok.h1.test").addresses() for _ in range(20)]
    tap.same(addresses, [["203.0.113.1"]] * 20, "%s: ... each time" % what)
    tap.ok(len(relay.seen) <= 2, "%s: ... from a cache" % what, relay.seen)
    found = []
    for qname, qtype, flags in itertools.product(
            ("www.mallory.test", "www.h1.test", "www.h2.test"), ("A", "AAAA", "TXT"), FLAGS):
        answer = resolver.ask(qname, qtype, edns=0, **flags)
        found += judge.faults(policy, answer, qtype, OWNER)
    tap.none(found, "%s: ... but the listed name and its other aliases are blocked" % what)


def alias_first(tap, lab, relay, store, policy, what, options):
    """The alias, then the listed name: every mix of CD and DO, each with names of its own."""
    resolver = lab.unbound(relay, store, **options)
    found, names = [], []
    mixes = list(itertools.product(FLAGS, FLAGS))
    for number, (first, second) in enumerate(mixes):
        pairs = [("n%d.h%d.test" % (number + shift, depth), "n%d.wild" % (number + shift))
                 for depth, shift in ((1, 0), (2, len(mixes)), (5, 2 * len(mixes)))]
        pairs.append(("d%d.wild.dname.h2.test" % number, "d%d.wild" % number))
        for (alias, label), qtype in itertools.product(pairs, ("A", "AAAA", "TXT")):
            target = label + "." + OWNER
            for qname, flags in ((alias, first), (target, second), (alias, second)):
                answer = resolver.ask(qname, qtype, edns=0, **flags)
                found += judge.faults(policy, answer, qtype, OWNER)
                names.append(qname)
    tap.none(found, "%s: the alias first, then the listed name, by every mix of CD and DO: both "
             "blocked" % what)
    cache = resolver.control("dump_cache").stdout.splitlines()
    messages = tuple("msg %s. " % qname for qname in names)
    held = [line for line in cache if line.startswith(messages) or "203.0.113." in line or
            "2001:db8:bad" in line or "leaked text" in line]
    tap.none(held, "%s: ... and nothing of it is in the cache" % what)
    resolver.ask("clean.h1.test")
    tap.ok("msg clean.h1.test. " in resolver.control("dump_cache").stdout,
           "%s: ... which shows what else was asked" % what)


def fifty_times(tap, resolver, relay, policy, what):
    """The listed server is asked once at most: what an alias led to is remembered."""
    for qname in ("fifty.www.h1.test", "fifty.www.h5.test", "fifty.dname.h2.test"):
        relay.forget()
        found = judge.faults(policy, resolver.ask(qname), owner=OWNER)
        first = len(relay.asked_below(OWNER))
        for number in range(49):
            found += judge.faults(policy, resolver.ask(qname, cd=bool(number % 2)), owner=OWNER)
        tap.none(found, "%s: %s 50 times: blocked" % (what, qname))
        tap.same(len(relay.asked_below(OWNER)), first,
                 "%s: ... and the listed server was not asked after the first" % what)


def main(tap, lab):
    nsd = lab.nsd(chains.all_zones())
    plain = lab.unbound(lab.relay(nsd))
    for policy in (NXDOMAIN, SINKHOLE):
        store = lab.store()
        store.compile(*ALLOW, options=policy.options())
        for mode, options in MODES.items():
            what = "%s, %s" % (policy.action, mode)
            relay = lab.relay(nsd)
            resolver = lab.unbound(relay, store, **options)
            every_depth(tap, resolver, policy, what)
            every_place(tap, resolver, policy, what)
            fifty_times(tap, resolver, relay, policy, what)
            not_cloaked(tap, resolver, relay, plain, what)
            allowed_alias(tap, resolver, relay, plain, policy, what)
            alias_first(tap, lab, relay, store, policy, what, options)


if __name__ == "__main__":
    harness.run(main)
