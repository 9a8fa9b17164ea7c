#!/usr/bin/python3
"""A bad generation changes nothing and is said once; whatever happens to files on disk, the
resolver lives and keeps its last good list."""
import os
import shutil
import stat
import sys
import time

sys.dont_write_bytecode = True

import harness
import zones
from forge import (OF_STATE, Forger, becomes_in_force, content, heard_of, in_force, one_line, sealed, soon,
                   zone_of)


def lies(forger):
    """What may lie in the directory: (what, function that publishes it)."""
    gen = os.path.join(forger.store.dir, "gen")
    body, rules = forger.body, forger.rules

    def base(seen):
        """A file that is not what its manifest says."""
        return lambda: forger.place(sealed(forger.base(seen, claimed=body)))

    def honest(changed):
        """A manifest that is right about something that is wrong."""
        return lambda: forger.place(sealed(forger.base(changed)))

    def special(make, word="base"):
        """A file of another kind: make(path) creates it."""
        def do():
            fields = forger.base(None, claimed=body) if word == "base" else forger.policy(None, claimed=rules)
            make(os.path.join(gen, fields[word]))
            forger.place(sealed(fields))
        return do

    def policy(seen, claimed=rules):
        return lambda: forger.place(sealed(forger.policy(seen, claimed)))

    def manifest(change):
        return lambda: forger.place(change(sealed(forger.base(body))))

    def field(name, value):
        return lambda: forger.place(sealed(dict(forger.base(body), **{name: value})))

    def current(make):
        def do():
            beside = forger.lab.path("current.new")
            make(beside)
            os.rename(beside, forger.store.current)
        return do

    def current_directory():
        os.unlink(forger.store.current)  # a rename puts no directory over a file
        os.mkdir(forger.store.current)

    def flipped(good):
        bad = bytearray(good)
        bad[len(good) // 2] ^= 0x10
        return bytes(bad)

    good_file = forger.store.base()
    return [
        ("a base with one bit flipped", base(flipped(body))),
        ("a base cut by one byte", base(body[:-1])),
        ("a base cut to one page", base(body[:4096])),
        ("an empty base", base(b"")),
        ("a base with a page too many", base(body + bytes(4096))),
        ("a base of zeros", base(bytes(len(body)))),
        ("no base", special(lambda path: None)),
        ("a base that is a directory", special(os.mkdir)),
        ("a base that is a FIFO", special(os.mkfifo)),
        ("a base that is a link to a good one", special(lambda p: os.symlink(good_file, p))),
        ("a base that is a link to /dev/zero", special(lambda p: os.symlink("/dev/zero", p))),
        ("random pages, digest right", honest(os.urandom(8192))),
        ("an LMDB file cut short, digest right", honest(body[:8192])),
        ("an LMDB file of something else, digest right",
         honest(body.replace(b"SINKHOLE", b"SINKHOL3"))),
        ("a database of another version, digest right",
         honest(body.replace(b"SINKHOLE\0\1", b"SINKHOLE\0\2"))),
        ("a policy with one bit flipped", policy(flipped(rules))),
        ("a policy cut by one byte", policy(rules[:-1])),
        ("no policy", special(lambda path: None, "policy")),
        ("a policy that is a directory", special(os.mkdir, "policy")),
        ("a policy that is a link to /dev/zero", special(lambda p: os.symlink("/dev/zero", p), "policy")),
        ("a policy of random bytes, digest right", policy(os.urandom(len(rules)), None)),
        ("a policy of another version, digest right",
         policy(rules.replace(b"sinkpol\n\0\1", b"sinkpol\n\0\2"), None)),
        ("a policy that is said to have a terabyte", field("policy-size", str(1 << 40))),
        ("an empty manifest", lambda: forger.place(b"")),
        ("a manifest of random bytes", lambda: forger.place(os.urandom(600))),
        ("a manifest without its last byte", manifest(lambda text: text[:-1])),
        ("a manifest cut in half", manifest(lambda text: text[:len(text) // 2])),
        ("a manifest with one byte more", manifest(lambda t: t.replace(b"names ", b"names 1", 1))),
        ("a manifest and something after it", manifest(lambda text: text + b"more\n")),
        ("a manifest of a megabyte", manifest(lambda text: text + b"x" * (1 << 20))),
        ("a manifest of another version", field("sinkhole-generation", "9")),
        ("a manifest with an unknown line", field("colour", "green")),
        ("a base outside the directory", field("base", "../../../etc/passwd")),
        ("a size that is no number", field("base-size", "0x1000")),
        ("a serial of 2^63", field("serial", str(2 ** 63))),
        ("a `current` that is a directory", current_directory),
        ("a `current` that is a FIFO", current(os.mkfifo)),
        ("a `current` that is a link to /dev/zero", current(lambda p: os.symlink("/dev/zero", p))),
    ]


def lied_to(tap, resolver, forger):
    for what, lie in lies(forger):
        new = one_line(resolver, lie)
        stays = forger.in_force(resolver)
        most = 2 if lie.__name__ == "current_directory" else 1  # for a moment there is none
        tap.ok(1 <= len(new) <= most and stays,
               "%s: one line, and the generation before it stays" % what,
               "it %s; %d lines\n%s" % ("stays" if stays else "is gone", len(new), "\n".join(new)))
        forger.turn(tap, resolver, "%s: the next good one is in force" % what)
    for what, lie in (("manifest", lambda: forger.place(b"garbage\n")),
                      ("base", lambda: forger.place(
                          sealed(forger.base(b"", claimed=forger.body))))):
        before = len(resolver.said(OF_STATE))
        lie()
        time.sleep(3)
        new = resolver.said(OF_STATE)[before:]
        tap.ok(len(new) == 1, "a %s that stays bad is said once in 3 s" % what, "\n".join(new))
        forger.turn(tap, resolver, "... and the next good one is in force")


def overwritten(tap, resolver, store, forger):
    """Files change under the resolver's feet, with queries running."""
    listed, other = forger.mark, forger.other

    def ask(number):
        return dict(qname="l%d.%s" % (number, zone_of(listed if number % 2 else other)), edns=0)

    def judge(answer, asked, sent, got):
        right = (15 in answer.edes) == (zone_of(listed) in asked["qname"])
        return [] if right else ["%s: %r" % (asked, answer)]

    load = harness.Load(resolver.port, ask, judge)
    files = [(store.base(), forger.body), (store.policy(), forger.rules)]
    for turn in range(20):
        path, good = files[turn % len(files)]
        with open(path, "r+b") as f:
            f.write(os.urandom(len(good)))  # as cp and rsync --inplace do
        time.sleep(0.02)
        for size in (len(good) // 2, 0):
            os.truncate(path, size)
            time.sleep(0.02)
        with open(path, "wb") as f:
            f.write(good)
        time.sleep(0.02)
    os.truncate(store.base(), 0)  # the policy's file the next generation has, too
    time.sleep(0.5)
    load.stop()
    tap.ok(resolver.alive() and load.count > 100,
           "overwritten and truncated in place under load: it lives", load.count)
    tap.none(load.lost + load.faults, "... and answers every query right")
    tap.note("%d queries, the longest took %.1f ms" % (load.count, load.longest * 1000))
    forger.turn(tap, resolver, "... and takes the next generation")


def written_in_place(tap, resolver, store, forger):
    """The manifest, as rsync --inplace writes it: what is no manifest is said once, and only what is whole is used."""
    with open(store.current, "rb") as f:
        before = f.read()
    forger.swap()
    after = sealed(forger.base(forger.body))
    for what, text in (("nothing", b""), ("half of the next", after[:len(after) // 2]),
                       ("the next and the rest of a longer one", after + b"x"), ("what it held before", before)):
        def write(text=text):
            with open(store.current, "r+b") as f:
                f.truncate(0)  # a look may fall in between, and have a line of its own
                f.write(text)
        new = one_line(resolver, write)
        tap.ok(len(new) <= 2 and in_force(resolver, forger.other, forger.mark),
               "`current`, written in place, holds %s: the generation in use stays" % what, "\n".join(new))
    with open(store.current, "r+b") as f:
        f.write(after)
        f.truncate()
    soon(tap, resolver, forger.mark, forger.other, "... and the next one, when it is complete, is in force")
    heard_of(resolver, forger.highest)


def recovered(tap, resolver, store, forger):
    """The operator's way out of a broken directory is the tool, not an editor."""
    for what, text in (("garbage", b"garbage\n"), ("nothing", b"")):
        forger.place(text)
        done = store.prepare(content("3" + what))()
        tap.same(done.returncode, 0, "compile publishes over a manifest that holds %s" % what)
        soon(tap, resolver, "3" + what, forger.mark, "... which is in force")


def unreadable(tap, lab, relay):
    """The resolver's user may not read: said once, not fatal, in force when it may."""
    store = lab.store()
    forger = Forger(lab, store, "2", "1")
    module = lab.path("readable.so")  # the build directory may be root's own
    shutil.copy(harness.needed("SINKHOLE_SO"), module)
    os.chmod(module, 0o755)
    server = "username: nobody" if os.geteuid() == 0 else ""
    gen = os.path.join(store.dir, "gen")
    for what, where in (("manifest", lambda: store.current), ("base", store.base),
                        ("policy", store.policy), ("directory", lambda: store.dir), ("gen", lambda: gen)):
        path = where()
        mode = stat.S_IMODE(os.stat(path).st_mode)
        os.chmod(path, 0)
        resolver = lab.unbound(relay, store.dir, server=server, so=module)
        time.sleep(1)
        said = resolver.said("unfiltered")
        tap.ok(len(said) == 1 and not resolver.blocks(zone_of("2")),
               "a %s of mode 000 at start: unfiltered, one line" % what, "\n".join(resolver.said()))
        os.chmod(path, mode)
        took = becomes_in_force(resolver, "2", timeout=5)
        tap.ok(took is not None, "... in force when it may be read", "\n".join(resolver.said()))
        tap.note("after chmod of the %s: %s s" % (what, took))
        heard_of(resolver, forger.highest)
        if what == "manifest":
            refused_while_running(tap, resolver, store, forger)
        tap.none(resolver.stop(), "... and it stops")


def refused_while_running(tap, resolver, store, forger):
    def hidden(fields, word):
        os.chmod(os.path.join(store.dir, "gen", fields[word]), 0)
        return sealed(fields)

    for what, lie in (("base", lambda: forger.place(hidden(forger.base(forger.known["1"]), "base"))),
                      ("policy", lambda: forger.place(hidden(forger.policy(forger.rules), "policy"))),
                      ("manifest", lambda: forger.place(sealed(forger.base(forger.known["1"])), mode=0))):
        new = one_line(resolver, lie)
        tap.ok(len(new) == 1 and forger.in_force(resolver),
               "a new %s of mode 000: one line, the old generation stays" % what, "\n".join(new))
        forger.turn(tap, resolver, "... and the next one is in force")
        forger.turn(tap, resolver, "... and the next")


def main(tap, lab):
    relay = lab.relay(lab.nsd(zones.plain()))
    unreadable(tap, lab, relay)
    store = lab.store()
    forger = Forger(lab, store, "1", "2")
    resolver = lab.unbound(relay, store)
    lied_to(tap, resolver, forger)
    overwritten(tap, resolver, store, forger)
    written_in_place(tap, resolver, store, forger)
    recovered(tap, resolver, store, forger)


if __name__ == "__main__":
    harness.run(main)
