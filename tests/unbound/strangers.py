#!/usr/bin/python3
"""What is not listed is as without us: the same answers, and no more questions to the authority.
Two resolvers, without and with the module, are asked the same long stream about the neighbours,
parents, children and customers of listed names; ours is asked about listed ones in between."""
import collections
import sys
import time

sys.dont_write_bytecode = True

import harness
import judge
import zones

QUESTIONS = 500
BAR = 1.05  # times plain Unbound's questions
STUB_HOST = 3.0  # the same for a listed stub-host: two addresses besides each question
DEAR = 2.0  # the same below an `exact` entry, where minimisation asks for the entry each time

POLICY = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA)

# Each is asked with numbers in the place of {}: new names and old ones.
MIX = """
    test none{}.test notevil.test evil-too.test evi.test evil.sibling.test below.test
    x\\.evil.test empty.below.parent.below2.test a{}.below2.test
    www.clean.test alias.clean.test alias2.clean.test dangling.clean.test nowhere{}.clean.test
    n{}.wild.clean.test ent.a.b.clean.test a.b.clean.test x.dname.clean.test
    notype.clean.test ptr.clean.test nowhere.none.none{}.clean.test
    good.evil.test x.good.evil.test none{}.good.evil.test
    """.split()
SIGNED = """
    signed.test good.signed.test zgood.signed.test alias.signed.test n{}.wild.signed.test
    nx{}.signed.test aaa{}.signed.test badt{}.signed.test below.nx{}.signed.test bad{}.signed.test
    www.sub.signed.test nx{}.sub.signed.test www.insec.signed.test nx{}.insec.signed.test
    good.badtree.signed.test broken.signed.test x.broken.signed.test ns.signed.test
    """.split()
LISTED = """
    evil.test www.evil.test n{}.wild.evil.test ns1.evil.test n{}.unborn.test exact.test
    bad.signed.test badtree.signed.test n{}.badtree.signed.test bad.sub.signed.test
    """.split()
CHILDREN = """
    child.exact.test a.b.c.child.exact.test none{}.exact.test x.none{}.exact.test
    """.split()
TYPES = "A A A AAAA AAAA TXT MX HTTPS NS SOA DS CNAME".split()

SCENARIOS = {
    "no options": "",
    "no minimisation": "qname-minimisation: no",
    "strict minimisation": "qname-minimisation-strict: yes",
    "aggressive NSEC": "aggressive-nsec: yes",
    "no aggressive NSEC": "aggressive-nsec: no",
    "harden-below-nxdomain: no": "harden-below-nxdomain: no",
    "all hardening": "harden-referral-path: yes\nharden-below-nxdomain: yes\naggressive-nsec: yes\n"
                     "harden-large-queries: yes\nuse-caps-for-id: no",
    "serve-expired": "serve-expired: yes",
    "4 threads": "",
}
RENEW = "prefetch: yes\nprefetch-key: yes\nserve-expired: yes\ncache-max-ttl: 2\n"


class Pair:
    """Resolvers without and with the module, over relays of their own."""

    def __init__(self, lab, nsd, store, server, threads=1):
        self.relays = [lab.relay(nsd) for _ in range(2)]
        self.plain, self.ours = [
            lab.unbound(relay, what, server=server, threads=threads, anchors=[zones.ANCHOR],
                        tail=self.listed_servers(relay))
            for relay, what in zip(self.relays, (None, store))]
        for relay in self.relays:
            relay.forget()

    @staticmethod
    def listed_servers(relay):
        return 'stub-zone:\n\tname: "goodns.test"\n' + "".join(
            "\tstub-host: ns%d.evil.test@%d\n" % (n, relay.port) for n in (1, 2))

    def ask(self, qname, qtype, **flags):
        plain, ours = [resolver.ask(qname, qtype, timeout=20, **flags)
                       for resolver in (self.plain, self.ours)]
        return judge.same(plain, ours)

    def totals(self):
        """Questions upstream without and with us; where they differ, by name."""
        without, ours = [collections.Counter(list(relay.seen)) for relay in self.relays]
        more, less = ours - without, without - ours
        return sum(without.values()), sum(ours.values()), ", ".join(
            "%+d %s %s" % (count, qname, qtype)
            for sign, difference in ((1, more), (-1, less))
            for (qname, qtype), count in
            [(key, sign * n) for key, n in difference.most_common(8)])

    def compare(self, tap, what, bar=BAR):
        time.sleep(0.3)  # for what is asked after an answer was given
        without, ours, where = self.totals()
        tap.note("%s: %d questions upstream without us, %d with us, %.3f times; %s" % (
            what, without, ours, ours / max(1, without), where or "the same ones"))
        tap.ok(without > 0 and ours <= bar * without,
               "%s: at most %.2f times the questions upstream" % (what, bar), where)

    def stop(self):
        return self.plain.stop() + self.ours.stop()


def stream(chance, patterns, count):
    """Deterministic: names, types and flags; numbers small enough for names to come again."""
    for _ in range(count):
        qname = chance.choice(patterns).format(chance.randrange(40))
        flags = dict(do=chance.random() < 0.4, cd=chance.random() < 0.2, ad=chance.random() < 0.2,
                     tcp=chance.random() < 0.1)
        yield qname, chance.choice(TYPES), flags


def fresh(lab):
    """The same questions in each scenario."""
    lab.random.seed(20261122)
    return lab.random


def neighbours(tap, lab, nsd, store, title, server):
    pair = Pair(lab, nsd, store, server, threads=4 if title == "4 threads" else 1)
    chance = fresh(lab)
    differ, unblocked = [], []
    listed = stream(chance, LISTED, QUESTIONS)
    for number, (qname, qtype, flags) in enumerate(stream(chance, MIX + SIGNED, QUESTIONS)):
        differ += pair.ask(qname, qtype, **flags)
        if number % 4 == 0:
            qname, qtype, flags = next(listed)
            unblocked += judge.faults(POLICY, pair.ours.ask(qname, qtype, **flags), qtype)
    tap.none(differ, "%s: %d questions, the same answers" % (title, QUESTIONS))
    tap.none(unblocked, "%s: what is listed in between is blocked" % title)
    pair.compare(tap, title)
    tap.none(pair.stop(), "%s: both stop cleanly" % title)


def below_an_entry(tap, lab, nsd, store):
    for title, server, bar in (("below an exact entry", "", DEAR),
                               ("below an exact entry, no minimisation", "qname-minimisation: no",
                                BAR)):
        pair = Pair(lab, nsd, store, server)
        differ = []
        for qname, qtype, flags in stream(fresh(lab), CHILDREN, 200):
            differ += pair.ask(qname, qtype, **flags)
        tap.none(differ, "%s: the same answers" % title)
        pair.compare(tap, title, bar)
        tap.none(judge.faults(POLICY, pair.ours.ask("exact.test")) +
                 judge.faults(POLICY, pair.ours.ask("exact.test", cd=True)),
                 "%s: the entry itself is blocked" % title)
        tap.none(pair.stop(), "%s: both stop cleanly" % title)


def renewed(tap, lab, nsd, store):
    """All expires and is renewed, by clients and by prefetch, round after round. SOA, NS and the
    like are left out: what stands in an expired answer's other sections depends on the second."""
    pair = Pair(lab, nsd, store, RENEW)
    questions = [(pattern.format(n), qtype) for pattern in MIX + SIGNED
                 for n in range(1 + 2 * ("{}" in pattern)) for qtype in ("A", "TXT")]
    differ = []
    for _ in range(4):
        for qname, qtype in questions:
            plain, ours = [r.ask(qname, qtype, timeout=20) for r in (pair.plain, pair.ours)]
            if (plain.rcode, plain.data()) != (ours.rcode, ours.data()):
                differ.append("%s %s\nwithout %r\nwith    %r" % (qname, qtype, plain, ours))
        time.sleep(2.2)
    tap.none(differ, "prefetch and expiry: the same answers, round after round")
    pair.compare(tap, "prefetch and expiry")
    tap.none(pair.stop(), "prefetch and expiry: both stop cleanly")


def customers(tap, lab, nsd, store):
    """Where the operator names a listed name server as a stub-host, Unbound finds its address by
    messages only, and these may not stay: it is looked up again for each question, no more often.
    (Where a delegation names it, its address stays: referrals.py.)"""
    pair = Pair(lab, nsd, store, "")
    differ, unblocked = [], []
    for number in range(60):
        differ += pair.ask("c%d.goodns.test" % number, "A", cd=bool(number % 3))
        for cd in (False, True):
            answer = pair.ours.ask("ns%d.evil.test" % (1 + number % 2), cd=cd)
            unblocked += judge.faults(POLICY, answer)
    tap.none(differ, "customers of a listed name server: the same answers")
    tap.none(unblocked, "... and its address is blocked for clients")
    pair.compare(tap, "customers of a listed stub-host", STUB_HOST)
    tap.none(pair.stop(), "... and both stop cleanly")


def main(tap, lab):
    nsd = lab.nsd(zones.all_of_it())
    store = lab.store()
    store.compile(zones.SUBTREES, ("hosts", zones.EXACT), ("domains", zones.ALLOWED, "allow"),
                  options=POLICY.options())
    for title, server in SCENARIOS.items():
        neighbours(tap, lab, nsd, store, title, server)
    below_an_entry(tap, lab, nsd, store)
    customers(tap, lab, nsd, store)
    renewed(tap, lab, nsd, store)


if __name__ == "__main__":
    harness.run(main)
