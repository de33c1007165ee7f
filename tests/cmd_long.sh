# Documents longer than the context: pieces, a book without separators, cutting, and what is said of it.
. tests/cmd.inc
t=$work/tiny.yaml

# 60 long documents of two topics, about 150 tokens each; and a book of one line.
python3 - "$work" <<'PYTHON'
import json, random, sys
draw = random.Random(3)
words = "small large old new bird fish horse snake bread soup cheese hammer saw wrench number seen north parts".split()
def text(n, extra): return " ".join(draw.choice(words + extra) for _ in range(n))
with open(sys.argv[1] + "/long.jsonl", "w") as out:
    for i in range(60):
        topic = "animal" if i % 3 == 0 else "tool"
        print(json.dumps({"text": text(60 + i, ["paw", "tail"] if topic == "animal" else ["blade"]) + f" {i}.", "topic": topic}), file=out)
with open(sys.argv[1] + "/book.txt", "w") as out:
    out.write(" ".join("the zebra of chapter" if i % 40 == 7 else draw.choice(words) for i in range(3000)))
PYTHON
sed -i 's/corpus.jsonl/long.jsonl/; s/^adjacent.*//' "$t"

# ---- every token is trained on ----
json 'data show of long documents' gradroute data show "$t" --json
ok 'rows hold every target once' python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
assert d["documents"] == 60 and d["train"] == 48 and d["validation"] == 6 and d["test"] == 6, d
assert d["packing"]["cut"] == 0 and d["long"] == {"way": "split", "documents": 60, "pieces": d["long"]["pieces"], "tokens_lost": 0, "share_lost": 0.0, "gaps": 0, "runs": 0}, d["long"]
assert d["long"]["pieces"] > 200
trained = sum(t["trained"] for t in d["topics"]); assert trained == d["packing"]["positions"], (trained, d["packing"])
assert sum(t["tokens"] for t in d["topics"]) == d["tokens"] and sum(t["train"] + t["validation"] + t["test"] for t in d["topics"]) == 60' "$work/last.json"
json 'data show of documents that are cut' gradroute data show "$t" --set data.long=cut --json
ok 'says what is lost' python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); l = d["long"]
assert l["way"] == "cut" and l["documents"] == 60 and d["packing"]["cut"] == 48, d
assert l["tokens_lost"] == d["tokens"] + 60 - 60 * 32 and abs(l["share_lost"] - l["tokens_lost"] / (d["tokens"] + 60)) < 1e-9, l' "$work/last.json"
fails 0 '60 documents are longer than the context of 32: in [0-9]* pieces' 'the text says so' gradroute data show "$t" --samples 0
fails 0 '60 documents are longer than the context of 32 and cut: [0-9,]* of [0-9,]* tokens (.* %) are lost' 'and what is lost' gradroute data show "$t" --samples 0 --set data.long=cut
fails 0 'warning: 60 documents are longer than the context and cut' 'check warns of it' gradroute check "$t" --set data.long=cut
ok 'an audit' gradroute audit "$t" -o "$work/audit" --set 'relearn={documents: 3, steps: 2, batch: 4, every: 1, lr: [0.001]}'
json 'its figures' cat "$work/audit/result.json"
ok 'are of whole documents' python3 -c 'import json, sys
r = json.load(open(sys.argv[1] + "/result.json"))
assert r["data"]["documents"] == 60 and r["data"]["train"] == 48 and r["data"]["validation"] == 6 and r["data"]["test"] == 6, r["data"]
assert r["relearn"]["documents"] == 3 and r["relearn"]["tokens"] > 3 * 64, r["relearn"]
assert sum(r["data"]["groups"].values()) == 60, r["data"]' "$work/audit"
ok 'a budget in tokens' gradroute audit "$t" -o "$work/audit" --set 'relearn={tokens: 500, steps: 2, batch: 4, every: 1, lr: [0.001]}'
ok 'is met' python3 -c 'import json, sys
r = json.load(open(sys.argv[1] + "/result.json"))["relearn"]; assert 500 <= r["tokens"] < 532 and r["documents"] in (2, 3), r' "$work/audit"
fails 2 'both documents and tokens' 'two budgets' gradroute check "$t" --set 'relearn={documents: 3, tokens: 200}'
fails 2 'tokens of training documents of the label are wanted, there are' 'a budget beyond the data' gradroute audit "$t" -o "$work/none" --set relearn.documents=~ --set 'relearn={tokens: 99999999}'
json 'eval' gradroute eval "$work/audit" --json
ok 'scores every token of the documents' python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
assert r["all"]["documents"] == 6 and r["cut"]["documents"] == 0 and r["all"]["tokens"] > 6 * 100, r' "$work/last.json"

ok 'training on documents that are cut' gradroute train "$t" -o "$work/cut" --set data.long=cut --set train.steps=2
fails 0 '6 documents are longer than the context of 32 and cut: [0-9,]* of [0-9,]* tokens were not scored' 'eval says what it cuts' gradroute eval "$work/cut"
json 'and' gradroute eval "$work/cut" --json
ok 'counts the bytes of what was scored' python3 -c 'import json, sys
r = json.load(open(sys.argv[1])); a = r["all"]
assert a["tokens"] == 6 * 32 and r["cut"]["documents"] == 6 and r["cut"]["tokens"] > 6 * 100 and a["tokens"] <= a["bytes"] < a["tokens"] * 9, r' "$work/last.json"

# Labels of tokens that stand beyond the row of every document: nothing of them is trained on or measured.
late=$work/late.yaml
python3 -c 'import json, sys
for line in open(sys.argv[1]):
    r = json.loads(line); r["text"] += " zebra"; print(json.dumps(r))' "$work/long.jsonl" >"$work/late.jsonl"
sed 's/long.jsonl/late.jsonl/; s/^  animals: {is.*/  animals: {words: [zebra], per: token}/' "$t" >"$late"
fails 2 'split has no forget document' 'an audit of labels that are cut off' gradroute audit "$late" -o "$work/late" --set data.long=cut
fails 0 "warning: label 'animals' is shown on nothing that can be trained on" 'check says it' gradroute check "$late" --set data.long=cut
json 'data show counts' gradroute data show "$late" --set data.long=cut --json
ok 'none of them' same "$(get "$work/last.json" "['labels'][0]['tokens']['true']")" 0
json 'in pieces' gradroute data show "$late" --json
ok 'it counts them all' test "$(get "$work/last.json" "['labels'][0]['tokens']['true']")" -ge 60

# ---- shards ----
json 'pack' gradroute data pack "$t" -o "$work/shards" --shard 0.01 --json
json 'show of shards' gradroute data show "$t" --set data.shards="$work/shards" --json
ok 'hold every token' python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); assert d["packing"]["positions"] == d["tokens"] + d["train"] and d["long"]["pieces"] > 100 and d["long"]["tokens_lost"] == 0, d' "$work/last.json"
ok 'an audit of shards' gradroute audit "$t" --set data.shards="$work/shards" -o "$work/sharded" --set 'relearn={tokens: 100, steps: 2, batch: 4, every: 1, lr: [0.001]}'
fails 2 'another context, mixed, long or labels' 'shards of pieces are not cut' gradroute data show "$t" --set data.shards="$work/shards" --set data.long=cut
ok 'packed again, cut' gradroute data pack "$t" -o "$work/shards" --shard 0.01 --set data.long=cut
fails 0 'and cut: [0-9,]* of [0-9,]* tokens (.* %) are lost' 'they say what is lost' gradroute data show "$t" --set data.shards="$work/shards" --set data.long=cut
fails 2 'another context, mixed, long or labels' 'and do not pass for whole' gradroute data show "$t" --set data.shards="$work/shards"

# ---- a book: its pieces are counted, and called so ----
book=$work/book.yaml
sed 's/jsonl: .*/text: book.txt/; /^  label: topic/d; s/^  animals: {is.*/  animals: {words: [zebra], per: piece}/' "$t" >"$book"
ok 'an audit of a book' gradroute audit "$book" -o "$work/novel" --set 'relearn={documents: 3, steps: 2, batch: 4, every: 1, lr: [0.001]}'
cp "$work/out" "$work/table"
pieces() { grep -q '^Pieces: [0-9]* (' "$1" && grep -q 'intervals over pieces of the test' "$1" && grep -q 'relearn: 3 pieces' "$1" && ! grep -i 'documents [^o]' "$1" | grep -v 'its documents out'; }
ok 'its tables count pieces' pieces "$work/table"
ok 'its figures say so' same "$(get "$work/novel/result.json" "['data']['counted']")" pieces
ok 'others count documents' same "$(get "$work/audit/result.json" "['data']['counted']")" documents
fails 0 'label  *pieces  *chance' 'check counts the pieces that are trained on' gradroute check "$book"
fails 0 '^  animals  *pieces' 'data show counts pieces by label' gradroute data show "$book" --samples 0
fails 0 '^ *training pieces (' 'and near duplicates' gradroute data show "$book" --samples 0
fails 0 'label  *documents  *chance' 'of short documents check counts documents' gradroute check "$t" --set data.jsonl="$work/corpus.jsonl" --set data.context=64

# ---- where everything fits ----
short=$work/short.yaml
sed 's/jsonl: .*/jsonl: corpus.jsonl/' "$t" >"$short"
ok 'short documents' gradroute train "$short" -o "$work/split" --set train.steps=4
ok 'the same, cut' gradroute train "$short" -o "$work/uncut" --set train.steps=4 --set data.long=cut
ok 'train to the same bits' same_run "$work/split" "$work/uncut"

# ---- a book ----
{ grep -v '^preset\|^regions\|^  animals:\|^adjacent\|^twins\|^labels\|^  label\|^relearn' "$t" | sed 's/jsonl: long.jsonl/text: book.txt/'
  printf 'labels:\n  zebras: {words: [zebra], per: piece}\nregions:\n  zebras: {residual: {add: 8}}\npreset: residual\n'; } >"$work/book.yaml"
b=$work/book.yaml
json 'data show of a book' gradroute data show "$b" --json
ok 'runs of pieces are held out' python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
assert d["documents"] == 1 and d["long"]["pieces"] > 100, d
assert d["validation"] + d["test"] == round(0.2 * d["long"]["pieces"]) and abs(d["validation"] - d["test"]) <= 1, d
assert d["train"] + d["validation"] + d["test"] + d["long"]["gaps"] == d["long"]["pieces"], d
assert 0 < d["labels"][0]["documents"]["true"] < d["long"]["pieces"], d["labels"]' "$work/last.json"
fails 0 'fewer than 20 documents: [0-9]* runs\|fewer than 20 documents: [0-9]* of their' 'and it says so' gradroute data show "$b" --samples 0
fails 0 'note: .*fewer than 20 documents' 'check says so' gradroute check "$b"
ok 'a book trains' gradroute train "$b" -o "$work/book" --set train.steps=4
json 'and is measured' gradroute eval "$work/book" --json
ok 'on held-out pieces' python3 -c 'import json, sys
r = json.load(open(sys.argv[1])); assert {"zebras", "retain"} >= {x["name"] for x in r["losses"]} and r["all"]["tokens"] > 200, r' "$work/last.json"
fails 2 'per piece, and documents are cut' 'labels per piece of documents that are cut' gradroute check "$b" --set data.long=cut
fails 2 'data.long: split holds pieces of a book out' 'a book that is cut has nothing to hold out' gradroute check "$b" --set data.long=cut --set 'labels.zebras={words: [zebra]}'
fails 0 'per: piece' 'check of a book that is of a label as a whole' gradroute check "$b" --set 'labels.zebras={words: [zebra]}'
fails 2 'per: piece' 'which leaves nothing for the filtered twin' gradroute plan "$b" --set 'labels.zebras={words: [zebra]}' --set 'twins=[filtered]'
fails 2 'none of 1 document' 'one short document cannot be split' gradroute check "$b" --set data.context=65536
fails 0 'passes over the training tokens' 'plan says how often the data are read' gradroute plan "$b"
json 'and in JSON' gradroute plan "$b" --json
ok 'as a number' python3 -c 'import json, sys
assert 0 < json.load(open(sys.argv[1]))["passes"] < 10' "$work/last.json"
finish
