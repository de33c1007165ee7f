# Threads that meet in memory without an order: the tests in double, where every loop is ours and instrumented, under clang's thread
# sanitizer with three threads. Archer tells it what OpenMP orders; a loop that does race proves first that it would be seen.
export OMP_NUM_THREADS=3 OMP_WAIT_POLICY=passive CMOCKA_MESSAGE_OUTPUT=TAP
archer=$(find /usr/lib/llvm-14 -name libarcher.so 2>/dev/null | head -n 1)
[ -n "$archer" ] && command -v clang-14 >/dev/null || { echo 'clang-14 with libarcher.so (libomp-14-dev) is not installed'; exit 77; }
export OMP_TOOL_LIBRARIES="$archer" TSAN_OPTIONS='ignore_noninstrumented_modules=1 exitcode=66'
work=$(mktemp -d "${TMPDIR:-/tmp}/gradroute-threads.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# The probe: every thread adds to one number.
cat >"$work/race.c" <<'C'
#include <stdio.h>
int main(int argc, char **argv) {
    int sum = 0;
#pragma omp parallel for schedule(static) if (argc < 2)
    for (int i = 0; i < 100000; i++)
        sum += i % 3;
    return printf("%d\n", sum) < 0;
}
C
clang-14 -fopenmp -fsanitize=thread -g -O1 "$work/race.c" -o "$work/race" || exit 1
"$work/race" >"$work/out" 2>&1
[ $? = 66 ] && grep -q 'data race' "$work/out" || { echo 'a loop that races went unseen'; cat "$work/out"; exit 1; }
"$work/race" alone >"$work/out" 2>&1 || { echo 'a loop of one thread is said to race'; cat "$work/out"; exit 1; }

CC=clang-14 tools/configure.sh build-tsan -Dtests=true -Dwerror=false -Db_sanitize=thread -Db_lundef=false -Doptimization=1 || exit 1
names=$(for f in tests/double_*.c; do basename "$f" .c; done)
# shellcheck disable=SC2086
ninja -C build-tsan $names >"$work/out" 2>&1 || { tail -n 40 "$work/out"; exit 1; }
bad=0
for name in $names; do
    build-tsan/"$name" >"$work/out" 2>&1
    status=$?
    if [ "$status" = 0 ] && ! grep -q 'WARNING: ThreadSanitizer' "$work/out"; then echo "ok $name"
    else echo "not ok $name (status $status)"; grep -v '^ok ' "$work/out" | head -n 80; bad=1; fi
done
exit $bad
