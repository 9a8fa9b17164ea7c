"""Many clients at one instant, half of them exempt: each asks all its questions at once from an
address of its own, in its own spelling. And what must be true of what they get.

A blocked client's answer is judged by judge.py; an exempt client's by what plain Unbound answers.
"""
import random
import socket
import struct
import sys
import threading
import time
from collections import namedtuple

sys.dont_write_bytecode = True

import harness
import judge
import zones

EXEMPT_NET = "127.0.1."
BLOCKED_NET = "127.0.2."
EXEMPT = EXEMPT_NET + "1"
BLOCKED = BLOCKED_NET + "1"
PATIENCE = 20  # seconds for all answers

# What a server of a crowd needs: room for all their questions at once, and the patience not to ask
# a slow authority twice, be it for an answer that does not validate.
SERVER = """
so-rcvbuf: 4m
val-max-restart: 0
incoming-num-tcp: 200
infra-cache-min-rtt: 8000
"""

# One thing to ask. listed: is it, or what it leads to, listed? owner: the listed entry, where that
# is not the name itself or above it.
Question = namedtuple("Question", "qname qtype listed owner", defaults=("A", True, None))


EXEMPT_CLIENTS = ["192.0.2.0/24", EXEMPT_NET + "0/24", "2001:db8::/32"]


def options(lab, policy=judge.Policy(), exempt=tuple(EXEMPT_CLIENTS)):
    """What `compile` takes for a policy by which a group of clients gets everything unfiltered."""
    clients = ", ".join('"%s"' % prefix for prefix in exempt)
    text = "groups:\n  - {name: exempt, clients: [%s]}\npolicy:\n" % clients
    text += "  - {rule: exempt, match: {}, group: exempt, action: pass}\n" + policy.rule()
    return ["-c", lab.write("policy-%d.yaml" % lab.number(), text)]


def is_exempt(address):
    return address.startswith(EXEMPT_NET)


def spelling(qname, chance):
    return "".join(c.upper() if chance.random() < 0.5 else c.lower() for c in qname)


class Client:
    """One address that asks all its questions at once."""

    def __init__(self, port, source, questions, tcp, chance, patience):
        self.port = port
        self.patience = patience
        self.source = source
        self.tcp = tcp
        self.questions = list(questions)
        chance.shuffle(self.questions)
        self.answers = [None] * len(self.questions)
        self.wires = []
        for number, question in enumerate(self.questions):
            message = harness.query(
                spelling(question.qname, chance), question.qtype, do=chance.random() < 0.5,
                cd=chance.random() < 0.3, ad=chance.random() < 0.3,
                edns=0 if chance.random() < 0.7 else None, payload=4096)
            message.id = number
            self.wires.append(message.to_wire())
        self.thread = threading.Thread(target=self.work, daemon=True)

    def connect(self):
        self.sock = socket.socket(
            socket.AF_INET, socket.SOCK_STREAM if self.tcp else socket.SOCK_DGRAM)
        self.sock.bind((self.source, 0))
        self.sock.settimeout(self.patience)
        self.sock.connect(("127.0.0.1", self.port))

    def work(self):
        end = time.monotonic() + self.patience
        try:
            for wire in self.wires:
                self.sock.sendall(struct.pack("!H", len(wire)) + wire if self.tcp else wire)
            while None in self.answers and time.monotonic() < end:
                wire = self.receive()
                self.answers[struct.unpack_from("!H", wire)[0]] = wire
        except (OSError, EOFError, IndexError):
            pass  # what is missing is found missing
        finally:
            self.sock.close()

    def receive(self):
        if not self.tcp:
            return self.sock.recv(65535)
        length = struct.unpack("!H", harness.receive(self.sock, 2))[0]
        return harness.receive(self.sock, length)

    def heard(self):
        """(question, Answer or None) in turn."""
        for question, wire, answer in zip(self.questions, self.wires, self.answers):
            yield question, harness.Answer(answer, wire) if answer else None


class Crowd:
    """Clients of one resolver, of each net in turn. Every fifth uses TCP."""

    def __init__(self, resolver, questions, size=80, seed=3, nets=(EXEMPT_NET, BLOCKED_NET),
                 patience=PATIENCE):
        chance = random.Random(seed)
        sources = ["%s%d" % (nets[n % len(nets)], 10 + n) for n in range(size)]
        self.clients = [Client(resolver.port, source, questions, n % 5 == 4, chance, patience)
                        for n, source in enumerate(sources)]

    def start(self):
        for client in self.clients:
            client.connect()
        for client in self.clients:
            client.thread.start()
        return self

    def wait(self):
        for client in self.clients:
            client.thread.join(2 * PATIENCE)
        return self

    def ask(self):
        return self.start().wait()

    def heard(self, exempt):
        for client in self.clients:
            if is_exempt(client.source) == exempt:
                yield from client.heard()

    def lost(self):
        return ["%s: %s %s" % (client.source, question.qname, question.qtype)
                for client in self.clients for question, answer in client.heard() if not answer]

    def blocked_faults(self, policy):
        """What blocked clients got for what is listed."""
        return [fault for question, answer in self.heard(False) if answer and question.listed
                for fault in judge.faults(policy, answer, question.qtype, question.owner)]

    def exempt_faults(self, plain):
        """What exempt clients got for what is listed. No one can vouch for AD in a state that they
        shared."""
        return [fault for question, answer in self.heard(True) if answer and question.listed
                for fault in unspoilt(plain, answer, ad_may_miss=True)]

    def unlisted_faults(self, plain):
        return [fault for exempt in (True, False) for question, answer in self.heard(exempt)
                if answer and not question.listed for fault in unspoilt(plain, answer)]

    def verdicts(self, tap, policy, plain, what):
        tap.none(self.lost(), "%s: no question is lost" % what)
        tap.none(self.blocked_faults(policy), "%s: each blocked client gets its block" % what)
        tap.none(self.exempt_faults(plain), "%s: each exempt client gets the real data" % what)
        tap.none(self.unlisted_faults(plain), "%s: what is not listed is as without us" % what)


def gist(answer, without_ad):
    """All but the letter case of what stands in records: Unbound has that of who asked first."""
    rcode, flags, opt, *sections = answer.gist()
    flags = " ".join(word for word in flags.split() if not (without_ad and word == "AD"))
    return rcode, flags, opt, [sorted(line.lower() for line in lines) for lines in sections]


def unspoilt(plain, answer, ad_may_miss=False):
    """Is it what plain Unbound answers to the very same bytes? A list of what is wrong."""
    wire = harness.exchange(plain.port, answer.asked, tcp=True, timeout=PATIENCE)
    wanted = harness.Answer(wire, answer.asked)
    found = []
    if gist(answer, ad_may_miss) != gist(wanted, ad_may_miss):
        found.append("not the same")
    if answer.has("AD") and not wanted.has("AD"):
        found.append("AD")
    if harness.question_bytes(answer.wire) != harness.question_bytes(answer.asked):
        found.append("question")
    return ["%s: %s\nwithout %r\nwith    %r" % (fault, answer.message.question, wanted, answer)
            for fault in found]


def cached(resolver, zone_names, own=()):
    """Lines of dump_cache that must not be: messages about names in listed zones, and addresses of
    names that clients asked for. (What Unbound asked for on its own way may be there, unused.)"""
    zone_names = [harness.name(zone) for zone in zone_names]
    allowed = [harness.name(line) for line in zones.ALLOWED.split()]
    own = {harness.name(qname) for qname in own}
    found = []
    for line in resolver.control("dump_cache").stdout.splitlines():
        words = line.split()
        if words[:1] == ["msg"]:
            owner = harness.name(words[1])
            if not any(owner.is_subdomain(zone) for zone in allowed):
                found += [line for zone in zone_names if owner.is_subdomain(zone)]
        elif words[3:4] == ["A"]:
            found += [line] if harness.name(words[0]) in own else []
    return found
