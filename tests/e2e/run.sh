#!/usr/bin/env bash
# Starts a demonstration of its own (free ports, a data folder that is thrown away) and walks its story in Chromium.
#   tests/e2e/run.sh               SENTINELA=path/to/sentinela takes a built program instead of `cargo run`
set -euo pipefail
cd "$(dirname "$0")/../.."

[ -x "${CHROMIUM:=/usr/bin/chromium}" ] || { echo "e2e: $CHROMIUM is missing; install it: apt-get install chromium" >&2; exit 1; }
export CHROMIUM
[ -f src/web/ui/dist/main.js ] || make --no-print-directory ui
# A folder that is older than the list of packages lacks what was added to it.
[ tests/e2e/node_modules/.package-lock.json -nt tests/e2e/package-lock.json ] || (cd tests/e2e && npm ci --no-audit --no-fund --loglevel=error)
node tests/e2e/islands.mjs
if [ -z "${SENTINELA:-}" ]; then
    cargo build --quiet
    program=(cargo run --quiet --)
else
    program=("$SENTINELA")
fi

# Two at once, so that they differ, and below those that the system gives to connections that leave.
free_ports() {
    node -e 'const net = require("net"), found = [];
        const look = () => {
            const server = net.createServer().on("error", look).listen(10000 + Math.floor(Math.random() * 22400), "127.0.0.1", () => {
                if (found.push(server) < 2) return look();
                console.log(found.map((one) => one.address().port).join(" "));
                for (const one of found) one.close();
            });
        };
        look();'
}
data=$(mktemp -d)
log=$data/demo.log
demo=
finish() {
    status=$?
    if [ -n "$demo" ]; then
        kill "$demo" 2>/dev/null || true
        wait "$demo" 2>/dev/null || true
    fi
    if [ $status -ne 0 ]; then
        echo "e2e: the demonstration said at last:" >&2
        tail -n 25 "$log" >&2 || true
        # What went wrong stands last: whoever reads only the end of a long log must find it there.
        cat "$data/failure" >&2 2>/dev/null || true
    fi
    rm -rf "$data"
    exit $status
}
trap finish EXIT

# Starts a demonstration in a folder of its own and waits until it says how to sign in.
demonstrate() {
    read -r http mqtt < <(free_ports)
    export SENTINELA__HTTP__LISTEN=127.0.0.1:$http SENTINELA__DATA_DIR=$data/$1 SENTINELA__MQTT__LISTEN=127.0.0.1:$mqtt
    : >"$log"
    "${program[@]}" demo --fresh --speed 900 >"$log" 2>&1 &
    demo=$!
    # The sign-in is printed once, when everything is ready; `tail` ends with the demonstration.
    ready=$(timeout 300 sed -n '/\/console /{p;q}' < <(tail --pid="$demo" -n +1 -F "$log" 2>/dev/null)) || true
    [ -n "$ready" ] || { echo "e2e: the demonstration never said how to sign in" >&2; exit 1; }
    read -r username _ password < <(awk '{ print $(NF-2), $(NF-1), $NF }' <<<"$ready")
}

demonstrate var

# A rule comes into force by two persons.
SENTINELA_PASSWORD=$password "${program[@]}" user add colega --name "Colega de plantão" --role coordinator >>"$log" 2>&1
FAILURE=$data/failure COLLEAGUE=colega BASE=http://127.0.0.1:$http USERNAME=$username PASSWORD=$password node tests/e2e/story.mjs
BASE=http://127.0.0.1:$http node tests/e2e/public.mjs

# Two telephones' worth of people: what one wrote is nothing to the other.
SENTINELA_PASSWORD=$password "${program[@]}" user add agente --name "Agente de campo" --role field_agent >>"$log" 2>&1
FAILURE=$data/failure AGENT=agente BASE=http://127.0.0.1:$http USERNAME=$username PASSWORD=$password node tests/e2e/field.mjs

stop_demonstration() {
    kill "$demo" 2>/dev/null || true
    wait "$demo" 2>/dev/null || true
}

# A whole disaster, in a town where nothing was decided yet. Its clock is set ahead afterwards, by years in all, through a socket that
# only a debug build listens to; nobody is signed out meanwhile, a newspaper of the walk's own is asked for its
# feed, and the town has a type of cases of its own, which refers to the registry.
stop_demonstration
export CLOCK=$data/clock
SENTINELA_CLOCK_SOCKET=$CLOCK SENTINELA__OUTBOUND__ALLOW=127.0.0.1 SENTINELA__SECRETARIAT__CASE_TYPES=$PWD/tests/e2e/cases \
    SENTINELA__ACCOUNTS__SESSION_HOURS=175200 SENTINELA__ACCOUNTS__SESSION_IDLE_MIN=10512000 demonstrate disaster
FAILURE=$data/failure BASE=http://127.0.0.1:$http USERNAME=$username PASSWORD=$password node tests/e2e/disaster.mjs

# The secretariat, beside it: some acts take a second and a third person.
modules=representation,advisory,coordination,relations,legislative,ethics,transparency,participation,service_evaluation,committees,agreements
modules=$modules,strategic_projects,sic,ombudsman,outreach,segments,service_charter,media_monitoring,press,funding,budget,assignments,news
for person in revisora aprovadora; do
    SENTINELA_PASSWORD=$password "${program[@]}" user add $person --name "Pessoa fictícia ($person)" --role "operator,$modules" >>"$log" 2>&1
done
export SECOND=revisora THIRD=aprovadora
FAILURE=$data/failure BASE=http://127.0.0.1:$http USERNAME=$username PASSWORD=$password node tests/e2e/secretariat.mjs
FAILURE=$data/failure BASE=http://127.0.0.1:$http USERNAME=$username PASSWORD=$password node tests/e2e/year.mjs

# Once more at the pace of a provider: what goes out in a blink can be neither watched nor paused.
stop_demonstration
export SENTINELA__DISPATCH__SINK_MESSAGES_PER_SECOND=8
demonstrate slow
FAILURE=$data/failure BASE=http://127.0.0.1:$http USERNAME=$username PASSWORD=$password node tests/e2e/delivery.mjs
