//! What each action of a timeline writes, in small timelines.

use super::{What, play, played};
use faultline::drill;
use std::path::Path;

/// One hour, two collectors with 12 peers each (one RIS-like, one RouteViews-like), one watched prefix with its cover.
fn small(events: &str) -> String {
    format!(
        r#"
[drill]
name = "small"
kind = "exercise"
start = 2026-01-01T12:00:00Z
end = 2026-01-01T13:00:00Z
seed = 1

[[collectors]]
name = "rrc00"
peers = 12
partial_peers = 1
idle_peers = 1
keepalives = "60s"

[[collectors]]
name = "route-views2"
peers = 12

[background]
prefixes_v4 = 100
prefixes_v6 = 50
updates_per_minute = 30

[[routes]]
prefixes = ["192.0.2.0/24", "192.0.0.0/16", "2001:db9::/32"]
origin = 64500
transits = [64501, 64502, 64503]

{events}
"#
    )
}

// Why: nobody can argue about a finding in files which differ from run to run.
#[test]
fn the_same_timeline_gives_the_same_bytes() {
    let text = small("[[events]]\nat = 2026-01-01T12:30:00Z\naction = \"withdraw\"\nprefixes = [\"192.0.2.0/24\"]\nhunting = 50\n");
    let (one, two) = (play(&text), play(&text));
    assert_eq!(one.files, two.files);
    for name in &one.files {
        let bytes = |read: &super::Recorded| std::fs::read(read.folder.path().join(name)).unwrap();
        assert_eq!(bytes(&one), bytes(&two), "{name}");
    }
    let other = play(&text.replace("seed = 1", "seed = 2"));
    assert_ne!(one.said, other.said, "another seed is another drill");
}

// Why: 3 % of the peers miss a withdrawal in real life (BGP zombies), and a drill must be able to say so.
#[test]
fn a_withdraw_reaches_the_share_asked_for_and_returns() {
    let event = "[[events]]\nat = 2026-01-01T12:20:00Z\nuntil = 2026-01-01T12:40:00Z\naction = \"withdraw\"\nprefixes = [\"192.0.2.0/24\"]\npercent = 75\nspread = \"60s\"\n";
    let read = play(&small(event));
    let counts = ["12:19:59", "12:21:00", "12:39:59", "12:41:00"].map(|text| read.seeing("192.0.2.0/24", text).len());
    assert_eq!(counts, [24, 6, 6, 24]);
    assert_eq!(read.seeing("192.0.0.0/16", "12:30:00").len(), 24, "the cover stays");
}

// Why: a partial outage is one behind a transit: whoever comes another way still sees the prefix.
#[test]
fn a_transit_takes_only_those_behind_it() {
    let event = "[[events]]\nat = 2026-01-01T12:20:00Z\naction = \"withdraw\"\nprefixes = [\"192.0.2.0/24\"]\ntransit = 64502\n";
    let read = play(&small(event));
    let path = |asn: u32| {
        let mut rows = read.said.iter().filter(|said| said.asn == asn).filter_map(|said| said.what.table());
        rows.find(|(prefix, _)| *prefix == "192.0.2.0/24").map(|(_, path)| path.to_vec()).unwrap()
    };
    let seeing = read.seeing("192.0.2.0/24", "12:30:00");
    let lost: Vec<u32> = read.seeing("192.0.2.0/24", "12:10:00").into_iter().filter(|asn| !seeing.contains(asn)).collect();
    assert!(!lost.is_empty() && lost.iter().all(|asn| path(*asn).contains(&64502)));
    assert!(seeing.iter().all(|asn| !path(*asn).contains(&64502)));
}

// Why: MRT holds no withdraw statements for a lost session; a drill which wrote them would teach the wrong lesson.
#[test]
fn a_lost_session_withdraws_nothing_and_sends_its_table_when_it_returns() {
    let event = "[[events]]\nat = 2026-01-01T12:20:00Z\nuntil = 2026-01-01T12:30:00Z\naction = \"session_down\"\ncollectors = [\"rrc00\"]\n";
    let read = play(&small(event));
    let ours = |prefix: &str| ["192.0.2.0/24", "192.0.0.0/16", "2001:db9::/32"].contains(&prefix);
    assert!(read.withdrawals(ours).is_empty());
    let states = |what: What| read.said.iter().filter(|said| said.what == what).count();
    assert_eq!((states(What::Down), states(What::Up)), (26, 26), "12 full and a partial peer, two sessions each");
    assert_eq!(read.seeing("192.0.2.0/24", "12:25:00").len(), 12, "only those at route-views2");
    assert_eq!(read.seeing("192.0.2.0/24", "12:31:00").len(), 24);
    let silent =
        read.said.iter().filter(|said| said.collector == "rrc00" && said.at > read.at("12:20:00") && said.at < read.at("12:30:00"));
    assert_eq!(silent.count(), 0);
}

// Why: RouteViews records no state changes; all one sees of a reset is the table coming again.
#[test]
fn route_views_shows_a_reset_only_by_its_table() {
    let event = "[[events]]\nat = 2026-01-01T12:20:00Z\nuntil = 2026-01-01T12:22:00Z\naction = \"session_down\"\ncollectors = [\"route-views2\"]\ncount = 1\n";
    let read = play(&small(event));
    assert!(!read.said.iter().any(|said| matches!(said.what, What::Down | What::Up)));
    let again = read.announcements(|prefix| prefix == "192.0.2.0/24");
    assert_eq!(again.iter().map(|said| said.at).collect::<Vec<_>>(), [read.at("12:22:00")]);
}

// Why: a hijack is no withdrawal, neither while it lasts nor when its more specific goes away again.
#[test]
fn a_hijack_announces_and_takes_back_its_own_only() {
    let event = "[[events]]\nat = 2026-01-01T12:20:00Z\nuntil = 2026-01-01T12:30:00Z\naction = \"hijack\"\nprefixes = [\"192.0.2.0/24\", \"192.0.2.128/25\"]\norigin = 64666\ncount = 5\n";
    let read = play(&small(event));
    let announced = read.said.iter().filter_map(|said| said.what.announced());
    let foreign: Vec<&str> = announced.filter(|(_, path)| path.last() == Some(&64666)).map(|(prefix, _)| prefix).collect();
    assert_eq!((foreign.iter().filter(|p| **p == "192.0.2.0/24").count(), foreign.len()), (5, 10));
    let withdrawn: Vec<_> = read.withdrawals(|prefix| prefix.starts_with("192.")).iter().map(|said| said.what.clone()).collect();
    assert_eq!(withdrawn, vec![What::Withdraw { prefix: "192.0.2.128/25".to_owned() }; 5]);
    let back = read.announcements(|prefix| prefix == "192.0.2.0/24");
    assert!(matches!(&back.last().unwrap().what, What::Announce { path, .. } if path.last() == Some(&64500)));
}

// Why: five flaps faster than the hysteresis are one incident or none; the drill must really make five.
#[test]
fn a_flap_goes_and_comes_as_often_as_asked() {
    let event = "[[events]]\nat = 2026-01-01T12:20:00Z\naction = \"flap\"\nprefixes = [\"192.0.2.0/24\"]\ntimes = 5\nperiod = \"60s\"\ndown = \"20s\"\nspread = \"0s\"\n";
    let read = play(&small(event));
    assert_eq!(read.withdrawals(|prefix| prefix == "192.0.2.0/24").len(), 5 * 24);
    let counts = ["12:20:10", "12:20:30", "12:24:10", "12:24:30"].map(|text| read.seeing("192.0.2.0/24", text).len());
    assert_eq!(counts, [0, 24, 0, 24]);
}

// Why: a cut feed is known by what is not there: no records, and no file where a whole period is missing.
#[test]
fn a_cut_feed_leaves_no_records_and_no_files() {
    let event = "[[events]]\nat = 2026-01-01T12:12:00Z\nuntil = 2026-01-01T12:47:00Z\naction = \"feed_cut\"\n";
    let read = play(&small(event));
    let inside = read.said.iter().filter(|said| said.at >= read.at("12:12:00") && said.at < read.at("12:47:00"));
    assert_eq!(inside.count(), 0);
    let has = |name: &str| read.files.contains(&format!("mrt/{name}"));
    assert!(has("rrc00/updates.20260101.1210.gz") && has("rrc00/updates.20260101.1245.gz"));
    assert!(!has("rrc00/updates.20260101.1215.gz") && !has("rrc00/updates.20260101.1240.gz"));
    assert!(has("route-views2/updates.20260101.1200.gz") && has("route-views2/updates.20260101.1245.gz"));
    assert!(!has("route-views2/updates.20260101.1215.gz") && !has("route-views2/updates.20260101.1230.gz"));
    assert_eq!(read.seeing("192.0.2.0/24", "12:50:00").len(), 24);
}

// Why: a path change and a table transfer are not news; they must lose nothing.
#[test]
fn path_changes_and_table_transfers_withdraw_nothing() {
    let events = "[[events]]\nat = 2026-01-01T12:20:00Z\naction = \"path_change\"\nprefixes = [\"192.0.2.0/24\"]\n\n[[events]]\nat = 2026-01-01T12:30:00Z\naction = \"table_transfer\"\ncollectors = [\"rrc00\"]\ncount = 1\n";
    let read = play(&small(events));
    assert!(read.withdrawals(|prefix| prefix.starts_with("192.")).is_empty());
    let announced = read.announcements(|prefix| prefix == "192.0.2.0/24");
    assert_eq!(announced.len(), 24 + 1);
    assert_eq!(announced.last().unwrap().at, read.at("12:30:00"));
}

// Why: full feeds are told from the others by the size of their tables.
#[test]
fn partial_peers_have_a_tenth_and_idle_ones_nothing() {
    let read = play(&small(""));
    let rows = |asn: u32| read.said.iter().filter(|said| said.asn == asn && matches!(said.what, What::Table { .. })).count();
    assert_eq!(rows(64512), 100 + 50 + 3);
    assert_eq!(rows(64512 + 12), 10 + 10);
    assert_eq!(rows(64512 + 13), 0);
}

// Why: nothing of two drills may be mixed, and what is there already is somebody's.
#[test]
fn a_folder_with_something_in_it_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let timeline = drill::parse(Path::new("timeline.toml"), &small("")).unwrap();
    let error = drill::write(&timeline, folder.path()).unwrap_err();
    assert!(error.to_string().contains("is not empty; name a new one"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

// Why: a folder which could not be written whole must not be taken for a drill.
#[test]
fn a_file_in_the_way_is_an_error_which_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    std::fs::write(&file, "mine").unwrap();
    let timeline = drill::parse(Path::new("timeline.toml"), &small("")).unwrap();
    let error = drill::write(&timeline, &file).unwrap_err();
    assert!(error.to_string().contains("out"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

// Why: explicit peers let a drill be about real networks: their AS numbers and addresses must come out as written.
#[test]
fn explicit_peers_are_used_as_written() {
    let text = small("").replace(
        "name = \"route-views2\"\npeers = 12",
        "name = \"route-views2\"\n[[collectors.peer]]\nasn = 3333\naddresses = [\"193.0.0.1\", \"2001:67c::1\"]\n",
    );
    let read = played(&drill::parse(Path::new("timeline.toml"), &text).unwrap());
    assert!(read.seeing("192.0.2.0/24", "12:10:00").contains(&3333));
    assert!(read.said.iter().any(|said| said.peer == "2001:67c::1" && said.asn == 3333));
}

// Why: archives are full of state changes which change nothing; a drill must be able to write them, at idle peers too.
#[test]
fn a_state_change_is_written_as_often_as_asked_and_changes_nothing() {
    let event = "[[events]]\nat = 2026-01-01T12:20:00Z\naction = \"state_change\"\ncollectors = [\"rrc00\"]\nstates = [\"established\", \"idle\"]\ntimes = 3\nperiod = \"60s\"\n";
    let read = play(&small(event));
    let downs: Vec<i64> = read.said.iter().filter(|said| said.what == What::Down).map(|said| said.at).collect();
    assert_eq!(downs.len(), 3 * 14 * 2, "12 full, one partial and one idle peer, two sessions each");
    assert_eq!((downs[0], downs[83]), (read.at("12:20:00"), read.at("12:22:00")));
    assert!(!read.said.iter().any(|said| said.what == What::Up), "no session really went down");
    assert!(read.withdrawals(|prefix| prefix.starts_with("192.")).is_empty());
    let elsewhere = play(&small(&event.replace("rrc00", "route-views2")));
    assert!(!elsewhere.said.iter().any(|said| said.what == What::Down), "RouteViews records no state changes");
}

// Why: while paths change, routers withdraw and announce again within seconds (path hunting); a drill without it is too kind.
#[test]
fn a_path_change_with_hunting_loses_some_for_a_moment() {
    let event = "[[events]]\nat = 2026-01-01T12:20:00Z\naction = \"path_change\"\nprefixes = [\"192.0.2.0/24\"]\nspread = \"40s\"\nhunting = 100\n";
    let read = play(&small(event));
    assert_eq!(read.withdrawals(|prefix| prefix == "192.0.2.0/24").len(), 23, "all but the first, which moves at once");
    let seeing = ["12:19:59", "12:20:10", "12:20:40"].map(|text| read.seeing("192.0.2.0/24", text).len());
    assert_eq!((seeing[0], seeing[2]), (24, 24));
    assert!(seeing[1] < 24, "{seeing:?}");
}
