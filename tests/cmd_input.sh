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
finish
