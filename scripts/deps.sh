#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# scripts/deps.sh         installs what building needs
# scripts/deps.sh test    and what the tests, the benchmarks, the linters and the fuzzers need
# Only what is missing: a second run changes nothing and needs no network. On Debian and Ubuntu; elsewhere it names what is
# missing, by Debian's names.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-build}

# PACKAGE, and how to see where there is no dpkg whether it is there: a program, a module of pkg-config, a header.
build='
g++                         program g++
cmake                       program cmake
ninja-build                 program ninja
make                        program make
pkg-config                  program pkg-config
scdoc                       program scdoc
gzip                        program gzip
curl                        program curl
libboost-dev                header  boost/asio.hpp
libcli11-dev                header  CLI/CLI.hpp
nlohmann-json3-dev          header  nlohmann/json.hpp
libexpected-dev             header  tl/expected.hpp
libhowardhinnant-date-dev   header  date/tz.h
libsqlite3-dev              module  sqlite3
libfmt-dev                  module  fmt
libcpp-httplib-dev          module  cpp-httplib
libssl-dev                  module  openssl
libsimdjson-dev             module  simdjson
libsodium-dev               module  libsodium
libtomlplusplus-dev         module  tomlplusplus
libspdlog-dev               module  spdlog
libsystemd-dev              module  libsystemd
libc-ares-dev               module  libcares
libjemalloc-dev             module  jemalloc
zlib1g-dev                  module  zlib
libzstd-dev                 module  libzstd
libbrotli-dev               module  libbrotlienc
'
packages=()
while read -r package _; do
  if [ -n "$package" ]; then packages+=("$package"); fi
done <<< "$build"
if [ "$what" = test ]; then
  packages+=(
    mold ca-certificates python3-venv libgtest-dev libgmock-dev sqlite3 sslscan systemd mandoc bash-completion zsh fish openssl git
    # bench, lint and fuzzers
    nginx-light clang-format clang-tidy clang libclang-rt-14-dev llvm
  )
  # The SDK tests run on any Node.js from Debian's 18 on.
  node_major=$(node --version 2> /dev/null | sed 's/^v\([0-9]*\).*/\1/' || true)
  if [ "${node_major:-0}" -lt 18 ]; then packages+=(nodejs); fi
  if ! command -v npm > /dev/null; then packages+=(npm); fi
fi

is_there() { # KIND NAME
  case $1 in
    program) command -v "$2" > /dev/null ;;
    module) pkg-config --exists "$2" 2> /dev/null ;;
    header) printf '#include <%s>\n' "$2" | g++ -std=c++20 -E -x c++ - > /dev/null 2>&1 ;;
  esac
}

# Without Debian's packages: says what is missing; fails then.
name_missing() {
  local missing=() package kind name
  while read -r package kind name; do
    if [ -n "$package" ] && ! is_there "$kind" "$name"; then missing+=("$package ($kind $name)"); fi
  done <<< "$build"
  if [ "${#missing[@]}" = 0 ]; then return; fi
  {
    echo 'error: this is neither Debian nor Ubuntu, and these are missing; by the names that Debian has for them:'
    printf '  %s\n' "${missing[@]}"
    echo 'hint: install them by your own package manager (Boost 1.81 or newer), then make build'
  } >&2
  exit 1
}

is_installed() {
  local status
  status=$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null || true)
  [ "$status" = installed ]
}

# Debian 12 and Ubuntu name Boost's headers by version, and what libboost-dev stands for may be older than 1.81.
boost_names=(libboost1.81-dev libboost1.83-dev libboost1.88-dev libboost1.90-dev)
boost_is_there() {
  local name
  for name in "${boost_names[@]}"; do
    if is_installed "$name"; then return; fi
  done
  return 1
}
boost_to_install() {
  local name
  for name in "${boost_names[@]}"; do
    if [ -n "$(apt-cache --quiet=0 madison "$name" 2> /dev/null)" ]; then
      echo "$name"
      return
    fi
  done
  echo libboost-dev
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_missing() {
  local missing=() package
  for package in "${packages[@]}"; do
    if [ "$package" = libboost-dev ]; then
      if ! boost_is_there; then missing+=("$package"); fi
    elif ! is_installed "$package"; then
      missing+=("$package")
    fi
  done
  if [ "${#missing[@]}" = 0 ]; then return; fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then
    echo "error: these packages are missing, and this user can neither install them nor use sudo: ${missing[*]}" >&2
    exit 1
  fi
  as_root apt-get update -q
  # What there is, is known from here on.
  for package in "${!missing[@]}"; do
    if [ "${missing[$package]}" = libboost-dev ]; then missing[package]=$(boost_to_install); fi
  done
  echo "installing ${missing[*]}"
  # nginx is wanted as a program to compare with, not as a service on port 80.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

if command -v apt-get > /dev/null && command -v dpkg-query > /dev/null; then
  install_missing
else
  name_missing
fi
if [ "$what" != test ]; then exit 0; fi

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
