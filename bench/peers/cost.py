"""What queries cost: the streams that every peer is asked, and two resolvers asked in turn."""

import re
import subprocess

import bed as bench
from bed import cpu_seconds

CLEAN = 5_000  # clean names in use, all of them cached
LISTED_ZONE = "listed.clean.test"  # in every list; below it the authority would answer


class Streams:
    """Files of queries, one a turn and kind; the same for everybody. Of turn 0 the caches are filled.

    clean    Zipf-like over CLEAN names, all of which `warm` has
    listed   Zipf-like over the whole list
    fresh    names that nobody was asked for before
    flood    names below LISTED_ZONE, likewise
    names    listed names, all over the list and its last one
    """

    def __init__(self, bed, count, turns, queries, blocks=True):
        self.turns, self.dir, self.queries = turns, bed.dir, queries
        uncached = queries // 10
        self.warm = self.split("warm", ["clean", CLEAN], 1, CLEAN)[0]
        self.clean = self.split("clean", ["queries", CLEAN, (turns + 1) * queries, 0], turns + 1, queries)
        self.fresh = self.split("fresh", ["clean", CLEAN + turns * uncached], turns, uncached, skip=CLEAN)
        self.listed = self.flood = self.names = None
        if blocks:
            self.listed = self.split("listed", ["queries", count, (turns + 1) * queries, 1000], turns + 1, queries)
            self.names = [*bed.listed(count, 50), LISTED_ZONE]
            self.flood = [self.write_flood(turn) for turn in range(turns + 1)]

    def split(self, kind, words, files, lines, skip=0):
        """The output of bench/names, `lines` a file."""
        paths = [self.dir / f"{kind}-{number}.queries" for number in range(files)]
        with subprocess.Popen([bench.NAMES, *map(str, words)], stdout=subprocess.PIPE, text=True) as made:
            for _ in range(skip):
                made.stdout.readline()
            for path in paths:
                with open(path, "w", encoding="ascii") as out:
                    for _ in range(lines):
                        line = made.stdout.readline().rstrip("\n")
                        out.write(line + ("\n" if " " in line else " A\n"))
        return paths

    def write_flood(self, turn):
        path = self.dir / f"flood-{turn}.queries"
        path.write_text("".join(f"r{turn}x{n * 2654435761 % 2 ** 32:08x}.{LISTED_ZONE} A\n"
                                for n in range(self.queries)))
        return path


def send(port, path):
    """All queries of a file, once; (how many, how many a second)."""
    told = subprocess.run(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(path), "-n", "1", "-q", "50"],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    sent, done = (int(re.search(rf"Queries {what}:\s+(\d+)", told).group(1)) for what in ("sent", "completed"))
    if done < 0.99 * sent:
        raise RuntimeError(f"{done} of {sent} queries answered")
    return done, float(re.search(r"Queries per second:\s+([\d.]+)", told).group(1))


def cost(peer, path):
    """(CPU microseconds a query, queries a second) for all of a file."""
    begin = cpu_seconds(peer.child)
    done, rate = send(peer.port, path)
    return (cpu_seconds(peer.child) - begin) / done * 1e6, rate


def in_turn(one, other, turn):
    """What both give, the first to go changing with each turn."""
    if turn % 2:
        later = other()
        return one(), later
    first = one()
    return first, other()


def over(peer, paths, other, others):
    """A peer asked `paths` and another asked `others`, in turn: the peer's [(microseconds, rate)], and the quotients of
    CPU time."""
    own, ratios = [], []
    for turn, (path, its) in enumerate(zip(paths[1:], others[1:])):
        mine, theirs = in_turn(lambda path=path: cost(peer, path), lambda its=its: cost(other, its), turn)
        own.append(mine)
        ratios.append(mine[0] / theirs[0])
    return own, ratios


def throughput_over(peer, paths, others):
    """The same peer asked both in turn: quotients of answers a second."""
    for each in (paths, others):
        send(peer.port, each[0])
    pairs = [in_turn(lambda a=a: send(peer.port, a)[1], lambda b=b: send(peer.port, b)[1], turn)
             for turn, (a, b) in enumerate(zip(paths[1:], others[1:]))]
    return [mine / theirs for mine, theirs in pairs]
