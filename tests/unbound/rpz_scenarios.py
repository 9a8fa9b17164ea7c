#!/usr/bin/python3
"""Unbound's own scenarios of response policy zones, all of them, with our module in place of respip.

A scenario's policy zones become sources of format rpz, as they stand, with one rule for each in their order: `listed`,
or what the zone's override is. `sinkhole compile -c` publishes them. What Unbound expects to be answered is adapted where
we differ by design, by the RULES below and by nothing else; MATCH stays: `all`. No step is left out but those that
wait for a transfer. How often the resolver answered is counted, too, since testbound does not look at a query
whose answer nobody checks: those are the ones to be dropped.

Zones that a scenario transfers become two generations: testbound runs once with each. (That caches follow a new
generation within one resolver is what coherence.py and generations.py are for.)

With the Unbound at hand, and with OTHER_UNBOUND_DIR and OTHER_SINKHOLE_SO if they are there.
"""
import glob
import ipaddress
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

import harness
from harness import needed

# Of Unbound 1.17.1: all that it has. Later ones have more, about caches and reloads of their own RPZ.
SCENARIOS = ("axfr", "clientip", "ixfr", "nsdname", "nsip", "passthru", "qname", "qname_override",
             "qname_tcponly", "respip", "respip_override", "respip_tcponly", "rootwc",
             "signal_nxdomain_ra")

# What we do otherwise, and why. A row is a function that changes a step's expected answer in place, if it applies.
RULES = []


def rule(function):
    RULES.append(function)
    return function


@rule
def no_authority(_, answer):
    """AA: nobody gave us authority over the name (doc/RPZ.md, "What it does"). A view of Unbound's sets it."""
    if not answer.is_of_view:
        answer.flags.discard("AA")


@rule
def recursion_is_available(scenario, answer):
    """RA: rpz-signal-nxdomain-ra clears it to tell a block; it says whether recursion is available, and EDE tells."""
    if scenario.signals_by_ra:
        answer.flags.add("RA")


@rule
def no_soa_of_zones(_, answer):
    """The zone's SOA in the additional section tells who blocks: EDE does."""
    answer.sections["ADDITIONAL"] = [record for record in answer.sections["ADDITIONAL"]
                                     if " SOA " not in record]


@rule
def no_alias_in_front(scenario, answer):
    """Who asks for a name that leads to a listed one is answered as if it were listed itself."""
    qname = answer.qname
    while not scenario.decides(qname) and answer.sections["ANSWER"]:
        owner, kind, data = answer.sections["ANSWER"][0].split(" ", 2)
        if kind != "CNAME" or not scenario.leads_to_listed(dotted(data)):
            return
        del answer.sections["ANSWER"][0]
        qname = dotted(data)
        answer.sections["ANSWER"] = [answer.qname + " " + record.split(" ", 1)[1]
                                     for record in answer.sections["ANSWER"]
                                     if record.split(" ")[0] == qname]


@rule
def soa_of_negative_answers(scenario, answer):
    """An SOA in the authority section: else nobody could keep the answer (RFC 2308, 5). Ours, since no upstream of the
    scenarios answers without a record. A view of Unbound's has none."""
    if not answer.sections["ANSWER"] and "TC" not in answer.flags and not answer.is_of_view:
        answer.sections["AUTHORITY"].append(SOA % scenario.listed_name(answer.qname))


@rule
def order_of_rdata(_, answer):
    """Records of a set have no order (RFC 2181, 5), but testbound compares them one by one; ours stand as their RDATA
    sort."""
    sets = [record.split(" ")[:2] for record in answer.sections["ANSWER"]]
    answer.sections["ANSWER"].sort(
        key=lambda record: (sets.index(record.split(" ")[:2]), rdata_of(record)))


def rdata_of(record):
    """Something that sorts as the RDATA of an A or TXT record."""
    kind, data = record.split(" ", 2)[1:]
    if kind == "A":
        return tuple(int(part) for part in data.split("."))
    return tuple((len(text), text) for text in re.findall(r'"[^"]*"', data))


SOA = "%s SOA . . SERIAL 3600 1200 604800 10"

STUB = 'stub-zone:\n\tname: "%s"\n\tstub-addr: 10.20.30.99\n'
NOBODY = """RANGE_BEGIN 0 1000
\tADDRESS 10.20.30.99
ENTRY_BEGIN
MATCH opcode subdomain
ADJUST copy_id copy_query
REPLY QR AA NXDOMAIN
SECTION QUESTION
%s IN A
ENTRY_END
RANGE_END
"""

OVERRIDES = {"disabled": "monitor", "passthru": "pass"}  # others are called alike


def dotted(name):
    return name if name.endswith(".") else name + "."


def words_of(line):
    """owner, type and data of a record's line, spaces and defaults away: "a.b. TXT "x y"'."""
    owner, *rest = re.findall(r'"[^"]*"|[^\s()]+', line)
    while rest[0] == "IN" or rest[0].isdigit():
        rest.pop(0)
    data = [dotted(rest[1])] if rest[0] == "CNAME" else rest[1:]
    return " ".join([dotted(owner), rest[0], *data])


class Zone:
    """One policy zone: its clause of the configuration."""

    def __init__(self, text):
        self.name = re.search(r'^\s*name:\s*"(\S+)"', text, re.M).group(1)
        self.override = self.value(text, "rpz-action-override")
        self.cname = self.value(text, "rpz-cname-override")
        self.signals_by_ra = self.value(text, "rpz-signal-nxdomain-ra") == "yes"
        self.transfers = self.value(text, "master") is not None
        self.text = re.search(r"^TEMPFILE_CONTENTS.*\n((?:.*\n)*?)TEMPFILE_END", text, re.M).group(1)

    @staticmethod
    def value(text, key):
        found = re.search(r'^\s*%s:\s*"?([^"\s]+)"?' % key, text, re.M)
        return found and found.group(1)

    def lines(self):
        """The records, with absolute owners: (owner, rest)."""
        origin = owner = ""
        for line in re.sub(r"\([^)]*\)", "", self.text).split("\n"):
            line = line.partition(";")[0].rstrip()
            if line.startswith("$ORIGIN"):
                origin = line.split()[1]
            elif line and not line.startswith("$"):
                if not line[0].isspace():
                    owner = line.split()[0]
                    owner = owner if owner.endswith(".") else owner + "." + origin
                rest = line if line[0].isspace() else line[len(line.split()[0]):]
                yield owner, words_of(owner + rest).split(" ", 1)[1]

    def triggers(self):
        """{owner without the zone's name, with a dot: what is said first about it}, of query names."""
        found = {}
        for owner, says in self.lines():
            trigger = owner[:-len(self.name)]
            if trigger and not re.search(r"\brpz-[a-z-]+\.$", trigger):
                found.setdefault(trigger, says)
        return found

    def decides(self, qname):
        """(the listed name, what is said), of a query name (RFC 4592), or None."""
        triggers = self.triggers()
        if qname in triggers:
            return qname, triggers[qname]
        exists = {""}
        for owner in triggers:
            owner = owner.removeprefix("*.")
            while owner:
                exists.add(owner)
                owner = owner.partition(".")[2]
        if qname in exists:
            return None
        while qname not in exists:
            qname = qname.partition(".")[2]
        says = triggers.get("*." + qname)
        return says and (qname or ".", says)

    def with_transfer(self, upstream):
        """The zone as the scenario's transfer leaves it: a text with absolute names."""
        records = [owner + " " + says for owner, says in self.lines() if not says.startswith("SOA ")]
        apex = re.escape(self.name)
        entry = re.search(r"SECTION QUESTION\n%s\s+IN\s+([AI]XFR)\nSECTION ANSWER\n((?:.*\n)*?)"
                          r"ENTRY_END" % apex, upstream)
        told = [words_of(line) for line in entry.group(2).strip().split("\n")]
        soa = told[0]
        if entry.group(1) == "AXFR":
            records = told[1:-1]
        else:  # RFC 1995, 4: new SOA, old SOA, what goes, new SOA, what comes, new SOA
            at = [i for i, record in enumerate(told) if " SOA " in record]
            gone, come = told[at[1] + 1:at[2]], told[at[2] + 1:at[3]]
            records = [record for record in records if record not in gone] + come
        zone = Zone.__new__(Zone)
        zone.__dict__.update(self.__dict__, text="\n".join([soa] + records) + "\n")
        return zone


class Answer:
    """An expected answer, taken apart."""

    def __init__(self, text):
        self.is_of_view = False  # Unbound answers by itself: the client has a view (doc/RPZ.md)
        self.match = re.search(r"^MATCH (.*)", text, re.M).group(1)
        self.flags = set(re.search(r"^REPLY (.*)", text, re.M).group(1).split())
        self.question = re.search(r"SECTION QUESTION\n(.*)", text).group(1)
        self.qname = self.question.split()[0]
        self.sections = {}
        for name in ("ANSWER", "AUTHORITY", "ADDITIONAL"):
            found = re.search(r"SECTION %s\n((?:.*\n)*?)(?=SECTION|ENTRY_END)" % name, text)
            lines = found.group(1).strip().split("\n") if found and found.group(1).strip() else []
            self.sections[name] = [words_of(line) for line in lines]

    def text(self, serial):
        out = ["ENTRY_BEGIN", "MATCH " + self.match, "REPLY " + " ".join(sorted(self.flags)),
               "SECTION QUESTION", self.question]
        for name, records in self.sections.items():
            out.append("SECTION " + name)
            for record in records:
                owner, rest = record.split(" ", 1)
                out.append("%s IN %s" % (owner, rest.replace("SERIAL", str(serial))))
        return "\n".join(out + ["ENTRY_END"]) + "\n"


class Step:
    """One step of a scenario, as text. answer: what it checks, if it does."""

    def __init__(self, text):
        self.text = text
        self.number, self.kind = re.match(r"STEP (\d+) (\w+)", text).groups()
        self.answer = Answer(text) if self.kind == "CHECK_ANSWER" else None
        # as Unbound tells, before it is adapted
        self.blocks = self.answer and ("AA" in self.answer.flags or
                                       not self.answer.sections["ANSWER"])
        found = re.search(r"SECTION QUESTION\n(.*)", text)
        self.question = " ".join(found.group(1).split()) if found else ""
        found = re.search(r"^STEP .* ADDRESS (\S+)", text)
        self.client = found and found.group(1)


class Scenario:
    """config: the text before CONFIG_END without the policy zones; upstream: what others answer."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            config, _, rest = f.read().partition("\nCONFIG_END\n")
        # A clause begins in the first column, but so do the lines of a file within it.
        clauses = re.split(r"^(?=[a-z-]+:\s*$)", config, flags=re.M)
        self.name = os.path.basename(path).removesuffix(".rpl")
        self.zones = [Zone(clause) for clause in clauses if clause.startswith("rpz:")]
        self.config = "".join(clause for clause in clauses if not clause.startswith("rpz:"))
        rest = re.sub(r"^;.*\n", "", rest, flags=re.M).partition("SCENARIO_END")[0]
        self.upstream, *steps = re.split(r"^(?=STEP )", rest, flags=re.M)
        self.steps = [Step(text) for text in steps]
        self.signals_by_ra = any(zone.signals_by_ra for zone in self.zones)

    def decides(self, qname):
        """(the listed name, what is said) by the first zone that has something to say of a query name."""
        for zone in self.zones:
            found = zone.override != "disabled" and zone.decides(qname)
            if found:
                return found
        return None

    def leads_to_listed(self, qname):
        return self.decides(qname) is not None

    def listed_name(self, qname):
        """The owner of our SOA: the listed name; of prefixes and name servers the name asked for."""
        found = self.decides(self.end_of(qname))
        return found[0] if found else qname

    def end_of(self, qname):
        """Where upstream's aliases lead from a name."""
        found = re.search(r"^%s\s+IN\s+CNAME\s+(\S+)" % re.escape(qname), self.upstream, re.M)
        return self.end_of(dotted(found.group(1))) if found and not self.decides(qname) else qname

    def in_order(self, steps):
        """Whoever is listed for TCP only asks first: a view of Unbound's cannot truncate over UDP alone, and what others
        have asked for is in the cache by then (doc/RPZ.md, "Client addresses and the cache")."""
        only = [at for at, step in enumerate(steps) if step.kind == "QUERY" and step.client and
                at + 1 < len(steps) and steps[at + 1].answer and
                "TC" in steps[at + 1].answer.flags]
        first = [step for at in only for step in steps[at:at + 2]]
        out = first + [step for step in steps if step not in first]
        for number, step in enumerate(out, 1):
            step.text = re.sub(r"^STEP \d+", "STEP %d" % number, step.text)
        return out

    def unserved(self):
        """Listed names that an alias of upstream's leads to and nobody serves. Unbound answers when it sees the alias;
        we follow it to its end, as for every client, and in testbound there would be none."""
        stubs = re.findall(r'^stub-zone:\s*\n\s*name:\s*"([^"]+)"', self.config, re.M)
        for target in re.findall(r"\sCNAME\s+(\S+)", self.upstream):
            name = dotted(target)
            if self.decides(name) and not any(("." + name).endswith("." + stub) or stub == "."
                                              for stub in stubs):
                yield name

    def parts(self):
        """[(zones, steps)]: one generation each. What makes a scenario transfer is gone."""
        if not any(zone.transfers for zone in self.zones):
            return [(self.zones, self.in_order(self.steps))]
        at = next(i for i, step in enumerate(self.steps) if step.kind == "TIME_PASSES")
        after = [zone.with_transfer(self.upstream) for zone in self.zones]
        return [(self.zones, self.steps[:at]),
                (after, [s for s in self.steps[at:] if s.kind not in ("TIME_PASSES", "TRAFFIC")])]

    def translate(self, so, steps, serial, more):
        config = re.sub(r'(module-config: ")respip ', r"\1dynlib ", self.config)
        if config == self.config:
            raise harness.Failure("no module-config with respip")
        out = []
        views = [ipaddress.ip_network(text) for text in
                 re.findall(r"^\s*access-control-view: (\S+)", more, re.M)]
        client = None
        upstream = self.upstream
        for name in self.unserved():
            config += "\n" + STUB % name
            upstream += NOBODY % name
        for step in steps:
            client = step.client if step.kind == "QUERY" else client
            if step.answer:
                step.answer.is_of_view = client is not None and any(
                    ipaddress.ip_address(client) in view for view in views)
                for adapt in RULES:
                    adapt(self, step.answer)
                head = step.text.split("\n", 1)[0] + "\n"
                out.append(head + step.answer.text(serial))
            else:
                out.append(step.text)
        return '%s\n%s\ndynlib:\n\tdynlib-file: "%s"\nCONFIG_END\n%s%s\nSCENARIO_END\n' % (
            config, more, so, upstream, "".join(out))


def publish(lab, store, zones):
    """sinkhole.yaml as doc/RPZ.md has it. Its last rule must never decide."""
    sources, rules = [], []
    for zone in zones:
        name = zone.name.rstrip(".")
        path = lab.write("%s-%d.rpz" % (name, lab.number()), zone.text)
        sources.append("  - {name: %s, path: %s, format: rpz}\n" % (name, path))
        action = OVERRIDES.get(zone.override, zone.override or "listed")
        rules.append("  - {rule: %s, match: {source: %s}, action: %s%s}\n" % (
            name, name, action, ', cname: "%s"' % dotted(zone.cname) if zone.cname else ""))
    config = lab.write("sinkhole-%d.yaml" % lab.number(),
                       "sources:\n%spolicy:\n%s  - {rule: rest, match: {}, action: refused}\n" % (
                           "".join(sources), "".join(rules)))
    # Scenarios live in private networks and below names of one label.
    store.run("compile", "-c", config, *("--force=" + word for word in (
        "tld", "suffix", "protected", "bogon")))


class Bound:
    """testbound with a build of the module."""

    def __init__(self, lab, build, so):
        self.lab = lab
        self.what = "Unbound " + os.path.basename(build).partition("-")[0]
        self.build = build
        self.so = so

    def run(self, scenario, directory):
        """(status, log)"""
        environ = dict(os.environ, SINKHOLE_DIR=directory, SINKHOLE_RUN=self.lab.fresh("run"),
                       LD_PRELOAD=os.environ.get("SANITIZE_PRELOAD", ""))
        done = subprocess.run([os.path.join(self.build, "testbound"), "-p", scenario],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", env=environ,
                              cwd=self.lab.fresh("bound"), timeout=120)
        return done.returncode, done.stdout


def at_work(log):
    """The module has the database: or a pass would prove nothing."""
    return bool(re.search(r"sinkhole [0-9.]+: generation \d+ in use, [1-9]", log))


def replies(log):
    return log.count("comm_point_send_reply fake")


def acl_of_clients(store):
    """Lines for unbound.conf that keep clients who are listed from cached answers (doc/RPZ.md)."""
    return store.run("export", "--format", "unbound-acl").stdout


def run_part(tap, bound, scenario, store, zones, steps, what):
    """One generation."""
    scenario.zones = zones
    publish(bound.lab, store, zones)
    more = acl_of_clients(store) if any("rpz-client-ip" in zone.text for zone in zones) else ""
    text = scenario.translate(bound.so, steps, store.serial(), more)
    path = bound.lab.write("%s-%d.rpl" % (scenario.name, bound.lab.number()), text)
    status, log = bound.run(path, store.dir)
    checked = sum(step.answer is not None for step in steps)
    asked = sum(step.kind == "QUERY" for step in steps)
    tap.ok(status == 0 and at_work(log), "%s: %d questions, %d answers" % (what, asked, checked),
           log[-1500:])
    if status == 0:
        tap.same(replies(log), checked, "%s: and no other one" % what)
    if any(step.blocks for step in steps):
        other, how = bound.lab.fresh("nothing"), "without a database"
    else:
        publish(bound.lab, store, zones[::-1])
        other, how = store.dir, "with the zones in the other order"
    status, log = bound.run(path, other)
    tap.ok(status != 0, "%s: fails %s" % (what, how), log[-1500:])


def main(tap, lab):
    for bound in [Bound(lab, build, so) for build, so in builds()]:
        paths = [os.path.join(bound.build, "testdata", "rpz_%s.rpl" % name) for name in SCENARIOS]
        others = set(glob.glob(os.path.join(bound.build, "testdata", "rpz_*.rpl"))).difference(paths)
        for path in sorted(others):
            tap.skip("%s: %s" % (bound.what, os.path.basename(path)), "not a scenario of 1.17.1")
        for path in paths:
            scenario = Scenario(path)
            store = lab.store(scenario.name)
            for number, (zones, steps) in enumerate(scenario.parts(), 1):
                what = "%s: %s" % (bound.what, scenario.name)
                run_part(tap, bound, scenario, store, zones, steps,
                         what + (", generation %d" % number if number > 1 else ""))


def builds():
    """The other one has no build under the sanitizers."""
    yield needed("UNBOUND_DIR"), needed("SINKHOLE_SO")
    build, so = (os.environ.get(word) for word in ("OTHER_UNBOUND_DIR", "OTHER_SINKHOLE_SO"))
    if build and so and os.path.exists(so) and not harness.SANITIZED:
        yield build, so


if __name__ == "__main__":
    harness.run(main)
