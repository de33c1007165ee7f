# Debian 13: gcc 14 and oneDNN 3. Builds with warnings as errors and runs the unit tests in a system of its own below
# build-trixie/, which stays for the next time. Needs root.
. tests/system.inc
mirror=${GRADROUTE_MIRROR:-http://deb.debian.org/debian}
system_needs
system_make build-trixie trixie "$mirror" sid
system_units build-trixie
