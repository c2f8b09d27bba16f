#!/bin/sh
# abi.sh check|renew LIBRARY [CC] - the binary interface: the functions that the shared library exports
# and the sizes of the header's types, compared with interface.txt. A line that goes or changes breaks
# programs that are built already: then the library's SOVERSION (CMakeLists.txt) has to be another.
# renew: writes interface.txt anew; say in CHANGELOG.md what changed.
set -eu
how=$1
[ -f "$2" ] || { echo "abi: $2: there is no such library" >&2; exit 1; }
library=$2
cc=${3:-cc}
here=$(realpath "$(dirname "$0")")
include=$here/../../include
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

{
  echo '#include <mopo/mopo.h>'
  echo '#include <stdio.h>'
  echo 'int main(void) {'
  # a type that is only named has no size to keep
  sed -n 's/^} \(mopo_[a-z0-9_]*\);.*/  printf("sizeof \1 %zu\\n", sizeof(\1));/p' "$include/mopo/mopo.h"
  echo '  return 0; }'
} > "$dir/sizes.c"
"$cc" -I "$include" "$dir/sizes.c" -o "$dir/sizes"
{
  echo "soname $(objdump -p "$library" | awk '$1 == "SONAME" { print $2 }')"
  # the linker's own marks begin with an underscore; sanitizers export theirs
  nm -D --defined-only "$library" | awk '$3 ~ /^mopo_/ { print "function", $3 }' | LC_ALL=C sort
  "$dir/sizes" | LC_ALL=C sort
} > "$dir/interface.txt"

if [ "$how" = renew ]; then
  cp "$dir/interface.txt" "$here/interface.txt"
  exit
fi
nm -D --defined-only "$library" |
  awk '$3 !~ /^(mopo_|_|__)/ { print "abi: exported without the prefix:", $3; bad = 1 } END { exit bad }'
diff -u "$here/interface.txt" "$dir/interface.txt" ||
  { echo "abi: the interface is another; if that was meant: tests/abi/abi.sh renew $library"; exit 1; }
