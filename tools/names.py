#!/usr/bin/env python3
"""Names of arms stand in experiments, not in the program: says where a string of a source file is one, or a path with one.

    tools/names.py            experiments/*.yaml against src, cli and include

Places that mean something else are in tools/names.txt. Names of experiments/audit.yaml are looked for in all of src, those of
others in the folders that could come to know them. Recipes name arms in experiments alone: `twins` in recipes/ is one found.
"""
import pathlib, re, sys

root = pathlib.Path(__file__).resolve().parent.parent
NEAR = "task measure method attack lab report format recipe".split()


def arms_of(path):
    """The keys of the block under `arms:`; stops where it is written otherwise."""
    found = re.search(r"^arms:[ \t]*(?:#.*)?\n((?:(?: .*|#.*)?\n)*)", path.read_text(), re.M)
    names = re.findall(r"^  ([\w-]+):", found[1], re.M) if found else []
    if not names:
        sys.exit(f"{path.relative_to(root)}: write its arms as a block, a line each")
    return names


def strings_of(path):
    """(line, text) of each string literal; comments and names of headers are none."""
    text = path.read_text()
    for found in re.finditer(r'//[^\n]*|^#include[^\n]*|/\*.*?\*/|\'(?:\\.|[^\'\\])\'|"((?:\\.|[^"\\\n])*)"', text, re.S | re.M):
        if found[1] is not None:
            yield text.count("\n", 0, found.start()) + 1, found[1]


def names_in(text, names):
    """Names that a string is, or that are a part of a path in it; runs/.. is a folder in an example."""
    parts = set([text] if text in names else [])
    for word in re.split(r"\s+|\\n", text):
        if "/" in word and not word.startswith("runs/"):
            parts.update(word.split("/"))
    return parts & names


def allowed():
    """Lines of names.txt by their file and name."""
    places = {}
    for line in (root / "tools/names.txt").read_text().splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            places[words[0], words[1]] = line
    return places


def sources(of_audit):
    """Files in which names are looked for."""
    for path in sorted([*root.glob("src/**/*.[ch]"), *root.glob("cli/*.[ch]"), *root.glob("include/**/*.h")]):
        parts = path.relative_to(root).parts
        if of_audit or parts[0] != "src" or parts[1] in NEAR:
            yield path


def main():
    places = allowed()
    found, used = set(), set()
    experiments = sorted(root.glob("experiments/*.yaml"))
    if not experiments:
        sys.exit("experiments/: there is none")
    for experiment in experiments:
        names = set(arms_of(experiment))
        for path in sources(experiment.stem == "audit"):
            for line, text in strings_of(path):
                for name in names_in(text, names):
                    key = str(path.relative_to(root)), name
                    if key in places:
                        used.add(key)
                    else:
                        found.add(f"{key[0]}:{line}: \"{text[:80]}\": {name} is the name of an arm")
    for path in sorted(root.glob("recipes/*.yaml")):
        for line, text in enumerate(path.read_text().splitlines(), 1):
            if text.startswith("twins:"):
                found.add(f"{path.relative_to(root)}:{line}: {text}: arms stand in an experiment")

    unused = [f"tools/names.txt: nothing is there any more: {places[key]}" for key in sorted(places.keys() - used)]
    for line in unused + sorted(found):
        print(line)
    print(f"names: {len(found)} strings are names of arms")
    return bool(unused or found)


sys.exit(main())
