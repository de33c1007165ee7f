# Benchmarks: what they print and write, with few steps; scripts of PyTorch are played by a shell script.
. tests/cmd.inc
unset GRADROUTE_PEERS
quick='--quick --threads 1'

is_list() { # a JSON list of rows and nothing else: is_list FILE [NAMES]
    python3 -c 'import json, sys
rows = json.load(open(sys.argv[1]))
assert isinstance(rows, list)
for r in rows:
    assert set(r) == {"name", "machine", "isa", "precision", "ratio", "against", "ours", "theirs", "unit"}, r
    assert r["machine"] and r["isa"] in ("base", "avx2", "avx512", "bf16", "amx") and r["precision"] in ("float32", "bf16"), r
    assert r["ratio"] > 0 and abs(r["ratio"] * r["ours"] / r["theirs"] - 1) < 1e-9 and r["unit"] in ("ms/step", "ms/token"), r
assert [r["name"] for r in rows] == sys.argv[2:], rows' "$@"
}

fails 2 "did you mean 'threads'" 'an unknown name suggests the nearest' gradroute-bench thraeds
fails 2 'there is no benchmark' 'no name near' gradroute-bench zzzzzzzz
fails 2 'expected a number' 'threads that are no number' gradroute-bench threads --threads none
fails 0 'routed-gram' 'help lists the names' gradroute-bench --help
fails 0 'Exit status' 'and the exit status' gradroute-bench -h
fails 2 'unrecognized option' 'an option that is none' gradroute-bench --frobnicate
fails 0 '^gradroute-bench [0-9]' 'version' gradroute-bench --version
fails 2 'gradroute-bench' 'the command of old says where it went' gradroute bench threads
fails 2 'gradroute-bench' 'its help too' gradroute help bench

ok 'two rows as JSON' gradroute-bench routed-sgtm routed-era $quick --json --csv "$work"
cp "$work/out" "$work/rows.json"
ok 'they are a list and nothing else' is_list "$work/rows.json" routed-sgtm routed-era
csv=$(ls "$work"/*.csv)
fails 0 'Where the time of a step goes' 'a table with operations' gradroute-bench routed-gram $quick --csv "$csv"
cp "$work/out" "$work/table"
ok 'linear is one of them' grep -q '^  linear  .*%' "$work/table"
ok 'rows were appended under one header' python3 -c 'import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
assert [r["name"] for r in rows] == ["routed-sgtm", "routed-era", "routed-gram"], rows
for r in rows:
    assert r["machine"] and r["isa"] and r["precision"] in ("float32", "bf16") and r["threads"] == "1", r
    assert float(r["ours_low"]) <= float(r["ours"]) <= float(r["ours_high"]), r' "$csv"

# ---- machines of one name may differ in what they have ----
isa=$(python3 -c 'import csv, sys; print(next(csv.DictReader(open(sys.argv[1])))["isa"])' "$csv")
fails 0 "^$isa\$" 'the instruction set is that of the program' sh -c "gradroute --version | grep -o '\b$isa\b' | head -n 1"
named() { case $csv in *-"$isa".csv) ;; *) return 1 ;; esac; }
ok 'a file is named by it too' named
if GRADROUTE_ISA=avx2 gradroute --version | grep -q avx2; then
    mkdir "$work/narrow"
    GRADROUTE_ISA=avx2 ok 'with other kernels' gradroute-bench routed-sgtm $quick --csv "$work/narrow"
    cp "$work/out" "$work/table"
    other() { set -- "$work"/narrow/*; [ $# = 1 ] && case $1 in *-avx2.csv) grep -q ',avx2,.*,routed-sgtm,float32,' "$1" ;; *) return 1 ;; esac; }
    ok 'the rows go to another file and say so' other
    ok 'the last line names both' grep -q 'measured.*; .*, kernels for avx2, 1 thread' "$work/table"
fi
echo 'machine,date,version' >"$work/older.csv"
fails 2 'has other columns' 'rows do not follow those with other columns' gradroute-bench routed-sgtm $quick --csv "$work/older.csv"
ok 'and the file stays' same "$(cat "$work/older.csv")" 'machine,date,version'
fails 1 'cannot open' 'a file of results that cannot be written' gradroute-bench threads $quick --csv "$work/none/x.csv"

# ---- what is missing is skipped and counted ----
fails 0 'skipped: GRADROUTE_PEERS' 'without the scripts' gradroute-bench small mnist-ae $quick
cp "$work/out" "$work/table"
ok 'skipped rows are counted' grep -q '0 measured, 2 skipped' "$work/table"
fails 0 'it needs 2 threads' 'without a second thread' gradroute-bench threads $quick
gradroute-bench small $quick --json >"$work/rows.json" 2>"$work/err"
ok 'skipped rows are not in the list' is_list "$work/rows.json"

# ---- scripts ----
mkdir "$work/peers"
export GRADROUTE_PEERS="$work/peers"
cat >"$work/peers/run.sh" <<'SCRIPT'
[ "$1" = torch_lm.py ] && [ "$PEER_THREADS" = 1 ] && [ "$3" = 4096 ] || exit 3
echo 'starting'
echo '{"bf16": false, "routed": false, "ms_median": 5000.5}'
echo '{"bf16": false, "routed": true, "ms_median": 1}'
echo '{"bf16": true, "routed": false, "ms_median": 4000.5}'
SCRIPT
ok 'a script' gradroute-bench small $quick --json
cp "$work/out" "$work/rows.json"
ok 'its row' is_list "$work/rows.json" small
ok 'its figure of the faster precision' python3 -c 'import json, sys
row = json.load(open(sys.argv[1]))[0]
assert row["against"] == "PyTorch bf16" and abs(row["theirs"] - 4000.5) < 1e-6, row' "$work/rows.json"
echo 'exit 4' >"$work/peers/run.sh"
fails 0 'skipped: .*\(status 4\|not installed\)' 'a script that fails is skipped' gradroute-bench small $quick
printf 'echo $$ >"%s/pid"\nexec sleep 600\n' "$work" >"$work/peers/run.sh"
interrupted() {
    gradroute-bench small $quick &
    bench=$! i=0
    while [ ! -s "$work/pid" ] && [ $i -lt 6000 ]; do sleep 0.02; i=$((i + 1)); done
    kill -TERM $bench
    wait $bench
    code=$?
    ! kill -0 "$(cat "$work/pid")" && return $code
}
fails 1 'stopped' 'a signal stops it and its script' interrupted
finish
