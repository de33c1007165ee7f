# A run killed at random moments and resumed, again and again, ends with the bits of one that nobody disturbed.
. tests/cmd.inc
t=$work/tiny.yaml
rounds=${GRADROUTE_KILLS:-20}
set_long='train.steps=500'

ok 'a run that nobody disturbs' gradroute train "$t" -o "$work/whole" --set $set_long
for seed in 1 2 3; do
    run=$work/killed$seed
    kills=0
    for delay in $(awk -v seed=$seed -v n="$rounds" 'BEGIN { srand(seed); for (i = 0; i < n; i++) print 0.02 + 0.4 * rand() }'); do
        [ -e "$run/done.json" ] && break
        gradroute train "$t" -o "$run" --set $set_long --resume >"$work/out" 2>"$work/err" &
        pid=$!
        sleep "$delay"
        if kill -9 $pid 2>"$work/null"; then kills=$((kills + 1)); fi
        wait $pid 2>"$work/null"
    done
    ok "run $seed goes on after $kills kills" gradroute train "$t" -o "$run" --set $set_long --resume
    ok "run $seed: the same bits" same_run "$run" "$work/whole"
done
finish
