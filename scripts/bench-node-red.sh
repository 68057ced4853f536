#!/usr/bin/env bash
# The same load into Sentinela and into Node-RED doing the same flow (MQTT → sum of a window → INSERT) beside Mosquitto, on the
# same PostgreSQL server with everything synced to disk; then kill -9 of each in mid-load. Prints readings/s and the ratio.
#
#   scripts/bench-node-red.sh [seconds] [devices]
#
# Measured with one reading a message, as simple gauges send, and with twenty, as gateways do: Node-RED works by the message.
# SENTINELA=path names another program than target/release/sentinela. Node-RED is installed from npm in a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10} devices=${2:-50}
sentinela=${SENTINELA:-target/release/sentinela}
fail() { echo "bench-node-red: $*" >&2; exit 1; }
say() { echo "bench-node-red: $*" >&2; }

[ -x "$sentinela" ] || fail "$sentinela is not there: cargo build --release, or SENTINELA=path"
[ -x /usr/sbin/mosquitto ] || fail "Mosquitto is not installed: scripts/setup.sh test"
psql=$(ls /usr/lib/postgresql/*/bin/psql 2>/dev/null | sort -V | tail -1) || fail "PostgreSQL is not installed: make setup"

home=${TMPDIR:-/tmp}/sentinela-node-red-$(id -u)
mkdir -p "$home"
cp benches/node-red/* "$home/"
if [ ! -d "$home/node_modules/node-red" ]; then
    say "installing Node-RED from npm into $home"
    (cd "$home" && npm install --no-audit --no-fund --loglevel=error >"$home/npm.log" 2>&1) ||
        fail "npm could not install Node-RED: $(tail -3 "$home/npm.log")"
fi

export TEST_DB_DURABLE=1
url=$(scripts/test-db.sh start)
export BENCH_PGHOST=${url#*host=} BENCH_DATABASE=sentinela_node_red_$$
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
BENCH_MQTT_PORT=$(free_port) BENCH_UI_PORT=$(free_port)
export BENCH_MQTT_PORT BENCH_UI_PORT
broker=mqtt://127.0.0.1:$BENCH_MQTT_PORT
state=$(mktemp -d)

sql() { "$psql" -X -q -t -A -v ON_ERROR_STOP=1 -h "$BENCH_PGHOST" -U sentinela -d "$BENCH_DATABASE" -c "$1"; }
broker_pid='' flow_pid=''
finish() {
    [ -z "$flow_pid" ] || kill "$flow_pid" 2>/dev/null || true
    [ -z "$broker_pid" ] || kill "$broker_pid" 2>/dev/null || true
    wait 2>/dev/null || true
    scripts/test-db.sh stop || true
    rm -rf "$state"
}
trap finish EXIT

# Persistent sessions and no bound on the queue, so that nothing is lost for want of configuration.
start_broker() {
    cat >"$state/mosquitto.conf" <<CONF
listener $BENCH_MQTT_PORT 127.0.0.1
allow_anonymous true
persistence true
persistence_location $state/
autosave_interval 1
max_queued_messages 0
max_inflight_messages 1000
log_type error
CONF
    /usr/sbin/mosquitto -c "$state/mosquitto.conf" >>"$state/mosquitto.log" 2>&1 &
    broker_pid=$!
}
start_flow() {
    (cd "$home" && exec node node_modules/node-red/red.js --userDir "$home" --settings "$home/settings.js" "$home/flows.json") \
        >>"$state/node-red.log" 2>&1 &
    flow_pid=$!
}
# The flow listens when the broker has its subscription: a message must come out at the other end.
wait_for_flow() {
    local before
    before=$(rows)
    for try in $(seq 300); do
        "$sentinela" bench publish --broker "$broker" --devices 1 --batch 1 --messages 1 --run "9$try" >/dev/null 2>&1 || true
        [ "$(rows)" = "$before" ] || return 0
        read -rt 0.2 <> <(:) || true
    done
    fail "Node-RED did not start: $(tail -3 "$state/node-red.log")"
}
rows() { sql "select count(*) from node_red"; }
# Waits until the table has not grown for three seconds; prints "rows seconds-of-the-last-growth".
drained() {
    local began=$1 last=-1 now still=0 grown
    grown=$(date +%s.%N)
    while [ $still -lt 6 ]; do
        now=$(rows)
        if [ "$now" != "$last" ]; then last=$now still=0 grown=$(date +%s.%N); else still=$((still + 1)); fi
        read -rt 0.5 <> <(:) || true
    done
    echo "$last $(python3 -c "print($grown - $began)")"
}
field() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
publish() { "$sentinela" bench publish --broker "$broker" --devices "$devices" --batch "$batch" --seconds "$seconds" "$@" --json; }

"$psql" -X -q -h "$BENCH_PGHOST" -U sentinela -d postgres -c "create database $BENCH_DATABASE"
sql "create table node_red (id bigint generated always as identity primary key, device text not null, message_id text not null,
         observed_at timestamptz not null, received_at timestamptz not null, value double precision not null, level text not null,
         unique (device, message_id, observed_at))"

figures=()
for batch in 1 20; do
    say "$batch reading(s) a message: Sentinela"
    ours=$("$sentinela" bench ingest --seconds "$seconds" --rounds 1 --devices "$devices" --batch "$batch" --database-url "$url" --json)
    say "$batch reading(s) a message: Node-RED"
    [ -n "$flow_pid" ] || { start_broker; start_flow; wait_for_flow; }
    base=$(rows) began=$(date +%s.%N)
    acked=$(publish --run "$batch" | field '["acknowledged"]')
    read -r stored took < <(drained "$began")
    figures+=("$batch $(field '["service_median"]' <<<"$ours") $acked $((stored - base)) $took")
done

say "kill -9 of Node-RED in mid-load"
base=$(rows) began=$(date +%s.%N)
publish --run 1001 --until-broken >"$state/publish.json" &
publishing=$!
read -rt "$((seconds / 2 + 1))" <> <(:) || true
kill -9 "$flow_pid"
wait "$flow_pid" 2>/dev/null || true
start_flow
wait "$publishing"
flow_acked=$(field '["acknowledged"]' <"$state/publish.json")
read -r flow_stored _ < <(drained "$began")
flow_stored=$((flow_stored - base))

say "kill -9 of Node-RED's broker in mid-load"
base=$(rows) began=$(date +%s.%N)
publish --run 1002 --until-broken >"$state/publish.json" &
publishing=$!
read -rt "$((seconds / 2 + 1))" <> <(:) || true
kill -9 "$broker_pid"
wait "$broker_pid" 2>/dev/null || true
wait "$publishing"
start_broker
broker_acked=$(field '["acknowledged"]' <"$state/publish.json")
read -r broker_stored _ < <(drained "$began")
broker_stored=$((broker_stored - base))

say "kill -9 of Sentinela in mid-load"
# Everybody publishes once a second here: what counts is what is lost, not how fast.
killed=$("$sentinela" bench devices --devices 1000 --seconds "$seconds" --areas 100 --storm --backlog 100 --spread-s 2 \
    --database-url "$url" --json 2>>"$state/devices.log") || fail "bench devices failed: $(tail -3 "$state/devices.log")"

python3 - "${figures[@]}" <<PY
import json, sys

def kept(acked, stored):
    return f"{acked} acknowledged, {stored} in the table, {max(acked - stored, 0)} lost"

balance = json.loads('''$killed''')["balance"]
print("$devices devices, QoS 1, $seconds s, one PostgreSQL server for both; Sentinela's readings are judged by the rules")
for line in sys.argv[1:]:
    batch, ours, acked, stored, took = (float(part) for part in line.split())
    theirs = stored / took
    print(f"{batch:.0f} reading(s) a message")
    print(f"  Sentinela (committed, then acknowledged)   {ours:>9.0f} readings/s")
    print(f"  Node-RED (Mosquitto, sum, INSERT)          {theirs:>9.0f} readings/s   {kept(int(acked), int(stored))}")
    print(f"  ratio                                      {ours / theirs:>9.1f}   (bar: 5)")
print("kill -9 in mid-load")
print(f"  Node-RED                           {kept($flow_acked, $flow_stored)}")
print(f"  Node-RED's broker                  {kept($broker_acked, $broker_stored)}")
print(f"  Sentinela                          {balance['acknowledged']} acknowledged, {balance['in_the_journal']} in the journal, {balance['lost']} lost")
PY
