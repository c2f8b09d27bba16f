#!/bin/sh
# disk_test.sh PROGRAM - a full disk and a read-only one (a small tmpfs, so root alone can run this): one
# line, exit code 1, what was whole stays whole, no temporary file stays.
set -eu
mopo=$(realpath "$1")
dir=$(mktemp -d)
disk=$dir/disk
mkdir "$disk"
if [ "$(id -u)" -ne 0 ] || ! mount -t tmpfs -o size=4m tmpfs "$disk" 2> "$dir/why"; then
  rm -rf "$dir"
  echo 'disk_test: skipped: cannot mount a small disk'
  exit 77
fi
pid=
trap 'kill -9 $pid 2> /dev/null || :; umount "$disk"; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

awk 'BEGIN { print "obs_0,obs_1,act_0,reward,episode"
  for (i = 0; i < 200; i++) printf "%g,%g,%g,%g,%d\n", i % 50, i % 7, (i % 3) - 1, i % 5, i / 50 }' > data.csv
options='--data data.csv --task none --epochs 100000 --updates-per-epoch 5 --rollout-batch 50 --rollout-length 2
  --rollout-keep 2 --hidden 16 --model-hidden 16 --model-max-epochs 1 --batch-size 16 --checkpoint-every 1 --quiet
  --threads 1'

fail() {
  echo "disk_test: $*"
  cat err
  exit 1
}

# refused REASON FILE ARGUMENT...: code 1, one line with the reason, no FILE
refused() {
  reason=$1
  file=$2
  shift 2
  code=0
  "$mopo" "$@" > out 2> err || code=$?
  [ $code -eq 1 ] || fail "mopo $*: exit code $code, want 1"
  { [ "$(wc -l < err)" -eq 1 ] && grep -q "^mopo: .*$reason" err; } || fail "mopo $*: want '$reason'"
  [ ! -e "$disk/$file" ] || fail "mopo $*: left $file"
  no_parts
}

no_parts() { [ -z "$(find "$disk" -name '*.part')" ] || fail "left $(find "$disk" -name '*.part')"; }

all_refused() {
  refused "$1" new.hdf5 data convert data.csv "$disk/new.hdf5"
  refused "$1" new.npz data convert data.csv "$disk/new.npz"
  refused "$1" new.c export policy.safetensors --format c --out "$disk/new.c"
  refused "$1" new.onnx export policy.safetensors --format onnx --out "$disk/new.onnx"
  refused "$1" m.safetensors model fit --data data.csv --task none --model-max-epochs 1 --model-hidden 16 \
    --quiet --out "$disk/m.safetensors"
  if "$mopo" --version | grep -q MuJoCo; then
    refused "$1" new.hdf5 collect --task hopper --kind random --steps 10 --out "$disk/new.hdf5" --quiet
  fi
}

# The disk fills up under a run.
# shellcheck disable=SC2086 # a list of options
"$mopo" train $options --out "$disk/run" > out 2> err &
pid=$!
until [ -f "$disk/run/checkpoint.safetensors" ]; do sleep 0.1; done
dd if=/dev/zero of="$disk/filler" bs=1k 2> dd.err && fail 'the disk does not fill'
code=0
wait $pid || code=$?
pid=
[ $code -eq 1 ] || fail "exit code $code, want 1"
# warnings of the run are lines of their own; the failure is one line
{ [ "$(grep -c '^mopo: ' err)" -eq 1 ] && grep -q '^mopo: .*No space left' err; } || fail 'want one line: no space left'
no_parts
cp "$disk/run/policy.safetensors" .
"$mopo" export policy.safetensors --format c --out policy.c > out || fail 'the policy is not whole'
dd if=/dev/zero of="$disk/filler2" bs=1 2> dd.err || :
all_refused 'No space left'

# With room again, the run goes on.
rm "$disk"/filler*
"$mopo" train --resume --out "$disk/run" --quiet > out 2> err &
pid=$!
rows=$(wc -l < "$disk/run/progress.csv")
until [ "$(wc -l < "$disk/run/progress.csv")" -gt $((rows + 3)) ]; do
  kill -0 $pid || fail 'the run does not go on'
  sleep 0.1
done
kill $pid
wait $pid || :
pid=

mount -o remount,ro "$disk"
all_refused 'Read-only file system'
# shellcheck disable=SC2086
refused 'Read-only file system' other train $options --out "$disk/other"
refused 'Read-only file system' nothing train --resume --out "$disk/run"
