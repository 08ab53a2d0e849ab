//! Faultline: which layer broke, since when, seen by whom, and what proves it.
//!
//! The words everything shares: [`time`], [`vantage`], [`observation`], [`settings`], [`org`].

#![cfg_attr(
    test,
    allow(
        clippy::wildcard_enum_match_arm,
        clippy::assertions_on_constants,
        clippy::cast_possible_truncation,
        reason = "a test names the arm it expects, says what a feature changes, and makes small numbers"
    )
)]

// The routing half, in a package of its own.
pub use faultline_routing::{
    compression, feed, foreign, observation, pipeline, rib, scope, settings, source, time, timing, vantage, visibility, withdrawal,
};

pub mod alert;
pub mod analysis;
pub mod cli;
pub mod command;
#[cfg(feature = "live")]
pub mod dashboard;
pub mod dependency;
pub mod drill;
pub mod fetch;
pub mod holder;
pub mod incident;
pub mod org;
pub mod outage;
pub mod probe;
pub mod probing;
pub mod reachability;
pub mod replay;
pub mod report;
pub mod table;
pub mod watch;
#[cfg(feature = "live")]
pub mod web;
