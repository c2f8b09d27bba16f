#!/bin/sh
# fuzz.sh [-n EXECUTIONS] [-t SECONDS] [NAME ...] - runs libFuzzer on the targets of tests/fuzz (all
# of them), one after the other, each from its committed corpus until EXECUTIONS (10 million) or
# SECONDS (3600) are over. Prints executions and edges reached; fails at the first finding, which is
# kept in the build directory. Corpora grow in $BUILD/corpus and go on from there the next time.
set -eu
cd "$(dirname "$0")/.."
runs=10000000
seconds=3600
while getopts n:t: option; do
  case $option in
  n) runs=$OPTARG ;;
  t) seconds=$OPTARG ;;
  *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
build=${BUILD:-build-fuzz}
[ $# -gt 0 ] || set -- $(ls tests/fuzz | sed -n 's/^fuzz_\(.*\)\.c$/\1/p')

cmake -S . -B "$build" -DCMAKE_C_COMPILER=clang -DMOPO_FUZZ=ON --log-level=WARNING
cmake --build "$build" -j "$(nproc)" --target $(printf 'fuzz_%s ' "$@") > "$build/make.log" 2>&1 ||
  { tail "$build/make.log" >&2; exit 1; }
build=$(realpath "$build")
root=$PWD
dir=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/mopo.XXXXXX")
trap 'rm -rf "$dir"' EXIT INT TERM
cd "$dir"
for name; do
  mkdir -p "$build/corpus/$name"
  log=$build/fuzz_$name.log
  case $name in
  checkpoint) most=8192 ;;
  tfevents) most=1024 ;; # each byte costs eight steps of a checksum, twice
  *) most=4096 ;;
  esac
  "$build/tests/fuzz/fuzz_$name" -runs="$runs" -max_total_time="$seconds" -max_len=$most \
    -rss_limit_mb=2048 -timeout=120 -print_final_stats=1 -artifact_prefix="$build/$name-" \
    "$build/corpus/$name" "$root/tests/fuzz/corpus/$name" > "$log" 2>&1 ||
    { tail -30 "$log" >&2; exit 1; }
  printf '%-12s %9s executions, %s edges, corpus of %s\n' "$name" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
    "$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -c6-)" "$(ls "$build/corpus/$name" | wc -l)"
done
