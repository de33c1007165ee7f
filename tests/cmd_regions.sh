# Kinds of regions through the command: whole layers, adapters, several in one network.
. tests/cmd.inc
t=$work/bare.yaml
grep -v '^preset' "$work/tiny.yaml" >"$t"

# ---- a layer owned whole, with biases into the stream ----
late='regions.animals={whole: [1]}'
routes='routes=[{label: animals, open: [animals], rest: closed}, {label: core, chance: 0.5, without: [animals]}]'
json 'check of a whole layer' gradroute check "$t" --set "$late" --set "$routes" --set model.out_bias=true --json
ok 'it finds no error' python3 -c 'import json, sys
assert not [f for f in json.load(open(sys.argv[1]))["findings"] if f["level"] == "error"]' "$work/last.json"
ok 'train a whole layer' gradroute train "$t" -o "$work/late" --set "$late" --set "$routes" --set model.out_bias=true
json 'eval without the layer' gradroute eval "$work/late" --off animals --json
cp "$work/last.json" "$work/off.json"
json 'remove the layer' gradroute ablate "$work/late" --remove animals -o "$work/shallow" --json
json 'inspect what is left' gradroute inspect "$work/shallow" --json
ok 'one layer is left' same "$(get "$work/last.json" "['arch']['layers']")" 1
json 'eval of the shallower network' gradroute eval "$work/shallow" --recipe "$t" --json
ok 'it is the network with the layer off' same "$(get "$work/last.json" "['all']['loss']")" "$(get "$work/off.json" "['all']['loss']")"
fails 2 'owns layer 7 whole' 'a layer that is not there' gradroute check "$t" --set 'regions.animals={whole: [7]}'

# ---- more units than there are ----
one='routes=[{label: animals, open: [animals]}]'
too_many() { # what the region takes, the message, the hint
    fails 2 "$2" "more than there are: $1" gradroute check "$t" --set "$one" --set "regions.animals={$1}"
    cp "$work/err" "$work/said"
    ok "the hint says what may stand there: $1" grep -q "hint: $3" "$work/said"
}
too_many 'mlp: {last: 65}' 'takes the last 65 neurons of a layer with 64' 'last is 1 to 64 here'
too_many 'heads: {last: 3}' 'takes the last 3 heads of a layer with 2' 'last is 1 to 2 here'
too_many 'residual: {last: 33}' 'takes the last 33 residual dimensions of a network with 32' 'last is 1 to 32 here'
too_many 'mlp: {claim: [10, 65]}' 'claims neurons 10..65 of a layer with 64' '\[LO, HI\] with 0 <= LO < HI <= 64'
fails 2 'takes 100 % of its layer' 'all that there are have another fault' gradroute check "$t" --set "$one" --set 'regions.animals={mlp: {last: 64}}'

# ---- two adapters on a closed base ----
two='regions={animals: {adapter: {rank: 4, scale: 2, dropout: 0.1, maps: [qkv, out, up, gate, down, embed, unembed]}}, useful: {adapter: {rank: 2}}}'
dual='routes=[{label: animals, open: [animals], rest: closed, without: [useful]}, {label: [core, unlabelled], open: [useful], rest: closed, without: [animals]}]'
json 'plan of two adapters' gradroute plan "$t" --set "$two" --set "$dual" --set 'twins=[]' --json
ok 'train two adapters' gradroute train "$t" -o "$work/dual" --set "$two" --set "$dual" --set precision=float32
json 'inspect two adapters' gradroute inspect "$work/dual" --json
ok 'inspect adds up' python3 -c 'import json, sys
m = json.load(open(sys.argv[1])); p = m["parameters"]
assert p["total"] == p["core"] + p["regions"] and [r["name"] for r in m["regions"]] == ["animals", "useful"]
assert m["regions"][1]["parameters"] == 2 * 2 * (32 + 96 + 32 + 32 + 2 * (32 + 64) + 64 + 32)' "$work/last.json"
ok 'a start that was never trained' gradroute train "$t" -o "$work/start" --set "$two" --set "$dual" --set train.steps=1 --set train.lr=0.000000000001
base_kept() { cmp "$work/dual/model/model.safetensors" "$work/start/model/model.safetensors" && ! cmp -s "$work/dual/model/useful.safetensors" "$work/start/model/useful.safetensors"; }
ok 'the base is untouched, the adapter is not' base_kept
json 'eval with both' gradroute eval "$work/dual" --json
cp "$work/last.json" "$work/on.json"
json 'merge both' gradroute ablate "$work/dual" --remove animals,useful --how merge -o "$work/merged" --json
json 'eval of the merged network' gradroute eval "$work/merged" --recipe "$t" --set precision=float32 --json
near() { python3 -c 'import json, sys
a, b = (json.load(open(f))["all"]["loss"] for f in sys.argv[1:]); assert abs(a - b) < 1e-5 * abs(a)' "$1" "$2"; }
ok 'it computes what the adapted one did' near "$work/last.json" "$work/on.json"
json 'inspect of the merged network' gradroute inspect "$work/merged" --json
ok 'it has no region, and an output matrix of its own' python3 -c 'import json, sys
m = json.load(open(sys.argv[1])); assert not m["regions"] and m["arch"]["tied"] is False' "$work/last.json"
ok 'generate from it' gradroute generate "$work/merged" --prompt 'a small' --tokens 8
fails 2 'no adapter to merge' 'merge a layer' gradroute ablate "$work/late" --remove animals --how merge -o "$work/x"
fails 2 'nearest\|qkv' 'a map that is not there' gradroute check "$t" --set 'regions.animals={adapter: {rank: 2, maps: [qkw]}}'
fails 2 'needs a rank' 'an adapter without a rank' gradroute check "$t" --set 'regions.animals={adapter: {scale: 2}}'

# ---- several regions in the same layers ----
many='regions={animals: {mlp: {add: 16}, heads: {add: 1}}, other: {mlp: {add: 8}}, third: {heads: {add: 1}, layers: [1]}}'
ok 'train three regions' gradroute train "$t" -o "$work/many" --set "$many" --set 'preset={name: gram}'
json 'eval without two of them' gradroute eval "$work/many" --off animals,third --json
cp "$work/last.json" "$work/off.json"
json 'remove two of them' gradroute ablate "$work/many" --remove animals,third -o "$work/few" --json
json 'eval of what is left' gradroute eval "$work/few" --recipe "$t" --json
ok 'it is the network without them' near "$work/last.json" "$work/off.json"

# ---- a learned strength ----
ok 'train a strength' gradroute train "$t" -o "$work/strong" --set 'regions.animals={mlp: {add: 8}, strength: sigmoid}' --set 'preset={name: gram}'
learned() { gradroute inspect "$work/strong" | grep -q 'animals.strength'; }
ok 'it is a parameter of the region' learned
fails 2 'strength' 'an unknown strength' gradroute check "$t" --set 'regions.animals={mlp: {add: 8}, strength: much}'

# ---- residual groups that leave the core's values alone, with either norm ----
apart='regions.animals={residual: {add: 8, norm: apart, writes: own}, heads: {add: 1}, mlp: {add: 16}, stop: true}'
teaches() { python3 -c 'import json, sys
on, off = ({r["name"]: r["loss"] for r in json.load(open(f))["losses"]} for f in sys.argv[1:])
assert on["animals"] < off["animals"] - 0.1, (on, off)' "$1" "$2"; }
for style in llama gpt2; do
    set -- --set model.arch=$style --set "$apart" --set train.steps=60 --set precision=float32
    ok "train a group apart: $style" gradroute train "$work/tiny.yaml" -o "$work/$style" "$@"
    json "eval with it: $style" gradroute eval "$work/$style" --json
    cp "$work/last.json" "$work/on.json"
    json "eval without it: $style" gradroute eval "$work/$style" --off animals --json
    ok "it has learned what its rows say: $style" teaches "$work/on.json" "$work/last.json"
    json "remove it: $style" gradroute ablate "$work/$style" --remove animals -o "$work/less-$style" --json
    ok "off it was as good as gone, bit for bit: $style" same "$(get "$work/last.json" "['difference']")" 0.0
done
fails 2 'no gain fits both' 'a width that the group alone counts' gradroute resize "$work/llama" --width 128 -o "$work/x"
fails 2 "share the core's norm" 'a group that shares layer norm' gradroute check "$t" --set model.arch=gpt2 --set 'regions.animals={residual: {add: 8}}'
fails 2 'known here: shared, apart' 'an unknown norm' gradroute check "$t" --set 'regions.animals={residual: {add: 8, norm: alone}}'
fails 2 'adds no residual dimensions' 'a word on a group that is none' gradroute check "$t" --set "$one" --set 'regions.animals={residual: {last: 2, writes: own}}'

# ---- experts ----
moe='model={arch: llama, layers: 2, width: 32, heads: 2, mlp: 16, experts: 4, top: 2, balance: 0.02}'
bio='regions.animals={experts: {claim: [3, 4]}}'
json 'check of experts' gradroute check "$t" --set "$moe" --set "$bio" --set 'preset={name: sgtm}' --json
json 'plan of experts' gradroute plan "$t" --set "$moe" --set "$bio" --set 'preset={name: sgtm}' --set 'twins=[filtered]' --json
cp "$work/last.json" "$work/two.json"
json 'plan of one expert a row' gradroute plan "$t" --set "$moe" --set model.top=1 --set "$bio" --set 'preset={name: sgtm}' --set 'twins=[]' --json
ok 'it needs fewer operations, by two maps of 16 by 32 and one back in each layer' python3 -c 'import json, sys
one, two = (json.load(open(f))["models"][0]["flops_per_step"] for f in sys.argv[1:])
assert two - one == 6 * 4 * 32 * 2 * 3 * 16 * 32, two - one' "$work/last.json" "$work/two.json"
ok 'train experts' gradroute train "$t" -o "$work/moe" --set "$moe" --set "$bio" --set 'preset={name: sgtm}'
json 'eval without the expert' gradroute eval "$work/moe" --off animals --json
cp "$work/last.json" "$work/off.json"
json 'remove the expert' gradroute ablate "$work/moe" --remove animals -o "$work/three" --json
json 'inspect what is left' gradroute inspect "$work/three" --json
ok 'three experts are left' same "$(get "$work/last.json" "['arch']['experts']")" 3
json 'eval of what is left' gradroute eval "$work/three" --recipe "$t" --json
ok 'it is the network with the expert off' near "$work/last.json" "$work/off.json"
ok 'generate from experts' gradroute generate "$work/moe" --prompt 'a small' --off animals --tokens 8
ok 'train an added expert' gradroute train "$t" -o "$work/more" --set "$moe" --set 'regions.animals={experts: {add: 1}}' --set 'preset={name: gram}'
fails 2 'claims experts 3..6' 'experts that are not there' gradroute check "$t" --set "$moe" --set 'regions.animals={experts: {claim: [3, 6]}}'
fails 2 'top' 'more experts used than there are' gradroute check "$t" --set "$moe" --set model.top=5
fails 2 'top' 'top without experts' gradroute check "$t" --set model.top=1
finish
