#!/bin/sh
# torture.sh PROGRAM [KILLS] - kills a short run with SIGKILL at random moments (fitting, rollouts,
# updates, evaluation, writing a checkpoint), goes on each time, and compares what it ends with with the
# uninterrupted run, byte for byte. Counts kills, not runs; default 20.
set -eu
program=$(realpath "$1")
kills=${2:-20}
data=$(realpath "$(dirname "$0")/../data/hopper-medium-replay-sample.hdf5")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
cd "$dir"

options="--data $data --task hopper --epochs 6 --updates-per-epoch 40 --batch-size 64 --hidden 64
--members 3 --elites 2 --model-hidden 32 --model-layers 2 --model-max-epochs 1 --rollout-batch 1000
--rollout-length 3 --rollout-keep 2 --eval-episodes 2 --checkpoint-every 1 --threads 2 --quiet"

# progress.csv without its two columns of times
untimed() { cut -d, -f 1,2,4-22 "$1/progress.csv"; }

begin=$(date +%s%N)
# shellcheck disable=SC2086 # a list of options
"$program" train --out whole $options > /dev/null
milliseconds=$((($(date +%s%N) - begin) / 1000000))
untimed whole > whole.csv

killed=0
runs=0
seed=1
while [ $killed -lt "$kills" ]; do
  rm -rf cut
  resume=
  while :; do
    # shellcheck disable=SC2086
    "$program" train --out cut $options $resume > /dev/null 2> cut.err &
    pid=$!
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    sleep "$(awk "BEGIN { print $milliseconds * ($seed % 1000) / 1000 / 1000 }")"
    kill -9 $pid 2> kill.err && killed=$((killed + 1))
    status=0
    { wait $pid; } 2> wait.err || status=$?
    [ $status -ne 0 ] || break
    [ $status -eq 137 ] || { cat cut.err >&2; exit 1; }
    resume=
    [ ! -f cut/config.ini ] || resume=--resume
  done
  runs=$((runs + 1))
  untimed cut > cut.csv
  for file in policy model; do cmp "whole/$file.safetensors" "cut/$file.safetensors"; done
  cmp whole.csv cut.csv
done
echo "torture: $killed kills in $runs runs, every run ended with the bytes of the uninterrupted one"
