"""Names that lead to listed names, over 1 to 8 zones, and what a new generation makes of cached
answers. Zones and waiting; what must be true is in the tests.

Zone hN.test has, for each way below, an alias of the same name in zone h(N-1); h1 leads to the
way's end. Below each alias a wildcard leads the same way, for names nobody asked before.
"""
import collections
import sys
import time

sys.dont_write_bytecode = True

import harness
import judge
import zones

DEPTH = 8
NUMBERS = 80  # aliases n0, n1, ... of listed names that are asked once each
SOON = 1.0  # seconds from publication to the last stale answer
GIVE_UP = 5.0  # seconds

WAYS = {  # label: where it ends
    "www": "www.mallory.test.",
    "apex": "mallory.test.",
    "nx": "nonesuch.mallory.test.",
    "empty": "empty.mallory.test.",
    "middle": "middle.mallory.test.",
    "middle2": "www.dmiddle.mallory.test.",
    "tip": "tip.lone.test.",
    "good": "good.mallory.test.",
    "ok": "www.mallory.test.",
    "clean": "www.clean.test.",
    "nowhere": "nowhere.clean.test.",
    "loop": "loop2.h1.test.",
    "listed-loop": "loop.mallory.test.",
}

MALLORY = zones.BAD_HEAD.format(origin="mallory.test.") + zones.bad(
    "@", "www", "a.b.c", "*.wild") + """
empty TYPE65281 \\# 6 6c65616b6564
middle CNAME www.clean.test.
dmiddle DNAME clean.test.
loop CNAME listed-loop.h1.test.
good A 192.0.2.80
good AAAA 2001:db8::80
good TXT "allowed"
"""

# Of it only exact names are listed.
LONE = zones.HEAD.format(origin="lone.test.") + """
tip TYPE65281 \\# 6 6c65616b6564
child.tip A 192.0.2.81
beside A 192.0.2.82
"""


def hop(depth):
    text = zones.HEAD.format(origin="h%d.test." % depth)
    before = ".h%d.test." % (depth - 1)
    for label, end in WAYS.items():
        target = end if depth == 1 else label + before
        text += "{0} CNAME {1}\n*.{0} CNAME {1}\n".format(label, target)
    text += "dname DNAME %s\n" % ("mallory.test." if depth == 1 else "dname" + before)
    for n in range(NUMBERS):
        text += "n%d CNAME n%d%s\n" % (n, n, ".wild.mallory.test." if depth == 1 else before)
    if depth == 1:
        text += "loop2 CNAME loop.h1.test.\n"
    return text


def all_zones():
    world = dict(zones.plain(), **{"mallory.test.": MALLORY, "lone.test.": LONE})
    world.update(("h%d.test." % depth, hop(depth)) for depth in range(1, DEPTH + 1))
    return world


# --- what is listed ------------------------------------------------------------------------------

NOTHING = [zones.PROBE + "\n"]
LISTS = [zones.PROBE + "\nmallory.test\n", ("hosts", "0.0.0.0 tip.lone.test\n"),
         ("domains", "good.mallory.test\n", "allow")]

NXDOMAIN = judge.Policy("nxdomain", ttl=10)
SINKHOLE = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA)

# A question, and the listed entry that decides about its answer (None: nothing does).
Item = collections.namedtuple("Item", "qname qtype flags owner")


def items(names, types=("A", "AAAA", "TXT"), flags=({}, {"cd": True})):
    """names: {name: deciding entry or None}"""
    return [Item(qname, qtype, dict(each, edns=0), owner)
            for qname, owner in names.items() for qtype in types for each in flags]


LISTED = {qname: "mallory.test" for qname in """
    mallory.test www.mallory.test nonesuch.mallory.test a.b.c.mallory.test b.c.mallory.test
    x.y.mallory.test any.wild.mallory.test empty.mallory.test middle.mallory.test""".split()}
LISTED["tip.lone.test"] = "tip.lone.test"

ALIASES = dict(
    [("%s.h%d.test" % (label, depth), "mallory.test") for depth in (1, 2, 5)
     for label in ("www", "apex", "nx", "empty", "middle", "any.www", "www.dname", "nx.dname")] +
    [("tip.h%d.test" % depth, "tip.lone.test") for depth in (1, 2, 5)])

NEIGHBOURS = {qname: None for qname in """
    test notevil.test clean.test www.clean.test alias2.clean.test dangling.clean.test
    nowhere.clean.test notype.clean.test clean.h1.test clean.h2.test clean.h5.test x.clean.h2.test
    nowhere.h2.test h1.test nonesuch.h1.test lone.test beside.lone.test child.tip.lone.test
    nottip.lone.test tip.test""".split()}

# Inside a listed zone, whose own records (SOA, NS) belong to their answers and give way.
ALLOWED = {qname: None for qname in
           "good.mallory.test good.h1.test good.h2.test good.h5.test x.good.h2.test".split()}


def ask(resolver, item, **options):
    return resolver.ask(item.qname, item.qtype, **item.flags, **options)


def blocked(policy):
    """A judge of answers: wrong when not blocked."""
    return lambda resolver, item: judge.faults(
        policy, ask(resolver, item), item.qtype, item.owner)


def as_plain(plain):
    """A judge of answers: wrong when not as without the module."""
    known = {}

    def faults(resolver, item):
        key = (item.qname, item.qtype, str(item.flags))
        if key not in known:
            known[key] = ask(plain, item)
        return judge.same(known[key], ask(resolver, item))
    return faults


def wrong(faults, resolver, item):
    try:
        return faults(resolver, item)
    except OSError as error:
        return ["%s %s: %s" % (item.qname, item.qtype, error)]


def all_faults(faults, resolver, asked):
    return [fault for item in asked for fault in wrong(faults, resolver, item)]


# --- giving way ----------------------------------------------------------------------------------


class Change:
    """Everything asked round after round, from the publication to one round after the line that
    says it is enforced; where none need come, to one round after SOON."""

    def __init__(self, resolver, store, publish, faults, asked, line_due=True):
        publish()
        returned = time.monotonic()
        self.line_due = line_due
        self.last = 0.0  # seconds from publication to the last stale answer
        self.stale = []
        self.late = []  # what was stale in the last round, hence ever after
        self.line = None
        final = False
        while not final and time.monotonic() - returned < GIVE_UP:
            self.line = self.line or (line_due and resolver.enforced(store.serial()))
            final = self.line if line_due else time.monotonic() - returned > SOON
            for item in asked:
                found = wrong(faults, resolver, item)
                if found:
                    self.last = time.monotonic() - returned
                    self.stale = found
                    self.late += found if final else []

    def report(self, tap, what):
        if self.line_due:
            tap.ok(self.line, "%s: the log says when it is enforced" % what)
            tap.none(self.late, "%s: no answer of the old content after that line" % what)
        tap.ok(self.last <= SOON, "%s: none after %g s" % (what, SOON), "last after %.3f s:\n%s" % (
            self.last, harness.some(self.stale)))
        tap.note("%s: last stale answer %.3f s after publication; %s" % (
            what, self.last, (self.line or "no line").rpartition("sinkhole: ")[2]))
