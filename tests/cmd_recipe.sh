# Recipes that are right and wrong: check, plan, data, and what train says before it begins.
. tests/cmd.inc
t=$work/tiny.yaml

# ---- what is right ----
ok 'check' gradroute check "$t"
fails 0 'label: animals' 'check --expand prints routes' gradroute check "$t" --expand
json 'check --json' gradroute check "$t" --expand --json
ok 'check --json has chances of 1 together' python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))["classes"]
for label in {x["label"] for x in c}: assert abs(sum(x["chance"] for x in c if x["label"] == label) - 1) < 1e-9' "$work/last.json"
expanded() { # the printed routes, put into the recipe, mean the same
    gradroute check "$t" --expand | sed -n '/^routes:/,/^classes/p' | grep -v '^classes' >"$work/routes.txt" &&
        grep -v '^preset' "$t" | cat - "$work/routes.txt" >"$work/expanded.yaml" &&
        gradroute check "$work/expanded.yaml" --set precision=float32 >"$work/b.txt" &&
        gradroute check "$t" --set precision=float32 >"$work/a.txt" && cmp "$work/a.txt" "$work/b.txt"
}
ok 'expanded routes read back as the same classes' expanded
fails 0 'closed' 'labelled rows close the core' gradroute check "$t"
fails 0 'animals' 'plan' gradroute plan "$t"
json 'plan --json' gradroute plan "$t" --json
ok 'plan has every model' same "$(get "$work/last.json" "['models'][2]['name']")" filtered
ok 'plan counts tokens' same "$(get "$work/last.json" "['models'][0]['tokens']")" 2560
fails 0 'fill\|full' 'data show' gradroute data show "$t"
json 'data show --json' gradroute data show "$t" --json
ok 'data show counts documents' same "$(get "$work/last.json" "['documents']")" 400
json 'data show with half of the labels' gradroute data show "$t" --set labels.animals.known=0.5 --json
ok 'half of them is about half' python3 -c 'import json, sys
a = json.load(open(sys.argv[1]))["groups"][0]
assert a["name"] == "animals" and 0.3 < a["known"] / a["train"] < 0.7' "$work/last.json"
ok 'data tokenizer' gradroute data tokenizer "$work/corpus.jsonl" --vocab 300 -o "$work/tok.json"
json 'data tokenizer --json' gradroute data tokenizer "$work/corpus.jsonl" "$t" --vocab 280 -o "$work/tok2.json" --json
fails 0 ' "b' 'data encode' gradroute data encode "$work/tok.json" --text 'a bird'
json 'data encode --json' gradroute data encode "$work/tok.json" --text 'a bird: é' --json
ok 'tokens spell the text' python3 -c 'import json, sys
r = json.load(open(sys.argv[1])); assert len(r["ids"]) == len(r["tokens"]) > 2 and "".join(r["tokens"]).startswith("a bird:")' "$work/last.json"
ok 'a recipe with a tokenizer file' gradroute check "$t" --set 'data.tokenizer={file: '"$work"'/tok.json}'


# ---- slips and words of other programs ----
sed 's/^labels:/lables:/' "$t" >"$work/slip.yaml"
fails 2 "slip.yaml:[0-9]*:1: unknown key 'lables'" 'a misspelt section is named before what is missing without it' gradroute check "$work/slip.yaml"
fails 2 "did you mean 'labels'" 'with the right word' gradroute check "$work/slip.yaml"
fails 2 'at the top of a recipe: seed, ' 'a section that nobody knows' gradroute check "$t" --set zzzzzz=1
fails 2 'here it is train.lr' 'a rate as others call it' gradroute check "$t" --set train.learning_rate=0.1
fails 2 'train.steps or train.tokens' 'epochs' gradroute check "$t" --set train.epochs=3
fails 2 'data.tokenizer: {train' 'the size of a vocabulary' gradroute check "$t" --set model.vocab_size=100
fails 2 'here it is model.layers' 'layers' gradroute check "$t" --set model.num_hidden_layers=2
fails 2 'there are: .*animal' 'a topic that no document has: those that there are' gradroute check "$t" --set 'labels.animals.is=[unheard]'

# ---- scores by the frequency of tokens ----
era() {
    command=$1
    shift
    gradroute "$command" "$t" --set 'preset={name: era}' --set 'regions.animals={mlp: {add: 8}}' "$@"
}
fails 0 'mix: {bias: 4, smooth_forget: 1, smooth_retain: 20}' 'era expands' era check --expand
ok 'era trains' era train -o "$work/era"
ok 'the table of tokens has the topic first' python3 -c 'import sys
rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
assert rows[0] == ["token", "id", "labelled", "other", "f", "r", "w"] and len(rows) == 301, rows[0]
w = [float(r[6]) for r in rows[1:]]
assert w == sorted(w) and w[0] < 0.9 < w[-1] <= 1
assert int(rows[1][2]) > 0 and int(rows[1][3]) == 0 and rows[1][0] not in ("\"g\"", "\" number\"")' "$work/era/tokens-animals.tsv"
fails 2 'another recipe' 'another bias is another run' era train -o "$work/era" --set preset.bias=3 --resume
fails 2 'no label has\|have none' 'mix without scores' gradroute check "$t" --set 'routes=[{label: animals, mix: true, open: [animals]}]'
{ grep -v '^preset' "$t"; printf 'routes:\n  - {label: any, mix: {}, activation: {animals: 1, rest: 0}}\n'; } >"$work/bad.yaml"
fails 2 'matches other rows too' 'frequencies of rows without a label' gradroute check "$work/bad.yaml"

# ---- what is wrong ----
fails 2 'cannot open' 'a recipe that is missing' gradroute train "$work/none.yaml" -o "$work/r"
fails 2 'cannot open: Is a directory' 'a folder in the place of a recipe' gradroute train "$work" -o "$work/r"
fails 2 'not a regular file' 'a device in the place of a recipe' gradroute check /dev/null
fails 2 'not a regular file' 'a folder in the place of a corpus' gradroute train "$t" -o "$work/r" --set data.jsonl="$work"
fails 2 'cannot open' 'a model that is missing' gradroute eval "$work/none"
if [ "$(id -u)" = 0 ]; then
    say 'skip files without permission: root may read them all'
else
    cp "$t" "$work/secret.yaml"
    cp "$work/corpus.jsonl" "$work/secret.jsonl"
    chmod 0 "$work/secret.yaml" "$work/secret.jsonl"
    fails 2 'check its permissions' 'a recipe without permission' gradroute train "$work/secret.yaml" -o "$work/r"
    fails 2 'check its permissions' 'a corpus without permission' gradroute train "$t" -o "$work/r" --set data.jsonl="$work/secret.jsonl"
fi
sed 's/steps: 20/stepz: 20/' "$t" >"$work/bad.yaml"
fails 2 "did you mean 'steps'" 'an unknown key suggests the nearest' gradroute train "$work/bad.yaml" -o "$work/r"
fails 2 "did you mean 'steps'" 'an unknown key of --set too' gradroute plan "$t" --set train.stepz=3
fails 2 'train.lr' 'a value of the wrong kind' gradroute plan "$t" --set train.lr=fast
printf 'seed: 1\n data: [\n' >"$work/bad.yaml"
fails 2 'bad.yaml:' 'broken YAML' gradroute check "$work/bad.yaml"
head -c 300 "$t" >"$work/bad.yaml"
fails 2 'bad.yaml' 'a truncated recipe' gradroute check "$work/bad.yaml"
fails 2 'cannot open' 'a corpus that is missing' gradroute train "$t" -o "$work/r" --set data.jsonl="$work/none.jsonl"
: >"$work/empty.jsonl"
fails 2 'empty' 'an empty corpus' gradroute train "$t" -o "$work/r" --set data.jsonl="$work/empty.jsonl"
head -c 100 "$work/corpus.jsonl" >"$work/cut.jsonl"
fails 2 'cut.jsonl:2' 'a truncated corpus' gradroute train "$t" -o "$work/r" --set data.jsonl="$work/cut.jsonl"
fails 2 'animal' 'a label that never occurs suggests a topic' gradroute train "$t" -o "$work/r" --set 'labels.animals.is=[animals]'
fails 2 'animal' 'check finds it too' gradroute check "$t" --set 'labels.animals.is=[animals]'
json_of_wrong() { gradroute check "$t" --set 'labels.animals.is=[zebra]' --json >"$work/wrong.json"; [ $? = 2 ] && is_json "$work/wrong.json"; }
ok 'check --json of a wrong recipe is JSON still' json_of_wrong
fails 2 'region' 'a region larger than its layer' gradroute check "$t" --set 'regions.animals={mlp: {claim: [0, 65]}}'
fails 0 'warning: .*its layer' 'a region that takes most of its layer' gradroute check "$t" --set 'regions.animals={mlp: {claim: [0, 40]}}'
{ grep -v '^preset' "$t"; printf 'routes:\n  - {label: animals, open: [animals], rest: closed}\n  - {label: animals, closed: [animals]}\n'; } >"$work/bad.yaml"
fails 2 'error: .*contradict' 'routes that contradict' gradroute check "$work/bad.yaml"
{ grep -v '^preset' "$t"; printf 'routes:\n  - {label: animals, open: [animal], rest: closed}\n'; } >"$work/bad.yaml"
fails 2 'animal' 'a route to an unknown region' gradroute check "$work/bad.yaml"
fails 2 'animal' 'train refuses it' gradroute train "$work/bad.yaml" -o "$work/r"
{ grep -v '^preset' "$t"; printf 'routes:\n  - {label: animals, rest: closed}\n'; } >"$work/bad.yaml"
fails 2 'never opened\|nothing is open' 'rows that train nothing' gradroute check "$work/bad.yaml"
fails 1 'cannot make the folder' 'an output folder that cannot be made' gradroute train "$t" -o "$work/corpus.jsonl/run"
fails 1 'cannot' 'a tokenizer that cannot be written' gradroute data tokenizer "$work/corpus.jsonl" -o "$work/corpus.jsonl/tok"
fails 2 'cannot open' 'a tokenizer that is missing' gradroute data encode "$work/none.json" --text a
head -c 1000 "$work/tok.json" >"$work/cut.json"
fails 2 'cut.json' 'a truncated tokenizer' gradroute data encode "$work/cut.json" --text a
quiet() { gradroute plan "$work/none.yaml" --json >"$work/nothing" 2>"$work/err"; [ ! -s "$work/nothing" ]; }
ok 'a failure prints nothing on standard output' quiet
finish
