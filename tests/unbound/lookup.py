#!/usr/bin/python3
"""What the resolver does about 10,000 random questions, each a client, a name and a type, is what `sinkhole lookup`
says: with groups, countries, shares, schedules, every action, aliases, addresses and zones of rules. And what
`sinkhole export --format unbound-acl` writes keeps listed clients from cached answers, and nobody else."""
import datetime
import heapq
import json
import os
import random
import selectors
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import dns.edns
import dns.name
import dns.rdatatype

import harness
import mmdb
import zones

ORIGIN = "l.example"  # below test. Unbound has an empty zone of its own in each view
QUESTIONS = 10000
TYPES = ["A", "AAAA", "TXT", "MX", "HTTPS", "SRV"]
NETS = ["127.0.1.", "127.0.2.", "127.0.2.1", "127.0.3.", "127.0.4.", "127.0.5.", "127.0.6.", "127.0.9."]

# --- the world: names with what they have, and aliases -------------------------------------------

HOSTS = ["h%d" % n for n in range(120)]
ADDRESSES = ["192.0.2.80", "198.51.100.80", "198.51.100.81", "203.0.113.80", "203.0.113.99"]
ADDRESSES6 = ["2001:db8::80", "2001:db8:5::80", "2001:db8:6::80"]


class Name:
    """A name below ORIGIN: its records, or where it leads."""

    def __init__(self, rng, labels, target=None):
        self.text = ".".join([*labels, ORIGIN])
        self.target = target
        self.a = rng.sample(ADDRESSES, rng.choice([1, 1, 2]))
        self.aaaa = rng.sample(ADDRESSES6, 1)
        self.hint = rng.choice(ADDRESSES)

    def zone_lines(self):
        owner = self.text + "."
        if self.target:
            return "%s CNAME %s.\n" % (owner, self.target.text)
        lines = ["A " + address for address in self.a] + ["AAAA " + address for address in self.aaaa]
        lines += ['TXT "real text"', "MX 10 mail.%s." % ORIGIN, "HTTPS 1 . alpn=h2 ipv4hint=" + self.hint]
        return "".join("%s %s\n" % (owner, line) for line in lines)

    def facts(self, qtype):
        """What an answer to a question of that type tells: (the chain, its addresses)."""
        if self.target:
            chain, addresses = self.target.facts(qtype)
            return (self.target.text, *chain), addresses
        return (), tuple({"A": self.a, "AAAA": self.aaaa, "HTTPS": [self.hint]}.get(qtype, []))


def world(rng):
    names = [Name(rng, [host]) for host in HOSTS]
    names += [Name(rng, ["s%d" % n, host]) for host in HOSTS for n in range(2)]
    names += [Name(rng, ["deep", "s0", host]) for host in HOSTS[:40]]
    hosts = list(names)
    for number in range(60):
        names.append(Name(rng, ["alias%d" % number], rng.choice(hosts)))
    for number in range(20):
        names.append(Name(rng, ["alias2-%d" % number], rng.choice(names[len(hosts):])))
    return names


def zone(names):
    return zones.HEAD.format(origin=ORIGIN + ".") + "".join(name.zone_lines() for name in names) + \
        "wall A 192.0.2.210\n*.wild A 192.0.2.211\nmail A 192.0.2.212\n"


# --- the policy ------------------------------------------------------------------------------------

CATEGORIES = ["malware", "legal", "games", "adult", "trial", "garden", "wild", "data", "slow", "canary", "french",
              "short", "gone", "hosted", "spam"]


def list_of(rng, category):
    """A list in AdBlock's form, which can say the most."""
    lines = []
    for host in rng.sample(HOSTS, 12):
        name = rng.choice(["", "s0.", "s1.", "deep.s0."]) + host + "." + ORIGIN
        more = rng.choice(["", "", "", "$important", "$dnstype=A|TXT", "$dnstype=~AAAA",
                           "$denyallow=s0.%s.%s" % (host, ORIGIN)])
        lines.append("%s||%s^%s" % (rng.choice(["", "", "", "@@"]) if not more else "", name, more))
    lines.append("||%s.probe.test^" % category)
    return "\n".join(lines) + "\n"


def exact_list(rng):
    return "".join("0.0.0.0 %s.%s\n" % (rng.choice(["", "s1."]) + host, ORIGIN)
                   for host in rng.sample(HOSTS, 20)).replace("0.0.0.0 .", "0.0.0.0 ")


def rpz(rng, number):
    """A zone of rules: names of each kind, and addresses."""
    lines = ["$TTL 60", "@ SOA localhost. root.localhost. 1 2 3 4 5", "@ NS localhost."]
    whats = ["CNAME .", "CNAME *.", "CNAME rpz-passthru.", "A 192.0.2.90", 'TXT "of the zone"',
             "CNAME rpz-tcp-only.", "CNAME wall.%s." % ORIGIN, "CNAME rpz-drop."]
    for host in rng.sample(HOSTS, 16):
        owner = rng.choice(["", "*.", "s0.", "*.s0."]) + host + "." + ORIGIN
        lines.append("%s %s" % (owner, rng.choice(whats)))
    lines.append(["32.81.100.51.198.rpz-ip CNAME .", "24.0.113.0.203.rpz-ip CNAME *."][number])
    if number == 1:
        lines.append("32.99.113.0.203.rpz-ip CNAME rpz-passthru.")
    return "\n".join(lines) + "\n"


def hours(now, shift):
    """Two hours around now, or away from it."""
    begin, end = [(now + datetime.timedelta(hours=shift + more)).strftime("%H:%M") for more in (-2, 2)]
    return '"%s-%s"' % (begin, end)


POLICY = """\
operator: {{organization: Tests, contact: ["mailto:a@isp.example"]}}
geoip: {{country: {country}, asn: {asn}}}
groups:
  - {{name: school, clients: [127.0.1.0/24]}}
  - {{name: homes, clients: [127.0.2.0/24]}}
  - {{name: kids, clients: [127.0.2.128/25, "2001:db8::/64"]}}
  - {{name: labs, clients: [127.0.3.0/24]}}
  - {{name: odd, clients: [127.0.4.0/25, 127.0.4.200]}}
policy:
  - {{rule: labs, group: labs, match: {{category: [malware, spam]}}, action: monitor}}
  - {{rule: shadow, match: {{category: trial}}, action: monitor}}
  - {{rule: zone0, match: {{source: zone0}}, action: listed, ede: 17}}
  - {{rule: zone1, match: {{source: zone1}}, group: [kids, others, school], action: listed, ede: none}}
  - {{rule: orders, match: {{category: legal}}, client-country: [FR], action: nxdomain, ede: 16, ede-text: "court order"}}
  - {{rule: lessons, match: {{category: games}}, group: [school, kids], schedule: {{hours: {on}, zone: UTC}},
     action: cname, cname: wall.l.example, ede: 17}}
  - {{rule: nights, match: {{category: games}}, group: [school, kids], schedule: {{hours: {off}, zone: UTC}},
     action: refused}}
  - {{rule: adult, match: {{category: adult}}, group: kids, action: sinkhole, a: [192.0.2.91], ttl: 30}}
  - {{rule: garden, match: {{category: garden}}, group: [homes, kids], types: [A, AAAA], action: cname,
     cname: wall.l.example}}
  - {{rule: wild, match: {{category: wild}}, group: homes, action: cname, cname: "*.wild.l.example"}}
  - {{rule: canary, match: {{category: canary}}, enforce: 40%, action: nodata, ede: 29}}
  - {{rule: canary-rest, match: {{category: canary}}, action: pass}}
  - {{rule: french, match: {{category: french, answer-country: [FR]}}, action: nxdomain, ede: 22}}
  - {{rule: short, match: {{category: short}}, group: [odd, homes], action: truncate}}
  - {{rule: gone, match: {{category: gone}}, group: odd, types: [A], action: drop}}
  - {{rule: data, match: {{category: data}}, types: ["!MX"], action: data,
     data: ['TXT "blocked" "twice"', '60 A 192.0.2.92', 'MX 5 mx.l.example.'], ede-text: "data"}}
  - {{rule: others, match: {{category: spam}}, group: others, action: refused, ede: 18}}
  - {{rule: sink, match: {{category: malware}}, types: [A, AAAA, HTTPS], action: sinkhole, a: [192.0.2.93, 192.0.2.94],
     aaaa: ["2001:db8::93"], sub-error: 1}}
  - {{rule: hosting, match: {{answer-asn: [64511]}}, group: [school, odd], action: nodata, ede: 19}}
  - {{rule: elsewhere, match: {{answer-country: [RU]}}, client-country: [DE], types: [AAAA], action: nxdomain}}
  - {{rule: narrow, match: {{source: exact, trigger: qname}}, group: [homes, others], action: nxdomain, ede-text: "narrow"}}
  - {{rule: rest, match: {{}}, action: {rest}}}
sources:
"""


def configuration(lab, rng, rest):
    now = datetime.datetime.now(datetime.timezone.utc)
    where = [("127.0.2.0/25", "FR"), ("127.0.5.0/24", "FR"), ("127.0.6.0/24", "DE"),
             ("127.0.9.0/24", "DE"), ("192.0.2.0/24", "FR"), ("203.0.113.0/24", "RU"),
             ("2001:db8::/48", "RU"), ("2001:db8:5::/48", "FR")]
    systems = [("203.0.113.0/24", 64511), ("2001:db8:6::/48", 64511), ("192.0.2.0/24", 64500)]
    country = lab.write("country.mmdb", mmdb.database([(n, mmdb.country(c)) for n, c in where],
                                                      aliases=mmdb.IPV4_ALIASES))
    asn = lab.write("asn.mmdb", mmdb.database([(n, mmdb.system(a)) for n, a in systems],
                                              aliases=mmdb.IPV4_ALIASES))
    text = POLICY.format(country=country, asn=asn, on=hours(now, 0), off=hours(now, 12), rest=rest)
    for category in CATEGORIES:
        path = lab.write("list-%d" % lab.number(), list_of(rng, category))
        text += "  - {name: %s, path: %s, format: adblock, category: %s}\n" % (category, path, category)
    for number in (0, 1):
        path = lab.write("list-%d" % lab.number(), rpz(rng, number))
        text += "  - {name: zone%d, path: %s, format: rpz}\n" % (number, path)
    text += "  - {name: exact, path: %s, format: hosts}\n" % lab.write("list-%d" % lab.number(), exact_list(rng))
    text += "  - {name: probe, path: %s, format: domains}\n" % lab.write("list-%d" % lab.number(), "probe.test\n")
    return lab.write("policy-%d.yaml" % lab.number(), text)


# --- asking many questions at once -----------------------------------------------------------------

PATIENCE = 1.5  # seconds after which no answer comes: for one that is dropped
OUTSTANDING = 150  # questions of all clients together


class Crier:
    """Asks over UDP from many addresses, without waiting for one answer before the next question."""

    def __init__(self, port):
        self.port = port
        self.sockets = {}
        self.selector = selectors.DefaultSelector()

    def socket(self, client):
        if client not in self.sockets:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((client, 0))
            sock.connect(("127.0.0.1", self.port))
            sock.setblocking(False)
            self.selector.register(sock, selectors.EVENT_READ, client)
            self.sockets[client] = sock
        return self.sockets[client]

    def ask(self, questions):
        """questions: (client, name, type). Returns an Answer for each; None: none came."""
        answers, waiting, ends = [None] * len(questions), {}, []
        todo = iter(enumerate(questions))
        number, more = 0, True
        while more or waiting:
            while more and len(waiting) < OUTSTANDING:
                step = next(todo, None)
                if step is None:
                    more = False
                    break
                index, (client, qname, qtype) = step
                message = harness.query(qname, qtype, edns=0, payload=4096)
                message.id = number = number % 65535 + 1
                wire = message.to_wire()
                self.socket(client).send(wire)
                waiting[client, number] = index, wire
                heapq.heappush(ends, (time.monotonic() + PATIENCE, client, number, index))
            for key, _ in self.selector.select(0.05):
                with_answer = key.fileobj.recv(65535)
                index, wire = waiting.pop((key.data, int.from_bytes(with_answer[:2], "big")), (None, None))
                if index is not None:
                    answers[index] = harness.Answer(with_answer, wire)
            while ends and ends[0][0] < time.monotonic():
                _, client, number_, index = heapq.heappop(ends)
                if waiting.get((client, number_), (None,))[0] == index:
                    del waiting[client, number_]
        return answers

    def close(self):
        for sock in self.sockets.values():
            sock.close()
        self.selector.close()


# --- what lookup says --------------------------------------------------------------------------------


def looked_up(store, questions, facts_of):
    """A verdict for each: what the answer would tell is given by options, for all that have it alike."""
    verdicts = [None] * len(questions)
    by_facts = {}
    for index, (client, qname, qtype) in enumerate(questions):
        by_facts.setdefault(facts_of(qname, qtype), []).append((index, "%s %s %s\n" % (qname, qtype, client)))
    for (chain, addresses), lines in by_facts.items():
        options = [word for name in chain for word in ("--chain", name)]
        options += [word for address in addresses for word in ("--answer", address)]
        done = subprocess.run(
            [harness.needed("SINKHOLE"), "lookup", "-d", store.dir, "--batch", *options],
            input="".join(line for _, line in lines), capture_output=True, text=True, timeout=60)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode not in (0, 1) or done.stderr or len(said) != len(lines):
            raise harness.Failure("lookup: status %d\n%s" % (done.returncode, done.stderr))
        for (index, _), verdict in zip(lines, said):
            verdicts[index] = verdict
    return verdicts


# --- is it the same? -----------------------------------------------------------------------------------


def errors(answer):
    found = []
    for option in answer.message.options:
        if option.otype == dns.edns.EDE:
            wire = option.to_wire()
            found.append((int.from_bytes(wire[:2], "big"), wire[2:].decode()))
    return found


def wanted_error(said):
    if said.get("ede") is None:
        return []
    return [(said["ede"], said.get("ede-text", ""))]


def records(qname, qtype, said):
    """The records of the type asked for."""
    found = ["%s. IN %s %s" % (qname, one["type"], one["address"]) for one in said.get("addresses", [])
             if one["type"] == qtype]
    for line in said.get("data", []):
        _, kind, rdata = line.split(" ", 2)
        if kind == qtype:
            found.append("%s. IN %s %s" % (qname, kind, dns.rdata.from_text("IN", kind, rdata).to_text()))
    return sorted(found)


def soa(answer):
    return [(rrset.ttl, rrset[0].minimum) for rrset in answer.message.authority
            if rrset.rdtype == dns.rdatatype.SOA]


def alias_of(answer):
    first = [rrset for rrset in answer.message.answer if rrset.rdtype == dns.rdatatype.CNAME]
    return str(first[0][0].target).rstrip(".") if first else None


def forged_fault(qname, qtype, action, said, answer):
    if errors(answer) != wanted_error(said):
        return "errors %r" % errors(answer)
    wanted = records(qname, qtype, said) if action in ("sinkhole", "data") else []
    if action == "cname":
        target = said["cname"].replace("*", qname, 1)
        return None if alias_of(answer) == target else "no alias of " + target
    rcode = {"nxdomain": "NXDOMAIN", "refused": "REFUSED"}.get(action, "NOERROR")
    if answer.rcode != rcode or answer.data() != wanted:
        return "wanted %s %r" % (rcode, wanted)
    if answer.has("TC") != (action == "truncate"):
        return "TC"
    if not wanted and action in ("nxdomain", "nodata", "sinkhole", "data") and \
            soa(answer) != [(said["ttl"], said["ttl"])]:
        return "SOA %r" % soa(answer)
    return None


def fault(question, verdict, answer, plain):
    """None, or how the resolver's answer is not what lookup says."""
    _, qname, qtype = question
    action = verdict["action"]
    if answer is None or action == "drop":
        return None if answer is None and action == "drop" else "an answer, or none"
    if action in ("none", "pass"):
        real = plain[qname, qtype]
        same = (answer.rcode, answer.data(), errors(answer)) == (real.rcode, real.data(), [])
        return None if same else "not the real answer"
    return forged_fault(qname, qtype, action, verdict["answer"], answer)


def compare(tap, crier, store, questions, facts_of, plain, what):
    answers = crier.ask(questions)
    lost = [index for index, answer in enumerate(answers) if answer is None]
    again = crier.ask([questions[index] for index in lost])
    for index, answer in zip(lost, again):  # a packet may be lost on a busy machine; not twice
        answers[index] = answer
    verdicts = looked_up(store, questions, facts_of)
    found = []
    for question, verdict, answer in zip(questions, verdicts, answers):
        why = fault(question, verdict, answer, plain)
        if why:
            found.append("%s %s: %s; lookup says %s by %s, the resolver %r" % (
                " ".join(question), facts_of(*question[1:]), why, verdict["action"], verdict["rule"], answer))
    tap.none(found, "%s: %d questions, no difference" % (what, len(questions)))
    return {(verdict["action"], verdict["rule"]) for verdict in verdicts}


# --- listed clients and the cache ------------------------------------------------------------------------

CLIENTS = """\
$TTL 60
@ SOA localhost. root.localhost. 1 2 3 4 5
@ NS localhost.
24.0.50.0.127.rpz-client-ip CNAME .
32.7.50.0.127.rpz-client-ip CNAME rpz-passthru.
24.0.51.0.127.rpz-client-ip CNAME *.
24.0.52.0.127.rpz-client-ip A 192.0.2.95
24.0.53.0.127.rpz-client-ip CNAME rpz-drop.
"""


def answer_or_none(resolver, qname, source):
    try:
        return resolver.ask(qname, source=source, timeout=1)
    except OSError:
        return None


def acl(tap, lab, nsd, names):
    store = lab.store()
    one, allowed = names[0].text, names[1].text
    path = lab.write("acl.yaml", "sources:\n" + "".join(
        "  - {name: %s, path: %s, format: %s%s}\n" % (name, lab.write(name + ".acl", text), form, more)
        for name, text, form, more in (("zone", CLIENTS, "rpz", ""), ("probe", "probe.test\n", "domains", ""),
                                       ("ours", allowed + "\n", "domains", ", allow: true"))) + """\
policy:
  - {rule: ours, match: {source: ours}, action: pass}
  - {rule: zone, match: {source: zone}, action: listed}
  - {rule: rest, match: {}, action: nxdomain}
""")
    store.run("compile", "-c", path)
    bare = lab.unbound(nsd, store)
    exported = lab.write("acl.conf", store.run("export", "--format", "unbound-acl").stdout)
    closed = lab.unbound(nsd, store, server='include: "%s"' % exported)
    for qname in (one, allowed):
        for resolver in (bare, closed):  # in the cache, for everybody
            tap.same(resolver.ask(qname, source="127.0.9.1").rcode, "NOERROR", "%s is cached" % qname)
    tap.same(bare.ask(one, source="127.0.50.1").rcode, "NOERROR",
             "a listed client gets what is cached: no module is asked")
    tap.same(bare.ask(names[2].text, source="127.0.50.1").rcode, "NXDOMAIN", "... and nothing else")
    tap.same(closed.ask(one, source="127.0.50.1").rcode, "NXDOMAIN", "with the lines of export it does not")
    tap.same(closed.ask(names[3].text, source="127.0.50.1").rcode, "NXDOMAIN", "... nor what is not cached")
    for client in ("127.0.50.7", "127.0.9.9", "127.0.49.255"):
        for name in names[:5]:
            answer = closed.ask(name.text, source=client)
            tap.same(answer.addresses(), sorted(name.a), "%s gets %s" % (client, name.text))
    tap.same(closed.ask(allowed, source="127.0.50.1").addresses(), sorted(names[1].a),
             "a name that an earlier rule allows is resolved for a listed client, too")
    tap.same(closed.ask(one, source="127.0.51.1").data(), [], "NODATA for its clients")
    tap.same(closed.ask(one, source="127.0.52.1").addresses(), ["192.0.2.95"], "data for its clients")
    tap.same(answer_or_none(closed, one, "127.0.53.1"), None, "no answer for its clients")


# --- the test ----------------------------------------------------------------------------------------------


def some_client(rng):
    net = rng.choice(NETS)
    return net + str(rng.randint(30, 45) if net == "127.0.2.1" else rng.randint(1, 12)) if net != "127.0.4." \
        else net + rng.choice(["1", "2", "130", "200"])


def main(tap, lab):
    rng = random.Random(5)
    names = world(rng)
    by_text = {name.text: name for name in names}
    world_zones = dict(zones.plain(), **{ORIGIN + ".": zone(names)})
    nsd = lab.nsd(world_zones)

    def facts_of(qname, qtype):
        return by_text[qname].facts(qtype)

    real = Crier(lab.unbound(nsd).port)
    asked = [("127.0.0.1", name.text, qtype) for name in names for qtype in TYPES]
    plain = {question[1:]: answer for question, answer in zip(asked, real.ask(asked))}
    real.close()
    tap.none([question for question, answer in plain.items() if answer is None], "all names resolve")

    seen = set()
    for number, rest in enumerate(["nxdomain", "pass"]):
        store = lab.store()
        store.run("compile", "-c", configuration(lab, rng, "nxdomain" if number == 0 else rest))
        if number == 0:
            resolver = lab.unbound(nsd, store, threads=2)
        else:
            resolver = harness.Unbound(lab, nsd, store)
            resolver.start()
            if not harness.wait_until(lambda: resolver.said("in use"), 10):
                raise harness.Failure("no generation is in use")
        questions = [(some_client(rng), rng.choice(names).text, rng.choice(TYPES)) for _ in range(QUESTIONS // 2)]
        crier = Crier(resolver.port)
        began = time.monotonic()
        seen |= compare(tap, crier, store, questions, facts_of, plain, "policy %d" % number)
        tap.note("%.1f seconds" % (time.monotonic() - began))
        seen |= compare(tap, crier, store, rng.sample(questions, 500), facts_of, plain, "policy %d, again" % number)
        crier.close()
    rules = {rule for _, rule in seen}
    missing = {"zone0", "zone1", "orders", "lessons", "adult", "garden", "wild", "canary", "canary-rest", "french", "short",
               "gone", "data", "others", "sink", "hosting", "elsewhere", "narrow", "rest"} - rules
    tap.none(missing, "each rule decided about some of them")
    tap.none({"none", "pass", "nxdomain", "nodata", "sinkhole", "refused", "drop", "truncate", "cname", "data"} -
             {action for action, _ in seen}, "each action was taken")
    tap.ok("nights" not in rules and "shadow" not in rules, "what is off or watches only decides nothing", rules)
    acl(tap, lab, nsd, names)


if __name__ == "__main__":
    harness.run(main)
