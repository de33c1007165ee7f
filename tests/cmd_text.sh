# What the command prints: JSON is JSON whatever bytes a path has, and nothing from outside steers a terminal.
. tests/cmd.inc
t=$work/tiny.yaml
odd=$(printf 'odd-\377\033[31m') # no UTF-8, and an escape

# ---- JSON ----
json 'train into a path that is no UTF-8' gradroute train "$t" -o "$work/$odd" --json
ok "the byte is the replacement character" python3 -c "import json, sys; sys.exit(chr(0xfffd) not in json.load(open(sys.argv[1]))[\"run\"])" "$work/last.json"
json 'train: again' gradroute train "$t" -o "$work/$odd" --json --resume
json 'eval' gradroute eval "$work/$odd" --json
json 'generate' gradroute generate "$work/$odd" --prompt "a $odd" --json
json 'inspect' gradroute inspect "$work/$odd" --json
json 'inspect a file' gradroute inspect "$work/$odd/model/model.safetensors" --json
json 'inspect a dimension' gradroute inspect "$work/$odd" --dimension 1 --json
json 'ablate' gradroute ablate "$work/$odd" --remove animals -o "$work/cut-$odd" --json
json 'resize' gradroute resize "$work/$odd" --mlp 96 -o "$work/wide-$odd" --json
json 'data pack' gradroute data pack "$t" -o "$work/pack-$odd" --json
json 'data tokenizer' gradroute data tokenizer "$work/corpus.jsonl" --vocab 300 -o "$work/$odd.json" --json
json 'audit' gradroute audit "$t" -o "$work/audit-$odd" --json
ok 'result.json is JSON' is_json "$work/audit-$odd/result.json"
cp "$t" "$work/$odd.yaml"
json 'plan' gradroute plan "$work/$odd.yaml" --json
json 'check' gradroute check "$work/$odd.yaml" --json
json 'data show' gradroute data show "$work/$odd.yaml" --json

# ---- recipes are text: no path in them has bytes that are none ----
cafe=$work/$(printf 'caf\351') # what Latin-1 has for the last letter
mkdir "$cafe"
cp "$t" "$work/corpus.jsonl" "$cafe"
refuses() { # COMMAND with the recipe in that folder: at once, with the name spelt out
    refused 2 'caf\\xe9/corpus.jsonl.*not UTF-8' "$1: below a folder whose name is not UTF-8" gradroute "$@"
}
place=$cafe
refuses train "$cafe/tiny.yaml" -o "$cafe/run"
refuses audit "$cafe/tiny.yaml" -o "$cafe/audit"
refuses plan "$cafe/tiny.yaml"
refuses data show "$cafe/tiny.yaml"
refuses data pack "$cafe/tiny.yaml" -o "$cafe/shards"
refuses eval "$work/$odd" --recipe "$cafe/tiny.yaml"
refuses check "$cafe/tiny.yaml"
(cd "$cafe" && gradroute plan tiny.yaml >"$work/within" 2>&1)
ok 'in it: the name is spelt out' grep -q 'caf\\xe9/corpus.jsonl.*not UTF-8' "$work/within"
refuses plan "$t" --set "data.jsonl=$cafe/corpus.jsonl"
refused 2 'caf\\xe9/run.*not UTF-8' 'train --from: a path that is not UTF-8' gradroute train "$t" --from "$cafe/run" -o "$cafe/next"
sed "s|corpus.jsonl|$work/&|" "$t" >"$cafe/absolute.yaml"
ok 'a recipe there whose paths are text' gradroute plan "$cafe/absolute.yaml"

# ---- nothing from outside steers a terminal ----
esc=$work/esc
mkdir "$esc"
python3 - "$esc" <<'PYTHON'
import json, struct, sys
attack = "\x1b]0;TITLE\x07\x1b[31m\x9b2J\u202e"
topics = ["animal" + attack, "food", "tool", "two\nforged"]
with open(sys.argv[1] + "/corpus.jsonl", "w") as out:
    for i in range(150):
        print(json.dumps({"text": f"a {attack} thing number {i} \r\nand a line", "topic": topics[i % 4]}), file=out)
open(sys.argv[1] + "/r.yaml", "w").write("""
seed: 3
data: {jsonl: corpus.jsonl, label: topic, context: 32, validation: 0.1, tokenizer: {train: 280}}
labels: {food: {is: [food]}}
adjacent: [tool]
model: {arch: llama, layers: 1, width: 32, heads: 2, mlp: 64}
regions: {food: {mlp: {add: 16}}}
preset: {name: residual, p_cr: 0.1}
train: {steps: 4, batch: 4, lr: 0.003}
twins: [plain]
relearn: {documents: 4, steps: 1, batch: 4, every: 1, lr: [0.001]}
prompts: ["a \\e[31mthing"]
""")
def tensors(path, header):
    text = json.dumps(header).encode()
    open(sys.argv[1] + path, "wb").write(struct.pack("<Q", len(text)) + text)
empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
tensors("/names.safetensors", {"a" + attack: empty, "b\nforged": empty, "__metadata__": {"k" + attack: "v" + attack}})
tensors("/types.safetensors", {"a" + attack: dict(empty, dtype="X\x1b[31m")})
PYTHON

# What a terminal acts on: none of it, but for what the command draws itself.
harmless() {
    python3 - "$@" <<'PYTHON'
import re, sys
data = open(sys.argv[1], "rb").read()
for own in (rb"\r\x1b\[K", rb"\x1b\[(?:[149];)?3[0-9]m", rb"\x1b\[0m", rb"\r\n", rb"\r+\n"):
    data = re.sub(own, b"", data) if len(sys.argv) > 2 else data
text = data.decode("utf-8").replace("\r\n", "\n")
bad = [c for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or 0x202a <= ord(c) <= 0x202e]
if bad: sys.exit(f"{len(bad)} characters steer, first {bad[0]!r} in {text[max(0, text.index(bad[0]) - 40):][:80]!r}")
PYTHON
}

# shows NAME COMMAND ...: whatever it ends with, it says something, and nothing of it steers.
shows() {
    what=$1; shift
    "$@" >"$work/shown" 2>&1
    [ -s "$work/shown" ] || failure "$what says nothing"
    ok "$what: through a pipe" harmless "$work/shown"
    if command -v script >"$work/null"; then
        quoted=$(python3 -c 'import shlex, sys; print(" ".join(map(shlex.quote, sys.argv[1:])))' "$@")
        script -qec "$quoted" /dev/null >"$work/shown" 2>&1 </dev/null
        ok "$what: on a terminal" harmless "$work/shown" own
    fi
}
file=$(printf 'no \033[31msuch\n file \302\233')
shows 'data show' gradroute data show "$esc/r.yaml"
shows 'data show with samples' gradroute data show "$esc/r.yaml" --samples 2
shows check gradroute check "$esc/r.yaml"
shows 'an unknown topic' gradroute check "$esc/r.yaml" --set "labels={food: {is: [\"animal\e[31m\"]}}"
shows train gradroute train "$esc/r.yaml" -o "$esc/run"
shows audit gradroute audit "$esc/r.yaml" -o "$esc/audit"
shows 'eval on a file' gradroute eval "$esc/run" --data "$esc/corpus.jsonl" --label-field topic
shows 'a wrong path' gradroute eval "$esc/run" --data "$file"
shows 'a wrong recipe' gradroute train "$file"
shows 'a wrong option' gradroute train x --threads "$file"
shows 'a wrong command' gradroute "$file"
shows 'tensor names' gradroute inspect "$esc/names.safetensors"
shows 'a type of tensors' gradroute inspect "$esc/types.safetensors"
shows 'a path with escapes' gradroute ablate "$esc/run" --remove food -o "$esc/out$file"
shows 'tokens' gradroute inspect "$esc/run" --dimension 1
ok 'a topic is one line' sh -c '! gradroute data show "$1" | grep "^forged"' sh "$esc/r.yaml"
ok 'a topic is one line in eval' sh -c '! gradroute eval "$1" --data "$2" --label-field topic | grep "^forged"' sh "$esc/run" "$esc/corpus.jsonl"
ok 'a tensor is one line' sh -c '! gradroute inspect "$1" | grep "^forged"' sh "$esc/names.safetensors"
ok 'a prompt in a pipe stays as it is' sh -c 'gradroute generate "$1" --prompt "$2" --tokens 2 | grep -qF "$2"' sh "$esc/run" "$(printf 'a \033[31mthing')"
printf 'gradroute generate "%s" --prompt "a \033[31m thing"' "$esc/run" >"$esc/typed"
script -qec "sh $esc/typed" /dev/null >"$work/shown" 2>&1 </dev/null
ok 'a prompt on a terminal does not' harmless "$work/shown" own
ok 'and is spelt out' grep -q 'x1b.31m thing' "$work/shown"
finish
