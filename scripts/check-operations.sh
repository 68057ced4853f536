#!/usr/bin/env bash
# Holds the alert rules of config/prometheus against promtool and their unit tests. Takes promtool alone out of Debian's package, so that no
# Prometheus is installed or started.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=$(command -v promtool || true)
if [ -z "$tool" ]; then
    folder=$(realpath -m "${CARGO_TARGET_DIR:-target}/peers/prometheus")
    tool=$folder/usr/bin/promtool
    if [ ! -x "$tool" ]; then
        command -v apt-get >/dev/null 2>&1 || { echo "check-operations: promtool is missing, and this is no Debian: install prometheus" >&2; exit 1; }
        root=()
        [ "$(id -u)" = 0 ] || root=(sudo)
        mkdir -p "$folder"
        # apt downloads as a user of its own, which may not write below /root.
        there=$(mktemp -d)
        chmod 777 "$there"
        trap 'rm -rf "$there"' EXIT
        (cd "$there" && { apt-get download -qq prometheus || { "${root[@]}" apt-get update -qq && apt-get download -qq prometheus; }; } >/dev/null)
        dpkg-deb -x "$there"/prometheus_*.deb "$folder"
    fi
fi
"$tool" check rules config/prometheus/rules.yml
"$tool" test rules config/prometheus/rules_test.yml
