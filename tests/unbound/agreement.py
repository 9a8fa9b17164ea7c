#!/usr/bin/python3
"""The resolver, `sinkhole lookup` and a model in ten lines give one answer about any name in any
list; and an entry begins and ends at its second, with nobody publishing anything."""
import json
import random
import sys
import time

sys.dont_write_bytecode = True

import harness
import zones
from forge import zone_of

HOME = "m.wild.clean.test"  # every name below it exists
LABELS = ["a", "b", "ab", "a-b", "evil", "good", "*", "xn--e1afmkfd", "1", "_tcp", "a" * 63]
ODD = [b"\0", b"\1", b"\1\1", b"\xff", b"a.b", b"a\0", b" ", b"\\", b"evil\0"]
ROUNDS = 4
ENTRIES = 150
ASKED = 500

# How a list says it, how far that reaches, and its rank: important over allow over block.
FORMS = [  # (source, text of a line, scope, rank)
    ("domains", "%s\n", "subtree", 0),
    ("hosts", "0.0.0.0 %s\n", "exact", 0),
    ("domains,scope=below", "%s\n", "below", 0),
    ("domains,allow", "%s\n", "subtree", 1),
    ("hosts,allow", "0.0.0.0 %s\n", "exact", 1),
    ("adblock", "||%s^$important\n", "subtree", 2),
]


def some_labels(rng, most=3):
    return [rng.choice(LABELS) for _ in range(rng.randint(0, most))]


def some_entries(rng):
    """(labels below HOME, form), of host names only: all formats can say those."""
    entries = set()
    while len(entries) < ENTRIES:
        form = rng.choice([0, 0, 1, 1, 1, 2, 3, 4, 5])
        labels = tuple(some_labels(rng))
        if labels and not {"*", "_tcp"} & set(labels):
            entries.add((labels, form))
    return sorted(entries)


def sources(entries):
    texts = {}
    for labels, form in entries:
        source, line = FORMS[form][:2]
        texts.setdefault(source, []).append(line % ".".join([*labels, HOME]))
    return [(source.split(",")[0], "".join(lines), *source.split(",")[1:])
            for source, lines in sorted(texts.items())]


def covers(entry, scope, labels):
    """Is the name `labels` within reach of the entry?"""
    if scope == "exact":
        return labels == entry
    below = len(labels) > len(entry) and labels[len(labels) - len(entry):] == entry
    return below or (scope == "subtree" and labels == entry)


def model(entries, labels):
    """Blocked? Important over allow over block, whatever is more specific."""
    labels = tuple(label.lower() for label in labels)
    ranks = [FORMS[form][3] for entry, form in entries
             if covers(tuple(e.encode() for e in entry), FORMS[form][2], labels)]
    return bool(ranks) and max(ranks) != 1


def some_names(rng, entries):
    """Names at, above, below and beside the entries; some with labels that no list can hold."""
    names = set()
    while len(names) < ASKED:
        labels = list(rng.choice(entries)[0]) if rng.random() < 0.7 else some_labels(rng, 4)
        labels = [label.encode() for label in labels]
        if rng.random() < 0.5:
            labels[:0] = [rng.choice([label.encode() for label in LABELS] + ODD)]
        if rng.random() < 0.2 and labels:
            labels[rng.randrange(len(labels))] = rng.choice(ODD)
        if rng.random() < 0.2 and labels:
            labels.pop(0)
        if rng.random() < 0.3:
            labels = [label.swapcase() for label in labels]
        if sum(len(label) + 1 for label in labels) < 200:
            names.add(tuple(labels))
    return sorted(names)


def looked_up(store, names):
    """What `sinkhole lookup` says: a list of actions, one a name."""
    texts = [str(name).rstrip(".") for name in names]
    done = store.run("lookup", "--json", "--", *texts, check=False)
    if done.returncode not in (0, 1):
        raise harness.Failure("lookup: status %d\n%s" % (done.returncode, done.stderr))
    return [json.loads(line)["action"] for line in done.stdout.splitlines()]


def one_round(tap, resolver, store, rng, number):
    entries = some_entries(rng)
    store.compile(zones.PROBE + "\n" + zone_of(number) + "\n", *sources(entries))
    if not resolver.enforces(zone_of(number)):
        raise harness.Failure("the generation is not in force")
    home = [label.encode() for label in HOME.split(".")]
    asked = some_names(rng, entries)
    names = [harness.name([*labels, *home]) for labels in asked]
    said = looked_up(store, names)
    tap.same(len(said), len(names), "round %d: lookup has an answer for each name" % number)
    found, blocks = [], 0
    for labels, qname, action in zip(asked, names, said):
        wanted = model(entries, labels)
        blocked = 15 in resolver.ask(qname, "TYPE%d" % (300 + number), edns=0).edes
        blocks += blocked
        if not wanted == blocked == (action == "nxdomain"):
            found.append("%s: the model %s, the resolver %s, lookup %s" % (
                qname, wanted, blocked, action))
    tap.ok(ASKED // 10 < blocks < ASKED * 9 // 10,
           "round %d: some are blocked, some are not" % number, blocks)
    tap.none(found, "round %d: resolver, lookup and model agree on %d names" % (number, len(names)))


def timely(tap, lab, upstream):
    """valid-from and valid-until are judged when the name is asked for."""
    turn = int(time.time()) + 3
    store = lab.store()
    store.compile(zones.PROBE + "\n",
                  ("domains", zone_of("from") + "\n", "valid-from=@%d" % turn),
                  ("domains", zone_of("until") + "\n", "valid-until=@%d" % turn),
                  ("domains", zone_of("lifted") + "\n"),
                  ("domains", zone_of("lifted") + "\n", "allow,valid-until=@%d" % turn))
    resolver = lab.unbound(upstream, store)

    def state():
        return [resolver.blocks(zone_of(mark)) for mark in ("from", "until", "lifted")]

    before = state()
    if time.time() < turn:  # else the machine was too slow to look
        tap.same(before, [False, True, False], "before its second: not yet, still, still lifted")
    # The resolver's clock is the time of its last event, hence the second more.
    harness.wait_until(lambda: time.time() > turn + 1, 10, 0.05)
    tap.same(state(), [True, False, True], "after its second: now, no longer, no longer lifted")


def main(tap, lab):
    nsd = lab.nsd(zones.plain())
    store = lab.store()
    store.compile(zones.PROBE + "\n")
    resolver = lab.unbound(nsd, store)
    rng = random.Random(2)
    for number in range(ROUNDS):
        one_round(tap, resolver, store, rng, number)
    timely(tap, lab, nsd)


if __name__ == "__main__":
    harness.run(main)
