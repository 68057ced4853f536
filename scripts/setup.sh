#!/usr/bin/env bash
# Installs what is missing from Debian's packages, and nothing that is there.
#
#   scripts/setup.sh run    to build and run the service
#   scripts/setup.sh test   to run every check as well
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
# need COMMAND PACKAGE…: the packages are wanted when the command is not there
need() { command -v "$1" >/dev/null 2>&1 || missing+=("${@:2}"); }

need cc gcc libc6-dev
need node nodejs
need npm npm
# The programs of a server, and PostGIS for it. The metapackages name the release's own version.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing+=(postgresql)
ls /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1 || missing+=(postgresql-postgis)
if [ "${1:-run}" = test ]; then
    need mosquitto_pub mosquitto-clients
    [ -x /usr/sbin/mosquitto ] || need mosquitto mosquitto
    need xmllint libxml2-utils
    need xmlsec1 xmlsec1
    need curl curl
    # An SMS gateway, and the false centre that comes with it. Debian starts neither by itself.
    [ -x /usr/sbin/bearerbox ] || need bearerbox kannel
    [ -x /usr/lib/kannel/test/fakesmsc ] || missing+=(kannel-extras)
    need openssl openssl
    # Networks and file systems of a test's own (tests/it/faults/machine.rs).
    need ip iproute2
    [ -x /sbin/tc ] || need tc iproute2
    need unshare util-linux
    need nsenter util-linux
    need setpriv util-linux
    need mount mount
    # The program, not the shell's own word.
    type -P kill >/dev/null || missing+=(procps)
    need chromium chromium
    need python3 python3
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing+=(python3-venv)
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "setup: there is no Rust toolchain (cargo). See https://rustup.rs" >&2
    exit 1
fi
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
[ "$(id -u)" = 0 ] || root=(sudo)
if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: these are missing, and this is not a Debian where I could install them: ${missing[*]}" >&2
    exit 1
fi
if [ ${#root[@]} -gt 0 ] && ! command -v sudo >/dev/null 2>&1; then
    echo "setup: these packages are missing; as root: apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -qq || true
if ! "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/tmp/sentinela-setup.$$.log 2>&1; then
    tail -5 /tmp/sentinela-setup.$$.log >&2
    echo "setup: the packages could not be installed (log: /tmp/sentinela-setup.$$.log). By hand: apt-get install ${missing[*]}" >&2
    exit 1
fi
rm -f /tmp/sentinela-setup.$$.log
