#!/usr/bin/env python3
"""Writes the manual page of a program from what its --help says, so that the page is never behind: tools/man.py PROGRAM"""
import os, re, subprocess, sys

program = sys.argv[1]
INDENT = 20  # where the text of options begins, at least


def help_of(*words):
    """The lines of --help, with paragraphs left on one line."""
    environment = dict(os.environ, ARGP_HELP_FMT="rmargin=20000", LC_ALL="C")
    text = subprocess.run([program, *words, "--help"], env=environment, check=True, capture_output=True, text=True).stdout
    return text.rstrip().split("\n")


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    return "\\&" + text if text.startswith(".") else text


def table(lines):
    """Names in a list of commands or actions."""
    found = (re.match(r"  ([a-z-]+)\s{2,}\S", line) for line in lines)
    return [match.group(1) for match in found if match]


def write(lines):
    """The text of a --help behind its usage line."""
    literal = option = False
    for line in lines:
        if line.startswith("Mandatory or optional arguments") or line.startswith("for any corresponding short"):
            continue
        if line.startswith("Exit status"):  # once, at the end of the page
            continue
        found = re.match(r"\s{2,6}(-\S.*?)(?:\s{2,}(\S.*))?$", line)
        indented = line.startswith("  ") and not found
        if option and indented and len(line) - len(line.lstrip()) >= INDENT:
            print(escape(line.strip()))
            continue
        option = bool(found)
        if literal and not indented:
            print(".fi\n.RE")
            literal = False
        if found:
            print(".TP\n.B " + escape(found.group(1)))
            if found.group(2):
                print(escape(found.group(2)))
        elif indented:
            if not literal:
                print(".RS 4\n.nf")
                literal = True
            print(escape(line[2:]))
        elif line.strip():
            print(".PP\n" + escape(line.strip()))
    if literal:
        print(".fi\n.RE")


def section(*words):
    lines = help_of(*words)
    usage = re.sub(r"^Usage: ", "", lines[0])
    print('.SS "' + escape(usage).replace('"', "\\(dq") + '"')
    write(lines[1:])
    if "ACTION" in usage:
        for action in table(lines):
            section(*words, action)


def begin(name, version, purpose, usage):
    bold, *rest = usage.split(" ", 1)
    print(f""".\\" Written by tools/man.py from the program's own help.
.TH {escape(name.upper())} 1 "" "gradroute {version}" "User Commands"
.ad l
.SH NAME
{escape(name)} \\- {purpose}
.SH SYNOPSIS
.B {escape(bold)}""")
    if rest:
        print(escape(rest[0]))
    print(".SH DESCRIPTION")


PURPOSE = {"gradroute": "trains networks whose knowledge of a topic lives in a region that can be removed",
           "gradroute-bench": "measures how fast gradroute trains and generates on this machine"}
VARIABLES = [("GRADROUTE_ISA", "base, avx2, avx512, bf16 or amx: the widest vector code to use."),
             ("GRADROUTE_LOG", "0 silences notes on standard error."),
             ("OMP_NUM_THREADS", "Threads, where neither --threads nor the recipe says."),
             ("OMP_WAIT_POLICY", "passive, where the machine does other work.")]
BENCH = [("GRADROUTE_PEERS", "The folder of the scripts that time PyTorch.")]

name = os.path.basename(program)
version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
top = help_of()
begin(name, version, PURPOSE[name], re.sub(r"^Usage: ", "", top[0]))
write(top[1:])
commands = table(top) if "COMMAND" in top[0] else []
if commands:
    print(".SH COMMANDS")
for command in commands:
    section(command)
print(".SH \"EXIT STATUS\"\n" + escape(next(line for line in reversed(top) if line.startswith("Exit status: "))[len("Exit status: "):]))
print(".SH ENVIRONMENT")
for variable, text in VARIABLES + (BENCH if name == "gradroute-bench" else []):
    print(f".TP\n.B {variable}\n{escape(text)}")
