"""dnsdist with an LMDB key-value store: no resolver, but a filter before one. Clean names go to the authority, and into
its packet cache. The store is made of a sorted dump by mdb_load(1), which can add to it while it is read; no tool of
the distribution's takes names out again."""

import subprocess

import bed as bench
from peers.peer import Peer

DUMP = "VERSION=3\nformat=bytevalue\ndatabase=names\ntype=btree\nmapsize={size}\nHEADER=END\n"
VALUE = " 31\n"


def key(name):
    """A name as DNS has it on the wire, in hexadecimal digits."""
    return b"".join(bytes([len(label)]) + label for label in name.encode().split(b".")).hex() + "00"


class Dnsdist(Peer):
    name = "dnsdist"
    title = "dnsdist, LMDB"
    packages = ("dnsdist", "lmdb-utils")
    program = "dnsdist"
    tools = ("mdb_load",)

    def prepare(self):
        self.store, self.keys, self.dump = (self.dir / name for name in ("names.mdb", "keys", "names.dump"))
        with open(self.bed.list_file(self.count), encoding="ascii") as names:
            with open(self.keys, "w", encoding="ascii") as out:
                out.writelines(f" {key(line.strip())}\n" for line in names)
        subprocess.run(["sort", "-o", self.keys, self.keys], env={"LC_ALL": "C", "TMPDIR": str(self.dir)}, check=True)
        with open(self.keys, encoding="ascii") as keys, open(self.dump, "w", encoding="ascii") as out:
            out.write(self.head())
            out.writelines(line + VALUE for line in keys)
            out.write("DATA=END\n")
        self.keys.unlink()
        self.change = self.dir / "change.dump"

    def compile(self):
        self.store.unlink(missing_ok=True)
        return bench.run_measured(self.loading(self.dump))[0]

    def head(self):
        return DUMP.format(size=64 * 2 ** 20 + 200 * self.count)

    def loading(self, dump):
        return self.command("mdb_load", "-n", "-s", "names", "-f", str(dump), str(self.store))

    def start(self):
        self.port = bench.free_port()
        conf = self.dir / "dnsdist.conf"
        conf.write_text(f"""setLocal('127.0.0.1:{self.port}')
setACL('127.0.0.0/8')
setSecurityPollSuffix('')
newServer({{address='127.0.0.1:{self.bed.authority_port}'}})
getServer(0):setUp()
getPool(''):setCache(newPacketCache(1000000))
names = newLMDBKVStore('{self.store}', 'names')
addAction(KeyValueStoreLookupRule(names, KeyValueLookupKeySuffix()), RCodeAction(DNSRCode.NXDOMAIN))
""")
        self.spawn("dnsdist", "--supervised", "--disable-syslog", "-C", conf)

    def add(self, names):
        end = "DATA=END\n"
        with open(self.dump, "r+", encoding="ascii") as out:
            out.seek(self.dump.stat().st_size - len(end))
            out.write("".join(f" {key(name)}\n{VALUE}" for name in names) + end)

    def reload(self):
        return self.bed.spawn(self.loading(self.dump), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def patch(self, names):
        self.change.write_text(self.head() + "".join(f" {key(name)}\n{VALUE}" for name in names) + "DATA=END\n")
        return self.bed.spawn(self.loading(self.change), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def disk(self):
        return self.store.stat().st_size
