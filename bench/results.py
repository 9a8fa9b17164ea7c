"""What was measured of the peers: kept in doc/benchmarks/peers.json, shown as tables in doc/BENCHMARKS.md and as charts
beside it."""

import json
import pathlib
import re
import sys
import time
from statistics import median

import charts
from bed import machine, spread, spread_of_pairs, write_between
from peers import PEERS

DOC = pathlib.Path(__file__).resolve().parent.parent / "doc"
KEPT = DOC / "benchmarks" / "peers.json"

# key, what a row says, digits; in the order in which they are shown
METRICS = [
    ("load", "start until the list is enforced, s", 2),
    ("resident", "resident memory, MB", 0),
    ("added", "memory on top while the list is replaced, MB", 0),
    ("disk", "bytes on disk an entry", 1),
    ("compile", "compilation, s", 2),
    ("clean", "CPU of a cached clean answer, µs", 1),
    ("clean_ratio", "the same over plain Unbound", 2),
    ("uncached", "CPU of an uncached clean answer, µs", 1),
    ("uncached_ratio", "the same over plain Unbound", 2),
    ("listed", "CPU of a listed answer, µs", 1),
    ("listed_ratio", "the same over plain Unbound's cached clean one", 2),
    ("clean_rate", "cached clean answers a second, thousands", 1),
    ("listed_rate", "listed answers a second, thousands", 1),
    ("gap", "longest silence while the list is replaced, ms", 0),
    ("fresh", "changed list to enforcement, a new name, s", 3),
    ("cached", "the same, a cached name, s", 3),
    ("patch_gap", "longest silence while two names are listed besides, ms", 0),
    ("patch_fresh", "two names besides to enforcement, a new name, s", 3),
    ("patch_cached", "the same, a cached name, s", 3),
    ("address_ratio", "CPU of a listed answer that is an address, over plain Unbound's cached clean one", 2),
    ("flood_ratio", "answers a second to random names below a listed one, over listed ones", 2),
    ("flood_upstream", "questions to the authority meanwhile", 0),
    ("flood_cached", "entries that the caches grew by meanwhile", 0),
]
SCALE = {"clean_rate": 1e-3, "listed_rate": 1e-3}
CHARTS = {"load": "start until the list is enforced, s", "resident": "resident memory, MB",
          "clean_ratio": "CPU of a cached clean answer over plain Unbound's",
          "listed_ratio": "CPU of a listed answer over plain Unbound's cached clean one",
          "gap": "longest silence while the list is replaced, ms",
          "cached": "from a changed list to its enforcement, a cached name, s"}


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def rounded(values):
    return values if isinstance(values, str) else [float(f"{value:.5g}") for value in values]


class Results:
    """what[name][count] = {"date", "version", "rows": {key: values, or a text to show}}"""

    def __init__(self, what=None):
        self.what = what or {}
        self.failed = []

    @classmethod
    def kept(cls):
        """Those kept from earlier runs on this machine; others cannot be compared with."""
        if not KEPT.exists():
            return cls()
        kept = json.loads(KEPT.read_text())
        if kept["machine"] != machine():
            say(f"what was kept is of another machine ({kept['machine']}) and gives way")
            return cls()
        return cls(kept["results"])

    def put(self, name, count, version, rows):
        self.what.setdefault(name, {})[str(count)] = {
            "date": time.strftime("%Y-%m-%d"), "version": version,
            "rows": {key: rounded(values) for key, values in rows.items()}}

    def names(self, count):
        return [name for name in PEERS if count in self.what.get(name, {})]

    def counts(self):
        return sorted({count for sizes in self.what.values() for count in sizes}, key=int)

    def values(self, name, count, key):
        return self.what.get(name, {}).get(count, {}).get("rows", {}).get(key)

    # --- shown ---

    def tables(self):
        dates = sorted({size["date"] for sizes in self.what.values() for size in sizes.values()})
        if not dates:
            return "Nothing is measured yet.\n"
        versions = [f"{PEERS[name].title} {max(self.what[name].values(), key=lambda size: size['date'])['version']}"
                    for name in PEERS if name in self.what]
        parts = [f"Measured {' to '.join(sorted({dates[0], dates[-1]}))}: {machine()}; {', '.join(versions)}. "
                 "One worker thread each, loopback only. Median (min - max).\n"]
        parts += [self.table(count) for count in self.counts()]
        return "\n".join([*parts, self.bars()])

    def table(self, count):
        names = self.names(count)
        lines = [f"### {int(count):,} names\n", "| | " + " | ".join(PEERS[name].title for name in names) + " |",
                 "| --- |" + " --- |" * len(names)]
        for key, text, digits in METRICS:
            cells = [self.cell(name, count, key, digits) for name in names]
            if set(cells) != {"-"}:
                lines.append(f"| {text} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    def cell(self, name, count, key, digits):
        values = self.values(name, count, key)
        if not values or isinstance(values, str):
            return values or "-"
        values = [value * SCALE.get(key, 1) for value in values]
        return spread(values, digits) if len(values) > 1 else f"{values[0]:.{digits}f}"

    def bars(self):
        """What we promise, and what of it is reached."""
        lines = [f"| {what} | {int(count):,} | {reached} | {bar} |" for count in self.counts()
                 for what, only, reached, bar in self.promises(count) if reached and only in (None, count)]
        head = ["### What is promised of us\n", "| what | entries | reached | bar |", "| --- | --- | --- | --- |"]
        return "".join(f"{line}\n" for line in head + lines) if lines else ""

    def promises(self, count):
        """(what, the one size it is promised for or None, what was reached or None, bar)"""
        def own(key, digits=2):
            values = self.values("ours", count, key)
            return spread_of_pairs(values, digits) if values and not isinstance(values, str) else values
        yield "CPU of a cached clean answer over plain Unbound", "10000000", own("clean_ratio", 3), "1.05 x"
        yield ("CPU of a listed answer over plain Unbound's cached clean one, NXDOMAIN", None, own("listed_ratio"),
               "1.10 x")
        yield "the same, the address of a sinkhole", None, own("address_ratio"), "1.10 x"
        ours, zones = (self.values(name, count, "listed_ratio") for name in ("ours", "local-zone"))
        over = f"{median(ours) / median(zones):.2f}" if ours and zones else None
        yield "CPU of a listed answer over a local zone's", "1000000", over, "0.85 x"
        yield "CPU of a listed answer over a local zone's", "10000000", over, "0.65 x"
        yield "answers a second to random names below a listed one, over listed ones", None, own("flood_ratio"), "1 x"
        yield "questions to the authority meanwhile", None, own("flood_upstream", 0), "0"
        yield "entries that the caches grew by meanwhile", None, own("flood_cached", 0), "0"
        yield "bytes on disk an entry", "10000000", own("disk", 1), "30"
        yield "compilation, s", "10000000", own("compile"), "8"
        yield "start until the list is enforced, s", "10000000", own("load"), "1"

    def write(self):
        KEPT.parent.mkdir(exist_ok=True)
        text = json.dumps({"machine": machine(), "results": self.what}, indent=1, sort_keys=True, ensure_ascii=False)
        KEPT.write_text(re.sub(r"\[[^]]*\]", lambda values: " ".join(values[0].split()), text) + "\n")  # a line a row
        drawn = [self.draw(key, title) for key, title in CHARTS.items()]
        write_between("peers", self.tables() + "".join(f"\n![{title}](benchmarks/{path.name})\n" for title, path in
                                                       zip(CHARTS.values(), drawn) if path.exists()))

    def draw(self, key, title):
        """One of CHARTS; its path."""
        path = KEPT.with_name(f"{key.removesuffix('_ratio')}.svg")
        charts.draw(path, title, [(f"{int(count):,}", [(PEERS[name].title, self.values(name, count, key))
                                                       for name in self.names(count)]) for count in self.counts()])
        return path
