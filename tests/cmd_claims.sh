# Claims from the YAML file to the printed line: figures of five seeds by hand, out of the table of rows.
. tests/cmd.inc
cat >"$work/rates.yaml" <<'YAML'
experiment: rates
question: Does a rate remove more?
base: tiny.yaml
seeds: 5
set: {precision: float32, train.steps: 6, labels.animals.known: 0.5}
arms:
  routed: {train: {set: {preset.p_cr: {knob: [0.1, 0.5, 0.9]}}}}
  routed_off: {from: routed, ablate: {regions: all, how: switch}}
  plain: {train: {routes: none}}
  perfect: {train: {routes: none, without: true_labels, regions: out}}
  filtered: {train: {routes: none, without: revealed, regions: out}}
roles: {subject: routed, zero: plain, one: perfect}
groups: {forget: any_label, retain: retain}
measures: {loss: {of: [routed_off, plain, perfect, filtered]}}
attacks: {relearn: {of: [routed_off, plain, perfect, filtered], documents: [2, 6], steps: 2}}
figures:
  - {key: tax, figure: tax_off, of: routed_off}
  - {key: gap, figure: gap, after: relearn}
claims:
  - {say: near, figure: value, measure: loss, field: mean, group: retain, of: filtered, minus: plain, within: 100}
  - {primary: true, say: at equal tax, figure: value, measure: loss, field: mean, group: forget, of: routed_off, minus: filtered,
     matched: {tax_off: 5}, at_least: 100}
YAML

ok 'five seeds' gradroute reproduce "$work/rates.yaml" -o "$work/five"
cp "$work/out" "$work/five.txt"
ok 'claims and figures by hand' python3 -c 'import json, sys
rows = [json.loads(line) for line in open(sys.argv[1] + "/results.jsonl")]
result = json.load(open(sys.argv[1] + "/result.json"))
seeds = sorted({row["seed"] for row in rows if row["arm"]})
loss = {(r["arm"], r["seed"], r["knob"], r["group"]): r["nll"] / r["tokens"] for r in rows if r["row"] == "loss" and "at" not in r}
last = {(r["arm"], r["seed"], r["group"]): r["nll"] / r["tokens"] for r in rows if r["row"] == "loss" and "at" in r} # 6 documents come last
def over(values):
    mean = sum(values) / 5
    half = 2.776445105197794 * (sum((v - mean) ** 2 for v in values) / 4 / 5) ** 0.5
    return mean, mean - half, mean + half
def near(told, values):
    for have, want in zip([told["value"], *told["interval"]], over(values)): assert abs(have - want) < 1e-9, (told, over(values))
def at(points, place): # between the neighbours; the ends stand for what is beyond them
    points = sorted(points)
    if place <= points[0][0]: return points[0][1]
    for (a, x), (b, y) in zip(points, points[1:]):
        if place <= b: return x + (place - a) / (b - a) * (y - x)
    return points[-1][1]
primary, other = result["claims"]
assert primary["primary"] and primary["state"] == "fails" and other["state"] == "holds", result["claims"]
near(other["points"][0], [loss["filtered", s, 0, "retain"] - loss["plain", s, 0, "retain"] for s in seeds])
tax = lambda arm, s, k: loss[arm, s, k, "retain"] - loss["perfect", s, 0, "retain"]
near(primary["points"][0], [at([(tax("routed_off", s, k), loss["routed_off", s, k, "forget"]) for k in range(3)], tax("filtered", s, 0))
                            - loss["filtered", s, 0, "forget"] for s in seeds])
for k in range(3): near(result["knobs"]["tax"][k], [tax("routed_off", s, k) for s in seeds])
gaps = [last["perfect", s, "forget"] - last["plain", s, "forget"] for s in seeds]
near({"value": result["gap"], "interval": result["intervals"]["gap"]}, gaps)
assert [one["seed"] for one in result["seeds"]] == seeds and len(seeds) == 5
assert all(abs(one["gap"] - gap) < 1e-9 for one, gap in zip(result["seeds"], gaps))' "$work/five"
ok 'the question, then the claims' sh -c "head -n 6 '$work/five.txt' | tr '\n' ' ' | grep -q 'Does a rate remove more?  Claim *fails: at equal tax'"
ok 'what is exploratory is said to be' sh -c "grep -A 1 '^Exploratory' '$work/five.txt' | grep -q 'holds: near'"
ok 'trials are counted' grep -qF 'Trials: routed 3, routed_off 3' "$work/five.txt"
ok 'models are where it says' sh -c "ls '$work/five/arms' | grep -q '^plain@seed='"
ok 'all of it fits into 80 columns' python3 -c 'import sys
lines = [line for line in open(sys.argv[1]).read().split("\nCompletions")[0].splitlines() if len(line) > 80 and sys.argv[2] not in line]
assert not lines, lines' "$work/five.txt" "$work"

# ---- fewer seeds decide nothing, and are no failure ----
fails 0 '4 seeds are too few, it takes 5' 'four seeds' gradroute reproduce "$work/rates.yaml" -o "$work/five" --seeds 4
ok 'leave claims open' python3 -c 'import json, sys
assert {claim["state"] for claim in json.load(open(sys.argv[1]))["claims"]} == {"undecided"}' "$work/five/result.json"
ok 'and train nothing' same "$(find "$work/five/cells" -name metrics.jsonl | wc -l)" 30
finish
