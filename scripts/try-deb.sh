#!/usr/bin/env bash
# Tries the Debian package on a clean Debian 12 that runs systemd: install, start, upgrade with a changed configuration and with one that
# the program refuses, remove, install again, purge, purge with the data. Ends with 1 at the first thing that is not as it should be.
#
#   sudo scripts/try-deb.sh PACKAGE.deb      (packages: mmdebstrap systemd-container; as root)
#
# WORK=folder   where the root is made (a temporary folder); BASE=file keeps the bare system as a tar between runs
# The root has a loopback network alone, so nothing of it meets what runs on this machine.
set -euo pipefail

package=$(realpath "${1:?which package?}")
work=${WORK:-$(mktemp -d /tmp/try-deb.XXXXXX)}
base=${BASE:-$work/base.tar}
root=$work/root
config=/etc/sentinela/sentinela.toml
data=/var/lib/sentinela
for program in mmdebstrap systemd-nspawn nsenter dpkg-deb; do
    command -v "$program" >/dev/null || { echo "try-deb: $program is missing: apt-get install mmdebstrap systemd-container" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "try-deb: has to be root to boot a system in a folder" >&2; exit 1; }

say() { printf '%s\n' "-- $*"; }
fail() {
    echo "try-deb: $*" >&2
    in_root journalctl -u sentinela --no-pager -n 30 >&2 || true
    exit 1
}
# expect WHAT COMMAND…: the command, whose output is of no interest, succeeds
expect() {
    local what=$1
    shift
    "$@" >"$work/expect.log" 2>&1 || { cat "$work/expect.log" >&2; fail "not so: $what"; }
    say "ok: $what"
}
# until_true WHAT COMMAND…: within a minute
until_true() {
    local what=$1 try
    shift
    for try in $(seq 120); do
        if "$@" >/dev/null 2>&1; then say "ok: $what"; return; fi
        sleep 0.5
    done
    fail "waited a minute in vain: $what"
}

leader=
in_root() { nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --root --wdns=/ env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
sh_in() { in_root sh -c "$1"; }
halt() {
    if [ -n "$leader" ] && kill -0 "$leader" 2>/dev/null; then
        # systemd takes SIGRTMIN+4 for "power off".
        kill -s RTMIN+4 "$leader" || true
        wait "$nspawn" 2>/dev/null || true
    fi
    [ -n "${WORK:-}" ] || rm -rf "$work"
}
trap halt EXIT

# The same package as an earlier release: an older version whose configuration file has one line less.
older() {
    rm -rf "$work/older" && dpkg-deb -R "$package" "$work/older"
    sed -i 's/^Version: .*/Version: 0.0.9-1/' "$work/older/DEBIAN/control"
    sed -i '/owner_url/d' "$work/older/etc/sentinela/sentinela.toml"
    dpkg-deb --root-owner-group -Zgzip -z1 --build "$work/older" "$root/root/older.deb" >/dev/null
    rm -rf "$work/older"
}

make_root() {
    if [ ! -f "$base" ]; then
        say "making a bare Debian 12 with systemd"
        mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus bookworm "$base"
    fi
    rm -rf "$root" && mkdir -p "$root" && tar -xf "$base" -C "$root"
    cp "$package" "$root/root/new.deb"
    older
    # The machine's own name server, for this step alone: what is installed later comes from what is fetched here.
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    say "fetching what the package depends on and recommends"
    chroot "$root" apt-get update -qq
    chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --download-only /root/new.deb >/dev/null
}

boot() {
    systemd-nspawn --register=no --keep-unit --quiet --private-network --directory "$root" --boot --console=pipe </dev/null >"$work/boot.log" 2>&1 &
    nspawn=$!
    local try
    for try in $(seq 60); do
        leader=$(pgrep -P "$nspawn" | head -1 || true)
        if [ -n "$leader" ] && in_root systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then return; fi
        sleep 0.5
    done
    cat "$work/boot.log" >&2
    fail "the system in $root did not come up"
}

apt() { in_root apt-get -y -qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "$@" >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; fail "apt-get $*"; }; }
main_pid() { in_root systemctl show --property MainPID --value sentinela; }
ready() { in_root bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; printf "GET /readyz HTTP/1.0\r\n\r\n" >&3; grep -q "\"ready\":true" <&3'; }
page_has() { in_root bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; printf "GET / HTTP/1.0\r\n\r\n" >&3; grep -q "$1" <&3' bash "$1"; }
as_service() { in_root runuser -u sentinela -- "$@"; }
command_sees_ana() { as_service sentinela --config "$config" user list | grep -q 'ana'; }
# Processes of the account, by /proc: a bare system has no procps.
of_service() { in_root find /proc -maxdepth 1 -name '[0-9]*' -user sentinela; }
runs() { [ -n "$(of_service)" ]; }
nothing_runs() { ! runs; }
mode_of() { in_root stat -c '%U:%G %a' "$1"; }

make_root
boot
in_root find / -xdev -not -path '/proc/*' -not -path '/sys/*' -not -path '/run/*' -not -path '/tmp/*' 2>/dev/null | LC_ALL=C sort >"$work/before"

say "install (as release 0.0.9)"
apt install /root/older.deb
expect "the service is enabled" in_root systemctl is-enabled sentinela
until_true "the service is ready, on the private PostgreSQL" ready
expect "it runs as an account of its own" runs
foreign=$(sh_in 'for pid in $(cat /sys/fs/cgroup/systemd/system.slice/sentinela.service/cgroup.procs /sys/fs/cgroup/system.slice/sentinela.service/cgroup.procs 2>/dev/null); do stat -c %U /proc/$pid; done' | sort -u)
[ "$foreign" = sentinela ] || fail "its processes belong to: $foreign"
[ "$(mode_of $config)" = "root:sentinela 640" ] || fail "$config is $(mode_of $config)"
[ "$(mode_of $data)" = "sentinela:sentinela 700" ] || fail "$data is $(mode_of $data)"
expect "the link of the first administrator lies there" in_root grep -q /console/setup "$data/setup-link"
expect "manual page, completions and licences lie there" in_root ls /usr/share/man/man1/sentinela.1.gz \
    /usr/share/bash-completion/completions/sentinela /usr/share/doc/sentinela/LICENSES-dependencies.txt.gz
in_root systemd-analyze security sentinela --no-pager | tail -1
expect "an administrator's command works beside the service" \
    sh_in "echo uma-senha-bem-comprida-2026 | runuser -u sentinela -- sentinela --config $config user add ana --name Ana --role administrator"
expect "and sees what it did" command_sees_ana

say "upgrade; the administrator had changed the configuration, the package changed it too"
sh_in "sed -i 's/^# name = .*/name = \"Vila do Ensaio\"/' $config"
before=$(main_pid)
apt install /root/new.deb
until_true "the service is ready again" ready
[ "$(main_pid)" != "$before" ] || fail "the old process still runs after the upgrade"
expect "the administrator's configuration is kept" in_root grep -q 'Vila do Ensaio' "$config"
expect "the new one lies beside it" in_root grep -q owner_url "$config.dpkg-dist"
expect "the changed name is on the public page" page_has 'Vila do Ensaio'
expect "what was in the database still is" command_sees_ana

say "upgrade with a configuration that the program refuses"
sh_in "cp $config /root/good.toml; echo 'nonsense = 1' >>$config"
before=$(main_pid)
apt install --reinstall /root/new.deb
expect "whoever upgrades is told" grep -q 'does not fit this version' "$work/apt.log"
[ "$(main_pid)" = "$before" ] || fail "the service that ran was ended for one that cannot start"
expect "the service works on" ready
sh_in "cat /root/good.toml >$config"

say "the service is killed"
before=$(main_pid)
in_root systemctl kill --signal=KILL --kill-whom=main sentinela
another_runs() { local now; now=$(main_pid) && [ "$now" != 0 ] && [ "$now" != "$before" ]; }
until_true "systemd starts another" another_runs
until_true "it is back" ready
expect "with its data" command_sees_ana

say "remove"
apt remove sentinela
until_true "nothing of it runs" nothing_runs
expect "the program is gone, configuration and data are not" sh_in "! test -e /usr/bin/sentinela && test -s $config && test -d $data/postgres/data"

say "install again"
apt install /root/new.deb
until_true "the service is ready" ready
expect "with its data and configuration" command_sees_ana
expect "configuration" page_has 'Vila do Ensaio'

say "purge"
apt purge sentinela
until_true "nothing of it runs" nothing_runs
expect "it says where the data are" grep -q "still in $data" "$work/apt.log"
expect "the data are there, the configuration is not" sh_in "test -d $data/postgres/data && ! test -e /etc/sentinela"

say "install and purge with the data"
apt install /root/new.deb
until_true "the service is ready" ready
in_root env SENTINELA_PURGE_DATA=yes apt-get -y -qq purge sentinela >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; fail "purge"; }
until_true "nothing of it runs" nothing_runs
in_root find / -xdev -not -path '/proc/*' -not -path '/sys/*' -not -path '/run/*' -not -path '/tmp/*' 2>/dev/null | LC_ALL=C sort >"$work/after"
left=$(comm -13 "$work/before" "$work/after" | grep -i sentinela || true)
[ -z "$left" ] || fail "left behind: $left"
expect "its account is gone" sh_in '! getent passwd sentinela'
say "ok: nothing of it is left"

echo "try-deb: all is as it should be"
