# The check of committed rows sees what it is there for: it passes on rows that were made here, also by another instruction
# set, and fails once a figure of them was changed.
. tests/cmd.inc
mkdir "$work/rows"
rows=$work/rows/composition.jsonl
small=data.wordnet=$PWD/recipes/wordnet-subset
check() { GRADROUTE_ROWS=$work/rows GRADROUTE_ROWS_SET=$small sh tests/slow_rows.sh; }

fails 77 'no committed rows in' 'without rows it is skipped' check
ok 'rows of a small experiment' gradroute reproduce experiments/composition.yaml --preset smoke -o "$work/small" --set precision=float32 --set "$small" --commit "$rows"
cp "$rows" "$work/kept"
fails 0 'losses at most 0.000000 nat apart' 'they are made again to the last bit' check

# change KIND FACTOR: a number of every row of that kind.
change() {
    python3 - "$work/kept" "$rows" "$@" <<'PYTHON'
import json, sys
kept, rows, kind, factor = sys.argv[1:]
key = {"loss": "nll", "model": "flops"}[kind]
with open(rows, "w") as out:
    for line in map(json.loads, open(kept)):
        for row in line["rows"]:
            if row["row"] == kind and key in row:
                row[key] *= float(factor)
        print(json.dumps(line), file=out)
PYTHON
}
change loss 1.0001
fails 1 'loss forget: .* committed, .* made' 'a loss that is another one is seen' check
change model 1.5
fails 1 'model : .* committed, .* made' 'so are operations' check

# By another set a loss may differ by little, and by little alone.
if GRADROUTE_ISA=avx2 gradroute --version | grep -q avx2 && ! gradroute --version | grep -q 'set: avx2'; then
    cp "$work/kept" "$rows"
    export GRADROUTE_ISA=avx2
    fails 0 'and avx2: ' 'another instruction set makes them, more or less' check
    change loss 1.0001
    fails 0 'and avx2: ' 'which is a matter of a bound' check
    change loss 1.01
    fails 1 'loss forget: .* committed, .* made' 'that has an end' check
fi
finish
