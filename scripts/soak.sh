#!/bin/sh
# soak.sh PROGRAM SECONDS - trains that long and looks at the process a hundred times: after the first fifth,
# resident memory must not grow by more than 1 %, open files not at all.
set -eu
program=$(realpath "$1")
seconds=$2
data=$(realpath "$(dirname "$0")/../data/hopper-medium-replay-sample.hdf5")
dir=$(mktemp -d)
trap 'kill $pid; wait $pid || :; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
"$program" train --data "$data" --task hopper --out "$dir/run" --epochs 100000 --updates-per-epoch 1000 \
  --batch-size 64 --hidden 32 --members 3 --elites 2 --model-hidden 32 --model-layers 2 --model-max-epochs 2 \
  --rollout-batch 2000 --rollout-length 3 --rollout-keep 2 --eval-episodes 2 --checkpoint-every 1 --threads 1 \
  --quiet 2> "$dir/err" &
pid=$!
until [ -f "$dir/run/checkpoint.safetensors" ]; do sleep 1; done

# Of open files the fewest in a fifth count: while one is written there is one more.
resident=0 files=1000 most_resident=0 last_files=1000
for look in $(seq 100); do
  sleep "$(awk "BEGIN { print $seconds / 100 }")"
  kill -0 $pid || { cat "$dir/err"; exit 1; }
  kb=$(awk '/^VmRSS/ { print $2 }' /proc/$pid/status)
  fds=$(find /proc/$pid/fd -type l | wc -l)
  if [ "$look" -le 20 ]; then
    [ "$kb" -le $resident ] || resident=$kb
    [ "$fds" -ge $files ] || files=$fds
  fi
  [ "$kb" -le $most_resident ] || most_resident=$kb
  [ "$look" -le 80 ] || [ "$fds" -ge $last_files ] || last_files=$fds
done
epochs=$(($(wc -l < "$dir/run/progress.csv") - 1))
echo "soak: $seconds s, $epochs epochs: resident $resident kB after a fifth, $most_resident kB at most after it;" \
  "open files $files, then $last_files"
[ $((most_resident * 100)) -le $((resident * 101)) ] && [ "$last_files" -le "$files" ]
