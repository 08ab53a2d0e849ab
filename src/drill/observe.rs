//! What probes of the drill see: DNS and HTTP results and service status, as JSON Lines.
//!
//! Without a row everything is well. A page asked for by name cannot be had while its name does not resolve.

use super::dice::Dice;
use super::timeline::{
    DnsOutcome, DnsRow, Document, Hostname, HttpOutcome, HttpRow, Page, ProbeVantage, Probes, Status, Via, Zone,
};
use crate::time::{Span, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The three files, not compressed.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    pub(super) dns: Vec<u8>,
    pub(super) http: Vec<u8>,
    pub(super) status: Vec<u8>,
}

#[derive(Serialize)]
struct DnsLine<'a> {
    ts: String,
    vantage: &'a str,
    via: &'a str,
    server: IpAddr,
    server_name: &'a str,
    qname: &'a str,
    qtype: &'a str,
    rcode: Option<&'a str>,
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ede: Option<u16>,
    latency_ms: u64,
    answers: &'a [Answer<'a>],
    aa: bool,
}

#[derive(Clone, Serialize)]
struct Answer<'a> {
    name: &'a str,
    r#type: &'a str,
    ttl: u32,
    data: String,
}

#[derive(Serialize)]
struct HttpLine<'a> {
    ts: String,
    vantage: &'a str,
    target: &'a str,
    host: &'a str,
    mode: &'a str,
    ip: Option<IpAddr>,
    stage: &'a str,
    status: Option<u16>,
    error: Option<&'a str>,
    latency_ms: u64,
    body: Option<&'a str>,
    server: Option<&'a str>,
    ok: bool,
}

#[derive(Serialize)]
struct StatusLine<'a> {
    kind: &'a str,
    ts: String,
    service: &'a str,
    reporter: &'a str,
    status: Status,
}

/// A DNS question.
#[derive(Clone, Copy)]
struct Question<'a> {
    at: Timestamp,
    vantage: &'a ProbeVantage,
    via: Via,
    server: IpAddr,
    server_name: &'a str,
    name: &'a str,
    zone: Option<&'a str>,
    record_type: &'a str,
}

struct Prober<'a> {
    document: &'a Document,
    probes: &'a Probes,
    dice: Dice,
    observed: Observed,
}

/// Everything which the probes of a checked timeline see, in time order.
pub(super) fn observe(document: &Document) -> Observed {
    let Some(probes) = document.probes.as_ref().map(AsRef::as_ref) else { return Observed::default() };
    let mut prober = Prober { document, probes, dice: Dice::new(document.drill.seed, "probes"), observed: Observed::default() };
    let (start, end) = (document.drill.start, document.drill.end);
    let vantages = i64::try_from(probes.vantages.len()).unwrap_or(1).max(1);
    let mut round = start;
    while round < end {
        for (number, vantage) in (0i64..).zip(&probes.vantages) {
            let at = round + Span::from_micros(probes.period.micros() / vantages * number);
            if at < end {
                prober.round(vantage, at);
            }
        }
        round = round + probes.period;
    }
    prober.statuses();
    prober.observed
}

impl<'a> Prober<'a> {
    /// One round of a vantage: every name, every zone, every server, every page.
    fn round(&mut self, vantage: &'a ProbeVantage, at: Timestamp) {
        let probes = self.probes;
        let mut tick = 0;
        let mut next = || {
            tick += 1_700;
            at + Span::from_micros(tick)
        };
        let resolver_name = vantage.resolver_name.as_deref().unwrap_or("resolver");
        for host in &probes.hostnames {
            for record_type in ["A", "AAAA"] {
                let answers = addresses(host, record_type);
                if answers.is_empty() {
                    continue;
                }
                let question = Question {
                    at: next(),
                    vantage,
                    via: Via::Resolver,
                    server: vantage.resolver,
                    server_name: resolver_name,
                    name: &host.name,
                    zone: host.zone.as_deref(),
                    record_type,
                };
                self.ask(question, &answers);
            }
        }
        for zone in &probes.zones {
            let (name, record_type) = (zone.name.as_str(), "NS");
            let (via, server, server_name) = (Via::Resolver, vantage.resolver, resolver_name);
            let question = Question { at: next(), vantage, via, server, server_name, name, zone: Some(name), record_type };
            self.ask(question, &name_servers(zone));
        }
        for zone in &probes.zones {
            let host = probes.hostnames.iter().find(|host| host.zone.as_ref() == Some(&zone.name));
            let (name, answers) = match host {
                Some(host) => (host.name.as_str(), addresses(host, "A")),
                None => (zone.name.as_str(), Vec::new()),
            };
            for (server_name, server) in
                zone.servers.iter().flat_map(|s| s.addresses.iter().map(|address| (s.name.as_str(), *address)))
            {
                let via = Via::Authority;
                let question =
                    Question { at: next(), vantage, via, server, server_name, name, zone: Some(&zone.name), record_type: "A" };
                self.ask(question, &answers);
            }
        }
        for page in &probes.pages {
            self.fetch(vantage, page, next());
        }
    }

    fn dns_row(&mut self, question: &Question) -> Option<&'a DnsRow> {
        let rows = &self.document.dns;
        let row = rows.iter().rev().map(AsRef::as_ref).find(|row| {
            let named = |name: &String| name == question.name || Some(name.as_str()) == question.zone;
            covers(row.at, row.until, question.at)
                && row.via.is_none_or(|via| via == question.via)
                && (row.vantages.is_empty() || row.vantages.contains(&question.vantage.name))
                && (row.names.is_empty() || row.names.iter().any(named))
                && (row.servers.is_empty()
                    || (question.via == Via::Authority && row.servers.iter().any(|s| s == question.server_name)))
        })?;
        (row.percent == 100 || self.dice.percent(row.percent)).then_some(row)
    }

    fn ask(&mut self, question: Question<'a>, answers: &[Answer]) {
        let row = self.dns_row(&question);
        let outcome = row.map_or(DnsOutcome::Answered, |row| row.outcome);
        let (rcode, error) = match outcome {
            DnsOutcome::Answered | DnsOutcome::NoData => (Some("NOERROR"), None),
            DnsOutcome::Nxdomain => (Some("NXDOMAIN"), None),
            DnsOutcome::Servfail => (Some("SERVFAIL"), None),
            DnsOutcome::Refused => (Some("REFUSED"), None),
            DnsOutcome::Timeout => (None, Some("timeout")),
            DnsOutcome::PortUnreachable => (None, Some("port_unreachable")),
            DnsOutcome::NetworkUnreachable => (None, Some("oserror:Network is unreachable")),
        };
        let direct = question.via == Via::Authority;
        let latency_ms = match outcome {
            DnsOutcome::Timeout => {
                if direct {
                    3_000
                } else {
                    5_000
                }
            }
            DnsOutcome::Servfail => 40 + self.dice.next() % 2_000,
            DnsOutcome::Answered
            | DnsOutcome::NoData
            | DnsOutcome::Nxdomain
            | DnsOutcome::Refused
            | DnsOutcome::PortUnreachable
            | DnsOutcome::NetworkUnreachable => 4 + self.dice.next() % 40,
        };
        let line = DnsLine {
            ts: question.at.to_string(),
            vantage: &question.vantage.name,
            via: if direct { "direct" } else { "resolver" },
            server: question.server,
            server_name: question.server_name,
            qname: question.name,
            qtype: question.record_type,
            rcode,
            error,
            ede: row.and_then(|row| row.extended_error),
            latency_ms,
            answers: if outcome == DnsOutcome::Answered { answers } else { &[] },
            aa: direct && error.is_none(),
        };
        push(&mut self.observed.dns, &line);
    }

    fn fetch(&mut self, vantage: &'a ProbeVantage, page: &'a Page, at: Timestamp) {
        let host = self.probes.hostnames.iter().find(|host| host.name == page.host);
        let resolved = page.address.or_else(|| host.and_then(|host| host.addresses.first().copied()));
        let mut line = HttpLine {
            ts: at.to_string(),
            vantage: &vantage.name,
            target: &page.name,
            host: &page.host,
            mode: if page.address.is_some() { "ip" } else { "name" },
            ip: resolved,
            stage: "done",
            status: None,
            error: None,
            latency_ms: 30 + self.dice.next() % 120,
            body: None,
            server: None,
            ok: false,
        };
        if page.address.is_none() {
            let question = Question {
                at,
                vantage,
                via: Via::Resolver,
                server: vantage.resolver,
                server_name: "",
                name: &page.host,
                zone: host.and_then(|host| host.zone.as_deref()),
                record_type: "A",
            };
            if let Some(error) = self.dns_row(&question).and_then(|row| unresolved(row.outcome)) {
                (line.stage, line.error, line.ip, line.latency_ms) = ("dns", Some(error), None, 5_000);
                push(&mut self.observed.http, &line);
                return;
            }
        }
        let row = self.http_row(vantage, page, at);
        let done = |line: &mut HttpLine<'a>, status: u16| {
            (line.status, line.ok) = (Some(status), (200..400).contains(&status));
        };
        match row.map_or(HttpOutcome::Answered, |row| row.outcome) {
            HttpOutcome::Answered => {
                done(&mut line, row.and_then(|row| row.status).unwrap_or(page.status));
                line.body = row.and_then(|row| row.body.as_deref()).or(page.body.as_deref());
                line.server = row.and_then(|row| row.server.as_deref()).or(page.server.as_deref());
            }
            HttpOutcome::ConnectRefused => (line.stage, line.error) = ("connect", Some("refused")),
            HttpOutcome::ConnectTimeout => (line.stage, line.error, line.latency_ms) = ("connect", Some("timeout"), 5_000),
            HttpOutcome::Unreachable => (line.stage, line.error) = ("connect", Some("unreachable")),
            HttpOutcome::TlsFailed => (line.stage, line.error) = ("tls", Some("failed")),
            HttpOutcome::ReadFailed => (line.stage, line.error, line.latency_ms) = ("http", Some("timeout"), 10_000),
        }
        push(&mut self.observed.http, &line);
    }

    fn http_row(&mut self, vantage: &ProbeVantage, page: &Page, at: Timestamp) -> Option<&'a HttpRow> {
        let row = self.document.http.iter().rev().map(AsRef::as_ref).find(|row| {
            covers(row.at, row.until, at)
                && (row.vantages.is_empty() || row.vantages.contains(&vantage.name))
                && (row.pages.is_empty() || row.pages.contains(&page.name))
        })?;
        (row.percent == 100 || self.dice.percent(row.percent)).then_some(row)
    }

    /// Every reporter speaks once a period, and when something changes.
    fn statuses(&mut self) {
        let (start, end) = (self.document.drill.start, self.document.drill.end);
        let mut times = BTreeSet::new();
        let mut at = start;
        while at < end {
            times.insert(at);
            at = at + self.probes.status_period;
        }
        let mut lines = Vec::new();
        for at in &times {
            self.report(*at, &mut lines, |_, _| true);
        }
        for row in self.document.status.iter().map(AsRef::as_ref) {
            let changes = [Some(row.at), row.until].into_iter().flatten();
            for at in changes.filter(|at| *at < end && !times.contains(at)) {
                self.report(at, &mut lines, |service, reporter| {
                    reporter == row.reporter && row.services.iter().any(|name| name == service)
                });
            }
        }
        lines.sort_by_key(|(at, _)| *at);
        lines.dedup();
        self.observed.status = lines.into_iter().flat_map(|(_, line)| line).collect();
    }

    fn report(&self, at: Timestamp, lines: &mut Vec<(Timestamp, Vec<u8>)>, wanted: impl Fn(&str, &str) -> bool) {
        for service in &self.probes.services {
            for reporter in service.reporters.iter().filter(|reporter| wanted(&service.name, reporter)) {
                let row =
                    self.document.status.iter().rev().map(AsRef::as_ref).find(|row| {
                        covers(row.at, row.until, at) && row.reporter == *reporter && row.services.contains(&service.name)
                    });
                let status = row.map_or(Status::Up, |row| row.status);
                let line = StatusLine { kind: "status", ts: at.to_string(), service: &service.name, reporter, status };
                let mut bytes = Vec::new();
                push(&mut bytes, &line);
                lines.push((at, bytes));
            }
        }
    }
}

fn covers(from: Timestamp, until: Option<Timestamp>, at: Timestamp) -> bool {
    from <= at && until.is_none_or(|until| at < until)
}

/// The error of a page whose name does not resolve; `None` if it does.
fn unresolved(outcome: DnsOutcome) -> Option<&'static str> {
    match outcome {
        DnsOutcome::Answered => None,
        DnsOutcome::NoData => Some("dns:no data"),
        DnsOutcome::Nxdomain => Some("dns:NXDOMAIN"),
        DnsOutcome::Servfail => Some("dns:SERVFAIL"),
        DnsOutcome::Refused => Some("dns:REFUSED"),
        DnsOutcome::Timeout => Some("dns:timeout"),
        DnsOutcome::PortUnreachable | DnsOutcome::NetworkUnreachable => Some("dns:unreachable"),
    }
}

fn addresses<'a>(host: &'a Hostname, record_type: &'static str) -> Vec<Answer<'a>> {
    let ttl = host.ttl;
    let owner = host.cname.as_ref().unwrap_or(&host.name);
    let found: Vec<Answer> = (host.addresses.iter())
        .filter(|address| address.is_ipv4() == (record_type == "A"))
        .map(|address| Answer { name: owner, r#type: record_type, ttl, data: address.to_string() })
        .collect();
    if found.is_empty() {
        return found;
    }
    let alias = host.cname.iter().map(|alias| Answer { name: &host.name, r#type: "CNAME", ttl, data: alias.clone() });
    alias.chain(found).collect()
}

fn name_servers(zone: &Zone) -> Vec<Answer<'_>> {
    zone.servers.iter().map(|server| Answer { name: &zone.name, r#type: "NS", ttl: zone.ttl, data: server.name.clone() }).collect()
}

/// Our own types always serialize; a line which did not would be missing, and the tests count lines.
fn push(lines: &mut Vec<u8>, line: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(line) {
        lines.extend(text.as_bytes());
        lines.push(b'\n');
    }
}
