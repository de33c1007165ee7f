#!/usr/bin/env python3
"""Checks that a file includes only from its own folder, a layer below, or the public headers, and that file names are unique.

The layers, from the top: cli, lab, {train, env}, {route, data, comm, arch, infer}, model, op, kernel, io, base.
"""
import collections, pathlib, re, sys

ORDER = [["cli"], ["lab"], ["train", "env"], ["route", "data", "comm", "arch", "infer"], ["model"], ["op"], ["kernel"], ["io"], ["base"]]
LEVEL = {folder: i for i, group in enumerate(ORDER) for folder in group}
root = pathlib.Path(__file__).resolve().parent.parent
wrong, names = [], collections.defaultdict(list)

for path in sorted([*root.glob("src/*/*.[ch]"), *root.glob("cli/*.[ch]"), *root.glob("include/gradroute/*.h")]):
    here = path.parent.name if path.parent.name != "gradroute" else "public"
    names[path.name].append(path)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not found:
            if re.search(r"<(dnnl|oneapi/)", line) and not path.name.startswith("dnnl_"):
                wrong.append(f"{path.relative_to(root)}:{number}: only kernel/dnnl_*.c include oneDNN")
            continue
        target = found.group(1)
        folder = target.split("/")[0]
        if folder == "gradroute":
            continue
        if here == "public":
            wrong.append(f"{path.relative_to(root)}:{number}: a public header includes the internal {target}")
        elif folder not in LEVEL:
            if not (path.parent / target).exists():
                wrong.append(f"{path.relative_to(root)}:{number}: {target} is neither public nor in a layer")
        elif folder != here and LEVEL[folder] <= LEVEL.get(here, -1):
            wrong.append(f"{path.relative_to(root)}:{number}: {here} may not include {target}")

for name, paths in names.items():
    public = [p for p in paths if p.parent.name == "gradroute"]
    if len(paths) - min(len(public), 1) > 1:
        wrong.append(f"{name}: the name is used {len(paths)} times: " + ", ".join(str(p.relative_to(root)) for p in paths))

print("\n".join(wrong) if wrong else f"layers: {sum(map(len, names.values()))} files in order")
sys.exit(bool(wrong))
