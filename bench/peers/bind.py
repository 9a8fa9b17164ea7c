"""BIND 9 with a response policy zone from a file, which SIGHUP has it read again. What it has no zone for goes to the
authority. It would otherwise put off a changed zone until a minute after the last change."""

import signal

import bed as bench
from peers import zone
from peers.peer import Peer


class Bind(Peer):
    name = "bind"
    title = "BIND 9 RPZ"
    packages = ("bind9",)
    program = "named"
    version_option = "-v"

    def prepare(self):
        self.zone = self.dir / "rpz.zone"
        zone.write(self.zone, self.bed.list_file(self.count))

    def start(self):
        self.port = bench.free_port()
        conf = self.dir / "named.conf"
        conf.write_text(f"""options {{
    directory "{self.dir}";
    pid-file none;
    session-keyfile none;
    lock-file none;
    listen-on port {self.port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion yes;
    dnssec-validation no;
    max-cache-size 512m;
    forward only;
    forwarders {{ 127.0.0.1 port {self.bed.authority_port}; }};
    response-policy {{ zone "{zone.ORIGIN}"; }} qname-wait-recurse no min-update-interval 0;
}};
controls {{ }};
zone "{zone.ORIGIN}" {{ type primary; file "{self.zone}"; allow-query {{ none; }}; }};
""")
        self.spawn("named", "-f", "-n", "1", "-c", conf, "-L", self.dir / "named.log")

    def add(self, names):
        zone.append(self.zone, names)

    def reload(self):
        self.child.send_signal(signal.SIGHUP)

    def disk(self):
        return self.zone.stat().st_size
