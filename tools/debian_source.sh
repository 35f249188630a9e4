#!/bin/bash
# Downloads source packages of a Debian suite, from wherever this machine gets its own packages:
#
#     tools/debian_source.sh trixie FOLDER micropython lwip
#
# Needs apt, but no privileges; apt's own lists and settings stay as they are.
set -euo pipefail
suite=$1
folder=$(realpath -m "$2")
shift 2
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
mkdir -p "$folder" "$apt/lists/partial" "$apt/cache/archives/partial"
cat > "$apt/conf" <<END
Dir::Etc::sourcelist "$apt/own.sources";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "";
END
keyring=$(ls /usr/share/keyrings/debian-archive-keyring.* | head -n 1)
sites=$(find /etc/apt/sources.list* -name '*.list' -o -name '*.sources' | xargs sed 's/#.*//' |
    grep -oE '[a-z+]+:/[^ ]*debian[^ ]*' | grep -v security | sort -u)
for site in $sites; do
    printf '%s\n' 'Types: deb-src' "URIs: $site" "Suites: $suite" 'Components: main' \
        "Signed-By: $keyring" > "$apt/own.sources"
    if (
        export APT_CONFIG=$apt/conf
        cd "$folder"
        apt-get -qq update && apt-get -qq source --download-only "$@"
    ); then
        exit 0
    fi
done
echo "no sources of $suite were found where this machine's packages come from" >&2
exit 1
