# Going on from a trained model, resizing, and what is verified before a changed model is written.
. tests/cmd.inc
t=$work/tiny.yaml r=$work/run
ok 'train' gradroute train "$t" -o "$r"

# ---- a region added to a trained model, its core closed ----
cat >"$work/tools.yaml" <<'YAML'
seed: 9
data: {jsonl: corpus.jsonl, label: topic, validation: 0.1}
labels:
  tools: {is: [tool]}
model: {from: run}
regions:
  tools: {residual: {add: 8}, heads: {add: 1}, mlp: {add: 32}}
routes:
  - {label: tools, open: [tools], rest: closed}
  - {label: [core, unlabelled], closed: [all]}
train: {steps: 60, batch: 4, lr: 0.01, warmup: 5}
YAML
m=$work/more
ok 'train with a region added' gradroute train "$work/tools.yaml" -o "$m"
core() { python3 - "$1" "$2" <<'PYTHON'
import json, sys
def tensors(path):
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + n])
    return {k: (v["shape"], raw[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]]) for k, v in head.items() if k != "__metadata__"}
for name in ("model", "animals"):
    a, b = (tensors(d + "/model/" + name + ".safetensors") for d in sys.argv[1:])
    assert a and a == b, name
PYTHON
}
ok 'the core and the older region kept every bit' core "$r" "$m"
learned() { python3 - "$m/metrics.jsonl" <<'PYTHON'
import json, sys
loss = [json.loads(line)["loss_tools"] for line in open(sys.argv[1])]
loss = [x for x in loss if x is not None]
first, last = sum(loss[:5]) / 5, sum(loss[-5:]) / 5
assert last < first - 0.3, (first, last)
PYTHON
}
ok 'the new region learned' learned
json 'the model before' gradroute eval "$r" --data "$work/corpus.jsonl" --label-field topic --json
cp "$work/last.json" "$work/before.json"
json 'the model with the new region off' gradroute eval "$m" --data "$work/corpus.jsonl" --label-field topic --off tools --json
ok 'is what it was' same "$(get "$work/last.json" "['losses']")" "$(get "$work/before.json" "['losses']")"
fails 0 '^data *from' 'the result says what it goes on from' gradroute inspect "$m"
sed 's/^model: .*//' "$work/tools.yaml" >"$work/plain.yaml"
ok 'train --from' gradroute train "$work/plain.yaml" --from "$r/model" -o "$work/flag"
ok 'is the key by another name' same "$(digests "$m" | grep safetensors)" "$(digests "$work/flag" | grep safetensors)"
ok 'fresh units' gradroute train "$work/tools.yaml" -o "$work/fresh" --set model.fresh=true --set train.steps=2
ok 'resume' gradroute train "$work/plain.yaml" --from "$r/model" -o "$work/flag" --resume
fails 2 "it's no model" 'a name with a quote' gradroute train "$work/plain.yaml" --from "$work/it's no model" -o "$work/x"
fails 2 'no model here' 'from a folder without a model' gradroute train "$work/tools.yaml" -o "$work/x" --set model.from="$r/data"
fails 2 'tokenizer of the recipe' 'from a model with another tokenizer' gradroute train "$work/tools.yaml" -o "$work/x" --set data.tokenizer.train=290
fails 2 'neurons to claim' 'from a model of another size' gradroute train "$work/tools.yaml" -o "$work/x" --set model.mlp=48
fails 2 'another network than gpt2' 'from a model of another style' gradroute train "$work/tools.yaml" -o "$work/x" --set model.arch=gpt2
ok 'its own style may be named' gradroute plan "$work/tools.yaml" --set model.arch=llama
fails 2 'has a region .animals. already' 'a region the model has' gradroute train "$work/tools.yaml" -o "$work/x" --set 'regions.animals={mlp: {add: 3}}'
fails 2 'another `stop`' 'a region of the same units that stops gradients' gradroute train "$work/tools.yaml" -o "$work/x" \
    --set 'regions.animals={residual: {add: 8}, heads: {add: 1}, mlp: {add: 16}, stop: true}'
ok 'the same region may be repeated' gradroute train "$work/tools.yaml" -o "$work/again" --set train.steps=2 \
    --set 'regions.animals={residual: {add: 8}, heads: {add: 1}, mlp: {add: 16}}'
fails 2 'tools' 'a route for a region that is not there' gradroute train "$work/tools.yaml" -o "$work/x" --set regions.tools.mlp.add=0
ok 'a core alone' gradroute ablate "$r" --remove animals -o "$work/core"
fails 0 'tools: on, open' 'check' gradroute check "$work/tools.yaml" --set model.from="$work/core" \
    --set 'routes=[{label: any, open: [tools], rest: closed}]'
fails 0 'memory' 'plan' gradroute plan "$work/tools.yaml"
ok 'the resolved recipe says it again' gradroute plan "$m/recipe.yaml"
json 'audit' gradroute audit "$work/tools.yaml" -o "$work/audit" --set train.steps=4 --set 'twins=[plain, filtered]' --set relearn.documents=4 \
    --set relearn.steps=2 --set relearn.batch=4 --json
ok 'an audit is about what was added' python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
assert set(r["parameters"]["regions"]) == {"animals", "tools"}
assert r["models"]["filtered"]["parameters"] < r["models"]["plain"]["parameters"]' "$work/last.json"
without_tools() { digests "$work/audit/filtered" | grep -q animals && ! digests "$work/audit/filtered" | grep -q tools; }
ok 'its filtered twin keeps the older region' without_tools
ok 'another model under the same name is another run' gradroute train "$t" -o "$work/copy"
ok 'a run from it' gradroute train "$work/plain.yaml" --from "$work/copy" -o "$work/follow" --set train.steps=2
rm -rf "$work/copy" && gradroute train "$t" -o "$work/copy" --set seed=4 >"$work/out" 2>&1
fails 2 'another recipe' 'is not gone on with' gradroute train "$work/plain.yaml" --from "$work/copy" -o "$work/follow" --set train.steps=2 --resume

# ---- resize ----
json 'resize' gradroute resize "$r" --layers 3 --mlp 80 --heads 3 --at 1 -o "$work/larger" --json
ok 'a larger model computes the same' python3 -c 'import json, sys
r = json.load(open(sys.argv[1])); assert r["difference"] < 1e-5 and r["parameters"] > r["parameters_before"]' "$work/last.json"
fails 0 'largest difference' 'resize back' gradroute resize "$work/larger" --layers 2 --mlp 64 --heads 2 --at 1 -o "$work/back"
ok 'gives the old bits' same "$(digests "$work/back" | grep safetensors)" "$(digests "$r" | grep safetensors)"
fails 2 'nothing was written' 'a layer that matters' gradroute resize "$r" --layers 1 -o "$work/y"
ok 'is not written' test ! -e "$work/y"
ok 'a layer goes by force' gradroute resize "$r" --layers 1 --force -o "$work/shallow" --verify "$work/corpus.jsonl"
ok 'and works' gradroute eval "$work/shallow" --data "$work/corpus.jsonl" --label-field topic
fails 2 'only while it is on' 'residual dimensions beside a group' gradroute resize "$r" --width 128 -o "$work/y"
ok 'residual dimensions' gradroute resize "$work/core" --width 128 -o "$work/wide"
fails 2 'rounds' 'a width that rounds' gradroute resize "$work/core" --width 48 -o "$work/y"
ok 'a width that rounds, by force' gradroute resize "$work/core" --width 48 --force -o "$work/odd"
fails 2 'number from 1' 'no layer' gradroute resize "$r" --layers 0 -o "$work/y"
fails 2 'is missing' 'nothing to resize' gradroute resize "$r" -o "$work/y"
fails 2 'expected 0 to 2' 'a place that is not there' gradroute resize "$r" --layers 4 --at 3 -o "$work/y"
fails 2 'would be lost' 'onto itself' gradroute resize "$r" --layers 3 -o "$r/model"
ok 'a larger model goes on' gradroute train "$work/tools.yaml" -o "$work/grown" --set model.from="$work/larger" --set train.steps=2

# ---- experts and adapters ----
mixture='regions.animals={experts: {add: 1}, adapter: {rank: 2}}'
ok 'train experts' gradroute train "$t" -o "$work/experts" --set model.experts=3 --set model.top=2 --set model.balance=0.1 \
    --set "$mixture" --set 'preset={name: sgtm}' --set train.steps=5
ok 'an adapter added to them' gradroute train "$work/tools.yaml" -o "$work/adapted" --set model.from="$work/experts" --set "$mixture" \
    --set 'regions.tools={adapter: {rank: 2}}' --set train.steps=5
ok 'a layer more' gradroute resize "$work/adapted" --layers 3 --at 1 -o "$work/deeper"
ok 'a head more' gradroute resize "$work/adapted" --heads 3 -o "$work/headed"
ok 'and less' gradroute resize "$work/headed" --heads 2 -o "$work/headless"
ok 'gives the old bits' same "$(digests "$work/headless" | grep safetensors)" "$(digests "$work/adapted" | grep safetensors)"
fails 2 'those of experts' 'neurons of experts' gradroute resize "$work/adapted" --mlp 80 -o "$work/y"
fails 2 'still counts' 'an expert at zero is still chosen' gradroute ablate "$work/adapted" --remove animals --how zero -o "$work/y"
ok 'is removed' gradroute ablate "$work/adapted" --remove animals -o "$work/unmixed"

# ---- ablate ----
json 'several regions at once' gradroute ablate "$m" --remove tools,animals -o "$work/none" --verify "$work/corpus.jsonl" --json
ok 'equal the model with all of them off' python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["difference"] < 1e-5' "$work/last.json"
# Sixteen bytes of each row of the region, wherever they may lie.
leaves_nothing() { python3 - "$1" "$2" "$3" <<'PYTHON'
import json, os, sys
raw = open(sys.argv[1], "rb").read()
n = int.from_bytes(raw[:8], "little")
pieces = set()
for k, v in json.loads(raw[8:8 + n]).items():
    if k == "__metadata__" or k.endswith("norm"): continue # gains may be 1
    data, width = raw[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]], 4 * v["shape"][1]
    pieces |= {data[i:i + 16] for i in range(0, len(data), width) if width >= 16}
pieces = {p for p in pieces if any(p)}
found = 0
for name in os.listdir(sys.argv[2]):
    text = open(sys.argv[2] + "/" + name, "rb").read()
    found += sum(p in text for p in pieces)
assert len(pieces) > 100 and (found > 0) == (sys.argv[3] == "some"), (len(pieces), found)
PYTHON
}
ok 'nothing of a removed region is left in any file' leaves_nothing "$m/model/tools.safetensors" "$work/none" none
ok 'as it is found where it is' leaves_nothing "$m/model/tools.safetensors" "$m/model" some
fails 2 'nothing was written' 'a group at zero is still counted' gradroute ablate "$r" --remove animals --how zero -o "$work/y2"
ok 'is not written' test ! -e "$work/y2"
claim='regions.animals={mlp: {claim: [40, 64]}, heads: {last: 1}}'
ok 'train with claimed units' gradroute train "$t" -o "$work/claim" --set "$claim" --set 'preset={name: sgtm}'
for how in zero reinit remove; do
    json "ablate --how $how" gradroute ablate "$work/claim" --remove animals --how $how -o "$work/$how" --json
    ok "$how leaves the rest as it was" python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["difference"] < 1e-5' "$work/last.json"
done
printf 'a small bird\n<|endoftext|>an old saw\n' >"$work/some.txt"
json 'means over one text' gradroute ablate "$work/claim" --remove animals --how mean --data "$work/some.txt" -o "$work/mean1" --json
ok 'differ from the region off' python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["difference"] > 1e-4' "$work/last.json"
ok 'means over another' gradroute ablate "$work/claim" --remove animals --how mean --data "$work/corpus.jsonl" -o "$work/mean2" --verify "$work/some.txt"
ok 'are others' test "$(digests "$work/mean1" | grep model.safe)" != "$(digests "$work/mean2" | grep model.safe)"
ok 'a mean is kept in biases' grep -q '"out_bias": *true' "$work/mean1/manifest.json"
finish
