//! The same input gives the same findings, however it is named, ordered and cut into files (METHOD.md §8.10).

use super::{EXAMPLE, Played, SMALL, at, play};
use crate::written;
use faultline::report::{ObservedKind, ReportView};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Scenarios with an incident or an observation of every kind.
const TRIED: [(&str, &str); 5] = [
    ("flaps-within-close-hold", EXAMPLE),
    ("hijack-same-prefix", EXAMPLE),
    ("partial-with-probes", SMALL),
    ("feed-gap", EXAMPLE),
    ("churn", EXAMPLE),
];

/// The MRT files of a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Everything but the time of generation.
fn json(played: &Played, files: &[PathBuf]) -> String {
    written::json(&ReportView::of(&played.analyze_files(files), at("15:00:00")))
}

/// Incidents and observations as JSON.
fn found(report: &str) -> (Value, Value, Value) {
    let report: Value = serde_json::from_str(report).unwrap();
    (report["outcome"].clone(), report["incidents"].clone(), report["observed"].clone())
}

/// Where a statement stands is how it was cut; what it says is not.
fn without_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for place in ["file", "files", "record", "records", "proof"] {
                fields.remove(place);
            }
            fields.values_mut().for_each(without_places);
        }
        Value::Array(items) => items.iter_mut().for_each(without_places),
        _ => {}
    }
}

// Why: nobody can rely on a finding which the next run does not repeat.
#[test]
fn the_same_input_gives_the_same_bytes() {
    for (name, profile) in TRIED {
        let played = play(name, profile);
        let files = files(&played.folder.path().join("mrt"));
        assert!(json(&played, &files) == json(&played, &files), "{name}");
    }
}

#[test]
fn every_kind_of_finding_is_read_back_as_it_was_written() {
    let mut seen = BTreeSet::new();
    for (name, profile) in
        [("hijack-same-prefix", EXAMPLE), ("partial-with-probes", SMALL), ("feed-gap", EXAMPLE), ("churn", EXAMPLE)]
    {
        let view = ReportView::of(&play(name, profile).analyze(), at("15:00:00"));
        written::reads_back(&view);
        let incidents = view.incidents.iter();
        seen.extend(incidents.flat_map(|i| [("withdrawal", i.withdrawals.len()), ("foreign origin", i.foreign_origins.len())]));
        seen.extend([("churn", view.observed.iter().filter(|seen| seen.kind == ObservedKind::Churn).count())]);
        seen.extend([("note", view.completeness.feed_notes.len()), ("blind", view.completeness.blind.len())]);
    }
    let seen: BTreeSet<&str> = seen.into_iter().filter(|(_, count)| *count > 0).map(|(what, _)| what).collect();
    assert_eq!(seen, ["withdrawal", "foreign origin", "churn", "note", "blind"].into());
}

#[test]
fn the_order_in_which_files_are_named_changes_no_finding() {
    for (name, profile) in TRIED {
        let played = play(name, profile);
        let mut files = files(&played.folder.path().join("mrt"));
        let first = json(&played, &files);
        files.reverse();
        assert!(found(&first) == found(&json(&played, &files)), "{name}: reversed");
        // Every third first, then the others backwards: neither by time nor by collector.
        let (thirds, mut others): (Vec<_>, Vec<_>) = files.into_iter().enumerate().partition(|(place, _)| place % 3 == 0);
        others.reverse();
        let mixed: Vec<PathBuf> = thirds.into_iter().chain(others).map(|(_, path)| path).collect();
        assert!(found(&first) == found(&json(&played, &mixed)), "{name}: mixed");
    }
}

/// The records of an MRT file with their seconds (RFC 6396 §2: time, type, length).
fn records(path: &Path) -> Vec<(u32, Vec<u8>)> {
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    let mut records = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let number = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().unwrap());
        let length = 12 + number(8) as usize;
        records.push((number(0), rest[..length].to_vec()));
        rest = &rest[length..];
    }
    records
}

/// The same messages in files of so many minutes, not compressed; a period without a message has no file.
fn cut_anew(played: &Played, minutes: u32) -> tempfile::TempDir {
    let anew = tempfile::tempdir().unwrap();
    let mrt = played.folder.path().join("mrt");
    for path in files(&mrt) {
        let collector = anew.path().join(path.parent().unwrap().file_name().unwrap());
        std::fs::create_dir_all(&collector).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("updates") {
            std::fs::copy(&path, collector.join(name)).unwrap();
            continue;
        }
        let mut pieces: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        for (second, record) in records(&path) {
            pieces.entry(second / 60 / minutes * minutes).or_default().extend(record);
        }
        for (minute, bytes) in pieces {
            let (hour, minute) = (minute / 60 % 24, minute % 60);
            let piece = collector.join(format!("updates.20260101.{hour:02}{minute:02}"));
            let before = std::fs::read(&piece).unwrap_or_default();
            std::fs::write(piece, [before, bytes].concat()).unwrap();
        }
    }
    anew
}

// Why: archives cut their files every 5 or 15 minutes, routers every hour; what happened does not depend on it.
#[test]
fn how_messages_are_cut_into_files_changes_no_finding() {
    for (name, profile) in TRIED.into_iter().filter(|(name, _)| *name != "feed-gap") {
        let played = play(name, profile);
        let mut whole = found(&json(&played, &files(&played.folder.path().join("mrt"))));
        [&mut whole.0, &mut whole.1, &mut whole.2].into_iter().for_each(without_places);
        for minutes in [2, 15, 120] {
            let anew = cut_anew(&played, minutes);
            let mut cut = found(&json(&played, &files(anew.path())));
            [&mut cut.0, &mut cut.1, &mut cut.2].into_iter().for_each(without_places);
            assert!(whole == cut, "{name} in files of {minutes} minutes");
        }
    }
}
