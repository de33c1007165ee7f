# What is installed: the exported names, headers that stand alone in C and C++, the manual, and the examples built
# against it and run at a tiny size.
. tests/cmd.inc
build=$(cd "$(dirname "$(command -v gradroute)")" && pwd) root=$work/root
ok 'meson install' meson install -C "$build" --no-rebuild --destdir "$root"
lib=$(dirname "$(find "$root" -name libgradroute.so.0)")
include=$(dirname "$(dirname "$(find "$root" -name infer.h)")")
share=$(dirname "$(find "$root" -name recipes)")
page=$(find "$root" -name gradroute.1) bench_page=$(find "$root" -name gradroute-bench.1)
PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root LD_LIBRARY_PATH=$lib
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR LD_LIBRARY_PATH
flags() { pkg-config --cflags --libs gradroute; }
installed() { [ -e "$lib/libgradroute.a" ] && [ -e "$lib/libgradroute.so" ] && "$root"/*/*/bin/gradroute --version && "$root"/*/*/bin/gradroute-bench --version; }
ok 'both libraries and both programs' installed
ok 'pkg-config knows the version' same "gradroute $(pkg-config --modversion gradroute)" "$(gradroute --version | head -n 1)"
recipes() { diff -r recipes "$share/recipes" && gradroute data show "$share/recipes/demo.yaml"; }
ok 'the recipes, which find their data' recipes
ok 'the experiments' diff -r experiments "$share/experiments"

# ---- names ----
# What the compiler sees declared, whatever tools/symbols.py makes of the headers.
for h in "$include"/gradroute/*.h; do
    gcc -I"$include" -x c -aux-info "$work/aux" -S -o "$work/null" "$h" && cat "$work/aux"
done | grep gradroute/ | grep -v ' static ' | grep -o '\bgr_[a-z0-9_]* (' | tr -d ' (' | sort -u >"$work/declared"
nm -D --defined-only "$lib/libgradroute.so.0" | awk '{ print $3 }' | sort -u >"$work/exported"
many() { [ "$(wc -l <"$work/declared")" -gt 200 ]; }
ok 'the headers declare functions' many
ok 'exported is what the headers declare, nothing else' diff "$work/declared" "$work/exported"
soname() { readelf -d "$lib/libgradroute.so.0" | grep -q 'SONAME.*\[libgradroute.so.0\]'; }
ok 'the soname has its number' soname
prefixed() { nm -g --defined-only "$lib/libgradroute.a" | awk 'NF == 3 && $3 !~ /^gr_/ { print; bad = 1 } END { exit bad }'; }
ok 'every name of the static library begins with gr_' prefixed

# ---- headers ----
for h in "$include"/gradroute/*.h; do
    header=$(basename "$h")
    ok "$header alone is C17" gcc -std=c17 -Wall -Wextra -pedantic -Werror -I"$include" -fsyntax-only -x c "$h"
    if command -v g++ >"$work/null"; then
        ok "$header alone is C++" g++ -std=c++11 -Wall -Wextra -pedantic -Werror -I"$include" -fsyntax-only -x c++ "$h"
    else say "skip $header in C++: there is no g++"; fi
done
if command -v g++ >"$work/null"; then
    {
        for h in "$include"/gradroute/*.h; do echo "#include <gradroute/$(basename "$h")>"; done
        echo 'typedef void (*any)(void); any volatile all[] = {'
        sed 's/.*/    (any)&,/' "$work/declared"
        echo '}; int main() { return all[0] == 0; }'
    } >"$work/all.cc"
    # shellcheck disable=SC2046
    ok 'a C++ program links every function' g++ -std=c++11 -Wall -Wextra -pedantic -Werror "$work/all.cc" $(flags) -o "$work/all"
    ok 'and runs' "$work/all"
else say 'skip a C++ program links every function: there is no g++'; fi

# ---- the manual ----
complete() { python3 - "$page" <<'PYTHON'
import re, subprocess, sys
page = open(sys.argv[1]).read().replace("\\-", "-")
def look(*words):
    text = subprocess.run(["gradroute", *words, "--help"], capture_output=True, text=True).stdout
    assert '.SS "gradroute ' + " ".join(words) in page or not words, words
    for option in re.findall(r"^ {2,6}(?:-., )?(--[a-z-]+)", text, re.M):
        assert option in page.split('.SS "gradroute ' + " ".join(words))[1].split("\n.SS ")[0], (words, option)
    return re.findall(r"^  ([a-z-]+) {2,}\S", text, re.M)
commands = look()
assert len(commands) >= 10
for command in commands:
    if command == "data":
        for action in look("data"): look("data", action)
    else: look(command)
PYTHON
}
ok 'the manual has every command and option' complete
complete_bench() {
    for option in $(gradroute-bench --help | grep -o '^  [^ ]*.*--[a-z-]*' | grep -o -e '--[a-z-]*$'); do
        sed 's/\\-/-/g' "$bench_page" | grep -q -e "$option" || return 1
    done
    for part in '^.TH GRADROUTE-BENCH 1' '^.SH SYNOPSIS' 'routed-sgtm' 'GRADROUTE_PEERS' '^.SH "EXIT STATUS"'; do
        sed 's/\\-/-/g' "$bench_page" | grep -q "$part" || return 1
    done
}
ok 'and so has that of gradroute-bench' complete_bench
if command -v groff >"$work/null"; then
    well_formed() { groff -man -ww -z -Tutf8 "$1" && [ -z "$(groff -man -ww -z -Tutf8 "$1" 2>&1)" ]; }
    ok 'the manual is well formed' well_formed "$page"
    ok 'both are' well_formed "$bench_page"
else say 'skip the manual is well formed: there is no groff'; fi

# ---- examples ----
short() { for f in examples/*.c; do [ "$(wc -l <"$f")" -lt 100 ] || return 1; done; }
ok 'examples have less than 100 lines' short
build_example() { # NAME
    cp "examples/$1.c" "$work/$1.c"
    # shellcheck disable=SC2046
    ok "build $1" gcc -O1 -Wall -Wextra -Werror "$work/$1.c" $(flags) -o "$work/$1"
}
build_example fashion
build_example writer
build_example gate
static() {
    # shellcheck disable=SC2046
    gcc "$work/gate.c" $(pkg-config --cflags --libs gradroute-static) -o "$work/static" &&
        ! readelf -d "$work/static" | grep -q gradroute
}
ok 'build gate with the static library' static

# Ten kinds of pictures, each bright in rows of its own.
python3 - "$work" <<'PYTHON'
import gzip, random, struct, sys
draw = random.Random(1)
for name, n in ("train", 500), ("t10k", 300):
    kinds = [draw.randrange(10) for _ in range(n)]
    with gzip.open(f"{sys.argv[1]}/{name}-labels-idx1-ubyte.gz", "wb") as out:
        out.write(struct.pack(">II", 0x801, n) + bytes(kinds))
    with gzip.open(f"{sys.argv[1]}/{name}-images-idx3-ubyte.gz", "wb") as out:
        out.write(struct.pack(">IIII", 0x803, n, 28, 28))
        for kind in kinds:
            out.write(bytes(draw.randrange(256) if 2 * kind <= row < 2 * kind + 3 else draw.randrange(100) for row in range(28) for _ in range(28)))
PYTHON
fashion() { "$work/fashion" "$work" 150 >"$work/fashion.out" && python3 - "$work/fashion.out" <<'PYTHON'
import re, sys
on, off = ([int(n) for n in re.findall(r"\d+", line)] for line in open(sys.argv[1]))
assert on[0] > 0.8 * on[1] and on[2] > 0.8 * on[3] and off[0] < 0.2 * off[1] and off[2] > 0.8 * off[3], (on, off)
PYTHON
}
ok 'fashion: the class goes with its region, the others stay' fashion
fails 1 'cannot open' 'fashion without data' "$work/fashion" "$work/none" 1
python3 -c 'import json, sys
print("<|endoftext|>".join(json.loads(line)["text"] for line in open(sys.argv[1])))' "$work/corpus.jsonl" >"$work/text"
fails 0 '^a small.*number' 'writer says what it read' "$work/writer" "$work/text" 40 'a small bird'
fails 1 'cannot open' 'writer without a text' "$work/writer" "$work/none" 1 x
ok 'train a model' gradroute train "$work/tiny.yaml" -o "$work/run"
printf 'a small bird number 7 of the north' >"$work/line.txt"
gate() { # on|off OPTION: the loss is that of gradroute eval
    "$work/gate" "$work/run/model" animals "$(cat "$work/line.txt")" >"$work/gate.out" && gradroute eval "$work/run" --data "$work/line.txt" $2 --json >"$work/last.json" &&
        same "$(sed -n "s/^animals $1: loss \([0-9.]*\) .*/\1/p" "$work/gate.out")" "$(get "$work/last.json" "['all']['loss']" | xargs printf '%.3f')"
}
ok 'gate: the loss with the region' gate on ''
ok 'gate: the loss without it' gate off '--off animals'
alike() { LD_LIBRARY_PATH= "$work/static" "$work/run/model" animals "$(cat "$work/line.txt")" | diff - "$work/gate.out"; }
ok 'gate: the same with the static library' alike
fails 1 'animals' 'gate without an unknown region' "$work/gate" "$work/run/model" plants x
finish
