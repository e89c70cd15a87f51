# SPDX-License-Identifier: MIT
# What the bench's scripts share: a temporary folder in $dir, and programs that end with the script. To be sourced; NAME
# gives the folder its name.
dir=$(mktemp -d /tmp/crd-$1.XXXXXX)
started=()
stop_all() {
  for pid in "${started[@]}"; do kill "$pid" 2> /dev/null && wait "$pid" 2> /dev/null || true; done
  rm -rf "$dir"
}
trap stop_all EXIT

# Starts a program whose first line that matches tells it is ready; prints that line.
start() {
  local pattern=$1 fifo=$dir/fifo.$RANDOM line
  shift
  mkfifo "$fifo"
  "$@" > "$fifo" 2>&1 &
  started+=($!)
  exec 7< "$fifo"
  while read -r line <&7; do
    printf '%s\n' "$line" >> "$dir/log"
    if [[ $line =~ $pattern ]]; then
      cat <&7 >> "$dir/log" &
      ready=$line
      return
    fi
  done
  cat "$dir/log" >&2
  exit 1
}


# Starts crd of a build on a store of its own, with one channel to the provider on $upstream_port and one token; says where
# in $crd_port, $crd_pid and $key. What stands before the program, if anything (valgrind), follows.
start_gateway() { # BUILD NAME WORKERS [COMMAND...]
  local build=$1 name=$2 workers=$3 before
  shift 3
  mkdir -p "$dir/$name"
  # No connection is closed for its age, as with nginx's keepalive_requests.
  printf '%s\n' 'listen = ["127.0.0.1:0"]' "state_dir = \"$dir/$name/state\"" "admin_socket = \"$dir/$name/admin.sock\"" \
    "workers = $workers" '[limits]' 'requests_per_connection_max = 1000000000' > "$dir/$name/crd.toml"
  before=$(wc -l < "$dir/log" 2> /dev/null || echo 0)
  start ' ready ' "$@" "$build/apps/crd/crd" --config "$dir/$name/crd.toml"
  crd_pid=${started[-1]}
  crd_port=$(tail -n +$((before + 1)) "$dir/log" | sed -n 's/.* listening .*address=127\.0\.0\.1:\([0-9]*\).*/\1/p' | head -n 1)
  export CRCTL_SOCKET=$dir/$name/admin.sock
  echo upstream-key | "$build/apps/crctl/crctl" -q channel create bench --kind openai \
    --base-url "http://127.0.0.1:$upstream_port/v1" --allow-private --key-stdin --models gpt-4o-mini > /dev/null
  key=$("$build/apps/crctl/crctl" -q token create bench --quota 1000000 2> /dev/null)
}

median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
column() { awk -v name="$2" '{ for (i = 1; i < NF; i += 2) if ($i == name) print $(i + 1) }' "$1"; } # FILE NAME, of bench_load
