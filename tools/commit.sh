#!/bin/sh
# Prints the commit of the sources, with -dirty where files were changed since. Fails where the folder is not the top of a
# repository: a copy of the sources in somebody else's is not of that one's commits.
cd "$(dirname "$0")/.." || exit 1
GIT_OPTIONAL_LOCKS=0
export GIT_OPTIONAL_LOCKS
[ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ] || exit 1
git describe --always --dirty --abbrev=40 --exclude='*'
