"""What the four peers that are Unbound share: the one that is built here, from the distribution's source."""

import signal
import subprocess

import bed as bench
from peers.peer import Peer


class Unbound(Peer):
    version_option = "-V"
    program = str(bench.UNBOUND_DIR / "unbound")
    data = None  # our data directory, where our module is in it

    def __init__(self, bed, count, tree=None):
        super().__init__(bed, count, tree)
        self.conf = self.dir / "more.conf"
        self.control_conf = self.dir / "control.conf"
        self.control_conf.write_text("remote-control:\n    control-enable: yes\n    control-use-cert: no\n"
                                     f"    control-interface: \"{self.dir}/ctl\"\n")
        self.conf.write_text(self.control_conf.read_text())

    def start(self):
        self.child, self.port = self.bed.resolver(self.data, include=self.conf)

    def control(self, *words, **kwargs):
        """unbound-control, started; its own configuration is short, for it reads all of it."""
        return self.bed.spawn([str(bench.UNBOUND_DIR / "unbound-control"), "-c", str(self.control_conf), *words],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)

    def hang_up(self):
        self.child.send_signal(signal.SIGHUP)
