#!/bin/sh
# sweep_test.sh PROGRAM [KILLS] - mopo sweep: the runs of a grid, what is refused, killed and resumed to the
# same bytes, two sweeps on one directory, lines, results.csv.
set -eu
mopo=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
kills=${2:-4}
data=$(cd "$(dirname "$0")/../../data" && pwd)/hopper-medium-replay-sample.hdf5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() { echo "$*" >&2; exit 1; }
# refused TEXT: the sweep file bad.ini is refused with exit 2 and that text, and nothing is made
refused() {
  code=0
  "$mopo" sweep bad.ini --dir bad > out 2> err || code=$?
  [ $code -eq 2 ] && grep -q "$1" err || { cat err; fail "not refused: $1 (exit $code)"; }
  [ "$(wc -l < err)" -eq 1 ] || fail "more than one line: $(cat err)"
  [ ! -e bad/log ] || fail "something was made: $1"
  rm -rf bad
}

tiny='epochs = 2
updates-per-epoch = 40
batch-size = 16
hidden = 8
members = 2
elites = 1
model-hidden = 8
model-layers = 1
model-max-epochs = 1
rollout-batch = 100
rollout-length = 2
rollout-keep = 2
eval-episodes = 1
threads = 1'
printf '[sweep]\ndata = %s\ntask = none\nalgo = mopo, td3bc\nseed = 0 .. 1\npenalty-coef = 0.5, 1 ; two\n%s\n' \
  "$data" "$tiny" > grid.ini

# the runs, by name: td3bc is not multiplied by what it does not read; two seeds share two ensembles
"$mopo" sweep grid.ini --dir lines --engine lines > list
[ "$(wc -l < list)" -eq 8 ] || fail "$(wc -l < list) units, want 2 ensembles and 6 runs"
"$mopo" sweep grid.ini --dir whole --quiet
for run in mopo/penalty-coef-0.5 mopo/penalty-coef-1 td3bc; do
  for seed in 0 1; do [ -f whole/$run/seed-$seed/result.json ] || fail "no run $run, seed $seed"; done
done
[ "$(find whole -name result.json | wc -l)" -eq 6 ] || fail 'too many runs'
"$mopo" sweep --status whole | grep -q '^8 of 8 done, 0 running, 0 waiting, 0 failed' || fail 'status'
"$mopo" sweep --status whole --json | grep -q '"done":8,"running":0,"waiting":0,"seconds_left":0,"failed":\[\]' || fail 'status --json'
[ "$(wc -l < whole/results.csv)" -eq 7 ] || fail 'results.csv has not a row for each run'
head -1 whole/results.csv | grep -q '^run,state,algo,seed,penalty-coef,.*wall_seconds' || fail 'results.csv: columns'
awk -F, 'NR == 1 { n = NF } NF != n { exit 1 }' whole/results.csv || fail 'results.csv: rows of different lengths'

# the bytes of a run by mopo train alone
"$mopo" train --data "$data" --task none --algo td3bc --seed 1 --out alone --quiet $(echo "$tiny" | sed 's/^/--/; s/ = / /') > log 2>&1
cmp alone/policy.safetensors whole/td3bc/seed-1/policy.safetensors
"$mopo" train --data "$data" --task none --seed 1 --penalty-coef 1 --out alone2 --quiet \
  $(echo "$tiny" | sed 's/^/--/; s/ = / /') > log 2>&1
cmp alone2/policy.safetensors whole/mopo/penalty-coef-1/seed-1/policy.safetensors

# done is done; a grid may grow; another one is refused
cp -r whole grown
touch stamp
"$mopo" sweep grid.ini --dir grown --quiet
[ -z "$(find grown -name result.json -newer stamp)" ] || fail 'what is done was made again'
sed 's/0 .. 1/0 .. 2/' grid.ini > more.ini
"$mopo" sweep more.ini --dir grown --engine lines > more
"$mopo" sweep --status grown > status
grep -q '^8 of 12 done, 0 running, 4 waiting, 0 failed; about [1-9][0-9]* s left$' status || fail "$(cat status)"
"$mopo" sweep --status grown --jobs 1 --json | grep -q '"seconds_left":[0-9.]*,' || fail 'seconds_left'
"$mopo" sweep more.ini --dir grown --quiet
[ "$(find grown -name result.json | wc -l)" -eq 9 ] || fail 'a sweep that grew'
sed 's/^hidden = 8/hidden = 9/' grid.ini > other.ini
code=0
"$mopo" sweep other.ini --dir grown 2> err || code=$?
[ $code -eq 2 ] && grep -q 'directory of another sweep: run mopo/penalty-coef-0.5/seed-0 has other settings' err ||
  fail 'another sweep'

# what is refused
head -3 grid.ini > head.ini
printf '[sweep]\n' > bad.ini && refused 'an empty grid'
{ cat head.ini; echo 'sead = 1'; } > bad.ini && refused "bad.ini:4: unknown setting 'sead', did you mean 'seed'"
{ cat head.ini; echo 'gamma = 0.9, much'; } > bad.ini && refused "bad.ini:4: gamma = 'much', want a number"
{ cat head.ini; echo 'seed = 3 .. 1'; } > bad.ini && refused 'bad.ini:4: seed = 3 .. 1, want first .. last'
{ cat head.ini; echo 'seed = 1, 1'; } > bad.ini && refused "seed: '1' is given twice"
{ cat head.ini; echo 'seed = 1, '; } > bad.ini && refused 'an empty value'
{ cat head.ini; echo 'out = x'; } > bad.ini && refused 'a sweep names its runs itself'
{ cat head.ini; echo 'fps = 3'; } > bad.ini && refused 'not a setting of training'
{ cat head.ini; printf 'algo = td3bc\npenalty-coef = 1, 2\n'; } > bad.ini && refused 'penalty-coef: no algorithm of this sweep reads it'
{ cat head.ini; printf '[slurm]\narray = 1\n'; } > bad.ini && refused 'array: the sweep sets that itself'
{ cat head.ini; printf '[other]\nx = 1\n'; } > bad.ini && refused 'want \[sweep\] or \[slurm\]'
printf '[sweep]\nseed = 0 .. 1\n' > bad.ini && refused 'want a key data'
printf '[sweep]\ndata = nothing.hdf5\n' > bad.ini
code=0
"$mopo" sweep bad.ini --dir bad 2> err || code=$?
[ $code -eq 1 ] && grep -q 'nothing.hdf5: there is no such file' err || { cat err; fail "data that are not there: $code"; }
code=0
"$mopo" sweep grid.ini --dir absent --engine cloud 2> err || code=$?
[ $code -eq 2 ] && grep -q "want local, slurm or lines" err && [ ! -e absent/log ] || fail 'an engine that is not there'
code=0
PATH=/nowhere "$mopo" sweep grid.ini --dir absent --engine slurm 2> err || code=$?
[ $code -eq 5 ] && grep -q 'sbatch: there is no such program' err || { cat err; fail "no sbatch: $code"; }
code=0
"$mopo" sweep --status . 2> err || code=$?
[ $code -eq 3 ] && grep -q 'it has no sweep.ini' err || fail 'no sweep'

# a run that fails is named, the others are made; it is tried again
printf '[sweep]\ndata = %s\ntask = none\nalgo = bc, brac-v\nseed = 0 .. 1\nepochs = 1\nupdates-per-epoch = 2
hidden = 8\nbehaviour-updates = 1000\n' "$data" > fails.ini
code=0
"$mopo" sweep fails.ini --dir fails 2> err || code=$?
[ $code -eq 2 ] && grep -q '2 of 4 failed' err && grep -q 'behaviour-updates = 1000, want less' err ||
  { cat err; fail "a run that fails: exit $code"; }
"$mopo" sweep --status fails | grep -q '^failed   brac-v/seed-0: exit 2: .*behaviour-updates' || fail 'why it failed'

# lines, in any order, twice
sort -r list | sh -s > out 2>&1
sh list
for run in mopo/penalty-coef-0.5 mopo/penalty-coef-1 td3bc; do
  cmp whole/$run/seed-0/policy.safetensors lines/$run/seed-0/policy.safetensors
done

# killed again and again: the same command comes to the same bytes
i=0
while [ $i -lt "$kills" ]; do
  setsid "$mopo" sweep grid.ini --dir killed --quiet > out 2>&1 &
  pid=$!
  sleep "0.$((i * 37 % 60 + 10))"
  kill -9 $pid 2> /dev/null || true
  wait $pid 2> /dev/null || true
  i=$((i + 1))
done
"$mopo" sweep grid.ini --dir killed --quiet
(cd whole && find . -name '*.safetensors' ! -name 'checkpoint*') | while read -r file; do
  cmp "whole/$file" "killed/$file" || fail "$file differs after kills"
done

# two on one directory: each unit is begun once
printf '[sweep]\ndata = %s\ntask = none\nalgo = bc\nseed = 0 .. 19\nepochs = 1\nupdates-per-epoch = 2\nhidden = 8\nthreads = 1\n' \
  "$data" > many.ini
"$mopo" sweep many.ini --dir two --quiet & pid=$!
"$mopo" sweep many.ini --dir two --quiet
wait $pid
[ "$(find two -name result.json | wc -l)" -eq 20 ] || fail 'two sweeps lost a run'
[ "$(cat two/log/*.log | grep -c '^-- ')" -eq 20 ] || fail 'two sweeps made a run twice'
echo ok
