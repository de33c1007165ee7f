# audit --models: models that were made elsewhere are measured as the audit that trained them measured them, and what does
# not fit is refused before anything is copied.
. tests/cmd.inc
t=$work/tiny.yaml
a=$work/trained
ok 'an audit that trains' gradroute audit "$t" -o "$a" --set precision=float32

# What an audit of given models says, without what only a training knows.
figures() { python3 -c 'import json, sys
r = json.load(open(sys.argv[1] + "/result.json"))
keys = [k for k in r if k.split("_")[0] in ("specific", "general", "tax", "removal", "retention", "intervals", "verdict", "completions", "relearn")]
losses = {m: {k: v for k, v in of.items() if k.split("_")[0] in ("forget", "adjacent", "retain")} for m, of in r["models"].items()}
assert "specific_gap" in r and len(losses) == 4, r
print(json.dumps([{k: r[k] for k in keys}, losses], sort_keys=True))' "$1"; }
files() { (cd "$1" && cat model/*.safetensors | sha256sum); }
untrained() { [ -z "$(find "$1" -name metrics.jsonl -o -name checkpoints)" ]; }

# ---- the same models in another place ----
for arm in routed plain filtered; do cp -r "$a/$arm/model" "$work/$arm"; done
b=$work/given
models() { gradroute audit --models routed="$work/routed" plain="$work/plain" filtered="$work/filtered" "$@"; }
json 'an audit of given models' models -o "$b" --json
ok 'says what the training one says, to the last bit' same "$(figures "$a")" "$(figures "$b")"
ok 'with these models' same "$(files "$a/routed") $(files "$a/filtered")" "$(files "$b/routed") $(files "$b/filtered")"
ok 'and trains nothing' untrained "$b"
fails 0 '^Verdict: ' 'tables and a verdict' models -o "$b"
runs() { gradroute audit --models routed="$a" plain="$a/plain" filtered="$work/filtered" -o "$work/runs" --jobs 2; }
ok 'folders of runs, by two processes' runs
ok 'are the same' same "$(figures "$a")" "$(figures "$work/runs")"
ok 'by the recipe file' gradroute audit --models routed="$work/routed" plain="$work/plain" filtered="$work/filtered" --recipe "$t" --set precision=float32 -o "$work/recipe"
ok 'it is the same' same "$(figures "$a")" "$(figures "$work/recipe")"

# ---- a folder is known by what it holds ----
mv "$work/plain" "$work/kept" && cp -r "$work/filtered" "$work/plain"
ok 'another model under the same name' models -o "$b"
swapped() { python3 -c 'import json, sys
m = json.load(open(sys.argv[1] + "/result.json"))["models"]
assert m["plain"]["forget"] == m["filtered"]["forget"] and m["plain"]["retain"] == m["filtered"]["retain"], m' "$b"; }
ok 'is measured anew' swapped
rm -r "$work/plain" && mv "$work/kept" "$work/plain"

# ---- what was not given ----
two() { gradroute audit --models routed="$work/routed" plain="$work/plain" -o "$work/two"; }
fails 0 'not given: filtered, perfect, placebo; without them there is no specific_removal,' 'without a filter' two
fails 0 'no verdict' 'there is no verdict' two
kept() { get "$work/two/result.json" "['models']['plain']['forget_relearned'] + 0" && untrained "$work/two"; }
ok 'but what needs none' kept

# ---- other text ----
sed 's/number/piece/; s/"topic"/"kind"/; s/"text"/"body"/' "$work/corpus.jsonl" >"$work/other.jsonl"
other() { models --data "$work/other.jsonl" "$@"; }
json 'other text' other --text-field body --label-field kind -o "$work/other" --json
differs() { python3 -c 'import json, sys
a, b = (json.load(open(p + "/result.json"))["models"]["plain"] for p in sys.argv[1:])
assert a["forget"] < b["forget"] and a["retain"] < b["retain"], (a, b)' "$a" "$work/other"; }
ok 'is measured in place of the data' differs
fails 2 'text' 'whose members are called otherwise' other -o "$work/no"

# ---- what is refused, and nothing made ----
place=$work/no
sed 's/context: 32/context: 16/' "$t" >"$work/short.yaml"
sed 's/train: 300/train: 290/' "$t" >"$work/words.yaml"
ok 'a model of another context' gradroute train "$work/short.yaml" -o "$work/short" --set precision=float32
ok 'and of another vocabulary' gradroute train "$work/words.yaml" -o "$work/words" --set precision=float32
no() { gradroute audit --models "$@" -o "$work/no"; }
fails 2 'was trained on rows of 16 tokens, the data are in rows of 32' 'another context' no routed="$work/routed" plain="$work/short"
fails 2 'its vocabulary (290 tokens) is not that of the data (300)' 'another vocabulary' no routed="$work/routed" plain="$work/words"
fails 2 "no arm is called 'plane'" 'an arm that there is not' no routed="$work/routed" plane="$work/plain"
fails 2 "did you mean 'plain'" 'with the nearest' no routed="$work/routed" plane="$work/plain"
fails 2 'plain is given twice' 'one that is there twice' no routed="$work/routed" plain="$work/plain" plain="$work/plain"
fails 2 'routed is missing, which audit is about' 'none of the subject' no plain="$work/plain"
fails 2 'does not say which arm' 'no arm at all' no "$work/routed"
fails 2 'no-such-folder' 'a folder that is not there' no routed="$work/routed" plain="$work/no-such-folder"
mkdir "$work/empty"
fails 2 'there is no model here' 'one without a model' no routed="$work/routed" plain="$work/empty"
cp -r "$work/plain" "$work/damaged" && printf x >>"$work/damaged/manifest.json"
fails 2 'damaged' 'one that is damaged' no routed="$work/routed" plain="$work/damaged"
fails 2 'recipe' 'a file that is not there' no routed="$work/routed" --recipe "$work/no-recipe.yaml"
ok 'nothing was made' test ! -e "$work/no"
fails 2 'takes a folder for the audit' 'no place for it' gradroute audit --models routed="$work/routed"
fails 2 'are for those that are trained' 'seeds' no routed="$work/routed" --seeds 2
fails 2 'are of --models' 'a recipe without them' gradroute audit "$t" --recipe "$t"
finish
