#!/usr/bin/python3
"""With a public key only what it signed is put in use: nothing unsigned, nothing of another key, nothing that was changed, and
nothing older than what was taken before, also after a reload and a restart. What is in use stays, and one line says why.
What has expired raises an alarm and goes on filtering."""
import contextlib
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import harness
import zones
from forge import content, one_line, soon, zone_of


class Keys:
    """Secret keys, and the file of public ones that the resolver goes by."""

    def __init__(self, lab, words):
        self.lab = lab
        self.file = lab.path("resolver.pub")
        self.secret = {word: lab.path("key-" + word) for word in words}
        for path in self.secret.values():
            subprocess.run([harness.needed("SINKHOLE"), "keygen", path], check=True, capture_output=True)

    def public(self, word):
        with open(self.secret[word] + ".pub", encoding="ascii") as f:
            return f.read()

    def name(self, word):
        return self.public(word).split()[1]

    def write(self, text):
        """Replace the resolver's file in one step."""
        os.rename(self.lab.write("resolver.pub.new", text), self.file)

    def believe(self, *words):
        self.write("".join(self.public(word) for word in words))

    def sign(self, *words):
        """Options."""
        return [part for word in words for part in ("--sign", self.secret[word])] or ["--unsigned"]


class Case:
    """A resolver that has such a file, and what is published for it."""

    def __init__(self, tap, lab, keys, relay):
        self.tap, self.keys = tap, keys
        self.store = lab.store()
        self.run = os.path.join(lab.fresh("run"), "made-by-the-module")
        self.resolver = harness.Unbound(lab, relay, self.store, threads=2,
                                        environ={"SINKHOLE_KEY": keys.file, "SINKHOLE_RUN": self.run})
        self.mark = None  # of the generation that is in use

    def publish(self, mark, *words, options=()):
        return self.store.compile(content(mark), options=[*self.keys.sign(*words), *options])

    def taken(self, mark, *words, what, options=()):
        before = self.mark
        self.publish(mark, *words, options=options)
        self.mark = mark
        soon(self.tap, self.resolver, mark, before, what)

    def refused(self, act, reason, what):
        """One line, and what is in use stays."""
        said = one_line(self.resolver, act)
        self.tap.ok(len(said) == 1 and reason in said[0] and "stays in use" in said[0],
                    "%s: refused, in one line" % what, "\n".join(said))
        self.stays(what)

    def stays(self, what):
        self.tap.ok(self.resolver.blocks(zone_of(self.mark)), "%s: what was in use stays" % what)

    def keep(self):
        """The published manifest, for later."""
        with open(self.store.current, "rb") as f:
            return f.read()

    def put(self, text):
        os.rename(self.keys.lab.write("current.new", text), self.store.current)


def starts(tap, case):
    case.keys.believe("a")
    case.publish("1", "a")
    case.resolver.start()
    case.mark = "1"
    tap.ok(case.resolver.blocks(zone_of("1")), "what is signed is in use at once")
    tap.same(len(case.resolver.said("only generations signed by key %s are taken" % case.keys.name("a"))), 1,
             "one line names the key")


def refuses(tap, case):
    case.refused(lambda: case.publish("2"), "is not signed", "without a signature")
    case.refused(lambda: case.publish("2", "b"), "is signed by another key (%s)" % case.keys.name("b"), "another key")
    case.taken("3", "a", what="signed again: in use")
    good = case.keep()
    digit = b"1" if good[-2:-1] == b"0" else b"0"
    case.refused(lambda: case.put(good[:-2] + digit + b"\n"), "is not one of this manifest", "a digit of the signature")
    case.refused(lambda: case.put(good[:-20]), "no signature", "a signature that is cut off")
    case.put(good)


def rotates(tap, case):
    """Two ways of replacing a key, each without a gap."""
    case.taken("4", "a", "b", what="signed by both: in use")
    case.keys.believe("b")
    case.stays("the resolver's key is replaced")
    case.taken("5", "b", what="signed by the new one: in use")
    case.refused(lambda: case.publish("6", "a"), "signed by another key", "the old one")
    case.keys.believe("a", "b")
    tap.ok(harness.wait_until(lambda: case.resolver.blocks(zone_of("6")), 2),
           "believed again, what it signed is taken without another publication")
    case.mark = "6"
    case.taken("7", "b", what="as is what the other one signs")


def unreadable(tap, case):
    """A file of keys that tells nothing is no leave to take everything."""
    for what, text in (("empty", ""), ("cut off", case.keys.public("a")[:50]), ("an HTML page", "<html>\n")):
        case.refused(lambda text=text: case.keys.write(text), "public key", "the file of keys is " + what)
        case.publish("2")
        time.sleep(0.3)
        case.stays("... and something unsigned is published")
        case.keys.believe("a", "b")
        case.taken("8" if case.mark != "8" else "9", "a", what="the keys are back: in use")
    os.rename(case.keys.file, case.keys.file + ".away")
    case.publish("2")
    time.sleep(0.3)
    case.stays("the file of keys is gone, and something unsigned is published")
    os.rename(case.keys.file + ".away", case.keys.file)
    case.taken("7", "a", what="and back: in use")


def replays(tap, case):
    """What was signed once is signed for ever: serials tell."""
    old = case.keep()
    case.taken("6", "a", what="a newer one")
    new = case.keep()
    case.refused(lambda: case.put(old), "which is older than", "an older signed one, put back")
    case.resolver.control("reload")
    tap.ok(harness.wait_until(lambda: case.resolver.blocks(zone_of("6")), 5),
           "after a reload what was in use is found again, and used")
    tap.ok(not case.resolver.blocks(zone_of("7")), "... and the older one is not")
    tap.none(case.resolver.stop(), "the resolver stops")
    case.resolver.start()
    tap.ok(case.resolver.blocks(zone_of("6")) and not case.resolver.blocks(zone_of("7")), "nor after a restart")
    tap.ok(len(case.resolver.said("which is older than")) >= 1, "a line says so", "\n".join(case.resolver.said()))
    case.put(new)
    case.taken("7", "a", what="the next one is in use")
    with open(os.path.join(case.run, "serials"), encoding="ascii") as f:
        tap.ok("%s %d\n" % (case.keys.name("a"), case.store.serial()) in f.read(), "the file of serials has it")
    tap.same(sorted(os.listdir(case.run)), ["serials", "stats"], "and nothing lies about beside it and the counters")


def forgets(tap, case):
    """A run directory that cannot be written is told once."""
    def put_a_file_there():
        harness.vanish(case.run)
        with contextlib.suppress(FileExistsError):  # the module may have made it again
            with open(case.run, "x", encoding="ascii") as f:
                return f.write("no directory\n")

    tap.ok(harness.wait_until(put_a_file_there, 5), "a file is where the run directory was")
    for mark in ("8", "9"):
        case.taken(mark, "a", what="without a place for serials: in use")
    tap.ok(harness.wait_until(lambda: case.resolver.said("forgets which serials"), 2) and
           len(case.resolver.said("forgets which serials")) == 1, "one line says that they are not remembered")


def expires(tap, case):
    case.taken("7", "a", what="what expires soon: in use", options=("--expires", "2s"))
    tap.ok(harness.wait_until(lambda: case.resolver.said("has expired at"), 5), "a line says that it has expired")
    time.sleep(1.5)
    tap.same(len(case.resolver.said("has expired at")), 1, "one")
    case.stays("it has expired")
    case.taken("8", "a", what="a fresher one: in use", options=("--expires", "1h"))
    tap.ok(harness.wait_until(lambda: case.resolver.said("has not expired any more"), 2), "a line says that one has come")


def pauses(tap, case):
    case.store.run("pause", *case.keys.sign("a"))
    tap.ok(harness.wait_until(lambda: not case.resolver.blocks(zone_of(case.mark)), 2), "a signed pause is obeyed")
    case.store.run("resume", *case.keys.sign("a"))
    tap.ok(harness.wait_until(lambda: case.resolver.blocks(zone_of(case.mark)), 2), "and its end")


def main(tap, lab):
    case = Case(tap, lab, Keys(lab, "ab"), lab.relay(lab.nsd(zones.plain())))
    starts(tap, case)
    refuses(tap, case)
    rotates(tap, case)
    unreadable(tap, case)
    replays(tap, case)
    forgets(tap, case)
    pauses(tap, case)
    expires(tap, case)


if __name__ == "__main__":
    harness.run(main)
