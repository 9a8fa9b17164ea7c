"""PowerDNS Recursor with a response policy zone from a file, which `rec_control reload-lua-config` reads again."""

import subprocess

import bed as bench
from peers import zone
from peers.peer import Peer


class PowerDns(Peer):
    name = "powerdns"
    title = "PowerDNS Recursor RPZ"
    packages = ("pdns-recursor",)
    program = "pdns_recursor"
    tools = ("rec_control",)

    def prepare(self):
        self.zone = self.dir / "rpz.zone"
        zone.write(self.zone, self.bed.list_file(self.count))
        (self.dir / "rpz.lua").write_text(
            f'rpzFile("{self.zone}", {{policyName="{zone.ORIGIN}"}})\n')

    def start(self):
        self.port = bench.free_port()
        (self.dir / "recursor.conf").write_text(f"""local-address=127.0.0.1:{self.port}
socket-dir={self.dir}
config-dir={self.dir}
lua-config-file={self.dir}/rpz.lua
forward-zones=clean.test=127.0.0.1:{self.bed.authority_port}
threads=1
pdns-distributes-queries=no
dont-query=
dnssec=off
hint-file=no
security-poll-suffix=
daemon=no
setuid=
setgid=
loglevel=4
""")
        self.spawn("pdns_recursor", f"--config-dir={self.dir}")

    def add(self, names):
        zone.append(self.zone, names)

    def reload(self):
        return self.bed.spawn(self.command("rec_control", f"--socket-dir={self.dir}", f"--config-dir={self.dir}",
                                           "--timeout=600", "reload-lua-config"),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def disk(self):
        return self.zone.stat().st_size
