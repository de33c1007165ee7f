# The demo, made small, is the same experiment on whatever processor and in whatever precision: as a Haswell that an
# emulator plays, here in float32, with `precision: auto`, and in bfloat16 where the processor has it. Every loss of every
# model, regions on and off, before and after relearning, is within 0.03 nat of each other run's.
. tests/cmd.inc
. tests/emulate.inc

# One key a line, so that a change of the demo that this misses is seen below.
sed -e "s|^\( *wordnet:\) .*|\1 $PWD/recipes/wordnet-subset|" -e '/^ *fallback:/d' \
    -e 's/context: [0-9]*/context: 32/' \
    -e 's/tokenizer: {train: [0-9]*}/tokenizer: {train: 400}/' \
    -e 's/layers: [0-9]*, width: [0-9]*, heads: [0-9]*, mlp: [0-9]*/layers: 2, width: 32, heads: 2, mlp: 64/' \
    -e 's/{residual: {add: [0-9]*}, heads: {add: [0-9]*}, mlp: {add: [0-9]*}}/{residual: {add: 8}, heads: {add: 1}, mlp: {add: 16}}/' \
    -e 's/tokens: [0-9]*k, batch: [0-9]*/tokens: 24k, batch: 8/' \
    -e 's/warmup: [0-9]*/warmup: 20/' \
    -e 's/^relearn: .*/relearn: {documents: 16, steps: 10, lr: [0.001]}/' recipes/demo.yaml >"$work/demo.yaml"
for small in 'context: 32' 'train: 400' 'width: 32' 'add: 8' 'tokens: 24k, batch: 8' 'warmup: 20' 'steps: 10'; do
    ok "the demo with $small" grep -q "$small" "$work/demo.yaml"
done

ok float32 gradroute audit "$work/demo.yaml" -o "$work/float32" --set precision=float32
ok auto gradroute audit "$work/demo.yaml" -o "$work/auto" --set precision=auto
case $(gradroute --version) in
*'instruction set: bf16'* | *'instruction set: amx'*)
    ok bf16 gradroute audit "$work/demo.yaml" -o "$work/bf16" --set precision=bf16 ;;
*) say 'skip bf16: the processor does not have it' ;;
esac
if can_emulate; then
    ok 'an emulator' emulator_open "$work/cage"
    ok 'a copy of the command for it' captive "$(command -v gradroute)" "$work/captive"
    ok 'Haswell: avx2' takes Haswell "$work/captive" avx2
    ok Haswell emulated Haswell "$work/captive" audit "$work/demo.yaml" -o "$work/Haswell"
else
    say 'skip Haswell: no qemu-x86_64, or not on x86-64'
fi

# The largest difference of any loss between any two of the runs, and what the core learned at all: a network that
# learned nothing would agree with everything.
close() {
    python3 - "$work"/float32 "$work"/auto "$work"/bf16 "$work"/Haswell <<'PYTHON'
import json, math, os, sys
losses = {}
for run in sys.argv[1:]:
    if os.path.exists(run + "/result.json"):
        models = json.load(open(run + "/result.json"))["models"]
        losses[os.path.basename(run)] = {
            f"{name}, {key}": value for name, model in models.items() for key, value in model.items()
            if key.split("_")[0] in ("forget", "adjacent", "retain")}
float32 = losses["float32"]
assert len(losses) > 1 and all(run.keys() == float32.keys() for run in losses.values()), "the runs have other losses"
assert len(float32) >= 18 and all(math.isfinite(v) for run in losses.values() for v in run.values()), losses
spread, loss = max((max(run[k] for run in losses.values()) - min(run[k] for run in losses.values()), k) for k in float32)
learned = math.log(400) - float32["plain, retain"]
print(f"{len(float32)} losses of {', '.join(losses)}: at most {spread:.5f} nat apart ({loss}); plain learned {learned:.2f} nat")
sys.exit(not (spread <= 0.03 and learned > 1))
PYTHON
}
ok 'every loss is the same within 0.03 nat' close
cat "$work/out"
finish
