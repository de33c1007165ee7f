#!/usr/bin/env python3
"""Writes the manual page of the command from what its --help says, so that the page is never behind: tools/man.py COMMAND"""
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


version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
top = help_of()
print(f""".\\" Written by tools/man.py from the command's own help.
.TH GRADROUTE 1 "" "gradroute {version}" "User Commands"
.ad l
.SH NAME
gradroute \\- trains networks whose knowledge of a topic lives in a region that can be removed
.SH SYNOPSIS
.B gradroute
.I COMMAND
\\&...
.SH DESCRIPTION""")
write(top[1:])
print(".SH COMMANDS")
for command in table(top):
    section(command)
print(".SH \"EXIT STATUS\"\n" + escape(next(line for line in reversed(top) if line.startswith("Exit status: "))[len("Exit status: "):]))
print(""".SH ENVIRONMENT
.TP
.B GRADROUTE_ISA
base, avx2, avx512, bf16 or amx: the widest vector code to use.
.TP
.B GRADROUTE_LOG
0 silences notes on standard error.
.TP
.B OMP_NUM_THREADS
Threads, where neither \\-\\-threads nor the recipe says.
.TP
.B OMP_WAIT_POLICY
passive, where the machine does other work.""")
