#!/bin/sh
# analyse.sh [TOOL ...] - what reads or watches the code for mistakes, every tool or those named:
#   cppcheck   reads the sources
#   tsan       watches the threads of the pool, in its tests
# A finding fails; a tool that is not installed is said and passed over. Sanitizers of addresses and
# undefined behaviour are `make asan`.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- cppcheck tsan
failed=

# vec.h sets the elements of a vector one by one, which cppcheck takes for an array never set.
cppcheck_all() {
  command -v cppcheck > /dev/null || { echo "no cppcheck here, passed over" >&2; return 0; }
  cppcheck --quiet --enable=warning,portability,performance --std=c11 --error-exitcode=1 \
    -j "$(nproc)" --suppress=uninitvar:src/nn/vec.h -I include -I src -D_GNU_SOURCE \
    -DMOPO_HAVE_MUJOCO src
}

# By setarch, because ThreadSanitizer wants its memory where newer kernels put other things.
tsan_all() {
  dir=$(mktemp -d)
  gcc -O1 -g -fsanitize=thread -D_GNU_SOURCE -Iinclude -Isrc -Itests src/base/par.c \
    src/base/error.c tests/base/test_par.c -lcmocka -lpthread -o "$dir/par" &&
    TSAN_OPTIONS=halt_on_error=1 setarch -R "$dir/par" > "$dir/log" 2>&1 || { cat "$dir/log"; rm -r "$dir"; return 1; }
  rm -r "$dir"
}

for tool; do
  echo "== $tool"
  case $tool in
  cppcheck | tsan)
    if "${tool}_all"; then echo "$tool: no findings"; else failed="$failed $tool"; fi ;;
  *) echo "analyse.sh: '$tool', want cppcheck or tsan" >&2; exit 2 ;;
  esac
done
[ -z "$failed" ] || { echo "analyse.sh: findings of$failed" >&2; exit 1; }
