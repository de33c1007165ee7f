#!/bin/sh
# Checks that every C file is formatted as .clang-format says; `tools/format.sh -i` formats.
cd "$(dirname "$0")/.." || exit 1
files=$(ls include/gradroute/*.h $(find src -name '*.[ch]') cli/*.[ch] tests/*.[ch] fuzz/*.[ch] bench/*.[ch] examples/*.c 2>/dev/null)
if [ "${1:-}" = -i ]; then exec clang-format -i $files; fi
exec clang-format --dry-run -Werror $files
