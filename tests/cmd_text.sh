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
finish
