//! The state of everything which is watched, as a value: whether anything can be seen, what is seen, and since when.
//!
//! [`Lookout`] makes a [`Board`] of what [`Live`](super::Live) knows, without a copy of it, and remembers what a moment does not tell: since
//! when, how fast, and the course of visibility, in bounded memory. A board is inert: it serializes, and whoever shows it decides nothing.
//! Nothing here reads the clock or a network.

mod course;
mod lookout;
mod own;
mod prefixes;
mod sight;

use crate::feed::FeedEvent;
use crate::time::Timestamp;
use crate::vantage::Asn;
use crate::visibility::{Share, Visibility};
use crate::withdrawal::Level;
pub use course::{Course, CoursePoint};
pub use lookout::Lookout;
pub use own::{canary_of, probes_of};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::IpAddr;
use std::sync::Arc;

/// Everything at one moment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// The organization's name.
    pub organization: String,
    /// The profile's remark; `null` if there is none.
    pub note: Option<String>,
    /// When this was made, by the system's clock.
    pub made_at: Timestamp,
    /// How late it is by what was said; `null` as long as nothing was.
    pub now: Option<Timestamp>,
    /// Whether what is watched can be seen.
    pub sight: Sight,
    /// What is watched is a replay or a recording: its own clock counts, and how late it is says nothing.
    pub replayed: bool,
    /// The stream; `null` if only routers are heard.
    pub stream: Option<StreamState>,
    /// The organization's own routers, in the order in which they spoke first; `null` if none are listened for.
    pub routers: Option<Vec<RouterState>>,
    /// The organization's prefixes, in the order of the profile; then those which it means by a range, as they are met.
    pub prefixes: Vec<PrefixState>,
    /// The organization's services, in the order of the profile.
    pub services: Vec<ServiceProbes>,
    /// Collectors, in the order in which they were met.
    pub collectors: Vec<CollectorState>,
    /// Vantage points, in the order in which they were met.
    pub vantage_points: Vec<VantageState>,
    /// What happened to feeds, the newest first; not more than some.
    pub notes: Vec<FeedNoteState>,
    /// The canary; `null` if there is none.
    pub canary: Option<CanaryState>,
    /// Alerts on their way; `null` if none are sent.
    pub outbox: Option<OutboxState>,
}

/// Whether what is watched can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sight {
    /// As a code.
    pub code: SightCode,
    /// In a sentence.
    pub sentence: String,
    /// What limits it, a sentence each.
    pub limits: Vec<String>,
}

/// Whether what is watched can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SightCode {
    /// Everything can be.
    Clear,
    /// Something limits it.
    Limited,
    /// Nothing can be: no news is no good news.
    Blind,
}

/// The stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamState {
    /// Its address, without what may be secret in it.
    pub address: String,
    /// The connection is up.
    pub connected: bool,
    /// Since when it is up, or not, by the system's clock.
    pub since: Timestamp,
    /// Why it is not up; `null` if it is, or was never tried.
    pub reason: Option<String>,
    /// How often the connection was lost.
    pub lost: u64,
    /// How often no connection could be made.
    pub refused: u64,
    /// Frames which came.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames which could not be read, or believed.
    pub unreadable: u64,
    /// When the last frames came, by the system's clock; `null` if none did.
    pub heard: Option<Timestamp>,
    /// The time of the newest message; `null` if none came.
    pub newest: Option<Timestamp>,
    /// How many seconds the newest message is older than now; `null` for a replay, and if none came.
    pub lag_seconds: Option<i64>,
    /// Frames a second, over the last ten seconds.
    pub per_second: u64,
    /// Frames a second in the last ten minutes, the oldest first: a value for every five seconds.
    pub rates: Arc<Vec<u64>>,
    /// What the server said last when it was not content; `null` if it always was.
    pub complaint: Option<Complaint>,
}

/// What the server said when it was not content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Complaint {
    /// When, by the system's clock.
    pub at: Timestamp,
    /// Its words.
    pub words: String,
}

/// A router of the organization, which tells of its peers (BMP).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouterState {
    /// Its name: a collector's, too.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// A connection of it stands.
    pub connected: bool,
    /// Messages which came.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// One of the organization's prefixes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrefixState {
    /// The prefix.
    pub prefix: String,
    /// What the profile calls it; `null` if it has no name for it.
    pub label: Option<String>,
    /// How it is.
    pub condition: Condition,
    /// The worst level of the withdrawal which is not over; `null` if there is none.
    pub level: Option<Level>,
    /// Since when it is so: of a withdrawal its onset.
    pub since: Option<Timestamp>,
    /// Who sees it. The denominator is the sum.
    pub visibility: Visibility,
    /// At most this share sees it, in millionths.
    pub share: Share,
    /// The share which counts as usual, in millionths; `null` if nothing was counted yet.
    pub usual: Option<Share>,
    /// AS numbers which originate it or more of it, and are none of the organization's.
    pub foreign_origins: Vec<Asn>,
    /// Who saw it in the last six hours: each point holds until the next. Where there are too many, those which saw less are kept.
    pub course: Arc<Vec<CoursePoint>>,
}

/// How a prefix is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// As usual.
    Usual,
    /// Nothing was ever said of it.
    NeverSeen,
    /// Too few vantage points can tell.
    Untold,
    /// A threshold is crossed: it is a withdrawal if that holds.
    Falling,
    /// It is back, and a withdrawal is over if that holds.
    Returning,
    /// It is withdrawn.
    Withdrawn,
}

/// How a service was probed last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceProbes {
    /// Its name.
    pub service: String,
    /// What is probed of it, from every vantage; 0: it is not probed.
    pub series: u32,
    /// How many of these fail.
    pub failing: u32,
    /// Of how many nothing is known yet: they never succeeded, and did not fail often enough.
    pub unknown: u32,
    /// Attempts so far.
    pub attempts: u64,
    /// When it was probed last; `null` if never.
    pub last: Option<Timestamp>,
}

/// A collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectorState {
    /// Its name.
    pub name: String,
    /// Its silence was noted, and goes on.
    pub silent: bool,
    /// When it was heard last; `null` if never.
    pub heard: Option<Timestamp>,
    /// How many seconds that is before [`now`](Board::now).
    pub silent_seconds: Option<i64>,
    /// Vantage points.
    pub vantage_points: u32,
    /// Those which speak.
    pub speaking: u32,
    /// Those whose whole table of some family is known.
    pub known_tables: u32,
    /// Those which carry a full table of some family.
    pub full_feeds: u32,
    /// Gaps noted so far.
    pub gaps: u32,
}

/// A vantage point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VantageState {
    /// The collector's place in [`collectors`](Board::collectors).
    pub collector: usize,
    /// The neighbour's address.
    pub peer: IpAddr,
    /// The neighbour's AS number.
    pub asn: Asn,
    /// Whether it can be believed.
    pub voice: Voice,
    /// When it spoke last; `null` if never.
    pub heard: Option<Timestamp>,
    /// Whether its whole table is known: of IPv4, of IPv6.
    pub known_tables: [bool; 2],
    /// Whether it carries a full table: of IPv4, of IPv6.
    pub full_feeds: [bool; 2],
}

/// Whether a vantage point can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// It never spoke.
    Never,
    /// It speaks.
    Speaks,
    /// It is silent, or its collector is.
    Silent,
    /// Its session was lost, or what it said was not heard.
    Down,
}

/// Something which happened to a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedNoteState {
    /// It began.
    pub at: Timestamp,
    /// It ended; `null` if it has not, or is a moment.
    pub until: Option<Timestamp>,
    /// The collector or vantage point.
    pub whom: String,
    /// What happened.
    pub what: FeedEvent,
}

/// The canary: prefixes which are known to come and go, by which a silent feed differs from a quiet network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryState {
    /// It was seen when it should have been.
    pub sings: bool,
    /// When it was seen last; `null` if never.
    pub last: Option<Timestamp>,
    /// In a sentence.
    pub sentence: String,
}

/// Alerts on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutboxState {
    /// Not delivered yet.
    pub waiting: u64,
    /// Delivered.
    pub delivered: u64,
    /// Attempts which failed.
    pub failed: u64,
    /// Since when the oldest waits; `null` if none does.
    pub oldest: Option<Timestamp>,
}

impl Condition {
    /// The words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Condition::Usual => "as usual",
            Condition::NeverSeen => "never seen",
            Condition::Untold => "too few can tell",
            Condition::Falling => "falling",
            Condition::Returning => "coming back",
            Condition::Withdrawn => "withdrawn",
        }
    }
}

impl Voice {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Voice::Never => "never spoke",
            Voice::Speaks => "speaks",
            Voice::Silent => "silent",
            Voice::Down => "down",
        }
    }
}

#[cfg(test)]
mod tests;
