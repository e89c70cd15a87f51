#!/bin/sh
# SPDX-License-Identifier: MIT
# scripts/as_owner.sh COMMAND...: root runs it as whoever owns the tree, so that `sudo make install` leaves no file of root's
# there that a later build of its owner trips over; everybody else runs it as it is.
set -eu
tree=$(cd "$(dirname "$0")/.." && pwd)
owner=$(stat -c %u "$tree")
if [ "$(id -u)" != 0 ] || [ "$owner" = 0 ]; then exec "$@"; fi
home=$(getent passwd "$owner" | cut -d : -f 6)
exec setpriv --reuid "$owner" --regid "$(stat -c %g "$tree")" --clear-groups env HOME="${home:-/}" "$@"
