#!/usr/bin/python3
"""Live changes over a base that stays: a name is blocked, un-blocked, answered otherwise, let through for a time, on every
thread and over what was cached; and a compile of the feeds takes none of it back."""
import re
import sys
import time

sys.dont_write_bytecode = True

import harness
import zones

BOUND = 0.1  # seconds from the tool's return to every new query; the promise of unbound-sinkhole(7)
SLOW = 10 if harness.SANITIZED else 1
LISTED = "".join(name + "\n" for name in (zones.PROBE, "evil.test"))
RULES = """\
sources: [{name: feed, path: %s}]
policy:
  - {rule: soft, match: {category: soft}, action: refused}
  - {rule: rest, match: {}, action: nxdomain}
"""
CHAIN = "first CNAME second\nsecond CNAME third\nthird CNAME alias\n"
FIRST = "first.clean.test"  # three names before the alias
CLEAN, ALIAS, EVIL = "www.clean.test", "alias.clean.test", "www.evil.test"  # the second leads to the first


def codes(resolvers, qname, times=8):
    """What clients get; so often that every thread is asked."""
    return {resolver.ask(qname).rcode for resolver in resolvers for _ in range(times)}


def change(lab, resolvers, store, *lines):
    """Apply lines, and wait until nothing old is left. Returns the seconds from the tool's return to the new answers
    of a first query."""
    store.run("apply", lab.write("changes-%d.txt" % lab.number(), "".join(line + "\n" for line in lines)))
    return settle(resolvers, store)


def settle(resolvers, store):
    begun = time.monotonic()
    serial = store.serial()
    for resolver in resolvers:
        harness.wait_until(lambda r=resolver: r.said("generation %d in use" % serial), 5)
    took = time.monotonic() - begun
    for resolver in resolvers:
        harness.wait_until(lambda r=resolver: r.enforced(serial), 10)
    return took


def blocks(tap, lab, resolvers, store):
    for qname in (CLEAN, ALIAS):
        tap.same(codes(resolvers, qname), {"NOERROR"}, "%s gets its real answer, which is cached" % qname)
    base = store.manifest()["base"]
    took = change(lab, resolvers, store, "+ %s category=malware" % CLEAN)
    tap.ok(took < BOUND * SLOW * len(resolvers), "a change is in use soon", "%.3f s" % took)
    for qname in (CLEAN, ALIAS):
        tap.same(codes(resolvers, qname), {"NXDOMAIN"}, "%s is blocked" % qname)
    for resolver in resolvers:
        line = resolver.enforced(store.serial()) or "no line"
        tap.ok(int((re.search(r"; (\d+) of these at once, by name$", line) or [0, 0])[1]) > 0,
               "what was cached of the name went before the walk", line)
    tap.same(codes(resolvers, EVIL), {"NXDOMAIN"}, "and so is what the base lists")
    tap.same(store.manifest()["base"], base, "which is the same file")


def unblocks(tap, lab, resolvers, store, compile_again):
    change(lab, resolvers, store, "- %s" % CLEAN, "- evil.test")
    for qname in (CLEAN, ALIAS, EVIL):
        tap.same(codes(resolvers, qname), {"NOERROR"}, "taken off: %s gets its real answer" % qname)
    compile_again()
    settle(resolvers, store)
    tap.same(codes(resolvers, EVIL), {"NOERROR"}, "a compile of what lists %s changes nothing" % EVIL)
    for resolver in resolvers:
        tap.ok(resolver.blocks(zones.PROBE), "but what else is listed is blocked")


def answers_otherwise(tap, lab, resolvers, store):
    change(lab, resolvers, store, "+ evil.test category=soft source=feed")
    tap.same(codes(resolvers, EVIL), {"REFUSED"}, "listed again, under another category: another rule decides")
    change(lab, resolvers, store, "+ evil.test category=hard source=feed")
    tap.same(codes(resolvers, EVIL), {"NXDOMAIN"}, "and once more")
    change(lab, resolvers, store, "+ evil.test source=ours action=pass")
    tap.same(codes(resolvers, EVIL), {"NOERROR"}, "an allow entry beside it wins")
    change(lab, resolvers, store, "- evil.test source=ours")
    tap.same(codes(resolvers, EVIL), {"NXDOMAIN"}, "until it is taken off")


def uncovers(tap, lab, resolvers, store):
    """What let an alias pass let pass what it leads to. When it goes, nothing that was changed is listed."""
    change(lab, resolvers, store, "+ %s category=malware" % CLEAN, "+ other.test source=ours action=pass")
    tap.same(codes(resolvers, FIRST), {"NXDOMAIN"}, "an alias of an alias of an alias of a listed name is blocked")
    change(lab, resolvers, store, "+ %s source=ours action=pass" % FIRST)
    tap.same(codes(resolvers, FIRST), {"NOERROR"}, "an allow entry about the first lets it pass")
    tap.same(codes(resolvers, "third.clean.test"), {"NXDOMAIN"}, "but the names behind it")
    change(lab, resolvers, store, "- %s source=ours" % FIRST)
    tap.same(codes(resolvers, FIRST), {"NXDOMAIN"}, "without it, it is blocked again")
    change(lab, resolvers, store, "- %s" % CLEAN, "- other.test source=ours")


def allows(tap, resolvers, store):
    store.run("allow", "--for", "%ds" % (3 * SLOW), "evil.test")
    began = time.time()
    settle(resolvers, store)
    tap.same(codes(resolvers, EVIL), {"NOERROR"}, "allowed: it gets its real answer, which is cached")
    time.sleep(max(0.0, began + 3.5 * SLOW - time.time()))
    seen = [harness.wait_until(lambda r=r: codes([r], EVIL) == {"NXDOMAIN"}, 5) for r in resolvers]
    tap.ok(all(seen), "and is blocked again when that is over, with no tool at work")


def gives_way(tap, lab, resolvers, store):
    """What lies over a feed's own entry for a time is over at its second, and the feed's entry is back."""
    change(lab, resolvers, store, "+ evil.test source=feed action=pass valid-for=%ds" % (3 * SLOW))
    began = time.time()
    tap.same(codes(resolvers, EVIL), {"NOERROR"}, "a feed's entry, passed for a while: the real answer, which is cached")
    time.sleep(max(0.0, began + 3.5 * SLOW - time.time()))
    seen = [harness.wait_until(lambda r=r: codes([r], EVIL) == {"NXDOMAIN"}, 5) for r in resolvers]
    tap.ok(all(seen), "and then what the feed says, with no tool at work")


def goes_back(tap, resolvers, store, serial):
    store.run("rollback", str(serial))
    settle(resolvers, store)
    tap.same(codes(resolvers, CLEAN), {"NOERROR"}, "a rollback goes back to the changes of then")
    tap.same(codes(resolvers, EVIL), {"NXDOMAIN"}, "and to the lists")


def keeps(tap, lab, resolvers, store):
    """A delta that is damaged keeps the generation before in use."""
    change(lab, resolvers, store, "+ %s" % CLEAN)
    before = store.serial()
    for resolver in resolvers:
        resolver.stop()
    store.run("apply", lab.write("more.txt", "- %s\n" % CLEAN))
    store.run("apply", lab.write("more.txt", "+ %s source=x\n" % CLEAN))
    with open("%s/gen/%s" % (store.dir, store.manifest()["delta"]), "r+b") as file:
        file.seek(4096)
        file.write(b"damage")
    for resolver in resolvers:
        resolver.start()
    tap.same(codes(resolvers, CLEAN), {"NOERROR"}, "with a damaged delta and nothing before, nothing is filtered")
    for resolver in resolvers:
        tap.ok(harness.wait_until(lambda r=resolver: r.said("delta-.*digest differs"), 5), "and a line says why")
    store.run("rollback", str(before))
    settle(resolvers, store)
    tap.same(codes(resolvers, CLEAN), {"NXDOMAIN"}, "a rollback is the way back")


def main(tap, lab):
    nsd = lab.nsd(dict(zones.plain(), **{"clean.test.": zones.CLEAN + CHAIN}))
    relay = lab.relay(nsd)
    store = lab.store()
    rules = lab.write("rules.yaml", RULES % lab.write("feed.txt", LISTED))
    store.run("compile", "-c", rules)
    resolvers = [lab.unbound(relay, store, threads=threads) for threads in (1, 2)]
    for resolver in resolvers:
        tap.ok(resolver.enforces(), "a resolver enforces the list")
    blocks(tap, lab, resolvers, store)
    unblocks(tap, lab, resolvers, store, lambda: store.run("compile", "-c", rules))
    answers_otherwise(tap, lab, resolvers, store)
    allows(tap, resolvers, store)
    goes_back(tap, resolvers, store, 1)
    uncovers(tap, lab, resolvers, store)
    gives_way(tap, lab, resolvers, store)
    keeps(tap, lab, resolvers, store)


if __name__ == "__main__":
    harness.run(main)
