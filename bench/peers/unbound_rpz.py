"""Unbound with a response policy zone from a file, which `unbound-control auth_zone_reload` reads again."""

from peers import zone
from peers.unbound import Unbound


class UnboundRpz(Unbound):
    name = "unbound-rpz"
    title = "Unbound RPZ"

    def prepare(self):
        self.zone = self.dir / "rpz.zone"
        zone.write(self.zone, self.bed.list_file(self.count))
        with open(self.conf, "a", encoding="ascii") as out:
            out.write('server:\n    module-config: "respip validator iterator"\n'
                      f'rpz:\n    name: "{zone.ORIGIN}"\n    zonefile: "{self.zone}"\n')

    def add(self, names):
        zone.append(self.zone, names)

    def reload(self):
        return self.control("auth_zone_reload", zone.ORIGIN)

    def disk(self):
        return self.zone.stat().st_size
