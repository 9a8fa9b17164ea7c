#!/usr/bin/python3
"""A question that nobody minded when it began waits for its answer, and meanwhile it becomes one that is blocked: its client
gets the block, and so does everybody after it. Within one second, too, in which the module does not judge again what it has
judged already."""
import concurrent.futures
import sys
import time

sys.dont_write_bytecode = True

import harness
import zones

LONG = 5  # seconds for what takes a moment
RPZ = "$TTL 60\n@ SOA a. b. 1 1 1 1 1\n@ NS a.\n32.45.2.0.192.rpz-ip CNAME .\n"  # where wild names lead
COURTS = (
    dict(),
    dict(modules="dynlib iterator"),
    dict(server="qname-minimisation: no"),
    dict(server="qname-minimisation-strict: yes", threads=3),
)


class Case:
    def __init__(self, tap, lab, nsd, options):
        self.tap, self.options = tap, options
        self.relay = lab.relay(nsd)
        self.store = lab.store()
        self.turn = lab.number
        self.publish()
        self.resolver = lab.unbound(self.relay, self.store, **options)
        self.resolver.ask(self.name())  # so that the way to such a name is known

    def publish(self, *more):
        self.store.compile(zones.PROBE + "\n", *more)

    def name(self):
        return "m%d.wild.clean.test" % self.turn()

    def in_use(self):
        """By the log: a question would wait with the other, if it came too early."""
        word = "generation %d in use" % self.store.serial()
        return harness.wait_until(lambda: self.resolver.said(word), LONG, 0.01)

    def after(self, qname, act, what):
        """What becomes of a question for which `act` came, and was in force, before its answer."""
        self.relay.open.clear()
        try:
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                asked = pool.submit(self.resolver.ask, qname)
                waits = harness.wait_until(lambda: self.relay.asked_below(qname), LONG, 0.005)
                self.tap.ok(act() and waits, "%s: in force before the answer comes" % what)
                self.relay.open.set()
                answer = asked.result()
        finally:
            self.relay.open.set()
        self.tap.same((answer.rcode, answer.addresses()), ("NXDOMAIN", []), "%s: the answer is a block" % what)
        self.tap.same({self.resolver.ask(qname).rcode for _ in range(8)}, {"NXDOMAIN"}, "%s: and stays one" % what)

    def listed(self, *more):
        self.publish(*more)
        return self.in_use()

    def resumed(self):
        self.store.run("resume")
        return self.in_use()


def early_in_a_second(most=0.1):
    """A time from which what takes a moment happens within one second of the clock."""
    while time.time() % 1 > most:
        time.sleep(0.01)


def run(tap, lab, nsd, options):
    case = Case(tap, lab, nsd, options)
    where = " ".join("%s" % value for value in options.values()) or "as usual"
    for turn in range(3):
        qname = case.name()
        early_in_a_second()
        case.after(qname, lambda: case.listed(("domains", qname + "\n")), "%s: listed, %d" % (where, turn))
    case.listed()
    early_in_a_second()
    case.after(case.name(), lambda: case.listed(("rpz", RPZ)), "%s: its address is listed, where no rule asked for "
               "addresses" % where)
    qname = case.name()
    begin = int(time.time()) + (10 if harness.SANITIZED else 5)
    case.listed(("domains", qname + "\n", "source=later,valid-from=@%d" % begin))
    time.sleep(max(0.0, begin - 0.3 - time.time()))
    case.after(qname, lambda: harness.wait_until(lambda: time.time() > begin + 0.05, LONG, 0.01),
               "%s: its entry begins to be valid" % where)
    qname = case.name()
    case.listed(("domains", qname + "\n"))
    case.store.run("pause")
    harness.wait_until(lambda: not case.resolver.blocks(zones.PROBE), LONG)
    early_in_a_second()
    case.after(qname, case.resumed, "%s: filtering is resumed" % where)


def main(tap, lab):
    nsd = lab.nsd(zones.plain())
    for options in COURTS:
        run(tap, lab, nsd, options)


if __name__ == "__main__":
    harness.run(main)
