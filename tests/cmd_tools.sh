# The checks that guard the project, on small trees that break what they check.
. tests/cmd.inc

# ---- layers: two files and a public header, built by hand ----
tree=$work/tree
mkdir -p "$tree/tools" "$tree/src/base" "$tree/src/model" "$tree/cli" "$tree/include/gradroute" "$tree/build/lib.a.p"
cp tools/layers.py tools/symbols.py "$tree/tools"
lay() { # writes the file of $1 and its object
    cat >"$tree/$1"
    case $1 in *.c) ${CC:-cc} -I"$tree/src" -I"$tree/include" -c "$tree/$1" -o "$tree/build/lib.a.p/$(echo "$1" | tr / _).o" ;; esac
}
lay src/base/low.h <<'C'
#ifndef GR_BASE_LOW_H
#define GR_BASE_LOW_H
int gr__low(void);
#endif
C
low='#include "base/low.h"
int gr__low(void) { return 1; }'
echo "$low" | lay src/base/low.c
lay src/model/high.c <<'C'
#include "base/low.h"
int gr__high(void) { return gr__low(); }
C
fails 0 '3 files in order' 'files that include what is below' "$tree/tools/layers.py"
fails 0 '1 symbols of others in order' 'objects that use what is below' "$tree/tools/layers.py" "$tree/build"

printf '%s\n' '#include "model/high.h"' "$low" >"$tree/src/base/low.c"
fails 1 'src/base/low.c:1: base may not include model/high.h' 'an include from above' "$tree/tools/layers.py"
lay src/base/low.c <<'C'
int gr__high(void);
int gr__low(void) { return gr__high(); }
C
fails 0 'in order' 'a prototype written by hand hides a use' "$tree/tools/layers.py"
fails 1 'src/base/low.c: uses gr__high of src/model/high.c' 'from all but its symbol' "$tree/tools/layers.py" "$tree/build"
echo "$low" | lay src/base/low.c

# public headers, which have an owner
header() { printf '%s\n' '#ifndef GRADROUTE_MODEL_H' '#define GRADROUTE_MODEL_H' "$@" '#endif' >"$tree/include/gradroute/model.h"; }
header 'int gr_high(void);'
printf '%s\n' '#include "gradroute/model.h"' "$low" >"$tree/src/base/low.c"
fails 1 'base may not include gradroute/model.h, which is of model' 'a public header from above' "$tree/tools/layers.py"
echo "$low" >"$tree/src/base/low.c"
header '#include "base/low.h"'
fails 1 'a public header includes the internal base/low.h' 'a public header is for those who have no other' "$tree/tools/layers.py"
header 'int gr_low(void);'
echo "$low int gr_low(void) { return 3; }" | lay src/base/low.c
fails 1 'include/gradroute/model.h: gr_low is defined in src/base/low.c, not in model' 'a function in the header of another' \
    "$tree/tools/layers.py" "$tree/build"
echo "$low" | lay src/base/low.c
rm "$tree/include/gradroute/model.h"
touch "$tree/include/gradroute/new.h"
fails 1 'include/gradroute/new.h: say in tools/layers.py whose header it is' 'a header of nobody' "$tree/tools/layers.py"
rm "$tree/include/gradroute/new.h"

mkdir "$tree/src/other"
touch "$tree/src/other/x.c"
fails 1 'src/other/x.c: say in tools/layers.py where its folder stands' 'a folder of nowhere' "$tree/tools/layers.py"
rm -r "$tree/src/other"

# folders in braces
mkdir "$tree/src/text" "$tree/src/arch"
echo 'int gr__generation(void) { return 2; }' | lay src/text/one.c
echo 'int gr__generation(void); int gr__arch(void) { return gr__generation(); }' | lay src/arch/other.c
fails 1 'src/arch/other.c: uses gr__generation' 'folders side by side do not see each other' "$tree/tools/layers.py" "$tree/build"
rm -r "$tree/src/text" "$tree/src/arch"

rm "$tree/build/lib.a.p/src_base_low.c.o"
fails 1 'no object of src_base_low.c.o' 'what was not built was not checked' "$tree/tools/layers.py" "$tree/build"
echo "$low" | lay src/base/low.c
sed -i s/GR_BASE_LOW_H/GR_LOW_H/ "$tree/src/base/low.h"
fails 1 'its guard is GR_LOW_H, not GR_BASE_LOW_H' 'a guard that another folder may have' "$tree/tools/layers.py"
sed -i s/GR_LOW_H/GR_BASE_LOW_H/ "$tree/src/base/low.h"
printf '%s\n' '#include <dnnl.h>' >"$tree/src/model/fast.h"
fails 1 'only kernel/dnnl_' 'oneDNN elsewhere' "$tree/tools/layers.py"
rm "$tree/src/model/fast.h"

# ---- identifiers: the tree of the layers, which has gr__low and gr__high ----
cp tools/identifiers.py "$tree/tools"
identifiers() { "$tree/tools/identifiers.py"; }
fails 0 '2 of them defined in one place' 'names that are told apart' identifiers
echo 'int gr_high(void) { return 1; }' >"$tree/cli/other.c"
fails 1 'gr__high (src/model/high.c) and gr_high (cli/other.c) differ by an underscore' 'a name with one underscore less' identifiers
printf '%s\n' '/* gr_high */' 'int gr_lower(void) { return 1; } // gr_low' >"$tree/cli/other.c"
fails 0 '3 of them defined in one place' 'comments name what they like' identifiers
echo 'typedef struct gr__low { int value; } gr__low;' >"$tree/cli/other.c"
fails 1 'gr__low is defined in cli/other.c and in src/base/low.c' 'a type and a function of one name' identifiers
echo 'enum { GR_MOST = 3, GR_LEAST };' | tee "$tree/cli/other.c" >"$tree/src/base/more.c"
fails 1 'GR_LEAST is defined in cli/other.c and in src/base/more.c' 'constants of two folders' identifiers
echo 'struct gr__high *gr_pointer; struct gr__low;' >"$tree/cli/other.c"
fails 0 'defined in one place' 'what is named is not defined' identifiers
rm "$tree/cli/other.c" "$tree/src/base/more.c"

# ---- how code reads: a tree of one file for each of the four ----
mkdir -p "$work/read/tools" "$work/read/src" "$work/read/cli" "$work/read/bench" "$work/read/tests"
cp tools/readable.py "$work/read/tools"
readable() { "$work/read/tools/readable.py" "$@"; }
lines() { i=0; while [ $i -lt "$1" ]; do echo "    x += $i;"; i=$((i + 1)); done; }
long() { printf '%s\n' "$1" 'int f(int x) {' '    const char *s = "} /* no comment */ {";'; lines 6; printf '%s\n' "$2"; lines 6; printf '%s\n' '    return x;' '}'; }
for place in src cli bench tests; do long '/* Adds up. */' '' >"$work/read/$place/a.c"; done
fails 1 'src: less than 15 % of the lines are comments' 'one comment in a long function' readable
for place in src cli bench; do { printf '/* more */\n/* and more */\n\n'; long '/* Adds up. */' ''; } >"$work/read/$place/a.c"; done
fails 0 'src: .* of 1 functions of 15 lines or more 0.0 % bare, 100.0 % in paragraphs' 'a comment above and a paragraph' readable
{ printf '/* more */\n/* and more */\n/* and more */\n\n'; long '' ''; } >"$work/read/src/a.c"
fails 1 'src: more than 10 % of the long functions are bare' 'a text in quotes is no comment' readable
fails 1 'src/a.c:6: 17 lines, bare' 'which one it is' readable --list
{ printf '/* more */\n/* and more */\n\n'; long '/* Adds up. */' '    x += 99;'; } >"$work/read/src/a.c"
fails 1 'src: less than 70 % of the long functions are in paragraphs' 'a function in one piece' readable
{ printf '/* more */\n/* and more */\n\n'; long '/* Adds up. */' ''; } >"$work/read/src/a.c"
draws() { readable --draw 7 1 | grep -q "$1"; }
ok 'a long function is drawn, with its place' draws '^==== src/a.c:'
{ echo 'int f(int x) {'; lines 80; echo '}'; } >"$work/read/tests/a.c"
fails 1 'tests/a.c:1: 82 lines, more than 80' 'a function that is too long, in tests too' readable
lines 601 >"$work/read/tests/a.c"
fails 1 'tests/a.c: 601 lines, more than 600' 'a file that is too long, in tests too' readable

# ---- deliberate faults: where they are put in ----
faults=$work/faults
mkdir -p "$faults/tools" "$faults/src" "$faults/tests"
cp tools/mutants.py "$faults/tools"
printf 'int one(void) {\n    return 1;\n}\n' >"$faults/src/a.c"
touch "$faults/tests/test_a.c" "$faults/tests/helpers.c"
fault() { printf '# one is two\nsrc/a.c\n- return %s;\n+ return 2;\n! %s\n' "$1" "$2" >"$faults/tools/mutants.txt"; }
places() { "$faults/tools/mutants.py" --check; }
fault 1 test_a
fails 0 '1 faults in place' 'a fault whose text is there' places
fault 3 test_a
fails 1 'stale: one is two (src/a.c, test_a): its text is there 0 times' 'one whose text has changed' places
printf 'int two(void) {\n    return 1;\n}\n' >>"$faults/src/a.c"
fault 1 test_a
fails 1 'its text is there 2 times' 'one that is not at one place' places
printf 'int one(void) {\n    return 1;\n}\n' >"$faults/src/a.c"
fault 1 test_b
fails 1 'no such test: one is two (src/a.c, test_b)' 'one of no test' places
fault 1 test_a
touch "$faults/tests/double_b.c"
fails 1 'tests/double_b.c: no fault' 'a test that nothing has shown to fail' places
mkdir "$faults/build-mutants"
second() { flock "$faults/build-mutants/lock" "$faults/tools/mutants.py"; }
fails 1 'another run works in' 'a second run in the same tree' second

# ---- names of arms ----
names=$work/names
mkdir -p "$names/tools" "$names/experiments" "$names/src/lab" "$names/src/op" "$names/cli" "$names/recipes"
cp tools/names.py "$names/tools"
echo 'src/op/x.c plain something else' >"$names/tools/names.txt"
printf '%s\n' 'experiment: audit' 'arms: # two' '  routed: {train: {}}' '  plain:' '    {train: {routes: none}}' 'roles: {zero: plain}' >"$names/experiments/audit.yaml"
code() { printf '%s\n' "$2" >"$names/$1"; }
look() { "$names/tools/names.py"; }
code src/op/x.c 'const char *a = "plain", *b = "no plain name", *c = "plainly", *d = "roles/zero"; /* "routed" */ // "routed"'
fails 0 'names: 0 strings' 'words that only hold one, comments, what is allowed' look
code src/lab/a.c '#include "plain/routed.h"'
code cli/b.c 'const char *example = "  gradroute eval runs/demo/routed --off x\n";'
fails 0 'names: 0 strings' 'headers, and examples of folders' look
code src/lab/a.c 'char c = 34; const char *n = "plain";'
fails 1 'src/lab/a.c:1: "plain"' 'an arm by its name' look
rm "$names/src/lab/a.c"
code cli/b.c 'const char *n = "%s/plain/model\n";'
fails 1 'cli/b.c:1: "%s/plain/model' 'in a path' look
code cli/b.c 'const char *n = "Next  gradroute eval %s/routed --off x";'
fails 1 'cli/b.c:1: "Next  gradroute eval %s/routed' 'a path within a sentence' look
rm "$names/cli/b.c"
echo 'twins: [plain]' >"$names/recipes/r.yaml"
fails 1 'recipes/r.yaml:1: twins' 'twins of a recipe' look
rm "$names/recipes/r.yaml"
printf '%s\n' 'experiment: other' 'arms:' '  era: {train: {}}' >"$names/experiments/other.yaml"
code src/op/y.c 'const char *n = "era";'
fails 0 'names: 0 strings' 'arms of other experiments, far from them' look
code src/lab/b.c 'const char *n = "era";'
fails 1 'src/lab/b.c:1: "era"' 'and near' look
rm "$names/src/lab/b.c"
code src/op/x.c ''
fails 1 'nothing is there any more: src/op/x.c plain' 'an exception that is gone' look
echo 'arms: {a: {train: {}}}' >"$names/experiments/other.yaml"
fails 1 'other.yaml: write its arms as a block' 'arms that it cannot see' look

# ---- figures of two audits ----
cat >"$work/a.json" <<'JSON'
{"removal": 0.1, "steps": 3, "seconds": 5.5, "intervals": {"removal": [0.05, null]}, "folder": "a", "models": {"plain": {"at": {"lr": 1e-3}, "seconds": 1}}}
JSON
change() { sed "$1" "$work/a.json" >"$work/b.json"; }
figures() { tools/same_figures.py "$work/a.json" "$work/b.json" "$@"; }
change 's/"seconds": [0-9.]*/"seconds": 77/g; s/"folder": "a"/"folder": "b"/; s/"steps": 3/"steps": 3.0/; s/1e-3/0.001/'
fails 0 '5 figures are the same' 'times, folders and spellings may differ' figures
change 's/0\.1,/0.10000000000000002,/'
fails 1 'removal: 0.1 became 0.10000000000000002' 'the last bit may not' figures
change 's/"steps": 3/"steps": 4/; s/null/0/'
fails 1 'steps: 3 became 4' 'whole numbers' figures
fails 1 'intervals.removal.1: None became 0' 'what was null' figures
change 's/"steps": 3, //'
fails 1 'steps: 3 is gone' 'a figure that is gone' figures
change 's/"steps": 3/"steps": 3, "more": 0/'
fails 1 'more: 0 is new' 'a figure that is new' figures
change 's/"removal"/"R"/g; s/"at"/"best"/'
fails 1 'models.plain.at.lr: 0.001 is gone' 'renamed keys that nobody told of' figures
printf '%s\n' '# told' 'removal R' 'intervals.removal.* intervals.R.*' 'models.*.at.lr models.*.best.lr' >"$work/renamed.txt"
fails 0 '5 figures are the same' 'renamed keys' figures --renamed "$work/renamed.txt"
change 's/"removal"/"R"/g; s/"steps": 3/"steps": 3, "removal": 0.1/; s/"at"/"best"/'
fails 1 'R: 0.1 is new' 'a key that is still there was not renamed' figures --renamed "$work/renamed.txt"
cat >"$work/a.json" <<'JSON'
{"models": {"routed": {"forget_on": 1, "retain_off": 2, "forget_off_relearned": 3, "relearned_off_at": {"step": 5}, "tokens": 6,
    "intervals": {"forget_on": [7, 8], "adjacent_off": [9, 10]}, "classes_on": {"boot": 11}}, "placebo": {"retain_off": 12, "tokens": 13},
    "plain": {"forget": 14}}}
JSON
cat >"$work/b.json" <<'JSON'
{"models": {"routed": {"forget": 1, "tokens": 6, "intervals": {"forget": [7, 8]}, "classes": {"boot": 11}},
    "routed_off": {"retain": 2, "forget_relearned": 3, "relearned_at": {"step": 5}, "intervals": {"adjacent": [9, 10]}},
    "placebo": {"tokens": 13}, "placebo_off": {"retain": 12}, "plain": {"forget": 14}}}
JSON
fails 0 '13 figures are the same' 'models with regions off are models of their own' figures
echo 'models.* lr' >"$work/renamed.txt"
fails 1 'renamed.txt:1: expected' 'a line that names no key' figures --renamed "$work/renamed.txt"
echo '{}' >"$work/b.json"
fails 1 'has no figures' 'an empty result' tools/same_figures.py "$work/b.json" "$work/a.json"

# ---- brown: a corpus of two files ----
brown=$work/brown
mkdir "$brown"
printf 'a1 news\nb1 humor\n' >"$brown/cats.txt"
printf '\n\tHe/pps said/vbd ,/, ``/`` 1/2/cd (/( half/nn )/) ;/. ;/. no/at ./.\n\n\n\tGo/vb !/. %s\n' "''/''" >"$brown/a1"
printf '\tHa/uh ./.\n' >"$brown/b1"
ok 'paragraphs with their genres' tools/brown.py "$brown" "$work/genres.jsonl"
cat >"$work/genres.expected" <<'J'
{"text": "He said, \"1/2 (half); no.", "label": "news"}
{"text": "Go!\"", "label": "news"}
{"text": "Ha.", "label": "humor"}
J
ok 'as print has them' cmp "$work/genres.jsonl" "$work/genres.expected"
fails 1 'File exists' 'and never over a file' tools/brown.py "$brown" "$work/genres.jsonl"

finish
