#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A long run at an even rate: clients that leave in mid-request, a configuration reloaded every minute, a channel whose
# provider goes and comes, and after it the books checked. Each minute it prints what crd holds: memory and descriptors,
# which are to stay what they were after the first minutes. Exits 1 if the books do not agree.
#   tests/bench/soak.sh BUILD_DIR
#   MINUTES=60 RATE=1000 CONNECTIONS=64 LEAVE=500 WORKERS=2   may be set; every LEAVEth client leaves
set -euo pipefail
build=$(cd "$1" && pwd)
minutes=${MINUTES:-60} rate=${RATE:-1000} connections=${CONNECTIONS:-64} leave=${LEAVE:-500}
export PATH="$build/apps/crd:$build/apps/crctl:$build/tests/bench:$PATH"

source "$(dirname "$0")/started.sh" soak

start '^listening' bench_upstream
upstream_port=${ready##* }
start_gateway "$build" crd "${WORKERS:-2}"

flapping_port=$(bench_load --free-port)
echo upstream-key | crctl -q channel create flapping --kind openai --base-url "http://127.0.0.1:$flapping_port/v1" \
  --allow-private --key-stdin --models gpt-4o-mini --priority 1 > /dev/null

# Twenty seconds there, ten away.
flap() {
  while :; do
    bench_upstream "$flapping_port" > /dev/null &
    sleep 20
    kill $!
    wait $! 2> /dev/null || true
    sleep 10
  done
}
flap &
flapper=$!
trap 'pkill -P "$flapper" || true; kill "$flapper" 2> /dev/null || true; stop_all' EXIT

held() { awk '/^VmRSS/ { print "rss_kib", $2 }' "/proc/$crd_pid/status"; }
descriptors() { find "/proc/$crd_pid/fd" -mindepth 1 | wc -l; }

requests=$((minutes * 60 * rate))
bench_load --port "$crd_port" --key "$key" --connections "$connections" --warm 0 --requests "$requests" --rate "$rate" \
  --leave "$leave" --cpu-of "$crd_pid" > "$dir/load" 2>&1 &
load=$!
for ((minute = 1; minute <= minutes; minute++)); do
  for ((second = 0; second < 60; second++)); do
    kill -0 "$load" 2> /dev/null || break
    sleep 1
  done
  crctl -q config reload > /dev/null
  echo "minute $minute $(held) descriptors $(descriptors) store_bytes $(stat -c %s "$dir/crd/state/ledger.db")"
done
wait "$load" || true
cat "$dir/load"
echo "requests sent $requests, in the books $(crctl usage --since 1d --fields requests --no-header -o tsv | tail -n 1)"
crctl audit verify --timeout 10m
