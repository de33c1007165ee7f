# plan: steps of any size are timed in seconds, the audit is part of it, and a lack of processor time is said.
. tests/cmd.inc
t=$work/tiny.yaml
plan() { timeout 60 gradroute plan "$t" "$@"; }

json 'a plan' plan --json
cp "$work/last.json" "$work/plan.json"
adds_up() {
    python3 -c 'import json, math, sys
p = json.load(open(sys.argv[1]))
parts = ["training_minutes", "measuring_minutes", "relearning_minutes"]
assert all(p[k] > 0 for k in parts), p
assert math.isclose(p["minutes"], sum(p[k] for k in parts), rel_tol=1e-9), p
for key, of in zip(["minutes"] + parts[1:], parts):
    assert math.isclose(sum(m[key] for m in p["models"]), p[of], rel_tol=1e-9), (key, p)
assert [m["name"] for m in p["models"]] == ["routed", "plain", "filtered"]
assert all(m["timed_rows"] == 4 for m in p["models"]), p' "$work/plan.json"
}
ok 'training, measuring and relearning of every model add up' adds_up
fails 0 'training .*, measuring .*, relearning ' 'and are printed' plan
narrow() { plan --set precision=float32 >"$work/table" && ! grep '.\{81\}' "$work/table"; }
ok 'in 80 columns' narrow
json 'an attack that an audit would refuse' plan --set relearn.documents=100000 --json
ok 'is not counted' same "$(get "$work/last.json" "['relearning_minutes']")" 0.0

# ---- an experiment: its cells by arm, what is done of them, and what the rest takes ----
audit() { plan_of=$1; shift; timeout 60 gradroute plan experiments/audit.yaml --base "$t" --set precision=float32 -o "$plan_of" "$@"; }
json 'an experiment' audit "$work/a" --seeds 3 --jobs 2 --json
cp "$work/last.json" "$work/three.json"
sums() {
    python3 -c 'import json, math, sys
p = json.load(open(sys.argv[1]))
costs = p["costs"]
assert [a["name"] for a in costs] == ["routed", "routed_off", "plain", "filtered"], p
assert [a["cells"] for a in costs] == [9, 12, 9, 9], p      # model, loss, completions, attack; of samples no more
assert [a["trained"] for a in costs] == [3, 0, 3, 3], p
assert p["cells"]["all"] == sum(a["cells"] for a in costs) + 3 and p["done"] == 0, p  # and the data of each seed
for key in ["minutes", "flops"]:
    assert math.isclose(sum(a[key] for a in costs), p[key], rel_tol=1e-9) and p[key] > 0, (key, p)
for a in costs:
    parts = [a[k] for k in ["training_minutes", "measuring_minutes", "attack_minutes"]]
    assert math.isclose(sum(parts), a["minutes"], rel_tol=1e-9) and a["measuring_minutes"] > 0, a
assert costs[1]["training_minutes"] == 0 and costs[1]["attack_minutes"] > 0 and costs[0]["attack_minutes"] == 0, p
assert math.isclose(p["jobs_minutes"] * 2, p["minutes"], rel_tol=1e-9), p' "$work/three.json"
}
ok 'its arms add up' sums
json 'of one seed' audit "$work/a" --json
once() { python3 -c 'import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:])
assert 3 * b["flops"] == a["flops"] and a["timed"] == b["timed"], (a, b)' "$work/three.json" "$work/last.json"; }
ok 'is timed as often as three, and multiplies a third' once
nothing() { [ ! -e "$work/a" ]; }
ok 'nothing is written' nothing
fails 0 'by 2 processes about' 'and for people' audit "$work/a" --seeds 3 --jobs 2
wide() { audit "$work/a" --seeds 3 >"$work/table" && ! grep '.\{81\}' "$work/table"; }
ok 'in 80 columns' wide
ok 'some of it is made' gradroute reproduce audit --base "$t" --set precision=float32 -o "$work/a" --arms plain --commit "$work/rows.jsonl"
json 'then' audit "$work/a" --json
rest() { python3 -c 'import json, sys
p = json.load(open(sys.argv[1]))
state = {a["name"]: (a["done"], a["committed"], a["trained"]) for a in p["costs"]}
assert state == dict(zip(["routed", "routed_off", "plain", "filtered"], eval(sys.argv[2]))), p
left = {a["name"]: a["minutes"] for a in p["costs"]}
assert left["routed"] == left["plain"] == 0 and left["filtered"] > 0, p' "$work/last.json" "$1"; }
ok 'the rest alone takes time' rest '[(3, 0, 0), (4, 0, 0), (3, 0, 0), (0, 0, 1)]'
mkdir "$work/e" && cp experiments/audit.yaml "$work/e/" && mkdir "$work/e/rows" && cp "$work/rows.jsonl" "$work/e/rows/audit.jsonl"
json 'rows that are committed' gradroute plan "$work/e/audit.yaml" --base "$t" --set precision=float32 -o "$work/b" --json
ok 'count as done' rest '[(0, 3, 0), (0, 4, 0), (0, 3, 0), (0, 0, 1)]'
json 'arms by name' audit "$work/c" --arms plain --json
ok 'are the others left out' same "$(get "$work/last.json" "['cells']['all']")" 11
fails 2 'are of experiments, and this is none' 'seeds of a recipe' plan --seeds 3

# ---- twins are those of the recipe, or as the labels allow ----
models() { python3 -c 'import json, sys; print(*[m["name"] for m in json.load(open(sys.argv[1]))["models"]])' "$work/last.json"; }
json 'a recipe that names a twin' plan --set 'twins=[filtered]' --json
ok 'has it' same "$(models)" 'routed filtered'
json 'none' plan --set 'twins=[]' --json
ok 'is none' same "$(models)" 'routed'
grep -v '^twins' "$work/tiny.yaml" >"$work/free.yaml"
json 'no word of twins' timeout 60 gradroute plan "$work/free.yaml" --set 'labels.animals={is: [animal], known: 0.5}' --json
ok 'makes those that the labels allow' same "$(models)" 'routed plain filtered perfect'
sed '/^labels/d; /^  animals: {is/d; /^adjacent/d; /^preset/d; /^regions/d; /^  animals: {residual/d' "$work/free.yaml" >"$work/bare.yaml"
json 'without labels' timeout 60 gradroute plan "$work/bare.yaml" --json
ok 'there is one model' same "$(models)" 'routed'
fails 2 'placbo' 'a twin that there is not' plan --set 'twins=[placbo]'

json 'threads of the command and of the recipe' plan --set threads=2 --threads 1 --json
ok 'the command has the last word' same "$(get "$work/last.json" "['threads']")" 1

# ---- steps that take minutes: two million tokens of a network that is not small ----
large='--set train.batch=65536 --set model.width=128 --set model.mlp=512 --set twins=[]'
fails 0 'extrapolated from steps of [0-9]* sequences in place of 65536' 'a step of any size' plan $large
json 'whose time grows with the batch' plan $large --json
cp "$work/last.json" "$work/large.json"
json 'from one that is timed as it is' plan $large --set train.batch=256 --json
in_proportion() {
    python3 -c 'import json, sys
a, b = (json.load(open(p))["models"][0]["minutes"] for p in sys.argv[1:])
assert 20 < a / b < 5000, (a, b) # 256, on a machine that does nothing else' "$work/large.json" "$work/last.json"
}
ok 'in proportion' in_proportion
fails 0 'extrapolated' 'whole micro-batches' plan $large --set train.micro=1024

# ---- memory that is not there: nothing is timed, the rest is said ----
without_memory() {
    unshare -m sh -c 'echo "MemAvailable: 100 kB" >"$1" && mount --bind "$1" /proc/meminfo && shift && exec "$@"' sh "$work/meminfo" "$@"
}
if without_memory true 2>"$work/null"; then
    fails 1 'time *not known' 'a step that finds no memory' without_memory gradroute plan "$t"
    fails 1 'memory  ' 'says what it would need' without_memory gradroute plan "$t"
    fails 1 'takes [0-9.]* MB of memory to train, and 102 kB are free' 'and what there is' without_memory gradroute plan "$t"
    fails 1 '"minutes": null' 'as JSON the minutes are null' without_memory gradroute plan "$t" --json
else
    say 'ok a step that finds no memory # skip: no mount here'
fi

# A network of 11 TB: its sizes are known from its description, and none of it is made.
huge='--set model.width=32768 --set model.heads=256 --set model.mlp=65536 --set model.layers=64 --set precision=float32'
cheap() { (ulimit -v 3000000 && timeout 60 gradroute plan "$@" $huge); }
fails 1 'takes [0-9.]* TB of memory to train, and [0-9.]* [kMG]B are free' 'a network larger than memory' cheap "$t"
fails 1 'hint: parameters, gradients and moments alone take [0-9.]* TB: use a smaller model.width' 'with what to do' cheap "$t"
fails 1 'memory  *11.0 TB, and [0-9.]* [kMG]B are free' 'its memory in all' cheap "$t"
fails 1 'optimiser  *5.5 TB' 'and by kind' cheap "$t"
cheap "$t" --json >"$work/huge.json" 2>"$work/err"
kinds() { python3 -c 'import json, sys
p = json.load(open(sys.argv[1]))
assert p["minutes"] is None and [m["name"] for m in p["models"]] == ["routed", "plain", "filtered"], p
for m in p["models"]:
    kind, own = m["memory"], 4 * (m["parameters"]["core"] + m["parameters"]["region"])
    assert own <= kind["parameters"] <= own * 1.001 and own <= kind["gradients"] and kind["optimiser"] == 2 * own, m
    assert kind["total"] == sum(v for k, v in kind.items() if k != "total") and kind["activations"] > 1e6, m
    assert m["minutes"] is None and m["flops"] > 1e15, m
assert p["models"][2]["parameters"]["region"] == 0, p' "$work/huge.json"; }
ok 'of each model' kinds
fails 1 'takes [0-9.]* TB of memory to train' 'of an experiment too' cheap audit --base "$t" -o "$work/huge"
short() { (ulimit -v 3000000 && timeout 60 gradroute plan "$t" --set 'twins=[]' --set precision=float32 "$@"); }
fails 0 'memory  *[0-9.]* GB, and [0-9.]* GB are free' 'rows that are too many at once, a few of which can be timed' short --set train.batch=4096 --set data.context=2048
fails 1 'hint: activations grow .* train.recompute=true' 'rows of which not one has room' short --set train.batch=200 --set data.context=65536 --set model.width=1024

# ---- processor time ----
if command -v taskset >"$work/null"; then
    starved() { OMP_WAIT_POLICY=passive taskset -c 0 gradroute plan "$t" --threads 2 --set train.batch=512 --set 'twins=[]'; }
    fails 0 'note: got [01]\.[0-9] of 2 cores' 'two threads on one core' starved
    trained() { OMP_WAIT_POLICY=passive timeout 600 taskset -c 0 gradroute train "$t" -o "$work/run" --threads 2 --set train.batch=64 --set train.steps=400; }
    fails 0 'note: got [01]\.[0-9] of 2 cores' 'train says so once' trained
    cp "$work/err" "$work/said"
    once() { [ "$(grep -c '^note: got' "$work/said")" = 1 ] && grep -q 'left.*  got [01]\.[0-9] of 2 cores' "$work/said"; }
    ok 'and behind its lines' once
fi
finish
