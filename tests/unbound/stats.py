#!/usr/bin/python3
"""What `sinkhole stats` tells is so: each query is counted once, under what its client got; a new generation's times are
there and in order; the file comes back whatever is done to it, and without one the resolver filters all the same."""
import collections
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True

import harness
import zones

SLOW = 5 if harness.SANITIZED else 1
BLOCKED, OTHER = "127.0.1.1", "127.0.2.1"  # a client of the group, and one of none

RULES = {
    "nx": {"action": "nxdomain"},
    "empty": {"action": "nodata"},
    "refused": {"action": "refused"},
    "drop": {"action": "drop"},
    "tc": {"action": "truncate"},
    "sink": {"action": "sinkhole", "a": zones.SINK_A, "aaaa": zones.SINK_AAAA},
    "garden": {"action": "cname", "cname": "www.clean.test"},
    "data": {"action": "data", "data": ["TXT blocked"]},
    "let": {"action": "pass"},
    "watched": {"action": "monitor"},
}
GROUPS = [{"name": "office", "clients": ["127.0.1.0/24"]}]
CLEAN = zones.CLEAN + "".join("%s A 192.0.2.%d\n" % (name, 100 + number) for number, name in enumerate(
    [*RULES, "both", "later", "slow", "fresh1"])) + "to-nx CNAME nx\n"
ACTIONS = "none pass nxdomain nodata sinkhole refused drop truncate cname data".split()


def publish(lab, store, more=""):
    """Names of clean.test, each listed by the rule's own source; `both` by one that lets others pass."""
    sources = [{"name": name, "path": lab.write(name + ".txt", name + ".clean.test\n"), "format": "domains"}
               for name in RULES]
    sources += [
        {"name": "both", "path": lab.write("both.txt", "both.clean.test\n"), "format": "domains"},
        {"name": "probe", "path": lab.write("probe.txt", zones.PROBE + "\n" + more), "format": "domains"}]
    policy = [dict(rule, rule=name, match={"source": name}) for name, rule in RULES.items()]
    policy += [{"rule": "office", "match": {"source": "both"}, "group": "office", "action": "refused"},
               {"rule": "others", "match": {"source": "both"}, "action": "pass"},
               {"rule": "quiet", "match": {"source": "watched"}, "action": "pass"},
               {"rule": "rest", "match": {}, "action": "nxdomain"}]
    config = lab.write("stats.yaml", json.dumps({"groups": GROUPS, "sources": sources, "policy": policy}))
    store.run("compile", "--force=protected", "-c", config)
    return store.serial()


def stats(resolver, *options, run=None, check=True):
    done = subprocess.run([harness.needed("SINKHOLE"), "stats", "--run", run or resolver.run_dir, *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    if check and done.returncode:
        raise harness.Failure("sinkhole stats: status %d\n%s" % (done.returncode, done.stderr))
    return done


def told(resolver, run=None):
    return json.loads(stats(resolver, "--json", run=run).stdout)


def settled(resolver, run=None):
    """What was written after now, hence knows of all that was answered before."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".%06d" % (time.time() % 1 * 1e6)
    seen = harness.wait_until(
        lambda: (lambda s: s["written"] > now and s)(told(resolver, run)), 5 * SLOW, 0.05)
    if not seen:
        raise harness.Failure("nothing is written any more:\n%s" % "\n".join(resolver.said()))
    return seen


def counts(seen):
    return {**seen["actions"], **{word: seen["queries"][word] for word in ("servfail", "monitored", "failed")}}


def counted(tap, resolver, wanted, what, act, before=None):
    """So many more than before, and no others. Returns what is settled then."""
    before = counts(before or settled(resolver))
    act()
    after = settled(resolver)
    more = {word: n - before[word] for word, n in counts(after).items() if n != before[word]}
    tap.same(more, wanted, what)
    tap.same(after["queries"]["seen"], sum(after["actions"].values()) + after["queries"]["servfail"],
             "... and they add up")
    return after


def asks(resolver, qname, times=1, **how):
    return lambda: [resolver.ask(qname + ".clean.test", **how) for _ in range(times)]


def all_of(*acts):
    return lambda: [act() for act in acts]


def unanswered(resolver, qname, times):
    def act():
        for _ in range(times):
            try:
                resolver.ask(qname + ".clean.test", timeout=0.2)
            except socket.timeout:
                continue
            raise harness.Failure("%s is answered" % qname)
    return act


def together(resolver, relay, qname, clients):
    """Clients that wait for one and the same query."""
    def act():
        relay.delay = 0.1
        threads = [threading.Thread(target=asks(resolver, qname)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        relay.delay = 0.0
    return act


def failing(resolver, relay, qname):
    def act():
        relay.failing.add("evil.test")
        resolver.ask(qname, timeout=20)
        relay.failing.clear()
    return act


def rows(r, relay):
    """(what is asked, how it is counted, asking it)"""
    return (
        ("an action each", {"nxdomain": 4, "nodata": 2, "refused": 2, "sinkhole": 2, "data": 3},
         all_of(asks(r, "nx", 3), asks(r, "nx", tcp=True), asks(r, "empty", 2), asks(r, "refused", 2),
                asks(r, "sink"), asks(r, "sink", qtype="AAAA"), asks(r, "data", 3, qtype="TXT"))),
        ("no answer; truncated, by UDP only", {"drop": 2, "truncate": 2, "pass": 1},
         all_of(unanswered(r, "drop", 2), asks(r, "tc", 2), asks(r, "tc", tcp=True))),
        ("a walled garden; an alias of what is listed", {"cname": 3, "nxdomain": 4},
         all_of(asks(r, "garden", 3), asks(r, "to-nx", 4))),
        ("let through, or not listed: once, then from the cache; another class", {"pass": 1, "none": 1},
         all_of(asks(r, "let", 5), asks(r, "fresh1", 7), r.answers)),
        ("monitored, cached or not", {"none": 1, "monitored": 4}, asks(r, "watched", 4)),
        ("a group's rule: others are let through", {"refused": 3, "pass": 4},
         all_of(asks(r, "both", 4, source=OTHER), asks(r, "both", 3, source=BLOCKED))),
        ("many wait for one answer", {"none": 5}, together(r, relay, "slow", 5)),
        ("no answer could be had", {"servfail": 1}, failing(r, relay, "www.evil.test")))


def each_once(tap, lab, relay, store):
    r = lab.unbound(relay, store)
    seen = settled(r)
    tap.same((seen["running"], seen["pid"], seen["ended"], seen["generation"], seen["reaction"]["last"]),
             (True, r.pid, None, store.serial(), None), "who it is, and what is in use")
    for what, wanted, act in rows(r, relay):
        seen = counted(tap, r, wanted, what, act, seen)
    tap.none(r.stop(), "stopped")


def all_at_once(tap, lab, relay, store):
    r = lab.unbound(relay, store, threads=3)
    wanted = collections.Counter()
    for _, more, _ in rows(r, relay):
        wanted.update(more)
    counted(tap, r, dict(wanted), "3 threads: all of that", all_of(*(act for _, _, act in rows(r, relay))))
    return r


def many_threads(tap, resolver):
    """Clients at once, whichever worker they come to."""
    def client(number):
        for _ in range(50):
            resolver.ask("nx.clean.test", source="127.0.3.%d" % number)

    def act():
        threads = [threading.Thread(target=client, args=(n + 1,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    counted(tap, resolver, {"nxdomain": 400}, "8 clients at once: none is lost", act)


def spans(last):
    return [0] + [last[word + "-us"] for word in "noticed in-use heard walked enforced".split()]


def reaction(tap, lab, resolver, store):
    resolver.ask("later.clean.test")
    before = told(resolver)["reaction"]
    tap.same((before["last"], before["in-use-us"]["count"]), (None, 0), "nothing was published since the start")
    for number in (1, 2, 3):
        serial = publish(lab, store, "later.clean.test\n" if number == 1 else "")
        seen = harness.wait_until(lambda n=number: (lambda r: r["enforced-us"]["count"] == n and r)(
            told(resolver)["reaction"]), 10 * SLOW, 0.02)
        if not tap.ok(seen, "generation %d: a reaction" % serial, told(resolver)["reaction"]):
            continue
        last = seen["last"]
        tap.ok(last["generation"] == serial and spans(last) == sorted(spans(last)), "... its times are in order", last)
        tap.ok(last["read"] < last["published"] and abs(last["read-to-published-us"]) < 60e6 * SLOW,
               "... and it tells when what is new was read", last)
        tap.same((seen["in-use-us"]["count"], seen["enforced-us"]["count"]), (number, number), "... in both series")
        for word in ("in-use-us", "enforced-us"):
            spread = [seen[word][key] for key in ("min", "median", "p95", "max")]
            tap.ok(spread == sorted(spread) and spread[0] <= last[word] <= spread[-1], "... which hold it", seen)
        if number == 1:
            tap.ok(last["messages"] > 0 and last["record-sets"] > 0, "... and what was cached is removed", last)
    page = stats(resolver).stdout
    tap.ok("generation %d, published 20" % serial in page and " ms  enforced" in page, "the page tells of it", page)


def paused(tap, resolver, store):
    store.run("pause", "--for", "1h")
    told_so = harness.wait_until(lambda: "paused" in told(resolver), 5 * SLOW)
    page = stats(resolver).stdout
    tap.ok(told_so and "FILTERING IS PAUSED since 20" in page, "a pause is said loudly", page)
    store.run("resume")
    tap.ok(harness.wait_until(lambda: "paused" not in told(resolver), 5 * SLOW), "and is over", stats(resolver).stdout)
    last = told(resolver)["reaction"]["last"]
    tap.same((last["read"], last["read-to-published-us"]), (None, None), "... for which nothing was read")


def damaged(tap, resolver):
    path = os.path.join(resolver.run_dir, "stats")

    def garbage():
        with open(path, "r+b") as f:
            f.write(b"\xa5" * 9000)

    def replaced():
        with open(path + ".new", "wb") as f:
            f.write(b"something else")
        os.rename(path + ".new", path)

    for what, act in (("deleted", lambda: os.unlink(path)), ("cut to nothing", lambda: os.truncate(path, 0)),
                      ("cut in two", lambda: os.truncate(path, 1000)), ("overwritten", garbage),
                      ("replaced", replaced), ("gone with its directory", lambda: harness.vanish(resolver.run_dir))):
        act()
        back = harness.wait_until(lambda: stats(resolver, check=False).returncode == 0, 5 * SLOW, 0.05)
        tap.ok(back, "%s: it comes back" % what)
    tap.ok(settled(resolver)["running"] and resolver.blocks(zones.PROBE), "and the resolver filters")
    tap.same(resolver.said("statistics"), [], "of which nothing was said")


def reloaded(tap, resolver, store):
    before = told(resolver)
    resolver.control("reload")
    harness.wait_until(resolver.answers, 10)
    seen = harness.wait_until(lambda: (lambda s: s["started"] > before["started"] and s)(told(resolver)), 5 * SLOW)
    tap.ok(seen and seen["running"] and seen["queries"]["seen"] == 0 and seen["reaction"]["last"] is None and
           seen["generation"] == store.serial() and seen["pid"] == before["pid"],
           "after a reload it counts anew", seen)
    counted(tap, resolver, {"refused": 2}, "... and goes on", asks(resolver, "refused", 2))


def restarted(tap, lab, resolver):
    resolver.ask("empty.clean.test")
    tap.none(resolver.stop(), "stopped")
    seen = told(resolver)
    page = stats(resolver).stdout
    tap.ok(not seen["running"] and seen["ended"] and "NOT RUNNING: it has ended at" in page, "it says that it has ended", page)
    tap.same((seen["actions"]["nodata"], seen["actions"]["refused"]), (1, 2), "its last word is whole")
    resolver.start()
    counted(tap, resolver, {"nxdomain": 3}, "after a restart it counts", asks(resolver, "nx", 3))
    tap.ok(told(resolver)["pid"] != seen["pid"], "another process")
    os.kill(resolver.pid, signal.SIGKILL)
    resolver.process.wait(10)
    lab.resolvers.remove(resolver)
    seen = told(resolver)
    page = stats(resolver).stdout
    tap.ok(not seen["running"] and seen["ended"] is None and "ended without a word" in page, "killed: that is seen", page)


def no_place(tap, lab, relay, store):
    """A file stands where the directory should be."""
    place = lab.write("no-directory", "")
    resolver = lab.unbound(relay, store, environ={"SINKHOLE_RUN": place})
    time.sleep(1.5)
    said = resolver.said("no statistics are written")
    tap.ok(len(said) == 1 and place in said[0], "no place to write to: one line", said)
    done = stats(resolver, run=place, check=False)
    tap.ok(done.returncode == 1 and place + "/stats" in done.stderr, "and none to read from: status 1", done.stderr)
    os.unlink(place)
    tap.ok(harness.wait_until(lambda: resolver.said("statistics are written again"), 5 * SLOW),
           "when there is one, it is used", resolver.said())
    tap.ok(settled(resolver, place)["running"], "and written to")


def shared(tap, lab, relay, store):
    first = lab.unbound(relay, store)
    second = lab.unbound(relay, store, environ={"SINKHOLE_RUN": first.run_dir})
    said = harness.wait_until(lambda: second.said("another resolver writes it"), 5)
    tap.same((len(said or []), settled(first)["pid"]), (1, first.pid), "two in one directory: the second one says so")
    tap.none(first.stop(), "the first one stops")
    tap.ok(harness.wait_until(lambda: told(second, first.run_dir)["pid"] == second.pid, 5 * SLOW),
           "and the second one takes over", second.said())


def main(tap, lab):
    relay = lab.relay(lab.nsd(dict(zones.plain(), **{"clean.test.": CLEAN})))
    store = lab.store()
    publish(lab, store)
    each_once(tap, lab, relay, store)
    resolver = all_at_once(tap, lab, relay, store)
    many_threads(tap, resolver)
    reaction(tap, lab, resolver, store)
    paused(tap, resolver, store)
    damaged(tap, resolver)
    reloaded(tap, resolver, store)
    restarted(tap, lab, resolver)
    no_place(tap, lab, relay, store)
    shared(tap, lab, relay, store)


if __name__ == "__main__":
    harness.run(main)
