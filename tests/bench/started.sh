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

