//! Routers as they speak: connections and time in, incidents out, without a network.

use super::*;
use crate::ris_live::found_in;
use crate::watch_recording::same;
use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::feed::FeedEvent;
use faultline::observation::GapCause;
use faultline::rib::RouteState;
use faultline::source::FileKind;
use faultline::source::bmp::frame::message_length;
use faultline::source::bmp::{ConnectionId, RouterEvent, RouterNews};
use faultline::time::{Span, Timestamp};
use faultline::timing::Timing;
use faultline::watch::record::{Part, Recorder, recorded};
use faultline::watch::{IncidentChange, Live};

const LAB: &str = "data/lab/lab.toml";

fn live() -> Live {
    let organization = faultline::org::profile::read(Path::new(LAB)).unwrap().organization;
    Live::new(organization, "test")
}

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_parts(seconds, 0)
}

fn connect(live: &mut Live, connection: u64, name: Option<&str>) {
    let address = format!("192.0.2.{}", 100 + connection % 10).parse().unwrap();
    let (connection, name) = (ConnectionId(connection), name.map(str::to_owned));
    assert_eq!(live.router(RouterEvent::Connected { connection, address, name }), []);
}

fn say(live: &mut Live, connection: u64, bytes: Vec<u8>, at: Timestamp) -> Vec<RouterNews> {
    live.router(RouterEvent::Messages { connection: ConnectionId(connection), bytes, at })
}

fn lose(live: &mut Live, connection: u64, at: Timestamp) -> Vec<RouterNews> {
    live.router(RouterEvent::Lost { connection: ConnectionId(connection), reason: "test".to_owned(), at })
}

/// When the messages of a recorded connection came, about: as late as the latest which tells a time.
fn timed(bytes: &[u8]) -> Vec<(Timestamp, Vec<u8>)> {
    let mut out = Vec::new();
    let (mut rest, mut clock) = (bytes, 0);
    while let Ok(Some(length)) = message_length(rest) {
        let (message, after) = rest.split_at(length);
        if message[5] <= 1 {
            clock = clock.max(u32::from_be_bytes(message[40..44].try_into().unwrap()));
        }
        out.push((second(i64::from(clock)), message.to_vec()));
        rest = after;
    }
    let first = out.iter().map(|(at, _)| *at).find(|at| *at > second(0)).unwrap();
    out.iter_mut().for_each(|(at, _)| *at = (*at).max(first));
    out
}

// Why: two routers, heard at once as they spoke, must give what their recordings give.
#[test]
fn two_routers_heard_at_once_tell_the_incident_of_case_a() {
    let mut live = live();
    let mut all: Vec<(Timestamp, u64, Vec<u8>)> = Vec::new();
    for (connection, router) in [(1, "cfrr"), (2, "cgobgp")] {
        all.extend(timed(&recording(&of_case_a(router))).into_iter().map(|(at, message)| (at, connection, message)));
        connect(&mut live, connection, Some(router));
    }
    all.sort_by_key(|(at, ..)| *at);
    let (mut told, mut news) = (Vec::new(), Vec::new());
    let mut passed = all[0].0;
    for (at, connection, message) in all {
        while passed < at {
            passed = passed + Span::from_seconds(1);
            live.pass(passed - Span::from_seconds(5));
            told.extend(live.look().into_iter().flat_map(|(_, events)| events));
        }
        news.extend(say(&mut live, connection, message, at));
    }
    let mut names: Vec<String> = news.iter().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["the router cfrr (192.0.2.101) tells of its peers", "the router cgobgp (192.0.2.102) tells of its peers"]);
    let (analysis, last) = live.end();
    told.extend(last);
    let changes: Vec<IncidentChange> = told.iter().map(|event| event.change).collect();
    assert!(told.iter().all(|event| event.number == 1), "{told:?}");
    assert_eq!((changes.first(), changes.last()), (Some(&IncidentChange::Opened), Some(&IncidentChange::Closed)), "{changes:?}");
    let [incident] = analysis.correlation.incidents.as_slice() else { panic!("one incident") };
    assert_eq!(incident.evidence.withdrawals.len(), 8);
    // One file for the stream, which is none here, and one a router.
    let files: Vec<(&str, u64)> = analysis.bgp_files.iter().map(|file| (file.collector.as_str(), file.skipped_count)).collect();
    assert_eq!(files[1..], [("cgobgp", 0), ("cfrr", 0)]);
    let mut collectors: Vec<&str> = analysis.vantages.collectors().map(|(_, name)| &**name).collect();
    collectors.sort_unstable();
    assert_eq!(collectors, ["cfrr", "cgobgp"]);
}

// Why: what was watched is to be looked at again, and by others; it must be what was seen, routers included.
#[test]
fn a_recording_of_routers_tells_what_was_found_while_they_spoke() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::begin(folder.path()).unwrap();
    let mut live = live();
    live.record(recorder.first_of_probes().to_owned());
    let mut all: Vec<(Timestamp, u64, Vec<u8>)> = Vec::new();
    for (connection, router) in [(1, "cfrr"), (2, "cgobgp")] {
        all.extend(timed(&recording(&of_case_a(router))).into_iter().map(|(at, message)| (at, connection, message)));
        connect(&mut live, connection, Some(router));
    }
    all.sort_by_key(|(at, ..)| *at);
    let (mut passed, last) = (all[0].0, all.last().unwrap().0);
    for (at, connection, message) in all {
        while passed < at {
            passed = passed + Span::from_seconds(1);
            live.pass(passed - Span::from_micros(700_000));
            live.recorded().into_iter().for_each(|(part, lines)| recorder.put(part, lines, passed));
        }
        // One of the two is lost before anything is back.
        if connection == 2 && at > last - Span::from_seconds(60) {
            lose(&mut live, 2, at);
        } else {
            say(&mut live, connection, message, at);
        }
    }
    live.pass(last + Span::from_seconds(1));
    live.recorded().into_iter().for_each(|(part, lines)| recorder.put(part, lines, last));
    assert_eq!(recorder.end(), None);
    let (analysis, _) = live.end();
    assert_eq!(analysis.correlation.incidents.len(), 1);

    let files: Vec<PathBuf> =
        [Part::Stream, Part::Routers].into_iter().flat_map(|part| recorded(folder.path(), part).unwrap()).collect();
    assert_eq!(files.len(), 2);
    let inputs = [PathBuf::from("data/lab/lab.toml")].into_iter().chain(files).collect();
    let inputs = Inputs { inputs, collectors: Vec::new(), probes: Vec::new(), threads: None };
    let again = analyze(&inputs, &Timing::default()).unwrap();
    let of_routers = again.bgp_files.iter().find(|file| file.path.ends_with("routers-0001.jsonl")).unwrap();
    assert_eq!((of_routers.kind, of_routers.skipped_count, of_routers.withdrawn > 0), (FileKind::Bmp, 0, true));
    same(&found_in(&analysis), &found_in(&again), "the recording");
}

/// Twelve peers' tables of one prefix.
fn tables(prefix: &str, at: u32) -> Vec<u8> {
    const PEERS: [&str; 12] = [
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
        "192.0.2.4",
        "192.0.2.5",
        "192.0.2.6",
        "192.0.2.7",
        "192.0.2.8",
        "192.0.2.9",
        "192.0.2.10",
        "192.0.2.11",
        "192.0.2.12",
    ];
    let one = |(number, peer): (usize, &&'static str)| {
        let peer = of((*peer, 64_601 + number as u32), at);
        [peer.up(&[], &[]), peer.says(&update(&[], &[prefix], &[peer.peer.1, 64500])), peer.says(&update(&[], &[], &[]))].concat()
    };
    [vec![initiation("edge1")], PEERS.iter().enumerate().map(one).collect()].concat().concat()
}

// Why: a router which is not heard has not lost its routes.
#[test]
fn a_lost_router_makes_routes_unknown_at_once_and_no_incident() {
    let mut live = live();
    let prefix = live.analysis().organization.prefixes[0].prefix;
    let seen = |live: &Live| {
        let routing = live.analysis().routing;
        routing.views(&prefix).iter().filter(|view| view.state == RouteState::Present).count()
    };
    connect(&mut live, 1, None);
    let news = say(&mut live, 1, tables(&prefix.to_string(), 500), second(1_000));
    assert_eq!(news.iter().map(ToString::to_string).collect::<Vec<_>>(), ["the router edge1 (192.0.2.101) tells of its peers"]);
    // For an hour nothing happens: the connection stands, so nobody is silent.
    for late in 0..360 {
        live.pass(second(1_000 + late * 10));
    }
    assert_eq!((seen(&live), live.analysis().routing.notes.len()), (12, 0), "{:?}", live.analysis().routing.notes);
    let news = lose(&mut live, 1, second(4_600));
    assert!(matches!(news.as_slice(), [RouterNews::Lost { name, .. }] if name == "edge1"), "{news:?}");
    live.pass(second(4_610));
    assert_eq!(seen(&live), 0, "nobody knows");
    connect(&mut live, 11, None);
    say(&mut live, 11, tables(&prefix.to_string(), 0), second(4_900));
    live.pass(second(4_910));
    assert_eq!(seen(&live), 12, "and now everybody does again");
    let (analysis, events) = live.end();
    assert!(events.is_empty() && analysis.correlation.incidents.is_empty());
    let gaps: Vec<(Timestamp, Option<Timestamp>)> = analysis
        .routing
        .notes
        .iter()
        .filter(|note| note.what == FeedEvent::Gap(GapCause::Disconnected))
        .map(|note| (note.at, note.until))
        .collect();
    assert_eq!(gaps, [(second(4_600), Some(second(4_900)))]);
}

// Why: a stream which is lost says nothing of routers, and a router nothing of the stream.
#[test]
fn what_is_lost_with_the_stream_is_not_lost_of_routers() {
    let mut live = live();
    let prefix = live.analysis().organization.prefixes[0].prefix;
    connect(&mut live, 1, None);
    say(&mut live, 1, tables(&prefix.to_string(), 0), second(1_000));
    live.pass(second(1_010));
    live.lost(second(1_020), second(1_080));
    live.pass(second(1_090));
    let routing = live.analysis().routing;
    assert_eq!(routing.views(&prefix).iter().filter(|view| view.state == RouteState::Present).count(), 12);
}

// Why: a router whose old connection was never closed comes back on a new one.
#[test]
fn a_router_which_connects_anew_is_the_same_one_and_names_are_one_router_s_each() {
    let mut live = live();
    let prefix = live.analysis().organization.prefixes[0].prefix.to_string();
    connect(&mut live, 1, None);
    say(&mut live, 1, tables(&prefix, 0), second(1_000));
    connect(&mut live, 11, None);
    let news = say(&mut live, 11, tables(&prefix, 0), second(1_100));
    assert_eq!(news, [RouterNews::Again { name: "edge1".to_owned() }]);
    assert_eq!(say(&mut live, 1, tables(&prefix, 0), second(1_101)), [], "its old connection does not count");
    assert_eq!(lose(&mut live, 1, second(1_102)), []);
    // Another address of the same name, and one which calls itself a public collector.
    connect(&mut live, 2, None);
    let news = say(&mut live, 2, initiation("edge1"), second(1_103));
    assert_eq!(news[0].to_string(), "the router edge1 (192.0.2.102) (192.0.2.102) tells of its peers");
    connect(&mut live, 3, None);
    let news = say(&mut live, 3, initiation("rrc00"), second(1_104));
    assert!(matches!(&news[0], RouterNews::Speaks { name, .. } if name == "rrc00 (192.0.2.103)"), "{news:?}");
    connect(&mut live, 4, Some("core"));
    let loc_rib = Of { kind: 3, ..of(("0.0.0.0", 64499), 100) }.says(&update(&[], &[&prefix], &[64501]));
    let news = say(&mut live, 4, [initiation("ignored"), loc_rib.clone(), loc_rib].concat(), second(1_105));
    let told: Vec<String> = news.iter().map(ToString::to_string).collect();
    assert_eq!(told[1..], ["the router core sends messages about its Loc-RIB (RFC 9069), which are left out"]);
}
