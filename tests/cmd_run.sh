# Runs that are stopped, killed and resumed.
. tests/cmd.inc
t=$work/tiny.yaml
long='train.steps=300'

ok 'a run that nobody disturbs' gradroute train "$t" -o "$work/whole" --set $long

# ---- Ctrl-C and SIGTERM ----
for signal in INT TERM; do
    gradroute train "$t" -o "$work/$signal" --set $long >"$work/out" 2>"$work/said" &
    pid=$!
    wait_for_steps "$work/$signal" 20 $pid
    kill -$signal $pid
    wait $pid
    code=$?
    [ "$code" = 1 ] && say "ok $signal ends with status 1" || failure "$signal ends with status 1 ($code)"
    ok "$signal says how to go on" grep -q "go on with: gradroute train .* --resume" "$work/said"
    fails 2 'go on with --resume' "$signal: not over a run by accident" gradroute train "$t" -o "$work/$signal" --set $long
    fails 2 'another recipe' "$signal: not with another recipe" gradroute train "$t" -o "$work/$signal" --set train.steps=301 --resume
    ok "$signal: resume" gradroute train "$t" -o "$work/$signal" --set $long --resume
    ok "$signal: the same bits" same_run "$work/$signal" "$work/whole"
done

# ---- kill -9 ----
run=$work/killed
for steps in 1 60 150; do
    gradroute train "$t" -o "$run" --set $long --resume >"$work/out" 2>"$work/err" &
    pid=$!
    wait_for_steps "$run" $steps $pid
    kill -9 $pid 2>"$work/null"
    wait $pid 2>"$work/null"
done
ok 'resume after kill -9' gradroute train "$t" -o "$run" --set $long --resume
ok 'killed three times: the same bits' same_run "$run" "$work/whole"
ok 'resuming a finished run only reports it' gradroute train "$t" -o "$run" --set $long --resume
fails 2 'resume' 'a finished run is not overwritten' gradroute train "$t" -o "$run" --set $long

# ---- metrics that were lost ----
cp -r "$work/whole" "$work/late"
rm "$work/late/done.json" "$work/late/metrics.jsonl"
fails 0 'lines of earlier steps are lost' 'a run goes on without its metrics' gradroute train "$t" -o "$work/late" --set $long --resume
ok 'to the same model' same "$(digests "$work/late" | grep safetensors)" "$(digests "$work/whole" | grep safetensors)"
ok 'and knows its tokens' same "$(get "$work/late/done.json" "['tokens']")" "$(get "$work/whole/done.json" "['tokens']")"
cp -r "$work/whole" "$work/torn"
rm "$work/torn/done.json" "$work/torn"/checkpoints/*300.safetensors
head -c 10000 "$work/whole/metrics.jsonl" >"$work/torn/metrics.jsonl"
fails 0 'lines of earlier steps are lost' 'and with half of them' gradroute train "$t" -o "$work/torn" --set $long --resume
ok 'only whole lines are left' python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$work/torn/metrics.jsonl"
ok 'the last steps are among them' same "$(metrics "$work/torn" | tail -n 5)" "$(metrics "$work/whole" | tail -n 5)"

# ---- a warmup as long as the run, and longer ----
last_rate() { tail -n 1 "$1/metrics.jsonl" | python3 -c 'import json, sys; print(json.loads(sys.stdin.read())["lr"])'; }
for warmup in 20 100; do
    ok "20 steps with a warmup of $warmup" gradroute train "$t" -o "$work/warmup$warmup" --set train.warmup=$warmup
    ok 'the rate arrives at the top in the last step' same "$(last_rate "$work/warmup$warmup")" 0.003
done

# ---- a terminal ----
if command -v script >"$work/null"; then
    script -qec "gradroute train '$t' -o '$work/tty'" /dev/null >"$work/bar" 2>"$work/err"
    ok 'a bar on a terminal' grep -q 'routed 20/20 \[##*\]' "$work/bar"
else
    say 'skip a bar on a terminal: no script command'
fi
finish
