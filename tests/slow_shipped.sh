# Every experiment that is shipped: its preset `quick` is counted and timed with the sizes that it has, on the small corpus.
. tests/cmd.inc
for file in experiments/*.yaml; do
    shipped=$(basename "$file" .yaml)
    [ "$shipped" = audit ] && continue # it takes a recipe
    json "$shipped, quick" gradroute plan "$shipped" --preset quick --seeds 1 --set precision=float32 \
        --set data.wordnet="$PWD/recipes/wordnet-subset" --set train.steps=1 --set train.warmup=1 --set train.batch=4 --json
    ok 'takes time' python3 -c 'import json, sys
plan = json.load(open(sys.argv[1]))
assert plan["minutes"] > 0 and plan["cells"]["models"] > 4, plan' "$work/last.json"
done
finish
