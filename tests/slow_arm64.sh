# 64-bit Arm: built with Debian's cross compiler and its arm64 libraries below build-arm64/, which stays for the next
# time; unit tests under qemu-user. Without SVE, which the emulator would offer, as on most such machines. Left out, so
# that it takes minutes: tests named *_large; refused memory and segments that are computed again, where an emulator
# shows the same as this machine.
. tests/units.inc

skip() { echo "$*"; exit 77; }
for program in aarch64-linux-gnu-gcc qemu-aarch64 apt-get dpkg; do
    command -v $program >/dev/null || skip "no $program"
done
tools/arm64.sh build-arm64 || skip 'no arm64 packages'
tools/configure.sh build-arm64/build --cross-file build-arm64/cross.ini -Dtests=true || exit 1
ninja -C build-arm64/build >build-arm64/log 2>&1 || { grep -A 12 'FAILED\|error:' build-arm64/log | head -n 60; exit 1; }

arm64="qemu-aarch64 -L $PWD/build-arm64/sysroot -cpu cortex-a72"
$arm64 build-arm64/build/gradroute --version || exit 1
export GRADROUTE_SKIP='*_large'
units build-arm64/build 'test_memory test_recompute double_recompute' $arm64
