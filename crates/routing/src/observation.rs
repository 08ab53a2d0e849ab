//! What BGP said: one statement of one vantage point at one time, with the place it was read from.
//!
//! A dead session, a silent feed and the start of a table dump are statements too, so no filter can drop them. Nothing is judged
//! here.

mod others;

use crate::time::Timestamp;
use crate::vantage::{Asn, CollectorId, Family, VantageId};
use ipnet::IpNet;
pub use others::{Message, Other, Others, Prefixes, Spoken, V4Prefix};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An input file, by its place in the list of files read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(pub u32);

/// Where a statement stands: file, and record (MRT) or line (JSON Lines, CSV) within it, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RecordRef {
    /// The file.
    pub file: FileId,
    /// Number of the record or line in the file, from 1.
    pub record: u64,
}

/// The attributes of a route which Faultline uses.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Route {
    /// AS_PATH merged with AS4_PATH (RFC 6793 §4.2.3), nearest AS first, prepending kept, members of an AS_SET in place.
    pub path: Box<[Asn]>,
    /// The origin AS: last of the path. `None` for an empty path or one ending in an AS_SET of several (RFC 6472: ambiguous).
    pub origin: Option<Asn>,
}

/// Why a route was taken as withdrawn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawCause {
    /// Withdrawn Routes or MP_UNREACH_NLRI (RFC 4271 §4.3, RFC 4760 §4).
    Statement,
    /// A malformed UPDATE, to be treated as a withdraw (RFC 7606 §2).
    TreatAsWithdraw,
}

/// One statement read from a feed.
#[derive(Clone, PartialEq, Debug)]
pub struct Observation {
    /// When the collector received it. Whole seconds where the source has no better.
    pub at: Timestamp,
    /// Where it was read.
    pub source: RecordRef,
    /// What was said.
    pub what: Statement,
}

/// The closed set of statements.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "each variant says what its fields mean; their types say the rest")]
pub enum Statement {
    /// A route to the prefix; replaces the earlier one with the same path identifier.
    Announce { from: VantageId, prefix: IpNet, path_id: u32, route: Arc<Route> },
    /// No route to the prefix any more (with this path identifier; 0 without ADD-PATH, RFC 7911).
    Withdraw { from: VantageId, prefix: IpNet, path_id: u32, cause: WithdrawCause },
    /// The whole table of a family has been sent (RFC 4724 §2).
    EndOfRib { from: VantageId, family: Family },
    /// The session came up: an OPEN, or a state change to Established.
    SessionUp { from: VantageId },
    /// The session went down: a NOTIFICATION, or a state change away from Established or to a state below it.
    SessionDown { from: VantageId },
    /// The peer said something which concerns no route: a KEEPALIVE or a ROUTE-REFRESH.
    Keepalive { from: VantageId },
    /// A table dump begins; it speaks for these peers only. An empty list (TABLE_DUMP version 1 has no index of peers) stands for the
    /// peers which turn out to have entries.
    TableBegin { collector: CollectorId, peers: Arc<[VantageId]> },
    /// The peer had this route when the dump was made.
    TableEntry { from: VantageId, prefix: IpNet, path_id: u32, route: Arc<Route> },
    /// The dump ended. One which is not `complete` (damaged, truncated, empty) is no seed. `sizes`: for each peer of the dump, how many
    /// prefixes of each family (by [`Family::index`]) it had, watched or not, each prefix counted once however many paths it has. A
    /// family in which no peer has any prefix was not dumped: some programs write IPv4 and IPv6 into separate files.
    TableEnd { collector: CollectorId, complete: bool, sizes: Arc<[(VantageId, [u32; 2])]> },
    /// Messages of which no prefix is watched.
    Other(Box<Others>),
    /// Nothing was recorded by the collector from here until `until`: a missing file, bytes which could not be read.
    FeedGap { collector: CollectorId, until: Timestamp, cause: GapCause },
}

/// Why nothing was recorded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapCause {
    /// A file is missing from the regular sequence of an archive.
    MissingFile,
    /// A file could not be read to its end.
    DamagedFile,
    /// The collector, which speaks all the time, said nothing.
    Silence,
    /// The live connection was lost.
    Disconnected,
}

impl Statement {
    /// The prefix which the statement is about, if it is about one.
    pub fn prefix(&self) -> Option<&IpNet> {
        match self {
            Statement::Announce { prefix, .. } | Statement::Withdraw { prefix, .. } | Statement::TableEntry { prefix, .. } => {
                Some(prefix)
            }
            Statement::EndOfRib { .. }
            | Statement::SessionUp { .. }
            | Statement::SessionDown { .. }
            | Statement::Keepalive { .. }
            | Statement::TableBegin { .. }
            | Statement::TableEnd { .. }
            | Statement::Other(_)
            | Statement::FeedGap { .. } => None,
        }
    }

    /// The vantage point which made the statement; `None` for statements about a whole collector, and for several messages.
    pub fn from(&self) -> Option<VantageId> {
        match self {
            Statement::Announce { from, .. }
            | Statement::Withdraw { from, .. }
            | Statement::EndOfRib { from, .. }
            | Statement::SessionUp { from }
            | Statement::SessionDown { from }
            | Statement::Keepalive { from }
            | Statement::TableEntry { from, .. } => Some(*from),
            Statement::Other(_) | Statement::TableBegin { .. } | Statement::TableEnd { .. } | Statement::FeedGap { .. } => None,
        }
    }
}

impl Observation {
    /// When the last message of it was.
    pub fn until(&self) -> Timestamp {
        let others = if let Statement::Other(others) = &self.what { others.until() } else { None };
        others.map_or(self.at, |until| until.max(self.at))
    }
}
