"""Rows about live changes: what publishing one takes, and how soon the last stale answer is gone."""

import re
import subprocess
import threading
import time

import bed as bench
from bed import ask, run_measured, spread, spread_of_pairs, worker_seconds
from load import Load, fill, last_stale

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


def row_reaction(bed):
    """The resolver has a worker for each processor, a million answers in its cache, and other clients."""
    data = bed.dir / "data-10m"
    bed.compile(data, 10 * MILLION)
    cache = bed.dir / "cache.conf"
    cache.write_text(CACHE)
    child, port = bed.resolver(data, threads=2, include=cache)
    bed.up(port)
    queries = fill(bed, port, CACHED)
    step = CACHED // CHANGES
    named, below = [], []
    for turn in range(TIMES):
        names = [f"c{n * step + turn}.clean.test" for n in range(CHANGES)]
        probed = names[::CHANGES // PROBED]
        for name in probed:
            ask(port, "www." + name)
            ask(port, "a.b." + name)
        changes = write_changes(bed, f"turn-{turn}.txt", "+", names)
        load = bed.spawn(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-Q", "5000", "-l", "6"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        apply(data, changes)
        if turn % 2:
            below.append(1000 * last_stale(port, ["a.b." + name for name in probed], 3))
        else:
            named.append(1000 * last_stale(port, probed + ["www." + name for name in probed], 3))
        load.wait()
        time.sleep(3)
    bed.stop(child)
    what = f"from `apply` of {CHANGES:,} names returning to the last stale answer, 10 M entries, {CACHED:,} messages cached, under load, ms"
    return [(f"{what}: the names and their `www.`", spread(named, 1), "10"),
            (f"{what}: names below them", spread(below, 1), "500")]


WARM = 100_000  # messages cached


def go_to(data, serial):
    """Publish an older generation again, under the next serial."""
    subprocess.run([bench.SINKHOLE, "rollback", "-d", str(data), str(serial)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def row_full(bed):
    """Two bases of ten millions; of the second some cached names are listed besides. From one to the other and back."""
    data = bed.dir / "data-full"
    stale = [f"c{n}.clean.test" for n in range(0, WARM, WARM // 100)]
    more = bed.dir / "full-more.txt"
    more.write_text("".join(f"{name}\n" for name in stale))
    bed.compile(data, 10 * MILLION, more)
    bed.compile(data, 10 * MILLION)
    child, port = bed.resolver(data, threads=2)
    bed.up(port)
    kept = bed.dir / "full-kept.txt"
    waits, ends = [], []
    for turn in range(TIMES):
        queries = fill(bed, port, WARM)
        listed = set(stale)
        kept.write_text("".join(line for line in queries.read_text().splitlines(True)
                                if line.split()[0] not in listed))
        load = Load(bed, port, kept, 8)
        go_to(data, 2 * turn + 1)
        ends.append(last_stale(port, stale, 4))
        waits.append(load.slowest())
        go_to(data, 2 * turn + 2)
        time.sleep(4)
    bed.stop(child)
    return [("slowest cached query during a full switch from 10 M entries to 10 M others, ms", spread(waits, 1), "100"),
            ("from `rollback` returning (10 M entries) to the last stale answer, 100,000 messages cached, under load, s",
             spread(ends, 3), "2")]


def throughput(child, port, queries, seconds):
    """Answers a second of the clock, and a second of a worker's processor time."""
    before = worker_seconds(child.pid)
    told = subprocess.run(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-l", str(seconds)],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    used = worker_seconds(child.pid) - before
    answers = int(re.search(r"Queries completed:\s+(\d+)", told).group(1))
    return answers / float(re.search(r"Run time \(s\):\s+([\d.]+)", told).group(1)), answers / used


PAIRS = 20
SECONDS = 4  # of each half of a pair: long ones differ by what else the machine does, and no less


def row_follow(bed):
    """Cached answers a second, while a name is listed each second, over the same without; in alternation."""
    data = bed.dir / "data-10m"
    bed.compile(data, 10 * MILLION)
    child, port = bed.resolver(data)
    bed.up(port)
    queries = fill(bed, port, WARM)
    by_clock, by_processor = [], []
    for turn in range(PAIRS):
        quiet = throughput(child, port, queries, SECONDS)
        over = threading.Event()

        def change(turn=turn, over=over):
            number = 0
            while number == 0 or not over.wait(1):
                apply(data, write_changes(bed, "one.txt", "+", [f"follow-{turn}-{number}.example"]))
                number += 1
        changing = threading.Thread(target=change)
        changing.start()
        busy = throughput(child, port, queries, SECONDS)
        over.set()
        changing.join()
        by_clock.append(busy[0] / quiet[0])
        by_processor.append(busy[1] / quiet[1])
    bed.stop(child)
    what = "while a name is applied each second, 10 M entries in the base, over the same without"
    return [(f"cached answers a second of a worker's processor time, {what}", f"{spread_of_pairs(by_processor, 3)} x",
             "0.97 x"),
            (f"cached answers a second, {what}, all on the same two processors", f"{spread_of_pairs(by_clock, 3)} x",
             "-")]


ROWS = {"apply": row_apply, "reaction": row_reaction, "full": row_full, "follow": row_follow}
