#!/bin/sh
# valgrind.sh PROGRAM - runs the program, made shorter by nothing, where every read and write is
# watched. 77: there is no valgrind that knows this machine's instructions, or a sanitizer is in it.
set -eu
nm "$1" | grep -q '__[at]san_init' && exit 77
log=$(mktemp)
trap 'rm -f "$log"' EXIT
code=0
valgrind --quiet --error-exitcode=9 --leak-check=full "$1" > "$log" 2>&1 || code=$?
grep -q 'unhandled instruction\|Illegal opcode' "$log" && exit 77
[ $code -eq 0 ] || { tail -30 "$log"; exit 1; }
