#!/bin/sh
# soak.sh PROGRAM SECONDS - trains that long and looks at the process a hundred times: after the first fifth, its
# memory must not grow by more than 1 %, open files not at all. Its memory is what is its own, resident or swapped out: of the
# pages of files, its code, the system keeps in memory what it likes.
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
own=0 files=1000 most_own=0 last_files=1000
for look in $(seq 100); do
  sleep "$(awk "BEGIN { print $seconds / 100 }")"
  kill -0 $pid || { cat "$dir/err"; exit 1; }
  kb=$(awk '/^(RssAnon|RssShmem|VmSwap)/ { n += $2 } END { print n }' /proc/$pid/status)
  fds=$(find /proc/$pid/fd -type l | wc -l)
  if [ "$look" -le 20 ]; then
    [ "$kb" -le $own ] || own=$kb
    [ "$fds" -ge $files ] || files=$fds
  fi
  [ "$kb" -le $most_own ] || most_own=$kb
  [ "$look" -le 80 ] || [ "$fds" -ge $last_files ] || last_files=$fds
done
epochs=$(($(wc -l < "$dir/run/progress.csv") - 1))
echo "soak: $seconds s, $epochs epochs: own memory $own kB after a fifth, $most_own kB at most after it;" \
  "open files $files, then $last_files"
[ $((most_own * 100)) -le $((own * 101)) ] && [ "$last_files" -le "$files" ]
