#!/usr/bin/env python3
"""Write MaxMind DB files, small ones for tests: `mmdb.py DIRECTORY` makes those of tests/data/geo.

Format: https://maxmind.github.io/MaxMind-DB/, version 2.0."""
import ipaddress
import struct
import sys
from pathlib import Path

MARKER = b"\xab\xcd\xefMaxMind.com"
POINTER, TEXT, BYTES, UINT16, UINT32, MAP, UINT64, ARRAY, BOOLEAN = 1, 2, 4, 5, 6, 7, 9, 11, 14


class Uint16(int):
    """A number of that type; others are of 32 bits."""


class Uint64(int):
    """Likewise."""


class Pointer(int):
    """To a value at this offset of its section."""


def head(kind, size):
    """Control byte, type and size."""
    if size < 29:
        low, more = size, b""
    elif size < 285:
        low, more = 29, bytes([size - 29])
    elif size < 65821:
        low, more = 30, struct.pack(">H", size - 285)
    else:
        low, more = 31, struct.pack(">I", size - 65821)[1:]
    if kind > 7:
        return bytes([low, kind - 7]) + more
    return bytes([kind << 5 | low]) + more


def number(kind, value):
    octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return head(kind, len(octets)) + octets


def encode(value):
    """A value's bytes."""
    if isinstance(value, Pointer):
        return bytes([POINTER << 5 | 3 << 3]) + struct.pack(">I", value)
    if isinstance(value, bool):
        return head(BOOLEAN, int(value))
    if isinstance(value, Uint16):
        return number(UINT16, value)
    if isinstance(value, Uint64):
        return number(UINT64, value)
    if isinstance(value, int):
        return number(UINT32, value)
    if isinstance(value, str):
        return head(TEXT, len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return value  # as it is: for what no writer writes
    if isinstance(value, dict):
        return head(MAP, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
    return head(ARRAY, len(value)) + b"".join(map(encode, value))


class Tree:
    """Nodes of two: each None, the number of a node, or ("data", offset)."""

    def __init__(self, version):
        self.version = version
        self.nodes = [[None, None]]

    def bits_of(self, network):
        network = ipaddress.ip_network(network)
        bits, length = int(network.network_address), network.prefixlen
        if network.version == 4:
            bits, width = (bits, 32) if self.version == 4 else (bits, 128)
            length += width - 32
        else:
            width = 128
        return [bits >> (width - 1 - i) & 1 for i in range(length)]

    def walk(self, bits):
        """The node and the side that these bits lead to, made on the way."""
        at = 0
        for bit in bits[:-1]:
            following = self.nodes[at][bit]
            if not isinstance(following, int):
                # What was said of the whole holds for its halves.
                self.nodes.append([following, following])
                following = self.nodes[at][bit] = len(self.nodes) - 1
            at = following
        return at, bits[-1]

    def put(self, network, to):
        node, side = self.walk(self.bits_of(network))
        self.nodes[node][side] = to

    def alias(self, network, of):
        """Let a network lead where another one does."""
        node, side = self.walk(self.bits_of(of))
        self.put(network, self.nodes[node][side])

    def encode(self, record_size):
        def record(to):
            if to is None:
                return len(self.nodes)
            return to if isinstance(to, int) else len(self.nodes) + 16 + to[1]

        out = bytearray()
        for left, right in self.nodes:
            left, right = record(left), record(right)
            if record_size == 24:
                out += struct.pack(">I", left)[1:] + struct.pack(">I", right)[1:]
            elif record_size == 28:
                out += struct.pack(">I", left)[1:] + bytes([left >> 24 << 4 | right >> 24])
                out += struct.pack(">I", right)[1:]
            else:
                out += struct.pack(">II", left, right)
        return bytes(out)


def database(entries, version=6, record_size=24, kind="Test", aliases=(), metadata=None, tree=None):
    """A file's bytes: a value for each network, the wider networks first."""
    tree = tree or Tree(version)
    data, places = bytearray(), {}
    for network, value in entries:
        octets = encode(value)
        if octets not in places:
            places[octets] = len(data)
            data += octets
        tree.put(network, ("data", places[octets]))
    for network, of in aliases:
        tree.alias(network, of)
    about = {
        "binary_format_major_version": Uint16(2),
        "binary_format_minor_version": Uint16(0),
        "build_epoch": Uint64(1700000000),
        "database_type": kind,
        "description": {"en": "Test data of unbound-sinkhole"},
        "ip_version": Uint16(version),
        "languages": ["en"],
        "node_count": len(tree.nodes),
        "record_size": Uint16(record_size),
    }
    about.update(metadata or {})
    return tree.encode(record_size) + bytes(16) + bytes(data) + MARKER + encode(about)


def country(code):
    """As GeoLite2 has it."""
    return {
        "continent": {"code": "EU", "geoname_id": 6255148},
        "country": {"geoname_id": 1, "iso_code": code, "names": {"en": "Somewhere", "fr": "Quelque part"}},
        "registered_country": {"iso_code": "US", "is_in_european_union": False},
    }


def system(asn):
    return {"autonomous_system_number": asn, "autonomous_system_organization": "Example"}


def write_asn(path, networks, **options):
    """For tests with a resolver: {network: number}."""
    rows = sorted(networks.items(), key=lambda row: ipaddress.ip_network(row[0]).prefixlen)
    Path(path).write_bytes(database([(n, system(a)) for n, a in rows], kind="GeoLite2-ASN", **options))


def write_country(path, networks, **options):
    rows = sorted(networks.items(), key=lambda row: ipaddress.ip_network(row[0]).prefixlen)
    Path(path).write_bytes(database([(n, country(c)) for n, c in rows], kind="GeoLite2-Country", **options))


IPV4_ALIASES = [("::ffff:0:0/96", "::/96"), ("2002::/16", "::/96"), ("2001::/32", "::/96")]


def nested(depth):
    """Arrays in arrays: what recursion would fall into."""
    return head(ARRAY, 1) * depth + encode("end")


def fan_out(levels, first, start=0):
    """Arrays that each point twice to what is before: small, and endless to read. The first value lies at `start`; returned
    are all bytes, and where the last array lies."""
    out, at = first, start
    for _ in range(levels):
        following = start + len(out)
        out += encode([Pointer(at), Pointer(at)])
        at = following
    return out, at


def bad_data(data, at=0):
    """A file whose one record lies at an offset of these bytes."""
    tree = Tree(4)
    tree.put("0.0.0.0/1", ("data", at))
    whole = database([], version=4, tree=tree)
    cut = whole.index(MARKER)
    return whole[:cut] + data + whole[cut:]


def good():
    v4 = [("192.0.2.0/24", "FR"), ("198.51.100.0/25", "DE"), ("203.0.113.7/32", "JP")]
    v6 = [("2001:db8::/32", "RU"), ("2001:db8:1::/48", "BR"), ("2001:db8:2::1/128", "IN")]
    yield "country", database([(n, country(c)) for n, c in v4 + v6], kind="GeoLite2-Country",
                              aliases=IPV4_ALIASES)
    yield "country-flat", database([(n, {"continent_code": "EU", "country": "Somewhere", "country_code": c})
                                    for n, c in v4 + v6], kind="ipinfo generic_country.mmdb", record_size=32)
    yield "country-ipv4", database([(n, country(c)) for n, c in v4], version=4, record_size=28)
    yield "country-whole", database([("::/1", country("FR")), ("8000::/1", country("DE"))])
    yield "country-odd", database([
        ("192.0.2.0/26", {"country": {"iso_code": "fr"}}), ("192.0.2.64/26", {"country": {"iso_code": ""}}),
        ("192.0.2.128/26", {"country": {}}), ("192.0.2.192/26", {"country_code": "-"}),
        ("198.51.100.0/24", {"country_code": "gb"}), ("203.0.113.0/25", {}), ("203.0.113.128/25", "text")])
    n4 = [("192.0.2.0/24", 64496), ("198.51.100.0/24", 4200000000), ("203.0.113.0/24", 64511)]
    n6 = [("2001:db8::/32", 65551)]
    yield "asn", database([(n, system(a)) for n, a in n4 + n6], kind="GeoLite2-ASN", aliases=IPV4_ALIASES)
    yield "asn-flat", database([(n, {"asn": f"AS{a}", "domain": "isp.example"}) for n, a in n4 + n6],
                               record_size=28)
    yield "asn-odd", database([
        ("192.0.2.0/26", {"asn": 64496}), ("192.0.2.64/26", {"asn": "64497"}), ("192.0.2.128/26", {"asn": Uint16(7)}),
        ("192.0.2.192/26", {"asn": ""}), ("198.51.100.0/25", {"asn": "AS"}), ("198.51.100.128/25", {"asn": "AS-1"}),
        ("203.0.113.0/25", {"asn": "AS4294967296"}), ("203.0.113.128/25", {"asn": "as4294967295"})])


def bad():
    plain = [("192.0.2.0/24", country("FR"))]
    yield "bad-number", database([("192.0.2.0/24", {"country": {"iso_code": 33}})])
    yield "bad-nobody", database([])
    yield "bad-version", database(plain, metadata={"binary_format_major_version": Uint16(3)})
    yield "bad-ip-version", database(plain, metadata={"ip_version": Uint16(5)})
    yield "bad-record-size", database(plain, metadata={"record_size": Uint16(20)})
    yield "bad-node-count", database(plain, metadata={"node_count": 715827885})  # times 6: 14 in 32 bits
    yield "bad-nodes", database(plain, metadata={"node_count": 4294967295})
    yield "bad-languages", database(plain, metadata={"languages": [1]})
    yield "bad-size", described(lambda at: (head(UINT16, 3) + b"\1\2\3", at))  # 1.7.1 loses memory
    yield "bad-depth", database(plain, metadata={"more": nested(2000)})
    yield "bad-record-depth", bad_data(nested(4000))
    yield "bad-fan-out", bad_data(*fan_out(24, encode({"country_code": "FR"})))
    yield "bad-metadata-fan-out", described(lambda at: fan_out(40, encode("end"), at))  # 1.7.1 takes all memory
    yield "bad-pointer", bad_data(encode({"country": Pointer(1 << 30)}))
    yield "bad-pointer-circle", bad_data(encode(Pointer(0)))
    yield "bad-map-circle", bad_data(encode({"country": Pointer(0)}))
    yield "bad-key", bad_data(head(MAP, 1) + encode(1) + encode("FR"))
    yield "bad-type", bad_data(bytes([0, 200]))
    yield "bad-separator", bad_node(7)
    yield "bad-top", bad_node(-1)
    yield "bad-text", b"GeoLite2-Country, as a text\n" * 8
    yield "bad-marker", MARKER * 8


def described(behind):
    """Metadata whose description is a pointer behind its map, to where behind(at) has put something: (bytes, offset)."""
    def whole(to):
        return database([("192.0.2.0/24", country("FR"))], metadata={"description": {"en": Pointer(to)}})

    octets, at = behind(len(whole(0)) - whole(0).index(MARKER) - len(MARKER))
    return whole(at) + octets


def bad_node(beyond):
    """A record that leads between tree and data, or to the top of the tree."""
    tree = Tree(4)
    whole = bytearray(database([("0.0.0.0/1", country("FR"))], version=4, tree=tree))
    to = len(tree.nodes) + beyond if beyond > 0 else 0
    whole[3:6] = struct.pack(">I", to)[1:]
    return bytes(whole)


def main():
    to = Path(sys.argv[1])
    to.mkdir(parents=True, exist_ok=True)
    for name, octets in [*good(), *bad()]:
        (to / f"{name}.mmdb").write_bytes(octets)


if __name__ == "__main__":
    main()
