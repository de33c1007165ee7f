#!/usr/bin/env python3
"""Compares the figures of two audits: tools/same_figures.py BEFORE/result.json AFTER/result.json [--renamed FILE]

Every number of the one must be in the other, equal to its last bit, and whatever was null must be null; times and names of folders may
differ, and texts are not figures. Keys that were renamed between the two are read from FILE (tools/renamed_keys.txt): a line `old new`
each, where keys within keys are joined by dots and a * stands for one key or index, the same in both. A key that AFTER still has is not
renamed.

Same figures take the same precision (`--set precision=float32` in both), recipe, threads and machine.
"""
import argparse, json, pathlib, sys

TIMES = {"seconds", "tokens_per_s"}
MOST = 20  # differences that are printed


def figures(value, path=()):
    """Pairs of a path and a number or None, in the order of the file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in TIMES:
                yield from figures(inner, path + (key,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from figures(inner, path + (str(index),))
    elif value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        yield path, value


def read_renamed(file):
    """Pairs of old and new paths."""
    pairs = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or words[0].count("*") != words[1].count("*"):
            sys.exit(f"{file}:{number}: expected an old and a new key with as many *")
        pairs.append(tuple(tuple(word.split(".")) for word in words))
    return pairs


def rename(path, pairs):
    """The path by its new name, by the first line that fits all of it."""
    for old, new in pairs:
        if len(old) == len(path) and all(o in ("*", p) for o, p in zip(old, path)):
            stars = iter(p for o, p in zip(old, path) if o == "*")
            return tuple(next(stars) if n == "*" else n for n in new)
    return path


def bits(number):
    """What is equal only for the same number: 1 and 1.0 are, 0.0 and -0.0 are not."""
    return number if number is None or isinstance(number, int) and abs(number) >= 1 << 53 else float(number).hex()


def compare(before, after):
    """Lines that say what differs."""
    for path, number in before.items():
        name = ".".join(path)
        if path not in after:
            yield f"{name}: {number} is gone"
        elif bits(number) != bits(after[path]):
            yield f"{name}: {number!r} became {after[path]!r}"
    for path in after:
        if path not in before:
            yield f"{'.'.join(path)}: {after[path]} is new"


def read(path):
    try:
        return list(figures(json.loads(pathlib.Path(path).read_text())))
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: {error}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("before")
    options.add_argument("after")
    options.add_argument("--renamed", type=pathlib.Path, default=pathlib.Path(__file__).with_name("renamed_keys.txt"), metavar="FILE")
    given = options.parse_args()
    pairs = read_renamed(given.renamed)
    after = dict(read(given.after))
    before = {path if path in after else rename(path, pairs): number for path, number in read(given.before)}
    if not before:
        sys.exit(f"{given.before}: it has no figures")

    wrong = list(compare(before, after))
    print("\n".join(wrong[:MOST]) + (f"\nand {len(wrong) - MOST} more" if len(wrong) > MOST else "") if wrong
          else f"{len(before)} figures are the same to the last bit")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
