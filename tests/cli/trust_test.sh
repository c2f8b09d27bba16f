#!/bin/sh
# trust_test.sh PROGRAM - signals that come twice, a scheduler's signals, closed standard streams, a
# limit on the size of files, two fits of one model.
set -eu
mopo=$(realpath "$1")
dir=$(mktemp -d)
pid=
trap 'kill -9 $pid 2> /dev/null || :; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

fail() {
  echo "trust_test: $*"
  cat err 2> /dev/null || :
  exit 1
}

awk 'BEGIN { print "obs_0,obs_1,act_0,reward,episode"
  for (i = 0; i < 600; i++)
    printf "%d.%02d,%d,0.%02d,%d,%d\n", i % 3, i * 37 % 100, i % 7 - 3, i * 53 % 100, i % 5, i / 40 }' > data.csv
run='train --data data.csv --task none --algo bc --epochs 1000000 --updates-per-epoch 200 --hidden 32
  --batch-size 64 --checkpoint-every 1000000 --threads 1'

# begin DIR: a run, until it learns
begin() {
  rm -rf "$1"
  # shellcheck disable=SC2086 # a list of options
  "$mopo" $run --out "$1" > out 2> err &
  pid=$!
  tries=0
  until [ -s "$1/progress.csv" ]; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || fail "$1: no progress"
    sleep 0.05
  done
}

# ended CODE WHAT
ended() {
  code=0
  wait $pid || code=$?
  pid=
  [ $code -eq "$1" ] || fail "$2: exit code $code, want $1"
}

# Two of one kind within a moment are one.
for gap in none 0 0.001 0.01 0.1; do
  begin twice
  kill -TERM $pid
  [ $gap = none ] || sleep $gap
  kill -TERM $pid 2> /dev/null || :
  ended 143 "TERM twice, $gap s apart"
  [ -f twice/checkpoint.safetensors ] || fail "TERM twice, $gap s apart: no checkpoint"
done

for signal in HUP:129 USR1:75 USR2:75 XCPU:75 INT:130; do
  begin one
  kill "-${signal%:*}" $pid
  ended "${signal#*:}" "${signal%:*}"
  [ -f one/checkpoint.safetensors ] || fail "${signal%:*}: no checkpoint"
done

# One that nohup holds back.
rm -rf held
(
  trap '' HUP
  # shellcheck disable=SC2086
  exec "$mopo" $run --epochs 3 --out held > out 2> err
) &
pid=$!
sleep 0.3
kill -HUP $pid 2> /dev/null || :
ended 0 'HUP under nohup'

# Where a stream is closed, no file takes its place: the same bytes.
"$mopo" data convert data.csv open.hdf5 > /dev/null 2>&1
for closed in '0<&-' '2>&-' '0<&- 2>&-'; do
  eval '"$mopo" data convert data.csv closed.hdf5 > out' "$closed" || fail "$closed: refused"
  cmp open.hdf5 closed.hdf5 || fail "$closed: other bytes"
  # shellcheck disable=SC2086
  eval '"$mopo"' $run '--epochs 2 --out closed > out' "$closed" || fail "$closed: train"
  head -1 closed/progress.csv | grep -q '^epoch,' || fail "$closed: progress.csv"
  [ "$(wc -l < closed/progress.csv)" -eq 3 ] || fail "$closed: progress.csv has other lines"
  rm -rf closed
done

# A limit on the size of files is told in one line, and nothing is left.
code=0
(ulimit -f 1 && exec "$mopo" data convert data.csv big.hdf5) > out 2> err || code=$?
[ $code -eq 1 ] || fail "ulimit -f: exit code $code, want 1"
[ "$(wc -l < err)" -eq 1 ] && grep -q 'File too large' err || fail 'ulimit -f: want one line'
[ -z "$(find . -name 'big*')" ] || fail "ulimit -f left $(find . -name 'big*')"

# Two fits of one model: the second is refused, the first goes on.
fit='model fit --data data.csv --task none --out m.safetensors --model-max-epochs 100000 --threads 1'
# shellcheck disable=SC2086
"$mopo" $fit > out 2> err &
pid=$!
tries=0
until [ -f m.safetensors.writing ]; do
  tries=$((tries + 1))
  [ $tries -lt 600 ] || fail 'no lock on the model'
  sleep 0.05
done
code=0
# shellcheck disable=SC2086
"$mopo" $fit > out 2> second || code=$?
{ [ $code -eq 1 ] && grep -q 'another process is making it' second; } || fail "two fits: code $code"
kill -TERM $pid
ended 143 'the first fit'
[ ! -f m.safetensors.writing ] || fail 'the lock stayed'
# A run is resumed from any directory, whatever its data were called when it began.
# shellcheck disable=SC2086
"$mopo" $run --epochs 2 --out moved > out 2> err || fail 'a run'
grep -q "^data = /.*/data.csv" moved/config.ini || fail 'config.ini has no whole path'
(cd / && "$mopo" train --resume --out "$dir/moved" > "$dir/out" 2> "$dir/err") || fail 'resumed from /'

# Rows that are lost are told.
sed -i 2d moved/progress.csv
code=0
"$mopo" train --resume --out moved > out 2> err || code=$?
{ [ $code -eq 3 ] && grep -q '1 of the 2 epochs' err; } || fail "lost rows: code $code"

# A FIFO that nobody writes is left.
mkfifo fifo.csv
"$mopo" train --data fifo.csv --task none --algo bc --epochs 1 --out waits > out 2> err &
pid=$!
sleep 0.5
kill -TERM $pid
ended 143 'waiting for a FIFO'

# int8 that cannot be measured writes nothing.
code=0
"$mopo" export moved/policy.safetensors --format c --int8 --data no.csv --out x.c > out 2> err || code=$?
{ [ $code -eq 3 ] && [ ! -f x.c ]; } || fail "int8: code $code"

# A name in a file does not speak to the terminal.
LC_ALL=C sed 's/"task":"none"/"task":"n\\u009b"/; s/"checksum"/"checksumx/' moved/policy.safetensors > odd.safetensors
"$mopo" eval odd.safetensors > out 2> err || :
[ "$(LC_ALL=C tr -d '\n -~' < err | wc -c)" -eq 0 ] || fail 'escape sequences are printed'
echo 'trust_test: done'
