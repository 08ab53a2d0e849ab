//! The program and the library from outside, in one binary: one module a subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::wildcard_enum_match_arm,
    reason = "tests stop at the first surprise"
)]

mod again;
mod agreement;
mod bmp;
mod completions;
mod doubts;
mod drill;
mod installed;
mod lab_cases;
mod lab_reachability;
mod lab_truth;
mod large;
mod machine;
mod manual;
mod probes;
mod program;
mod progress;
mod properties;
mod rebuilt;
#[cfg(feature = "live")]
mod replay_server;
mod report;
mod ris_live;
mod scenarios;
mod schema;
mod skip;
mod source_counts;
mod source_damage;
mod source_merge;
mod source_statements;
mod stage;
mod survey;
mod tables;
mod thresholds;
mod timeline;
mod wire;
mod written;
