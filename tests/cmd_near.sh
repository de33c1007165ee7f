# Near duplicates: what data show and check say of them, and dropping them.
. tests/cmd.inc
t=$work/tiny.yaml

# 150 texts of 30 words; of the first 60 a copy with one word exchanged, those of the first 10 animals under another
# topic; and 5 exact copies.
python3 - "$work/near.jsonl" <<'PYTHON'
import json, random, sys
draw = random.Random(11)
words = [a + b for a in "ba co du fe gi ho".split() for b in "rn st mp lk nd ft".split()]
records = [{"text": " ".join(draw.choice(words) for _ in range(30)), "topic": "animal" if i % 2 else "tool"} for i in range(150)]
animals = 0
for r in records[:60]:
    text = r["text"].split(); text[15] = "other"
    hide = r["topic"] == "animal" and animals < 10
    animals += hide
    records.append({"text": ", ".join(text).upper(), "topic": "act" if hide else r["topic"]})
records += records[100:105]
draw.shuffle(records)
with open(sys.argv[1], "w") as out:
    for r in records: print(json.dumps(r), file=out)
PYTHON
sed -i 's/corpus.jsonl/near.jsonl/; s/^adjacent.*//; s/context: 32/context: 256/' "$t"

json 'all of it for training' gradroute data show "$t" --set data.validation=0 --set data.test=0 --json
ok 'unlabelled copies of labelled text are found' python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); n = d["near"]
assert d["documents"] == 210 and d["duplicates"] == 5, d
assert n == {"held": 0, "held_forget": 0, "held_other": 0, "unlabelled": 10, "dropped": 0, "unlabelled_example": n["unlabelled_example"]}, n' "$work/last.json"
fails 0 'warning: 10 training documents without a label are near duplicates of labelled ones, such as document' 'check warns of them' gradroute check "$t" --set data.validation=0 --set data.test=0
json 'a part held out' gradroute data show "$t" --set data.validation=0.2 --set data.test=0.1 --json
cp "$work/last.json" "$work/exact.json"
ok 'held-out copies of training text are found' python3 -c 'import json, sys
n = json.load(open(sys.argv[1]))["near"]
assert n["held"] == 63 and 10 < n["held_forget"] + n["held_other"] < 40 and n["held_forget"] > 0, n' "$work/last.json"
fails 0 'of 63 held-out documents are near duplicates of$' 'in the text too' gradroute data show "$t" --set data.validation=0.2 --set data.test=0.1 --samples 0
fails 0 'warning: .* of 63 held-out documents are near duplicates of training documents' 'check warns of that' gradroute check "$t" --set data.validation=0.2 --set data.test=0.1
json 'dropped' gradroute data show "$t" --set data.validation=0.2 --set data.test=0.1 --set data.dedupe=near --json
ok 'from what is held out, and from nothing else' python3 -c 'import json, sys
before, after = (json.load(open(f)) for f in sys.argv[1:])
near = before["near"]["held_forget"] + before["near"]["held_other"]
assert after["near"]["dropped"] == near and after["near"]["held"] == 63 - near, after["near"]
assert after["near"]["held_forget"] == after["near"]["held_other"] == 0 and after["train"] == before["train"]
assert after["validation"] + after["test"] == 63 - near
assert after["near"]["unlabelled"] == before["near"]["unlabelled"]' "$work/exact.json" "$work/last.json"
ok 'a run and its evaluation' gradroute train "$t" -o "$work/run" --set data.validation=0.2 --set data.dedupe=near --set train.steps=2
ok 'of what is left' gradroute eval "$work/run"

# ---- the other words ----
duplicates() { gradroute data show "$t" --set data.dedupe="$1" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["duplicates"])'; }
ok 'exact' same "$(duplicates exact)" 5
ok 'true is exact' same "$(duplicates true)" 5
ok 'none' same "$(duplicates none)" 0
ok 'false is none' same "$(duplicates false)" 0
fails 2 "none, exact, near\|none.*exact.*near" 'another word' gradroute data show "$t" --set data.dedupe=fuzzy
fails 2 'packing reads part after part' 'shards' gradroute data pack "$t" -o "$work/shards" --set data.dedupe=near
seed=1 # one document is held out: until it is a copy
while [ $seed -lt 20 ] && gradroute data show "$t" --set data.validation=0.005 --set data.test=0 --set split_seed=$seed --samples 0 |
    grep -q '^near *0 of 1 held'; do seed=$((seed + 1)); done
fails 2 'all held-out documents, 1, are near a training document' 'nothing is left' gradroute data show "$t" --set data.validation=0.005 --set data.test=0 --set data.dedupe=near --set split_seed=$seed

# ---- a book that repeats itself ----
python3 -c 'print("one two three four five six seven eight nine ten " * 400)' >"$work/book.txt"
{ grep -v '^preset\|^regions\|^  animals:\|^adjacent\|^twins\|^labels\|^  label\|^relearn' "$t" | sed 's/jsonl: near.jsonl/text: book.txt/; s/context: 256/context: 32/'; } >"$work/book.yaml"
fails 0 'of [0-9]* held-out pieces are near duplicates of$' 'pieces are compared' gradroute data show "$work/book.yaml"
finish
