# One writer a folder: the second process is told who works there, a killed one leaves nothing that blocks.
. tests/cmd.inc
t=$work/tiny.yaml long='train.steps=100000' short='train.steps=4'

# Nothing of locks, and nothing half-written, is left in a folder.
clean() { test -d "$1" && test -z "$(find "$1" -name '*.lock' -o -name '*.tmp' -o -name '.*.new' -o -name '.*.old')"; }

# second NAME PID COMMAND ...: while PID works in the folder.
second() {
    name=$1 first=$2; shift 2
    fails 2 "process $first on .* works in this folder, since 20" "$name" "$@"
}

ok 'a run' gradroute train "$t" -o "$work/one" --set $short

# ---- a run ----
gradroute train "$t" -o "$work/run" --set $long >"$work/first" 2>&1 &
pid=$!
wait_for_steps "$work/run" 20 $pid
second 'a second training in a folder' $pid gradroute train "$t" -o "$work/run" --set $long --resume
second 'with another recipe' $pid gradroute train "$t" -o "$work/run" --set $long --set seed=9
fails 2 'the folder holds a run' 'an audit' gradroute audit "$t" -o "$work/run"
if unshare -m true 2>"$work/null"; then
    mkdir "$work/other"
    fails 2 "process $pid on .* works in this folder" 'through another mount point' unshare -m sh -c \
        "mount --bind '$work/run' '$work/other' && gradroute train '$t' -o '$work/other' --set $long --resume"
else
    say 'skip through another mount point: no mounts may be made here'
fi
ok 'the first goes on' kill -0 $pid
kill -9 $pid
wait $pid 2>"$work/null"
ok 'its lock is still there' test -e "$work/run/.gradroute.lock"
gradroute train "$t" -o "$work/run" --set $long --resume >"$work/out" 2>"$work/err" &
pid=$!
before=$(wc -l <"$work/run/metrics.jsonl")
wait_for_steps "$work/run" $((before + 5)) $pid
ok 'and blocks nobody' kill $pid
wait $pid
ok 'nothing is left of it' clean "$work/run"

# ---- two at once, again and again ----
ok 'one that nobody disturbs' gradroute train "$t" -o "$work/whole" --set train.steps=60
for round in 1 2 3 4 5 6; do
    run=$work/both$round
    gradroute train "$t" -o "$run" --set train.steps=60 --resume >"$work/out1" 2>&1 &
    a=$!
    sleep 0.0$((round - 1))
    gradroute train "$t" -o "$run" --set train.steps=60 --resume >"$work/out2" 2>&1 &
    b=$!
    wait $a; first=$?
    wait $b; last=$?
    case $first$last in
    00 | 02 | 20) say "ok two at once, round $round: one works" ;;
    *) cat "$work/out1" "$work/out2" >"$work/out"; failure "two at once, round $round: one works ($first $last)" ;;
    esac
    ok "two at once, round $round: the same bits" same_run "$run" "$work/whole"
    ok "two at once, round $round: nothing is left" clean "$run"
done

# ---- an audit, a pack, a model ----
gradroute audit "$t" -o "$work/audit" --set $long >"$work/first" 2>&1 &
pid=$!
wait_for_steps "$work/audit/routed" 5 $pid
ok 'a lock for each cell of an audit that is made' test -n "$(find "$work/audit/work" -name '.*.gradroute.lock')"
kill $pid
wait $pid
ok 'nothing is left of the audit' clean "$work/audit"

python3 - "$work/corpus.jsonl" "$work/large.jsonl" <<'PYTHON'
import sys
text = open(sys.argv[1]).read()
with open(sys.argv[2], "w") as out:
    for i in range(200): out.write(text.replace(" number ", f" number {i} times "))
PYTHON
gradroute data pack "$t" -o "$work/shards" --set data.jsonl="$work/large.jsonl" --shard 0.05 >"$work/first" 2>&1 &
pid=$!
i=0
while [ ! -e "$work/shards/stamp.txt" ] && [ $i -lt 3000 ]; do sleep 0.01; i=$((i + 1)); done
second 'a second pack in a folder' $pid gradroute data pack "$t" -o "$work/shards" --set data.jsonl="$work/large.jsonl" --shard 0.05
kill -9 $pid
wait $pid 2>"$work/null"
ok 'a killed pack goes on' gradroute data pack "$t" -o "$work/shards" --set data.jsonl="$work/large.jsonl" --shard 0.05
ok 'nothing is left of the packs' clean "$work/shards"

for round in 1 2 3; do
    gradroute ablate "$work/one" --remove animals -o "$work/model" >"$work/out1" 2>&1 &
    a=$!
    gradroute resize "$work/one" --layers 3 -o "$work/model" >"$work/out2" 2>&1 &
    b=$!
    wait $a; first=$?
    wait $b; last=$?
    case $first$last in
    00 | 02 | 20) say "ok two models for one name, round $round" ;;
    *) cat "$work/out1" "$work/out2" >"$work/out"; failure "two models for one name, round $round ($first $last)" ;;
    esac
    ok "a whole model, round $round" gradroute inspect "$work/model"
done

# ---- where the system has no locks ----
refuse=$work/refuse_locks.so
if ! ${CC:-cc} -O1 -shared -fPIC -o "$refuse" tests/refuse_locks.c -ldl 2>"$work/err"; then
    say 'skip file systems without locks: no compiler for the library that refuses them'
    finish
    exit
fi
unable() { env LD_PRELOAD="$refuse" REFUSE_SEEN="$work/seen" "$@"; }
holder() { sed -n 's/^process //p' "$work/far/.gradroute.lock"; }

unable gradroute train "$t" -o "$work/far" --set $long >"$work/first" 2>&1 &
pid=$!
wait_for_steps "$work/far" 5 $pid
worker=$(holder)
ok 'the call did refuse' test -e "$work/seen"
ok 'the file says how it is kept' grep -q '^kept by heartbeat' "$work/far/.gradroute.lock"
second 'without locks: a second training' "$worker" env LD_PRELOAD="$refuse" \
    gradroute train "$t" -o "$work/far" --set $long --resume
second 'without locks: a second training that could lock' "$worker" gradroute train "$t" -o "$work/far" --set $long --resume
kill -9 "$worker"
wait $pid 2>"$work/null"
second 'a dead one is not known at once' "$worker" gradroute train "$t" -o "$work/far" --set $long --resume
touch -d '6 minutes ago' "$work/far/.gradroute.lock"
steps=$(wc -l <"$work/far/metrics.jsonl")
unable gradroute train "$t" -o "$work/far" --set $long --resume >"$work/out" 2>"$work/err" &
pid=$!
wait_for_steps "$work/far" $((steps + 5)) $pid
ok 'but after 5 minutes' test "$(holder)" != "$worker"
kill "$(holder)"
wait $pid
ok 'nothing is left without locks either' clean "$work/far"
finish
