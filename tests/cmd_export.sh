# audit --export: the models of a comparison as a folder for others, which can be audited again.
. tests/cmd.inc
t=$work/tiny.yaml
audit() { gradroute audit "$t" -o "$work/a" --set precision=float32 "$@"; }
ok 'an audit that exports' audit --export "$work/export"
ls "$work/export" >"$work/list"
ok 'writes the models and what they are' same "$(echo $(cat "$work/list"))" 'README.txt export.json filtered plain recipe.yaml result.json routed'
ok 'the same bits' same "$(cat "$work"/a/routed/model/*.safetensors "$work"/a/plain/model/*.safetensors | sha256sum)" "$(cat "$work"/export/routed/*.safetensors "$work"/export/plain/*.safetensors | sha256sum)"
lists() { python3 -c 'import hashlib, json, sys
out = sys.argv[1]
e, r = json.load(open(out + "/export.json")), json.load(open(out + "/result.json"))
assert e["format"] == "gradroute-export-1" and e["experiment"] == "audit" and len(e["data"]) == 64 and e["split_seed"] == 3, e
assert [m["arm"] for m in e["models"]] == ["routed", "plain", "filtered"], e
assert [m["regions"] for m in e["models"]] == [["animals"], ["animals"], []], e
assert e["models"][0]["views"] == [{"arm": "routed_off", "off": ["animals"]}] and not e["models"][1]["views"], e
page = open(out + "/README.txt").read()
for m in e["models"]:
    manifest = json.load(open("%s/%s/manifest.json" % (out, m["arm"])))
    assert manifest["sha256"] == m["sha256"] and m["sha256"] in page and m["arm"] + "/" in page, m
assert "routed_off" in page and "region animals" in page and "a small bird" in page and e["data"] in page, page
tests = [d for g in e["groups"].values() for d in g["test"]]
held = [d for g in e["groups"].values() for d in g["validation"]]
assert sorted(e["groups"]) == ["adjacent", "forget", "retain"] and len(set(tests)) == len(tests) == r["data"]["test"], e["groups"]
assert len(held) == r["data"]["validation"] and not set(tests) & set(held), e["groups"]
assert "specific_gap" in r' "$work/export"; }
ok 'digests, regions, what is off, and what was held out' lists
ok 'each can be loaded' gradroute generate "$work/export/routed" --prompt 'a small bird' --off animals --tokens 4
ok 'and measured' gradroute eval "$work/export/plain" --recipe "$work/export/recipe.yaml"
ok 'and audited' gradroute audit --models routed="$work/export/routed" plain="$work/export/plain" filtered="$work/export/filtered" -o "$work/again"
figure() { get "$1/result.json" "['specific_gap']"; }
ok 'with the same figures' same "$(figure "$work/a")" "$(figure "$work/again")"
ok 'a second export into the same folder' audit --export "$work/export"
ok 'is the same' lists

# ---- models of an earlier export that this one has not ----
more() { audit --arms plain,filtered,placebo --export "$work/export"; }
ok 'one more twin' more
ok 'is there' test -e "$work/export/placebo/manifest.json"
cp -r "$work/export" "$work/theirs" && echo mine >"$work/theirs/placebo/notes.txt"
cp -r "$work/export" "$work/other" && rm -r "$work/other/placebo" && cp -r "$work/other/plain" "$work/other/placebo"
mkdir "$work/export/mine" && cp -r "$work/export/plain" "$work/export/kept"
ok 'without it' audit --export "$work/export"
ok 'it goes, and only it' same "$(ls "$work/export" | tr '\n' ' ')" 'README.txt export.json filtered kept mine plain recipe.yaml result.json routed '
ok 'all else is the same' lists
fails 0 "placebo of an earlier export stays: the folder holds 'notes.txt'" 'with a file of a user in it' audit --export "$work/theirs"
ok 'it stays' test -e "$work/theirs/placebo/manifest.json" -a -e "$work/theirs/placebo/notes.txt"
fails 0 'placebo of an earlier export stays: the folder holds another model' 'another model in its place' audit --export "$work/other"
ok 'stays too' test -e "$work/other/placebo/manifest.json"
leads() { python3 -c 'import json, sys
p = sys.argv[1] + "/export.json"
e = json.load(open(p))
e["models"].append(dict(e["models"][1], arm="../outside"))
json.dump(e, open(p, "w"))' "$work/theirs" && cp -r "$work/theirs/plain" "$work/outside"; }
ok 'a list that leads out of the folder' leads
ok 'is not followed' audit --export "$work/theirs"
ok 'what it names stays' test -e "$work/outside/manifest.json"

# ---- hidden labels: an export knows what its filters were told ----
grep -v '^twins' "$t" >"$work/half.yaml"
half() { gradroute audit "$work/half.yaml" -o "$work/half" --set precision=float32 --set labels.animals.known=0.5 --export "$work/hidden"; }
ok 'an audit of hidden labels' half
told() { python3 -c 'import json, sys
e = json.load(open(sys.argv[1] + "/export.json"))
assert {m["arm"]: m.get("told") for m in e["models"]} == {"routed": "revealed", "plain": "revealed", "filtered": "revealed", "perfect": "true_labels"}, e["models"]' "$1"; }
ok 'says by which labels each was made' told "$work/hidden"
verdict() { get "$1/result.json" "['verdict'], json.load(open('$1/result.json'))['known_labels_only']"; }
models() { gradroute audit --models routed="$1/routed" plain="$1/plain" filtered="$1/filtered" perfect="$1/perfect" "$2" "$3"; }
ok 'audited again' models "$work/hidden" -o "$work/half-again"
ok 'it has the same verdict' same "$(verdict "$work/half")" "$(verdict "$work/half-again")"
ok 'not on known labels only' same "$(get "$work/half-again/result.json" "['known_labels_only']")" False
mkdir "$work/moved" && cp -r "$work/hidden/perfect" "$work/hidden/plain" "$work/hidden/routed" "$work/moved"
moved() { gradroute audit --models routed="$work/moved/routed" plain="$work/moved/plain" perfect="$work/moved/perfect" "$@"; }
ok 'models alone' moved -o "$work/alone"
ok 'are of nobody knows what labels' same "$(get "$work/alone/result.json" "['known_labels_only']")" True
ok 'unless somebody says it' moved -o "$work/alone" --told perfect=true_labels
ok 'then they are not' same "$(get "$work/alone/result.json" "['known_labels_only']")" False
ok 'or says the contrary' models "$work/hidden" -o "$work/contrary"
contrary() { gradroute audit --models routed="$work/hidden/routed" plain="$work/hidden/plain" perfect="$work/hidden/perfect" --told perfect=revealed -o "$work/contrary"; }
ok 'whatever the export says' contrary
ok 'which counts' same "$(get "$work/contrary/result.json" "['known_labels_only']")" True
again() { gradroute audit --models routed="$work/hidden/routed" plain="$work/hidden/plain" filtered="$work/hidden/filtered" perfect="$work/hidden/perfect" -o "$work/half-again" --export "$work/second"; }
ok 'what was told goes on' again
ok 'into the next export' told "$work/second"
cp -r "$work/hidden" "$work/swapped" && rm -r "$work/swapped/perfect" && cp -r "$work/hidden/filtered" "$work/swapped/perfect"
ok 'another model in a place of the list' models "$work/swapped" -o "$work/swapped-again"
ok 'is what it is, whatever it is called' same "$(get "$work/swapped-again/result.json" "['known_labels_only']")" True
fails 2 "does not say by which labels" 'a word that there is not' moved -o "$work/no" --told perfect=all
fails 2 'no model is given for filtered' 'a model that is not given' moved -o "$work/no" --told filtered=revealed
fails 2 'are of --models' 'nor any' gradroute audit "$t" -o "$work/no" --told perfect=revealed
ok 'makes nothing' test ! -e "$work/no"

# ---- what is refused, before anything is trained ----
mkdir "$work/place" "$work/place/full"
echo mine >"$work/place/full/notes.txt"
place=$work/place
new() { gradroute audit "$t" -o "$work/place/new" "$@"; }
refused 2 'it holds something else' 'a folder with files of others' new --export "$work/place/full"
refused 2 'it is no folder' 'a file' new --export "$work/place/full/notes.txt"
refused 2 'among the work itself' 'the folder of the audit' new --export "$work/place/new"
refused 2 'it holds the export of another audit' 'the export of another recipe' new --set train.steps=21 --export "$work/export"
refused 2 'routed' 'a place in a model' new --export "$work/export/routed/mine"
finish
