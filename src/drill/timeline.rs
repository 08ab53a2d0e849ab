//! The words of a timeline file, as they stand in it. `check` says which of them make sense together.

use super::error::{DrillError, Place};
use crate::source::mrt_writer::SessionState;
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, Family};
use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// A timeline which was read and checked.
#[derive(Clone, Debug)]
pub struct Timeline {
    pub(super) file: PathBuf,
    pub(super) text: String,
    pub(super) document: Document,
}

/// What the timeline claims to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A real incident, put together from published facts: every row names its source.
    Rebuilt,
    /// Made up, to rehearse with or to test.
    Exercise,
}

impl Timeline {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.document.drill.name
    }

    /// What it claims to be.
    pub fn kind(&self) -> Kind {
        self.document.drill.kind
    }

    /// The place of a row, for errors.
    pub(super) fn place(&self, offset: usize) -> Place {
        Place::of(&self.file, &self.text, offset)
    }

    /// Start and end.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        (self.document.drill.start, self.document.drill.end)
    }
}

/// A row with its place, so that errors can point at it.
pub(super) type Row<T> = Spanned<T>;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) drill: Drill,
    #[serde(default)]
    pub(super) collectors: Vec<Row<Collector>>,
    #[serde(default)]
    pub(super) background: Option<Row<Background>>,
    #[serde(default)]
    pub(super) routes: Vec<Row<Routes>>,
    #[serde(default)]
    pub(super) events: Vec<Row<Event>>,
    #[serde(default)]
    pub(super) probes: Option<Row<Probes>>,
    #[serde(default)]
    pub(super) dns: Vec<Row<DnsRow>>,
    #[serde(default)]
    pub(super) http: Vec<Row<HttpRow>>,
    #[serde(default)]
    pub(super) status: Vec<Row<StatusRow>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drill {
    pub(super) name: String,
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) note: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub(super) start: Timestamp,
    #[serde(deserialize_with = "moment")]
    pub(super) end: Timestamp,
    #[serde(default)]
    pub(super) seed: u64,
}

/// How an archive names and cuts its files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Archive {
    Ris,
    Routeviews,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Clock {
    Micro,
    Second,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Collector {
    pub(super) name: String,
    #[serde(default)]
    pub(super) peers: u16,
    #[serde(default)]
    pub(super) partial_peers: u16,
    #[serde(default)]
    pub(super) idle_peers: u16,
    #[serde(default)]
    pub(super) peer: Vec<PeerRow>,
    #[serde(default = "both")]
    pub(super) families: Vec<Family>,
    #[serde(default)]
    pub(super) archive: Option<Archive>,
    #[serde(default)]
    pub(super) timestamps: Option<Clock>,
    #[serde(default)]
    pub(super) keepalives: Option<Span>,
    #[serde(default)]
    pub(super) state_changes: Option<bool>,
    #[serde(default)]
    pub(super) rib_every: Option<Span>,
    #[serde(default)]
    pub(super) source: Option<String>,
}

impl Collector {
    /// As written, or by the name: `rrcNN` is RIS, everything else RouteViews.
    pub(super) fn archive(&self) -> Archive {
        self.archive.unwrap_or(if self.name.starts_with("rrc") { Archive::Ris } else { Archive::Routeviews })
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeerRow {
    pub(super) asn: Asn,
    pub(super) addresses: Vec<IpAddr>,
    #[serde(default)]
    pub(super) partial: bool,
    #[serde(default)]
    pub(super) idle: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Background {
    pub(super) prefixes_v4: u32,
    pub(super) prefixes_v6: u32,
    pub(super) updates_per_minute: u32,
    #[serde(default)]
    pub(super) session_resets: u32,
    #[serde(default)]
    pub(super) source: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Routes {
    #[serde(default)]
    pub(super) prefixes: Vec<IpNet>,
    #[serde(default)]
    pub(super) fill: Option<Fill>,
    pub(super) origin: Asn,
    #[serde(default)]
    pub(super) paths: Option<u32>,
    #[serde(default)]
    pub(super) transits: Vec<Asn>,
    #[serde(default)]
    pub(super) source: Option<String>,
}

/// Prefixes nobody named: the first `count` of this length within a block which no row has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fill {
    pub(super) within: IpNet,
    pub(super) length: u8,
    pub(super) count: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Withdraw,
    Announce,
    PathChange,
    Hijack,
    Flap,
    SessionDown,
    TableTransfer,
    StateChange,
    FeedCut,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    #[serde(deserialize_with = "moment")]
    pub(super) at: Timestamp,
    #[serde(default, deserialize_with = "moment_if_any")]
    pub(super) until: Option<Timestamp>,
    pub(super) action: Action,
    #[serde(default)]
    pub(super) prefixes: Vec<IpNet>,
    #[serde(default)]
    pub(super) origin: Option<Asn>,
    #[serde(default)]
    pub(super) collectors: Vec<String>,
    #[serde(default)]
    pub(super) asns: Vec<Asn>,
    #[serde(default)]
    pub(super) transit: Option<Asn>,
    #[serde(default)]
    pub(super) percent: Option<u32>,
    #[serde(default)]
    pub(super) skip_percent: u32,
    #[serde(default)]
    pub(super) count: Option<u32>,
    #[serde(default)]
    pub(super) pick: Option<String>,
    #[serde(default)]
    pub(super) spread: Option<Span>,
    #[serde(default)]
    pub(super) hunting: u32,
    #[serde(default)]
    pub(super) times: Option<u32>,
    #[serde(default)]
    pub(super) period: Option<Span>,
    #[serde(default)]
    pub(super) down: Option<Span>,
    #[serde(default)]
    pub(super) states: Option<[SessionState; 2]>,
    #[serde(default)]
    pub(super) stragglers: Vec<Straggler>,
    #[serde(default)]
    pub(super) source: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Straggler {
    #[serde(deserialize_with = "moment")]
    pub(super) at: Timestamp,
    pub(super) count: u32,
    #[serde(default)]
    pub(super) collector: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Probes {
    pub(super) period: Span,
    #[serde(default = "five_minutes")]
    pub(super) status_period: Span,
    pub(super) vantages: Vec<ProbeVantage>,
    #[serde(default)]
    pub(super) zones: Vec<Zone>,
    #[serde(default)]
    pub(super) hostnames: Vec<Hostname>,
    #[serde(default)]
    pub(super) pages: Vec<Page>,
    #[serde(default)]
    pub(super) services: Vec<Service>,
    #[serde(default)]
    pub(super) source: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbeVantage {
    pub(super) name: String,
    pub(super) resolver: IpAddr,
    #[serde(default)]
    pub(super) resolver_name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Zone {
    pub(super) name: String,
    #[serde(default = "two_days")]
    pub(super) ttl: u32,
    pub(super) servers: Vec<Server>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub(super) name: String,
    #[serde(default)]
    pub(super) addresses: Vec<IpAddr>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hostname {
    pub(super) name: String,
    #[serde(default)]
    pub(super) zone: Option<String>,
    #[serde(default)]
    pub(super) cname: Option<String>,
    pub(super) addresses: Vec<IpAddr>,
    #[serde(default = "one_minute_ttl")]
    pub(super) ttl: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    pub(super) name: String,
    pub(super) host: String,
    #[serde(default)]
    pub(super) address: Option<IpAddr>,
    #[serde(default = "ok")]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) server: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) reporters: Vec<String>,
}

/// Which way a DNS question goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Via {
    Resolver,
    Authority,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DnsOutcome {
    Answered,
    NoData,
    Nxdomain,
    Servfail,
    Refused,
    Timeout,
    PortUnreachable,
    NetworkUnreachable,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DnsRow {
    #[serde(deserialize_with = "moment")]
    pub(super) at: Timestamp,
    #[serde(default, deserialize_with = "moment_if_any")]
    pub(super) until: Option<Timestamp>,
    #[serde(default)]
    pub(super) via: Option<Via>,
    #[serde(default)]
    pub(super) vantages: Vec<String>,
    #[serde(default)]
    pub(super) names: Vec<String>,
    #[serde(default)]
    pub(super) servers: Vec<String>,
    pub(super) outcome: DnsOutcome,
    #[serde(default)]
    pub(super) extended_error: Option<u16>,
    #[serde(default = "all_percent")]
    pub(super) percent: u32,
    #[serde(default)]
    pub(super) source: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HttpOutcome {
    Answered,
    ConnectRefused,
    ConnectTimeout,
    Unreachable,
    TlsFailed,
    ReadFailed,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpRow {
    #[serde(deserialize_with = "moment")]
    pub(super) at: Timestamp,
    #[serde(default, deserialize_with = "moment_if_any")]
    pub(super) until: Option<Timestamp>,
    #[serde(default)]
    pub(super) vantages: Vec<String>,
    #[serde(default)]
    pub(super) pages: Vec<String>,
    pub(super) outcome: HttpOutcome,
    #[serde(default)]
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) server: Option<String>,
    #[serde(default = "all_percent")]
    pub(super) percent: u32,
    #[serde(default)]
    pub(super) source: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Up,
    Degraded,
    Down,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusRow {
    #[serde(deserialize_with = "moment")]
    pub(super) at: Timestamp,
    #[serde(default, deserialize_with = "moment_if_any")]
    pub(super) until: Option<Timestamp>,
    pub(super) services: Vec<String>,
    pub(super) reporter: String,
    pub(super) status: Status,
    #[serde(default)]
    pub(super) note: Option<String>,
    #[serde(default)]
    pub(super) source: Option<String>,
}

/// A time as text or as TOML writes it; either with its offset.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Toml(toml::value::Datetime),
        Text(String),
    }
    let text = match Written::deserialize(deserializer) {
        Ok(Written::Toml(time)) => time.to_string(),
        Ok(Written::Text(text)) => text,
        Err(_) => return Err(D::Error::custom("not a time; write it as 2021-10-04T15:39:00Z")),
    };
    text.parse().map_err(D::Error::custom)
}

fn moment_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    moment(deserializer).map(Some)
}

fn both() -> Vec<Family> {
    Family::BOTH.to_vec()
}

fn five_minutes() -> Span {
    Span::from_seconds(300)
}

fn two_days() -> u32 {
    172_800
}

fn one_minute_ttl() -> u32 {
    60
}

fn all_percent() -> u32 {
    100
}

fn ok() -> u16 {
    200
}

/// Reads the text; what the format does not know is an error with its place.
pub(super) fn document(file: &Path, text: &str) -> Result<Document, DrillError> {
    toml::from_str(text).map_err(|error| DrillError::Syntax {
        place: Place::of(file, text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })
}
