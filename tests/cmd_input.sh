# What people bring: tables, lists and folders by their names, notes about what may be wrong with them.
. tests/cmd.inc

mkdir -p "$work/texts/tree" "$work/texts/bird"
i=0
while [ $i -lt 20 ]; do
    echo "the tree number $i stands in the wood" >"$work/texts/tree/$i.txt"
    echo "the bird number $i sings in the tree" >"$work/texts/bird/$i.txt"
    i=$((i + 1))
done
python3 - "$work" <<'END'
import csv, json, pathlib, sys
work = pathlib.Path(sys.argv[1])
rows = [{"text": f.read_text(), "label": f.parent.name, "id": i} for i, f in enumerate(sorted(work.glob("texts/*/*.txt")))]
(work / "rows.json").write_text(json.dumps(rows, indent=1))
(work / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
for name, mark in (("rows.csv", ","), ("rows.tsv", "\t")):
    with open(work / name, "w", newline="") as out:
        table = csv.DictWriter(out, rows[0], delimiter=mark, quoting=csv.QUOTE_ALL)
        table.writeheader()
        table.writerows(rows)
END
cat >"$work/rows.yaml" <<'END'
seed: 1
data: {context: 16, validation: 0.2, tokenizer: {train: 280}}
labels: {bird: {is: bird}}
model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}
regions: {bird: {mlp: {add: 8}}}
preset: sgtm
train: {steps: 4, batch: 4}
END

# One corpus in five forms is the same corpus.
for source in jsonl=rows.jsonl json=rows.json csv=rows.csv tsv=rows.tsv folder=texts; do
    key=${source%%=*} file=$work/${source#*=}
    json "$key: a recipe reads it" gradroute data show "$work/rows.yaml" --set "data.$key=$file" --json
    cp "$work/last.json" "$work/$key.show"
    ok "$key: the same documents" diff "$work/jsonl.show" "$work/$key.show"
    json "$key: a tokenizer is trained on it" gradroute data tokenizer "$file" --vocab 280 -o "$work/$key.tok" --json
    ok "$key: the same tokenizer" cmp "$work/jsonl.tok" "$work/$key.tok"
done
fails 2 'no source' 'a recipe without a source' gradroute data show "$work/rows.yaml"

# A separator that does not occur: a note, and nothing else.
printf 'one\r\n\r\ntwo\r\n\r\nthree\r\n\r\nfour' >"$work/windows.txt"
printf 'a book\n\nof lines\n' >"$work/book.txt"
cat >"$work/blank.yaml" <<'END'
data: {context: 16, validation: 0.25, tokenizer: {train: 280}, text: [{file: windows.txt, separator: "\n\n"}]}
END
fails 0 'documents  4' 'a separator fits Windows line ends' gradroute data show "$work/blank.yaml"
ok 'without a note' test ! -s "$work/err"
fails 0 'book.txt is one document: the separator .<|endoftext|>. does not occur' 'a book is one document, with a note' \
    gradroute data tokenizer "$work/book.txt" --vocab 280 -o "$work/book.tok"

# A list of merges that was cut short: how many tokens no merge makes, in either form of a vocabulary.
count=$(python3 - "$work" <<'END'
import json, pathlib, sys
work = pathlib.Path(sys.argv[1])
whole = json.loads((work / "jsonl.tok").read_text())
merges = [m if isinstance(m, str) else " ".join(m) for m in whole["model"]["merges"]]
whole["model"]["merges"] = merges[:3]
(work / "cut.json").write_text(json.dumps(whole))
(work / "vocab.json").write_text(json.dumps(whole["model"]["vocab"]))
(work / "merges.txt").write_text("#version: 0.2\n" + "".join(m + "\n" for m in merges[:3]))
print(len(merges) - 3, "of", len(whole["model"]["vocab"]))
END
)
for file in cut.json vocab.json merges.txt; do
    fails 0 "$file: no merge makes $count tokens" "$file: merges are missing" gradroute data encode "$work/$file" --text 'the tree'
done
# What a file says of cutting and filling up texts is for another use of them: it is named, and texts are encoded whole.
python3 - "$work" <<'END'
import json, pathlib, sys
work = pathlib.Path(sys.argv[1])
whole = json.loads((work / "jsonl.tok").read_text())
whole["truncation"] = {"direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 0}
whole["padding"] = {"strategy": {"Fixed": 64}, "direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "<|endoftext|>"}
(work / "cutting.json").write_text(json.dumps(whole))
END
ok 'a vocabulary' gradroute data encode "$work/jsonl.tok" --text 'the tree'
cp "$work/out" "$work/ids"
fails 0 'note: .*cutting.json: its truncation is left out' 'truncation is named' gradroute data encode "$work/cutting.json" --text 'the tree'
cp "$work/out" "$work/whole" && cp "$work/err" "$work/said"
ok 'padding too' grep -q 'note: .*cutting.json: its padding is left out' "$work/said"
ok 'the text is encoded whole' cmp "$work/ids" "$work/whole"
ok 'a whole vocabulary' gradroute data encode "$work/jsonl.tok" --text 'the tree'
ok 'has nothing to note' test ! -s "$work/err"

# What a pattern of others cannot cut is named by its line.
python3 - "$work" <<'END'
import json, pathlib, sys
work = pathlib.Path(sys.argv[1])
whole = json.loads((work / "jsonl.tok").read_text())
whole["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"Regex": "(a|aa)+$|[^a]"}, "behavior": "Isolated", "invert": False},
    {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}]}
(work / "endless.json").write_text(json.dumps(whole))
(work / "lines").write_text('"bird"\r\n"' + 48 * "a" + 'b"\r\n')
END
fails 2 "lines:2: the pattern gave up" 'a line that is not cut' gradroute data encode "$work/endless.json" --lines "$work/lines"

# A finished run is evaluated on the data it keeps, whatever became of the corpus; they stay as they are.
held() { cat "$work/run/data/"* | sha256sum; }
ok 'a run on a corpus of its own' gradroute train "$work/rows.yaml" --set "data.csv=$work/rows.csv" -o "$work/run"
before=$(held)
json 'its loss' gradroute eval "$work/run" --json
cp "$work/last.json" "$work/before.json"
sed 's/wood/hill/' "$work/rows.csv" >"$work/other.csv" && mv "$work/other.csv" "$work/rows.csv"
json 'the corpus has changed' gradroute eval "$work/run" --json
ok 'the same loss' diff "$work/before.json" "$work/last.json"
mv "$work/rows.csv" "$work/moved.csv"
json 'the corpus has moved' gradroute eval "$work/run" --json
ok 'again the same loss' diff "$work/before.json" "$work/last.json"
ok 'the data of the run are untouched' same "$before" "$(held)"

# Of a folder every file counts, at any depth.
mkdir -p "$work/texts/tree/deep" && mv "$work/texts/tree/3.txt" "$work/texts/tree/deep"
ok 'a run on a folder' gradroute train "$work/rows.yaml" --set "data.folder=$work/texts" -o "$work/folder-run"
echo 'the bird stands on the tree' >"$work/texts/tree/deep/3.txt"
fails 2 'ade by another\|another recipe\|other data\|differ' 'another text in it is other data' \
    gradroute train "$work/rows.yaml" --set "data.folder=$work/texts" -o "$work/folder-run" --resume
finish
