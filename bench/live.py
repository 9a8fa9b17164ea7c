"""Rows about live changes: what publishing one takes, and how soon the last stale answer is gone."""

import subprocess
import time

import bed as bench
from bed import NXDOMAIN, ask, run_measured, spread

MILLION = 1_000_000
CHANGES = 2_300  # names at once: a takedown
CACHED = MILLION  # messages in the cache
PROBED = 20  # of the names, each with its www
TIMES = 5

CACHE = 'server:\n    msg-cache-size: 1g\n    rrset-cache-size: 2g\n'


def apply(data, path):
    return run_measured([bench.SINKHOLE, "apply", "-d", str(data), str(path)], stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL)


def write_changes(bed, name, sign, names):
    path = bed.dir / name
    path.write_text("".join(f"{sign} {each}\n" for each in names))
    return path


def row_apply(bed):
    data = bed.dir / "data-10m"
    bed.compile(data, 10 * MILLION)
    names = [f"takedown-{n}.example" for n in range(CHANGES)]
    on = write_changes(bed, "on.txt", "+", names)
    off = write_changes(bed, "off.txt", "-", names)
    runs = []
    for turn in range(TIMES + 1):
        runs.append(apply(data, on))
        apply(data, off)
    runs = runs[1:]
    what = f"`apply` of {CHANGES:,} names, 10 M entries in the base, whole process"
    return [(f"{what}, ms", spread([1000 * s for s, _ in runs], 0), "50"),
            (f"{what}, peak memory, MB", spread([m for _, m in runs], 0), "50")]


def last_stale(port, names, seconds):
    """Milliseconds from now to the last answer of the old content, asking all names again and again."""
    begin, last = time.monotonic(), 0.0
    while time.monotonic() - begin < seconds:
        for name in names:
            if ask(port, name) != NXDOMAIN:
                last = time.monotonic() - begin
    return last * 1000


def row_reaction(bed):
    """The resolver has a worker for each processor, a million answers in its cache, and other clients."""
    data = bed.dir / "data-10m"
    bed.compile(data, 10 * MILLION)
    cache = bed.dir / "cache.conf"
    cache.write_text(CACHE)
    child, port = bed.resolver(data, threads=2, include=cache)
    bed.up(port)
    fill = bed.dir / "fill-1m.txt"
    with open(fill, "w", encoding="ascii") as out:
        out.writelines(f"c{n}.clean.test A\n" for n in range(CACHED))
    subprocess.run(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(fill), "-n", "1", "-q", "200"],
                   stdout=subprocess.DEVNULL, check=True)
    step = CACHED // CHANGES
    named, below = [], []
    for turn in range(TIMES):
        names = [f"c{n * step + turn}.clean.test" for n in range(CHANGES)]
        probed = names[::CHANGES // PROBED]
        for name in probed:
            ask(port, "www." + name)
            ask(port, "a.b." + name)
        changes = write_changes(bed, f"turn-{turn}.txt", "+", names)
        load = bed.spawn(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(fill), "-Q", "5000", "-l", "6"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        apply(data, changes)
        if turn % 2:
            below.append(last_stale(port, ["a.b." + name for name in probed], 3))
        else:
            named.append(last_stale(port, probed + ["www." + name for name in probed], 3))
        load.wait()
        time.sleep(3)
    bed.stop(child)
    what = f"from `apply` of {CHANGES:,} names returning to the last stale answer, 10 M entries, {CACHED:,} messages cached, under load, ms"
    return [(f"{what}: the names and their `www.`", spread(named, 1), "10"),
            (f"{what}: names below them", spread(below, 1), "500")]


ROWS = {"apply": row_apply, "reaction": row_reaction}
