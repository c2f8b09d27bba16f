#!/bin/sh
# musl.sh [DIR] - everything but the simulator compiles with another C library, musl, without a warning,
# and the kernels linked with it give the same bits. Leaves what it makes in DIR (default: a temporary one).
set -eu
cd "$(dirname "$0")/.."
command -v musl-gcc > /dev/null || { echo "musl.sh: no musl-gcc; apt-get install musl-tools" >&2; exit 77; }
dir=${1:-}
[ -n "$dir" ] || { dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; }

# Headers of other libraries and of the kernel; of the C library's own, musl's only.
own=/usr/include/$(cc -dumpmachine)
mkdir -p "$dir/include"
for header in ini.h jansson.h zlib.h zconf.h muParserDLL.h muParserFixes.h linux asm-generic; do
  ln -sf "/usr/include/$header" "$dir/include/"
done
for header in jansson_config.h asm; do
  [ ! -e "$own/$header" ] || ln -sf "$own/$header" "$dir/include/"
done
[ ! -e /usr/include/jansson_config.h ] || ln -sf /usr/include/jansson_config.h "$dir/include/"
[ ! -e /usr/include/asm ] || ln -sf /usr/include/asm "$dir/include/"
hdf5=$(pkg-config --cflags-only-I hdf5)

flags="-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow -Werror -Isrc -Iinclude"
# shellcheck disable=SC2086 # lists of words
find src -name '*.c' ! -path 'src/sim/*' ! -name 'kernels_avx*' | sort | xargs -n 32 \
  musl-gcc $flags -DMOPO_LIBEXEC='"/usr/libexec/mopo"' -isystem "$dir/include" \
  $(echo "$hdf5" | sed 's/-I/-isystem /g') -fsyntax-only

flags="$flags -O2 -ffp-contract=off"
kernels="tests/nn/kernel_digest.c src/nn/kernels.c src/nn/mlp.c src/nn/kernels_portable.c src/base/*.c"
simd=""
if [ "$(uname -m)" = x86_64 ]; then
  # The wide kernels call no C library: compiled once, linked with both.
  cc $flags -mavx2 -mfma -c -o "$dir/avx2.o" src/nn/kernels_avx2.c
  cc $flags -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma -c -o "$dir/avx512.o" src/nn/kernels_avx512.c
  simd="$dir/avx2.o $dir/avx512.o"
fi
# shellcheck disable=SC2086
musl-gcc $flags -static -o "$dir/musl" $kernels $simd -lm -lpthread
# shellcheck disable=SC2086
cc $flags -o "$dir/here" $kernels $simd -lm -lpthread
"$dir/here" | sort -u > "$dir/here.txt"
"$dir/musl" | sort -u > "$dir/musl.txt"
cmp -s "$dir/here.txt" "$dir/musl.txt" || {
  echo "musl.sh: the bits differ: here $(tr '\n' ' ' < "$dir/here.txt")musl $(cat "$dir/musl.txt")" >&2
  exit 1
}
echo "musl: compiles without a warning, and the same bits as here ($(cat "$dir/musl.txt"))"
