"""The list as a response policy zone, for the peers that read one: NXDOMAIN for each name and all below it."""

ORIGIN = "rpz.bench"
FIRST = 1_000_000_000  # the serial: ten digits, changed in place


def head(serial):
    return f"$TTL 300\n@ IN SOA localhost. hostmaster.localhost. {serial} 3600 600 86400 60\n@ IN NS localhost.\n"


def record_lines(names):
    for name in names:
        yield f"{name} CNAME .\n*.{name} CNAME .\n"


def write(path, list_file):
    with open(list_file, encoding="ascii") as names, open(path, "w", encoding="ascii") as out:
        out.write(f"$ORIGIN {ORIGIN}.\n" + head(FIRST))
        out.writelines(record_lines(line.strip() for line in names))


def append(path, names, new_serial=True):
    """One write to the file if the serial stays."""
    with open(path, "r+b") as out:
        if new_serial:
            first = out.read(300)
            at = first.index(b"hostmaster.localhost. ") + len(b"hostmaster.localhost. ")
            serial = int(first[at:at + 10]) + 1
            out.seek(at)
            out.write(b"%010d" % serial)
        out.seek(0, 2)
        out.write("".join(record_lines(names)).encode())
