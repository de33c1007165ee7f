#!/bin/sh
# What ways of waiting cost: milliseconds of a training step, with nothing else at work and beside one busy loop a core.
#
#   bench/waiting.sh [STEPS]                  both networks, on all cores; the machine should do nothing else
#   PATH="$PWD/build:$PATH" bench/waiting.sh  the gradroute of a build
#
# A row is a way of waiting: as the command chooses, as OpenMP does by itself, asleep at once, after so many looks, and
# one thread. Figures: the smallest step, the median, the longest of nine in ten. "tiny" is the network of the tests
# (mostly barriers), "demo" that of recipes/demo.yaml (mostly products). The bits are the same in all rows.
cd "$(dirname "$0")/.." || exit 1
steps=${1:-40}
work=$(mktemp -d "${TMPDIR:-/tmp}/gradroute-waiting.XXXXXX") || exit 1
loops=
trap 'for loop in $loops; do kill "$loop"; done; rm -rf "$work"' EXIT
command -v gradroute >"$work/null" || { echo 'waiting.sh: gradroute is not on PATH' >&2; exit 1; }
unset OMP_WAIT_POLICY GOMP_SPINCOUNT GRADROUTE_REEXECUTED OMP_NUM_THREADS

# Documents for the small network.
cp tests/data/tiny.yaml "$work/tiny.yaml"
python3 - "$work/corpus.jsonl" <<'PYTHON'
import json, random, sys
draw = random.Random(5)
with open(sys.argv[1], "w") as out:
    for i in range(400):
        topic = draw.choice(["animal", "food", "tool"])
        print(json.dumps({"text": f"a {draw.choice(['small', 'large', 'old'])} {topic} number {i}", "topic": topic}), file=out)
PYTHON

# measure NETWORK SETTING...: one training, its steps but the first from the metrics.
measure() {
    network=$1; shift
    recipe=recipes/demo.yaml; count=$steps
    if [ "$network" = tiny ]; then recipe=$work/tiny.yaml; count=$((steps * 10)); fi
    rm -rf "$work/run"
    env "$@" gradroute train "$recipe" -o "$work/run" --set "train.steps=$count" >"$work/null" 2>"$work/err" || { cat "$work/err" >&2; exit 1; }
    python3 - "$work/run/metrics.jsonl" <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
spent = sorted(1e3 * (b["tokens"] - a["tokens"]) / b["tokens_per_s"] for a, b in zip(lines, lines[1:]))
print("%9.2f %9.2f %9.2f" % (spent[0], spent[len(spent) // 2], spent[len(spent) * 9 // 10]), end="")
PYTHON
}

rows() {
    printf '%-28s %29s %29s\n' "$1" 'tiny: least, median, 9 in 10' 'demo: least, median, 9 in 10'
    while read -r name settings; do
        # shellcheck disable=SC2086 # several settings are several words
        printf '%-28s %s %s\n' "$name" "$(measure tiny $settings)" "$(measure demo $settings)"
    done <<'ROWS'
as-the-command-chooses A=
by-OpenMP-itself GRADROUTE_REEXECUTED=1
asleep-at-once OMP_WAIT_POLICY=passive
after-200-looks GOMP_SPINCOUNT=200
after-500-looks GOMP_SPINCOUNT=500
after-1000-looks GOMP_SPINCOUNT=1000
after-10000-looks GOMP_SPINCOUNT=10000
one-thread OMP_NUM_THREADS=1
ROWS
}

gradroute --version
rows 'nothing else at work'
for i in $(seq "$(nproc)"); do
    sh -c 'while :; do :; done' &
    loops="$loops $!"
done
rows 'one busy loop a core'
