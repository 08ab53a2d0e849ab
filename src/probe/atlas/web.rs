//! RIPE Atlas HTTP results and TLS certificates.
//!
//! A page is one result; a measurement of all addresses of a name holds several. A certificate received is a handshake which
//! succeeded: the probe does not check it, and neither does Faultline.

use super::{Common, Drafts, host, says_unreachable};
use crate::probe::fields::{BadRecord, Fields};
use crate::probe::intake::{Draft, Names};
use crate::probe::{AskedAddress, HttpKind, HttpOutcome, Outcome, Target, dns};
use crate::time::Span;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;

/// All pages of one result.
pub(super) fn pages(common: &Common, fields: &mut Fields, names: &mut Names) -> Result<Drafts, BadRecord> {
    let uri = fields.word("uri")?;
    // Firmware 1 wrote its result as one line of text, at first into the field meant for an address.
    let text = match fields.peek("result") {
        Some(_) => fields.word("result")?,
        None if !fields.has("result") => fields.word("src_addr")?,
        None => None,
    };
    if let Some(text) = text {
        return Ok(vec![page_in_words(common, fields, &text, names)]);
    }
    let list = fields.list("result")?;
    if list.is_empty() {
        return Err(BadRecord::Missing("result"));
    }
    // Several pages are the several addresses of one name: each its own target, or one bad address would hide among good ones.
    let each_address = list.len() > 1;
    let mut pages: Drafts = list.into_iter().map(|value| page(common, uri.as_deref(), value, names)).collect();
    for draft in pages.iter_mut().filter_map(|page| page.as_mut().ok()).filter(|_| each_address) {
        if let (Target::Http { address, .. }, Outcome::Http(HttpOutcome { address: Some(used), .. })) =
            (&mut draft.target, &draft.outcome)
        {
            *address = AskedAddress::Fixed(*used);
        }
    }
    Ok(pages)
}

/// `GET4 193.0.6.139 0.042268 200 263 1406`: method and family, address, seconds, status, sizes of header and body.
fn page_in_words(common: &Common, fields: &mut Fields, text: &str, names: &mut Names) -> Result<Draft, BadRecord> {
    let not_understood = || BadRecord::wrong_text("result", text, "method, address, seconds, status, header and body size");
    let words: Vec<&str> = text.split_whitespace().collect();
    let [method, address, seconds, status, _, _] = words[..] else { return Err(not_understood()) };
    if !matches!(method, "GET4" | "GET6" | "HEAD4" | "HEAD6") {
        return Err(not_understood());
    }
    let address: IpAddr = address.parse().map_err(|_| not_understood())?;
    let kind = HttpKind::Status(status.parse().map_err(|_| not_understood())?);
    let took: f64 = seconds.parse().map_err(|_| not_understood())?;
    let mut time = Fields::of(serde_json::json!({ "rt": took }))?;
    let took = time.seconds("rt")?.unwrap_or(Span::ZERO);
    let label = label(common, &format!("http://{}", bracketed(&address.to_string())));
    let target = web_target(&address.to_string(), Some(address), &label, names);
    Ok(attempt(common, common.at(fields)?, took, target, outcome(kind, Some(address))))
}

fn page(common: &Common, uri: Option<&str>, value: Value, names: &mut Names) -> Result<Draft, BadRecord> {
    let mut fields = Fields::inside("result.", value)?;
    let at = common.at(&mut fields)?;
    let took = fields.millis("rt")?.unwrap_or(Span::ZERO);
    let address_text = match fields.word("dst_addr")? {
        Some(text) => Some(text),
        None => fields.word("addr")?,
    };
    let address = address_text.and_then(|text| text.parse::<IpAddr>().ok());
    let from_uri = uri.and_then(host_of);
    let host = from_uri.or_else(|| address.map(|address| address.to_string())).ok_or(BadRecord::Missing("uri"))?;
    let label = label(common, &uri.map_or_else(|| format!("http://{}", bracketed(&host)), str::to_owned));
    let status: Option<u16> = fields.whole("res")?;
    let kind = match (status, fields.word("err")?, fields.word("dnserr")?) {
        (_, _, Some(_)) => HttpKind::NameNotResolved,
        (_, Some(error), None) => error_kind(&error)?,
        (Some(status), None, None) => HttpKind::Status(status),
        (None, None, None) => return Err(BadRecord::Missing("res")),
    };
    let target = web_target(&host, address, &label, names);
    Ok(attempt(common, at, took, target, outcome(kind, address)))
}

/// One TLS handshake, done to see the certificate.
pub(super) fn handshake(common: &Common, fields: &mut Fields, names: &mut Names) -> Result<Draft, BadRecord> {
    let at = common.at(fields)?;
    if let Some(error) = fields.word("error")? {
        return Err(BadRecord::NotAsked(error));
    }
    let took = fields.millis("rt")?.unwrap_or(Span::ZERO);
    let port = fields.word("dst_port")?.unwrap_or_else(|| "443".to_owned());
    let (host, address) = host(fields, names)?;
    let (alert, certificates) = (fields.take("alert").is_some(), fields.list("cert")?);
    let kind = match (fields.word("dnserr")?, alert, fields.word("err")?) {
        (Some(_), _, _) => HttpKind::NameNotResolved,
        (None, true, _) => HttpKind::TlsFailed,
        (None, false, Some(error)) => tls_error_kind(&error)?,
        (None, false, None) if !certificates.is_empty() => HttpKind::Connected,
        (None, false, None) => return Err(BadRecord::Missing("cert")),
    };
    let port = if port == "https" { "443".to_owned() } else { port };
    let label = label(common, &format!("tls://{}:{port}", bracketed(&host)));
    let target = web_target(&host, address, &label, names);
    Ok(attempt(common, at, took, target, outcome(kind, address)))
}

/// One measurement is one series: another one of the same page may use the other address family.
fn label(common: &Common, url: &str) -> String {
    format!("{url} (measurement {})", common.measurement)
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn attempt(common: &Common, at: crate::time::Timestamp, took: Span, target: Target, outcome: Outcome) -> Draft {
    Draft { at, took, vantage: Arc::clone(&common.vantage), target, outcome }
}

fn outcome(kind: HttpKind, address: Option<IpAddr>) -> Outcome {
    Outcome::Http(HttpOutcome { kind, address, body: None, server: None, cert_not_after: None })
}

/// A target asked by name, unless its name is an address.
fn web_target(host: &str, address: Option<IpAddr>, label: &str, names: &mut Names) -> Target {
    let literal = host.parse().ok().filter(|literal| address.is_none_or(|address| address == *literal));
    let address = literal.map_or(AskedAddress::ByName, AskedAddress::Fixed);
    Target::Http { host: names.of(host), address, label: names.of(label) }
}

/// The host in `http://host:port/path`.
fn host_of(uri: &str) -> Option<String> {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next()?,
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    Some(dns::host(host)).filter(|host| !host.is_empty())
}

/// What an error of the HTTP measurement means. The words are those of the probe's `httpget`.
fn error_kind(error: &str) -> Result<HttpKind, BadRecord> {
    if let Some(kind) = connect_error(error) {
        return Ok(kind);
    }
    // `timeout reading chunk`, `timeout reading status`, `error reading from server`, `bad header line`, `unexpected end of file`.
    let connected = ["timeout reading", "timeout writing", "error reading", "error writing", "bad ", "unexpected", "premature"];
    match connected.iter().any(|start| error.starts_with(start)) {
        true => Ok(HttpKind::ReadFailed),
        false => Err(BadRecord::wrong_text("err", error, "an error of connecting or reading")),
    }
}

/// The same for the TLS measurement, where whatever fails after the connection fails the handshake.
fn tls_error_kind(error: &str) -> Result<HttpKind, BadRecord> {
    if let Some(kind) = connect_error(error) {
        return Ok(kind);
    }
    match ["timeout reading", "timeout writing", "error reading", "error writing", "bad ", "unexpected"]
        .iter()
        .any(|start| error.starts_with(start))
    {
        true => Ok(HttpKind::TlsFailed),
        false => Err(BadRecord::wrong_text("err", error, "an error of connecting or of the handshake")),
    }
}

/// `connect: ` and the system's words, or `timeout`.
fn connect_error(error: &str) -> Option<HttpKind> {
    let reason = error.strip_prefix("connect: ")?;
    match reason.to_ascii_lowercase().as_str() {
        "timeout" | "connection timed out" | "operation timed out" => Some(HttpKind::ConnectTimeout),
        "connection refused" => Some(HttpKind::ConnectRefused),
        _ if says_unreachable(reason) => Some(HttpKind::Unreachable),
        _ => None,
    }
}
