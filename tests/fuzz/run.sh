#!/bin/sh
# Coverage-guided fuzzing of the relevance scan, on the stable toolchain: no nightly flag is needed where no sanitizer is asked for.
# Takes seconds to run (60) and keeps what it found beside what it built, in the project's target directory.
# The first inputs are the beginnings of recorded archives.
set -eu
cd "$(dirname "$0")"
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-../../target/fuzz-scan}"
corpus="$CARGO_TARGET_DIR/corpus"
cargo build --release --target "$host"
mkdir -p "$corpus"
for file in $(find ../../data -name '*.gz' -o -name '*.mrt'); do
    case $file in *.gz) gunzip -c "$file" ;; *) cat "$file" ;; esac >"$corpus/whole"
    for choice in 0 1 2 3; do
        { printf "\\00$choice"; head -c 4000 "$corpus/whole"; } >"$corpus/$(basename "$file").$choice"
    done
    rm "$corpus/whole"
done
"$CARGO_TARGET_DIR/$host/release/faultline-fuzz" "$corpus" -max_total_time="${1:-60}" -max_len=8192 -rss_limit_mb=4096
