# Committed rows are what the program makes: of every file in experiments/rows (or in the folder GRADROUTE_ROWS) the cheapest
# trained model whose losses are there is trained again, with all that it begins with, and measured. On the instruction set
# that the rows say, all rows of both are the same to the last bit. On another one sums are in another order, and training
# makes more of the difference: tokens and operations are the same, losses within 0.02 nat.
#
# Why so much: with AVX2 and with AVX-512 the losses of a model of recipes/u0.yaml in float32 are 0.000003 nat apart after 200
# steps of it, and 0.007 after 1500 steps of 2 rows; bfloat16 parts sooner (slow_demo.sh). Whatever moves losses by
# less than that is seen on the rows' own instruction set alone.
. tests/cmd.inc
rows=${GRADROUTE_ROWS:-experiments/rows}
skip() { say "$*"; exit 77; }

set -- "$rows"/*.jsonl
[ -e "$1" ] || skip "no committed rows in $rows"
for file; do
    grep -q '"wordnet":"file"' "$file" && [ ! -d /usr/share/wordnet ] && [ "$rows" = experiments/rows ] && skip "$file is of WordNet: install wordnet-base"
done

# "PRESET SEEDS PRECISION MODEL MEASUREMENT": what is to be made. Of equally cheap ones the first key.
choose() {
    python3 - "$1" <<'PYTHON'
import json, sys
cells = {line["cell"]["key"]: line for line in map(json.loads, open(sys.argv[1]))}
first = min(use["seed"] for line in cells.values() for use in line["about"]["uses"])

def effort(key):
    """Operations of a model and of what it begins with; none where a part of it is not among the rows."""
    total = 0
    while key:
        if key not in cells:
            return None
        total += cells[key]["rows"][0].get("flops") or 0
        key = cells[key]["cell"]["of"]["parent"]
    return total

found = []
for key, line in cells.items():
    of, seeds = line["cell"]["of"], [use["seed"] - first + 1 for use in line["about"]["uses"]]
    model = cells.get(of.get("parent") or "")
    if of["kind"] == "measure" and of["what"] == "loss" and model and model["rows"][0].get("flops") and effort(of["parent"]):
        found.append((min(seeds), effort(of["parent"]), key))
if not found:
    sys.exit("no trained model with losses is among the rows")
seeds, _, key = min(found)
line = cells[key]
print(line["about"]["preset"] or "-", seeds, line["cell"]["of"]["precision"], line["cell"]["of"]["parent"], key)
PYTHON
}

# compare COMMITTED MADE KEY: the rows of one cell in both.
compare() {
    python3 - "$@" <<'PYTHON'
import json, sys
committed, made = ({line["cell"]["key"]: line for line in map(json.loads, open(path))}[sys.argv[3]] for path in sys.argv[1:3])
same_set = committed["cell"]["isa"] == made["cell"]["isa"]
bound = 0.02
assert len(committed["rows"]) == len(made["rows"]) > 0, "other rows"
most = 0
for a, b in zip(committed["rows"], made["rows"]):
    name = f'{a["row"]} {a.get("group", "")}'
    if a["row"] == "loss":
        loss = [row["nll"] / row["tokens"] for row in (a, b)]
        most = max(most, abs(loss[0] - loss[1]))
        assert abs(loss[0] - loss[1]) <= (0 if same_set else bound), f"{name}: {loss[0]} committed, {loss[1]} made"
        a, b = ({k: v for k, v in row.items() if same_set or k not in ("nll", "units")} for row in (a, b))
    assert a == b, f"{name}: {a} committed, {b} made"
print(f'{committed["cell"]["isa"]} and {made["cell"]["isa"]}: {len(made["rows"])} rows, losses at most {most:.6f} nat apart')
PYTHON
}

for file; do
    experiment=$(basename "$file" .jsonl)
    ok "a cell of $experiment" choose "$file"
    read -r preset seeds precision model loss <"$work/out" || continue
    case $precision-$(gradroute --version) in
    bf16-*'set: bf16'* | bf16-*'set: amx'* | float32-*) ;;
    *) say "skip $experiment: rows in $precision, which the processor does not have"; continue ;;
    esac
    set -- --seeds "$seeds" --set precision="$precision" --fresh --yes --cell "$loss" --commit "$work/$experiment.jsonl"
    [ "$preset" = - ] || set -- --preset "$preset" "$@"
    [ -z "$GRADROUTE_ROWS_SET" ] || set -- --set "$GRADROUTE_ROWS_SET" "$@" # what a test sets of the recipe
    ok "is made again: $(echo "$loss" | cut -c 1-16)" gradroute reproduce "experiments/$experiment.yaml" -o "$work/$experiment" "$@"
    for key in $model $loss; do
        ok "with the rows of $(echo "$key" | cut -c 1-16)" compare "$file" "$work/$experiment.jsonl" "$key"
        cat "$work/out"
    done
done
finish
