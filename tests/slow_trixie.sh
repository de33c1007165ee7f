# Debian 13: gcc 14 and oneDNN 3. Builds with warnings as errors and runs the unit tests in a system of its own below
# build-trixie/, which stays for the next time. Needs root, for chroot; leaves no mounts, since they are in a namespace
# that ends with the script.
root=$PWD/build-trixie/root
mirror=${GRADROUTE_MIRROR:-http://deb.debian.org/debian}
packages=$(tools/setup.sh list | tr ' ' ',')

skip() { echo "$*"; exit 77; }
[ "$(id -u)" = 0 ] || skip 'a chroot needs root'
for program in debootstrap unshare wget; do
    command -v $program >/dev/null || skip "no $program"
done
unshare --mount --pid --fork true 2>/dev/null || skip 'no namespaces for mounts here'

# The system, made once, and anew when other packages are needed.
if [ "$(cat "$root/.packages" 2>/dev/null)" != "$packages" ]; then
    wget -q -T 20 -t 2 --spider "$mirror/dists/trixie/InRelease" || skip "$mirror cannot be reached"
    rm -rf "$root"
    mkdir -p "$root"
    timeout 1800 debootstrap --variant=minbase --include="$packages" trixie "$root" "$mirror" >build-trixie/log 2>&1 ||
        { tail -n 20 build-trixie/log; exit 1; }
    rm -rf "$root"/var/cache/apt/archives/*.deb
    printf '%s' "$packages" >"$root/.packages"
fi

# The sources anew, with their times: what did not change is not compiled again.
rm -rf "$root/src"
mkdir "$root/src"
tar -c --exclude='./build*' --exclude=./runs --exclude=./.git . | tar -x -C "$root/src" || exit 1

# Inside: build, then every unit test.
cat >"$root/inside" <<'INSIDE'
cd /src && export LC_ALL=C || exit 1
tools/configure.sh /build -Dtests=true && ninja -C /build >/build/log 2>&1 || { grep -A 12 'FAILED\|error:' /build/log | head -n 60; exit 1; }
gcc --version | head -n 1
dpkg-query -W libdnnl-dev
. tests/units.inc
units /build ''
INSIDE
timeout -k 10 3600 unshare --mount --pid --fork --kill-child sh -c \
    'mount -t proc proc "$1/proc" && exec chroot "$1" sh /inside' sh "$root"
