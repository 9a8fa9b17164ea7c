#!/usr/bin/python3
"""Generations are published while clients ask: no query is lost, none waits long, and each answer
is that of a generation in force while it was made."""
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import harness
import zones

GENERATIONS = 20
NAMES = 50000  # in each generation, so that verifying and mapping take their time
GRACE = 1.0  # seconds for a generation to be put in force
LONGEST = 1.0  # seconds that a query may take; 0.1 is the bar, on a quiet machine

# Which generations list a zone, by number modulo 2.
LISTED_IN = {"always.wild.clean.test": (0, 1), "never.wild.clean.test": (),
             "even.wild.clean.test": (0,), "odd.wild.clean.test": (1,)}


def content(number):
    lists = [zone for zone, turns in LISTED_IN.items() if number % 2 in turns]
    filler = ("n%d.filler%d.test" % (i, number) for i in range(NAMES))
    return "\n".join([zones.PROBE, *lists, *filler]) + "\n"


class History:
    """Which generations may answer at a moment: those published, from the start of a publication
    on, and the one before for as long as a switch may take."""

    def __init__(self):
        self.times = []  # (number, publication began, publication ended)

    def turns(self, sent, got):
        """Numbers modulo 2 that an answer between two moments may stem from."""
        times = list(self.times)
        seen = set()
        for at, (number, began, _) in enumerate(times):
            over = times[at + 1][2] + GRACE if at + 1 < len(times) and times[at + 1][2] else None
            if began <= got and (over is None or sent <= over):
                seen.add(number % 2)
        return seen


def background(lab, port):
    """dnsperf, cached clean names, where it is installed: more queries than Python can make."""
    if not shutil.which("dnsperf"):
        return None
    path = lab.write("queries", "www.clean.test A\nalias.clean.test A\nclean.test MX\n")
    return subprocess.Popen(
        ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", path, "-l", "120", "-Q", "3000",
         "-c", "4", "-t", "5"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main(tap, lab):
    nsd = lab.nsd(zones.plain())
    store = lab.store()
    publications = [store.prepare(content(number)) for number in range(GENERATIONS + 1)]
    history = History()
    publications[0]()
    history.times.append((0, 0.0, time.monotonic()))
    resolver = lab.unbound(nsd, store, threads=4)
    listed = sorted(LISTED_IN)

    def ask(number):
        return dict(qname="q%d.%s" % (number, listed[number % len(listed)]), edns=0)

    def judge(answer, asked, sent, got):
        zone = asked["qname"].partition(".")[2]
        blocked = 15 in answer.edes
        allowed = {turn in LISTED_IN[zone] for turn in history.turns(sent, got)}
        return [] if blocked in allowed else ["%s: %r" % (asked, answer)]

    perf = background(lab, resolver.port)
    if perf:
        lab.undertaker.watch(perf.pid)
    load = harness.Load(resolver.port, ask, judge, clients=5, pause=0.0005)
    time.sleep(0.5)
    for number in range(1, GENERATIONS + 1):
        history.times.append((number, time.monotonic(), None))
        publications[number]()
        history.times[-1] = (number, history.times[-1][1], time.monotonic())
        # Now and then long enough for the last one alone to be right.
        time.sleep(0.3 if number % 4 else GRACE + 0.5)
    time.sleep(GRACE + 0.5)
    load.stop()
    tap.ok(load.count > 1000, "the clients were kept busy", load.count)
    tap.none(load.lost, "no query was lost while %d generations were published" % GENERATIONS)
    tap.ok(load.longest < LONGEST, "no query waited %g s" % LONGEST, load.longest)
    tap.none(load.faults, "every answer was right for a generation in force")
    tap.note("%d queries; the longest took %.1f ms" % (load.count, load.longest * 1000))
    for state in ("in use", "enforced"):
        line = "generation %d %s" % (store.serial(), state)
        harness.wait_until(lambda l=line: resolver.said(l), 5)
        tap.same(len(resolver.said(line)), 1, "one line says: " + line)
    if perf:
        perf.send_signal(harness.signal.SIGINT)
        out = perf.communicate(timeout=20)[0]
        lost = [line for line in out.splitlines() if "Queries lost" in line]
        tap.ok(len(lost) == 1 and lost[0].split()[2] == "0", "dnsperf lost none either", out)
        tap.note("\n".join(line.strip() for line in out.splitlines() if "Latency" in line or
                           "Queries completed" in line))


if __name__ == "__main__":
    harness.run(main)
