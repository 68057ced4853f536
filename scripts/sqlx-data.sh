#!/usr/bin/env bash
# The query data that builds without a database need (.sqlx/), made by the sqlx macros themselves while the code is checked
# against the schema of migrations/.
#
#   scripts/sqlx-data.sh write           write .sqlx/ anew
#   scripts/sqlx-data.sh check CARGO…    run a cargo command against the live schema; fail if .sqlx/ is not what it should be
set -euo pipefail
cd "$(dirname "$0")/.."

how=${1:-}
shift || true
case "$how" in
write) set -- cargo check --all-targets --quiet ;;
check) [ $# -gt 0 ] || set -- cargo check --all-targets --quiet ;;
*) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac

DATABASE_URL=$(scripts/test-db.sh schema)
SQLX_OFFLINE=false
SQLX_OFFLINE_DIR=$(mktemp -d)
export DATABASE_URL SQLX_OFFLINE SQLX_OFFLINE_DIR
trap 'rm -rf "$SQLX_OFFLINE_DIR"' EXIT

# The macros run only when their crate is compiled. So its roots are touched.
roots=(src/lib.rs src/main.rs tests/it/main.rs benches/*.rs)
for root in "${roots[@]}"; do [ ! -e "$root" ] || touch "$root"; done
"$@"

if [ "$how" = write ]; then
    rm -rf .sqlx && mkdir .sqlx
    find "$SQLX_OFFLINE_DIR" -name 'query-*.json' -exec cp {} .sqlx/ \;
    echo "sqlx-data: $(ls .sqlx | wc -l) queries"
elif ! diff -rq .sqlx "$SQLX_OFFLINE_DIR" >&2; then
    echo "sqlx-data: .sqlx/ is not up to date; run 'make sqlx' and commit it" >&2
    exit 1
fi
