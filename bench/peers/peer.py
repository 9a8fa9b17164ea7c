"""What every peer is: a resolver with a block list, one worker thread, in a bed of its own.

A script beside this one says how its peer is configured, given its list, started and told of a changed one.
It knows nothing of what is measured.
"""

import os
import pathlib
import re
import shutil
import subprocess

import bed as bench

SBIN = os.environ["PATH"] + ":/usr/sbin:/sbin"

# A private view of /usr with an unpacked package laid over it: what lies there finds its libraries and modules at the
# places that it was built for. Each step replaces the process, so that its id stays that of the peer.
LAY_OVER = 'mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr && shift && exec "$@"'


def command(tree, *args):
    """What to start for a program of a package's: unpacked at `tree`, or, without one, installed."""
    if not tree:
        return [shutil.which(args[0], path=SBIN) or args[0], *map(str, args[1:])]
    return ["unshare", "--mount", "sh", "-c", LAY_OVER, "sh", str(tree), *map(str, args)]


def version_of(kind, tree):
    told = subprocess.run(command(tree, kind.program, kind.version_option), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    found = re.search(r"\d+(\.\d+)+", told)
    return found.group() if found else "?"


class Peer:
    """name       what is typed
    title      what is printed
    packages   the distribution's that it comes from; none for what is built here
    program    its server, which tells its version if given `version_option`
    tools      what else of them is started
    blocks     whether it has a list at all
    count      entries of its list
    tree       where `packages` are unpacked, None if they are installed
    """

    name = title = program = ""
    version_option = "--version"
    packages = tools = ()
    blocks = True

    def __init__(self, bed, count, tree=None):
        self.bed, self.count, self.tree = bed, count, tree
        self.child = None
        self.port = None
        self.dir = bed.dir / self.name
        self.dir.mkdir()

    # --- what a script gives ---

    def prepare(self):
        """Write list and configuration."""

    def compile(self):
        """Make of the list what the server reads; the seconds that it took. Left out where there is no such step."""

    def start(self):
        """Start the server: sets `child` and `port`."""
        raise NotImplementedError

    def add(self, names):
        """Put `names`, each with all below it, into the list that reload() will read."""

    def reload(self):
        """Have the changed list take effect; the process that does it, None if a signal did."""

    def patch(self, names):
        """Have `names` take effect besides, without the list; the process that does it, None where there is no such
        way."""

    def disk(self):
        """Bytes of what the server reads its list from."""
        return 0

    def extra(self, streams, plain):
        """Rows of its own, name -> values, of `streams` and with plain Unbound beside it."""
        return {}

    # --- what all share ---

    def command(self, *args):
        return command(self.tree, *args)

    def spawn(self, *args, **kwargs):
        with open(self.dir / "log", "ab") as log:
            self.child = self.bed.spawn(self.command(*args), stdout=log, stderr=log, **kwargs)

    def kill(self):
        """End it without waiting for it to tidy up: what it keeps is lost, as it should be."""
        if self.child:
            self.child.kill()
            self.child.wait()
            self.child = None

    def memory(self):
        """MB that it keeps: own pages, pages of files, and memory files, which count whole."""
        sealed = {}
        for line in pathlib.Path(f"/proc/{self.child.pid}/maps").read_text().splitlines():
            if "/memfd:" in line:
                span, _, offset, _, inode, *_ = line.split()
                begin, end = (int(x, 16) for x in span.split("-"))
                sealed[inode] = max(sealed.get(inode, 0), int(offset, 16) + end - begin)
        return bench.memory_mb(self.child.pid, sum(sealed.values()))


def tree_of(peer):
    """Where a peer's packages are unpacked, now if need be; None where they are installed or none are needed.
    Raises LookupError if they are not to be had."""
    if not peer.packages or all(shutil.which(program, path=SBIN) for program in (peer.program, *peer.tools)):
        return None
    done = subprocess.run([bench.SETUP / "deb", "--needed", *peer.packages], stdout=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode:
        raise LookupError(f"{' '.join(peer.packages)} cannot be had")
    return done.stdout.strip()
