#!/usr/bin/python3
"""The order of modules: whatever stands behind us, what is listed, what leads there, and what was
cached before it was listed is blocked; exempt clients and unlisted names get what the same modules
answer without us."""
import os
import sys

sys.dont_write_bytecode = True

import dns.edns

import crowd
import harness
import judge
import zones

ORDERS = {
    "dynlib validator iterator": "",
    "dynlib iterator": "",
    "dynlib respip validator iterator": "response-ip: 192.0.2.49/32 always_nxdomain\n",
    "dynlib dns64 validator iterator": "dns64-prefix: 64:ff9b::/96\n",
    "dynlib subnetcache validator iterator": "send-client-subnet: 127.0.0.1\n",
    "dynlib subnetcache respip validator iterator": "send-client-subnet: 127.0.0.1\n"
                                                    "client-subnet-always-forward: yes\n",
}

# Where Unbound has it (Debian 13); a backend of Unbound's own, for tests.
CACHEDB = "dynlib validator cachedb iterator"
CACHEDB_CLAUSE = 'cachedb:\n\tbackend: "testframe"\n'

CLEAN = zones.CLEAN + """
hop1 CNAME www.evil.test.
hop2 CNAME hop1
hop3 CNAME hop2
later1 CNAME www.later.test.
later2 CNAME later1
later3 CNAME later2
"""
LATER = zones.HEAD.format(origin="later.test.") + "* A 203.0.113.95\n* TXT \"leaked\"\n"
WORLD = dict(zones.all_of_it(), **{"clean.test.": CLEAN, "later.test.": LATER})

POLICY = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA)
TYPES = ("A", "AAAA", "TXT")
FLAGS = [{"edns": 0}, {"do": True}, {"cd": True, "edns": 0}, {"tcp": True, "ad": True}]
FLAGS.append({"edns": 0, "options": [dns.edns.ECSOption("127.0.2.0", 24)]})

LISTED = [("www.evil.test", None), ("x.wild.evil.test", None), ("bad.signed.test", None),
          ("hop1.clean.test", "evil.test"), ("hop3.clean.test", "evil.test"),
          ("hop2.clean.test", "evil.test")]
LISTED_LATER = [("later3.clean.test", "later.test"), ("later1.clean.test", "later.test"),
                ("www.later.test", None), ("other.later.test", None)]
UNLISTED = """
    www.clean.test alias2.clean.test good.signed.test nx.signed.test broken.signed.test
    notevil.test good.evil.test good.badtree.signed.test nonesuch.clean.test mail.clean.test
    x.wild.clean.test sp\\032ace.clean.test""".split()


def each(names):
    for qname in names:
        for qtype in TYPES:
            for flags in FLAGS:
                yield qname, qtype, flags


def blocked(ours, names):
    found = []
    owners = dict(names)
    for qname, qtype, flags in each(owners):
        answer = ours.ask(qname, qtype, source=crowd.BLOCKED, **flags)
        found += judge.faults(POLICY, answer, qtype, owners[qname])
    return found


def as_without_us(plain, ours, names, source, ad_may_miss=False):
    found = []
    for qname, qtype, flags in each(names):
        answer = ours.ask(qname, qtype, source=source, **flags)
        found += crowd.unspoilt(plain, answer, ad_may_miss)
    return found


def publish(store, more=""):
    store.compile(zones.SUBTREES + more, ("domains", zones.ALLOWED, "allow"),
                  options=crowd.options(store.lab, POLICY))
    return store.serial()


def has_cachedb():
    with open(os.path.join(harness.needed("UNBOUND_DIR"), "config.h"), encoding="utf-8") as f:
        return "#define USE_CACHEDB" in f.read()


def in_order(tap, lab, nsd, modules, server, tail=""):
    what = modules
    store = lab.store()
    publish(store)
    options = dict(modules=modules, server=server + crowd.SERVER, tail=tail)
    if "validator" in modules:
        options["anchors"] = [zones.ANCHOR]
    plain = lab.unbound(lab.relay(nsd), **options)
    relay = lab.relay(nsd)
    ours = lab.unbound(relay, store, **options)
    names = [qname for qname, _ in LISTED]
    later = [qname for qname, _ in LISTED_LATER]

    tap.none(blocked(ours, LISTED), "%s: what is listed, or leads there, is blocked" % what)
    tap.none(as_without_us(plain, ours, names, crowd.EXEMPT, ad_may_miss=True),
             "%s: exempt clients get the real data" % what)
    tap.none(blocked(ours, LISTED), "%s: ... and it stays blocked for the others" % what)
    tap.none(as_without_us(plain, ours, UNLISTED, crowd.BLOCKED),
             "%s: what is not listed is as without us" % what)
    tap.none(as_without_us(plain, ours, later, crowd.BLOCKED),
             "%s: names are cached before they are listed" % what)
    serial = publish(store, "later.test\n")
    tap.ok(harness.wait_until(lambda: ours.enforced(serial), 10),
           "%s: the new generation is enforced" % what, ours.said())
    tap.none(blocked(ours, LISTED_LATER), "%s: what was cached and then listed is blocked" % what)
    tap.none(as_without_us(plain, ours, later, crowd.EXEMPT, ad_may_miss=True),
             "%s: ... and real for exempt clients" % what)
    relay.forget()
    tap.none(blocked(ours, LISTED + LISTED_LATER), "%s: all of it is blocked at the end" % what)
    tap.same(relay.asked_below("evil.test") + relay.asked_below("later.test"), [],
             "%s: ... and no listed server is asked for that" % what)
    tap.none(as_without_us(plain, ours, UNLISTED, crowd.EXEMPT),
             "%s: what is not listed is as without us, at the end" % what)
    tap.none(crowd.cached(ours, names + later + ["evil.test"], ["www.evil.test"]),
             "%s: nothing of it is in Unbound's cache" % what)
    tap.none(ours.stop() + plain.stop(), "%s: it stops cleanly" % what)


def main(tap, lab):
    nsd = lab.nsd(WORLD)
    for modules, server in ORDERS.items():
        in_order(tap, lab, nsd, modules, server)
    if has_cachedb():
        in_order(tap, lab, nsd, CACHEDB, "", CACHEDB_CLAUSE)
    else:
        tap.skip(CACHEDB, "this Unbound is built without cachedb")


if __name__ == "__main__":
    harness.run(main)
