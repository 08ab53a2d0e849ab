//! Faultline's own probe results as JSON Lines: `dns`, `http`, `ping` and `status` records, as `docs/formats/probe-results.md` says.
//!
//! Takes one JSON object, gives one result. Every error word is mapped by name; one which is not known makes the record bad instead
//! of being guessed. Writing is in [`write`](self::write).

pub mod write;

use super::fields::{BadRecord, Fields, Ignored};
use super::intake::{Draft, Names};
use super::{AskedAddress, DnsAnswer, DnsKind, DnsOutcome, DnsServer, HttpKind, HttpOutcome, Outcome, Target, dns, service_status};
use crate::time::Span;
use serde_json::Value;

/// Characters of a body which are kept.
pub(super) const BODY_KEPT: usize = 1024;
/// Fields which repeat what others say: the documentation names them, nobody needs them.
const REPEATS: &[&str] = &["ok", "dns_ms"];
/// Exceptions of the DNS library which the lab's prober uses that mean: these bytes are no DNS message.
const NOT_A_MESSAGE: &[&str] =
    &["malformed", "FormError", "ShortHeader", "TrailingJunk", "BadLabelType", "BadPointer", "NameTooLong", "LabelTooLong"];

/// True if the object looks like one of these records.
pub(super) fn recognises(fields: &Fields) -> bool {
    kind(fields).is_some() && fields.has("ts")
}

/// Which kind of record this is: as it says, else by the field which only that kind has.
fn kind(fields: &Fields) -> Option<&'static str> {
    match fields.peek("kind") {
        Some("dns") => Some("dns"),
        Some("http") => Some("http"),
        Some("ping") => Some("ping"),
        Some("status") => Some("status"),
        Some(_) => None,
        None if fields.has("qname") => Some("dns"),
        None if fields.has("answered") => Some("ping"),
        None if fields.has("stage") || fields.has("mode") => Some("http"),
        None if fields.has("service") => Some("status"),
        None => None,
    }
}

/// Reads one record.
pub(super) fn read(record: Value, names: &mut Names, ignored: &mut Ignored) -> Result<Draft, BadRecord> {
    let mut fields = Fields::of(record)?;
    let Some(kind) = kind(&fields) else {
        return Err(fields
            .take("kind")
            .map_or(BadRecord::Missing("kind"), |found| BadRecord::wrong("kind", &found, "dns, http, ping or status")));
    };
    fields.take("kind");
    if kind == "status" {
        return service_status::read_fields(fields, names, ignored);
    }
    let at = fields.time("ts")?.ok_or(BadRecord::Missing("ts"))?;
    let took = fields.millis("latency_ms")?.unwrap_or(Span::ZERO);
    let vantage = names.of(&fields.need_word("vantage")?);
    let (target, outcome) = match kind {
        "dns" => read_dns(&mut fields, names, ignored)?,
        "http" => read_http(&mut fields, names)?,
        _ => read_ping(&mut fields, names)?,
    };
    fields.end(REPEATS, ignored);
    Ok(Draft { at, took, vantage, target, outcome })
}

fn read_dns(fields: &mut Fields, names: &mut Names, ignored: &mut Ignored) -> Result<(Target, Outcome), BadRecord> {
    let name = names.of(&dns::host(&fields.need_word("qname")?));
    let asked = dns::record_type("qtype", &fields.need_word("qtype")?)?;
    let address = fields.address("server")?;
    let server_name = dns::server_name(names, fields.word("server_name")?);
    let resolver = fields.word("resolver")?.map(|name| names.of(&name));
    let via = fields.need_word("via")?;
    let server = match (via.as_str(), address) {
        ("resolver", address) => DnsServer::Resolver { address, name: resolver },
        ("direct", Some(address)) => DnsServer::Authority { address, name: server_name },
        ("direct", None) => return Err(BadRecord::Missing("server")),
        _ => return Err(BadRecord::wrong_text("via", &via, "resolver or direct")),
    };
    let answers = read_answers(fields, names, ignored)?;
    let kind = match (fields.take("rcode"), fields.word("error")?) {
        (Some(code), None) => {
            let text = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
            let code =
                dns::rcode(&text).ok_or_else(|| BadRecord::wrong_text("rcode", &text, "a response code such as SERVFAIL"))?;
            dns::kind(code, &asked, &answers)
        }
        (None, Some(error)) => dns_error(&error)?,
        (None, None) => return Err(BadRecord::Missing("rcode")),
        (Some(_), Some(_)) => return Err(BadRecord::Contradiction("rcode", "error")),
    };
    let outcome =
        DnsOutcome { kind, extended_error: fields.whole("ede")?, authoritative: fields.flag("aa")?.unwrap_or(false), answers };
    Ok((Target::Dns { server, name, record_type: names.of(&asked) }, Outcome::Dns(outcome)))
}

fn read_answers(fields: &mut Fields, names: &mut Names, ignored: &mut Ignored) -> Result<Vec<DnsAnswer>, BadRecord> {
    let mut answers = Vec::new();
    for value in fields.list("answers")? {
        let mut record = Fields::inside("answers.", value)?;
        let owner = record.word("name")?.unwrap_or_default();
        let kind = record.need_word("type")?;
        let ttl = record.whole("ttl")?.unwrap_or(0);
        let data = record.text("data")?.ok_or(BadRecord::Missing("answers.data"))?;
        answers.push(dns::answer(names, &owner, &kind, ttl, &data)?);
        record.end(&[], ignored);
    }
    Ok(answers)
}

/// Why there was no DNS answer: the words this format has, and those of the lab's prober.
fn dns_error(error: &str) -> Result<DnsKind, BadRecord> {
    let (word, detail) = error.split_once(':').unwrap_or((error, ""));
    match word {
        "timeout" => Ok(DnsKind::Timeout),
        "port_unreachable" | "network_error" => Ok(DnsKind::NetworkError),
        "oserror" if dns::is_unreachable(detail) || detail == "Connection refused" => Ok(DnsKind::NetworkError),
        "oserror" if detail == "Connection timed out" => Ok(DnsKind::Timeout),
        word if NOT_A_MESSAGE.contains(&word) => Ok(DnsKind::Malformed),
        _ => Err(BadRecord::wrong_text("error", error, "timeout, port_unreachable, network_error, malformed or a known oserror")),
    }
}

fn read_http(fields: &mut Fields, names: &mut Names) -> Result<(Target, Outcome), BadRecord> {
    let host = dns::host(&fields.need_word("host")?);
    let ip = fields.address("ip")?;
    let mode = fields.word("mode")?.unwrap_or_else(|| "name".to_owned());
    let address = match (mode.as_str(), ip) {
        ("name", _) => AskedAddress::ByName,
        ("ip", Some(ip)) => AskedAddress::Fixed(ip),
        ("ip", None) => return Err(BadRecord::Missing("ip")),
        _ => return Err(BadRecord::wrong_text("mode", &mode, "name or ip")),
    };
    let kind = http_kind(fields)?;
    let (tls, port) = (fields.flag("tls")?.unwrap_or(false), fields.whole::<u16>("port")?);
    let label = fields.word("target")?.unwrap_or_else(|| url(tls, &host, port));
    let body: Option<String> = fields.text("body")?.map(|body| body.chars().take(BODY_KEPT).collect());
    let outcome = HttpOutcome {
        kind,
        address: ip,
        body: body.map(|body| names.of(&body)),
        server: fields.word("server")?.map(|server| names.of(&server)),
        cert_not_after: fields.time("cert_not_after")?,
    };
    Ok((Target::Http { host: names.of(&host), address, label: names.of(&label) }, Outcome::Http(outcome)))
}

/// The label of a target which has none of its own.
pub(super) fn url(tls: bool, host: &str, port: Option<u16>) -> String {
    let scheme = if tls { "https" } else { "http" };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    port.map_or_else(|| format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}"))
}

/// How far an HTTP attempt came, and what stopped it there.
fn http_kind(fields: &mut Fields) -> Result<HttpKind, BadRecord> {
    let stage = fields.need_word("stage")?;
    let status: Option<u16> = fields.whole("status")?;
    let error = fields.word("error")?;
    match (stage.as_str(), status, error.as_deref()) {
        ("done", Some(status), None) => Ok(HttpKind::Status(status)),
        ("done", Some(status), Some(error)) if error == format!("http:{status}") => Ok(HttpKind::Status(status)),
        ("done", Some(_), Some(_)) => Err(BadRecord::Contradiction("status", "error")),
        ("done", None, _) => Err(BadRecord::Missing("status")),
        (_, Some(_), _) => Err(BadRecord::Contradiction("stage", "status")),
        ("connected", None, None) => Ok(HttpKind::Connected),
        (_, None, None) => Err(BadRecord::Missing("error")),
        ("dns", None, Some(_)) => Ok(HttpKind::NameNotResolved),
        ("connect", None, Some(error)) => connect_error(error),
        ("tls", None, Some(_)) => Ok(HttpKind::TlsFailed),
        ("http", None, Some(_)) => Ok(HttpKind::ReadFailed),
        _ => Err(BadRecord::wrong_text("stage", &stage, "dns, connect, connected, tls, http or done, with its error")),
    }
}

/// Why a connection did not come about.
fn connect_error(error: &str) -> Result<HttpKind, BadRecord> {
    match error.strip_prefix("oserror:").unwrap_or(error) {
        "timeout" | "Connection timed out" => Ok(HttpKind::ConnectTimeout),
        "refused" | "Connection refused" => Ok(HttpKind::ConnectRefused),
        "unreachable" => Ok(HttpKind::Unreachable),
        reason if dns::is_unreachable(reason) => Ok(HttpKind::Unreachable),
        _ => Err(BadRecord::wrong_text("error", error, "timeout, refused, unreachable or a known oserror")),
    }
}

fn read_ping(fields: &mut Fields, names: &mut Names) -> Result<(Target, Outcome), BadRecord> {
    let host = names.of(&dns::host(&fields.need_word("host")?));
    let address = fields.address("ip")?;
    let answered = fields.flag("answered")?.ok_or(BadRecord::Missing("answered"))?;
    Ok((Target::Ping { host, address }, Outcome::Ping { answered }))
}

#[cfg(test)]
pub(in crate::probe) mod tests;
