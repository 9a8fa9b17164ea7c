"""Generations that a test tells apart, and a hand that publishes what the tool would not
(doc/DATABASE.md). Names that are asked here are always fresh: that cached answers give way is
another story.
"""
import hashlib
import os
import sys
import time

sys.dont_write_bytecode = True

import harness
import zones

SOON = 1.0  # seconds from publication to enforcement; 0.1 is what is promised, on a quiet machine
SETTLE = 0.4  # seconds in which a second log line about the same thing would come


def zone_of(mark):
    """A generation lists one zone of its own, in which every name exists."""
    return "g%s.wild.clean.test" % mark


def content(mark, filler=0):
    return "%s\n%s\n%s" % (zones.PROBE, zone_of(mark),
                           "".join("f%d.filler%s.test\n" % (i, mark) for i in range(filler)))


def in_force(resolver, mark, other=None):
    return resolver.blocks(zone_of(mark)) and not (other and resolver.blocks(zone_of(other)))


def becomes_in_force(resolver, mark, other=None, timeout=5):
    """Seconds until it was; None when it never was."""
    start = time.monotonic()
    if harness.wait_until(lambda: in_force(resolver, mark, other), timeout):
        return time.monotonic() - start
    return None


def soon(tap, resolver, mark, other, what):
    took = becomes_in_force(resolver, mark, other)
    tap.ok(took is not None and took <= SOON, what,
           "%s s\n%s" % (took, "\n".join(resolver.said()[-5:])))
    return took


def timing(times):
    times = sorted(t * 1000 for t in times if t is not None)
    return "nothing measured" if not times else "median %.1f ms, longest %.1f ms, of %d" % (
        times[len(times) // 2], times[-1], len(times))


def heard_of(resolver, serial):
    """Wait for the line about a generation, which may come after it is in force."""
    return harness.wait_until(lambda: resolver.said(r"\b%d\b" % serial), 2)


OF_STATE = r"^(?!generation [0-9]+ enforced)"


def one_line(resolver, act):
    """What the module logs about something, once it had the time to say it twice. That a generation
    has reached the caches, too, comes later, and is about what was before."""
    before = len(resolver.said(OF_STATE))
    act()
    harness.wait_until(lambda: len(resolver.said(OF_STATE)) > before, 2)
    time.sleep(SETTLE)
    return resolver.said(OF_STATE)[before:]


def sealed(fields):
    """A manifest's text with its own digest made right."""
    head = "".join("%s %s\n" % item if item[1] else item[0] + "\n"
                   for item in fields.items() if item[0] != "end")
    return (head + "end %s\n" % hashlib.sha256(head.encode()).hexdigest()).encode()


class Forger:
    """Publishes into a data directory past the tool, two good generations by turns: `mark` is in
    force, `other` is not."""

    def __init__(self, lab, store, mark, other, filler=0):
        self.lab = lab
        self.store = store
        self.known = {}  # mark: bytes of a good base file
        self.mark, self.other = mark, other
        for each in (other, mark):
            store.compile(content(each, filler))
            with open(store.base(), "rb") as f:
                self.known[each] = f.read()
        self.template = store.manifest()
        self.highest = store.serial()
        with open(store.policy(), "rb") as f:
            self.rules = f.read()  # bytes of a good policy file, that of all

    @property
    def body(self):
        return self.known[self.mark]

    def in_force(self, resolver):
        return in_force(resolver, self.mark, self.other)

    def place(self, text, mode=0o644):
        """Replace `current` in one step."""
        temp = self.lab.write("current.new", text)
        os.chmod(temp, mode)
        if os.path.isdir(self.store.current) and not os.path.islink(self.store.current):
            os.rmdir(self.store.current)
        os.rename(temp, self.store.current)

    def file(self, word, form, body, claimed=None):
        """Write a file of the next generation and return its manifest's fields: those of the last one compiled, but for
        this file. claimed: what it pretends to be; body None: there is none."""
        self.highest += 1
        claimed = body if claimed is None else claimed
        digest = hashlib.sha256(claimed).hexdigest()
        name = form % (self.highest, digest[:16])
        if body is not None:
            path = os.path.join(self.store.dir, "gen", name)
            with open(path, "wb") as f:
                f.write(body)
            os.chmod(path, 0o644)
        return dict(self.template, **{"serial": str(self.highest), word: name, word + "-size": str(len(claimed)),
                                      word + "-sha256": digest})

    def base(self, body, claimed=None):
        return self.file("base", "base-%d-%s.mdb", body, claimed)

    def policy(self, body, claimed=None):
        return self.file("policy", "policy-%d-%s.bin", body, claimed)

    def publish(self, mark):
        self.place(sealed(self.base(self.known[mark])))

    def publish_again(self, fields):
        """The same file under the next serial."""
        self.highest += 1
        self.place(sealed(dict(fields, serial=str(self.highest))))

    def swap(self):
        self.mark, self.other = self.other, self.mark

    def turn(self, tap, resolver, what):
        """Publish the other one, and see it in force."""
        self.swap()
        self.publish(self.mark)
        took = soon(tap, resolver, self.mark, self.other, what)
        heard_of(resolver, self.highest)
        return took
