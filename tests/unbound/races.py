#!/usr/bin/python3
"""ThreadSanitizer looks at Unbound and the module at work: four threads, a generation every 200 ms,
mixed load, reloads. A data race, or a lock taken out of order, with the module in any stack of the
report is a failure; what Unbound has by itself is seen in a first run without the module, and
counted.

UNBOUND_DIR, SINKHOLE_SO and SINKHOLE are builds with -fsanitize=thread (setup/unbound
--thread-sanitizer, configure --enable-sanitizers=thread).

    races.py [SECONDS]      default 20, and half of that without the module
"""
import os
import re
import sys
import time

sys.dont_write_bytecode = True

import crowd
import harness
import zones

SECONDS = float((sys.argv[1:] or [20])[0])
PERIOD = 0.2  # seconds from one publication to the next
RELOADS = 5
EXEMPT = "127.0.0.2"  # a client that gets everything unfiltered: two verdicts, and a cache of ours
TSAN = "exitcode=0:history_size=7:second_deadlock_stack=1"

ZONE = zones.HEAD.format(origin="race.test.") + """\
*.odd A 192.0.2.80
*.even A 192.0.2.80
*.always A 203.0.113.1
*.never A 192.0.2.80
odd-alias CNAME www.odd
even-alias CNAME www.even
deep-alias CNAME odd-alias
always-alias CNAME www.always
"""
FRAME = re.compile(r"^\s+#\d+ .*$", re.M)
OURS = re.compile(r"\(sinkhole\.so\+|\(libsinkhole|/(module|lib)/[a-z_]+\.[ch]:\d+ \(sinkhole")


def content(turn):
    listed = ["always", "odd" if turn % 2 else "even"]
    filler = ["f%d.filler%d.test" % (i, turn % 2) for i in range(500)]
    return "\n".join([zones.PROBE, *(zone + ".race.test" for zone in listed), *filler]) + "\n"


def ask(number):
    """Cached names, fresh ones, aliases, other types; of listed and unlisted zones."""
    zone = ("odd", "even", "always", "never")[number % 4]
    number //= 4
    turn, i = number % 6, number // 6
    if turn == 0 and zone != "never":
        return dict(qname=("deep" if i % 8 == 0 else zone) + "-alias.race.test", edns=0,
                    cd=i % 2 == 0)
    if turn == 1:
        return dict(qname="fresh%d.%s.race.test" % (i, zone), edns=0)
    if turn == 2:
        return dict(qname="www.%s.race.test" % zone, qtype=("ANY", "AAAA", "CNAME")[i % 3], do=True)
    return dict(qname="n%d.%s.race.test" % (i % 300, zone), edns=0)


def judge(answer, asked, sent, got):
    """That answers are right is another test's; here they must come."""
    return [] if answer.rcode in ("NOERROR", "NXDOMAIN") else ["%s: %r" % (asked, answer)]


def reports(resolver):
    """What the sanitizer wrote about a resolver that has stopped: the text of each report."""
    found = []
    for file in sorted(os.listdir(resolver.dir)):
        if file.startswith("tsan."):
            with open(os.path.join(resolver.dir, file), encoding="utf-8", errors="replace") as f:
                found += [part for part in f.read().split("==================")
                          if "WARNING: ThreadSanitizer" in part]
    return found


def is_ours(report):
    return (any(OURS.search(frame) for frame in FRAME.findall(report)) and
            not is_recycling(report))


# Unbound never frees the key of a record set: it gives the key to another, under a number that it
# then writes without the key's lock. Who still refers to the key compares the number, under the
# lock, with that of his own set: whatever he reads there but the old one, and the old one cannot
# come back, he leaves the set alone. `unbound-control flush` of an alias's target shows the same
# without us, in the first run.
READ_NUMBER = {"rrset_array_lock", "rrset_cache_touch"}
WRITE_NUMBER = {"ub_rrset_key_delete", "ub_packed_rrset_parsedelete", "alloc_special_obtain"}
ACCESS = re.compile(r"^  (?:Previous )?\w+ of size 8 at .*\n +#0 (\w+) \S+ \(unbound\+", re.M)


def is_recycling(report):
    """Both sides of the race are these functions of Unbound's, whoever called them."""
    at = set(ACCESS.findall(report))
    return (kind(report) == "data race" and len(at) == 2 and len(at & READ_NUMBER) == 1 and
            len(at & WRITE_NUMBER) == 1)


def kind(report):
    return re.search(r"ThreadSanitizer: (.*)", report).group(1).partition(" (pid")[0]


def summary(found):
    """Reports by what and where, most frequent first."""
    lines = [re.sub(r" /\S*/", " ", line) for report in found
             for line in re.findall(r"SUMMARY: ThreadSanitizer: (.*)", report) or [kind(report)]]
    return "\n".join("%d x %s" % (lines.count(line), line)
                     for line in sorted(set(lines), key=lambda line: -lines.count(line)))


def watched(lab, nsd, store):
    resolver = harness.Unbound(lab, nsd, store, threads=4)
    resolver.environ["TSAN_OPTIONS"] = TSAN + ":log_path=" + resolver.dir + "/tsan"
    resolver.start()
    with open("/proc/%d/maps" % resolver.pid, encoding="utf-8", errors="replace") as f:
        if "libtsan" not in f.read():
            raise harness.Failure("this Unbound was not built with the thread sanitizer")
    return resolver


def work(resolver, seconds, publish):
    """Load, with publish() every PERIOD, and reloads at the end."""
    load = harness.Load(resolver.port, ask, judge, clients=6, pause=0.001,
                        sources=("127.0.0.1", "127.0.0.1", EXEMPT))
    start = time.monotonic()
    turns = 0
    while time.monotonic() - start < seconds:
        turns += 1
        publish()
        time.sleep(max(0.0, start + turns * PERIOD - time.monotonic()))
    load.stop()
    for _ in range(RELOADS):
        resolver.control("reload")
        harness.wait_until(resolver.answers, harness.START_TIMEOUT)
        publish()
        for number in range(50):
            resolver.ask(**ask(number))
    return load, turns


def main(tap, lab):
    nsd = lab.nsd(dict(zones.plain(), **{"race.test.": ZONE}))
    plain = watched(lab, nsd, None)

    def flush():
        """What removes record sets without us; messages that refer to them stay."""
        for zone in ("odd", "even", "always"):
            plain.control("flush", "www.%s.race.test" % zone)

    load, _ = work(plain, SECONDS / 2, flush)
    tap.none(plain.stop(), "Unbound alone stops")
    baseline = reports(plain)
    tap.note("Unbound alone, %d queries, %d reports, %d of them on recycled keys:\n%s" % (
        load.count, len(baseline), len(list(filter(is_recycling, baseline))), summary(baseline)))
    tap.none([report for report in baseline if is_ours(report)], "without the module none is ours")

    store = lab.store()
    options = crowd.options(lab, exempt=[EXEMPT])
    lists = [store.prepare(content(turn), options=options) for turn in (0, 1)]
    lists[0]()
    resolver = watched(lab, nsd, store)
    tap.ok(resolver.enforces(), "the module is at work")

    changes = [lab.write("changes-%s" % sign, "".join(
        "%s %s.race.test\n" % (sign, zone) for zone in ("odd", "even", "www.odd", "www.even"))) for sign in "+-"]
    steps = [lists[0], lambda: store.run("apply", changes[0]), lists[1], lambda: store.run("apply", changes[1])]

    def publish():
        """Lists and live changes in turn: for the latter names are removed before the walk."""
        steps[store.serial() % 4]()

    load, turns = work(resolver, SECONDS, publish)
    tap.ok(turns > SECONDS, "%d generations, one every %.0f ms" % (turns, SECONDS * 1000 / turns))
    tap.ok(load.count > 50 * SECONDS, "the clients were kept busy", load.count)
    tap.none(load.lost, "no query was lost")
    tap.none(load.faults, "all were answered")
    tap.none(resolver.stop(), "Unbound with the module stops")
    found = reports(resolver)
    ours = [report for report in found if is_ours(report)]
    tap.note("with the module, %d queries, %d reports, %d ours, %d on recycled keys:\n%s" % (
        load.count, len(found), len(ours), len(list(filter(is_recycling, found))), summary(found)))
    tap.none(ours, "no report has the module in any stack, but for Unbound's recycled keys")


if __name__ == "__main__":
    harness.run(main)
