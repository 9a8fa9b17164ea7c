#!/usr/bin/python3
"""Two verdicts at one instant: 80 clients, half of them exempt, ask the same names while the
authority takes its time. Each gets its own answer: in states that they share with each other, with
a prefetch, with Unbound's own look-ups, with DNS64, behind local aliases."""
import sys
import time

sys.dont_write_bytecode = True

import crowd
import harness
import judge
import zones
from crowd import Question

UPSTREAM = 0.4  # seconds that each question to the authority takes

EVIL = zones.EVIL + """
*.nsa A 127.0.0.1
*.v4 A 203.0.113.70
"""

KEY = zones.Key(0x9e4e)
ANCHORS = [zones.ANCHOR, "pure.test. DS " + KEY.ds("pure.test.")]
PURE = zones.HEAD.format(origin="pure.test.") + """
@ A 192.0.2.80
good A 192.0.2.81
*.sin A 203.0.113.50
hop0 CNAME www.evil.test.
hop1 CNAME hop0
hop2 CNAME hop1
hop3 CNAME hop2
tosin CNAME a.sin
tov4 CNAME x.v4.evil.test.
d DNAME wild.evil.test.
"""
PRE = zones.HEAD.format(origin="pre.test.") + "".join(
    "p%d 10 A 203.0.113.%d\nalias%d 10 CNAME p%d\n" % (n, 80 + n, n, n) for n in range(4))
GOODNS = ["goodns%d.test." % n for n in range(4)]

LISTED = zones.SUBTREES + "exact.test\nsin.pure.test\n"
SINKHOLE = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA)
POLICIES = {1: SINKHOLE, 4: judge.Policy("nxdomain", ttl=10)}
NO_AAAA = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A)

# What minimisation asks on the way is asked at once, too: names at several depths.
MIX = [Question("n%d.wild.evil.test" % n) for n in range(14)]
MIX += [Question("s%d.sin.pure.test" % n) for n in range(8)]
MIX += [Question(qname) for qname in """
    www.evil.test evil.test a.b.c.d.evil.test exact.test bad.signed.test x.badtree.signed.test
    bad.sub.signed.test bad.insec.signed.test x.bad.signed.test""".split()]
MIX += [Question("hop%d.pure.test" % n, "A", True, "evil.test") for n in range(4)]
MIX += [Question("hop0.pure.test", qtype, True, "evil.test") for qtype in ("TXT", "CNAME")]
MIX += [Question("x.d.pure.test", "A", True, "evil.test"),
        Question("tosin.pure.test", "A", True, "sin.pure.test"), Question("www.evil.test", "TXT"),
        Question("n0.wild.evil.test", "AAAA"), Question("nonesuch.evil.test", "AAAA")]
MIX += [Question(qname, "A", False) for qname in """
    www.clean.test alias2.clean.test nowhere.clean.test dangling.clean.test good.signed.test
    alias.signed.test any.wild.signed.test nx.signed.test broken.signed.test evil-too.test
    good.evil.test good.badtree.signed.test pure.test good.pure.test""".split()]

LOCAL = """
local-zone: "alias.local.test." redirect
local-data: "alias.local.test. 77 CNAME www.evil.test."
"""
DNS64 = "dynlib dns64 validator iterator"
PREFIX64 = bytes.fromhex("0064ff9b0000000000000000")
SINKS64 = [PREFIX64 + bytes(int(part) for part in a.split(".")) for a in zones.SINK_A]


class World:
    """One authority, a relay for each resolver, and lists."""

    def __init__(self, lab):
        self.lab = lab
        world = dict(zones.all_of_it(), **{
            "evil.test.": EVIL, "pre.test.": PRE,
            "pure.test.": zones.sign(PURE, "pure.test.", KEY).to_text(relativize=False)})
        for origin in GOODNS:
            world[origin] = zones.HEAD.format(origin=origin) + "www A 192.0.2.90\n"
        self.nsd = lab.nsd(world)
        self.plain_relay = self.relay()

    def relay(self):
        relay = self.lab.relay(self.nsd)
        relay.zones = [zone for zone in relay.zones if zone not in GOODNS]
        return relay

    def store(self, policy, more=""):
        store = self.lab.store()
        self.publish(store, policy, more)()
        return store

    def publish(self, store, policy, more):
        return store.prepare(LISTED + more, ("domains", zones.ALLOWED, "allow"),
                             options=crowd.options(self.lab, policy))

    def plain(self, tail="", server="", **options):
        return self.lab.unbound(self.plain_relay, anchors=ANCHORS, tail=tail,
                                server=crowd.SERVER + server, **options)

    def ours(self, relay, store, server="", **options):
        ours = self.lab.unbound(relay, store, server=crowd.SERVER + server, anchors=ANCHORS,
                                **options)
        for zone in relay.zones:  # it shall know how long each zone's server takes
            ours.ask("warm." + zone.lstrip("."), "TXT", source=crowd.EXEMPT, cd=True)
        return ours


def servers(relay):
    """A good domain each, served by a listed name server."""
    return "".join('stub-zone:\n\tname: "%s"\n\tstub-host: ns%d.nsa.evil.test@%d\n' % (
        zone, number, relay.port) for number, zone in enumerate(GOODNS))


def one_instant(tap, world, plain, threads):
    policy = POLICIES[threads]
    relay = world.relay()
    ours = world.ours(relay, world.store(policy), threads=threads)
    what = "%d thread(s), %s" % (threads, policy.action)
    relay.delay = UPSTREAM
    crowd.Crowd(ours, MIX).ask().verdicts(tap, policy, plain, what)
    relay.forget()
    crowd.Crowd(ours, MIX, seed=4).ask().verdicts(tap, policy, plain, what + ", once more")
    relay.delay = 0.0
    listed = [q.qname for q in MIX if q.listed]
    own = ["n%d.wild.evil.test" % n for n in range(14)] + ["www.evil.test", "exact.test"]
    tap.none(crowd.cached(ours, listed, own), "%s: nothing of it is in Unbound's cache" % what)
    asked = [(str(name), kind) for name, kind in relay.seen
             if kind == "A" and str(name).rstrip(".") in listed]
    # By thread, a state that ended with another's: at most what is asked with CD, and without.
    tap.none(sorted(set(a for a in asked if asked.count(a) > 2 * threads)),
             "%s: the second time no listed name was resolved again and again" % what)


def with_prefetch(tap, world, plain):
    """The names are listed while Unbound renews them: the state that clients join began when they
    were good."""
    relay, store = world.relay(), world.store(SINKHOLE)
    ours = world.ours(relay, store, server="prefetch: yes")
    publish = world.publish(store, SINKHOLE, "pre.test\n")
    names = ["%s%d.pre.test" % (kind, n) for n in range(4) for kind in ("p", "alias")]
    began = time.monotonic()
    for qname in names:
        ours.ask(qname)
    time.sleep(max(0.0, began + 9.1 - time.monotonic()))
    relay.forget()
    relay.delay = 3.0
    renewed = time.monotonic()
    for qname in names:
        ours.ask(qname)
    harness.wait_until(lambda: relay.asked_below("pre.test"), 1)
    tap.ok(relay.asked_below("pre.test"), "prefetch: it is under way", relay.seen)
    serial = store.serial()
    publish()
    harness.wait_until(lambda: ours.said("generation %d in use" % (serial + 1)), 5)
    time.sleep(0.8)
    people = crowd.Crowd(ours, [Question(qname) for qname in names]).start()
    tap.ok(time.monotonic() - renewed < relay.delay, "prefetch: all asked before it ended")
    people.wait()
    people.verdicts(tap, SINKHOLE, plain, "joined to a prefetch")
    relay.delay = 0.0
    tap.none(crowd.cached(ours, ["pre.test"], names),
             "joined to a prefetch: nothing stays in the cache")
    people = crowd.Crowd(ours, [Question(qname) for qname in names], seed=5).ask()
    people.verdicts(tap, SINKHOLE, plain, "after the prefetch")


def with_internal_queries(tap, world):
    relay = world.relay()
    plain = world.plain(tail=servers(world.plain_relay))
    questions = [Question("www." + zone.rstrip("."), "A", False) for zone in GOODNS]
    questions += [Question("ns%d.nsa.evil.test" % n) for n in range(4)]
    for threads, policy in POLICIES.items():
        ours = world.ours(relay, world.store(policy), tail=servers(relay), threads=threads)
        what = "joined to internal queries, %d thread(s)" % threads
        relay.delay = UPSTREAM
        crowd.Crowd(ours, questions).ask().verdicts(tap, policy, plain, what)
        relay.delay = 0.0
        people = crowd.Crowd(ours, questions, seed=6).ask()
        people.verdicts(tap, policy, plain, what + ", after")


def with_dns64(tap, world):
    plain = world.plain(modules=DNS64)
    questions = [Question("%s.v4.evil.test" % n, qtype) for n in "abcd" for qtype in ("A", "AAAA")]
    questions += [Question("www.evil.test", "AAAA"), Question("www.clean.test", "AAAA", False),
                  Question("notevil.test", "AAAA", False), Question("mail.clean.test", "A", False)]
    questions += [Question("tov4.pure.test", qtype, True, "evil.test") for qtype in ("A", "AAAA")]
    for policy in (SINKHOLE, NO_AAAA):
        relay = world.relay()
        ours = world.ours(relay, world.store(policy), modules=DNS64)
        what = "DNS64, %d sinkhole AAAA" % len(policy.sets["AAAA"])
        for delay, seed in ((UPSTREAM, 7), (0.0, 8)):
            relay.delay = delay
            people = crowd.Crowd(ours, questions, seed=seed).ask()
            people.verdicts(tap, policy, plain, what)
            tap.none([answer for exempt in (True, False) for _, answer in people.heard(exempt)
                      if answer and any(sink in answer.wire for sink in SINKS64)],
                     "%s: no sinkhole address in anybody's DNS64 answer" % what)
        answer = ours.ask("a.v4.evil.test", "AAAA", source=crowd.EXEMPT)
        tap.same(answer.addresses(), ["64:ff9b::cb00:7146"],
                 "%s: an exempt client's is made from the real address" % what)


def with_local_aliases(tap, world):
    plain = world.plain(server=LOCAL)
    relay = world.relay()
    ours = world.ours(relay, world.store(SINKHOLE), server=LOCAL)
    relay.delay = UPSTREAM
    people = crowd.Crowd(ours, [Question("x%d.alias.local.test" % n) for n in range(4)]).ask()
    tap.none(people.lost(), "local alias: no question is lost")
    tap.none(people.exempt_faults(plain), "local alias: exempt clients get where it leads to")
    found = []
    for question, answer in people.heard(False):
        alias = "%s. in cname www.evil.test." % question.qname
        if answer and not (alias in [line.lower() for line in answer.data()] and
                           answer.addresses() == zones.SINK_A and not zones.leaks(answer) and
                           not answer.has("AD") and answer.edes in ([15], [])):
            found.append(answer)
    tap.none(found, "local alias: blocked clients get the alias and the block")


def main(tap, lab):
    world = World(lab)
    plain = world.plain()
    for threads in POLICIES:
        one_instant(tap, world, plain, threads)
    with_internal_queries(tap, world)
    with_dns64(tap, world)
    with_local_aliases(tap, world)
    with_prefetch(tap, world, plain)


if __name__ == "__main__":
    harness.run(main)
