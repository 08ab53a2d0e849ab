//! The two anchor incidents: the generated files against the published numbers, one by one.

use super::{Recorded, clock, played, root};
use faultline::drill;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

/// Prefixes of the name servers, withdrawn on 4 October 2021.
pub const NAME_SERVERS: [&str; 8] = [
    "129.134.30.0/24",
    "129.134.31.0/24",
    "185.89.218.0/24",
    "185.89.219.0/24",
    "2a03:2880:f0fc::/48",
    "2a03:2880:f0fd::/48",
    "2a03:2880:f1fc::/48",
    "2a03:2880:f1fd::/48",
];

fn anchor(name: &str) -> Recorded {
    played(&drill::read(&root().join("data").join(name).join("timeline.toml")).unwrap())
}

fn meta_2021() -> &'static Recorded {
    static READ: OnceLock<Recorded> = OnceLock::new();
    READ.get_or_init(|| anchor("meta-2021-10-04"))
}

fn meta_2024() -> &'static Recorded {
    static READ: OnceLock<Recorded> = OnceLock::new();
    READ.get_or_init(|| anchor("meta-2024-03-05"))
}

/// The folder which was written of an incident.
pub fn folder(name: &str) -> &'static Path {
    let read = if name == "meta-2021-10-04" { meta_2021() } else { meta_2024() };
    read.folder.path()
}

/// When a session of a collector told its table again on 4 October 2021, and its peer's address: it announced at least four fifths of what
/// the first dump showed of it within a minute. Fewer than 50 prefixes show nothing.
pub fn tables_sent_again(collector: &str) -> Vec<(i64, String)> {
    let here = || meta_2021().said.iter().filter(|said| said.collector == collector);
    let dumps: Vec<i64> = here().filter(|said| said.what.table().is_some()).map(|said| said.at).collect();
    let first = *dumps.iter().min().unwrap();
    let mut tables: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for said in here().filter(|said| said.at < first + 60_000_000) {
        if let Some((prefix, _)) = said.what.table() {
            tables.entry(&said.peer).or_default().insert(prefix);
        }
    }
    let mut again = Vec::new();
    for (peer, table) in tables.into_iter().filter(|(_, table)| table.len() >= 50) {
        let told = here().filter(|said| said.peer == peer);
        let told: Vec<(i64, &str)> = told.filter_map(|said| Some((said.at, said.what.announced()?.0))).collect();
        let mut quiet_until = i64::MIN;
        for (place, (at, _)) in told.iter().enumerate() {
            let burst = told[place..].iter().take_while(|(later, _)| *later < at + 60_000_000);
            let distinct: BTreeSet<&str> = burst.map(|(_, prefix)| *prefix).filter(|prefix| table.contains(prefix)).collect();
            if *at >= quiet_until && distinct.len() * 5 >= table.len() * 4 {
                again.push((*at, peer.to_owned()));
                quiet_until = at + 300_000_000;
            }
        }
    }
    again
}

/// The organization's prefixes: what the first dump of a collector shows with its origin.
fn of_meta(read: &Recorded, collector: &str) -> BTreeSet<String> {
    let rows = read.said.iter().filter(|said| said.collector == collector).filter_map(|said| said.what.table());
    rows.filter(|(_, path)| path.last() == Some(&32_934)).map(|(prefix, _)| prefix.to_owned()).collect()
}

// Why: below 40 full feeds of different ASes the shares of METHOD.md §3 would be coarser than the thresholds.
#[test]
fn enough_witnesses_of_different_ases_at_three_collectors() {
    let read = meta_2021();
    let collectors: BTreeSet<&str> = read.said.iter().map(|said| said.collector.as_str()).collect();
    assert_eq!(collectors, ["route-views2", "rrc00", "rrc10"].into());
    assert_eq!(read.seeing("129.134.0.0/17", "14:00:01").len(), 52);
    assert_eq!(read.seeing("2a03:2880::/32", "14:00:01").len(), 52);
}

// Why: Catchpoint counts 133 IPv4 and 216 IPv6 prefixes at rrc10, of which 8 and 14 were withdrawn.
#[test]
fn eight_of_133_and_fourteen_of_216_prefixes_go() {
    let read = meta_2021();
    let prefixes = of_meta(read, "rrc10");
    let v6 = prefixes.iter().filter(|prefix| prefix.contains(':')).count();
    assert_eq!((prefixes.len() - v6, v6), (133, 216));
    let lost: BTreeSet<&str> = (read.withdrawals(|prefix| prefixes.contains(prefix)).into_iter())
        .filter(|said| said.collector == "rrc10")
        .filter_map(|said| said.what.withdrawn())
        .collect();
    let v6 = lost.iter().filter(|prefix| prefix.contains(':')).count();
    assert_eq!((lost.len() - v6, v6), (8, 14));
    for prefix in NAME_SERVERS {
        assert!(lost.contains(prefix), "{prefix}");
    }
}

// Why: Kentik sees the first withdrawals at 15:39; RIPE Labs sees paths to 129.134.30.0/24 vanish from 15:42 to 15:53:47.
#[test]
fn two_waves_begin_at_1539_and_1542() {
    let read = meta_2021();
    let prefixes = of_meta(read, "rrc00");
    let all = read.withdrawals(|prefix| prefixes.contains(prefix));
    assert_eq!(all[0].at, read.at("15:39:00"));
    let first_server = read.withdrawals(|prefix| prefix == "129.134.30.0/24");
    assert_eq!(first_server[0].at, read.at("15:42:00"));
    assert_eq!(first_server.last().unwrap().at, read.at("15:53:47"));
    assert_eq!(read.seeing("129.134.30.0/24", "15:41:59").len(), 52);
    assert_eq!(read.seeing("129.134.30.0/24", "15:53:47").len(), 0);
}

// Why: jvns.ca finds the last withdrawal at 16:02:33, long after the others.
#[test]
fn the_last_straggler_comes_at_160233() {
    let read = meta_2021();
    let prefixes = of_meta(read, "rrc00");
    let withdrawals = read.withdrawals(|prefix| prefixes.contains(prefix));
    let times: Vec<i64> = withdrawals.iter().map(|said| said.at).filter(|at| *at > read.at("15:53:47")).collect();
    assert_eq!(times, ["15:55:20", "15:57:05", "16:02:33"].map(|text| read.at(text)));
    assert_eq!(read.seeing("129.134.30.0/23", "16:02:32").len(), 1);
    assert_eq!(read.seeing("129.134.30.0/23", "16:02:33").len(), 0);
}

// Why: METHOD.md §8.1: by 15:55 fewer than half of the peers see any name server's prefix.
#[test]
fn name_servers_are_below_half_by_1555_and_gone_at_1610() {
    let read = meta_2021();
    for prefix in NAME_SERVERS {
        assert_eq!(read.seeing(prefix, "15:30:00").len(), 52, "{prefix}");
        assert!(read.seeing(prefix, "15:55:00").len() * 2 < 52, "{prefix}");
        assert_eq!(read.seeing(prefix, "16:10:00").len(), 0, "{prefix}");
    }
}

// Why: Cloudflare, 15:58: the /23s are not in RouteViews' table, 129.134.0.0/17 is, with 24 paths. It covered two dead name servers.
#[test]
fn the_covering_route_stays_all_day_with_24_paths_at_routeviews() {
    let read = meta_2021();
    assert_eq!(read.withdrawals(|prefix| prefix == "129.134.0.0/17"), Vec::<&super::Said>::new());
    let routeviews = |prefix: &str| read.seeing_at(prefix, "15:58:00", |said| said.collector == "route-views2").len();
    assert_eq!(routeviews("129.134.0.0/17"), 24);
    assert_eq!((routeviews("129.134.30.0/23"), routeviews("185.89.218.0/23")), (0, 0));
    for time in ["15:30:00", "16:02:33", "21:30:00", "23:29:59"] {
        assert!(read.seeing("129.134.0.0/17", time).len() >= 51, "{time}: at most one session is down");
    }
}

// Why: jvns.ca: first announcement at 21:00:40; Cloudflare: peak at 21:17, reconnected at 21:28.
#[test]
fn routes_return_from_210040_to_2128() {
    let read = meta_2021();
    let (dark, first, end) = (read.at("16:02:34"), read.at("21:00:40"), read.at("21:28:00"));
    let back = read.announcements(|prefix| NAME_SERVERS.contains(&prefix));
    let back: Vec<i64> = back.iter().map(|said| said.at).filter(|at| *at > dark).collect();
    assert_eq!(back[0], first);
    assert!(back.iter().filter(|at| **at > end).count() <= 52, "after 21:28 only sessions which reset tell them again");
    for prefix in NAME_SERVERS {
        let early = read.seeing(prefix, "21:10:00").len();
        assert!((1..=10).contains(&early), "{prefix}: {early}");
        assert!(read.seeing(prefix, "21:19:00").len() > 26, "{prefix}");
        assert_eq!(read.seeing(prefix, "21:28:00").len(), 52, "{prefix}");
    }
    let minute =
        |text: &str| back.iter().filter(|at| (clock(&read.said, text)..clock(&read.said, text) + 60_000_000).contains(at)).count();
    let peak = minute("21:17:00");
    assert!(["21:01:00", "21:16:00", "21:19:00", "21:22:00"].iter().all(|text| minute(text) < peak));
}

// Why: resolvers fail at 15:50, the first answers come at 21:05, facebook.com resolves at 21:20; the control never fails.
#[test]
fn dns_fails_after_the_routes_and_returns_with_them() {
    let read = meta_2021();
    let failures = |wanted: &dyn Fn(&serde_json::Value) -> bool| -> Vec<String> {
        let lines = read.lines("dns.jsonl.gz");
        lines
            .iter()
            .filter(|l| wanted(l) && l["rcode"] != "NOERROR")
            .map(|l| l["ts"].as_str().unwrap()[11..16].to_owned())
            .collect()
    };
    let resolver = failures(&|l| l["via"] == "resolver" && l["qname"] == "facebook.com" && l["vantage"] == "probe-1");
    assert_eq!((resolver[0].as_str(), resolver.last().unwrap().as_str()), ("15:50", "21:18"));
    let direct = failures(&|l| l["server_name"] == "a.ns.facebook.com" && l["vantage"] == "probe-1");
    assert_eq!((direct[0].as_str(), direct.last().unwrap().as_str()), ("15:46", "21:04"));
    assert_eq!(failures(&|l| l["qname"] == "www.example.com"), Vec::<String>::new());
    assert_eq!(failures(&|l| l["qname"] == "instagram.com"), Vec::<String>::new(), "its own name servers were elsewhere");
    assert!(!failures(&|l| l["qname"] == "www.instagram.com").is_empty(), "but its alias led to facebook.com");
}

// Why: ThousandEyes: receive errors before DNS failed and after it had returned, until 22:45; every service was down.
#[test]
fn services_fail_from_1540_to_2245() {
    let read = meta_2021();
    let lines = read.lines("http.jsonl.gz");
    let bad: Vec<_> = lines.iter().filter(|l| l["ok"] == false && l["target"] == "facebook" && l["vantage"] == "probe-1").collect();
    let stage = |from: &str, to: &str| -> BTreeSet<&str> {
        let inside = |l: &&&serde_json::Value| (from..to).contains(&&l["ts"].as_str().unwrap()[11..16]);
        bad.iter().filter(inside).map(|l| l["stage"].as_str().unwrap()).collect()
    };
    assert_eq!(bad[0]["ts"].as_str().unwrap()[11..16].to_owned(), "15:40");
    assert_eq!(stage("15:40", "15:50"), ["http"].into());
    assert_eq!(stage("15:52", "21:18"), ["dns"].into());
    assert_eq!(stage("21:22", "22:45"), ["http"].into());
    assert_eq!(stage("22:45", "23:59"), BTreeSet::new());
    let status = read.lines("status.jsonl.gz");
    let down: BTreeSet<&str> = status.iter().filter(|l| l["status"] == "down").map(|l| l["service"].as_str().unwrap()).collect();
    assert_eq!(down.len(), 9);
    assert!(!down.contains("Threads"), "it did not exist yet");
}

// Why: the rebuilt files must never be taken for recordings.
#[test]
fn the_folder_says_that_nothing_was_recorded() {
    for read in [meta_2021(), meta_2024()] {
        let text = std::fs::read_to_string(read.folder.path().join("PROVENANCE.md")).unwrap();
        assert!(text.starts_with("# Rebuilt, not recorded"), "{text}");
        let size: u64 = read.written.files.iter().map(|file| file.bytes).sum();
        assert!(size < 5_000_000, "{size} bytes");
    }
}

// Why: METHOD.md §8.2: on 5 March 2024 nothing was withdrawn, names and pages were well, and WhatsApp never failed.
#[test]
fn in_2024_only_logins_fail() {
    let read = meta_2024();
    let prefixes = of_meta(read, "rrc00");
    assert_eq!(read.withdrawals(|prefix| prefixes.contains(prefix)).len(), 0);
    assert_eq!(read.seeing("129.134.30.0/24", "15:35:00").len(), 48);
    assert!(read.lines("dns.jsonl.gz").iter().all(|l| l["rcode"] == "NOERROR"));
    assert!(read.lines("http.jsonl.gz").iter().all(|l| l["status"] == 200));
    let status = read.lines("status.jsonl.gz");
    let of = |service: &str, reporter: &str| -> Vec<String> {
        let down = status.iter().filter(|l| l["service"] == service && l["reporter"] == reporter && l["status"] == "down");
        down.map(|l| l["ts"].as_str().unwrap()[11..16].to_owned()).collect()
    };
    let span = |service, reporter| of(service, reporter).first().cloned().zip(of(service, reporter).last().cloned());
    let times = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
    for service in ["Facebook", "Messenger", "Instagram", "Threads"] {
        assert_eq!(span(service, "login check"), times("15:00", "16:45"), "{service}");
        assert_eq!(span(service, "users"), times("15:25", "16:45"), "{service}");
    }
    for service in ["Facebook Login", "Graph API", "Marketing API", "Admin centre"] {
        assert_eq!(span(service, "status page"), times("15:17", "17:05"), "{service}");
    }
    assert_eq!(span("WhatsApp Business API", "status page"), times("15:17", "17:55"));
    assert_eq!((of("WhatsApp", "login check").len(), of("WhatsApp", "users").len()), (0, 0));
}
