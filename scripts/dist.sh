#!/bin/sh
# dist.sh BUILD - the program that is built there (MOPO_BUNDLE=ON), packed as BUILD/mopo-X.Y.Z-linux-CPU.tar.xz,
# with a file that says what it needs; unpacked elsewhere, it must run and read HDF5.
set -eu
build=$(realpath "$1")
cd "$(dirname "$0")/.."
version=$(sed -n 's/^#define MOPO_VERSION "\(.*\)"$/\1/p' include/mopo/mopo.h)
name=mopo-$version-linux-$(uname -m)
dir=$build/$name
rm -rf "$dir"
cmake --install "$build" --component program --strip --prefix "$dir" > /dev/null

# What is asked of the machine: libraries that are not in the directory, and the newest glibc that is named.
parts="$dir/bin/mopo $dir/libexec/mopo/mopo-hdf5 $(ls "$dir"/lib/*.so.*)"
for part in $parts; do
  [ -f "$part" ] || { echo "dist.sh: $part is not installed" >&2; exit 1; }
done
# shellcheck disable=SC2086 # a list of files
glibc=$(objdump -T $parts | grep -o 'GLIBC_2[.0-9]*' | sort -u -V | tail -n 1)
# shellcheck disable=SC2086
needs=$(objdump -p $parts | awk '$1 == "NEEDED" { print $2 }' | sort -u |
  while read -r so; do [ -e "$dir/lib/$so" ] || echo "$so"; done | tr '\n' ' ')
cat > "$dir/README" << END
mopo $version for Linux on $(uname -m). Run bin/mopo; the directory may be anywhere.

It needs glibc ${glibc#GLIBC_} or newer, and of the system the libraries
  $needs
HDF5, libaec, inih, jansson and zlib are linked in. muParser and OpenMP's runtime are in lib.
Their licences are in share/doc/mopo/licenses.
END
tar -C "$build" --sort=name --owner=0 --group=0 --numeric-owner -cJf "$build/$name.tar.xz" "$name"

try=$(mktemp -d)
trap 'rm -rf "$try"' EXIT
tar -C "$try" -xJf "$build/$name.tar.xz"
ldd "$try/$name/bin/mopo" | grep -E 'muparser|gomp' | grep -vF "$try/" >&2 && exit 1
env -i "$try/$name/bin/mopo" --version > /dev/null
env -i "$try/$name/bin/mopo" data info tests/golden/data.hdf5 > /dev/null
echo "$build/$name.tar.xz: $(wc -c < "$build/$name.tar.xz") bytes; needs glibc ${glibc#GLIBC_}, $needs"
