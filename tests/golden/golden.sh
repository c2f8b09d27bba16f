#!/bin/sh
# golden.sh check|renew PROGRAM - the files of this directory, one of each format, made by PROGRAM.
# check: PROGRAM still writes the same bytes, still reads the old ones, and refuses those of another version
# in one line. renew: makes them anew; say in CHANGELOG.md why.
set -eu
how=$1
mopo=$(realpath "$2")
golden=$(realpath "$(dirname "$0")")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# Whole numbers alone, so that every awk makes the same text.
awk 'BEGIN { print "obs_0,obs_1,act_0,reward,episode"
  for (i = 0; i < 120; i++)
    printf "%d.%02d,%d,0.%02d,%d,%d\n", i % 3, i * 37 % 100, i % 7 - 3, i * 53 % 100, i % 5, i / 40 }' > data.csv
options='--data data.csv --task none --updates-per-epoch 4 --rollout-batch 20 --rollout-length 2 --rollout-keep 1
  --hidden 8 --members 3 --elites 2 --model-hidden 8 --model-layers 2 --model-max-epochs 2 --batch-size 16
  --preset paper --rollout-length 2 --penalty-coef 1 --threads 1 --quiet'

# progress.csv without its times
untimed() {
  awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) time[i] = $i ~ /second/ }
    { for (i = 1; i <= NF; i++) if (!time[i]) printf "%s,", $i; print "" }' "$1"
}

# shellcheck disable=SC2086 # a list of options
{
  "$mopo" train $options --epochs 1 --out one
  "$mopo" train $options --epochs 2 --out run
  "$mopo" data convert data.csv data.npz
  "$mopo" data convert data.csv data.hdf5
  "$mopo" export run/policy.safetensors --format c --out policy.c99
  "$mopo" export run/policy.safetensors --format onnx --out policy.onnx
} > log
cp run/model.safetensors run/policy.safetensors .
sed "s|= $(pwd -P)/|= |" run/config.ini > config.ini # the data's path is whole
cp one/checkpoint.safetensors . # in the middle of the run: the first epoch of both is the same
untimed run/progress.csv > progress.csv
grep -o '"[a-z_-]*":' run/result.json | sort -u > result.keys
files='config.ini model.safetensors policy.safetensors progress.csv result.keys policy.c99 policy.onnx'

if [ "$how" = renew ]; then
  # shellcheck disable=SC2086
  cp $files checkpoint.safetensors data.npz data.hdf5 "$golden"
  exit
fi

failed=0
wrong() {
  echo "golden: $*"
  failed=1
}

for file in $files; do
  cmp "$file" "$golden/$file" || wrong "other bytes are written: $file (golden.sh renew, if that was meant)"
done
# A checkpoint holds the seconds so far, one float64, and a checksum of 16 digits.
[ "$(cmp -l checkpoint.safetensors "$golden/checkpoint.safetensors" | wc -l)" -le 24 ] ||
  wrong 'other bytes are written: checkpoint.safetensors'
# The one part that the bits of a run may depend on beside the program itself.
version=$("$mopo" --version | sed -n 's/.*MuJoCo \([0-9.]*\).*/\1/p')
grep -q "\"simulator\": \"$version\"" run/result.json || wrong 'result.json does not state the simulator'

# The old ones are read: data, policy, model, and a run goes on from its checkpoint to the same end.
for file in data.npz data.hdf5; do
  "$mopo" data info "$golden/$file" --json | sed 's/"file":"[^"]*"//' > old.json
  "$mopo" data info "$file" --json | sed 's/"file":"[^"]*"//' > new.json
  cmp old.json new.json || wrong "$file"
done
"$mopo" export "$golden/policy.safetensors" --format c --out again.c > log
cmp again.c "$golden/policy.c99" || wrong 'policy.safetensors is read otherwise'
# Files of old have no checksum.
unsummed='s/"checksum"/"checksux"/'
LC_ALL=C sed "$unsummed" policy.safetensors > old.safetensors
"$mopo" export old.safetensors --format c --out again.c > log
cmp again.c "$golden/policy.c99" || wrong 'a policy without a checksum is read otherwise'
go_on() {
  rm -rf run
  mkdir run
  cp "$golden/config.ini" "$golden/model.safetensors" "$golden/checkpoint.safetensors" run
  cp one/progress.csv run # of the epoch that the checkpoint has
  [ -z "${1:-}" ] || LC_ALL=C sed -i "s/mopo\.$1\.[0-9]/mopo.$1.x/; $unsummed" "run/$1.safetensors"
  "$mopo" train --resume --out run --quiet > log 2> err
}
go_on || wrong "the run does not go on: $(cat err)"
cmp run/policy.safetensors "$golden/policy.safetensors" || wrong 'checkpoint.safetensors is read otherwise'

# Those of another version are refused.
refused() {
  { [ "$code" -eq 3 ] && [ "$(wc -l < err)" -eq 1 ] && grep -q "format 'mopo.$1.x'" err; } ||
    wrong "$1 of another version: code $code, $(cat err)"
}
for kind in checkpoint model; do
  code=0
  go_on $kind || code=$?
  refused $kind
done
LC_ALL=C sed "s/mopo\.policy\.[0-9]/mopo.policy.x/; $unsummed" policy.safetensors > other.safetensors
code=0
"$mopo" export other.safetensors --format c --out x.c > log 2> err || code=$?
refused policy
exit $failed
