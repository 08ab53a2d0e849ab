# `just` lists the recipes. Nothing here is needed to use Faultline; README.md has the two commands which are.

default:
    @just --list

# the edit-test loop: one module's unit tests, without Parquet
t module:
    cargo test --no-default-features --lib {{module}}

# everything CI checks
test:
    ./scripts/test

# format, then lint
lint:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# write the README's help text and data/HASHES anew from the program and the files
bless:
    FAULTLINE_BLESS=1 cargo test --test tidy

# the newcomer's first command, from README.md
first:
    ./scripts/first

# licences, bans and sources of all dependencies
deny:
    cargo deny check bans licenses sources

# two days of real data against what was counted from the same messages: docs/real-data.md; minutes
oracle:
    FAULTLINE_ORACLE=1 cargo test --release --no-default-features --test oracle -- --nocapture

# Faultline against its peers and its limits, inputs made on the spot: docs/performance.md; up to an hour, `just peers --quick` minutes
peers *ARGS:
    cargo run --release -p faultline-peers -- {{ARGS}}

# instructions which reading takes, on any machine the same
instructions:
    cargo run --release -p faultline-peers -- instructions
