# Cells of an experiment: they survive a kill before any call that changes a folder, for the same command goes on and ends
# in the rows of one that nobody disturbed (test_cell_kills tries each call by itself); and they are known by what decides
# them, wherever it lies and in whatever order it is said.
. tests/cmd.inc
t=$work/tiny.yaml
kill=$work/kill_calls.so
if ! ${CC:-cc} -O1 -shared -fPIC -w -o "$kill" tests/kill_calls.c 2>"$work/err"; then
    say 'ok # SKIP no compiler for the program that kills'
    finish
fi

# reproduce DIR OPTION ...: an experiment of two models, short ones.
reproduce() {
    folder=$1; shift
    gradroute reproduce audit --base "$t" -o "$folder" --arms plain --set precision=float32 --set train.steps=6 \
        --set train.checkpoint=3 "$@"
}
rows() { (cd "$1/cells" && find . -name rows.jsonl -exec sha256sum {} + | sort -k 2); }
at() { LD_PRELOAD=$kill KILL_AT=$1 reproduce "$work/k"; }

ok 'nobody disturbs it' reproduce "$work/whole"

# Each call of the first run, as far as the folder is claimed and its first cells are there; then further ones, so that
# kills meet models and measurements at every stage.
kills=0 n=1 begun=0 whole=0 moved=0
while [ $kills -lt 200 ]; do
    at $n >"$work/out" 2>"$work/err"
    code=$?
    [ $code = 0 ] && break
    [ $code = 137 ] || { failure "killed at call $n: exit $code"; break; }
    kills=$((kills + 1))
    for folder in "$work/k/work"/*; do
        [ -d "$folder" ] || continue
        if [ -e "$folder/cell.json" ]; then whole=1; else begun=1; fi
    done
    [ -n "$(ls "$work/k/cells" 2>"$work/null")" ] && moved=1
    n=$((n + 3))
done
ok "it goes on after $kills kills" test $code = 0 -a $kills -ge 15
ok 'kills left cells that were begun, that were whole, and that were done' test $begun$whole$moved = 111
ok 'the rows of one that nobody disturbed' same "$(rows "$work/k")" "$(rows "$work/whole")"
ok 'nothing is left but what is done' test -z "$(find "$work/k" -name '*.lock' -o -name '*.tmp' -o -name '*.old'; ls "$work/k/work")"
ok 'the result is that of one that nobody disturbed' tools/same_figures.py "$work/k/result.json" "$work/whole/result.json" \
    --renamed tools/renamed_keys.txt

# ---- keys ----
mkdir "$work/moved"
mv "$work/corpus.jsonl" "$work/moved/elsewhere.jsonl"
python3 - "$t" "$work/moved/turned.yaml" <<'PYTHON'
import sys
text = open(sys.argv[1]).read().replace("corpus.jsonl", "elsewhere.jsonl")
text = text.replace("train: {steps: 20, batch: 4, lr: 0.003,", "train: {lr: 3.0e-3, batch: 4, steps: 20,")
lines = [line for line in text.splitlines() if line != "seed: 3"]
open(sys.argv[2], "w").write("\n".join(lines + ["seed: 3"]) + "\n")
PYTHON
t=$work/moved/turned.yaml
ok 'the corpus elsewhere, the recipe in another order' reproduce "$work/m"
ok 'the same cells' same "$(ls "$work/m/cells")" "$(ls "$work/whole/cells")"
ok 'and the same rows' same "$(rows "$work/m")" "$(rows "$work/whole")"
ok 'other prompts' reproduce "$work/m" --set 'prompts=["of the north"]'
ok 'are continued' grep -q '"prompt": "of the north"' "$work/m/result.json"
ok 'and no others' sh -c "! grep -q '\"prompt\": \"a small' \"$work/m/result.json\""
ok 'no model was made for them' same "$(find "$work/m/cells" -name metrics.jsonl | wc -l)" 2
ok 'other labels' reproduce "$work/o" --set labels.animals.known=0.9
ok 'are other cells' test -z "$(ls "$work/o/cells" "$work/whole/cells" | sort | uniq -d | grep .)"

# ---- richer rows ----
knobs() { # knobs UNITS: an arm at two values of a knob beside one that does not know it
    cat >"$work/knobs.yaml" <<EOF
experiment: knobs
arms:
  routed: {train: {set: {preset.p_cr: {knob: [0.1, 0.2]}}}}
  plain: {train: {routes: none}}
groups: {forget: any_label, retain: retain}
measures: {loss: {of: [routed, plain]}}
keep: {units: $1}
EOF
    gradroute reproduce "$work/knobs.yaml" --base "$t" -o "$work/r" --set precision=float32 --set train.steps=6
}
units() { cat "$work/r"/cells/*/rows.jsonl | grep -c "\"unit\":\"$1\""; }
models() { find "$work/r" -name metrics.jsonl -exec ls -i {} + | sort; }
ok 'losses in buckets' knobs buckets
cp "$work/err" "$work/said"
ok 'progress names models as their links do' grep -q '^training: routed knob=2 (2 of 3)' "$work/said"
ok 'which lead to them' test -d "$work/r/arms/routed@knob=2/model"
ok 'a model for each value of the knob, and one that does not know it' same "$(models | wc -l)" 3
ok 'of each two groups' same "$(units bucket) $(units document)" '6 0'
models >"$work/before"
ok 'then documents are wanted' knobs documents
ok 'losses are measured once more' same "$(units bucket) $(units document)" '0 6'
ok 'no model is made again' same "$(models)" "$(cat "$work/before")"
ok 'documents serve for buckets' knobs buckets
ok 'and stay' same "$(units bucket) $(units document)" '0 6'

# ---- what is kept ----
kept() { # kept DIR KEEP [ARMS [OPTION ...]]: two models, what is switched off in one, losses and an attack of each
    folder=$1 keep=$2 more=$3; shift 2; [ $# -gt 0 ] && shift
    cat >"$work/kept.yaml" <<EOF
experiment: kept
arms:
  routed: {train: {}}
  routed_off: {from: routed, ablate: {regions: all, how: switch}}
  plain: {train: {routes: none}}
groups: {forget: any_label, retain: retain}
measures: {loss: {of: [routed, routed_off, plain$more]}}
attacks: {relearn: {of: [routed_off, plain]}}
keep: {$keep}
EOF
    gradroute reproduce "$work/kept.yaml" --base "$t" -o "$folder" --set precision=float32 --set train.steps=6 \
        --set train.checkpoint=3 "$@"
}
parts() { find "$1/cells" -name "$2" | wc -l; } # parts DIR NAME
ok 'models and checkpoints are kept' kept "$work/all" 'models: all, checkpoints: true'
cp "$work/err" "$work/said"
ok 'notes count no views' grep -q '^training: plain (2 of 2)' "$work/said"
ok 'of losses there are three' grep -q '^measuring losses of the test: routed_off (2 of 3)' "$work/said"
ok 'the last line says how far it is' same "$(tail -n 1 "$work/said")" '7 of 7 models and measurements are done'
ok 'both of both' same "$(parts "$work/all" model) $(parts "$work/all" checkpoints)" '2 2'
cp -r "$work/all" "$work/late"
ok 'without a word checkpoints are not' kept "$work/none" ''
ok 'but models are' same "$(parts "$work/none" model) $(parts "$work/none" checkpoints)" '2 0'
ok 'what is not needed goes' kept "$work/needed" 'models: needed'
ok 'all of it' same "$(parts "$work/needed" model) $(parts "$work/needed" checkpoints)" '0 0'
ok 'the rows are the same' same "$(rows "$work/needed")" "$(rows "$work/all")"
ok 'metrics stay' same "$(parts "$work/needed" metrics.jsonl)" 2
ok 'asked again it makes nothing' kept "$work/needed" 'models: needed'
ok 'no model is there' same "$(parts "$work/needed" model)" 0
aside=.$(basename "$(readlink "$work/needed/plain")").old
mkdir -p "$work/needed/work"
mkdir "$work/needed/work"/"$aside"
ok 'all is done, but a process died while it removed a model' kept "$work/needed" 'models: needed'
ok 'its rest goes' test ! -e "$work/needed/work"/"$aside"

# Where things are is said of what is there.
subject() { # subject ARM [KEY: VALUE]: which arm the experiment is about, and a line of it
    cat >"$work/subject.yaml" <<EOF
experiment: subject
arms:
  routed: {train: {}}
  smaller: {from: routed, ablate: {regions: all, how: remove}}
  without: {from: routed, ablate: {regions: all, how: switch}}
roles: {subject: $1}
groups: {forget: any_label, retain: retain}
measures: {loss: {of: [routed, smaller]}}
$2
EOF
    gradroute reproduce "$work/subject.yaml" --base "$t" -o "$work/${3:-s}" --set precision=float32 --set train.steps=6
}
ok 'a model that was trained' subject routed
cp "$work/out" "$work/said"
ok 'has metrics' grep -q "^Metrics  $work/s/routed/metrics.jsonl" "$work/said"
ok 'one with regions taken out' subject smaller
cp "$work/out" "$work/said"
ok 'is a model' grep -q "^Model    $work/s/smaller/model" "$work/said"
ok 'without metrics' sh -c "! grep '^Metrics' '$work/said'"
ok 'a view' subject without
cp "$work/out" "$work/said"
ok 'is found by the weights that it has' grep -q "^Model    $work/s/subject/model" "$work/said"
ok 'and they are there' test -e "$work/s/subject/model/manifest.json"
ok 'one that is not kept' subject routed 'keep: {models: needed}' gone
cp "$work/out" "$work/said"
ok 'is not pointed at' sh -c "! grep '^Model    $work\|^Next\|gradroute [gai]' '$work/said'"
ok 'but it is said why' grep -q '^Model    none is there' "$work/said"
ok 'its metrics are there' grep -q "^Metrics  $work/gone/routed/metrics.jsonl" "$work/said"
subject routed 'seeds: 2' pair >"$work/said"
ok 'of several the folder of links' grep -q "^Models   $work/pair/arms" "$work/said"
subject routed "$(printf 'seeds: 2\nkeep: {models: needed}')" empty >"$work/said"
ok 'but none where none is kept' grep -q '^Models   none is there' "$work/said"

# In a folder that is done already, and where something of a user is among it.
touch "$work/late/routed/model/notes"
ok 'what was kept is not wanted any more' kept "$work/late" 'models: needed'
cp "$work/err" "$work/said"
ok 'a note of a user keeps the model' grep -q "weights stay: .*'notes'" "$work/said"
ok 'and only that one' same "$(ls -d "$work/late"/*/model | grep -v subject)" "$work/late/routed/model"
ok 'and no checkpoints' same "$(parts "$work/late" checkpoints)" 0

# Models are a cache: what is new trains the one that it begins with once more, and measures it as it was.
ls "$work/needed/cells" >"$work/before"
ok 'something new of a model that was removed' kept "$work/needed" 'models: needed' ']}, complete: {of: [plain'
ok 'is one more cell' same "$(ls "$work/needed/cells" | wc -l)" $(($(wc -l <"$work/before") + 1))
ok 'with the bits of before' same "$(parts "$work/needed" remade.json) $(parts "$work/needed" model)" '0 0'

# Several processes, and kills: nothing goes that somebody still needs, and in the end nothing is left.
ok 'three processes' kept "$work/three" 'models: needed' '' --jobs 3
ok 'make the same rows' same "$(rows "$work/three")" "$(rows "$work/all")"
ok 'and keep no model' same "$(parts "$work/three" model) $(parts "$work/three" checkpoints)" '0 0'
n=1 code=137 kills=0
while [ $code = 137 ] && [ $n -lt 4000 ]; do
    LD_PRELOAD=$kill KILL_AT=$n kept "$work/cut" 'models: needed' >"$work/out" 2>"$work/err"
    code=$? n=$((n + 7)) kills=$((kills + 1))
done
ok "it goes on after $kills kills" test $code = 0 -a $kills -ge 15
ok 'with the same rows' same "$(rows "$work/cut")" "$(rows "$work/all")"
ok 'no model is left' same "$(parts "$work/cut" model) $(parts "$work/cut" checkpoints)" '0 0'
ok 'nor anything else' test -z "$(find "$work/cut" -name '*.tmp' -o -name '.*.old'; ls "$work/cut/work")"
finish
