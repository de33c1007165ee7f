# Numbers and the words that go with them: wherever 1 of something is printed, its word stands in the singular.
. tests/cmd.inc
t=$work/tiny.yaml
heard=$work/heard
: >"$heard"

# Whatever becomes of the command, what it says is kept.
hear() { "$@" >>"$heard" 2>&1; }

# One duplicate, one document longer than the context, one of a topic; a table of one column; a file of one document.
python3 - "$work" <<'PYTHON'
import json, sys
lines = open(sys.argv[1] + "/corpus.jsonl").read().splitlines()
lines.append(lines[-1])
lines.append(json.dumps({"text": "a zebra of the north that is " + "seen " * 60, "topic": "tool"}))
open(sys.argv[1] + "/ones.jsonl", "w").write("\n".join(lines) + "\n")
open(sys.argv[1] + "/table.csv", "w").write("text,topic\na bird\n")
open(sys.argv[1] + "/one.txt", "w").write("a bird of the north")
PYTHON
ones=$work/ones.yaml
sed 's/corpus.jsonl/ones.jsonl/' "$t" >"$ones"
one='relearn={documents: 1, steps: 1, batch: 1, every: 1, lr: [0.001]}'

hear gradroute check "$ones" --set train.lr=0.5 --set 'labels.animals={words: [bird, xylophone], per: token}'
hear gradroute check "$ones" --set data.long=cut
hear gradroute data show "$ones" --samples 0
hear gradroute data pack "$ones" -o "$work/shards"
hear gradroute data show "$ones" --set data.shards="$work/shards" --samples 0
hear gradroute plan "$ones" --threads 1
hear gradroute train "$ones" -o "$work/run" --set train.steps=1 --set data.long=cut
hear gradroute eval "$work/run" --split validation
hear gradroute audit "$ones" -o "$work/audit" --set train.steps=4 --set 'twins=[plain, filtered, placebo]' --set "$one"
hear gradroute check "$ones" --set 'labels.animals={words: [xylophone]}'
hear gradroute check "$ones" --set 'regions.animals={mlp: {claim: [4]}}'
hear gradroute data tokenizer "$work/one.txt" --vocab 260 -o "$work/one.json"
hear gradroute data show "$t" --set data.jsonl=~ --set "data.csv=$work/table.csv"
grep -v 'passes over' "$heard" >"$work/kept"

ok 'there is something to see' test "$(wc -l <"$work/kept")" -gt 150
ok 'and some of it is one' grep -q '1 duplicate dropped' "$work/kept"
none() { ! grep -nE "$1" "$work/kept"; }
ok 'one is no plural' none '(^|[^0-9.,e-])1 ((exact|held-out|training|forget|score) )?([b-z][a-z]*[a-rt-z]s|errors|classes|tokens)( |,|:|;|[)]|$)'
ok 'one are not' none '(^|[^0-9.,])1 [a-z-]+ (are|were|have) '
ok 'both at once are none' none '[(]s[)]'
finish
