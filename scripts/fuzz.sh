#!/usr/bin/env bash
# Fuzzes the parsers of outside bytes, one after the other, and keeps what widened their coverage in tests/corpora/.
#
#   scripts/fuzz.sh           every target, SECONDS_EACH seconds each (60)
#   scripts/fuzz.sh cap rule  these
#
# Needs cargo-fuzz (cargo install cargo-fuzz) and a nightly toolchain.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
seconds=${SECONDS_EACH:-60}
export SQLX_OFFLINE=true
build=(cargo +nightly fuzz)
if [ $# = 0 ]; then mapfile -t targets < <("${build[@]}" list); else targets=("$@"); fi
[ -n "${NO_BUILD:-}" ] || "${build[@]}" build -s none
for target in "${targets[@]}"; do
    kept=../tests/corpora/$target
    mkdir -p "$kept" "corpus/$target"
    echo "== $target"
    nice "$(ls -d target/*/release/"$target")" "corpus/$target" "$kept" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$kept/crash-" 2>&1 |
        grep -E 'stat::number_of_executed_units|stat::average_exec|SUMMARY|panicked|cov: .*DONE' || true
    # The smallest set with the same coverage, of small files.
    small=$(mktemp -d)
    "$(ls -d target/*/release/"$target")" -merge=1 -max_len=1024 "$small" "$kept" "corpus/$target" >/dev/null 2>&1
    find "$kept" -type f ! -name 'crash-*' ! -name 'seed-*' -delete
    # The first hundred are enough for `make test`; the rest stays in corpus/.
    find "$small" -type f -printf '%s %p\n' | sort -n | head -100 | while read -r _ file; do cp "$file" "$kept/"; done
    rm -rf "$small"
done
