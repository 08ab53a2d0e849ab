//! RIS Live: recorded frames are read like archives, whatever their year.

use crate::wire::*;
use faultline::analysis::Analysis;
use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::feed::FeedEvent;
use faultline::incident::Verdict;
use faultline::observation::{FileId, GapCause, RecordRef};
use faultline::probe::{DnsKind, DnsOutcome, DnsServer, Outcome, ProbeResult, Target};
use faultline::replay::Replay;
use faultline::report::ReportView;
use faultline::rib::RouteState;
use faultline::source::{InputSpec, Interest, discover};
use faultline::time::{Span, Timestamp};
use faultline::timing::Timing;
use faultline::watch::{IncidentChange, Live};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A frame of a peer at a collector.
fn frame(seconds: &str, host: &str, rest: &str) -> String {
    let who = r#""peer":"192.0.2.1","peer_asn":"64505""#;
    format!(r#"{{"type":"ris_message","data":{{"timestamp":{seconds},{who},"host":"{host}",{rest}}}}}"#)
}

fn recorded(folder: &Path, lines: &[String]) -> PathBuf {
    let path = folder.join("recording.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

#[test]
fn frames_become_the_statements_of_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        frame("100", "rrc00", r#""type":"OPEN","direction":"received""#),
        frame(
            "101.5",
            "rrc00",
            r#""type":"UPDATE","path":[64505,64500],"announcements":[{"next_hop":"192.0.2.1,fe80::1","prefixes":["198.51.100.0/24"]}]"#,
        ),
        frame(
            "102",
            "rrc00.ripe.net",
            r#""type":"UPDATE","path":[],"announcements":[],"withdrawals":["198.51.100.0/24","2001:db8:0:0:0:0:0:0/32"]"#,
        ),
        frame("103", "rrc00.ripe.net", r#""type":"KEEPALIVE""#),
        frame("104", "rrc00.ripe.net", r#""type":"STATE","state":"down""#),
        frame("105", "rrc00", r#""type":"RIS_PEER_STATE","state":"connected""#),
        frame("106", "rrc00", r#""type":"NOTIFICATION","notification":{"code":6,"subcode":7,"data":"0607"}"#),
        frame("107", "rrc00", r#""type":"NOTIFICATION","notification":{"code":4,"subcode":0}"#),
    ];
    let read = read(vec![input(&recorded(folder.path(), &lines), "test", "recording", None)], Interest::Everything);
    assert_eq!(
        read.lines(),
        [
            "100 AS64505 up",
            "101 AS64505 announces 198.51.100.0/24#0 [64505 64500]",
            "102 AS64505 withdraws 198.51.100.0/24#0",
            "102 AS64505 withdraws 2001:db8::/32#0",
            "103 AS64505 alive",
            "104 AS64505 down",
            "105 AS64505 up",
            "107 AS64505 down",
        ]
    );
}

#[test]
fn frames_come_a_little_out_of_order_and_a_broken_line_costs_itself() {
    let folder = tempfile::tempdir().unwrap();
    let alive = |seconds: &str| frame(seconds, "rrc00", r#""type":"KEEPALIVE""#);
    let lines = [alive("100"), alive("101.5"), alive("101"), "{\"type\":\"ris_mess".to_owned(), alive("110"), alive("90")];
    let read = read(vec![input(&recorded(folder.path(), &lines), "test", "recording", None)], Interest::Everything);
    let times: Vec<String> = read.lines().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(times, ["100", "101", "101", "101", "110"], "a frame which is too late takes the time of the one before");
    let account = &read.accounts[0];
    assert_eq!((account.skipped_count, account.skipped[0].record, account.out_of_order), (1, 4, 1));
}

#[test]
fn the_end_of_a_table_is_told_by_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let bytes = |seconds: &str, message: &[u8]| frame(seconds, "rrc00", &format!(r#""type":"UPDATE","raw":"{}""#, hex(message)));
    let lines = [
        bytes("100", &update(&[], &[], &[])),
        bytes("101", &end_of_rib_v6()),
        bytes("102", &update(&["198.51.100.0/24"], &[], &[])),
    ];
    let read = read(vec![input(&recorded(folder.path(), &lines), "test", "recording", None)], Interest::Everything);
    assert_eq!(read.lines(), ["100 AS64505 end of IPv4", "101 AS64505 end of IPv6", "102 AS64505 withdraws 198.51.100.0/24#0"]);
}

#[test]
fn real_frames_of_every_year_are_read() {
    let Some(shared) = crate::skip::shared("data/rislive") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut messages = 0;
    // Two of these recordings have a line which is broken on purpose.
    let recordings = [
        ("a16-go-rislive/message_test.jsonl", None),
        ("bgpkit-parser/inline-test-strings.jsonl", Some("the bytes of a message cannot be read")),
        ("caida-libbgpstream/ris-live-stream.json", Some("is no frame of RIS Live: EOF while parsing an object")),
    ];
    for (name, broken) in recordings {
        let path = folder.path().join(name.replace('/', "-"));
        std::fs::copy(shared.join(name), &path).unwrap();
        let read = read(vec![input(&path, "test", "recording", None)], Interest::Everything);
        let causes: Vec<&str> = read.accounts[0].skipped.iter().map(|damage| damage.cause.as_str()).collect();
        assert_eq!(causes.len(), broken.iter().count(), "{name}: {causes:?}");
        assert!(causes.iter().zip(broken).all(|(cause, broken)| cause.starts_with(broken)), "{name}: {causes:?}");
        messages += read.lines().len();
    }
    assert!(messages > 20, "{messages}");
}

/// Frames of all messages in these archives, their bytes included, one a line.
pub fn replayed(archives: &Path) -> Vec<u8> {
    let specs = [InputSpec { path: archives.to_owned(), collector: None }];
    let replay = Replay::open(discover(&specs).unwrap(), 1).unwrap();
    let frames: Vec<String> = replay.map(|shown| shown.to_frame(true).unwrap()).collect();
    assert!(frames.len() > 100, "{} frames of {}", frames.len(), archives.display());
    frames.join("\n").into_bytes()
}

/// What is found in archives, without where it stands in them.
fn found(inputs: Vec<PathBuf>, case: &Path) -> Value {
    let probes = ["dns.jsonl.gz", "http.jsonl.gz"].map(|name| case.join(name)).to_vec();
    let inputs = Inputs { inputs, collectors: Vec::new(), probes, threads: None };
    found_in(&analyze(&inputs, &Timing::default()).unwrap())
}

/// What was found, without where it stands.
pub fn found_in(analysis: &Analysis) -> Value {
    let view = ReportView::of(analysis, "2026-11-23T12:00:00Z".parse().unwrap());
    let mut report: Value = serde_json::from_str(&crate::written::json(&view)).unwrap();
    let mut found = Value::from(vec![report["outcome"].take(), report["incidents"].take(), report["observed"].take()]);
    without_places(&mut found);
    found
}

fn without_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // In how many files it stands is told in words, too.
            for place in ["source", "file", "record", "files", "proof", "name", "id"] {
                fields.remove(place);
            }
            fields.values_mut().for_each(without_places);
        }
        Value::Array(list) => list.iter_mut().for_each(without_places),
        _ => {}
    }
}

// Why: an archive and the same messages as a stream must tell the same incidents.
#[test]
fn replayed_messages_tell_the_same_incidents_as_their_archives() {
    let profile = || PathBuf::from("data/lab/lab.toml");
    let mut incidents = 0;
    for case in ["A", "B", "C", "D", "E", "H"] {
        let case = PathBuf::from("data/lab").join(case);
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("recording.jsonl");
        std::fs::write(&recording, replayed(&case.join("mrt"))).unwrap();
        // Streams have no tables.
        let tables = glob::glob(&format!("{}/mrt/*/rib*", case.display())).unwrap().map(Result::unwrap);
        let of_archives = found(vec![profile(), case.join("mrt")], &case);
        let of_stream = found([profile(), recording].into_iter().chain(tables).collect(), &case);
        assert_eq!(of_archives, of_stream, "case {}", case.display());
        incidents += of_archives[1].as_array().map_or(0, Vec::len);
    }
    assert_eq!(incidents, 5, "the cases with an incident");
}

/// What a run which watches the same messages finds in the end, and what it told on the way.
fn watched(profile: &str, frames: &[u8], each: usize) -> (Analysis, Vec<(IncidentChange, usize)>) {
    let organization = faultline::org::profile::read(Path::new(profile)).unwrap().organization;
    let mut live = Live::new(organization, "recording.jsonl");
    let mut told = Vec::new();
    for (number, frame) in frames.split(|byte| *byte == b'\n').enumerate() {
        live.take(frame);
        if number % each == 0
            && let Some((_, events)) = live.look()
        {
            told.extend(events);
        }
    }
    let (analysis, events) = live.end();
    told.extend(events);
    (analysis, told.into_iter().map(|event| (event.change, event.number)).collect())
}

// Why: what is found while it happens must be what is found afterwards, and be told once.
#[test]
fn watching_finds_what_analyzing_the_recording_does_and_tells_each_change_once() {
    let profile = "data/lab/lab.toml";
    let mut incidents = 0;
    for case in ["A", "B", "C", "H"] {
        let archives = PathBuf::from("data/lab").join(case).join("mrt");
        let (frames, archives) = (replayed(&archives), archives.display());
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("recording.jsonl");
        std::fs::write(&recording, &frames).unwrap();
        let inputs = Inputs { inputs: vec![profile.into(), recording], collectors: Vec::new(), probes: Vec::new(), threads: None };
        let recorded = analyze(&inputs, &Timing::default()).unwrap();
        let (live, told) = watched(profile, &frames, 50);
        assert_eq!(found_in(&recorded), found_in(&live), "{archives}");
        let of = |change: IncidentChange| told.iter().filter(|(told, _)| *told == change).count();
        let found = &live.correlation.incidents;
        let over = found.iter().filter(|incident| !incident.is_open()).count();
        assert_eq!((of(IncidentChange::Opened), of(IncidentChange::Closed)), (found.len(), over), "{archives}: {told:?}");
        incidents += found.len();
        assert_eq!((of(IncidentChange::Reopened), of(IncidentChange::Withdrawn)), (0, 0), "{archives}: {told:?}");
    }
    assert!(incidents >= 2, "{incidents}");
}

// Why: what was said while the connection was lost nobody knows; silence of our own is neither an outage nor health.
#[test]
fn a_lost_connection_makes_routes_unknown_and_no_incident() {
    let organization = faultline::org::profile::read(Path::new("data/lab/lab.toml")).unwrap().organization;
    let prefix = organization.prefixes[0].prefix;
    let mut live = Live::new(organization, "test");
    let mut at = 1_000;
    let announce = |live: &mut Live, at: i64| {
        for peer in 1..=12 {
            let update = format!(
                r#""type":"UPDATE","path":[{},64500],"announcements":[{{"next_hop":"192.0.2.1","prefixes":["{prefix}"]}}]"#,
                64600 + peer
            );
            let frame = frame(&at.to_string(), "rrc00", &update)
                .replace("192.0.2.1\",\"peer_asn\":\"64505", &format!("192.0.2.{peer}\",\"peer_asn\":\"{}", 64600 + peer));
            assert_eq!(live.take(frame.as_bytes()), None);
        }
    };
    let seen = |live: &Live| {
        let routing = live.analysis().routing;
        routing.views(&prefix).iter().filter(|view| view.state == RouteState::Present).count()
    };
    for _ in 0..20 {
        announce(&mut live, at);
        at += 60;
        live.pass(Timestamp::from_parts(at, 0));
    }
    assert_eq!(seen(&live), 12);
    // The last frames are held back still when the connection is lost.
    announce(&mut live, at);
    live.lost(Timestamp::from_parts(at + 1, 0), Timestamp::from_parts(at + 600, 0));
    live.pass(Timestamp::from_parts(at + 600, 0));
    assert_eq!(seen(&live), 0, "nobody knows");
    // A wrong clock, a century ahead, would end everything.
    announce(&mut live, at + 3_000_000_000);
    assert_eq!((seen(&live), live.analysis().bgp_files[0].skipped_count), (0, 12));
    announce(&mut live, at + 601);
    live.pass(Timestamp::from_parts(at + 700, 0));
    assert_eq!(seen(&live), 12);
    let (analysis, events) = live.end();
    assert!(events.is_empty() && analysis.correlation.incidents.is_empty());
    let gaps = analysis.routing.notes.iter().filter(|note| note.what == FeedEvent::Gap(GapCause::Disconnected)).count();
    assert_eq!(gaps, 1);
}

/// Twelve peers say something.
fn say(live: &mut Live, at: f64, rest: &dyn Fn(i32) -> String) {
    for peer in 1..=12 {
        let who = format!("192.0.2.{peer}\",\"peer_asn\":\"{}", 64600 + peer);
        let frame = frame(&at.to_string(), "rrc00", &rest(peer)).replace("192.0.2.1\",\"peer_asn\":\"64505", &who);
        assert_eq!(live.take(frame.as_bytes()), None);
    }
}

/// The lab's organization, whose prefixes twelve peers have told of for twenty minutes from 1,000 s on; these prefixes, and the hold.
fn lab() -> (Live, Vec<String>, Span) {
    let organization = faultline::org::profile::read(Path::new("data/lab/lab.toml")).unwrap().organization;
    let own: Vec<String> = organization.prefixes.iter().map(|own| format!("\"{}\"", own.prefix)).collect();
    let hold = organization.settings.open_hold;
    let mut live = Live::new(organization, "test");
    let all = own.join(",");
    for minute in 0..20 {
        say(&mut live, 1_000.0 + f64::from(minute) * 60.0, &|peer| {
            let path = format!(r#""type":"UPDATE","path":[{},64500]"#, 64600 + peer);
            format!(r#"{path},"announcements":[{{"next_hop":"192.0.2.1","prefixes":[{all}]}}]"#)
        });
    }
    (live, own, hold)
}

fn withdrawn(list: &[&String]) -> String {
    let list: Vec<&str> = list.iter().map(|prefix| prefix.as_str()).collect();
    format!(r#""type":"UPDATE","announcements":[],"withdrawals":[{}]"#, list.join(","))
}

// Why: who is told first that only the service is lost looks for the fault in the wrong place.
#[test]
fn what_is_lost_within_a_second_is_told_together() {
    let (mut live, own, hold) = lab();
    let is_web = |prefix: &&String| prefix.contains("198.18.64.0") || prefix.contains("face");
    let (web, others): (Vec<&String>, Vec<&String>) = own.iter().partition(is_web);
    assert!(!web.is_empty() && !others.is_empty());
    say(&mut live, 2_200.0, &|_| withdrawn(&web));
    say(&mut live, 2_200.6, &|_| withdrawn(&others));
    let until = Timestamp::from_parts(2_200, 0) + hold + Span::from_seconds(5);
    let mut at = Timestamp::from_parts(2_201, 0);
    let first = std::iter::from_fn(|| {
        at = at + Span::from_micros(250_000);
        (at < until).then(|| {
            live.pass(at);
            live.look().map(|(analysis, events)| (at, analysis, events))
        })
    });
    let (told_at, analysis, events) = first.flatten().next().expect("it is told");
    assert_eq!(events.iter().map(|event| event.change).collect::<Vec<_>>(), [IncidentChange::Opened]);
    assert_eq!(analysis.correlation.incidents[0].evidence.withdrawals.len(), own.len());
    assert!(told_at <= Timestamp::from_parts(2_200, 0) + hold + Span::from_seconds(1), "{told_at}");
}

// Why: the same. Names which begin to fail with the routes are down only after the third attempt.
#[test]
fn what_begins_to_fail_with_the_routes_is_waited_for() {
    let (mut live, own, hold) = lab();
    say(&mut live, 2_200.0, &|_| withdrawn(&own.iter().collect::<Vec<_>>()));
    let attempt = |millis: i64, kind: DnsKind| ProbeResult {
        at: Timestamp::from_micros(millis * 1_000),
        took: Span::from_micros(10_000),
        vantage: "office".into(),
        target: Target::Dns {
            server: DnsServer::Resolver { address: Some("192.0.2.53".parse().unwrap()), name: None },
            name: "www.megacorp.example".into(),
            record_type: "A".into(),
        },
        outcome: Outcome::Dns(DnsOutcome { kind, extended_error: None, authoritative: false, answers: Vec::new() }),
        source: RecordRef { file: FileId(0), record: 1 },
    };
    live.take_result(attempt(2_190_000, DnsKind::Answered));
    let mut failures = [2_201_000, 2_203_000, 2_205_400].into_iter().peekable();
    let (begin, until) = (Timestamp::from_parts(2_201, 0), Timestamp::from_parts(2_200, 0) + hold + Span::from_seconds(2));
    let mut at = begin;
    let told = loop {
        while let Some(millis) = failures.next_if(|millis| Timestamp::from_micros(millis * 1_000) <= at) {
            live.take_result(attempt(millis, DnsKind::ServFail));
        }
        live.pass(at);
        if let Some((analysis, _)) = live.look().filter(|(_, events)| !events.is_empty()) {
            break analysis;
        }
        at = at + Span::from_micros(250_000);
        assert!(at < until, "it is told");
    };
    assert_eq!(told.correlation.incidents[0].verdict().verdict, Verdict::RoutingNameServers, "told at {at}");
    assert!(at <= Timestamp::from_parts(2_200, 0) + hold + Span::from_seconds(1), "{at}");
}

// Why: with a table dump it is known at once who has the prefixes, and the first word of a vantage point is news.
#[test]
fn watching_begins_with_what_table_dumps_tell() {
    let organization = faultline::org::profile::read(Path::new("data/lab/lab.toml")).unwrap().organization;
    let dumps = ["cfrr/rib.20261122.091323.mrt.gz", "copen/rib.20261122.091309.mrt.gz"];
    let specs = dumps.map(|dump| InputSpec { path: PathBuf::from("data/lab/A/mrt").join(dump), collector: None });
    let mut live = Live::new(organization, "test").seeded(discover(&specs).unwrap(), 1).unwrap();
    let (known, all) = live.known_tables();
    assert!(known > 10 && known <= all, "{known} of {all}");
    let unread = live.analysis();
    assert!(unread.correlation.incidents.is_empty() && unread.bgp_files.len() == 3, "two dumps and the stream");
    for frame in replayed(Path::new("data/lab/A/mrt")).split(|byte| *byte == b'\n') {
        live.take(frame);
    }
    let (analysis, ..) = live.end();
    let [incident] = analysis.correlation.incidents.as_slice() else { panic!("one incident") };
    let withdrawals = &incident.evidence.withdrawals;
    assert!(!incident.is_open() && withdrawals.len() == 8 && withdrawals.iter().all(|withdrawal| withdrawal.covers_known));
}

// Why: a server may hold the connection and send nothing: that is our blindness, not a quiet network.
#[test]
fn a_stream_without_the_beacons_of_ris_is_taken_for_silent() {
    let organization = faultline::org::profile::read(Path::new("data/lab/lab.toml")).unwrap().organization;
    let prefix = organization.prefixes[0].prefix;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut live = Live::new(organization, "wss://ris-live.ripe.net/v1/ws/");
    let asked = live.subscriptions(false).iter().filter(|asked| asked["data"]["prefix"] == "84.205.65.0/24").count();
    assert_eq!(asked, 1);
    live.connected(at("2026-11-28T03:00:00Z"));
    let speak = |live: &mut Live, time: &str, prefix: &str| {
        let seconds = at(time).micros() / 1_000_000;
        let route = format!(r#""announcements":[{{"next_hop":"192.0.2.1","prefixes":["{prefix}"]}}]"#);
        live.take(frame(&seconds.to_string(), "rrc01", &format!(r#""type":"UPDATE","path":[64505,64500],{route}"#)).as_bytes());
        live.pass(at(time) + Span::from_seconds(10));
    };
    let seen = |live: &Live| live.analysis().routing.views(&prefix).iter().filter(|view| view.state == RouteState::Present).count();
    speak(&mut live, "2026-11-28T03:59:00Z", &prefix.to_string());
    speak(&mut live, "2026-11-28T04:00:20Z", "84.205.65.0/24");
    assert_eq!(live.silent(at("2026-11-28T04:30:00Z")), None, "a beacon was spoken of");
    assert_eq!((live.silent(at("2026-11-28T06:09:00Z")), seen(&live)), (None, 1));
    let since = at("2026-11-28T06:00:00Z");
    assert_eq!(live.silent(at("2026-11-28T06:10:00Z")), Some(since));
    live.pass(at("2026-11-28T06:10:10Z"));
    assert_eq!(seen(&live), 0, "nobody knows");
    assert_eq!(live.silent(at("2026-11-28T06:11:00Z")), None, "it is told once a turn");
}
