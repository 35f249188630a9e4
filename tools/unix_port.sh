#!/bin/bash
# Builds MicroPython's unix port, and prints where the interpreter is:
#
#     tools/unix_port.sh trixie           from Debian's source package of that suite: 1.25; sid: 1.26
#     tools/unix_port.sh PATH             from a checkout of MicroPython's sources
#     tools/unix_port.sh trixie ahttpserver    with this package frozen into it, by its manifest
#
# Needs gcc, make, pkg-config, libffi-dev and libmbedtls-dev, for a suite also apt and dpkg-dev.
# Sources (debian_source.sh) and results are kept in build/unix.
set -euo pipefail
cd "$(dirname "$0")/.."

from=${1:?suite or path}
frozen=${2:-}
place=$PWD/build/unix/$(basename "$from")
result=$place/micropython${frozen:+-$frozen}

debian_source() {
    (
        tools/debian_source.sh "$1" "$place" micropython
        cd "$place"
        rm -rf unpacked
        dpkg-source --no-check -x ./micropython_*.dsc unpacked
        mv unpacked source
    ) >"$place/fetched" 2>&1 || { tail -20 "$place/fetched" >&2; exit 1; }
}

mkdir -p "$place"
if [ -d "$from" ]; then
    source=$(realpath "$from")
else
    source=$place/source
    [ -d "$source" ] || debian_source "$from"
fi

# What the tests need; mip is in Debian's sources, and in a checkout with its submodules.
manifest=$place/manifest.py
{
    echo 'include("$(MPY_DIR)/extmod/asyncio")'
    if ls "$source"/lib/micropython-lib/*/mip >/dev/null 2>&1; then
        echo 'require("mip")'
    fi
    case $frozen in
    ahttpserver) echo "include('$PWD/manifest.py')" ;;
    httpserver) echo "include('$PWD/manifest_httpserver.py')" ;;
    esac
} >"$manifest"
# Without TLS where mbedtls is neither a submodule nor the system's: then there is no SHA1 either.
options=(MICROPY_PY_BTREE=0 MICROPY_PY_JNI=0 STRIP=true)
if [ -f "$source/lib/mbedtls/library/ssl_tls.c" ] || [ -f "$source/debian/rules" ]; then
    options+=(MICROPY_PY_SSL=1 MICROPY_SSL_AXTLS=0 MICROPY_SSL_MBEDTLS=1)
else
    options+=(MICROPY_PY_SSL=0 MICROPY_SSL_MBEDTLS=0)
fi
{
    make -C "$source/mpy-cross"
    rm -f "$place/build/frozen_content.c" # its rule does not see that the manifest changed
    make -C "$source/ports/unix" BUILD="$place/build" FROZEN_MANIFEST="$manifest" "${options[@]}"
    cp "$place/build/micropython" "$result"
} >"$place/built" 2>&1 || { tail -20 "$place/built" >&2; exit 1; }
echo "$result"
