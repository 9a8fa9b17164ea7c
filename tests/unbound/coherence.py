#!/usr/bin/python3
"""Cached answers give way to a new generation: the name itself, what lies below it, every alias
that leads to it, positive and negative answers; and nothing else does."""
import sys

sys.dont_write_bytecode = True

import chains
import harness
import zones
from chains import LISTS, NOTHING, NXDOMAIN, SINKHOLE, Change, all_faults, blocked

TOUCHED = chains.items(dict(chains.LISTED, **chains.ALIASES))
NEIGHBOURS = chains.items(chains.NEIGHBOURS)
ALLOWED = chains.items(chains.ALLOWED)

MODES = {
    "as it comes": {},
    "no validator": dict(modules="dynlib iterator"),
    "4 threads, qname minimisation off": dict(threads=4, server="qname-minimisation: no"),
    "one slab, rrsets in full": dict(server="""msg-cache-slabs: 1\nrrset-cache-slabs: 1
        minimal-responses: no\nqname-minimisation-strict: yes"""),
}


class Court:
    """One resolver through one generation after the other."""

    def __init__(self, tap, lab, relay, plain, what, options):
        self.tap = tap
        self.what = what
        self.relay = relay
        self.store = lab.store()
        self.store.compile(*NOTHING)
        self.plain = chains.as_plain(plain(options))
        self.resolver = lab.unbound(relay, self.store, **options)

    def warm(self):
        """All of it cached, on every thread's behalf, and as without the module."""
        for _ in range(2):
            found = all_faults(self.plain, self.resolver, TOUCHED + NEIGHBOURS + ALLOWED)
        self.tap.none(found, "%s: with nothing listed, as without the module" % self.what)

    def change(self, what, publish, faults):
        what = "%s: %s" % (self.what, what)
        Change(self.resolver, self.store, publish, faults, TOUCHED).report(self.tap, what)
        self.relay.forget()
        found = all_faults(self.plain, self.resolver, NEIGHBOURS)
        self.tap.none(found, "%s: neighbours as without the module" % what)
        self.tap.same(self.relay.seen, [], "%s: ... and from the cache" % what)
        self.tap.none(all_faults(self.plain, self.resolver, ALLOWED),
                      "%s: allowed names in a listed zone as without the module" % what)

    def published(self, *sources, policy=NXDOMAIN):
        return self.store.prepare(*sources, options=policy.options())

    def run(self):
        self.warm()
        self.relay.forget()
        self.tap.none(all_faults(self.plain, self.resolver, TOUCHED + NEIGHBOURS + ALLOWED) +
                      self.relay.seen, "%s: all of it is cached" % self.what)
        self.change("cached clean, then listed (nxdomain)", self.published(*LISTS),
                    blocked(NXDOMAIN))
        self.change("nxdomain, then sinkhole", self.published(*LISTS, policy=SINKHOLE),
                    blocked(SINKHOLE))
        self.change("listed, then un-listed", self.published(*NOTHING), self.plain)
        self.change("cached clean, then listed (sinkhole)",
                    self.published(*LISTS, policy=SINKHOLE), blocked(SINKHOLE))
        self.change("listed, then rolled back", lambda: self.store.run("rollback"), self.plain)
        self.change("rolled back, then rolled back to the list",
                    lambda: self.store.run("rollback", "2"), blocked(NXDOMAIN))
        self.fresh_names()

    def fresh_names(self):
        """Names that nobody asked before, by which walks and tables could be got around."""
        fresh = chains.items({"%s.h%d.test" % (name, depth): "mallory.test"
                              for depth in (1, 2, 5) for name in ("new.www", "new.wild.dname")})
        self.tap.none(all_faults(blocked(NXDOMAIN), self.resolver, fresh),
                      "%s: names nobody asked before are blocked" % self.what)


def one_by_one(tap, lab, relay, plain):
    """Twenty generations, each with one more name, as fast as they go: none is forgotten."""
    store = lab.store()
    store.compile(*NOTHING)
    resolver = lab.unbound(relay, store)
    names = ["n%d.wild.mallory.test" % n for n in range(20)]
    asked = chains.items({"n%d.h%d.test" % (n, depth): name for n, name in enumerate(names)
                          for depth in (1, 2)}, types=("A",))
    asked += chains.items({name: name for name in names}, types=("A", "TXT"))
    as_plain = chains.as_plain(plain({}))
    tap.none(all_faults(as_plain, resolver, asked), "20 names and their aliases: as plain")

    def publish():
        for count in range(1, len(names) + 1):
            store.compile(zones.PROBE + "\n", "\n".join(names[:count]) + "\n",
                          options=NXDOMAIN.options())
    Change(resolver, store, publish, blocked(NXDOMAIN), asked).report(
        tap, "20 generations in a row")


def on_the_way(tap, lab, relay, what, options):
    """What Unbound asked for itself is for itself: the steps of a minimised name, the address of a
    listed name server."""
    store = lab.store()
    store.compile("probe.test\nmallory.test\nevil.test\n", ("hosts", zones.EXACT),
                  ("domains", "x.good.evil.test\nchild.badtree.test\n", "allow"),
                  "badtree.test\n", options=NXDOMAIN.options())
    served = 'stub-zone:\n\tname: "goodns.test"\n\tstub-host: ns1.evil.test@{0}\n' \
        '\tstub-host: ns2.evil.test@{0}\n'.format(relay.port)
    resolver = lab.unbound(relay, store, tail=served, **options)
    for qname, address in (("child.exact.test", "192.0.2.21"), ("x.good.evil.test", "192.0.2.31"),
                           ("a.b.c.child.exact.test", "192.0.2.22"),
                           ("www.goodns.test", "192.0.2.26")):
        for cd in (True, False):
            tap.same(resolver.ask(qname, cd=cd).addresses(), [address],
                     "%s: %s resolves%s" % (what, qname, " with CD" if cd else ""))
    owners = {"exact.test": "exact.test", "good.evil.test": "evil.test", "evil.test": "evil.test",
              "ns1.evil.test": "evil.test", "ns2.evil.test": "evil.test"}
    asked = chains.items(owners, types=("A", "AAAA", "TXT", "NS"))
    tap.none(all_faults(blocked(NXDOMAIN), resolver, asked),
             "%s: the listed names on the way to them stay blocked, with CD and without" % what)
    cached = [line for line in resolver.control("dump_cache").stdout.splitlines()
              if line.startswith(tuple("msg %s. " % owner for owner in owners))]
    tap.none(cached, "%s: ... and no answer about them is in the cache" % what)
    relay.forget()
    for number in range(10):
        resolver.ask("n%d.goodns.test" % number)
    # Of a stub-host: see blocked.py, listed_name_servers().
    tap.ok(len(relay.seen) <= 30, "%s: ... and each new name costs two questions more" % what,
           relay.seen)


def main(tap, lab):
    nsd = lab.nsd(chains.all_zones())
    beside = lab.relay(nsd)
    plain = {}

    def without(options):
        """A resolver without the module, with the same settings."""
        server = options.get("server", "")
        if server not in plain:
            plain[server] = lab.unbound(beside, server=server)
        return plain[server]

    for what, options in MODES.items():
        Court(tap, lab, lab.relay(nsd), without, what, options).run()
    one_by_one(tap, lab, lab.relay(nsd), without)
    for minimised in ("qname-minimisation: yes", "qname-minimisation: no",
                      "qname-minimisation-strict: yes"):
        for modules in ("dynlib validator iterator", "dynlib iterator"):
            on_the_way(tap, lab, lab.relay(nsd), "%s, %s" % (modules, minimised),
                       dict(modules=modules, server=minimised))


if __name__ == "__main__":
    harness.run(main)
