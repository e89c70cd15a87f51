#!/bin/sh
# SPDX-License-Identifier: MIT
# Gives tokens whose key is older than 80 days a new one, written to /etc/crd/keys/NAME (0600), and moves their end to 90
# days from now where they have one. The old key works for another week, so that its users can take the new file over:
# 'crctl token list --rotating' shows who has not. Run daily: rotate-keys.service and rotate-keys.timer.
#   rotate-keys.sh [DIRECTORY [FILTER...]]    the filter says whose keys these are: --tag rotate=auto without one
# Exit codes are crctl's: 13 if some tokens were left; a failed run shows in systemd as, for example, 7/NOTRUNNING.
set -eu
keys=${1:-/etc/crd/keys}
if [ $# -gt 0 ]; then shift; fi
if [ $# -eq 0 ]; then set -- --tag rotate=auto; fi
umask 077
mkdir -p "$keys"
exec crctl --no-input --reason "rotate-keys" token rotate --older-than 80d --grace 7d --expires 90d --out-dir "$keys" \
  --force "$@"
