#!/usr/bin/env python3
"""Checks the order of the layers, in what files include and in what their objects use of each other.

    tools/layers.py                  includes: a file sees its own folder, layers below, and their public headers
    tools/layers.py BUILD_FOLDER     also the symbols of the objects there, which a prototype written by hand could hide; and what
                                     public headers declare is defined in the layer that they are of

Beside that: only kernel/dnnl_*.c include oneDNN; the guard of a header says where it is, so that two of one name are told apart.
"""
import pathlib, re, subprocess, sys

sys.dont_write_bytecode = True
import symbols

# From the top; folders in braces do not see each other. A folder within a folder (kernel/attention) is of its layer.
ORDER = """
    bench -> cli -> report -> lab -> attack -> method -> task -> measure -> recipe -> format -> train -> {route, stream, infer, surgery} -> label -> corpus
        -> {text, arch} -> model -> op -> graph -> kernel -> io -> base
"""
# Whose public headers are whose: all that such a header declares is defined there.
HEADERS = {
    "base": "base", "graph": "graph", "op": "batch ops", "model": "model", "text": "tokenizer", "arch": "arch", "corpus": "corpus samples",
    "label": "label classify", "stream": "stream shards data", "surgery": "surgery", "route": "route", "infer": "infer", "train": "optim train",
    "format": "bundle import verify", "recipe": "recipe setting", "measure": "measure", "task": "task", "method": "method", "attack": "attack", "lab": "lab experiment", "report": "report",
}
OWNER = {name: layer for layer, names in HEADERS.items() for name in names.split()}
MADE = {"shipped_experiments.h": "lab", "page_parts.h": "report", "chart_library.h": "report", "built_from.h": "cli"}  # headers that the build makes (meson.build), and who includes them
LEVEL = {folder: i for i, group in enumerate(ORDER.split("->")) for folder in re.findall(r"\w+", group)}
root = pathlib.Path(__file__).resolve().parent.parent
wrong = []


def layer_of(path):
    """The layer of a file: the first folder under src, else cli or bench; of a public header that of its owner."""
    parts = path.relative_to(root).parts
    return parts[1] if parts[0] == "src" else OWNER[path.stem] if parts[0] == "include" else parts[0]


def place(path):
    """Stops where a folder has no place in the order."""
    if layer_of(path) not in LEVEL:
        sys.exit(f"{path.relative_to(root)}: say in tools/layers.py where its folder stands")


def sees(here, there):
    return here == there or LEVEL[here] < LEVEL[there]


# ---- includes ----

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
        folder = OWNER.get(pathlib.Path(target).stem)
    elif path.parent.name == "gradroute":
        wrong.append(f"{place}: a public header includes the internal {target}")
        return
    if folder not in LEVEL:
        if MADE.get(target) != here and not (path.parent / target).exists():
            wrong.append(f"{place}: {target} is neither public nor in a layer")
    elif not sees(here, folder):
        wrong.append(f"{place}: {here} may not include {target}" + (f", which is of {folder}" if "gradroute/" in target else ""))


def check_file(path):
    text = path.read_text()
    if path.suffix == ".h":
        check_guard(path, text)
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if found:
            check_include(path, number, found[1])
        elif re.search(r"<(dnnl|oneapi/)", line) and not re.search(r"kernel/dnnl_\w+\.[ch]$", str(path)):
            wrong.append(f"{path.relative_to(root)}:{number}: only kernel/dnnl_*.c include oneDNN")


# ---- symbols ----

def symbols_of(build, sources):
    """Source file of each object of the library and the programs in float, with what it defines and what it uses."""
    named = {str(path.relative_to(root)).replace("/", "_") + ".o": path for path in sources if path.suffix == ".c"}
    objects = [o for o in build.glob("*.p/*.o") if o.name in named and "double" not in o.parent.name and "test" not in o.parent.name]
    missing = set(named) - {o.name for o in objects}
    if missing:
        wrong.append(f"{build}: no object of {', '.join(sorted(missing))}: build it first")
    found, path = {}, None
    for line in subprocess.run(["nm", "-A", "-g", *objects], check=True, capture_output=True, text=True).stdout.splitlines():
        place, *_, kind, name = re.split(r"[:\s]+", line)
        defines, uses = found.setdefault(named[pathlib.Path(place).name], (set(), set()))
        (uses if kind in "Uvw" else defines).add(name)
    return found


def check_symbols(build, sources, headers):
    """How many uses of one object by another were seen."""
    found, count = symbols_of(build, sources), 0
    home = {name: path for path, (defines, _) in found.items() for name in defines}
    for path, (_, uses) in sorted(found.items()):
        for name in sorted(uses & home.keys()):
            count += 1
            if not sees(layer_of(path), layer_of(home[name])):
                wrong.append(f"{path.relative_to(root)}: uses {name} of {home[name].relative_to(root)}, which is no layer below")
    for header in headers:
        for name in symbols.declared(header.read_text()):
            if name in home and layer_of(home[name]) != OWNER[header.stem]:
                wrong.append(f"{header.relative_to(root)}: {name} is defined in {home[name].relative_to(root)}, not in {OWNER[header.stem]}")
    return count


def main():
    sources = sorted([*root.glob("src/**/*.[ch]"), *root.glob("cli/*.[ch]"), *root.glob("bench/*.[ch]")])
    headers = sorted(root.glob("include/gradroute/*.h"))
    unowned = [path for path in headers if path.stem not in OWNER]
    if unowned:
        sys.exit("\n".join(f"{path.relative_to(root)}: say in tools/layers.py whose header it is" for path in unowned))
    for path in sources + headers:
        place(path)
        check_file(path)
    uses = check_symbols(pathlib.Path(sys.argv[1]), sources, headers) if sys.argv[1:] else 0
    print("\n".join(wrong) or f"layers: {len(sources) + len(headers)} files{f', {uses} symbols of others' if uses else ''} in order")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
