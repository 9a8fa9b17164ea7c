#!/usr/bin/env python3
"""A publisher is killed at each of its system calls on the data directory, and each of them fails. Whatever happens,
`current` names a complete generation, the old one or the new; who was not killed says in one line what came of it; and
the next publisher publishes, and leaves nothing behind. Prints TAP. SINKHOLE is the program.

Who dies after a call that only looks leaves what was there before it, so that one death is tried for all such calls
in a row; with SINKHOLE_KILLS=all, each. Each call is made to fail in one of the ways of ERRORS, by turns; with
SINKHOLE_KILLS=all, in all of them. In a sanitizer's build, which is slow and has nothing to say of the dead, some
calls fail.

strace does the killing and failing (`-e inject`): a call that is hit is not made, so that a death there is one right
after the call before. It counts the calls of each name for itself, which is how one is found again; hardly ever in
vain, where an allocator maps memory as it pleases. It counts in each process and thread for itself, too, so that of a
publisher that leaves one behind each that gets so far is hit.
"""
import collections
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

KILL = "signal=KILL"
ERRORS = ["ENOSPC", "EIO", "EDQUOT", "ENOMEM", "EINTR"]
IS_LONG = os.environ.get("SINKHOLE_KILLS") == "all"
IS_SANITIZED = os.environ.get("CK_FORK") == "no"  # make check says it so
MISSED = 0.05 if IS_SANITIZED else 0  # of the calls that may be, at most

# These change nothing that outlives a process; nor does openat() that does not create.
LOOKS = {"access", "close", "faccessat", "faccessat2", "fadvise64", "fstat", "fstatfs", "getdents64", "lseek",
         "newfstatat", "pread64", "read", "readlink", "readlinkat", "statfs", "statx"}

# One system call of a program: the `number`-th of its name, from 1.
Call = collections.namedtuple("Call", "name number")


def strace(argv, log, *options):
    """Run a program; what it did is in the file `log`, a line a call, with the paths of descriptors."""
    return subprocess.run(["strace", "-f", "-y", "-o", log, *options, *argv], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors="replace", timeout=60)


def can_trace(log):
    return shutil.which("strace") is not None and strace(["true"], log, "--seccomp-bpf").returncode == 0


def lines_of(log):
    """Of each process and thread, in the order in which they began: (name of the call, the line), as they came."""
    processes = collections.defaultdict(list)
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            match = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed>)", line)
            if match and match[3] == "(":
                processes[match[1]].append((match[2], line))
            elif match and processes[match[1]]:  # the rest of one that another process came between
                name, begun = processes[match[1]].pop()
                processes[match[1]].append((name, begun + line))
    return list(processes.values())


def only_looks(name, line):
    return name in LOOKS or (name == "openat" and "O_CREAT" not in line and "O_TRUNC" not in line)


def calls_on(directory, log):
    """Which of the calls that were logged name a directory or what is in it; not the program's own start, and not those of
    who is left behind, which does what `compact` does.

    returns  the calls, and those of them before which something may have changed since the one before
    """
    counts, calls, after_change, changed = collections.Counter(), [], [], True
    for name, line in lines_of(log)[0]:
        counts[name] += 1
        if directory in line and name != "execve":
            calls.append(Call(name, counts[name]))
            if changed or IS_LONG:
                after_change.append(calls[-1])
            changed = not only_looks(name, line)
    return calls, after_change


def inject(argv, directory, call, what, log):
    """Run a program of which one call is hit.

    returns  what came of the program; None: it went another way, and the call was not met
    """
    faster = [] if what == KILL else ["--seccomp-bpf"]  # with which no signal comes
    done = strace(argv, log, *faster, "-e", "trace=" + call.name,
                  "-e", "inject=%s:%s:when=%d" % (call.name, what, call.number))
    hits = [line for process in lines_of(log) for _, line in process[call.number - 1:call.number]]
    # of /proc/self/fd strace tells the path if it was opened
    hits = [hit for hit in hits if directory in hit or "/proc/self/fd/" in hit]
    if what == KILL:
        return done if hits and "+++ killed by SIGKILL +++" in read(log) else None
    return done if any("(INJECTED)" in hit for hit in hits) else None


# --- what must be true ----------------------------------------------------------------------------------


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def fields_of(text):
    return dict((line.split(" ", 1) + [""])[:2] for line in text.splitlines())


class Place:
    """A data directory, and the program on it."""

    known = {}  # what is listed, by the digests of the files

    def __init__(self, directory):
        self.dir = directory
        self.gen = os.path.join(directory, "gen")

    def argv(self, command):
        return [os.environ["SINKHOLE"], command[0], "-d", self.dir, *command[1:]]

    def run(self, *command):
        return subprocess.run(self.argv(command), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=60)

    def current(self):
        return read(os.path.join(self.dir, "current"))

    def serial(self):
        return int(fields_of(self.current()).get("serial", 0))

    def names(self):
        """All that is listed. It is asked for once of files with the same digests: that they have these, `verify` tells."""
        fields = fields_of(self.current())
        digests = fields.get("base-sha256"), fields.get("delta-sha256")
        if digests not in self.known:
            self.known[digests] = self.run("export", "--format=domains").stdout.split()
        return self.known[digests]

    def manifests(self):
        return sorted(name for name in os.listdir(self.gen) if name.endswith(".manifest"))

    def astray(self):
        """What lies in the directory and belongs to no generation."""
        named = {"current", "gen"}
        for name in self.manifests():
            fields = fields_of(read(os.path.join(self.gen, name)))
            named |= {name, *(fields.get(kind) for kind in ("base", "policy", "delta", "changes"))}
        return sorted(set(os.listdir(self.dir) + os.listdir(self.gen)) - named)

    def age(self):
        """Let what a dead process has left be known as such, although nobody may have waited for it yet."""
        for path in glob.glob(self.gen + "/tmp-*"):
            os.utime(path, (0, 0))

    def next_serial(self):
        """Above all that the directory knows by name, and hence what a resolver may have seen."""
        names = [os.path.basename(path) for path in glob.glob(self.gen + "/*[!0-9]")]  # of tmp-PID-N nobody knows
        return 1 + max([self.serial()] + [int(re.search(r"\d+", name)[0]) for name in names])

    def faults(self, old, new):
        """What is wrong with a directory of which this or one of those serials should be in force; 0: none."""
        serial, verified = self.serial(), self.run("verify")
        if serial == old == 0:
            return []
        faults = [] if serial in (old, *new) else ["serial %d, not %d or one of %s" % (serial, old, list(new))]
        if verified.returncode != 0:
            faults.append("verify: " + verified.stderr)
        if self.current() != read(os.path.join(self.gen, "%012d.manifest" % serial)):
            faults.append("`current` is not the manifest in gen")
        return faults


# What a publisher says when all went well.
RESULT = re.compile("sinkhole: (generation [0-9]+ published: |filtering is paused since .*, and stays so|"
                    "source 'second' held back: .* good entries stay)")


def tells(done, is_new, status):
    """What is wrong with how one ended that was not killed. A harmless error need not be told, and changes no status."""
    said = [line for line in done.stderr.splitlines() if not RESULT.match(line)]
    if done.returncode == status:
        return ([] if is_new else ["status %d, and nothing published" % status]) + said
    faults = [] if done.returncode == 4 else ["status %d" % done.returncode]
    if len(said) != 1 or not said[0].startswith("sinkhole: "):
        faults.append("%d lines: %r" % (len(said), done.stderr))
    elif ("nothing published" in said[0]) == is_new or ("is published, but" in said[0]) != is_new:
        faults.append("%s published: %s" % ("a generation was" if is_new else "none was", said[0]))
    return faults


# --- the publishers -------------------------------------------------------------------------------------

# What is published before, and what is done then, which ends with `status`; `killed` is a command in between that dies
# before it replaces `current`. It publishes one generation, or `most`, by a process that is left behind. Lists and
# configurations are files of the room.
Scenario = collections.namedtuple("Scenario", "name before command killed status is_long most",
                                  defaults=[None, 0, False, 1])

HISTORY = [("compile", "-q", "domains:one"), ("compile", "-q", "domains:two"), ("compile", "-q", "domains:one")]
SCENARIOS = [
    Scenario("the first compile", [], ("compile", "-q", "domains:one")),
    Scenario("compile while filtering is paused, with two to prune", [*HISTORY, ("pause",)],
             ("compile", "-q", "--keep=2", "domains:two")),
    Scenario("apply --policy", HISTORY, ("apply", "--policy=other.yaml")),
    Scenario("rollback", HISTORY, ("rollback",)),
    Scenario("pause", HISTORY, ("pause", "--for=1h")),
    Scenario("resume", [*HISTORY, ("pause",)], ("resume",)),
    Scenario("compile while filtering is paused, and somebody died who resumed it", [*HISTORY, ("pause",)],
             ("compile", "-q", "domains:two"), ("resume",)),
    Scenario("compile while a source is held back, and its last good entries stay",
             [("compile", "-q", "domains:two,source=first", "domains:one,source=second")],
             ("compile", "-q", "--popular=top", "domains:two,source=first", "domains:top,source=second"), status=1),
    Scenario("apply", [*HISTORY, ("apply", "changes")], ("apply", "more")),
    Scenario("compact", [*HISTORY, ("apply", "changes")], ("compact",)),
    Scenario("apply that folds in the background", [*HISTORY, ("apply", "changes")], ("apply", "--compact-at=1", "more"),
             most=2),
    Scenario("compile of what does not fit in memory", HISTORY, ("compile", "-q", "--memory=1M", "domains:many"),
             is_long=True),
]
RENAMES_CURRENT = Call("renameat", 2)  # of a publisher that writes a manifest only
NEXT = ("compile", "-q", "--keep=4", "domains:one")  # the next publisher


class Room:
    """The directory in which all of it happens, and every case in one of its own."""

    def __init__(self, path):
        self.path = path
        self.count = 0
        self.templates = {}  # of each scenario that is prepared: the directory as it is before, to be copied
        self.names = {}  # of each of these: what is listed before, and when all went well
        for name, text in (("one", "a.example\nb.example\n"), ("two", "a.example\nc.example\n"), ("top", "popular.example\n"),
                           ("many", "".join("n%d.many.example\n" % i for i in range(60000))),
                           ("changes", "+ live.example\n- a.example\n"), ("more", "+ more.example\n"),
                           ("other.yaml", "policy:\n  - {rule: all, match: {}, action: refused}\n")):
            with open(os.path.join(path, name), "w", encoding="utf-8") as f:
                f.write(text)

    def fresh(self):
        self.count += 1
        return os.path.join(self.path, "case-%d" % self.count)

    def prepare(self, scenario):
        """Make the directory as it is before. Returns what calls_on() does of the command on it."""
        template = self.templates[scenario.name] = self.fresh()
        os.mkdir(template)
        for command in scenario.before:
            done = Place(template).run(*command)
            if done.returncode:
                raise RuntimeError("%s: %s" % (command, done.stderr))
        if scenario.killed:
            inject(Place(template).argv(scenario.killed), template, RENAMES_CURRENT, KILL, template + ".log")
            if Place(template).next_serial() != Place(template).serial() + 2:
                raise RuntimeError("%s has not left a manifest that was never `current`" % (scenario.killed,))
        place = Place(self.fresh())
        shutil.copytree(template, place.dir)
        done = strace(place.argv(scenario.command), place.dir + ".log")
        if done.returncode != scenario.status or place.astray():
            raise RuntimeError("%s: %s%s" % (scenario.name, done.stderr, place.astray()))
        self.names[template] = (Place(template).names(), place.names())
        return calls_on(place.dir, place.dir + ".log")

    def case(self, directory, template, scenario, call, what):
        """returns what was wrong, a list of texts; None: the call was not met"""
        place, log = Place(directory), directory + ".log"
        shutil.copytree(template, directory)
        old, new = place.serial(), place.next_serial()
        names, wanted = self.names[template]
        was_paused = "paused" in fields_of(place.current())
        done = inject(place.argv(scenario.command), directory, call, what, log)
        faults = None
        if done is not None:
            faults = place.faults(old, range(new, new + scenario.most))
            if what != KILL:
                faults += tells(done, place.serial() >= new, scenario.status)
            if place.names() != (wanted if place.serial() >= new else names):
                faults.append("%s are listed" % place.names())
            lost = set(names) - set(place.names()) if scenario.status else []
            faults += ["%s, of a list that was held back, is gone" % name for name in lost]
            if was_paused and scenario.command[0] != "resume" and "paused" not in fields_of(place.current()):
                faults.append("the pause is lost")
            if scenario.most > 1:
                place.age()
            faults += self.goes_on(place)
        shutil.rmtree(directory)
        os.unlink(log)
        return faults

    @staticmethod
    def goes_on(place):
        """The next publisher publishes, and cleans up."""
        before, done = place.serial(), place.run(*NEXT)
        faults = [] if done.returncode == 0 and place.serial() > before else ["the next one: " + done.stderr]
        return faults + ["%s is left" % name for name in place.astray()]


# --- all of it ------------------------------------------------------------------------------------------

number = failures = 0


def ok(what, faults):
    global number, failures
    number += 1
    print("%s %d - %s" % ("not ok" if faults else "ok", number, what))
    for fault in faults[:12]:
        print("#", ascii(fault)[1:-1])
    failures += bool(faults)
    sys.stdout.flush()


def check(room, scenario, pool, what, cases):
    """cases: (call, signal or error)"""
    template = room.templates[scenario.name]
    jobs = [pool.submit(room.case, room.fresh(), template, scenario, *case) for case in cases]
    faults, missed = [], 0
    for (call, how), job in zip(cases, jobs):
        missed += job.result() is None
        faults += ["%s %d, %s: %s" % (*call, how, fault) for fault in job.result() or []]
    if missed > MISSED * len(cases):
        faults.append("%d of %d calls were not met" % (missed, len(cases)))
    ok("%s: %s" % (scenario.name, what % (len(cases) - missed)), faults)


def main():
    # In memory if that can be had: here is no power cut that anything could outlive, and thousands of fsync() wait.
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="sinkhole-kills-", dir=parent) as path, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        os.chdir(path)
        for name in ("SINKHOLE_DIR", "SOURCE_DATE_EPOCH"):
            os.environ.pop(name, None)
        os.environ["LC_ALL"] = "C"
        # A leak is no matter of this test, and who looks for one must not be traced.
        os.environ["ASAN_OPTIONS"] = "detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", "")
        if not can_trace("can.log"):
            print("1..0 # SKIP strace may not trace here")
            return 0
        room = Room(path)
        for scenario in SCENARIOS:
            if scenario.is_long and not IS_LONG:
                continue
            calls, after_change = room.prepare(scenario)
            if not IS_SANITIZED:
                check(room, scenario, pool, "killed at %d calls, after each that may change something",
                      [(call, KILL) for call in after_change])
            check(room, scenario, pool, "%d times such a call fails", [
                (call, "error=" + error) for turn, call in enumerate(calls) for at, error in enumerate(ERRORS)
                if IS_LONG or turn % len(ERRORS) == at and (not IS_SANITIZED or turn % 3 == 0)])
    print("1..%d" % number)
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
