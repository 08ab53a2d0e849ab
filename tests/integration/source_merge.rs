//! Many files as one stream: order, repeats, copies, holes, bad neighbours, RIPEstat answers.

use crate::skip::shared;
use crate::wire::*;
use faultline::observation::Statement;
use faultline::source::{FileKind, InputSpec, Interest, Merge, ReadSoFar, Resources, SourceError, WatchedPrefixes, discover};
use faultline::timing::Timing;
use faultline::vantage::Vantages;
use std::path::{Path, PathBuf};

const PEER: (&str, u32) = ("192.0.2.1", 64505);

fn write(folder: &Path, name: &str, records: &[Vec<u8>]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, records.concat()).unwrap();
    path
}

fn alive(seconds: u32) -> Vec<u8> {
    message(seconds, 4, PEER, &bgp(4, &[]))
}

#[test]
fn collectors_are_merged_by_time_and_equal_times_keep_the_order_of_files_and_records() {
    let folder = tempfile::tempdir().unwrap();
    let a = write(folder.path(), "a", &[alive(100), alive(102), alive(101), alive(104)]);
    let b = write(folder.path(), "b", &[alive(99), alive(102), alive(102), alive(103)]);
    let read = read(vec![input(&a, "a", "updates", None), input(&b, "b", "updates", None)], Interest::Everything);
    let order: Vec<(i64, u32, u64)> =
        read.observations.iter().map(|seen| (seen.at.seconds(), seen.source.file.0, seen.source.record)).collect();
    let expected = [(99, 1, 1), (100, 0, 1), (102, 0, 2), (102, 0, 3), (102, 1, 2), (102, 1, 3), (103, 1, 4), (104, 0, 4)];
    assert_eq!(order, expected);
    assert_eq!(read.accounts[0].out_of_order, 1, "the record of second 101 keeps its place");
}

#[test]
fn twenty_collectors_of_seventy_five_files_need_few_open_at_once() {
    // Most systems allow 1,024 open files.
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for collector in 0..20u32 {
        for number in 0..75u32 {
            let name = format!("updates.{collector}.{number}");
            let says = |offset| message(1_000_000_000 + number * 300 + offset, 4, (PEER.0, 64505 + collector), &bgp(4, &[]));
            let path = write(folder.path(), &name, &[says(0), says(299)]);
            files.push(input(&path, &format!("rrc{collector:02}"), "updates", Some(1_000_000_000 + i64::from(number) * 300)));
        }
    }
    let read = read(files, Interest::Everything);
    assert_eq!(read.observations.len(), 20 * 75 * 2);
    assert!(read.observations.is_sorted_by_key(|seen| seen.at));
    assert!(read.accounts.iter().all(|account| account.error.is_none() && account.blake3.len() == 64));
}

#[test]
fn a_series_which_repeats_another_gives_its_session_changes_only() {
    // FRR's `all` (whole seconds) and `updates-et` (microseconds), of which the second has a file less.
    let folder = tempfile::tempdir().unwrap();
    let prefixes: Vec<String> = (0..20).map(|number| format!("198.51.{number}.0/24")).collect();
    let says = |number: usize| update(&[], &[&prefixes[number]], &[64505, 64500]);
    let mut whole: Vec<Vec<u8>> = (0..10).map(|number| message(1_000_000_000 + number as u32, 4, PEER, &says(number))).collect();
    whole.insert(5, state_change(1_000_000_004, PEER, LOCAL, (6, 1)));
    let fine: Vec<Vec<u8>> =
        (0..10).map(|number| message_et(1_000_000_000 + number as u32, 250_000, PEER, &says(number))).collect();
    let later: Vec<Vec<u8>> = (10..20).map(|number| message(1_000_000_020 + number as u32, 4, PEER, &says(number))).collect();
    let all = write(folder.path(), "all.1", &whole);
    let more = write(folder.path(), "all.2", &later);
    let et = write(folder.path(), "updates-et.1", &fine);
    let read = read(
        vec![
            input(&all, "cfrr", "all", Some(1_000_000_000)),
            input(&more, "cfrr", "all", Some(1_000_000_030)),
            input(&et, "cfrr", "updates-et", Some(1_000_000_000)),
        ],
        Interest::Everything,
    );
    let announced: Vec<(u32, i64)> = read
        .observations
        .iter()
        .filter(|seen| matches!(seen.what, Statement::Announce { .. }))
        .map(|seen| (seen.source.file.0, seen.at.micros() % 1_000_000))
        .collect();
    assert_eq!(announced, [vec![(2, 250_000); 10], vec![(1, 0); 10]].concat(), "once each: fine stamps where there are any");
    assert!(read.lines().contains(&"1000000004 AS64505 down".to_owned()));
    assert_eq!(read.accounts.iter().map(|account| account.duplicates_dropped).collect::<Vec<_>>(), [10, 0, 0]);
}

#[test]
fn a_copy_of_a_file_is_read_once_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (write(folder.path(), "a", &[alive(100)]), write(folder.path(), "b", &[alive(100)]));
    let read = read(vec![input(&a, "one", "a", None), input(&b, "one", "b", None)], Interest::Everything);
    assert_eq!(read.lines(), ["100 AS64505 alive"]);
    assert_eq!((read.accounts[1].kind, read.accounts[1].copy_of.as_ref()), (FileKind::Copy, Some(&a)));
}

#[test]
fn a_missing_file_is_a_gap_from_the_end_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let start = 1_633_000_000i64;
    let files = [0, 300, 900, 1200].map(|offset| {
        let first = (start + offset) as u32;
        let path = write(folder.path(), &format!("updates.{offset}"), &[alive(first + 2), alive(first + 290)]);
        input(&path, "rrc00", "updates", Some(start + offset))
    });
    let gaps: Vec<String> =
        read(files.into(), Interest::Everything).lines().into_iter().filter(|line| line.contains("gap")).collect();
    assert_eq!(gaps, [format!("{} gap of rrc00 until {} MissingFile", start + 600, start + 902)]);
}

#[test]
fn a_truncated_file_is_a_gap_until_the_next_begins() {
    let folder = tempfile::tempdir().unwrap();
    let start = 1_633_000_000i64;
    let at = |offset: i64| (start + offset) as u32;
    let mut cut = alive(at(20));
    cut.truncate(30);
    let one = write(folder.path(), "one", &[alive(at(1)), alive(at(10)), cut]);
    let two = write(folder.path(), "two", &[alive(at(301))]);
    let read = read(
        vec![input(&one, "rrc00", "updates", Some(start)), input(&two, "rrc00", "updates", Some(start + 300))],
        Interest::Everything,
    );
    assert_eq!(read.lines()[2], format!("{} gap of rrc00 until {} DamagedFile", at(10), at(301)));
    assert_eq!((read.accounts[0].skipped_count, read.accounts[0].skipped_bytes), (1, 30));
}

#[test]
fn a_bad_file_is_named_and_a_good_one_beside_it_still_counts() {
    let folder = tempfile::tempdir().unwrap();
    let good = write(folder.path(), "updates.good", &[alive(100)]);
    write(folder.path(), "updates.empty", &[]);
    write(folder.path(), "updates.png", &[b"\x89PNG\r\n\x1a\n and so on, as pictures do".to_vec()]);
    write(folder.path(), "notes.txt", &[b"remember the milk".to_vec()]);
    write(folder.path(), "updates.json", &[b"{\"data\": {\"resource\": 1}}".to_vec()]);
    let files = discover(&[InputSpec { path: folder.path().to_owned(), collector: None }]).unwrap();
    let read = read(files, Interest::Everything);
    assert_eq!(read.observations.len(), 1);
    let told: Vec<(String, FileKind, bool)> = read
        .accounts
        .iter()
        .map(|account| (account.path.file_name().unwrap().to_string_lossy().into_owned(), account.kind, account.error.is_some()))
        .collect();
    let expected = [
        ("notes.txt", FileKind::NotBgp, false),
        ("updates.empty", FileKind::Empty, true),
        ("updates.good", FileKind::Updates, false),
        ("updates.json", FileKind::NotBgp, true),
        ("updates.png", FileKind::NotBgp, true),
    ];
    assert_eq!(told, expected.map(|(name, kind, error)| (name.to_owned(), kind, error)));
    std::fs::remove_file(good).unwrap();
    let files = discover(&[InputSpec { path: folder.path().to_owned(), collector: None }]).unwrap();
    let Err(error) = Merge::open(files, Interest::Everything, &Resources::default()) else {
        panic!("nothing could be read, yet it opened")
    };
    assert!(matches!(error, SourceError::NothingReadable { .. }));
    for part in ["updates.empty", "is empty", "updates.png", "neither MRT nor"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_folder_where_a_file_was_and_a_file_without_permission_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let gone = input(&folder.path().join("gone"), "a", "updates", None);
    let here = input(&write(folder.path(), "here", &[alive(100)]), "a", "updates", None);
    let read = read(vec![gone, here], Interest::Everything);
    assert_eq!(read.observations.len(), 1);
    let error = read.accounts[0].error.as_deref().unwrap();
    assert!(error.contains("could not be read") && error.contains("check that it is a file you may read"), "{error}");
}

#[test]
fn a_ripestat_answer_is_a_source_like_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let answer = r#"{"data_call_name": "bgplay", "data": {"query_starttime": "2025-02-01T00:00:00", "resource": "198.51.100.0/24",
        "sources": [{"id": "00-192.0.2.1", "as_number": 64505, "ip": "192.0.2.1", "rrc": "00"}, {"id": "12-192.0.2.9", "as_number": 64509, "ip": "192.0.2.9", "rrc": "12"}],
        "initial_state": [{"source_id": "00-192.0.2.1", "target_prefix": "198.51.100.0/24", "path": [64505, 64500], "community": []},
                          {"source_id": "12-192.0.2.9", "target_prefix": "198.51.100.0/24", "path": [64509, 64500], "community": []}],
        "events": [{"timestamp": "2025-02-01T00:00:09", "type": "W", "attrs": {"source_id": "12-192.0.2.9", "target_prefix": "198.51.100.0/24"}},
                   {"timestamp": "2025-02-01T00:00:05", "type": "A", "attrs": {"source_id": "00-192.0.2.1", "target_prefix": "198.51.100.0/24", "path": [64505, 64507, [64500]]}},
                   {"timestamp": "2025-02-01T00:00:06", "type": "Q", "attrs": {"source_id": "00-192.0.2.1", "target_prefix": "198.51.100.0/24"}}]}}"#;
    let path = write(folder.path(), "bgplay.json", &[answer.as_bytes().to_vec()]);
    let read = read(vec![input(&path, "ignored", "bgplay", None)], Interest::Everything);
    assert_eq!(
        read.lines(),
        [
            "1738368000 table of rrc00 1",
            "1738368000 AS64505 has 198.51.100.0/24#0",
            "1738368000 table complete AS64505:1+0",
            "1738368000 table of rrc12 1",
            "1738368000 AS64509 has 198.51.100.0/24#0",
            "1738368000 table complete AS64509:1+0",
            "1738368005 AS64505 announces 198.51.100.0/24#0 [64505 64507 64500]",
            "1738368009 AS64509 withdraws 198.51.100.0/24#0",
        ]
    );
    assert_eq!(read.accounts[0].skipped[0].cause, "entry 3: type `Q` is neither A nor W");
}

#[test]
fn real_ripestat_answers_are_read_whole() {
    let Some(folder) = shared("data/ripestat") else { return };
    // Entries: initial state and events, or updates, counted in the JSON itself. One withdrawal of the third is by a peer of which
    // the answer tells no AS number.
    for (name, table, announced, withdrawn, skipped) in [
        ("bgp-llama/bgplay_AS18298_20250201.json", 417, 72, 0, 0),
        ("bgp-llama/bgplay_AS48362_20250301T0000-0300.json", 2462, 5, 0, 0),
        ("telegram-2026/91.108.56.0_23_full.json", 0, 766, 10, 1),
        ("telegram-2026/95.161.64.0_20_full.json", 0, 168, 8, 0),
    ] {
        let read = read(vec![input(&folder.join(name), "", "", None)], Interest::Everything);
        let account = &read.accounts[0];
        assert_eq!((account.table_entries, account.announced, account.withdrawn), (table, announced, withdrawn), "{name}");
        assert_eq!((account.skipped_count, account.kind), (skipped, FileKind::Ripestat), "{name}");
        assert!(read.vantages.iter().all(|(_, point)| point.collector.starts_with("rrc")), "{name}");
    }
}

#[test]
fn frrs_two_recordings_of_one_lab_case_count_once() {
    let Some(folder) = shared("lab/cases/A/mrt/cfrr") else { return };
    let files = discover(&[InputSpec { path: folder, collector: None }]).unwrap();
    let read = read(files, Interest::Everything);
    let dropped: u64 = read.accounts.iter().map(|account| account.duplicates_dropped).sum();
    let fine: u64 = read
        .accounts
        .iter()
        .filter(|account| account.path.to_string_lossy().contains("updates-et"))
        .map(|account| account.records)
        .sum();
    assert_eq!(dropped, fine, "every UPDATE of `all` is in `updates-et`");
    let announced = read.observations.iter().filter(|seen| matches!(seen.what, Statement::Announce { .. })).count();
    let told: u64 = read.accounts.iter().map(|account| account.announced).sum();
    assert_eq!(2 * announced as u64, told);
}

#[test]
fn what_is_read_does_not_depend_on_the_number_of_threads() {
    for (case, interest) in [("A", Interest::Everything), ("B", Interest::Everything), ("H", watched("10.20.0.0/16"))] {
        let spec = InputSpec { path: format!("data/lab/{case}/mrt").into(), collector: None };
        let all = |threads| {
            let resources = Resources { threads, timing: Timing::on(), ..Resources::default() };
            let read = read_with(discover(std::slice::from_ref(&spec)).unwrap(), interest.clone(), &resources);
            format!("{:?} {:?} {:?}", read.lines(), read.accounts, read.vantages.iter().collect::<Vec<_>>())
        };
        let alone = all(1);
        for threads in [2, 3, 16] {
            assert!(all(threads) == alone, "case {case} with {threads} threads");
        }
    }
}

fn watched(prefix: &str) -> Interest {
    Interest::Watched(WatchedPrefixes::new([prefix.parse().unwrap()]))
}

#[test]
fn progress_ends_at_its_total() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "updates.a", &[alive(100), alive(101)]);
    write(folder.path(), "notes", &[b"not BGP".to_vec()]);
    let files = discover(&[InputSpec { path: folder.path().to_owned(), collector: None }]).unwrap();
    let mut merge = Merge::open(files, Interest::Everything, &Resources::default()).unwrap();
    let mut vantages = Vantages::default();
    while merge.next(&mut vantages).is_some() {}
    let size = std::fs::metadata(path).unwrap().len();
    let all = ReadSoFar { bytes: size, all_bytes: size, files: 1, all_files: 1 };
    assert_eq!(merge.reading().now(), all, "what is no archive is not waited for");
}
