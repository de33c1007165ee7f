#!/usr/bin/env python3
"""Checks that names of ours (gr_, gr__, GR_) are told apart by more than an underscore, and mean one thing.

    tools/identifiers.py    names in src, include, cli and bench that are alike but for underscores (gr_file_read, gr__file_read), and
                            types, constants and functions that two folders define differently

Names of headers' guards and names that a macro pastes together are left out: nobody reads them.
"""
import collections, pathlib, re, sys

root = pathlib.Path(__file__).resolve().parent.parent
DEFINED = (
    r"\b(?:struct|union|enum)\s+(gr_\w+)\s*\{",                                     # a type with a body
    r"\btypedef\s+(?!struct|union|enum)[^;{}()]*?\b(gr_\w+)(?:\[\w+\])?;",          # another word for a type
    r"\btypedef\s[^;{}()]*\(\*?(gr_\w+)\)\s*\(",                                    # a type of functions
    r"^(?!typedef)\w[^;{}()=#]*\b(gr_\w+)\s*\([^;{}]*\)\s*\{",                      # a function with a body
    r"[{,]\s*(GR_\w+)\s*(?==|,|\})",                                                # a constant of an enum; see constants()
)


def code_of(text):
    """The text without comments, texts in quotes and the names that macros paste together."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", " ", text, flags=re.S)
    text = re.sub(r"^#(ifndef|define) GR\w*_H$", "", text, flags=re.M)
    return re.sub(r"\w+##\w*|##\w+", " ", text)


def defined(code):
    """Names of types, functions and constants that the code defines."""
    enums = " ".join(re.findall(r"\benum\b[^;{}()]*\{[^{}]*\}", code))
    for pattern in DEFINED[:-1]:
        yield from re.findall(pattern, code, re.M)
    yield from re.findall(DEFINED[-1], enums)


def alike(places):
    """Names that differ in underscores alone; gr_ and GR_ are two worlds."""
    groups = collections.defaultdict(list)
    for name in places:
        groups[name.replace("_", "")].append(name)
    for names in sorted(sorted(group) for group in groups.values()):
        if len(names) > 1:
            yield " and ".join(f"{name} ({sorted(places[name])[0]})" for name in names) + " differ by an underscore: use two words"


def main():
    places, homes = collections.defaultdict(set), collections.defaultdict(set)
    for path in sorted([*root.glob("src/**/*.[ch]"), *root.glob("include/**/*.h"), *root.glob("cli/*.[ch]"), *root.glob("bench/*.[ch]")]):
        name, code = str(path.relative_to(root)), code_of(path.read_text())
        for word in re.findall(r"\bgr_\w+|\bGR_\w+", code):
            places[word].add(name)
        for word in defined(code):
            homes[word].add(name)
    wrong = list(alike(places))
    for word, files in sorted(homes.items()):
        if len({pathlib.Path(file).parent for file in files}) > 1:
            wrong.append(f"{word} is defined in {' and in '.join(sorted(files))}: use two words")
    print("\n".join(wrong) or f"identifiers: {len(places)} told apart, {len(homes)} of them defined in one place")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
