#!/bin/sh
# demo.sh - learns to hop from a small recorded batch, in some minutes, on any machine.
# Options are passed on: scripts/demo.sh --seed 1 --epochs 100
set -eu
cd "$(dirname "$0")/.."
rm -rf runs/demo
exec build/mopo train --data data/hopper-medium-replay-sample.hdf5 --task hopper --out runs/demo \
  --penalty-coef 1 --model-max-epochs 50 --epochs 40 --rollout-batch 10000 "$@"
