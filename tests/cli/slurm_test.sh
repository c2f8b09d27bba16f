#!/bin/sh
# slurm_test.sh PROGRAM - mopo sweep --engine slurm on a Slurm of its own, on loopback: two ensembles and eight runs as
# arrays, one task killed, others preempted and queued anew; all finish with the bytes of the local engine.
# Exit 77 where Slurm or munge is not installed, or where this is not root.
set -eu
for tool in munged slurmctld slurmd sbatch scontrol squeue; do
  command -v $tool > /dev/null || { echo "slurm_test: no $tool here: left out"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo 'slurm_test: not root: left out'; exit 77; }
mopo=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
data=$(cd "$(dirname "$0")/../../data" && pwd)/hopper-medium-replay-sample.hdf5
dir=$(mktemp -d)
chmod 755 "$dir"
# Tasks first: they belong to slurmd's steps, which outlive it.
stop() {
  if [ -f "$dir/slurmctld.pid" ]; then
    timeout 10 scancel --user=root --state=PENDING > /dev/null 2>&1 || true
    timeout 10 scancel --user=root --full --signal=KILL > /dev/null 2>&1 || true
    tries=40
    while [ $tries -gt 0 ] && [ -n "$(timeout 10 squeue -h 2> /dev/null)" ]; do sleep 0.3; tries=$((tries - 1)); done
  fi
  for name in slurmd slurmctld munged; do
    [ -f "$dir/$name.pid" ] || continue
    pid=$(cat "$dir/$name.pid")
    kill "$pid" 2> /dev/null || continue
    tries=50
    while kill -0 "$pid" 2> /dev/null && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
    kill -9 "$pid" 2> /dev/null || true
  done
  cd /
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 1' INT TERM
cd "$dir"
fail() { echo "$*" >&2; tail -n 60 "$dir"/slurmctld.log >&2 || true; cat "$dir"/cluster/slurm/*.out >&2 2> /dev/null || true; exit 1; }
# wait_for SECONDS COMMAND: until it succeeds
wait_for() {
  end=$(($(date +%s) + $1))
  shift
  until eval "$1"; do
    [ "$(date +%s)" -lt $end ] || fail "waited in vain for: $1"
    sleep 0.3
  done
}

port=$((20000 + $$ % 10000 * 2)) # another test may have a Slurm of its own
host=$(hostname -s)
dd if=/dev/urandom of=munge.key bs=128 count=1 2> /dev/null
chmod 400 munge.key
mkdir state spool
cat > slurm.conf << END
ClusterName=loop
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket=$dir/munge.sock,cred_expire=6
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SwitchType=switch/none
MpiDefault=none
SchedulerParameters=batch_sched_delay=0,sched_interval=2
PreemptMode=REQUEUE
PreemptType=preempt/partition_prio
JobRequeue=1
KillWait=15
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=low Nodes=$host Default=YES PriorityTier=1 PreemptMode=REQUEUE MaxTime=INFINITE State=UP
PartitionName=high Nodes=$host PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP
END
export SLURM_CONF="$dir/slurm.conf"
munged --force --key-file="$dir/munge.key" --socket="$dir/munge.sock" --pid-file="$dir/munged.pid" \
  --log-file="$dir/munged.log" --seed-file="$dir/munge.seed" > daemons.out 2>&1 < /dev/null
slurmctld >> daemons.out 2>&1 < /dev/null
slurmd >> daemons.out 2>&1 < /dev/null
wait_for 30 'sinfo -h -o %T -p low 2> /dev/null | grep -q idle'

settings="task = none
ope = none
updates-per-epoch = 200
batch-size = 64
hidden = 64
members = 2
elites = 1
model-hidden = 16
model-layers = 1
model-max-epochs = 1
rollout-batch = 100
rollout-length = 2
checkpoint-every = 5"
# A long run takes some twelve seconds on any machine: time to be caught in.
begun=$(date +%s%N)
"$mopo" train --data "$data" --algo td3bc --epochs 5 --out probe --threads 1 --quiet \
  $(echo "$settings" | sed 's/^/--/; s/ = / /') > probe.out 2>&1 || fail "$(cat probe.out)"
epochs=$((5 * 12000 / (($(date +%s%N) - begun) / 1000000 + 1) + 10))
printf '[sweep]\ndata = %s\nepochs = %d, 3\nalgo = mopo, td3bc\nseed = 0 .. 1\n%s\n[slurm]\npartition = low\ntime = 10\n' \
  "$data" $epochs "$settings" > grid.ini
"$mopo" sweep grid.ini --dir cluster --engine slurm > submitted || fail 'not submitted'
grep -q '^10 of 10 units submitted: [0-9]*,[0-9]*;' submitted || fail "$(cat submitted)"
"$mopo" sweep grid.ini --dir cluster --engine slurm | grep -q 'jobs of this sweep are queued' || fail 'submitted twice'

# one is killed, then what runs is preempted
running() { [ "$(squeue -h -t R -p low | wc -l)" -eq 2 ]; }
wait_for 120 'ls cluster/epochs-*/*/seed-*/progress.csv > ls.out 2>&1'
pkill -9 -n -f -- "--dir $dir/cluster --unit" || fail 'nothing to kill'
sleep 1
wait_for 60 running
sbatch -p high --wrap 'sleep 1' -n 2 -o /dev/null > high.out
wait_for 240 '[ -z "$(squeue -h)" ]'
[ "$(find cluster -name result.json | wc -l)" -eq 8 ] || fail "$("$mopo" sweep --status cluster)"
grep -q 'CANCELLED.*PREEMPTION\|CANCELLED.*REQUEUE' cluster/slurm/*.out || fail 'nothing was preempted'
starts=$(find cluster/log -name '*.log' -exec cat {} + | grep -c '^-- ')
[ "$starts" -ge 12 ] || fail "$starts starts of 10 units, want one more for the kill and one for the preemption"

"$mopo" sweep --status cluster | grep -q '^10 of 10 done' || fail 'status'
"$mopo" sweep grid.ini --dir here --quiet
for run in $(cd here && find . -name policy.safetensors); do
  cmp "cluster/$run" "here/$run" || fail 'other bytes'
done
[ "$(find here -name policy.safetensors | wc -l)" -eq 8 ] || fail 'the local engine'
echo "ok: $starts starts of 10 units, long runs of $epochs epochs"
