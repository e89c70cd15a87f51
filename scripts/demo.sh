#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A first session, every command before its output. Needs no provider and no money: the channel is the built-in echo.
#   scripts/demo.sh               show it
#   scripts/demo.sh --transcript  write it between the markers in README.md
#   scripts/demo.sh --check       fail if README.md shows another one (keys, ids, times and ports aside)
# The programs are looked for in $CRD_BUILD (default build/release).
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "${CRD_BUILD:-build/release}" && pwd)
export PATH="$build/apps/crd:$build/apps/crctl:$PATH"

dir=$(mktemp -d /tmp/crd-demo.XXXXXX)
daemon=
stop_all() {
  if [ -n "$daemon" ] && kill "$daemon" 2> /dev/null; then wait "$daemon" || true; fi
  rm -rf "$dir"
}
trap stop_all EXIT

start_daemon() {
  printf 'listen = ["127.0.0.1:0"]\nstate_dir = "%s/state"\nadmin_socket = "%s/admin.sock"\n' "$dir" "$dir" > "$dir/crd.toml"
  mkfifo "$dir/stderr"
  crd --config "$dir/crd.toml" 2> "$dir/stderr" &
  daemon=$!
  local line ready=
  exec 3< "$dir/stderr"
  while [ -z "$ready" ] && read -r line <&3; do
    printf '%s\n' "$line" >> "$dir/log"
    case $line in *' ready '*) ready=yes ;; esac
  done
  if [ -z "$ready" ]; then
    cat "$dir/log" >&2
    exit 1
  fi
  cat <&3 >> "$dir/log" &
  port=$(sed -n 's/.* listening .*address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/log" | head -n 1)
  export CRCTL_SOCKET="$dir/admin.sock"
}

# Shows a command, then runs it as it was shown.
try() {
  printf '$ %s\n' "$1"
  eval "$1"
}

# What a terminal would show, even when the session is written to a file.
table=
if [ ! -t 1 ]; then table='--output table'; fi
crctl() { command crctl $table "$@"; }

session() {
  start_daemon
  printf '$ crd &\n'
  local url=http://127.0.0.1:$port/v1/chat/completions
  try "crctl channel create try-out --kind echo --models gpt-4o-mini"
  try "KEY=\$(crctl token create first --expires 30d --quota 5)"
  try "curl -s $url -H \"Authorization: Bearer \$KEY\" -H 'Content-Type: application/json' -d '{\"model\": \"gpt-4o-mini\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello, router!\"}]}'"
  echo
  try "curl -sN $url -H \"Authorization: Bearer \$KEY\" -H 'Content-Type: application/json' -d '{\"model\": \"gpt-4o-mini\", \"stream\": true, \"messages\": [{\"role\": \"user\", \"content\": \"Hello, again!\"}]}'"
  try "crctl token list"
  try "crctl usage --by model"
  printf '$ kill %%1\n'
  kill "$daemon"
  local status=0
  wait "$daemon" || status=$?
  daemon=
  if [ "$status" != 0 ]; then
    cat "$dir/log" >&2
    echo "error: crd exited with $status" >&2
    exit 1
  fi
}

# The port a default crd has, and no real key.
for_readers() {
  sed -E -e "s/127\.0\.0\.1:[0-9]+/127.0.0.1:8787/g" -e 's/sk-cr-[0-9A-Za-z]{49}/sk-cr-.../g' -e 's/ +$//'
}

# What differs from run to run, made equal.
normal() {
  sed -E -e 's/"id":"[^"]*"/"id":""/g' -e 's/"created":[0-9]+/"created":0/g' \
    -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:.]+Z?)?/DATE/g' -e 's/[0-9]+ ?(ms|s|m|h|d)( ago)?\b/AGE/g' -e 's/\bin AGE\b/AGE/g' \
    -e 's/just now|now/AGE/g' -e 's/[ ─-]+/ /g'
}

begin='<!-- first session: written by scripts/demo.sh --transcript -->'
end='<!-- end of first session -->'

case "${1:-}" in
  '') session ;;
  --transcript)
    session | for_readers > "$dir/transcript"
    awk -v begin="$begin" -v end="$end" -v file="$dir/transcript" '
      $0 == begin { print; print "```console"; while ((getline line < file) > 0) print line; print "```"; inside = 1 }
      $0 == end { inside = 0 }
      !inside && $0 != begin { print }' README.md > "$dir/README.md"
    cat "$dir/README.md" > README.md
    ;;
  --check)
    session | for_readers | normal > "$dir/now"
    awk -v begin="$begin" -v end="$end" '$0 == end { inside = 0 } inside && !/^```/ { print } $0 == begin { inside = 1 }' \
      README.md | normal > "$dir/shown"
    if ! diff -u --label README.md --label "scripts/demo.sh" "$dir/shown" "$dir/now"; then
      echo 'README.md shows another first session: run scripts/demo.sh --transcript' >&2
      exit 1
    fi
    ;;
  *)
    echo 'usage: scripts/demo.sh [--transcript | --check]' >&2
    exit 2
    ;;
esac
