# Experiments: every cell is made once, whoever makes it and however often that is stopped; results are made of rows alone.
. tests/cmd.inc
t=$work/tiny.yaml

# reproduce DIR OPTION ...: the audit of the tiny recipe, as an experiment; with how=exec it takes the place of its shell.
how=
reproduce() {
    folder=$1; shift
    $how gradroute reproduce audit --base "$t" -o "$folder" --set precision=float32 "$@"
}
cells() { ls "$1/cells" | wc -l; }
rows() { (cd "$1/cells" && find . -name rows.jsonl -exec sha256sum {} + | sort -k 2); }
trained() { find "$1/cells" -name metrics.jsonl | wc -l; }
# Figures without what differs from run to run: times and folders.
figures() { tools/same_figures.py "$1/result.json" "$2/result.json" --renamed tools/renamed_keys.txt; }

# ---- the same as an audit ----
ok 'an audit' gradroute audit "$t" -o "$work/audit" --set precision=float32
json 'the same as an experiment' reproduce "$work/a" --json
ok 'what it prints is what result.json holds' same "$(cat "$work/last.json")" "$(cat "$work/a/result.json")"
ok 'its figures are those of the audit to the last bit' figures "$work/audit" "$work/a"
ok 'three trainings' same "$(trained "$work/a")" 3
ok 'a model is found by its name' gradroute inspect "$work/a/routed/model"
ok 'rows as a table: one object a line, without lists' python3 -c 'import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert lines and all(line["experiment"] == "audit" and "cell" in line for line in lines)
assert not any(isinstance(value, list) for line in lines for value in line.values())
assert {line["arm"] for line in lines} == {None, "routed", "routed_off", "plain", "filtered"}' "$work/a/results.jsonl"

# ---- called again ----
tree "$work/a" >"$work/first"
ok 'called again' reproduce "$work/a"
tree "$work/a" >"$work/second"
ok 'nothing has changed' cmp "$work/first" "$work/second"
find "$work/a/cells" -name rows.jsonl -newer "$work/a/folder.json" | sort >"$work/young"
ok 'one more arm' reproduce "$work/a" --arms plain,filtered,placebo
ok 'makes one more model' same "$(trained "$work/a")" 4
cp "$work/a/result.json" "$work/whole.json"
rm -r "$work/a/data" "$work/a/work" && find "$work/a/cells" -type d -name model -exec rm -r {} +
ok 'the result needs neither models nor data' reproduce "$work/a" --arms plain,filtered,placebo
ok 'and is the same' cmp "$work/a/result.json" "$work/whole.json"

# ---- seeds, processes, stops ----
fails 0 'means of 2 seeds' 'two seeds have an interval over them' reproduce "$work/s" --seeds 2
rows "$work/a" >"$work/one"
ok 'the first seed is that of one' test "$(rows "$work/s" | grep -cFf "$work/one")" -ge 10
ok 'two seeds by three processes' reproduce "$work/j" --seeds 2 --jobs 3
ok 'the same rows, byte for byte' same "$(rows "$work/j")" "$(rows "$work/s")"
ok 'nothing of locks is left' test -z "$(find "$work/j" -name '*.lock')"
reproduce "$work/p" --seeds 2 >"$work/out1" 2>&1 &
one=$!
reproduce "$work/p" --seeds 2 >"$work/out2" 2>&1
two=$?
wait $one
ok 'two commands on one folder' same "$? $two" '0 0'
ok 'each cell once, and the same' same "$(rows "$work/p")" "$(rows "$work/s")"

# A command that finds an empty folder, and lists it when another has done all of its work there.
if ${CC:-cc} -O1 -shared -fPIC -o "$work/delay_listing.so" tests/delay_listing.c -ldl 2>"$work/err"; then
    mkdir "$work/race"
    DELAY_FOLDER=$work/race DELAY_SEEN=$work/seen DELAY_UNTIL=$work/race/result.json LD_PRELOAD=$work/delay_listing.so \
        gradroute reproduce audit --base "$t" -o "$work/race" --set precision=float32 >"$work/out1" 2>&1 &
    one=$!
    until [ -e "$work/seen" ] || ! kill -0 $one; do sleep 0.05; done
    ok 'it waits' kill -0 $one
    ok 'another begins in the folder, and ends' reproduce "$work/race"
    wait $one
    code=$?
    ok 'which is ours between two looks of the first' sh -c 'cat "$1"; [ $2 = 0 ]' sh "$work/out1" $code
    ok 'and right' figures "$work/audit" "$work/race"
else
    say 'skip a folder that is claimed between two looks: no compiler for the library that delays them'
fi
how=exec
for round in 1 2 3 4 5 6; do
    reproduce "$work/k" --seeds 2 >"$work/out" 2>"$work/err" &
    pid=$!
    sleep 0.$((round * 13 % 10))$round
    kill -9 $pid 2>"$work/null"
    wait $pid 2>"$work/null"
done
how=
ok 'killed six times, then left alone' reproduce "$work/k" --seeds 2
ok 'the rows of one that nobody disturbed' same "$(rows "$work/k")" "$(rows "$work/s")"
how=exec
reproduce "$work/w" --seeds 2 --jobs 2 --set train.steps=4000 >"$work/said" 2>&1 &
pid=$!
until [ -s "$work/w/folder.json" ] && [ -n "$(ls "$work/w/work" 2>"$work/null")" ] || ! kill -0 $pid 2>"$work/null"; do sleep 0.1; done
kill -TERM $pid
wait $pid
code=$?
how=
ok 'a signal stops all processes' same $code 1
ok 'no worker is left' sh -c "! pgrep -f -- \"[-]-worker .*$work/w\""
once() { [ "$(grep -c '^ *gradroute reproduce' "$work/said")" = 1 ] && [ "$(said_again "$work/said")" = "gradroute reproduce --base $t -o $work/w --set precision=float32 --seeds 2 --jobs 2 --set train.steps=4000 audit" ]; }
ok 'and says once, for all of them, which command goes on' once
ok 'and which experiment it was' grep -q '^gradroute: audit: stopped' "$work/said"

# ---- how long it takes ----
fails 0 'about [0-9:]* for 3 models: routed .* plain .* filtered .* measuring .* relearning .* at the speed' 'the time is said first' reproduce "$work/t" --set train.steps=400
cp "$work/err" "$work/said"
ok 'and in the lines of progress' grep -q ' left, all in [0-9]' "$work/said"
ok 'but by nobody where all is done' sh -c '! "$@" 2>&1 >"$0/null" | grep -q "for [0-9]* model"' "$work" gradroute reproduce audit --base "$t" -o "$work/t" --set precision=float32 --set train.steps=400
long='--set train.steps=500000000 --set train.warmup=2'
place=$work/a
refused 2 'it takes about [0-9:]*, and nothing was begun' 'more than two hours are not begun unasked' reproduce "$work/l" $long
fails 2 'say --yes' 'with a hint' reproduce "$work/l" $long
ok 'nothing is there' test ! -e "$work/l"
how=exec
reproduce "$work/l" $long --yes >"$work/said" 2>&1 &
pid=$!
until [ -s "$work/l/folder.json" ] && [ -n "$(ls "$work/l/work" 2>"$work/null")" ] || ! kill -0 $pid 2>"$work/null"; do sleep 0.1; done
ok 'unless that is said' test -s "$work/l/folder.json"
kill -TERM $pid
wait $pid
how=

# ---- committed rows ----
ok 'rows to commit' reproduce "$work/s" --seeds 2 --commit "$work/rows.jsonl"
ok 'which say by which commit, preset, arm and seed, with tokens and operations' python3 - "$work/rows.jsonl" "$(gradroute --version)" <<'PYTHON'
import json, sys
commit = [line.split()[1] for line in sys.argv[2].splitlines() if line.startswith("commit: ")]
trained = []
for line in map(json.loads, open(sys.argv[1])):
    cell, about = line["cell"], line["about"]
    assert [cell["commit"]] == commit if commit else "commit" not in cell, cell
    assert about["experiment"] == "audit" and about["preset"] is None and about["uses"], about
    assert all(use["seed"] in (3, 4) for use in about["uses"]), about
    if cell["of"]["kind"] == "data":
        assert all("arm" not in use for use in about["uses"]), about
    elif cell["of"]["kind"] == "model":
        assert [use["seed"] for use in about["uses"]] == [cell["of"]["seed"][0]], about
        trained += [use["arm"] for use in about["uses"] if line["rows"][0].get("tokens", 0) > 0 and line["rows"][0]["flops"] > 0]
assert sorted(trained) == ["filtered", "filtered", "plain", "plain", "routed", "routed"], trained
PYTHON
ok 'they count as done' reproduce "$work/c" --seeds 2 --rows "$work/rows.jsonl"
ok 'nothing was trained' same "$(find "$work/c" -name metrics.jsonl | wc -l)" 0
ok 'the figures are the same' figures "$work/s" "$work/c"
ok 'unless everything is to be made here' reproduce "$work/f" --rows "$work/rows.jsonl" --fresh
ok 'which trains' same "$(trained "$work/f")" 3

# ---- one cell alone ----
loss=$(python3 -c 'import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
print(*[l["cell"]["key"] for l in lines if l["cell"]["of"].get("what") == "loss" and l["about"]["uses"][0] == {"arm": "plain", "seed": 3}])' "$work/rows.jsonl")
fails 0 '^2 of 2 models and measurements are done' 'one measurement' reproduce "$work/lone" --cell "$(echo "$loss" | cut -c 1-16)" --rows "$work/rows.jsonl" --fresh --commit "$work/lone.jsonl"
ok 'is made, and the model that it is of' same "$(ls "$work/lone/cells" | wc -l)" 2
ok 'with the rows that it had' same "$(cd "$work/s/cells/$loss" && sha256sum rows.jsonl)" "$(cd "$work/lone/cells/$loss" && sha256sum rows.jsonl)"
ok 'and these alone are committed' same "$(wc -l <"$work/lone.jsonl")" 2
cp "$work/lone.jsonl" "$work/more.jsonl"
ok 'other cells, in the same file' reproduce "$work/s" --arms filtered --seeds 1 --commit "$work/more.jsonl"
ok 'leave those that are there' python3 - "$work/lone.jsonl" "$work/more.jsonl" <<'PYTHON'
import json, sys
one, more = ({line["cell"]["key"]: line for line in map(json.loads, open(path))} for path in sys.argv[1:])
arms = {use.get("arm") for line in more.values() for use in line["about"]["uses"]}
assert len(one) == 2 and len(more) > 6 and arms == {None, "plain", "routed", "routed_off", "filtered"}, arms
assert all(more[key] == line for key, line in one.items())
PYTHON
echo mine >"$work/mine"
fails 2 'mine:1' 'a file of something else' reproduce "$work/s" --commit "$work/mine"
ok 'stays' same "$(cat "$work/mine")" mine
fails 2 "there is no folder $work/gone to write it to" 'a file in no folder' reproduce "$work/none" --commit "$work/gone/rows.jsonl"
fails 1 '/proc/rows.jsonl: cannot write' 'one in a folder that takes no files' reproduce "$work/none" --commit /proc/rows.jsonl
ok 'are refused before anything is made' test ! -e "$work/none"
ok 'a file in the folder that is to be made' reproduce "$work/own" --arms plain --set train.steps=2 --set train.warmup=1 --commit "$work/own/rows.jsonl"
ok 'is written' test -s "$work/own/rows.jsonl"
fails 2 'no cell of the experiment has a key that begins so' 'a cell that there is not' reproduce "$work/none" --cell "xx$loss"
# More than 16 keys, so two of them begin with one digit.
digit=$(sed 's/.*"key": *"\(.\).*/\1/' "$work/rows.jsonl" | sort | uniq -c | sort -n | sed -n '$s/.* //p')
fails 2 'the keys of [0-9]* cells begin so' 'and one of many' reproduce "$work/none" --seeds 2 --cell "$digit"
fails 2 "gradroute reproduce: --cell is '', expected how a key begins" 'and none' reproduce "$work/none" --cell ''
ok 'nothing is there then' test ! -e "$work/none"

# ---- what is refused ----
place=$work/a
refused 2 'holds an experiment of another recipe\|train.lr is' 'another recipe' reproduce "$work/a" --set train.lr=0.01
refused 2 "did you mean 'plain'" 'an arm that is not there' reproduce "$work/a" --arms plian
refused 2 'no experiment is called' 'an experiment that is not there' gradroute reproduce nothing -o "$work/a"
refused 2 'say which: --base RECIPE' 'no recipe' gradroute reproduce audit -o "$work/a"
refused 2 'tiny.yaml:[0-9:]* this is a recipe, not an experiment' 'a recipe in place of an experiment' gradroute reproduce "$t" -o "$work/a"
fails 2 'hint: `gradroute audit RECIPE` takes one' 'with the command that takes one' gradroute reproduce "$t" -o "$work/no"
refused 2 'audit.yaml:[0-9:]* this is an experiment, not a recipe' 'an experiment in place of a recipe' gradroute audit experiments/audit.yaml -o "$work/a"
fails 2 'hint: `gradroute reproduce EXPERIMENT` makes one' 'with the command that makes it' gradroute train experiments/audit.yaml -o "$work/no"
refused 2 'file' 'rows that are not there' reproduce "$work/a" --rows "$work/nothing.jsonl"
mkdir "$work/theirs" && echo mine >"$work/theirs/cells"
place=$work/theirs
refused 2 "the folder holds 'cells'" 'a folder of somebody else' reproduce "$work/theirs"
mkdir "$work/named" && echo mine >"$work/named/plain"
fails 2 'plain' 'a name of somebody else is not taken' reproduce "$work/named"
ok 'and stays' grep -q mine "$work/named/plain"
cell=$(ls "$work/s/cells" | head -n 1)
echo '{"row": "loss"}' >>"$work/s/cells/$cell/rows.jsonl"
cp -r "$work/f" "$work/put"
rm -r "$(readlink -f "$work/put/plain")/model" "$work/put/result.json"
cp -r "$work/put/filtered/model" "$work/put/plain/model"
for part in "$work/put"/cells/*; do grep -q '"what": "loss"' "$part/cell.json" && rm -r "$part"; done
fails 2 'made in another cell' 'a model in the place of another' reproduce "$work/put"
place=$work/s
refused 2 "$cell" 'a damaged cell is neither used nor made again' reproduce "$work/s" --seeds 2
finish
