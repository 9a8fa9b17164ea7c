#!/usr/bin/python3
"""Put our module in front of the modules of Unbound's test scenarios.

    with_module.py MODULE.so DEFAULT_MODULES OUT_DIR SCENARIO...

A scenario (.rpl) begins with a configuration, up to the line CONFIG_END; that is all that changes.
Where it names its modules, dynlib becomes the first of them; where it does not, DEFAULT_MODULES
(what Unbound runs when nobody says) get the same. The file to load is added at the end, where a
clause of its own is always allowed.
"""

import os
import re
import sys

MODULE_CONFIG = re.compile(rb'^(\s*(?:server:\s*)?module-config:\s*)(?:"([^"]*)"|(\S+))(.*)$')
BLOCKS = {b"AUTOTRUST_FILE": b"AUTOTRUST_END", b"TEMPFILE_CONTENTS": b"TEMPFILE_END"}


def block_end(line):
    """The word that ends the file which this line opens within the configuration, if it does."""
    for begin, end in BLOCKS.items():
        if line.startswith(begin):
            return end
    return None


def with_dynlib(line):
    """The line with dynlib in front of its modules, and whether it had any."""
    match = MODULE_CONFIG.match(line)
    if not match:
        return line, False
    before, quoted, bare, after = match.groups()
    modules = quoted if quoted is not None else bare
    return before + b'"dynlib ' + modules + b'"' + after, True


def translate(lines, module, default_modules):
    out = []
    has_modules = False
    until = None  # inside a file that the scenario carries: never the end of the configuration
    rest = iter(lines)
    for line in rest:
        word = line.strip()
        if until is None and word.startswith(b"CONFIG_END"):
            if not has_modules:
                out.append(b'server:\n\tmodule-config: "dynlib ' + default_modules + b'"')
            out.append(b'dynlib:\n\tdynlib-file: "' + module + b'"')
            return out + [line] + list(rest)
        if until is None:
            until = block_end(word)
        elif word.startswith(until):
            until = None
        line, found = with_dynlib(line)
        has_modules |= found
        out.append(line)
    raise ValueError("no CONFIG_END")


def main(argv):
    if len(argv) < 5:
        sys.exit(__doc__)
    module, default_modules = (os.fsencode(word) for word in argv[1:3])
    for path in argv[4:]:
        with open(path, "rb") as scenario:
            lines = scenario.read().split(b"\n")
        try:
            lines = translate(lines, module, default_modules)
        except ValueError as error:
            sys.exit(f"{path}: {error}")
        with open(os.path.join(argv[3], os.path.basename(path)), "wb") as out:
            out.write(b"\n".join(lines))


if __name__ == "__main__":
    main(sys.argv)
