#!/usr/bin/env python3
"""Prints the functions that public headers declare, as a version script for the linker: what the shared library exports.

    tools/symbols.py include/gradroute/*.h          { global: gr_...; local: *; };
    tools/symbols.py --list include/gradroute/*.h   the names alone
"""
import pathlib, re, sys


def declared(text):
    """Names of the functions a header declares at file scope; inline ones have no symbol."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"^\s*#(?:.*\\\n)*.*$", "", text, flags=re.M)
    text = text.replace('extern "C" {', "")
    bodies = 1
    while bodies:  # the innermost first
        text, bodies = re.subn(r"\{[^{}]*\}", "@", text)
    text = re.sub(r"static inline[^@;]*@", "", text)
    for statement in re.sub(r"__attribute__\s*\(\(.*?\)\)\)?", "", text).split(";"):
        found = re.search(r"\b(gr_[a-z0-9_]+)\s*\(", statement)
        if found and "typedef" not in statement:
            yield found.group(1)


def main():
    arguments = sys.argv[1:]
    plain = arguments[:1] == ["--list"]
    names = sorted({name for path in arguments[plain:] for name in declared(pathlib.Path(path).read_text())})
    if not names:
        sys.exit("symbols: no function is declared in " + " ".join(arguments))
    print("\n".join(names) if plain else "{\nglobal:\n" + "".join(f"    {name};\n" for name in names) + "local:\n    *;\n};")


if __name__ == "__main__":
    main()
