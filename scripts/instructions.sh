#!/bin/sh
# instructions.sh BUILD [--write] - counts the instructions of a fixed piece of work under callgrind
# and compares them with bench/instructions.txt: a number that no busy neighbour can change. More than
# 3 % above fails. --write: keeps the new number.
set -eu
cd "$(dirname "$0")/.."
work=$1/tests/fixed_work
kept=bench/instructions.txt
# the kernels that valgrind's processor runs: fewer than this machine's, perhaps
name=$(valgrind -q --tool=none "$1/mopo" --version | sed 's/.*, \([a-z0-9]*\) kernels.*/\1/')
count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work" "$1" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
now=$(($(count 3) - $(count 1)))
if [ "${2:-}" = --write ]; then
  echo "$name $now" > $kept
  exit 0
fi
was=$(sed -n "s/^$name //p" $kept)
if [ -z "$was" ]; then
  echo "instructions: $now with $name kernels; nothing to compare with"
  exit 0
fi
echo "instructions: $now, kept $was ($name): $((now * 1000 / was)) per mille"
[ $((now * 100)) -le $((was * 103)) ] || {
  echo "instructions.sh: more than 3 % above bench/instructions.txt; if that is meant, --write" >&2
  exit 1
}
