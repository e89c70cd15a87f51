#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The tests under a sanitizer: those with our code in them are compiled with it; those that only drive programs are the
# release build's, and are told where the sanitized programs are.
#   tests/sanitized.sh asan|tsan JOBS TEST_JOBS [CMAKE_OPTION...]
#   THREADS=1: only the tests about what threads share
#   PROGRAMS=1: only the tests that drive programs
#   EVERYTHING=1: asan with every check (null, alignment, object size, vptr), which doubles the compiler's time; only the
#   tests with our code in them
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1 jobs=$2 test_jobs=$3
shift 3
targets=(all) outside=outside_tests labels=()
if [ -n "${THREADS:-}" ]; then
  targets=(crd crctl threads_tests) outside=outside_threads_tests labels=(-L '^threads$')
fi

if [ -n "${PROGRAMS:-}" ]; then targets=(crd crctl); fi

if [ -n "${EVERYTHING:-}" ]; then set -- "$@" -DCR_SANITIZE_EVERYTHING=ON; else set -- "$@" -DCR_SANITIZE_EVERYTHING=OFF; fi

build() { cmake --build --preset "$preset" -j "$jobs" --target "${targets[@]}"; }
cmake --preset "$preset" "$@" -DCR_UNITY=ON
if ! build; then
  echo 'sources that are compiled as one stand in each other'"'"'s way, or are wrong: one by one they are compiled now'
  cmake --preset "$preset" "$@" -DCR_UNITY=OFF
  build
fi
export TSAN_OPTIONS="suppressions=$PWD/tests/support/tsan.supp second_deadlock_stack=1 ${TSAN_OPTIONS:-}"
if [ -z "${PROGRAMS:-}" ]; then ctest --preset "$preset" "${labels[@]}" --no-tests=error -j "$test_jobs"; fi
if [ -n "${EVERYTHING:-}" ]; then exit 0; fi

cmake --build --preset release -j "$jobs" --target "$outside" crd crctl
export CR_TEST_BUILD=$PWD/build/$preset
CR_TEST_SANITIZER=$(${CXX:-c++} -print-file-name="lib$preset.so")
export CR_TEST_SANITIZER
# Sanitized, a call of crctl takes ten times as long: where the command only prepares what is tested, it is the release's.
CR_TEST_CRCTL=$PWD/build/release/apps/crctl/crctl \
  ctest --preset release -L '^integration$' "${labels[@]}" --no-tests=error -j "$test_jobs"
if [ -z "${THREADS:-}" ]; then ctest --preset release -L '^command$' --no-tests=error -j "$test_jobs"; fi
