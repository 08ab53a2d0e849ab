#!/bin/sh
# Coverage-guided fuzzing on the stable toolchain: no nightly flag is needed where no sanitizer is asked for.
# Takes seconds to run (60) and keeps what it found beside what it built, in the workspace's target directory.
# The first inputs are made by bzip2, if it is there.
set -eu
cd "$(dirname "$0")"
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-../../../target/fuzz}"
corpus="$CARGO_TARGET_DIR/corpus"
cargo build --release --target "$host"
mkdir -p "$corpus"
if command -v bzip2 >/dev/null; then
    head -c 3000 run.sh | bzip2 >"$corpus/text"
    head -c 300 /dev/zero | bzip2 -1 >"$corpus/zeros"
    cat "$corpus/text" "$corpus/zeros" >"$corpus/two"
fi
"$CARGO_TARGET_DIR/$host/release/bzip2-lanes-fuzz" "$corpus" -max_total_time="${1:-60}" -max_len=4096 -rss_limit_mb=2048
