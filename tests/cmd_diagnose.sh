# Diagnostics of a training: in the metrics, the summary and the progress; no bit of the model depends on them.
. tests/cmd.inc
t=$work/tiny.yaml half=labels.animals.known=0.5

json 'train' gradroute train "$t" -o "$work/on" --set $half --set diagnostics.every=5 --set diagnostics.probe=10 --json
ok 'the summary has the last figures' python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))["diagnosis"]
assert d["absorption"]["animals"] == 1 and 0 < d["absorption"]["animals hidden"] < 1, d
assert set(d["probe"]["on"]) == {"animals", "adjacent", "retain"} == set(d["probe"]["off"]["animals"]), d' "$work/last.json"
ok 'the metrics have them when they are due' python3 -c 'import json, sys
lines = [json.loads(line) for line in open(sys.argv[1] + "/metrics.jsonl")]
assert [l["step"] for l in lines if "gradient" in l] == [5, 10, 15, 20]
assert [l["step"] for l in lines if "probe" in l] == [10, 20]
g = lines[19]["gradient"]
assert set(g) == {"core", "animals", "animals hidden"} and set(g["core"]) == {"core", "animals"}
assert g["animals"]["core"] == 0 < g["animals"]["animals"] and lines[19]["update"]["core"]["core"] > 0' "$work/on"
# The arrays of a checkpoint; its options differ by the length of the metrics.
moments() { python3 - "$1/checkpoints/step-000000020.safetensors" <<'PYTHON'
import hashlib, json, sys
raw = open(sys.argv[1], "rb").read()
n = int.from_bytes(raw[:8], "little")
print({k: hashlib.sha256(raw[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]]).hexdigest()
       for k, v in json.loads(raw[8:8 + n]).items() if k != "__metadata__"})
PYTHON
}
ok 'train without' gradroute train "$t" -o "$work/off" --set $half --set diagnostics.every=0 --set diagnostics.probe=0
ok 'ends with the same bits' same "$(digests "$work/on" | grep safetensors)" "$(digests "$work/off" | grep safetensors)"
ok 'and the same moments' same "$(moments "$work/on")" "$(moments "$work/off")"
silent() { ! grep -q -e gradient -e probe -e absorption "$work/off/metrics.jsonl"; }
ok 'without a word' silent
fails 0 'absorbed animals 1.00 animals hidden 0' 'the summary as text' gradroute train "$t" -o "$work/text" --set $half
fails 0 'off      animals: animals [+-][0-9.]* adjacent [+-][0-9.]* retain [+-]' 'and the probe' gradroute train "$t" -o "$work/text" --set $half --resume
fails 0 'absorbed [0-9.]* off [+-][0-9.]*/[+-][0-9.]*  *[0-9,]* tokens/s' 'the progress has them in short' gradroute train "$t" -o "$work/short" --set $half
# On a terminal of 80 columns: the lines as they are drawn.
drawn() { python3 -c 'import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
text = b""
while True:
    try: part = os.read(fd, 65536)
    except OSError: break
    if not part: break
    text += part
os.waitpid(pid, 0)
for line in text.decode().replace("\r", "\n").replace("\033[K", "").splitlines(): print(line)' "$@"; }
drawn gradroute train "$t" -o "$work/terminal" --set $half >"$work/lines"
ok 'nothing that is drawn is wider than the terminal' python3 -c 'import sys
assert not [line for line in open(sys.argv[1]) if line.startswith("routed ") and len(line.rstrip("\n")) > 79]' "$work/lines"
ok 'nor does it leave out what tells whether routing works' grep -q 'routed.*absorbed [0-9.]* off [+-][0-9.]*/[+-]' "$work/lines"
ok 'the loss of held-out text is in the metrics' grep -q '"heldout": [0-9]' "$work/terminal/metrics.jsonl"

ok 'a run may go on with other diagnostics' gradroute train "$t" -o "$work/short" --set $half --set diagnostics.every=7 --resume
sed '/^preset:/d' "$t" >"$work/closed.yaml"
fails 0 'warning.*its topic costs only' 'a region that holds nothing' gradroute train "$work/closed.yaml" -o "$work/closed" \
    --set 'routes=[{label: any, closed: [animals]}]'
fails 2 'diagnostics.every' 'an interval that is none' gradroute train "$t" -o "$work/x" --set diagnostics.every=-1

# ---- killed and gone on with ----
long='train.steps=120'
ok 'a whole run' gradroute train "$t" -o "$work/whole" --set $half --set $long --set diagnostics.every=3 --set diagnostics.probe=4
gradroute train "$t" -o "$work/cut" --set $half --set $long --set diagnostics.every=3 --set diagnostics.probe=4 >"$work/null" 2>&1 &
pid=$!
wait_for_steps "$work/cut" 20 $pid
kill -9 $pid 2>"$work/null"
wait $pid 2>"$work/null"
ok 'a killed run goes on' gradroute train "$t" -o "$work/cut" --set $half --set $long --set diagnostics.every=3 --set diagnostics.probe=4 --resume
ok 'to the same bits and figures' same_run "$work/whole" "$work/cut"
finish
