# gradroute tune: settings are tried on topics to develop on, and chosen; what is reported is never looked at.
. tests/cmd.inc
t=$work/tiny.yaml
place=$work/a
mkdir "$place"
develop='development={labels: {animals: {is: [tool]}}}'

# A grid of four settings and one of sixteen; with bounds that any network keeps, so that one is chosen.
sed -e '/^presets:/,/^arms:/{/^arms:/!d}' -e 's/^  most: .*/  most: removal/' -e 's/^  at_most: .*/  at_most: {tax_off: 5, tax_on: 5}/' \
    -e 's/^  at_least: .*/  at_least: {retention: -5}/' -e 's/^  presets: .*/  presets: [four, more]/' experiments/tune.yaml >"$work/grid.yaml"
cat >>"$work/grid.yaml" <<'YAML'
presets:
  four: {axes: {size: [as_is, half], p_cr: [as_is, p0], rate: [as_is]}}
  more: {axes: {size: [as_is, half], p_cr: [as_is, p0, p25, p75], rate: [as_is, twice]}}
YAML
tune() { gradroute tune "$t" --set precision=float32 "$@"; }
learns="--set train.steps=120 --set train.batch=8 --set train.lr=0.01 --set data.validation=0.2 --set data.test=0.1 --set preset.p_cr=0.5"

# ---- what is refused ----
refused 2 'names no topics to develop on' 'a recipe without topics to develop on' tune --budget 5 -o "$work/a/run"
refused 2 "hint: free topics .*development: {labels: {animals: {is: \[tool\]}}}" 'it proposes some, neither reported nor adjacent' tune --budget 5 -o "$work/a/run"
sed "s/\"tool\"/\"it's: tools\"/" "$work/corpus.jsonl" >"$work/odd.jsonl"
odd() { tune --set "data.jsonl=$work/odd.jsonl" --experiment "$work/grid.yaml" --budget 1 -o "$work/a/run" --set train.steps=50000000 "$@"; }
refused 2 "names no topics to develop on" 'topics with names that YAML and shells read something into' odd
said=$(sed -n 's/.* or by \(--set .*\)/\1/p' "$work/err")
pasted() { eval "odd $said"; }
refused 2 'the smallest grid, four, takes about' 'are proposed as a shell takes them' pasted

# A hint has room for so much; half a section would be no recipe.
long() { sed "s/\"tool\"/\"$1\"/" "$work/corpus.jsonl" >"$work/odd.jsonl"; }
xs=$(printf '%0150d' 0 | tr 0 x)
long "$xs"
refused 2 "is: \[$xs\]}}}, in the recipe\$" 'of long names what has room is said' odd
long "$xs$xs$xs"
refused 2 "development: {labels: {animals: {is: \[$xs$xs$xs\]}}}\$" 'the rest on a line of its own' odd
refused 2 "hint: development: {labels: {NAME: {is: \[TOPIC, ..\]}}}, of labels" 'and the hint says the form' odd

refused 2 "topic 'animal' is to develop on, and reported: it is of label 'animals'" 'a topic that is reported' tune --budget 5 -o "$work/a/run" --set 'development={labels: {animals: {is: [animal]}}}'
refused 2 "topic 'food' is to develop on, and adjacent" 'one that is adjacent' tune --budget 5 -o "$work/a/run" --set 'development={labels: {animals: {is: [food]}}}'
refused 2 "development leaves out label 'food'" 'a label without topics' tune --budget 5 -o "$work/a/run" --set adjacent=[] --set 'labels.food={is: [food]}' --set 'regions.food={mlp: {add: 4}}' --set "$develop"
refused 2 'no document has the topic "nowhere"' 'a topic that is nowhere' tune --preset smoke -o "$work/a/run" --set 'development={labels: {animals: {is: [nowhere]}}}'
refused 2 'how long may it take' 'no budget' tune -o "$work/a/run" --set "$develop"
refused 2 "no preset is called 'smal'" 'no preset of this name' tune --preset smal -o "$work/a/run" --set "$develop"
refused 2 'the smallest grid, four, takes about [0-9:]*, more than 1 minute' 'a budget that is too small' tune --experiment "$work/grid.yaml" --budget 1 -o "$work/a/run" --set "$develop" --set train.steps=50000000
refused 2 'hint: about --set train.steps=[0-9]* would fit, or an --experiment with fewer values; nothing was begun' 'says what would fit' tune --experiment "$work/grid.yaml" --budget 1 -o "$work/a/run" --set "$develop" --set train.steps=50000000
sed '/^  presets: /d' "$work/grid.yaml" >"$work/none.yaml"
refused 2 'names no presets of which a budget could take one' 'a grid without sizes' tune --experiment "$work/none.yaml" --budget 1 -o "$work/a/run" --set "$develop"
hint=$(tune --budget 5 -o "$work/a/run" 2>&1 | sed -n 's/.*documents: \(development: .*\), in the recipe, or by.*/\1/p')
{ cat "$t"; say "$hint"; } >"$work/developed.yaml"
refused 2 'the smallest grid, four, takes' 'topics that it proposes, as a line of the recipe' gradroute tune "$work/developed.yaml" --experiment "$work/grid.yaml" --budget 0.1 -o "$work/a/run" --set precision=float32 --set train.steps=50000000
sed '/^choose:/,/^  presets:/d' "$work/grid.yaml" >"$work/wants.yaml"
for how in '--preset four' '--preset four --json' '--budget 100000'; do
    refused 2 'wants.yaml: the experiment does not say what is wanted' "nothing that is wanted ($how)" tune --experiment "$work/wants.yaml" $how -o "$work/a/run" --set "$develop"
done

# ---- a choice ----
grid() { tune --experiment "$work/grid.yaml" -o "$work/run" --set "$develop" $learns "$@"; }
json 'settings are tried' grid --preset four --json
cp "$work/last.json" "$work/first.json"
cp "$work/err" "$work/first.err"
chosen() { python3 - "$work/first.json" "$work/run/result.json" <<'PYTHON'
import json, sys
choice, result = (json.load(open(path)) for path in sys.argv[1:])
assert choice["trials"] == 4 and choice["development"] and choice["folder"].endswith("/run"), choice
assert {k: v for k, v in choice.items() if k != "folder"} == result["choice"]
assert [g["key"] for g in choice["goals"]] == ["removal", "tax_off", "tax_on", "retention"]

# The frontier by definition, from the figures of all points.
better = lambda p: (p["removal"], -p["tax_off"], -p["tax_on"], p["retention"])
points = [(p["axes"], better(p)) for p in result["points"]]
beaten = lambda one: any(all(x >= y for x, y in zip(other, one)) and other != one for _, other in points)
want = sorted((axes for axes, one in points if not beaten(one)), key=str)
assert sorted((one["axes"] for one in choice["frontier"]), key=str) == want, choice["frontier"]
removals = [one["figures"]["removal"] for one in choice["frontier"]]
assert removals == sorted(removals, reverse=True) and removals[0] > 0.3

# Of those within .02 of the best the one that changes least.
equal = [axes for axes, one in points if one[0] >= max(o[0] for _, o in points) - 0.02]
changes = lambda axes: sum(value != "as_is" for value in axes.values())
assert changes(choice["chosen"]["axes"]) == min(map(changes, equal)) and choice["chosen"]["axes"] in equal
assert choice["idle"] == []

# In words of the recipe: numbers, and no others.
keys = [key for axis in choice["chosen"]["settings"].values() for key in axis]
assert keys == ["regions.animals.residual.add", "regions.animals.heads.add", "regions.animals.mlp.add", "preset.p_cr"], keys
assert [s.split("=")[0] for s in choice["chosen"]["set"]] == keys
PYTHON
}
ok 'the frontier is that of the figures, and one is chosen' chosen
edges() { python3 - "$work/first.json" <<'PYTHON'
import json, sys
choice = json.load(open(sys.argv[1]))
size, p_cr = choice["chosen"]["axes"]["size"], choice["chosen"]["axes"]["p_cr"]
want = {"size": "high" if size == "as_is" else "low"}    # of two values each is an end, and 0 is where chances end
if p_cr == "as_is":
    want["p_cr"] = "high"
assert {e["axis"]: e["end"] for e in choice["edges"]} == want, choice["edges"]
PYTHON
}
ok 'it says at which edges that is' edges

# The recipe of the folder has other topics as its label, and the reported ones beside the adjacent ones.
developed() {
    grep -A 3 '^labels:' "$work/run/recipe.yaml" | grep -q 'tool' && grep -A 3 '^adjacent:' "$work/run/recipe.yaml" | grep -q 'animal' &&
        ! grep -q '^development' "$work/run/recipe.yaml"
}
ok 'the topic is another one' developed
validation() { python3 - "$work/run" <<'PYTHON'
import glob, json, sys
rows = [json.loads(line) for path in glob.glob(sys.argv[1] + "/cells/*/rows.jsonl") for line in open(path)]
held = {r["name"]: r for r in rows if r["row"] == "measured"}
losses = [r for r in rows if r["row"] == "loss"]
assert losses and held["forget"]["validation"] != held["forget"]["test"]
assert all(len(r["units"]) == held[r["group"]]["validation"] for r in losses)
PYTHON
}
ok 'losses are those of validation' validation
said_so() { grep -q '^measuring losses of validation: routed_off ' "$work/first.err" && ! grep -q 'losses of the test' "$work/first.err"; }
ok 'and said to be' said_so

# ---- for people ----
ok 'what is done takes no time' grid --preset four
cp "$work/out" "$work/text"
printed() {
    grep -q '4 settings were tried on topics to develop on' "$work/text" && grep -q '  chosen$' "$work/text" &&
        grep -q '^    --set preset.p_cr=' "$work/text" && grep -q '^    preset:$' "$work/text" && grep -q 'comes from gradroute audit' "$work/text"
}
ok 'the choice is printed' printed
ok 'in 80 columns' sh -c "! grep '.\{81\}' '$work/text'"
options() { python3 -c 'import json, sys; print(" ".join("--set " + s for s in json.load(open(sys.argv[1]))["chosen"]["set"]))' "$work/first.json"; }
ok 'its options are those of the recipe' gradroute check "$t" $(options)
pasted() {
    sed -n '/place of these sections/,/^$/p' "$work/text" | sed -n 's/^    //p' >"$work/sections.yaml"
    sed -e '/^regions:/,/^train:/d' "$t" >"$work/pasted.yaml" && cat "$work/sections.yaml" >>"$work/pasted.yaml" && gradroute check "$work/pasted.yaml"
}
ok 'its sections may be pasted' pasted
ok 'and stands in the report' grep -q '<h3>Settings</h3>' "$work/run/report.html"
read_once() { [ "$(grep -c 'reading the corpus' "$work/first.err")" -le 3 ]; }
ok 'settings that read the same are read once' read_once
ok 'as an experiment' gradroute reproduce "$work/grid.yaml" --base "$t" --preset four -o "$work/same" --set precision=float32 --set "$develop" --set train.steps=4
cp "$work/out" "$work/whole"
says_settings() { grep -q '^Settings$' "$work/whole" && tr '\n' ' ' <"$work/whole" | grep -q 'a figure of every setting was  *refused'; }
ok 'it is told of there too, and of what was refused' says_settings

# ---- a budget between two grids ----
between() { tune --experiment "$work/grid.yaml" -o "$work/between" --set "$develop" --set train.steps=500000 "$@"; }
least=$(between --budget 0.01 2>&1 | sed -n 's/.*the smallest grid, four, takes about \([0-9:]*\), more than.*/\1/p')
minutes() { python3 -c 'import sys
clock = [int(part) for part in sys.argv[1].split(":")]
print("%g" % (sum(part * 60 ** i for i, part in enumerate(reversed(clock))) / 60 * float(sys.argv[2])))' "$least" "$1"; }
# Begins it with so many times what the smaller one seemed to take, and stops it once it has said which it takes. On a busy
# machine no two timings agree: others are tried where neither fits, or both do.
try() {
    rm -rf "$work/between"
    budget=$(minutes "$1")
    : >"$work/said"
    between --budget "$budget" >"$work/said" 2>&1 &
    pid=$!
    while ! grep -q 'models and measurements are done' "$work/said" && kill -0 $pid 2>"$work/null"; do sleep 0.1; done
    kill -INT "$(pgrep -P $pid || echo $pid)" 2>"$work/null"
    wait $pid
    { say "--budget $budget"; cat "$work/said"; } >>"$work/tries"
}
for factor in 1.8 2.6 1.4 3.5 5; do
    try $factor
    grep -q 'preset four' "$work/said" && break
done
cp "$work/tries" "$work/out"
smaller() { python3 - "$work/tries" <<'PYTHON'
import re, sys
seconds = lambda clock: sum(int(part) * 60 ** i for i, part in enumerate(reversed(clock.split(":"))))
smaller = 0
for said in re.split("^--budget ", open(sys.argv[1]).read(), flags=re.M)[1:]:
    most = 60 * float(said.split()[0])
    for taken, here in re.findall(r"preset (\w+): about ([0-9:]+)", said):    # whichever it takes, it fits
        smaller += taken == "four"
        assert seconds(here) <= most + 1, said
    for beyond in re.findall(r"the next one, more, would take about ([0-9:]+), more than --budget", said):
        assert seconds(beyond) >= most - 1, said
assert smaller == 1
PYTHON
}
ok 'takes the smaller one, and says what the larger one would' smaller
begun() { of=$(sed -n 's/^0 of \([0-9]*\) models.*/\1/p' "$work/first.err") && [ -n "$of" ] && grep -q "^0 of $of models" "$work/said"; }
ok 'it alone is begun' begun

# ---- by several processes, within a budget ----
ok 'two at once' tune --experiment "$work/grid.yaml" -o "$work/two" --set "$develop" $learns --budget 100000 --jobs 2 --json
cp "$work/err" "$work/told"
told() { grep -q 'preset more: about [0-9:]*; there is none that is larger' "$work/told"; }
ok 'the largest grid that fits' told
many() { [ "$(get "$work/two/result.json" "['choice']['trials']")" = 16 ]; }
ok 'is tried' many
ok 'what is begun is gone on with' tune --experiment "$work/grid.yaml" -o "$work/run" --set "$develop" $learns --budget 100000
cp "$work/out" "$work/again"
four() { diff "$work/again" "$work/text"; }
ok 'and no other grid' four

# ---- stopped, in a folder of its own choice ----
# interrupted SAID COMMAND ...: what it says, in a file; its status once it trained and was stopped is in $code.
interrupted() {
    said=$1; shift
    : >"$said"
    (cd "$work" && exec "$@") >"$said" 2>&1 &
    pid=$!
    while ! grep -q '^training' "$said" && kill -0 $pid 2>"$work/null"; do sleep 0.1; done
    kill -INT $pid 2>"$work/null"
    wait $pid
    code=$?
}
interrupted "$work/said" gradroute tune "$t" --set precision=float32 --experiment "$work/grid.yaml" --set "$develop" --set train.steps=20000 --budget 100000
again=$(said_again "$work/said")
ok 'a signal stops it' same $code 1
ok 'which is said of this experiment' grep -q '^gradroute: tune: stopped; everything that was finished is kept in runs/tiny-tune' "$work/said"
ok 'it says what goes on in the same folder' sh -c 'case $1 in "gradroute tune -o runs/tiny-tune "*" --budget 100000"*) ;; *) false ;; esac' sh "$again"
interrupted "$work/pasted" sh -c "exec $again"
of() { sed -n 's/^[0-9]* of \([0-9]* models and measurements\) are done$/\1/p' "$1" | head -n 1; }
pasted() { [ $code = 1 ] && ! grep -q 'preset more: about' "$work/pasted" && same "$(said_again "$work/pasted")" "$again" && same "$(of "$work/pasted")" "$(of "$work/said")"; }
ok 'with the same grid, untimed, and so does that when it is pasted' pasted

# ---- an axis that the recipe has nothing for ----
sed -e 's/residual: {add: 8}, heads: {add: 1}, //' -e 's/name: residual/name: gram/' "$t" >"$work/neurons.yaml"
json 'rates of regions without parameters of their own' gradroute tune "$work/neurons.yaml" --experiment "$work/grid.yaml" --preset more -o "$work/neurons" --set precision=float32 --set "$develop" --set train.steps=2 --set train.warmup=1 --json
idle() { [ "$(get "$work/last.json" "['idle']")" = "['rate']" ] && [ "$(get "$work/last.json" "['trials']")" = 8 ]; }
ok 'change nothing, which is said' idle
finish
