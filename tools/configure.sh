#!/bin/sh
# Configures a build folder once, and again when the list of source files has changed: tools/configure.sh FOLDER [MESON OPTIONS]
set -eu
cd "$(dirname "$0")/.."
folder=$1; shift
list=$(for part in src vec experiments recipes page headers cli bench tests_float tests_double; do tools/sources.sh $part; done; ls fuzz/*.c 2>/dev/null || true)
if [ ! -f "$folder/build.ninja" ]; then
    meson setup "$folder" "$@" >"/tmp/gradroute-meson.$$" 2>&1 || { cat "/tmp/gradroute-meson.$$" >&2; rm -f "/tmp/gradroute-meson.$$"; exit 1; }
    rm -f "/tmp/gradroute-meson.$$"
elif [ "$list" != "$(cat "$folder/.sources" 2>/dev/null)" ]; then
    meson setup --reconfigure "$folder" >/dev/null
fi
printf '%s\n' "$list" >"$folder/.sources"
touch "$folder/.ready"
