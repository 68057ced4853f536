#!/usr/bin/env bash
# A throwaway PostgreSQL with PostGIS for tests and for checking SQL: unix socket only, nothing is synced to disk.
#
#   scripts/test-db.sh start   start it, or reuse the one that runs; prints its URL
#   scripts/test-db.sh env     the same as lines for `eval`
#   scripts/test-db.sh schema  start it, make a database with the schema of migrations/, print that database's URL
#   scripts/test-db.sh stop    stop it and remove its data
#
# TEST_DB_DURABLE=1 is another server, that syncs as a real one does: for benches. TEST_DB=name is another one too: a run of hours has its own,
# so that nobody who ends their tests stops it.
set -euo pipefail
cd "$(dirname "$0")/.."

# In /tmp: the server's user can enter it whatever the checkout's permissions are, and the socket's path stays short.
name=sentinela-test-$(id -u)-$(pwd -P | sha256sum | cut -c1-10)${TEST_DB:+-$TEST_DB}
home=/tmp/$name
# Nothing is worth syncing in a test.
lax="-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
# Each test copies a database of some 2,000 small files, which takes a tenth of the time in memory. Where there is little of it, on disk.
in_memory() {
    [ -d "/dev/shm/$name" ] && return
    [ ! -e "$home/data" ] && [ -w /dev/shm ] && [ "$(df --output=avail -k /dev/shm | tail -1)" -ge $((6 << 20)) ]
}
wal=4GB
if [ -n "${TEST_DB_DURABLE:-}" ]; then
    home=$home-durable lax=
elif in_memory; then
    home=/dev/shm/$name wal=512MB
fi
data=$home/data
url="postgres://sentinela@localhost/postgres?host=$home"
schema=sentinela_schema

fail() { echo "test-db: $*" >&2; exit 1; }

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb || true)")
[ -x "$bin/initdb" ] || fail "PostgreSQL is not installed: run 'make setup'"

# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || fail "there is no user postgres: run 'make setup'"
    as=(setpriv --reuid=postgres --regid=postgres --init-groups)
fi
pg() { (cd / && "${as[@]}" env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$bin/$1" "${@:2}"); }
running() { pg pg_ctl status -D "$data" >/dev/null 2>&1; }
sql() { (cd / && env -u PGHOST "$bin/psql" -X -q -v ON_ERROR_STOP=1 "$@"); }

start() {
    running && return
    if [ ! -e "$data/PG_VERSION" ]; then
        rm -rf "$home" && mkdir -m 700 "$home"
        [ ${#as[@]} = 0 ] || chown postgres: "$home"
        pg initdb -D "$data" -U sentinela --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync >"$home/initdb.log" 2>&1 ||
            fail "initdb failed: $(cat "$home/initdb.log")"
    fi
    pg pg_ctl start -D "$data" -l "$home/log" -w -t 60 -o "-k $home -c listen_addresses= $lax -c max_connections=400 -c max_wal_size=$wal" >/dev/null 2>&1 ||
        fail "the server does not start; its log is $home/log"
}

make_schema() {
    sql -d "$url" -c "drop database if exists $schema with (force)" -c "create database $schema"
    # What a migration selects is nobody's answer: the only line of this command is the address.
    cat migrations/*.sql | sql -1 -o /dev/null -d "${url/\/postgres?/\/$schema?}"
    echo "${url/\/postgres?/\/$schema?}"
}

case "${1:-}" in
start) start && echo "$url" ;;
env) start && echo "export TEST_DATABASE_URL='$url'" ;;
schema) start && make_schema ;;
stop)
    ! running || pg pg_ctl stop -D "$data" -m immediate -w >/dev/null
    rm -rf "$home"
    ;;
*) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
