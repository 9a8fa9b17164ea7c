"""What a resolver holds, and what should be the same after it has worked for long; and a cache to
work on."""
import collections
import os
import re
import socket
import sys
import time

sys.dont_write_bytecode = True

import harness

SAMPLES = 10
# For a resolver whose memory is to be measured in a sanitizer's build, too: it keeps no more than this of what was freed.
MEASURABLE = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8:thread_local_quarantine_size_kb=64"}
EACH_WORKER = 64  # queries; the kernel chooses a worker by the client's port


class Held:
    """What it holds at rest: what comes and goes is not in all samples, so that the least counts.

    descriptors, mappings: {to what they lead: count}; threads, kilobytes: counts
    """

    def __init__(self, resolver):
        # For what the module has in each worker since its first query.
        for _ in range(EACH_WORKER):
            resolver.ask("held%d.wild.clean.test" % resolver.lab.number())
        samples = [sample(resolver) for _ in range(SAMPLES)]
        self.descriptors, self.mappings = (
            {kind: least for kind in counts[0] if (least := min(each[kind] for each in counts))}
            for counts in list(zip(*samples))[:2])
        self.threads, self.kilobytes = (min(counts) for counts in list(zip(*samples))[2:])


def sample(resolver):
    time.sleep(0.05)
    with open("/proc/%d/maps" % resolver.pid, encoding="utf-8", errors="replace") as f:
        maps = [line.split()[-1] for line in f if "memfd" in line or "sinkhole" in line]
    return (kinds(resolver.links()), kinds(maps), len(os.listdir("/proc/%d/task" % resolver.pid)),
            resolver.rss())


def kinds(paths):
    return collections.Counter(re.sub(r"\d+", "N", path) for path in paths)


def flat(tap, before, after, since, kilobytes, measurable=None):
    """kilobytes: by how many memory may grow; measurable: the same in a sanitizer's build, which keeps freed memory on
    purpose, if the resolver was started with MEASURABLE."""
    for what in ("descriptors", "mappings", "threads"):
        tap.same(getattr(after, what), getattr(before, what), "as many %s as %s" % (what, since))
    grown = after.kilobytes - before.kilobytes
    tap.note("resident memory: %d kB then, %d kB now" % (before.kilobytes, after.kilobytes))
    most = measurable if harness.SANITIZED else kilobytes
    tap.ok(most is None or grown < most, "as much memory as %s" % since, "%d kB more" % grown)


def warm(resolver, count):
    """Cache so many names that no list holds, fifty at a time. Returns how many were answered."""
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.connect(("127.0.0.1", resolver.port))
        for start in range(0, count, 50):
            for i in range(start, start + 50):
                sock.send(harness.query("w%d.wild.clean.test" % i).to_wire())
            try:
                for _ in range(50):
                    sock.recv(4096)
                    answered += 1
            except TimeoutError:
                continue
    return answered
