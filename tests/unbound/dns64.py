#!/usr/bin/python3
"""DNS64 behind us: the AAAA that it makes of a listed IPv4 address is caught, whatever the prefix,
fresh or cached before it was listed; what is not listed is synthesised as without us; and it makes
nothing of our own answers."""
import ipaddress
import itertools
import sys
import threading
import time

sys.dont_write_bytecode = True

import harness
import judge
import zones

NXDOMAIN = judge.Policy("nxdomain", ttl=10)
SINKHOLE = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A)  # no AAAA

V4 = zones.HEAD.format(origin="v4.test.") + """\
bad A 203.0.113.10
two A 192.0.2.1
two A 203.0.113.11
*.wild A 203.0.113.12
alias CNAME bad
alias2 CNAME alias
good A 192.0.2.9
goodalias CNAME good
dual A 192.0.2.10
dual AAAA 2001:db8::10
text TXT "no address"
garden CNAME garden2.clean.test.
garden3 CNAME garden4.clean.test.
"""
GARDEN = "garden2 CNAME garden3.v4.test.\ngarden4 A 192.0.2.77\n"

GROUPS = """
groups: [{name: kids, clients: [127.0.1.0/24]}]
policy:
  - {rule: kids, match: {source: games}, group: kids, action: cname, cname: garden.v4.test}
  - {rule: free, match: {source: games}, action: pass}
  - {rule: rest, match: {}, action: nxdomain}
"""

RPZ = "$TTL 60\n@ SOA a. b. 1 1 1 1 1\n@ NS a.\n24.0.113.0.203.rpz-ip CNAME .\n"
LISTED = ("rpz", RPZ)

MODULES = "dynlib dns64 validator iterator"
TOUCHED = "bad.v4.test two.v4.test x.wild.v4.test alias.v4.test alias2.v4.test".split()
BESIDE = """good.v4.test goodalias.v4.test dual.v4.test text.v4.test nonesuch.v4.test
    good.signed.test www.clean.test""".split()

# The prefix that Unbound is told of, or None.
PREFIXES = [None, "64:ff9b::/96", "2001:db8:64::/96", "2001:db8:64::/64", "2001:db8:64:aa00::/56",
            "2001:db8:64::/48", "2001:db8:6400::/40", "2001:db8::/32"]


def embedded(prefix, ipv4):
    """RFC 6052, 2.2."""
    network = ipaddress.IPv6Network(prefix or "64:ff9b::/96")
    octets = bytearray(network.network_address.packed)
    at = network.prefixlen // 8
    for octet in ipaddress.IPv4Address(ipv4).packed:
        at += at == 8
        octets[at] = octet
        at += 1
    return str(ipaddress.IPv6Address(bytes(octets)))


def blocked(ours, policy, names):
    return [fault for qname, qtype, do in itertools.product(names, ("A", "AAAA"), (False, True))
            for fault in judge.faults(policy, ours.ask(qname, qtype, edns=0, do=do), qtype)]


def unsynthesised(ours):
    """To who sets CD, DNS64 gives what there is: no address (RFC 6147, 5.5)."""
    return [answer for answer in (ours.ask(qname, "AAAA", cd=True) for qname in TOUCHED)
            if answer.rcode != "NOERROR" or answer.addresses()]


def as_without_us(plain, ours, names, types=("A", "AAAA", "TXT")):
    return [fault for qname, qtype in itertools.product(names, types)
            for fault in judge.same(plain.ask(qname, qtype, edns=0),
                                    ours.ask(qname, qtype, edns=0))]


def with_prefix(tap, lab, nsd, prefix):
    title = "dns64-prefix: %s" % prefix
    server = "dns64-prefix: %s\n" % prefix if prefix else ""
    plain = lab.unbound(lab.relay(nsd), modules=MODULES, server=server, anchors=[zones.ANCHOR])
    store = lab.store()
    store.compile(zones.PROBE + "\n", options=NXDOMAIN.options())
    ours = lab.unbound(lab.relay(nsd), store, modules=MODULES, server=server,
                       anchors=[zones.ANCHOR])
    tap.same(plain.ask("good.v4.test", "AAAA").addresses(), [embedded(prefix, "192.0.2.9")],
             "%s: Unbound synthesises" % title)
    for _ in range(2):
        tap.none(as_without_us(plain, ours, TOUCHED + BESIDE), "%s: nothing listed, as without us"
                 % title)
    serial = store.compile(zones.PROBE + "\n", LISTED, options=NXDOMAIN.options())
    tap.ok(harness.wait_until(lambda: ours.enforced(serial), 10), "%s: enforced" % title)
    tap.none(blocked(ours, NXDOMAIN, TOUCHED), "%s: a cached answer that leads there is blocked"
             % title)
    tap.none(blocked(ours, NXDOMAIN, TOUCHED + ["y.wild.v4.test"]), "%s: and stays blocked" % title)
    tap.none(unsynthesised(ours), "%s: with CD there is no address" % title)
    tap.none(as_without_us(plain, ours, BESIDE), "%s: what is beside it is not touched" % title)


def own_answers(tap, lab, nsd):
    """A sinkhole without AAAA stays without: what DNS64 would make of it nobody asked for."""
    store = lab.store()
    store.compile(zones.SUBTREES, LISTED, options=SINKHOLE.options())
    relay = lab.relay(nsd)
    ours = lab.unbound(relay, store, modules=MODULES)
    relay.forget()
    tap.none(blocked(ours, SINKHOLE, ["www.evil.test", "evil.test"]),
             "a sinkhole without AAAA is NODATA for AAAA")
    tap.same(relay.asked_below("evil.test"), [], "and nothing is asked for it")
    tap.none(blocked(ours, SINKHOLE, TOUCHED), "also where the answer tells")


def waiting_for_a_garden(tap, lab, nsd):
    """A client of another group comes while one waits for the garden: DNS64 wants the same addresses for it, and gets
    the real ones."""
    store = lab.store()
    store.compile(zones.PROBE + "\n", ("domains", "good.v4.test\n", "source=games"),
                  options=["-c", lab.write("games.yaml", GROUPS)])
    relay = lab.relay(nsd)
    ours = lab.unbound(relay, store, modules=MODULES)
    ours.ask("text.v4.test", "TXT")  # the way there
    ours.ask("www.clean.test")
    relay.settle()
    heard = {}

    def ask(who, qtype, source):
        heard[who] = ours.ask("good.v4.test", qtype, source=source, timeout=20)

    relay.delay = 1.0
    threads = [threading.Thread(target=ask, args=("kid", "A", "127.0.1.1")),
               threading.Thread(target=ask, args=("adult", "AAAA", "127.0.2.1"))]
    for thread in threads:
        thread.start()
        time.sleep(0.2)
    for thread in threads:
        thread.join()
    relay.delay = 0.0
    real = [embedded(None, "192.0.2.9")]
    tap.same(heard["kid"].addresses(), ["192.0.2.77"], "who is blocked gets the garden")
    tap.same(heard["adult"].addresses(), real, "... and who is not the real address, though it came meanwhile")
    tap.same(ours.ask("good.v4.test", "AAAA", source="127.0.2.2").addresses(), real, "... as who comes later")


def main(tap, lab):
    records = zones.all_of_it()
    records["clean.test."] += GARDEN
    nsd = lab.nsd(dict(records, **{"v4.test.": V4}))
    waiting_for_a_garden(tap, lab, nsd)
    for prefix in PREFIXES:
        with_prefix(tap, lab, nsd, prefix)
    own_answers(tap, lab, nsd)


if __name__ == "__main__":
    harness.run(main)
