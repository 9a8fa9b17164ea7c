#!/usr/bin/python3
"""`sinkhole export --format rpz`, read by Unbound's own response policy zones: whoever asks gets what the module gives."""
import sys

sys.dont_write_bytecode = True

import harness
import zones

RULES = """\
sources:
  - {{name: ours, path: {ours}, format: domains, allow: true}}
  - {{name: empty, path: {empty}, format: domains}}
  - {{name: hole, path: {hole}, format: hosts}}
  - {{name: rest, path: {rest}, format: domains}}
policy:
  - {{rule: ours, match: {{source: ours}}, action: pass}}
  - {{rule: empty, match: {{source: empty}}, action: nodata}}
  - {{rule: hole, match: {{source: hole}}, action: sinkhole, a: [192.0.2.53], aaaa: ["2001:db8::53"]}}
  - {{rule: rest, match: {{}}, action: nxdomain}}
"""
LISTS = {"ours": "good.evil.test\n", "empty": "b.c.d.evil.test\nempty.test\n", "hole": "0.0.0.0 exact.test\n0.0.0.0 x.evil.test\n",
         "rest": "evil.test\n" + zones.PROBE + "\n"}
NAMES = """evil.test www.evil.test good.evil.test x.good.evil.test a.b.c.d.evil.test b.c.d.evil.test c.d.evil.test
z.c.d.evil.test d.evil.test z.d.evil.test exact.test child.exact.test x.evil.test y.x.evil.test empty.test a.empty.test
www.clean.test alias.clean.test""".split()
ZONE = '''rpz:
	name: "rpz.example."
	zonefile: "%s"
'''


def gist(answer):
    return (answer.rcode, answer.addresses())


def main(tap, lab):
    relay = lab.relay(lab.nsd(zones.plain()))
    store = lab.store()
    paths = {name: lab.write(name + ".txt", text) for name, text in LISTS.items()}
    store.run("compile", "-c", lab.write("export.yaml", RULES.format(**paths)))
    zone = lab.write("export.rpz", store.run("export", "--format", "rpz").stdout)
    ours = lab.unbound(relay, store)
    theirs = lab.unbound(relay, modules="respip validator iterator", tail=ZONE % zone)
    seen = {(name, qtype): gist(ours.ask(name, qtype)) for name in NAMES for qtype in ("A", "AAAA", "TXT")}
    tap.same(len({rcode for rcode, _ in seen.values()}), 2, "some are blocked, and some are not")
    tap.none(["%s %s: %s here, %s there" % (*asked, ours_says, gist(theirs.ask(*asked)))
              for asked, ours_says in seen.items() if gist(theirs.ask(*asked)) != ours_says],
             "Unbound answers %d questions by the exported zone as by the module" % len(seen))


if __name__ == "__main__":
    harness.run(main)
