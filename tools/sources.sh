#!/bin/sh
# Lists the source files of one part of the build, so that a new file needs no line in meson.build:
# src (the library), vec (kernels compiled once per instruction set), experiments and page (built into the library), recipes (which
# experiments begin with), headers (public), cli, bench, tests_float, tests_double, fuzz.
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
case $1 in
src) find src -name '*.c' ! -name 'vec_*' | sort ;;
vec) find src/kernel -name 'vec_*.c' | sort ;;
experiments) ls experiments/*.yaml ;;
recipes) ls recipes/*.yaml ;;
page) ls src/report/*.html src/report/*.css src/report/*.js ;;
headers) ls include/gradroute/*.h ;;
cli) ls cli/*.c ;;
bench) ls bench/*.c ;;
tests_float) ls tests/test_*.c 2>/dev/null ;;
tests_double) ls tests/double_*.c 2>/dev/null ;;
fuzz) ls fuzz/*.c 2>/dev/null ;;
*) echo "usage: $0 src|vec|experiments|recipes|page|headers|cli|bench|tests_float|tests_double|fuzz" >&2; exit 2 ;;
esac
exit 0
