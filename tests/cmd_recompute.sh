# Layers that are computed again: the same bits in less memory, and a run may go on either way.
. tests/cmd.inc
t=$work/tiny.yaml deep='model.layers=6' on='train.recompute=true'

json 'plan with everything kept' gradroute plan "$t" --set $deep --set diagnostics.probe=0 --set diagnostics.heldout=0 --json
cp "$work/last.json" "$work/kept.json"
json 'plan with layers computed again' gradroute plan "$t" --set $deep --set diagnostics.probe=0 --set diagnostics.heldout=0 --set $on --json
ok 'it needs less than half for values and states, and the same for the rest' python3 -c 'import json, sys
kept, again = (json.load(open(f))["models"] for f in sys.argv[1:])
for a, b in zip(kept, again):
    a, b = a["memory"], b["memory"]
    assert b["activations"] < 0.5 * a["activations"] and b["state"] < 0.5 * a["state"], (a, b)
    assert all(a[k] == b[k] for k in ("parameters", "gradients", "activation_gradients", "scratch", "optimiser"))' \
    "$work/kept.json" "$work/last.json"

# Dropout, micro-batches and diagnostics, which use the trainer's run.
half='labels.animals.known=0.5' more='model.dropout=0.1' micro='train.micro=2' seen='diagnostics={every: 5, probe: 10}'
how= # exec: takes the place of its shell, to be killed
train() {
    folder=$1; shift
    $how gradroute train "$t" -o "$folder" --set $half --set $more --set $micro --set "$seen" "$@"
}
ok 'train with everything kept' train "$work/kept"
ok 'train with layers computed again' train "$work/again" --set $on
ok 'the same model, moments and metrics' same_run "$work/kept" "$work/again"
ok 'the resolved recipe says it' grep -q '^  recompute: true' "$work/again/recipe.yaml"
ok 'and says what is the default' grep -q '^  recompute: false' "$work/kept/recipe.yaml"

long='train.steps=120'
ok 'a whole run' train "$work/whole" --set $long
for first in true false; do
    second=true; [ $first = true ] && second=false
    how=exec
    train "$work/$first" --set $long --set train.recompute=$first >"$work/null" 2>&1 &
    pid=$! how=
    wait_for_steps "$work/$first" 20 $pid
    kill -9 $pid 2>"$work/null"
    wait $pid 2>"$work/null"
    ok "a run with recompute $first goes on with $second" train "$work/$first" --set $long --set train.recompute=$second --resume
    ok 'to the same bits' same_run "$work/whole" "$work/$first"
done

# Experts, and relearning in an audit.
moe='model={arch: gpt2, layers: 2, width: 32, heads: 2, mlp: 16, experts: 4, top: 2, balance: 0.01}'
audit() {
    folder=$1; shift
    gradroute audit "$t" -o "$folder" --set "$moe" --set 'regions.animals={experts: {add: 1}}' --set 'preset={name: sgtm}' \
        --set 'twins=[filtered]' "$@"
}
figures() { python3 -c 'import json, sys
def strip(x):
    if isinstance(x, dict): return {k: strip(v) for k, v in x.items() if k not in ("seconds", "tokens_per_s", "folder", "recipe")}
    return [strip(v) for v in x] if isinstance(x, list) else x
print(json.dumps(strip(json.load(open(sys.argv[1] + "/result.json"))), sort_keys=True))' "$1"; }
ok 'audit of experts' audit "$work/audit"
ok 'audit of experts computed again' audit "$work/audit2" --set $on
ok 'the same figures' same "$(figures "$work/audit")" "$(figures "$work/audit2")"

fails 2 'train.recompute' 'a value that is neither' gradroute plan "$t" --set train.recompute=often
fails 2 "did you mean 'recompute'" 'a key that is nearly it' gradroute check "$t" --set train.recomput=true
finish
