#!/usr/bin/python3
"""Seconds that come while nobody asks anything and no tool runs: what Unbound has cached from before gives way all the same. A
schedule goes on, and off again; entries begin and end to be valid, one by one for a while, and that of an allow list ends."""
import datetime
import sys
import time

sys.dont_write_bytecode = True

import harness
import zones

POLICY = """
policy:
  - {{rule: lessons, match: {{source: games}}, schedule: {{hours: "{from_}-{to}", zone: UTC}}, action: nxdomain}}
  - {{rule: free, match: {{source: games}}, action: pass}}
  - {{rule: rest, match: {{}}, action: nxdomain}}
"""
LET_PASS = """
policy:
  - {rule: trial, match: {source: trial}, action: pass}
  - {rule: rest, match: {}, action: nxdomain}
"""
SAID = "entries begin or end to be valid"
AHEAD = 25  # seconds, in which all cases can be made ready, less than what does not exist is remembered for
ROUNDS = 8  # for as many questions as make every worker answer


def wait_until(second):
    time.sleep(max(0.0, second - time.time()))


class Crowd:
    """Resolvers with one worker and with several."""

    def __init__(self, tap, resolvers):
        self.tap, self.resolvers = tap, resolvers

    def codes(self, qname):
        return {resolver.ask(qname).rcode for resolver in self.resolvers for _ in range(ROUNDS)}

    def edes(self, qname):
        return {next(iter(resolver.ask(qname, edns=0).edes), None) for resolver in self.resolvers
                for _ in range(ROUNDS)}

    def all_get(self, qname, code, what):
        self.tap.same(self.codes(qname), {code}, what)


def schedules(tap, lab, nsd):
    store = lab.store()
    now = datetime.datetime.now(datetime.timezone.utc)
    edge = (now + datetime.timedelta(seconds=20)).replace(second=0, microsecond=0) + datetime.timedelta(minutes=1)
    end = edge + datetime.timedelta(minutes=1)
    store.compile(zones.PROBE + "\n", ("domains", "www.clean.test\nalias.clean.test\n", "source=games"),
                  options=["-c", lab.write("edges.yaml", POLICY.format(
                      from_=edge.strftime("%H:%M"), to=end.strftime("%H:%M")))])
    resolvers = [lab.unbound(nsd, store, threads=threads) for threads in (1, 3)]
    crowd = Crowd(tap, resolvers)
    for qname in ("www.clean.test", "alias.clean.test"):
        crowd.all_get(qname, "NOERROR", "%s is answered, and cached" % qname)
    yield edge.timestamp() + 1.0
    for qname in ("www.clean.test", "alias.clean.test"):
        crowd.all_get(qname, "NXDOMAIN", "%s is not, a second after the edge and from then on" % qname)
    yield end.timestamp() + 1.0
    crowd.all_get("www.clean.test", "NOERROR", "and is again, a second after the next one")


def entries(tap, lab, upstream):
    """Within a second of theirs; the alias of a name that is listed, and a name that does not exist, give way too."""
    store = lab.store()
    begin = int(time.time()) + AHEAD + 5
    end, lifted = begin + 10, begin + 20
    store.compile(zones.PROBE + "\n",
                  ("domains", "www.clean.test\n", "source=action,valid-from=@%d,valid-until=@%d" % (begin, end)),
                  ("domains", "nosuch.clean.test\n", "source=later,valid-from=@%d" % end),
                  ("domains", "www.evil.test\n", "source=bad"),
                  ("domains", "www.evil.test\n", "source=ours,allow,valid-until=@%d" % lifted))
    resolvers = [lab.unbound(upstream, store, threads=threads) for threads in (1, 3)]
    crowd = Crowd(tap, resolvers)
    crowd.all_get("www.clean.test", "NOERROR", "a name is cached before its entry begins")
    crowd.all_get("alias.clean.test", "NOERROR", "and an alias of it")
    crowd.all_get("nosuch.clean.test", "NXDOMAIN", "and that another one does not exist")
    crowd.all_get("www.evil.test", "NOERROR", "and one that is allowed for a time")
    upstream.settle()
    upstream.forget()
    crowd.all_get("alias.clean.test", "NOERROR", "which is given again")
    tap.same(upstream.asked_below("clean.test"), [], "from the cache, like any other: nobody else is asked until then")
    yield begin + 1.0
    for qname in ("www.clean.test", "alias.clean.test"):
        crowd.all_get(qname, "NXDOMAIN", "%s is blocked a second after its entry has begun" % qname)
    for resolver in resolvers:
        tap.ok(resolver.said(SAID), "the log says that entries begin")
        tap.ok(harness.wait_until(lambda r=resolver: r.said(r"generation 1 enforced: .* removed [1-9]"), 5),
               "and what was removed", resolver.said())
    yield end + 1.0
    for qname in ("www.clean.test", "alias.clean.test"):
        crowd.all_get(qname, "NOERROR", "%s is real again a second after its entry has ended" % qname)
    tap.same(crowd.edes("nosuch.clean.test"), {15},
             "what was known not to exist is blocked, not remembered, though no line tells of that second")
    yield lifted + 1.0
    crowd.all_get("www.evil.test", "NXDOMAIN", "what was allowed for a time is blocked from then on")
    for resolver in resolvers:
        tap.same(len(resolver.said(SAID)), 1, "seconds that follow each other have one line")


def let_pass(tap, lab, nsd):
    """A rule lets pass an entry until it ends; another entry, that a later rule blocks, does not."""
    store = lab.store()
    end = int(time.time()) + AHEAD + 10
    store.compile(zones.PROBE + "\n", ("domains", "www.clean.test\n", "source=trial,valid-until=@%d" % end),
                  ("domains", "www.clean.test\n", "source=bad"),
                  options=["-c", lab.write("let_pass.yaml", LET_PASS)])
    crowd = Crowd(tap, [lab.unbound(nsd, store, threads=threads) for threads in (1, 3)])
    crowd.all_get("www.clean.test", "NOERROR", "what a rule lets pass is answered, and cached")
    yield end + 1.0
    crowd.all_get("www.clean.test", "NXDOMAIN", "and blocked a second after that entry has ended")


def every_second(tap, lab, nsd):
    """A feed with a second for each entry: they are blocked in turn, and a generation is still said to be enforced."""
    store = lab.store()
    first, count = int(time.time()) + AHEAD, 20
    feeds = [("domains", "n%d.clean.test\n" % i, "source=s%d,valid-from=@%d" % (i, first + i)) for i in range(count)]
    store.compile(zones.PROBE + "\n", *feeds)
    resolver = lab.unbound(nsd, store, threads=2)
    crowd = Crowd(tap, [resolver])
    for i in range(count):
        crowd.all_get("n%d.clean.test" % i, "NXDOMAIN", "n%d is cached: it does not exist" % i)
    yield first + 2.0
    store.compile(zones.PROBE + "\n", "www.clean.test\n", *feeds)
    tap.ok(harness.wait_until(lambda: resolver.enforced(2), 10), "a generation is said to be enforced between them")
    crowd.all_get("www.clean.test", "NXDOMAIN", "with what it lists")
    yield first + count + 1.0
    for i in (0, count // 2, count - 1):
        tap.same(crowd.edes("n%d.clean.test" % i), {15}, "entry %d has begun" % i)
    tap.ok(len(resolver.said()) <= 8, "and the log is not full of it", resolver.said())


def main(tap, lab):
    nsd = lab.nsd(zones.plain())
    waiting = []
    for case, upstream in ((schedules, nsd), (entries, lab.relay(nsd)), (let_pass, nsd), (every_second, nsd)):
        steps = case(tap, lab, upstream)
        waiting.append((next(steps), len(waiting), steps))
    while waiting:  # side by side, since each mostly waits
        second, number, steps = waiting.pop(waiting.index(min(waiting)))
        wait_until(second)
        second = next(steps, None)
        if second is not None:
            waiting.append((second, number, steps))


if __name__ == "__main__":
    harness.run(main)
