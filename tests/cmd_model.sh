# A trained model: eval, inspect, ablate, and files that are damaged.
. tests/cmd.inc
t=$work/tiny.yaml r=$work/run

json 'train --json' gradroute train "$t" -o "$r" --json
ok 'train counts its steps' same "$(get "$work/last.json" "['steps']")" 20
fails 0 'routed 20/20 .*animals [0-9.]* .*tokens/s' 'train reports progress in plain lines' gradroute train "$t" -o "$work/again"
ok 'two runs of one seed end with the same bits' same_run "$r" "$work/again"

ok 'two threads' gradroute train "$t" -o "$work/threads" --threads 2 --set train.steps=4

# ---- inspect ----
fails 0 'region animals' 'inspect' gradroute inspect "$r"
json 'inspect --json' gradroute inspect "$r" --json
ok 'inspect adds up' python3 -c 'import json, os, sys
m = json.load(open(sys.argv[1])); p = m["parameters"]
assert p["total"] == p["core"] + p["regions"] and m["regions"][0]["parameters"] == p["regions"]
for f in m["files"]: assert os.path.getsize(m["model"] + "/" + f["name"]) == f["size"]' "$work/last.json"
fails 0 'model.safetensors' 'inspect of the model folder itself' gradroute inspect "$r/model"
json 'inspect of a checkpoint' gradroute inspect "$r/checkpoints/step-000000020.safetensors" --json
ok 'a checkpoint has its moments' grep -q '"optim/' "$work/last.json"
fails 0 'optim/' 'inspect of a checkpoint as text' gradroute inspect "$r/checkpoints/step-000000020.safetensors"

# ---- eval ----
json 'eval with all regions off' gradroute eval "$r" --off all --json
ok 'all are those of the model' same "$(get "$work/last.json" "['off']")" "['animals']"
ok 'ablate all' gradroute ablate "$r" --remove all -o "$work/bare"
fails 0 'adjacent' 'eval of a run on its own test split' gradroute eval "$r"
json 'eval --json' gradroute eval "$r" --json
cp "$work/last.json" "$work/on.json"
json 'eval of the validation split' gradroute eval "$r" --split validation --json
ok 'which holds other documents' python3 -c 'import json, sys
a, b = (json.load(open(f)) for f in sys.argv[1:])
assert a["split"] == "test" and b["split"] == "validation" and a["all"]["documents"] == b["all"]["documents"] == 40
assert a["all"]["loss"] != b["all"]["loss"]' "$work/on.json" "$work/last.json"
fails 2 'for the test' 'eval without documents for the test' gradroute eval "$r" --set data.test=0
fails 2 'expected test or validation' 'eval of a split that there is not' gradroute eval "$r" --split train
fails 2 'exclude each other' 'a file has no split' gradroute eval "$r" --data "$work/corpus.jsonl" --split test
json 'eval --off' gradroute eval "$r" --off animals --json
cp "$work/last.json" "$work/off.json"
ok 'the region makes a difference' python3 -c 'import json, sys
on, off = (json.load(open(f))["losses"] for f in sys.argv[1:]); assert on[0]["name"] == "animals" and on[0]["loss"] < off[0]["loss"]' "$work/on.json" "$work/off.json"
json 'eval --recipe' gradroute eval "$r/model" --recipe "$t" --json
ok 'eval --recipe gives the same losses' same "$(get "$work/last.json" "['all']['loss']")" "$(get "$work/on.json" "['all']['loss']")"
fails 0 'food' 'eval --data by topic' gradroute eval "$r" --data "$work/corpus.jsonl" --label-field topic
printf 'a small bird\n<|endoftext|>an old saw\n' >"$work/some.txt"
json 'eval --data of plain text' gradroute eval "$r" --data "$work/some.txt" --json
ok 'it has two documents' same "$(get "$work/last.json" "['all']['documents']")" 2
python3 -c 'print("a small bird number " * 40)' >"$work/long.txt"
json 'eval --json of a long document' gradroute eval "$r" --data "$work/long.txt" --json
ok 'scores all of it, and counts its bytes' python3 -c 'import json, math, sys
r = json.load(open(sys.argv[1])); a = r["all"]
assert a["tokens"] > 200 and a["documents"] == 1 and a["bytes"] == 40 * 20 - 1 and r["cut"] == {"documents": 0, "tokens": 0}, r
assert abs(a["bits_per_byte"] - a["loss"] * a["tokens"] / math.log(2) / a["bytes"]) < 1e-9' "$work/last.json"
fails 0 'may have seen' 'eval warns of another split' gradroute eval "$r" --set data.validation=0.3
fails 2 'tokenizer differs' 'eval with the recipe of another tokenizer' gradroute eval "$r" --recipe "$t" --set data.tokenizer.train=290
fails 2 'cannot open' 'eval of text that is missing' gradroute eval "$r" --data "$work/none.txt"
: >"$work/empty.txt"
fails 2 'empty' 'eval of empty text' gradroute eval "$r" --data "$work/empty.txt"
fails 2 'animals' 'eval without an unknown region' gradroute eval "$r" --off plants
fails 2 'cannot open' 'a model that is missing' gradroute eval "$work/none"
fails 2 'no model here' 'a folder without a model' gradroute eval "$r/data"

narrow() { gradroute inspect "$r" >"$work/table" && ! grep '.\{81\}' "$work/table"; }
ok 'what a model holds fits a terminal of 80 columns' narrow

# ---- ablate ----
json 'ablate' gradroute ablate "$r" --remove animals -o "$work/models/removed" --json
json 'eval of what is left' gradroute eval "$work/models/removed" --recipe "$t" --json
ok 'it is the model with the region off' same "$(get "$work/last.json" "['all']['loss']")" "$(get "$work/off.json" "['all']['loss']")"
without() { [ ! -e "$work/models/removed/animals.safetensors" ] && ! gradroute inspect "$work/models/removed" | grep -q 'region animals'; }
ok 'nothing of the region is left' without
ok 'ablate --no-origin' gradroute ablate "$r" --remove animals --no-origin -o "$work/unsaid"
silent() { ! grep -r -e animal -e "$work" -e topic "$work/unsaid" && get "$work/unsaid/manifest.json" "['data']" | grep -qx '\[\]'; }
ok 'names neither what was removed nor paths' silent
fails 0 'animal' 'which the manifest names without it' grep animal "$work/models/removed/manifest.json"
ok 'and is the same network' same "$(digests "$work/unsaid" | grep safetensors)" "$(digests "$work/models/removed" | grep safetensors)"
fails 0 'no recipe kept' 'inspect says that the recipe was left out' gradroute inspect "$work/unsaid"
json 'eval of a model without origin' gradroute eval "$work/unsaid" --recipe "$t" --json
json 'a smaller model of it' gradroute resize "$work/unsaid" --layers 3 -o "$work/unsaid.more" --json
ok 'ablate --how zero' gradroute ablate "$r" --remove animals --how zero --force -o "$work/zero"
ok 'ablate --how reinit' gradroute ablate "$r" --remove animals --how reinit --seed 5 -o "$work/reinit"
ok 'the result has its region still' gradroute eval "$work/zero" --recipe "$t" --off animals
fails 2 'mean is defined' 'no mean of residual dimensions' gradroute ablate "$r" --remove animals --how mean --data "$work/some.txt" -o "$work/mean"
claim='regions.animals={mlp: {claim: [40, 64]}, heads: {last: 1}}'
ok 'train with claimed units' gradroute train "$t" -o "$work/claim" --set "$claim" --set 'preset={name: sgtm}'
ok 'ablate --how mean' gradroute ablate "$work/claim" --remove animals --how mean --data "$work/some.txt" -o "$work/mean"
json 'eval of the mean' gradroute eval "$work/mean" --data "$work/some.txt" --json
fails 2 'animals' 'ablate an unknown region' gradroute ablate "$r" --remove plants -o "$work/x"
fails 2 'twice' 'ablate a region twice' gradroute ablate "$r" --remove animals,animals -o "$work/x"
fails 2 'would be lost' 'ablate onto itself' gradroute ablate "$r" --remove animals -o "$r/model"
fails 2 "$work/corpus.jsonl" 'ablate onto a file' gradroute ablate "$r" --remove animals -o "$work/corpus.jsonl"
fails 1 'cannot make the folder' 'ablate into a folder that cannot be made' gradroute ablate "$r" --remove animals -o "$work/corpus.jsonl/x"

# ---- damage ----
damaged() { # NAME TEXT FILE: the model with this file cut in half
    rm -rf "$work/bad"
    cp -r "$r/model" "$work/bad"
    head -c "$(($(wc -c <"$r/model/$3") / 2))" "$r/model/$3" >"$work/bad/$3"
    fails 2 "$2" "$1" gradroute inspect "$work/bad"
    fails 2 "$2" "$1, eval" gradroute eval "$work/bad" --data "$work/some.txt"
}
damaged 'a truncated core' 'model.safetensors' model.safetensors
damaged 'a truncated region' 'animals.safetensors' animals.safetensors
damaged 'a truncated manifest' 'manifest.json' manifest.json
damaged 'a truncated tokenizer' 'tokenizer.json' tokenizer.json
cp -r "$r/model" "$work/flipped"
printf 'X' | dd of="$work/flipped/model.safetensors" bs=1 seek=90000 conv=notrunc 2>"$work/err"
fails 2 'model.safetensors' 'a changed byte' gradroute inspect "$work/flipped"
rm -rf "$work/bad" && cp -r "$r/model" "$work/bad" && rm "$work/bad/animals.safetensors"
fails 2 'animals.safetensors' 'a missing region' gradroute inspect "$work/bad"
head -c 5000 "$r/checkpoints/step-000000020.safetensors" >"$work/cut.safetensors"
fails 2 'cut.safetensors' 'a truncated checkpoint' gradroute inspect "$work/cut.safetensors"
finish
