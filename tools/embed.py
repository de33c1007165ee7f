#!/usr/bin/env python3
"""Writes the texts of files as a C header, so that a program has them wherever it lies; the build calls it (meson.build).

    tools/embed.py OUTPUT NAME FILE ..      static const NAME[] = {{"STEM", "TEXT"}, ..}; sorted by STEM, which is the file's name
                                            without its ending

A text in the program has no folder that a path could start at: a line `base: FILE`, the recipe of an experiment, becomes the
recipe itself, a level deeper.
"""
import pathlib, re, sys


def whole(path):
    """The text of a file, with its recipe in the place of that one's name."""
    text = path.read_text()
    named = re.search(r"^base: +(\S+\.yaml)$", text, re.M)
    if not named:
        return text
    recipe = (path.parent / named[1]).read_text().splitlines()
    return text[: named.start()] + "\n".join(["base:"] + ["  " + line if line else "" for line in recipe]) + text[named.end() :]


def literal(text):
    """A string of C, a line of it for each line of the text."""
    escaped = (f"\\{byte:03o}" if byte < 32 or byte > 126 else "\\" + chr(byte) if byte in b'"\\' else chr(byte) for byte in text)
    return '"' + "".join(escaped).replace("\\012", '\\n"\n        "') + '"'


def main():
    output, name, files = sys.argv[1], sys.argv[2], sorted(map(pathlib.Path, sys.argv[3:]), key=lambda path: path.stem)
    entries = []
    for path in files:
        text = whole(path).encode()
        if b"\0" in text:
            sys.exit(f"embed: {path} has a byte 0, where the text would end")
        entries.append(f'    {{"{path.stem}",\n        {literal(text)}}},\n')
    pathlib.Path(output).write_text(f"/* Made by tools/embed.py. */\nstatic const struct {{\n    const char *name, *text;\n}} {name}[] = {{\n{''.join(entries)}}};\n")


if __name__ == "__main__":
    main()
