#!/bin/sh
# SPDX-License-Identifier: MIT
# Gives every token whose key is older than 80 days a new one, written to /etc/crd/keys/NAME (0600). The old key works for
# another week, so that its users can take the new file over. Run daily: rotate-keys.service and rotate-keys.timer.
# Exit codes are crctl's: a failed run shows in systemd as, for example, 7/NOTRUNNING.
set -eu
keys=${1:-/etc/crd/keys}
mkdir -p -m 700 "$keys"
exec crctl --no-input --reason "rotate-keys" token rotate --older-than 80d --grace 7d --out-dir "$keys" --force
