//! The routing half of Faultline: what was said in BGP, and what follows from it.
//!
#![doc = include_str!("../README.md")]
//!
//! # How the modules hang together
//!
//! [`source`] reads archives, streams and routers' own words into [`observation`]s; [`feed`] and [`rib`] keep who speaks and which routes they have;
//! [`visibility`] says who sees a prefix, [`withdrawal`] when that was lost, [`foreign`] who else announced it; [`pipeline`] does all this in order.

#![cfg_attr(
    test,
    allow(
        clippy::wildcard_enum_match_arm,
        clippy::assertions_on_constants,
        clippy::cast_possible_truncation,
        reason = "a test names the arm it expects, says what a feature changes, and makes small numbers"
    )
)]

pub mod compression;
pub mod feed;
pub mod foreign;
pub mod observation;
pub mod pipeline;
pub mod rib;
pub mod scope;
pub mod settings;
pub mod source;
pub mod time;
pub mod timing;
pub mod vantage;
pub mod visibility;
pub mod withdrawal;
