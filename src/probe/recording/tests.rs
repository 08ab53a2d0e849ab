//! Files good and bad, beside each other.

use super::*;
use crate::probe::own::tests::any_result;
use crate::probe::{to_line, to_parquet};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::io::Write;

const GOOD: &str = r#"{"kind":"ping","ts":"2021-10-04T15:39:00Z","vantage":"a","host":"www.example","answered":true}"#;
const LATER: &str = r#"{"kind":"ping","ts":"2021-10-04T15:40:00Z","vantage":"a","host":"www.example","answered":false}"#;

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn gzip(text: &str) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

#[test]
fn a_bad_file_leaves_the_good_ones_and_is_named() {
    let cut = gzip(&format!("{GOOD}\n{LATER}\n"));
    let cut = &cut[..cut.len() - 4];
    let folder = folder(&[
        ("1-good.csv", format!("{LATER}\n{GOOD}\n").as_bytes()),
        ("2-empty.jsonl", b""),
        ("3-foreign.jsonl", b"{\"op\":\"A\",\"prefix\":\"100.64.0.0/24\"}\n"),
        ("4-picture.gz", &[0x89, b'P', b'N', b'G', 0, 1, 2, 3]),
        ("5-cut.json", cut),
        ("deeper/6-array", format!("[{},\n{}", GOOD.replace("15:39", "15:41"), LATER).as_bytes()),
        (".hidden", b"not meant"),
    ]);
    let recording = read_results(&[folder.path().to_owned()], 10).unwrap();
    let said: Vec<_> = recording
        .files
        .iter()
        .map(|file| (file.id.0, file.results, file.error.as_ref().map(|e| e.to_string().split(": ").nth(1).unwrap().to_owned())))
        .collect();
    let said: Vec<_> = said.iter().map(|(id, results, error)| (*id, *results, error.as_deref().unwrap_or("good"))).collect();
    assert_eq!(
        said,
        [
            (10, 2, "good"),
            (11, 0, "the file is empty"),
            (12, 0, "no known format of probe results (Faultline JSON Lines or Parquet, RIPE Atlas, ZDNS, service status)"),
            (13, 0, "no known format of probe results (Faultline JSON Lines or Parquet, RIPE Atlas, ZDNS, service status)"),
            (14, 0, "broken after record 2"),
            (15, 1, "broken after record 2"),
        ]
    );
    assert_eq!(recording.files[4].repeated, 2, "the same two attempts, recorded before");
    assert_eq!(recording.files[5].repeated, 1);
    let order: Vec<_> = recording.results.iter().map(|r| (r.at.to_string(), r.source.file.0, r.source.record)).collect();
    assert_eq!(
        order,
        [
            ("2021-10-04T15:39:00Z".to_owned(), 10, 2),
            ("2021-10-04T15:40:00Z".to_owned(), 10, 1),
            ("2021-10-04T15:41:00Z".to_owned(), 15, 1),
        ]
    );
    assert_eq!(recording.files[4].blake3, blake3::hash(cut).to_hex().to_string());
    assert_eq!(recording.files[4].bytes, cut.len() as u64);
    assert!(recording.files.iter().all(|file| file.in_folder));
}

#[test]
fn bad_lines_are_all_counted_and_the_first_hundred_told() {
    let mut text = format!("{GOOD}\n");
    for _ in 0..150 {
        text.push_str("{\"broken\n");
    }
    let mut bytes = text.into_bytes();
    bytes.extend([0xff, 0xfe, b'\n', b'\n']);
    bytes.extend(LATER.as_bytes());
    let folder = folder(&[("a", &bytes)]);
    let recording = read_results(&[folder.path().join("a")], 0).unwrap();
    let file = &recording.files[0];
    assert_eq!((file.records, file.results, file.bad_count, file.bad.len()), (153, 2, 151, 100));
    assert_eq!(file.bad[0].record, 2);
    assert!(file.bad[0].reason.starts_with("not JSON"));
    assert_eq!(recording.results[1].source.record, 154, "lines are counted as an editor counts them");
    assert_eq!((file.first, file.last), (Some(recording.results[0].at), Some(recording.results[1].at)));
}

#[test]
fn what_was_typed_wrong_is_an_error_at_once() {
    let folder = folder(&[("a.jsonl", GOOD.as_bytes()), ("b.jsonl", LATER.as_bytes())]);
    fs::create_dir(folder.path().join("nothing")).unwrap();
    let read = |path: &str| read_results(&[folder.path().join(path)], 0).map(|recording| recording.results.len());
    assert_eq!(read("*.jsonl"), Ok(2));
    assert!(matches!(read("c.jsonl"), Err(ProbeError::NotThere(_))));
    assert!(matches!(read("*.csv"), Err(ProbeError::NothingFits(_))));
    assert!(matches!(read("[.csv"), Err(ProbeError::BadPattern { .. })));
    assert!(matches!(read("nothing"), Err(ProbeError::EmptyFolder(_))));
    let twice = [folder.path().join("a.jsonl"), folder.path().to_owned()];
    assert_eq!(read_results(&twice, 0).unwrap().files.len(), 2, "a file named twice is read once");
    let twice = [folder.path().to_owned(), folder.path().to_owned()];
    assert_eq!(read_results(&twice, 0).unwrap().files.len(), 2, "and so is a folder");
}

fn some_results(count: usize) -> Vec<ProbeResult> {
    let mut runner = TestRunner::deterministic();
    let mut results: Vec<ProbeResult> = (0..count).map(|_| any_result().new_tree(&mut runner).unwrap().current()).collect();
    results.sort_by_key(|result| result.at);
    for (record, result) in (1..).zip(&mut results) {
        result.source.record = record;
    }
    results
}

#[test]
fn written_lines_are_read_back_in_every_compression() {
    let results = some_results(300);
    let text: String = results.iter().map(|result| to_line(result) + "\n").collect();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(text.as_bytes()).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(text.as_bytes()).unwrap();
    let packed = [
        (Compression::Plain, text.clone().into_bytes()),
        (Compression::Gzip, gzip(&text)),
        (Compression::Bzip2, bzip2.finish().unwrap()),
        (Compression::Zstd, zstd::encode_all(text.as_bytes(), 1).unwrap()),
        (Compression::Xz, xz.finish().unwrap()),
    ];
    for (compression, bytes) in packed {
        let folder = folder(&[("results.txt", &bytes)]);
        let recording = read_results(&[folder.path().join("results.txt")], 0).unwrap();
        assert_eq!(recording.files[0].compression, compression);
        assert_eq!(recording.results, results, "{compression}");
        if compression != Compression::Plain {
            fs::write(folder.path().join("results.txt"), &bytes[..bytes.len() - 9]).unwrap();
            let recording = read_results(&[folder.path().join("results.txt")], 0).unwrap();
            let error = recording.files[0].error.clone().unwrap_or_else(|| panic!("{compression} cut short"));
            assert!(matches!(error, ProbeError::Broken { .. } | ProbeError::Unreadable { .. }), "{error}");
        }
    }
}

#[test]
fn tables_are_read_back_or_their_absence_is_said() {
    let results = some_results(300);
    match to_parquet(&results) {
        Ok(bytes) => {
            assert!(cfg!(feature = "tables"));
            let folder = folder(&[("results", &bytes), ("cut", &bytes[..bytes.len() / 2])]);
            let recording = read_results(&[folder.path().to_owned()], 0).unwrap();
            assert_eq!(recording.results.len(), results.len());
            for (read, written) in recording.results.iter().zip(&results) {
                assert_eq!(
                    (read.at, read.took, &read.target, &read.outcome),
                    (written.at, written.took, &written.target, &written.outcome)
                );
            }
            assert!(recording.files[0].error.is_some(), "half a table is an error");
            assert_eq!(recording.files[1].ignored_fields, BTreeMap::new());
        }
        Err(error) => {
            assert!(!cfg!(feature = "tables"), "{error}");
            let folder = folder(&[("results", b"PAR1")]);
            let recording = read_results(&[folder.path().join("results")], 0).unwrap();
            let error = recording.files[0].error.clone().unwrap().to_string();
            assert!(error.contains("without the feature `tables`"), "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Damage anywhere in a file ends in results and reasons, never in a panic or a hang.
    #[test]
    fn any_damage_is_survived(place in 0usize..1000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut text: String = some_results(5).iter().map(|result| to_line(result) + "\n").collect();
        text.push_str(r#"{"prb_id":1,"type":"dns","msm_id":1,"timestamp":1,"dst_addr":"::1","result":{"abuf":"NSSAhAAAAAAAAAAA"}}"#);
        let mut bytes = text.into_bytes();
        let place = place * bytes.len() / 1000;
        if cut { bytes.truncate(place) } else { bytes[place] = byte }
        let folder = folder(&[("a", &bytes)]);
        let recording = read_results(&[folder.path().join("a")], 0).unwrap();
        prop_assert!(recording.results.len() <= 6);
    }
}
