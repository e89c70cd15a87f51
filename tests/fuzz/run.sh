#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs each fuzzer of a build for so many seconds, beginning with the inputs of corpus/. The name of an input that breaks
# a property is printed; it stays in BUILD_DIR/findings, and what a run learned in BUILD_DIR/learned for the next one.
#   tests/fuzz/run.sh BUILD_DIR SECONDS [FUZZER...]
#   tests/fuzz/run.sh BUILD_DIR keep [FUZZER...]     adds what was learned to corpus/, as few inputs as tell it all
#   JOBS=2, SEED=1 (else each run has another)   may be set
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
export seconds=$2 here build
shift 2
fuzzers=("$@")
if [ $# = 0 ]; then fuzzers=($(ls "$here/corpus")); fi

# A fuzzer without inputs, or inputs without a fuzzer, would be passed over in silence.
diff <(ls "$here/corpus") <(sed -n 's/^cr_fuzzer(\([a-z_]*\) .*/\1/p' "$here/CMakeLists.txt" | sort)

run() { # FUZZER
  local program=$build/tests/fuzz/$1_fuzz learned=$build/learned/$1 corpus=$here/corpus/$1 log=$build/findings/$1.log
  mkdir -p "$learned" "$build/findings"
  if [ "$seconds" = keep ]; then
    # Only what reaches code that nothing in the repository does.
    "$program" -set_cover_merge=1 -use_counters=0 -max_len=4096 "$corpus" "$learned" > "$log" 2>&1
    return
  fi
  local dictionary=()
  case $1 in
    request | answer | admin_json) dictionary=(-dict="$here/dictionaries/json.dict") ;;
    *_head | chunked | connect) dictionary=(-dict="$here/dictionaries/http.dict") ;;
    *) if [ -e "$here/dictionaries/$1.dict" ]; then dictionary=(-dict="$here/dictionaries/$1.dict"); fi ;;
  esac
  if ! "$program" -seed="${SEED:-0}" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$1-" "${dictionary[@]}" "$learned" "$corpus" > "$log" 2>&1; then
    grep -aE 'does not hold|runtime error|ERROR|SUMMARY|Test unit written' "$log" | head -n 5
    echo "$1: failed; see $log"
    return 1
  fi
  sed -n 's/^stat::number_of_executed_units: *//p' "$log" | sed "s/^/$1: held for $seconds s, runs: /"
}
export -f run
printf '%s\n' "${fuzzers[@]}" | xargs -P "${JOBS:-$(nproc)}" -I '{}' bash -euo pipefail -c 'run {}'
