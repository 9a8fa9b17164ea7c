#!/usr/bin/python3
"""No decision and no query takes more instructions than before: counts of callgrind against tests/instructions.txt.

Prints TAP. A count that grew by more than 3 % fails. If that is what you want:

    SINKHOLE_ACCEPT=instructions ./runtests --only instructions

writes the file anew; commit it with the change, and say there what the instructions buy.

Counts are exact, but for a compiler, a libc and an architecture, which the file names: with others nothing is compared.
It is built with the same flags for everybody (./runtests); libc is told not to look for what this very
processor can do. Environment: that of bench/bed.py.
"""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import bed as bench  # noqa: E402
import counted  # noqa: E402
import policy  # noqa: E402
from bed import NXDOMAIN, Bed  # noqa: E402

FIGURES = ROOT / "tests" / "instructions.txt"
ACCEPT = "SINKHOLE_ACCEPT=instructions ./runtests --only instructions"
BOUND = 1.03
LISTED = 100_000  # names
ASKED = 1_000  # of them, or of others
WARM = 200  # queries before those that are counted
RULES = 500

HEAD = f"""\
# Instructions of a decision, and of the module for a query, and what they were counted with (tests/instructions.py).
# Written by: {ACCEPT}
"""


def built_with():
    """What counts depend on: the compiler, as it says in what it made, libc and the processor's kind."""
    told = subprocess.run(["readelf", "-p", ".comment", bench.SINKHOLE_SO], stdout=subprocess.PIPE, check=True,
                          text=True).stdout
    compilers = [(name, major) for name, word in (("clang", "clang version"), ("gcc", r"GCC: \(.*\)"))
                 for major in re.findall(rf"{word} (\d+)", told)]
    name, major = compilers[0] if compilers else ("unknown", "0")
    return f"{name} {major}, {os.confstr('CS_GNU_LIBC_VERSION')}, {platform.machine()}"


def same_on_all_processors():
    """Let libc take the same memcpy() everywhere, instead of the best that this processor has."""
    os.environ["GLIBC_TUNABLES"] = "glibc.cpu.hwcaps=" + ",".join(
        f"-{feature}" for feature in ("AVX512F", "AVX512VL", "AVX512BW", "AVX2", "AVX", "BMI2", "ERMS", "FSRM", "RTM",
                                      "SSSE3", "SSE4_1", "SSE4_2", "MOVBE", "AVX_Fast_Unaligned_Load"))


# --- what is counted -----------------------------------------------------------------------------


def count_decisions(bed, data, names, clean):
    """-> pairs of what was counted and how many. With one rule, then with many."""
    many = policy.write_policy(bed, "many", [policy.DEFAULT])
    single = policy.write_policy(bed, "single", [policy.DEFAULT], 1)
    for what, config in (("one rule", single), (f"{RULES} rules", many)):
        policy.apply(data, config)
        for kind, asked, rule in (("unlisted", clean, "-"), ("listed", names, "rest"),
                                  ("below a listed name", [f"a.b.{name}" for name in names], "rest")):
            count, rules = counted.decisions(bed, data, policy.write_queries(bed, "asked", asked))
            if rules != {rule: ASKED}:
                raise RuntimeError(f"decision, {kind}, {what}: other rules decided: {rules}")
            yield f"decision, {kind}, {what}", count
    policy.apply(data, single)


def count_queries(bed, data, names, clean):
    for what, asked, rcode in (("listed", names, NXDOMAIN), ("unlisted, not cached", clean, 0)):
        yield f"module, {what}", counted.resolver(bed, data, asked[:WARM], asked[WARM:], rcode=rcode,
                                                  only=counted.MODULE)


def count_all():
    bed = Bed()
    try:
        data = bed.dir / "data"
        bed.compile(data, LISTED)
        names = bed.listed(LISTED, ASKED)
        resolved = subprocess.run([bench.NAMES, "clean", str(ASKED)], stdout=subprocess.PIPE, text=True,
                                  check=True).stdout.split()
        yield from count_decisions(bed, data, names, bench.unlisted(names))
        yield from count_queries(bed, data, names, resolved)
    finally:
        bed.close()


# --- comparing -----------------------------------------------------------------------------------


def read():
    """What the figures were counted with, and the figures by name."""
    lines = [line for line in FIGURES.read_text().splitlines() if line and not line.startswith("#")]
    return lines[0], {name: int(count) for count, name in (line.split(None, 1) for line in lines[1:])}


def write(found):
    FIGURES.write_text(HEAD + built_with() + "\n" + "".join(f"{count:7.0f} {name}\n" for name, count in found))


def judge(name, count, before):
    """-> passed, what to say."""
    if before is None:
        return False, f"{count:.0f}, and no figure before. To accept: {ACCEPT}"
    grown = f"{count:.0f} after {before} ({100 * (count / before - 1):+.1f} %)"
    if count > before * BOUND:
        return False, f"{grown}. To accept: {ACCEPT}"
    if count < before / BOUND:
        return True, f"{grown}. To keep it so: {ACCEPT}"
    return True, grown


def compare(found, figures):
    """-> how many failed."""
    failed = 0
    for number, (name, count) in enumerate(found, 1):
        passed, text = judge(name, count, figures.pop(name, None))
        print(f"{'' if passed else 'not '}ok {number} - {name}\n# {text}", flush=True)
        failed += not passed
    print(f"{'not ' if figures else ''}ok {len(found) + 1} - every figure of the file was counted")
    for name in figures:
        print(f"# {name}: nothing counts this any more. To accept: {ACCEPT}")
    print(f"1..{len(found) + 1}")
    return failed + len(figures)


def why_not(accept):
    """A reason to compare nothing, or None."""
    lacking = [tool for tool in ("time", "valgrind") if not shutil.which(tool)]
    if lacking:
        return f"no {' and no '.join(lacking)}: setup/packages test installs it"
    here, there = built_with(), read()[0] if FIGURES.exists() else ""
    if not accept and here != there:
        return f"the figures are of {there}, and this is {here}"
    return None


def main():
    accept = os.environ.get("SINKHOLE_ACCEPT") == "instructions"
    reason = why_not(accept)
    if reason:
        print(f"1..0 # SKIP {reason}")
        return 0
    begin = time.monotonic()
    same_on_all_processors()
    found = list(count_all())
    print(f"# counted in {time.monotonic() - begin:.0f} s, with {built_with()}")
    if accept:
        write(found)
    return 1 if compare(found, read()[1]) else 0


if __name__ == "__main__":
    sys.exit(main())
