# Labels by words, patterns, scores, fields and combinations, through the command.
. tests/cmd.inc
t=$work/tiny.yaml
no_preset() { grep -v '^preset\|^regions\|^  animals:\|^adjacent\|^twins\|^labels' "$t"; }

# ---- words ----
{ no_preset; printf 'labels:\n  birds: {words: [bird, "of the north", zebra], per: token}\nregions:\n  birds: {residual: {add: 8}}\npreset: residual\n'; } >"$work/words.yaml"
w=$work/words.yaml
json 'data show of words' gradroute data show "$w" --json
shows() { python3 -c 'import json, re, sys
show = json.load(open(sys.argv[1])); texts = [json.loads(line)["text"] for line in open(sys.argv[2])]
label = show["labels"][0]
assert label["per"] == "token" and label["documents"]["true"] == sum(bool(re.search(r"\bbird\b|of the north", t)) for t in texts)
count = {x["text"]: x["count"] for x in label["words"]}
assert count == {"bird": sum("bird" in t for t in texts), "of the north": sum("of the north" in t for t in texts), "zebra": 0}, count
marked = [s for s in show["samples"] if s["truth"] == "birds"]
assert len(marked) == 2 and len(show["samples"]) == 4
for s in marked:
    assert "".join(p["text"] for p in s["parts"]) == texts[s["record"]]
    for p in s["parts"]: assert (p["text"].strip() in ("bird", "of the north")) == (p["truth"] == "birds"), p' "$1" "$2"; }
ok 'it counts and marks what a regular expression finds' shows "$work/last.json" "$work/corpus.jsonl"
topic_groups() { python3 -c 'import json, re, sys
show = json.load(open(sys.argv[1])); records = [json.loads(line) for line in open(sys.argv[2])]
for t in show["topics"]:
    own = [bool(re.search(r"\bbird\b|of the north", r["text"])) for r in records if r["topic"] == t["name"]]
    want = {name: n for name, n in (("birds", sum(own)), ("retain", len(own) - sum(own))) if n}
    assert t["groups"] == want, (t, want)
    assert t["group"] == max(want, key=lambda name: (want[name], name == "birds")), t' "$1" "$2"; }
ok 'the groups of a topic are those of all of its documents' topic_groups "$work/last.json" "$work/corpus.jsonl"
fails 0 'retain [0-9]*, birds [0-9]*$\|birds [0-9]*, retain [0-9]*$' 'and the table shows each' gradroute data show "$w"
fails 0 '\[birds: bird\]' 'samples are marked' gradroute data show "$w" --samples 20
narrow() { gradroute data show "$w" --samples 0 >"$work/table" && ! grep '.\{81\}' "$work/table"; }
ok 'tables fit a terminal of 80 columns' narrow
fails 0 'without a label' 'and those of the core shown' gradroute data show "$w"
plain() { gradroute data show "$w" >"$work/out" && ! grep -q "$(printf '\033')" "$work/out"; }
ok 'no colours but on a terminal' plain
none() { gradroute data show "$w" --samples 0 >"$work/out" && ! grep -q 'document [0-9]' "$work/out"; }
ok 'no samples' none
fails 2 'samples' 'samples below 0' gradroute data show "$w" --samples -1
fails 0 'note: 1 of the 3 words of label .birds. was never found, such as "zebra"' 'check names words that are not there' gradroute check "$w"
fails 2 'no document has any of the label.s 1 word$' 'no word is there' gradroute check "$w" --set 'labels.birds.words=[zebra]'
fails 0 'warning: label .birds. is shown on 100 % of the documents' 'a word that is everywhere' gradroute check "$w" --set 'labels.birds={words: [number]}'
fails 2 'begins in neither\|begins with neither' 'an entry without a letter at its end' gradroute data show "$w" --set 'labels.birds.words=["-bird"]'
printf '# birds\nbird\n\nof the  north\n' >"$work/birds.txt"
json 'words of a file' gradroute data show "$w" --set "labels.birds.words=$work/birds.txt" --json
ok 'find the same' same "$(get "$work/last.json" "['labels'][0]['documents']['true']")" "$(gradroute data show "$w" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["labels"][0]["documents"]["true"])')"
printf 'bird\n---\n' >"$work/birds.txt"
fails 2 'birds.txt:2: "---" has no word' 'a line that is no word' gradroute check "$w" --set "labels.birds.words=$work/birds.txt"
fails 2 'a single word is written words: \[WORD\]' 'a file of words that is missing' gradroute check "$w" --set labels.birds.words=bird
ok 'trains on tokens' gradroute train "$w" -o "$work/run" --set train.steps=4
ok 'the losses of the label are told apart' python3 -c 'import json, sys
assert any(json.loads(line)["loss_birds"] for line in open(sys.argv[1]))' "$work/run/metrics.jsonl"

ok 'an audit' gradroute audit "$w" -o "$work/audit" --set train.steps=4 --set 'twins=[plain, filtered]' --set 'relearn={documents: 8, steps: 2, batch: 4, every: 1, lr: [0.001]}'
fewer() { python3 -c 'import json, sys
import glob
cells = [c for c in glob.glob(sys.argv[1] + "/cells/*") if json.load(open(c + "/cell.json"))["of"].get("what") == "relearn"]
assert len(cells) == 3, cells
for cell in cells:
    rows = [json.loads(line) for line in open(cell + "/rows.jsonl")]
    sizes = {r["group"]: r["sizes"] for r in rows if r["row"] == "loss"}
    assert all(n <= 8 for n in sizes["forget"]) and all(n > 10 for n in sizes["retain"]), sizes # those hold no labelled token' "$1"; }
ok 'measures the labelled tokens' fewer "$work/audit"

# ---- mistakes ----
json 'recall and precision' gradroute data show "$w" --set 'labels.birds={words: [bird], recall: 0.75, precision: 0.5}' --json
ok 'are met' python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))["labels"][0]["documents"]
assert d["shown"] == 2 * d["wrong"] and d["wrong"] == int(0.75 * d["true"] + 0.5), d' "$work/last.json"
fails 0 'bird, shown as core\|birds, shown as core' 'a sample says what is shown' gradroute data show "$w" --samples 40 --set 'labels.birds={words: [bird], recall: 0.5}'
fails 2 'takes .* documents of the core, there are' 'too few to be wrong about' gradroute check "$w" --set 'labels.birds={words: [bird], precision: 0.01}'
fails 2 'precision' 'no precision at all' gradroute check "$w" --set 'labels.birds={words: [bird], precision: 0}'
fails 2 "did you mean 'noise_by'\|unknown" 'an unknown key of a label' gradroute check "$w" --set 'labels.birds={words: [bird], noise_byy: topic}'
fails 2 'no record has a member "topc"' 'noise by a field that is not there' gradroute check "$w" --set 'labels.birds={words: [bird], recall: 0.5, noise_by: topc}'
json 'noise by topic' gradroute data show "$w" --set 'labels.birds={words: ["a"], recall: 0.5, noise_by: topic}' --json
ok 'flips whole topics' python3 -c 'import json, sys
show = json.load(open(sys.argv[1]))
for t in show["topics"]: assert t["known"] in (0, t["train"]), t' "$work/last.json"
json 'a topic that is hidden' gradroute data show "$w" --set 'labels.birds={is: [animal, tool], hidden: tool, known: 0.5}' --json
ok 'is the label and never shown' python3 -c 'import json, sys
show = json.load(open(sys.argv[1]))
topic = {t["name"]: t for t in show["topics"]}
assert topic["tool"]["known"] == 0 and topic["tool"]["groups"] == {"birds": topic["tool"]["train"] + topic["tool"]["validation"] + topic["tool"]["test"]}, topic
assert abs(topic["animal"]["known"] - topic["animal"]["train"] / 2) < 12, topic' "$work/last.json"
fails 0 'tool, shown as unlabelled\|birds, shown as unlabelled' 'a sample says so' gradroute data show "$w" --samples 40 --set 'labels.birds={is: [animal, tool], hidden: tool}'
fails 2 'no document of the label has the topic "food", which is to be hidden' 'a topic of other text' gradroute check "$w" --set 'labels.birds={is: [animal, tool], hidden: [food]}'
fails 2 'there are: animal' 'the hint names those of the label' gradroute check "$w" --set 'labels.birds={is: [animal], hidden: [food]}'
fails 2 'none of its .* documents is left to be shown' 'all topics' gradroute check "$w" --set 'labels.birds={is: [animal, tool], hidden: [animal, tool]}'
fails 2 'no record has a member "topc"' 'by a field that is not there' gradroute check "$w" --set 'labels.birds={is: [animal, tool], hidden: [tool], hidden_by: topc}'
json 'by a member' gradroute data show "$w" --set 'labels.birds={words: [bird, saw], hidden: [tool], hidden_by: topic}' --json
ok 'which may be the topic' python3 -c 'import json, sys
show = json.load(open(sys.argv[1])); d = show["labels"][0]["documents"]
assert 0 < d["shown"] < d["true"] and d["wrong"] == 0, d' "$work/last.json"

# ---- scores ----
python3 - "$work/corpus.jsonl" "$work" <<'PYTHON'
import json, sys
with open(sys.argv[2] + "/scores.jsonl", "w") as whole, open(sys.argv[2] + "/spans.jsonl", "w") as spans:
    for i, line in enumerate(open(sys.argv[1])):
        text = json.loads(line)["text"]
        print(json.dumps({"score": (i % 11) / 10}), file=whole)
        at = text.find("number")
        print(json.dumps({"spans": [[at, at + 6, 0.9]]}), file=spans)
PYTHON
{ no_preset; printf 'labels:\n  high: {scores: scores.jsonl}\nregions:\n  high: {residual: {add: 8}}\nroutes:\n  - {label: high, open: [high], rest: closed}\n'; } >"$work/scores.yaml"
s=$work/scores.yaml
json 'scores of documents' gradroute data show "$s" --json
ok 'reach the threshold' same "$(get "$work/last.json" "['labels'][0]['documents']['true']")" 216
json 'scores of spans' gradroute data show "$s" --set 'labels.high={scores: spans.jsonl, per: token}' --set "labels.high.scores=$work/spans.jsonl" --json
ok 'mark the token' python3 -c 'import json, sys
for s in json.load(open(sys.argv[1]))["samples"]: assert [p["text"].strip() for p in s["parts"] if p["truth"] == "high"] == ["number"]' "$work/last.json"
fails 2 'spans alone' 'spans without a score are no label of documents' gradroute data show "$s" --set "labels.high.scores=$work/spans.jsonl"
head -n 399 "$work/scores.jsonl" >"$work/short.jsonl"
fails 2 'short.jsonl:399: 399 score records for the 400 records' 'a score file that is short' gradroute check "$s" --set "labels.high.scores=$work/short.jsonl"
cat "$work/scores.jsonl" "$work/short.jsonl" >"$work/long.jsonl"
fails 2 'long.jsonl:401: more score records than the 400' 'one that is long' gradroute check "$s" --set "labels.high.scores=$work/long.jsonl"
fails 0 'warning: the scores of label .high. change nothing' 'soft scores without mix' gradroute check "$s" --set labels.high.soft=true
fails 2 'no label has soft scores' 'mix without soft scores' gradroute check "$s" --set routes.0.mix=true
ok 'soft scores with mix' gradroute train "$s" -o "$work/soft" --set labels.high.soft=true --set routes.0.mix=true --set train.steps=3
other() { ! same "$(digests "$work/soft" | grep model.safe)" "$(digests "$work/hard" | grep model.safe)"; }
ok 'hard ones' gradroute train "$s" -o "$work/hard" --set train.steps=3
ok 'are another training' other

# ---- patterns ----
{ no_preset; printf "labels:\n  birds: {pattern: '\\\\bBIRDS?\\\\b|of the (?=north)', caseless: true, per: token}\nregions:\n  birds: {residual: {add: 8}}\npreset: residual\n"; } >"$work/pattern.yaml"
p=$work/pattern.yaml
json 'data show of a pattern' gradroute data show "$p" --json
matches() { python3 -c 'import json, re, sys
show = json.load(open(sys.argv[1])); texts = [json.loads(line)["text"] for line in open(sys.argv[2])]
label = show["labels"][0]; found = [m for t in texts for m in re.findall(r"(?i)\bbirds?\b|of the (?=north)", t)]
assert found and label["per"] == "token" and sum(x["count"] for x in label["words"]) == len(found)
assert {x["text"]: x["count"] for x in label["words"]} == {m: found.count(m) for m in found}, label' "$1" "$2"; }
ok 'it finds what another regular expression finds' matches "$work/last.json" "$work/corpus.jsonl"
fails 0 'birds: pattern "' 'the matches are printed' gradroute data show "$p"
fails 0 '\[birds: bird\]' 'and marked' gradroute data show "$p" --samples 20
fails 2 'error: birds: the pattern "bird(" does not compile at its byte 5' 'a bad pattern' gradroute check "$p" --set 'labels.birds.pattern="bird("'
fails 2 'birds.pattern is a list, expected a text' 'a list of patterns' gradroute check "$p" --set 'labels.birds.pattern=[bird]'
fails 2 "did you mean 'caseless'" 'an argument that is misspelt' gradroute check "$p" --set 'labels.birds.caseles=true'
fails 2 'no document has text that matches "zebra"' 'no match' gradroute check "$p" --set 'labels.birds.pattern=zebra'
fails 0 'warning: label .birds. is shown on 100 % of the documents' 'a pattern that is everywhere' gradroute check "$p" --set 'labels.birds={pattern: .}'
fails 2 'gave up at byte .* match limit exceeded' 'a pattern that would not end' gradroute check "$p" --set 'labels.birds.pattern="(?:[a-z ]+)+[0-9]{9}"'
ok 'trains by a pattern' gradroute train "$p" -o "$work/pattern" --set train.steps=3

# ---- fields and combinations ----
python3 - "$work/corpus.jsonl" "$work/two.jsonl" <<'PYTHON'
import json, sys
with open(sys.argv[2], "w") as out:
    for i, line in enumerate(open(sys.argv[1])):
        record = json.loads(line)
        print(json.dumps({"text": record["text"], "kind": record["topic"], "place": "north" if "north" in record["text"] else "south"}), file=out)
PYTHON
{ no_preset | sed 's/corpus.jsonl/two.jsonl/; s/  label: topic/  topic: all/'
  printf 'labels:\n  animals: {is: animal, field: kind}\n  north: {is: north, field: place}\n  both: {all_of: [animals, north]}\n'
  printf 'regions:\n  animals: {residual: {add: 8}}\n  north: {residual: {add: 8}}\n'
  printf 'routes:\n  - {label: [animals, both], open: [animals], closed: [rest]}\n'; } >"$work/fields.yaml"
f=$work/fields.yaml
json 'labels by fields' gradroute data show "$f" --json
ok 'and by both' python3 -c 'import json, sys
rows = [json.loads(line) for line in open(sys.argv[2])]
labels = {x["name"]: x["documents"]["true"] for x in json.load(open(sys.argv[1]))["labels"]}
animal = [r["kind"] == "animal" for r in rows]; north = [r["place"] == "north" for r in rows]
both = sum(a and n for a, n in zip(animal, north))
assert labels == {"animals": sum(animal) - both, "north": sum(north) - both, "both": both}, labels' "$work/last.json" "$work/two.jsonl"
fails 2 'no record has a member "knd".*' 'a field that is not there' gradroute check "$f" --set labels.animals.field=knd
fails 2 'did you mean "kind"' 'has the nearest as hint' gradroute check "$f" --set labels.animals.field=knd
fails 2 'value of kind "animl"' 'a value that is not there' gradroute check "$f" --set labels.animals.is=animl
fails 2 "combines 'south'" 'a combination of labels that are not there' gradroute check "$f" --set 'labels.both.all_of=[south]'
fails 2 'more than one of is' 'two sources' gradroute check "$f" --set 'labels.both={all_of: [north], words: [bird]}'
fails 2 'no topic' 'no source' gradroute check "$f" --set 'labels.both={known: 1}'
# ---- a label that a classifier spreads ----
spread="$work/tiny.yaml --set labels.animals.known=0.5 --set labels.animals.spread"
json 'a label that is spread' gradroute data show $spread='{recall: 0.8}' --json
ok 'is shown on more documents' test "$(get "$work/last.json" "['groups'][0]['known']")" -gt 60
fails 2 "unknown key 'recal'" 'a slip in how' gradroute data show $spread='{recal: 0.8}'
fails 2 '6 training documents are known' 'too few that are known' gradroute data show $spread='{from: 9}'
finish
