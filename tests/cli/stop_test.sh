#!/bin/sh
# stop_test.sh PROGRAM DATA - SIGTERM and SIGINT end a run within 5 seconds, whatever it is doing, with
# exit code 143 and 130 and one line; what was there can be gone on with; a run directory in use is
# refused.
set -eu
mopo=$(realpath "$1")
data=$(realpath "$2")
dir=$(mktemp -d)
pid=
trap 'kill -9 $pid 2> /dev/null || :; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

fail() {
  echo "stop_test: $*"
  cat err
  exit 1
}

# start FILE OPTION...: a run in the background, until FILE is there and a second has passed
start() {
  file=$1
  shift
  "$mopo" train --threads 1 "$@" > out 2> err &
  pid=$!
  tries=0
  until [ -f "$file" ]; do
    tries=$((tries + 1))
    [ $tries -lt 3000 ] || fail "no $file"
    sleep 0.1
  done
  sleep 1
}

# stop SIGNAL CODE WHERE
stop() {
  before=$(date +%s%N)
  kill "-$1" $pid
  code=0
  wait $pid || code=$?
  took=$((($(date +%s%N) - before) / 1000000))
  pid=
  [ $code -eq "$2" ] || fail "$3: exit code $code, want $2"
  [ $took -lt 5000 ] || fail "$3: stopped after $took ms, want less than 5000"
  [ "$(grep -c '^mopo: stopped ' err)" -eq 1 ] || fail "$3: want one line 'mopo: stopped ...'"
  echo "$3: SIG$1, $took ms"
}

base="--data $data --task hopper --members 3 --elites 2"

# shellcheck disable=SC2086 # a list of options
start fit/config.ini $base --out fit
stop TERM 143 'fitting the model'
[ ! -f fit/model.safetensors ] || fail 'that was no fit'

# shellcheck disable=SC2086
start roll/model.safetensors $base --out roll --model-max-epochs 1 --rollout-batch 100000 --rollout-length 50
stop INT 130 'rollouts'
[ -f roll/checkpoint.safetensors ] || fail 'no checkpoint of the rollouts'

# shellcheck disable=SC2086
start learn/checkpoint.safetensors $base --out learn --model-max-epochs 1 --model-hidden 16 --rollout-batch 100 \
  --epochs 1000 --updates-per-epoch 20 --checkpoint-every 1 --eval-episodes 2
code=0
"$mopo" train --resume --out learn 2> second || code=$?
{ [ $code -eq 1 ] && grep -q '^mopo: learn: another process' second; } || fail "a second run: code $code"
stop INT 130 'updates'
start learn/checkpoint.safetensors --resume --out learn
stop TERM 143 'going on'
