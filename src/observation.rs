//! What BGP said: one statement of one vantage point at one time, with the place it was read from.
//!
//! A dead session, a silent feed and the start of a table dump are statements too, so no filter can drop them. Nothing is judged
//! here.

use crate::time::Timestamp;
use crate::vantage::{Asn, CollectorId, Family, VantageId};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;
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

/// Messages of which no prefix is watched, in order of time: they show who speaks, and how large tables are. There are millions of these, so
/// they are told together, and their room is used again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Others {
    messages: Vec<Counted>,
    v4: Vec<V4Prefix>,
    v6: Vec<Ipv6Net>,
}

/// An IPv4 prefix in one word: its address, then eight bits of its length.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct V4Prefix(u64);

/// A message by the numbers of its prefixes, by [`Family::index`].
#[derive(Clone, PartialEq, Eq, Debug)]
struct Counted {
    at: Timestamp,
    source: RecordRef,
    from: VantageId,
    withdrawn: [u32; 2],
    announced: [u32; 2],
}

/// One message of [`Others`].
#[derive(Clone, Copy, Debug)]
pub struct Other<'a> {
    /// When.
    pub at: Timestamp,
    /// Where it was read.
    pub source: RecordRef,
    /// Whose.
    pub from: VantageId,
    /// What it announces.
    pub announced: Spoken<'a>,
    /// What it withdraws.
    pub withdrawn: Spoken<'a>,
}

/// Prefixes of both families.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spoken<'a> {
    /// IPv4.
    pub v4: &'a [V4Prefix],
    /// IPv6.
    pub v6: &'a [Ipv6Net],
}

impl V4Prefix {
    /// The prefix of this address and length; bits behind the length are left out. `None` if it is longer than 32.
    #[inline]
    pub fn new(address: u32, length: u8) -> Option<Self> {
        let host = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
        (length <= 32).then_some(V4Prefix(u64::from(address & !host) << 8 | u64::from(length)))
    }

    /// The address in the upper 32 of 40 bits, the length in the lower 8: to hash by.
    pub const fn word(self) -> u64 {
        self.0
    }

    /// Address and length.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a word of 32 and 8 bits is taken apart")]
    pub const fn parts(self) -> (u32, u8) {
        ((self.0 >> 8) as u32, self.0 as u8)
    }
}

impl From<Ipv4Net> for V4Prefix {
    fn from(net: Ipv4Net) -> Self {
        V4Prefix(u64::from(u32::from(net.network())) << 8 | u64::from(net.prefix_len()))
    }
}

impl From<V4Prefix> for IpNet {
    fn from(prefix: V4Prefix) -> Self {
        let (address, length) = prefix.parts();
        IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::from(address), length))
    }
}

impl Spoken<'_> {
    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Each of them.
    pub fn nets(self) -> impl Iterator<Item = IpNet> {
        self.v4.iter().map(|prefix| IpNet::from(*prefix)).chain(self.v6.iter().map(|prefix| IpNet::V6(*prefix)))
    }
}

impl Others {
    /// Messages told together: few enough to stay in a processor's nearest cache.
    const MESSAGES: usize = 256;

    /// Appends a message. Of `v4` and `v6` the first so many as `withdrawn` says, by [`Family::index`], are withdrawn, the others announced.
    #[inline]
    pub fn push(
        &mut self,
        (at, source): (Timestamp, RecordRef),
        from: VantageId,
        (v4, v6): (&[V4Prefix], &[Ipv6Net]),
        withdrawn: [usize; 2],
    ) {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let announced = [count(v4.len() - withdrawn[0].min(v4.len())), count(v6.len() - withdrawn[1].min(v6.len()))];
        self.messages.push(Counted { at, source, from, withdrawn: withdrawn.map(count), announced });
        self.v4.extend_from_slice(v4);
        self.v6.extend_from_slice(v6);
    }

    /// Appends a message which announces and withdraws these prefixes.
    pub fn push_nets(&mut self, place: (Timestamp, RecordRef), from: VantageId, announced: &[IpNet], withdrawn: &[IpNet]) {
        let (mut v4, mut v6, mut ends) = (Vec::new(), Vec::new(), [0; 2]);
        for (index, list) in [withdrawn, announced].into_iter().enumerate() {
            for net in list {
                match net {
                    IpNet::V4(net) => v4.push(V4Prefix::from(*net)),
                    IpNet::V6(net) => v6.push(net.trunc()),
                }
            }
            if index == 0 {
                ends = [v4.len(), v6.len()];
            }
        }
        self.push(place, from, (&v4, &v6), ends);
    }

    /// Whether it is time to tell them.
    pub fn is_full(&self) -> bool {
        self.messages.len() >= Others::MESSAGES || self.v4.len() + self.v6.len() >= 16 * Others::MESSAGES
    }

    /// When the last one was.
    pub fn until(&self) -> Option<Timestamp> {
        self.messages.last().map(|message| message.at)
    }

    /// Forgets all; their room is kept.
    pub fn clear(&mut self) {
        self.messages.clear();
        self.v4.clear();
        self.v6.clear();
    }

    /// Each message.
    pub fn iter(&self) -> impl Iterator<Item = Other<'_>> {
        let (mut v4, mut v6) = (self.v4.as_slice(), self.v6.as_slice());
        self.messages.iter().map(move |message| {
            let mut next = |counts: [u32; 2]| Spoken { v4: take(&mut v4, counts[0]), v6: take(&mut v6, counts[1]) };
            let (withdrawn, announced) = (next(message.withdrawn), next(message.announced));
            Other { at: message.at, source: message.source, from: message.from, announced, withdrawn }
        })
    }
}

fn take<'a, T>(list: &mut &'a [T], count: u32) -> &'a [T] {
    let (taken, rest) = list.split_at(list.len().min(count as usize));
    *list = rest;
    taken
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
