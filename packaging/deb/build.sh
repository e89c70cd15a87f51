#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# packaging/deb/build.sh [BUILD]: a Debian package, in build/deb, of what BUILD (default build/release) has built.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(cd "${1:-build/release}" && pwd)
for program in cpack dpkg-shlibdeps; do
  if ! command -v "$program" > /dev/null; then
    echo "error: $program is not installed: apt-get install cmake dpkg-dev" >&2
    exit 1
  fi
done
umask 022
out=build/deb
rm -rf "$out"
mkdir -p "$out/control"
stage=$PWD/$out/stage docs=$PWD/$out/stage/usr/share/doc/code-router
DESTDIR=$stage cmake --install "$build" --prefix /usr --strip > "$out/install.log"
rm -f "$build/install_manifest.txt"
version=$(sed -n 's/^project(code_router VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
maintainer=$(sed -n 's/^set(CPACK_PACKAGE_CONTACT "\(.*\)")$/\1/p' packaging/deb/cpack.cmake)
# What Debian has in other places, and under other names: its units are in /lib, a licence is part of `copyright`.
mkdir -p "$stage/lib/systemd"
mv "$stage/usr/lib/systemd/system" "$stage/lib/systemd/system"
rmdir "$stage/usr/lib/systemd"
rm "$docs/LICENSE"
printf 'code-router (%s) stable; urgency=medium\n\n  * What has changed: see CHANGELOG.md.\n\n -- %s  %s\n' "$version" "$maintainer" \
  "$(date -R -u -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y CHANGELOG.md)}")" | gzip -9n > "$docs/changelog.gz"
cp packaging/deb/copyright "$docs/copyright"
for script in postinst prerm postrm; do install -m 755 "packaging/deb/$script" "$out/control/$script"; done
echo /etc/crd/crd.toml > "$out/control/conffiles"
chmod 644 "$out/control/conffiles"
export CR_STAGE=$stage CR_CONTROL=$PWD/$out/control
if ! (cd "$out" && cpack --config ../../packaging/deb/cpack.cmake -D CPACK_PACKAGE_VERSION="$version" > cpack.log 2>&1); then
  cat "$out/cpack.log" >&2
  exit 1
fi
ls "$out"/*.deb
