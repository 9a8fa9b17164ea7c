#!/usr/bin/python3
"""Rules that monitor change nothing and count: each query about what they watch, once, by whom it is for, whether it is
resolved, answered from a cache or blocked by another rule; over changes of the policy; and say so."""
import re
import sys

sys.dont_write_bytecode = True

import harness
import zones

IN, OUT = "127.0.1.1", "127.0.2.1"
GROUPS = "groups:\n  - {name: office, clients: [127.0.1.0/24]}\n"
PROBE = "  - {rule: probe, match: {source: probe}, action: nxdomain}\n"
OFFICE = "  - {rule: office, match: {source: work}, group: office, action: monitor}\n"
TRIAL = "  - {rule: trial, match: {source: trial}, action: monitor}\n"
NOBODY = "  - {rule: nobody, match: {source: nobody}, action: monitor}\n"
LAST = "  - {rule: quiet, match: {source: [trial, work]}, action: pass}\n" + \
       "  - {rule: last, match: {}, action: nxdomain}\n"
ALL = PROBE + OFFICE + TRIAL + NOBODY + LAST

CLEAN = zones.CLEAN + """
tried A 192.0.2.7
to-tried CNAME tried
to-to-tried CNAME to-tried
work A 192.0.2.8
both A 192.0.2.9
hosted A 203.0.113.66
turn A 192.0.2.10
"""
LINE = re.compile(r"monitored in the last (\d+) seconds, queries by rule: (.*)")


def counts(ours):
    """Of all rules, over all lines of the log, after the end."""
    sums = {}
    with open(ours.log_path, encoding="utf-8", errors="replace") as log:
        for match in LINE.finditer(log.read()):
            for rule, count in re.findall(r"'([^']*)' (\d+)", match.group(2)):
                sums[rule] = sums.get(rule, 0) + int(count)
    return sums


def publish(lab, rules=ALL):
    store = lab.store()
    store.compile(zones.PROBE + "\n",
                  ("domains", "tried.clean.test\nboth.clean.test\nturn.clean.test\n", "source=trial"),
                  ("rpz", "$ORIGIN z.\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n32.66.113.0.203.rpz-ip CNAME .\n",
                   "source=trial"),
                  ("domains", "work.clean.test\n", "source=work"),
                  ("domains", "both.clean.test\n", "source=old"),
                  options=["-c", lab.write("monitor-%d.yaml" % lab.number(), GROUPS + "policy:\n" + rules)])
    return store


def apply(lab, store, ours, rules):
    store.run("apply", "--policy", lab.write("monitor-%d.yaml" % lab.number(), GROUPS + "policy:\n" + rules))
    return harness.wait_until(lambda: ours.enforced(store.serial()), 10)


def each_once(tap, lab, nsd, threads):
    what = "%d thread(s)" % threads
    ours = lab.unbound(nsd, publish(lab), threads=threads)

    def ask(qname, times, source=OUT, **flags):
        """Returns the codes of the answers."""
        return {ours.ask(qname + ".clean.test", source=source, **flags).rcode for _ in range(times)}

    tap.same(ask("tried", 5), {"NOERROR"}, "%s: what is tried is answered" % what)
    tap.same(ask("tried", 2, tcp=True), {"NOERROR"}, "%s: ... by TCP, too" % what)
    tap.same(ask("to-to-tried", 4), {"NOERROR"}, "%s: ... and what leads there" % what)
    tap.same(ask("work", 3) | ask("work", 4, IN), {"NOERROR"}, "%s: a group's rule" % what)
    tap.same(ask("both", 6), {"NXDOMAIN"}, "%s: another rule blocks what one monitors" % what)
    tap.same(ask("both", 1, qtype="AAAA"), {"NXDOMAIN"}, "%s: ... of another type" % what)
    tap.same(ask("hosted", 1), {"NOERROR"}, "%s: what has an address that is tried" % what)
    tap.same(ask("www", 9), {"NOERROR"}, "%s: what nobody listed" % what)
    tap.none(ours.stop(), "%s: stopped" % what)
    tap.same(counts(ours), {"trial": 5 + 2 + 4 + 6 + 1 + 1, "office": 4}, "%s: each is counted once" % what)


def changes(tap, lab, nsd, threads):
    """A worker that was asked to call no more is asked to call again."""
    what = "%d thread(s)" % threads
    store = publish(lab, PROBE + LAST)
    ours = lab.unbound(nsd, store, threads=threads)

    def ask(times):
        for _ in range(times):
            ours.ask("turn.clean.test", source=OUT)

    ask(40)
    tap.ok(apply(lab, store, ours, ALL), "%s: rules that monitor" % what)
    ask(7)
    tap.ok(apply(lab, store, ours, PROBE + LAST), "%s: none" % what)
    ask(40)
    tap.ok(apply(lab, store, ours, PROBE + NOBODY.replace("nobody", "first", 1) + TRIAL + LAST),
           "%s: the same rule by another number" % what)
    ask(5)
    tap.none(ours.stop(), "%s: stopped" % what)
    tap.same(counts(ours), {"trial": 12}, "%s: what was asked meanwhile is counted, by name" % what)


def main(tap, lab):
    nsd = lab.nsd(dict(zones.plain(), **{"clean.test.": CLEAN}))
    for threads in (1, 3):
        each_once(tap, lab, nsd, threads)
        changes(tap, lab, nsd, threads)


if __name__ == "__main__":
    harness.run(main)
