#!/usr/bin/python3
"""A group of clients that is not filtered: the real answers about listed names are kept apart from Unbound's
cache, and the authority is asked once per TTL."""
import sys
import time

sys.dont_write_bytecode = True

import crowd
import harness
import judge
import zones

TTL = 5  # seconds, of what is asked many times
TIMES = 50
SPREAD = 2.0  # seconds over which they are asked

EVIL = zones.EVIL + """
brief 5 A 203.0.113.60
target 5 A 203.0.113.61
slow 5 A 203.0.113.62
"""
CLEAN = zones.CLEAN + """
alias-to-evil 5 CNAME target.evil.test.
slow-to-evil CNAME slow.evil.test.
"""
KEY = zones.Key(0x9e4f)
ANCHOR = "bogus.test. DS " + KEY.ds("bogus.test.")
BOGUS = zones.HEAD.format(origin="bogus.test.") + """
bad1.sin A 203.0.113.71
bad2.sin A 203.0.113.72
fine.sin A 203.0.113.73
"""

SOA = "evil.test. IN SOA leaked-ns.evil.test. leaked-admin.evil.test. 1 3600 600 86400 60"
POLICY = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA)

# What is asked, where it leads, what it holds, and the entry that decides for others.
ASKED = [("brief.evil.test", ["brief.evil.test"], "203.0.113.60", None),
         ("alias-to-evil.clean.test", ["alias-to-evil.clean.test", "target.evil.test"],
          "203.0.113.61", "evil.test")]


def world():
    zone = zones.sign(BOGUS, "bogus.test.", KEY)
    for owner in ("bad1.sin.bogus.test.", "bad2.sin.bogus.test."):
        zones.damage(zone, owner, "A")
    return dict(zones.plain(), **{"evil.test.": EVIL, "clean.test.": CLEAN,
                                  "bogus.test.": zone.to_text(relativize=False)})


def publish(lab, store, exempt):
    store.compile(zones.SUBTREES + "sin.bogus.test\n", ("domains", zones.ALLOWED, "allow"),
                  options=crowd.options(lab, POLICY, exempt))


def a_question(relay, qname):
    return relay.seen.count((harness.name(qname), "A"))


def many_times(tap, ours, relay, threads):
    """Exempt and blocked clients in turn, over less than the TTL."""
    what = "%d thread(s)" % threads
    real, blocked = {qname: [] for qname, *_ in ASKED}, []
    relay.forget()
    began = time.monotonic()
    for number in range(TIMES):
        for qname, _, _, owner in ASKED:
            real[qname].append(ours.ask(qname, source=crowd.EXEMPT, tcp=number % 5 == 4))
            if number % 5 == 0:
                answer = ours.ask(qname, source=crowd.BLOCKED, edns=0)
                blocked += judge.faults(POLICY, answer, owner=owner)
        time.sleep(SPREAD / TIMES)
    tap.ok(time.monotonic() - began < TTL, "%s: all was asked within one TTL" % what)
    tap.none(blocked, "%s: blocked clients get the block meanwhile" % what)
    for qname, path, address, _ in ASKED:
        tap.none([a for a in real[qname] if a.addresses() != [address] or a.edes],
                 "%s: %s, asked %d times by an exempt client, shows its data" % (
                     what, qname, TIMES))
        ttls = [min(rrset.ttl for rrset in a.message.answer) for a in real[qname] if
                a.message.answer]
        tap.ok(ttls == sorted(ttls, reverse=True) and max(ttls) <= TTL and
               TTL - 4 <= min(ttls) < TTL, "%s: %s, its TTL counts down" % (what, qname), ttls)
        for step in path:
            tap.same(a_question(relay, step), 1, "%s: the authority was asked once for %s" % (
                what, step))
    return began


def next_ttl(tap, ours, relay, began, threads):
    what = "%d thread(s)" % threads
    time.sleep(max(0.0, began + TTL + 1.1 - time.monotonic()))
    relay.forget()
    for qname, _, address, _ in ASKED * 3:
        answer = ours.ask(qname, source=crowd.EXEMPT)
        tap.ok(answer.addresses() == [address] and answer.message.answer[0].ttl > TTL - 3,
               "%s: %s after its TTL is fresh" % (what, qname), answer)
    for _, path, _, _ in ASKED:
        for step in path:
            tap.same(a_question(relay, step), 1, "%s: %s was asked once more" % (what, step))


def negative(tap, ours, relay):
    """Answers without data are answers, too."""
    relay.forget()
    seen = set()
    for _ in range(10):
        for qname, qtype in (("brief.evil.test", "TXT"), ("nonesuch.evil.test", "A")):
            answer = ours.ask(qname, qtype, source=crowd.EXEMPT, edns=0)
            seen.add((answer.rcode, tuple(answer.edes), tuple(answer.data("authority"))))
    tap.same(seen, {("NOERROR", (), (SOA,)), ("NXDOMAIN", (), (SOA,))},
             "NODATA and NXDOMAIN of listed names, for an exempt client")
    tap.same([relay.seen.count((harness.name("brief.evil.test"), "TXT")),
              a_question(relay, "nonesuch.evil.test")], [1, 1],
             "... and the authority was asked once for each")
    tap.none(judge.faults(POLICY, ours.ask("nonesuch.evil.test", source=crowd.BLOCKED, edns=0)),
             "... and blocked clients get the block")


def checking_disabled(tap, ours):
    """Bogus data is for those who set CD, whoever asks first; and blocked for the others."""
    for first, second in ((True, False), (False, True)):
        qname = "bad%d.sin.bogus.test" % (1 + first)
        for cd in (first, second, first, second):
            answer = ours.ask(qname, source=crowd.EXEMPT, cd=cd, do=True)
            right = answer.addresses() == ["203.0.113.7%d" % (1 + first)] if cd else \
                answer.rcode == "SERVFAIL"
            tap.ok(right and not answer.has("AD"),
                   "bogus listed data for an exempt client, CD=%d, CD=%d first" % (cd, first),
                   answer)
            tap.none(judge.faults(POLICY, ours.ask(qname, source=crowd.BLOCKED, cd=cd, do=True)),
                     "... and the block for a blocked one")
    answer = ours.ask("fine.sin.bogus.test", source=crowd.EXEMPT, do=True)
    tap.ok(answer.addresses() == ["203.0.113.73"] and
           any(" RRSIG A " in line for line in answer.data()),
           "signed listed data keeps its signature for an exempt client", answer)


def other_flags(tap, plain, ours):
    """The private answer is as good as Unbound's own, with every mix of DO, AD and CD."""
    found = []
    for qname in ("www.evil.test", "slow-to-evil.clean.test", "fine.sin.bogus.test"):
        for qtype in ("A", "TXT", "AAAA", "CNAME", "MX"):
            for bits in range(16):
                answer = ours.ask(qname, qtype, source=crowd.EXEMPT, tcp=True, do=bool(bits & 1),
                                  cd=bool(bits & 2), ad=bool(bits & 4))
                found += crowd.unspoilt(plain, answer, ad_may_miss=True)
    tap.none(found, "an exempt client's answers are those of plain Unbound")


def sense(tap, lab, relay):
    """A bare address is a host; the last bit of a prefix counts; other families do not match."""
    store = lab.store()
    publish(lab, store, ["127.0.4.4", "127.0.5.128/25", "::/1"])
    ours = lab.unbound(relay, store)
    for source, exempt in (("127.0.4.4", True), ("127.0.4.5", False), ("127.0.5.127", False),
                           ("127.0.5.128", True), ("127.0.5.255", True), ("127.0.6.0", False),
                           ("127.0.0.1", False)):
        answer = ours.ask("www.evil.test", source=source, edns=0)
        tap.ok((15 not in answer.edes) == exempt and
               (answer.addresses() == ["203.0.113.1"]) == exempt,
               "%s is %s" % (source, "exempt" if exempt else "not exempt"), answer)


def main(tap, lab):
    nsd = lab.nsd(world())
    plain = lab.unbound(lab.relay(nsd), anchors=[ANCHOR])
    store = lab.store()
    publish(lab, store, crowd.EXEMPT_CLIENTS)
    for threads in (1, 4):
        relay = lab.relay(nsd)
        ours = lab.unbound(relay, store, anchors=[ANCHOR], threads=threads)
        began = many_times(tap, ours, relay, threads)
        tap.none(crowd.cached(ours, ["evil.test", "alias-to-evil.clean.test"],
                                    ["brief.evil.test", "target.evil.test"]),
                 "%d thread(s): nothing of it is in Unbound's cache" % threads)
        next_ttl(tap, ours, relay, began, threads)
        negative(tap, ours, relay)
        checking_disabled(tap, ours)
        other_flags(tap, plain, ours)
        tap.none(crowd.cached(ours, ["evil.test", "sin.bogus.test", "slow-to-evil.clean.test"],
                                    ["slow.evil.test", "www.evil.test"]),
                 "%d thread(s): still nothing of it in Unbound's cache" % threads)
    sense(tap, lab, lab.relay(nsd))


if __name__ == "__main__":
    harness.run(main)
