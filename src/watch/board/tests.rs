//! Boards of a stream which is made up: what they say before, while and after a prefix is lost.

use super::*;
use crate::org::profile;
use crate::source::bmp::{ConnectionId, RouterEvent};
use crate::time::Span;
use crate::watch::Live;
use std::path::Path;

const PROFILE: &str = r#"
[organization]
name = "Made up"
as_numbers = [64500]
prefixes = ["192.0.2.0/24", "198.51.100.0/24"]

[[services]]
name = "web"
hostnames = ["www.example"]
addresses = ["192.0.2.80"]

[settings]
eligible_min = 2
baseline_min = "1s"
open_hold = "5s"
"#;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(1_000_000 + seconds, 0)
}

fn live() -> Live {
    live_of(PROFILE)
}

fn live_of(profile: &str) -> Live {
    let checked = profile::parse(profile, Path::new("made-up.toml")).unwrap();
    Live::new(checked.organization, "ws://user:word@stream.example/?key=1")
}

/// Peers 1 to 4 say something of 192.0.2.0/24.
fn say(live: &mut Live, seconds: i64, peers: std::ops::RangeInclusive<u32>, announce: bool) {
    for peer in peers {
        let what = if announce {
            format!(
                r#""announcements":[{{"next_hop":"10.0.0.{peer}","prefixes":["192.0.2.0/24"]}}],"path":[6450{peer},64500],"origin":"igp""#
            )
        } else {
            r#""withdrawals":["192.0.2.0/24"]"#.to_owned()
        };
        let frame = format!(
            r#"{{"type":"ris_message","data":{{"timestamp":{}.5,"peer":"10.0.0.{peer}","peer_asn":"6450{peer}","id":"x","host":"rrc99.ripe.net","type":"UPDATE",{what}}}}}"#,
            1_000_000 + seconds
        );
        assert_eq!(live.take(frame.as_bytes()), None);
    }
}

/// Lets time pass, a second each, as a watch does.
fn pass(live: &mut Live, until: i64) {
    live.pass(at(until));
    live.look();
}

#[test]
fn before_anything_is_heard_nothing_is_claimed() {
    let mut lookout = Lookout::new(Some("ws://user:word@stream.example/?key=1"), false, at(0));
    let board = lookout.look(&live(), at(0));
    assert_eq!((board.sight.code, board.now), (SightCode::Blind, None));
    assert_eq!(board.sight.sentence, "No: there is no connection to the stream (no connection was made yet).");
    assert_eq!(board.stream.unwrap().address, "ws://stream.example/");
    assert!(board.prefixes.iter().all(|prefix| prefix.condition == Condition::NeverSeen && prefix.usual.is_none()));
    assert_eq!((board.services[0].service.as_str(), board.services[0].series), ("web", 0));
    lookout.up();
    assert_eq!(lookout.look(&live(), at(1)).sight.sentence, "No: nothing has been heard yet.");
}

#[test]
fn a_lost_prefix_falls_and_is_withdrawn_and_its_course_is_kept() {
    let (mut live, mut lookout) = (live(), Lookout::new(Some("ws://stream.example/"), false, at(0)));
    lookout.up();
    say(&mut live, 0, 1..=4, true);
    pass(&mut live, 20);
    let usual = lookout.look(&live, at(25));
    let prefix = &usual.prefixes[0];
    assert_eq!((prefix.condition, prefix.visibility.seeing, prefix.usual), (Condition::Usual, 4, Some(Share::ONE)));
    assert_eq!(usual.prefixes[1].condition, Condition::NeverSeen);
    assert_eq!(usual.collectors[0].speaking, 4);
    let stream = usual.stream.unwrap();
    assert_eq!((usual.sight.code, stream.frames, stream.heard), (SightCode::Limited, 4, Some(at(25))));
    assert!(usual.sight.limits[0].starts_with("Nobody's table is known"), "{:?}", usual.sight);

    say(&mut live, 30, 1..=4, false);
    pass(&mut live, 33);
    let falling = lookout.look(&live, at(37));
    assert_eq!(
        (falling.prefixes[0].condition, falling.prefixes[0].since),
        (Condition::Falling, Some(at(30) + Span::from_micros(500_000)))
    );
    pass(&mut live, 40);
    let lost = lookout.look(&live, at(45));
    let prefix = &lost.prefixes[0];
    assert_eq!((prefix.condition, prefix.level, prefix.visibility.lost), (Condition::Withdrawn, Some(Level::Full), 4));
    assert_eq!(lookout.look(&live, at(46)).prefixes[0].since, prefix.since);
    let seeing: Vec<u32> = prefix.course.iter().map(|point| point.visibility.seeing).collect();
    assert_eq!((seeing.contains(&4), seeing.last()), (true, Some(&0)), "{seeing:?}");

    say(&mut live, 50, 1..=4, true);
    pass(&mut live, 53);
    assert_eq!(lookout.look(&live, at(57)).prefixes[0].condition, Condition::Returning);
}

#[test]
fn a_lost_connection_blinds_and_what_was_told_from_outside_is_shown() {
    let (mut live, mut lookout) = (live(), Lookout::new(Some("ws://stream.example/"), false, at(0)));
    lookout.up();
    say(&mut live, 0, 1..=4, true);
    pass(&mut live, 20);
    lookout.look(&live, at(25));
    lookout.down("the server closed the connection");
    lookout.down("connection refused");
    lookout.complaint("<b>slow down</b>");
    lookout.canary(CanaryState { sings: false, last: None, sentence: "The canary was not heard.".to_owned() });
    lookout.outbox(OutboxState { waiting: 1, delivered: 2, failed: 3, oldest: Some(at(1)) });
    lookout.probed(vec![ServiceProbes {
        service: "web".to_owned(),
        series: 2,
        failing: 1,
        unknown: 0,
        attempts: 9,
        last: Some(at(24)),
    }]);
    let board = lookout.look(&live, at(26));
    assert_eq!(board.sight.sentence, "No: there is no connection to the stream (connection refused).");
    let stream = board.stream.unwrap();
    assert_eq!((stream.lost, stream.refused, stream.since), (1, 1, at(25)));
    assert!(board.sight.limits.contains(&"The canary was not heard.".to_owned()));
    assert_eq!((board.services[0].failing, board.outbox.map(|outbox| outbox.waiting)), (1, Some(1)));
    assert_eq!(stream.complaint.map(|complaint| complaint.words).as_deref(), Some("<b>slow down</b>"));
}

#[test]
fn routers_alone_are_eyes_and_beside_a_stream_a_part_of_them() {
    let initiation = [&[3u8, 0, 0, 0, 15, 4, 0, 2, 0, 5][..], b"edge1"].concat();
    let (connection, address) = (ConnectionId(1), "192.0.2.254".parse().unwrap());
    let sentence = |live: &Live, lookout: Lookout| {
        let sight = lookout.hearing_routers().look(live, at(1)).sight;
        (sight.sentence, sight.limits)
    };
    let (alone, beside) = (|| Lookout::new(None, false, at(0)), || Lookout::new(Some("ws://stream.example/"), false, at(0)));
    let mut live = live();
    assert_eq!(sentence(&live, alone()).0, "No: no router has told anything yet.");
    live.router(RouterEvent::Connected { connection, address, name: None });
    live.router(RouterEvent::Messages { connection, bytes: initiation, at: at(0) });
    assert_eq!(sentence(&live, alone()), ("No: nothing has been heard yet.".to_owned(), Vec::new()));
    let board = alone().hearing_routers().look(&live, at(1));
    let routers = board.routers.unwrap();
    assert_eq!((routers[0].name.as_str(), routers[0].connected, routers[0].messages), ("edge1", true, 1));
    assert!(board.stream.is_none());
    let no_stream = "There is no connection to the stream (no connection was made yet).";
    assert_eq!(sentence(&live, beside()).1, [no_stream]);
    live.router(RouterEvent::Lost { connection, reason: "reset".to_owned(), at: at(1) });
    assert_eq!(sentence(&live, alone()).0, "No: the router edge1 is not connected.");
    assert!(sentence(&live, beside()).0.ends_with("made yet), and the router edge1 is not connected."));
    let mut up = beside();
    up.up();
    assert_eq!(sentence(&live, up).1, ["The router edge1 is not connected."]);
}

// Why: of a range nobody announces all: what is announced of it counts, and a page which waits for the rest is blind for ever.
#[test]
fn of_a_range_what_is_announced_is_shown() {
    let range = PROFILE.replace(r#""192.0.2.0/24", "198.51.100.0/24""#, r#""192.0.0.0/16^+", "198.51.100.0/24^+""#);
    let (mut live, mut lookout) = (live_of(&range), Lookout::new(Some("ws://stream.example/"), false, at(0)));
    lookout.up();
    let shown = |board: &Board| board.prefixes.iter().map(|prefix| prefix.prefix.clone()).collect::<Vec<_>>();
    assert_eq!(shown(&lookout.look(&live, at(0))), ["192.0.0.0/16", "198.51.100.0/24"]);
    say(&mut live, 0, 1..=4, true);
    pass(&mut live, 20);
    let board = lookout.look(&live, at(25));
    assert_eq!(shown(&board), ["198.51.100.0/24", "192.0.2.0/24"]);
    assert_eq!((board.prefixes[1].condition, board.sight.code), (Condition::Usual, SightCode::Limited));
}
