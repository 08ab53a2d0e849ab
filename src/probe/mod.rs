//! Probe results: what clients saw of DNS, HTTP, TLS, reachability and service status.
//!
//! One [`ProbeResult`] is one attempt. Its [`Target`] says what was asked of whom, its [`Outcome`] how it ended, out of a closed
//! set. Results are imported here from recordings of many tools; nothing is judged: that is `reachability`'s work.
//!
//! [`read_results`] reads files, folders and globs. Of each file `format` decides by content what it is; `own`, `parquet`, `atlas`,
//! `zdns` and `service_status` turn its records into results; `intake` counts what came of it. [`to_line`] and [`to_parquet`] write
//! Faultline's own formats, which `docs/formats/probe-results.md` documents.

#[cfg(feature = "live")]
pub mod ask;
mod atlas;
mod dns;
mod fields;
mod format;
mod hashed;
mod intake;
mod lines;
mod own;
mod parquet;
mod question;
mod recording;
mod service_status;
mod wire;
mod zdns;

pub use fields::BadRecord;
pub use format::ProbeFormat;
pub use intake::{BAD_RECORDS_SHOWN, BadLine};
pub use own::write::line as to_line;
pub use parquet::write as to_parquet;
pub use question::{AskedType, DnsQuestion, DnsTransport, HttpAddress, HttpQuestion, NameServer, Question, Scheme};
pub use recording::{ProbeError, ProbeFile, ProbeRecording, read_results, read_results_watched};
pub use service_status::STATUS_WORDS;

use crate::observation::RecordRef;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;

/// One attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct ProbeResult {
    /// When it began.
    pub at: Timestamp,
    /// How long it took until its outcome was known; zero where the source does not say.
    pub took: Span,
    /// Who asked: a name for the place of the probe.
    pub vantage: Arc<str>,
    /// What was asked of whom.
    pub target: Target,
    /// How it ended.
    pub outcome: Outcome,
    /// Where it was read.
    pub source: RecordRef,
}

/// What was asked of whom. Results with equal vantage and target form one series.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each variant says what its fields mean; their types say the rest")]
pub enum Target {
    /// A DNS question.
    Dns { server: DnsServer, name: Arc<str>, record_type: Arc<str> },
    /// A request for a page, or a TCP or TLS handshake with a web server.
    Http { host: Arc<str>, address: AskedAddress, label: Arc<str> },
    /// ICMP echo.
    Ping { host: Arc<str>, address: Option<IpAddr> },
    /// What a status page, a login check or its users say of a service.
    Status { service: Arc<str>, reporter: Arc<str> },
}

/// Who was asked a DNS question.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each variant says what its fields mean; their types say the rest")]
pub enum DnsServer {
    /// A recursive resolver; what the prober calls it, where several may have one address.
    Resolver { address: Option<IpAddr>, name: Option<Arc<str>> },
    /// An authoritative server, asked directly; its name where known.
    Authority { address: IpAddr, name: Option<Arc<str>> },
}

/// Which address an HTTP probe was told to use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum AskedAddress {
    /// None: the name was resolved first, so DNS is part of the attempt.
    ByName,
    /// This one: DNS is not part of the attempt.
    Fixed(IpAddr),
}

/// How an attempt ended.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "each variant says what its fields mean; their types say the rest")]
pub enum Outcome {
    /// Of a DNS question.
    Dns(DnsOutcome),
    /// Of an HTTP, TLS or TCP attempt.
    Http(HttpOutcome),
    /// Of an ICMP echo: did an answer come?
    Ping { answered: bool },
    /// What was reported of a service.
    Status(ServiceStatus),
}

/// The end of a DNS question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DnsOutcome {
    /// Its kind.
    pub kind: DnsKind,
    /// Extended error code (RFC 8914), if given.
    pub extended_error: Option<u16>,
    /// The authoritative-answer bit (RFC 1035 §4.1.1).
    pub authoritative: bool,
    /// The answer section.
    pub answers: Vec<DnsAnswer>,
}

/// One record of an answer section.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DnsAnswer {
    /// Owner name, lower case, no final dot; empty where the source does not say.
    pub name: Arc<str>,
    /// Record type mnemonic, such as `A`.
    pub record_type: Arc<str>,
    /// Time to live in seconds.
    pub ttl: u32,
    /// Record data in presentation form; host names lower case, no final dot.
    pub data: Arc<str>,
}

/// The closed set of ends of a DNS question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsKind {
    /// NOERROR with at least one record of the type asked for.
    Answered,
    /// NOERROR without one.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// The server failed to answer.
    ServFail,
    /// The server would not answer.
    Refused,
    /// Another response code.
    OtherRcode(u16),
    /// No answer in time.
    Timeout,
    /// The network said no: port or host unreachable, connection refused.
    NetworkError,
    /// An answer which is no DNS message.
    Malformed,
}

/// The end of an HTTP, TLS or TCP attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpOutcome {
    /// Its kind.
    pub kind: HttpKind,
    /// The address used, if any was.
    pub address: Option<IpAddr>,
    /// How the beginning of the body (at most 1,024 characters) reads, if recorded.
    pub body: Option<Arc<str>>,
    /// How the server named itself, if recorded.
    pub server: Option<Arc<str>>,
    /// Until when the server's certificate is valid, if there was one and it was recorded.
    pub cert_not_after: Option<Timestamp>,
}

/// The closed set of ends of an HTTP, TLS or TCP attempt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpKind {
    /// A response with this status code.
    Status(u16),
    /// A handshake alone was asked for, and it succeeded.
    Connected,
    /// The connection was refused: the host is there, the process is not.
    ConnectRefused,
    /// No answer to the connection attempt, or no route.
    ConnectTimeout,
    /// The network said the host or net is unreachable.
    Unreachable,
    /// The TLS handshake failed.
    TlsFailed,
    /// Connected, but no whole response in time.
    ReadFailed,
    /// The name did not resolve: see the DNS results.
    NameNotResolved,
}

/// What was reported of a service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceStatus {
    /// Works.
    Up,
    /// Works in part or for some.
    Degraded,
    /// Does not work.
    Down,
}

impl ProbeResult {
    /// When the outcome was known.
    pub fn end(&self) -> Timestamp {
        self.at + self.took
    }
}
