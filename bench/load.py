"""Clients of a resolver that is measured: those that load it, and those that look for the last stale answer."""

import re
import subprocess
import time

from bed import NXDOMAIN, ask


def latencies(text):
    """Seconds each answered query took, from dnsperf -v; lost queries as infinity."""
    values = [float(m) for m in re.findall(r"^> .* (\d+\.\d+)$", text, re.M)]
    lost = re.search(r"Queries lost:\s+(\d+)", text)
    return values + [float("inf")] * int(lost.group(1))


def fill(bed, port, count):
    """Have the resolver's cache hold so many answers; the file of queries, all of which it answers then."""
    queries = bed.dir / f"fill-{count}.txt"
    with open(queries, "w", encoding="ascii") as out:
        out.writelines(f"c{n}.clean.test A\n" for n in range(count))
    subprocess.run(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-n", "1", "-q", "200"],
                   stdout=subprocess.DEVNULL, check=True)
    return queries


class Load:
    """dnsperf with cached clean names; the slowest answer of it in milliseconds."""

    def __init__(self, bed, port, queries, seconds):
        self.report = bed.dir / "load.txt"
        with open(self.report, "wb") as out:
            self.child = bed.spawn(
                ["dnsperf", "-v", "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-Q", "5000",
                 "-l", str(seconds), "-t", "5"], stdout=out, stderr=subprocess.DEVNULL)
        time.sleep(1)

    def slowest(self):
        self.child.wait()
        return max(latencies(self.report.read_text())) * 1000


def last_stale(port, names, seconds):
    """Seconds from now to the last answer of the old content, asking all names again and again."""
    begin, last = time.monotonic(), 0.0
    while time.monotonic() - begin < seconds:
        for name in names:
            if ask(port, name) != NXDOMAIN:
                last = time.monotonic() - begin
    return last
