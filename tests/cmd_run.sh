# Runs that are stopped, killed and resumed, and the audit.
. tests/cmd.inc
t=$work/tiny.yaml
long='train.steps=300'

started() { [ -s "$1/metrics.jsonl" ] && [ "$(wc -l <"$1/metrics.jsonl")" -ge "$2" ]; }
wait_for_steps() { # RUN STEPS PID
    i=0
    while ! started "$1" "$2" && kill -0 "$3" 2>"$work/null" && [ $i -lt 3000 ]; do sleep 0.01; i=$((i + 1)); done
}

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

# ---- audit ----
gradroute audit "$t" -o "$work/audit" --set train.steps=100 >"$work/out" 2>"$work/said" &
pid=$!
wait_for_steps "$work/audit/plain" 10 $pid
kill -INT $pid
wait $pid
code=$?
[ "$code" = 1 ] && say 'ok Ctrl-C stops an audit' || failure "Ctrl-C stops an audit ($code)"
ok 'and says how to go on' grep -q 'same command goes on' "$work/said"
json 'the same command goes on' gradroute audit "$t" -o "$work/audit" --set train.steps=100 --json
ok 'the result is what result.json holds' same "$(cat "$work/last.json")" "$(cat "$work/audit/result.json")"
for key in removal removal_relearned retention tax_off tax_on seconds tokens_per_s; do
    ok "the result has $key" get "$work/last.json" "['$key'] + 0"
done
ok 'an undisturbed audit' gradroute audit "$t" -o "$work/audit2" --set train.steps=100
ok 'stopped or not, the same losses' same "$(get "$work/audit/result.json" "['models']['plain']['forget']")" \
    "$(get "$work/audit2/result.json" "['models']['plain']['forget']")"
fails 0 'removal after relearning' 'a finished audit prints its table' gradroute audit "$t" -o "$work/audit" --set train.steps=100
ok 'eval of the audit' gradroute eval "$work/audit" --off animals
ok 'eval of a twin' gradroute eval "$work/audit/plain"
fails 1 'cannot make the folder' 'an audit that cannot write' gradroute audit "$t" -o "$work/corpus.jsonl/audit"

# ---- a terminal ----
if command -v script >"$work/null"; then
    script -qec "gradroute train '$t' -o '$work/tty'" /dev/null >"$work/bar" 2>"$work/err"
    ok 'a bar on a terminal' grep -q 'routed 20/20 \[##*\]' "$work/bar"
else
    say 'skip a bar on a terminal: no script command'
fi
finish
