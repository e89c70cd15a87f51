#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How reports behave on a large store: usage on one with few requests and on one with many, what a report does to the
# reservations beside it, and pruning under load. Prints figures; asserts only that the books of the made store agree.
#   tests/bench/large.sh BUILD_DIR
#   ROWS=10000000 TOKENS=100000 SMALL=10000 REQUESTS=20000 RATE=1000   may be set; about 4 GB under /tmp for the largest
#   ONLY=directory: the start, the memory and the lists of a store of TOKENS=1000000, and requests in a directory of
#   CHANNELS=5000 and GROUPS_=2000 groups with 40 names and patterns each beside those in a small one; no requests' rows
set -euo pipefail
build=$(cd "$1" && pwd)
rows=${ROWS:-10000000} tokens=${TOKENS:-100000} small=${SMALL:-10000} requests=${REQUESTS:-20000} rate=${RATE:-1000}
export PATH="$build/apps/crd:$build/apps/crctl:$build/tests/bench:$PATH"

source "$(dirname "$0")/started.sh" large

start_crd() { # NAME
  mkdir -p "$dir/$1"
  printf 'listen = ["127.0.0.1:0"]\nstate_dir = "%s/state"\nadmin_socket = "%s/admin.sock"\n%b' "$dir/$1" "$dir/$1" "${2:-}" \
    > "$dir/$1/crd.toml"
  : > "$dir/log"
  start ' ready ' crd --config "$dir/$1/crd.toml"
  crd_pid=${started[-1]}
  crd_port=$(sed -n 's/.* listening .*address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/log" | head -n 1)
  export CRCTL_SOCKET=$dir/$1/admin.sock
}
stop_crd() {
  kill "$crd_pid"
  wait "$crd_pid" || true
}

median_of() { # TIMES COMMAND...: in milliseconds
  local times=$1 i begun
  shift
  for ((i = 0; i < times; ++i)); do
    begun=$(date +%s%N)
    "$@" > /dev/null
    echo $((($(date +%s%N) - begun) / 1000))
  done | median | awk '{ printf "%.1f\n", $1 / 1000 }'
}
time_usage() { median_of 7 crctl usage --by day,model --since 30d; }

p99() { # of reservations made through /v1 at a steady rate, in microseconds, each from when it was due
  bench_load --port "$crd_port" --key "$key" --connections 64 --requests "$requests" --rate "$rate" |
    sed 's/.*p99_us \([0-9.]*\).*/\1/'
}

resident() { # of a process, in KiB
  sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}
timed_start() { # NAME: into $took, in milliseconds
  local begun
  begun=$(date +%s%N)
  start_crd "$1"
  took=$((($(date +%s%N) - begun) / 1000000))
}
list_all() { # FORMAT: seconds and KiB at most that `token list` takes of it
  /usr/bin/time -f "token list -o $1: %e s, %M KiB" crctl --timeout 10m token list -o "$1" > /dev/null
}
processor_time() { # of crd for a request, in microseconds: KEY
  local before
  before=$(awk '{ print $14 + $15 }' "/proc/$crd_pid/stat")
  bench_load --port "$crd_port" --key "$1" --connections 8 --requests "$requests" > /dev/null
  awk -v before="$before" -v requests="$requests" -v ticks="$(getconf CLK_TCK)" \
    '{ printf "%.1f\n", ($14 + $15 - before) * 1000000 / ticks / requests }' "/proc/$crd_pid/stat"
}
channel_of() { # GROUP, to the upstream of the bench
  echo upstream-key | crctl -q channel create "bench-$1" --kind openai --base-url "http://127.0.0.1:$upstream_port/v1" \
    --allow-private --key-stdin --models gpt-4o-mini --group "$1" > /dev/null
}

list_models() { # KEY
  curl --silent --fail --output /dev/null -H "Authorization: Bearer $1" "http://127.0.0.1:$crd_port/v1/models"
}

directory_bench() {
  local tokens=${TOKENS:-1000000} channels=${CHANNELS:-5000} groups=${GROUPS_:-2000} empty everywhere
  mkdir -p "$dir/none/state" "$dir/tokens/state" "$dir/many/state"
  chmod 700 "$dir"/*/state
  timed_start none
  empty=$(resident "$crd_pid")
  start '^listening' bench_upstream
  upstream_port=${ready##* }
  channel_of default
  key=$(crctl -q token create bench --quota 1000000 2> /dev/null)
  processor_time "$key" > /dev/null
  echo "a request in a small directory: $(processor_time "$key") us of a processor"
  stop_crd
  bench_fill "$dir/tokens/state" 0 "$tokens"
  timed_start tokens  # reads the file into the cache
  stop_crd
  timed_start tokens
  echo "$tokens tokens: crd starts in $took ms, $((($(resident "$crd_pid") - empty) * 1024 / tokens)) bytes each"
  for format in table tsv json; do list_all "$format"; done
  stop_crd
  everywhere=$(bench_fill "$dir/many/state" 0 50000 "$channels" "$groups")
  timed_start many
  echo "$channels channels in $groups groups, 50000 tokens: crd starts in $took ms"
  channel_of group-7
  key=$(crctl -q token create bench --quota 1000000 --group group-7 2> /dev/null)
  processor_time "$key" > /dev/null
  echo "a request of a token of one group: $(processor_time "$key") us of a processor, of one of all" \
    "$(processor_time "$everywhere") us"
  echo "GET /v1/models of a token of all: $(median_of 7 list_models "$everywhere") ms;" \
    "model list: $(median_of 3 crctl model list) ms"
  p99 > /dev/null
  alone=$(p99)
  while :; do list_models "$everywhere"; done &
  local lister=$!
  echo "a reservation's p99: $alone us, beside a client that lists models in a loop $(p99) us"
  { kill "$lister" && wait "$lister"; } 2> /dev/null || true
  stop_crd
}
if [[ ${ONLY:-} == directory ]]; then
  directory_bench
  exit
fi

mkdir -p "$dir/small/state" "$dir/large/state"
chmod 700 "$dir"/*/state
bench_fill "$dir/small/state" "$small" 100
start_crd small
echo "usage --by day,model --since 30d: $(time_usage) ms with $small requests"
stop_crd

begun=$SECONDS
bench_fill "$dir/large/state" "$rows" "$tokens"
echo "made $rows requests of $tokens tokens in $((SECONDS - begun)) s, $(du -h "$dir/large/state/ledger.db" | cut -f 1)"
start '^listening' bench_upstream
upstream_port=${ready##* }
begun=$(date +%s%N)
start_crd large
echo "crd starts on it in $((($(date +%s%N) - begun) / 1000000)) ms"
echo "usage --by day,model --since 30d: $(time_usage) ms with $rows requests"
crctl --timeout 10m audit verify

echo upstream-key | crctl -q channel create bench --kind openai --base-url "http://127.0.0.1:$upstream_port/v1" \
  --allow-private --key-stdin --models gpt-4o-mini > /dev/null
key=$(crctl -q token create bench --quota 1000000 2> /dev/null)
p99 > /dev/null
alone=$(p99)
again=$(p99)
# One client on one connection, since it is crd that is asked about here: starting a crctl for each report takes more of
# a processor than the report itself.
since=$(date -u -d "80 days ago" +%F)
report="http://crd/admin/v1/usage?by=day,model,channel&since=$since"
for ((i = 0; i < 20000; ++i)); do echo "url = \"$report\""; done > "$dir/reports"
curl --silent --fail --output /dev/null --unix-socket "$CRCTL_SOCKET" "$report"
curl --silent --unix-socket "$CRCTL_SOCKET" --config "$dir/reports" > /dev/null &
reports=$!
beside=$(p99)
{ kill "$reports" && wait "$reports"; } 2> /dev/null || true
crctl --timeout 10m audit verify > /dev/null &
reports=$!
verified=$(p99)
{ kill "$reports" && wait "$reports"; } 2> /dev/null || true
echo "p99 of a request, $rate a second: $alone and $again us alone, $beside us while reports run without a pause," \
  "$verified us while the books are verified"

stop_crd
start_crd large '[usage]\nretention = "40d"\n'
before=$(sqlite3 -readonly "$dir/large/state/ledger.db" 'SELECT count(*) FROM request')
pruning=$(p99)
after=$(sqlite3 -readonly "$dir/large/state/ledger.db" 'SELECT count(*) FROM request')
echo "p99 while rows are pruned: $pruning us; $((before + requests + 2000 - after)) rows went meanwhile"
crctl --timeout 10m audit verify
