#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a change costs: crd of two builds side by side, in pairs of rounds one right after the other, the first of each pair
# taking turns. Prints the median of the pairs' ratios, which a busy machine disturbs little, and how far they spread.
#   tests/bench/compare.sh BASE_BUILD NEW_BUILD
#   PAIRS=7 CONNECTIONS=64 REQUESTS=20000 WORKERS=2   may be set
#   INSTRUCTIONS=1   counts instructions a request by callgrind instead: exact on any machine, blind to what a cache costs
set -euo pipefail
base=$(cd "$1" && pwd) new=$(cd "$2" && pwd)
pairs=${PAIRS:-7} connections=${CONNECTIONS:-64} requests=${REQUESTS:-20000} workers=${WORKERS:-2}
load=$new/tests/bench/bench_load

source "$(dirname "$0")/started.sh" compare
start '^listening' "$new/tests/bench/bench_upstream"
upstream_port=${ready##* }

declare -A build=([base]=$base [new]=$new) port pid keys

# Instructions of a run that serves so many requests, on one connection after the other.
instructions() { # NAME REQUESTS
  start_gateway "${build[$1]}" "$1.$2" 1 valgrind -q --tool=callgrind --callgrind-out-file="$dir/$1.$2.out"
  "$load" --port "$crd_port" --key "$key" --connections 1 --warm 0 --requests "$2" > /dev/null
  kill "$crd_pid"
  wait "$crd_pid" || true
  sed -n 's/^totals: //p' "$dir/$1.$2.out"
}

if [ -n "${INSTRUCTIONS:-}" ]; then
  if ! command -v valgrind > /dev/null; then
    echo 'error: INSTRUCTIONS=1 needs valgrind: apt-get install valgrind' >&2
    exit 1
  fi
  few=200 many=1200
  for name in base new; do
    # What the start and the end take is in both runs.
    instructions "$name" $few > "$dir/few"
    instructions "$name" $many > "$dir/many"
    echo $((($(cat "$dir/many") - $(cat "$dir/few")) / (many - few))) > "$dir/$name.each"
    echo "  $name: $(cat "$dir/$name.each") instructions a request"
  done
  paste "$dir/new.each" "$dir/base.each" | awk '{ printf "  new / base: %.4f\n", $1 / $2 }'
  exit
fi

for name in base new; do
  start_gateway "${build[$name]}" "$name" "$workers"
  port[$name]=$crd_port pid[$name]=$crd_pid keys[$name]=$key
done
measure() { # NAME
  "$load" --port "${port[$1]}" --key "${keys[$1]}" --connections "$connections" --requests "$requests" \
    --cpu-of "${pid[$1]}" >> "$dir/$1.rounds"
}
for ((pair = 0; pair < pairs; ++pair)); do
  order=(base new)
  if ((pair % 2)); then order=(new base); fi
  for name in "${order[@]}"; do measure "$name"; done
done

echo "$connections connections, $pairs pairs of $requests requests, $workers workers"
printf '  %-14s %10s %10s %12s   %s\n' '' base new 'new / base' 'least to most'
for what in cpu_us p50_us p99_us per_second; do
  paste <(column "$dir/new.rounds" $what) <(column "$dir/base.rounds" $what) | awk '{ print $1 / $2 }' | sort -n > "$dir/ratios"
  printf '  %-14s %10.1f %10.1f %12.3f   %.3f to %.3f\n' $what "$(column "$dir/base.rounds" $what | median)" \
    "$(column "$dir/new.rounds" $what | median)" "$(median < "$dir/ratios")" "$(head -n 1 "$dir/ratios")" "$(tail -n 1 "$dir/ratios")"
done
