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
#[cfg(feature = "live")]
mod alerts;
#[cfg(feature = "live")]
mod archive_server;
mod bmp;
#[cfg(feature = "nats")]
mod bus;
mod causes;
mod completions;
#[cfg(feature = "live")]
mod dashboard;
mod doubts;
mod drill;
#[cfg(feature = "live")]
mod fetch;
#[cfg(feature = "live")]
mod fetch_program;
mod holes;
mod installed;
mod lab_cases;
mod lab_reachability;
mod lab_truth;
mod large;
mod machine;
mod manual;
#[cfg(feature = "live")]
mod org_init;
mod probes;
#[cfg(feature = "live")]
mod probing;
mod program;
mod progress;
mod properties;
mod rebuilt;
#[cfg(feature = "live")]
mod replay_client;
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
mod squeeze;
mod stage;
mod survey;
mod tables;
mod thresholds;
mod timeline;
mod watch_recording;
mod wire;
mod written;
