#!/bin/sh
# coverage.sh - runs the tests on a build that counts (build-coverage), and prints by gcovr which
# lines of the library they reach and which branches of what reads our own files. Fails below LINES
# and BRANCHES per cent. From nothing 129 seconds of processor time: a minute or two on 2 cores.
set -eu
cd "$(dirname "$0")/.."
LINES=${LINES:-93}
BRANCHES=${BRANCHES:-90}
build=build-coverage
jobs=$(nproc)
command -v gcovr > /dev/null || { echo "coverage.sh: apt-get install gcovr first" >&2; exit 1; }

# Not counted: tests; the kernels, which are there for processors that this one is not; assertions.
# What reads HDF5 does so in a process that may write no file, its counts neither: its lines are
# counted where a test calls it, its branches are not asked for.
cmake -S . -B $build -DCMAKE_BUILD_TYPE=Debug --log-level=WARNING -DCMAKE_C_FLAGS_DEBUG="-O1 -g \
--coverage -fprofile-update=atomic -fprofile-filter-files=/src/ -fprofile-exclude-files=kernels_"

# data.recorder fills a disk, where the counts find no room either, and says so: it counts, whatever
# it ends with. train.allocations counts calls of malloc, of which gcov has its own;
# faults.torture kills, and what is killed counts nothing. The others left out look at other things
# than src/, have a parser crash, which a build that counts ends by exit (io.guard), or take long over lines that the rest reach as well: they have run without counting.
left_out='data\.(recorder|mutated)|io\.guard|train\.(allocations|film)|faults\.torture|fuzz\.(checkpoint|model)
|cli\.(install|live|rate|stop|reproduce|golden)|report\.browser|layers|nn\.kernels|base\.par
|python\.door|one_row|abi|cli\.(slurm|sweep|trust|attack|release|disk)|examples\.(same_bytes|from_memory|own_simulator|model_step|valgrind|header|readme)'
left_out="^($(echo "$left_out" | tr -d '\n'))\$"
targets=$(ctest --test-dir $build -N -E "$left_out" | sed -n 's/.*Test *#[0-9]*: //p' |
  grep -E '^[a-z]+\.[a-z0-9_]+$' | grep -Ev '^(cli|docs|oracle|examples|fuzz|python)\.')
fuzz=$(ctest --test-dir $build -N -E "$left_out" | sed -n 's/.*: fuzz\./fuzz_/p')
# shellcheck disable=SC2086 # lists of words
cmake --build $build -j "$jobs" --target $targets $fuzz data.recorder learn_and_act mopo_program \
  > $build/make.log
find $build -name '*.gcda' -delete
(cd $build/tests && ./data.recorder > recorder.log 2>&1) || true
ctest --test-dir $build -j "$jobs" --output-on-failure -E "$left_out" \
  > $build/tests.log || { tail -40 $build/tests.log >&2; exit 1; }

# gcov is asked once; both reports are of what it said.
gcovr --root . --object-directory $build -j "$jobs" --exclude-unreachable-branches \
  --exclude-branches-by-pattern '.*\bassert\(.*' --filter src/ --exclude src/cli/ \
  --json $build/coverage.json
readers='src/(io/(buffer|csv|csv_table|file|npz|safetensors|tfevents|zip)|run/(config|fitlog|metrics)
|run/result|data/load|agent/policy|model/(ensemble_file|fit_state)|train/checkpoint)\.c'
report() { gcovr --root . --add-tracefile $build/coverage.json --print-summary "$@"; }
report --fail-under-line "$LINES"
report --filter "$(echo "$readers" | tr -d '\n')" --branches --fail-under-branch "$BRANCHES"
