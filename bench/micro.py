"""Rows about the parts: a decision by itself, a walk through the caches, each feed parser, the stages of `compile`."""

import json
import random
import re
import statistics
import subprocess

import bed as bench
import counted
import documents
import live
from bed import spread, wait_for, worker_seconds
from load import fill

MILLION = 1_000_000
SIZES = (100_000, MILLION, 10 * MILLION)
TIMES = 5

# --- a decision ----------------------------------------------------------------------------------

ASKED = 1_000
MANY = 100_000  # all over the list, in no order
LABELS = (2, 3, 5, 9)
CONDITIONS = (  # what is in the caches; how bench/decide gets it so: names, rounds after one that does not count, batch
    ("warm", ASKED, 100, None),
    ("each name once", MANY, 5, None),  # nothing that another name did not leave there
    ("polluted", ASKED, 10, 100),  # nothing of these names and of the list
    ("everything cold", 100, 5, 1),  # nor of the code
)
BARS = {("unlisted", 10 * MILLION, "warm"): "120", ("unlisted", 10 * MILLION, "polluted"): "350"}


def with_labels(name, count):
    """The last two labels of this unlisted name, and others before them."""
    labels = name.split(".")[1:]
    return ".".join(["a"] * (count - len(labels)) + labels)


def write_queries(bed, names):
    path = bed.dir / "micro.queries"
    path.write_text("".join(f"{name} 192.0.2.1\n" for name in names))
    return path


def decided_by(rules, asked, rule):
    """All of them were decided by this rule, and not one of them by another."""
    if set(rules) != {rule} or not rules[rule] or rules[rule] % asked:
        raise RuntimeError(f"other rules decided: {rules}")


def times(bed, data, names, rule, rounds, batch):
    """Nanoseconds a decision: the mean of each round."""
    args = [bench.DECIDE, str(data), str(write_queries(bed, names)), str(rounds + 1), *([str(batch)] if batch else [])]
    rules, found = counted.decided(subprocess.run(args, stdout=subprocess.PIPE, text=True, check=True).stdout)
    decided_by(rules, len(names), rule)
    return found[1:]


def instructions(bed, data, names, rule):
    count, rules = counted.decisions(bed, data, write_queries(bed, names))
    decided_by(rules, len(names), rule)
    return count


def row_decide(bed):
    rows = []
    for size in SIZES:
        data = bed.dir / f"data-{size}"
        bed.compile(data, size)
        listed = bed.listed(size, MANY)
        random.Random(size).shuffle(listed)
        unlisted = bench.unlisted(listed)
        for kind, names, rule in (("unlisted", unlisted, "-"), ("listed", listed, "default")):
            for condition, count, rounds, batch in CONDITIONS:
                rows.append((f"a decision, {kind}, {size:,} entries, {condition}, ns",
                             spread(times(bed, data, names[:count], rule, rounds, batch), 0),
                             BARS.get((kind, size, condition), "-")))
            rows.append((f"instructions of a decision, {kind}, {size:,} entries",
                         f"{instructions(bed, data, names[:ASKED], rule):.0f}", "-"))
    # What the code and the policy take that are not at hand: nothing of the list is to be waited for.
    bed.compile(bed.dir / "data-1", 1)
    rows.append(("a decision, unlisted, a single entry, polluted, ns",
                 spread(times(bed, bed.dir / "data-1", unlisted[:ASKED], "-", 10, 100), 0), "-"))
    for labels in LABELS:
        names = [with_labels(name, labels) for name in unlisted[:ASKED]]
        rows.append((f"a decision, unlisted, {SIZES[-1]:,} entries, {labels} labels, warm, ns (instructions)",
                     f"{spread(times(bed, data, names, '-', 100, None), 0)} "
                     f"({instructions(bed, data, names, '-'):.0f})", "-"))
    return rows


# --- a walk through the caches -------------------------------------------------------------------


def walk_ms(bed, child, port, change):
    """CPU time of the worker from before `change()` until the generation that it publishes is enforced."""
    log = bed.dir / f"unbound-{port}.log"
    before = len(re.findall(" enforced: ", log.read_text()))
    begin = worker_seconds(child.pid)
    change()
    wait_for(lambda: len(re.findall(" enforced: ", log.read_text())) > before, 60, 0.05)
    return 1000 * (worker_seconds(child.pid) - begin)


WALKED = (  # what is cached, and how; the bars of a walk after a full switch, and after a change
    ("the record sets", "server:\n    msg-cache-size: 64k\n    rrset-cache-size: 2g\n", "400", "200"),
    ("messages and record sets", live.CACHE, "-", "-"),
)


def walks(bed, number, cache):
    """Milliseconds of each walk after a full switch, and of each after a change. One worker, which is asked nothing
    meanwhile."""
    data = bed.dir / f"data-walk-{number}"
    bed.compile(data, MILLION)
    bed.compile(data, MILLION + 1000)
    config = bed.dir / f"cache-{number}.conf"
    config.write_text(cache)
    child, port = bed.resolver(data, include=config)
    bed.up(port)
    fill(bed, port, live.CACHED)
    full, delta = [], []
    for turn in range(TIMES):
        other = max(1, 2 * turn)  # the last generation over the other list; two come with each turn, and old ones are pruned
        full.append(walk_ms(bed, child, port, lambda other=other: live.go_to(data, other)))
        names = [f"c{n}.clean.test" for n in range(turn, live.CACHED, live.CACHED // live.CHANGES)]
        changes = live.write_changes(bed, f"walk-{turn}.txt", "+", names[:live.CHANGES])
        delta.append(walk_ms(bed, child, port, lambda changes=changes: live.apply(data, changes)))
    bed.stop(child)
    return full, delta


def row_walk(bed):
    rows = []
    for number, (what, cache, *bars) in enumerate(WALKED):
        for change, found, bar in zip(("a full switch (1 M entries)", f"`apply` of {live.CHANGES:,} names"),
                                      walks(bed, number, cache), bars):
            rows += [(f"CPU time of a walk through {what} of {live.CACHED:,} answers after {change}, ms", spread(found, 0), bar),
                     (f"answers a second of such a walk, {what}, after {change}",
                      f"{live.CACHED / statistics.median(found) * 1000:,.0f}", "-")]
    return rows


# --- feed parsers, and the stages of a compilation -----------------------------------------------

FEED_NAMES = MILLION
ABUSE = "2026-11-25 21:46:30"


def of_lines(line, head=""):
    """A writer of feeds with a line a name; {0} is the name, {1} its number."""
    def make(path, names):
        with open(path, "w", encoding="ascii", buffering=1 << 20) as out:
            out.write(head)
            out.writelines(line.format(name, number) + "\n" for number, name in enumerate(names))
    return make


def of_document(make):
    """A writer of documents as bench/documents.py has them, of as many bytes as there are names, fifty times."""
    return lambda path, names: make(path, 50 * len(names))


def metamask(path, names):
    path.write_text(json.dumps({"version": 1, "tolerance": 2, "fuzzylist": [], "whitelist": [], "blacklist": names}))


FEEDS = {
    "domains": of_lines("{0}"),
    "hosts": of_lines("0.0.0.0 {0}"),
    "adblock": of_lines("||{0}^", "[Adblock Plus 2.0]\n"),
    "dnsmasq": of_lines("address=/{0}/"),
    "unbound": of_lines('local-zone: "{0}" always_nxdomain', "server:\n"),
    "rpz": of_lines("{0} CNAME .", "$TTL 300\n@ SOA ns.example. host.example. 1 3600 600 86400 60\n@ NS ns.example.\n"),
    "urlhaus": of_lines(f'"{{1}}","{ABUSE}","http://{{0}}/","online","{ABUSE}","malware_download","elf,Mozi",'
                        '"https://urlhaus.abuse.ch/url/{1}/","somebody"',
                        "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n"),
    "threatfox": of_lines(f'"{ABUSE}", "{{1}}", "{{0}}", "domain", "botnet_cc", "win.cobalt_strike", '
                          '"Agentemis,BEACON", "Cobalt Strike", "", "75", "False", "None", "CobaltStrike,drb-ra", "0", '
                          '"abuse_ch"',
                          '# "first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type","fk_malware",'
                          '"malware_alias","malware_printable","last_seen_utc","confidence_level","is_compromised",'
                          '"reference","tags","anonymous","reporter"\n'),
    "misp": of_document(documents.misp),
    "stix": of_document(documents.stix),
    "metamask": metamask,
    "csv": of_lines("{0},{1}", "domain,number\n"),
    "json": lambda path, names: path.write_text(json.dumps([{"domain": name} for name in names])),
    "jsonl": of_lines('{{"domain":"{0}"}}'),
}


def stages(bed, feed, path, words):
    """Seconds of each stage, with those before it, and how many entries there were."""
    told = subprocess.run([bench.STAGES, feed, str(path), str(bed.dir), *words], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    lines = [line.split() for line in told.splitlines()]
    return [float(seconds) for _, seconds, _ in lines], int(lines[0][2])


def row_parsers(bed):
    rows = []
    names = bed.list_file(FEED_NAMES).read_text().split()
    for feed, make in FEEDS.items():
        path = bed.dir / f"parsed.{feed}"
        make(path, names)
        size = path.stat().st_size
        runs = [stages(bed, feed, path, ["read"]) for _ in range(TIMES + 1)][1:]
        entries = runs[0][1]
        if entries < len(names) / 20:  # of documents a part are entries
            raise RuntimeError(f"{feed}: {entries} entries")
        rows.append((f"parser of {feed}, MB/s ({size / 1e6:.0f} MB, {entries:,} entries)",
                     spread([size / 1e6 / seconds[0] for seconds, _ in runs], 0), "-"))
        path.unlink()
    return rows


def row_stages(bed):
    rows = []
    for size, turns in ((MILLION, TIMES), (10 * MILLION, 3)):
        path = bed.list_file(size)
        runs = [stages(bed, "domains", path, ["read", "sort", "write"])[0] for _ in range(turns + 1)][1:]
        for what, pick in (("reading", lambda run: run[0]), ("sorting", lambda run: run[1] - run[0]),
                           ("building, writing, fsync", lambda run: run[2] - run[1])):
            rows.append((f"stages of `compile`, {size // MILLION} M domains: {what}, s",
                         spread([pick(run) for run in runs]), "-"))
    return rows


ROWS = {"decide": row_decide, "walk": row_walk, "parsers": row_parsers, "stages": row_stages}
