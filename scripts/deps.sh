#!/bin/sh
# deps.sh [--list] [PACKAGE ...] - installs what the build needs (Debian, Ubuntu), and PACKAGEs.
# Asks the network for nothing when all of it is there. --list: only prints what is missing.
set -eu

packages="build-essential cmake pkg-config libhdf5-dev libmujoco-dev libinih-dev libjansson-dev
libcmocka-dev libmuparser-dev zlib1g-dev locales"
list=no
if [ "${1:-}" = --list ]; then
  list=yes
  shift
fi
command -v dpkg-query > /dev/null || {
  echo "deps.sh: no dpkg here; want cmake, pkg-config, a C compiler, and the headers of HDF5," \
       "MuJoCo, inih, jansson, muparser, cmocka and zlib" >&2
  exit 1
}

missing=
for p in $packages "$@"; do
  dpkg-query -W -f '${Status}' "$p" 2> /dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if [ $list = yes ]; then
  echo "missing packages: sudo apt-get install$missing"
  exit 0
fi
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends $missing
