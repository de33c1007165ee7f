# What single tokens teach goes to one residual dimension; which tokens it then stands for.
. tests/cmd.inc
cat >"$work/steering.yaml" <<'YAML'
seed: 3
data: {jsonl: corpus.jsonl, label: topic, context: 32, validation: 0.1, tokenizer: {train: 400}}
labels: {north: {tokens: [" north"]}}
model: {arch: llama, layers: 4, width: 32, heads: 2, mlp: 64, tied: false}
routes:
  - {label: north, activation: {"tap:layers.{0..3}.stream[1:]": 0, "tap:layers.{0..3}.attn.stream[1:]": 0}}
train: {steps: 300, batch: 8, lr: 0.005, warmup: 10}
YAML
t=$work/steering.yaml
ok 'train' gradroute train "$t" -o "$work/routed"
ok 'train without the route' gradroute train "$t" -o "$work/plain" --set 'routes=[]'
json 'inspect --dimension' gradroute inspect "$work/routed" --dimension 0 --top 5 --json
rank() { # of " north" in dimension 0
    gradroute inspect "$1" --dimension 0 --top 400 --json | python3 -c 'import json, sys
tokens = json.load(sys.stdin)["tokens"]
cosines = [abs(t["cosine"]) for t in tokens]
assert cosines == sorted(cosines, reverse=True)
print([t["token"] for t in tokens].index(" north") + 1)'
}
say "# rank of the token: routed $(rank "$work/routed"), plain $(rank "$work/plain")"
first() { [ "$(rank "$work/routed")" -le 10 ] && [ "$(rank "$work/plain")" -gt 10 ]; }
ok 'the token is among the first of its dimension, and only by the route' first
fails 0 '" north"' 'inspect --dimension for people' gradroute inspect "$work/routed" --dimension 0
fails 2 'no residual dimension 32' 'a dimension that is not there' gradroute inspect "$work/routed" --dimension 32
fails 2 'no token " nrth"' 'a token that is not there' gradroute check "$t" --set 'labels.north.tokens=[" nrth"]'
finish
