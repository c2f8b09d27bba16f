#!/bin/sh
# pytest.sh PROGRAM BUILD [PYTHON] - builds the Python package's module in BUILD/python and runs its tests, with
# PROGRAM for those that compare the two doors. Exit 77 where Python lacks cffi, NumPy, pytest or its headers.
set -eu
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$2/python
python=${3:-}
usable() { "$1" -c 'import sys, cffi, numpy, pytest; assert sys.version_info >= (3, 9)' 2> /dev/null; }
for candidate in $python python3 /usr/bin/python3; do
  [ -n "$python" ] && usable "$python" && break
  python=$candidate
done
usable "$python" || { echo 'pytest.sh: no Python here has cffi, NumPy and pytest: left out'; exit 77; }
cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DMOPO_PYTHON_MODULE=ON -DMOPO_SIMULATOR=OFF -DMOPO_HDF5=OFF \
  -DMOPO_TESTS=OFF -DPython_EXECUTABLE="$(command -v "$python")" --log-level=ERROR > "$2/python.log" 2>&1 ||
  { cat "$2/python.log"; grep -q 'Development.Module' "$2/python.log" && exit 77; exit 1; }
cmake --build "$build" -j "$(nproc)" --target mopo_python > "$2/python.log" 2>&1 || { tail -n 30 "$2/python.log"; exit 1; }
rm -rf "$build/package"
mkdir "$build/package"
cp -r "$source/python/mopo" "$build/package/mopo"
cp "$build"/_mopo.abi3.so "$build/package/mopo/"
cd "$build"
PYTHONPATH=$build/package MOPO_PROGRAM=$program "$python" -m pytest -q -p no:cacheprovider "$source/tests/python"
