//! Which of several things is the cause: what happens before, beside or behind an outage must not be taken for it, nor hide it.
//!
//! Each case is a few events of one afternoon, played into archives and probe results and analyzed as the program does it. 16 peers, three
//! probing vantages, one probe a minute, all thresholds at their defaults.

use faultline::analysis::{Analysis, Outcome};
use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::drill;
use faultline::incident::ReasonCode;
use faultline::incident::Verdict::{self, *};
use faultline::report::{ReportView, markdown};
use std::path::Path;

const TIMELINE: &str = include_str!("causes/timeline.toml");
const PROFILE: &str = include_str!("causes/profile.toml");
const NAME_SERVERS: &str = r#""198.51.100.0/24", "203.0.113.0/24", "2001:db9:53::/48""#;
const SHOP: &str = r#""192.0.2.0/24""#;
const PAGES: &str = r#"pages = ["shop", "shop at address"]"#;

/// Something in BGP, or something which clients meet: a table of the timeline, its times, and the rest of its keys.
fn event(table: &str, from: &str, until: &str, keys: &str) -> String {
    let at = |clock: &str| format!("2026-03-01T{clock}:00Z");
    format!("[[{table}]]\nat = {}\nuntil = {}\n{}\n", at(from), at(until), keys.replace("; ", "\n"))
}

fn withdraw(from: &str, until: &str, prefixes: &str) -> String {
    event("events", from, until, &format!(r#"action = "withdraw"; prefixes = [{prefixes}]"#))
}

fn hijack(from: &str, until: &str, prefixes: &str, more: &str) -> String {
    event("events", from, until, &format!(r#"action = "hijack"; origin = 64666; prefixes = [{prefixes}]; {more}"#))
}

/// The service times out.
fn silent(from: &str, until: &str) -> String {
    event("http", from, until, &format!(r#"outcome = "connect_timeout"; {PAGES}"#))
}

/// The service answers with an error.
fn error(from: &str, until: &str, more: &str) -> String {
    event("http", from, until, &format!(r#"outcome = "answered"; status = 500; {PAGES}; {more}"#))
}

fn control_fails(from: &str, until: &str, page: &str, more: &str) -> String {
    event("http", from, until, &format!(r#"outcome = "connect_timeout"; pages = ["{page}"]; {more}"#))
}

/// Name servers do not answer when asked directly, and then resolvers do not.
fn names_fail(from: &str, later: &str, until: &str) -> String {
    event("dns", from, until, r#"outcome = "timeout"; via = "authority"; names = ["example.com"]"#)
        + &event("dns", later, until, r#"outcome = "servfail"; via = "resolver"; names = ["example.com"]"#)
}

fn play(events: &[String], profile: &str) -> Analysis {
    let timeline =
        drill::parse(Path::new("causes.toml"), &(TIMELINE.to_owned() + &events.concat())).unwrap_or_else(|error| panic!("{error}"));
    let folder = tempfile::tempdir().unwrap();
    drill::write(&timeline, folder.path()).unwrap();
    let organization = folder.path().join("org.toml");
    std::fs::write(&organization, PROFILE.to_owned() + profile).unwrap();
    let probes = ["dns.jsonl.gz", "http.jsonl.gz", "status.jsonl.gz"].map(|name| folder.path().join(name));
    let probes = probes.into_iter().filter(|path| path.exists()).collect();
    let inputs = vec![organization, folder.path().join("mrt")];
    analyze(&Inputs { inputs, collectors: Vec::new(), probes, threads: None }, &faultline::timing::Timing::default()).unwrap()
}

fn verdicts(analysis: &Analysis) -> Vec<Verdict> {
    analysis.correlation.incidents.iter().map(|incident| incident.verdict().verdict).collect()
}

fn assert_verdicts(cases: &[(&str, Vec<String>, &[Verdict])]) {
    for (what, events, expected) in cases {
        assert_eq!(verdicts(&play(events, "")), *expected, "{what}");
    }
}

// Why: what one neighbour once heard of carries nobody's traffic. It must not hide that the prefix which does was lost.
#[test]
fn a_stray_more_specific_does_not_hold_an_address() {
    let leak = |from, until, prefixes| hijack(from, until, prefixes, "count = 1");
    let of_servers = r#""198.51.100.0/25", "203.0.113.0/25", "2001:db9:53::/49""#;
    let lost = || [withdraw("13:20", "13:50", SHOP), silent("13:21", "13:51")].concat();
    assert_verdicts(&[
        ("heard of by one AS before", vec![leak("12:10", "12:20", r#""192.0.2.0/25""#), lost()], &[RoutingServiceAddresses]),
        (
            "a hijack which was over an hour before",
            vec![hijack("12:10", "12:20", r#""192.0.2.0/25""#, ""), lost()],
            &[ForeignOriginNoImpact, RoutingServiceAddresses],
        ),
        (
            "heard of by one AS an hour after, and the host was down",
            vec![silent("12:20", "12:35"), leak("14:00", "14:10", r#""192.0.2.0/25""#)],
            &[HostOrPath],
        ),
        (
            "name servers",
            vec![
                leak("12:10", "12:12", of_servers),
                withdraw("12:50", "13:20", NAME_SERVERS),
                names_fail("12:51", "12:54", "13:21"),
            ],
            &[RoutingNameServers],
        ),
    ]);
}

// Why: caches, long connections and slow spread make it late. While its own prefix is gone nothing else is as good a cause.
#[test]
fn what_fails_while_its_prefix_is_withdrawn_fails_because_of_it() {
    let most = event("events", "12:40", "14:00", r#"action = "withdraw"; prefixes = ["192.0.2.0/24"]; percent = 60; pick = "a""#);
    let slow = event("events", "12:40", "13:50", r#"action = "withdraw"; prefixes = ["192.0.2.0/24"]; spread = "25min""#);
    assert_verdicts(&[
        ("half an hour later", vec![withdraw("12:40", "14:00", SHOP), silent("13:10", "13:50")], &[RoutingServiceAddresses]),
        ("in two steps", vec![most, withdraw("13:10", "14:00", SHOP), silent("13:11", "14:01")], &[RoutingServiceAddresses]),
        ("slowly", vec![slow, silent("12:56", "13:51")], &[RoutingServiceAddresses]),
    ]);
}

// Why: an outage of an hour does not vanish because somebody else's page was down for five minutes of it.
#[test]
fn a_control_which_fails_for_a_moment_or_alone_mutes_nothing() {
    let both = |from, until| control_fails(from, until, "control", "") + &control_fails(from, until, "control2", "");
    assert_verdicts(&[
        ("all controls for a moment", vec![error("12:30", "14:00", ""), both("13:00", "13:05")], &[Application]),
        (
            "one control all the time",
            vec![error("12:30", "14:00", ""), control_fails("12:10", "14:20", "control", "")],
            &[Application],
        ),
        (
            "for a moment of a withdrawal",
            vec![withdraw("12:40", "14:00", SHOP), silent("12:41", "14:01"), both("13:20", "13:24")],
            &[RoutingServiceAddresses],
        ),
        ("whenever the service did", vec![error("12:30", "13:00", ""), both("12:30", "13:00")], &[]),
    ]);
}

// Why: what one place saw, or was over, did not take routes away.
#[test]
fn a_layer_below_failed_first_only_if_it_did_so_for_most_and_still_does() {
    let lost = || [withdraw("13:00", "13:30", SHOP), silent("13:01", "13:31")].concat();
    let degraded = event("status", "12:40", "13:32", r#"services = ["Shop"]; reporter = "users"; status = "degraded""#);
    assert_verdicts(&[
        ("at one of three", vec![error("12:40", "13:31", r#"vantages = ["office"]"#), lost()], &[RoutingServiceAddresses]),
        ("over before", vec![error("12:40", "12:56", ""), lost()], &[RoutingServiceAddresses]),
        ("users report that it is slow", vec![degraded, lost()], &[RoutingServiceAddresses]),
        ("everywhere, and still", vec![error("12:55", "13:31", ""), withdraw("13:00", "13:30", SHOP)], &[LowerLayerFirst]),
    ]);
}

// Why: a hijack which began long after the service broke did not break it, and one of name servers breaks more than names.
#[test]
fn a_foreign_origin_is_the_cause_of_what_begins_with_it() {
    assert_verdicts(&[
        (
            "after the application broke",
            vec![error("12:30", "14:00", ""), hijack("13:15", "13:45", r#""192.0.2.0/25""#, "")],
            &[Application],
        ),
        (
            "of name servers",
            vec![hijack("12:40", "13:20", NAME_SERVERS, ""), names_fail("12:41", "12:42", "13:21")],
            &[RoutingForeignOrigin],
        ),
        ("and nothing fails", vec![hijack("12:40", "13:20", SHOP, "")], &[ForeignOriginNoImpact]),
    ]);
}

// Why: losses each shorter than the hold are no withdrawal, but routing has broken what nobody reaches because of them.
#[test]
fn what_is_out_of_reach_while_its_prefixes_flap_is_not_invisible_in_bgp() {
    let flap = |from, prefixes: &str, times: u32| {
        let flaps =
            format!(r#"action = "flap"; prefixes = [{prefixes}]; times = {times}; period = "90s"; down = "50s"; spread = "2s""#);
        event("events", from, "14:00", &flaps).replace("until = 2026-03-01T14:00:00Z\n", "")
    };
    assert_verdicts(&[
        ("ten times", vec![flap("12:40", SHOP, 10), silent("12:41", "12:55")], &[RoutingFlapping]),
        ("name servers", vec![flap("12:40", NAME_SERVERS, 10), names_fail("12:41", "12:42", "12:55")], &[RoutingFlapping]),
        ("another prefix", vec![flap("12:40", NAME_SERVERS, 10), silent("12:41", "12:55")], &[HostOrPath]),
        ("once, and the host stays down", vec![flap("12:40", SHOP, 1), silent("12:41", "13:41")], &[HostOrPath]),
        ("after the host went down", vec![silent("12:20", "12:58"), flap("12:40", SHOP, 12)], &[HostOrPath]),
        ("while the application is broken", vec![flap("12:40", SHOP, 10), error("12:41", "12:55", "")], &[Application]),
    ]);
    let analysis = play(&[flap("12:40", SHOP, 10), silent("12:41", "12:55")], "");
    let verdict = analysis.correlation.incidents[0].verdict();
    let said = |code: ReasonCode| verdict.services[0].reasons_for.iter().find(|reason| reason.code == code);
    let flapped = &said(ReasonCode::PrefixesFlapped).unwrap().text;
    assert!(flapped.starts_with("192.0.2.0/24 lost by many and back 10 times between 2026-03-01 12:40:"), "{flapped}");
    assert!(flapped.ends_with("seen by 0 of 16 ASes at worst"), "{flapped}");
    assert_eq!(said(ReasonCode::RoutesPresent), None, "they were not");
    assert!(analysis.correlation.observed.is_empty(), "told in the incident, and not beside it");
}

// Why: with many collectors one has a gap nearly always. Whether routes were there is known as long as enough others tell.
#[test]
fn a_gap_of_one_collector_hides_nothing_from_the_others() {
    let second = |peers: u32| format!("[[collectors]]\nname = \"rrc01\"\npeers = {peers}\nkeepalives = \"60s\"\n");
    let cut = |of: &str| event("events", "12:35", "13:10", &format!(r#"action = "feed_cut"; collectors = [{of}]"#));
    let (one, both) = (cut(r#""rrc01""#), cut(r#""rrc00", "rrc01""#));
    let down = silent("12:41", "12:55");
    assert_verdicts(&[
        ("one of one", vec![cut(r#""rrc00""#), down.clone()], &[Undetermined]),
        ("one of two", vec![second(8), one.clone(), down.clone()], &[HostOrPath]),
        (
            "one of two, and half of all ASes: the threshold cannot be crossed",
            vec![second(16), one.clone(), down.clone()],
            &[Undetermined],
        ),
        ("both of two", vec![second(8), both, down.clone()], &[Undetermined]),
    ]);
    let verdict = play(&[second(8), one, down], "").correlation.incidents[0].verdict();
    let gap = verdict.services[0].reasons_against.iter().find(|reason| reason.code == ReasonCode::FeedGap).unwrap();
    assert!(
        gap.text.starts_with("rrc01: nothing recorded; 16 ASes with a full feed of other collectors were heard"),
        "{}",
        gap.text
    );
}

// Why: servers which failed one after the other, or for one place only, answered all the time.
#[test]
fn authorities_are_down_only_if_all_of_them_are_at_once() {
    let names = r#"outcome = "servfail"; via = "resolver"; names = ["example.com"]; extended_error = 7"#;
    let server = |from, until, name: &str| {
        event("dns", from, until, &format!(r#"outcome = "timeout"; via = "authority"; servers = ["{name}"]"#))
    };
    let resolvers = event("dns", "12:40", "13:20", names);
    let (first, second) = ("ns1.example.com", "ns2.example.com");
    assert_verdicts(&[
        (
            "one after the other",
            vec![server("12:40", "12:46", first), server("12:50", "12:56", second), resolvers.clone()],
            &[DnsResolver],
        ),
        ("both", vec![server("12:40", "13:20", first), server("12:40", "13:20", second), resolvers], &[DnsAuthorities]),
    ]);
}

// Why: planned work which breaks a service is its cause, and nobody must read that nothing was withdrawn.
#[test]
fn planned_work_is_told_as_the_cause_of_what_it_breaks() {
    let window = "[[maintenance]]\nfrom = 2026-03-01T12:30:00Z\nuntil = 2026-03-01T13:30:00Z\nnote = \"new fibre\"\n";
    let events = [withdraw("12:40", "13:20", SHOP), silent("12:41", "13:21")];
    let analysis = play(&events, window);
    assert_eq!(verdicts(&analysis), [RoutingServiceAddresses]);
    let text = markdown(&ReportView::of(&analysis, "2026-03-01T15:00:00Z".parse().unwrap()));
    assert!(text.contains("new fibre"), "the window is told");
    assert_eq!(verdicts(&play(&events[..1], window)), []);
}

// Why: a page which works only because nobody could look is not well.
#[test]
fn a_cover_delivers_only_if_somebody_who_was_not_offline_saw_it() {
    let cover = "[[routes]]\nprefixes = [\"192.0.0.0/16\"]\norigin = 64500\n".to_owned();
    let offline = control_fails("12:59", "13:42", "control", "") + &control_fails("12:59", "13:42", "control2", "");
    let lost = || withdraw("13:00", "13:40", SHOP);
    assert_eq!(verdicts(&play(&[cover.clone(), lost()], "")), [], "observed, and no incident");
    let blind = play(&[cover, lost(), silent("12:59", "13:42"), offline], "");
    assert_eq!(verdicts(&blind).len(), 1, "what it did to the service nobody knows");
    assert!(!verdicts(&blind).contains(&RoutingCoverDelivers));
}

// Why: probes which never succeeded, and never failed often enough to count, say nothing: neither that all is well, nor that enough was seen.
#[test]
fn what_never_succeeded_is_not_known_to_be_well() {
    let patient = "[settings]\ndown_after = 1000\n";
    let nothing = [silent("12:00", "14:30"), names_fail("12:00", "12:00", "14:30")].concat();
    let quiet = play(std::slice::from_ref(&nothing), patient);
    assert_eq!((verdicts(&quiet), quiet.outcome()), (vec![], Outcome::CouldNotTell), "{:?}", quiet.doubts());
    assert!(quiet.doubts()[0].starts_with("no probe of Shop, or of its names, ever succeeded"), "{:?}", quiet.doubts());
    let lost = play(&[nothing, withdraw("13:00", "13:40", SHOP)], patient);
    let verdict = lost.correlation.incidents[0].verdict();
    let reasons = &verdict.services[0].reasons_for;
    assert!(!reasons.iter().any(|reason| reason.code == ReasonCode::ProbedWell), "{reasons:?}");
}
