"""What the authoritative side holds, and how a zone is signed.

Listed names have real data that must never be seen: every record of theirs carries LEAK in a name
or text, or an address in LEAK_NET or LEAK_NET6. All other addresses are in 192.0.2.0/24.
"""
import struct
import sys
import time

sys.dont_write_bytecode = True

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.ANY.NSEC
import dns.rdtypes.ANY.RRSIG
import dns.zone
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

TTL = 300  # seconds, of every record
YESTERDAY = int(time.time()) - 86400
LEAK = "leaked"
LEAK_NET = bytes([203, 0, 113])
LEAK_NET6 = bytes.fromhex("20010db80bad")

SINK_A = ["198.51.100.53", "198.51.100.54"]
SINK_AAAA = ["2001:db8:51::53"]

HEAD = """\
$TTL 300
@ SOA ns.{origin} admin.{origin} 1 3600 600 86400 60
@ NS ns.{origin}
ns A 127.0.0.1
"""

BAD_HEAD = """\
$TTL 300
@ SOA leaked-ns.{origin} leaked-admin.{origin} 1 3600 600 86400 60
@ NS leaked-ns.{origin}
leaked-ns A 203.0.113.250
"""

# One of each type: what a client could ask about a listed name.
BAD_DATA = """\
{owner} A 203.0.113.1
{owner} AAAA 2001:db8:bad::1
{owner} MX 10 leaked-mx.example.
{owner} TXT "leaked text"
{owner} HTTPS 1 . alpn=h2 ipv4hint=203.0.113.1 ipv6hint=2001:db8:bad::1
{owner} SVCB 1 leaked-svc.example.
{owner} PTR leaked-ptr.example.
{owner} SRV 1 1 443 leaked-srv.example.
{owner} CAA 0 issue "leaked.example"
{owner} LOC 52 22 23 N 4 53 32 E 0m
{owner} NAPTR 1 1 "u" "E2U+sip" "!^.*$!sip:leaked@example!" .
{owner} DS 12345 13 2 cb0071cb0071cb0071cb0071cb0071cb0071cb0071cb0071cb0071cb0071cb00
{owner} TYPE10 \\# 9 6c65616b656400cb00
{owner} TYPE65280 \\# 6 6c65616b6564
"""


def bad(*owners):
    return "".join(BAD_DATA.format(owner=owner) for owner in owners)


ROOT = HEAD.format(origin="") + r"""
evil\.test A 192.0.2.1
www.evil\.test A 192.0.2.2
notevil.nottest A 192.0.2.3
"""

# Parents, siblings, lookalikes of what is listed, and names listed on their own.
TEST = HEAD.format(origin="test.") + r"""
@ A 192.0.2.10
@ TXT "the parent"
notevil A 192.0.2.11
evil-too A 192.0.2.12
evi A 192.0.2.13
evil.sibling A 192.0.2.14
evil\000 A 192.0.2.15
\000evil A 192.0.2.16
evil\.x A 192.0.2.17
x\.evil A 192.0.2.18
evil\001\001 A 192.0.2.19
evil\255 A 192.0.2.20
child.exact A 192.0.2.21
a.b.c.child.exact A 192.0.2.22
below A 192.0.2.23
below TXT "the name itself is not listed"
*.goodns A 192.0.2.26
empty.below.parent.below2 A 192.0.2.24
binary\000\001\255\032\.x A 192.0.2.25
""" + bad("exact", "sub.below", "deep.er.below")

EVIL = BAD_HEAD.format(origin="evil.test.") + bad(
    "@", "www", "a.b.c.d", r"\000", r"\255", r"with\.dot", "*.wild") + r"""
leaked-mx A 203.0.113.2
ns1 A 127.0.0.1
ns2 A 127.0.0.1
good A 192.0.2.30
good AAAA 2001:db8::30
good TXT "allowed"
x.good A 192.0.2.31
listed.good A 192.0.2.32
important.good A 203.0.113.3
"""

LONG_TEXT = " ".join('"%s"' % (chr(97 + i) * 250) for i in range(8))

CLEAN = HEAD.format(origin="clean.test.") + r"""
@ A 192.0.2.40
@ AAAA 2001:db8::40
@ MX 10 mail
@ TXT "v=spf1 -all"
@ CAA 0 issue "ca.example"
www A 192.0.2.41
www A 192.0.2.42
www A 192.0.2.43
www AAAA 2001:db8::41
www HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.41
mail A 192.0.2.44
_svc._tcp SRV 1 1 443 www
svc SVCB 1 www alpn=h2
alias CNAME www
alias2 CNAME alias
dangling CNAME nowhere
loop CNAME loop2
loop2 CNAME loop
dname DNAME www.clean.test.
*.wild A 192.0.2.45
*.wild TXT "wildcard"
ptr PTR www
big TXT """ + LONG_TEXT + r"""
name\.with\.dots A 192.0.2.46
\000 A 192.0.2.47
\255\254 A 192.0.2.48
sp\032ace A 192.0.2.49
TYPE65280 TYPE65280 \# 4 c0000201
ent.a.b A 192.0.2.50
notype TXT "no address"
"""

SIGNED = HEAD.format(origin="signed.test.") + r"""
@ A 192.0.2.60
@ TXT "signed"
good A 192.0.2.61
good TXT "good"
zgood A 192.0.2.62
alias CNAME good
*.wild A 192.0.2.63
broken A 192.0.2.64
broken TXT "its signature over A is damaged"
good.badtree A 192.0.2.65
sub NS ns.sub
ns.sub A 127.0.0.1
insec NS ns.insec
ns.insec A 127.0.0.1
""" + "".join(  # an owner of DS would be a delegation
    line + "\n" for line in bad("bad", "badtree", "x.badtree").splitlines()
    if " DS " not in line and "TYPE10" not in line)

SUB = HEAD.format(origin="sub.signed.test.") + "www A 192.0.2.70\nbad A 203.0.113.7\n"
INSEC = HEAD.format(origin="insec.signed.test.") + "www A 192.0.2.71\nbad A 203.0.113.8\n"


class Key:
    """A zone's only key, both KSK and ZSK; the same in every run, or failures would not repeat."""

    def __init__(self, secret):
        self.private = ec.derive_private_key(secret, ec.SECP256R1())
        self.dnskey = dns.dnssec.make_dnskey(
            self.private.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)

    def ds(self, origin):
        return dns.dnssec.make_ds(dns.name.from_text(origin), self.dnskey, "SHA256").to_text()


SIGNED_KEY = Key(0x5179ed)
SUB_KEY = Key(0x5ab)
ANCHOR = "signed.test. DS " + SIGNED_KEY.ds("signed.test.")


def sign(text, origin, key):
    """Sign a zone with NSEC; every record's signature, from yesterday to a month from now."""
    zone = dns.zone.from_text(text, origin, relativize=False)
    zone.find_rdataset(origin, "DNSKEY", create=True).add(key.dnskey, TTL)
    apex = zone.origin
    cuts = [n for n in zone.nodes if n != apex and zone.get_rdataset(n, "NS")]
    owners = sorted(n for n in zone.nodes
                    if not any(n.is_subdomain(cut) and n != cut for cut in cuts))
    for number, owner in enumerate(owners):
        following = owners[(number + 1) % len(owners)]
        types = [r.rdtype for r in zone.nodes[owner]] + [dns.rdatatype.NSEC, dns.rdatatype.RRSIG]
        nsec = dns.rdtypes.ANY.NSEC.NSEC(
            dns.rdataclass.IN, dns.rdatatype.NSEC, following, bitmap(types))
        zone.find_rdataset(owner, "NSEC", create=True).add(nsec, 60)
        for rdataset in list(zone.nodes[owner]):
            if owner in cuts and rdataset.rdtype not in (dns.rdatatype.DS, dns.rdatatype.NSEC):
                continue
            rrsig = signature(owner, rdataset, apex, key)
            zone.nodes[owner].find_rdataset(
                dns.rdataclass.IN, dns.rdatatype.RRSIG, rdataset.rdtype, True).add(rrsig, TTL)
    return zone


def signature(owner, rdataset, signer, key):
    """RFC 4034, 3.1.8.1. (dnspython 2.3 counts the asterisk of a wildcard as a label.)"""
    unsigned = dns.rdtypes.ANY.RRSIG.RRSIG(
        dns.rdataclass.IN, dns.rdatatype.RRSIG, rdataset.rdtype, key.dnskey.algorithm,
        len(owner) - 1 - owner.is_wild(), rdataset.ttl, YESTERDAY + 40 * 86400, YESTERDAY,
        dns.dnssec.key_id(key.dnskey), signer, b"")
    head = owner.to_digestable() + struct.pack("!HHL", rdataset.rdtype, 1, rdataset.ttl)
    signed = unsigned.to_wire(origin=signer)
    for data in sorted(rdata.to_digestable(signer) for rdata in rdataset):
        signed += head + struct.pack("!H", len(data)) + data
    r, s = decode_dss_signature(key.private.sign(signed, ec.ECDSA(hashes.SHA256())))
    return unsigned.replace(signature=r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def bitmap(types):
    windows = {}
    for rdtype in sorted(int(t) for t in types):
        windows.setdefault(rdtype >> 8, bytearray(32))[rdtype >> 3 & 31] |= 0x80 >> (rdtype & 7)
    return [(window, bytes(bits).rstrip(b"\0")) for window, bits in windows.items()]


def damage(zone, owner, rdtype):
    """Flip a bit of the signature over a record set."""
    node = zone.nodes[dns.name.from_text(owner)]
    signatures = node.find_rdataset(
        dns.rdataclass.IN, dns.rdatatype.RRSIG, dns.rdatatype.from_text(rdtype))
    old = signatures[0]
    broken = old.replace(signature=bytes([old.signature[0] ^ 1]) + old.signature[1:])
    node.replace_rdataset(dns.rdataset.from_rdata(TTL, broken))


def signed_text():
    text = SIGNED + "sub DS %s\n" % SUB_KEY.ds("sub.signed.test.")
    zone = sign(text, "signed.test.", SIGNED_KEY)
    damage(zone, "broken.signed.test.", "A")
    return zone.to_text(relativize=False)


def plain():
    """The unsigned world."""
    return {".": ROOT, "test.": TEST, "evil.test.": EVIL, "clean.test.": CLEAN}


def all_of_it():
    """The unsigned world and the signed zones."""
    return dict(plain(), **{
        "signed.test.": signed_text(),
        "sub.signed.test.": sign(SUB, "sub.signed.test.", SUB_KEY).to_text(relativize=False),
        "insec.signed.test.": INSEC,
    })


# --- what is listed ------------------------------------------------------------------------------

PROBE = "probe.test"  # listed in every list: tells that a generation is in force

SUBTREES = PROBE + "\nevil.test\nbad.signed.test\nbadtree.signed.test\nbad.sub.signed.test\n" \
    "bad.insec.signed.test\nunborn.test\n"
EXACT = "0.0.0.0 exact.test\n"
ALLOWED = "good.evil.test\ngood.badtree.signed.test\n"


def leaks(answer):
    """Does any byte of a listed name's real data stand in the answer? Returns what."""
    wire = answer.wire.lower()
    marks = {"a name or text": LEAK.encode(), "an IPv4 address": LEAK_NET,
             "an IPv6 address": LEAK_NET6}
    return [what for what, mark in marks.items() if mark in wire]
