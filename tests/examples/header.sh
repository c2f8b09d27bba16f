#!/bin/sh
# header.sh ROOT CC - mopo.h is clean where every warning is on, alone and in C++; it is short; and the
# part that learns in from_memory.c is, too. Between its two markers it is plain declarations: what
# reads headers without a preprocessor (a Python door) can read it.
set -eu
root=$1
cc=$2
header=$root/include/mopo/mopo.h
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() { echo "header: $*" >&2; exit 1; }

echo '#include <mopo/mopo.h>' > "$dir/x.c"
"$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$root/include" -fsyntax-only "$dir/x.c"
cxx=$(command -v c++ || command -v g++ || command -v clang++ || true)
if [ -n "$cxx" ]; then
  echo '#include <mopo/mopo.h>
int main() { return mopo_version() == nullptr; }' > "$dir/x.cpp"
  "$cxx" -std=c++17 -Wall -Wextra -Wpedantic -Werror -I "$root/include" -fsyntax-only "$dir/x.cpp"
fi

lines=$(wc -l < "$header")
[ "$lines" -le 800 ] || fail "$lines lines, want at most 800"

sed -n '/^\/\* === declarations/,/^\/\* === end/p' "$header" > "$dir/plain.h"
[ -s "$dir/plain.h" ] || fail 'no declarations between the markers'
grep -n '^ *#\|static inline' "$dir/plain.h" && fail 'between the markers are plain declarations only'

for example in "$root"/examples/*.c; do
  "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$root/include" -fsyntax-only "$example"
done
learning=$(sed -n '/^static mopo_status learn(/,/^}/p' "$root/examples/from_memory.c" | wc -l)
[ "$learning" -gt 10 ] && [ "$learning" -lt 40 ] || fail "from_memory.c learns in $learning lines, want less than 40"
