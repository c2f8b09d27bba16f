#!/bin/sh
# docs_test.sh PROGRAM SOURCE - runs every command of README.md and docs/*.md, made small.
#
# A command stands in an indented block (or one fenced as sh) whose first line begins with a program
# named below. Each document is gone through from top to bottom, in a directory of its own:
# - `mopo` and `build/mopo` are this build, with the sizes below put behind (or, where a document
#   sets them on purpose, before) what the document says;
# - data/ and examples/ are the repository's, my.hdf5, d.hdf5 and the like are the sample,
#   runs/demo is a run on it; ALGO, SEED, NAME and FILE stand for sac, 0, another name each time and
#   the sample;
# - commands that cannot be run here are listed in skip(), each with its reason.
# What the machine lacks (exit code 5, a compiler for another machine) is said and not counted.
set -u
mopo=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
source=$(cd "$2" && pwd)
sample=$source/data/hopper-medium-replay-sample.hdf5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
count=0

# The program as the documents call it.
mkdir "$dir/bin"
cat > "$dir/bin/mopo" << END
#!/bin/sh
verb=\$1
shift
nets='--members 2 --elites 1 --hidden 8 --model-hidden 8'
case \$verb in
train) set -- train --quiet \$nets "\$@" --epochs 1 --updates-per-epoch 5 --rollout-batch 50 \\
  --model-max-epochs 1 --eval-episodes 1 --behaviour-updates 2 --bear-warmup 2 --ope-updates 20 --threads 1 ;;
model) first=\$1; shift; set -- model "\$first" --quiet --members 2 --elites 1 --model-hidden 8 "\$@" \\
  --model-max-epochs 1 --threads 1 ;;
eval) set -- eval "\$@" --episodes 1 ;;
tune) set -- tune --quiet --members 2 --elites 1 --hidden 8 --model-hidden 8 "\$@" --epochs 1 --updates-per-epoch 5 \\
  --rollout-batch 50 --model-max-epochs 1 --ope-updates 20 --threads 1 ;;
ope) set -- ope "\$@" --ope-updates 20 ;;
export) case " \$* " in *' --int8 '*) set -- "\$@" --episodes 1 ;; esac; set -- export "\$@" ;;
render) set -- render "\$@" --seconds 0.1 --width 32 --height 32 ;;
collect) set -- collect --quiet --hidden 8 "\$@" --kind random --steps 300 --threads 1 ;;
reproduce) set -- reproduce "\$@" --dry-run ;;
*) set -- "\$verb" "\$@" ;;
esac
exec "$mopo" "\$@"
END
chmod +x "$dir/bin/mopo"
PATH=$dir/bin:$PATH
export PATH

# Why a command is not run; no output: it is.
skip()
{
  case $1 in
  'pip install'*) echo 'builds a package: python.door does it' ;;
  'make '* | '.ci/run'*) echo 'installs packages, builds and tests: not inside a test' ;;
  'sudo '* | 'apt-get '*) echo 'changes the machine' ;;
  'cc learn_and_act.c'*) echo 'wants an installed library: cli.install does it' ;;
  esac
}

# The commands of a document, one a line, continuation lines joined.
commands()
{
  awk '
    /^```/ { fenced = !fenced && $0 ~ /^```(sh|bash|shell)$/; begun = 0; next }
    !fenced && !/^    / { begun = 0; next }
    {
      line = $0
      if (!fenced) sub(/^    /, "", line)
      first = line
      sub(/ .*/, "", first)
      if (!begun) known = fenced || first ~ /^(mopo|build\/mopo|make|cc|awk|head|cmake|ctest|cp|mkdir|sudo|apt-get|curl|python3?|scripts\/.*|\.ci\/run|\.\/.*|arm-none-eabi-gcc)$/
      begun = 1
      if (!known) next
      if (line ~ /\\$/) { sub(/\\$/, "", line); sub(/^ +/, " ", line); joined = joined line; next }
      sub(/^ +/, "", line)
      print joined line
      joined = ""
    }' "$1"
}

run()
{
  count=$((count + 1))
  sh -c "$1" > out 2>&1 < /dev/null
  code=$?
  [ $code = 0 ] && return
  if [ $code = 5 ]; then
    echo "skipped: $1: $(tail -1 out)"
  else
    echo "$document: $1: exit code $code"
    tail -3 out
    failed=1
  fi
}

for document in "$source"/README.md "$source"/docs/*.md; do
  name=$(basename "$document" .md)
  mkdir -p "$dir/$name/build" "$dir/$name/runs" && cd "$dir/$name" || exit 1
  ln -s "$source/data" "$source/examples" .
  ln -s "$dir/bin/mopo" build/mopo
  for copy in my d hopper-medium; do ln -s "$sample" $copy.hdf5; done
  commands "$document" > list
  [ -s list ] || continue
  mopo train --data "$sample" --task hopper --out runs/demo > out 2>&1 || { cat out; exit 1; }
  while read -r command; do
    command=$(printf '%s' "$command" | sed "s/\bALGO\b/sac/; s/\bSEED\b/0/; s/\bNAME\b/run$count/; s|\bFILE\b|$sample|")
    why=$(skip "$command")
    tool=${command%% *}
    if [ -n "$why" ]; then
      echo "not run: $command: $why"
    elif [ "$tool" = arm-none-eabi-gcc ] && ! command -v $tool > /dev/null; then
      echo "skipped: no $tool here"
    else
      run "$command"
    fi
  done < list
done
echo "$count commands run"
[ $count -gt 15 ] || failed=1 # else nothing is being found
exit $failed
