//! Words of the DNS which every importer shares: names, record types, response codes, and what an answer amounts to.
//!
//! Pure functions over text and numbers; wire messages are decoded in `wire`.

use super::fields::BadRecord;
use super::intake::Names;
use super::{DnsAnswer, DnsKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Response codes by name (IANA, DNS RCODEs; RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 6891 §9, RFC 7873 §8).
const RCODES: &[(u16, &str)] = &[
    (0, "NOERROR"),
    (1, "FORMERR"),
    (2, "SERVFAIL"),
    (3, "NXDOMAIN"),
    (4, "NOTIMP"),
    (5, "REFUSED"),
    (6, "YXDOMAIN"),
    (7, "YXRRSET"),
    (8, "NXRRSET"),
    (9, "NOTAUTH"),
    (10, "NOTZONE"),
    (11, "DSOTYPENI"),
    (16, "BADVERS"),
    (17, "BADKEY"),
    (18, "BADTIME"),
    (19, "BADMODE"),
    (20, "BADNAME"),
    (21, "BADALG"),
    (22, "BADTRUNC"),
    (23, "BADCOOKIE"),
];

/// A response code from its name, from `RCODE11` or from its number.
pub(super) fn rcode(text: &str) -> Option<u16> {
    let upper = text.trim().to_ascii_uppercase();
    let named = RCODES.iter().find(|(_, name)| *name == upper).map(|(code, _)| *code);
    named.or_else(|| upper.strip_prefix("RCODE").unwrap_or(&upper).parse().ok()).filter(|code| *code < 4096)
}

/// The name of a response code.
pub(super) fn rcode_name(code: u16) -> String {
    RCODES.iter().find(|(known, _)| *known == code).map_or_else(|| format!("RCODE{code}"), |(_, name)| (*name).to_owned())
}

/// What a response amounts to: NOERROR counts as an answer only with a record of the type asked for.
pub(super) fn kind(code: u16, asked: &str, answers: &[DnsAnswer]) -> DnsKind {
    match code {
        0 if answers.iter().any(|answer| asked == "ANY" || &*answer.record_type == asked) => DnsKind::Answered,
        0 => DnsKind::NoData,
        2 => DnsKind::ServFail,
        3 => DnsKind::NxDomain,
        5 => DnsKind::Refused,
        other => DnsKind::OtherRcode(other),
    }
}

/// The response code behind a kind; `None` where there was no response.
pub(super) fn code_of(kind: DnsKind) -> Option<u16> {
    match kind {
        DnsKind::Answered | DnsKind::NoData => Some(0),
        DnsKind::ServFail => Some(2),
        DnsKind::NxDomain => Some(3),
        DnsKind::Refused => Some(5),
        DnsKind::OtherRcode(code) => Some(code),
        DnsKind::Timeout | DnsKind::NetworkError | DnsKind::Malformed => None,
    }
}

/// A host name as Faultline keeps it: lower case, no final dot, `.` for the root.
pub(super) fn host(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase();
    match text.strip_suffix('.') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => text,
    }
}

/// A record type mnemonic in upper case; `*` is ANY.
pub(super) fn record_type(field: &'static str, text: &str) -> Result<String, BadRecord> {
    let upper = text.trim().to_ascii_uppercase();
    match upper.as_str() {
        "*" => Ok("ANY".to_owned()),
        "" => Err(BadRecord::Missing(field)),
        _ if upper.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') => Ok(upper),
        _ => Err(BadRecord::wrong_text(field, text, "a record type such as AAAA")),
    }
}

/// Record data as Faultline keeps it: addresses in their one form, host names lower case without the final dot.
pub(super) fn data(record_type: &str, text: &str) -> Result<String, BadRecord> {
    let text = text.trim();
    let bad = |expected| BadRecord::wrong_text("answers.data", text, expected);
    Ok(match record_type {
        "A" => text.parse::<Ipv4Addr>().map_err(|_| bad("an IPv4 address"))?.to_string(),
        "AAAA" => text.parse::<Ipv6Addr>().map_err(|_| bad("an IPv6 address"))?.to_string(),
        "NS" | "CNAME" | "PTR" | "DNAME" => host(text),
        "MX" | "SRV" => match text.rsplit_once(' ') {
            Some((numbers, name)) => format!("{numbers} {}", host(name)),
            None => host(text),
        },
        "SOA" => {
            let hosts = text.split_whitespace().take(2).map(host);
            hosts.chain(text.split_whitespace().skip(2).map(str::to_owned)).collect::<Vec<_>>().join(" ")
        }
        _ => text.to_owned(),
    })
}

/// One answer record from its parts.
pub(super) fn answer(names: &mut Names, owner: &str, kind: &str, ttl: u32, text: &str) -> Result<DnsAnswer, BadRecord> {
    let record_type = record_type("answers.type", kind)?;
    let data = data(&record_type, text)?;
    Ok(DnsAnswer { name: names.of(&host(owner)), record_type: names.of(&record_type), ttl, data: names.of(&data) })
}

/// Words with which operating systems say that no packet can get there; the prober's own troubles are not among them.
pub(super) fn is_unreachable(reason: &str) -> bool {
    const REASONS: &[&str] =
        &["network is unreachable", "no route to host", "host is unreachable", "network is down", "host is down"];
    REASONS.iter().any(|known| reason.trim().eq_ignore_ascii_case(known))
}

/// A server written as an address, with or without a port: `192.0.2.1`, `192.0.2.1:53`, `[2001:db8::1]:53`.
pub(super) fn server_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}

/// The name of a server where there is one beside its address.
pub(super) fn server_name(names: &mut Names, text: Option<String>) -> Option<Arc<str>> {
    let text = text.map(|text| host(&text)).filter(|text| !text.is_empty() && text.parse::<IpAddr>().is_err())?;
    Some(names.of(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_aliases_without_an_address_is_no_answer() {
        let mut names = Names::default();
        let alias = answer(&mut names, "WWW.example.", "cname", 60, "Edge.Example.NET.").unwrap();
        assert_eq!((&*alias.name, &*alias.data), ("www.example", "edge.example.net"));
        let address = answer(&mut names, "edge.example.net", "A", 60, "192.0.2.1").unwrap();
        let chain = [alias, address];
        assert_eq!(kind(0, "A", &chain), DnsKind::Answered);
        assert_eq!(kind(0, "A", &chain[..1]), DnsKind::NoData, "the end of the chain is missing");
        assert_eq!(kind(0, "CNAME", &chain[..1]), DnsKind::Answered);
        assert_eq!(kind(0, "ANY", &chain[..1]), DnsKind::Answered);
        assert_eq!(kind(0, "ANY", &[]), DnsKind::NoData);
        assert_eq!(kind(2, "A", &[]), DnsKind::ServFail);
    }

    #[test]
    fn response_codes_go_both_ways() {
        for code in 0..30 {
            assert_eq!(rcode(&rcode_name(code)), Some(code));
            assert_eq!(rcode(&code.to_string()), Some(code));
        }
        assert_eq!(rcode("servfail"), Some(2));
        assert_eq!(rcode("EAI_AGAIN"), None);
    }

    #[test]
    fn record_data_has_one_form() {
        assert_eq!(data("AAAA", "2001:DB8:0::1").unwrap(), "2001:db8::1");
        assert_eq!(data("MX", "10 Mail.Example.").unwrap(), "10 mail.example");
        assert_eq!(data("SOA", "A.NS. Host.Master. 1 2 3 4 5").unwrap(), "a.ns host.master 1 2 3 4 5");
        assert_eq!(host("."), ".");
        assert!(data("A", "not an address").is_err());
        assert_eq!(server_address("[2001:db8::1]:53"), "2001:db8::1".parse().ok());
    }
}
