#!/bin/sh
# coverage.sh - runs the tests on a build that counts (build-coverage), and prints by gcovr which
# lines of the library they reach and which branches of what reads our own files. Fails below LINES
# and BRANCHES per cent. Ten minutes on 2 cores.
set -eu
cd "$(dirname "$0")/.."
LINES=${LINES:-93}
BRANCHES=${BRANCHES:-89}
build=build-coverage
command -v gcovr > /dev/null || { echo "coverage.sh: apt-get install gcovr first" >&2; exit 1; }

# Not counted: tests; the kernels, which are there for processors that this one is not; assertions.
# What reads HDF5 does so in a process that may write no file, its counts neither: its lines are
# counted where a test calls it, its branches are not asked for.
cmake -S . -B $build -DCMAKE_BUILD_TYPE=Debug --log-level=WARNING -DCMAKE_C_FLAGS_DEBUG="-O1 -g \
--coverage -fprofile-update=atomic -fprofile-filter-files=/src/ -fprofile-exclude-files=kernels_"
cmake --build $build -j "$(nproc)" > $build/make.log
find $build -name '*.gcda' -delete

# data.recorder fills a disk, where the counts find no room either, and says so: it counts, whatever
# it ends with. train.allocations counts calls of malloc, of which gcov has its own;
# faults.torture kills, and what is killed counts nothing; the rest look at other things than src/.
(cd $build/tests && ./data.recorder > recorder.log 2>&1) || true
ctest --test-dir $build -j "$(nproc)" --output-on-failure \
  -E '^(data.recorder|train.allocations|faults.torture|cli.install|report.browser|layers)$' \
  > $build/tests.log || { tail -40 $build/tests.log >&2; exit 1; }

readers='src/(io/(buffer|csv|csv_table|file|npz|safetensors|tfevents|zip)|run/(config|fitlog|metrics)
|run/result|data/load|agent/policy|model/(ensemble_file|fit_state)|train/checkpoint)\.c'
report() {
  gcovr --root . --object-directory $build --exclude-unreachable-branches \
    --exclude-branches-by-pattern '.*\bassert\(.*' "$@"
}
report --filter src/ --exclude src/cli/ --fail-under-line "$LINES" --print-summary
report --filter "$(echo "$readers" | tr -d '\n')" --branches --fail-under-branch "$BRANCHES" \
  --print-summary
