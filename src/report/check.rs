//! A profile as it was understood, or everything wrong with it, for programs.

use super::words;
use crate::org::alert::{AlertPolicy, AlertSink, ToldChange, Urgency};
use crate::org::profile::{Checked, ProfileError};
use crate::org::{Maintenance, Organization, Page, ProbeKind, ProbeTarget, ProbeVantage, Probing, Service, WatchedPrefix, Zone};
use crate::probe::{DnsTransport, Scheme};
use crate::settings::SettingInForce;
use crate::time::{Span, Timestamp};
use crate::vantage::Asn;
use ipnet::IpNet;
use miette::Diagnostic;
use serde::Serialize;
use std::error::Error;
use std::net::IpAddr;
use std::path::Path;

/// Changed whenever a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// What came of checking a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckView {
    /// Always `faultline-profile-check`.
    pub format: &'static str,
    /// Of the format.
    pub version: u32,
    /// The profile.
    pub profile: String,
    /// True if an analysis would take it.
    pub valid: bool,
    /// Everything wrong with it, in the order of the file.
    pub errors: Vec<MessageView>,
    /// What is allowed but looks like a mistake, in the order of the file; none are told of a profile which is not valid.
    pub warnings: Vec<MessageView>,
    /// What it says; `null` if it is not valid.
    pub organization: Option<OutlineView>,
    /// The thresholds in force; none if it is not valid.
    pub settings: Vec<SettingInForce>,
}

/// An error or a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageView {
    /// The line, from 1; `null` if the file could not be read as text.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// An organization as a profile describes it, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlineView {
    /// What reports call it.
    pub name: String,
    /// Remark which every report prints.
    pub note: Option<String>,
    /// AS numbers which originate its prefixes.
    pub as_numbers: Vec<Asn>,
    /// Its prefixes.
    pub prefixes: Vec<OutlinePrefix>,
    /// DNS zones which its services need.
    pub zones: Vec<OutlineZone>,
    /// What it offers.
    pub services: Vec<OutlineService>,
    /// Targets of others.
    pub controls: Vec<OutlineProbe>,
    /// Places which probe.
    pub probe_vantages: Vec<OutlineVantage>,
    /// How active probing is done.
    pub probing: OutlineProbing,
    /// Planned work.
    pub maintenance: Vec<OutlineMaintenance>,
    /// Who is told of incidents, without addresses.
    pub alerts: Vec<OutlineAlert>,
}

/// How active probing is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlineProbing {
    /// The name under which results are recorded; `null`: that of the machine.
    pub vantage: Option<String>,
    /// How often each question is asked.
    pub every: Span,
    /// How long the answer to a DNS question is waited for.
    pub dns_timeout: Span,
    /// How long a page may take.
    pub http_timeout: Span,
    /// How many questions wait for their answers at one time.
    pub concurrency: u16,
    /// The port at which name servers are asked directly.
    pub authority_port: u16,
    /// Resolvers to ask through; empty: those of the system.
    pub resolvers: Vec<OutlineResolver>,
}

/// A recursive resolver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlineResolver {
    /// What results and reports call it.
    pub name: String,
    /// Address and port.
    pub address: String,
    /// `udp`, `tcp`, `tls` or `https`.
    pub protocol: String,
    /// The name its certificate is for; `null` without TLS.
    pub tls_name: Option<String>,
    /// The path; `null` but for `https`.
    pub path: Option<String>,
}

/// A prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlinePrefix {
    /// The prefix.
    pub prefix: IpNet,
    /// The shortest length announced on purpose.
    pub shortest: u8,
    /// The longest.
    pub longest: u8,
    /// AS numbers which may originate it; empty: those of the organization.
    pub origins: Vec<Asn>,
    /// What it is for.
    pub label: Option<String>,
}

/// A DNS zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlineZone {
    /// Its name.
    pub name: String,
    /// Its servers; empty: to be learned from recorded answers.
    pub name_servers: Vec<OutlineServer>,
}

/// A name server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlineServer {
    /// Its name.
    pub name: String,
    /// Its addresses; empty: to be learned from recorded answers.
    pub addresses: Vec<IpAddr>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlineService {
    /// What reports call it.
    pub name: String,
    /// Host names it needs.
    pub hostnames: Vec<String>,
    /// Its addresses, where they are fixed.
    pub addresses: Vec<IpAddr>,
    /// Probes about it.
    pub probes: Vec<OutlineProbe>,
    /// Names under which imported statuses speak of it.
    pub status_names: Vec<String>,
    /// It does not exist before this.
    pub since: Option<Timestamp>,
}

/// What is probed, and what "up" means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlineProbe {
    /// What reports call it.
    pub name: String,
    /// `dns`, `http` or `ping`.
    pub kind: &'static str,
    /// Host name.
    pub host: String,
    /// Only attempts at this address; `null`: by name.
    pub address: Option<IpAddr>,
    /// What an active probe of kind `http` asks for; `null` for the others.
    pub url: Option<String>,
    /// HTTP status codes which are up, as pairs of the first and the last.
    pub up_statuses: Vec<(u16, u16)>,
    /// The body must contain this.
    pub up_body_contains: Option<String>,
    /// The server must name itself so.
    pub up_server: Option<String>,
    /// DNS answers must be among these, if any are given.
    pub up_answers: Vec<String>,
}

/// A place which probes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlineVantage {
    /// Its name.
    pub name: String,
    /// The AS it is in.
    pub asn: Option<Asn>,
    /// The ASes which carry its traffic.
    pub upstreams: Vec<Asn>,
}

/// Planned work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlineMaintenance {
    /// It begins.
    pub from: Timestamp,
    /// It ends.
    pub until: Timestamp,
    /// Prefixes it concerns; empty: all.
    pub prefixes: Vec<IpNet>,
    /// Why.
    pub note: Option<String>,
}

/// Somebody who is told of incidents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutlineAlert {
    /// What messages about it call it.
    pub name: String,
    /// How it is told.
    pub kind: &'static str,
    /// Of which changes.
    pub changes: Vec<ToldChange>,
    /// Of incidents of these services only; empty: of all.
    pub services: Vec<String>,
    /// Of incidents which are so urgent at least.
    pub at_least: Urgency,
}

impl CheckView {
    /// Of what reading the profile at this path gave.
    pub fn of(path: &Path, read: &Result<Checked, ProfileError>) -> CheckView {
        let (errors, warnings, organization) = match read {
            Ok(checked) => (Vec::new(), warnings(checked), Some(&checked.organization)),
            Err(error) => (errors(error), Vec::new(), None),
        };
        CheckView {
            format: "faultline-profile-check",
            version: VERSION,
            profile: path.display().to_string(),
            valid: organization.is_some(),
            errors,
            warnings,
            organization: organization.map(OutlineView::of),
            settings: organization.map(|organization| organization.settings.in_force()).unwrap_or_default(),
        }
    }

    /// For people: what the profile says, counted; nothing of one which is not valid.
    pub fn to_text(&self) -> String {
        let Some(organization) = &self.organization else { return String::new() };
        let servers: usize = organization.zones.iter().map(|zone| zone.name_servers.len()).sum();
        let overridden = self.settings.iter().filter(|setting| setting.overridden).count();
        let rows = [
            ("organization", organization.name.clone()),
            ("AS numbers", names(&organization.as_numbers)),
            ("prefixes", organization.prefixes.len().to_string()),
            ("services", names(organization.services.iter().map(|service| &service.name))),
            ("zones", names(organization.zones.iter().map(|zone| &zone.name))),
            ("name servers", servers.to_string()),
            ("controls", names(organization.controls.iter().map(|control| &control.name))),
            ("probe vantages", names(organization.probe_vantages.iter().map(|vantage| &vantage.name))),
            ("alerts", names(organization.alerts.iter().map(|alert| &alert.name))),
            ("settings", format!("{overridden} of {} changed", self.settings.len())),
        ];
        let rows = rows.iter().map(|(what, value)| format!("{what:<16}{}\n", super::terminal::clean(value)));
        super::plain(&format!("{} is valid.\n{}", self.profile, rows.collect::<String>()))
    }
}

fn names<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let names = words::all(items.into_iter().map(|item| item.to_string()));
    if names.is_empty() { "none".to_owned() } else { names }
}

fn message(line: usize, column: usize, message: &str, help: &str) -> MessageView {
    MessageView { line: Some(line), column: Some(column), message: message.to_owned(), help: Some(help.to_owned()) }
}

fn warnings(checked: &Checked) -> Vec<MessageView> {
    checked.warnings.iter().map(|warning| message(warning.line, warning.column, &warning.message, &warning.help)).collect()
}

fn errors(error: &ProfileError) -> Vec<MessageView> {
    match error {
        ProfileError::Invalid { problems, .. } => {
            problems.iter().map(|problem| message(problem.line, problem.column, &problem.message, &problem.help)).collect()
        }
        ProfileError::Unreadable { .. } | ProfileError::NotText { .. } | ProfileError::TooLong { .. } => {
            let because = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            let help = error.help().map(|help| help.to_string());
            vec![MessageView { line: None, column: None, message: format!("{error}{because}"), help }]
        }
    }
}

impl OutlineView {
    fn of(organization: &Organization) -> Self {
        OutlineView {
            name: organization.name.clone(),
            note: organization.note.clone(),
            as_numbers: organization.as_numbers.clone(),
            prefixes: organization.prefixes.iter().map(prefix).collect(),
            zones: organization.zones.iter().map(zone).collect(),
            services: organization.services.iter().map(service).collect(),
            controls: organization.controls.iter().map(probe).collect(),
            probe_vantages: organization.probe_vantages.iter().map(vantage).collect(),
            probing: probing(&organization.probing),
            maintenance: organization.maintenance.iter().map(maintenance).collect(),
            alerts: organization.alerts.iter().map(alert).collect(),
        }
    }
}

fn prefix(watched: &WatchedPrefix) -> OutlinePrefix {
    let WatchedPrefix { prefix, lengths, origins, label } = watched.clone();
    OutlinePrefix { prefix, shortest: lengths.shortest, longest: lengths.longest, origins, label }
}

fn zone(zone: &Zone) -> OutlineZone {
    let servers = zone.name_servers.iter();
    let servers = servers.map(|server| OutlineServer { name: server.name.clone(), addresses: server.addresses.clone() });
    OutlineZone { name: zone.name.clone(), name_servers: servers.collect() }
}

fn service(service: &Service) -> OutlineService {
    let Service { name, hostnames, addresses, probes, status_names, since } = service.clone();
    OutlineService { name, hostnames, addresses, probes: probes.iter().map(probe).collect(), status_names, since }
}

fn probe(target: &ProbeTarget) -> OutlineProbe {
    let ProbeTarget { name, kind, host, address, page, up } = target.clone();
    let url = (kind == ProbeKind::Http).then(|| url(&host, &page));
    let kind = match kind {
        ProbeKind::Dns => "dns",
        ProbeKind::Http => "http",
        ProbeKind::Ping => "ping",
    };
    OutlineProbe {
        name,
        kind,
        host,
        address,
        url,
        up_statuses: up.statuses,
        up_body_contains: up.body_contains,
        up_server: up.server,
        up_answers: up.answers,
    }
}

/// With its port, and without a path where only a connection or a handshake is asked for.
fn url(host: &str, page: &Page) -> String {
    let path = if matches!(page.scheme, Scheme::Https | Scheme::Http) { page.path.as_str() } else { "" };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!("{}://{host}:{}{path}", page.scheme.word(), page.port)
}

fn probing(probing: &Probing) -> OutlineProbing {
    let Probing { vantage, every, dns_timeout, http_timeout, concurrency, authority_port, resolvers } = probing.clone();
    let resolvers = resolvers.iter().map(|resolver| {
        let transport = &resolver.server.transport;
        let (tls_name, path) = match transport {
            DnsTransport::Udp | DnsTransport::Tcp => (None, None),
            DnsTransport::Tls { name } => (Some(name.to_string()), None),
            DnsTransport::Https { name, path } => (Some(name.to_string()), Some(path.to_string())),
        };
        let (name, address) = (resolver.name.clone(), resolver.server.address.to_string());
        OutlineResolver { name, address, protocol: transport.to_string(), tls_name, path }
    });
    let resolvers = resolvers.collect();
    OutlineProbing { vantage, every, dns_timeout, http_timeout, concurrency, authority_port, resolvers }
}

fn vantage(place: &ProbeVantage) -> OutlineVantage {
    OutlineVantage { name: place.name.clone(), asn: place.asn, upstreams: place.upstreams.clone() }
}

fn maintenance(planned: &Maintenance) -> OutlineMaintenance {
    let Maintenance { from, until, prefixes, note } = planned.clone();
    OutlineMaintenance { from, until, prefixes, note }
}

fn alert(sink: &AlertSink) -> OutlineAlert {
    let AlertPolicy { changes, services, at_least, .. } = sink.policy.clone();
    OutlineAlert { name: sink.name.clone(), kind: sink.way.kind(), changes, services, at_least }
}
