//! The survey of two days of route-views2 against what was counted from the same messages by other means.
//!
//! `just oracle` compares the whole of both days, prints recall, precision and every difference, and fails below what docs/real-data.md
//! promises; it takes minutes, and a release build. The ordinary test run takes a few files around the three largest groups and one
//! boundary of the RIS beacons. Nothing is judged here by Faultline's thresholds: rows say what the messages say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests stop at the first surprise, and this one prints its findings"
)]

mod absence;
mod beacons;
mod groups;
mod recording;
mod rows;
#[path = "../integration/skip.rs"]
mod skip;

use beacons::{BeaconFinding, crossings};
use faultline::analysis::Survey;
use groups::Comparison;
use recording::Recording;
use rows::{BeaconRow, GroupRow};

/// The share of the self-contained groups which must be found.
const RECALL_PERCENT: usize = 95;

#[test]
fn both_days_are_found_as_the_messages_say() {
    if std::env::var_os("FAULTLINE_ORACLE").is_none_or(|value| value != "1") {
        eprintln!("SKIPPED: both whole days of route-views2 against the oracle, which takes minutes: run `just oracle`");
        return;
    }
    let Some(recording) = Recording::beside() else { return };
    let days = ["2008-02-19", "2008-02-23"];
    let surveys: Vec<Survey> = std::thread::scope(|scope| {
        let running = days.map(|day| scope.spawn(|| recording.survey(recording.day(day))));
        running.into_iter().map(|day| day.join().unwrap()).collect()
    });
    let comparison = Comparison::of(&GroupRow::read(&recording), &surveys);
    print!("{comparison}");
    let rows = BeaconRow::read(&recording);
    let crossings = crossings(&recording, &rows);
    let findings = BeaconFinding::all(&rows, &crossings, &surveys);
    findings.iter().for_each(|finding| println!("{finding}"));
    let wrong: Vec<&BeaconFinding> = findings.iter().filter(|finding| finding.is_wrong()).collect();
    println!("beacons: {} findings, {} wrong", findings.len(), wrong.len());
    let (found, all) = comparison.self_contained();
    assert!(all > 100, "the oracle has {all} self-contained groups: it is not the one meant here");
    assert!(found * 100 >= all * RECALL_PERCENT, "{found} of {all} self-contained groups: less than {RECALL_PERCENT} %");
    assert!(wrong.is_empty(), "beacons: see the lines above");
}

/// AS33776, AS24554 and AS38390, each in the files of its loss, and the beacons' boundary at 02:00.
#[test]
fn the_three_largest_groups_and_one_beacon_boundary_are_found_in_a_few_files() {
    let Some(recording) = Recording::beside() else { return };
    for (from, until, origin, prefixes) in
        [("1114", "1144", 33_776, 92), ("1844", "1859", 24_554, 64), ("0029", "0044", 38_390, 51)]
    {
        let survey = recording.survey(recording.files("2008-02-23", from, until));
        let first = survey.routing.first.unwrap();
        let rows: Vec<GroupRow> = GroupRow::read(&recording)
            .into_iter()
            .filter(|row| row.origin.0 == origin && row.first >= first && row.last <= survey.routing.last)
            .collect();
        assert_eq!(rows.iter().map(|row| row.prefixes.len()).collect::<Vec<_>>(), [prefixes]);
        let comparison = Comparison::of(&rows, &[survey]);
        assert_eq!(comparison.self_contained(), (1, 1), "{comparison}");
    }
    let survey = recording.survey(recording.files("2008-02-23", "0146", "0201"));
    let boundary = "2008-02-23T02:00:00Z".parse().unwrap();
    let rows: Vec<BeaconRow> = BeaconRow::read(&recording).into_iter().filter(|row| row.boundary == boundary).collect();
    let findings = BeaconFinding::all(&rows, &crossings(&recording, &rows), &[survey]);
    let wrong: Vec<String> = findings.iter().filter(|finding| finding.is_wrong()).map(ToString::to_string).collect();
    assert_eq!((findings.len(), wrong), (3, Vec::new()), "three beacons were up and went down at 02:00");
}
