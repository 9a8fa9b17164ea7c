#!/usr/bin/python3
"""What else keeps old answers alive: prefetch, serve-expired in all its forms, caches that survive
a reload or come from a file. None of it shows what is listed."""
import concurrent.futures
import functools
import itertools
import os
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True

import chains
import harness
from chains import LISTS, NOTHING, NXDOMAIN, SINKHOLE, Change, all_faults, blocked
from forge import heard_of

OWNER = "mallory.test"
LISTED = {qname: OWNER for qname in """mallory.test www.mallory.test nonesuch.mallory.test
    empty.mallory.test any.wild.mallory.test""".split()}
ALIASES = {qname: OWNER for qname in """www.h1.test www.h2.test www.h5.test nx.h2.test
    www.dname.h2.test middle.h1.test""".split()}
ASKED = chains.items(dict(LISTED, **ALIASES), types=("A",))
NEIGHBOURS = chains.items(dict.fromkeys(
    "www.clean.test notevil.test clean.h1.test clean.h2.test nonesuch.h1.test".split()),
    types=("A", "TXT"))
POSITIVE = [item for item in NEIGHBOURS if item.qtype == "A" and "nonesuch" not in item.qname]
REPLY_TTL = 30  # seconds, of an expired answer and of no other
PATIENCE = 0.15  # seconds to wait for an answer that waits for a dead server; above TIMEOUT
ALL = {"."}


class Court:
    """A resolver with nothing listed, and everything asked once."""

    def __init__(self, tap, lab, nsd, plain, what, policy=NXDOMAIN, **options):
        self.tap = tap
        self.what = what
        self.policy = policy
        self.relay = lab.relay(nsd)
        self.store = lab.store()
        self.store.compile(*NOTHING)
        self.resolver = lab.unbound(self.relay, self.store, **options)
        self.plain = plain
        self.warmed = time.monotonic()
        tap.none(all_faults(plain, self.resolver, ASKED + NEIGHBOURS),
                 "%s: with nothing listed, as without the module" % what)

    def listing(self):
        return self.store.prepare(*LISTS, options=self.policy.options())

    def blocked(self):
        return blocked(self.policy)

    def blocked_or_nothing(self):
        """While servers are dead: aliases may get no answer or an error, but nothing old; listed
        names are blocked."""
        strict = self.blocked()

        def faults(resolver, item):
            if item.qname in LISTED:
                return strict(resolver, item)
            try:
                answer = chains.ask(resolver, item, timeout=PATIENCE)
            except OSError:
                return []
            failed = answer.rcode == "SERVFAIL" and not answer.message.answer
            return [] if failed else strict(resolver, item)
        return faults

    def change(self, what, publish, faults=None, line_due=True):
        Change(self.resolver, self.store, publish, faults or self.blocked(), ASKED,
               line_due).report(self.tap, "%s: %s" % (self.what, what))

    def stays(self, what, faults=None, seconds=1.5):
        """Also later, when more has expired and what was under way has ended."""
        end = time.monotonic() + seconds
        found = []
        while not found and time.monotonic() < end:
            found = all_faults(faults or self.blocked(), self.resolver, ASKED)
            time.sleep(0.1)
        self.tap.none(found, "%s: %s: never again" % (self.what, what))

    def from_cache(self, what, neighbours=None):
        self.relay.forget()
        found = all_faults(self.plain, self.resolver, neighbours or NEIGHBOURS)
        self.tap.none(found + self.relay.seen, "%s: %s: neighbours come from the cache" % (
            self.what, what))


# --- prefetch ------------------------------------------------------------------------------------

PREFETCH = "prefetch: yes\nprefetch-key: yes\ncache-max-ttl: 10\ncache-max-negative-ttl: 10"


def prefetched(tap, lab, nsd, plain, what, delay, options):
    """Asked in its last second, an answer is fetched again: meanwhile its name is listed."""
    court = Court(tap, lab, nsd, plain, "prefetch, " + what, **options)
    time.sleep(max(0, court.warmed + 9.3 - time.monotonic()))
    court.relay.forget()
    court.relay.delay = delay
    found = all_faults(plain, court.resolver, ASKED)
    tap.none(found, "prefetch, %s: in the last second answers are as before" % what)
    tap.ok(harness.wait_until(lambda: court.relay.asked_below(OWNER), 1),
           "prefetch, %s: ... and are fetched again" % what)
    court.change("listed meanwhile", court.listing())
    court.relay.delay = 0
    court.stays("listed meanwhile", seconds=3)


# --- serve-expired -------------------------------------------------------------------------------

EXPIRED = """serve-expired: yes\nserve-expired-ttl: %d\nserve-expired-client-timeout: %d
    serve-expired-reply-ttl: %d\ncache-max-ttl: 1\ncache-max-negative-ttl: 1"""
SLOW = 0.1  # seconds; longer than the client timeout below
TIMEOUT = 50  # milliseconds

UPSTREAMS = {  # what becomes of the servers when the names are listed
    "well": {"delay": 0},
    "slow": {"delay": SLOW},
    "dead": {"delay": 0, "dead": ALL},
    "failing": {"delay": 0, "failing": ALL},
}


def quiet(relay):
    """Wait until nothing has been asked for a while."""
    def still():
        before = len(relay.seen)
        time.sleep(0.6)
        return len(relay.seen) == before
    harness.wait_until(still, 10)


def expired_answers(court):
    """What is answered although it has expired."""
    return [item.qname for item in ASKED if any(
        rrset.ttl == REPLY_TTL for rrset in chains.ask(court.resolver, item).message.answer)]


def expired(tap, lab, nsd, plain, ttl, timeout, upstream, policy):
    what = "serve-expired, TTL %d, client timeout %d ms, servers %s" % (ttl, timeout, upstream)
    court = Court(tap, lab, nsd, plain, what, policy, server=EXPIRED % (ttl, timeout, REPLY_TTL))
    time.sleep(2.2)  # Unbound counts whole seconds
    court.relay.delay = SLOW
    given = expired_answers(court)
    tap.ok(len(given) > 4, "%s: expired answers are given" % what, given)
    fate = UPSTREAMS[upstream]
    gone = "dead" in fate or "failing" in fate
    if gone:  # what began before would hang for longer than we wait
        quiet(court.relay)
    prepared = court.listing()

    def publish():
        prepared()
        if gone:  # what began before the switch would hang, and enforcement wait for it
            heard_of(court.resolver, court.store.serial())
        vars(court.relay).update(fate)
    faults = court.blocked_or_nothing() if gone else court.blocked()
    court.change("listed", publish, faults)
    court.stays("listed", faults)


# --- caches that are kept ------------------------------------------------------------------------


def reloaded(court):
    """Reload with the caches kept; returns when it serves again."""
    def started():
        return sum("start of service" in line for line in court.resolver.log())
    before = started()
    court.resolver.control("reload_keep_cache")
    harness.wait_until(lambda: started() > before, 10)
    harness.wait_until(court.resolver.answers, 10)


def listed_while_down(court):
    """The resolver stands still from before the publication until the reload is asked for."""
    prepared = court.listing()
    os.kill(court.resolver.pid, signal.SIGSTOP)
    try:
        prepared()
        threading.Timer(0.2, os.kill, (court.resolver.pid, signal.SIGCONT)).start()
        reloaded(court)
    finally:
        os.kill(court.resolver.pid, signal.SIGCONT)


def listed_meanwhile(court):
    listing = threading.Thread(target=court.listing())
    listing.start()
    reloaded(court)
    listing.join()


def listed_at_once(court):
    court.listing()()
    reloaded(court)


def kept(tap, lab, nsd, plain, threads, how):
    what = "reload_keep_cache, %d threads, %s" % (threads, how.__name__.replace("_", " "))
    court = Court(tap, lab, nsd, plain, what, threads=threads)
    court.change("reloaded", functools.partial(how, court), line_due=False)
    court.from_cache("reloaded")
    court.stays("reloaded")


def loaded(tap, lab, nsd, plain, threads, policy):
    """A dump from before the listing is loaded after it."""
    court = Court(tap, lab, nsd, plain, "load_cache, %d threads" % threads, policy,
                  threads=threads)
    dump = court.resolver.control("dump_cache").stdout
    tap.ok("msg www.h5.test. " in dump, "%s: the dump holds what will be listed" % court.what)
    court.change("listed", court.listing())

    def load():
        court.resolver.control("flush_zone", ".")
        court.resolver.control("load_cache", text=dump)
    for turn in ("once", "twice", "a third time"):
        court.change("loaded " + turn, load, line_due=False)
        # Negative answers do not survive that without the module either.
        court.from_cache("loaded " + turn, POSITIVE)
    court.stays("loaded")
    heard_of(court.resolver, court.store.compile(*NOTHING))
    load()
    court.change("loaded, listed at once", court.listing())
    court.stays("loaded, listed at once")


PREFETCHED = (("validator", 0.1, dict(server=PREFETCH)),
              ("no validator", 0.05, dict(server=PREFETCH, modules="dynlib iterator")),
              ("and serve-expired", 0.1, dict(server=PREFETCH + "\nserve-expired: yes")))


def cases():
    """(function, its arguments)"""
    yield loaded, 1, NXDOMAIN
    yield loaded, 4, SINKHOLE
    for arguments in PREFETCHED:
        yield prefetched, *arguments
    for ttl, timeout, upstream in itertools.product((0, 86400), (0, TIMEOUT), UPSTREAMS):
        yield expired, ttl, timeout, upstream, SINKHOLE if upstream == "slow" else NXDOMAIN
    for threads, how in itertools.product(
            (1, 4), (listed_at_once, listed_while_down, listed_meanwhile)):
        yield kept, threads, how


def main(tap, lab):
    nsd = lab.nsd(chains.all_zones())
    plain = chains.as_plain(lab.unbound(lab.relay(nsd)))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:  # they do nothing but wait
        for done in [pool.submit(case, tap, lab, nsd, plain, *arguments)
                     for case, *arguments in cases()]:
            done.result()


if __name__ == "__main__":
    harness.run(main)
