# Samples: a multilayer perceptron on IDX files made here, one class routed: check, train, resume, eval, audit, refusals.
. tests/cmd.inc
python3 - "$work" <<'PYTHON'
import gzip, random, struct, sys
draw = random.Random(3)
for name, count in ("train", 600), ("test", 200):
    classes = [draw.randrange(4) for _ in range(count)]
    pixels = bytes(draw.randrange(120) + (100 if v // 6 == c else 0) for c in classes for v in range(24))
    gzip.open(f"{sys.argv[1]}/{name}-images.gz", "wb").write(struct.pack(">BBBBIII", 0, 0, 8, 3, count, 4, 6) + pixels)
    open(f"{sys.argv[1]}/{name}-classes", "wb").write(struct.pack(">BBBBI", 0, 0, 8, 1, count) + bytes(classes))
PYTHON
cat >"$work/net.yaml" <<'YAML'
data:
  {images: train-images.gz, classes: train-classes, test_images: test-images.gz, test_classes: test-classes,
   names: [north, east, south, west], mean: 0.3, std: 0.3}
labels: {pole: {is: [north]}}
model: {arch: mlp, sizes: [24, 16, 4]}
regions: {pole: {mlp: {add: 8}}}
routes:
  - {label: pole, open: [pole], rest: closed}
  - {label: core, chance: 0.9, without: [pole]}
train: {steps: 200, batch: 32, lr: 0.01, warmup: 5, checkpoint: 20}
precision: float32
twins: [plain, filtered]
relearn: {documents: 16, steps: 4, batch: 8, every: 2, lr: [0.001]}
YAML
net=$work/net.yaml

ok 'check' gradroute check "$net"
ok 'plan' gradroute plan "$net"
fails 2 'no layers to compute again' 'an mlp keeps everything' gradroute plan "$net" --set train.recompute=true
json 'show' gradroute data show "$net" --json
ok 'topics are classes' same "$(get "$work/last.json" "['topics'][0]['name']")" north
ok 'half of the test files is for validation' same "$(get "$work/last.json" "['validation']") $(get "$work/last.json" "['test']")" '100 100'
ok 'train' gradroute train "$net" -o "$work/run"
gradroute train "$net" -o "$work/cut" >"$work/out" 2>"$work/err" &
pid=$!
wait_for_steps "$work/cut" 50 $pid
kill -9 $pid
wait $pid 2>"$work/null"
ok 'resume' gradroute train "$net" -o "$work/cut" --resume
ok 'the same bits' same_run "$work/run" "$work/cut"
json 'eval' gradroute eval "$work/run" --json
cp "$work/last.json" "$work/on.json"
ok 'by class' same "$(get "$work/on.json" "['losses'][3]['name']")" west
ok 'it knows all classes' python3 -c 'import json, sys
sys.exit(not all(l["accuracy"] > 0.8 for l in json.load(open(sys.argv[1]))["losses"]))' "$work/on.json"
json 'eval without the region' gradroute eval "$work/run" --off pole --json
ok 'the routed class is gone, the others are not' python3 -c 'import json, sys
l = {x["name"]: x["accuracy"] for x in json.load(open(sys.argv[1]))["losses"]}
sys.exit(not (l["north"] < 0.2 and min(l["east"], l["south"], l["west"]) > 0.8))' "$work/last.json"
ok 'audit' gradroute audit "$net" -o "$work/audit"
ok 'its figures' is_json "$work/audit/result.json"
ok 'right answers of each model' python3 -c 'import json, sys
m = json.load(open(sys.argv[1]))["models"]
sys.exit(not (m["routed"]["classes"]["north"] > 0.8 and m["routed_off"]["classes"]["north"] < 0.2
              and m["filtered"]["classes"]["north"] < 0.2 and m["plain"]["accuracy"] > 0.8))' "$work/audit/result.json"
gradroute audit "$net" -o "$work/audit" >"$work/table"
ok 'and in the table' grep -q 'Right answers' "$work/table"
ok 'whose losses are per sample' grep -q '^Loss of the test, nats per sample ' "$work/table"
ok 'audit with every twin' gradroute audit "$net" -o "$work/twins" --set 'twins=[plain, filtered, perfect, placebo]' --set train.steps=4
cp "$work/out" "$work/table"
ok 'a column of right answers for each of them' grep -Eq '^ +class +on +off +plain +filtered +perfect +placebo$' "$work/table"
ok 'the placebo has right answers of each class, its region off' python3 -c 'import json, re, sys
off = json.load(open(sys.argv[1]))["models"]["placebo_off"]["classes"]
table = dict((l.split()[0], l.split()[1:]) for l in open(sys.argv[2]) if re.match("  (north|east|south|west) ", l))
assert len(table) == 4 and all(float(row[5]) == round(100 * off[name], 1) for name, row in table.items()), (off, table)' \
    "$work/twins/result.json" "$work/table"

fails 2 'a sample takes\|unknown\|no key' 'samples have no context' gradroute check "$net" --set data.context=8
sed 's/ test_classes: test-classes,//' "$net" >"$work/half.yaml"
fails 2 'in pairs' 'images without classes' gradroute check "$work/half.yaml"
fails 2 '25 inputs' 'another width' gradroute train "$net" -o "$work/no" --set 'model.sizes=[25, 16, 4]'
fails 2 '3 outputs' 'too few outputs' gradroute train "$net" -o "$work/no" --set 'model.sizes=[24, 16, 3]'
fails 2 'no text' 'prompts' gradroute train "$net" -o "$work/no" --set 'prompts=["a"]'
sed 's/^model:.*/model: {arch: llama, layers: 1, width: 8, heads: 2}/' "$net" >"$work/llama.yaml"
fails 2 'samples of numbers' 'a transformer' gradroute train "$work/llama.yaml" -o "$work/no"
printf 'data: {jsonl: corpus.jsonl, label: topic}\nmodel: {arch: mlp, sizes: [4, 8, 4]}\n' >"$work/text.yaml"
fails 2 'the data are text' 'text for an mlp' gradroute train "$work/text.yaml" -o "$work/no"
fails 2 'no tokenizer' 'no text to continue' gradroute generate "$work/run" --prompt a
head -c 5000 "$work/train-images.gz" >"$work/short.gz"
fails 2 'short.gz' 'a cut file' gradroute train "$net" -o "$work/no" --set data.images="$work/short.gz"
finish
