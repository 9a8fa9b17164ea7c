#!/usr/bin/python3
"""Clients that mean no good, and servers that are dead: floods, broken packets, many at once,
clients that leave, queries in flight while generations change."""
import random
import select
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True

import harness
import judge
import zones
from forge import content, zone_of

POLICY = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA)
LIST = zones.SUBTREES + "bad.dead.test\n"
FLOOD = 3000
REQUESTS = "total.requestlist.current.all"
REQUESTS_END = 20  # seconds: what a server does not answer is asked for again and again


def still_right(tap, resolver, what):
    found = []
    for qtype, flags in (("A", {}), ("AAAA", {"do": True}), ("TXT", {"tcp": True, "edns": 0})):
        found += judge.faults(POLICY, resolver.ask("www.evil.test", qtype, **flags), qtype)
    addresses = resolver.ask("www.clean.test").addresses()
    if addresses != ["192.0.2.41", "192.0.2.42", "192.0.2.43"]:
        found.append("www.clean.test: %s" % addresses)
    tap.none(found, "%s: blocked and clean as they should be" % what)


def statistic(resolver, word):
    for line in resolver.control("stats_noreset").stdout.splitlines():
        if line.startswith(word + "="):
            return int(line.partition("=")[2])
    raise harness.Failure("no statistic " + word)


def flood_below_a_listed_name(tap, resolver, relay):
    relay.forget()
    messages, rrsets = (statistic(resolver, w) for w in ("msg.cache.count", "rrset.cache.count"))
    lines = len(resolver.said())
    rng = random.Random(3)
    found = []
    for _ in range(FLOOD):
        label = bytes(rng.randrange(256) for _ in range(rng.randint(1, 63)))
        qtype = rng.choice(("A", "AAAA", "TXT", "TYPE65280"))
        found += judge.faults(POLICY, resolver.ask([label, b"evil", b"test"], qtype), qtype)
    tap.none(found, "%d random names below a listed one: each is blocked" % FLOOD)
    tap.same(relay.seen, [], "... no authority was asked anything")
    tap.same([statistic(resolver, w) for w in ("msg.cache.count", "rrset.cache.count")],
             [messages, rrsets], "... the caches hold what they held")
    tap.same(len(resolver.said()), lines, "... and the log did not grow")


def broken_packets(tap, resolver):
    """Nobody waits for answers: what counts is that the resolver is the same afterwards."""
    rng = random.Random(4)
    seeds = [harness.query(*asked, **flags).to_wire(max_size=65535) for asked, flags in (
        (("www.evil.test", "A"), {}), (("www.evil.test", "ANY"), dict(do=True, cd=True)),
        (("www.clean.test", "HTTPS"), dict(edns=0, payload=65535)),
        ((["\0.\xff".encode("latin-1"), b"evil", b"test"], "TXT"), dict(edns=0)))]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", resolver.port))
        sock.settimeout(harness.ASK_TIMEOUT)
        for number in range(6000):
            sock.send(mutated(rng, rng.choice(seeds)))
            if number % 20 == 0:
                catch_up(sock)
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", resolver.port), 5) as sock:
            wire = mutated(rng, rng.choice(seeds))
            claimed = rng.choice((len(wire), len(wire) + 1, len(wire) - 1, 0, 65535))
            sock.sendall(struct.pack("!H", max(claimed, 0)) + wire)
    tap.ok(resolver.alive(), "broken packets by UDP and TCP: it lives")
    # Some are names that authorities have to be asked about, and while its list of those is full Unbound drops
    # every new question that its cache does not answer, a listed name's too.
    tap.ok(harness.wait_until(lambda: not statistic(resolver, REQUESTS), REQUESTS_END),
           "... and ends all that it has begun")
    still_right(tap, resolver, "after broken packets")


def catch_up(sock):
    """Wait until the thread that reads this socket's packets has read them, or its buffer would
    overflow and lose other clients' questions."""
    wire = harness.query("www.clean.test").to_wire()
    sock.send(wire)
    while sock.recv(65535)[:2] != wire[:2]:
        pass


def mutated(rng, wire):
    wire = bytearray(wire)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(wire))
        flipped = wire[at] ^ 1 << rng.randrange(8)
        wire[at] = rng.choice((0, 1, 0xff, 0xc0, rng.randrange(256), flipped))
    if rng.random() < 0.2:
        del wire[rng.randrange(len(wire)):]
    if rng.random() < 0.1:
        wire += bytes(rng.randrange(256) for _ in range(rng.randrange(300)))
    return bytes(wire) or b"\0"


def many_at_once(tap, resolver, relay):
    """One mesh state, many clients: each gets the answer to what it asked."""
    relay.delay = 0.2
    for qname in ("www.evil.test", "crowd%d.wild.clean.test" % resolver.port):
        asked = [harness.query(qname, "A", do=i % 2 == 1, cd=i % 4 > 1,
                               edns=0 if i % 8 > 3 else None) for i in range(64)]
        found = []
        for answer in all_answers(resolver, asked):
            if qname == "www.evil.test":
                found += judge.faults(POLICY, answer)
            elif answer.addresses() != ["192.0.2.45"] or answer.edes:
                found.append(answer)
        tap.none(found, "64 clients ask for %s at once: each is answered right" % qname[:13])
    relay.delay = 0.0


def all_answers(resolver, asked):
    """Send everything, then wait for everything; an answer that does not come is a failure."""
    socks = {}
    for message in asked:
        wire = message.to_wire()
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect(("127.0.0.1", resolver.port))
        sock.send(wire)
        socks[sock] = wire
    end = time.monotonic() + harness.ASK_TIMEOUT
    waiting = dict(socks)
    answers = []
    while waiting and time.monotonic() < end:
        for sock in select.select(list(waiting), [], [], 0.5)[0]:
            answers.append(harness.Answer(sock.recv(65535), waiting.pop(sock)))
    for sock in socks:
        sock.close()
    if waiting:
        raise harness.Failure("%d of %d questions were not answered" % (len(waiting), len(asked)))
    return answers


def one_stream(tap, resolver):
    """200 questions in one TCP stream, sent before any answer is read."""
    wires = {}
    for number in range(200):
        qname = "www.evil.test" if number % 2 else "s%d.wild.clean.test" % number
        message = harness.query(qname, edns=0)
        message.id = number
        wires[number] = message.to_wire()
    found = []
    with socket.create_connection(("127.0.0.1", resolver.port), 10) as sock:
        sock.sendall(b"".join(struct.pack("!H", len(wire)) + wire for wire in wires.values()))
        for _ in range(200):
            got = harness.receive(sock, struct.unpack("!H", harness.receive(sock, 2))[0])
            number = struct.unpack_from("!H", got)[0]
            answer = harness.Answer(got, wires.pop(number))
            if number % 2:
                found += judge.faults(POLICY, answer)
            elif answer.addresses() != ["192.0.2.45"]:
                found.append(answer)
    tap.none(found, "200 questions in one TCP stream: each is answered right")
    tap.same(list(wires), [], "... and answered once")


def leavers(tap, resolver):
    """Clients that are gone before their answer."""
    before = len(resolver.links())
    for qname in ("www.evil.test", "%d.dead.test"):
        for number in range(150):
            wire = harness.query(qname.replace("%d", str(number))).to_wire()
            with socket.create_connection(("127.0.0.1", resolver.port), 5) as sock:
                sock.sendall(struct.pack("!H", len(wire)) + wire)
        if qname == "www.evil.test":  # the other questions hang, and hold descriptors for a while
            tap.ok(harness.wait_until(lambda: len(resolver.links()) <= before, 5),
                   "clients that left: nothing stays open", "%d descriptors, %d before" % (
                       len(resolver.links()), before))
    still_right(tap, resolver, "after clients that left")


def ask_the_dead(resolver, count):
    """Questions that hang: their servers do not answer."""
    turn = resolver.lab.number()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", resolver.port))
        for number in range(count):
            sock.send(harness.query("h%d.x%d.dead.test" % (number, turn)).to_wire())


def dead_servers(tap, resolver, store):
    ask_the_dead(resolver, 200)
    start = time.monotonic()
    found = judge.faults(POLICY, resolver.ask("bad.dead.test"))
    found += judge.faults(POLICY, resolver.ask("www.bad.dead.test", "TXT", tcp=True), "TXT")
    tap.none(found, "a listed name whose servers are dead is blocked")
    tap.ok(time.monotonic() - start < 1, "... at once, though 200 questions hang")
    marks = ["1", "2", "3", "4"]
    for mark in marks:
        ask_the_dead(resolver, 20)
        store.compile(LIST + content(mark), options=POLICY.options())
        if not resolver.enforces(zone_of(mark)):
            raise harness.Failure("generation %s is not in force" % mark)
    tap.ok(resolver.alive(), "generations change while questions hang: it lives")
    still_right(tap, resolver, "after that")
    for _ in range(5):
        ask_the_dead(resolver, 20)
        resolver.control("reload")
        harness.wait_until(resolver.answers, 10)
    still_right(tap, resolver, "after reloads while questions hang")
    ask_the_dead(resolver, 20)


def log_injection(tap, lab, relay):
    """What ends up in the log is one line, whatever a directory is called."""
    name = lab.path("dir\n[1] unbound[1:0] info: sinkhole: forged\x1b[31m %n%s")
    resolver = lab.unbound(relay, name)
    time.sleep(0.5)
    log = "\n".join(resolver.log())
    tap.ok(len(resolver.said()) == 1 and "\x1b" not in log and "info: sinkhole: forged" not in [
        line.partition("] ")[2] for line in log.splitlines() if line.startswith("[1] ")],
           "a directory's name forges no log line", log)
    tap.none(resolver.stop(), "... and it stops")


def main(tap, lab):
    relay = lab.relay(lab.nsd(zones.plain()))
    store = lab.store()
    store.compile(LIST, options=POLICY.options())
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # takes questions, answers none
    silent.bind(("127.0.0.1", lab.port()))
    dead = 'stub-zone:\n\tname: "dead.test"\n\tstub-addr: 127.0.0.1@%d\n' % silent.getsockname()[1]
    resolver = lab.unbound(relay, store, tail=dead, threads=2,
                           server="num-queries-per-thread: 300\nextended-statistics: yes")
    resolver.ask("www.clean.test")
    flood_below_a_listed_name(tap, resolver, relay)
    broken_packets(tap, resolver)
    many_at_once(tap, resolver, relay)
    one_stream(tap, resolver)
    leavers(tap, resolver)
    dead_servers(tap, resolver, store)
    log_injection(tap, lab, relay)


if __name__ == "__main__":
    harness.run(main)
