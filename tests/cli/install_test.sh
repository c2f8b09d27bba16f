#!/bin/sh
# install_test.sh BUILD CMAKE CC - what is installed can be used: by pkg-config, shared and static,
# and by find_package(mopo).
set -eu
build=$1
cmake=$2
cc=$3
golden=$(realpath "$(dirname "$0")/../golden")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$cmake" --install "$build" --prefix "$dir/prefix" > /dev/null
cd "$dir"

cat > use.c << 'END'
#include <mopo/mopo.h>
#include <stdio.h>
/* Names that the library uses inside: a program may have its own. */
int file_exists(void) { return 1; }
int buffer_add(void) { return 2; }
int error_set(void) { return 3; }
int main(int argc, char **argv)
{
  mopo_dataset *d = NULL;
  mopo_error err;
  if (argc < 2) return puts(mopo_task_facts_of(mopo_task_find("hopper"))->name) < 0;
  if (mopo_dataset_load(&d, argv[1], NULL, &err) != MOPO_OK) return puts(err.msg), 1;
  return printf("%lld\n", (long long)mopo_dataset_rows(d)) < 0;
}
END
PKG_CONFIG_PATH=$(dirname "$(find "$dir/prefix" -name mopo.pc)")
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir mopo)
# shellcheck disable=SC2046 # lists of words
$cc use.c $(pkg-config --cflags --libs mopo) -o shared
[ "$(LD_LIBRARY_PATH=$libdir ./shared)" = hopper ]
# the installed library finds the program that reads HDF5
[ "$(LD_LIBRARY_PATH=$libdir ./shared "$golden/data.hdf5")" -gt 100 ]
# shellcheck disable=SC2046
$cc use.c $(pkg-config --cflags mopo) "$libdir/libmopo.a" \
  $(pkg-config --static --libs mopo | sed 's/-lmopo//') -o static
[ "$(./static)" = hopper ]
nm -g --defined-only "$libdir/libmopo.a" | awk 'NF == 3 && $3 !~ /^mopo_/ { print "exported:", $3; bad = 1 }
  END { exit bad }'

cat > CMakeLists.txt << 'END'
cmake_minimum_required(VERSION 3.20)
project(use C)
find_package(mopo 0.1 REQUIRED)
add_executable(use use.c)
target_link_libraries(use mopo::mopo)
END
"$cmake" -S . -B build -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$dir/prefix" > /dev/null
"$cmake" --build build > /dev/null
[ "$(./build/use)" = hopper ]
[ "$("$dir/prefix/bin/mopo" --version | cut -c1-5)" = 'mopo ' ]

# a manual page for each verb, and completion that a shell accepts
mopo=$dir/prefix/bin/mopo
for verb in '' $("$mopo" --help | sed -n 's/^  mopo \([a-z]*\) .*/-\1/p'); do
  page=$(find "$dir/prefix" -name "mopo$verb.1")
  grep -q '^\.SH NAME' "$page"
  grep -q "^mopo.*- [a-z]" "$page"
done
bash -n "$(find "$dir/prefix" -path '*completions/mopo')"
if command -v zsh > /dev/null; then zsh -n "$(find "$dir/prefix" -name _mopo)"; fi
