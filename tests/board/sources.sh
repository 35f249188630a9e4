#!/bin/bash
# Fetches the sources of the board's firmware, Debian's own source packages:
#
#     sources.sh FOLDER         FOLDER/micropython is then complete, with lwIP in it
set -euo pipefail
root=$(realpath "$(dirname "$0")/../..")
mkdir -p "$1"
cd "$1"
rm -rf micropython lwip
"$root/tools/debian_source.sh" trixie . micropython lwip # the oldest suite with both
mkdir micropython lwip
tar -C micropython --strip-components=1 -xf micropython_*.orig.tar.xz
tar -C lwip --strip-components=1 -xf lwip_*.orig.tar.xz
rm -rf micropython/lib/lwip
ln -s ../../lwip micropython/lib/lwip
