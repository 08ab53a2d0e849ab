//! Messages as they stand in archives, for whoever passes them on: beside the statements which are made of them.

use crate::time::Timestamp;
use crate::vantage::{Asn, CollectorId};
use bgpkit_parser::models::BgpMessage;
use std::net::IpAddr;

/// A message or a state change, of whom and when.
#[derive(Debug)]
pub struct Tapped {
    /// When, never before an earlier one of its file.
    pub at: Timestamp,
    /// The collector which recorded it.
    pub collector: CollectorId,
    /// The peer's address.
    pub peer: IpAddr,
    /// The peer's AS number.
    pub asn: Asn,
    /// What it is.
    pub(in crate::source) what: TappedKind,
}

/// What was recorded.
#[derive(Debug)]
pub(in crate::source) enum TappedKind {
    /// A BGP message, and its bytes where AS numbers have four of them in it.
    Message(Box<BgpMessage>, Option<Vec<u8>>),
    /// The session came up, or went down.
    State { up: bool },
}
