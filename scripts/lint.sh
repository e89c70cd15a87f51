#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clang-tidy and clang's thread safety analysis over all of lib, apps and tests. The sources of a target are read in
# groups, as CR_UNITY compiles them: most of the time goes into headers that they share.
#   scripts/lint.sh JOBS [PATTERN]   PATTERN: only groups and files whose path has it (an extended regular expression)
#   ANALYZER=0: without clang's static analyzer, in a third of the time
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$1 pattern=${2:-.}
build=build/lint
mkdir -p "$build"
{ cmake --preset lint && cmake --build --preset lint; } > "$build/configure.log" 2>&1 || { cat "$build/configure.log"; exit 1; }

# A group's file stands in the build's folders, so what is said of sources in a folder is said of its twin there.
git ls-files '*.clang-tidy' | while read -r config; do
  mkdir -p "$build/$(dirname "$config")"
  sed -e 's/^  misc-definitions-in-headers/  -bugprone-suspicious-include,\n&/' -e "s/^HeaderFilterRegex:.*/HeaderFilterRegex: '(lib|apps|tests)\/.*[.](h|cpp)\$'/" \
    "$config" > "$build/$config"
done
# GCC's own warnings, which clang does not know.
sed -i -E 's/ -Wno-(restrict|maybe-uninitialized|mismatched-new-delete|tsan|subobject-linkage)\b//g' "$build/compile_commands.json"
options=(--quiet -p "$build" --extra-arg=-Wthread-safety)
if [ "${ANALYZER:-1}" = 0 ]; then options+=(--checks='-clang-analyzer-*'); fi
sed -n 's/^  "file": "\(.*\)",\?$/\1/p' "$build/compile_commands.json" | grep -E '\.(cpp|cxx)$' | grep -v /generated/ |
  grep -E -- "$pattern" |
  xargs -P "$jobs" -n 1 clang-tidy "${options[@]}"
