//! Reachability as the incident reads: attempts in, losses out.

use super::*;
use crate::observation::FileId;
use crate::org::profile;
use crate::probe::{AskedAddress, DnsAnswer, DnsKind, DnsOutcome, DnsServer, HttpKind, HttpOutcome, Outcome, ServiceStatus};

const PROFILE: &str = r#"
[organization]
name = "Example"
as_numbers = [64500]
prefixes = ["192.0.2.0/24"]
[[zones]]
name = "example.com"
[[zones.name_servers]]
name = "ns1.example.com"
addresses = ["192.0.2.53"]
[[services]]
name = "web"
hostnames = ["www.example.com"]
addresses = ["192.0.2.80"]
[[services.probes]]
name = "front page"
kind = "http"
up = { status = 200, body_contains = "Welcome" }
[[services]]
name = "Login"
hostnames = ["login.example.com", "www.example.com"]
status_names = ["Sign-in"]
since = 1970-01-01T00:01:00Z
[[controls]]
name = "control"
kind = "http"
host = "www.control.example"
[settings]
probe_gap = "60s"
"#;

fn org() -> Organization {
    profile::parse(PROFILE, std::path::Path::new("org.toml")).unwrap_or_else(|e| panic!("{:?}", e.lines())).organization
}

/// Milliseconds after 1,000 s: after the services' `since`.
fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(1_000_000_000 + millis * 1000)
}

fn millis(at: Timestamp) -> i64 {
    (at.micros() - 1_000_000_000) / 1000
}

fn result(start: i64, took: i64, target: Target, outcome: Outcome) -> ProbeResult {
    let source = RecordRef { file: FileId(0), record: u64::try_from(start + 1).unwrap_or(0) };
    ProbeResult { at: at(start), took: Span::from_micros(took * 1000), vantage: "home".into(), target, outcome, source }
}

fn resolver(name: &str, record_type: &str) -> Target {
    Target::Dns { server: DnsServer::Resolver { address: None, name: None }, name: name.into(), record_type: record_type.into() }
}

fn authority(address: &str, name: &str) -> Target {
    let server = DnsServer::Authority { address: address.parse().unwrap(), name: None };
    Target::Dns { server, name: name.into(), record_type: "A".into() }
}

fn page(host: &str, address: Option<&str>) -> Target {
    let address = address.map_or(AskedAddress::ByName, |a| AskedAddress::Fixed(a.parse().unwrap()));
    Target::Http { host: host.into(), address, label: "".into() }
}

fn status(service: &str) -> Target {
    Target::Status { service: service.into(), reporter: "status page".into() }
}

fn dns(kind: DnsKind, ttl: u32) -> Outcome {
    let answer = DnsAnswer { name: "".into(), record_type: "A".into(), ttl, data: "192.0.2.80".into() };
    let answers = if kind == DnsKind::Answered { vec![answer] } else { Vec::new() };
    Outcome::Dns(DnsOutcome { kind, extended_error: (kind == DnsKind::ServFail).then_some(22), authoritative: false, answers })
}

fn http(kind: HttpKind, body: Option<&str>) -> Outcome {
    Outcome::Http(HttpOutcome { kind, address: None, body: body.map(Into::into), server: None, cert_not_after: None })
}

fn findings(results: &[ProbeResult], end: i64) -> ReachabilityFindings {
    let org = org();
    let mut reachability = Reachability::new(&org, &Dependencies::from_profile_and_results(&org, results));
    results.iter().for_each(|result| reachability.observe(result));
    reachability.finish(at(end))
}

/// Attempts of one series of the first service as (start, took, good); its losses as (onset, recovery), each (earliest, latest), in milliseconds.
type Ends = (i64, i64);

fn losses(attempts: &[(i64, i64, bool)]) -> Vec<(Ends, Option<Ends>)> {
    let result = |(start, took, good): &(i64, i64, bool)| {
        let kind = if *good { DnsKind::Answered } else { DnsKind::Timeout };
        result(*start, *took, resolver("www.example.com", "A"), dns(kind, 5))
    };
    let results: Vec<_> = attempts.iter().map(result).collect();
    let ends = |b: Bounds| (if b.earliest == Timestamp::MIN { i64::MIN } else { millis(b.earliest) }, millis(b.latest));
    findings(&results, 0)
        .losses
        .iter()
        .filter(|l| l.series.services == [0])
        .map(|l| (ends(l.onset), l.recovery.map(ends)))
        .collect()
}

#[test]
fn onset_and_recovery_lie_between_the_last_of_one_kind_and_the_first_of_the_other() {
    const G: bool = true;
    const B: bool = false;
    type Case = (&'static str, &'static [(i64, i64, bool)], &'static [(Ends, Option<Ends>)]);
    let cases: &[Case] = &[
        (
            "three failures in a row are down, two successes up; the first of each run counts",
            &[(0, 10, G), (1000, 10, B), (2000, 10, B), (3000, 10, B), (4000, 10, G), (5000, 10, G)],
            &[((10, 1000), Some((3010, 4010)))],
        ),
        ("two failures are not down", &[(0, 10, G), (1000, 10, B), (2000, 10, B), (3000, 10, G), (4000, 10, B)], &[]),
        (
            "one success does not end it, and the failure after it belongs to it",
            &[(0, 1, G), (1000, 1, B), (2000, 1, B), (3000, 1, B), (4000, 1, G), (5000, 1, B), (6000, 1, G), (7000, 1, G)],
            &[((1, 1000), Some((5001, 6001)))],
        ),
        (
            "a failure speaks from its start: a timeout of 12 s dates the onset to when it was asked",
            &[(0, 10, G), (1000, 12_000, B), (2000, 12_000, B), (3000, 12_000, B)],
            &[((10, 1000), None)],
        ),
        (
            "slow failures from before the recovery neither delay it nor open the loss again",
            &[
                (0, 9, G),
                (1000, 12_000, B),
                (2000, 12_000, B),
                (3000, 12_000, B),
                (4000, 12_000, B),
                (5000, 9, G),
                (6000, 9, G),
                (7000, 9, G),
            ],
            &[((9, 1000), Some((4000, 5009)))],
        ),
        (
            "a slow success which ended after the first failure began says it was good until its end",
            &[(0, 1500, G), (1000, 1000, B), (2000, 10, B), (3000, 10, B)],
            &[((1500, 2000), None)],
        ),
        (
            "a success which took longer than the loss lasted says only that it began before",
            &[(0, 19_000, G), (1000, 1, B), (2000, 1, B), (3000, 1, B), (4000, 1, G), (5000, 1, G)],
            &[((0, 1001), Some((3001, 4001)))],
        ),
        ("never seen up: it may have been down for ever", &[(0, 1, B), (1000, 1, B), (2000, 1, B)], &[((i64::MIN, 0), None)]),
        (
            "nobody probed for an hour: the recovery is as uncertain as that",
            &[(0, 1, G), (1000, 1, B), (2000, 1, B), (3000, 1, B), (3_600_000, 1, G), (3_601_000, 1, G)],
            &[((1, 1000), Some((3001, 3_600_001)))],
        ),
        (
            "two losses are two",
            &[(0, 1, G), (1, 1, B), (2, 1, B), (3, 1, B), (4, 1, G), (5, 1, G), (6, 1, B), (7, 1, B), (8, 1, B)],
            &[((1, 1), Some((4, 5))), ((6, 6), None)],
        ),
    ];
    for (why, attempts, expected) in cases {
        assert_eq!(losses(attempts), *expected, "{why}");
    }
}

#[test]
fn a_loss_keeps_its_kinds_codes_ttl_and_evidence() {
    let target = || resolver("www.example.com", "A");
    let results = [
        result(0, 5, target(), dns(DnsKind::Answered, 300)),
        result(1000, 5, target(), dns(DnsKind::Answered, 12)),
        result(2000, 12_000, target(), dns(DnsKind::Timeout, 0)),
        result(3000, 5, target(), dns(DnsKind::ServFail, 0)),
        result(4000, 5, target(), dns(DnsKind::ServFail, 0)),
    ];
    let found = findings(&results, 5000);
    let loss = &found.losses[0];
    assert_eq!(loss.kinds, [(FailureKind::ServFail, 2), (FailureKind::DnsTimeout, 1)].into());
    assert_eq!(loss.extended_errors, [(22, 2)].into());
    assert_eq!(loss.cached_for, 300, "12 s was what the cache had left of 300");
    assert_eq!(loss.evidence.iter().map(|r| r.record).collect::<Vec<_>>(), [2001, 3001, 4001]);
    assert_eq!(millis(loss.last_failure), 14_000);
    assert_eq!((loss.series.layer, loss.series.services.as_slice()), (Layer::Resolver, [0].as_slice()));
    let coverage = &found.coverage[0];
    assert_eq!((coverage.attempts, coverage.successes, millis(coverage.last)), (5, 2, 14_000));
}

#[test]
fn nobody_probing_is_a_gap_and_a_long_attempt_is_none() {
    let target = || resolver("www.example.com", "A");
    let results = [
        result(0, 5, target(), dns(DnsKind::Answered, 5)),
        result(60_000, 100_000, target(), dns(DnsKind::Timeout, 5)),
        result(200_000, 5, target(), dns(DnsKind::Answered, 5)),
        result(300_000, 5, target(), dns(DnsKind::Answered, 5)),
    ];
    let gaps =
        |end| findings(&results, end).coverage[0].gaps.iter().map(|g| (millis(g.earliest), millis(g.latest))).collect::<Vec<_>>();
    assert_eq!(gaps(300_005), [(200_005, 300_000)]);
    assert_eq!(gaps(400_000), [(200_005, 300_000), (300_005, 400_000)], "nobody probed until the end of the input");
}

#[test]
fn a_result_belongs_to_layer_and_services_by_what_was_asked() {
    let web_and_login = || vec![0, 1];
    let cases = [
        (resolver("www.example.com", "A"), Some((Layer::Resolver, vec![0])), "since differs: the other service has its own series"),
        (resolver("login.example.com", "AAAA"), Some((Layer::Resolver, vec![1])), "host name"),
        (resolver("example.com", "NS"), Some((Layer::Resolver, vec![0])), "the zone of both"),
        (resolver("other.example", "A"), None, "nothing to us"),
        (authority("192.0.2.53", "www.example.com"), Some((Layer::Authority, vec![0])), "a name server"),
        (
            authority("203.0.113.1", "www.example.com"),
            Some((Layer::Authority, vec![0])),
            "an unknown authority asked about our zone",
        ),
        (authority("192.0.2.53", "version.bind"), Some((Layer::Authority, vec![0])), "our name server asked about anything"),
        (authority("203.0.113.1", "other.example"), None, "somebody else's authority"),
        (page("www.example.com", None), Some((Layer::ServiceByName, vec![0])), "by name"),
        (page("www.example.com", Some("192.0.2.80")), Some((Layer::ServiceByAddress, vec![0])), "at an address"),
        (page("192.0.2.80", None), Some((Layer::ServiceByAddress, vec![0])), "the name is an address"),
        (page("other.example", Some("192.0.2.80")), None, "another host at a shared address"),
        (status("SIGN-IN"), Some((Layer::Status, vec![1])), "status name, whatever the case"),
        (status("web"), Some((Layer::Status, vec![0])), "the service's own name"),
        (status("Threads"), None, "unknown service"),
        (page("www.control.example", None), Some((Layer::Control, vec![])), "control"),
        (resolver("www.control.example", "A"), Some((Layer::Control, vec![])), "a control's name"),
    ];
    let org = org();
    let matcher = Matcher::new(&org, &Dependencies::from_profile_and_results(&org, &[]));
    for (target, expected, why) in cases {
        let first = matcher.checks(&target).into_iter().next().map(|check| (check.layer, check.services));
        assert_eq!(first, expected, "{why}: {target:?}");
    }
    let all: Vec<usize> = matcher.checks(&resolver("www.example.com", "A")).into_iter().flat_map(|c| c.services).collect();
    assert_eq!(all, web_and_login());
    let named = |target: &Target| matcher.checks(target)[0].name.to_string();
    assert_eq!(named(&page("www.example.com", None)), "front page");
    assert_eq!(named(&page("www.example.com", Some("192.0.2.80"))), "http www.example.com at 192.0.2.80");
}

#[test]
fn a_wrong_page_is_a_failure_and_an_unrecorded_one_is_told() {
    let target = || page("www.example.com", None);
    for (outcome, expected) in [
        (http(HttpKind::Status(200), Some("Welcome home")), None),
        (http(HttpKind::Status(200), Some("HIJACKED")), Some(FailureKind::WrongContent)),
        (http(HttpKind::Status(200), None), None),
        (http(HttpKind::Status(301), Some("Welcome")), Some(FailureKind::HttpStatus)),
        (http(HttpKind::Status(503), Some("Welcome")), Some(FailureKind::ServerError)),
        (http(HttpKind::ConnectRefused, None), Some(FailureKind::ConnectRefused)),
        (http(HttpKind::NameNotResolved, None), Some(FailureKind::NameNotResolved)),
    ] {
        let results: Vec<_> = (0..3).map(|i| result(i * 1000, 5, target(), outcome.clone())).collect();
        let found = findings(&results, 3000);
        let kinds: Vec<_> = found.losses.iter().filter(|l| l.series.services == [0]).flat_map(|l| l.kinds.keys()).collect();
        assert_eq!(kinds, expected.iter().collect::<Vec<_>>(), "{outcome:?}");
        let told = found.unmatched.iter().any(|u| u.why == Mismatch::ContentNotRecorded && u.results == 3);
        assert_eq!(told, outcome == http(HttpKind::Status(200), None), "{outcome:?}");
    }
}

#[test]
fn no_data_is_a_failure_only_where_there_was_data() {
    let never = |i: i64| result(i * 1000, 5, resolver("www.example.com", "AAAA"), dns(DnsKind::NoData, 0));
    assert_eq!(findings(&(0..5).map(never).collect::<Vec<_>>(), 5000).losses, []);
    let kind = |i: i64| if i < 2 { DnsKind::Answered } else { DnsKind::NoData };
    let lost = |i: i64| result(i * 1000, 5, resolver("www.example.com", "A"), dns(kind(i), 5));
    let found = findings(&(0..5).map(lost).collect::<Vec<_>>(), 5000);
    assert_eq!(found.losses[0].kinds, [(FailureKind::NoData, 3)].into());
    let gone = |i: i64| result(i * 1000, 5, resolver("www.example.com", "A"), dns(DnsKind::NxDomain, 0));
    assert_eq!(
        findings(&(0..3).map(gone).collect::<Vec<_>>(), 3000).losses.len(),
        2,
        "a host name of the profile must exist, for both services"
    );
}

#[test]
fn one_reported_status_is_enough_and_holds_until_the_next() {
    let report = |start: i64, what| result(start, 0, status("web"), Outcome::Status(what));
    let day = 86_400_000;
    let results = [
        report(0, ServiceStatus::Up),
        report(day, ServiceStatus::Down),
        report(day + 60_000, ServiceStatus::Degraded),
        report(2 * day, ServiceStatus::Up),
    ];
    let found = findings(&results, 3 * day);
    let loss = &found.losses[0];
    assert_eq!((millis(loss.onset.latest), loss.recovery.map(|r| millis(r.latest))), (day, Some(2 * day)));
    assert_eq!(loss.kinds, [(FailureKind::ReportedDown, 1), (FailureKind::ReportedDegraded, 1)].into());
    assert_eq!(found.coverage[0].gaps, [], "a status page which says nothing new is no gap");
}

#[test]
fn what_matches_nothing_or_comes_too_late_is_counted_in_words() {
    let mut early = result(0, 0, status("sign-in"), Outcome::Status(ServiceStatus::Down));
    early.at = Timestamp::from_parts(30, 0);
    let results = [
        early,
        result(0, 1, resolver("other.example", "A"), dns(DnsKind::ServFail, 0)),
        result(1, 1, resolver("other2.example", "A"), dns(DnsKind::ServFail, 0)),
        result(2, 1, status("Threads"), Outcome::Status(ServiceStatus::Down)),
        result(9000, 1, resolver("login.example.com", "A"), dns(DnsKind::Answered, 0)),
        result(3000, 1, resolver("login.example.com", "A"), dns(DnsKind::ServFail, 0)),
        result(9000, 1, resolver("login.example.com", "A"), http(HttpKind::Connected, None)),
    ];
    let found = findings(&results, 10_000);
    let words: Vec<String> = found.unmatched.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "2 DNS results ask for no name and no server of the profile (such as other.example A through the resolver)",
            "1 statuses are of no service of the profile; add status_names (such as status of Threads told by status page)",
            "1 results are from before their service existed (`since`) (such as status of sign-in told by status page)",
            "1 results began before an earlier one of their series and were left out (such as login.example.com A through the resolver)",
            "1 results have an outcome which does not fit what was asked (such as login.example.com A through the resolver)",
        ]
    );
    assert_eq!(found.coverage.len(), 1, "a service which did not exist is not covered");
    assert_eq!(found.losses, []);
}

#[test]
fn a_snapshot_changes_nothing() {
    let target = || resolver("login.example.com", "A");
    let kinds = [DnsKind::Answered, DnsKind::Timeout, DnsKind::Timeout, DnsKind::Timeout, DnsKind::Answered, DnsKind::Answered];
    let results: Vec<_> = (0i64..).zip(kinds).map(|(i, kind)| result(i * 1000, 5, target(), dns(kind, 5))).collect();
    let org = org();
    let mut live = Reachability::new(&org, &Dependencies::from_profile_and_results(&org, &results));
    let mut open = Vec::new();
    for result in &results {
        live.observe(result);
        open.push(live.snapshot(result.end()).losses.first().map(|loss| loss.recovery.is_none()));
    }
    assert_eq!(open, [None, None, None, Some(true), Some(true), Some(false)]);
    assert_eq!(live.finish(at(6000)), findings(&results, 6000));
}

proptest::proptest! {
    /// Whatever the attempts, slow or quick: losses follow each other, each has failures enough, and none is counted twice.
    #[test]
    fn losses_are_disjoint_and_made_of_failures(attempts in proptest::collection::vec((0i64..20_000, proptest::bool::weighted(0.4)), 0..60)) {
        let attempts: Vec<_> = (0i64..).zip(&attempts).map(|(i, (took, good))| (i, *took, *good)).collect();
        let outcome = |good: bool| dns(if good { DnsKind::Answered } else { DnsKind::Timeout }, 5);
        let results: Vec<_> = attempts.iter().map(|(i, took, good)| result(i * 1000, *took, resolver("login.example.com", "A"), outcome(*good))).collect();
        let found = findings(&results, 0);
        let failures = attempts.iter().filter(|(_, _, good)| !good).count();
        let evidence: std::collections::BTreeSet<_> = found.losses.iter().flat_map(|loss| &loss.evidence).collect();
        proptest::prop_assert_eq!(evidence.len(), found.losses.iter().map(|loss| loss.evidence.len()).sum::<usize>());
        for loss in &found.losses {
            proptest::prop_assert!(loss.onset.earliest <= loss.onset.latest);
            let ends = loss.recovery.map(|r| r.earliest <= r.latest && loss.onset.latest <= r.latest);
            proptest::prop_assert!(ends.unwrap_or(true), "the onset is not after the recovery: {:?}", loss);
        }
        proptest::prop_assert!(found.losses.iter().all(|loss| loss.evidence.len() >= 3));
        let open = found.losses.iter().filter(|loss| loss.recovery.is_none()).count();
        proptest::prop_assert!(open <= 1, "only the last loss may be open");
        let covered = found.coverage.iter().map(|c| (c.attempts, c.successes)).next().unwrap_or_default();
        proptest::prop_assert_eq!(covered, (attempts.len() as u64, (attempts.len() - failures) as u64));
    }
}
