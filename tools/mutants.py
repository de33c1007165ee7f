#!/usr/bin/python3
"""Puts deliberate faults into the source, one at a time, and sees whether the test that is named for each notices.

    tools/mutants.py                  all of tools/mutants.txt; a summary, and status 1 unless every fault was caught
    tools/mutants.py WORD ..          only faults whose title, file or test holds one of the words
    tools/mutants.py --list FILE ..   another list
    tools/mutants.py --check          builds nothing: that every text is there once, and every test program has a fault

The tree is copied into build-mutants/ and built there, without optimisation; this one is never touched. A fault is a block of lines:

    # what is wrong then
    src/folder/file.c
    - text of the file, which must occur in it exactly once
    + what stands there instead
    ! test program, or script of tests/ without its ending

Caught is a fault whose test fails, dies or runs out of time (of the processor: what else the machine does is not the test's). It survives if the test passes, is stale if its text is not in the file
(once), broken if it does not compile. Every test must pass before its faults are put in. One run at a time in a tree.
"""
import fcntl, os, pathlib, resource, shutil, subprocess, sys, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "build-mutants"
TREE, BUILD = SCRATCH / "tree", "build"
SECONDS = 120                                           # of the processor, that a process of a test may take
STILL = 600                                             # without any work of the processor, until a test is ended


class Fault:
    def __init__(self, title):
        self.title, self.file, self.old, self.new, self.test = title, None, [], [], None

    def __str__(self):
        return f"{self.title} ({self.file}, {self.test})"


def read_list(path):
    """The blocks of the file in their order."""
    faults = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        head, _, rest = line.partition(" ")
        if not line.strip() or line.startswith("##"):
            continue
        if head == "#":
            faults.append(Fault(rest))
        elif not faults:
            sys.exit(f"{path}:{number}: a fault begins with its title, # and a text")
        elif head in ("-", "+"):
            (faults[-1].old if head == "-" else faults[-1].new).append(rest)
        elif head == "!":
            faults[-1].test = rest
        else:
            faults[-1].file = line
    for f in faults:
        if not (f.file and f.old and f.new and f.test):
            sys.exit(f"{path}: '{f.title}' lacks its file, text, replacement or test")
    return faults


def copy_tree():
    """Files of the working tree; what has not changed keeps its time, so that only what has is built again."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    wanted = {n for n in names.decode().split("\0") if n and (ROOT / n).is_file()}
    for name in wanted:
        source, target = ROOT / name, TREE / name
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for folder in ("src", "cli", "bench", "tests", "include"):
        for old in (TREE / folder).rglob("*"):
            if old.is_file() and str(old.relative_to(TREE)) not in wanted:
                old.unlink()


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def worked(session):
    """Ticks of the processor that the processes of a session have used: of those that are there, and of their children that ended."""
    ticks = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:                                 # it ended meanwhile
            continue
        if int(fields[3]) == session:
            ticks += sum(map(int, fields[11:15]))
    return ticks


def run(command, limited=False):
    """Status and output of a command in the scratch tree; status None if it stood still. A busy machine makes it slow, not still."""
    env = dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", CMOCKA_MESSAGE_OUTPUT="TAP", TMPDIR=str(SCRATCH / "tmp"),
               PATH=f"{TREE / BUILD}:{os.environ['PATH']}")
    child = subprocess.Popen(command, cwd=TREE, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True, preexec_fn=limit if limited else None)
    before = -1
    while True:
        try:
            out, _ = child.communicate(timeout=STILL if limited else None)
            return child.returncode, out.decode(errors="replace")
        except subprocess.TimeoutExpired:
            now = worked(child.pid)
        if now == before:
            os.killpg(child.pid, 9)                     # its own group: nothing else is in it
            return None, child.communicate()[0].decode(errors="replace") + "\nstood still"
        before = now


def is_script(test):
    return (TREE / "tests" / f"{test}.sh").exists()


def build(test):
    return run(["ninja", "-C", BUILD, *(["gradroute", "gradroute-bench"] if is_script(test) else [test])])


def complaint(test):
    """What a test that does not pass printed, without what passed; "" if it passes."""
    script = is_script(test)
    status, out = run(["sh", f"tests/{test}.sh"] if script else [f"{BUILD}/{test}"], True)
    lines = out.splitlines()
    well = "done" in lines and not any(line.startswith("not ok") for line in lines) if script else True
    if well and (status is not None if script else status == 0):
        return ""
    return "\n".join(line for line in lines if not line.startswith("ok "))[-4000:] or f"status {status}"


def place(f, tree):
    """The file's path and text, and how often the fault's text is in it."""
    path = tree / f.file
    text = path.read_text() if path.exists() else ""
    return path, text, text.count("\n".join(f.old))


def check(faults):
    """Without building: faults that are stale or of no test, and test programs that are not known to be able to fail."""
    tests = {p.stem for p in (ROOT / "tests").iterdir() if p.suffix in (".c", ".sh")}
    wrong = [f"stale: {f}: its text is there {n} times" for f in faults if (n := place(f, ROOT)[2]) != 1]
    wrong += [f"no such test: {f}" for f in faults if f.test not in tests]
    programs = {t for t in tests if t.startswith(("test_", "double_")) and (ROOT / "tests" / f"{t}.c").exists()}
    wrong += [f"tests/{t}.c: no fault in tools/mutants.txt that it must notice" for t in sorted(programs - {f.test for f in faults})]
    print("\n".join(wrong) if wrong else f"{len(faults)} faults in place")
    return bool(wrong)


def try_fault(f):
    """caught, survived, stale or broken."""
    path, text, times = place(f, TREE)
    old, new = "\n".join(f.old), "\n".join(f.new)
    if times != 1:
        return "stale"
    try:
        path.write_text(text.replace(old, new))
        status, out = build(f.test)
        if status:
            print("\n".join(line for line in out.splitlines() if "error" in line)[:2000])
            return "broken"
        return "caught" if complaint(f.test) else "survived"
    finally:
        path.write_text(text)


def main():
    words = sys.argv[1:]
    listed = ROOT / "tools" / "mutants.txt"
    if words[:1] == ["--list"]:
        listed, words = pathlib.Path(words[1]).resolve(), words[2:]
    if words == ["--check"]:
        return check(read_list(listed))
    faults = [f for f in read_list(listed) if not words or any(w in str(f) for w in words)]
    began = time.monotonic()
    SCRATCH.mkdir(exist_ok=True)
    lock = open(SCRATCH / "lock", "w")                  # held until this process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:                             # it would take folders of tests away, and faults in and out
        sys.exit(f"another run works in {SCRATCH}")
    shutil.rmtree(SCRATCH / "tmp", ignore_errors=True)
    (SCRATCH / "tmp").mkdir(parents=True)
    copy_tree()
    status, out = run(["tools/configure.sh", BUILD, "-Dtests=true", "-Dwerror=false", "-Doptimization=0", "-Ddebug=false"])
    if status:
        sys.exit(out)

    # without faults first
    for test in sorted({f.test for f in faults}):
        status, out = build(test)
        if status:
            sys.exit(f"{test} does not build:\n{out[-4000:]}")
        if said := complaint(test):
            sys.exit(f"{test} fails without any fault:\n{said}")

    count = {"caught": 0, "survived": 0, "stale": 0, "broken": 0}
    for f in faults:
        at = time.monotonic()
        verdict = try_fault(f)
        count[verdict] += 1
        print(f"{verdict:8} {time.monotonic() - at:5.1f} s  {f}", flush=True)
    shutil.rmtree(SCRATCH / "tmp", ignore_errors=True)
    print(f"{len(faults)} faults: " + ", ".join(f"{n} {verdict}" for verdict, n in count.items()) + f"; {time.monotonic() - began:.0f} s")
    return count["caught"] != len(faults)


if __name__ == "__main__":
    sys.exit(main())
