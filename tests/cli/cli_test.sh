#!/bin/sh
# cli_test.sh PROGRAM - exit codes, and where the words go: results to stdout, all else to stderr.
set -u
mopo=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0

# expect CODE PATTERN ARGUMENT...: the exit code, and PATTERN in the one line on stderr (on stdout
# where the code is 0).
expect() {
  code=$1
  pattern=$2
  shift 2
  "$mopo" "$@" > out 2> err < /dev/null
  got=$?
  if [ "$code" = 0 ]; then where=out; else where=err; fi
  if [ $got -ne "$code" ] || ! grep -q -e "$pattern" $where; then
    echo "mopo $*: exit code $got, want $code and '$pattern' in:"
    cat $where
    failed=1
  elif [ "$code" != 0 ] && { [ -s out ] || [ "$(wc -l < err)" -ne 1 ] || ! grep -q '^mopo: ' err; }; then
    echo "mopo $*: want one line 'mopo: ...' on stderr and nothing on stdout:"
    cat out err
    failed=1
  fi
}

# help and version
for verb in train eval ope tune collect data model export render report reproduce; do
  expect 0 "^  mopo $verb " --help
  expect 0 "^Usage: mopo $verb" $verb --help
  expect 0 '--help' $verb -h
done
expect 0 '^mopo [0-9]' --version
expect 0 '^Usage: mopo data' help data
expect 0 '^  mopo train ' help
expect 0 '^.TH MOPO 1' help --man
expect 0 '^mopo.-train .- learn a policy' help --man train
expect 0 'epochs " N"$' help --man train
expect 0 '^\.nf$' help --man data
expect 2 "unknown verb 'trian', did you mean 'train'?" help --man trian
expect 0 "^    --algo) words='bc bear brac-p" help --bash
expect 0 "'--json\[print the result as JSON\]'" help --zsh
expect 0 'gamma X .*\[0.99\]' train --help
expect 0 'penalty-coef X .*\[auto\]' train --help
expect 0 'episodes N .*\[10\]' eval --help

# usage
expect 2 'want a verb'
expect 2 "unknown verb 'trian', did you mean 'train'?" trian
expect 2 "unknown verb 'xyzzy'; mopo --help lists them" xyzzy
expect 2 "unknown option --xyzzy; mopo train --help lists them" train --xyzzy
expect 2 "unknown verb '--verison', did you mean '--version'?" --verison
expect 2 'unknown option --epoch, did you mean .--epochs.?' train --epoch 3
expect 2 'unknown option --resum, did you mean .--resume.?' train --resum
expect 2 'unknown option --resume' eval --resume
expect 2 '--epochs wants a value: N' train --epochs
expect 2 '--json takes no value' train --json=yes
expect 2 "epochs = 'many', want a whole number" train --epochs many
expect 2 "epochs = '0', want a whole number from 1" train --epochs=0
expect 2 "gamma = '1.5', want a number from 0 to 1" train --gamma 1.5
expect 2 "algo = 'dqn', want bc|bear|brac-p" train --algo dqn
expect 2 "unexpected argument 'file'" train file
expect 2 'want --data' train --task hopper --out run
expect 2 'want --out' train --data x --task hopper
expect 2 'want --out' train --resume
expect 2 'want a policy' eval
expect 2 'want --data' ope policy
expect 2 'want a policy' ope --data log.csv
expect 2 "mopo: --episodes = '0'" eval policy --episodes 0
expect 2 "want 'info', 'check', 'convert', 'merge' or 'relabel'" data
expect 2 'want two files' data convert in
expect 2 'want datasets' data merge
expect 2 "unexpected argument 'b'" data info a b c
expect 2 "unknown verb 'data inof', did you mean 'data info'?" data inof
expect 2 'want a dataset' data info
expect 2 "want 'fit'" model
expect 2 'want --data' model fit
expect 2 'want --task' collect --out file
expect 2 'want a policy' export
expect 2 'want run directories' report --out x
expect 2 'want --out' report run
expect 2 'want --out' render policy
expect 2 'want a policy' render --out film.webp
expect 2 "width = '3', want a whole number from 16" render policy --width 3
expect 3 'nothing.safetensors: No such file' render nothing.safetensors --out film.webp
expect 2 "table = 'table3', want table1, table2, ablation or later" reproduce table3
expect 2 'want a table' reproduce
expect 2 "seeds = '0,1,0', want each once: 0 is there twice" reproduce table1 --seeds 0,1,0
expect 2 "seeds = '0', want their number, 1 to 64" reproduce table1 --seeds 0
expect 2 "seeds = '1;2', want their number" reproduce table1 --seeds '1;2'
expect 2 "preset = 'papr', want paper|tuned" reproduce table1 --preset papr
expect 2 'unknown option --gamma' reproduce table1 --gamma 0.9
expect 2 "only = 'xyzzy': no cell has that in its name" reproduce table1 --dry-run --only xyzzy
expect 2 "only = 'barc-v': no cell has that in its name" reproduce table1 --dry-run --only 'hopper, barc-v'
expect 2 "only = ', ', want parts of cell names" reproduce table1 --dry-run --only ', '
expect 0 '--algo mopo --preset tuned' reproduce table1 --dry-run --preset tuned --only hopper
expect 2 'want --format' export policy
expect 2 "format = 'onxn', want c|onnx|safetensors, did you mean 'onnx'?" export policy --format onxn
expect 2 'int8 wants --format c' export policy --format onnx --int8
expect 2 'want --out' export policy --format c

# files
expect 3 'absent.hdf5: No such file' train --data absent.hdf5 --task hopper --out run
expect 3 'absent.hdf5: No such file' data info absent.hdf5
expect 3 'absent.hdf5: No such file' model fit --data absent.hdf5 --task hopper --out m
expect 3 'absent: No such file' eval absent
expect 3 'absent: No such file' ope absent --data absent.hdf5
expect 3 'absent: not a run directory' report absent --out x.html
expect 3 'absent: No such file' export absent --format c --out x
expect 3 'policy.safetensors: No such file' eval "$dir"
expect 3 'absent.ini: No such file' train --config absent.ini
expect 3 'config.ini: No such file' train --resume --out "$dir"
expect 3 "$dir: Is a directory, and not one of Minari's: it has no data/main_data.hdf5" data info "$dir"
expect 3 "$dir: Is a directory" train --data "$dir" --task none --out run
echo 'not HDF5' > bad.hdf5
expect 3 'bad.hdf5' data info bad.hdf5
expect 3 'bad.hdf5' train --data bad.hdf5 --task hopper --out run
expect 3 'bad.hdf5' eval bad.hdf5 --task hopper
expect 3 'absent.safetensors: No such' train --data bad.hdf5 --task hopper --out r --model absent.safetensors
printf '[mopo]\nseed = 1\nepoch = 3\n' > bad.ini
expect 2 "bad.ini:3: unknown setting 'epoch', did you mean 'epochs'?" train --config bad.ini
printf '[mopo]\nseed\n' > bad.ini
expect 3 'bad.ini:2: want' train --config bad.ini

# data in its other forms
printf 'angle,torque,gain,run\n1,-2,0,0\n2,2,1,0\n3,0,1,0\n5,0,1,1\n6,0,2,1\n' > log.csv
columns='obs=angle;act=torque;reward=gain;episode=run'
expect 3 "log.csv:1: no column 'obs_0' for 'obs' among 'angle,torque,gain,run' (say which: columns)" data info log.csv
printf 'obs_0,obs_2,act_0,reward\n1,2,0,1\n' > gap.csv
expect 3 "gap.csv:1: a column 'obs_2', but no 'obs_1'" data info gap.csv
printf 'obs_0,act_0,act_0,reward\n1,2,0,1\n' > same.csv
expect 3 "same.csv:1: columns 2 and 3 are both named 'act_0'" data info same.csv
expect 3 "log.csv:2: column 'torque' = -2, want -1..1 (its action-range)" data convert log.csv log.npz --columns "$columns"
expect 0 'rows          3' data convert log.csv log.npz --columns "$columns" --action-range=-2,2
expect 0 'actions       -1 to 1' data info log.npz
expect 0 'rows          3' data info log.csv --columns "$columns" --action-range=-2,2
expect 0 'rewards of    unknown: the file names no task' data info log.npz
expect 0 'rewards of  unknown' data check log.npz
expect 0 '"task":""' data info log.npz --json
expect 2 "action-range = '-1e999,2', want two numbers" data convert log.csv x.npz --columns "$columns" --action-range=-1e999,2
expect 2 "log.csv: 2 action ranges, want one for all actions or one for each of 1" data convert log.csv x.npz --columns "$columns" --action-range=-2,2,0,1
expect 2 "action-range = '1', want two numbers" data convert log.csv x.npz --action-range 1
expect 2 "action-range = '0,1,2', want two numbers: LOW,HIGH, or two for each action" data convert log.csv x.npz --action-range 0,1,2
expect 2 "action-range = '0,1,1,0', want two numbers" data convert log.csv x.npz --action-range 0,1,1,0
# a valve from 0 to 100 and a heater that is on or off
awk 'BEGIN { print "level,valve,heater,gain"
  for (i = 0; i < 100; i++) printf "%d,%d,%d,%d\n", i, i, i % 3 == 0, i % 7 }' > tank.csv
tank='obs=level;act=valve,heater;reward=gain'
expect 0 '1 of 2 action columns uses less than 5 % of \[-1,1\]: heater (action-range' data check tank.csv --columns "$tank" --action-range 0,100
expect 0 'recorded in 0..100, 0..1$' data convert tank.csv tank.hdf5 --columns "$tank" --action-range 0,100,0,1
expect 0 '"action_min":-1,"action_max":1,"action_ranges":\[\[0,100\],\[0,1\]\],' data convert tank.csv tank.hdf5 --columns "$tank" --action-range 0,100,0,1 --json
# how a log is read: in data check, data convert and train alike
printf 'time,run,temp,valve,gain\n' > odd.csv
awk 'BEGIN { for (i = 0; i < 60; i++)
  printf "2026-11-28 10:%02d:%02d,day %d,%s,%g,%g\n", i / 20, i % 20, i / 20, i % 17 == 3 ? "" : i * 7 % 11,
    i == 30 ? 101 : i * 13 % 100, i * 5 % 7 }' >> odd.csv
odd='--columns obs=temp;act=valve;reward=gain;episode=run;time=time --action-range 0,100'
# shellcheck disable=SC2086 # a list of options
{
expect 3 "odd.csv:32: column 'valve' = 101, want 0..100 (its action-range, or clip-actions)" data check odd.csv $odd
expect 3 "odd.csv:5: column 'temp' = '', want a finite number; 4 such cells in 4 rows: temp 4 (bad-rows cut" data check odd.csv $odd --clip-actions
expect 0 'sizes       50 rows of 60 that the file has' data check odd.csv $odd --clip-actions --bad-rows cut
expect 0 '4 rows left out for 4 cells without a finite number: temp 4' data check $odd --clip-actions --bad-rows cut odd.csv
expect 0 '1 action just beyond the range was clipped: valve 1' data check odd.csv $odd --clip-actions --bad-rows cut
expect 0 '^period      1$' data check odd.csv $odd --clip-actions --bad-rows cut
expect 0 '"rows_read":60,.*"period":1,"columns":\[{"name":"temp","least":0,.*"distinct":11}' data check odd.csv $odd --clip-actions --bad-rows cut --json
expect 0 'note          4 rows left out' data convert odd.csv odd.hdf5 $odd --clip-actions --bad-rows cut
expect 0 '^temp  ' data check odd.hdf5
expect 0 'policy: odd/policy.safetensors' train --data odd.csv --task none --out odd $odd --clip-actions --bad-rows cut \
  --epochs 1 --updates-per-epoch 2 --rollout-batch 4 --hidden 4 --model-hidden 4 --model-max-epochs 1 --batch-size 4 --threads 1
}
# err is that of the last one
grep -q '^data: 4 rows left out for 4 cells without a finite number: temp 4$' err ||
  { echo 'mopo train does not say what was left out:'; cat err; failed=1; }
expect 2 "bad-rows = 'some', want error|cut" data check odd.csv --bad-rows some
# a dataset of Minari's is a directory
mkdir -p minari/data
"$mopo" data convert tank.csv minari/data/main_data.hdf5 --columns "$tank" --action-range 0,100,0,1 > log
expect 0 '^file        minari/data/main_data.hdf5$' data check minari
expect 0 '1 of 2 action columns lies at a bound in up to 100.0 % of the rows: heater' data check minari
expect 0 '^rows          198$' data merge minari minari --out twice.hdf5
expect 2 'is the input minari/data/main_data.hdf5, want another' data convert minari minari/data/main_data.hdf5
# what would replace one's own log, or be read as what it is not
expect 2 'log.csv: HDF5 is written, want a name that ends in .hdf5' data convert log.npz log.csv
expect 0 'rows          3' data info log.csv --columns "$columns" --action-range=-2,2
cp log.npz same.npz
ln same.npz hard.npz
ln -s same.npz soft.npz
for other in same.npz ./same.npz hard.npz soft.npz; do
  expect 2 "$other: is the input same.npz, want another file" data convert same.npz $other
  expect 2 "$other: is the input same.npz, want another file" data merge log.npz same.npz --out $other
  expect 2 "$other: is the input same.npz, want another file" data relabel same.npz --task hopper --out $other
done
cmp -s log.npz same.npz || { echo 'an input was overwritten'; failed=1; }
# what is described is what was written, without the rows that are in no file
awk 'BEGIN { print "obs_0,act_0,reward,terminal"
  for (i = 1; i <= 400; i++) printf "%d,%g,%d,%d\n", i, i % 9 / 10, i % 7, i % 100 == 0 }' > fell.csv
for form in fell.hdf5 fell.npz; do
  expect 0 '^rows          396$' data convert fell.csv $form
  cp out written
  expect 0 '^note          4 terminal rows were left out' data convert fell.csv $form
  expect 0 '0 terminals, 4 timeouts$' data info $form
  grep -v 'left out' written | cmp -s - out || { echo "$form: described otherwise than it is"; failed=1; }
done
expect 0 '"rows":396,.*"notes":\[.*4 terminal rows were left out' data convert fell.csv fell.hdf5 --json
mkfifo pipe
expect 1 'pipe: not a regular file' data convert log.npz pipe
expect 1 'nodir/x.hdf5: No such file' data convert log.npz nodir/x.hdf5
expect 1 'nodir/x.npz: No such file' data convert log.npz nodir/x.npz
# options that a verb has no use for
expect 2 'mopo data info has no use for --out' data info log.npz --out x.npz
expect 2 'mopo data merge has no use for --task' data merge log.npz --out x.hdf5 --task hopper
expect 2 'mopo data merge has no use for --columns' data merge log.npz --out x.hdf5 --columns "$columns" 
expect 0 'episodes    2' data check log.npz
expect 0 '"end":"timeout"' data check log.npz --json
expect 0 'rows          6' data merge log.npz log.npz --out twice.hdf5
expect 0 'copies of another row' data check twice.hdf5
expect 2 'want --out' data merge log.npz
printf 'obs_0,obs_1,act_0,reward\n1,2,0,1\n2,2,0,1\n' > two.csv
expect 3 'two.csv: obs_dim 2, act_dim 1, want 1 and 1 as in log.npz' data merge log.npz two.csv --out x.hdf5
expect 3 "no 'infos/qpos'" data relabel twice.hdf5 --task halfcheetah-jump --out new.hdf5
expect 2 'want --task' data relabel twice.hdf5 --out new.hdf5
expect 2 "task = 'halfcheetah-hop'" data relabel twice.hdf5 --task halfcheetah-hop --out new.hdf5
expect 2 "task = 'none', want a task whose rewards mopo knows" data check twice.hdf5 --task none
awk 'BEGIN { for (i = 0; i < 11; i++) printf "obs_%d,", i; print "act_0,act_1,act_2,reward"
  for (i = 0; i < 9; i++) print 1.2 + i / 1e3 ",0,0,0,0,0,0,0,0,0,0,0,0,0,1" }' > stand.csv
expect 0 "against     hopper: rewards not compared (stand.csv: .*); ends in 0 of 8 rows$" data check stand.csv --task hopper
expect 2 'task none has no rewards' data relabel twice.hdf5 --task none --out new.hdf5

# a task of one's own, from the log to C
awk 'BEGIN { print "obs_0,obs_1,act_0,reward,episode"
  for (i = 0; i < 200; i++) { a = sin(i); printf "%g,%g,%g,%g,%d\n", i % 50, a, a, -a * a, i / 50 } }' > own.csv
expect 0 'policy: own/policy.safetensors' train --data own.csv --task none --out own --epochs 1 \
  --updates-per-epoch 2 --rollout-batch 20 --rollout-length 2 --hidden 8 --model-hidden 8 \
  --model-max-epochs 1 --batch-size 16 --quiet
expect 0 '^1 run (1 finished), 1 method, 1 dataset: own.html' report own own own/ --out own.html
expect 0 '"datasets":1,"out":"own.html"' report own --out own.html --json
expect 0 'constants' export own --format c --int8 --out own.c
grep -q 'task NAME' out && { echo 'advice that task none cannot take'; failed=1; }
expect 3 "log.npz: 'observations' has 1 columns, the policy wants 2" export own --format c --int8 --data log.npz --out own.c
expect 2 '.-data wants --int8' export own --format c --data own.csv --out own.c
expect 2 '.-task wants --int8' export own --format onnx --task hopper --out own.onnx
# what -1 and 1 were in the log goes all the way to the device
expect 0 'policy: tank/policy.safetensors' train --data tank.hdf5 --task none --out tank --algo bc --epochs 1 \
  --updates-per-epoch 2 --hidden 8 --batch-size 16 --quiet
expect 0 'constants' export tank --format c --out tank.c
grep -q 'policy_settings' tank.c || { echo 'tank.c: no policy_settings'; failed=1; }
"$mopo" train --data tank.hdf5 --task none --out note --algo bc --epochs 1 --updates-per-epoch 2 --hidden 8 \
  --batch-size 16 --penalty oracle --rollout-length 3 > out 2> err ||
  { echo 'settings that bc does not read'; cat err; failed=1; }
grep -q '^note: algo bc does not read rollout-length, penalty$' err || { echo 'no note'; cat err; failed=1; }
# a model that cannot be used leaves no directory behind that says "a run is there"
expect 3 'policy.safetensors: format' train --data own.csv --task none --out second --model own/policy.safetensors
[ ! -e second ] || { echo 'a run directory of a run that never began'; failed=1; }
expect 1 'own: not a regular file' model fit --data own.csv --task none --out own --quiet
: > m.fit.safetensors
expect 2 'm.fit.safetensors: a fit was begun there: resume it, or remove it' model fit --data own.csv --task none --out m.safetensors
expect 3 'm.fit.safetensors: ' model fit --data own.csv --task none --out m.safetensors --resume
rm m.fit.safetensors
: > m.safetensors
expect 2 'm.safetensors: is there, and no fit is under way' model fit --data own.csv --task none --out m.safetensors --resume
rm m.safetensors
expect 2 'task none has no simulator' eval own
expect 0 '^recorded episodes  ' ope own --data own.csv --ope-updates 2 --threads 1 --quiet
expect 0 '"verdict":"[a-z-]*","log":-*[0-9.]*,"bc":' ope own own --data own.csv --ope-updates 2 --threads 1 --quiet --json
expect 2 "ope-updates = '0'" ope own --data own.csv --ope-updates 0
expect 0 '^learned policy  .*  \(better\|not-better\|unknown\)$' train --data own.csv --task none --out judged --algo bc \
  --epochs 1 --updates-per-epoch 2 --hidden 8 --batch-size 16 --threads 1 --quiet --ope always --ope-updates 2
grep -q '"verdict": "' judged/result.json || { echo 'no verdict in result.json'; failed=1; }
# --quiet silences progress, no warning
awk 'BEGIN { print "obs_0,obs_1,act_0,reward,terminal,episode"
  for (i = 0; i < 400; i++)
    printf "%d.%02d,%d.5,0.%02d,1,%d,%d\n", i % 10, i * 37 % 100, i % 7, i * 53 % 100, i % 10 == 9, i / 10 }' > falls.csv
"$mopo" train --data falls.csv --task none --out falls --epochs 3 --updates-per-epoch 4 --rollout-batch 50 \
  --rollout-length 5 --rollout-keep 1 --hidden 8 --members 3 --elites 2 --model-hidden 8 --model-layers 2 \
  --model-max-epochs 2 --batch-size 16 --penalty-coef 1000 --threads 1 --quiet > out 2> err
grep -q '^warning: epoch 3: .* ending them pays' err || { echo '--quiet silences a warning'; cat err; failed=1; }
if grep -v '^warning: ' err; then echo '--quiet does not silence these'; failed=1; fi
small='--data own.csv --task none --out ladder --epochs 1 --updates-per-epoch 20 --hidden 8 --model-hidden 8
  --model-layers 2 --model-max-epochs 1 --rollout-batch 10 --batch-size 16 --ope-updates 2 --threads 1 --quiet'
# shellcheck disable=SC2086 # a list of options
{
  expect 0 '^recorded episodes ' tune $small
  [ -s ladder/policy.safetensors ] || { echo 'no policy of the ladder'; failed=1; }
  grep -q '"kept_clone": ' ladder/result.json || { echo 'no result of the ladder'; failed=1; }
  cp ladder/policy.safetensors chosen
  # interrupted: a candidate in the middle, the rest not begun
  rm -r ladder/iql/result.json ladder/mopo-* ladder/policy.safetensors
  expect 0 '"chosen":"' tune $small --json
  cmp chosen ladder/policy.safetensors || failed=1
  expect 2 'gamma = 0.5, but the run' tune $small --gamma 0.5
}
expect 2 "hours = 'x', want above 0" tune --data own.csv --task none --out ladder --hours x
expect 2 'want --out' tune --data own.csv --task none
if grep -q '"ope": {' own/result.json; then echo 'a trial run is judged'; failed=1; fi
expect 2 'none: no simulated body' collect --task none --kind random --out own.hdf5

# output that cannot be written
if "$mopo" --version | grep -q MuJoCo; then
  expect 1 '/dev/null' collect --task hopper --kind random --steps 10 --out /dev/null/x.hdf5 --quiet
  expect 2 'x.npz: HDF5 is written' collect --task hopper --kind random --steps 10 --out x.npz --quiet
  : > done.hdf5
  expect 2 'done.hdf5: is there, and nothing to go on with' collect --task hopper --kind random --steps 10 \
    --out done.hdf5 --resume --quiet
  : > begun.hdf5.checkpoint
  expect 2 'begun.hdf5.checkpoint: these data were begun: resume them, or remove it' collect --task hopper --kind random \
    --steps 10 --out begun.hdf5 --quiet
  expect 3 'begun.hdf5.checkpoint' collect --task hopper --kind random --steps 10 --out begun.hdf5 --resume --quiet
  # the policy's own steps and no other: every row is followed by the one that it led to
  expect 0 '"notes":\[\]' collect --json --quiet --task hopper --kind medium --medium-fraction 0.003 --start-steps 1000 \
    --collect-eval-every 1000 --batch-size 16 --hidden 16 --steps 500 --out medium.hdf5
  expect 0 '^against     hopper: rewards differ in 0 of 500 rows (.* at most); ends in 0 of 500 rows$' \
    data check medium.hdf5 --task hopper
  expect 3 'medium.hdf5: observations of 11 numbers, task ant wants 27' data check medium.hdf5 --task ant
  # what int8 costs is measured in the task that the policy was learned for
  expect 0 'policy: hop/policy.safetensors' train --data medium.hdf5 --task hopper --out hop --algo bc --epochs 1 \
    --updates-per-epoch 2 --hidden 8 --batch-size 16 --eval-episodes 1 --threads 1 --quiet
  expect 0 'return .* with float32, .* with int8, 1 episode$' export hop --format c --int8 --episodes 1 --out hop.c
  expect 0 '"return_int8":[0-9]' export hop --format c --int8 --episodes 1 --out hop.c --json
  expect 0 'rewards of    halfcheetah-jump-behaviour (mopo data relabel' collect --quiet \
    --task halfcheetah-jump --kind random --steps 1100 --out raw.hdf5
  expect 0 'rewards of    halfcheetah-jump-behaviour (mopo data relabel' data info raw.hdf5
  expect 0 '"task":"halfcheetah-jump-behaviour"' data check raw.hdf5 --json
  expect 0 '"against":{"task":"halfcheetah-jump","reward_rows":1100,"rewards_differ":[1-9][0-9]*,.*"end_rows":1100,"ends_differ":0}' \
    data check raw.hdf5 --task halfcheetah-jump --json
  expect 0 'rewards of    halfcheetah-jump$' data relabel raw.hdf5 --task halfcheetah-jump --out jump.hdf5
  expect 3 'raw.hdf5: rewards of task halfcheetah-jump-behaviour, others have those of' data merge jump.hdf5 raw.hdf5 --out x.hdf5
fi
if [ -c /dev/full ]; then
  "$mopo" --help > /dev/full 2> err
  [ $? -eq 1 ] && grep -q 'standard output' err || { echo 'a full disk goes unnoticed'; failed=1; }
fi
exit $failed
