#!/usr/bin/python3
"""What only the answer tells: addresses (also as hints, and behind aliases), where they are, the names and addresses
of the servers that gave it. Fresh, and cached before it was listed; for everybody, and for one group; and what is
beside it is not touched.

The half about servers has real delegations, on port 53 of loopback addresses of its own: see referrals.py.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import crowd
import harness
import judge
import mmdb
import referrals
import zones

POLICY = judge.Policy("nxdomain", ttl=10)
STRICT, FREE = "127.0.2.1", "127.0.1.1"

ANS = zones.HEAD.format(origin="ans.test.") + """\
a A 203.0.113.10
*.w A 203.0.113.14
two A 192.0.2.1
two A 203.0.113.11
two TXT "the name itself is fine"
a6 AAAA 2001:db8:bad::5
https HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1,203.0.113.12
https6 HTTPS 1 . ipv6hint=2001:db8:bad::7
svcb SVCB 1 good.ans.test. ipv4hint=203.0.113.13
alias CNAME a
alias2 CNAME alias
alias3 CNAME out
out CNAME a.far.test.
d DNAME w
good A 192.0.2.9
good AAAA 2001:db8::9
good HTTPS 1 . ipv4hint=192.0.2.9 ipv6hint=2001:db8::9
goodalias CNAME good
allowed A 203.0.113.15
toallowed CNAME allowed
"""
FAR = zones.HEAD.format(origin="far.test.") + "a A 203.0.113.16\ngood A 192.0.2.8\n"

RPZ = "$TTL 60\n@ SOA a. b. 1 1 1 1 1\n@ NS a.\n"
LISTED = ("rpz", RPZ + "24.0.113.0.203.rpz-ip CNAME .\n48.zz.bad.db8.2001.rpz-ip CNAME .\n")
ALLOWED = ("domains", "allowed.ans.test\n", "allow")
NOTHING = zones.PROBE + "\n"

# What is to be blocked, and asked for by type.
TOUCHED = [("a.ans.test", "A"), ("two.ans.test", "A"), ("a6.ans.test", "AAAA"),
           ("https.ans.test", "HTTPS"), ("https6.ans.test", "HTTPS"), ("svcb.ans.test", "SVCB"),
           ("alias.ans.test", "A"), ("alias2.ans.test", "A"), ("alias3.ans.test", "A"),
           ("out.ans.test", "A"), ("a.far.test", "A"), ("x.w.ans.test", "A"),
           ("y.d.ans.test", "A")]
BESIDE = [("good.ans.test", "A"), ("good.ans.test", "AAAA"), ("good.ans.test", "HTTPS"),
          ("goodalias.ans.test", "A"), ("two.ans.test", "TXT"), ("a.ans.test", "AAAA"),
          ("alias.ans.test", "AAAA"), ("good.far.test", "A"), ("nonesuch.ans.test", "A")]
LIFTED = [("allowed.ans.test", "A"), ("toallowed.ans.test", "A")]

MODES = {"1 thread": {}, "4 threads, no minimisation": dict(
    threads=4, server="qname-minimisation: no"), "no validator": dict(modules="dynlib iterator")}


class Court:
    """A resolver with us, one without, and what both are asked."""

    def __init__(self, tap, what, plain, ours, store):
        self.tap = tap
        self.what = what
        self.plain = plain
        self.ours = ours
        self.store = store

    def real(self, asked, source=FREE):
        return [fault for qname, qtype in asked for fault in crowd.unspoilt(
            self.plain, self.ours.ask(qname, qtype, source=source, edns=0), ad_may_miss=True)]

    def blocked(self, asked, source=STRICT):
        """A block by what the answer holds has its SOA at the name asked for."""
        return [fault for qname, qtype in asked for fault in judge.faults(
            POLICY, self.ours.ask(qname, qtype, source=source, edns=0), qtype)]

    def publish(self, *sources, options=None):
        serial = self.store.compile(zones.PROBE + "\n", *sources,
                                    options=POLICY.options() if options is None else options)
        if not harness.wait_until(lambda: self.ours.enforced(serial), 10):
            raise harness.Failure("%s: not enforced: %s" % (self.what, self.ours.said()))

    def none(self, faults, what):
        self.tap.none(faults, "%s: %s" % (self.what, what))


def in_cache(resolver, asked):
    """Messages that must not be in Unbound's cache."""
    lines = resolver.control("dump_cache").stdout.splitlines()
    heads = tuple("msg %s. IN %s " % question for question in asked)
    return [line for line in lines if line.startswith(heads)]


def addresses(court, relay, listed, options=None):
    """From clean to listed to clean."""
    for number in range(2):
        court.none(court.real(TOUCHED + BESIDE + LIFTED), "with nothing listed, as without us")
    relay.forget()
    court.none(court.real(TOUCHED + BESIDE + LIFTED) + relay.seen, "... from the cache")
    court.publish(*listed, options=options)
    relay.forget()
    court.none(court.real(BESIDE, STRICT) + relay.seen,
               "listed: what is beside it is answered as before, from the cache")
    for number in range(2):
        court.none(court.blocked(TOUCHED), "listed: what was cached before is blocked, time %d" % number)
        court.none(court.real(LIFTED, STRICT), "listed: allowed names stay, and their aliases")
    court.none(court.blocked([("n%d.w.ans.test" % n, "A") for n in range(5)]),
               "listed: names that nobody asked for before are blocked")
    court.none(in_cache(court.ours, TOUCHED), "listed: no such answer is in Unbound's cache")
    relay.forget()
    for _ in range(10):
        court.blocked(TOUCHED)
    court.none(relay.seen, "listed: the servers are not asked each time")


def for_everybody(tap, lab, nsd, plain, what, options):
    relay, store = lab.relay(nsd), lab.store()
    store.compile(NOTHING)
    court = Court(tap, what, plain, lab.unbound(relay, store, **options), store)
    addresses(court, relay, (LISTED, ALLOWED))
    court.none(court.blocked(TOUCHED, FREE), "listed: for everybody")
    court.publish(ALLOWED)
    court.none(court.real(TOUCHED + BESIDE + LIFTED, STRICT), "un-listed: all of it is real again")


GROUP = """\
groups:
  - {name: strict, clients: [127.0.2.0/24]}
policy:
  - {rule: strict, match: {}, group: strict, action: nxdomain, ttl: 10}
  - {rule: rest, match: {}, action: pass}
"""


def for_a_group(tap, lab, nsd, plain):
    relay, store = lab.relay(nsd), lab.store()
    options = ["-c", lab.write("group.yaml", GROUP)]
    store.compile(NOTHING)
    court = Court(tap, "for one group", plain, lab.unbound(relay, store), store)
    addresses(court, relay, (LISTED, ALLOWED), options)
    court.none(court.real(TOUCHED), "the others get the real answers")
    relay.forget()
    for _ in range(10):
        court.real(TOUCHED)
    court.none(relay.seen, "... from memory")
    court.none(court.blocked(TOUCHED), "... and the group does not")
    court.none(in_cache(court.ours, TOUCHED), "... and none of it is in Unbound's cache")
    people = crowd.Crowd(court.ours, [crowd.Question("m%d.w.ans.test" % n) for n in range(8)],
                         size=40)
    people.ask()
    people.verdicts(tap, POLICY, plain, "for one group, at one instant")


WHERE = """\
geoip: {%s: %s}
policy:
  - {rule: allowed, match: {source: allowed}, action: pass}
  - {rule: where, match: {answer-%s}, action: nxdomain, ttl: 10}
  - {rule: default, match: {}, action: nxdomain, ttl: 10}
"""


def by_place(tap, lab, nsd, plain):
    """The same addresses, by where they are: no entry lists them."""
    nets = ["203.0.113.0/24", "2001:db8:bad::/48"]
    elsewhere = ["192.0.2.0/24", "2001:db8::/48"]
    files = {
        "country": ([(n, mmdb.country("RU")) for n in nets] +
                    [(n, mmdb.country("FR")) for n in elsewhere], "country: [RU, BY]"),
        "asn": ([(n, mmdb.system(64511)) for n in nets] +
                [(n, mmdb.system(64496)) for n in elsewhere], "asn: [64511]"),
    }
    for what, (rows, match) in files.items():
        path = lab.write(what + ".mmdb", mmdb.database(rows))
        rules = WHERE % (what, path, match)
        options = ["-c", lab.write(what + ".yaml", rules)]
        relay, store = lab.relay(nsd), lab.store()
        store.compile(NOTHING)
        court = Court(tap, "by " + what, plain, lab.unbound(relay, store), store)
        addresses(court, relay, ((*ALLOWED, "source=allowed"),), options)
        court.publish(ALLOWED)
        court.none(court.real(TOUCHED + BESIDE + LIFTED, STRICT), "without the rule all of it is real")


# --- servers -------------------------------------------------------------------------------------

ROOT = zones.HEAD.format(origin="") + "test. NS ns.test.\nns.test. A TLD\n"
TEST = zones.HEAD.format(origin="test.").replace("127.0.0.1", "TLD") + """\
host NS ns.host
ns.host A LEAF
byname NS ns1.host.test.
byname NS other.host.test.
byaddress NS ns.byaddress
ns.byaddress A FOURTH
good NS ns.good
ns.good A LEAF
customer NS ns.byname.test.
"""
HOST = zones.HEAD.format(origin="host.test.").replace("127.0.0.1", "LEAF") + """\
ns1 A LEAF
other A LEAF
www A 192.0.2.70
"""
BYNAME = """\
$TTL 300
@ SOA ns1.host.test. admin.host.test. 1 3600 600 86400 60
@ NS ns1.host.test.
@ NS other.host.test.
ns A LEAF
www A 203.0.113.80
*.w A 203.0.113.81
alias CNAME www.good.test.
"""
BYADDRESS = """\
$TTL 300
@ SOA ns admin 1 3600 600 86400 60
@ NS ns
ns A FOURTH
www A 203.0.113.82
*.w A 203.0.113.83
"""
GOOD = zones.HEAD.format(origin="good.test.").replace("127.0.0.1", "LEAF") + """\
www A 192.0.2.71
toname CNAME www.byname.test.
toaddress CNAME toaddress2
toaddress2 CNAME www.byaddress.test.
*.w A 192.0.2.72
"""
CUSTOMER = """\
$TTL 300
@ SOA ns.byname.test. admin.test. 1 3600 600 86400 60
@ NS ns.byname.test.
www A 192.0.2.73
*.w A 192.0.2.74
"""

SERVED = [("www.byname.test", "A"), ("www.byname.test", "TXT"), ("x.w.byname.test", "A"),
          ("nonesuch.byname.test", "A"), ("alias.byname.test", "A"), ("www.byaddress.test", "A"),
          ("nonesuch.byaddress.test", "A"), ("toname.good.test", "A"), ("toaddress.good.test", "A")]
STRANGERS = [("www.good.test", "A"), ("x.w.good.test", "A"), ("www.host.test", "A"),
             ("ns1.host.test", "A"), ("www.customer.test", "A"), ("x.w.customer.test", "A")]


def servers(tap, lab):
    try:
        levels = referrals.Levels(lab, (
            {".": ROOT}, {"test.": TEST},
            {"clean.test.": zones.CLEAN, "host.test.": HOST, "byname.test.": BYNAME,
             "good.test.": GOOD, "customer.test.": CUSTOMER}, {"byaddress.test.": BYADDRESS}))
    except PermissionError:
        tap.skip("servers", "port 53 is for root, or needs net.ipv4.ip_unprivileged_port_start")
        return
    bad = ".".join(reversed((levels.net + "4").split(".")))
    listed = ("rpz", RPZ + "ns1.host.test.rpz-nsdname CNAME .\n32.%s.rpz-nsip CNAME .\n" % bad)
    for what, server in {"servers": "", "servers, no minimisation": "qname-minimisation: no"}.items():
        plain = levels.unbound(None, server)
        store = lab.store()
        store.compile(NOTHING)
        court = Court(tap, what, plain, levels.unbound(store, server), store)
        options = [*POLICY.options(), "--force=bogon"]
        for _ in range(2):
            court.none(court.real(SERVED + STRANGERS), "with nothing listed, as without us")
        court.publish(listed, options=options)
        for number in range(2):
            court.none(court.blocked(SERVED), "what was cached before is blocked, time %d" % number)
            court.none(court.real(STRANGERS), "... strangers are not, nor is who depends on such a zone")
        fresh = [("n%d.w.by%s.test" % (n, how), "A") for n in range(4) for how in ("name", "address")]
        court.none(court.blocked(fresh), "fresh names are blocked")
        court.none(court.real([("n%d.w.%s.test" % (n, zone), "A") for n in range(4)
                               for zone in ("good", "customer")]), "... strangers' are not")
        court.none(in_cache(court.ours, SERVED), "no such answer is in Unbound's cache")
        for relay in levels.relays:
            relay.forget()
        for _ in range(5):
            court.blocked(SERVED)
        tap.same(levels.counts(), {}, "%s: the servers are not asked each time" % what)
        court.publish(options=options)
        court.none(court.real(SERVED + STRANGERS), "un-listed: all of it is real again")
        tap.none(plain.stop() + court.ours.stop(), "%s: both stop cleanly" % what)


def main(tap, lab):
    nsd = lab.nsd(dict(zones.plain(), **{"ans.test.": ANS, "far.test.": FAR}))
    plain = lab.unbound(lab.relay(nsd))
    for what, options in MODES.items():
        for_everybody(tap, lab, nsd, plain, what, options)
    for_a_group(tap, lab, nsd, plain)
    by_place(tap, lab, nsd, plain)
    servers(tap, lab)


if __name__ == "__main__":
    harness.run(main)
