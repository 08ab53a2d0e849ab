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

pub mod alert;
pub mod analysis;
pub mod cli;
pub mod command;
pub mod compression;
#[cfg(feature = "live")]
pub mod dashboard;
pub mod dependency;
pub mod drill;
pub mod feed;
pub mod fetch;
pub mod foreign;
pub mod holder;
pub mod incident;
pub mod observation;
pub mod org;
pub mod outage;
pub mod pipeline;
pub mod probe;
pub mod probing;
pub mod reachability;
pub mod replay;
pub mod report;
pub mod rib;
pub mod settings;
pub mod source;
pub mod table;
pub mod time;
pub mod timing;
pub mod vantage;
pub mod visibility;
pub mod watch;
#[cfg(feature = "live")]
pub mod web;
pub mod withdrawal;
