# Memory that runs out: at any limit the command ends with 0, 1 or 2 and a sentence, and what was saved goes on.
. tests/cmd.inc
t=$work/tiny.yaml
ok 'a run that nobody disturbs' gradroute train "$t" -o "$work/whole"
ok 'a longer one' gradroute train "$t" -o "$work/long" --set train.steps=1000 --set diagnostics.every=0

# What the program needs to be loaded at all.
least=40000
while ! (ulimit -v $least && gradroute --version) >"$work/out" 2>&1 && [ $least -lt 4000000 ]; do least=$((least + 4000)); done

# ---- limits from too little to enough ----
bad=0 refused=0 finished=0 i=0
while [ $i -lt 40 ] && [ $finished -lt 2 ]; do
    limit=$((least + i * (4000 + 1000 * i)))
    rm -rf "$work/limited"
    (ulimit -v $limit && exec gradroute train "$t" -o "$work/limited") >"$work/out" 2>"$work/err"
    code=$?
    case $code in
    0)
        finished=$((finished + 1))
        same_run "$work/limited" "$work/whole" || { bad=$((bad + 1)); say "# other bits at $limit kB"; }
        ;;
    1)
        refused=$((refused + 1))
        cat "$work/err" >>"$work/refusals"
        grep -q -i 'memory\|thread creation' "$work/err" || { bad=$((bad + 1)); say "# no reason at $limit kB"; }
        ;;
    *) bad=$((bad + 1)); say "# exit $code at $limit kB" ;;
    esac
    i=$((i + 1))
done
ok "limits: $refused refused, $finished finished, $bad otherwise" test $bad = 0 -a $refused -gt 2 -a $finished = 2
ok 'what was refused is named' grep -q 'out of memory: [0-9]* bytes were refused' "$work/refusals"

# ---- in the middle of a training ----
if command -v prlimit >"$work/null"; then
    gradroute train "$t" -o "$work/cut" --set train.steps=1000 --set diagnostics.every=0 >"$work/out" 2>"$work/said" &
    pid=$!
    wait_for_steps "$work/cut" 20 $pid
    prlimit --pid $pid --as=1000000
    wait $pid
    code=$?
    ok 'memory gone in the middle: status 1' test $code = 1
    ok 'memory gone in the middle: it says so' grep -q -i 'memory' "$work/said"
    ok 'the last checkpoint is there' test -n "$(ls "$work/cut/checkpoints")"
    ok 'it goes on' gradroute train "$t" -o "$work/cut" --set train.steps=1000 --set diagnostics.every=0 --resume
    ok 'with the same bits' same_run "$work/cut" "$work/long"
else
    say 'skip memory gone in the middle: no prlimit command'
fi
finish
