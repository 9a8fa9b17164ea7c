"""A bed for measurements: one Unbound with or without our module, one NSD, both on loopback.

Knows nothing of what is measured. Ports are given by the kernel; a process is ended by its id.
"""

import contextlib
import math
import os
import pathlib
import platform
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

UNBOUND_DIR = pathlib.Path(os.environ.get("UNBOUND_DIR", "."))
SINKHOLE = os.environ.get("SINKHOLE", "sinkhole")
SINKHOLE_SO = os.environ.get("SINKHOLE_SO", "")
NAMES = os.environ.get("NAMES", "bench/names")
DECIDE = os.environ.get("DECIDE", "bench/decide")
STAGES = os.environ.get("STAGES", "bench/stages")
FLOOR_SO = os.environ.get("FLOOR_SO", "")
SETUP = pathlib.Path(__file__).resolve().parent.parent / "setup"

NXDOMAIN = 3


def nsd():
    """NSD's path: installed, or unpacked by the set-up."""
    path = shutil.which("nsd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if path:
        return path
    unpacked = subprocess.run([SETUP / "deb", "nsd"], stdout=subprocess.PIPE, check=True, text=True)
    return unpacked.stdout.strip() + "/usr/sbin/nsd"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def query_packet(name, ident=None):
    """An A query with RD=1, without EDNS, in wire form (RFC 1035, 4.1)."""
    ident = random.randrange(65536) if ident is None else ident
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.rstrip(".").split("."))
    return ident.to_bytes(2, "big") + b"\x01\x00\x00\x01" + bytes(6) + labels + b"\x00\x00\x01\x00\x01"


def ask(port, name, timeout=1.0):
    """The rcode of the answer, or None when none came within `timeout` seconds."""
    packet = query_packet(name)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect(("127.0.0.1", port))
        try:
            s.send(packet)
            answer = s.recv(4096)
            while answer[:2] != packet[:2]:  # of who had this port before, and had given up
                answer = s.recv(4096)
        except (TimeoutError, ConnectionRefusedError):
            return None
    return answer[3] & 15


def wait_for(condition, seconds, step=0.002):
    """Seconds until `condition()` held; raises TimeoutError."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            raise TimeoutError(f"waited {seconds} s in vain")
        time.sleep(step)
    return time.monotonic() - begin


def run_measured(args, **kwargs):
    """Run a command; (seconds, peak resident MB) of the whole process. Memory is as time(1) measures it: a child of our
    own would begin with our peak, which the kernel does not forget at exec. The clock runs while time(1) does, which
    takes a millisecond or two of its own: its report is in hundredths of a second."""
    with tempfile.NamedTemporaryFile("r") as report:
        begin = time.monotonic()
        subprocess.run([shutil.which("time"), "-f", "%M", "-o", report.name, *args], check=True,
                       **kwargs)
        return time.monotonic() - begin, int(report.read()) / 1024


def spread(values, digits=2):
    """`median (min - max)`, as all figures are quoted."""
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} - {max(values):.{digits}f})")


def interval(values):
    """The ends between which the true median lies with 95 %, by the order of the values alone (the sign test); None if
    there are too few."""
    ordered, count, outside, skipped = sorted(values), len(values), 0.0, 0
    while (outside := outside + math.comb(count, skipped) / 2 ** count) <= 0.025:
        skipped += 1
    return (ordered[skipped - 1], ordered[-skipped]) if skipped else None


def spread_of_pairs(values, digits=2):
    """The same, and between what its true median lies if there are pairs enough to say so."""
    known = interval(values)
    return spread(values, digits) + (f"; 95 %: {known[0]:.{digits}f} - {known[1]:.{digits}f}" if known else "")


def memory_mb(pid, sealed=0):
    """Memory that a process keeps: its own pages and those of files, and all of the `sealed` bytes that
    it holds as a memory file. Of those the kernel counts as resident only what was touched."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    own = sum(int(re.search(rf"^{field}:\s*(\d+)", status, re.M).group(1))
              for field in ("RssAnon", "RssFile"))
    return own / 1024 + sealed / 2 ** 20


def unlisted(names):
    """As many names like these, of three labels, that no generated list holds: its labels have no hyphens."""
    return [f"www.n-{name.split('.', 1)[0]}.{name.rsplit('.', 1)[1]}" for name in names]


def cpu_seconds(child):
    """User and system time of a process so far."""
    fields = pathlib.Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def worker_seconds(pid):
    """Processor time of Unbound's own threads; ours has another name."""
    used = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == "unbound":
            used += int((task / "schedstat").read_text().split()[0])
    return used / 1e9


def machine():
    """What all of it runs on."""
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return (f"{os.cpu_count()} processors ({model.group(1) if model else 'unknown'}), "
            f"Linux {platform.release().split('-')[0]}")


def write_between(mark, text):
    """Replace what stands between a pair of marks in doc/BENCHMARKS.md."""
    page = SETUP.parent / "doc" / "BENCHMARKS.md"
    begin, end = f"<!-- begin {mark} -->\n", f"<!-- end {mark} -->\n"
    head, rest = page.read_text().split(begin)
    page.write_text(head + begin + text + end + rest.split(end)[1])


class Bed:
    """A directory, the authority for clean.test, and resolvers started in it."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sinkhole-bench-"))
        self.dir.chmod(0o755)
        self.children = []
        self.authority_port = free_port()
        self.start_authority()

    def close(self):
        for child in self.children:
            self.stop(child)
        shutil.rmtree(self.dir, ignore_errors=True)

    def stop(self, child):
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(60)
        if child.poll() is None:
            child.kill()
            child.wait()

    def spawn(self, args, stdin=subprocess.DEVNULL, **kwargs):
        child = subprocess.Popen(args, stdin=stdin, **kwargs)
        self.children.append(child)
        return child

    def start_authority(self):
        zone = self.dir / "clean.test.zone"
        zone.write_text("$ORIGIN clean.test.\n$TTL 86400\n@ SOA ns hostmaster 1 3600 600 86400 60\n"
                        "@ NS ns\nns A 127.0.0.1\n* A 192.0.2.1\n")
        conf = self.dir / "nsd.conf"
        conf.write_text(f"""server:
    ip-address: 127.0.0.1@{self.authority_port}
    username: ""
    chroot: ""
    zonesdir: "{self.dir}"
    database: ""
    pidfile: "{self.dir}/nsd.pid"
    logfile: "{self.dir}/nsd.log"
    xfrdfile: "{self.dir}/xfrd.state"
    zonelistfile: "{self.dir}/zone.list"
    server-count: 1
    rrl-ratelimit: 0
remote-control:
    control-enable: yes
    control-interface: "{self.dir}/nsd.ctl"
zone:
    name: clean.test
    zonefile: clean.test.zone
""")
        self.spawn([nsd(), "-d", "-c", str(conf)], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
        wait_for(lambda: ask(self.authority_port, "x.clean.test", 0.2) == 0, 10)

    def asked(self):
        """How many questions the authority has been asked."""
        told = subprocess.run([nsd() + "-control", "-c", str(self.dir / "nsd.conf"), "stats_noreset"],
                              stdout=subprocess.PIPE, check=True, text=True).stdout
        return int(re.search(r"^num\.queries=(\d+)", told, re.M).group(1))

    def resolver(self, data=None, wrapper=(), threads=1, include=None, module=None, environment=None):
        """Start Unbound; with `data`, a data directory, our module is in it, or else `module`; `include` is a file for
        its configuration, `environment` what a module finds in its own besides. -> (process, port)"""
        port = free_port()
        module = SINKHOLE_SO if data else module
        modules = "dynlib validator iterator" if module else "validator iterator"
        conf = self.dir / f"unbound-{port}.conf"
        conf.write_text(f"""server:
    interface: 127.0.0.1@{port}
    username: ""
    chroot: ""
    directory: "{self.dir}"
    pidfile: ""
    use-syslog: no
    logfile: "{self.dir}/unbound-{port}.log"
    num-threads: {threads}
    do-not-query-localhost: no
    do-ip6: no
    so-rcvbuf: 0
    msg-cache-size: 64m
    rrset-cache-size: 128m
    module-config: "{modules}"
    local-zone: "test." nodefault
stub-zone:
    name: clean.test
    stub-addr: 127.0.0.1@{self.authority_port}
remote-control:
    control-enable: no
""" + (f'dynlib:\n    dynlib-file: "{module}"\n' if module else "") +
                        (f'include: "{include}"\n' if include else ""))
        env = dict(os.environ, SINKHOLE_DIR=str(data or ""), SINKHOLE_RUN=str(conf.with_suffix(".run")),
                   **(environment or {}))
        child = self.spawn([*wrapper, str(UNBOUND_DIR / "unbound"), "-d", "-c", str(conf)], env=env,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return child, port

    def up(self, port, seconds=120):
        wait_for(lambda: ask(port, "up.clean.test", 0.2) == 0, seconds)

    def list_file(self, count):
        """A list of `count` generated names, made once."""
        path = self.dir / f"list-{count}.txt"
        if not path.exists():
            with open(path, "wb") as out:
                subprocess.run([NAMES, "list", str(count)], stdout=out, check=True)
        return path

    def queries(self, count, n, permille):
        """A file of `n` queries, made once: Zipf-like over `count` clean names, `permille` of them over the list of
        `count`."""
        path = self.dir / f"queries-{count}-{n}-{permille}.txt"
        if not path.exists():
            with open(path, "wb") as out:
                subprocess.run([NAMES, "queries", str(count), str(n), str(permille)], stdout=out, check=True)
        return path

    def listed(self, count, n):
        """`n` names spread over the list of `count`."""
        wanted = {i * (count // n) for i in range(n)}
        with open(self.list_file(count), encoding="ascii") as lines:
            return [line.strip() for i, line in enumerate(lines) if i in wanted]

    def compile(self, data, count, *more):
        """Publish the list of `count` names and `more` lists; figures as run_measured() gives them."""
        return run_measured([SINKHOLE, "compile", "-q", "-d", str(data),
                             f"domains:{self.list_file(count)}",
                             *(f"domains:{path}" for path in more)])
