#!/usr/bin/env python3
"""Writes the texts of files as a C header, so that a program has them wherever it lies; the build calls it (meson.build).

    tools/embed.py OUTPUT NAME FILE ..      static const NAME[] = {{"STEM", "TEXT"}, ..}; sorted by STEM, which is the file's name
                                            without its ending
"""
import pathlib, sys


def literal(text):
    """A string of C, a line of it for each line of the text."""
    escaped = (f"\\{byte:03o}" if byte < 32 or byte > 126 else "\\" + chr(byte) if byte in b'"\\' else chr(byte) for byte in text)
    return '"' + "".join(escaped).replace("\\012", '\\n"\n        "') + '"'


def main():
    output, name, files = sys.argv[1], sys.argv[2], sorted(map(pathlib.Path, sys.argv[3:]), key=lambda path: path.stem)
    entries = []
    for path in files:
        text = path.read_bytes()
        if b"\0" in text:
            sys.exit(f"embed: {path} has a byte 0, where the text would end")
        entries.append(f'    {{"{path.stem}",\n        {literal(text)}}},\n')
    pathlib.Path(output).write_text(f"/* Made by tools/embed.py. */\nstatic const struct {{\n    const char *name, *text;\n}} {name}[] = {{\n{''.join(entries)}}};\n")


if __name__ == "__main__":
    main()
