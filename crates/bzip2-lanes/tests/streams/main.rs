//! Takes compressed streams, whole and damaged, and holds what both kinds of [`bzip2_lanes::Decoder`] make of them against what the
//! `bzip2` crate makes of them. It does not test speed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise, in its helpers too")]

mod damage;
mod files;
mod oracle;
mod round_trip;
mod threads;
