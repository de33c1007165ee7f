# Train, resume, generate and audit on processors that this machine does not have, emulated by qemu-user. Its emulation
# has no AVX-512 at all, whatever type is asked for.
. tests/cmd.inc

if ! command -v qemu-x86_64 >"$work/null" || [ "$(uname -m)" != x86_64 ]; then
    say 'skip processors: no qemu-x86_64, or not on x86-64'
    finish
    exit
fi

# A program that runs itself again would leave the emulator and prove nothing. So what is emulated is a copy that names a
# loader which only the emulator finds (below -L): this machine cannot start it.
mkdir -p "$work/root/lib64"
cp -L /lib64/ld-linux-x86-64.so.2 "$work/root/lib64/ld-linux-x86-64.so.X"
captive() {
    python3 - "$(command -v "$1")" "$2" <<'PYTHON'
import os, sys
program = open(sys.argv[1], "rb").read()
assert program.count(b"/lib64/ld-linux-x86-64.so.2\0") == 1
open(sys.argv[2], "wb").write(program.replace(b"/lib64/ld-linux-x86-64.so.2\0", b"/lib64/ld-linux-x86-64.so.X\0"))
os.chmod(sys.argv[2], 0o755)
PYTHON
}
ok 'a copy of the command for the emulator' captive gradroute "$work/captive"
fails 127 'not found' 'which this machine cannot start' sh -c "'$work/captive' --version"

# What must die where there is no AVX-512.
printf '%s\n' 'int main(void) { __asm__ volatile("vpxord %zmm0, %zmm0, %zmm0"); return 0; }' >"$work/probe.c"
ok 'a program that needs AVX-512' cc -o "$work/probe" "$work/probe.c"

emulated() { qemu-x86_64 -L "$work/root" -cpu "$type" -E OMP_WAIT_POLICY=passive "$@" 2>"$work/said"; code=$?; grep -v "TCG doesn't support" "$work/said" >&2; return $code; }
# From here on the command is the emulated one, for the helpers too.
gradroute() { emulated "$work/captive" "$@"; }
dies() { "$@"; [ $? = 132 ]; } # 128 + SIGILL
reports() { gradroute --version >"$work/version" && cat "$work/version" && grep -qx "instruction set: $1" "$work/version"; }

# Smaller still than the others' recipe: emulated, a plain x86-64 multiplies in plain loops.
sed -i 100q "$work/corpus.jsonl"
small='--set data.context=16 --set model.layers=1 --set train.batch=2 --set train.steps=4 --set train.checkpoint=2'

# The type of processor, and the instruction set that is to be taken there. A type without LZCNT (abm), which vector code
# for AVX2 may use, is not enough for it; a plain x86-64 has no SSE4.1.
while read -r type isa; do
    run=$work/$type
    ok "$type has no AVX-512" dies emulated "$work/probe"
    ok "$type: $isa" reports "$isa"
    [ "$type" != Haswell,-abm ] || continue
    ok "$type: train" gradroute train "$work/tiny.yaml" -o "$run" $small
    cp -r "$run" "$run-whole"
    rm -r "$run/done.json" "$run/model" "$(ls "$run"/checkpoints/*.safetensors | tail -n 1)"
    ok "$type: resume" gradroute train "$work/tiny.yaml" -o "$run" $small --resume
    ok "$type: the same bits" same_run "$run" "$run-whole"
    ok "$type: generate" gradroute generate "$run/model" --prompt 'a small' --tokens 4
    json "$type: audit" gradroute audit "$work/tiny.yaml" -o "$run-audit" $small --set relearn.steps=2 --json
done <<'TYPES'
Haswell avx2
qemu64 base
EPYC avx2
Haswell,-abm base
TYPES
finish
