"""Rows about the policy: what changing it takes, what a listed query costs, what rules cost clean ones."""

import re
import subprocess

import bed as bench
import counted
from bed import NXDOMAIN, ask, cpu_seconds, run_measured, spread, wait_for

MILLION = 1_000_000
GROUPS, RULES, PREFIXES = 64, 500, 100_000


def client(group, number):
    """A client of a group, one of its PREFIXES // GROUPS at least."""
    return f"10.{group * 2 + number // 65536}.{number // 256 % 256}.{number % 256}"


def write_policy(bed, name, tail, count=RULES, category="c{0}".format):
    """A configuration of `count` rules, the last ones `tail`, each of the others for one of GROUPS groups with PREFIXES
    prefixes between them and about the category that `category` says of its number; without groups if there are no
    others."""
    groups = []
    for number in range(GROUPS if count > len(tail) else 0):
        path = bed.dir / f"{name}-{number}.prefixes"
        each = PREFIXES // GROUPS + (number < PREFIXES % GROUPS)
        path.write_text("".join(f"{client(number, n)}\n" for n in range(each)))
        groups.append(f"  - {{name: g{number}, clients-file: [{path.name}]}}\n")
    rules = [f"  - {{rule: r{n}, group: g{n % GROUPS}, match: {{category: {category(n)}, confidence: '>=50'}}, "
             "action: nodata}\n" for n in range(count - len(tail))]
    rules += [f"  - {rule}\n" for rule in tail]
    config = bed.dir / f"{name}.yaml"
    config.write_text("sources: []\n" + ("groups:\n" + "".join(groups) if groups else "") +
                      "policy:\n" + "".join(rules))
    return config


DEFAULT = "{rule: rest, match: {}, action: nxdomain}"
WATCH = "{rule: watch, match: {}, action: monitor}"


def apply(data, config):
    return run_measured([bench.SINKHOLE, "apply", "-d", str(data), "--policy", str(config)],
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def row_policy(bed):
    data = bed.dir / "data-10m"
    bed.compile(data, 10 * MILLION)
    config = write_policy(bed, "policy", [DEFAULT])
    before = {path.name for path in (data / "gen").glob("base-*")}
    runs = [apply(data, config) for _ in range(6)][1:]
    if {path.name for path in (data / "gen").glob("base-*")} != before:
        raise RuntimeError("a policy change wrote a base")
    what = f"`apply --policy` ({RULES} rules, {GROUPS} groups, {PREFIXES:,} prefixes), 10 M entries in the base"
    instructions = counted.command(bed, [bench.SINKHOLE, "apply", "-d", data, "--policy", config])
    return [(f"{what}, whole process, ms", spread([1000 * seconds for seconds, _ in runs], 0), "50"),
            (f"{what}, peak memory, MB", spread([memory for _, memory in runs], 0), "-"),
            (f"{what}, instructions, millions", f"{instructions / MILLION:.0f}", "-")]


# --- a decision ----------------------------------------------------------------------------------

RECORDS = 5  # sources that list each name
DECISIONS = 10_000


def hit(number):
    """Of each group one rule is about what one of the sources lists: which rule of the group, and which source,
    differs from group to group."""
    group, turn = number % GROUPS, number // GROUPS
    return f"hit{group % RECORDS}" if turn == group % (RULES // GROUPS) else f"c{number}"


def compile_sources(bed, data, count):
    """The same million names in each of `count` sources, of a category each: a record a source."""
    run_measured([bench.SINKHOLE, "compile", "-q", "-d", str(data),
                  *(f"domains:{bed.list_file(MILLION)},source=s{n},category=hit{n},confidence=90"
                    for n in range(count))])


def compile_entries(bed, data, names, count):
    """Some names in each of `count` sources, each entry with a reference of its own: a record an entry."""
    sources = []
    for source in range(count):
        path = bed.dir / f"references-{source}.csv"
        path.write_text("".join(f"{name},report-{source}-{n}\n" for n, name in enumerate(names)))
        sources.append(f"  - {{name: s{source}, path: {path.name}, format: csv, category: hit{source}, "
                       "confidence: 90, columns: {name: 1, reference: 2}}\n")
    config = bed.dir / f"references-{count}.yaml"
    config.write_text("sources:\n" + "".join(sources) + f"policy:\n  - {DEFAULT}\n")
    run_measured([bench.SINKHOLE, "compile", "-q", "-d", str(data), "-c", str(config)])


def write_queries(bed, name, asked):
    """One client in seventeen is of no group, the others are of each group and all over its prefixes."""
    path = bed.dir / f"{name}.queries"
    each = PREFIXES // GROUPS
    clients = (client(n % GROUPS, n * 7919 % each) if n % 17 else f"192.0.2.{n // 17 % 256}"
               for n in range(len(asked)))
    path.write_text("".join(f"{a} {who}\n" for a, who in zip(asked, clients)))
    return path


def row_decision(bed):
    names = bed.listed(MILLION, DECISIONS)
    listed = write_queries(bed, "listed", names)
    clean = write_queries(bed, "clean", subprocess.run(
        [bench.NAMES, "clean", str(DECISIONS)], stdout=subprocess.PIPE, text=True, check=True).stdout.split())
    data = {name: bed.dir / f"data-{name}" for name in ("one", "five", "one-own", "five-own")}
    compile_sources(bed, data["one"], 1)
    compile_sources(bed, data["five"], RECORDS)
    compile_entries(bed, data["one-own"], names, 1)
    compile_entries(bed, data["five-own"], names, RECORDS)
    apply(data["one"], bed.dir / "references-1.yaml")
    policies = {hit: write_policy(bed, "hit", [DEFAULT], category=hit), None: write_policy(bed, "last", [DEFAULT])}
    rows = []
    for what, kind, category, queries, bar in (
            (f"{RECORDS} records, one of them for a rule of the client's group", "", hit, listed, "2 x"),
            (f"{RECORDS} records, all of them for the last rule", "", None, listed, "2 x"),
            ("a clean name", "", hit, clean, "-"),
            (f"{RECORDS} records that no other name has, one of them for a rule of the client's group", "-own",
             hit, listed, "2 x"),
            (f"{RECORDS} records that no other name has, all of them for the last rule", "-own", None, listed,
             "2 x")):
        plain, one = counted.decisions(bed, data["one" + kind], queries)
        apply(data["five" + kind], policies[category])
        ours, rules = counted.decisions(bed, data["five" + kind], queries)
        wanted = 1 if queries is clean or not category else GROUPS + 1  # and "rest", for who is of no group
        if len(one) != 1 or len(rules) != wanted:
            raise RuntimeError(f"other rules decided: {one}, {rules}")
        rows.append((f"instructions of a decision, {GROUPS} groups, {RULES} rules, {PREFIXES:,} client prefixes, "
                     f"{what}, over one rule for everybody and one record",
                     f"{ours / plain:.2f} x ({ours:.0f} / {plain:.0f})", bar))
    return rows


# --- a listed query, against local zones and against the least that it can take ------------------

QUERIES = 200_000
CLEAN = 5_000  # clean names, all cached
TURNS = 9


def local_zones(bed, count=MILLION):
    path = bed.dir / f"local-zones-{count}.conf"
    with open(bed.list_file(count), encoding="ascii") as names, open(path, "w", encoding="ascii") as out:
        out.write("server:\n")
        out.writelines(f'local-zone: "{name.strip()}" always_nxdomain\n' for name in names)
    return path


def microseconds(child, port, queries):
    """CPU time of the resolver per query, over all of `queries`, each once."""
    begin = cpu_seconds(child)
    done = subprocess.run(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-n", "1",
                           "-q", "50"], stdout=subprocess.PIPE, text=True, check=True).stdout
    answered = int(re.search(r"Queries completed:\s+(\d+)", done).group(1))
    if answered < 0.99 * QUERIES:
        raise RuntimeError(f"{answered} of {QUERIES} queries answered")
    return (cpu_seconds(child) - begin) / answered * 1e6


def listed(bed, count, bar):
    """All resolvers run; they are asked in turn."""
    data = bed.dir / "data-listed"
    bed.compile(data, count)
    apply(data, write_policy(bed, "listed", [DEFAULT]))
    blocked, clean = bed.queries(count, QUERIES, 1000), bed.queries(CLEAN, QUERIES, 0)
    name = blocked.read_text().split(maxsplit=1)[0]
    asked = {"ours": (*bed.resolver(data), blocked),
             "zones": (*bed.resolver(include=local_zones(bed, count)), blocked),
             "floor": (*bed.resolver(module=bench.FLOOR_SO), blocked),
             "record": (*bed.resolver(module=bench.FLOOR_SO, environment={"FLOOR_RECORD": "yes"}), blocked),
             "plain": (*bed.resolver(), clean)}
    for _, port, queries in asked.values():
        bed.up(port, 400)
        if queries is blocked and ask(port, name) != NXDOMAIN:
            raise RuntimeError("a listed name was not blocked")
        subprocess.run(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-n", "1"],
                       stdout=subprocess.DEVNULL, check=True)
    turns = [{who: microseconds(*what) for who, what in asked.items()} for _ in range(TURNS)]
    for child, _, _ in asked.values():
        bed.stop(child)

    def over(one, other):
        return f"{spread([turn[one] / turn[other] for turn in turns])} x"
    what, floor = f"listed query with a policy, {count:,} entries", "the same of a module that does nothing but answer"
    record = "the same of one that gives the answer that ours gives, and looks nothing up"
    return [(f"CPU per {what}, over Unbound's local zones with the same list", over("ours", "zones"), bar),
            (f"{floor}, over these local zones, {count:,} entries", over("floor", "zones"), "-"),
            (f"{record}, over these local zones, {count:,} entries", over("record", "zones"), "-"),
            (f"CPU per {what}, over a cached clean one without module", over("ours", "plain"), "1.10 x"),
            (f"{floor}, over that clean one, {count:,} entries", over("floor", "plain"), "-"),
            (f"{record}, over that clean one, {count:,} entries", over("record", "plain"), "-"),
            *((f"CPU per {each}, microseconds", spread([turn[who] for turn in turns], 1), "-") for who, each in (
                ("ours", what), ("zones", f"listed query with local zones, {count:,} entries"),
                ("floor", f"query that the module answers which does nothing else, beside {count:,} entries"),
                ("record", f"query that it answers as ours does, beside {count:,} entries"),
                ("plain", f"cached clean query without module, beside {count:,} entries")))]


def row_listed(bed):
    return listed(bed, MILLION, "0.85 x")


def row_listed10(bed):
    return listed(bed, 10 * MILLION, "0.65 x")


ROWS = {"policy": row_policy, "decision": row_decision, "listed": row_listed, "listed10": row_listed10}
