# The unit tests on processors that this machine does not have. Left out: the double library, which has no code for
# instruction sets.
. tests/emulate.inc
. tests/units.inc
can_emulate || { echo 'no qemu-x86_64, or not on x86-64'; exit 77; }

work=$(mktemp -d "${TMPDIR:-/tmp}/gradroute-processors.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
emulator_open "$work/cage" || exit 1

# Copies of the test programs, and of the command, which says what it took.
built=$(dirname "$(command -v gradroute)")
mkdir "$work/captives"
for program in gradroute $(basename -s .c tests/test_*.c); do
    captive "$built/$program" "$work/captives/$program" || exit 1
done

left_out=$(basename -s .c tests/double_*.c)
failed=0
while read -r processor isa; do
    echo "$processor"
    has_no_avx512 "$processor" || { echo "not ok $processor has AVX-512"; failed=1; }
    takes "$processor" "$work/captives/gradroute" "$isa" || { echo "not ok $processor: not $isa"; failed=1; }
    units "$work/captives" "$(echo $left_out)" qemu-x86_64 -L "$work/cage/root" -cpu "$processor" || failed=1
done <<'TYPES'
Haswell avx2
qemu64 base
EPYC avx2
TYPES
exit $failed
