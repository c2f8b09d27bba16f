#!/bin/sh
# one_row_test.sh SOURCE CMAKE CC - an algorithm, a penalty, a task and a dialect of data files are one
# row in one file each: four patches, each of one file under src/, are applied to a copy of the tree,
# and the program that is built of it knows them wherever it lists, explains, reads and learns.
set -eu
source=$(cd "$1" && pwd)
cmake=$2
cc=$3
patches=$source/tests/one_row
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() { echo "one_row: $*" >&2; exit 1; }

mkdir tree
for part in CMakeLists.txt cmake include models src data; do cp -R "$source/$part" tree; done
for name in algorithm penalty task dialect; do
  files=$(sed -n 's/^+++ b\///p' "$patches/$name.patch")
  case $files in
  *[[:space:]]*) fail "$name.patch touches several files: $files" ;;
  src/*.c) ;;
  *) fail "$name.patch touches '$files', want one file of src/" ;;
  esac
  patch -s -p1 -d tree < "$patches/$name.patch" || fail "$name.patch does not apply"
done

generator=
command -v ninja > /dev/null && generator='-G Ninja'
# shellcheck disable=SC2086 # no word or two
"$cmake" -S tree -B build $generator -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=None \
  -DCMAKE_C_FLAGS='-O0 -Werror' -DMOPO_TESTS=OFF > cmake.log 2>&1 || { cat cmake.log; fail 'configuring'; }
"$cmake" --build build --target mopo_program --parallel 2 > build.log 2>&1 || { tail -40 build.log; fail 'building'; }
mopo=$dir/build/mopo
"$mopo" data convert tree/data/hopper-medium-replay-sample.hdf5 d4rl.npz > /dev/null

# help and errors
"$mopo" train --help > help
for word in dummy-algo dummy-penalty --dummy-repeats; do
  grep -q -e "$word" help || fail "mopo train --help does not know $word"
done
"$mopo" reproduce later --dry-run --seeds 1 | grep -q 'hopper-medium/dummy-algo/seed-0 --algo dummy-algo' ||
  fail 'mopo reproduce later has no column of dummy-algo'
refused() {
  want=$1
  shift
  if "$mopo" train --data d4rl.npz --out none "$@" 2> err; then fail "accepted: $*"; fi
  grep -q -e "want.*$want" err || fail "'$*' is refused without $want: $(cat err)"
}
refused dummy-algo --algo nothing
refused dummy-penalty --penalty nothing
refused 'a whole number from 1 to 10' --dummy-repeats 11
refused dummy-task --task nothing

# A file in the dialect: names of the same length in an archive of ours, and it is another's.
LC_ALL=C sed 's/observations/measurements/g; s/actions/control/g; s/rewards/payment/g; s/terminals/breakages/g' \
  d4rl.npz > dummy-task-medium.npz
cmp -s d4rl.npz dummy-task-medium.npz && fail 'the dialect is D4RL'
"$mopo" data info d4rl.npz --json | sed 's/.*"rows"/rows/' > want
"$mopo" data info dummy-task-medium.npz --json | sed 's/.*"rows"/rows/' > got
cmp want got || { cat want got; fail 'the dialect reads other data'; }

# Learning with all of them; what was published with the task is in force, and its reward is paid.
small='--task dummy-task --quiet --threads 1 --epochs 1 --updates-per-epoch 4 --batch-size 16 --hidden 8
  --eval-episodes 1 --members 2 --elites 1 --model-hidden 8 --model-layers 1 --model-max-epochs 1 --rollout-batch 16'
learns() {
  out=$1
  shift
  # shellcheck disable=SC2086 # a list of options
  "$mopo" train --data dummy-task-medium.npz --out "$out" $small "$@" > train.log 2>&1 ||
    { cat train.log; fail "does not learn: $*"; }
  [ -s "$out/policy.safetensors" ] && [ -s "$out/result.json" ] || fail "no result: $*"
}
learns clone --algo dummy-algo --dummy-repeats 3
grep -q '^dummy-repeats = 3$' clone/config.ini || fail 'dummy-repeats is not recorded'
learns penalised --penalty dummy-penalty
for line in 'penalty = dummy-penalty' 'rollout-length = 3' 'penalty-coef = 0.75' 'task = dummy-task'; do
  grep -q "^$line\$" penalised/config.ini || { cat penalised/config.ini; fail "config.ini lacks '$line'"; }
done
column() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) k = i } END { print $k }' "$2"; }
awk -v u="$(column penalty_mean penalised/progress.csv)" 'BEGIN { exit !(u > 0) }' || fail 'the penalty measures nothing'
awk -v r="$(column return_mean penalised/progress.csv)" 'BEGIN { exit !(r > 1 && r <= 50) }' ||
  fail 'the return is not that of the task'
echo 'four rows, four files'
