#!/usr/bin/python3
"""Groups of clients, one name, every action: at one instant, in shared states, and one after the other in every
order, each client gets what its group gets, and nothing that one may see comes to another through a cache."""
import itertools
import sys

sys.dont_write_bytecode = True

import crowd
import harness
import judge
import zones
from crowd import Question

UPSTREAM = 0.4  # seconds that each question to the authority takes
PATIENCE = 1.0  # seconds after which no answer will come

NXDOMAIN = judge.Policy("nxdomain", ttl=20)
NODATA = judge.Policy("nodata", ttl=30)
SINKHOLE = judge.Policy("sinkhole", ttl=10, a=zones.SINK_A, aaaa=zones.SINK_AAAA)

NETS = {"free": "127.0.1.", "watched": "127.0.3.", "strict": "127.0.2.", "empty": "127.0.4.",
        "refused": "127.0.5.", "others": "127.0.6."}
LONELY = {"dropped": "127.0.7.", "short": "127.0.8."}
FORGED = {"strict": NXDOMAIN, "empty": NODATA, "others": SINKHOLE}

GROUPS = "groups:\n" + "".join("  - {name: %s, clients: [%s0/24]}\n" % (group, net)
                               for group, net in {**NETS, **LONELY}.items() if group != "others")
RULES = """\
  - {rule: free, match: {}, group: free, action: pass}
  - {rule: watched, match: {}, group: watched, action: monitor}
  - {rule: refused, match: {}, group: refused, action: refused}
  - {rule: dropped, match: {}, group: dropped, action: drop}
  - {rule: short, match: {}, group: short, action: truncate}
""" + NXDOMAIN.rule("strict", ", group: strict") + NODATA.rule("empty", ", group: empty")

PROBE = "  - {rule: probe, match: {source: probe}, action: nxdomain}\n"  # that it is in force, for all

EVIL = zones.EVIL + "*.order A 203.0.113.1\n*.change A 203.0.113.1\n*.one A 203.0.113.1\n"
CLEAN = zones.CLEAN + """
to-evil CNAME www.evil.test.
to-evil2 CNAME to-evil
"""

MIX = [Question(qname) for qname in "www.evil.test a.b.c.d.evil.test exact.test".split()]
MIX += [Question("n%d.wild.evil.test" % n) for n in range(6)]
MIX += [Question("www.evil.test", qtype) for qtype in ("AAAA", "TXT", "HTTPS")]
MIX += [Question("nonesuch.evil.test"), Question("bad.signed.test"),
        Question("to-evil.clean.test", "A", True, "evil.test"),
        Question("to-evil2.clean.test", "TXT", True, "evil.test")]
MIX += [Question(qname, "A", False) for qname in """
    www.clean.test alias2.clean.test good.signed.test good.evil.test nowhere.clean.test""".split()]


def config(lab, rules=RULES, last=SINKHOLE.rule(), groups=GROUPS):
    return ["-c", lab.write("policy-%d.yaml" % lab.number(), groups + "policy:\n" + PROBE + rules + last)]


def publish(store, options):
    return store.compile(zones.SUBTREES, ("domains", zones.PROBE + "\n", "source=probe"),
                         ("hosts", zones.EXACT), ("domains", zones.ALLOWED, "allow"), options=options)


def group_of(source):
    return next(group for group, net in {**NETS, **LONELY}.items() if source.startswith(net))


def is_refused(answer):
    return answer.rcode == "REFUSED" and not answer.message.answer and \
        not answer.message.authority and not answer.has("AD")


def faults(plain, group, answer, qtype="A", owner=None):
    """What is wrong with an answer about a listed name."""
    if group in ("free", "watched"):
        return crowd.unspoilt(plain, answer, ad_may_miss=True)
    if group == "refused":
        found = [] if is_refused(answer) else [answer]
        return found + zones.leaks(answer)
    return judge.faults(FORGED[group], answer, qtype, owner)


def one_instant(tap, lab, relay, plain, threads):
    """In states that clients of all groups share."""
    store = lab.store()
    publish(store, config(lab))
    ours = lab.unbound(relay, store, anchors=[zones.ANCHOR], threads=threads, server=crowd.SERVER)
    what = "%d thread(s)" % threads
    for number in range(2):
        relay.delay = UPSTREAM
        people = crowd.Crowd(ours, MIX, size=90, seed=11 + number, nets=tuple(NETS.values())).ask()
        relay.delay = 0.0
        tap.none(people.lost(), "%s, time %d: every client has its answer" % (what, number))
        for group in NETS:
            found, strange, count = [], [], 0
            for client in people.clients:
                if group_of(client.source) != group:
                    continue
                for question, answer in client.heard():
                    if answer and question.listed:
                        count += 1
                        found += faults(plain, group, answer, question.qtype, question.owner)
                    elif answer:
                        strange += crowd.unspoilt(plain, answer)
            tap.ok(count > 100 and not found, "%s, time %d: each of %s gets its own answer" % (
                what, number, group), harness.some(found))
            tap.none(strange, "%s, time %d: what is not listed is as without us" % (what, number))
    tap.none(crowd.cached(ours, ["evil.test", "to-evil.clean.test", "to-evil2.clean.test"]),
             "%s: nothing of it is in Unbound's cache" % what)


def every_order(tap, lab, relay, plain):
    """Whoever asks first, whoever asks then."""
    store = lab.store()
    publish(store, config(lab))
    ours = lab.unbound(relay, store)
    found, number = [], 0
    for first in itertools.permutations(NETS, 3):
        number += 1
        for group in first + first:
            answer = ours.ask("n%d.order.evil.test" % number, source=NETS[group] + "9", edns=0)
            found += ["%s: %s" % (first, fault) for fault in faults(plain, group, answer)]
    tap.none(found, "%d orders of three groups: each gets its own" % number)
    tap.ok(relay.asked_below("order.evil.test"), "and the real data came from its servers")
    relay.forget()
    for _ in range(20):
        for group in NETS:
            ours.ask("n1.order.evil.test", source=NETS[group] + "9")
    tap.none(relay.seen, "who may see it is answered from memory, not by asking again")
    for qtype in ("A", "TXT"):
        for group in NETS:
            answer = ours.ask("to-evil2.clean.test", qtype, source=NETS[group] + "9", edns=0)
            tap.none(faults(plain, group, answer, qtype, "evil.test"),
                     "an alias of an alias of it, %s, for %s" % (qtype, group))


def answer_or_none(ours, qname, source, **flags):
    try:
        return ours.ask(qname, source=source, timeout=PATIENCE, **flags)
    except OSError:
        return None


def drop_and_truncate(tap, lab, relay, plain):
    store = lab.store()
    publish(store, config(lab))
    ours = lab.unbound(relay, store, server=crowd.SERVER)
    net = LONELY["dropped"]
    tap.same(answer_or_none(ours, "n1.one.evil.test", net + "1"), None, "a client that is alone is dropped")
    tap.same(ours.ask("www.clean.test", source=net + "1").rcode, "NOERROR", "... and others are not")
    tap.none(crowd.unspoilt(plain, ours.ask("n1.one.evil.test", source=NETS["free"] + "1"), True),
             "... nor are others about the same name")
    net = LONELY["short"]
    answer = ours.ask("n2.one.evil.test", source=net + "1", edns=0)
    tap.ok(answer.has("TC") and not answer.message.answer and not zones.leaks(answer),
           "a truncated client gets TC and nothing else by UDP", answer)
    answer = ours.ask("n2.one.evil.test", source=net + "1", tcp=True)
    tap.none(crowd.unspoilt(plain, answer, True), "... and the real answer by TCP")
    answer = ours.ask("n2.one.evil.test", source=net + "1")
    tap.ok(answer.has("TC") and not answer.message.answer, "... and TC again by UDP", answer)
    relay.delay = UPSTREAM
    people = crowd.Crowd(ours, [Question("n%d.wild.evil.test" % n) for n in range(4)], size=60,
                         nets=(NETS["free"], *LONELY.values()), patience=4).ask()
    relay.delay = 0.0
    found = []
    for client in people.clients:
        for _, answer in client.heard():
            group = group_of(client.source)
            if group == "dropped":
                found += [] if answer is None or is_refused(answer) else [answer]
            elif group == "short" and not client.tcp:
                found += [] if answer and answer.has("TC") and not zones.leaks(answer) else [answer]
            else:
                found += crowd.unspoilt(plain, answer, True) if answer else [answer]
    tap.none(found, "in shared states: dropped clients get nothing or REFUSED, TC by UDP, the rest by TCP")


def changes(tap, lab, relay, plain):
    """The policy changes alone: what was cached for all gives way, and is cached again."""
    store = lab.store()
    free = "  - {rule: all, match: {}, action: monitor}\n"
    publish(store, config(lab, "", free))
    ours = lab.unbound(relay, store)
    names = ["n%d.change.evil.test" % n for n in range(8)]

    def ask(group, qname):
        return ours.ask(qname, source=NETS[group] + "3", edns=0)

    def enforced(rules, last, what):
        path = config(lab, rules, last)[1]
        base = store.manifest()["base"]
        store.run("apply", "--policy", path)
        serial = store.serial()
        tap.same(store.manifest()["base"], base, "%s: the database stays" % what)
        tap.ok(harness.wait_until(lambda: ours.enforced(serial), 10), "%s: it is enforced" % what,
               ours.said())

    for turn in range(2):
        what = "turn %d" % turn
        tap.none([fault for qname in names for group in NETS
                  for fault in crowd.unspoilt(plain, ask(group, qname))],
                 "%s: monitored by everybody's rule, as without us" % what)
        relay.forget()
        tap.none([fault for qname in names for group in NETS
                  for fault in crowd.unspoilt(plain, ask(group, qname))] + relay.seen,
                 "%s: ... and from Unbound's cache" % what)
        enforced(RULES, SINKHOLE.rule(), what + ", by groups")
        tap.none([fault for qname in names for group in NETS
                  for fault in faults(plain, group, ask(group, qname))],
                 "%s: each group gets its own" % what)
        enforced("", free, what + ", for nobody")


def types(tap, lab, relay, plain):
    """A rule for some query types leaves the others alone, also in the cache."""
    store = lab.store()
    publish(store, config(lab, NXDOMAIN.rule("types", ", types: [A, HTTPS]"),
                          "  - {rule: rest, match: {}, action: pass}\n"))
    ours = lab.unbound(relay, store)
    for number in range(2):
        for qtype in ("TXT", "A", "AAAA", "HTTPS", "MX", "CAA"):
            answer = ours.ask("www.evil.test", qtype, edns=0, tcp=True)
            found = judge.faults(NXDOMAIN, answer, qtype) if qtype in ("A", "HTTPS") else \
                crowd.unspoilt(plain, answer)
            tap.none(found, "a rule for A and HTTPS: %s, time %d" % (qtype, number))
    relay.forget()
    ours.ask("www.evil.test", "TXT")
    tap.none(relay.seen, "... and other types are cached")


def types_of_what_is_cached(tap, lab, relay, plain):
    """The same, of what was cached before: names, aliases, and answers without records."""
    store = lab.store()
    free = "  - {rule: all, match: {}, action: monitor}\n"
    publish(store, config(lab, "", free))
    ours = lab.unbound(relay, store)
    names = ["www.evil.test", "to-evil.clean.test", "to-evil2.clean.test"]
    asked = [(qname, qtype) for qname in names for qtype in ("A", "TXT", "AAAA", "NS")]

    def real(asked):
        return [fault for qname, qtype in asked
                for fault in crowd.unspoilt(plain, ours.ask(qname, qtype, edns=0))]

    tap.none(real(asked) + real(asked), "types: with every entry monitored, as without us")
    relay.forget()
    tap.none(real(asked) + relay.seen, "types: ... and cached")
    for number, these in enumerate((["A"], ["TXT", "NS"])):
        path = config(lab, NXDOMAIN.rule("types", ", types: [%s]" % ", ".join(these)), free)[1]
        store.run("apply", "--policy", path)
        serial = store.serial()
        tap.ok(harness.wait_until(lambda: ours.enforced(serial), 10), "types: enforced", ours.said())
        found = [fault for qname, qtype in asked if qtype in these
                 for fault in judge.faults(NXDOMAIN, ours.ask(qname, qtype, edns=0), qtype, "evil.test")]
        tap.none(found, "types: %s of a listed name and its aliases are blocked" % these)
        tap.none(real([(n, t) for n, t in asked if t not in these]), "types: ... others are not")


CLIENTS = ("rpz", """$TTL 60
@ SOA a. b. 1 1 1 1 1
@ NS a.
32.9.9.0.127.rpz-client-ip CNAME .
32.8.9.0.127.rpz-client-ip CNAME rpz-passthru.
""", "source=clients")


def listed_clients(tap, lab, relay, plain):
    """Entries about who asks: blocked, but for what Unbound's cache has for all; or let through."""
    store = lab.store()
    store.compile(zones.SUBTREES, CLIENTS, options=[*config(
        lab, "  - {rule: clients, match: {source: clients}, action: listed}\n", NXDOMAIN.rule(),
        ""), "--force=bogon"])
    ours = lab.unbound(relay, store)
    bad, good, other = "127.0.9.9", "127.0.9.8", "127.0.9.7"

    def blocked(qname, source):
        return ours.ask(qname, source=source, edns=0).rcode == "NXDOMAIN"

    tap.ok(blocked("www.clean.test", bad), "a listed client is kept from what is not cached")
    tap.none(crowd.unspoilt(plain, ours.ask("www.clean.test", source=other)), "... others are not")
    tap.ok(not blocked("www.clean.test", bad), "... nor is it from what they have had cached")
    tap.ok(not blocked("www.evil.test", good), "an allowed client gets what is listed")
    tap.ok(blocked("www.evil.test", other), "... and nobody else")
    tap.ok(not blocked("www.evil.test", good) and not blocked("to-evil2.clean.test", good),
           "... each time, and by an alias")
    tap.ok(blocked("to-evil2.clean.test", other), "... which leads nobody else there")
    relay.delay = UPSTREAM
    people = crowd.Crowd(ours, [Question("n%d.wild.clean.test" % n, "A", False) for n in range(6)],
                         size=12, nets=("127.0.9.", "127.0.10."))
    people.clients[0].source = bad
    people.ask()
    relay.delay = 0.0
    found = [answer for client in people.clients for _, answer in client.heard()
             if not answer or (answer.rcode == "NXDOMAIN") != (client.source == bad)]
    tap.none(found, "in shared states: the listed client is blocked, the others are not")


def shares(tap, lab, relay, plain):
    """Part of the clients: each always the same, and about as many as were asked for."""
    store = lab.store()
    publish(store, config(lab, NXDOMAIN.rule("canary", ", enforce: 30%"),
                          "  - {rule: rest, match: {}, action: pass}\n"))
    ours = lab.unbound(relay, store)
    clients = ["127.1.%d.%d" % (n // 100, 1 + n % 100) for n in range(400)]
    seen = []
    for qname in ("www.evil.test", "n1.wild.evil.test"):
        blocked = set()
        for client in clients:
            answer = ours.ask(qname, source=client, edns=0)
            if answer.rcode == "NXDOMAIN":
                blocked.add(client)
            else:
                tap_found = crowd.unspoilt(plain, answer, True)
                if tap_found:
                    tap.none(tap_found, "a client outside the share gets the real data")
        seen.append(blocked)
    tap.same(seen[0], seen[1], "the same clients for every name")
    tap.ok(80 <= len(seen[0]) <= 160, "30 %% of 400 clients are blocked: %d" % len(seen[0]))


def main(tap, lab):
    nsd = lab.nsd(dict(zones.all_of_it(), **{"evil.test.": EVIL, "clean.test.": CLEAN}))
    plain = lab.unbound(lab.relay(nsd), anchors=[zones.ANCHOR], server=crowd.SERVER)
    for threads in (1, 4):
        one_instant(tap, lab, lab.relay(nsd), plain, threads)
    every_order(tap, lab, lab.relay(nsd), plain)
    drop_and_truncate(tap, lab, lab.relay(nsd), plain)
    changes(tap, lab, lab.relay(nsd), plain)
    types(tap, lab, lab.relay(nsd), plain)
    types_of_what_is_cached(tap, lab, lab.relay(nsd), plain)
    listed_clients(tap, lab, lab.relay(nsd), plain)
    shares(tap, lab, lab.relay(nsd), plain)


if __name__ == "__main__":
    harness.run(main)
