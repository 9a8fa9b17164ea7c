"""Knot Resolver with a response policy zone from a file that it watches: to change the file is to reload it, and each
write to it does so once."""

import bed as bench
from peers import zone
from peers.peer import Peer


class Knot(Peer):
    name = "knot"
    title = "Knot Resolver RPZ"
    packages = ("knot-resolver", "lua-cqueues")
    program = "kresd"

    def prepare(self):
        self.zone = self.dir / "zone" / "rpz.zone"
        self.zone.parent.mkdir()
        zone.write(self.zone, self.bed.list_file(self.count))
        self.added = []

    def start(self):
        self.port = bench.free_port()
        run = self.dir / f"run-{self.port}"
        run.mkdir()
        conf = self.dir / "kresd.conf"
        conf.write_text(f"""net.listen('127.0.0.1', {self.port}, {{ kind = 'dns' }})
cache.open(500 * MB, 'lmdb://{run}/cache')
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('priming')
modules.unload('detect_time_skew')
trust_anchors.remove('.')
policy.add(policy.rpz(policy.DENY, '{self.zone}', true))
policy.add(policy.all(policy.STUB('127.0.0.1@{self.bed.authority_port}')))
""")
        self.spawn("kresd", "-n", "-c", conf, run)

    def add(self, names):
        self.added = names

    def reload(self):
        zone.append(self.zone, self.added, new_serial=False)

    def disk(self):
        return self.zone.stat().st_size
