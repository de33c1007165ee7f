#!/bin/sh
# What a build for 64-bit Arm on an x86-64 Debian needs beside gcc-aarch64-linux-gnu and qemu-user: tools/arm64.sh FOLDER
# The arm64 libraries are unpacked in FOLDER/sysroot; FOLDER/cross.ini tells meson. Needs no root and touches nothing of
# the system, whose own -dev packages cannot all be installed beside those for arm64.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "$1"
folder=$(cd "$1" && pwd)
tools=' gcc meson ninja-build pkg-config python3 ' # run here
packages=libgomp1
for p in $(tools/setup.sh list); do
    case $tools in *" $p "*) ;; *) packages="$packages $p" ;; esac
done

# Lists and packages of arm64, as for a system on which nothing is installed yet.
if [ "$(cat "$folder/packages" 2>/dev/null)" != "$packages" ]; then
    rm -rf "$folder/apt" "$folder/sysroot"
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/sysroot"
    : >"$folder/apt/status"
    apt() {
        apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Install-Recommends=0 \
            -o Debug::NoLocking=1 -o Dir::State="$folder/apt" -o Dir::State::status="$folder/apt/status" \
            -o Dir::Cache="$folder/apt" "$@" >"$folder/apt/log" 2>&1 || { tail -n 20 "$folder/apt/log" >&2; exit 1; }
    }
    apt update
    apt install --download-only $packages
    for p in "$folder"/apt/archives/*.deb; do
        dpkg -x "$p" "$folder/sysroot"
    done
    rm -rf "$folder/apt"
    printf '%s' "$packages" >"$folder/packages"
fi

cat >"$folder/cross.ini" <<CROSS
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-gcc-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '$folder/sysroot']

[built-in options]
c_args = ['--sysroot=$folder/sysroot']
c_link_args = ['--sysroot=$folder/sysroot']

[properties]
sys_root = '$folder/sysroot'
pkg_config_libdir = ['$folder/sysroot/usr/lib/aarch64-linux-gnu/pkgconfig', '$folder/sysroot/usr/share/pkgconfig']

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'armv8-a'
endian = 'little'
CROSS
