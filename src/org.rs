//! The organization: its AS numbers, prefixes, services, host names, name servers, and who probes it.
//!
//! These are the validated values; `org::profile` reads them from TOML and points at what is wrong.

pub mod alert;
pub mod draft;
mod probing;
pub mod profile;

pub use probing::{ProbeResolver, Probing};

use crate::probe::Scheme;
use crate::scope::{Own, Scope};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::vantage::Asn;
use alert::AlertSink;
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Whose routes and services are watched. Never without a prefix.
#[derive(Clone, PartialEq, Debug)]
pub struct Organization {
    /// What reports call it.
    pub name: String,
    /// Remark which every report of this profile prints, such as "rebuilt, not recorded".
    pub note: Option<String>,
    /// AS numbers which originate its prefixes.
    pub as_numbers: Vec<Asn>,
    /// Its prefixes.
    pub prefixes: Vec<WatchedPrefix>,
    /// DNS zones which its services need.
    pub zones: Vec<Zone>,
    /// What it offers.
    pub services: Vec<Service>,
    /// Targets of others, which tell "we are offline" from "they are down".
    pub controls: Vec<ProbeTarget>,
    /// Places which probe, with their networks, to match them to BGP vantage points.
    pub probe_vantages: Vec<ProbeVantage>,
    /// How active probing is done.
    pub probing: Probing,
    /// Planned work: a withdrawal in it is closed as intended.
    pub maintenance: Vec<Maintenance>,
    /// Who is told of incidents.
    pub alerts: Vec<AlertSink>,
    /// Routers which may tell of their peers by BMP.
    pub bmp_routers: Vec<BmpRouter>,
    /// The settings in force: defaults, and what the profile overrides.
    pub settings: Settings,
    /// The file it was read from.
    pub file: PathBuf,
}

impl Organization {
    /// What it calls its prefixes, where it names them.
    pub fn labels(&self) -> HashMap<IpNet, &str> {
        self.prefixes.iter().filter_map(|own| Some((own.prefix, own.label.as_deref()?))).collect()
    }

    /// What is watched for it: its prefixes, what covers them and lies inside them, and addresses of others on which it depends.
    pub fn scope(&self, dependencies: impl IntoIterator<Item = IpAddr>) -> Scope {
        let own = self.prefixes.iter().map(|watched| {
            let origins = if watched.origins.is_empty() { &self.as_numbers } else { &watched.origins };
            Own { prefix: watched.prefix, longest: watched.lengths.longest, origins: origins.clone() }
        });
        Scope::of(own, &self.as_numbers, dependencies)
    }
}

/// A router which may tell of its peers by BMP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BmpRouter {
    /// The address from which it connects.
    pub address: IpAddr,
    /// What reports call it; by default what it calls itself.
    pub name: Option<String>,
}

/// A prefix with its operator (RFC 2622 §2): which more specifics are as much the organization's as itself.
#[derive(Clone, PartialEq, Debug)]
pub struct WatchedPrefix {
    /// The prefix as written.
    pub prefix: IpNet,
    /// Lengths which count as announced on purpose.
    pub lengths: PrefixLengths,
    /// AS numbers which may originate it, if not the organization's.
    pub origins: Vec<Asn>,
    /// What it is for, in the organization's words.
    pub label: Option<String>,
}

/// Which lengths below a prefix are meant (RFC 2622 §2: none, `^-`, `^+`, `^n`, `^n-m`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrefixLengths {
    /// Shortest.
    pub shortest: u8,
    /// Longest.
    pub longest: u8,
}

/// A DNS zone and its name servers.
#[derive(Clone, PartialEq, Debug)]
pub struct Zone {
    /// Lower case, no final dot.
    pub name: String,
    /// Empty: to be learned from recorded NS answers.
    pub name_servers: Vec<NameServer>,
}

/// An authoritative server.
#[derive(Clone, PartialEq, Debug)]
pub struct NameServer {
    /// Lower case, no final dot.
    pub name: String,
    /// Empty: to be learned from recorded answers.
    pub addresses: Vec<IpAddr>,
}

/// Something people use.
#[derive(Clone, PartialEq, Debug)]
pub struct Service {
    /// What reports call it.
    pub name: String,
    /// Host names it needs, lower case, no final dot.
    pub hostnames: Vec<String>,
    /// Its addresses, where they are fixed; else learned from recorded answers.
    pub addresses: Vec<IpAddr>,
    /// Which recorded probes are about it, and what "up" means for each.
    pub probes: Vec<ProbeTarget>,
    /// Names under which imported service statuses speak of it; its own name is always one.
    pub status_names: Vec<String>,
    /// It does not exist before this.
    pub since: Option<Timestamp>,
}

/// A probe target of the profile, matched against recorded results, and what "up" means.
#[derive(Clone, PartialEq, Debug)]
pub struct ProbeTarget {
    /// What reports call it.
    pub name: String,
    /// What is asked.
    pub kind: ProbeKind,
    /// Host name, lower case, no final dot.
    pub host: String,
    /// `None`: by name. `Some`: only attempts made at this address.
    pub address: Option<IpAddr>,
    /// What an active probe of kind [`ProbeKind::Http`] asks for; recorded results are matched without it.
    pub page: Page,
    /// What "up" means.
    pub up: UpWhen,
}

/// What an active probe asks a web server for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// How far it goes.
    pub scheme: Scheme,
    /// The port.
    pub port: u16,
    /// Path and query, from the `/` on.
    pub path: String,
}

/// The front page as browsers ask for it.
impl Default for Page {
    fn default() -> Self {
        Page { scheme: Scheme::Https, port: 443, path: "/".to_owned() }
    }
}

/// What a probe asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProbeKind {
    /// A DNS question for the host.
    Dns,
    /// A page of the host.
    Http,
    /// An ICMP echo.
    Ping,
}

/// What counts as up; everything else is down.
#[derive(Clone, PartialEq, Debug)]
pub struct UpWhen {
    /// Status codes, as closed ranges. Default 200–399.
    pub statuses: Vec<(u16, u16)>,
    /// The body must contain this.
    pub body_contains: Option<String>,
    /// The server must name itself so.
    pub server: Option<String>,
    /// DNS answers must be among these, if any are given.
    pub answers: Vec<String>,
}

/// Success and redirection (RFC 9110 §15), and nothing more.
impl Default for UpWhen {
    fn default() -> Self {
        UpWhen { statuses: vec![(200, 399)], body_contains: None, server: None, answers: Vec::new() }
    }
}

impl Zone {
    /// True for the zone's own name and every name below it.
    pub fn holds(&self, name: &str) -> bool {
        is_in_zone(name, &self.name)
    }
}

/// True if `name` is the zone's name or below it; both lower case, no final dot.
pub fn is_in_zone(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Where a probe is, in terms of networks.
#[derive(Clone, PartialEq, Debug)]
pub struct ProbeVantage {
    /// As written in the recorded results.
    pub name: String,
    /// The AS it is in.
    pub asn: Option<Asn>,
    /// The ASes which carry its traffic.
    pub upstreams: Vec<Asn>,
}

/// A planned window.
#[derive(Clone, PartialEq, Debug)]
pub struct Maintenance {
    /// It begins.
    pub from: Timestamp,
    /// It ends.
    pub until: Timestamp,
    /// Prefixes it concerns, with what is inside them; empty: all.
    pub prefixes: Vec<IpNet>,
    /// Why.
    pub note: Option<String>,
}
