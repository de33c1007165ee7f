#!/usr/bin/env python3
"""Checks how the C code reads: comments, paragraphs, lengths. CONTRIBUTING.md says what the limits are for.

    tools/readable.py          the numbers of each tree; fails where one is beyond its limit
    tools/readable.py --list   also the long functions that are bare or in one piece, and where they are
    tools/readable.py --draw SEED N   instead prints N long functions of src, drawn by the seed, to be read and judged

A function of 15 lines or more is long. It is bare if no comment is right above it or in it, and in one piece if no empty line is
in it. Comments: lines of comments among all lines that hold something; one behind code counts half. clang-format puts the first line
of a function and the brace that ends it at the margin, so no parser is needed.
"""
import pathlib, random, re, sys

LONG = 15
# Per tree: per cent of long functions that may be bare and that must have paragraphs, and least per cent of comments; lines of a
# file and of a function at most. None: no limit.
LIMITS = {
    "src": (10, 70, 15, 600, 80),
    "cli": (10, 70, 11, 600, 80),
    "bench": (10, 70, 11, 600, 80),
    "tests": (None, None, None, 600, 80),
}
root = pathlib.Path(__file__).resolve().parent.parent
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", re.S)


def without_comments(text, quoted):
    """The lines without comments, each where it was; quoted texts stay as they are, or become "" (they may hold braces)."""
    kept = (lambda found: found) if quoted else (lambda found: '""')
    return COMMENT.sub(lambda m: re.sub(r"[^\n]", "", m[0]) if m[0][0] == "/" else kept(m[0]), text).split("\n")


def comment_lines(lines, bare):
    """How many lines are comments, one behind code as a half, and how many hold anything; bare: the same without comments."""
    whole = sum(bool(line.strip()) and not rest.strip() for line, rest in zip(lines, bare))
    behind = sum(bool(rest.strip()) and rest != line for line, rest in zip(lines, bare))
    return whole + behind / 2, sum(bool(line.strip()) for line in lines)


def functions(code):
    """First and last line of each function, from 0."""
    at = 0
    while at < len(code):
        first, head = at, code[at]
        at += 1
        if not re.match(r"(?!typedef|struct \w+ \{|enum|union)[A-Za-z_]", head):
            continue
        while at < len(code) and not re.search(r"[{;]", head):
            head += code[at]
            at += 1
        opening = head.partition("{")[0]
        if "{" not in head or "(" not in opening or "=" in opening or ";" in opening:
            continue
        if head.count("{") > head.count("}"):
            while at < len(code) and not code[at].startswith("}"):
                at += 1
            at += 1
        yield first, at - 1


def draw(seed, count):
    """Prints some long functions of src with the comment above them: the same for the same seed and sources."""
    found = []
    for path in sorted((root / "src").rglob("*.[ch]")):
        lines = path.read_text().split("\n")
        for first, last in functions(without_comments("\n".join(lines), False)):
            if last + 1 - first >= LONG:
                above = first
                while above > 0 and lines[above - 1].strip():
                    above -= 1
                found.append((path.relative_to(root), above, lines[above:last + 1]))
    for path, first, body in random.Random(seed).sample(found, min(count, len(found))):
        print(f"==== {path}:{first + 1}", *body, "", sep="\n")


def main():
    if sys.argv[1:2] == ["--draw"]:
        return draw(int(sys.argv[2]), int(sys.argv[3]))
    wrong = []
    for tree, (bare_most, pieces_least, comments_least, file_most, function_most) in LIMITS.items():
        comments = filled = long = bare = pieces = 0
        for path in sorted((root / tree).rglob("*.[ch]")):
            name, text = path.relative_to(root), path.read_text()
            lines, uncommented = text.split("\n"), without_comments(text, True)
            some, all_lines = comment_lines(lines, uncommented)
            comments, filled = comments + some, filled + all_lines
            if text.count("\n") > file_most:
                wrong.append(f"{name}: {text.count(chr(10))} lines, more than {file_most}: split it by subject")
            for first, last in functions(without_comments(text, False)):
                size, body = last + 1 - first, lines[first:last + 1]
                place = f"{name}:{first + 1}: {size} lines"
                if size > function_most:
                    wrong.append(f"{place}, more than {function_most}")
                if size < LONG:
                    continue
                is_bare = lines[max(0, first - 1):last + 1] == uncommented[max(0, first - 1):last + 1]
                whole = all(line.strip() for line in body)
                long, bare, pieces = long + 1, bare + is_bare, pieces + (not whole)
                if "--list" in sys.argv[1:] and (is_bare or whole) and bare_most is not None:
                    print(f"{place}{', bare' if is_bare else ''}{', in one piece' if whole else ''}")
        bare, pieces, comments = (100 * n / max(1, of) for n, of in ((bare, long), (pieces, long), (comments, filled)))
        print(f"{tree}: comments {comments:.1f} %, of {long} functions of {LONG} lines or more {bare:.1f} % bare, {pieces:.1f} % in paragraphs")
        if bare_most is not None:
            wrong += [f"{tree}: more than {bare_most} % of the long functions are bare"] * (bare > bare_most)
            wrong += [f"{tree}: less than {pieces_least} % of the long functions are in paragraphs"] * (pieces < pieces_least)
            wrong += [f"{tree}: less than {comments_least} % of the lines are comments"] * (comments < comments_least)
    print("\n".join(wrong), end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
