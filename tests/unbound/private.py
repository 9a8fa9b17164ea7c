#!/usr/bin/python3
"""The private answer cache: what some clients may see and others not costs the authority one question a TTL,
however often it is asked for; and a rule about a network in which a third of all names have their addresses costs
those who are not meant nothing."""
import os
import random
import select
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import harness
import mmdb
import zones

TIMES = 10000  # questions about one name
WINDOW = 64  # of a client, on their way at the same time
TTL = 20  # seconds, of what is asked so often
FREE, STRICT = "127.0.1.1", "127.0.2.1"
BAD_ADDRESS = "203.0.113.60"

GROUPS = "groups:\n  - {name: free, clients: [127.0.1.0/24]}\n"
MIXED = GROUPS + """
policy:
  - {rule: free, match: {}, group: free, action: pass}
  - {rule: rest, match: {}, action: nxdomain}
"""
HOSTING = """
groups:
  - {name: strict, clients: [127.0.2.0/24]}
geoip: {asn: %s}
policy:
  - {rule: hosting, match: {answer-asn: [64511]}, group: strict, action: nxdomain}
  - {rule: rest, match: {}, action: nxdomain}
"""

NAMES = 300
SHARE = 30  # percent of them with addresses in that network
ROUNDS = 12
BRIEF = 4  # seconds, their TTL
PAUSE = 1.0  # seconds from one round to the next, at least

CLEAN = zones.CLEAN + "".join(
    "n%d %d A %s.%d\n" % (n, BRIEF, "203.0.113" if n % 100 < SHARE else "192.0.2", n % 250 + 1)
    for n in range(NAMES))
EVIL = zones.EVIL + "often %d A %s\noften2 %d A %s\n" % (TTL, BAD_ADDRESS, TTL, BAD_ADDRESS)


# --- one name, many times --------------------------------------------------------------------------


class Asker:
    """A client that keeps WINDOW questions on their way."""

    def __init__(self, port, source, wire, times):
        self.wire = wire
        self.left = times
        self.answers = {}  # what came, without ids and times to live: how often
        self.flying = 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((source, 0))
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)

    def send(self):
        while self.left > 0 and self.flying < WINDOW:
            self.sock.send(self.left.to_bytes(2, "big") + self.wire[2:])
            self.left -= 1
            self.flying += 1

    def receive(self):
        while self.flying > 0:
            try:
                wire = self.sock.recv(65535)
            except BlockingIOError:
                return
            self.flying -= 1
            kind = (wire[3] & 15, int.from_bytes(wire[6:8], "big"), wire[-4:] if wire[7] else b"")
            self.answers[kind] = self.answers.get(kind, 0) + 1


def ask_often(ours, qname, times=TIMES):
    """Half of the questions by each client. Returns what each got, and how many a second."""
    wire = harness.query(qname).to_wire()
    askers = [Asker(ours.port, source, wire, times // 2) for source in (FREE, STRICT)]
    began = time.monotonic()
    while any(asker.left or asker.flying for asker in askers):
        for asker in askers:
            asker.send()
        ready = select.select([asker.sock for asker in askers if asker.flying], [], [], 5)[0]
        if not ready:
            break  # what is lost is found missing
        for asker in askers:
            asker.receive()
    seconds = time.monotonic() - began
    for asker in askers:
        asker.sock.close()
    return [asker.answers for asker in askers], times / seconds


def one_name(tap, lab, nsd, threads):
    what = "%d thread(s)" % threads
    store = lab.store()
    store.compile(zones.PROBE + "\nevil.test\n",
                  options=["-c", lab.write("mixed-%d.yaml" % lab.number(), MIXED)])
    relay = lab.relay(nsd)
    ours = lab.unbound(relay, store, threads=threads)
    ours.ask("www.evil.test", source=FREE)  # the way there
    for number, qname in enumerate(("often.evil.test", "often2.evil.test")):
        relay.forget()
        began = time.monotonic()
        (free, strict), rate = ask_often(ours, qname)
        took = time.monotonic() - began
        tap.note("%s: %d questions a second" % (what, rate))
        asked = relay.seen.count((harness.name(qname), "A"))
        tap.ok(took < TTL and 1 <= asked <= threads,
               "%s: %d questions about %s within its TTL are at most one a worker for the authority" % (
                   what, TIMES, qname), "%d, in %.1f s" % (asked, took))
        tap.same(free, {(0, 1, socket.inet_aton(BAD_ADDRESS)): TIMES // 2},
                 "%s: who may see it does, each time" % what)
        tap.same({kind[:2]: count for kind, count in strict.items()}, {(3, 0): TIMES // 2},
                 "%s: the other one gets the block, each time" % what)
        if number == 0:
            next_ttl(tap, ours, relay, qname, began, threads)


def next_ttl(tap, ours, relay, qname, began, threads):
    time.sleep(max(0.0, began + TTL + 1.1 - time.monotonic()))
    relay.forget()
    ask_often(ours, qname, 1000)
    asked = relay.seen.count((harness.name(qname), "A"))
    tap.ok(1 <= asked <= threads, "%d thread(s): one more a worker in the next TTL" % threads, asked)


# --- many names, a third of them in one network ----------------------------------------------------


def hosting(tap, lab, nsd):
    asn = lab.path("asn.mmdb")
    mmdb.write_asn(asn, {"203.0.113.0/24": 64511, "192.0.2.0/24": 64500})
    store = lab.store()
    store.compile(zones.PROBE + "\n",
                  options=["-c", lab.write("hosting.yaml", HOSTING % asn)])
    relays = [lab.relay(nsd), lab.relay(nsd)]
    plain, ours = lab.unbound(relays[0]), lab.unbound(relays[1], store)
    chance = random.Random(7)
    for resolver in (plain, ours):
        resolver.ask("www.clean.test", source=FREE)
    for relay in relays:
        relay.settle()
        relay.forget()
    differ, strict = [], []
    for number in range(ROUNDS):
        began = time.monotonic()
        for n in chance.sample(range(NAMES), NAMES):
            qname = "n%d.clean.test" % n
            answer, real = (resolver.ask(qname, source=FREE) for resolver in (ours, plain))
            if answer.gist() != real.gist():
                differ.append((qname, answer, real))
            if number % 3 == 1:
                blocked = ours.ask(qname, source=STRICT).rcode == "NXDOMAIN"
                if blocked != (n % 100 < SHARE):
                    strict.append(qname)
        time.sleep(max(0.0, began + PAUSE - time.monotonic()))
    counts = [len(relay.asked_below("clean.test")) for relay in relays]
    tap.none(differ, "a rule on a network: who is not meant gets what plain Unbound answers")
    tap.none(strict, "... and who is meant gets the block, of the names there only")
    tap.ok(counts[0] >= NAMES * 2 and counts[1] <= 1.05 * counts[0],
           "... and the authority is not asked more than 1.05 times as often",
           "%d questions of plain Unbound's, %d of ours" % tuple(counts))


def main(tap, lab):
    nsd = lab.nsd(dict(zones.plain(), **{"evil.test.": EVIL, "clean.test.": CLEAN}))
    for threads in (1, 4):
        one_name(tap, lab, nsd, threads)
    hosting(tap, lab, nsd)


if __name__ == "__main__":
    harness.run(main)
