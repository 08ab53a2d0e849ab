//! Targets and set-aside results in words for people. Nothing is decided here.

use super::Series;
use crate::observation::RecordRef;
use crate::probe::{AskedAddress, DnsServer, Target};
use serde::Serialize;
use std::fmt;

/// Results which could not be used, or not wholly: counted and told, never dropped in silence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unmatched {
    /// Why.
    pub why: Mismatch,
    /// How many.
    pub results: u64,
    /// The target of the first of them, in words.
    pub example: String,
    /// The first of them.
    pub source: RecordRef,
}

/// Why a result could not be used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mismatch {
    /// A DNS question for a name which is nothing to the organization or its controls.
    UnknownName,
    /// A page of a host which is nothing to them.
    UnknownHost,
    /// A ping of a host which is nothing to them.
    UnknownPing,
    /// A status of a service which is none of the organization's.
    UnknownService,
    /// The service did not exist yet.
    BeforeService,
    /// It began before an earlier one of its series.
    OutOfOrder,
    /// Target and outcome are of different kinds.
    OtherOutcome,
    /// The profile demands content which the recording does not hold: judged by status alone.
    ContentNotRecorded,
}

impl Mismatch {
    /// Why a target matches nothing.
    pub(super) fn unknown(target: &Target) -> Self {
        match target {
            Target::Dns { .. } => Mismatch::UnknownName,
            Target::Http { .. } => Mismatch::UnknownHost,
            Target::Ping { .. } => Mismatch::UnknownPing,
            Target::Status { .. } => Mismatch::UnknownService,
        }
    }
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unmatched { why, results, example, .. } = self;
        let words = match why {
            Mismatch::UnknownName => "DNS results ask for no name and no server of the profile",
            Mismatch::UnknownHost => "HTTP results ask for no host and no address of the profile",
            Mismatch::UnknownPing => "pings ask for no host and no address of the profile",
            Mismatch::UnknownService => "statuses are of no service of the profile; add status_names",
            Mismatch::BeforeService => "results are from before their service existed (`since`)",
            Mismatch::OutOfOrder => "results began before an earlier one of their series and were left out",
            Mismatch::OtherOutcome => "results have an outcome which does not fit what was asked",
            Mismatch::ContentNotRecorded => {
                "results were judged by their status alone, as they hold no body or server name to compare"
            }
        };
        write!(f, "{results} {words} (such as {example})")
    }
}

impl Series {
    /// What was asked of whom, in words.
    pub fn target_in_words(&self) -> String {
        target(&self.target)
    }
}

/// A target, in words.
pub(super) fn target(target: &Target) -> String {
    match target {
        Target::Dns { server: DnsServer::Resolver { address, name: resolver }, name, record_type } => {
            let through = match (resolver, address) {
                // Those of the system have no name but their address.
                (Some(resolver), Some(address)) if **resolver != *address.to_string() => format!("resolver {resolver} ({address})"),
                (Some(resolver), _) => format!("resolver {resolver}"),
                (None, Some(address)) => format!("resolver {address}"),
                (None, None) => "the resolver".to_owned(),
            };
            format!("{name} {record_type} through {through}")
        }
        Target::Dns { server: DnsServer::Authority { address, name: Some(server) }, name, record_type } => {
            format!("{name} {record_type} asked of {server} ({address})")
        }
        Target::Dns { server: DnsServer::Authority { address, name: None }, name, record_type } => {
            format!("{name} {record_type} asked of {address}")
        }
        Target::Http { host, address: AskedAddress::ByName, .. } => format!("http {host} by name"),
        Target::Http { host, address: AskedAddress::Fixed(address), .. } => format!("http {host} at {address}"),
        Target::Ping { host, address: None } => format!("ping {host} by name"),
        Target::Ping { host, address: Some(address) } => format!("ping {host} at {address}"),
        Target::Status { service, reporter } => format!("status of {service} told by {reporter}"),
    }
}
