#!/usr/bin/python3
"""Real delegations, from the root down: domains whose name servers are listed, and everything
beside them, cost as many questions as without us and get the same answers.

The servers are on port 53 of loopback addresses of this test's own: a referral has no port number.
"""
import collections
import sys
import time

sys.dont_write_bytecode = True

import harness
import judge
import strangers
import zones

CUSTOMERS = 8
DNS = 53  # port

ROOT = zones.HEAD.format(origin="") + "".join("""
{0} NS ns.{0}
ns.{0} A TLD
""".format(name) for name in ("test.", "other."))

TEST = zones.HEAD.format(origin="test.").replace("127.0.0.1", "TLD") + """
@ A 192.0.2.10
notevil A 192.0.2.11
exact A 203.0.113.1
child.exact A 192.0.2.21
evil NS ns1.evil
evil NS ns2.evil
ns1.evil A LEAF
ns2.evil A LEAF
clean NS ns.clean
ns.clean A LEAF
pure NS ns.pure
ns.pure A LEAF
served NS ns1.evil
served NS ns2.evil
"""
OTHER = zones.HEAD.format(origin="other.").replace("127.0.0.1", "TLD") + "".join(
    "c%d NS ns1.evil.test.\nc%d NS ns2.evil.test.\n" % (n, n) for n in range(CUSTOMERS))
EVIL = """\
$TTL 300
@ SOA ns1 leaked-admin 1 3600 600 86400 60
@ NS ns1
@ NS ns2
ns1 A LEAF
ns2 A LEAF
@ A 203.0.113.1
www A 203.0.113.1
*.wild A 203.0.113.1
good A 192.0.2.30
x.good A 192.0.2.31
"""
CUSTOMER = """\
$TTL 300
@ SOA ns1.evil.test. admin.other. 1 3600 600 86400 60
@ NS ns1.evil.test.
@ NS ns2.evil.test.
@ A 192.0.2.97
www A 192.0.2.98
* A 192.0.2.99
* TXT "customer"
"""
KEY = zones.Key(0x4ef)
ANCHOR = "pure.test. DS " + KEY.ds("pure.test.")
PURE = zones.HEAD.format(origin="pure.test.") + """
@ A 192.0.2.80
good A 192.0.2.81
alias CNAME good
alias2 CNAME www.c0.other.
*.wild A 192.0.2.82
"""

MIX = ["www.c%d.other" % n for n in range(CUSTOMERS)] + ["n{}.c%d.other" % n for n in range(4)]
MIX += """c0.other n{}.served.test www.served.test notevil.test none{}.test test other none{}.other
    good.evil.test x.good.evil.test none{}.good.evil.test www.clean.test
    alias2.clean.test n{}.wild.clean.test nowhere{}.clean.test pure.test good.pure.test
    alias.pure.test alias2.pure.test n{}.wild.pure.test nx{}.pure.test""".split()
LISTED = "ns1.evil.test ns2.evil.test evil.test www.evil.test n{}.wild.evil.test exact.test".split()

SCENARIOS = {
    "no options": "",
    "no minimisation": "qname-minimisation: no",
    "harden-referral-path": "harden-referral-path: yes",
    "aggressive NSEC, no fetches": "aggressive-nsec: yes\ntarget-fetch-policy: \"0 0 0 0 0\"",
    "fetch all": "target-fetch-policy: \"-1 -1 -1 -1 -1\"",
    "IPv6": "do-ip6: yes",
    "IPv6, fetch all": "do-ip6: yes\ntarget-fetch-policy: \"-1 -1 -1 -1 -1\"",
}
POLICY = strangers.POLICY


class Levels:
    """Servers of the root, of what is below it, and of the rest; a relay before each. In the zones of others (a
    dictionary a level) TLD, LEAF and FOURTH stand for the addresses of the servers after the root's."""

    WORDS = ("127.0.0.1", "TLD", "LEAF", "FOURTH")

    def __init__(self, lab, worlds=None):
        self.lab = lab
        self.zones = []  # nothing is configured but where the root is
        self.port = DNS
        number = lab.port()  # ours alone, hence also these addresses
        self.net = "127.%d.%d." % (number >> 8, number & 255)
        self.relays = [harness.Relay(lab, lab.nsd(self.filled(world)), self.net + str(n + 1), DNS)
                       for n, world in enumerate(worlds or self.customers())]

    def customers(self):
        leaf = {"evil.test.": EVIL, "clean.test.": zones.CLEAN,
                "served.test.": CUSTOMER}
        leaf.update(("c%d.other." % n, CUSTOMER) for n in range(CUSTOMERS))
        pure = self.fill(PURE.replace("127.0.0.1", "LEAF"))
        leaf["pure.test."] = zones.sign(pure, "pure.test.", KEY).to_text(relativize=False)
        return {".": ROOT}, {"test.": TEST, "other.": OTHER}, leaf

    def fill(self, text):
        for level, word in enumerate(self.WORDS):
            text = text.replace(word, self.net + str(level + 1))
        return text

    def filled(self, world):
        """In the leaves, a zone's own server is a leaf."""
        leaf = "clean.test." in world
        return {origin: self.fill(text.replace("127.0.0.1", "LEAF") if leaf else text)
                for origin, text in world.items()}

    def unbound(self, store=None, server=""):
        root = 'stub-zone:\n\tname: "."\n\tstub-addr: %s1\n' % self.net
        return self.lab.unbound(self, store, server=server, anchors=[ANCHOR], tail=root)

    def forget(self):
        for relay in self.relays:
            relay.forget()

    def counts(self):
        time.sleep(0.3)  # for what is fetched after an answer was given
        return collections.Counter(key for relay in self.relays for key in list(relay.seen))


def customers(tap, levels, store, title, server):
    """First without us, then with us, by the same relays."""
    plain, ours = levels.unbound(None, server), levels.unbound(store, server)
    questions = list(strangers.stream(strangers.fresh(levels.lab), MIX, 400))
    levels.forget()
    wanted = [plain.ask(qname, qtype, **flags) for qname, qtype, flags in questions]
    without = levels.counts()
    levels.forget()
    differ, unblocked = [], []
    listed = strangers.stream(levels.lab.random, LISTED, len(questions))
    for answer, (qname, qtype, flags) in zip(wanted, questions):
        differ += judge.same(answer, ours.ask(qname, qtype, **flags))
        qname, qtype, flags = next(listed)
        unblocked += judge.faults(POLICY, ours.ask(qname, qtype, **flags), qtype)
    seen = levels.counts()
    tap.none(differ, "%s: %d questions, the same answers" % (title, len(questions)))
    looked = sum(without[(harness.name("ns%d.evil.test" % n), "A")] for n in (1, 2))
    tap.ok(looked and any("192.0.2.98" in answer.addresses() for answer in wanted),
           "%s: customers resolve, by addresses that Unbound looked for" % title, without)
    tap.none(unblocked, "%s: what is listed is blocked in between" % title)
    note(tap, title, without, seen)
    tap.none(plain.stop() + ours.stop(), "%s: both stop cleanly" % title)


def note(tap, title, without, ours):
    where = ["%+d %s %s" % (ours[key] - without[key], *key) for key in sorted(set(without | ours))
             if ours[key] != without[key]]
    total, ours = sum(without.values()), sum(ours.values())
    tap.note("%s: %d questions upstream without us, %d with us, %.3f times; %s" % (
        title, total, ours, ours / total, ", ".join(where[:20]) or "the same ones"))
    tap.ok(ours <= strangers.BAR * total, "%s: at most %.2f times the questions upstream" % (
        title, strangers.BAR), ", ".join(where))


def main(tap, lab):
    try:
        levels = Levels(lab)
    except PermissionError:
        tap.skip("delegations", "port 53 is for root, or needs net.ipv4.ip_unprivileged_port_start")
        return
    store = lab.store()
    store.compile(zones.SUBTREES, ("hosts", zones.EXACT), ("domains", zones.ALLOWED, "allow"),
                  options=POLICY.options())
    for title, server in SCENARIOS.items():
        customers(tap, levels, store, title, server)


if __name__ == "__main__":
    harness.run(main)
