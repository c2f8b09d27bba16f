#!/bin/sh
# analyse.sh [TOOL ...] - what reads or watches the code for mistakes, every tool or those named:
#   cppcheck tidy gcc   read the sources (tidy: clang-tidy and .clang-tidy; gcc: -fanalyzer)
#   tsan                watches the threads of the pool's tests and of a small run
#   valgrind            watches the memory of a small run
# A finding fails; a tool that is not installed is said and passed over. Sanitizers of addresses and
# undefined behaviour are `make asan`.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- cppcheck tidy gcc tsan valgrind
failed=
jobs=$(nproc)
flags="-std=gnu11 -D_GNU_SOURCE -DMOPO_HAVE_MUJOCO -DMOPO_LIBEXEC=\"x\" -Iinclude -Isrc \
$(pkg-config --cflags hdf5 jansson inih muparser | sed 's/-I/-isystem /g')"
if pkg-config --exists libwebpmux; then flags="$flags -DMOPO_HAVE_WEBP"; fi

have() { command -v "$1" > /dev/null || { echo "no $1 here, passed over" >&2; return 1; }; }

# Each line of what is read, but the kernels: one template for three instruction sets, full of what
# analysers take minutes over, and without a pointer that they do not get from their caller.
sources() { find src -name '*.c' ! -name 'kernels_*' | sort; }

# vec.h sets the elements of a vector one by one, which cppcheck takes for an array never set.
cppcheck_all() {
  have cppcheck || return 0
  cppcheck --quiet --enable=warning,portability,performance --std=c11 --error-exitcode=1 \
    -j "$jobs" --suppress=uninitvar:src/nn/vec.h -I include -I src -D_GNU_SOURCE \
    -DMOPO_HAVE_MUJOCO src
}

tidy_all() {
  have clang-tidy || return 0
  sources | FLAGS=$flags xargs -P "$jobs" -n 1 sh -c \
    'out=$(clang-tidy --quiet "$0" -- $FLAGS 2> /dev/null) || { echo "$out"; exit 1; }'
}

# gcc 12 loses sight of memory that its owner holds by a member in its middle (hdf5_disk.c returns
# &f->base; sim_caller.c, sim_mujoco.c), in an array (safetensors.c keeps p->copy in f->p[], cmd_report.c
# names in l->dir[], sweep.c units, sweep_file.c values) or since an earlier turn of a loop (lag.c), and
# calls it leaked.
gcc_all() {
  lost='src/(io/(hdf5_disk|safetensors)|cli/cmd_report|config/sweep(_file)?|data/lag|sim/sim_(caller|mujoco))\.c'
  analyse="xargs -P $jobs -n 1 gcc $flags -O1 -S -o - -fanalyzer -Werror -D__clang_analyzer__"
  sources | grep -Ev "$lost" | $analyse > /dev/null &&
    sources | grep -E "$lost" | $analyse -Wno-analyzer-malloc-leak > /dev/null
}

# MOPO's own algorithm from data to policy: fit, rollouts, updates, evaluation, checkpoints.
small_run() { # PROGRAM [COMMAND ...]: a program that runs it
  program=$1
  shift
  run=$(mktemp -d)
  "$@" "$program" train --quiet --data data/hopper-medium-replay-sample.hdf5 --task hopper \
    --epochs 2 --updates-per-epoch 4 --batch-size 32 --hidden 16 --members 2 --elites 1 \
    --model-hidden 16 --model-max-epochs 1 --model-batch 2048 --rollout-batch 200 \
    --rollout-length 2 --eval-episodes 2 --threads 3 --out "$run/run" > "$run/log" 2>&1 ||
    { cat "$run/log"; rm -r "$run"; return 1; }
  rm -r "$run"
}

# By setarch, because ThreadSanitizer wants its memory where newer kernels put other things.
tsan_all() {
  cmake -S . -B build-tsan -DCMAKE_BUILD_TYPE=Debug --log-level=WARNING \
    -DCMAKE_C_FLAGS_DEBUG='-O1 -g -fsanitize=thread' &&
    cmake --build build-tsan -j "$jobs" --target base.par mopo_program > build-tsan/make.log ||
    return 1
  export TSAN_OPTIONS=halt_on_error=1
  (cd build-tsan/tests && setarch -R ./base.par > par.log 2>&1 || { cat par.log; exit 1; }) &&
    small_run build-tsan/mopo setarch -R
}

valgrind_all() {
  have valgrind || return 0
  cmake -S . -B build-valgrind -DCMAKE_BUILD_TYPE=Debug --log-level=WARNING \
    -DCMAKE_C_FLAGS_DEBUG='-O1 -g' &&
    cmake --build build-valgrind -j "$jobs" --target mopo_program > build-valgrind/make.log ||
    return 1
  small_run build-valgrind/mopo valgrind --quiet --error-exitcode=1 --leak-check=full \
    --errors-for-leak-kinds=definite,possible
}

for tool; do
  echo "== $tool"
  case $tool in
  cppcheck | tidy | gcc | tsan | valgrind)
    if "${tool}_all"; then echo "$tool: no findings"; else failed="$failed $tool"; fi ;;
  *) echo "analyse.sh: '$tool', want cppcheck, tidy, gcc, tsan or valgrind" >&2; exit 2 ;;
  esac
done
[ -z "$failed" ] || { echo "analyse.sh: findings of$failed" >&2; exit 1; }
