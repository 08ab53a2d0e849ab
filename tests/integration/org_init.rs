//! Profiles begun from table dumps and the DNS: what they say, and that `org check` takes them.

use crate::fetch::gzip;
use crate::program::text;
use crate::wire::*;
use assert_cmd::cargo::cargo_bin_cmd;
use faultline::org::profile;
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use tokio::net::UdpSocket;

fn init(arguments: &[&str]) -> Output {
    let mut program = cargo_bin_cmd!("faultline");
    program.args(["org", "init"]).args(arguments).output().unwrap()
}

fn prefixes(toml: &str) -> BTreeSet<String> {
    let checked = profile::parse(toml, Path::new("draft.toml")).unwrap_or_else(|error| panic!("{:?}\n{toml}", error.lines()));
    checked.organization.prefixes.iter().map(|own| own.prefix.to_string()).collect()
}

#[test]
fn the_lab_s_organization_is_found_as_its_profile_has_it() {
    let lab = prefixes(&std::fs::read_to_string("data/lab/lab.toml").unwrap());
    for case in ["A", "C"] {
        let ran = init(&["AS64500", "--rib", &format!("data/lab/{case}/mrt")]);
        assert!(ran.status.success(), "{}", text(&ran.stderr));
        assert_eq!(prefixes(text(&ran.stdout)), lab, "case {case}");
        assert!(text(&ran.stdout).contains("cfrr of 2026-11-22 09:1"), "{}", text(&ran.stdout));
    }
}

/// A table of four ASes: the organization's prefix and its halves, one of somebody else inside, one which two originate, and one which one AS sees.
fn dump(folder: &Path) -> String {
    let peers = [("192.0.2.1", 64501), ("192.0.2.2", 64502), ("192.0.2.3", 64503), ("192.0.2.4", 65551)];
    let of = |prefix: &str, origin: u32, count: u16| {
        let paths: Vec<[u32; 2]> = peers.iter().map(|(_, asn)| [*asn, origin]).collect();
        let entries: Vec<(u16, Option<u32>, &[u32])> = (0..count).map(|n| (n, None, &paths[usize::from(n)][..])).collect();
        rib(1_790_000_000, 2, prefix, &entries)
    };
    let both = rib(
        1_790_000_000,
        2,
        "203.0.113.0/24",
        &[(0, None, &[64501, 64500]), (1, None, &[64502, 64500]), (2, None, &[64503, 64500]), (3, None, &[65551, 64666])],
    );
    let records = [
        peer_index(1_790_000_000, &peers),
        of("198.51.100.0/24", 64500, 4),
        of("198.51.100.0/25", 64500, 4),
        of("198.51.100.128/25", 64500, 3),
        of("198.51.100.64/26", 64777, 2),
        both,
        of("192.0.2.0/24", 64500, 1),
        of("100.64.0.0/10", 64999, 4),
    ];
    let path = folder.join("rrc00").join("bview.20260921.1413.gz");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, gzip(&records.concat())).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_is_doubtful_is_told_and_not_taken() {
    let home = tempfile::tempdir().unwrap();
    let rib = dump(home.path());
    let ran = init(&["64500", "--rib", &rib, "--name", "Example \"Corp\""]);
    let toml = text(&ran.stdout);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(prefixes(toml), ["198.51.100.0/24", "203.0.113.0/24"].map(str::to_owned).into());
    for told in [
        "name = \"Example \\\"Corp\\\"\"",
        "\"198.51.100.0/24^24-25\",",
        "# seen by 3 ASes, with every prefix inside it of these lengths",
        "AS64666 originates it too, seen by 1",
        "# \"192.0.2.0/24\",",
        "prefix = \"198.51.100.64/26\"  origins = [64777]",
        "IPv4; ASes which sent routes: 4",
        "rrc00 of 2026-09-21 14:13:20 UTC, 4 peers",
    ] {
        assert!(toml.contains(told), "{told}\n{toml}");
    }
    assert!(!toml.contains("100.64.0.0"), "{toml}");
    let all = init(&["64500", "--rib", &rib, "--seen-by", "1"]);
    assert_eq!(prefixes(text(&all.stdout)).len(), 3);
}

#[test]
fn a_file_is_written_whole_and_not_over_another() {
    let home = tempfile::tempdir().unwrap();
    let rib = dump(home.path());
    let out = home.path().join("org.toml");
    let out = out.to_str().unwrap();
    let ran = init(&["AS64500", "--rib", &rib, "--out", out]);
    assert!(ran.status.success() && ran.stdout.is_empty(), "{}", text(&ran.stderr));
    let mut check = cargo_bin_cmd!("faultline");
    check.args(["org", "check", out]).assert().success();
    std::fs::write(out, "mine").unwrap();
    let again = init(&["AS64500", "--rib", &rib, "--out", out]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("--force"), "{}", text(&again.stderr));
    assert_eq!(std::fs::read_to_string(out).unwrap(), "mine");
    assert!(init(&["AS64500", "--rib", &rib, "--out", out, "--force"]).status.success());
    assert!(std::fs::read_to_string(out).unwrap().contains("[organization]"));
}

#[test]
fn what_leads_nowhere_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let rib = dump(home.path());
    let updates = "data/lab/A/mrt/cbird/updates.20261122.091329.mrt.gz";
    for (arguments, told) in [
        (vec!["AS64501", "--rib", &rib], "no table has a prefix which AS64501 originates"),
        (vec!["AS0", "--rib", &rib], "AS0 is reserved"),
        (vec!["64500", "--rib", updates], "none of the files holds a table dump"),
        (vec!["64500", "--rib", "-"], "standard input cannot be"),
        (vec!["64500", "--rib", &rib, "--host", "http://www.example.com/"], "is a URL"),
    ] {
        let ran = init(&arguments);
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}");
        assert!(text(&ran.stderr).contains(told) && ran.stdout.is_empty(), "{told}: {}", text(&ran.stderr));
    }
}

#[test]
fn a_recorded_table_gives_a_profile() {
    let rib = "../shared/data/mrt/ripencc-bgpdump/test_data/bview.20020722.2337.gz";
    if !Path::new(rib).exists() {
        eprintln!("SKIPPED: a profile from a recorded table needs ../shared/data, which is not there");
        return;
    }
    let ran = init(&["AS3333", "--collector", &format!("rrc05={rib}")]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let toml = text(&ran.stdout);
    assert!(prefixes(toml).contains("193.0.0.0/21"), "{toml}");
    // One of 32 neighbours of this collector has its routes: nobody may take that for enough without reading it.
    for told in ["rrc05 of 2002-07-22", "ASes which sent routes: 32", "all of them are taken"] {
        assert!(toml.contains(told), "{told}\n{toml}");
    }
}

/// A resolver which knows two zones; one of them is served by somebody with a sense of humour.
async fn resolver() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 4_096];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let asked = Message::from_vec(&buffer[..length]).unwrap();
            socket.send_to(&answer(&asked).to_vec().unwrap(), client).await.unwrap();
        }
    });
    address
}

fn answer(asked: &Message) -> Message {
    let query = asked.queries[0].clone();
    let name = |text: &str| Name::from_ascii(text).unwrap();
    let evil = Name::from_labels([&b"x\"\n[organization]\nname = \"owned"[..], b"example"]).unwrap();
    let records = match (query.name().to_ascii().as_str(), query.query_type()) {
        ("example.com.", RecordType::NS) => {
            vec![RData::NS(NS(name("ns1.example.com."))), RData::NS(NS(name("NS2.elsewhere.example.")))]
        }
        ("evil.example.", RecordType::NS) => vec![RData::NS(NS(evil))],
        ("ns1.example.com.", RecordType::A) => vec![RData::A(A([198, 51, 100, 53].into()))],
        ("ns1.example.com.", RecordType::AAAA) => vec![RData::AAAA(AAAA("2001:db8::53".parse().unwrap()))],
        ("www.example.com.", RecordType::A) => {
            vec![RData::CNAME(CNAME(name("cdn.example.net."))), RData::A(A([198, 51, 100, 80].into()))]
        }
        _ => Vec::new(),
    };
    let mut answer = Message::new(asked.metadata.id, MessageType::Response, asked.metadata.op_code);
    let known = ["example.com.", "evil.example.", "ns1.example.com.", "www.example.com."];
    if !known.contains(&query.name().to_ascii().as_str()) {
        answer.metadata.response_code = ResponseCode::NXDomain;
    }
    records.into_iter().for_each(|data| {
        answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
    });
    answer.add_query(query);
    answer
}

#[tokio::test]
async fn the_dns_tells_name_servers_and_addresses_and_harms_nothing() {
    let home = tempfile::tempdir().unwrap();
    let rib = dump(home.path());
    let resolver = resolver().await.to_string();
    let mut program = tokio::process::Command::new(assert_cmd::cargo::cargo_bin!("faultline"));
    program.args(["org", "init", "AS64500", "--rib", &rib, "--resolver", &resolver]);
    program.args(["--zone", "Example.com.", "evil.example", "nowhere.example", "--host", "www.example.com", "www.example.com"]);
    let ran = program.output().await.unwrap();
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let toml = text(&ran.stdout);
    let organization =
        profile::parse(toml, Path::new("draft.toml")).unwrap_or_else(|error| panic!("{:?}", error.lines())).organization;
    assert_eq!(organization.name, "AS64500");
    let zones: Vec<(&str, usize)> = organization.zones.iter().map(|zone| (zone.name.as_str(), zone.name_servers.len())).collect();
    assert_eq!(zones, [("example.com", 2), ("evil.example", 0), ("nowhere.example", 0)]);
    let servers = &organization.zones[0].name_servers;
    assert_eq!((servers[0].name.as_str(), servers[0].addresses.len()), ("ns1.example.com", 2));
    assert_eq!((servers[1].name.as_str(), servers[1].addresses.len()), ("ns2.elsewhere.example", 0));
    assert_eq!(organization.services.len(), 1);
    assert_eq!(organization.services[0].addresses, ["198.51.100.80".parse::<std::net::IpAddr>().unwrap()]);
    for told in [
        format!("asked through {resolver} at "),
        "It leads to cdn.example.net.".to_owned(),
        "cannot be one: x\\".to_owned(),
        "Its name servers are not known: the name does not exist.".to_owned(),
        "# A: the name does not exist.".to_owned(),
        "2001:db8::53 is in none of the prefixes above".to_owned(),
    ] {
        assert!(toml.contains(&told), "{told}\n{toml}");
    }
}
