#!/bin/sh
# Builds and runs the tests, counts every single one, and ends with `N passed, N failed, N skipped`.
#   tools/run-tests.sh quick   unit and command tests, plain and under address and undefined-behaviour sanitizers
#   tools/run-tests.sh full    also tests named slow_*, all of the unit tests under sanitizers, the fuzz targets for longer,
#                              and deliberate faults
cd "$(dirname "$0")/.." || exit 1
mode=${1:-quick}
jobs=$(nproc)
log=build-test/log
passed=0 failed=0 skipped=0
start=$(date +%s)
part=$start

note() { printf '%s\n' "$*"; }

# minutes SECOND: since that second.
minutes() { awk -v seconds=$(($(date +%s) - $1)) 'BEGIN { printf "%.1f minutes", seconds / 60 }'; }

# part_ends NAME: says how long what ran since the last call took.
part_ends() { note "        $1 took $(minutes "$part")"; part=$(date +%s); }

# One check that is not a cmocka group: a name and a command.
check() {
    name=$1; shift
    if "$@" >"$log/out" 2>&1; then passed=$((passed + 1)); note "ok      $name"
    else failed=$((failed + 1)); note "FAILED  $name"; tail -n 40 "$log/out"; fi
}

# A script that may take long; it exits with 77 where it lacks something that it cannot make, and says `skip` and why
# where it can do a part without.
slow() {
    begin=$(date +%s)
    env PATH="$PWD/build-test:$PATH" sh "$1" >"$log/out" 2>&1
    case $? in
    0) passed=$((passed + 1)); note "ok      $1, $(minutes "$begin")" ;;
    77) skipped=$((skipped + 1)); note "skip    $1: $(tail -n 1 "$log/out")" ;;
    *) failed=$((failed + 1)); note "FAILED  $1, $(minutes "$begin")"; grep -v '^ok ' "$log/out" | tail -n 60 ;;
    esac
    skipped=$((skipped + $(grep -c '^skip ' "$log/out")))
    sed -n 's/^skip /skip    of it: /p' "$log/out"
}

# Those that take longest begin first: one that began last would be waited for with the other cores idle.
longest='build-asan-test_recompute-native build-asan-test_attention-native build-asan-test_memory-native
    cmd_experiment cmd_shipped cmd_plan cmd_audit cmd_endings cmd_tune cmd_install cmd_exchange cmd_reproduce'
longest_first() {
    awk -v longest="$longest" '
        BEGIN { n = split(longest, names); for (i = 1; i <= n; i++) rank[names[i]] = i }
        { print ($1 in rank ? rank[$1] : n + 1), $0 }' | sort -s -n -k 1,1 | cut -d ' ' -f 2-
}

# Runs commands, one a line with a name before it, as many at once as there are cores; what each printed, how it ended
# and its seconds are kept under its name.
at_once() {
    longest_first | xargs -P "$jobs" -L 1 sh -c 'log=$1 name=$2 begin=$(date +%s); shift 2
        "$@" >"$log/$name.out" 2>"$log/$name.err"
        echo $? >"$log/$name.status"
        echo $(($(date +%s) - begin)) >"$log/$name.seconds"' sh "$log"
}

# Counts what a test program printed in TAP; one that died before its end counts as a failure.
group() {
    label=$1 out=$log/$2.out err=$log/$2.err status=$(cat "$log/$2.status")
    s=$(grep -c '^ok .*# SKIP\|^not ok .*# SKIP' "$out")
    p=$(($(grep -c '^ok ' "$out") - $(grep -c '^ok .*# SKIP' "$out")))
    f=$(($(grep -c '^not ok ' "$out") - $(grep -c '^not ok .*# SKIP' "$out")))
    planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$out" | head -n 1)
    if [ "$f" = 0 ] && { [ "$status" != 0 ] || [ -z "$planned" ] || [ $((p + s)) -lt "${planned:-1}" ]; }; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" != 0 ]; then note "FAILED  $label (exit $status)"; grep -v '^ok ' "$out" | tail -n 40; tail -n 60 "$err"
    else note "ok      $label: $p passed, $s skipped, $(cat "$log/$2.seconds") s"; fi
}

# Names of the test programs that run from a build folder.
programs_of() {
    for source in tests/double_*.c tests/test_*.c; do
        name=$(basename "$source" .c)
        # Sanitizers slow the checks of gradients most, and say of the same operations no more than the float tests.
        case $1-$mode-$name in build-asan-quick-double_*) continue ;; esac
        echo "$name"
    done
}

# Test programs, one a line: its name, build folder and instruction set (native: what the processor has).
programs() {
    for build in build-test build-asan; do
        for name in $(programs_of $build); do
            [ -x "$build/$name" ] && echo "$name $build native"
        done
    done
    # test_attention takes the kernels of every set by itself.
    for isa in base avx2 avx512 bf16; do
        for name in test_kernel test_engine test_half test_gemm test_reference; do
            [ -x "build-test/$name" ] && echo "$name build-test $isa"
        done
    done
}

mkdir -p "$log/bin"
# Scripts start python thousands of times, and what chooses among versions of it may take longer than they do: it
# chooses once.
printf '#!/bin/sh\nexec "%s" "$@"\n' "$(python3 -c 'import sys; print(sys.executable)')" >"$log/bin/python3"
chmod +x "$log/bin/python3"
export PATH="$PWD/$log/bin:$PATH"
check layers tools/layers.py
check identifiers tools/identifiers.py
check names tools/names.py
check format tools/format.sh
check 'lines of documents' tools/wrap.py
check 'how code reads' tools/readable.py
check 'places of deliberate faults' tools/mutants.py --check
tools/configure.sh build-test -Dtests=true || exit 1
# gcc warns falsely about formats when it instruments: warnings are errors in the other build.
tools/configure.sh build-asan -Dtests=true -Dwerror=false -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 || exit 1
check 'build' ninja -C build-test -j "$jobs"
check 'layers of what is linked' tools/layers.py build-test
check 'instructions of what starts everywhere' tools/instructions.py build-test
check 'build with sanitizers' ninja -C build-asan -j "$jobs" $(programs_of build-asan)
part_ends 'building'
# Threads that spin at barriers would fight over the cores with each other and with whatever else runs.
export OMP_WAIT_POLICY=passive
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
export LSAN_OPTIONS=suppressions=tools/lsan.supp:print_suppressions=0
export CMOCKA_MESSAGE_OUTPUT=TAP
programs >"$log/programs"
# In the quick run sanitizers see fewer refused allocations of each call, and no tests named *_large.
set_of() {
    if [ "$mode" = full ]; then echo GRADROUTE_REFUSALS=120
    elif [ "$1" = build-asan ]; then echo "GRADROUTE_SKIP=*_large"
    fi
}
while read -r name build isa; do
    echo "$build-$name-$isa env GRADROUTE_ISA=$(echo "$isa" | sed 's/native//') $(set_of "$build") $build/$name"
done <"$log/programs" | at_once
while read -r name build isa; do
    group "$build/$name$(echo " ($isa)" | sed 's/ (native)//')" "$build-$name-$isa"
done <"$log/programs"
part_ends 'unit tests'
# Each command test has a folder of its own and wants one core most of the time.
for script in tests/cmd_*.sh; do
    echo "$(basename "$script" .sh) env OMP_NUM_THREADS=1 sh $script"
done | PATH="$PWD/build-test:$PATH" at_once
for script in tests/cmd_*.sh; do
    name=$(basename "$script" .sh)
    out=$log/$name.out
    p=$(grep -c '^ok ' "$out") f=$(grep -c '^not ok ' "$out") s=$(grep -c '^skip ' "$out")
    grep -q '^done$' "$out" || f=$((f + 1))
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" = 0 ]; then note "ok      $script: $p passed, $s skipped, $(cat "$log/$name.seconds") s"
    else note "FAILED  $script"; grep -v '^ok ' "$out" | tail -n 60; tail -n 20 "$log/$name.err"; fi
done
part_ends 'command tests'
# Coverage-guided mutations of every file format and of recipes, seeded by nothing: short here, longer in full.
seconds=3; [ "$mode" = full ] && seconds=60
# meson looks for ccache only where nobody names a compiler.
clang="$(command -v ccache) clang-14"
CC="${clang# }" tools/configure.sh build-fuzz -Dfuzz=true -Dwerror=false -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 || exit 1
check 'build fuzz targets' ninja -C build-fuzz -j "$jobs" $(for f in fuzz/*.c; do basename "$f" .c; done)
for source in fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    echo "$name env OMP_NUM_THREADS=1 build-fuzz/$name -max_total_time=$seconds -max_len=4096 -artifact_prefix=build-fuzz/"
done | at_once
for source in fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    check "$name, $seconds s" sh -c "cat $log/$name.err; exit $(cat "$log/$name.status")"
done
part_ends 'fuzzing'
if [ "$mode" = full ]; then
    check 'deliberate faults' tools/mutants.py
    part_ends 'deliberate faults'
    for script in tests/slow_*.sh; do
        [ -e "$script" ] && slow "$script"
    done
    part_ends 'slow tests'
fi
note "$(minutes "$start") in all"
note "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
