#!/bin/sh
# task_test.sh PROGRAM - from a CSV file and a task file to a policy: a switch, a terminal rule, a
# reward rule, a limit, a history.
set -u
mopo=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0

wrong() {
  echo "$*"
  failed=1
}

# A tank: the pump fills it, the heater warms it; it fails above 2 and below 0.1. No column of
# rewards. With its own next observations, so that the steps that fail are whole.
LC_ALL=C awk 'BEGIN {
  srand(7)
  print "run,level1,temp,pump,heater,level1_next,temp_next,terminal"
  for (e = 0; e < 20; e++) {
    l = 0.9 + 0.2 * rand(); t = 20
    for (k = 0; k < 40; k++) {
      p = 100 * rand(); h = rand() < 0.5
      nl = l + 0.004 * (p - 40); nt = t + (h ? 2 : -1); done = nl > 2 || nl < 0.1
      printf "%d,%.5f,%.2f,%.2f,%d,%.5f,%.2f,%d\n", e, l, t, p, h, nl, nt, done
      l = nl; t = nt
      if (done) break
    }
  }
}' > log.csv

cat > tank.ini << 'END'
; a tank with a pump and a heater
[task]
name = tank
observations = level1, temp
actions = pump, heater
pump = 0 .. 100
heater = off, on
horizon = 40
period = 0.1
terminal = level1 > 2.0 || level1 < 0.1
reward = -abs(next.level1 - 1.0)
limit = temp <= 30
history = 2
columns = episode=run;next_obs=level1_next,temp_next
END

small='--epochs 2 --updates-per-epoch 20 --hidden 16 --model-hidden 16 --model-max-epochs 2 --rollout-batch 200
  --rollout-length 3 --threads 1'

# The rule and the log agree, and a rule that does not is told with its first row.
"$mopo" data check log.csv --task tank.ini > out 2>&1 || wrong "check: $(cat out)"
grep -q 'against     tank: .*ends in 0 of ' out || wrong "check: no agreement in: $(cat out)"
grep -q contradict out && wrong "check: $(cat out)"
sed 's/level1 > 2.0/level1 > 1.0/' tank.ini > low.ini
"$mopo" data check log.csv --task low.ini > out 2>&1 || wrong "check: $(cat out)"
grep -q 'ends contradict the rule in [0-9.]* % of the rows, first in row [0-9]' out ||
  wrong "check: no contradiction in: $(cat out)"

# Without a rule there is nothing to compare, and the log is checked all the same.
grep -v '^terminal =\|^reward =' tank.ini | sed 's,level1_next.*,&;reward=temp,' > plain.ini
"$mopo" data check log.csv --task plain.ini > out 2>&1 || wrong "check without rules: $(cat out)"
grep -q 'against     tank: rewards not compared (task tank has no rewards to relabel by)' out ||
  wrong "check without rules: $(cat out)"

# A new goal needs no new log.
sed 's/reward = .*/reward = before.temp/' tank.ini > warm.ini
"$mopo" data relabel log.csv --task warm.ini --out warm.hdf5 > out 2>&1 || wrong "relabel: $(cat out)"
most=$(awk -F, 'NR > 1 && $3 > m { m = $3 } END { printf "%.4g", m }' log.csv)
grep -q "^reward .* max $most\$" out || wrong "relabel: want rewards up to $most in: $(cat out)"

# The whole command. It is copied, and the run resumes from the copy.
# shellcheck disable=SC2086 # a list of options
"$mopo" train --data log.csv --task tank.ini --out run $small > out 2> err || wrong "train: $(cat err)"
cmp -s tank.ini run/task.ini || wrong 'no copy of the task file in the run'
grep -q '^limit: [1-9][0-9]* of [0-9]* recorded rows pass it$' err || wrong "no limit in: $(cat err)"
grep -q contradict err && wrong "train: $(cat err)"
# What the columns mean is in the policy's metadata.
head -c 2000 run/policy.safetensors > header
for entry in '"act_names":"pump\nheater"' '"action_ranges":"0 100\n0 1"' '"switches":"0\n1"' '"history":"2"' \
  '"obs_names":"level1\ntemp\nlevel1@-1\ntemp@-1\npump@-1\nheater@-1"' '"obs_ranges":"'; do
  grep -aqF "$entry" header || wrong "no $entry in the policy's metadata"
done
"$mopo" export run --format c --out policy.c > out 2> err || wrong "export: $(cat err)"
cat > device.c << 'END'
#include "policy.c"
int main(void)
{
  float obs[POLICY_OBS_DIM], act[POLICY_ACT_DIM], setting[POLICY_ACT_DIM];
  obs[OBS_LEVEL1] = 1.0f, obs[OBS_TEMP] = 20.0f;
  if (policy_self_test() || POLICY_OBS_DIM != 2 || !policy_in_range(obs)) return 1;
  policy_reset();
  for (int i = 0; i < 3; i++)
    if (policy_act(obs, act)) return 2;
  policy_settings(act, setting);
  if (setting[ACT_HEATER] != 0.0f && setting[ACT_HEATER] != 1.0f) return 3;
  obs[OBS_TEMP] = 1000.0f;
  return policy_in_range(obs) ? 4 : 0;
}
END
cc -std=c99 -Wall -Wextra -pedantic -Werror device.c -o device && ./device || wrong "policy.c: $?"
mv tank.ini moved.ini
rm run/result.json
"$mopo" train --resume --out run --quiet > out 2> err || wrong "resume: $(cat err)"
mv moved.ini tank.ini
# shellcheck disable=SC2086
"$mopo" train --data log.csv --task low.ini --out low $small > out 2> err || wrong "train: $(cat err)"
grep -q 'the rule of task tank and the recorded ends contradict each other' err || wrong "train: $(cat err)"
# shellcheck disable=SC2086
"$mopo" train --data log.csv --task tank.ini --limits terminal --out limits $small > out 2> err ||
  wrong "limits: $(cat err)"
grep -q 'recorded rows pass it, each an end' err || wrong "limits: $(cat err)"
# shellcheck disable=SC2086
"$mopo" train --data log.csv --task none --limits terminal --out none $small > out 2> err &&
  wrong 'limits without a task file'

# The report takes such runs, evaluation says that there is no simulator, a mistake has its line.
"$mopo" report run --out report.html > out 2> err || wrong "report: $(cat err)"
"$mopo" eval run --task tank.ini > out 2> err
code=$?
{ [ $code -eq 2 ] && grep -q 'task tank has no simulator' err; } || wrong "eval: $code, $(cat err)"
sed 's/temp <= 30/tmp <= 30/' tank.ini > bad.ini
"$mopo" train --data log.csv --task bad.ini --out bad > out 2> err
code=$?
{ [ $code -eq 3 ] && grep -q "bad.ini:12: limit: 'tmp' is no column of the task, did you mean 'temp'?" err; } ||
  wrong "bad rule: $code, $(cat err)"
exit $failed
