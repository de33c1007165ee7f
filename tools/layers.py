#!/usr/bin/env python3
"""Checks that a file includes only from its own folder, a layer below, or the public headers; that only kernel/dnnl_*.c include
oneDNN; and that the guard of a header says where it is, so that two of one name are told apart.

The layers, from the top; folders in braces do not see each other. A folder within a folder (kernel/attention) is of its layer.
"""
import pathlib, re, sys

ORDER = """
    cli -> report -> lab -> measure -> recipe -> format -> train -> {route, stream, infer, surgery} -> label -> corpus
        -> {text, arch} -> model -> op -> graph -> kernel -> io -> base
"""
LEVEL = {folder: i for i, group in enumerate(ORDER.split("->")) for folder in re.findall(r"\w+", group)}
root = pathlib.Path(__file__).resolve().parent.parent
wrong = []


def layer_of(path):
    """The layer of a file: the first folder under src, or cli, or public."""
    parts = path.relative_to(root).parts
    return parts[1] if parts[0] == "src" else "public" if parts[0] == "include" else parts[0]


def check_guard(path, text):
    """Lists that are included for their lines alone have no guard."""
    found = re.search(r"^#ifndef (GR\w*_H)$", text, re.M)
    parts = path.relative_to(root).with_suffix("").parts
    parts = parts[1:] if parts[0] in ("src", "include") else parts
    name = "_".join([*(["GR"] if parts[0] != "gradroute" else []), *parts, "H"]).upper()
    if found and found[1] != name:
        wrong.append(f"{path.relative_to(root)}: its guard is {found[1]}, not {name}")


def check_include(path, number, target):
    here, folder = layer_of(path), target.split("/")[0]
    place = f"{path.relative_to(root)}:{number}"
    if folder == "gradroute":
        return
    if here == "public":
        wrong.append(f"{place}: a public header includes the internal {target}")
    elif folder not in LEVEL:
        if not (path.parent / target).exists():
            wrong.append(f"{place}: {target} is neither public nor in a layer")
    elif folder != here and LEVEL[folder] <= LEVEL[here]:
        wrong.append(f"{place}: {here} may not include {target}")


files = sorted([*root.glob("src/**/*.[ch]"), *root.glob("cli/*.[ch]"), *root.glob("include/gradroute/*.h")])
for path in files:
    text = path.read_text()
    if path.suffix == ".h":
        check_guard(path, text)
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if found:
            check_include(path, number, found[1])
        elif re.search(r"<(dnnl|oneapi/)", line) and not path.name.startswith("dnnl_"):
            wrong.append(f"{path.relative_to(root)}:{number}: only kernel/dnnl_*.c include oneDNN")

print("\n".join(wrong) if wrong else f"layers: {len(files)} files in order")
sys.exit(bool(wrong))
