//! Writes a probe result as one line of Faultline's own JSON Lines, which [`read_results`](crate::probe::read_results) reads back
//! to the same result.
//!
//! Only the place where a result was read is not written. Fields without a value are left out.

use crate::probe::{AskedAddress, DnsKind, DnsServer, HttpKind, Outcome, ProbeResult, ServiceStatus, Target, dns};
use crate::time::Span;
use serde_json::{Map, Value, json};

/// One record, without the line break.
pub fn line(result: &ProbeResult) -> String {
    Value::Object(record(result)).to_string()
}

/// The fields of the record.
pub(in crate::probe) fn record(result: &ProbeResult) -> Map<String, Value> {
    let mut record = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            record.insert(key.to_owned(), value);
        }
    };
    put("kind", json!(kind(&result.target)));
    put("ts", json!(result.at.to_string()));
    if !vantage_is_implied(result) {
        put("vantage", json!(result.vantage));
    }
    put("latency_ms", millis(result.took));
    for (key, value) in target(&result.target).into_iter().chain(outcome(&result.outcome)) {
        put(key, value);
    }
    record
}

/// A status has no vantage of its own unless one is named.
fn vantage_is_implied(result: &ProbeResult) -> bool {
    matches!(&result.target, Target::Status { reporter, .. } if *reporter == result.vantage)
}

fn kind(target: &Target) -> &'static str {
    match target {
        Target::Dns { .. } => "dns",
        Target::Http { .. } => "http",
        Target::Ping { .. } => "ping",
        Target::Status { .. } => "status",
    }
}

/// Milliseconds with up to three decimals, exact; null for no time at all.
fn millis(span: Span) -> Value {
    let micros = span.micros();
    match (micros, micros % 1000) {
        (0, _) => Value::Null,
        (_, 0) => json!(micros / 1000),
        _ => format!("{}.{:03}", micros / 1000, micros % 1000).parse::<f64>().map_or(Value::Null, Value::from),
    }
}

fn target(target: &Target) -> Vec<(&'static str, Value)> {
    match target {
        Target::Dns { server, name, record_type } => {
            let (via, address, resolver, server_name) = match server {
                DnsServer::Resolver { address, name } => ("resolver", *address, name.clone(), None),
                DnsServer::Authority { address, name } => ("direct", Some(*address), None, name.clone()),
            };
            vec![
                ("via", json!(via)),
                ("server", json!(address)),
                ("resolver", json!(resolver)),
                ("server_name", json!(server_name)),
                ("qname", json!(name)),
                ("qtype", json!(record_type)),
            ]
        }
        Target::Http { host, address, label } => {
            let (mode, ip) = match address {
                AskedAddress::ByName => ("name", None),
                AskedAddress::Fixed(ip) => ("ip", Some(*ip)),
            };
            vec![("target", json!(label)), ("host", json!(host)), ("mode", json!(mode)), ("ip", json!(ip))]
        }
        Target::Ping { host, address } => vec![("host", json!(host)), ("ip", json!(address))],
        Target::Status { service, reporter } => vec![("service", json!(service)), ("reporter", json!(reporter))],
    }
}

fn outcome(outcome: &Outcome) -> Vec<(&'static str, Value)> {
    match outcome {
        Outcome::Dns(dns_outcome) => {
            let answers: Vec<Value> = dns_outcome.answers.iter().map(answer).collect();
            let (rcode, error) = match (dns::code_of(dns_outcome.kind), dns_outcome.kind) {
                (Some(code), _) => (json!(dns::rcode_name(code)), Value::Null),
                (None, kind) => (Value::Null, json!(dns_error(kind))),
            };
            vec![
                ("rcode", rcode),
                ("error", error),
                ("ede", json!(dns_outcome.extended_error)),
                ("aa", if dns_outcome.authoritative { json!(true) } else { Value::Null }),
                ("answers", if answers.is_empty() { Value::Null } else { Value::Array(answers) }),
            ]
        }
        Outcome::Http(http) => {
            let (stage, status, error) = stage(http.kind);
            vec![
                ("ip", json!(http.address)),
                ("stage", json!(stage)),
                ("status", json!(status)),
                ("error", json!(error)),
                ("body", json!(http.body)),
                ("server", json!(http.server)),
                ("cert_not_after", http.cert_not_after.map_or(Value::Null, |at| json!(at.to_string()))),
            ]
        }
        Outcome::Ping { answered } => vec![("answered", json!(answered))],
        Outcome::Status(status) => vec![("status", json!(status_word(*status)))],
    }
}

fn answer(answer: &crate::probe::DnsAnswer) -> Value {
    if answer.name.is_empty() {
        return json!({"type": answer.record_type, "ttl": answer.ttl, "data": answer.data});
    }
    json!({"name": answer.name, "type": answer.record_type, "ttl": answer.ttl, "data": answer.data})
}

fn dns_error(kind: DnsKind) -> Option<&'static str> {
    match kind {
        DnsKind::Timeout => Some("timeout"),
        DnsKind::NetworkError => Some("network_error"),
        DnsKind::Malformed => Some("malformed"),
        DnsKind::Answered | DnsKind::NoData | DnsKind::NxDomain | DnsKind::ServFail | DnsKind::Refused | DnsKind::OtherRcode(_) => {
            None
        }
    }
}

/// How far an attempt came, its status code, and what stopped it.
pub(in crate::probe) fn stage(kind: HttpKind) -> (&'static str, Option<u16>, Option<&'static str>) {
    match kind {
        HttpKind::Status(status) => ("done", Some(status), None),
        HttpKind::Connected => ("connected", None, None),
        HttpKind::ConnectRefused => ("connect", None, Some("refused")),
        HttpKind::ConnectTimeout => ("connect", None, Some("timeout")),
        HttpKind::Unreachable => ("connect", None, Some("unreachable")),
        HttpKind::TlsFailed => ("tls", None, Some("failed")),
        HttpKind::ReadFailed => ("http", None, Some("failed")),
        HttpKind::NameNotResolved => ("dns", None, Some("failed")),
    }
}

/// The word of a status.
pub(in crate::probe) fn status_word(status: ServiceStatus) -> &'static str {
    match status {
        ServiceStatus::Up => "up",
        ServiceStatus::Degraded => "degraded",
        ServiceStatus::Down => "down",
    }
}
