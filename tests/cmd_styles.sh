# Styles of networks from the command: check, train, generate, and a region taken out; what cannot be.
. tests/cmd.inc
t=$work/tiny.yaml region='regions={animals: {heads: {last: 1}, mlp: {last: 16}}}'

fails 2 'kv_heads 4 does not divide heads 6' 'heads of keys that do not divide' gradroute check "$t" --set 'model={heads: 6, width: 48, kv_heads: 4}'
fails 2 'rotary_size is 5' 'an odd number of columns to turn' gradroute check "$t" --set 'model={heads: 4, width: 64, rotary_size: 5}'
fails 2 'model.window' 'a window below 0' gradroute check "$t" --set model.window=-1
fails 2 "did you mean 'gptneo'" 'a style that is misspelt' gradroute check "$t" --set model.arch=gptno

loss() { # NAME WHICH MODEL [OPTION ..]: leaves it in $work/WHICH.loss
    what="eval $1, $2" to=$work/$2.loss model=$work/$3; shift 3
    json "$what" gradroute eval "$model" --data "$work/corpus.jsonl" --json "$@"
    get "$work/last.json" "['all']['loss']" >"$to"
}

ran() { # NAME MODEL: a few steps, the folder knows the network again, and less of it still speaks
    ok "train $1" gradroute train "$t" -o "$work/$1" --set "model=$2" --set "$region" --set train.steps=4 --set 'preset=sgtm'
    json "generate $1" gradroute generate "$work/$1" --prompt 'a small' --off animals --tokens 40 --json
    ok "remove from $1" gradroute ablate "$work/$1" --remove animals --how remove -o "$work/$1-less"
    json "generate without $1" gradroute generate "$work/$1-less" --prompt 'a small' --tokens 40 --json
    loss "$1" on "$1"
    loss "$1" off "$1" --off animals
    loss "$1" gone "$1-less"
    ok "$1 without its region is what it is with the region off" python3 -c 'import sys
on, off, gone = (float(open(sys.argv[1] + "/" + w + ".loss").read()) for w in ("on", "off", "gone"))
assert abs(off - gone) < 1e-5 < abs(on - off), (on, off, gone)' "$work"
}
ran gptneo '{arch: gptneo, layers: 2, width: 32, heads: 4, mlp: 64, window: [0, 6], positions: 80}'
ran nanogpt '{arch: nanogpt, layers: 2, width: 32, heads: 4, kv_heads: 2, mlp: 64, norm_gain: false}'
ran qwen2 '{arch: qwen2, layers: 2, width: 32, heads: 4, kv_heads: 2, mlp: 64}'
ran halves '{arch: llama, layers: 2, width: 32, heads: 4, kv_heads: 2, mlp: 64, rotary_halves: true, rotary_size: 4, window: 9}'
fails 2 'holds another network than qwen2' 'a style with other biases than the model' gradroute check "$t" --set 'model={from: '"$work/halves-less"', arch: qwen2}'
finish
