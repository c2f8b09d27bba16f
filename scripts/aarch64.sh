#!/bin/sh
# aarch64.sh - the kernels on an ARM: cross-compiled, run under qemu-user, and every bit compared with
# this machine's tables. Also looks at the code: a multiply-add must be one instruction, not a call.
set -eu
cd "$(dirname "$0")/.."
cross=${CROSS:-aarch64-linux-gnu-gcc}
for need in "$cross" qemu-aarch64; do
  command -v "$need" >/dev/null || {
    echo "aarch64.sh: no $need; apt-get install gcc-aarch64-linux-gnu qemu-user" >&2
    exit 77
  }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
flags="-std=c11 -O3 -ffp-contract=off -D_GNU_SOURCE -Isrc -Iinclude"
shared="tests/nn/kernel_digest.c src/nn/kernels.c src/nn/mlp.c src/nn/kernels_portable.c src/base/*.c"
$cross $flags -c -o "$dir/portable.o" src/nn/kernels_portable.c
calls=$("${cross%gcc}objdump" -dr "$dir/portable.o" | grep -c 'CALL26.*fma' || true)
[ "$calls" = 0 ] || { echo "aarch64.sh: $calls calls of fmaf in the kernels, want none" >&2; exit 1; }
$cross $flags -static -o "$dir/arm" $shared -lm -lpthread
native=""
if [ "$(uname -m)" = x86_64 ]; then
  cc $flags -mavx2 -mfma -c -o "$dir/avx2.o" src/nn/kernels_avx2.c
  cc $flags -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma -c -o "$dir/avx512.o" src/nn/kernels_avx512.c
  native="$dir/avx2.o $dir/avx512.o"
fi
cc $flags -o "$dir/here" $shared $native -lm -lpthread
"$dir/here" | sort -u > "$dir/here.txt"
qemu-aarch64 "$dir/arm" | sort -u > "$dir/arm.txt"
cmp -s "$dir/here.txt" "$dir/arm.txt" && [ "$(wc -l < "$dir/here.txt")" = 1 ] || {
  echo "aarch64.sh: the bits differ: here $(tr '\n' ' ' < "$dir/here.txt")arm $(cat "$dir/arm.txt")" >&2
  exit 1
}
echo "aarch64: the same bits as here ($(cat "$dir/arm.txt"))"
