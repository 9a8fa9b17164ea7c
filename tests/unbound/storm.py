#!/usr/bin/python3
"""Reloads, and terminations at any moment, while a generation is published every 20 ms and clients
ask: no crash, no hang, nothing left behind; and never the real data of a listed name, not by the
first answer after a reload either. At every second reload `msg-cache-size` is another, so that
Unbound throws its message cache away before it tells the module.

    storm.py [RELOADS [STARTS]]     default 200 and 20

That an answer by UDP is lost during a reload, and a SIGTERM right after a SIGHUP, is Unbound's own
doing. (reload_storm.sh has good, missing and corrupt data; this one has publications.)
"""
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True

import crowd
import harness
import steady
import zones

RELOADS, STARTS = 200, 20
if harness.SANITIZED:
    RELOADS, STARTS = 40, 6
RELOADS, STARTS = (int(word) for word in (sys.argv[1:] + [RELOADS, STARTS][len(sys.argv) - 1:]))
WARM_UP = 40  # reloads before the first measurement; RELOADS too is a multiple of 4, for SIZES
PERIOD = 0.020  # seconds from one publication to the next
GAP = 0.040  # seconds at most between a reload and the next
LOST_AFTER = 0.5 if harness.SANITIZED else 0.1  # seconds; what is being resolved goes with a reload
SIZES = ("4m", "8m")  # msg-cache-size
EXEMPT = "127.0.0.2"  # a client that gets everything unfiltered
WARM = 500  # names that every life of the resolver caches, for a walk to pass by

ZONE = zones.HEAD.format(origin="storm.test.") + """\
*.listed A 203.0.113.1
listed A 203.0.113.1
alias CNAME www.listed
alias2 CNAME alias
clean A 192.0.2.80
*.clean A 192.0.2.81
"""
LISTED = "listed.storm.test\n" + zones.PROBE + "\n"


class Publications(threading.Thread):
    """New lists and old ones again, one every PERIOD. `listed` is in each of them."""

    def __init__(self, lab, store, options=()):
        super().__init__(daemon=True)
        self.store = store
        lists = (lab.write("storm-%d.txt" % turn, LISTED + "".join(
            "f%d.filler%d.test\n" % (i, turn) for i in range(1000))) for turn in range(2))
        self.turns = [["compile", "-q", *options, "domains:" + path] for path in lists] + [["rollback"]]
        self.count = 0
        self.error = None
        self.ended = threading.Event()
        self.longest = 0.0
        self.began = time.monotonic()
        self.start()

    def run(self):
        while not self.ended.is_set():
            start = time.monotonic()
            try:
                self.store.run(*self.turns[self.count % len(self.turns)])
            except (harness.Failure, subprocess.SubprocessError) as error:
                self.error = str(error)
                return
            self.count += 1
            took = time.monotonic() - start
            self.longest = max(self.longest, took)
            self.ended.wait(max(0.0, PERIOD - took))

    def stop(self):
        self.ended.set()
        self.join()
        return "%d generations, one every %.1f ms, the longest took %.0f ms" % (
            self.count, (time.monotonic() - self.began) / max(1, self.count) * 1000,
            self.longest * 1000)


class Clients(harness.Load):
    """They bear a loss."""

    QUESTIONS = ("listed", "www.listed", "alias", "alias2", "n%d.listed", "clean", "n%d.clean")

    def __init__(self, port, judges, clients, source):
        super().__init__(port, self.asks, judges, clients, pause=0.001, sources=(source,))

    @classmethod
    def asks(cls, number):
        qname = cls.QUESTIONS[number % len(cls.QUESTIONS)]
        if "%" in qname:
            qname %= number % 997
        return dict(qname=qname + ".storm.test", edns=0, cd=number % 3 == 0)

    def client(self, number):
        while not self.stopping:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(LOST_AFTER)
                sock.bind((self.sources[0], 0))
                sock.connect(("127.0.0.1", self.port))
                while not self.stopping and self.one_of(sock, number):
                    number += len(self.threads) or 1
                number += 1

    def one_of(self, sock, number):
        """returns False: lost, and its late answer would meet another question"""
        before = len(self.lost)
        self.one(sock, self.ask(number))
        time.sleep(self.pause)
        return len(self.lost) == before


def is_clean(qname):
    return "clean" in qname


def judge(answer, asked, sent, got):
    if not is_clean(asked["qname"]):
        return ["%s: %s\n%r" % (asked, leak, answer) for leak in zones.leaks(answer)]
    return judge_real(answer, asked, sent, got)


def judge_real(answer, asked, sent, got):
    """A query in the middle of a reload may fail, but not be answered wrongly."""
    wanted = ("192.0.2.80", "192.0.2.81") if is_clean(asked["qname"]) else ("203.0.113.1",)
    right = answer.rcode == "SERVFAIL" or \
        len(answer.addresses()) == 1 and answer.addresses()[0] in wanted
    return [] if right and 15 not in answer.edes else ["%s: %r" % (asked, answer)]


class Crowd:
    """Four clients that are blocked; and one that is exempt, if the resolver knows any."""

    def __init__(self, resolver, exempt):
        self.all = [Clients(resolver.port, judge, 4, "127.0.0.1")]
        if exempt:
            self.all.append(Clients(resolver.port, judge_real, 1, EXEMPT))

    def stop(self):
        for clients in self.all:
            clients.stopping = True
        for clients in self.all:
            clients.stop()
        self.count = sum(clients.count for clients in self.all)
        self.lost = sum(len(clients.lost) for clients in self.all)
        self.faults = [fault for clients in self.all for fault in clients.faults]
        return self


class LogEye:
    """Counts the starts of service in a log that grows, without reading it again."""

    def __init__(self, path):
        self.path = path
        self.at = 0
        self.count = 0

    def starts(self):
        """Unbound says so once at start, and once for each reload."""
        with open(self.path, "rb") as f:
            f.seek(self.at)
            new = f.read()
        whole = new.rpartition(b"\n")[0]
        self.at += len(whole)
        self.count += whole.count(b": start of service")
        return self.count


class Reloads:
    def __init__(self, resolver):
        self.resolver = resolver
        self.eye = LogEye(resolver.log_path)
        self.done = 0
        self.answered = 0
        self.leaks = []

    def resize(self):
        size = SIZES[self.done // 2 % 2]
        with open(self.resolver.conf, encoding="utf-8") as f:
            text = re.sub(r"msg-cache-size: \w+", "msg-cache-size: " + size, f.read())
        with open(self.resolver.conf, "w", encoding="utf-8") as f:
            f.write(text)

    def one(self):
        """Signal, and wait until it is served: a second signal before would be merged with it."""
        before = self.eye.starts()
        if self.done % 2 == 0:
            self.resize()
        os.kill(self.resolver.pid, signal.SIGHUP)
        if not harness.wait_until(lambda: self.eye.starts() > before or not self.resolver.alive(),
                                  20) or not self.resolver.alive():
            raise harness.Failure("reload %d is not served" % self.done)
        self.done += 1
        try:
            answer = self.resolver.ask("first%d.listed.storm.test" % self.done, timeout=LOST_AFTER)
            self.answered += 1
            self.leaks += ["after reload %d: %s" % (self.done, leak)
                           for leak in zones.leaks(answer)]
        except OSError:
            pass  # lost; the clients ask the same

    def some(self, count):
        for _ in range(count):
            self.one()
            # The clients' turn, and the walks'.
            time.sleep(self.resolver.lab.random.uniform(0, GAP))


def configured(lab, nsd, store):
    # One arena: each thread that meets a busy one would get another, whenever that happens.
    resolver = harness.Unbound(lab, nsd, store, threads=4,
                               server="msg-cache-size: %s\nrrset-cache-size: 8m" % SIZES[0])
    resolver.environ["MALLOC_ARENA_MAX"] = "1"
    return resolver


def reloads(tap, lab, nsd, store):
    """With two verdicts, and hence a cache of ours that has to go and come with the rest."""
    options = crowd.options(lab, exempt=[EXEMPT])
    store.compile(LISTED, options=options)
    resolver = configured(lab, nsd, store)
    resolver.start()
    storm = Reloads(resolver)
    measured = []
    notes = []
    seen = []
    for count in (WARM_UP, RELOADS):
        publications, clients = Publications(lab, store, options), Crowd(resolver, True)
        start = time.monotonic()
        storm.some(count)
        notes.append("%d reloads in %.1f s" % (count, time.monotonic() - start))
        clients.stop()
        notes.append(publications.stop())
        seen.append((publications, clients))
        measured.append(steady.Held(resolver))
    tap.same(storm.done, WARM_UP + RELOADS, "SIGHUP, %d times, each was served" % storm.done)
    for publications, clients in seen:
        tap.same(publications.error, None, "%d generations were published" % publications.count)
        tap.none(clients.faults, "never the real data of a listed name, under any alias, but for "
                 "who is exempt")
        tap.ok(clients.count > max(WARM_UP, 2 * clients.lost), "the clients were kept busy",
               "%d answers, %d lost" % (clients.count, clients.lost))
        notes.append("%d answers, %d lost" % (clients.count, clients.lost))
    tap.none(storm.leaks, "the first answer after a reload is filtered")
    tap.ok(storm.answered > storm.done / 2, "after most of them there was one at once",
           storm.answered)
    # A leak of 10 kB a reload, less than the smallest generation, would be 2 MB.
    steady.flat(tap, *measured, "%d reloads ago" % RELOADS, 2048)
    tap.note("\n".join(notes))
    serial = store.serial()
    tap.ok(harness.wait_until(lambda: resolver.said(r"generation %d in use" % serial), 5),
           "the last generation is in use", "\n".join(resolver.said()[-3:]))
    tap.ok(resolver.blocks("listed.storm.test"), "a listed name is blocked")
    tap.same(resolver.ask("clean.storm.test").addresses(), ["192.0.2.80"],
             "an unlisted one is answered")
    tap.none(resolver.stop(), "SIGTERM ends it with status 0")


def terminations(tap, lab, nsd, store):
    """In each life, caches are warm and are walked over and over."""
    resolver = configured(lab, nsd, store)
    publications = Publications(lab, store)
    wrecks, leaks = [], []
    for _ in range(STARTS):
        resolver.start()
        steady.warm(resolver, WARM)
        clients = Crowd(resolver, False)
        time.sleep(lab.random.uniform(0, 0.15))
        start = time.monotonic()
        wrecks = resolver.stop()
        if time.monotonic() - start > (15 if harness.SANITIZED else 5):
            wrecks.append("it took %.1f s to stop" % (time.monotonic() - start))
        leaks += clients.stop().faults
        if wrecks:
            break
    tap.note(publications.stop())
    tap.same(publications.error, None, "%d generations were published" % publications.count)
    tap.none(wrecks, "SIGTERM at any moment of %d lives: status 0, within 5 s" % STARTS)
    tap.none(leaks, "and never the real data of a listed name")


def main(tap, lab):
    nsd = lab.nsd(dict(zones.plain(), **{"storm.test.": ZONE}))
    store = lab.store()
    store.compile(LISTED)
    reloads(tap, lab, nsd, store)
    terminations(tap, lab, nsd, store)


if __name__ == "__main__":
    harness.run(main)
