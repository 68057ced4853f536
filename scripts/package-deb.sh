#!/usr/bin/env bash
# Makes the Debian package of a program that is built, with plain dpkg-deb.
#
#   scripts/package-deb.sh [BINARY]      target/release/sentinela where none is named
#
# OUT=folder       where the package goes (target/package)
# REVISION=1       of the package, after the program's version
# PAGES=folder     manual pages (man1/) and completions (bash, zsh, fish) made before, where the program cannot run on this machine
# SBOM=folder      what scripts/sbom.py wrote; made anew where none is named
#
# The same program, sources and SOURCE_DATE_EPOCH give the same package, byte for byte.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${1:-target/release/sentinela}
out=${OUT:-target/package}
for program in dpkg-deb dpkg-shlibdeps strip gzip; do
    command -v "$program" >/dev/null || { echo "package-deb: $program is missing: apt-get install dpkg-dev binutils" >&2; exit 1; }
done
[ -x "$binary" ] || { echo "package-deb: there is no program at $binary: cargo build --release" >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)-${REVISION:-1}
architecture=$(dpkg --print-architecture)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
doc=$root/usr/share/doc/sentinela

# put FILE PLACE [MODE]: a place relative to the package's root
put() { install -D -m "${3:-644}" "$1" "$root/$2"; }
# A compressed copy without name and date.
pack() { install -d "$(dirname "$root/$2")"; gzip -9nc "$1" >"$root/$2"; }

put "$binary" usr/bin/sentinela 755
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/sentinela"

pages=${PAGES:-$work/pages}
if [ -z "${PAGES:-}" ]; then
    "$binary" manual --out "$pages/man1" >/dev/null
    for shell in bash zsh fish; do "$binary" completions "$shell" >"$pages/$shell"; done
fi
for page in "$pages"/man1/*.1; do pack "$page" "usr/share/man/man1/$(basename "$page").gz"; done
put "$pages/bash" usr/share/bash-completion/completions/sentinela
put "$pages/zsh" usr/share/zsh/vendor-completions/_sentinela
put "$pages/fish" usr/share/fish/vendor_completions.d/sentinela.fish

# The unit of config/systemd, with the package's paths, and with an account that stays: an administrator's commands run as it.
for unit in sentinela sentinela-backup; do
    sed -e '/^#  *install /d' -e '/^#  *systemctl /d' -e 's|/usr/local/bin/|/usr/bin/|' -e '/^User=/d' \
        -e 's|^DynamicUser=yes|User=sentinela\nGroup=sentinela|' "config/systemd/$unit.service" >"$work/unit"
    grep -q '^ExecStart=/usr/bin/sentinela ' "$work/unit" && [ "$(grep -c '^User=sentinela$' "$work/unit")" = 1 ] || {
        echo "package-deb: config/systemd/$unit.service has other lines than this script expects" >&2
        exit 1
    }
    put "$work/unit" "lib/systemd/system/$unit.service"
done
# Which night it is taken, and whether, is the administrator's choice: it is not enabled.
put config/systemd/sentinela-backup.timer lib/systemd/system/sentinela-backup.timer
put packaging/debian/sentinela.toml etc/sentinela/sentinela.toml
put config/default.toml usr/share/doc/sentinela/examples/default.toml
# What watches the service, where `runbook_url` of the rules leads to the documents below.
put config/prometheus/rules.yml usr/share/doc/sentinela/examples/prometheus-rules.yml
put config/grafana/sentinela.json usr/share/doc/sentinela/examples/grafana-sentinela.json

put packaging/debian/lintian-overrides usr/share/lintian/overrides/sentinela

put README.md usr/share/doc/sentinela/README.md
while read -r file; do put "$file" "usr/share/doc/sentinela/$file"; done < <(git ls-files docs)
pack CHANGELOG.md usr/share/doc/sentinela/changelog.gz
# The file tells of the releases of the package; a rebuild under another revision says no more than that.
head -1 packaging/debian/changelog | grep -qF "($version)" || cat >"$work/changelog" <<END
sentinela ($version) unstable; urgency=medium

  * Built under another version; CHANGELOG.md tells what changed.

 -- The Sentinela contributors <maintainers@sentinela.invalid>  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")

END
cat packaging/debian/changelog >>"$work/changelog"
pack "$work/changelog" usr/share/doc/sentinela/changelog.Debian.gz
# The text of the MIT licence, as copyright files want it: a space before each line, a point for an empty one.
{ cat packaging/debian/copyright.in; sed -e '1,2d' -e 's/^$/./' -e 's/^/ /' LICENSE-MIT; } >"$work/copyright"
put "$work/copyright" usr/share/doc/sentinela/copyright
sbom=${SBOM:-$work/sbom}
[ -n "${SBOM:-}" ] || scripts/sbom.py --out "$sbom"
pack "$sbom/LICENSES-dependencies.txt" usr/share/doc/sentinela/LICENSES-dependencies.txt.gz
pack "$sbom/sentinela.cdx.json" usr/share/doc/sentinela/sentinela.cdx.json.gz

install -d -m 755 "$root/DEBIAN" "$work/debian"
# dpkg-shlibdeps wants a source package around it.
printf 'Source: sentinela\n\nPackage: sentinela\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O "$root/usr/bin/sentinela" | sed -n 's/^shlibs:Depends=//p')
size=$(du -sk --apparent-size "$root" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" -e "s/@DEPENDS@/$depends/" \
    packaging/debian/control.in >"$root/DEBIAN/control"
echo /etc/sentinela/sentinela.toml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 "packaging/debian/$script" "$root/DEBIAN/$script"; done
(cd "$root" && find . -type f -not -path './DEBIAN/*' -printf '%P\n' | LC_ALL=C sort | xargs md5sum) >"$root/DEBIAN/md5sums"
# dpkg-deb writes no date later than SOURCE_DATE_EPOCH; this makes all of them that one.
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$out"
package=$out/sentinela_${version}_$architecture.deb
# One thread: with more, xz cuts the data elsewhere, and the package would tell on how many cores it was made.
dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$root" "$package" >/dev/null
echo "$package ($(du -h "$package" | cut -f1)); depends on $depends"
