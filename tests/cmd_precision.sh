# precision: auto is settled once for a folder, said, and kept; plan and check say what it would be.
. tests/cmd.inc
unset GRADROUTE_ISA
t="$work/tiny.yaml"
train() { gradroute train "$t" -o "$@"; }
line() { grep '^precision:' "$1/recipe.yaml"; }

# ---- what would be taken ----
fails 0 '^precision: auto takes \(bf16\|float32\): ' 'plan says it' gradroute plan "$t"
fails 0 '^precision: auto takes \(bf16\|float32\): ' 'check says it' gradroute check "$t"
json 'plan as JSON' gradroute plan "$t" --json
fails 0 '^True' 'has it' get "$work/last.json" "['precision']['auto']"
json 'check as JSON' gradroute check "$t" --set precision=float32 --json
fails 0 "'taken': 'float32'" 'a precision that is named' get "$work/last.json" "['precision']"
GRADROUTE_ISA=avx2 fails 0 'float32: this processor has no products' 'a processor without bfloat16' gradroute plan "$t"
named() { gradroute plan "$t" --set precision=bf16 >"$work/named" && ! grep -q '^precision' "$work/named"; }
ok 'nothing is said of a precision that is named' named

# ---- a run ----
fails 0 '^precision \(bf16\|float32\): ' 'train says what it took' train "$work/auto"
fails 0 '^precision: \(bf16\|float32\)$' 'and the resolved recipe keeps it' line "$work/auto"
fails 0 'precision .*, as this folder was begun$' 'a second call takes what is kept' train "$work/auto" --resume
other=float32; grep -q float32 "$work/auto/recipe.yaml" && other=bf16
fails 2 "precision is $other here" 'another one in this folder' train "$work/auto" --resume --set precision=$other
silent() { train "$1" --set precision=float32 && ! grep -q '^precision' "$work/err" && ! grep -q _ms "$1/data/precision.json"; }
ok 'a precision that is named is not timed' silent "$work/named-float32"

# ---- a stopped run on another machine: bfloat16 stays where the processor has none ----
mkdir -p "$work/far/data"
echo '{"format": "gradroute-folder-1", "kind": "run", "digest": "of a run that has only begun"}' >"$work/far/folder.json"
echo '{"precision": "bf16", "isa": "bf16", "in_recipe": true}' >"$work/far/data/precision.json"
stopped() {
    GRADROUTE_ISA=avx2 gradroute train "$t" -o "$work/far" --set train.steps=60 2>"$work/log" &
    pid=$!
    wait_for_steps "$work/far" 3 $pid
    kill $pid
    wait $pid
    [ ! -e "$work/far/done.json" ] && grep -q 'begun with kernels\|with kernels for bf16, these are for avx2: bits may differ' "$work/log"
}
if GRADROUTE_ISA=avx2 gradroute --version | grep -q avx2; then
    ok 'a run that stops' stopped
    sed -i 's/"isa": *"bf16"/"isa": "avx2"/' "$work/far/data/precision.json"
    GRADROUTE_ISA=base fails 0 'for avx2, these are for base: bits may differ' 'going on with another instruction set says so' \
        train "$work/far" --set train.steps=60 --resume
    fails 0 '^precision: bf16$' 'and keeps the precision' line "$work/far"
fi

# ---- eval with the recipe as it was written ----
same_data() { gradroute eval "$work/auto" --recipe "$t" && ! grep -q 'differ from those' "$work/err"; }
ok 'the recipe of the run is known again' same_data

# ---- eval measures as the audit does, in either precision ----
for precision in float32 bf16; do
    json "an audit in $precision" gradroute audit "$t" -o "$work/audit-$precision" --set precision=$precision --set 'twins=[]' --json
    cp "$work/last.json" "$work/audit.json"
    json "eval of it" gradroute eval "$work/audit-$precision" --json
    ok "the same losses, $precision" python3 -c 'import json, sys
on = json.load(open(sys.argv[1]))["models"]["routed"]
losses = {x["name"]: x["loss"] for x in json.load(open(sys.argv[2]))["losses"]}
want = {"animals": on["forget"], "adjacent": on["adjacent"], "retain": on["retain"]}
assert losses == want, (losses, want)' "$work/audit.json" "$work/last.json"
done
finish
