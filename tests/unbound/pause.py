#!/usr/bin/python3
"""Filtering is paused, and comes back: by `resume`, and by itself at the second that was said, with no tool at work, on
every thread, and over what was cached meanwhile. Nothing else that is published takes a pause back."""
import datetime
import sys
import time

sys.dont_write_bytecode = True

import harness
import zones

BOUND = 0.1  # seconds from the tool's return to every new query; the promise of unbound-sinkhole(7)
SLOW = 10 if harness.SANITIZED else 1
LISTED = "".join(name + "\n" for name in (zones.PROBE, "evil.test", "www.clean.test"))
BLOCKED = ("www.evil.test", "alias.clean.test")  # the latter leads to what is listed
POLICY = "policy:\n  - {rule: all, match: {}, action: refused}\n"


def until_of(store):
    """The second at which the published pause is over."""
    text = store.manifest()["paused-until"]
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()


def codes(resolvers, qname, times=8):
    """What clients get; so often that every thread is asked."""
    return {resolver.ask(qname).rcode for resolver in resolvers for _ in range(times)}


def turns(tap, resolvers, act, blocks, what):
    """Within the bound every query that begins is treated so."""
    act()
    begun = time.monotonic()
    seen = [harness.wait_until(lambda r=r: r.blocks(zones.PROBE) == blocks, 5) for r in resolvers]
    took = time.monotonic() - begun
    tap.ok(all(seen) and took < BOUND * SLOW * len(resolvers), what, "%.3f s, %r" % (took, seen))


def enforced(tap, resolvers, store, what):
    """Nothing old is left in the caches."""
    tap.ok(all(harness.wait_until(lambda r=r: r.enforced(store.serial()), 10) for r in resolvers),
           "%s: the caches are walked through" % what)


def hears(tap, resolvers, pattern, count, what):
    """So many lines of each resolver's log say so."""
    for resolver in resolvers:
        harness.wait_until(lambda r=resolver: len(r.said(pattern)) >= count, 5)
        tap.same(len(resolver.said(pattern)), count, what)


def pauses(tap, resolvers, store, qname):
    tap.same(codes(resolvers, qname), {"NXDOMAIN"}, "%s is blocked" % qname)
    turns(tap, resolvers, lambda: store.run("pause", "--reason", "a test"), False,
          "paused: within %.1f s nothing is blocked" % BOUND)
    tap.same(codes(resolvers, qname), {"NOERROR"}, "%s gets its real answer" % qname)
    hears(tap, resolvers, "filtering is paused until 'sinkhole resume'", 1, "one line says that it is paused")


def caches(tap, resolvers, relay, qname):
    """The real answer is cached like any other."""
    codes(resolvers, qname)
    relay.forget()
    codes(resolvers, qname)
    tap.same(relay.asked_below("evil.test"), [], "the real answer comes from the cache")


def stays(tap, lab, resolvers, store):
    """What else is published."""
    for what, act in (("compile", store.prepare(LISTED)),
                      ("apply", lambda: store.run("apply", "--policy", lab.write("refuse.yaml", POLICY))),
                      ("rollback", lambda: store.run("rollback", "1"))):
        act()
        serial = store.serial()
        tap.ok(all(harness.wait_until(lambda r=r: r.said("generation %d in use" % serial), 5) for r in resolvers),
               "%s: in use" % what)
        tap.same(codes(resolvers, "www.evil.test"), {"NOERROR"}, "... and still nothing is blocked")


def resumes(tap, resolvers, store):
    turns(tap, resolvers, lambda: store.run("resume"), True, "resumed: within %.1f s names are blocked" % BOUND)
    enforced(tap, resolvers, store, "resumed")
    for qname in BLOCKED:
        tap.same(codes(resolvers, qname), {"NXDOMAIN"}, "%s, which was cached, is blocked again" % qname)
    hears(tap, resolvers, "filtering is back", 1, "one line says that filtering is back")


def ends(tap, resolvers, store):
    """By itself."""
    store.run("pause", "--for", "4s")
    until = until_of(store)
    for qname in BLOCKED:
        tap.same(codes(resolvers, qname), {"NOERROR"}, "for a time: %s gets its real answer, which is cached" % qname)
    early = []
    while time.time() < until - 0.3:
        early += [resolver.dir for resolver in resolvers if resolver.blocks(zones.PROBE)]
        time.sleep(0.02)
    tap.none(early, "nothing is blocked before the end")
    # Workers go by the second, of which Unbound takes notice when an event wakes it.
    time.sleep(max(0.0, until + 0.05 - time.time()))
    seen = [harness.wait_until(lambda r=r: r.blocks(zones.PROBE), 5) for r in resolvers]
    took = time.time() - until
    tap.note("names are blocked %.3f s after the end at most" % took)
    tap.ok(all(seen) and took < 1.0 * SLOW, "within a second of the end names are blocked", "%.3f s, %r" % (took, seen))
    time.sleep(max(0.0, until + 1.0 * SLOW - time.time()))
    for qname in BLOCKED:
        tap.same(codes(resolvers, qname, 16), {"NXDOMAIN"},
                 "a second after the end %s is blocked, by every thread" % qname)
    hears(tap, resolvers, "filtering is back", 2, "and a line says so")


def starts(tap, resolvers, store):
    """A resolver that starts during a pause takes it as it is."""
    store.run("pause", "--for", "%ds" % (6 * SLOW))
    until = until_of(store)
    tap.none([fault for resolver in resolvers for fault in resolver.stop()], "the resolvers stop")
    for resolver in resolvers:
        resolver.start()
    if time.time() < until - 1:
        tap.same(codes(resolvers, "www.evil.test"), {"NOERROR"}, "started during a pause: nothing is blocked")
    else:
        tap.skip("started during a pause: nothing is blocked", "the start took too long")
    time.sleep(max(0.0, until + 1.0 * SLOW - time.time()))
    tap.same(codes(resolvers, "www.evil.test"), {"NXDOMAIN"}, "and after its end it is")


def main(tap, lab):
    nsd = lab.nsd(zones.plain())
    relay = lab.relay(nsd)
    store = lab.store()
    store.compile(LISTED)
    resolvers = [lab.unbound(relay, store, threads=threads) for threads in (1, 2)]
    for resolver in resolvers:
        tap.ok(resolver.enforces(), "a resolver enforces the list")
    for qname in BLOCKED:
        tap.same(codes(resolvers, qname), {"NXDOMAIN"}, "%s is blocked" % qname)
    pauses(tap, resolvers, store, BLOCKED[0])
    caches(tap, resolvers, relay, BLOCKED[0])
    tap.same(codes(resolvers, BLOCKED[1]), {"NOERROR"}, "so does an alias")
    stays(tap, lab, resolvers, store)
    resumes(tap, resolvers, store)
    ends(tap, resolvers, store)
    starts(tap, resolvers, store)


if __name__ == "__main__":
    harness.run(main)
