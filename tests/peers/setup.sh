#!/bin/sh
# Installs the other ends that the tests talk to: an SMPP centre (npm package `smpp`), an
# OpenID Connect provider (npm package `oidc-provider`) and an SMTP sink (aiosmtpd).
# Does nothing when they are there already.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
venv=$target/peers

if ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed-lock" 2>/dev/null; then
    command -v npm >/dev/null || { echo "tests/peers/setup.sh: npm is missing; install Node.js 18 or newer (apt-get install npm)" >&2; exit 1; }
    (cd "$here" && npm ci --no-audit --no-fund --loglevel=error)
    cp "$here/package-lock.json" "$here/node_modules/.installed-lock"
fi
if ! cmp -s "$here/requirements.txt" "$venv/.installed-requirements" 2>/dev/null; then
    python3 -c 'import venv, ensurepip' 2>/dev/null || { echo "tests/peers/setup.sh: Python's venv is missing (apt-get install python3-venv)" >&2; exit 1; }
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/.installed-requirements"
fi
