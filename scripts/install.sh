#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# scripts/install.sh install|uninstall PREFIX [BUILD]: puts what BUILD (default build/release) has built into
# $DESTDIR$PREFIX, or takes away what an install put there. What belongs to the administrator stays: crd.toml, unless it
# is as it was installed, and the store. Leaves nothing in the tree that its owner could not write over.
set -euo pipefail
verb=${1:-} prefix=${2:-} root=${DESTDIR:-}
cd "$(dirname "$0")/.."
build=${3:-build/release}
if [[ $verb != install && $verb != uninstall || $prefix != /* ]]; then
  echo 'usage: scripts/install.sh install|uninstall PREFIX [BUILD]   (PREFIX begins with /)' >&2
  exit 2
fi
prefix=${prefix%/}
list=$prefix/share/crd/installed-files # what uninstall takes away: a tree that has moved on would name other files
config=/etc/crd/crd.toml

install_all() {
  local log
  log=$(mktemp)
  # shellcheck disable=SC2064
  trap "rm -f '$log'" EXIT
  # CMake writes its list into the build tree, whoever installs from it at the same time.
  exec 9< "$build"
  flock 9
  cmake --install "$build" --prefix "$prefix" --strip > "$log" || { cat "$log" >&2; exit 1; }
  { sed "s|^$root/|/|" "$build/install_manifest.txt" && printf '\n%s\n' "$list"; } | grep -vx -e "$config" -e '' > "$root$list"
  rm -f "$build/install_manifest.txt"
  exec 9<&-
  local rest="and $root$config"
  if grep -q '^-- Kept: ' "$log"; then rest="and kept $root$config"; fi
  echo "installed $(wc -l < "$root$list") files into $root$prefix, $rest"
  if [[ -z $root && $prefix != /usr && $prefix != /usr/local ]]; then
    echo "note: systemd does not look into $prefix/lib: systemctl link $prefix/lib/systemd/system/crd.service" >&2
  fi
}

uninstall_all() {
  if [ ! -e "$root$list" ]; then
    echo "error: nothing that this installed is in $root$prefix: there is no $root$list" >&2
    exit 1
  fi
  local file
  if cmp -s "$root$config" "$root$prefix/share/crd/crd.toml"; then rm -f "$root$config"; fi
  while read -r file; do
    # A list that was tampered with must not lead elsewhere.
    case $file in "$prefix"/*) rm -f "$root$file" ;; esac
  done < <(cat "$root$list")
  # Only folders that only crd has something in; others go only if they are empty and below the prefix.
  find "$root$prefix/share/crd" "$root$prefix/share/doc/code-router" -depth -type d -empty -delete 2> /dev/null || true
  rmdir "$root/etc/crd" 2> /dev/null || true
  echo "uninstalled from $root$prefix"
  for file in "$root$config" "$root/var/lib/crd" "$root/var/lib/crd-head"; do
    if [ -e "$file" ]; then echo "kept $file"; fi
  done
}

"${verb}_all"
