#!/usr/bin/python3
"""However Unbound is configured: what is listed is blocked, what is not is resolved, before and
after every way to reload, and it stops cleanly."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import harness
import judge
import zones

POLICY = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA)

# What each resolver is asked to show, twice.
CLEAN = [("www.clean.test", "A"), ("alias2.clean.test", "A"), ("clean.test", "MX"), ("test", "A"),
         ("good.evil.test", "A"), ("notevil.test", "A"), ("nonesuch.clean.test", "A"),
         ("notype.clean.test", "A"), ("big.clean.test", "TXT")]

MODES = {  # what: arguments for the resolver
    "as it comes": {},
    "qname minimisation off": dict(server="qname-minimisation: no"),
    "qname minimisation strict": dict(server="qname-minimisation-strict: yes"),
    "4 threads": dict(threads=4),
    "4 threads, one slab, no SO_REUSEPORT": dict(threads=4, server="""so-reuseport: no
        msg-cache-slabs: 1\nrrset-cache-slabs: 1"""),
    "tiny caches": dict(server="msg-cache-size: 1\nrrset-cache-size: 1"),
    "EDE on": dict(server="ede: yes\nede-serve-expired: yes"),
    "answers in full": dict(server="minimal-responses: no\nrrset-roundrobin: no"),
    "long times to live": dict(server="cache-min-ttl: 3600"),
    "prefetch": dict(server="prefetch: yes\nprefetch-key: yes\ncache-max-ttl: 1"),
    "serve-expired": dict(server="serve-expired: yes\ncache-max-ttl: 1"),
    "serve-expired after a wait": dict(server="""serve-expired: yes
        serve-expired-client-timeout: 1\nserve-expired-reply-ttl: 30\ncache-max-ttl: 1"""),
    "everything logged": dict(server="""verbosity: 5\nlog-queries: yes\nlog-replies: yes
        log-tag-queryreply: yes\nlog-servfail: yes\nextended-statistics: yes"""),
    "hardened": dict(server="""harden-algo-downgrade: yes\nuse-caps-for-id: yes
        harden-large-queries: yes\nharden-short-bufsize: yes\naggressive-nsec: yes"""),
    "everything forwarded": dict(forward=True),
    "respip behind it": dict(modules="dynlib respip validator iterator"),
    "subnetcache behind it": dict(modules="dynlib subnetcache validator iterator",
                                  server='send-client-subnet: 127.0.0.1'),
    "no validator": dict(modules="dynlib iterator"),
    "daemon": dict(daemonize=True),
    "daemon, 4 threads": dict(daemonize=True, threads=4),
}


class Judgement:
    """The list in force in all modes, and what must be true of a resolver."""

    def __init__(self, lab):
        self.lab = lab
        self.relay = lab.relay(lab.nsd(zones.plain()))
        self.store = lab.store()
        self.fill(self.store)
        self.plain = lab.unbound(self.relay)

    @staticmethod
    def fill(store):
        store.compile(zones.SUBTREES, ("hosts", zones.EXACT), ("domains", zones.ALLOWED, "allow"),
                      options=POLICY.options())

    def faults(self, resolver):
        found = []
        for qname in ("www.evil.test", "evil.test", "exact.test", "x.unborn.test"):
            for qtype in ("A", "AAAA", "TXT", "HTTPS"):
                for tcp in (False, True):
                    found += judge.faults(
                        POLICY, resolver.ask(qname, qtype, tcp=tcp, edns=0), qtype)
        for qname, qtype in CLEAN * 2:
            answer = resolver.ask(qname, qtype)
            wanted = self.plain.ask(qname, qtype)
            if (answer.rcode, answer.data()) != (wanted.rcode, wanted.data()):
                found.append("%r\nwithout the module %r" % (answer, wanted))
        return found


def reloads(resolver):
    yield "SIGHUP", lambda: os.kill(resolver.pid, signal.SIGHUP)
    yield "unbound-control reload", lambda: resolver.control("reload")
    if "reload_keep_cache" in resolver.control("help", check=False).stdout:
        yield "reload_keep_cache", lambda: resolver.control("reload_keep_cache")
    if "fast_reload" in resolver.control("help", check=False).stdout:
        yield "fast_reload", lambda: resolver.control("fast_reload")


def started(resolver):
    """How often it began to serve, by its own log."""
    return sum("start of service" in line for line in resolver.log())


def in_mode(tap, court, what, options):
    resolver = court.lab.unbound(court.relay, court.store, **options)
    done = subprocess.run([resolver.binary("unbound-checkconf"), resolver.conf], timeout=30,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    tap.ok(done.returncode == 0, "%s: unbound-checkconf is content" % what, done.stderr)
    tap.none(court.faults(resolver), "%s: blocked and clean as they should be" % what)
    if "cache-max-ttl: 1" in options.get("server", ""):
        time.sleep(1.1)
        tap.none(court.faults(resolver), "%s: also when answers have expired" % what)
    for words in (["stats_noreset"], ["dump_cache"], ["lookup", "www.evil.test"]):
        resolver.control(*words)
    for how, act in reloads(resolver):
        before = started(resolver)
        act()
        if how != "fast_reload":
            harness.wait_until(lambda n=before: started(resolver) > n, 10)
        harness.wait_until(resolver.answers, 10)
        tap.none(court.faults(resolver), "%s: the same after %s" % (what, how))
    tap.none(resolver.stop(), "%s: it stops cleanly" % what)


def other_threads(tap, lab, court):
    """num-threads changes by reload, up and down."""
    resolver = lab.unbound(court.relay, court.store)
    for threads in (4, 2, 16, 1):
        with open(resolver.conf, encoding="utf-8") as f:
            text = re.sub(r"num-threads: \d+", "num-threads: %d" % threads, f.read())
        with open(resolver.conf, "w", encoding="utf-8") as f:
            f.write(text)
        before = started(resolver)
        resolver.control("reload")
        harness.wait_until(lambda n=before: started(resolver) > n, 10)
        harness.wait_until(resolver.answers, 10)
        tap.none(court.faults(resolver), "%d threads after a reload: as they should be" % threads)
    tap.none(resolver.stop(), "... and it stops cleanly")


def without_validator(tap, lab, court):
    """Minimisation asks for a listed name on the way to its child, and stores the answer."""
    resolver = lab.unbound(court.relay, court.store, modules="dynlib iterator")
    resolver.ask("child.exact.test")
    tap.none(judge.faults(POLICY, resolver.ask("exact.test")),
             "no validator: a listed name is blocked after its unlisted child was resolved")


def in_a_chroot(tap, lab, court):
    """No /proc in there, hence the direct mapping, which one line says."""
    if os.geteuid():
        tap.skip("in a chroot", "only root may change its root")
        return
    root = lab.fresh("root")
    inside = os.path.join(root, "unbound")
    os.mkdir(inside)
    module = shutil.copy(harness.needed("SINKHOLE_SO"), inside)
    for library in libraries(module):
        os.makedirs(root + os.path.dirname(library), exist_ok=True)
        shutil.copy(library, root + library)
    store = harness.Store(lab, os.path.join(root, "data"))
    court.fill(store)
    resolver = harness.Unbound(
        lab, court.relay, "/data", server='chroot: "%s"' % root, home=inside,
        so="/unbound/" + os.path.basename(module), leak_check=False, environ={"SINKHOLE_RUN": "/run"})
    resolver.start()
    tap.ok(resolver.enforces(), "in a chroot without /proc: the list is in force",
           "\n".join(resolver.said()))
    tap.none(court.faults(resolver), "... blocked and clean as they should be")
    tap.ok(len(resolver.said("direct")) == 1,
           "... and one line says that the file is mapped directly", "\n".join(resolver.said()))
    tap.ok(os.path.exists(root + "/run/stats"), "... and its counters are inside")
    for _ in range(3):
        before = started(resolver)
        os.kill(resolver.pid, signal.SIGHUP)
        harness.wait_until(lambda n=before: started(resolver) > n, 10)
        harness.wait_until(resolver.answers, 10)
    tap.none(court.faults(resolver), "... also after SIGHUP")
    store.compile("www.clean.test\n", zones.PROBE + "\n")
    tap.ok(resolver.enforces("www.clean.test", 5), "... and a new generation is put in force")
    tap.none(resolver.stop(), "... and it stops cleanly")


def libraries(module):
    out = subprocess.run(["ldd", module], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(/\S+) \(0x", out))


def with_dns64(tap, lab, court):
    """The order for DNS64: a blocked name has no synthesised address."""
    resolver = lab.unbound(court.relay, court.store, modules="dynlib dns64 validator iterator",
                           server="dns64-prefix: 64:ff9b::/96")
    found = []
    for qtype in ("A", "AAAA", "TXT"):
        found += judge.faults(POLICY, resolver.ask("www.evil.test", qtype, edns=0), qtype)
    tap.none(found, "DNS64: a listed name is blocked for A, AAAA, TXT")
    tap.same(resolver.ask("notevil.test", "AAAA").addresses(), ["64:ff9b::c000:20b"],
             "DNS64: an unlisted name's address is synthesised")
    tap.none(resolver.stop(), "DNS64: it stops cleanly")


def twice(tap, lab, court):
    """Two dynlib lines with one file share its globals: it works or it refuses, politely."""
    resolver = harness.Unbound(
        lab, court.relay, court.store, modules="dynlib dynlib validator iterator")
    try:
        resolver.start()
    except harness.Failure:
        tap.ok(resolver.process.returncode > 0 and resolver.said(),
               "the module twice: refused with a line",
               "status %r\n%s" % (resolver.process.returncode, "\n".join(resolver.log())))
        lab.resolvers.remove(resolver)
        return
    tap.ok(resolver.enforces(), "the module twice: it runs")
    tap.none(court.faults(resolver), "... blocked and clean as they should be")
    resolver.control("reload")
    harness.wait_until(resolver.answers, 10)
    tap.none(court.faults(resolver), "... also after a reload")
    tap.none(resolver.stop(), "... and it stops cleanly")


def main(tap, lab):
    court = Judgement(lab)
    twice(tap, lab, court)
    in_a_chroot(tap, lab, court)
    with_dns64(tap, lab, court)
    other_threads(tap, lab, court)
    without_validator(tap, lab, court)
    for what, options in MODES.items():
        in_mode(tap, court, what, options)


if __name__ == "__main__":
    harness.run(main)
