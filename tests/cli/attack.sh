#!/bin/sh
# attack.sh PROGRAM ROUNDS [SEED] - ROUNDS rounds of each attack; prints what was counted and
# fails if one succeeded. CI runs a few, make torture many.
set -eu
mopo=$(realpath "$1")
rounds=$2
seed=${3:-1}
dir=$(mktemp -d)
pid=
trap 'kill -9 $pid 2> /dev/null || :; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"
bad=0

# verdict COUNT WHAT
verdict() {
  echo "$2: $1 of $rounds"
  [ "$1" -eq 0 ] || bad=1
}

# random N: the next of a sequence below N
random() {
  seed=$(((seed * 1103515245 + 12345) % 2147483648))
  echo $((seed / 65536 % $1))
}

awk 'BEGIN { print "obs_0,obs_1,act_0,reward,episode"
  for (i = 0; i < 600; i++)
    printf "%d.%02d,%d,0.%02d,%d,%d\n", i % 3, i * 37 % 100, i % 7 - 3, i * 53 % 100, i % 5, i / 40 }' > data.csv

# ---- TERM twice, at gaps from 0 to 100 ms: to the process, as make does, and by timeout to its group
lost=0
i=0
while [ $i -lt "$rounds" ]; do
  rm -rf run
  "$mopo" train --data data.csv --task none --algo bc --epochs 1000000 --updates-per-epoch 2000 --hidden 64 \
    --batch-size 64 --checkpoint-every 1000000 --threads 1 --out run > out 2> err &
  pid=$!
  until [ -s run/progress.csv ]; do sleep 0.02; done
  kill -TERM $pid
  gap=$(random 101)
  [ "$gap" -eq 0 ] || sleep "$(awk "BEGIN { print $gap / 1000 }")"
  kill -TERM $pid 2> /dev/null || :
  code=0
  wait $pid || code=$?
  pid=
  { [ $code -eq 143 ] && [ -f run/checkpoint.safetensors ]; } || lost=$((lost + 1))
  i=$((i + 1))
done
verdict $lost 'checkpoints lost to a second TERM'

# ---- two writers of one output, and files of others next to it
awk 'NR < 300' data.csv > b.csv
"$mopo" data convert data.csv a.hdf5 > out 2> err
"$mopo" data convert b.csv b.hdf5 > out 2> err
echo theirs > both.hdf5.part
damaged=0
i=0
while [ $i -lt "$rounds" ]; do
  "$mopo" data convert data.csv both.hdf5 > out1 2> err1 &
  "$mopo" data convert b.csv both.hdf5 > out2 2> err2 || damaged=$((damaged + 1))
  wait $! || damaged=$((damaged + 1))
  cmp -s both.hdf5 a.hdf5 || cmp -s both.hdf5 b.hdf5 || damaged=$((damaged + 1))
  i=$((i + 1))
done
{ [ "$(cat both.hdf5.part)" = theirs ] && [ "$(find . -name 'both*' | wc -l)" -eq 2 ]; } || damaged=$((damaged + 1))
verdict $damaged 'files damaged by a second writer'

# ---- one flipped bit in a file of ours: refused, or it changes nothing
# flip FILE OUT
flip() {
  cp "$1" "$2"
  size=$(wc -c < "$1")
  at=$((($(random 32768) * 32768 + $(random 32768)) % size))
  was=$(od -An -tu1 -j $at -N 1 "$1" | tr -d ' ')
  bit=$((1 << $(random 8)))
  # shellcheck disable=SC2059 # the byte is the format
  printf "\\$(printf %o $((was ^ bit)))" | dd of="$2" bs=1 seek=$at conv=notrunc 2> /dev/null
}
options='--data data.csv --task none --updates-per-epoch 4 --rollout-batch 20 --rollout-length 2 --rollout-keep 1
  --hidden 8 --members 3 --elites 2 --model-hidden 8 --model-layers 2 --model-max-epochs 2 --batch-size 16
  --penalty-coef 1 --threads 1 --quiet'
# shellcheck disable=SC2086 # a list of options
{
  "$mopo" train $options --epochs 1 --out one
  "$mopo" train $options --epochs 2 --out two
} > out 2> err
"$mopo" export two/policy.safetensors --format c --out two.c > out 2> err
others=0
i=0
while [ $i -lt "$rounds" ]; do
  # the second epoch anew, after the first one's checkpoint
  rm -rf on
  mkdir on
  cp two/config.ini two/model.safetensors on
  cp one/checkpoint.safetensors one/progress.csv on
  code=0
  case $((i % 3)) in
    0)
      flip two/policy.safetensors odd.safetensors
      "$mopo" export odd.safetensors --format c --out odd.c > out 2> err || code=$?
      [ $code -eq 3 ] || { [ $code -eq 0 ] && cmp -s odd.c two.c; } || others=$((others + 1))
      ;;
    *)
      file=model
      [ $((i % 3)) -eq 1 ] || file=checkpoint
      flip on/$file.safetensors odd.safetensors
      mv odd.safetensors on/$file.safetensors
      "$mopo" train --resume --out on --quiet > out 2> err || code=$?
      [ $code -eq 3 ] || { [ $code -eq 0 ] && cmp -s on/policy.safetensors two/policy.safetensors; } ||
        others=$((others + 1))
      ;;
  esac
  i=$((i + 1))
done
verdict $others 'flipped bits that were read as something else'

# ---- settings and logs with a byte that is another: read, or refused in one line
odd=0
i=0
"$mopo" data convert data.csv data.npz > out 2> err
while [ $i -lt "$rounds" ]; do
  code=0
  case $((i % 2)) in
    0)
      flip two/config.ini odd.ini
      "$mopo" bench --config odd.ini --help > out 2> err || code=$?
      "$mopo" train --config odd.ini --data none.csv --out nothing > out 2> err || code=$?
      ;;
    1)
      flip data.npz odd.npz
      "$mopo" data info odd.npz > out 2> err || code=$?
      ;;
  esac
  { [ $code -lt 4 ] && { [ $code -eq 0 ] || [ "$(wc -l < err)" -eq 1 ]; }; } || odd=$((odd + 1))
  i=$((i + 1))
done
verdict $odd 'settings and logs that broke the program'

# ---- every number that collect, render, eval and bench take, as it must not be
broke=0
for verb in collect render eval bench; do
  for option in $("$mopo" $verb --help | sed -n 's/^  --\([a-z0-9-]*\) N.*/\1/p'); do
    for value in -1 nan 1e999 99999999999999999999 '' x; do
      code=0
      file=two/policy.safetensors
      [ $verb = render ] || [ $verb = eval ] || file=
      # shellcheck disable=SC2086 # nothing, or a file
      timeout 20 "$mopo" $verb $file --task hopper --out "$dir/o.hdf5" "--$option" "$value" > out 2> err || code=$?
      [ $code -lt 6 ] || { echo "$verb --$option '$value': exit code $code"; broke=$((broke + 1)); }
    done
  done
done
verdict $broke 'options that broke a verb'
exit $bad
