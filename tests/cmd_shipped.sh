# Every experiment that is shipped: its preset `smoke` runs to the end, on the small corpus and in seconds; its preset `quick`
# is counted, of networks as small, as counts do not go by sizes (slow_shipped.sh takes those of the preset). Figures of networks this small say nothing: what is tested is that protocols can be worked on.
. tests/cmd.inc
small=$PWD/recipes/wordnet-subset
reproduce() { experiment=$1; shift; gradroute reproduce "$experiment" --preset smoke -o "$work/$experiment" --set precision=float32 "$@"; }
small() { reproduce "$@" --set data.wordnet="$small"; }
last() { get "$work/last.json" "$1"; }

# Every arm that is measured has losses, and every claim says what is in the way of it.
whole() { python3 - "$1/result.json" <<'PYTHON'
import json, sys
result = json.load(open(sys.argv[1]))
points = result.get("points", [result])
assert points
for point in points:
    models = [m for model in point["models"].values() for m in model.get("values", [model])]
    losses = [m[group] for m in models for group in result["table"]["groups"] if group in m]
    assert losses and None not in losses, models
for claim in result.get("claims", []):
    assert claim["state"] == "undecided" and all(p["text"] for p in claim["points"]), claim
assert sum(claim["primary"] for claim in result.get("claims", [])) == bool(result.get("claims"))
PYTHON
}

# ---- all of them ----
for file in experiments/*.yaml; do
    shipped=$(basename "$file" .yaml)
    [ "$shipped" = audit ] && continue # it takes a recipe, and has its own script
    ok "$shipped has a small preset" grep -q '^  smoke:' "$file"
    ok "$shipped runs, as it is built in" small "$shipped"
    ok 'and is whole' whole "$work/$shipped"
    json "$shipped as a file" gradroute plan "$file" --preset smoke --set precision=float32 --set data.wordnet="$small" --json
    ok 'is as many cells' same "$(last "['cells']['all']")" "$(ls "$work/$shipped/cells" | wc -l)"
    json "$shipped, quick" gradroute plan "$shipped" --preset quick --seeds 1 --set precision=float32 --set data.wordnet="$small" --set train.steps=1 --set train.warmup=1 --set train.batch=4 \
        --set data.context=32 --set data.tokenizer.train=300 --set model.width=32 --set model.mlp=64 --json
    ok 'is more' test "$(last "['cells']['all']")" -gt 4
done

# ---- those of the search for a method, which have no presets ----
for file in experiments/search/*.yaml; do
    json "$file can be read" gradroute plan "$file" --set precision=float32 --set data.wordnet="$small" --set train.steps=1 --set train.warmup=1 --set train.batch=4 \
        --set data.context=32 --set data.tokenizer.train=300 --set model.width=32 --set model.mlp=64 --json
    ok 'and is of several models' test "$(last "['cells']['all']")" -gt 4
done

# ---- sidecar: what is compared was trained on the same ----
alike() { python3 - "$1/result.json" <<'PYTHON'
import json, sys
for point in json.load(open(sys.argv[1]))["points"]:
    of = {arm: point["models"][arm]["regions"] for arm in ("beside", "afterwards", "afterwards_fresh")}
    assert len(of["beside"]) == (4 if point["axes"]["topics"] == "groups" else 1), of
    for region, beside in of["beside"].items():
        for arm in ("afterwards", "afterwards_fresh"):
            after = of[arm][region]
            assert after["tokens"] == beside["tokens"] > 0 and 0 < after["flops"] <= beside["flops"], (arm, region, of)
PYTHON
}
ok 'regions beside and afterwards have the same tokens, and no more operations' alike "$work/sidecar"

# ---- composition: each profile with the model that is trained for it, modules and residual groups ----
compared() { python3 -c 'import json, sys
result = json.load(open(sys.argv[1]))
claims = {c["say"]: c["points"] for c in result["claims"]}
for own in claims["animals: the modules of animals, as its own model"]:             # of modules, and of residual groups
    assert 0 < abs(own["value"]) < 1 and own["state"] == "undecided", own           # one seed
assert len(claims["animals: the modules of animals, as its own model"]) == 2
assert len(claims) == 1 + 4 + 4 + 32 + 15, len(claims)              # topics and other text of 16 profiles
assert claims["other text: the modules of people, as its own model"][0]["value"] is None' "$1"; }
ok 'a profile is compared with the model that is trained for it' compared "$work/composition/result.json"

# ---- transfer, to text whose topic is not a matter of words ----
python3 - "$work" <<'PYTHON'
import json, os, random, sys
draw, work = random.Random(7), sys.argv[1]
with open(work + "/genres.jsonl", "w") as out:
    for i in range(600):
        genre = draw.choice(["romance", "adventure", "mystery", "fiction", "science_fiction", "humor", "news", "religion", "learned"])
        text = " ".join(draw.choice("the a of she he said went law and to in was".split()) for _ in range(12))
        print(json.dumps({"text": f"{text} {i}", "label": genre}), file=out)
for language, line in (("python", "def f{0}(x):\n    return x + {0}\n"), ("c", "int f{0}(int x) {{ return x + {0}; }}\n")):
    os.makedirs(f"{work}/code/{language}")
    for i in range(300):
        open(f"{work}/code/{language}/{i}.txt", "w").write(line.format(i) * draw.randint(1, 3))
PYTHON
ok 'genres' reproduce transfer --base recipes/genres.yaml --set data.jsonl="$work/genres.jsonl" -o "$work/genres"
ok 'are whole' whole "$work/genres"
ok 'languages' reproduce transfer --base recipes/languages.yaml --set data.folder="$work/code" -o "$work/languages"
ok 'are whole' whole "$work/languages"
finish
