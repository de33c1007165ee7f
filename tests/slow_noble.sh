# Ubuntu 24.04: gcc 13 and oneDNN 3.1. Builds with warnings as errors and runs the unit tests in a system of its own below
# build-noble/, which stays for the next time. Needs root and an Ubuntu mirror (GRADROUTE_UBUNTU).
. tests/system.inc
mirror=${GRADROUTE_UBUNTU:-http://archive.ubuntu.com/ubuntu}
system_needs

# Debian has neither the keys of Ubuntu's archive nor, in debootstrap, the name of this release.
keys=ubuntu-keyring_2023.11.28.1_all.deb
if [ ! -e build-noble/keys ]; then
    mkdir -p build-noble
    wget -q -T 20 -t 2 -O build-noble/$keys "$mirror/pool/main/u/ubuntu-keyring/$keys" || skip "$mirror has no $keys"
    echo "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8  build-noble/$keys" | sha256sum -c --quiet || exit 1
    dpkg -x build-noble/$keys build-noble/keys || exit 1
fi
system_make build-noble noble "$mirror" gutsy --components=main,universe \
    --keyring="$PWD/build-noble/keys/usr/share/keyrings/ubuntu-archive-keyring.gpg"
system_units build-noble
