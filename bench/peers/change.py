"""A changed list: how long until it is enforced, how long the resolver is silent meanwhile, what memory it takes."""

import select
import socket
import time

from bed import ask, query_packet

STALE = 30  # seconds that a cached answer may go on after the list is in force for others
SETTLED = 3  # seconds without a stale answer, until we believe that none will come, and no silence either
KINDS = ("steady", "fresh", "cached")


class Watch:
    """Three questions every few milliseconds: a clean name that is cached, a name below a newly listed one that nobody
    asked for before, and a newly listed one that is cached."""

    def __init__(self, peer, steady, fresh, cached):
        self.peer, self.names = peer, {"steady": steady, "fresh": fresh, "cached": cached}
        self.number = 0
        self.begin = self.last = time.monotonic()
        self.gap = self.sampled = self.added = 0.0
        self.memory = peer.memory()
        self.since = dict.fromkeys(KINDS)  # when NXDOMAIN came for the first time after the last other answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", peer.port))
        self.socket.setblocking(False)

    def elapsed(self):
        return time.monotonic() - self.begin

    def ask(self):
        self.number = (self.number + 1) % 21845  # three of its identifiers each, 65535 in all
        for at, kind in enumerate(KINDS):
            name = self.names[kind]
            if kind == "fresh":
                name = f"p{time.monotonic_ns()}.{name}"
            try:
                self.socket.send(query_packet(name, self.number * 3 + at))
            except (BlockingIOError, ConnectionRefusedError):
                pass

    def take(self, answer):
        kind, rcode, now = KINDS[int.from_bytes(answer[:2], "big") % 3], answer[3] & 15, time.monotonic()
        if kind == "steady":
            self.gap, self.last = max(self.gap, now - self.last), now
        elif rcode == 0:
            self.since[kind] = None
        elif rcode == 3 and self.since[kind] is None:
            self.since[kind] = now - self.begin

    def listen(self, until):
        while True:
            wait = until - time.monotonic()
            if wait <= 0 or not select.select([self.socket], [], [], wait)[0]:
                return
            try:
                self.take(self.socket.recv(4096))
            except (BlockingIOError, ConnectionRefusedError):
                pass

    def step(self):
        now = time.monotonic()
        self.ask()
        if now - self.sampled > 0.05:
            self.sampled = now
            self.added = max(self.added, self.peer.memory() - self.memory)
        self.listen(now + (0.002 if self.elapsed() < 10 else 0.01))

    def over(self, limit):
        """Whether all has been seen that there is to see."""
        fresh, cached, now = self.since["fresh"], self.since["cached"], self.elapsed()
        if fresh is None:
            return now > limit
        return now > (fresh + STALE if cached is None else max(fresh, cached) + SETTLED)

    def close(self):
        self.gap = max(self.gap, time.monotonic() - self.last)
        self.socket.close()


def watched(peer, number, limit, act):
    """Two names are asked for and then listed: act(names) prepares that and gives what starts it, which in turn gives
    the process that does it, or None. -> Watch; `since` is None where the change was not seen to take effect."""
    fresh, cached, steady = (f"{kind}{number}.clean.test" for kind in ("fresh", "cached", "steady"))
    for name in (cached, steady) * 3:
        if ask(peer.port, name, 5) != 0:
            raise RuntimeError(f"{name} was not answered")
    job, watch = None, None
    try:
        start = act([fresh, cached])
        watch = Watch(peer, steady, fresh, cached)
        job = start()
        while not watch.over(limit) or (job and job.poll() is None and watch.elapsed() < limit):
            watch.step()
    finally:
        if watch:
            watch.close()
        if job:
            peer.bed.stop(job)
    if job and job.returncode > 0:
        raise RuntimeError(f"what changes the list failed: {job.returncode}")
    return watch
