#!/usr/bin/env bash
# Fuzzes the parsers of outside bytes, one after the other, and keeps what widened their coverage in tests/corpora/.
#
#   scripts/fuzz.sh           every target, SECONDS_EACH seconds each (60)
#   scripts/fuzz.sh cap rule  these
#   scripts/fuzz.sh --build   only builds them
#
# Needs a C++ compiler and about four gigabytes under fuzz/target/, and nothing else: the flags below are those with which
# cargo-fuzz builds without a sanitizer, and the stable compiler takes them. `cargo fuzz run TARGET` works as well.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
seconds=${SECONDS_EACH:-60}
# The service's own versions, to which cargo adds the fuzzer; so the file need not be kept.
cp ../Cargo.lock Cargo.lock
host=$(rustc -vV | sed -n 's/^host: //p')
built=target/$host/release
export SQLX_OFFLINE=true CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=target
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4" \
    RUSTFLAGS+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table" \
    RUSTFLAGS+=" -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=16"
export RUSTFLAGS
[ -n "${NO_BUILD:-}" ] || nice cargo build --quiet --release --target "$host"
[ "${1:-}" != --build ] || exit 0
if [ $# = 0 ]; then mapfile -t targets < <(basename -s .rs fuzz_targets/*.rs); else targets=("$@"); fi

failed=0
for target in "${targets[@]}"; do
    kept=../tests/corpora/$target
    log=target/$target.log
    mkdir -p "$kept" "corpus/$target"
    # Long enough for the longest example, which a shorter bound would cut in the middle.
    longest=$(find "$kept" -name 'seed-*' -printf '%s\n' | sort -n | tail -1)
    longest=$((${longest:-0} > 4096 ? longest : 4096))
    nice "$built/$target" "corpus/$target" "$kept" -max_total_time="$seconds" -max_len="$longest" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$kept/crash-" >"$log" 2>&1 || failed=1
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "$target: ${runs:-?} runs in $seconds s, $(grep -o 'cov: [0-9]*' "$log" | tail -1), $(find "corpus/$target" -type f | wc -l) inputs"
    grep -E 'SUMMARY|panicked|ERROR' -A 2 "$log" || true
    # The smallest set with the same coverage, of small files.
    small=$(mktemp -d)
    nice "$built/$target" -merge=1 -max_len="$longest" "$small" "$kept" "corpus/$target" >/dev/null 2>&1 || true
    find "$kept" -type f ! -name 'crash-*' ! -name 'seed-*' -delete
    # Forty are enough for `make test`, evenly chosen from the small to the large; the rest stays in corpus/.
    find "$small" -type f -size -4097c -printf '%s %f\n' | sort -n | awk '{ name[NR] = $2 } END {
        step = NR > 40 ? NR / 40 : 1; for (at = 1; at <= NR; at += step) print name[int(at)] }' |
        while read -r file; do cp "$small/$file" "$kept/$file"; done
    rm -rf "$small"
done
exit $failed
