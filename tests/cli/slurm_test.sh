#!/bin/sh
# slurm_test.sh PROGRAM - mopo sweep --engine slurm on a Slurm of its own, on loopback: eight runs as an array, one
# preempted and queued anew, one killed; all finish with the bytes of the local engine.
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
stop() {
  for pid in "$dir"/*.pid; do
    [ ! -f "$pid" ] || kill "$(cat "$pid")" 2> /dev/null || true
  done
  sleep 1
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 1' INT TERM
cd "$dir"
fail() { echo "$*" >&2; tail -n 5 "$dir"/slurmctld.log "$dir"/slurmd.log >&2 || true; cat "$dir"/cluster/slurm/*.out >&2 2> /dev/null || true; exit 1; }
# wait_for SECONDS COMMAND: until it succeeds
wait_for() {
  end=$(($(date +%s) + $1))
  shift
  until eval "$1"; do
    [ "$(date +%s)" -lt $end ] || fail "waited in vain for: $1"
    sleep 0.3
  done
}

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
SlurmctldPort=26917
SlurmdPort=26918
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
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=low Nodes=$host Default=YES PriorityTier=1 PreemptMode=REQUEUE MaxTime=INFINITE State=UP GraceTime=10
PartitionName=high Nodes=$host PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP
END
export SLURM_CONF="$dir/slurm.conf"
munged --force --key-file="$dir/munge.key" --socket="$dir/munge.sock" --pid-file="$dir/munged.pid" \
  --log-file="$dir/munged.log" --seed-file="$dir/munge.seed"
slurmctld
slurmd
wait_for 30 'sinfo -h -o %T -p low 2> /dev/null | grep -q idle'

cat > grid.ini << END
[sweep]
data = $data
task = none
algo = mopo, td3bc
seed = 0 .. 3
epochs = 50
updates-per-epoch = 1000
batch-size = 64
hidden = 64
members = 2
elites = 1
model-hidden = 16
model-layers = 1
model-max-epochs = 1
rollout-batch = 100
rollout-length = 2
checkpoint-every = 5
[slurm]
partition = low
time = 10
END
"$mopo" sweep grid.ini --dir cluster --engine slurm > submitted || fail 'not submitted'
grep -q '^8 of 8 units submitted: [0-9]*;' submitted || fail "$(cat submitted)"
"$mopo" sweep grid.ini --dir cluster --engine slurm | grep -q 'jobs of this sweep are queued' || fail 'submitted twice'

# one is killed, then both that run are preempted
wait_for 60 'ls cluster/mopo/seed-*/progress.csv > ls.out 2>&1'
pkill -9 -n -f -- "--dir $dir/cluster --unit" || fail 'nothing to kill'
wait_for 60 '[ "$(squeue -h -t R -p low | wc -l)" -eq 2 ]'
sleep 2 # into their epochs
sbatch -p high --wrap 'sleep 1' -n 2 -o /dev/null > high.out
wait_for 240 '[ -z "$(squeue -h)" ]'
[ "$(find cluster -name result.json | wc -l)" -eq 8 ] || fail "$("$mopo" sweep --status cluster)"
grep -q 'CANCELLED.*PREEMPTION\|CANCELLED.*REQUEUE' cluster/slurm/*.out || fail 'nothing was preempted'
starts=$(cat cluster/log/*/*.log | grep -c '^-- ')
[ "$starts" -ge 10 ] || fail "$starts starts of 8 runs, want one more for the kill and one for the preemption"

"$mopo" sweep --status cluster | grep -q '^8 of 8 done' || fail 'status'
"$mopo" sweep grid.ini --dir here --quiet
for algo in mopo td3bc; do
  for seed in 0 1 2 3; do
    cmp cluster/$algo/seed-$seed/policy.safetensors here/$algo/seed-$seed/policy.safetensors || fail 'other bytes'
  done
done
echo "ok: $starts starts of 8 runs"
