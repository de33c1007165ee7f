#!/usr/bin/env python3
"""Checks that an x86-64 build starts on every x86-64 processor: tools/instructions.py BUILD_FOLDER

Vector code is compiled once per instruction set, into objects of its own (libkernel_REAL_ISA). What runs before the
processor has been asked, and may be linked from anywhere, must be free of it:
  - no other object has an AVX instruction, nor any that came after SSE3;
  - an object of an instruction set defines functions of its own name alone, gr__ISA_.., and none that the linker would
    merge with another object's (weak or common); it runs nothing at the start of the program;
  - of its functions other objects name only gr__ISA_fill_.., and only kernel/dispatch.c does.
"""
import concurrent.futures, os, pathlib, platform, re, subprocess, sys

SETS = ("base", "avx2", "avx512", "bf16", "amx")
PREFIXES = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3, *range(0x40, 0x50)}
FEWEST = 200000  # instructions of a whole build: fewer were not looked at


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def set_of(path):
    """The instruction set that an object is compiled for; base unless its folder says otherwise."""
    found = re.match(r"libkernel_[a-z]+_([a-z0-9]+)\.a\.p$", path.parent.name)
    return found[1] if found else "base"


def beyond_sse3(code):
    """Whether an instruction is coded as only AVX or later ones are, or as only those after SSE3 are."""
    at = 0
    while at < len(code) and code[at] in PREFIXES:
        at += 1
    rest = code[at:]
    if rest[:1] in (b"\xc4", b"\xc5", b"\x62"):  # VEX and EVEX in 64-bit code
        return True
    late = rest[:2] in (b"\x0f\x38", b"\x0f\x3a")  # SSSE3, SSE4, MOVBE, AES, SHA
    counts = 0xF3 in code[:at] and rest[:2] in (b"\x0f\xb8", b"\x0f\xbd")  # POPCNT, LZCNT
    return late or counts


def wrong_instructions(path):
    """How many instructions an object has, and those that an early processor lacks, with the function they are in."""
    count, found, function = 0, [], "?"
    for line in run("objdump", "-d", "-w", path).splitlines():
        if line.endswith(">:"):
            function = line.split("<")[1][:-2]
        parts = line.split("\t")
        if len(parts) > 2:
            count += 1
            if beyond_sse3(bytes.fromhex(parts[1])):
                found.append(f"{path}: {function}: {parts[2]}")
    return count, found


def symbols(path):
    """(kind, name) of what an object defines for others or wants from them; U: wants."""
    return [tuple(line.split()[-2:]) for line in run("nm", "-g", path).splitlines() if line.strip()]


def wrong_symbols(path):
    isa, found = set_of(path), []
    for kind, name in symbols(path):
        owner = re.match(r"gr__(avx2|avx512|bf16|amx)_", name)
        if isa != "base" and kind not in "UT":
            found.append(f"{path}: {name} ({kind}) may be taken for others by the linker")
        elif isa != "base" and kind == "T" and not name.startswith(f"gr__{isa}_"):
            found.append(f"{path}: {name} is not named after its instruction set")
        elif kind == "U" and owner and owner[1] != isa and not (path.name.endswith("dispatch.c.o") and "_fill_" in name):
            found.append(f"{path}: names {name}, which only dispatch.c may")
    if isa != "base":
        found += [f"{path}: {s} runs before the processor is asked" for s in
                  re.findall(r"\.(?:init_array|preinit_array|ctors|fini_array)\b", run("objdump", "-h", path))]
    return found


def main():
    if platform.machine() != "x86_64":
        print("nothing to check: not x86-64")
        return 0
    # What is linked into the command, the library and the unit tests.
    build = pathlib.Path(sys.argv[1])
    objects = sorted(p for p in build.glob("*.p/*.o"))
    missing = [isa for isa in SETS if not any(set_of(p) == isa and "kernel_" in p.parent.name for p in objects)]
    wrong = [f"{build}: no objects of {isa}" for isa in missing]

    # objdump is most of the time: as many at once as there are cores.
    early = [p for p in objects if set_of(p) == "base"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        seen = list(pool.map(wrong_instructions, early))
    instructions = sum(count for count, _ in seen)
    wrong += [line for _, lines in seen for line in lines[:3]]
    if instructions < FEWEST:
        wrong.append(f"{build}: only {instructions} instructions in {len(early)} objects: build it first")

    wrong += [line for path in objects for line in wrong_symbols(path)]
    print("\n".join(wrong) or f"{len(objects)} objects, {instructions} instructions before the choice: all in order")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
