"""What a blocked answer must look like, whatever was asked and however.

SOA in the authority section with the policy's TTL, never AD, OPT if and only if the query had one,
extended DNS error 15 with it (RFC 8914, 4.16), the question as it came.
"""
import sys

sys.dont_write_bytecode = True

import dns.flags
import dns.rdatatype

import harness
import zones

FORGED = {"A", "AAAA", "SOA", "OPT"}  # all that a blocked answer may hold; no RRSIG, no NSEC


class Policy:
    """What `compile` was asked to bake in, and what follows from it."""

    def __init__(self, action="nxdomain", ttl=10, a=(), aaaa=()):
        self.action = action
        self.ttl = ttl
        self.sets = {"A": sorted(a), "AAAA": sorted(aaaa)}

    def options(self):
        words = ["--action", self.action, "--ttl", str(self.ttl)]
        for address in self.sets["A"]:
            words += ["--sinkhole-a", address]
        for address in self.sets["AAAA"]:
            words += ["--sinkhole-aaaa", address]
        return words

    def rule(self, word="default", more=""):
        """The same as a rule of sinkhole.yaml, for every entry."""
        answer = "".join(", %s: [%s]" % (key.lower(), ", ".join('"%s"' % a for a in addresses))
                         for key, addresses in self.sets.items() if addresses)
        return "  - {rule: %s, match: {}%s, action: %s, ttl: %d%s}\n" % (
            word, more, self.action, self.ttl, answer)

    def addresses(self, qtype):
        if self.action != "sinkhole":
            return []
        if qtype == "ANY":
            return sorted(self.sets["A"] + self.sets["AAAA"])
        return self.sets.get(qtype, [])

    @property
    def rcode(self):
        return "NXDOMAIN" if self.action == "nxdomain" else "NOERROR"


def faults(policy, answer, qtype="A", owner=None):
    """Everything wrong with a blocked answer; an empty list for a right one.

    owner   the listed entry that decided, where that is not the name asked for or above it: a name
            that the alias leads to. A forwarder does not cache such a block.
    """
    found = []
    asked = harness.dns.message.from_wire(answer.asked)
    message = answer.message

    def expect(seen, wanted, what):
        if seen != wanted:
            found.append("%s: %r, wanted %r" % (what, seen, wanted))

    expect(zones.leaks(answer), [], "real data")
    expect(answer.rcode, policy.rcode, "rcode")
    expect(harness.question_bytes(answer.wire), harness.question_bytes(answer.asked), "question")
    for flag, wanted in (("QR", True), ("RA", True), ("AD", False), ("AA", False), ("TC", False),
                         ("RD", bool(asked.flags & dns.flags.RD)),
                         ("CD", bool(asked.flags & dns.flags.CD))):
        expect(answer.has(flag), wanted, flag)
    expect(message.edns, 0 if asked.edns >= 0 else -1, "EDNS version")
    if asked.edns >= 0:
        expect(answer.edes, [15], "EDE")
        expect(message.ednsflags & dns.flags.DO, asked.ednsflags & dns.flags.DO, "DO")
    types = {dns.rdatatype.to_text(rrset.rdtype) for section in message.sections[1:]
             for rrset in section}
    expect(types - FORGED, set(), "other types")
    expect(message.additional, [], "additional section")
    found += answer_faults(policy, answer, asked, qtype)
    found += authority_faults(policy, answer, asked, owner)
    return ["%s %s: %s\n%r" % (asked.question[0].name, qtype, fault, answer) for fault in found]


def answer_faults(policy, answer, asked, qtype):
    found = []
    wanted = policy.addresses(qtype)
    if answer.addresses() != wanted:
        found.append("addresses %r, wanted %r" % (answer.addresses(), wanted))
    for rrset in answer.message.answer:
        if rrset.name.labels != asked.question[0].name.labels:
            found.append("owner %s" % rrset.name)
        if rrset.ttl != policy.ttl:
            found.append("TTL %d, wanted %d" % (rrset.ttl, policy.ttl))
    return found


def authority_faults(policy, answer, asked, owner):
    """A negative answer is cached for the lesser of the SOA's TTL and MINIMUM (RFC 2308, 5), and
    only if the SOA's owner is the name asked for or an ancestor: Unbound as a forwarder drops it
    otherwise."""
    authority = answer.message.authority
    found = []
    wanted = 0 if answer.message.answer else 1
    if len(authority) != wanted:
        found.append("authority section %r, wanted %d SOA" % (answer.data("authority"), wanted))
    for rrset in authority:
        if rrset.rdtype != dns.rdatatype.SOA or len(rrset) != 1:
            found.append("authority section %s" % rrset)
        elif (rrset.ttl, rrset[0].minimum) != (policy.ttl, policy.ttl):
            found.append("SOA's TTL and MINIMUM %d, %d, wanted %d" % (
                rrset.ttl, rrset[0].minimum, policy.ttl))
        if not (rrset.name == harness.name(owner) if owner else
                asked.question[0].name.is_subdomain(rrset.name)):
            found.append("SOA of %s" % rrset.name)
    return found


def same(plain, ours):
    """Is an answer with the module the answer without it, times and order aside?"""
    if plain.gist() != ours.gist():
        return ["%s:\nwithout %r\nwith    %r" % (plain.message.question, plain, ours)]
    return []
