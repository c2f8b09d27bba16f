#!/bin/sh
# release_test.sh MOPO SOURCE - scripts/release_check.sh passes what is right, and names each fault.
set -eu
mopo=$1
source=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
version=$("$mopo" --version | sed -n '1s/^mopo \([^ ]*\).*/\1/p')
git() { command git -C "$dir" -c user.name=n -c user.email=e@example.org "$@"; }

mkdir -p "$dir/include/mopo"
cp "$source/include/mopo/mopo.h" "$dir/include/mopo/"
cp "$source/CITATION.cff" "$source/pyproject.toml" "$source/CMakeLists.txt" "$dir/"
printf '# Changelog\n\n## %s (2026-11-29)\n\n## 0.0.1 (2026-01-01)\n' "$version" > "$dir/CHANGELOG.md"
git init -q
git add .
git commit -q -m first
"$source/scripts/release_check.sh" "$mopo" "$dir" > "$dir/.git/said"
grep -q "$version may be released" "$dir/.git/said"

# refuse WHAT - the check fails, says one thing, and that has WHAT; then all is as it was.
refuse() {
  if "$source/scripts/release_check.sh" "$mopo" "$dir" > /dev/null 2> "$dir/.git/said"; then
    echo "passed: $1"
    exit 1
  fi
  grep -q "$1" "$dir/.git/said" && [ "$(grep -c '^release_check' "$dir/.git/said")" = 1 ] || {
    echo "want one line with '$1', have:"
    cat "$dir/.git/said"
    exit 1
  }
  git tag -d "v$version" > /dev/null 2>&1 || true
  git reset -q --hard HEAD~1
  git clean -q -f -d
}
# change FILE SED - committed, so that nothing else is wrong
change() {
  sed -i "$2" "$dir/$1"
  git commit -q -a -m change
}
change CITATION.cff 's/^version: .*/version: 9.9.9/' && refuse "CITATION.cff has '9.9.9'"
change CHANGELOG.md 's/^## [0-9.]* (2026-11-29)/## 9.9.9 (2026-11-29)/' && refuse "CHANGELOG.md has '9.9.9'"
change CHANGELOG.md 's/(2026-11-29)/(unreleased)/' && refuse "(unreleased)', want '## $version (YYYY-MM-DD)'"
change pyproject.toml 's/^dynamic = .*/version = "1.0"/' && refuse 'pyproject.toml does not read'
change CMakeLists.txt 's/VERSION ${MOPO_VERSION}/VERSION 1.0/' && refuse 'CMakeLists.txt does not read'
git commit -q --allow-empty -m more
: > "$dir/new"
refuse 'not committed: ?? new'
git tag "v$version"
git commit -q --allow-empty -m later
refuse "the tag v$version is of another commit"
