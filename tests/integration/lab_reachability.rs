//! The lab's recordings: what clients lost and when, against what the lab itself observed.

use crate::skip::shared;
use faultline::dependency::Dependencies;
use faultline::org::{Organization, profile};
use faultline::probe::{ProbeResult, read_results};
use faultline::reachability::{FailureKind, Layer, Reachability, ReachabilityFindings, ReachabilityLoss};
use faultline::time::{Span, Timestamp};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn cases() -> Option<PathBuf> {
    shared("lab/cases")
}

fn lab() -> Organization {
    profile::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/lab/lab.toml")).unwrap().organization
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Seconds in a float of the lab's own files, as microseconds.
#[allow(clippy::cast_possible_truncation, reason = "a time in microseconds is far below 2^53")]
fn micros(seconds: &Value) -> i64 {
    (seconds.as_f64().unwrap() * 1e6).round() as i64
}

/// One case: the findings, and the time of its first event.
fn case(folder: &Path) -> (ReachabilityFindings, Timestamp) {
    let recording = read_results(&[folder.join("dns.jsonl.gz"), folder.join("http.jsonl.gz")], 0).unwrap();
    for file in &recording.files {
        assert_eq!((file.bad_count, &file.error), (0, &None), "{}", file.path.display());
    }
    let results = recording.results;
    let org = lab();
    let dependencies = Dependencies::from_profile_and_results(&org, &results);
    assert_eq!(dependencies.missing, [] as [&str; 0]);
    let mut reachability = Reachability::new(&org, &dependencies);
    results.iter().for_each(|result| reachability.observe(result));
    let end = results.iter().map(ProbeResult::end).max().unwrap();
    let start = Timestamp::from_micros(micros(&json(&folder.join("truth.json"))["events"][0]["t"]));
    (reachability.finish(end), start)
}

fn of<'f>(found: &'f ReachabilityFindings, client: &str, layer: Layer) -> Vec<&'f ReachabilityLoss> {
    found.losses.iter().filter(|loss| &*loss.series.vantage == client && loss.series.layer == layer).collect()
}

/// The fields of `observed.json` and the layers which must show the same.
const FIELDS: [(&str, Layer); 5] = [
    ("resolver_fail", Layer::Resolver),
    ("direct_fail", Layer::Authority),
    ("web_name_fail", Layer::ServiceByName),
    ("web_ip_fail", Layer::ServiceByAddress),
    ("control_fail", Layer::Control),
];

#[test]
fn losses_begin_and_end_within_3_s_of_what_the_lab_observed() {
    let Some(cases) = cases() else { return };
    let mut table = String::new();
    for name in ["A", "B", "C", "D", "E"] {
        let (found, start) = case(&cases.join(name));
        assert_eq!(found.unmatched, [], "{name}");
        let observed = json(&cases.join(name).join("observed.json"));
        for client in ["client-a", "client-b"] {
            for (field, layer) in FIELDS {
                let seen = &observed["impact_rel_first_event_s"][client][field];
                let losses = of(&found, client, layer);
                let place = format!("case {name}, {client}, {field}");
                assert_eq!(losses.is_empty(), seen.is_null(), "{place}");
                let Some(first) = losses.iter().map(|loss| loss.onset.latest).min() else { continue };
                let ends = losses.iter().map(|loss| loss.recovery.expect("every fault is repaired").earliest);
                for (what, at, key) in [("onset", first, 0), ("last failure", ends.max().unwrap(), 1)] {
                    let (at, expected) = (at.since(start), Span::from_micros(micros(&seen[key])));
                    let off = Span::from_micros(at.micros() - expected.micros());
                    assert!(off.abs() <= Span::from_seconds(3), "{place}: {what} {at:?}, observed {expected:?}");
                    table += &format!("{place}: {what} {at}, observed {expected}\n");
                }
            }
        }
    }
    eprint!("{table}");
}

#[test]
fn case_b_is_first_an_error_then_a_refusal() {
    let Some(cases) = cases() else { return };
    let (found, _) = case(&cases.join("B"));
    for client in ["client-a", "client-b"] {
        for layer in [Layer::ServiceByName, Layer::ServiceByAddress] {
            let losses = of(&found, client, layer);
            let mut series: Vec<_> = losses.iter().map(|loss| &loss.series).collect();
            series.dedup();
            series.sort();
            series.dedup();
            for series in series {
                let kinds: Vec<Vec<FailureKind>> =
                    losses.iter().filter(|l| l.series == *series).map(|l| l.kinds.keys().copied().collect()).collect();
                assert_eq!(kinds, [[FailureKind::ServerError], [FailureKind::ConnectRefused]], "{series:?}");
            }
        }
    }
}

#[test]
fn case_a_shows_timeouts_and_servfail_through_resolvers_and_timeouts_from_servers() {
    let Some(cases) = cases() else { return };
    let (found, _) = case(&cases.join("A"));
    for client in ["client-a", "client-b"] {
        let servers = of(&found, client, Layer::Authority);
        assert_eq!(servers.len(), 8, "every address of the four name servers");
        assert!(servers.iter().all(|loss| loss.kinds.keys().eq([&FailureKind::DnsTimeout])));
        let resolver = of(&found, client, Layer::Resolver);
        assert_eq!(resolver.len(), 2, "A and AAAA; the NS records outlive the fault in the cache");
        for loss in resolver {
            assert!(loss.kinds.keys().eq([&FailureKind::ServFail, &FailureKind::DnsTimeout]), "{:?}", loss.kinds);
            assert_eq!(loss.cached_for, 5);
            assert_eq!(loss.series.services, [0]);
        }
    }
}

#[test]
fn case_h_is_a_wrong_page_at_one_client_and_nothing_else() {
    let Some(cases) = cases() else { return };
    let (found, start) = case(&cases.join("H"));
    assert_eq!(found.losses.len(), 3, "by name, by IPv4, by IPv6");
    for loss in &found.losses {
        assert_eq!(&*loss.series.vantage, "client-a");
        assert!(loss.kinds.keys().eq([&FailureKind::WrongContent]));
        let (onset, recovery) = (loss.onset.latest.since(start), loss.recovery.unwrap().latest.since(start));
        assert!(onset <= Span::from_seconds(3), "{onset:?}");
        assert!((35..=38).contains(&recovery.seconds()), "the hijack ends after 35 s: {recovery:?}");
    }
}
