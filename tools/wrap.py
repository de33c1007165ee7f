#!/usr/bin/env python3
"""Lines of Markdown documents end at 120 columns: says which are longer, or mends them.

    tools/wrap.py            lists lines of prose that are longer, and fails if there are any
    tools/wrap.py --write    fills paragraphs and items of lists that have such lines, and leaves all others alone

Tables, code blocks, headings and lines without a blank in a handy place stay as they are.
"""
import re
import subprocess
import sys
import textwrap

WIDTH = 120


def paragraphs(lines):
    """Yields (first, end, fillable): runs of lines that belong together."""
    at, fenced = 0, False
    while at < len(lines):
        first, line = at, lines[at]
        at += 1
        if line.lstrip().startswith("```"):
            fenced = not fenced
            yield first, at, False
        elif fenced or not line.strip() or re.match(r"\s*(\||#|<|!\[)|    ", line):
            yield first, at, False
        else:
            # A paragraph ends before an empty line, an item of a list, a table, a heading or a fence.
            while at < len(lines) and lines[at].strip() and not re.match(r"\s*([-*+] |\d+\. |\||#|```|<)", lines[at]):
                at += 1
            yield first, at, True


def fill(lines):
    """One paragraph or item filled to WIDTH; what follows an item's mark is indented as its text."""
    mark = re.match(r"(\s*)([-*+] |\d+\. )?", lines[0]).group(0)
    text = " ".join([lines[0][len(mark):].strip()] + [line.strip() for line in lines[1:]])
    return textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark),
                         break_long_words=False, break_on_hyphens=False)


def wrapped(text):
    """The document with long paragraphs filled, and the numbers of the lines that were too long."""
    lines, out, long = text.split("\n"), [], []
    for first, end, fillable in paragraphs(lines):
        part = lines[first:end]
        if fillable and any(len(line) > WIDTH for line in part):
            better = fill(part)
            if better != part:
                long += [first + 1 + i for i, line in enumerate(part) if len(line) > WIDTH]
            part = better
        out += part
    return "\n".join(out), long


def main():
    names = subprocess.run(["git", "ls-files", "*.md"], check=True, capture_output=True, text=True).stdout.split()
    bad = 0
    for name in names:
        with open(name, encoding="utf-8") as file:
            text = file.read()
        better, long = wrapped(text)
        if "--write" in sys.argv[1:] and better != text:
            with open(name, "w", encoding="utf-8") as file:
                file.write(better)
        else:
            for number in long:
                print(f"{name}:{number}: longer than {WIDTH} columns; tools/wrap.py --write fills it")
            bad += len(long)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
