#!/usr/bin/python3
"""Another Unbound with its own build of the module filters; with a module built for another Unbound
it passes everything through, says so in one line, and lives.

Besides the usual: OTHER_UNBOUND_DIR and OTHER_SINKHOLE_SO, another Unbound and the module for it.
"""
import sys

sys.dont_write_bytecode = True

import harness
import judge
import zones
from harness import needed

POLICY = judge.Policy("nxdomain", ttl=10)


def fitting(tap, lab, relay, store, build, so, what):
    resolver = lab.unbound(relay, store, build=build, so=so, threads=2)
    tap.note(resolver.log()[-1])
    found = []
    for qtype in ("A", "AAAA", "HTTPS", "TXT", "ANY", "TYPE65280"):
        for flags in ({}, {"do": True, "cd": True}, {"tcp": True, "edns": 0}):
            found += judge.faults(POLICY, resolver.ask("www.evil.test", qtype, **flags), qtype)
    tap.none(found, "%s: a listed name is blocked" % what)
    tap.same(resolver.ask("www.clean.test").addresses(), ["192.0.2.41", "192.0.2.42", "192.0.2.43"],
             "%s: an unlisted one is not" % what)
    for _ in range(5):
        resolver.control("reload")
        harness.wait_until(resolver.answers, 10)
    tap.none(judge.faults(POLICY, resolver.ask("www.evil.test")),
             "%s: blocked after reloads" % what)
    tap.none(resolver.stop(), "%s: it stops cleanly" % what)


def misfit(tap, lab, relay, store, build, so, what):
    # Not by lab.unbound(), which waits until the list is in force.
    resolver = lab.unbound(relay, store.dir, build=build, so=so, threads=2)
    tap.same(resolver.ask("www.evil.test").addresses(), ["203.0.113.1"],
             "%s: a listed name is answered" % what)
    tap.same(resolver.ask("www.clean.test").addresses(), ["192.0.2.41", "192.0.2.42", "192.0.2.43"],
             "%s: and an unlisted one" % what)
    said = resolver.said()
    tap.ok(len(said) == 1 and "unfiltered" in said[0],
           "%s: one line says that nothing is filtered, and why" % what, "\n".join(said))
    resolver.control("reload")
    harness.wait_until(resolver.answers, 10)
    tap.same(resolver.ask("a.b.c.d.evil.test").addresses(), ["203.0.113.1"],
             "%s: and so after a reload" % what)
    tap.none(resolver.stop(), "%s: it stops cleanly" % what)


def main(tap, lab):
    relay = lab.relay(lab.nsd(zones.plain()))
    store = lab.store()
    store.compile(zones.SUBTREES, options=POLICY.options())
    ours = needed("UNBOUND_DIR"), needed("SINKHOLE_SO")
    other = needed("OTHER_UNBOUND_DIR"), needed("OTHER_SINKHOLE_SO")
    fitting(tap, lab, relay, store, *other, "the other Unbound with its module")
    misfit(tap, lab, relay, store, other[0], ours[1], "the other Unbound with our module")
    misfit(tap, lab, relay, store, ours[0], other[1], "our Unbound with the other module")


if __name__ == "__main__":
    harness.run(main)
