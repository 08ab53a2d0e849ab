//! The table `[probing]` of a profile, and what a probe of kind `http` asks for: sections in, values of `org` out.

use super::field::{Field, Section};
use super::problem::{Findings, nearest};
use super::value;
use crate::org::{Page, ProbeKind, ProbeResolver, Probing};
use crate::probe::{DnsTransport, NameServer, Scheme};
use crate::time::Span;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

/// A question is not asked more often.
const OFTEN: Span = Span::from_seconds(1);
/// More waiting questions than file descriptors would leave the prober without any.
const CONCURRENT: i64 = 512;
const PROTOCOLS: &[&str] = &["udp", "tcp", "tls", "https"];
const SCHEMES: &[(&str, Scheme)] = &[("https", Scheme::Https), ("http", Scheme::Http), ("tls", Scheme::Tls), ("tcp", Scheme::Tcp)];
/// The path of DNS over HTTPS which most resolvers use (RFC 8484 §4.1.1 has it in its examples).
const DOH_PATH: &str = "/dns-query";

/// The table, or its defaults.
pub(super) fn probing(field: Option<Field>, findings: &mut Findings) -> Probing {
    let mut probing = Probing::default();
    let Some(mut section) = field.and_then(|field| field.section("probing", findings)) else { return probing };
    probing.vantage = section.text("vantage", findings).map(|name| name.trim().to_owned());
    let every = section.field("every");
    probing.every = every.and_then(|f| span(f, OFTEN, findings)).unwrap_or(probing.every);
    for (key, timeout) in [("dns_timeout", &mut probing.dns_timeout), ("http_timeout", &mut probing.http_timeout)] {
        let field = section.field(key);
        *timeout = field.and_then(|f| span(f, Span::from_micros(1_000), findings)).unwrap_or(*timeout);
        if let Some(place) = field.or(every).filter(|_| *timeout >= probing.every) {
            let message = format!("`{key}` ({timeout}) must be less than `every` ({})", probing.every);
            findings.problem(place.span(), message, "an attempt must end before the next begins; change one of the two");
        }
    }
    let number = |field: Field, most, findings: &mut Findings| number(field, most, findings);
    probing.concurrency = section.field("concurrency").and_then(|f| number(f, CONCURRENT, findings)).unwrap_or(probing.concurrency);
    probing.authority_port =
        section.field("authority_port").and_then(|f| number(f, 65_535, findings)).unwrap_or(probing.authority_port);
    let mut names = HashSet::new();
    for entry in section.tables("resolvers", "probing.resolvers", findings) {
        let span = entry.span();
        let Some(resolver) = resolver(entry, findings) else { continue };
        if !names.insert(resolver.name.to_lowercase()) {
            findings.problem(span, format!("resolver `{}` is there twice", resolver.name), "remove one, or give it another name");
        }
        probing.resolvers.push(resolver);
    }
    section.finish(findings);
    probing
}

fn span(field: Field, least: Span, findings: &mut Findings) -> Option<Span> {
    let text = field.text(findings)?;
    let read = text.parse::<Span>().ok().filter(|span| *span >= least);
    if read.is_none() {
        let help = format!("write a span of at least {least}, such as \"250ms\", \"10s\" or \"5min\"");
        findings.problem(field.span(), format!("`{text}` is no span of time which `{}` can be", field.key), help);
    }
    read
}

fn number(field: Field, most: i64, findings: &mut Findings) -> Option<u16> {
    let written = field.raw().as_integer().filter(|number| number.radix() == 10).map(|number| number.as_str().to_owned());
    let read = written.as_deref().and_then(|text| text.parse::<i64>().ok()).filter(|number| (1..=most).contains(number));
    if read.is_none() {
        findings.problem(field.span(), format!("`{}` is out of range", field.key), format!("write a whole number of 1 to {most}"));
    }
    read.and_then(|number| u16::try_from(number).ok())
}

fn resolver(mut section: Section, findings: &mut Findings) -> Option<ProbeResolver> {
    let name = section.required("name", "name = \"…\", as reports shall call it", findings);
    let name = name.and_then(|f| f.text(findings)).map(|name| name.trim().to_owned());
    let address = section.required("address", "address = \"192.0.2.53\", with a port if it is not the usual one", findings);
    let address = address.and_then(|f| f.read(findings, socket));
    let protocol = section.field("protocol");
    let word = match protocol {
        Some(field) => field.text(findings)?,
        None => "udp",
    };
    let certified = section.field("tls_name").map(|f| (f, f.read(findings, tls_name)));
    let path = section.field("path").map(|f| (f, f.read(findings, path)));
    if let Some((field, _)) = certified.as_ref().filter(|_| !["tls", "https"].contains(&word)) {
        findings.problem(field.span(), "`tls_name` means nothing for this protocol", "it is for \"tls\" and \"https\"");
    }
    if let Some((field, _)) = path.as_ref().filter(|_| word != "https") {
        findings.problem(field.span(), "`path` means nothing for this protocol", "it is for \"https\"");
    }
    let place = section.span();
    section.finish(findings);
    let certified = certified.and_then(|(_, name)| name).or_else(|| address.map(|(ip, _)| ip.to_string()));
    let certified = certified.unwrap_or_default().into();
    let transport = match word {
        "udp" => DnsTransport::Udp,
        "tcp" => DnsTransport::Tcp,
        "tls" => DnsTransport::Tls { name: certified },
        "https" => {
            DnsTransport::Https { name: certified, path: path.and_then(|(_, path)| path).unwrap_or(DOH_PATH.to_owned()).into() }
        }
        other => {
            let help = match nearest(other, PROTOCOLS) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "write \"udp\", \"tcp\", \"tls\" or \"https\"".to_owned(),
            };
            let span = protocol.map_or(place, |field| field.span());
            findings.problem(span, format!("`{other}` is no protocol of a resolver"), help);
            return None;
        }
    };
    let (ip, port) = address?;
    let address = SocketAddr::new(ip, port.unwrap_or(transport.port()));
    Some(ProbeResolver { name: name?, server: NameServer { address, transport } })
}

/// An address with or without a port.
fn socket(text: &str) -> Result<(IpAddr, Option<u16>), value::Complaint> {
    let text = text.trim();
    match (text.parse::<IpAddr>(), text.parse::<SocketAddr>()) {
        (Ok(address), _) => Ok((address, None)),
        (_, Ok(socket)) if socket.port() > 0 => Ok((socket.ip(), Some(socket.port()))),
        _ => value::complain(
            format!("`{text}` is no address of a resolver"),
            "write 192.0.2.53, 192.0.2.53:5353, 2001:db8::53 or [2001:db8::53]:5353",
        ),
    }
}

/// A name or an address: certificates are for either.
fn tls_name(text: &str) -> Result<String, value::Complaint> {
    text.trim().parse::<IpAddr>().map(|address| address.to_string()).or_else(|_| value::host_name(text))
}

/// Path and query of a request: visible ASCII (RFC 3986 §3.3).
fn path(text: &str) -> Result<String, value::Complaint> {
    if text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Ok(text.to_owned());
    }
    value::complain(
        format!("`{text}` is no path"),
        "write it from the first / on, with %-escapes for what is not ASCII: \"/health\"",
    )
}

/// What a probe asks for; its keys are an error for other kinds.
pub(super) fn page(section: &mut Section, kind: Option<ProbeKind>, findings: &mut Findings) -> Page {
    let (scheme, port, asked) = (section.field("scheme"), section.field("port"), section.field("path"));
    if kind.is_some_and(|kind| kind != ProbeKind::Http) {
        for field in [scheme, port, asked].into_iter().flatten() {
            let message = format!("`{}` means nothing for this kind of probe", field.key);
            findings.problem(field.span(), message, "it is for kind = \"http\"");
        }
        return Page::default();
    }
    let read = scheme.map_or(Some(Scheme::Https), |field| self::scheme(field, findings));
    let known = read.unwrap_or(Scheme::Https);
    let written = port.and_then(|field| number(field, 65_535, findings));
    if let Some(field) = scheme.filter(|_| port.is_none() && known.port().is_none()) {
        findings.problem(field.span(), "a TCP connection needs a port", "add port = 25, or whichever it is");
    }
    if let Some(field) = asked.filter(|_| matches!(known, Scheme::Tls | Scheme::Tcp)) {
        let message = format!("`path` means nothing for scheme = \"{}\"", known.word());
        findings.problem(field.span(), message, "it is for \"https\" and \"http\": a handshake asks for no page");
    }
    let path = asked.and_then(|field| field.read(findings, path)).unwrap_or_else(|| "/".to_owned());
    Page { scheme: known, port: written.or(known.port()).unwrap_or(443), path }
}

fn scheme(field: Field, findings: &mut Findings) -> Option<Scheme> {
    let text = field.text(findings)?;
    let known = SCHEMES.iter().find(|(word, _)| *word == text);
    if known.is_none() {
        let words: Vec<&str> = SCHEMES.iter().map(|(word, _)| *word).collect();
        let help = match nearest(text, &words) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => "write \"https\", \"http\", \"tls\" (a handshake) or \"tcp\" (a connection)".to_owned(),
        };
        findings.problem(field.span(), format!("`{text}` is no scheme of a probe"), help);
    }
    known.map(|(_, scheme)| *scheme)
}
