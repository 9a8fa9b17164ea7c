"""Us beside our peers: `bench/run --peers`.

    make bench BENCH="--peers"                   every peer, lists of 100 k, 1 M and 10 M names
    make bench BENCH="--peers 1m bind dnsdist"   some sizes, some peers
    make bench BENCH="--peers --quick"           100 k, us and Unbound without a list; under two minutes
    make bench BENCH="--peers --limit=600"       seconds that a load or a reload may take (300)
    make bench BENCH="--peers --write"           what was measured into doc/benchmarks/peers.json, and table and charts
                                                 made of that; after each peer, so that a run that is cut keeps what it
                                                 has
    make bench BENCH="--peers --write --draw"    table and charts once more, without measuring

Wants an idle machine. It runs in a network of its own that has nothing but loopback.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time

import peers
from bed import NXDOMAIN, Bed, ask, nsd, wait_for
from peers.change import STALE, watched
from peers.cost import LISTED_ZONE, Streams, cost, in_turn, over, send
from peers.peer import Peer, tree_of, version_of
from results import Results, say

SIZES = [100_000, 1_000_000, 10_000_000]
ENCLOSED = "SINKHOLE_BENCH_TREES"  # set inside our network: where each peer's packages lie, as JSON
LO_UP = 'ip link set lo up && exec "$@"'


class Plan:
    """How much is measured: turns of each pair, those of ours, queries a turn; and of what is slow, at most `times`
    within `seconds`."""

    def __init__(self, quick, limit):
        self.turns, self.own_turns, self.queries = (5, 5, 60_000) if quick else (9, 20, 200_000)
        self.times, self.seconds = (3, 15) if quick else (5, 120)
        self.limit = limit

    def turns_of(self, peer):
        return self.own_turns if peer.name == "ours" else self.turns

    def repeat(self, act, good=lambda value: True):
        """What act(number) gives, again and again, until it has been enough, or one is no good."""
        begin, values = time.monotonic(), []
        while len(values) < self.times and (not values or time.monotonic() - begin < self.seconds):
            values.append(act(len(values)))
            if not good(values[-1]):
                break
        return values


# --- the rows of one peer ------------------------------------------------------------------------


def load(peer, plan, names, rcode):
    """Seconds from starting the server until all of `names` were answered with `rcode`: BIND answers while it still
    loads, by what it has so far. The server of the last time runs on."""
    def ready(waiting):
        if peer.child.poll() is not None:
            raise RuntimeError(f"it ended with {peer.child.returncode}")
        while waiting and ask(peer.port, waiting[-1], 0.05) == rcode:
            waiting.pop()
        return not waiting

    def once(_):
        peer.kill()
        waiting, begin = list(names), time.monotonic()
        peer.start()
        wait_for(lambda: ready(waiting), plan.limit)
        return time.monotonic() - begin
    try:
        return {"load": plan.repeat(once)}
    except TimeoutError:
        return {"load": f"> {plan.limit}"}


def check(peer, streams):
    """It does what it is measured for."""
    for name in streams.names or []:
        for asked in (name, f"a.b.{name}"):
            if ask(peer.port, asked, 5) != NXDOMAIN:
                raise RuntimeError(f"{asked} is listed, and was not blocked")
    for name in ("a", "b.c"):
        if ask(peer.port, f"{name}.clean.test", 5) != 0:
            raise RuntimeError(f"{name}.clean.test is not listed, and was not answered")


def queries(peer, plain, streams):
    """Rows of what a query costs, each turn against plain Unbound."""
    uncached = [in_turn(lambda path=path: cost(peer, path)[0], lambda path=path: cost(plain, path)[0], turn)
                for turn, path in enumerate(streams.fresh)]
    clean, clean_ratios = over(peer, streams.clean, plain, streams.clean)
    rows = {"clean": [us for us, _ in clean], "clean_ratio": clean_ratios, "clean_rate": [rate for _, rate in clean],
            "uncached": [us for us, _ in uncached], "uncached_ratio": [us / other for us, other in uncached]}
    if peer.blocks:
        listed, listed_ratios = over(peer, streams.listed, plain, streams.clean)
        rows |= {"listed": [us for us, _ in listed], "listed_ratio": listed_ratios,
                 "listed_rate": [rate for _, rate in listed]}
    return rows


def fill(peer, streams):
    send(peer.port, streams.warm)
    send(peer.port, streams.clean[0])
    if peer.blocks:
        send(peer.port, streams.listed[0])


def changes(peer, plan, kind, act):
    """Rows of changes that act(names) prepares, and what it returns makes: how long clients heard nothing, when new
    names were enforced; and what memory it took. What was not seen to happen is shown as `>` and the time waited."""
    watches = plan.repeat(lambda number: watched(peer, f"{kind}{number}", plan.limit, act),
                          lambda watch: None not in (watch.since["fresh"], watch.since["cached"]))
    rows = {"gap": [watch.gap * 1000 for watch in watches], "added": [watch.added for watch in watches]}
    if max(rows["gap"]) > 990 * plan.limit:
        rows["gap"] = f"> {plan.limit * 1000}"
    for each, waited in (("fresh", plan.limit), ("cached", STALE)):
        times = [watch.since[each] for watch in watches]
        rows[each] = times if None not in times else f"> {waited}"
    return rows


def replacing(peer, plan):
    def prepare(names):
        peer.add(names)
        return peer.reload
    return changes(peer, plan, "", prepare)


def patching(peer, plan):
    if type(peer).patch is Peer.patch:
        return {}
    rows = changes(peer, plan, "-patch", lambda names: lambda: peer.patch(names))
    return {f"patch_{key}": values for key, values in rows.items() if key != "added"}


def lists(peer, plan, bed, count):
    """The list, compiled where it is; rows about that."""
    if not peer.blocks:
        peer.prepare()
        return {}
    with open(bed.list_file(count), "a", encoding="ascii") as out:
        out.write(LISTED_ZONE + "\n")
    peer.prepare()
    rows = {}
    if type(peer).compile is not Peer.compile:
        rows["compile"] = plan.repeat(lambda _: peer.compile())
    return rows | {"disk": [peer.disk() / count]}


def fill_rows(rows, kind, count, tree, plan):
    """All rows of a peer, name -> values, or a text to show in their place; in a bed of its own. What is in `rows` when
    something fails stands."""
    bed = Bed()
    try:
        streams = Streams(bed, count, plan.turns_of(kind), plan.queries, kind.blocks)
        peer = kind(bed, count, tree)
        rows |= lists(peer, plan, bed, count)
        rows |= load(peer, plan, *((streams.names, NXDOMAIN) if peer.blocks else (["up.clean.test"], 0)))
        if isinstance(rows["load"], str):
            return
        bed.up(peer.port)
        check(peer, streams)
        fill(peer, streams)
        rows["resident"] = [peer.memory()]
        plain = peers.Plain(bed, count) if kind is not peers.Plain else Other(bed, count)
        plain.start()
        bed.up(plain.port)
        fill(plain, streams)
        rows |= queries(peer, plain, streams)
        if peer.blocks:
            rows |= replacing(peer, plan)
            rows |= patching(peer, plan)
            rows |= peer.extra(streams, plain)
    finally:
        bed.close()


class Other(peers.Plain):
    """Plain Unbound beside plain Unbound: what their quotient differs from 1 by is noise."""

    name = "plain-too"


# --- the command ---------------------------------------------------------------------------------

UNITS = {"k": 1_000, "m": 1_000_000}


def size_of(word):
    """100k, 1m, 10m: entries of a list; None if the word is none."""
    with contextlib.suppress(ValueError, KeyError, IndexError):
        return int(float(word[:-1]) * UNITS[word[-1].lower()])
    return None


def arguments(words):
    parser = argparse.ArgumentParser(prog="bench/run", allow_abbrev=False,
                                     epilog=f"WHAT: {', '.join(peers.PEERS)}; 100k, 1m, 10m. None: all.")
    parser.add_argument("--peers", action="store_true", help="compare us with our peers")
    parser.add_argument("--quick", action="store_true", help="100 k, us and Unbound without a list")
    parser.add_argument("--write", action="store_true", help="keep what is measured, and make table and charts of it")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    parser.add_argument("--limit", type=int, default=300, metavar="SECONDS", help="of a load or a reload (300)")
    parser.add_argument("what", nargs="*", metavar="WHAT", help="peers and sizes")
    given = parser.parse_intermixed_args(words)
    given.sizes = [size_of(word) for word in given.what if size_of(word)]
    given.chosen = [word for word in given.what if not size_of(word)]
    unknown = [word for word in given.chosen if word not in peers.PEERS]
    if unknown:
        parser.error(f"no peer and no size: {' '.join(unknown)}")
    if given.quick and given.write:
        parser.error("--quick measures too little to be kept")
    return given


def enclose(wanted):
    """Run this command again where nothing but loopback can be reached, with all packages at hand. Does not return,
    but where the kernel does not let us: then what is installed is compared on this machine's own loopback."""
    nsd()
    trees = {}
    for name in wanted:
        try:
            trees[name] = tree_of(peers.PEERS[name])
        except LookupError as error:
            say(f"{name}: absent: {error}")
    within = ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c", LO_UP, "sh"]
    if subprocess.run([*within, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        say("no network of its own is to be had (unshare): on this machine's loopback, and with installed peers alone")
        for name in [name for name, tree in trees.items() if tree]:
            say(f"{name}: absent: it is not installed")
            del trees[name]
        os.environ[ENCLOSED] = json.dumps(trees)
        return
    os.environ[ENCLOSED] = json.dumps(trees)
    sys.stdout.flush()
    os.execvp(within[0], [*within, sys.executable, *sys.argv])


def main(words):
    given = arguments(words)
    results = Results.kept() if given.draw else Results()
    if given.draw and given.write:
        results.write()
    if not given.draw:
        chosen = given.chosen or (["plain", "ours"] if given.quick else list(peers.PEERS))
        if ENCLOSED not in os.environ:
            enclose(chosen)
        measure(chosen, given.sizes or (SIZES[:1] if given.quick else SIZES), Plan(given.quick, given.limit), results,
                given.write)
    print(results.tables())
    return 1 if results.failed else 0


def measure(chosen, sizes, plan, results, write):
    trees = json.loads(os.environ[ENCLOSED])
    for count in sizes:
        for name in chosen:
            if name not in trees:
                continue
            kind, begin, rows = peers.PEERS[name], time.monotonic(), {}
            say(f"{name}, {count:,} ...")
            try:
                fill_rows(rows, kind, count, trees[name], plan)
            except (RuntimeError, TimeoutError, OSError, subprocess.CalledProcessError) as error:
                say(f"{name}, {count:,}: FAILED: {error}")
                results.failed.append(name)
            say(f"{name}, {count:,}: {time.monotonic() - begin:.0f} s")
            if "load" in rows:
                keep(results, write, name, count, version_of(kind, trees[name]), rows)


def keep(results, write, *what):
    results.put(*what)
    if write:
        kept = Results.kept()
        kept.put(*what)
        kept.write()
