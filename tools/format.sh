#!/bin/sh
# Checks that every C file is formatted as .clang-format says; `tools/format.sh -i` formats. Comments stay as they are
# written, for many hold examples, tables and lists; none is wider than the code may be.
cd "$(dirname "$0")/.." || exit 1
files=$(ls include/gradroute/*.h $(find src -name '*.[ch]') cli/*.[ch] tests/*.[ch] fuzz/*.[ch] bench/*.[ch] examples/*.c 2>/dev/null)
if [ "${1:-}" = -i ]; then exec clang-format -i $files; fi
clang-format --dry-run -Werror $files || exit 1
! grep -nE '^.{121}' $files /dev/null | sed 's/^\([^:]*:[0-9]*\):.*/\1: longer than 120 columns/' | grep .
