# The unit tests on processors that this machine does not have: all that vector code or oneDNN may change as a Haswell,
# and those of every kernel, product and operation as two more. Left out, so that it takes minutes: the double library,
# which has no code for instruction sets; tests named *_large; refused memory and segments that are computed again, where
# an emulator shows the same as this machine; and as the second and third processor whatever is built from operations.
. tests/emulate.inc
. tests/units.inc
can_emulate || { echo 'no qemu-x86_64, or not on x86-64'; exit 77; }

work=$(mktemp -d "${TMPDIR:-/tmp}/gradroute-processors.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
emulator_open "$work/cage" || exit 1
export GRADROUTE_SKIP='*_large'

# Copies of the test programs, and of the command, which says what it took.
built=$(dirname "$(command -v gradroute)")
mkdir "$work/captives"
for program in gradroute $(basename -s .c tests/test_*.c); do
    captive "$built/$program" "$work/captives/$program" || exit 1
done

doubles=$(basename -s .c tests/double_*.c)
kernels='test_attention|test_engine|test_gemm|test_gemv|test_half|test_kernel|test_ops|test_optim|test_reference'
others=$(basename -s .c tests/test_*.c | grep -vxE "$kernels")
failed=0
while read -r processor isa which; do
    echo "$processor"
    case $which in
    all) left_out="$doubles test_memory test_recompute" ;;
    kernels) left_out="$doubles $others" ;;
    esac
    has_no_avx512 "$processor" || { echo "not ok $processor has AVX-512"; failed=1; }
    takes "$processor" "$work/captives/gradroute" "$isa" || { echo "not ok $processor: not $isa"; failed=1; }
    units "$work/captives" "$(echo $left_out)" qemu-x86_64 -L "$work/cage/root" -cpu "$processor" || failed=1
done <<'TYPES'
Haswell avx2 all
qemu64 base kernels
EPYC avx2 kernels
TYPES
exit $failed
