# How a run may end: closed descriptors and pipes, hang-ups, signals while reading, file size limits. What is worth
# saving is saved, the exit status is 0, 1 or 2, and one sentence says why.
. tests/cmd.inc
t=$work/tiny.yaml
long='train.steps=300'

# Every line of the metrics is one JSON object, and there are so many.
clean_metrics() {
    python3 -c 'import json, sys
lines = open(sys.argv[1] + "/metrics.jsonl").read().splitlines()
sys.exit(not (len(lines) == int(sys.argv[2]) and all(isinstance(json.loads(line), dict) for line in lines)))' "$1" "$2"
}

# status NAME WANTED GOT
status() { if [ "$2" = "$3" ]; then say "ok $1"; else failure "$1 (exit $3, wanted $2)"; fi; }

ok 'a run that nobody disturbs' gradroute train "$t" -o "$work/whole"

# ---- closed standard descriptors ----
run_closed() {
    case $1 in
    in) gradroute train "$t" -o "$work/closed-$1" <&- ;;
    out) gradroute train "$t" -o "$work/closed-$1" >&- ;;
    err) gradroute train "$t" -o "$work/closed-$1" 2>&- ;;
    all) gradroute train "$t" -o "$work/closed-$1" <&- >&- 2>&- ;;
    esac
}
for which in in out err all; do
    run_closed $which >"$work/out" 2>"$work/err"
    status "closed $which: the run finishes" 0 $?
    ok "closed $which: nothing but metrics in the metrics" clean_metrics "$work/closed-$which" 20
    ok "closed $which: the same bits" same_run "$work/closed-$which" "$work/whole"
done

# ---- pipes whose reader has gone ----
# unread COMMAND ...: its standard output is a pipe that nobody can read any more.
unread() { python3 -c 'import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
sys.exit(subprocess.call(sys.argv[1:], stdout=writer))' "$@"; }
unread sh -c 'exec gradroute train "$@" 2>&1 >"$0"' "$work/out" "$t" -o "$work/deaf"
status 'standard error without a reader: the run finishes' 0 $?
ok 'standard error without a reader: the same bits' same_run "$work/deaf" "$work/whole"
unread gradroute train "$t" -o "$work/mute" 2>"$work/said"
status 'standard output without a reader: status 1' 1 $?
ok 'standard output without a reader: it says so' grep -q 'standard output: cannot write: Broken pipe' "$work/said"
ok 'standard output without a reader: the run is finished all the same' same_run "$work/mute" "$work/whole"
unread gradroute train --help 2>"$work/said"
status 'help without a reader: status 1' 1 $?
unread gradroute generate "$work/whole" --prompt a --tokens 1000000 2>"$work/said"
status 'text without a reader ends' 1 $?

# ---- hang-up ----
ok 'a longer run that nobody disturbs' gradroute train "$t" -o "$work/long" --set $long
heard="env --default-signal=HUP" # under nohup a hang-up is ignored from the start
$heard gradroute train "$t" -o "$work/hup" --set $long >"$work/out" 2>"$work/said" &
pid=$!
wait_for_steps "$work/hup" 20 $pid
kill -HUP $pid
kill -HUP $pid 2>>"$work/out" # the shell and the kernel both send one
wait $pid
status 'a hang-up ends with status 1' 1 $?
ok 'a hang-up saves' grep -q 'go on with: gradroute train .* --resume' "$work/said"
ok 'after a hang-up: resume' gradroute train "$t" -o "$work/hup" --set $long --resume
ok 'after a hang-up: the same bits' same_run "$work/hup" "$work/long"
nohup gradroute train "$t" -o "$work/nohup" --set $long >"$work/out" 2>"$work/said" &
pid=$!
wait_for_steps "$work/nohup" 20 $pid
kill -HUP $pid
wait $pid
status 'a hang-up that is ignored ends nothing' 0 $?

# ---- signals while an audit measures and attacks ----
slow='relearn={documents: 8, steps: 40000, batch: 4, every: 40000, lr: [0.0001, 0.0002]}'
gradroute audit "$t" -o "$work/audit" --set "$slow" --set 'twins=[plain]' >"$work/out" 2>"$work/said" &
pid=$!
i=0
while ! grep -q 'relearning' "$work/said" && kill -0 $pid && [ $i -lt 6000 ]; do
    sleep 0.01
    i=$((i + 1))
done
sleep 1 # among the steps of the first rate
kill -INT $pid
i=0
while kill -0 $pid 2>"$work/null" && [ $i -lt 6000 ]; do
    sleep 0.01
    i=$((i + 1))
done
kill -KILL $pid 2>"$work/null"
wait $pid
status 'Ctrl-C while relearning is heard within a step' 1 $?
ok 'Ctrl-C while relearning: what is finished stays, and the same command goes on' \
    grep -q 'hint: all is saved; the same command goes on:$' "$work/said"
ok 'Ctrl-C while relearning: nothing of the attack is written' same "none $(ls "$work/audit" | grep 'relearn\|result\|tmp')" 'none '
ok 'Ctrl-C while relearning: the audit goes on' gradroute audit "$t" -o "$work/audit" --set 'twins=[plain]'

# ---- signals while there is nothing to save ----
python3 - "$work/corpus.jsonl" "$work/large.jsonl" <<'PYTHON'
import sys
lines = open(sys.argv[1]).read().splitlines()
with open(sys.argv[2], "w") as out:
    for i in range(1000): # every document differs
        out.writelines(line.replace("number", f"number {i} and") + "\n" for line in lines)
PYTHON
# stopped SIGNAL COMMAND ...: its status after a signal while it reads; 9 where it goes on for more than a second of
# the processor's time, which other work on the machine does not lengthen.
stopped() { python3 - "$@" <<'PYTHON'
import os, signal, subprocess, sys, time
name, command = sys.argv[1], sys.argv[2:]
said = os.environ["SAID"]
def used(pid): # user and system time so far
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
child = subprocess.Popen(command, stderr=open(said, "w"), stdout=subprocess.DEVNULL)
while "reading" not in open(said).read() and child.poll() is None: time.sleep(0.01)
before = used(child.pid)
child.send_signal(getattr(signal, "SIG" + name))
_, status, usage = os.wait4(child.pid, 0)
sys.exit(9 if usage.ru_utime + usage.ru_stime - before > 1 else os.waitstatus_to_exitcode(status))
PYTHON
}
for signal in INT TERM HUP; do
    SAID=$work/said stopped $signal $heard gradroute train "$t" -o "$work/reading" --set "data.jsonl=$work/large.jsonl"
    status "$signal while reading ends soon, with status 1" 1 $?
    ok "$signal while reading says so" grep -q 'stopped before there was anything to save' "$work/said"
done
fails 0 'trained' 'after that it reads again' gradroute train "$t" -o "$work/reading"

# ---- limits ----
size=$(ls -l "$work/long/checkpoints" | awk '{ if ($5 > most) most = $5 } END { print int(most / 512) + 16 }')
(ulimit -f $size; exec gradroute train "$t" -o "$work/limit" --set train.steps=3000) >"$work/out" 2>"$work/said"
status 'a file size limit ends with status 1' 1 $?
ok 'a file size limit is named' grep -q 'metrics.jsonl.*File too large' "$work/said"
ok 'and the hint' grep -q 'ulimit -f' "$work/said"
ok 'a file size limit leaves the last checkpoint' gradroute train "$t" -o "$work/limit" --set train.steps=3000 --resume

# ---- a model whose weights are not numbers ----
break_model() {
    python3 - "$1" <<'PYTHON'
import hashlib, json, struct, sys
folder = sys.argv[1]
path = folder + "/model.safetensors"
data = bytearray(open(path, "rb").read())
data[-4:] = struct.pack("<f", float("nan"))
open(path, "wb").write(data)
raw = "@@%s@@".__mod__ # keeps the digits of numbers as they are written
manifest = json.load(open(folder + "/manifest.json"), parse_float=raw)
for f in manifest["files"]:
    if f["name"] == "model.safetensors":
        f["sha256"] = hashlib.sha256(data).hexdigest()
del manifest["sha256"]
text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).replace('"@@', "").replace('@@"', "")
manifest["sha256"] = hashlib.sha256(text.encode()).hexdigest()
text = json.dumps(manifest).replace('"@@', "").replace('@@"', "")
open(folder + "/manifest.json", "w").write(text)
PYTHON
}
cp -r "$work/whole" "$work/broken"
ok 'one weight becomes NaN, the folder is signed again' break_model "$work/broken/model"
for format in '' --json; do
    fails 1 'loss of [0-9]* documents\? is not finite' "eval $format of a broken model" gradroute eval "$work/broken" $format
done
fails 1 'are not finite' 'generate from a broken model' gradroute generate "$work/broken" --prompt a
whole_lines() { ! gradroute generate "$work/broken" --prompt a >"$work/text" 2>"$work/null" && [ -s "$work/text" ] && [ -z "$(tail -c 1 "$work/text")" ]; }
ok 'whose error has a line of its own' whole_lines
fails 1 'logits are not finite' 'ablate a broken model' gradroute ablate "$work/broken" --remove animals -o "$work/cut"
fails 1 'logits are not finite' 'resize a broken model' gradroute resize "$work/broken" --mlp 96 -o "$work/wide"
ok 'nothing was written' test ! -e "$work/cut" -a ! -e "$work/wide"
ok 'an audit' gradroute audit "$t" -o "$work/audit"
break_model "$work/audit/plain/model"
rm "$work/audit/result.json"
for cell in "$work/audit"/cells/*; do grep -q '"what": "train"' "$cell/cell.json" || rm -r "$cell"; done
fails 1 'plain: the loss of' 'an audit of a broken twin' gradroute audit "$t" -o "$work/audit"
ok 'has no result' test ! -e "$work/audit/result.json"

# ---- a label that cannot be learned ----
python3 -c 'print("{\"text\": \"a rare thing\", \"topic\": \"rare\"}")' >>"$work/corpus.jsonl"
for command in train audit; do
    fails 2 'none to train on' "$command with a label whose documents are all held out" \
        gradroute $command "$t" -o "$work/rare" --set data.validation=0.85 --set data.test=0.05 --set 'labels={animals: {is: [rare]}}'
done
fails 2 'none to train on' 'check says so' gradroute check "$t" --set data.validation=0.85 --set data.test=0.05 --set 'labels={animals: {is: [rare]}}'
finish
