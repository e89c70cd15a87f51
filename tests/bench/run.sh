#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# CPU and time a request of crd beside nginx that does the nearest it can (a key check in a map, keep-alive both ways), in
# front of the same fake provider, in alternating rounds. Prints medians; asserts nothing: a measurement, not a test.
#   tests/bench/run.sh BUILD_DIR
#   CONNECTIONS="1 64 256" RATE=1000 ROUNDS=5 REQUESTS=20000 WARM=2000 WORKERS=2 SYSCALLS=1   may be set
set -euo pipefail
build=$(cd "$1" && pwd)
rounds=${ROUNDS:-5} requests=${REQUESTS:-20000} workers=${WORKERS:-2} rate=${RATE:-1000} warm=${WARM:-2000}
export PATH="$build/apps/crd:$build/apps/crctl:$build/tests/bench:$PATH:/usr/sbin"

source "$(dirname "$0")/started.sh" bench

start '^listening' bench_upstream
upstream_port=${ready##* }

start_gateway "$build" crd "$workers"

nginx_port=$(bench_load --free-port)
mkdir -p "$dir/nginx"
cat > "$dir/nginx.conf" <<CONF
daemon off;
worker_processes $workers;
pid $dir/nginx/pid;
error_log stderr notice;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $dir/nginx/body;
  proxy_temp_path $dir/nginx/proxy;
  fastcgi_temp_path $dir/nginx/fastcgi;
  uwsgi_temp_path $dir/nginx/uwsgi;
  scgi_temp_path $dir/nginx/scgi;
  keepalive_requests 1000000000;
  map_hash_bucket_size 256;
  map \$http_authorization \$known { default 0; "Bearer $key" 1; }
  upstream provider { server 127.0.0.1:$upstream_port; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:$nginx_port reuseport;
    location / {
      if (\$known = 0) { return 401; }
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer upstream-key";
    }
  }
}
CONF
user=()
if [ "$(id -u)" = 0 ]; then user=(-g 'user root;'); fi
start 'start worker process ' nginx -e stderr -p "$dir/nginx" -c "$dir/nginx.conf" "${user[@]}"
nginx_pid=${started[-1]}
nginx_of=(--cpu-of "$nginx_pid")
until [ "$(pgrep -c -P "$nginx_pid")" = "$workers" ]; do :; done
for worker in $(pgrep -P "$nginx_pid"); do nginx_of+=(--cpu-of "$worker"); done

measure() { # NAME OF_WHICH_ROW PORT [OPTION...]
  local name=$1 row=$2 port=$3
  shift 3
  bench_load --port "$port" --key "$key" --warm "$warm" "$@" >> "$dir/$name.$row"
}

row() { # LABEL FILE
  printf '  %-8s %12s %10s %10s %12s\n' "$1" "$(column "$2" cpu_us | median)" "$(column "$2" p50_us | median)" \
    "$(column "$2" p99_us | median)" "$(column "$2" per_second | median)"
}

# The median of what each round of crd makes of the round of nginx beside it.
ratio() { # ROW COLUMN
  paste <(column "$dir/crd.$1" "$2") <(column "$dir/nginx.$1" "$2") | awk '{ print $1 / $2 }' | median |
    xargs printf '%.2f'
}

compare() { # ROW TITLE OPTION...
  local row=$1 title=$2 round
  shift 2
  for ((round = 0; round < rounds; ++round)); do
    measure nginx "$row" "$nginx_port" "$@" "${nginx_of[@]}"
    measure crd "$row" "$crd_port" "$@" --cpu-of "$crd_pid"
  done
  measure none "$row" "$upstream_port" "$@"
  echo "$title, $rounds rounds, $workers workers each; medians"
  printf '  %-8s %12s %10s %10s %12s\n' '' 'CPU us/req' 'p50 us' 'p99 us' 'requests/s'
  row nginx "$dir/nginx.$row"
  row crd "$dir/crd.$row"
  row 'no proxy' "$dir/none.$row"
  echo "  crd / nginx: CPU a request $(ratio "$row" cpu_us), p50 $(ratio "$row" p50_us), p99 $(ratio "$row" p99_us)"
}

for connections in ${CONNECTIONS:-1 64 256}; do
  compare "$connections" "$connections connections, $requests requests a round" --connections "$connections" \
    --requests "$requests"
done
compare steady "a steady $rate requests a second, $((rate * 10)) a round" --connections 64 --requests $((rate * 10)) \
  --rate "$rate"

# The ledger alone: durable reservations a second, and how long each waits for its commit.
mkdir -p "$dir/ledger"
bench_ledger "$dir/ledger" > "$dir/ledger.out"
echo 'ledger: reservations made durable, each settled when released'
printf '  %-8s %12s %10s %10s %12s\n' waiting 'per second' 'p50 us' 'p99 us' 'commits/s'
while read -r line; do
  set -- $line
  printf '  %-8s %12s %10s %10s %12s\n' "$2" "$4" "$8" "${10}" "$6"
done < "$dir/ledger.out"

# System calls a request, where strace may attach.
if [ -n "${SYSCALLS:-}" ] && command -v strace > /dev/null; then
  count_calls() { # NAME PORT PID...
    local name=$1 port=$2 pids=()
    shift 2
    for pid in "$@"; do pids+=(-p "$pid"); done
    strace -f -c -q -o "$dir/strace.$name" "${pids[@]}" &
    local tracer=$!
    bench_load --port "$port" --key "$key" --requests 5000 --warm 0 > /dev/null
    kill -INT "$tracer"
    wait "$tracer" || true
    echo "  $name: $(awk '$NF == "total" { printf "%.1f", $4 / 5000 }' "$dir/strace.$name") system calls a request"
    sed -n '3,9p' "$dir/strace.$name"
  }
  count_calls crd "$crd_port" "$crd_pid"
  count_calls nginx "$nginx_port" $(pgrep -P "$nginx_pid")
fi
