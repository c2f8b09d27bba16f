#!/bin/sh
# same_bits.sh PROGRAM... - a small run by each program (builds of different compilers), with 1, 2, 3 and 8
# threads, and stopped and gone on with: progress (times apart), model and policy must be the same bytes.
set -eu
data=$(realpath "$(dirname "$0")/../data/hopper-medium-replay-sample.hdf5")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
options="--data $data --task hopper --epochs 2 --updates-per-epoch 40 --batch-size 48 --hidden 40 --members 3
  --elites 2 --model-hidden 40 --model-layers 2 --model-max-epochs 1 --rollout-batch 300 --rollout-length 2
  --rollout-keep 2 --eval-episodes 2 --quiet"

# progress.csv without its times
untimed() {
  awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) time[i] = $i ~ /second/ }
    { for (i = 1; i <= NF; i++) if (!time[i]) printf "%s,", $i; print "" }' "$1"
}

first=
runs=0
# same DIR: as the first one
same() {
  untimed "$1/progress.csv" > "$1/untimed.csv"
  [ -n "$first" ] || first=$1
  for file in untimed.csv model.safetensors policy.safetensors; do cmp "$first/$file" "$1/$file"; done
  runs=$((runs + 1))
}

for program; do
  for threads in 1 2 3 8; do
    out=$dir/$runs
    # shellcheck disable=SC2086 # a list of options
    "$program" train $options --threads $threads --out "$out" > "$dir/log"
    same "$out"
  done
  out=$dir/cut$runs
  goes_on=
  for delay in 0.3 0.5 0.8 1.2 600; do
    status=0
    # shellcheck disable=SC2086
    timeout -s TERM $delay "$program" train $options $goes_on --threads 2 --out "$out" > "$dir/log" 2> "$dir/err" ||
      status=$?
    [ $status -ne 0 ] || break
    [ $status -eq 124 ] || { cat "$dir/err"; exit 1; }
    [ ! -f "$out/config.ini" ] || goes_on=--resume
  done
  same "$out"
done
echo "same_bits: $runs runs of $# programs, all the same bytes"
