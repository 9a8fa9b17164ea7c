#!/usr/bin/python3
"""A published generation is noticed, verified and put in force, however many there are and whatever
becomes of the directory; without one the resolver answers unfiltered, says so once, and waits."""
import os
import shutil
import sys
import time

sys.dont_write_bytecode = True

import harness
import zones
from forge import (OF_STATE, Forger, becomes_in_force, content, heard_of, one_line, sealed, soon,
                   timing, zone_of)


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


def mappings(pid):
    with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as f:
        return len(f.readlines())


def held(resolver):
    """Descriptors, when no switch is under way."""
    counts = []
    for _ in range(20):
        counts.append(len(resolver.links()))
        time.sleep(0.02)
    return min(counts)


def lasting(tap, lab, relay):
    """200 generations one after the other: nothing piles up."""
    store = lab.store()
    forger = Forger(lab, store, "8", "9", filler=20000)
    resolver = lab.unbound(relay, store)
    fields = {mark: forger.base(forger.known[mark]) for mark in ("8", "9")}
    size = os.path.getsize(store.base()) >> 10

    def turn():
        forger.swap()
        forger.publish_again(fields[forger.mark])
        return becomes_in_force(resolver, forger.mark, forger.other)

    times = [turn() for _ in range(40)]
    descriptors, resident, maps = held(resolver), resolver.rss(), mappings(resolver.pid)
    times += [turn() for _ in range(200)]
    tap.ok(None not in times, "each of 240 generations of %d kB was in force" % size)
    tap.note("from the rename to enforcement: " + timing(times))
    tap.same(held(resolver), descriptors, "as many descriptors as 200 generations ago")
    grown = resolver.rss() - resident
    tap.note("resident memory grew by %d kB in 200 generations" % grown)
    # A leak would be 200 of them; one or two may just be on their way out. What is freed stays
    # resident for a while under a sanitizer, which looks for leaks itself when the resolver ends.
    quarantine = 300 << 10 if harness.SANITIZED else 0
    tap.ok(grown < 8 * size + 8192 + quarantine, "resident memory as 200 generations ago",
           "%d kB more" % grown)
    tap.ok(mappings(resolver.pid) <= maps + 4, "as many mappings as 200 generations ago",
           "%d, were %d" % (mappings(resolver.pid), maps))


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
    lasting(tap, lab, relay)


if __name__ == "__main__":
    harness.run(main)
