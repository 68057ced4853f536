#!/usr/bin/env bash
# Asks the real program everything that its own API document allows and forbids, with schemathesis and all its checks:
# once as somebody who may do everything, once as viewer, once as nobody. Fails on any 5xx and any undocumented answer.
#
#   tests/schemathesis.sh            bounded and repeatable, for `make test`
#   tests/schemathesis.sh --long     thousands of cases, each time others, for `make attack`
#
# EXAMPLES and SEED in the environment change the cases of each operation and where they begin.
set -euo pipefail
cd "$(dirname "$0")/.."

eval "$(scripts/test-db.sh env)"
target=${CARGO_TARGET_DIR:-target}
program=$target/debug/sentinela
[ -x "$program" ] || cargo build --quiet
runner=$target/peers/bin/schemathesis
[ -x "$runner" ] || tests/peers/setup.sh
examples=${EXAMPLES:-12} seed=${SEED:-1} phases=examples,coverage,fuzzing
[ "${1:-}" != --long ] || { examples=${EXAMPLES:-150}; seed=${SEED:-$RANDOM}; phases=examples,coverage,fuzzing,stateful; }

home=$(mktemp -d) name=sentinela_t_$$_st
sql() { psql -X -q -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }
psql() { (cd / && PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1) command psql "$@"); }
service=
end() {
    [ -z "$service" ] || { kill "$service" 2>/dev/null && wait "$service" 2>/dev/null; } || true
    sql "$TEST_DATABASE_URL" "drop database if exists $name with (force)" 2>/dev/null || true
    rm -rf "$home"
}
trap end EXIT
sql "$TEST_DATABASE_URL" "create database $name"

# Two at once, so that they differ, and below those that the system gives to connections that leave.
read -r port mqtt < <(python3 - <<'PORTS'
import random, socket

found = []
while len(found) < 2:
    one = socket.socket()
    try:
        one.bind(("127.0.0.1", random.randrange(10000, 32400)))
        found.append(one)
    except OSError:
        one.close()
print(*(one.getsockname()[1] for one in found))
PORTS
)
cat >"$home/sentinela.toml" <<TOML
data_dir = "$home"
[http]
listen = "127.0.0.1:$port"
[mqtt]
listen = "127.0.0.1:$mqtt"
[database]
url = "${TEST_DATABASE_URL/\/postgres?//$name?}"
[log]
level = "error"
TOML
[ ! -r tests/schemathesis/service.toml ] || cat tests/schemathesis/service.toml >>"$home/sentinela.toml"

export SENTINELA_PASSWORD='uma senha bem longa para testes'
run() { "$program" --config "$home/sentinela.toml" "$@"; }
token_of() { run token add "$1" --name "$2" "${@:3}" | sed -n 's/^token: //p'; }
run import areas tests/data/story/areas.geojson >/dev/null
run import stations tests/data/story/stations.csv >/dev/null
run import residents tests/data/story/residents.csv >/dev/null
# Every role: what a module guards by its own is asked too.
roles=$(sed -n 's/^ *[A-Z][A-Za-z]* = "\([a-z_]*\)",$/\1/p' src/accounts/role.rs | paste -sd,)
run user add chefe --name Chefe --role "$roles" >/dev/null
run user add visita --name Visita --role viewer >/dev/null
for other in dora edu; do run user add $other --name Outra --role operator >/dev/null; done
# The permissions that a token has only when they are named are in the table as every other.
scope=$(sed -n 's/^ *[A-Z][A-Za-z]* = "\([a-z_]*\)",$/\1/p' src/accounts/permission.rs | paste -sd,)
chief=$(token_of chefe probe --scope "$scope") viewer=$(token_of visita probe)
token_of chefe spare --scope see_console >/dev/null
token_of dora hers >/dev/null
DEVICE_TOKEN=D-1.$(run device add D-1 --station G1 | sed -n "s/^secret: //p")
export DEVICE_TOKEN
run device add D-2 --station G2 >/dev/null

# By itself and not through the function: what is stopped at the end must be the service and no shell around it.
"$program" --config "$home/sentinela.toml" serve >"$home/log" 2>&1 &
service=$!
base=http://127.0.0.1:$port
for _ in $(seq 1800); do curl -fsS "$base/healthz" >/dev/null 2>&1 && break || read -rt 0.1 <> <(:) || true; done

call() { curl -fsS -H "authorization: Bearer $chief" -H 'content-type: application/json' "$base$1" "${@:2}"; }
field() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
draft='{"cobrade": "1.1.3.2.1", "level": "alert", "areas": ["morro-alto"]}'
issued=$(call /api/v1/alerts -d "$draft" | field '["id"]')
incident=$(call "/api/v1/alerts/$issued/issue" -d '{"revision": 1}' | field '["incident_id"]')
waiting=$(call /api/v1/alerts -d "${draft/alert/maximum}" | field '["id"]')
tokens() { call '/api/v1/tokens?everyone=true' | python3 -c "import json, sys
print(*(token['id'] for token in json.load(sys.stdin) if token['name'] $1 'probe'))"; }
SEEDED_TOKENS=$(tokens '!=') PROTECTED="chefe visita probe $(tokens '==')"
export SEEDED_TOKENS PROTECTED
export SEEDED_ALERTS="$issued $waiting" SEEDED_INCIDENTS=$incident
export SEEDED_CODES="morro-alto baixada D-2" SEEDED_PEOPLE="dora edu"

ask() { # who, token, examples
    echo "== as $1"
    SCHEMATHESIS_HOOKS=tests/schemathesis/hooks.py PYTHONPATH=. API_TOKEN=$2 HYPOTHESIS_STORAGE_DIRECTORY="$home/hypothesis" \
        "$runner" --config-file tests/schemathesis/schemathesis.toml run "$base/api/openapi.json" \
        --checks all --phases "$phases" --max-examples "$3" --seed "$seed" --workers 1 --continue-on-failure \
        --exclude-path /api/v1/events --request-timeout 60 --warnings off --report ndjson \
        --report-ndjson-path "$target/schemathesis-$1.ndjson"
    # The stream of changes never ends, so that no answer of it can be judged whole; tests/it/web.rs reads it.
}
failed=0
ask chief "$chief" "$examples" || failed=1
ask viewer "$viewer" $((examples / 3 + 1)) || failed=1
ask nobody none $((examples / 3 + 1)) || failed=1
for token in "$chief" "$viewer"; do
    # A run whose token was lost on the way asked nothing.
    curl -fsS -o "$home/answer" -H "authorization: Bearer $token" "$base/api/v1/alerts" || failed=1
done
if grep -q 'request failed' "$home/log"; then
    grep -m 5 'request failed' "$home/log"
    failed=1
fi
exit $failed
