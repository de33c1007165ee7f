# Train, resume, generate and audit on processors that this machine does not have.
. tests/cmd.inc
. tests/emulate.inc

if ! can_emulate; then
    say 'skip processors: no qemu-x86_64, or not on x86-64'
    finish
    exit
fi
ok 'an emulator' emulator_open "$work/cage"
ok 'a copy of the command for it' captive "$(command -v gradroute)" "$work/captive"
fails 127 'not found' 'which this machine cannot start' sh -c "'$work/captive' --version"

# Smaller still than the others' recipe: emulated, a plain x86-64 multiplies in plain loops.
sed -i 100q "$work/corpus.jsonl"
small='--set data.context=16 --set model.layers=1 --set train.batch=2 --set train.steps=4 --set train.checkpoint=2'

# From here on the command is the emulated one, for the helpers too.
gradroute() { emulated "$processor" "$work/captive" "$@"; }

# The type of processor, and the instruction set that is to be taken there. A type without LZCNT (abm), which vector code
# for AVX2 may use, is not enough for it; a plain x86-64 has no SSE4.1.
while read -r processor isa; do
    run=$work/$processor
    ok "$processor has no AVX-512" has_no_avx512 "$processor"
    ok "$processor: $isa" takes "$processor" "$work/captive" "$isa"
    [ "$processor" != Haswell,-abm ] || continue
    ok "$processor: train" gradroute train "$work/tiny.yaml" -o "$run" $small
    cp -r "$run" "$run-whole"
    rm -r "$run/done.json" "$run/model" "$(ls "$run"/checkpoints/*.safetensors | tail -n 1)"
    ok "$processor: resume" gradroute train "$work/tiny.yaml" -o "$run" $small --resume
    ok "$processor: the same bits" same_run "$run" "$run-whole"
    ok "$processor: generate" gradroute generate "$run/model" --prompt 'a small' --tokens 4
    json "$processor: audit" gradroute audit "$work/tiny.yaml" -o "$run-audit" $small --set relearn.steps=2 --json
done <<'TYPES'
Haswell avx2
qemu64 base
EPYC avx2
Haswell,-abm base
TYPES
finish
