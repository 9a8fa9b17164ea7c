#!/usr/bin/python3
"""What a blocked client gets: each action, for each type, over UDP and TCP, with EDNS and without;
the errors that explain it, to the octet; walled gardens of every kind; clients that get nothing."""
import contextlib
import itertools
import json
import socket
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True

import dns.edns
import dns.rdatatype

import harness
import judge
import zones

ASKED = 26  # the EDNS option by which clients ask for a structured error
SOA = "ns.isp.example. hostmaster.isp.example."
JUSTIFICATION = "court of Paris, order 26/01234: " + "é" * 90
BIG = ["4096 TXT " + '"%s"' % (chr(97 + i) * 250) for i in range(8)]
FULL = '"%s" "%s"' % ("x" * 240, "y" * 175)

DATA = """
- 600 A 192.0.2.201
- 600 A 192.0.2.202
- 700 TXT "blocked" "by policy"
- MX 10 mail.garden.test.
- SRV 1 2 443 mail.garden.test.
- HTTPS 1 . alpn=h2 ipv4hint=192.0.2.201
- CAA 0 issue "ca.example"
- NAPTR 1 1 "u" "E2U+sip" "" mail.garden.test.
- TYPE65280 \\# 3 010203
""".strip().replace("\n- ", "\n").removeprefix("- ").splitlines()

# The rule of each kind of answer; its entries are NAME.kinds.test, and all below.
RULES = {
    "nx": {"action": "nxdomain", "ttl": 33, "ede": 16, "ede-text": "court order", "soa": SOA,
           "justification": JUSTIFICATION},
    "empty": {"action": "nodata", "ttl": 604800, "ede": 17, "ede-text": "ä" * 32},
    "silent": {"action": "nxdomain", "ede": "none"},
    "plain": {"action": "nxdomain", "ede": 15, "sub-error": 1, "justification": "malware"},
    "refused": {"action": "refused", "ede": 15, "ede-text": "go away"},
    "drop": {"action": "drop"},
    "tc": {"action": "truncate", "ede": 17},
    "sink": {"action": "sinkhole", "ttl": 7, "a": zones.SINK_A, "aaaa": zones.SINK_AAAA},
    "sink4": {"action": "sinkhole", "ttl": 7, "a": zones.SINK_A[:1]},
    "data": {"action": "data", "ttl": 61, "data": DATA},
    "big": {"action": "data", "data": BIG},
    "full": {"action": "data", "data": ["TXT " + FULL], "ede": 16, "ede-text": "short",
             "justification": JUSTIFICATION},
    "other": {"action": "nxdomain", "ede": 4},
    "garden": {"action": "cname", "ttl": 12, "cname": "wall.garden.test"},
    "wild": {"action": "cname", "cname": "*.wild.garden.test"},
    "chain": {"action": "cname", "cname": "alias2.garden.test"},
    "none": {"action": "cname", "cname": "nonesuch.garden.test"},
    "dname": {"action": "cname", "cname": "x.dname.garden.test"},
    "signed": {"action": "cname", "cname": "good.signed.test"},
    "bogus": {"action": "cname", "cname": "broken.signed.test"},
    "dead": {"action": "cname", "cname": "www.dead.test"},
    "failing": {"action": "cname", "cname": "www.failing.test"},
    "listed": {"action": "cname", "cname": "target.nx.kinds.test"},
    "self": {"action": "cname", "cname": "self.kinds.test"},
    "ping": {"action": "cname", "cname": "pong.kinds.test"},
    "pong": {"action": "cname", "cname": "ping.kinds.test"},
}

KINDS = zones.HEAD.format(origin="kinds.test.") + "".join(
    "%s A 203.0.113.1\n%s TXT \"leaked\"\n" % (owner, owner)
    for name in RULES for owner in (name, "*." + name))
GARDEN = zones.HEAD.format(origin="garden.test.") + """
wall A 192.0.2.210
wall A 192.0.2.211
wall AAAA 2001:db8::210
wall HTTPS 1 . alpn=h2
alias CNAME wall
alias2 CNAME alias
dname DNAME wall
x.wall A 192.0.2.212
*.wild A 192.0.2.213
*.wild TXT "any name"
"""
CLEAN = zones.CLEAN + "".join("to-%s CNAME www.%s.kinds.test.\n" % (name, name) for name in RULES)
WORLD = dict(zones.all_of_it(), **{
    "clean.test.": CLEAN,
    "kinds.test.": KINDS, "garden.test.": GARDEN,
    "dead.test.": zones.HEAD.format(origin="dead.test.") + "www A 192.0.2.214\n",
    "failing.test.": zones.HEAD.format(origin="failing.test.") + "www A 192.0.2.215\n"})

TYPES = "A AAAA TXT MX HTTPS ANY CNAME DS NS SOA DNSKEY SRV TYPE65280".split()
WAYS = [dict(tcp=tcp, **flags) for tcp, flags in itertools.product(
    (False, True), ({}, {"edns": 0}, {"do": True}, {"cd": True}, {"do": True, "ad": True}))]
OPERATOR = {"organization": "Ministère of Tests", "contact": ["mailto:abuse@isp.example"],
            "language": "fr"}


def config(lab, rules, groups=(), operator=None):
    """A configuration (JSON is YAML) whose sources are the rules' names."""
    sources = []
    for name in RULES:
        lab.write(name + ".txt", "%s.kinds.test\n" % name)
        sources.append({"name": name, "path": name + ".txt", "format": "domains"})
    lab.write("probe.txt", zones.SUBTREES)
    sources.append({"name": "probe", "path": "probe.txt", "format": "domains"})
    policy = rules + [{"rule": name, "match": {"source": name}, **rule}
                      for name, rule in RULES.items()]
    policy.append({"rule": "default", "match": {}, "action": "nxdomain"})
    text = {"operator": operator or OPERATOR, "groups": list(groups), "sources": sources,
            "policy": policy}
    return lab.write("policy-%d.yaml" % lab.number(), json.dumps(text))


def compiled(lab, rules=(), groups=(), operator=None):
    store = lab.store()
    # Entries for a garden's own name would be left out.
    store.run("compile", "--force=protected", "-c", config(lab, list(rules), groups, operator))
    return store


def texts(answer):
    """What its extended errors say: [(code, text)]."""
    found = []
    for option in answer.message.options:
        if option.otype == dns.edns.EDE:
            wire = option.to_wire()
            found.append((int.from_bytes(wire[:2], "big"), wire[2:].decode()))
    return found


def sections(answer):
    return answer.rcode, answer.data(), answer.data("authority"), answer.data("additional")


def envelope_faults(answer, way, ede):
    """Flags, question and EDNS, which are the same for each action."""
    found = []
    asked = harness.dns.message.from_wire(answer.asked)
    for flag, wanted in (("QR", True), ("RA", True), ("RD", True), ("AA", False), ("AD", False),
                         ("CD", bool(way.get("cd")))):
        if answer.has(flag) != wanted:
            found.append("%s is %s" % (flag, not wanted))
    if harness.question_bytes(answer.wire) != harness.question_bytes(answer.asked):
        found.append("another question")
    if (answer.message.edns >= 0) != (asked.edns >= 0):
        found.append("EDNS version %d" % answer.message.edns)
    if (answer.message.ednsflags ^ asked.ednsflags) & 0x8000 and asked.edns >= 0:
        found.append("DO is not repeated")
    if texts(answer) != (ede if asked.edns >= 0 else []):
        found.append("errors %r, wanted %r" % (texts(answer), ede))
    return found


def wanted_data(qname, qtype):
    """The records of DATA that a type is answered with, as text."""
    found = []
    for line in DATA:
        words = line.split(None, 1)
        words = words[1].split(None, 1) if words[0].isdigit() else words
        if qtype in (words[0], "ANY"):
            rdata = dns.rdata.from_text("IN", words[0], words[1])
            found.append("%s. IN %s %s" % (qname, words[0], rdata.to_text()))
    return sorted(found)


def addresses(qname, rule, qtype):
    sets = {"A": rule.get("a", []), "AAAA": rule.get("aaaa", [])}
    return sorted("%s. IN %s %s" % (qname, kind, address) for kind in sets
                  if qtype in (kind, "ANY") for address in sets[kind])


def answer_of(name, qname, qtype):
    """(rcode, answer section) that a rule asks for."""
    rule = RULES[name]
    if rule["action"] == "nxdomain":
        return "NXDOMAIN", []
    if rule["action"] == "refused":
        return "REFUSED", []
    if rule["action"] == "sinkhole":
        return "NOERROR", addresses(qname, rule, qtype)
    if rule["action"] == "data":
        return "NOERROR", wanted_data(qname, qtype)
    return "NOERROR", []


def soa_faults(answer, name, wanted):
    """A negative answer carries an SOA of the listed name, whose TTL and MINIMUM are the rule's."""
    rule = RULES[name]
    found = [rrset for rrset in answer.message.authority if rrset.rdtype == dns.rdatatype.SOA]
    if len(found) != wanted or len(answer.message.authority) != wanted:
        return ["authority %r" % answer.data("authority")]
    for rrset in found:
        names = "%s %s" % (rrset[0].mname, rrset[0].rname)
        seen = (str(rrset.name), rrset.ttl, rrset[0].minimum, names)
        ttl = rule.get("ttl", 10)
        if seen != (name + ".kinds.test.", ttl, ttl,
                    rule.get("soa", ". .")):
            return ["SOA %r" % (seen,)]
    return []


def each_action(tap, ours):
    for name in "nx empty silent plain refused sink sink4 data other".split():
        rule = RULES[name]
        ede = [] if rule.get("ede") == "none" else [(rule.get("ede", 15),
                                                     rule.get("ede-text", ""))]
        found = []
        for qtype, way, sub in itertools.product(TYPES, WAYS, ("", "any.")):
            qname = "%s%s.kinds.test" % (sub, name)
            answer = ours.ask(qname, qtype, **way)
            faults = envelope_faults(answer, way, ede) + zones.leaks(answer)
            wanted = answer_of(name, qname, qtype)
            if (answer.rcode, answer.data()) != wanted or answer.has("TC"):
                faults.append("wanted %r" % (wanted,))
            faults += soa_faults(answer, name, rule["action"] != "refused" and not wanted[1])
            found += ["%s %s %r: %s\n%r" % (qname, qtype, way, fault, answer) for fault in faults]
        tap.none(found, "%s (%s): every type, over UDP and TCP, with EDNS, DO, CD and without"
                 % (name, rule["action"]))


def behind_an_alias(tap, ours, when):
    """The same where not the name asked for is listed, but what it leads to: the answer is about
    the name asked for."""
    for name in "nx empty plain refused sink data".split():
        rule = RULES[name]
        found = []
        for qtype, way in itertools.product("A TXT MX HTTPS DS".split(), WAYS):
            qname = "to-%s.clean.test" % name
            answer = ours.ask(qname, qtype, **way)
            faults = envelope_faults(answer, way, [(rule.get("ede", 15), rule.get("ede-text", ""))])
            wanted = answer_of(name, qname, qtype)
            if (answer.rcode, answer.data()) != wanted:
                faults.append("wanted %r" % (wanted,))
            faults += soa_faults(answer, name, rule["action"] != "refused" and not wanted[1])
            found += ["%s %s %r: %s\n%r" % (qname, qtype, way, fault, answer) for fault in faults]
        tap.none(found, "%s: an alias that leads to %s (%s)" % (when, name, rule["action"]))
    for qname, target, more in (
            ("to-garden.clean.test", "wall.garden.test", WALL_A),
            ("to-wild.clean.test", "to-wild.clean.test.wild.garden.test",
             ["to-wild.clean.test.wild.garden.test. IN A 192.0.2.213"]),
            ("to-signed.clean.test", "good.signed.test", ["good.signed.test. IN A 192.0.2.61"])):
        found = [answer for answer in (ours.ask(qname, "A", **way) for way in WAYS)
                 if answer.data() != alias(qname, target, *more) or answer.has("AD")]
        tap.none(found, "%s: an alias that leads to a garden's: %s" % (when, qname))
    found = [way for way in WAYS if not way["tcp"]
             and not ours.ask("to-tc.clean.test", **way).has("TC")]
    found += [way for way in WAYS if way["tcp"]
              and ours.ask("to-tc.clean.test", **way).addresses() != ["203.0.113.1"]]
    tap.none(found, "%s: an alias that leads to what is truncated" % when)
    tap.same(at_once(ours, ["to-drop.clean.test"] * 4, timeout=1.0), [None] * 4,
             "%s: an alias that leads to what is dropped" % when)


def times(tap, ours):
    answer = ours.ask("data.kinds.test", "ANY", tcp=True)
    seen = {dns.rdatatype.to_text(rrset.rdtype): rrset.ttl for rrset in answer.message.answer}
    tap.same((seen["A"], seen["TXT"], seen["MX"]), (600, 700, 61),
             "records of data have their own time to live, or the rule's")


def large(tap, ours):
    """Two kilobytes of ours: what does not fit is truncated by Unbound, and whole over TCP."""
    found = []
    for payload in (None, 512, 1232, 2000):
        options = {} if payload is None else {"edns": 0, "payload": payload}
        answer = ours.ask("big.kinds.test", "TXT", **options)
        if not answer.has("TC") or len(answer.wire) > (payload or 512):
            found.append("%r: %d octets, %r" % (payload, len(answer.wire), answer))
        answer = ours.ask("big.kinds.test", "TXT", tcp=True, **options)
        if answer.has("TC") or len(answer.data()) != len(BIG):
            found.append("TCP, %r: %r" % (payload, answer))
    tap.none(found, "a large answer is truncated over UDP at each size, and whole over TCP")


def truncated(tap, ours):
    found = []
    for qtype, way in itertools.product(("A", "TXT", "MX", "ANY"), WAYS):
        answer = ours.ask("tc.kinds.test", qtype, **way)
        if way["tcp"]:
            real = {"A": ["203.0.113.1"], "TXT": ["leaked"]}.get(qtype, [])
            bad = answer.has("TC") or answer.edes or any(
                text not in repr(answer) for text in real)
        else:
            bad = not answer.has("TC") or sections(answer) != ("NOERROR", [], [], []) or \
                envelope_faults(answer, way, [(17, "")])
        if bad:
            found.append("%s %r: %r" % (qtype, way, answer))
    tap.none(found, "truncate: nothing but TC over UDP, the real answer over TCP, again and again")


# --- errors that explain themselves --------------------------------------------------------------


def structured(ours, name, payload=1232, tcp=False, option=b"", code=ASKED, qtype="TXT"):
    answer = ours.ask(name + ".kinds.test", qtype, tcp=tcp, edns=0, payload=payload,
                      options=[dns.edns.GenericOption(code, option)])
    return answer, [text for _, text in texts(answer)]


def compact(document):
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def same_json(text, document):
    """Is the text this document, without a needless octet? The order of members is free."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return False
    return parsed == document and len(text) == len(compact(document))


def explained(tap, ours):
    _, (whole,) = structured(ours, "nx", tcp=True)
    document = {"c": OPERATOR["contact"], "j": JUSTIFICATION, "o": OPERATOR["organization"],
                "l": "fr"}
    tap.ok(same_json(whole, document), "structured error: I-JSON, minified, no sub-error with 16",
           whole)
    _, (small,) = structured(ours, "plain", payload=512)
    tap.ok(same_json(small, {"c": OPERATOR["contact"], "j": "malware", "s": 1,
                             "o": OPERATOR["organization"], "l": "fr"}),
           "structured error: whole where there is room, with its sub-error", small)
    found = []
    for what, answer in (
            ("not asked for", ours.ask("nx.kinds.test", edns=0)),
            ("an option with content", structured(ours, "nx", option=b"x")[0]),
            ("another option", structured(ours, "nx", code=65026)[0])):
        if texts(answer) != [(16, "court order")]:
            found.append("%s: %r" % (what, texts(answer)))
    tap.none(found, "structured error: only for the empty option, else the short text")
    tap.same(texts(structured(ours, "other")[0]), [(4, "")],
             "structured error: only with EDE 15, 16 and 17")
    tap.same(texts(structured(ours, "silent")[0]), [], "no EDE, no structured error")
    return whole


def tight(tap, ours):
    """For each size from 512 to 1232: the longest that fits, to the octet."""
    for name in ("nx", "full"):
        answer, (whole,) = structured(ours, name, tcp=True)
        document = json.loads(whole)
        base = len(answer.wire) - len(whole.encode())
        found, seen = [], set()
        lengths = []
        for left_out in ((), ("j",), ("j", "o")):
            smaller = {key: value for key, value in document.items() if key not in left_out}
            lengths.append((left_out, len(compact(smaller).encode())))
        for payload in range(512, 1233):
            answer, (text,) = structured(ours, name, payload=payload)
            room = payload - base
            fits = [left_out for left_out, length in lengths if length <= room]
            if fits:
                wanted = {key: value for key, value in document.items() if key not in fits[0]}
                good = same_json(text, wanted)
                seen.add(fits[0])
            else:
                short = RULES[name]["ede-text"]
                good = text == (short if len(short) <= room else "")
                seen.add(text)
            if not good or answer.has("TC") or len(answer.wire) > payload:
                found.append("%d: %d octets, room %d: %r" % (
                    payload, len(answer.wire), room, text))
        tap.none(found, "%s: the longest explanation that fits each size from 512 to 1232" % name)
        tap.note("%s: %d octets without, seen %r" % (name, base, seen))
    tap.ok(len(seen) >= 3, "... among them some without justification, and without organization",
           seen)


def option_codes(tap, lab, relay):
    """The option's code is the operator's choice; 0 is none."""
    for code in (65001, 0):
        ours = lab.unbound(relay, compiled(lab, operator={**OPERATOR, "error-option": code}))
        seen = [structured(ours, "nx", tcp=True, code=asked)[1][0][:1] for asked in (26, 65001)]
        tap.same(seen, ["c", "{" if code else "c"], "error-option: %d" % code)


# --- walled gardens ------------------------------------------------------------------------------


def alias(qname, target, *more):
    return sorted(["%s. IN CNAME %s." % (qname, target), *more])


WALL_A = ["wall.garden.test. IN A 192.0.2.210", "wall.garden.test. IN A 192.0.2.211"]

# name, type: rcode, target, and what it has
GARDENS = [
    ("garden.kinds.test", "A", "NOERROR", "wall.garden.test", WALL_A),
    ("garden.kinds.test", "AAAA", "NOERROR", "wall.garden.test",
     ["wall.garden.test. IN AAAA 2001:db8::210"]),
    ("garden.kinds.test", "HTTPS", "NOERROR", "wall.garden.test",
     ['wall.garden.test. IN HTTPS 1 . alpn="h2"']),
    ("garden.kinds.test", "MX", "NOERROR", "wall.garden.test", []),
    ("garden.kinds.test", "DS", "NOERROR", "wall.garden.test", []),
    ("garden.kinds.test", "CNAME", "NOERROR", "wall.garden.test", []),
    ("garden.kinds.test", "ANY", "NOERROR", "wall.garden.test", []),
    ("www.wild.kinds.test", "A", "NOERROR", "www.wild.kinds.test.wild.garden.test",
     ["www.wild.kinds.test.wild.garden.test. IN A 192.0.2.213"]),
    ("wild.kinds.test", "TXT", "NOERROR", "wild.kinds.test.wild.garden.test",
     ['wild.kinds.test.wild.garden.test. IN TXT "any name"']),
    ("chain.kinds.test", "A", "NOERROR", "alias2.garden.test",
     ["alias2.garden.test. IN CNAME alias.garden.test.",
      "alias.garden.test. IN CNAME wall.garden.test."] + WALL_A),
    ("dname.kinds.test", "A", "NOERROR", "x.dname.garden.test",
     ["dname.garden.test. IN DNAME wall.garden.test.",
      "x.dname.garden.test. IN CNAME x.wall.garden.test.",
      "x.wall.garden.test. IN A 192.0.2.212"]),
    ("none.kinds.test", "A", "NXDOMAIN", "nonesuch.garden.test", []),
    ("signed.kinds.test", "A", "NOERROR", "good.signed.test",
     ["good.signed.test. IN A 192.0.2.61"]),
    ("signed.kinds.test", "MX", "NOERROR", "good.signed.test", []),
    ("bogus.kinds.test", "A", "NOERROR", "broken.signed.test", []),
    ("dead.kinds.test", "A", "NOERROR", "www.dead.test", []),
    ("failing.kinds.test", "A", "NOERROR", "www.failing.test", []),
    ("listed.kinds.test", "A", "NOERROR", "target.nx.kinds.test",
     ["target.nx.kinds.test. IN A 203.0.113.1"]),
    ("ping.kinds.test", "A", "NOERROR", "pong.kinds.test", ["pong.kinds.test. IN A 203.0.113.1"]),
    ("pong.kinds.test", "A", "NOERROR", "ping.kinds.test", ["ping.kinds.test. IN A 203.0.113.1"]),
]


def gardens(tap, ours, when):
    for qname, qtype, rcode, target, more in GARDENS:
        found = []
        for way in WAYS:
            answer = ours.ask(qname, qtype, timeout=15, **way)
            faults = envelope_faults(answer, way, [(15, "")])
            if (answer.rcode, answer.data()) != (rcode, alias(qname, target, *more)):
                faults.append("wanted %r" % ((rcode, alias(qname, target, *more)),))
            first = answer.message.answer[0] if answer.message.answer else None
            if not first or first.rdtype != dns.rdatatype.CNAME or \
                    first.name != harness.name(qname):
                faults.append("the alias does not come first")
            found += ["%r: %s\n%r" % (way, fault, answer) for fault in faults]
        tap.none(found, "%s: %s %s leads to %s" % (when, qname, qtype, target))


def garden_edges(tap, ours, relay):
    answer = ours.ask("garden.kinds.test")
    tap.same(answer.message.answer[0].ttl, 12, "the alias has the rule's time to live")
    answer = ours.ask("none.kinds.test")
    tap.same([line.split()[0] for line in answer.data("authority")], ["garden.test."],
             "a target that does not exist brings its zone's SOA")
    answer = ours.ask("self.kinds.test")
    tap.same((answer.rcode, answer.data(), len(answer.message.authority)), ("NOERROR", [], 1),
             "an alias of itself is NODATA")
    long = ".".join(["x" * 55] * 3 + ["x" * 53]) + ".wild.kinds.test"  # 239 octets, 256 expanded
    tap.same((ours.ask(long).rcode, ours.ask(long, tcp=True).data()), ("YXDOMAIN", []),
             "a name too long for the garden: YXDOMAIN")
    answer = ours.ask(long[1:], tcp=True)
    tap.ok(answer.rcode == "NOERROR" and "192.0.2.213" in repr(answer),
           "a name that just fits leads there", answer)
    spelt = ours.ask("GarDen.kinds.TEST")
    tap.same(spelt.message.answer[0].name.labels, harness.name("GarDen.kinds.TEST").labels,
             "the alias is of the name as it was spelt")
    for _ in range(3):
        ours.ask("garden.kinds.test")
    relay.forget()
    for _ in range(20):
        ours.ask("garden.kinds.test")
    tap.same(relay.seen, [], "a garden that is known is not asked for again")
    tap.same(ours.ask("wall.garden.test").data(), sorted(WALL_A),
             "and the garden itself is as ever")
    tap.none([] if ours.ask("broken.signed.test").rcode == "SERVFAIL" else ["not SERVFAIL"],
             "a bogus target stays bogus for who asks for it")
    tap.none(judge.faults(judge.Policy(ttl=33), ours.ask("target.nx.kinds.test"), owner=None),
             "a listed target stays blocked for who asks for it")


def garden_crowd(tap, ours, relay):
    """Many clients at once wait for one garden; and for two that lead to each other."""
    ours.flush()
    relay.delay = 0.2
    names = ["garden.kinds.test", "ping.kinds.test", "pong.kinds.test", "dead.kinds.test"] * 12
    answers = at_once(ours, names, timeout=15)
    relay.delay = 0.0
    found = ["%s: %r" % (qname, answer) for qname, answer in zip(names, answers)
             if answer is None or answer.rcode != "NOERROR" or
             "%s. IN CNAME" % qname not in repr(answer)]
    tap.none(found, "a crowd that waits for gardens gets them, also where they lead in circles")
    lone = [answer for qname, answer in zip(names, answers)
            if qname.startswith("garden") and answer and "192.0.2.210" not in repr(answer)]
    tap.none(lone, "... each with its target")


def gardens_of_groups(tap, lab, relay):
    """Clients that share a query state, each with its garden, or the real answer."""
    groups = [{"name": name, "clients": ["127.0.%d.0/24" % net]}
              for name, net in (("one", 1), ("two", 2), ("free", 3))]
    rules = [{"rule": "one", "group": "one", "match": {}, "action": "cname",
              "cname": "wall.garden.test"},
             {"rule": "two", "group": "two", "match": {}, "action": "cname",
              "cname": "*.wild.garden.test"},
             {"rule": "free", "group": "free", "match": {}, "action": "pass"}]
    wanted = ["192.0.2.210", "192.0.2.213", "203.0.113.1"]
    for turn in range(3):
        ours = lab.unbound(relay, compiled(lab, rules, groups))
        relay.delay = 0.2
        names = ["n%d.nx.kinds.test" % turn] * 12
        nets = [(turn + n) % 3 for n in range(12)]
        answers = at_once(ours, names, ["127.0.%d.7" % (net + 1) for net in nets], timeout=5.0)
        relay.delay = 0.0
        tap.none(["%d: %r" % (net, answer) for net, answer in zip(nets, answers)
                  if not answer or wanted[net] not in repr(answer) or
                  any(other in repr(answer) for other in wanted if other != wanted[net])],
                 "clients at one instant, each with its own garden or none, %d" % turn)


def nothing_stored(tap, ours):
    dump = ours.control("dump_cache").stdout
    found = [line for line in dump.splitlines()
             if "kinds.test" in line and ("CNAME" in line or "isp.example" in line or
                                          "192.0.2.20" in line or "198.51.100.5" in line)]
    tap.none(found, "nothing forged is in Unbound's cache")


# --- clients that get nothing --------------------------------------------------------------------


def at_once(ours, names, sources=("127.0.0.1",), tcp=False, timeout=3.0):
    """Ask all at the same time; None where nothing came."""
    answers = [None] * len(names)

    def one(number):
        try:
            answers[number] = ours.ask(names[number], source=sources[number % len(sources)],
                                       tcp=tcp, edns=0, timeout=timeout)
        except (OSError, EOFError):
            pass

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(names))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def dropped(tap, ours):
    answers = at_once(ours, ["drop.kinds.test", "a.drop.kinds.test"] * 4, timeout=1.0)
    tap.same(answers, [None] * 8, "drop: silence over UDP")
    started = time.monotonic()
    answers = at_once(ours, ["drop.kinds.test"] * 3, tcp=True, timeout=5.0)
    tap.ok(answers == [None] * 3 and time.monotonic() - started < 3,
           "drop: over TCP the connection is closed at once", answers)
    tap.same(ours.ask("www.clean.test").rcode, "NOERROR", "and others are served as ever")


def dropped_in_a_crowd(tap, lab, relay):
    """Of clients that share a query state, those are dropped whose policy says so, and no other."""
    groups = [{"name": "mute", "clients": ["127.0.9.0/24"]},
              {"name": "free", "clients": ["127.0.8.0/24"]}]
    rules = [{"rule": "mute", "group": "mute", "match": {"source": "drop"}, "action": "drop"},
             {"rule": "free", "group": "free", "match": {"source": "drop"}, "action": "pass"},
             {"rule": "rest", "match": {"source": "drop"}, "action": "nodata"}]
    ours = lab.unbound(relay, compiled(lab, rules, groups), server="incoming-num-tcp: 100")
    sources = ["127.0.9.1", "127.0.8.1", "127.0.7.1"]
    relay.delay = 0.3
    for tcp in (False, True):
        found = []
        for turn in range(12):
            names = ["n%d-%d.drop.kinds.test" % (turn, tcp)] * 12
            rotated = sources[turn % 3:] + sources[:turn % 3]
            answers = at_once(ours, names, rotated, tcp=tcp, timeout=2.0)
            for number, answer in enumerate(answers):
                source = rotated[number % 3]
                if source == sources[0]:
                    good = answer is None
                elif source == sources[1]:
                    good = answer and answer.addresses() == ["203.0.113.1"] and not answer.edes
                else:
                    good = answer and not answer.addresses() and answer.edes == [15]
                if not good:
                    found.append("%s %s: %r" % (source, names[0], answer))
        tap.none(found, "drop for some of those who share a query (TCP: %s): they hear nothing, "
                 "the others what is theirs" % tcp)
    relay.delay = 0.0
    counts = dict(line.split("=") for line in ours.control("stats_noreset").stdout.split()
                  if line.startswith("total.requestlist.current"))
    tap.same(set(counts.values()), {"0"}, "no query is left over")


def many_dropped(tap, lab, relay):
    """Unbound counts clients that wait, and turns others away when they are too many: dropped ones
    are counted off."""
    ours = lab.unbound(relay, compiled(lab), server="num-queries-per-thread: 8\n"
                       "jostle-timeout: 5000")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", ours.port))
        for number in range(2000):
            sock.send(harness.query("n%d.drop.kinds.test" % number).to_wire())
            if number % 50 == 0:
                ours.ask("www.clean.test")
    relay.delay = 0.3
    answers = at_once(ours, ["fresh.wild.clean.test"] * 6, timeout=4.0)
    relay.delay = 0.0
    tap.none([answer for answer in answers if answer is None or answer.rcode != "NOERROR"],
             "after 2,000 dropped clients others may share a query")


def thousands(tap, lab, relay):
    """A crowd that waits for one name, every other of them to be dropped: each is judged once. Where every one that is
    dropped costs another look at all that are not, the resolver stands still for longer than any client waits."""
    each = 6000
    groups = [{"name": "mute", "clients": ["127.0.9.0/24"]}]
    rules = [{"rule": "mute", "group": "mute", "match": {"source": "drop"}, "action": "drop"},
             {"rule": "rest", "match": {"source": "drop"}, "action": "pass"}]
    ours = lab.unbound(relay, compiled(lab, rules, groups), server="num-queries-per-thread: 4096\n"
                       "so-rcvbuf: 8m\nso-sndbuf: 8m")
    ours.ask("www.clean.test")
    wire = harness.query("n0.drop.kinds.test").to_wire()
    relay.delay = 2.0
    with contextlib.ExitStack() as stack:
        mute, free = (stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2))
        for sock, source in ((mute, "127.0.9.1"), (free, "127.0.8.1")):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            sock.settimeout(harness.ASK_TIMEOUT)
            sock.bind((source, 0))
            sock.connect(("127.0.0.1", ours.port))
        for number in range(each):
            mute.send(struct.pack("!H", number) + wire[2:])
            free.send(struct.pack("!H", number) + wire[2:])
            if number % 50 == 49:
                ours.ask("www.clean.test")  # cached; so those before it wait for the name, and not in a socket
        relay.delay = 0.0
        heard = set()
        with contextlib.suppress(TimeoutError):
            while len(heard) < each:
                answer = free.recv(4096)
                if answer[3] & 15 == 0:
                    heard.add(answer[:2])
        tap.same(len(heard), each, "of %d clients that wait for one name those that are not dropped are answered"
                 % (2 * each))
        mute.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            tap.ok(False, "... and the others hear nothing", mute.recv(4096))
    command = [harness.needed("SINKHOLE"), "stats", "--run", ours.run_dir, "--json"]

    def counted():
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=True, capture_output=True, text=True)
        return json.loads(done.stdout)["actions"]["drop"]

    harness.wait_until(lambda: counted() == each, harness.START_TIMEOUT, 0.1)
    tap.same(counted(), each, "... and are counted")


def main(tap, lab):
    nsd = lab.nsd(WORLD)
    relay = lab.relay(nsd)
    relay.dead.add("dead.test")
    relay.failing.add("failing.test")
    options = {"anchors": [zones.ANCHOR], "server": "val-max-restart: 0\n"
               "infra-cache-max-rtt: 1000"}
    ours = lab.unbound(relay, compiled(lab), **options)
    each_action(tap, ours)
    behind_an_alias(tap, ours, "nothing known")
    behind_an_alias(tap, ours, "all known")
    times(tap, ours)
    large(tap, ours)
    truncated(tap, ours)
    explained(tap, ours)
    tight(tap, ours)
    gardens(tap, ours, "nothing known")
    gardens(tap, ours, "all known")
    garden_edges(tap, ours, relay)
    garden_crowd(tap, ours, relay)
    dropped(tap, ours)
    nothing_stored(tap, ours)
    option_codes(tap, lab, relay)
    gardens_of_groups(tap, lab, relay)
    dropped_in_a_crowd(tap, lab, relay)
    many_dropped(tap, lab, relay)
    thousands(tap, lab, relay)


if __name__ == "__main__":
    harness.run(main)
