"""Unbound with sinkhole.so. A changed list is compiled anew, single names are applied."""

import re
import subprocess

import bed as bench
import policy
from bed import ask, wait_for
from peers.cost import over, throughput_over
from peers.unbound import Unbound

ADDRESS = "{rule: rest, match: {}, action: sinkhole, a: [192.0.2.53]}"


class Ours(Unbound):
    name = "ours"
    title = "Unbound with sinkhole.so"

    def prepare(self):
        self.data = self.bed.dir / "data"

    def compile(self):
        return self.bed.compile(self.data, self.count)[0]

    def add(self, names):
        with open(self.bed.list_file(self.count), "a", encoding="ascii") as out:
            out.writelines(f"{name}\n" for name in names)

    def reload(self):
        return self.publish("compile", "-q", "-d", str(self.data), f"domains:{self.bed.list_file(self.count)}")

    def patch(self, names):
        changes = self.dir / "changes.txt"
        changes.write_text("".join(f"+ {name}\n" for name in names))
        return self.publish("apply", "-d", str(self.data), str(changes))

    def publish(self, *words):
        return self.bed.spawn([bench.SINKHOLE, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def disk(self):
        return max(path.stat().st_size for path in (self.data / "gen").glob("base-*"))

    # --- rows that only we have ---

    def extra(self, streams, plain):
        return {**self.flood(streams), **self.with_address(streams, plain)}

    def with_address(self, streams, plain):
        """Listed names answered with the address of a sinkhole."""
        policy.apply(self.data, policy.write_policy(self.bed, "address", [ADDRESS], 1))
        name = streams.names[0]
        wait_for(lambda: ask(self.port, name) == 0, 30)
        _, ratios = over(self, streams.listed, plain, streams.clean)
        return {"address_ratio": ratios}

    def counts(self):
        """Questions that the authority has got, and entries of both caches."""
        told = subprocess.run([str(bench.UNBOUND_DIR / "unbound-control"), "-c", str(self.control_conf),
                               "stats_noreset"], stdout=subprocess.PIPE, text=True, check=True).stdout
        cached = re.findall(r"^(?:msg|rrset)\.cache\.count=(\d+)", told, re.M)
        if len(cached) != 2:
            raise RuntimeError("Unbound does not tell what its caches hold")
        return self.bed.asked(), sum(map(int, cached))

    def flood(self, streams):
        """Random names below one listed name, each asked for once; in a resolver that counts what it caches."""
        self.kill()
        with open(self.conf, "a", encoding="ascii") as out:
            out.write("server:\n    extended-statistics: yes\n")
        self.start()
        self.bed.up(self.port)
        questions, cached = self.counts()
        ratios = throughput_over(self, streams.flood, streams.listed)
        after, cached_after = self.counts()
        return {"flood_ratio": ratios, "flood_upstream": [after - questions], "flood_cached": [cached_after - cached]}
