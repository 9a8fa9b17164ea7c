"""Instructions, counted by callgrind, of a command, of decisions, of a resolver and of our module in it: they do not
depend on who else is at work on the machine. Knows nothing of what is compared with what."""

import re
import subprocess
import time

import bed as bench
from bed import ask

DECISION = ("sink_client_of", "sink_decide")  # what bench/decide asks of the library
MODULE = ("operate",)  # what Unbound calls for a query


def total(report):
    return int(re.search(r"^totals: (\d+)", report.read_text(), re.M).group(1))


def command(bed, args):
    """Of the whole process."""
    out = bed.dir / "callgrind-command"
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *map(str, args)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return total(out)


# --- decisions -----------------------------------------------------------------------------------


def decided(text):
    """How many queries each rule decided, and nanoseconds a decision of each round: what bench/decide printed."""
    lines = text.splitlines()
    rules = {rule: int(count) for count, rule in (line.split(" ", 1) for line in lines if not line.startswith("# "))}
    return rules, [float(line.split()[1]) for line in lines if line.startswith("# ")]


def decisions(bed, data, queries):
    """Of sink_client_of() and sink_decide() a query of this file, and how many of them each rule decided."""
    out = bed.dir / "callgrind-decide"
    told = subprocess.run(["valgrind", "--tool=callgrind", *(f"--toggle-collect={name}" for name in DECISION),
                           f"--callgrind-out-file={out}", bench.DECIDE, str(data), str(queries), "1"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    rules, _ = decided(told)
    return total(out) / sum(rules.values()), rules


# --- a resolver ----------------------------------------------------------------------------------


def send_all(port, names, rcode=0):
    """Each name once, one after the other, so that all variants see the same packets."""
    for number, name in enumerate(names):
        came = ask(port, name, 30)
        if came != rcode:
            raise RuntimeError(f"query {number} for {name} was answered {came}, not {rcode}")


WORKER = "worker_handle_request"  # what only threads that answer clients come through


def counting(bed, data, before, names, rcode=0, options=(), **settings):
    """Have a resolver counted while it is asked for `names`, after all of `before` were asked for; `rcode` is what they
    are answered with. -> the beginning of the reports' names, seconds"""
    out = bed.dir / f"callgrind-{'module' if data else 'plain'}"
    for old in bed.dir.glob(f"{out.name}*"):
        old.unlink()
    child, port = bed.resolver(data, wrapper=("valgrind", "--tool=callgrind", "--instr-atstart=no", "--collect-systime=no",
                                              *options, f"--callgrind-out-file={out}"), **settings)
    bed.up(port, 300)
    send_all(port, before, rcode)
    subprocess.run(["callgrind_control", "-i", "on", str(child.pid)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    began = time.monotonic()
    send_all(port, names, rcode)
    seconds = time.monotonic() - began
    subprocess.run(["callgrind_control", "-i", "off", str(child.pid)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    bed.stop(child)
    return out, seconds


def resolver(bed, data, before, names, only=(), **settings):
    """Of the whole resolver process per query for one of `names`; or of these functions in it, and all that they call."""
    options = [f"--toggle-collect={name}" for name in only]
    out, _ = counting(bed, data, before, names, options=options, **settings)
    return total(out) / len(names)


def threads(bed, data, before, names, **settings):
    """Of the threads that answer, per query for one of `names`; and of others, a second."""
    out, seconds = counting(bed, data, before, names, options=["--separate-threads=yes"], **settings)
    sums = {True: 0, False: 0}
    for report in bed.dir.glob(f"{out.name}-*"):
        sums[WORKER in report.read_text()] += total(report)
    return sums[True] / len(names), sums[False] / seconds
