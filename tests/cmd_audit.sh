# The audit: what it measures and prints, that it goes on where it stopped, and what it refuses before it trains.
. tests/cmd.inc
t=$work/tiny.yaml

# An audit with every twin and half of the labels: audit DIR OPTION ... ; with how=exec it takes the place of its shell.
how=
audit() {
    folder=$1; shift
    $how gradroute audit "$t" -o "$folder" --set train.steps=100 --set 'train.groups=[{parameters: "animals.*", lr: 2}]' --set 'twins=[plain, filtered, perfect]' \
        --set labels.animals.known=0.5 "$@"
}

# All numbers of a result but the wall times, with every bit.
figures() { python3 -c 'import json, sys
def strip(x):
    if isinstance(x, dict): return {k: strip(v) for k, v in x.items() if k not in ("seconds", "tokens_per_s", "folder")}
    return x
print(json.dumps(strip(json.load(open(sys.argv[1] + "/result.json"))), sort_keys=True))' "$1"; }

# Ends a job with a signal once one of its models has 10 lines of metrics; its status is in $code.
stop_in() { # SIGNAL RUN PID
    wait_for_steps "$2" 10 "$3"
    kill "-$1" "$3" 2>"$work/null"
    wait "$3" 2>"$work/null"
    code=$?
}

trained() { [ -s "$1/routed/metrics.jsonl" ]; }
untrained() { ! trained "$1"; }
in_second() { [ -e "$1/routed/cell.json" ] && [ ! -e "$1/plain/cell.json" ]; }

# ---- what it measures ----
w=$work/whole
json 'an undisturbed audit' audit "$w" --json
ok 'what it prints is what result.json holds' same "$(cat "$work/last.json")" "$(cat "$w/result.json")"
for key in specific_removal specific_removal_relearned specific_gap specific_gap_relearned general_gap specific_removal_filtered \
    specific_removal_relearned_filtered removal removal_relearned removal_filtered removal_relearned_filtered retention tax_off tax_on tax_off_adjacent \
    tax_on_adjacent seconds tokens_per_s; do
    ok "the result has $key" get "$w/result.json" "['$key'] + 0"
done
for key in forget adjacent retain tokens parameters; do
    ok "the routed model has $key" get "$w/result.json" "['models']['routed']['$key'] + 0"
done
for key in forget adjacent retain forget_relearned; do
    ok "without its region it has $key" get "$w/result.json" "['models']['routed_off']['$key'] + 0"
done
for twin in plain filtered perfect; do
    for key in forget adjacent retain forget_relearned tokens parameters seconds tokens_per_s; do
        ok "$twin has $key" get "$w/result.json" "['models']['$twin']['$key'] + 0"
    done
done
ok 'the scale ends at the perfect filter' same "$(get "$w/result.json" "['scale']")" perfect
ok 'figures agree with the losses, twins saw what they should' python3 -c 'import json, sys
r = json.load(open(sys.argv[1])); m = r["models"]
def near(a, b): assert abs(a - b) < 1e-9, (a, b)
def removal(routed, plain, filtered): return (routed - plain) / (filtered - plain)
def specific(off, plain, filter, name): # retain losses are those before the attack
    gap = lambda m, end, ends: m["forget" + ends] - m["retain" + end]
    base = gap(plain, "", name)
    return (gap(off[0], off[1], off[1] + name) - base) / (gap(filter, "", name) - base)
for name in "", "_relearned":
    near(r["specific_removal" + name], specific((m["routed_off"], ""), m["plain"], m["perfect"], name))
    near(r["specific_removal%s_filtered" % name], specific((m["filtered"], ""), m["plain"], m["perfect"], name))
near(r["general_gap"], m["perfect"]["retain"] - m["plain"]["retain"])
assert "specific removal %.2f" % r["specific_removal"] in r["verdict"] and not r["known_labels_only"], r["verdict"]
near(r["removal"], removal(m["routed_off"]["forget"], m["plain"]["forget"], m["perfect"]["forget"]))
near(r["removal_relearned"], removal(m["routed_off"]["forget_relearned"], m["plain"]["forget_relearned"],
                                     m["perfect"]["forget_relearned"]))
near(r["removal_filtered"], removal(m["filtered"]["forget"], m["plain"]["forget"], m["perfect"]["forget"]))
near(r["tax_off"], m["routed_off"]["retain"] - m["perfect"]["retain"])
near(r["tax_on"], m["routed"]["retain"] - m["plain"]["retain"])
for key, (low, high) in r["intervals"].items(): assert low <= r[key] <= high, key
assert r["data"]["known"]["animals"] * 2 - r["data"]["groups"]["animals"] in (-1, 0, 1)
assert m["perfect"]["tokens"] < m["filtered"]["tokens"] < m["plain"]["tokens"] == m["routed"]["tokens"]
assert not r["data"]["used_fallback"]' "$w/result.json"
json 'an audit without settings of the region' audit "$work/bare" --json --set train.groups=[] --set 'twins=[plain]'
ok 'a rate of the region alone changes the routed model, and no twin' python3 -c 'import json, sys
a, b = (json.load(open(name))["models"] for name in sys.argv[1:])
assert a["plain"]["forget"] == b["plain"]["forget"] and a["plain"]["retain"] == b["plain"]["retain"]
assert a["routed"]["forget"] != b["routed"]["forget"]' "$w/result.json" "$work/bare/result.json"

# ---- called again ----
touch "$work/then"
sleep 0.05
json 'a finished audit answers again' audit "$w" --json
ok 'with the same' same "$(cat "$work/last.json")" "$(cat "$w/result.json")"
ok 'and writes nothing' same "nothing $(find "$w" -newer "$work/then" | head -n 3)" 'nothing '
fails 0 'specific, known filter' 'a finished audit prints its table' audit "$w"
cp "$work/out" "$work/table"
ok 'the verdict leads' python3 -c 'import sys; assert open(sys.argv[1]).read().lstrip().startswith("Verdict: specific removal")' "$work/table"
ok 'all of it fits into 80 columns' python3 -c 'import sys
lines = [line for line in open(sys.argv[1]).read().split("\nCompletions")[0].splitlines() if len(line) > 80]
assert not lines, lines' "$work/table"
ok 'each loss stands in its row and column' python3 -c 'import json, sys
models = json.load(open(sys.argv[1]))["models"]
rows = {line[2:20].strip(): line[20:].split() for line in open(sys.argv[2]).read().split("\nFigures")[0].splitlines()}
for title, name in (("routed, region on", "routed"), ("routed, region off", "routed_off"), ("plain", "plain"), ("filtered", "filtered"),
                    ("perfect filter", "perfect")):
    keys = ["forget", "adjacent", "retain"] + ["forget_relearned"] * (name != "routed")
    want = ["%.3f" % models[name][key] for key in keys]
    assert rows[title][:len(want)] == want and want[0] != want[2], (title, rows[title], want)' "$w/result.json" "$work/table"
ok 'and each figure beside its name' python3 -c 'import json, sys
r, seen = json.load(open(sys.argv[1])), {}
keys = {"specific removal": "specific_removal", "what there is to remove": "specific_gap", "general gap": "general_gap",
        "specific, known filter": "specific_removal_filtered", "tax, region off": "tax_off", "tax, region on": "tax_on",
        "tax on adjacent, off": "tax_off_adjacent", "tax on adjacent, on": "tax_on_adjacent", "retention": "retention",
        "plain removal": "removal", "plain, known filter": "removal_filtered"}
for line in open(sys.argv[2]).read().split("\nFigures")[1].splitlines()[1:]:
    title = line[2:28].strip()
    key = keys.get(title) or (title == "after relearning" and (before + "_relearned").replace("_filtered_relearned", "_relearned_filtered"))
    if not key: break
    before, seen[key] = key, "%7.3f [%6.3f, %6.3f]" % (r[key], *r["intervals"][key])
    assert line[28:].startswith(seen[key]), (line, key, seen[key])
assert len(seen) == 16, seen' "$w/result.json" "$work/table"
ok 'eval of an audit' gradroute eval "$w" --off animals
ok 'eval of a twin' gradroute eval "$w/perfect"
fails 2 'another recipe' 'another recipe in the same folder' audit "$w" --set train.lr=0.001

# ---- stopped ----
killed=$work/killed
(how=exec; audit "$killed" >"$work/out" 2>"$work/err") &
stop_in KILL "$killed/plain" $!
ok 'killed in the second model' in_second "$killed"
touch "$work/then"
sleep 0.05
ok 'the same command goes on' audit "$killed"
ok 'the first model is not trained again' same "nothing $(find "$killed/routed" -newer "$work/then" | head -n 3)" 'nothing '
ok 'killed or not, the same figures' same "$(figures "$killed")" "$(figures "$w")"

(how=exec; audit "$work/int" >"$work/out" 2>"$work/said") &
stop_in INT "$work/int/plain" $!
[ "$code" = 1 ] && say 'ok Ctrl-C ends with status 1' || failure "Ctrl-C ends with status 1 ($code)"
ok 'and names the experiment' grep -q "^gradroute: audit: stopped; everything that was finished is kept in $work/int" "$work/said"
ok 'and says the command that goes on, whole' grep -q "^ *gradroute audit -o $work/int --set train.steps=100 --set 'train.groups=.* $t\$" "$work/said"
ok 'which does, when it is pasted' sh -c "$(said_again "$work/said")"
ok 'stopped or not, the same figures' same "$(figures "$work/int")" "$(figures "$w")"

ok 'measuring and relearning are counted' gradroute audit "$t" -o "$work/counted" --set train.steps=2
cp "$work/err" "$work/counted.txt"
for part in 'measuring losses of the test: plain (5 of 6)' 'relearning: filtered (3 of 3)'; do
    ok "$part" grep -qF "$part" "$work/counted.txt"
done
ok 'every model has the loss of held-out text' grep -q '"heldout": [0-9]' "$work/counted/filtered/metrics.jsonl"

# ---- labels that may miss some of the topic ----
json 'half of the labels without a perfect filter' gradroute audit "$t" -o "$work/half" --set labels.animals.known=0.5 --set train.steps=60 --json
ok 'is marked' same "$(get "$work/last.json" "['known_labels_only']")" True
json 'labels by words' gradroute audit "$t" -o "$work/words" --set 'labels.animals={words: [bird, fish, horse, snake, frog, wolf]}' --set train.steps=60 --json
ok 'are marked too' same "$(get "$work/last.json" "['known_labels_only']")" True
fails 0 'On known labels only' 'and the table says so' gradroute audit "$t" -o "$work/words" --set train.steps=60 \
    --set 'labels.animals={words: [bird, fish, horse, snake, frog, wolf]}'
json 'the plain twin alone' gradroute audit "$t" -o "$work/lone" --set 'twins=[plain]' --json
ok 'is no scale' get "$work/last.json" "['verdict'].index('no verdict')"

# ---- a placebo ----
fails 0 'arms routed,routed_off,plain,placebo,placebo_off' 'an audit without a placebo says how to add it' gradroute audit "$t" -o "$work/lone" --set 'twins=[plain]'
grep -A2 '^More' "$work/out" | sed 's/^More *//' >"$work/command"
touch "$work/then"
sleep 0.05
ok 'the command that it prints' sh "$work/command"
ok 'trains the placebo' test -s "$work/lone/placebo/cell.json"
ok 'and no other model' same "nothing $(find "$work/lone/routed" "$work/lone/plain" -newer "$work/then" | head -n 3)" 'nothing '
fails 2 'these are of tokens or sentences' 'a placebo of labels of tokens' gradroute audit "$t" -o "$work/refused" --set 'twins=[plain, placebo]' \
    --set 'labels.animals={words: [bird], per: token}'
ok 'is refused before training' untrained "$work/refused"

# ---- a region that cannot be taken out ----
claims='regions.animals={residual: {claim: [0, 8]}, mlp: {claim: [0, 16]}}'
fails 0 'relearning with the region switched off, not removed' 'claimed residual dimensions are switched off' \
    gradroute audit "$t" -o "$work/claimed" --set "$claims" --set preset=sgtm --set 'prompts=[an oak]'
fails 0 '--prompt "an oak" --off animals' 'the next command has the prompt of the recipe' \
    gradroute audit "$t" -o "$work/claimed" --set "$claims" --set preset=sgtm --set 'prompts=[an oak]'
ok 'and measured' get "$work/claimed/result.json" "['removal_relearned'] + 0"
ok 'twins keep the full width' same "$(get "$work/claimed/result.json" "['models']['filtered']['parameters']")" \
    "$(get "$work/claimed/result.json" "['models']['plain']['parameters']")"

# ---- the subset of WordNet ----
small='--set train.steps=2 --set train.groups=[] --set routes=[] --set train.batch=4 --set data.context=32 --set data.tokenizer.train=300 --set data.validation=0.01'
demo() {
    folder=$1; shift
    gradroute audit recipes/demo.yaml -o "$folder" $small --set 'model={arch: llama, layers: 1, width: 16, heads: 2, mlp: 16}' \
        --set 'regions.biology={mlp: {add: 8}}' --set preset=sgtm --set 'relearn={documents: 4, steps: 2, lr: [0.001]}' "$@"
}
fails 0 'NOTE: the corpus is the small subset' 'an audit without WordNet says that it read the subset' \
    demo "$work/demo" --set data.wordnet=/nonexistent
ok 'so does its result' same "$(get "$work/demo/result.json" "['data']['used_fallback']")" True
fails 0 'the corpus is the small subset' 'and again when it is only printed' demo "$work/demo" --set data.wordnet=/nonexistent
ok 'the subset by name' demo "$work/named" --set data.wordnet=recipes/wordnet-subset
ok 'is no fallback' same "$(get "$work/named/result.json" "['data']['used_fallback']")" False
fails 2 'cannot open' 'without the subset too' demo "$work/no" --set data.wordnet=/nonexistent --set data.fallback=/nonexistent

# ---- what it refuses ----
grep -v '^labels\|^  animals: {is\|^preset\|^twins' "$t" >"$work/unlabelled.yaml"
fails 2 'needs data that have labels' 'no labels' gradroute audit "$work/unlabelled.yaml" -o "$work/refused"
fails 2 "did you mean 'filtered'" 'a twin that no experiment knows' gradroute audit "$t" -o "$work/refused" --set 'twins=[plain, filtred]'
fails 2 'the data are text' 'a network that reads no text' gradroute audit "$t" -o "$work/refused" \
    --set 'model={arch: mlp, sizes: [8, 16, 4]}' --set 'regions.animals={mlp: {claim: [0, 4]}}' --set preset=sgtm
fails 2 'documents of the label are wanted' 'more forget documents than there are' gradroute audit "$t" -o "$work/refused" \
    --set relearn.documents=1000
ok 'all before training' untrained "$work/refused"
fails 1 'cannot make the folder' 'an audit that cannot write' gradroute audit "$t" -o "$work/corpus.jsonl/audit"
finish
