#!/usr/bin/env bash
# Makes what is handed out, in target/package/: the program, manual pages, completions, Debian package, bill of materials, licences, checksums.
#
#   scripts/package.sh [BINARY]     a program that is built already; else a release is built as docs/packages.md says
#
# PAGES=folder     as scripts/package-deb.sh says
set -euo pipefail
cd "$(dirname "$0")/.."

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
out=${OUT:-target/package}
rm -rf "$out" && mkdir -p "$out"

binary=${1:-}
if [ -z "$binary" ]; then
    # A folder of its own: other flags would make the next ordinary build compile everything again. Nothing of this machine's folders
    # stays in the program.
    cargo_home=${CARGO_HOME:-$HOME/.cargo}
    sysroot=$(rustc --print sysroot)
    export RUSTFLAGS="--remap-path-prefix=$PWD=/sentinela --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust"
    export CFLAGS="-ffile-prefix-map=$cargo_home=/cargo"
    SQLX_OFFLINE=true CARGO_INCREMENTAL=0 cargo build --release --locked --quiet --target-dir target/reproducible
    binary=target/reproducible/release/sentinela
fi

scripts/sbom.py --out "$out"
if [ -z "${PAGES:-}" ]; then
    "$binary" manual --out "$out/pages/man1" >/dev/null
    for shell in bash zsh fish; do "$binary" completions "$shell" >"$out/pages/$shell"; done
else
    cp -r "$PAGES" "$out/pages"
fi
SBOM=$out PAGES=$out/pages OUT=$out scripts/package-deb.sh "$binary"

# For systems without dpkg: what the Debian package holds, but under /usr/local.
name=sentinela-$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)-linux-$(uname -m)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
install -D -m 755 "$binary" "$tree/$name/bin/sentinela"
strip --strip-unneeded "$tree/$name/bin/sentinela"
mkdir -p "$tree/$name/share"
cp -r "$out/pages" "$tree/$name/share/pages"
install -D -m 644 -t "$tree/$name" README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT config/default.toml config/systemd/sentinela.service \
    config/systemd/sentinela-backup.service config/systemd/sentinela-backup.timer \
    "$out/LICENSES-dependencies.txt" "$out/sentinela.cdx.json"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --format=gnu -C "$tree" -cf - "$name" |
    gzip -9n >"$out/$name.tar.gz"
rm -rf "$out/pages"

(cd "$out" && find . -maxdepth 1 -type f -not -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
cat "$out/SHA256SUMS"
