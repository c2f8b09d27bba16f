#!/bin/sh
# release_check.sh MOPO [DIR] - may DIR (default: this repository) be released as the version in its header?
# All places that name a version name that one, the program MOPO too; the changelog has it, with its day;
# nothing is uncommitted; a tag of that version is this commit. Says all that is wrong.
set -eu
program=$(realpath "${1:?release_check.sh: want the program}")
cd "${2:-$(dirname "$0")/..}"
faults=0
fault() { echo "release_check.sh: $*" >&2; faults=$((faults + 1)); }
# same WHAT FOUND
same() { [ "$2" = "$version" ] || fault "$1 has '$2', want '$version' as include/mopo/mopo.h"; }

version=$(sed -n 's/^#define MOPO_VERSION "\(.*\)"$/\1/p' include/mopo/mopo.h)
echo "$version" | grep -qE '^[0-9]+\.[0-9]+\.[0-9]+$' || fault "include/mopo/mopo.h: '$version', want X.Y.Z"
same "$1 --version" "$("$program" --version | sed -n '1s/^mopo \([^ ]*\).*/\1/p')"
same "the manual page" "$("$program" help --man | sed -n 's|^\.TH [^"]*"" "mopo \([^ "]*\)".*|\1|p')"
same CITATION.cff "$(sed -n 's/^version: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' CITATION.cff)"
grep -q '^input = "include/mopo/mopo.h"$' pyproject.toml && ! grep -q '^version *=' pyproject.toml ||
  fault "pyproject.toml does not read the version in include/mopo/mopo.h"
grep -q 'project(mopo VERSION ${MOPO_VERSION} ' CMakeLists.txt ||
  fault "CMakeLists.txt does not read the version in include/mopo/mopo.h"

heading=$(grep -m 1 '^## ' CHANGELOG.md || true)
echo "$heading" | grep -qE '^## [0-9.]+ \([0-9]{4}-[0-9]{2}-[0-9]{2}\)$' ||
  fault "CHANGELOG.md begins with '$heading', want '## $version (YYYY-MM-DD)'"
same CHANGELOG.md "$(echo "$heading" | sed 's/^## \([^ ]*\).*/\1/')"

changes=$(git status --porcelain | head -n 3)
[ -z "$changes" ] || fault "not committed:" "$changes"
tagged=$(git rev-parse -q --verify "v$version^{commit}" || true)
[ -z "$tagged" ] || [ "$tagged" = "$(git rev-parse HEAD)" ] || fault "the tag v$version is of another commit"
[ $faults = 0 ] || exit 1
echo "release_check.sh: $version may be released"
