#!/bin/sh
# readme.sh PROGRAM SOURCE CC ARCHIVE-LINE... - README's lines of C: compiled as C11 with all warnings, run on a policy,
# and on one that is not there, which they say and survive.
set -eu
mopo=$(realpath "$1")
source=$(realpath "$2")
cc=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
{
  printf '#include <mopo/mopo.h>\n#include <stdio.h>\nint main(void)\n{\n'
  awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' "$source/README.md"
  printf '  printf("%%g\\n", (double)act[0]);\n  return 0;\n}\n'
} > readme.c
[ "$(wc -l < readme.c)" -gt 10 ] || { echo 'README has no lines of C' >&2; exit 1; }
"$cc" -std=c11 -Wall -Wextra -Werror -I "$source/include" readme.c "$@" -o readme
if ./readme 2> err; then echo 'a policy that is not there passes' >&2; exit 1; fi
grep -q 'run/policy.safetensors' err
awk -f "$source/examples/pendulum/log.awk" > log.csv
"$mopo" train --data log.csv --task "$source/examples/pendulum/pendulum.ini" --algo bc --epochs 1 --updates-per-epoch 5 \
  --hidden 8 --ope none --threads 1 --quiet --out run > /dev/null
./readme | awk '{ if ($1 < -2 || $1 > 2) exit 1 }'
