# --budget: as many seeds as fit into so many minutes, and a refusal where not one does; never silently.
. tests/cmd.inc
t=$work/tiny.yaml
place=$work/a
mkdir "$place"
audit() { gradroute audit "$t" -o "$work/a/run" --set precision=float32 "$@"; }

# ---- not one seed ----
refused 2 'one seed takes about [0-9:]*, more than 2 minutes' 'a training of days' audit --set train.steps=50000000 --budget 2
refused 2 'hint: about --set train.steps=[0-9]* would fit' 'says what would fit' audit --set train.steps=50000000 --budget 2
sed 's/steps: 20/tokens: 6G/' "$t" >"$work/tokens.yaml"
refused 2 'hint: about --set train.tokens=[0-9]* would fit' 'as the recipe says it' gradroute audit "$work/tokens.yaml" -o "$work/a/run" --set precision=float32 --budget 2
refused 2 'hint: measuring and attacks alone take' 'or that no training does' audit --set relearn.steps=1000000 --budget 0.5
refused 2 'expected' 'no minutes' audit --budget 0

# ---- some of them ----
json 'what one seed takes' timeout 300 gradroute plan audit --base "$t" --set precision=float32 --set train.steps=50000000 --json
long() {
    gradroute reproduce audit --base "$t" -o "$work/cut" --set precision=float32 --set train.steps=50000000 --seeds 20 --yes --budget "$1"
}
# Begins it with so many times the minutes that one seed seemed to take, and stops it once it has said how many it makes. On
# a busy machine no two timings agree: others are tried where not one seed fits, or all do.
try() {
    rm -rf "$work/cut"
    : >"$work/said"
    long "$(get "$work/last.json" "['minutes'] * $1")" >"$work/said" 2>&1 &
    pid=$!
    while ! grep -q 'done$' "$work/said" && kill -0 $pid 2>"$work/null"; do sleep 0.1; done
    kill -INT "$(pgrep -P $pid || echo $pid)" 2>"$work/null" && wait $pid
}
for factor in 5 2 12 1.2 40; do
    try $factor
    grep -q 'cut to' "$work/said" && break
done
cp "$work/said" "$work/out"
cut_said() { grep -q 'cut to [0-9]* of 20 seeds, which take about [0-9:]* in place of [0-9:]*' "$work/said"; }
ok 'seeds that do not fit are cut, and that is said' cut_said
fewer() { n=$(sed -n 's/.*cut to \([0-9]*\) of 20.*/\1/p' "$work/said" | head -n 1) && [ "$n" -ge 1 ] && [ "$n" -lt 20 ] && grep -q "0 of $((n * 12)) models" "$work/said"; }
ok 'and not begun' fewer

# ---- all of them ----
ok 'where there is time' audit --budget 100000 --seeds 2
cp "$work/err" "$work/told"
nothing() { ! grep -q 'cut to' "$work/told" && grep -q '24 of 24 models and measurements are done' "$work/told"; }
ok 'nothing is cut' nothing
ok 'what is done takes none' audit --budget 0.001 --seeds 2
finish
