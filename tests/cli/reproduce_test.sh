#!/bin/sh
# reproduce_test.sh PROGRAM - mopo reproduce: its lines for the shell; a tiny table, stopped and gone on,
# has the bytes of one that was not, and of one made by the lines; what is done is not made again.
set -eu
mopo=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
PATH=$(dirname "$mopo"):$PATH
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() { echo "$*" >&2; exit 1; }

# the lines, word for word
mopo reproduce table2 --dir 'a b' --dry-run --seeds 7, --epochs 3 --only jump/mopo,jump/sac > lines
cat > want << 'END'
mkdir -p 'a b/data'
mkdir -p 'a b/models'
mopo collect --task halfcheetah-jump --out 'a b/data/halfcheetah-jump.raw.part.hdf5' --seed 0 --kind full-replay --steps 1000000 && mv 'a b/data/halfcheetah-jump.raw.part.hdf5' 'a b/data/halfcheetah-jump.raw.hdf5'
mopo data relabel 'a b/data/halfcheetah-jump.raw.hdf5' --task halfcheetah-jump --out 'a b/data/halfcheetah-jump.hdf5'
mopo model fit --data 'a b/data/halfcheetah-jump.hdf5' --task halfcheetah-jump --out 'a b/models/halfcheetah-jump-seed-7.safetensors' --seed 7
mopo train --data 'a b/data/halfcheetah-jump.hdf5' --task halfcheetah-jump --out 'a b/halfcheetah-jump/mopo/seed-7' --algo mopo --preset paper --model 'a b/models/halfcheetah-jump-seed-7.safetensors' --seed 7 --epochs 3
mopo train --data 'a b/data/halfcheetah-jump.hdf5' --task halfcheetah-jump --out 'a b/halfcheetah-jump/sac/seed-7' --algo sac --preset paper --seed 7 --epochs 3
END
cmp lines want
[ ! -e 'a b' ] || fail 'a dry run leaves something behind'

# every cell of every table has its line: 12 x 6, 2 x 6, 2 x 7 for one seed; of later methods, 12 each
cells() { mopo reproduce "$1" --dry-run --seeds 1 | grep -c '^mopo train '; }
[ "$(cells table1)/$(cells table2)/$(cells ablation)" = 72/12/14 ] || fail 'cells are missing'
for algo in td3bc iql cql; do
  [ "$(mopo reproduce later --dry-run --seeds 1 | grep -c "^mopo train .*--algo $algo ")" = 12 ] || fail "later: $algo"
done
mopo reproduce later --dir none --dry-run --seeds 1 --only hopper-random/ | grep -q 'mopo train' || fail 'later: --only'

code=0
mopo reproduce table1 --dir none --only nothing > table 2> nothing.err || code=$?
[ $code -eq 2 ] && grep -q "only = 'nothing': no cell has that in its name" nothing.err || fail 'no cell'
# a column is its method whatever the settings' file says; what its method does not read is not for it
printf '[mopo]\nalgo = sac\npenalty = ensemble-std\npenalty-coef = 0.25\nrollout-length = 3\ncql-weight = 7\n' > wild.ini
mopo reproduce ablation --config wild.ini --dry-run --seeds 1 --only halfcheetah-medium-replay |
  sed -n 's/^mopo train .*seed-0 --algo //p' | sed 's/ --model [^ ]*//; s/ --seed 0//' > lines
cat > want << 'END'
mopo --preset paper --rollout-length 3 --penalty aleatoric --penalty-coef 0.25
mopo --preset paper --rollout-length 3 --penalty ensemble-diff --penalty-coef 0.25
mopo --preset paper --rollout-length 3 --penalty ensemble-std --penalty-coef 0.25
mopo --preset paper --rollout-length 3 --penalty max-pairwise-diff --penalty-coef 0.25
mopo --preset paper --rollout-length 3 --penalty oracle --penalty-coef 0.25
mbpo --preset paper --rollout-length 3 --penalty ensemble-std
mopo --preset paper --rollout-length 3 --members 1 --elites 1 --penalty aleatoric --penalty-coef 0.25
END
cmp lines want || { cat lines; fail 'columns that are something else'; }
mopo reproduce table1 --config wild.ini --dry-run --seeds 1 --only hopper-random/sac | grep -q 'algo sac --preset paper --seed 0$' ||
  fail 'settings for other methods'
mopo --version | grep -q MuJoCo || exit 0

cat > tiny.ini << 'END'
[mopo]
batch-size = 16
hidden = 8
members = 2
elites = 1
model-hidden = 8
model-layers = 1
model-max-epochs = 1
rollout-batch = 20
rollout-length = 2
updates-per-epoch = 20
eval-episodes = 1
start-steps = 400
steps = 300
END
run=
tiny() { # DIR ARGUMENT...
  out=$1
  shift
  $run mopo reproduce table1 --dir "$out" --config tiny.ini --only hopper-random/bc,hopper-random/mopo \
    --seeds 2 --epochs 60 --threads 1 "$@"
}
mopo_cell=hopper-random/mopo/seed-1
tiny whole --quiet > whole.table
# of sets that nothing was made for the published numbers stand alone
grep -q '^hopper-medium-replay  *-  *-  *-  *-  *-  *-$' whole.table
grep -A1 '^hopper-medium-replay' whole.table | grep -q 'published  *11.8  *67.5 +- 24.7  *49.8 +- 30.4  *3.5  *25.3  *0.8$'

# stopped inside a cell, gone on
{ run=exec && tiny cut > cut.table 2> cut.err; } &
pid=$!
while [ ! -f cut/hopper-random/bc/seed-0/progress.csv ] ||
  [ "$(wc -l < cut/hopper-random/bc/seed-0/progress.csv)" -lt 3 ]; do sleep 0.02; done
kill -TERM $pid
code=0
wait $pid || code=$?
[ $code -eq 143 ] || fail "exit code $code when stopped, want 143"
[ ! -s cut.table ] || fail 'a table in spite of the stop'
[ ! -e cut/hopper-random/bc/seed-0/result.json ] || fail 'the cell was done before it was stopped'
grep -q '^mopo: stopped in epoch .*; the same command goes on$' cut.err || fail 'what a stop says'
# begun with other settings, given by name or not
code=0
tiny cut --epochs 61 > other.table 2> other.err || code=$?
[ $code -eq 2 ] && grep -q 'hopper-random/bc/seed-0 has epochs = 60, not 61' other.err || fail 'begun with others'
tiny cut > cut.table 2> cut.err || fail "going on: $(cat cut.err)"
grep -q '^mopo train --resume --data cut/data/hopper-random.hdf5' cut.err
cmp whole.table cut.table
for cell in hopper-random/bc/seed-0 $mopo_cell; do
  cmp "whole/$cell/policy.safetensors" "cut/$cell/policy.safetensors"
done

# the same from the lines, which carry what --config holds
tiny shell --dry-run | grep -v '^mopo train' > first
tiny shell --dry-run | grep "out shell/$mopo_cell " > second
sh -e first > first.out 2> first.err || fail "$(cat first first.err)"
sh -e second > second.out 2> second.err || fail "$(cat second second.err)"
cmp "whole/$mopo_cell/policy.safetensors" "shell/$mopo_cell/policy.safetensors"

# what is done is done; a table knows how many seeds it lacks; other settings are other runs
tiny cut > again.table 2> again.err
cmp whole.table again.table
! grep -q '^mopo' again.err || fail 'something was made again'
grep -q '^hopper-random  *[-0-9.]* +- [0-9.]*  *[-0-9.]* +- [0-9.]*  *-  *-  *-  *-$' again.table
tiny shell --json --only hopper-random/mopo/seed-1 > shell.json 2> shell.err
grep -q '"kind":"random","method":"mopo","figure":"score","seeds":\[1\],' shell.json
grep -q '"published_mean":11.7,"published_std":0.4' shell.json
code=0
tiny cut --epochs 61 > other.table 2> other.err || code=$?
[ $code -eq 2 ] && grep -q 'hopper-random/bc/seed-0 has epochs = 60, not 61' other.err || fail 'other settings'
sed '/^batch-size/d' tiny.ini > other.ini
code=0
mopo reproduce table1 --dir cut --config other.ini --only hopper-random/bc --seeds 2 --epochs 60 > other.table \
  2> other.err || code=$?
[ $code -eq 2 ] && grep -q 'hopper-random/bc/seed-0 has batch-size = 16, not 256' other.err ||
  fail 'settings that nobody gives now'
sed 's/rollout-length = 2/rollout-length = 3/' tiny.ini > other.ini
mopo reproduce table1 --dir cut --config other.ini --only hopper-random/bc --seeds 2 --epochs 60 > other.table \
  2> other.err || fail "settings that bc does not read: $(cat other.err)"

# two at once: one collects, the other waits for it
tiny both --only hopper-random/bc --seeds 0, > both.0 2> both.0.err &
pid=$!
tiny both --only hopper-random/bc --seeds 1, > both.1 2> both.1.err || fail "two at once: $(cat both.1.err)"
wait $pid || fail "two at once: $(cat both.0.err)"
[ "$(cat both.0.err both.1.err | grep -c '^mopo collect')" = 1 ] || fail 'collected twice'
cmp whole/hopper-random/bc/seed-1/policy.safetensors both/hopper-random/bc/seed-1/policy.safetensors

# all of a directory in one report
mopo report cut --out cut.html > report.out
grep -q '^4 runs (4 finished), 2 methods, 1 dataset: cut.html$' report.out || fail "$(cat report.out)"

# a task beyond the data: collected, relabelled, learned; killed while it collects, it goes on
sed 's/^steps = .*/steps = 2500/; s/^start-steps = .*/start-steps = 2400/' tiny.ini > beyond.ini
echo 'collect-eval-every = 500' >> beyond.ini
beyond() { $run mopo reproduce table2 --dir "$@" --config beyond.ini --only jump/sac --seeds 1 --epochs 1 --threads 1; }
beyond beyond --quiet > beyond.table
{ run=exec && beyond killed > killed.table 2> killed.err; } &
pid=$!
raw=killed/data/halfcheetah-jump.raw.part.hdf5
while [ ! -s $raw.rows ]; do sleep 0.02; done
kill -KILL $pid
wait $pid || true
[ -e $raw.checkpoint ] && [ ! -e $raw ] || fail 'it had collected before it was killed'
beyond killed > killed.table 2> killed.err || fail "$(cat killed.err)"
grep -q '^mopo collect --resume --task halfcheetah-jump' killed.err || fail 'collected from the start again'
cmp beyond/data/halfcheetah-jump.hdf5 killed/data/halfcheetah-jump.hdf5
cmp beyond.table killed.table
[ "$(ls killed/data)" = "$(ls beyond/data)" ] || fail "left behind: $(ls killed/data)"
grep -q '^halfcheetah-jump  *-  *-  *[-0-9.]*  *-  *-  *-$' beyond.table
grep -q 'batch: mean .*; published: mean -1022.6, best 1808.6' beyond.table
