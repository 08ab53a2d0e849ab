//! Drafts are profiles, whatever they are made of.

use super::*;
use crate::org::profile;
use std::path::Path;

fn draft() -> Draft {
    let prefix = |text: &str| text.parse::<IpNet>().unwrap();
    let seen = |list: &[(u32, usize)]| list.iter().map(|(asn, seen)| (Asn(*asn), *seen)).collect();
    Draft {
        name: "AS64500".to_owned(),
        as_numbers: vec![Asn(64500), Asn(64501)],
        seen_by: 3,
        tables: vec![SeenTable {
            collector: "rrc00".to_owned(),
            at: "2026-11-22T08:00:00Z".parse().unwrap(),
            file: "rrc00/2026.11/bview.20261122.0800.gz".to_owned(),
            peers: 60,
        }],
        witnesses: [50, 40],
        own: BTreeMap::from([
            (prefix("198.51.100.0/24"), seen(&[(64500, 50)])),
            (prefix("198.51.100.0/25"), seen(&[(64500, 48)])),
            (prefix("198.51.100.128/25"), seen(&[(64500, 49)])),
            (prefix("203.0.113.0/24"), seen(&[(64501, 50), (64666, 7)])),
            (prefix("192.0.2.0/24"), seen(&[(64500, 1)])),
            (prefix("2001:db8::/32"), seen(&[(64500, 40)])),
        ]),
        inside: BTreeMap::from([((prefix("2001:db8:7::/48"), Asn(64777)), 12)]),
        resolver: None,
        zones: Vec::new(),
        hosts: Vec::new(),
    }
}

fn host(name: &str, addresses: &[&str]) -> FoundHost {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    FoundHost { name: name.to_owned(), aliases: Vec::new(), addresses, problems: Vec::new() }
}

fn checked(toml: &str) -> profile::Checked {
    profile::parse(toml, Path::new("draft.toml")).unwrap_or_else(|error| panic!("{:?}\n{toml}", error.lines()))
}

#[test]
fn prefixes_are_folded_doubted_and_told_with_their_witnesses() {
    let toml = draft().to_toml();
    let organization = checked(&toml).organization;
    let prefixes: Vec<String> = organization.prefixes.iter().map(|own| format!("{} {}", own.prefix, own.lengths.longest)).collect();
    assert_eq!(prefixes, ["198.51.100.0/24 25", "203.0.113.0/24 24", "2001:db8::/32 32"]);
    for told in [
        "rrc00 of 2026-11-22 08:00:00 UTC, 60 peers: rrc00/2026.11/bview.20261122.0800.gz",
        "\"198.51.100.0/24^24-25\",",
        "# seen by 48 ASes, with every prefix inside it of these lengths; origin AS64500",
        "# \"192.0.2.0/24\",",
        "# seen by 1 AS; origin AS64500; so few: a leak, a test, or meant for few?",
        "AS64666 originates it too, seen by 7",
        "IPv4; ASes which sent routes: 50",
        "# [[prefixes]]  prefix = \"2001:db8:7::/48\"  origins = [64777]",
        "seen by 12 ASes",
        "# [[services]]",
    ] {
        assert!(toml.contains(told), "{told}\n{toml}");
    }
}

#[test]
fn where_nobody_is_seen_by_enough_all_are_taken() {
    let mut draft = draft();
    draft.own.retain(|prefix, _| prefix.to_string() == "192.0.2.0/24");
    let toml = draft.to_toml();
    assert_eq!(checked(&toml).organization.prefixes.len(), 1);
    assert!(toml.contains("all of them are taken"), "{toml}");
    // With two witnesses in all, two are enough.
    draft.witnesses = [2, 0];
    draft.own.values_mut().for_each(|origins| origins.values_mut().for_each(|seen| *seen = 2));
    assert!(!draft.to_toml().contains("all of them are taken"));
}

#[test]
fn what_the_dns_says_becomes_zones_and_services() {
    let mut draft = draft();
    draft.resolver = Some(("192.0.2.1:53".to_owned(), "2026-11-28T12:00:00Z".parse().unwrap()));
    let servers =
        vec![host("ns1.example.com", &["198.51.100.53", "2001:db8::53"]), host("ns2.elsewhere.example", &["192.0.2.200"])];
    draft.zones = vec![
        FoundZone { name: "example.com".to_owned(), servers: Ok(servers) },
        FoundZone { name: "example.net".to_owned(), servers: Err("the resolver answers SERVFAIL".to_owned()) },
    ];
    let aliases = vec!["cdn.elsewhere.example".to_owned()];
    draft.hosts = vec![
        FoundHost { aliases, ..host("www.example.com", &["198.51.100.80"]) },
        FoundHost { problems: vec!["A: no answer in time".to_owned()], ..host("login.example.com", &[]) },
    ];
    let toml = draft.to_toml();
    let organization = checked(&toml).organization;
    assert_eq!(organization.zones[0].name_servers[0].addresses.len(), 2);
    assert_eq!((organization.zones[1].name.as_str(), organization.zones[1].name_servers.len()), ("example.net", 0));
    assert_eq!(organization.services[0].addresses.len(), 1);
    assert_eq!(organization.services[1].hostnames, ["login.example.com"]);
    for told in [
        "asked through 192.0.2.1:53 at 2026-11-28 12:00:00 UTC",
        "SERVFAIL",
        "# It leads to cdn.elsewhere.example.",
        "# A: no answer in time.",
        "# 192.0.2.200 is in none of the prefixes above",
    ] {
        assert!(toml.contains(told), "{told}\n{toml}");
    }
}

// Why: whoever runs a name server writes the names; they are read by a program which an engineer trusts.
#[test]
fn hostile_names_stay_inert() {
    let hostile = [
        "x\"\n[organization]\nname = \"owned\"\n#",
        "\u{202e}\u{0}\r\n[[services]]\r\nname = 'x'",
        "a\\\"]\nprefixes = [\"0.0.0.0/0\"]",
        "\u{2028}[settings]",
    ];
    for name in hostile {
        let mut draft = draft();
        draft.name = name.to_owned();
        draft.tables[0].collector = name.to_owned();
        draft.tables[0].file = name.to_owned();
        draft.resolver = Some((name.to_owned(), "2026-11-28T12:00:00Z".parse().unwrap()));
        draft.zones = vec![
            FoundZone { name: "example.com".to_owned(), servers: Ok(vec![host(name, &["192.0.2.53"])]) },
            FoundZone { name: "example.net".to_owned(), servers: Err(name.to_owned()) },
        ];
        let aliases = vec![name.to_owned()];
        draft.hosts = vec![FoundHost { aliases, problems: vec![name.to_owned()], ..host("www.example.com", &["192.0.2.80"]) }];
        let toml = draft.to_toml();
        let organization = checked(&toml).organization;
        assert_eq!(organization.name, name, "{toml}");
        assert_eq!((organization.prefixes.len(), organization.services.len(), organization.zones.len()), (3, 1, 2), "{toml}");
        assert!(organization.zones[0].name_servers.is_empty(), "{toml}");
        assert!(toml.chars().all(|c| c == '\n' || !c.is_control()), "{toml:?}");
    }
}
