#!/usr/bin/python3
"""Unbound's own RPZ scenarios about query names, with our module in place of respip, as far as the
actions exist.

A scenario's policy zones become lists: `CNAME .` and `CNAME *.` are entries of a block list, `CNAME
rpz-passthru.` of an allow list; a name stands for itself alone and `*.name` for what lies below it.
A database of ours has one action for all its entries, so that a scenario is run once for each
action that we have, with the entries of that action and all allowed ones, and with the steps whose
answer follows from these. The other steps wait, each with what it waits for.

Of an expected answer changes what RPZ and we do differently by design, and only of blocked ones:
ours has no AA and has an SOA of the listed name in the authority section. MATCH stays: `all`.

With the Unbound at hand, and with OTHER_UNBOUND_DIR and OTHER_SINKHOLE_SO if they are there.
"""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

import harness
from harness import needed

SCENARIOS = ("rpz_qname", "rpz_qname_override", "rpz_rootwc", "rpz_passthru", "rpz_qname_tcponly")
TTL = 10
SOA = "%%s %d IN SOA localhost. nobody.invalid. 1 3600 1200 604800 %d" % (TTL, TTL)

# What an RPZ record or an rpz-action-override means.
BY_TARGET = {".": "nxdomain", "*.": "nodata", "rpz-passthru.": "pass", "rpz-drop.": "drop",
             "rpz-tcp-only.": "tcp-only"}
BY_OVERRIDE = {"passthru": "pass", "cname": "cname", "nxdomain": "nxdomain", "nodata": "nodata",
               "drop": "drop"}
BLOCKS = ("nxdomain", "nodata")  # the actions that make a run each
NOT_YET = {"drop": "no drop action yet", "tcp-only": "no truncate action yet",
           "cname": "no cname action yet", "local data": "no local data yet"}


class Zone:
    """One policy zone. entries: {owner: action}; an owner without the zone's name, with a dot."""

    def __init__(self, text):
        self.name = re.search(r'^\s*name:\s*"(\S+)"', text, re.M).group(1)
        override = re.search(r"^\s*rpz-action-override:\s*(\S+)", text, re.M)
        self.override = override.group(1) if override else None
        contents = re.search(r"^TEMPFILE_CONTENTS.*\n((?:.*\n)*?)TEMPFILE_END", text, re.M).group(1)
        self.entries = {} if self.override == "disabled" else dict(self.read(contents))

    def read(self, contents):
        seen = set()
        origin = ""
        # The SOA's parentheses hold numbers only; a line that starts with a blank is a record of
        # the zone's own name.
        for line in re.sub(r"\([^)]*\)", "", contents).split("\n"):
            line = line.partition(";")[0].rstrip()
            if line.startswith("$ORIGIN"):
                origin = line.split()[1]
            elif line and not line[0].isspace():
                words = line.split()
                owner = words[0] + "." + origin
                kind, data = next((word, words[at + 1]) for at, word in enumerate(words)
                                  if at and word in ("SOA", "CNAME", "TXT", "A"))
                trigger = owner[:-len(self.name)]
                # A second action for a name is ignored, as Unbound does. A trigger by an address
                # has no counterpart yet, and no step rests on one.
                if kind != "SOA" and ".rpz-" not in trigger and trigger not in seen:
                    seen.add(trigger)
                    yield trigger, self.action(kind, data)

    def action(self, kind, data):
        if self.override:
            return BY_OVERRIDE[self.override]
        return BY_TARGET.get(data, "cname") if kind == "CNAME" else "local data"

    def decides(self, qname):
        """The action for a name, if this zone has one: its own, or the nearest wildcard's unless a
        name in between exists (RFC 4592, 2.2.1)."""
        if qname in self.entries:
            return self.entries[qname]
        while qname:
            qname = qname.partition(".")[2]
            wildcard = "*." + qname
            if wildcard in self.entries:
                return self.entries[wildcard]
            if any(owner == qname or owner.endswith("." + qname) for owner in self.entries):
                return None
        return None


class Step:
    """A query of a scenario and the answer it expects, as text; without one if it is dropped."""

    def __init__(self, query):
        self.query = query
        self.answer = ""
        self.number = query.split()[1]
        self.question = " ".join(re.search(r"SECTION QUESTION\n(.*)", query).group(1).split())
        self.qname = self.question.split()[0]

    def expects(self):
        """The action, as the answer tells by itself."""
        if not self.answer:
            return "drop"
        flags = re.search(r"^REPLY (.*)", self.answer, re.M).group(1).split()
        records = re.search(r"SECTION ANSWER\n((?:.*\n)*?)ENTRY_END", self.answer).group(1)
        if "TC" in flags:
            return "tcp-only"
        if "AA" not in flags:
            return "pass"
        if not records:
            return "nxdomain" if "NXDOMAIN" in flags else "nodata"
        return "local data"

    def text(self, owner):
        """For a run. owner: of the SOA, where the answer is a block."""
        answer = self.answer
        if owner:
            answer = re.sub(r"^(REPLY .*) AA\b", r"\1", answer, flags=re.M)
            answer = answer.replace("ENTRY_END", "SECTION AUTHORITY\n%s\nENTRY_END" % (SOA % owner))
        return self.query + answer


class Scenario:
    """config: the text before CONFIG_END without the policy zones; upstream: what others answer."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            config, _, rest = f.read().partition("\nCONFIG_END\n")
        # A clause begins in the first column, but so do the lines of a file within it.
        clauses = re.split(r"^(?=[a-z-]+:\s*$)", config, flags=re.M)
        self.zones = [Zone(clause) for clause in clauses if clause.startswith("rpz:")]
        self.config = "".join(clause for clause in clauses if not clause.startswith("rpz:"))
        rest = re.sub(r"^;.*\n", "", rest, flags=re.M)
        rest = rest.partition("SCENARIO_END")[0]
        self.upstream, *steps = re.split(r"^(?=STEP )", rest, flags=re.M)
        self.steps = []
        for text in steps:
            if "CHECK_ANSWER" in text:
                self.steps[-1].answer = text
            else:
                self.steps.append(Step(text))

    def decides(self, step):
        """The action of the first zone that has one, else that of the answer: then it stems from
        something else than the name asked for, or from nothing."""
        for zone in self.zones:
            action = zone.decides(step.qname)
            if action:
                return action
        return step.expects()

    def entries(self, action):
        """({trigger of this action}, {trigger allowed}). Of two zones with one trigger the first is
        right; where that one allows, both may stay: an allowed name wins over a blocked one."""
        blocked, allowed, seen = set(), set(), set()
        for zone in self.zones:
            for trigger, does in self.without_root(zone):
                if trigger not in seen and does in (action, "pass"):
                    (allowed if does == "pass" else blocked).add(trigger)
                if does != "pass":
                    seen.add(trigger)
        return blocked, allowed

    def without_root(self, zone):
        """The root is never listed (doc/FEEDS.md): the top-level domains that are asked for are."""
        for trigger, does in zone.entries.items():
            if trigger != "*.":
                yield trigger, does
        for top in {step.qname.split(".")[-2] + "." for step in self.steps}:
            for trigger in (top, "*." + top):
                if "*." in zone.entries and trigger not in zone.entries:
                    yield trigger, zone.entries["*."]

    def translate(self, so, steps, owners):
        config = re.sub(r'(module-config: ")respip ', r"\1dynlib ", self.config)
        if config == self.config:
            raise harness.Failure("no module-config with respip")
        return '%s\ndynlib:\n\tdynlib-file: "%s"\nCONFIG_END\n%s%s\nSCENARIO_END\n' % (
            config, so, self.upstream,
            "".join(step.text(owners.get(step)) for step in steps))


def publish(lab, action, blocked, allowed):
    store = lab.store()
    sources = []
    for triggers, key in ((blocked, ()), (allowed, ("allow",))):
        own = "".join(sorted(t + "\n" for t in triggers if t[0] != "*"))
        below = "".join(sorted(t[2:] + "\n" for t in triggers if t[0] == "*"))
        sources += [("domains", text, "scope=" + scope, *key)
                    for text, scope in ((own, "exact"), (below, "below")) if text]
    # These zones list top-level domains; and one list is all allowed.
    store.compile(*sources, options=["--action", action, "--ttl", str(TTL), "--force=tld",
                                     "--force=suffix", "--force=empty"])
    return store


def owner_of(qname, blocked):
    """The listed name that blocks, on RPZ's word: its own or the nearest above."""
    if qname in blocked:
        return qname
    while "." in qname:
        qname = qname.partition(".")[2]
        if "*." + qname in blocked:
            return qname
    return None


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


def run_one(tap, bound, name, scenario, action):
    what = "%s: %s, %s" % (bound.what, name, action)
    blocked, allowed = scenario.entries(action)
    steps = [step for step in scenario.steps
             if scenario.decides(step) in (action, "pass") and
             step.expects() == scenario.decides(step)]
    own = [step for step in steps if step.expects() == action]
    if not own and action != BLOCKS[0]:
        return  # the same steps that the first run has had
    owners = {step: owner_of(step.qname, blocked) for step in own}
    store = publish(bound.lab, action, blocked, allowed)
    text = scenario.translate(bound.so, steps, owners)
    path = bound.lab.write("%s-%s.rpl" % (name, action), text)
    status, log = bound.run(path, store.dir)
    tap.ok(status == 0 and at_work(log), "%s: %s" % (what, "; ".join(
        "%s is %s" % (step.question, step.expects()) for step in steps)), log[-1500:])
    if own:  # or what passed has proved nothing
        status, log = bound.run(path, bound.lab.fresh("nothing"))
        tap.ok(status != 0, "%s: fails without a database" % what, log[-1500:])


def waiting(tap, bound, name, scenario):
    for step in scenario.steps:
        action = scenario.decides(step)
        expected = step.expects()
        reason = NOT_YET.get(action) or NOT_YET.get(expected)
        if reason and expected not in BLOCKS:
            tap.skip("%s: %s, step %s: %s" % (bound.what, name, step.number, step.question), reason)
        elif action != expected:
            tap.ok(False, "%s: %s, step %s: understood" % (bound.what, name, step.number),
                   "%s, but the answer tells %s" % (action, expected))


def main(tap, lab):
    bounds = [Bound(lab, build, so) for build, so in builds()]
    for bound in bounds:
        for name in SCENARIOS:
            scenario = Scenario(os.path.join(bound.build, "testdata", name + ".rpl"))
            for action in BLOCKS:
                run_one(tap, bound, name, scenario, action)
            waiting(tap, bound, name, scenario)


def builds():
    """The other one has no build under the sanitizers."""
    yield needed("UNBOUND_DIR"), needed("SINKHOLE_SO")
    build, so = (os.environ.get(word) for word in ("OTHER_UNBOUND_DIR", "OTHER_SINKHOLE_SO"))
    if build and so and os.path.exists(so) and not harness.SANITIZED:
        yield build, so


if __name__ == "__main__":
    harness.run(main)
