"""A laboratory for live tests: NSD, a recording relay, Unbound with and without the module, and the
command; all on 127.0.0.1, in one temporary directory, gone afterwards however the test ends.

Knows processes, sockets and TAP. What the zones hold is in zones.py, what a blocked answer looks
like in judge.py, what must be true in the tests.

Environment: UNBOUND_DIR (a built Unbound source tree), SINKHOLE (the command), SINKHOLE_SO (the
module), SANITIZE_PRELOAD (optional: the sanitizer's run-time library, for the resolver only).
"""
import contextlib
import itertools
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.dont_write_bytecode = True

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

import zones

PORTS = range(5500, 7500)  # several tests at a time, some with a hundred servers; none is ephemeral
START_TIMEOUT = 20  # seconds; a sanitizer's start is slow
ASK_TIMEOUT = 5  # seconds, without a second try: no query may be lost on loopback
SANITIZED = bool(os.environ.get("SANITIZE_PRELOAD"))
POLL = 0.002  # seconds between looks at something that is about to happen


class Failure(Exception):
    """The laboratory could not do what the test needs."""


# --- TAP -----------------------------------------------------------------------------------------


class Tap:
    """Prints one line a fact; the plan comes last. Any thread."""

    def __init__(self):
        self.lock = threading.RLock()
        self.count = 0
        self.failed = 0

    def ok(self, passed, what, why=None):
        """why: what was seen instead; printed when it failed."""
        with self.lock:
            self.count += 1
            self.failed += not passed
            print("%sok %d - %s" % ("" if passed else "not ", self.count, escape(what)), flush=True)
            if not passed and why:
                self.note(why)
        return passed

    def same(self, seen, wanted, what):
        return self.ok(seen == wanted, what, "seen %r, wanted %r" % (seen, wanted))

    def none(self, faults, what):
        """A fact that holds when the list of what contradicts it is empty."""
        faults = list(faults)
        return self.ok(not faults, what, some(faults))

    def skip(self, what, reason):
        with self.lock:
            self.count += 1
            print("ok %d - %s # SKIP %s" % (self.count, escape(what), reason), flush=True)

    def note(self, text):
        for line in str(text).splitlines():
            print("# " + line, flush=True)

    def finish(self):
        print("1..%d" % self.count, flush=True)
        return 1 if self.failed or not self.count else 0


def some(faults):
    shown = "\n".join(str(fault) for fault in faults[:8])
    return shown + ("\n... and %d more" % (len(faults) - 8) if len(faults) > 8 else "")


def escape(what):
    return what.replace("\\", "\\\\").replace("#", "\\#").replace("\n", " ")


def run(main):
    """Run a test file's main(tap, lab) and exit with what came of it."""
    tap = Tap()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        with Lab() as lab:
            try:
                main(tap, lab)
                tap.none(lab.wrecks(), "every resolver stopped when asked, with status 0, unharmed")
            except Exception as error:  # a broken test is a failed test
                tap.ok(False, "the test ran to its end", "%r\n%s" % (
                    error, traceback.format_exc()))
                tap.note(lab.last_words())
    finally:
        status = tap.finish()
    sys.exit(status)


def vanish(directory):
    """It is gone at once: while files are removed one by one, a module that lives may put new ones beside them."""
    os.rename(directory, tempfile.mkdtemp(prefix=os.path.basename(directory) + ".", dir=os.path.dirname(directory)))


# --- what must not outlive the test --------------------------------------------------------------


def start_time(pid):
    """Tells a process from a later one with the same number; None when it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="latin-1") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


class Undertaker:
    """A process of its own that kills what was started and removes the directory once the test is
    gone: by the end of a pipe, hence also when the test was killed with SIGKILL."""

    def __init__(self, directory):
        self.directory = directory
        read_end, self.pipe = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            try:
                os.setsid()
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                os.close(self.pipe)
                self.wait_and_bury(read_end)
            finally:
                os._exit(0)
        os.close(read_end)

    def wait_and_bury(self, read_end):
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):  # or whoever reads the test's output would wait for us
            os.dup2(null, fd)
        with os.fdopen(read_end) as lines:
            pids = [line.split() for line in lines]
        for pid, started in pids:
            if start_time(int(pid)) == started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def watch(self, pid):
        os.write(self.pipe, b"%d %s\n" % (pid, (start_time(pid) or "gone").encode()))

    def dismiss(self):
        os.close(self.pipe)
        os.waitpid(self.child, 0)


class Lab:
    """Everything that one test file starts."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="live-")
        os.chmod(self.dir, 0o755)  # a resolver that runs as nobody looks inside
        self.undertaker = Undertaker(self.dir)
        self.random = random.Random(20261121)
        self.locks = []
        self.resolvers = []
        self.servers = []
        self.numbers = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            with contextlib.suppress(Exception):
                server.stop()
        self.undertaker.dismiss()
        for lock in self.locks:
            lock.close()

    def path(self, name):
        return os.path.join(self.dir, name)

    def number(self):
        """One that nobody had before. Any thread."""
        return next(self.numbers)

    def fresh(self, name):
        """A new directory."""
        path = self.path("%s-%d" % (name, self.number()))
        os.mkdir(path, 0o755)
        os.chmod(path, 0o755)
        return path

    def write(self, name, text):
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def port(self):
        """A port nobody listens on, UDP and TCP, ours until the end."""
        start = os.getpid()
        for i in range(len(PORTS)):
            port = PORTS[(start + i) % len(PORTS)]
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                lock.bind("\0sinkhole-live-test-%d" % port)  # abstract: goes with the process
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(socket.AF_INET, kind) as probe:
                        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        probe.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
            self.locks.append(lock)
            return port
        raise Failure("no free port in %s" % PORTS)

    def spawn(self, argv, log, **options):
        with open(log, "ab") as out:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                **options)
        self.undertaker.watch(process.pid)
        return process

    def nsd(self, zones):
        return Nsd(self, zones)

    def relay(self, nsd):
        return Relay(self, nsd)

    def store(self, name="store"):
        return Store(self, self.fresh(name))

    def unbound(self, upstream, store=None, **options):
        """A running resolver; what the store has published is in force."""
        resolver = Unbound(self, upstream, store, **options)
        resolver.start()
        if isinstance(store, Store) and store.serial() and not resolver.enforces():
            raise Failure("the published generation is not in force:\n" + tail(resolver.log_path))
        return resolver

    def wrecks(self):
        """Stop all resolvers; what was wrong with any of them, ever."""
        return [fault for resolver in self.resolvers for fault in resolver.stop()]

    def last_words(self):
        return "\n".join("%s: %s" % (r.log_path, line) for r in self.resolvers
                         for line in [l for l in r.log() if not STATISTICS.search(l)][-15:])


def wait_until(condition, timeout, step=POLL):
    """The condition's value as soon as it is true; its last one when time is up."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def tail(path, lines=25):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-lines:])
    except OSError as error:
        return str(error)


# --- asking --------------------------------------------------------------------------------------


def name(text):
    """A name from its text, or from a list of labels in bytes (without the root)."""
    if isinstance(text, dns.name.Name):
        return text
    if isinstance(text, str):
        return dns.name.from_text(text)
    return dns.name.Name(tuple(text) + (b"",))


def query(qname, qtype="A", klass="IN", rd=True, cd=False, ad=False, do=False, edns=None,
          payload=1232, options=()):
    """edns: the version; None for no OPT record, unless DO asks for one."""
    message = dns.message.make_query(name(qname), qtype, klass)
    message.flags = ((dns.flags.RD if rd else 0) | (dns.flags.CD if cd else 0) |
                     (dns.flags.AD if ad else 0))
    if do and edns is None:
        edns = 0
    if edns is not None:
        message.use_edns(edns, dns.flags.DO if do else 0, payload, options=list(options))
    return message


def question_bytes(wire):
    """The question section of a message with one question, as it stands on the wire."""
    at = 12
    while wire[at]:
        at += wire[at] + 1
    return wire[12:at + 5]


def receive(sock, count):
    got = b""
    while len(got) < count:
        piece = sock.recv(count - len(got))
        if not piece:
            raise EOFError("the other side closed the connection")
        got += piece
    return got


def exchange(port, wire, tcp=False, source=None, timeout=ASK_TIMEOUT):
    """Send a message, return the answer's bytes. One try: an answer that is lost is a fault."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        if source:
            sock.bind((source, 0))
        sock.connect(("127.0.0.1", port))
        if tcp:
            sock.sendall(struct.pack("!H", len(wire)) + wire)
            return receive(sock, struct.unpack("!H", receive(sock, 2))[0])
        sock.send(wire)
        while True:
            answer = sock.recv(65535)
            if answer[:2] == wire[:2]:
                return answer


class Answer:
    """A message as it came, and as dnspython reads it."""

    def __init__(self, wire, asked):
        self.wire = wire
        self.asked = asked
        self.message = dns.message.from_wire(wire)
        self.rcode = dns.rcode.to_text(self.message.rcode())

    def has(self, flag):
        return bool(self.message.flags & getattr(dns.flags, flag))

    @property
    def edes(self):
        """Codes of the extended DNS errors (RFC 8914)."""
        return [int.from_bytes(option.to_wire()[:2], "big") for option in self.message.options
                if option.otype == dns.edns.EDE]

    def data(self, section="answer"):
        """The records, one text each, without their times to live, in no order."""
        return sorted(
            "%s %s %s %s" % (rrset.name, dns.rdataclass.to_text(rrset.rdclass),
                             dns.rdatatype.to_text(rrset.rdtype), rdata.to_text())
            for rrset in getattr(self.message, section) for rdata in rrset)

    def addresses(self):
        return sorted(rdata.address for rrset in self.message.answer for rdata in rrset
                      if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA))

    def gist(self):
        """All that two resolvers must agree on: rcode, flags, EDNS, sections without times."""
        opt = None
        if self.message.edns >= 0:
            opt = (self.message.edns, self.message.ednsflags & 0xffff,
                   sorted((int(o.otype), o.to_wire()) for o in self.message.options))
        return (self.rcode, dns.flags.to_text(self.message.flags & ~0xf), opt, self.data(),
                self.data("authority"), self.data("additional"))

    def __repr__(self):
        return " ".join(str(part) for part in self.gist())


class Load:
    """Clients that ask one question after another until stopped, each on a socket of its own.

    ask(number)     the n-th question of a client: whatever query() takes, as a dictionary
    judge(answer, asked, sent, got)
                    returns what is wrong with an answer, a list; the times are time.monotonic()
    sources         addresses of the clients, by turns
    """

    def __init__(self, port, ask, judge, clients=4, pause=0.0, sources=("127.0.0.1",)):
        self.port = port
        self.sources = sources
        self.ask = ask
        self.judge = judge
        self.pause = pause
        self.stopping = False
        self.count = 0
        self.lost = []
        self.faults = []
        self.longest = 0.0  # seconds that a client waited for an answer
        self.threads = [threading.Thread(target=self.client, args=(n,), daemon=True)
                        for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def client(self, number):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(ASK_TIMEOUT)
            sock.bind((self.sources[number % len(self.sources)], 0))
            sock.connect(("127.0.0.1", self.port))
            at = number
            while not self.stopping:
                self.one(sock, self.ask(at))
                at += len(self.threads)
                time.sleep(self.pause)

    def one(self, sock, asked):
        wire = query(**asked).to_wire()
        sent = time.monotonic()
        answer = None
        try:
            sock.send(wire)
            while answer is None or answer[:2] != wire[:2]:
                answer = sock.recv(65535)
        except OSError as error:
            self.lost.append("%s: %s" % (asked, error))
            return
        got = time.monotonic()
        self.longest = max(self.longest, got - sent)
        self.count += 1
        self.faults += self.judge(Answer(answer, wire), asked, sent, got)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(2 * ASK_TIMEOUT)
        return self


# --- the authoritative side ----------------------------------------------------------------------


class Nsd:
    """NSD with zones: {origin: zone file text}."""

    def __init__(self, lab, zones):
        binary = shutil.which("nsd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not binary:
            raise Failure("nsd is not installed")
        self.dir = lab.fresh("nsd")
        self.port = lab.port()
        self.zones = [name(origin).to_text() for origin in zones]
        with open(self.dir + "/nsd.conf", "w", encoding="utf-8") as conf:
            conf.write(NSD_CONF.format(dir=self.dir, port=self.port))
            for number, (origin, text) in enumerate(zones.items()):
                file = "%s/%d.zone" % (self.dir, number)
                with open(file, "w", encoding="utf-8") as f:
                    f.write(text)
                conf.write('zone:\n\tname: "%s"\n\tzonefile: "%s"\n' % (origin, file))
        self.process = lab.spawn([binary, "-d", "-c", self.dir + "/nsd.conf"], self.dir + "/log")
        lab.servers.append(self)
        if not wait_until(lambda: all(self.serves(zone) for zone in self.zones), START_TIMEOUT):
            raise Failure("NSD does not serve its zones:\n" + tail(self.dir + "/log"))

    def serves(self, zone):
        if self.process.poll() is not None:
            raise Failure("NSD ended:\n" + tail(self.dir + "/log"))
        try:
            wire = query(zone, "SOA").to_wire()
            return dns.message.from_wire(exchange(self.port, wire, timeout=0.2)).answer
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)


NSD_CONF = """\
server:
	ip-address: 127.0.0.1
	port: {port}
	do-ip6: no
	username: ""
	chroot: ""
	server-count: 1
	database: ""
	zonesdir: "{dir}"
	pidfile: "{dir}/nsd.pid"
	xfrdir: "{dir}"
	xfrdfile: "{dir}/xfrd.state"
	zonelistfile: "{dir}/zone.list"
	cookie-secret-file: "{dir}/cookies"
	rrl-ratelimit: 0
	rrl-whitelist-ratelimit: 0
	verbosity: 0
remote-control:
	control-enable: no
"""


class Relay:
    """Stands between the resolver and NSD and remembers every question that passes."""

    def __init__(self, lab, nsd, address="127.0.0.1", port=None):
        self.nsd = nsd
        self.zones = nsd.zones
        self.port = port or lab.port()
        self.seen = []  # (name in lower case, type)
        self.delay = 0.0  # seconds that a question by UDP is held back
        self.open = threading.Event()  # cleared: such questions wait until it is set
        self.open.set()
        self.dead = set()  # zones whose questions are dropped, with all below
        self.failing = set()  # zones whose questions are answered with an error, with all below
        self.error = 2  # that error: SERVFAIL
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, self.port))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((address, self.port))
        self.tcp.listen(64)
        for work in (self.serve_udp, self.accept):
            threading.Thread(target=work, daemon=True).start()

    def note(self, wire):
        with contextlib.suppress(Exception):
            qname, used = dns.name.from_wire(wire, 12)
            qtype = struct.unpack_from("!H", wire, 12 + used)[0]
            self.seen.append((qname.canonicalize(), dns.rdatatype.to_text(qtype)))

    def serve_udp(self):
        while True:
            wire, client = self.udp.recvfrom(65535)
            self.note(wire)
            threading.Thread(target=self.forward, args=(wire, client), daemon=True).start()

    def forward(self, wire, client):
        """In a thread of its own: a question that NSD leaves unanswered must not hold up others."""
        time.sleep(self.delay)
        self.open.wait()
        with contextlib.suppress(OSError):
            answer = self.answer(wire)
            if answer:
                self.udp.sendto(answer, client)

    def accept(self):
        while True:
            sock, _ = self.tcp.accept()
            threading.Thread(target=self.serve_tcp, args=(sock,), daemon=True).start()

    def serve_tcp(self, sock):
        with sock, contextlib.suppress(OSError, EOFError):
            while True:
                wire = receive(sock, struct.unpack("!H", receive(sock, 2))[0])
                self.note(wire)
                answer = self.answer(wire, tcp=True)
                if answer:
                    sock.sendall(struct.pack("!H", len(answer)) + answer)

    def answer(self, wire, tcp=False):
        """What NSD says, or what the zone's lot is; nothing for a dead one."""
        if self.below(wire, self.dead):
            return None
        if self.below(wire, self.failing):
            return (wire[:2] + bytes([0x80, self.error]) + b"\0\1\0\0\0\0\0\0" +
                    question_bytes(wire))
        return exchange(self.nsd.port, wire, tcp)

    @staticmethod
    def below(wire, zones):
        qname, _ = dns.name.from_wire(wire, 12)
        return any(qname.is_subdomain(name(zone)) for zone in zones)

    def forget(self):
        self.seen.clear()

    def settle(self, quiet=0.5, most=10):
        """Wait until nothing was asked for a while: what earlier questions still want is no matter of later ones."""
        end, count = time.monotonic() + most, -1
        while count != len(self.seen) and time.monotonic() < end:
            count = len(self.seen)
            time.sleep(quiet)

    def asked_below(self, zone):
        """The questions for a name and everything below it."""
        zone = name(zone).canonicalize()
        return [(str(q), t) for q, t in list(self.seen) if q.is_subdomain(zone)]


# --- the command and its data directory ----------------------------------------------------------


class Store:
    """A data directory, and `sinkhole` working on it."""

    def __init__(self, lab, directory):
        self.lab = lab
        self.dir = directory

    @property
    def current(self):
        return os.path.join(self.dir, "current")

    def run(self, *argv, check=True):
        argv = [needed("SINKHOLE"), argv[0], "-d", self.dir, *argv[1:]]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=60)
        if check and done.returncode:
            raise Failure("%s: status %d\n%s%s" % (
                " ".join(argv), done.returncode, done.stdout, done.stderr))
        return done

    def compile(self, *sources, options=()):
        """sources: texts of domain lists, or (format, text, "key=value"...). Returns the serial."""
        self.prepare(*sources, options=options)()
        return self.serial()

    def prepare(self, *sources, options=()):
        """The same, to be done when the function that is returned is called."""
        arguments = []
        for source in sources:
            form, text, *keys = ("domains", source) if isinstance(source, str) else source
            path = self.lab.write("list-%d.txt" % self.lab.number(), text)
            arguments.append(",".join(["%s:%s" % (form, path), *keys]))
        return lambda: self.run("compile", *options, *arguments)

    def manifest(self):
        """The published manifest: {field: value}; empty when nothing is published."""
        try:
            with open(self.current, encoding="utf-8") as f:
                return dict((line.split(" ", 1) + [""])[:2] for line in f.read().splitlines())
        except FileNotFoundError:
            return {}

    def serial(self):
        return int(self.manifest().get("serial", 0))

    def base(self):
        return os.path.join(self.dir, "gen", self.manifest()["base"])

    def policy(self):
        return os.path.join(self.dir, "gen", self.manifest()["policy"])


def needed(variable):
    value = os.environ.get(variable)
    if not value:
        raise Failure("%s is not set" % variable)
    return os.path.abspath(value)


# --- the resolver --------------------------------------------------------------------------------

MODULE_LINES = 'dynlib:\n\tdynlib-file: "{}"\n'
STUB = 'stub-zone:\n\tname: "{}"\n\tstub-addr: 127.0.0.1@{}\n\tstub-prime: no\n'
FORWARD = 'forward-zone:\n\tname: "{}"\n\tforward-addr: 127.0.0.1@{}\n'


class Unbound:
    """Unbound with the module (store given) or without (store None).

    upstream    a Relay or an Nsd: where all of its zones are
    server      more lines for the server: clause; also to override those below
    tail        more clauses
    anchors     trust anchors, one text each
    modules     the module-config; without a store, the same without us
    build       another UNBOUND_DIR;  so: another module;  home: where it lives
    forward     send everything to the upstream as to another resolver
    leak_check  by the sanitizer, if there is one, when the resolver ends: that needs /proc
    environ     more variables of its environment
    """

    def __init__(self, lab, upstream, store=None, server="", tail="", anchors=(),
                 modules="dynlib validator iterator", threads=1, build=None, so=None, home=None,
                 daemonize=False, forward=False, leak_check=True, environ=None):
        self.lab = lab
        self.build = build or needed("UNBOUND_DIR")
        self.dir = home or lab.fresh("unbound")
        self.run_dir = lab.fresh("run")
        os.chmod(self.run_dir, 0o777)  # whoever it runs as
        self.port = lab.port()
        self.daemonize = daemonize
        self.leak_check = "detect_leaks=%d" % leak_check
        self.process = None
        self.pid = None
        self.faults = []
        self.log_path = self.dir + "/log"
        self.conf = self.dir + "/unbound.conf"
        self.environ = dict(os.environ)
        for variable in ("SINKHOLE_DIR", "SINKHOLE_KEY"):
            self.environ.pop(variable, None)
        self.environ["SINKHOLE_RUN"] = self.run_dir
        self.environ.update(environ or {})
        if store is None:
            modules = " ".join(word for word in modules.split() if word != "dynlib")
        else:
            tail += MODULE_LINES.format(so or needed("SINKHOLE_SO")) * modules.count("dynlib")
            self.environ["SINKHOLE_DIR"] = store if isinstance(store, str) else store.dir
        for zone in ["."] if forward else upstream.zones:
            tail += (FORWARD if forward else STUB).format(zone, upstream.port)
        anchors = "".join('\ttrust-anchor: "%s"\n' % anchor for anchor in anchors)
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(UNBOUND_CONF.format(
                dir=self.dir, port=self.port, ports="%d-%d" % (PORTS[0], PORTS[-1]),
                threads=threads, modules=modules, anchors=anchors,
                daemonize="yes" if daemonize else "no", log=self.log_path if daemonize else "",
                server=indented(server), tail=tail))

    def binary(self, which):
        return os.path.join(self.build, which)

    def start(self):
        environ = dict(self.environ)
        if SANITIZED:
            environ["LD_PRELOAD"] = os.environ["SANITIZE_PRELOAD"]
            for variable in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
                options = environ.get(variable, "") + ":" + self.leak_check
                if self.daemonize:  # a daemon has no stderr
                    options += ":log_path=" + self.dir + "/sanitizer"
                environ[variable] = options
        argv = [self.binary("unbound"), "-c", self.conf] + ([] if self.daemonize else ["-d"])
        self.process = self.lab.spawn(argv, self.log_path, env=environ, cwd=self.dir)
        self.pid = self.process.pid
        if self not in self.lab.resolvers:
            self.lab.resolvers.append(self)
        if self.daemonize:
            self.adopt_daemon()
        if not wait_until(self.answers, START_TIMEOUT):
            raise Failure("Unbound does not answer:\n" + tail(self.log_path))

    def adopt_daemon(self):
        if self.process.wait(START_TIMEOUT):
            raise Failure("Unbound did not start:\n" + tail(self.log_path))
        pidfile = self.dir + "/unbound.pid"
        if not wait_until(lambda: os.path.exists(pidfile) and os.path.getsize(pidfile), 5):
            raise Failure("no pid file of the daemon")
        with open(pidfile, encoding="ascii") as f:
            self.pid = int(f.read())
        self.lab.undertaker.watch(self.pid)

    def alive(self):
        if self.daemonize:
            return start_time(self.pid) is not None
        return self.process.poll() is None

    def answers(self):
        if not self.alive():
            raise Failure("Unbound ended:\n" + tail(self.log_path))
        try:
            wire = query("id.server", "TXT", "CH").to_wire()
            return exchange(self.port, wire, timeout=0.2)
        except OSError:
            return False

    def ask(self, qname, qtype="A", tcp=False, source=None, timeout=ASK_TIMEOUT, **flags):
        asked = query(qname, qtype, **flags)
        wire = asked.to_wire(max_size=65535)  # else it goes by the payload size
        return Answer(exchange(self.port, wire, tcp, source, timeout), wire)

    def blocks(self, zone):
        """Is a name in this zone blocked that nobody asked for before, hence not cached?"""
        return 15 in self.ask("fresh%d.%s" % (self.lab.number(), zone), edns=0).edes

    def enforces(self, zone=zones.PROBE, timeout=START_TIMEOUT):
        return wait_until(lambda: self.blocks(zone), timeout)

    def control(self, *argv, check=True, text=""):
        """text: what the command reads, e.g. load_cache."""
        done = subprocess.run([self.binary("unbound-control"), "-c", self.conf, *argv],
                              input=text, capture_output=True, text=True, timeout=30)
        if check and done.returncode:
            raise Failure("unbound-control %s: %s%s" % (" ".join(argv), done.stdout, done.stderr))
        return done

    def flush(self, zone="."):
        """Forget cached answers: that a cached answer gives way by itself is not asked for here."""
        self.control("flush_zone", zone)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read().splitlines()

    def said(self, pattern=r"."):
        """The module's own log lines that match."""
        return [line for line in self.log()
                if OURS.search(line) and re.search(pattern, OURS.split(line)[-1])]

    def enforced(self, serial):
        """The line that says so of a generation, or None."""
        return next(iter(self.said(ENFORCED % serial)), None)

    def rss(self):
        """Resident kilobytes."""
        with open("/proc/%d/status" % self.pid, encoding="ascii", errors="replace") as f:
            return int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1))

    def links(self):
        """What its open descriptors lead to."""
        found = []
        for fd in os.listdir("/proc/%d/fd" % self.pid):
            with contextlib.suppress(OSError):
                found.append(os.readlink("/proc/%d/fd/%s" % (self.pid, fd)))
        return found

    def stop(self, number=signal.SIGTERM):
        """Returns what is wrong with it: a list of texts, the same however often it is called."""
        if self.pid is None:
            return self.faults
        if not self.alive():
            self.faults.append("it had ended before it was asked to")
        else:
            os.kill(self.pid, number)
        if not wait_until(lambda: not self.alive(), 20, 0.01):
            self.faults.append("it did not stop within 20 s")
            os.kill(self.pid, signal.SIGKILL)
        if not self.daemonize and self.process.wait(5):
            self.faults.append("its exit status is %d" % self.process.returncode)
        self.pid = None
        self.faults += [line for line in self.log() if BAD_NEWS.search(line)]
        self.faults += [tail(os.path.join(self.dir, file), 100) for file in os.listdir(self.dir)
                        if file.startswith("sanitizer.")]
        if self.faults:
            self.faults.append("%s ends with:\n%s" % (self.log_path, tail(self.log_path)))
        return self.faults


def indented(lines):
    return "".join("\t%s\n" % line.strip() for line in lines.splitlines() if line.strip())


OURS = re.compile(r"\] unbound\[[^]]*\] \w+: sinkhole(?: [^ :]+)?: ")

# What the module says when nothing can show the generation before any more.
ENFORCED = (r"generation %s enforced: caches after ([0-9.]+) seconds, queries after ([0-9.]+); "
            r"removed (\d+) record sets, (\d+) messages")

STATISTICS = re.compile(r"info:( +[0-9.]+| server stats| average| histogram| \[25%\]| lower)")

BAD_NEWS = re.compile(r"AddressSanitizer|UndefinedBehavior|runtime error:|fatal error|assertion|"
                      r"internal error|stack smashing|free\(\)|malloc\(\)|corrupted")

# By default this Unbound gives no answer at all to who waited for more than 1.9 seconds, as on a busy machine one may:
# here each question is to be answered, and rightly.
UNBOUND_CONF = """\
server:
	verbosity: 1
	use-syslog: no
	logfile: "{log}"
	username: ""
	chroot: ""
	directory: "{dir}"
	pidfile: "{dir}/unbound.pid"
	interface: 127.0.0.1
	port: {port}
	do-ip6: no
	num-threads: {threads}
	do-daemonize: {daemonize}
	do-not-query-localhost: no
	access-control: 127.0.0.0/8 allow
	identity: "live"
	local-zone: "test." nodefault
	module-config: "{modules}"
	discard-timeout: 0
	wait-limit: 0
	outgoing-port-avoid: "{ports}"
{anchors}{server}
remote-control:
	control-enable: yes
	control-use-cert: no
	control-interface: "{dir}/control"
{tail}"""
