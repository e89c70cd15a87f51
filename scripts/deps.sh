#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what the build and the tests need, and only what is missing: a second run changes nothing and needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  # build
  g++ cmake mold ninja-build make pkg-config libcli11-dev nlohmann-json3-dev libsqlite3-dev libfmt-dev libcpp-httplib-dev
  libboost1.81-dev libssl-dev libsimdjson-dev libsodium-dev libtomlplusplus-dev libspdlog-dev libsystemd-dev
  libexpected-dev libc-ares-dev libjemalloc-dev libhowardhinnant-date-dev zlib1g-dev libzstd-dev libbrotli-dev scdoc gzip
  # demo and tests
  curl ca-certificates python3-venv libgtest-dev libgmock-dev sqlite3 sslscan systemd mandoc bash-completion zsh fish openssl git
  # bench, lint and fuzzers
  nginx-light clang-format clang-tidy clang libclang-rt-14-dev llvm
)
# The SDK tests run on any Node.js from Debian's 18 on.
node_major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/' || true)
if [ "${node_major:-0}" -lt 18 ]; then packages+=(nodejs); fi
if ! command -v npm > /dev/null; then packages+=(npm); fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  if [ "$status" != installed ]; then missing+=("$package"); fi
done

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then
    echo "error: these packages are missing, and this user can neither install them nor use sudo: ${missing[*]}" >&2
    exit 1
  fi
  echo "installing ${missing[*]}"
  # nginx is wanted as a program to compare with, not as a service on port 80.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
  fi
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

clients=tests/clients
if [ ! "$clients/node_modules/.package-lock.json" -nt "$clients/package-lock.json" ]; then
  (cd "$clients" && npm ci --no-audit --no-fund)
  touch "$clients/node_modules/.package-lock.json"
fi
# What tests/prices/oracle.py holds costs against, from pins with hashes.
prices=build/genai-prices pins=scripts/prices/genai-prices.txt
if [ ! "$prices/installed" -nt "$pins" ]; then
  rm -rf "$prices"
  mkdir -p build
  /usr/bin/python3 -m venv "$prices"
  "$prices/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r "$pins"
  touch "$prices/installed"
fi
# Limits of models by models.dev, for tests/prices/limits_test.py.
limits=build/model-limits pins=scripts/prices/model-limits.txt
if [ ! "$limits/installed" -nt "$pins" ]; then
  rm -rf "$limits"
  "$prices/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --target "$limits" -r "$pins"
  touch "$limits/installed"
fi
echo "all dependencies are installed"
