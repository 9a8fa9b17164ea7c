#!/usr/bin/python3
"""A distribution patches Unbound's structures and keeps its version and configure line. A module
built before that patch must not read them: everything passes, one line says so.

The other way round here, which is the same to both: the module is built with headers that have a
member more than the running Unbound.
"""
import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

import harness
import judge
import zones
from harness import needed

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
POLICY = judge.Policy("nxdomain", ttl=10)


def patched_headers(unbound, out):
    """The headers of an Unbound, one structure of them longer."""
    unbound = pathlib.Path(unbound)
    for header in unbound.rglob("*.h"):
        copy = out / header.relative_to(unbound)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(header, copy)
    mesh = out / "services/mesh.h"
    text = mesh.read_text()
    member = "\tstruct mesh_cb* cb_list;"
    assert text.count(member) == 1
    mesh.write_text(text.replace(member, "\tlong patched[3];\n" + member))


def build_module(headers, out):
    """The module, built with these headers."""
    out.mkdir()
    with open(out / "log", "wb") as log:
        for command in ([ROOT / "configure", f"--with-unbound-source={headers}"],
                        ["make", "-j2", "module/sinkhole.so"]):
            subprocess.run(command, cwd=out, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)
    return out / "module/sinkhole.so"


def main(tap, lab):
    work = pathlib.Path(lab.dir)
    patched_headers(needed("UNBOUND_DIR"), work / "headers")
    so = build_module(work / "headers", work / "build")
    relay = lab.relay(lab.nsd(zones.plain()))
    store = lab.store()
    store.compile(zones.SUBTREES, options=POLICY.options())
    resolver = lab.unbound(relay, store.dir, so=str(so), threads=2)
    for name, addresses in (("www.evil.test", ["203.0.113.1"]),
                            ("www.clean.test", ["192.0.2.41", "192.0.2.42", "192.0.2.43"])):
        tap.same(resolver.ask(name).addresses(), addresses, "%s is answered" % name)
    said = [line for line in resolver.said() if "unfiltered" in line]
    tap.ok(len(said) == 1 and "build the module again" in said[0],
           "one line says that nothing is filtered, and what to do", "\n".join(resolver.said()))
    resolver.control("reload")
    harness.wait_until(resolver.answers, 10)
    tap.same(resolver.ask("a.b.c.d.evil.test").addresses(), ["203.0.113.1"], "answered after a reload")
    tap.none(resolver.stop(), "it stops cleanly")


if __name__ == "__main__":
    harness.run(main)
