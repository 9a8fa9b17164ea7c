#!/usr/bin/python3
"""A published generation is noticed, verified and put in force, however many there are and whatever
becomes of the directory and of publishers; without one the resolver answers unfiltered, says so once, and waits.

    generations.py [COUNT]     how many generations in a row must leave nothing behind, a multiple of 6; default 300
"""
import os
import shutil
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import harness
import kills
import steady
import zones
from forge import (OF_STATE, Forger, becomes_in_force, content, heard_of, one_line, sealed, soon,
                   timing, zone_of)

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 120 if harness.SANITIZED else 300
FILLER = 20000  # names of a list that nobody asks for


def starts_without(tap, lab, relay):
    """No database: unfiltered, one line; and in force as soon as there is one."""
    places = {"an empty directory": lab.fresh("empty"),
              "no directory": lab.path("none"),
              "no directory in no directory": lab.path("nothing/at/all")}
    started = []
    for what, path in places.items():
        store = harness.Store(lab, path)
        resolver = lab.unbound(relay, store, threads=2)
        started.append((what, store, resolver))
        tap.same(resolver.ask("www.evil.test").addresses(), ["203.0.113.1"],
                 "%s: a name that will be listed is answered" % what)
    time.sleep(0.5)
    before = [len(resolver.said()) for _, _, resolver in started]
    wrong = []
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for _, _, resolver in started:
            wrong += [resolver.dir] if resolver.blocks(zone_of("1")) else []
    tap.none(wrong, "without a database nothing is blocked")
    for (what, store, resolver), lines in zip(started, before):
        said = resolver.said()
        tap.ok(len([line for line in said if "unfiltered" in line]) == 1 and len(said) == lines,
               "%s: one line says so, in 3 s of polling and queries" % what, "\n".join(said))
        os.makedirs(os.path.dirname(store.dir), exist_ok=True)  # compile makes the last one
        store.compile(content("1"))
        took = soon(tap, resolver, "1", None, "%s: a database that appears is in force" % what)
        tap.note("%s: %s" % (what, timing([took])))
        tap.none(resolver.stop(), "%s: stops" % what)


def follows(tap, resolver, store):
    """Compile, compile, roll back: each in force within a tenth of a second."""
    times = []
    for mark, previous in zip("23456", "12345"):
        publish = store.prepare(content(mark))
        publish()
        times.append(soon(tap, resolver, mark, previous,
                          "generation %s replaces %s" % (mark, previous)))
    serial = store.serial()
    tap.ok(heard_of(resolver, serial),
           "a line names the serial in force", "\n".join(resolver.said()))
    answer = resolver.ask("soa." + zone_of("6"))
    tap.same([rrset[0].serial for rrset in answer.message.authority], [serial],
             "the SOA of a blocked answer carries it")
    store.run("rollback")
    times.append(soon(tap, resolver, "5", "6", "rolled back: the earlier list is in force"))
    tap.same(store.serial(), serial + 1, "... under a new serial")
    store.run("rollback", "2")
    times.append(soon(tap, resolver, "2", "5", "rolled back to a named serial: in force"))
    tap.note("from the tool's return to enforcement: " + timing(times))


def restarted(tap, resolver):
    """What is in force stays so over a reload and a restart, from the first answer on."""
    tap.none(resolver.stop(), "the resolver stops")
    resolver.start()
    tap.ok(resolver.blocks(zone_of("2")), "after a restart it is in force at once")
    wrong = []
    for _ in range(5):
        resolver.control("reload")
        wrong += [] if resolver.blocks(zone_of("2")) else ["not blocked after a reload"]
    tap.none(wrong, "after each reload it is in force at once")


def replayed(tap, resolver, forger):
    """An older serial is refused, and the one in force with another content too."""
    in_use = forger.highest
    for what, serial in (("an older serial", in_use - 1), ("serial 1", 1),
                         ("the serial in force with another content", in_use)):
        fields = dict(forger.base(forger.known[forger.other]), serial=str(serial))
        new = one_line(resolver, lambda f=fields: forger.place(sealed(f)))
        tap.ok(len(new) == 1 and forger.in_force(resolver),
               "%s: refused, with one line" % what, "\n".join(new))
    forger.turn(tap, resolver, "a newer serial is accepted")


def moved(tap, resolver, store, forger):
    away = store.dir + ".away"
    before = len(resolver.said(OF_STATE))
    os.rename(store.dir, away)
    time.sleep(1.5)
    tap.ok(forger.in_force(resolver), "the directory is gone: the generation stays")
    tap.ok(len(resolver.said(OF_STATE)) - before <= 1, "... with one line at most",
           "\n".join(resolver.said(OF_STATE)[before:]))
    os.rename(away, store.dir)
    time.sleep(1)
    forger.turn(tap, resolver, "the directory is back: the next one is in force")
    # Another directory of the same name: what was watched is the old one's inode.
    os.rename(store.dir, away)
    shutil.copytree(away, store.dir)
    time.sleep(1)
    forger.turn(tap, resolver, "another directory in its place: the next one is in force")
    shutil.rmtree(away)


def hurried(tap, resolver, forger):
    """200 generations in one breath: the last one wins."""
    forger.swap()
    fields = [forger.base(forger.known[mark]) for mark in (forger.other, forger.mark)]
    for turn in range(200):
        forger.publish_again(fields[turn % 2])
    soon(tap, resolver, forger.mark, forger.other,
         "200 generations at once: the last one is in force")
    tap.ok(heard_of(resolver, forger.highest),
           "... and the log names its serial", "\n".join(resolver.said()[-3:]))


def killed(tap, lab, relay):
    """Publishers die at each of their system calls, under load: the generation before is in force or the new one."""
    if not kills.can_trace(lab.path("can.log")):
        tap.skip("publishers that are killed", "strace is not here, or may not trace")
        return
    store = lab.store()
    place = kills.Place(store.dir)
    commands = {mark: ["compile", "-q", "--keep=2", "domains:" + lab.write("killed-%s.txt" % mark, content(mark))]
                for mark in "123"}
    for mark in "123":
        store.run(*commands[mark])
    mark, other, log = "1", "3", lab.path("killed.log")
    kills.strace(place.argv(commands[mark]), log)
    resolver = lab.unbound(relay, store)
    load = harness.Load(resolver.port, lambda number: dict(qname="l%d.%s" % (number, zones.PROBE), edns=0),
                        lambda answer, asked, *_: [] if 15 in answer.edes else ["%s: %r" % (asked, answer)], pause=0.001)
    (_, calls), deaths, late = kills.calls_on(store.dir, log), 0, []
    for call in calls:
        before = store.serial()
        deaths += kills.inject(place.argv(commands[other]), store.dir, call, kills.KILL, log) is not None
        if store.serial() > before:
            mark, other = other, mark
        if becomes_in_force(resolver, mark, other) is None:
            late.append("%s, killed at %s %d" % (mark, call.name, call.number))
    load.stop()
    tap.ok(deaths > 0.9 * len(calls), "a publisher dies at each of its steps", "%d of %d" % (deaths, len(calls)))
    tap.none(late, "... and what `current` names is in force, %d times" % len(calls))
    tap.none(load.lost + load.faults, "... and %d queries for what every list has were answered as it says" % load.count)
    tap.none(resolver.said("unfiltered|stays in use|readable again"), "... and the resolver has met nothing bad")


def lasting(tap, lab, relay):
    """COUNT generations of every kind, one after the other: nothing piles up, in the resolver or on the disk."""
    store = lab.store()
    refuse = lab.write("refuse.yaml", "policy:\n  - {rule: all, match: {}, action: refused}\n")
    kinds = [  # and what becomes of a name that the first one lists: something else each time
        (store.prepare(content("8", FILLER)), "NXDOMAIN"),
        (lambda: store.run("apply", "--policy", refuse), "REFUSED"),
        (lambda: store.run("pause"), "NOERROR"),
        (lambda: store.run("resume"), "REFUSED"),
        (store.prepare(content("9", FILLER)), "NOERROR"),
        (lambda: store.run("rollback"), "REFUSED"),
    ]
    store.compile(content("9", FILLER))
    resolver = lab.unbound(relay, store, environ=steady.MEASURABLE,
                           server="msg-cache-size: 1m\nrrset-cache-size: 1m")

    def in_force(rcode):
        return resolver.ask("fresh%d.%s" % (lab.number(), zone_of("8"))).rcode == rcode

    def turns(count):
        """Returns what was not in force when it should have been."""
        late = []
        for turn in range(count):
            publish, rcode = kinds[turn % len(kinds)]
            publish()
            late += [] if harness.wait_until(lambda r=rcode: in_force(r), 5) else ["generation %d" % store.serial()]
        return late

    late = turns(10 * len(kinds))
    files, before = sorted(os.listdir(store.dir + "/gen")), steady.Held(resolver)
    start = time.monotonic()
    late += turns(COUNT)
    tap.none(late, "each of %d generations was in force" % (COUNT + 10 * len(kinds)))
    tap.note("%d of them in %.1f s" % (COUNT, time.monotonic() - start))
    size = os.path.getsize(store.base()) >> 10  # a base that was not freed would be this much, each time
    steady.flat(tap, before, steady.Held(resolver), "%d generations ago" % COUNT, 2 * size + 2048,
                measurable=8 * size + 32768)
    tap.same(len(os.listdir(store.dir + "/gen")), len(files), "as many files in the data directory")


def main(tap, lab):
    relay = lab.relay(lab.nsd(zones.plain()))
    starts_without(tap, lab, relay)
    store = lab.store()
    store.compile(content("1"))
    resolver = harness.Unbound(lab, relay, store)
    resolver.start()
    tap.ok(resolver.blocks(zone_of("1")), "a database that is there at start is in force at once")
    follows(tap, resolver, store)
    restarted(tap, resolver)
    forger = Forger(lab, store, "5", "6")
    soon(tap, resolver, "5", "6", "the next generation is in force")
    heard_of(resolver, forger.highest)
    replayed(tap, resolver, forger)
    moved(tap, resolver, store, forger)
    hurried(tap, resolver, forger)
    killed(tap, lab, relay)
    lasting(tap, lab, relay)


if __name__ == "__main__":
    harness.run(main)
