//! Dependencies as profile and recordings give them.

use super::*;
use crate::observation::FileId;
use crate::org::profile;
use crate::probe::{DnsAnswer, DnsKind, DnsOutcome, DnsServer, Outcome, Target};
use crate::time::{Span, Timestamp};

const HEAD: &str = "[organization]\nname = \"x\"\nas_numbers = [64500]\nprefixes = [\"192.0.2.0/24\"]\n";

fn org(rest: &str) -> Organization {
    let text = format!("{HEAD}{rest}");
    profile::parse(&text, std::path::Path::new("org.toml")).unwrap_or_else(|e| panic!("{:?}", e.lines())).organization
}

/// Record `record`: a resolver's answer of (owner, type, data).
fn answer(record: u64, question: &str, answers: &[(&str, &str, &str)]) -> ProbeResult {
    let answers = answers.iter().map(|(name, kind, data)| DnsAnswer {
        name: (*name).into(),
        record_type: (*kind).into(),
        ttl: 60,
        data: (*data).into(),
    });
    ProbeResult {
        at: Timestamp::from_parts(0, 0),
        took: Span::ZERO,
        vantage: "v".into(),
        target: Target::Dns {
            server: DnsServer::Resolver { address: None, name: None },
            name: question.into(),
            record_type: "A".into(),
        },
        outcome: Outcome::Dns(DnsOutcome {
            kind: DnsKind::Answered,
            extended_error: None,
            authoritative: false,
            answers: answers.collect(),
        }),
        source: RecordRef { file: FileId(0), record },
    }
}

fn shown(addresses: &[AddressDependency]) -> Vec<(String, Option<u64>)> {
    addresses.iter().map(|a| (a.address.to_string(), a.learned.map(|r| r.record))).collect()
}

const WEB: &str = "[[services]]\nname = \"web\"\nhostnames = \"www.example.com\"\n";
const ZONE: &str = "[[zones]]\nname = \"example.com\"\n";

#[test]
fn what_the_profile_does_not_say_is_learned_from_answers() {
    let results = [
        answer(1, "www.example.com", &[("", "A", "192.0.2.80")]),
        answer(2, "example.com", &[("example.com", "NS", "ns1.example.com"), ("example.com", "NS", "ns2.example.com")]),
        answer(3, "ns1.example.com", &[("ns1.example.com", "A", "192.0.2.53"), ("ns1.example.com", "AAAA", "2001:db8::53")]),
        answer(4, "www.example.com", &[("", "A", "192.0.2.80"), ("", "A", "192.0.2.81")]),
    ];
    let found = Dependencies::from_profile_and_results(&org(&format!("{WEB}{ZONE}")), &results);
    let host = &found.services[0].hostnames[0];
    let expected = [("192.0.2.80".to_owned(), Some(1)), ("192.0.2.81".to_owned(), Some(4))];
    assert_eq!(shown(&host.addresses), expected, "each address with the record which named it first");
    let servers: Vec<_> = host.zones[0].name_servers.iter().map(|s| (&*s.name, s.addresses.len())).collect();
    assert_eq!(servers, [("ns1.example.com", 2), ("ns2.example.com", 0)]);
    assert_eq!(found.missing.len(), 1, "{:?}", found.missing);
    assert!(found.missing[0].starts_with("no address known for name server ns2.example.com of zone example.com"));
}

// Why: whoever asks a name server directly knows where it is, also while it does not answer.
#[test]
fn an_address_which_is_asked_directly_is_the_name_servers() {
    let mut direct = answer(2, "example.com", &[]);
    let server = DnsServer::Authority { address: "192.0.2.53".parse().unwrap(), name: Some("ns1.example.com".into()) };
    direct.target = Target::Dns { server, name: "example.com".into(), record_type: "SOA".into() };
    let results = [answer(1, "example.com", &[("example.com", "NS", "ns1.example.com")]), direct];
    let found = Dependencies::from_profile_and_results(&org(&format!("{WEB}{ZONE}")), &results);
    let server = &found.services[0].hostnames[0].zones[0].name_servers[0];
    assert_eq!(shown(&server.addresses), [("192.0.2.53".to_owned(), Some(2))]);
}

#[test]
fn the_profile_comes_before_answers() {
    let profile = format!(
        "{WEB}addresses = \"192.0.2.80\"\n{ZONE}[[zones.name_servers]]\nname = \"ns1.example.com\"\naddresses = \"192.0.2.53\"\n"
    );
    let results =
        [answer(1, "example.com", &[("", "NS", "ns.evil.example")]), answer(2, "ns1.example.com", &[("", "A", "203.0.113.9")])];
    let found = Dependencies::from_profile_and_results(&org(&profile), &results);
    assert_eq!(found.missing, [] as [&str; 0]);
    let zone = &found.services[0].hostnames[0].zones[0];
    assert_eq!(zone.name_servers.len(), 1, "a foreign NS answer adds no name server to a zone whose servers the profile names");
    assert_eq!(shown(&zone.name_servers[0].addresses), [("192.0.2.53".to_owned(), None)]);
    assert_eq!(shown(&found.services[0].addresses), [("192.0.2.80".to_owned(), None)]);
}

#[test]
fn aliases_are_followed_with_their_zones_and_loops_end() {
    let chain = [
        ("www.example.com", "CNAME", "x.cdn.example"),
        ("x.cdn.example", "CNAME", "e.cdn.example"),
        ("e.cdn.example", "A", "192.0.2.9"),
    ];
    for (why, section) in [
        ("owners are named", chain.to_vec()),
        ("owners are not named: the order tells", chain.iter().map(|(_, kind, data)| ("", *kind, *data)).collect()),
    ] {
        let results = [answer(1, "www.example.com", &section), answer(2, "cdn.example", &[("", "NS", "ns.cdn.example")])];
        let found = Dependencies::from_profile_and_results(&org(&format!("{WEB}{ZONE}")), &results);
        let host = &found.services[0].hostnames[0];
        assert_eq!(host.cnames, ["x.cdn.example".into(), "e.cdn.example".into()] as [Arc<str>; 2], "{why}");
        assert_eq!(shown(&host.addresses), [("192.0.2.9".to_owned(), Some(1))], "{why}");
        let zones: Vec<_> = host.zones.iter().map(|zone| &*zone.name).collect();
        assert_eq!(zones, ["example.com", "cdn.example"], "{why}");
    }
    let looped = [answer(1, "www.example.com", &[("", "CNAME", "a.example.com"), ("", "CNAME", "www.example.com")])];
    let found = Dependencies::from_profile_and_results(&org(&format!("{WEB}{ZONE}")), &looped);
    assert_eq!(found.services[0].hostnames[0].cnames, ["a.example.com".into()] as [Arc<str>; 1]);
}

#[test]
fn the_longest_zone_holds_a_name_and_similar_names_are_outside() {
    let zones = format!("{WEB}{ZONE}[[zones]]\nname = \"www.example.com\"\n[[zones]]\nname = \"ple.com\"\n");
    let found = Dependencies::from_profile_and_results(&org(&zones), &[]);
    assert_eq!(&*found.services[0].hostnames[0].zones[0].name, "www.example.com");
    assert!(!is_in_zone("www.example.com", "ple.com"), "a zone ends at a dot");
}

#[test]
fn what_is_missing_is_said_once() {
    let two = format!("{WEB}[[services]]\nname = \"api\"\nhostnames = [\"www.example.com\"]\n{ZONE}");
    let found = Dependencies::from_profile_and_results(&org(&two), &[answer(1, "www.example.com", &[("", "A", "0.0.0.0")])]);
    assert_eq!(
        found.missing,
        [
            "no address known for www.example.com: add addresses to service `web` or record A and AAAA answers",
            "no name servers known for zone example.com: add [[zones.name_servers]] or record NS answers",
            "no address known for www.example.com: add addresses to service `api` or record A and AAAA answers",
            "1 answers gave 0.0.0.0 for www.example.com, which is nobody's address on the Internet: not used",
        ]
    );
    let found = Dependencies::from_profile_and_results(&org(WEB), &[]);
    assert!(found.missing[1].starts_with("no zone known for www.example.com"), "{:?}", found.missing);
}
