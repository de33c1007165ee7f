# Each of some hundred allocations refused, one a run, spread over what each command makes: it ends with 0, 1 or 2 and
# never by a signal; where it ends with 0 the result has the bits of the undisturbed one.
. tests/cmd.inc
t=$work/fixed.yaml
points=${GRADROUTE_REFUSALS:-60}
refuse=$work/refuse_malloc.so
${CC:-cc} -O1 -shared -fPIC -o "$refuse" tests/refuse_malloc.c 2>"$work/err" || { say 'no compiler for the library that refuses'; exit 77; }
ulimit -c 0

# Times decide between precisions, and are told: results are compared where the recipe decides.
clocked=$work/tiny.yaml
{ cat "$clocked"; echo 'precision: float32'; } >"$t"

# A digest of what a run left: all files but those that hold times, metrics without theirs, checkpoints as their tensors.
left() {
    python3 - "$1" <<'PYTHON'
import hashlib, json, os, sys
def bare(value): # without wall times
    if isinstance(value, dict):
        return {k: bare(v) for k, v in value.items() if "second" not in k and "per_s" not in k and k != "minutes"}
    return [bare(v) for v in value] if isinstance(value, list) else value
digest = hashlib.sha256()
paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(sys.argv[1]) for name in names)
for path in paths or [sys.argv[1]]:
    if not os.path.isfile(path) or path.endswith(".lock"):
        continue
    data = open(path, "rb").read()
    if path.endswith((".json", ".jsonl")):
        data = json.dumps([bare(json.loads(line)) for line in ([data] if path.endswith(".json") else data.splitlines())]).encode()
    elif "checkpoints" in path:
        data = data[8 + int.from_bytes(data[:8], "little"):]
    digest.update(os.path.relpath(path, sys.argv[1]).encode() + data)
print(digest.hexdigest())
PYTHON
}

# sweep NAME COMMAND ...: OUT is written, or nothing but standard output. With compare=no any result of a run that goes
# on is good.
compare=yes
sweep() {
    name=$1; shift
    rm -rf "$work/OUT"
    REFUSE_COUNT="$work/count" LD_PRELOAD="$refuse" "$@" >"$work/want" 2>"$work/err"
    want=$(left "$work/OUT")
    total=$(cat "$work/count")
    bad=0 same=0 ended=0
    for n in $(awk -v n="$points" -v total="$total" 'BEGIN { srand(7); for (i = 0; i < n; i++) print 1 + int((i + rand()) * total / n) }'); do
        rm -rf "$work/OUT"
        REFUSE_AT=$n LD_PRELOAD="$refuse" "$@" >"$work/out" 2>"$work/err"
        code=$?
        if [ $code = 0 ]; then
            same=$((same + 1))
            [ $compare = no ] || { [ "$(left "$work/OUT")" = "$want" ] && { [ -e "$work/OUT" ] || cmp -s "$work/out" "$work/want"; }; } ||
                { bad=$((bad + 1)); say "# $name: allocation $n of $total refused changes the result"; }
        elif [ $code -le 2 ]; then
            ended=$((ended + 1))
            [ -s "$work/err" ] || { bad=$((bad + 1)); say "# $name: allocation $n of $total: not a word"; }
        else
            bad=$((bad + 1)); say "# $name: allocation $n of $total: exit $code"
        fi
    done
    ok "$name: $total allocations, $ended refusals ended it, $same changed nothing" test $bad = 0 -a $ended -gt 0
}

ok 'a run' gradroute train "$t" -o "$work/run"
sweep train gradroute train "$t" -o "$work/OUT"
sweep audit gradroute audit "$t" -o "$work/OUT"
sweep reproduce gradroute reproduce audit --base "$t" -o "$work/OUT"
sweep eval gradroute eval "$work/run" --json
sweep generate gradroute generate "$work/run" --prompt 'a small' --json
sweep ablate gradroute ablate "$work/run" --remove animals -o "$work/OUT"
sweep 'data pack' gradroute data pack "$t" --shard 0.005 -o "$work/OUT"
sweep 'data show' gradroute data show "$t"
sweep check gradroute check "$t" --json
compare=no
sweep plan gradroute plan audit --base "$t"
sweep 'check, precision by the clock' gradroute check "$clocked" --json
finish
