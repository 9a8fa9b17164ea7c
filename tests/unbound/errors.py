#!/usr/bin/python3
"""Where the upstream fails: dead servers, servers that answer with an error, data that does not
validate. Who is blocked gets the block, not SERVFAIL; nobody else gets anything but the failure."""
import sys
import time

sys.dont_write_bytecode = True

import crowd
import harness
import judge
import zones
from crowd import Question

POLICY = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA)
LISTED = zones.SUBTREES + "sin.bogus.test\n"
LATER = LISTED + "lost.test\n"

# How an authority can fail: an error code, or none for silence.
WAYS = {"silence": None, "SERVFAIL": 2, "NOTIMP": 4, "REFUSED": 5}

# Unbound shall give up soon.
SERVER = """
so-rcvbuf: 4m
incoming-num-tcp: 200
outbound-msg-retry: 1
infra-cache-max-rtt: 1000
val-max-restart: 0
"""
EXPIRED = {
    "timer 300 ms": "serve-expired: yes\nserve-expired-ttl: 0\nserve-expired-client-timeout: 300\n",
    "timer 300 ms, ttl 86400": "serve-expired: yes\nserve-expired-ttl: 86400\n"
                               "serve-expired-client-timeout: 300\n",
    "at once": "serve-expired: yes\nserve-expired-ttl: 86400\nserve-expired-client-timeout: 0\n",
}
GIVE_UP = 15  # seconds

# Listed, and not listed: zones whose servers fail. Aliases to both in a zone that lives.
LOST = zones.BAD_HEAD.format(origin="lost.test.") + "* 2 A 203.0.113.90\n"
GONE = zones.HEAD.format(origin="gone.test.") + "* 2 A 192.0.2.95\n"
CLEAN = zones.CLEAN + "".join("""
lost{0} 2 CNAME t{0}.lost.test.
lost-hop{0} 2 CNAME lost{0}
gone{0} 2 CNAME t{0}.gone.test.
""".format(n) for n in range(4))
KEY = zones.Key(0xb095)
ANCHOR = "bogus.test. DS " + KEY.ds("bogus.test.")
BOGUS = zones.HEAD.format(origin="bogus.test.") + """
*.sin A 203.0.113.91
forged0 CNAME www.evil.test.
forged1 CNAME www.evil.test.
forged2 CNAME forged1
"""


def world():
    zone = zones.sign(BOGUS, "bogus.test.", KEY)
    zones.damage(zone, "*.sin.bogus.test.", "A")
    for number in range(3):
        zones.damage(zone, "forged%d.bogus.test." % number, "CNAME")
    return dict(zones.plain(), **{"lost.test.": LOST, "gone.test.": GONE, "clean.test.": CLEAN,
                                  "bogus.test.": zone.to_text(relativize=False)})


class Court:
    def __init__(self, lab):
        self.lab = lab
        self.nsd = lab.nsd(world())

    def pair(self, lists, **options):
        """A relay and a resolver of each kind; the store."""
        store = self.lab.store()
        self.publish(store, lists)
        server = SERVER + options.pop("server", "")
        relays = [self.lab.relay(self.nsd) for _ in range(2)]
        plain = self.lab.unbound(relays[0], server=server, anchors=[ANCHOR], **options)
        ours = self.lab.unbound(relays[1], store, server=server, anchors=[ANCHOR],
                                **options)
        return relays, plain, ours, store

    def publish(self, store, lists):
        store.compile(lists, ("domains", zones.ALLOWED, "allow"),
                      options=crowd.options(self.lab, POLICY))


def fail(relays, way):
    for relay in relays:
        zones_hit = relay.dead if WAYS[way] is None else relay.failing
        zones_hit.update({"lost.test", "gone.test"})
        relay.error = WAYS[way]


def block_faults(resolver, qname, qtype="A", owner=None, **flags):
    answer = resolver.ask(qname, qtype, source=crowd.BLOCKED, timeout=GIVE_UP, **flags)
    return judge.faults(POLICY, answer, qtype, owner)


def failed(answer):
    """SERVFAIL, and nothing of ours in it. (Unbound itself may leave a CNAME in there.)"""
    return answer.rcode == "SERVFAIL" and not answer.edes and not answer.addresses()


def blocked_at_once(tap, relay, ours, way):
    relay.forget()
    found = []
    for qtype in ("A", "AAAA", "TXT", "HTTPS", "ANY"):
        for tcp in (False, True):
            found += block_faults(ours, "www.lost.test", qtype, tcp=tcp, edns=0)
    tap.none(found, "%s: a listed name is blocked" % way)
    tap.same(relay.asked_below("lost.test"), [], "%s: ... and its servers are not asked" % way)


def mixed(tap, relay, ours, way, threads):
    """Exempt clients ask first; blocked ones join what they began, or come when it has failed."""
    names = ["m%d.lost.test" % n for n in range(6)]
    relay.forget()
    relay.delay = 0.5
    first = crowd.Crowd(ours, [Question(n) for n in names], 20, nets=[crowd.EXEMPT_NET]).start()
    harness.wait_until(lambda: len(relay.asked_below("lost.test")) >= len(names), 2)
    second = crowd.Crowd(ours, [Question(n) for n in names], 20, nets=[crowd.BLOCKED_NET]).start()
    first.wait()
    second.wait()
    relay.delay = 0.0
    what = "%s, %d thread(s)" % (way, threads)
    tap.none(first.lost() + second.lost(), "%s: every client has an answer" % what)
    tap.none([a for _, a in first.heard(True) if a and not failed(a)],
             "%s: exempt clients that asked first get SERVFAIL" % what)
    tap.none(second.blocked_faults(POLICY), "%s: blocked clients that joined get the block" % what)


def aliases(tap, relay, ours, way):
    for number, who in ((0, "blocked"), (1, "exempt"), (2, "blocked")):
        if who == "exempt":  # first, so that the failure is known
            answer = ours.ask("lost-hop1.clean.test", source=crowd.EXEMPT, timeout=GIVE_UP, edns=0)
            tap.ok(failed(answer), "%s: an alias of a listed name is SERVFAIL to the exempt" % way,
                   answer)
        qnames = ["lost%d.clean.test" % number, "lost-hop%d.clean.test" % number]
        for qname in qnames[::1 if number else -1]:
            for qtype in ("A", "TXT"):
                tap.none(block_faults(ours, qname, qtype, "lost.test", edns=0),
                         "%s: %s %s is blocked, not SERVFAIL" % (way, qname, qtype))
    relay.settle()
    relay.forget()
    found = [fault for _ in range(20)
             for fault in block_faults(ours, "lost0.clean.test", "A", "lost.test", edns=0)]
    tap.none(found, "%s: an alias asked 20 times is blocked 20 times" % way)
    tap.same(relay.asked_below("lost.test"), [], "%s: ... and the dead are not asked again" % way)


def strangers(tap, plain, ours, way):
    """What is not listed fails as without us."""
    found = []
    for qname in ("www.gone.test", "gone0.clean.test", "gone1.clean.test"):
        for source in (crowd.BLOCKED, crowd.EXEMPT):
            without, answer = [r.ask(qname, source=source, timeout=GIVE_UP, edns=0)
                               for r in (plain, ours)]
            found += judge.same(without, answer)
            found += [] if failed(answer) else [answer]
    tap.none(found, "%s: what is not listed is SERVFAIL, as without us" % way)


def stale(tap, court, how):
    """Cached while it was good, then listed, then its servers die, then it expires."""
    relays, plain, ours, store = court.pair(LISTED, server=EXPIRED[how])
    names = ["www.lost.test", "lost3.clean.test", "lost-hop3.clean.test"]
    good = ["www.gone.test", "gone3.clean.test"]
    for resolver in (plain, ours):
        for qname in names + good:
            resolver.ask(qname, source=crowd.BLOCKED)
    fail(relays, "silence")
    court.publish(store, LATER)
    tap.ok(ours.enforces("lost.test"), "expired, %s: the name is listed" % how)
    time.sleep(3.1)
    for number in range(3):  # the first one finds out that the servers are dead
        found = block_faults(ours, names[0], edns=0)
        for qname in names[1:]:
            found += block_faults(ours, qname, "A", "lost.test", edns=0)
        tap.none(found, "expired, %s: what was listed since is blocked, time %d" % (how, number))
        answers = [ours.ask(q, source=crowd.EXEMPT, timeout=GIVE_UP, edns=0) for q in names]
        tap.none([a for a in answers if 15 in a.edes or set(a.addresses()) & set(zones.SINK_A)],
                 "expired, %s: exempt clients get no block" % how)
    found = []
    for qname in good:
        without, answer = [r.ask(qname, source=crowd.BLOCKED, timeout=GIVE_UP, edns=0)
                           for r in (plain, ours)]
        found += judge.same(without, answer)
        found += [] if answer.addresses() == ["192.0.2.95"] else [answer]
    tap.none(found, "expired, %s: what is not listed is served expired, as without us" % how)


def forged(tap, plain, ours):
    """A CNAME that does not validate is nobody's reason for anything but SERVFAIL."""
    for number, first in ((0, False), (1, True), (2, False)):
        qname = "forged%d.bogus.test" % number
        for cd in (first, not first, first, not first):
            for do in (False, True):
                answer = ours.ask(qname, source=crowd.BLOCKED, cd=cd, do=do, edns=0)
                faults = judge.faults(POLICY, answer, "A", "evil.test") if cd else \
                    judge.same(plain.ask(qname, cd=cd, do=do, edns=0), answer)
                tap.none(faults, "bogus alias %s, CD=%d DO=%d: %s" % (
                    qname, cd, do, "blocked" if cd else "SERVFAIL, as without us"))
                answer = ours.ask(qname, source=crowd.EXEMPT, cd=cd, do=do, edns=0)
                tap.none(crowd.unspoilt(plain, answer), "... for the exempt as without us")


def bogus_and_listed(tap, court, threads):
    (_, relay), plain, ours, _ = court.pair(
        LISTED, threads=threads, server=crowd.SERVER + "outbound-msg-retry: 5\n")
    relay.delay = 0.3
    people = crowd.Crowd(ours, [Question("b%d.sin.bogus.test" % n) for n in range(6)], 40).ask()
    people.verdicts(tap, POLICY, plain, "listed and bogus, %d thread(s)" % threads)
    tap.ok(any(a.rcode == "SERVFAIL" for _, a in people.heard(True)) and
           any(a.addresses() == ["203.0.113.91"] for _, a in people.heard(True)),
           "... exempt clients got SERVFAIL, or the data with CD")


def main(tap, lab):
    court = Court(lab)
    for number, way in enumerate(WAYS):
        threads = 4 if number == 1 else 1
        relays, plain, ours, _ = court.pair(LATER, threads=threads)
        fail(relays, way)
        blocked_at_once(tap, relays[1], ours, way)
        mixed(tap, relays[1], ours, way, threads)
        aliases(tap, relays[1], ours, way)
        strangers(tap, plain, ours, way)
        if way == "silence":
            forged(tap, plain, ours)
    for threads in (1, 4):
        bogus_and_listed(tap, court, threads)
    for how in EXPIRED:
        stale(tap, court, how)


if __name__ == "__main__":
    harness.run(main)
