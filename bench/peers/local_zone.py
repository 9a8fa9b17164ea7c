"""Unbound with `local-zone: NAME always_nxdomain` for each name. A changed list is read by SIGHUP, which empties the
cache; single names are given to unbound-control."""

import tempfile

import policy
from peers.unbound import Unbound


class LocalZone(Unbound):
    name = "local-zone"
    title = "Unbound local-zone"

    def prepare(self):
        self.zones = policy.local_zones(self.bed, self.count)
        with open(self.conf, "a", encoding="ascii") as out:
            out.write(f'include: "{self.zones}"\n')

    def add(self, names):
        with open(self.zones, "a", encoding="ascii") as out:
            out.writelines(f'local-zone: "{name}" always_nxdomain\n' for name in names)

    def reload(self):
        self.hang_up()

    def patch(self, names):
        with tempfile.TemporaryFile("w+") as lines:
            lines.writelines(f"{name} always_nxdomain\n" for name in names)
            lines.seek(0)
            return self.control("local_zones", stdin=lines)

    def disk(self):
        return self.zones.stat().st_size
