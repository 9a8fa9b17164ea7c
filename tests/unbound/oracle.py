#!/usr/bin/python3
"""Generations are published as fast as they go while clients ask: each answer is right for some
generation that was published between a second before it was asked for and the moment it came, and
none mixes two.

Each generation answers with addresses of its own, so that a blocked answer tells which one gave it:
the AAAA record carries the serial, the A record its remainder, the SOA of an empty answer the
serial again. Then once more with live changes over one base: there the SOA alone tells.

    oracle.py [SECONDS]     default 30, for each of the two: a minute; 300 and more by night

Publishing is a process of its own, or it would wait for Python's clients; when each generation was
published is in a file that both have mapped.
"""
import bisect
import collections
import ipaddress
import mmap
import os
import re
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True

import dns.rdatatype

import harness
import steady
import zones

WORDS = sys.argv[1:]
SECONDS = float(WORDS[0]) if WORDS and WORDS[0] != "publish" else 30
BOUND = 4.0 if harness.SANITIZED else 1.0  # seconds from publication to the last older answer
FILLER = 3000  # other names in each generation
WARM = 4000  # cached names that no generation lists, for the walks to pass by
GENERATIONS_MAX = 1 << 20
POOL = 2000  # names that are asked for in each zone
ALIASES = 25  # into each zone, of one hop and of two
SLOW = 128  # generations between two changes of the slow zone: longer than the bound
REMAINDERS = 250
SINK_A = ipaddress.ip_address("198.51.100.1")
SINK_AAAA = ipaddress.ip_address("2001:db8:51::")

# Zones, and the generations that list them, by serial.
LISTED = {
    "odd": lambda serial: serial % 2 == 1,
    "even": lambda serial: serial % 2 == 0,
    "slow": lambda serial: serial // SLOW % 2 == 1,
    "always": lambda serial: True,
    "never": lambda serial: False,
}
NAMES = sorted(LISTED)
REAL = {"A": "192.0.2.81", "AAAA": "2001:db8::81", "TXT": '"real"'}


def zone_text():
    text = zones.HEAD.format(origin="oracle.test.")
    for zone in NAMES:
        for owner in ("*." + zone, "exact-" + zone):
            text += "".join("%s %s %s\n" % (owner, qtype, data) for qtype, data in REAL.items())
        for i in range(ALIASES):
            text += "one%d-%s CNAME t%d.%s\n" % (i, zone, i, zone)
            text += "two%d-%s CNAME one%d-%s\n" % (i, zone, i, zone)
    return text


def content(serial):
    """Domain lists: zones with all below them, and names that stand for themselves."""
    listed = [zone for zone in NAMES if LISTED[zone](serial)]
    filler = ("f%d.filler.test" % i for i in range(serial % 2, FILLER * 2, 2))
    return ("\n".join([zones.PROBE, *(zone + ".oracle.test" for zone in listed), *filler]) + "\n",
            "".join("exact-%s.oracle.test\n" % zone for zone in listed))


def changes(serial):
    """Live changes that come to the same, whatever came before."""
    lines = "".join("%s %s.oracle.test\n" % (sign(serial, zone), zone) for zone in NAMES)
    lines += "".join("%s exact-%s.oracle.test%s\n" % (
        sign(serial, zone), zone, " scope=exact" if LISTED[zone](serial) else "") for zone in NAMES)
    return lines + "".join("%s f%d.filler.test\n" % ("+-"[serial % 2], i) for i in range(0, 100, 2))


def sign(serial, zone):
    return "+" if LISTED[zone](serial) else "-"


class History:
    """When each generation was published, by serial: time.monotonic(), which processes share."""

    # Its publication began, was complete; 0: not yet. Native, so that each is written in one piece.
    MOMENTS = struct.Struct("dd")

    def __init__(self, path):
        self.path = path
        with open(path, "a+b") as f:
            f.truncate(self.MOMENTS.size * GENERATIONS_MAX)  # sparse
            self.map = mmap.mmap(f.fileno(), 0)
        self.began = []  # what this process has seen of it; serial 1 first

    def __getitem__(self, serial):
        return self.MOMENTS.unpack_from(self.map, self.MOMENTS.size * serial)

    def begin(self, serial):
        self.MOMENTS.pack_into(self.map, self.MOMENTS.size * serial, time.monotonic(), 0.0)

    def end(self, serial):
        self.MOMENTS.pack_into(self.map, self.MOMENTS.size * serial, self[serial][0],
                               time.monotonic())

    def last(self):
        """The newest serial whose publication has begun. For one thread at a time."""
        while self[len(self.began) + 1][0]:
            self.began.append(self[len(self.began) + 1][0])
        return len(self.began)

    def candidates(self, sent, got):
        """Serials that an answer may stem from."""
        serial = bisect.bisect_right(self.began, got)
        while serial > 0:
            yield serial
            # A later one ended this one's time, BOUND after its publication was complete.
            ended = self[serial][1]
            if ended and ended + BOUND < sent:
                return
            serial -= 1


class Publisher:
    """Publishes one generation after the other into a directory."""

    def __init__(self, command, directory, history, lists, live):
        self.compile = [command, "compile", "-q", "-d", directory, "--action", "sinkhole"]
        self.apply = [command, "apply", "-d", directory]
        self.live = live == "live"
        self.history = history
        self.lists = lists

    @staticmethod
    def write_lists(lists):
        """The sources of all kinds of generations, as files in a directory."""
        for serial in (0, 1, SLOW, SLOW + 1):
            for name, text in zip(("whole", "exact", "changes"), (*content(serial), changes(serial))):
                with open(Publisher.path(lists, name, serial), "w", encoding="ascii") as f:
                    f.write(text)

    @staticmethod
    def path(lists, name, serial):
        return os.path.join(lists, name + "".join(str(int(LISTED[zone](serial))) for zone in NAMES))

    def publish(self):
        serial = self.history.last() + 1
        if self.live and serial > 1:
            self.history.begin(serial)
            subprocess.run([*self.apply, self.path(self.lists, "changes", serial)], check=True,
                           stderr=subprocess.DEVNULL)
            self.history.end(serial)
            return
        sources = ["domains:" + self.path(self.lists, "whole", serial),
                   "domains:" + self.path(self.lists, "exact", serial) + ",scope=exact"]
        self.history.begin(serial)
        subprocess.run([*self.compile, "--sinkhole-a", str(SINK_A + serial % REMAINDERS),
                        "--sinkhole-aaaa", str(SINK_AAAA + serial), *sources], check=True)
        self.history.end(serial)


def publish_until_told(command, directory, history, lists, live):
    """The process; it stops when its file `go` is gone, and waits while there is a file `rest`."""
    publisher = Publisher(command, directory, History(history), lists, live)
    while os.path.exists(lists + "/go"):
        if os.path.exists(lists + "/rest"):
            time.sleep(0.01)
        else:
            publisher.publish()


def at_rest(lab, resolver, lists):
    """What the resolver holds while the clients ask and nothing is published."""
    rest = lab.write(os.path.join(lists, "rest"), "")
    time.sleep(0.5)
    found = steady.Held(resolver)
    os.unlink(rest)
    return found


class Clients:
    """What the clients ask, and the judge of what they get."""

    def __init__(self, history, live):
        self.history = history
        self.policy = (lambda serial: 1) if live else (lambda serial: serial)  # whose addresses are given
        self.lock = threading.Lock()
        # Seconds, before it was asked for, that what the oldest answer stems from was replaced.
        self.oldest = {"blocked": 0.0, "answered": 0.0}
        self.counts = {"blocked": 0, "answered": 0}

    @staticmethod
    def ask(number):
        zone = NAMES[number % len(NAMES)]
        number //= len(NAMES)
        turn, i = number % 8, number // 8
        if turn == 0:
            return dict(qname="one%d-%s.oracle.test" % (i % ALIASES, zone), edns=0)
        if turn == 1:
            return dict(qname="two%d-%s.oracle.test" % (i % ALIASES, zone), edns=0)
        if turn == 2:
            return dict(qname="exact-%s.oracle.test" % zone, edns=0, cd=bool(i % 2))
        qname = "n%d.%s.oracle.test" % (i % POOL if turn < 5 else i % 50, zone)
        return dict(qname=qname, qtype=("A", "AAAA", "ANY", "TXT", "A")[turn - 3], edns=0)

    def judge(self, answer, asked, sent, got):
        zone = re.search(r"[.-](%s)\." % "|".join(NAMES), asked["qname"]).group(1)
        with self.lock:
            self.history.last()
        serials = list(self.history.candidates(sent, got))
        blocked = 15 in answer.edes
        fits = [serial for serial in serials if LISTED[zone](serial) == blocked and
                (not blocked or all(says(serial) for says in claims(answer, self.policy)))]
        why = [] if fits else ["not right for any one generation in force"]
        why += judge_blocked(answer, asked) if blocked else judge_answered(answer, asked)
        if fits:
            self.remember("blocked" if blocked else "answered", sent, fits[0])
        return ["%s: %s (%s)\n%r" % (asked["qname"], what, span(serials), answer) for what in why]

    def remember(self, kind, sent, serial):
        self.counts[kind] += 1
        replaced = self.history[serial + 1][1]
        if replaced:
            self.oldest[kind] = max(self.oldest[kind], sent - replaced)


def span(serials):
    return "no generation" if not serials else "generations %d to %d" % (serials[-1], serials[0])


def claims(answer, policy):
    """A test of the serial for each record that speaks of one; real data fits no serial."""
    found = []
    for rrset in answer.message.answer:
        for rdata in rrset:
            if rrset.rdtype not in (dns.rdatatype.A, dns.rdatatype.AAAA):
                found.append(lambda serial: False)
                continue
            address = ipaddress.ip_address(rdata.address)
            found.append(lambda serial, a=address: a in (SINK_A + policy(serial) % REMAINDERS,
                                                         SINK_AAAA + policy(serial)))
    for rrset in answer.message.authority:
        found += [lambda serial, r=rdata: getattr(r, "serial", 0) == serial for rdata in rrset]
    return found


def judge_blocked(answer, asked):
    """The serial is judged elsewhere; here that there is one, and whose records they are."""
    owners = {str(rrset.name) for rrset in answer.message.answer} - {asked["qname"] + "."}
    return (["owner %s" % owners] if owners else []) + (
        [] if claims(answer, int) else ["blocked, but by which generation?"])


def judge_answered(answer, asked):
    """The real data that was asked for, and nothing else. (Of ANY, what the cache has suffices.)"""
    qtype = asked.get("qtype", "A")
    wanted = {data for each, data in REAL.items() if qtype in (each, "ANY")}
    seen = {rdata.to_text() for rrset in answer.message.answer for rdata in rrset
            if rrset.rdtype != dns.rdatatype.CNAME}
    if answer.rcode != "NOERROR" or not seen or not seen <= wanted:
        return ["%s %s, wanted %s" % (answer.rcode, seen, wanted)]
    return []


def endings(publisher):
    """Twice a last generation, for so long that it alone is right."""
    for _ in range(2):
        publisher.publish()
        time.sleep(BOUND + 1)


def settle(tap, what, resolver, clients, load, store):
    """Nothing is published any more; the clients have stopped."""
    serial = clients.history.last()
    tap.same(store.serial(), serial, "%s: all %d generations were published" % (what, serial))
    tap.note("%d queries: %s; the longest took %.0f ms" % (
        load.count, clients.counts, load.longest * 1000))
    tap.note("the oldest: what they stem from was replaced so long before they were asked for: %s" %
             {kind: round(seconds, 3) for kind, seconds in clients.oldest.items()})
    tap.ok(min(clients.counts.values()) > 500, "%s: the clients were kept busy" % what, load.count)
    tap.none(load.lost, "%s: no query was lost" % what)
    kinds = collections.Counter(re.sub(r"\d+", "N", fault.split()[0]) for fault in load.faults)
    tap.note("faults by kind: %s" % dict(kinds) if kinds else "no fault")
    tap.none(load.faults, "%s: every answer is that of one generation, %g s old at most" % (what, BOUND))
    tap.ok(harness.wait_until(lambda: resolver.enforced(serial), 5),
           "%s: the last generation is enforced, says the log" % what, "\n".join(resolver.said()[-3:]))


def publish_and_ask(tap, lab, nsd, live):
    what = "live changes" if live else "whole lists"
    store = lab.store()
    history = History(lab.path("history-%d" % live))
    lists = lab.fresh("lists")
    Publisher.write_lists(lists)
    places = harness.needed("SINKHOLE"), store.dir
    how = "live" if live else "whole"
    publisher = Publisher(*places, history, lists, how)
    publisher.publish()
    # One arena: each thread that meets a busy one would get another, whenever that happens.
    resolver = harness.Unbound(lab, nsd, store, threads=4, server="num-queries-per-thread: 2048")
    resolver.environ["MALLOC_ARENA_MAX"] = "1"
    resolver.start()
    tap.ok(resolver.enforces(), "%s: the first generation is in force" % what)
    tap.same(steady.warm(resolver, WARM), WARM, "%s: %d clean names are cached" % (what, WARM))

    go = lab.write(os.path.join(lists, "go"), "")
    process = lab.spawn([sys.executable, os.path.abspath(__file__), "publish", *places,
                         history.path, lists, how], lab.path("publisher.log"))
    clients = Clients(history, live)
    load = harness.Load(resolver.port, clients.ask, clients.judge, clients=4, pause=0.001)
    time.sleep(SECONDS / 3)
    before = at_rest(lab, resolver, lists)
    first, start = history.last(), time.monotonic()
    time.sleep(SECONDS * 2 / 3)
    tap.note("a generation every %.1f ms" % (
        (time.monotonic() - start) / (history.last() - first) * 1000))
    os.unlink(go)
    tap.same(process.wait(30), 0, "%s: the publisher published all the time" % what)
    endings(publisher)
    load.stop()
    settle(tap, what, resolver, clients, load, store)
    steady.flat(tap, before, steady.Held(resolver), "%s: after the first third" % what, 8192)
    tap.ok(not resolver.blocks("never.oracle.test") and resolver.blocks("always.oracle.test"),
           "%s: it still filters" % what)
    return resolver


def main(tap, lab):
    nsd = lab.nsd(dict(zones.plain(), **{"oracle.test.": zone_text()}))
    tap.none(publish_and_ask(tap, lab, nsd, live=False).stop(), "whole lists: it stops")
    resolver = publish_and_ask(tap, lab, nsd, live=True)
    tap.ok(resolver.said("at once, by name$"), "live changes: names were removed before walks")


if __name__ == "__main__":
    if sys.argv[1:2] == ["publish"]:
        sys.exit(publish_until_told(*sys.argv[2:]))
    harness.run(main)
