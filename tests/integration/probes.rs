//! Probe results as they were really recorded: the six cases of the lab, and RIPE Atlas samples of all firmware versions. The counts
//! were taken with other tools, named where they stand.

use faultline::observation::FileId;
use faultline::probe::{
    AskedAddress, DnsKind, DnsServer, HttpKind, Outcome, ProbeFile, ProbeFormat, ProbeRecording, ProbeResult, ServiceStatus,
    Target, read_results,
};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A path below the shared data beside the project, or a loud remark that it is not there.
fn shared(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = root.join(path);
    if !path.exists() {
        eprintln!("SKIPPED: ../shared/ is not there, or lacks {}", path.display());
        return None;
    }
    Some(path)
}

fn read(path: PathBuf) -> ProbeRecording {
    read_results(&[path], 0).unwrap()
}

fn dns_kind(result: &ProbeResult) -> Option<DnsKind> {
    match &result.outcome {
        Outcome::Dns(outcome) => Some(outcome.kind),
        Outcome::Http(_) | Outcome::Ping { .. } | Outcome::Status(_) => None,
    }
}

fn http_kind(result: &ProbeResult) -> Option<HttpKind> {
    match &result.outcome {
        Outcome::Http(outcome) => Some(outcome.kind),
        Outcome::Dns(_) | Outcome::Ping { .. } | Outcome::Status(_) => None,
    }
}

fn tally<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    items.for_each(|item| *counts.entry(item).or_default() += 1);
    counts
}

/// `zcat CASE/dns.jsonl.gz | wc -l`, and the same of `http.jsonl.gz`.
const LAB_LINES: [(&str, u64, u64); 6] =
    [("A", 3458, 1064), ("B", 2210, 680), ("C", 2418, 744), ("D", 2158, 664), ("E", 2405, 740), ("H", 2028, 624)];

#[test]
fn every_line_of_the_six_lab_cases_is_a_result() {
    let Some(cases) = shared("lab/cases") else { return };
    let lines: Vec<u64> = LAB_LINES.iter().flat_map(|(_, dns, http)| [*dns, *http]).collect();
    let recording = read(cases.join("*/[dh]*.jsonl.gz"));
    assert_eq!(recording.files.iter().map(|file| file.records).collect::<Vec<_>>(), lines);
    for file in &recording.files {
        assert_eq!(file.format, Some(ProbeFormat::FaultlineJson));
        assert_eq!((file.results, file.bad_count, file.repeated, &file.error), (file.records, 0, 0, &None), "{file:?}");
        assert_eq!(file.ignored_fields, BTreeMap::new(), "the lab's shape is the format");
    }
    assert!(recording.results.is_sorted_by_key(|result| (result.at, result.source)));
}

#[test]
fn the_endings_of_the_lab_are_those_which_its_prober_wrote() {
    // Counted with Python's json module: pairs of `via`, `rcode` and `error`; triples of `stage`, `error` and `status`.
    let Some(cases) = shared("lab/cases") else { return };
    let recording = read(cases.join("*/[dh]*.jsonl.gz"));
    let direct = |result: &ProbeResult| matches!(&result.target, Target::Dns { server: DnsServer::Authority { .. }, .. });
    let dns = tally(recording.results.iter().filter_map(|result| Some((direct(result), dns_kind(result)?))));
    let expected = [
        ((true, DnsKind::Answered), 8249),
        ((true, DnsKind::NetworkError), 320 + 377),
        ((true, DnsKind::Timeout), 1215),
        ((false, DnsKind::Answered), 4029),
        ((false, DnsKind::ServFail), 379),
        ((false, DnsKind::Timeout), 108),
    ];
    assert_eq!(dns, expected.into_iter().collect());
    let http = tally(recording.results.iter().filter_map(http_kind));
    let expected = [
        (HttpKind::Status(200), 2016 + 1922),
        (HttpKind::Status(500), 80 + 40),
        (HttpKind::ConnectRefused, 80 + 40),
        (HttpKind::ConnectTimeout, 2),
        (HttpKind::Unreachable, 80 + 4),
        (HttpKind::NameNotResolved, 143 + 109),
    ];
    assert_eq!(http, expected.into_iter().collect());
}

#[test]
fn the_first_lines_of_case_a_are_read_exactly() {
    let Some(case) = shared("lab/cases/A") else { return };
    let recording = read_results(&[case.join("dns.jsonl.gz"), case.join("http.jsonl.gz")], 40).unwrap();
    let first = &recording.results[0];
    assert_eq!((first.source.file, first.source.record, &*first.vantage), (FileId(40), 1, "client-a"));
    assert_eq!((first.at.micros(), first.took.micros()), (1_795_338_804_002_133, 6_647), "no microsecond lost");
    let page = recording.results.iter().find(|result| result.source.file == FileId(41) && result.source.record == 2).unwrap();
    let Target::Http { host, address, label } = &page.target else { panic!("{page:?}") };
    assert_eq!((&**host, &**label), ("www.megacorp.example", "web-ip4"));
    assert_eq!(*address, AskedAddress::Fixed("198.18.64.80".parse().unwrap()));
    let Outcome::Http(outcome) = &page.outcome else { panic!("{page:?}") };
    assert_eq!((outcome.body.as_deref(), outcome.server.as_deref()), (Some("hello from megacorp"), Some("megacorp")));
}

#[test]
fn a_whole_case_folder_says_which_files_are_no_probe_results() {
    let Some(case) = shared("lab/cases/A") else { return };
    let recording = read(case);
    let readable = |file: &&ProbeFile| file.error.is_none();
    assert_eq!(recording.files.iter().filter(readable).count(), 2);
    assert!(recording.files.len() > 2 && recording.files.iter().all(|file| file.in_folder));
    assert_eq!(recording.results.len(), 3458 + 1064);
}

#[test]
fn atlas_samples_of_every_firmware_are_read_or_refused_for_a_reason() {
    let Some(samples) = shared("data/atlas/ripe-atlas-sagan") else { return };
    let recording = read(samples.join("*.jsonl"));
    let said: Vec<_> = recording
        .files
        .iter()
        .map(|file| (file.records, file.results, file.bad.iter().map(|bad| bad.record).collect::<Vec<_>>()))
        .collect();
    // Records are `wc -l`. DNS: Python finds 54 queries in the 43 records, 49 with abuf, 3 timeouts, 2 (record 11) with neither. The abuf
    // of record 43 has no question, and record 9 is a timeout of a measurement of which there is no other result; the two other
    // timeouts take the question of their resultset: 49 - 1 + 2. HTTP record 2 is `connect error 4`, without an address; TLS
    // record 16 was forbidden to the probe.
    let expected = [
        (43, 50, vec![9, 11, 43]),
        (17, 16, vec![2]),
        (3, 0, vec![]),
        (15, 15, vec![]),
        (16, 15, vec![16]),
        (21, 0, vec![]),
        (2, 0, vec![]),
    ];
    assert_eq!(said, expected);
    let unsupported: BTreeMap<_, _> = recording.files.iter().flat_map(|file| file.unsupported.clone()).collect();
    let expected = [("ntp", 3), ("traceroute", 21), ("wifi", 2)].map(|(kind, count)| (kind.to_owned(), count));
    assert_eq!(unsupported, BTreeMap::from(expected));
    assert!(recording.files.iter().all(|file| file.ignored_fields.is_empty()), "every field of the samples is known");
    let dns = tally(recording.results.iter().filter_map(dns_kind));
    let expected = [(DnsKind::Answered, 44), (DnsKind::NoData, 2), (DnsKind::NxDomain, 2), (DnsKind::Timeout, 2)];
    assert_eq!(dns, expected.into_iter().collect());
    let answered = recording.results.iter().filter(|result| matches!(result.outcome, Outcome::Ping { answered: true })).count();
    assert_eq!(answered, 14, "record 14 has `rcvd` 0: all it got were duplicates");
}

/// The fenced examples of the documentation in this language.
fn examples(language: &str) -> String {
    let text = include_str!("../../docs/formats/probe-results.md");
    let start = format!("```{language}\n");
    let blocks = text.split(start.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.collect()
}

#[test]
fn the_documented_examples_are_read_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1"), examples("jsonl")).unwrap();
    std::fs::write(folder.path().join("2"), examples("csv")).unwrap();
    let recording = read(folder.path().to_owned());
    assert_eq!(recording.files.iter().map(|file| (file.results, file.bad_count)).collect::<Vec<_>>(), [(8, 0), (2, 0)]);
    assert_eq!(recording.files[0].ignored_fields, BTreeMap::new());
    assert_eq!(recording.files[1].ignored_fields, BTreeMap::from([("reports".to_owned(), 1)]));
    let dns: Vec<_> = recording.results.iter().filter_map(dns_kind).collect();
    assert_eq!(dns, [DnsKind::Answered, DnsKind::ServFail, DnsKind::Timeout]);
    let http: Vec<_> = recording.results.iter().filter_map(http_kind).collect();
    assert_eq!(http, [HttpKind::Status(200), HttpKind::NameNotResolved, HttpKind::ConnectRefused]);
    let last = recording.results.last().unwrap();
    assert_eq!((last.at.to_string(), &last.outcome), ("2024-03-05T15:35:00Z".to_owned(), &Outcome::Status(ServiceStatus::Down)));
}

#[test]
fn the_documented_status_words_are_those_of_the_program() {
    let text = include_str!("../../docs/formats/probe-results.md");
    let of = |status: &str| {
        let row = text.lines().find(|line| line.starts_with(&format!("| {status} |"))).unwrap();
        row.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    };
    for (name, status) in [("up", ServiceStatus::Up), ("degraded", ServiceStatus::Degraded), ("down", ServiceStatus::Down)] {
        let known: Vec<_> = faultline::probe::STATUS_WORDS.iter().filter(|(_, s)| *s == status).map(|(word, _)| *word).collect();
        assert_eq!(of(name), known);
    }
}
