"""What `sinkhole compile` costs, by size and by format: rows for bench/run."""

import os
import pathlib
import statistics
import subprocess
import threading
import time

import bed as bench
import documents
from bed import SETUP, run_measured, spread

MILLION = 1_000_000
MEGABYTE = 2 ** 20


class Space:
    """The most that a directory took while a command ran, files without a name included, in bytes."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.most, self.going = 0, True
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.going = False
        self.thread.join()

    def open_files(self):
        """Files of this directory that processes hold open, by device and inode: with a name or without."""
        for link in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
            try:
                if os.readlink(link).startswith(str(self.directory)):
                    yield os.stat(link)
            except OSError:
                continue

    def watch(self):
        while self.going:
            found = {}
            for path in self.directory.rglob("*"):
                try:
                    stat = path.stat()
                except OSError:
                    continue
                found[stat.st_dev, stat.st_ino] = stat.st_blocks * 512
            for stat in self.open_files():
                found[stat.st_dev, stat.st_ino] = stat.st_blocks * 512
            self.most = max(self.most, sum(found.values()))
            time.sleep(0.02)


def compile_sources(bed, name, sources, runs):
    """Publish these sources `runs` times, after once that does not count; figures as run_measured()."""
    return [run_measured([bench.SINKHOLE, "compile", "-q", "-d", str(bed.dir / f"data-{name}-{i}"), *sources],
                         env=dict(os.environ, TMPDIR=str(bed.dir)))
            for i in range(runs + 1)][1:]


def two_rows(what, results, seconds_bar, memory_bar):
    return [(f"`compile` of {what}, whole process, s", spread([r[0] for r in results]), seconds_bar),
            (f"`compile` of {what}, peak memory, MB", spread([r[1] for r in results], 0), memory_bar)]


def domains(bed, count, runs):
    return compile_sources(bed, f"c{count}", [f"domains:{bed.list_file(count)}"], runs)


def row_compile(bed):
    return two_rows("1 M domains", domains(bed, MILLION, 5), "3", "300")


def row_compile10(bed):
    small, large = domains(bed, MILLION, 3), domains(bed, 10 * MILLION, 3)
    ratio = statistics.median(r[0] for r in large) / statistics.median(r[0] for r in small)
    source = bed.list_file(10 * MILLION)
    data = bed.dir / "data-space"
    data.mkdir()
    with Space(data) as space:
        run_measured([bench.SINKHOLE, "compile", "-q", "-d", str(data), f"domains:{source}"])
    return [*two_rows("10 M domains", large, "15", "600"),
            ("time for 10 M domains over that for 1 M", f"{ratio:.1f} x", "12 x"),
            ("disk space taken while 10 M domains are compiled, the result included, over the input's size",
             f"{space.most / source.stat().st_size:.2f} x", "3 x")]


def row_lists(bed):
    """The lists of a browser's blocker, all of them."""
    feeds = subprocess.run([SETUP / "feeds"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    lists = [path for path in sorted(pathlib.Path(feeds, "ublock").glob("*.txt"))
             if not path.name.startswith("badlists")]
    lines = sum(path.read_bytes().count(b"\n") for path in lists)
    results = compile_sources(bed, "lists", [f"adblock:{path}" for path in lists], 5)
    return [two_rows(f"EasyList, EasyPrivacy and uBlock Origin's lists ({lines:,} lines)", results, "1", "-")[0]]


def row_documents(bed):
    rows = []
    for word, make in (("stix", documents.stix), ("misp", documents.misp)):
        path = bed.dir / f"large.{word}.json"
        count = make(path, 200 * MEGABYTE)
        results = compile_sources(bed, word, [f"{word}:{path}"], 3)
        rows += two_rows(f"{word}, 200 MB ({count:,} items)", results, "30", "2048")
        path.unlink()
    return rows


ROWS = {"compile": row_compile, "compile10": row_compile10, "lists": row_lists, "documents": row_documents}
