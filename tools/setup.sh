#!/bin/sh
# Installs the Debian packages that a job needs and that are missing: tools/setup.sh build|demo|bench|test|full
# tools/setup.sh list names those that the build and the unit tests need, for set-ups of other kinds.
# Uses apt-get as root or through sudo; where neither works it prints the line to run and fails.
set -eu
build='gcc libc6-dev meson ninja-build pkg-config libdnnl-dev libyaml-dev libjansson-dev libpcre2-dev libonig-dev libutf8proc-dev libssl-dev zlib1g-dev libcurl4-openssl-dev libjs-chart.js'
test="$build wordnet-base libcmocka-dev clang-14 clang-format libclang-rt-14-dev libomp-14-dev git g++ groff-base strace qemu-user locales"
case ${1:-} in
list) echo "$build libcmocka-dev python3"; exit ;;
build) want=$build ;;
demo) want="$build wordnet-base" ;;
bench) want="$build python3-torch python3-numpy libopenblas0-pthread" ;;
test) want=$test ;;
full) want="$test debootstrap gcc-aarch64-linux-gnu libc6-dev-arm64-cross chromium" ;; # other systems, processors, a browser
*) echo "usage: $0 build|demo|bench|test|full|list" >&2; exit 2 ;;
esac
command -v dpkg-query >/dev/null || { echo "This set-up knows Debian; on other systems install: $want" >&2; exit 1; }
missing=
for p in $want; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
line="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then run=
elif command -v sudo >/dev/null; then run=sudo
else
    echo "These packages are missing; as root, run:  $line" >&2
    exit 1
fi
echo "Installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# A fresh machine may have no package lists yet, an old one stale ones: try, refresh, try again.
if ! $run $line >/tmp/gradroute-setup.$$ 2>&1; then
    $run apt-get update >>/tmp/gradroute-setup.$$ 2>&1 || true
    if ! $run $line >>/tmp/gradroute-setup.$$ 2>&1; then
        # Only the corpus can be done without: a small one ships with the project.
        case "$missing" in
        ' wordnet-base') echo "wordnet-base could not be installed; the subset that ships with the project will be used." >&2 ;;
        *) tail -n 20 /tmp/gradroute-setup.$$ >&2; echo "Installation failed; as root, run:  $line" >&2; rm -f /tmp/gradroute-setup.$$; exit 1 ;;
        esac
    fi
fi
rm -f /tmp/gradroute-setup.$$
