//! `faultline report` as it is typed: what it renders from JSON alone is what `faultline analyze` wrote, and what it cannot read it says.

use crate::written;
use assert_cmd::cargo::cargo_bin_cmd;
use std::path::{Path, PathBuf};
use std::process::Output;

/// What `faultline analyze` wrote and printed.
struct Analyzed {
    home: tempfile::TempDir,
    ran: Output,
}

fn analyzed(arguments: &[&str]) -> Analyzed {
    let home = tempfile::tempdir().unwrap();
    let ran = cargo_bin_cmd!("faultline").arg("analyze").args(arguments).arg("--out").arg(home.path()).output().unwrap();
    Analyzed { home, ran }
}

fn lab_a() -> Analyzed {
    let probes = ["--probes", "data/lab/A/dns.jsonl.gz", "data/lab/A/http.jsonl.gz"];
    analyzed(&[&["data/lab/lab.toml", "data/lab/A/mrt"], &probes[..]].concat())
}

impl Analyzed {
    fn json(&self) -> PathBuf {
        self.home.path().join("incidents.json")
    }
}

fn report(input: &Path, more: &[&str]) -> Output {
    cargo_bin_cmd!("faultline").arg("report").arg(input).args(more).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Files but tables, by name, those in `charts/` too.
fn rendered(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = |folder: &Path| std::fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect());
    let charts: Vec<PathBuf> = entries(&folder.join("charts")).unwrap_or_default();
    let mut files: Vec<_> = entries(folder)
        .unwrap()
        .into_iter()
        .chain(charts)
        .filter(|path| path.is_file())
        .filter(|path| path.extension().is_none_or(|kind| kind != "parquet"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn what_is_rendered_again_is_what_was_written() {
    let survey: &[&str] = &["--all-origins", "data/lab/A/mrt"];
    let quiet: &[&str] = &["data/lab/lab.toml", "data/lab/C/mrt"];
    for (name, first, status) in [("A", lab_a(), 1), ("C", analyzed(quiet), 0), ("survey", analyzed(survey), 3)] {
        assert_eq!(first.ran.status.code(), Some(status), "{name}: {}", text(&first.ran.stderr));
        let json = std::fs::read(first.json()).unwrap();
        written::valid(text(&json));
        let again = report(&first.json(), &[]);
        assert_eq!((again.status.code(), text(&again.stderr)), (Some(status), ""), "{name}");
        assert_eq!(text(&again.stdout), text(&first.ran.stdout), "{name}");
        let printed = report(&first.json(), &["--format", "json"]);
        assert!(printed.stdout == json, "{name}");

        let out = first.home.path().join("again");
        let again = report(first.home.path(), &["--out", out.to_str().unwrap()]);
        assert_eq!(again.status.code(), Some(status), "{name}: {}", text(&again.stderr));
        let files = rendered(&out);
        std::fs::remove_dir_all(&out).unwrap();
        assert!(files == rendered(first.home.path()), "{name}");
        for (name, _) in files.iter().filter(|(name, _)| !name.ends_with(".svg")) {
            assert!(text(&again.stderr).contains(name), "{name} is not told: {}", text(&again.stderr));
        }
        let piped = cargo_bin_cmd!("faultline").args(["report", "-"]).write_stdin(json).output().unwrap();
        assert_eq!((piped.status.code(), text(&piped.stdout)), (Some(status), text(&first.ran.stdout)), "{name}");
    }
}

#[test]
fn the_file_which_is_read_stays_as_it_is() {
    let first = lab_a();
    let folder = first.home.path().to_str().unwrap();
    let json = std::fs::read_to_string(first.json()).unwrap();
    std::fs::remove_file(first.home.path().join("report.md")).unwrap();
    // The same bytes may be written: a lost report.md comes back.
    assert_eq!(report(&first.json(), &["--out", folder]).status.code(), Some(1));
    assert!(first.home.path().join("report.md").exists());
    // Written without blanks it says the same, and is still not to be changed, under whatever name.
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let compact = value.to_string();
    for name in ["incidents.json", "report.md"] {
        let path = first.home.path().join(name);
        std::fs::write(&path, &compact).unwrap();
        let ran = report(&path, &["--out", &format!("{folder}/../{}", first.home.path().file_name().unwrap().to_str().unwrap())]);
        assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), ""), "{name}");
        assert!(text(&ran.stderr).contains("it is the file which is read"), "{}", text(&ran.stderr));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), compact, "{name}");
    }
    let other = first.home.path().join("other");
    assert_eq!(report(&first.json(), &["--out", other.to_str().unwrap()]).status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(other.join("incidents.json")).unwrap(), json);
}

#[test]
fn what_cannot_be_read_back_says_why_and_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("incidents.json");
    let good = std::fs::read_to_string("tests/golden/lab-A.json").unwrap();
    let cases = [
        (good.replacen("\"version\": 1", "\"version\": 2", 1), "incidents.json: its `version`", "is 2; version 1 can be read"),
        (good.replacen("faultline-incidents", "faultline-drill", 1), "incidents.json: its `format`", "is \"faultline-drill\""),
        (good[..good.len() / 2].to_owned(), "incidents.json:", "not valid JSON: EOF"),
        (good.replacen("\"open\": false,", "\"open\": false, \"shut\": true,", 1), "incidents.json:", "unknown field `shut`"),
        (good.replacen("\"exit_status\": 1", "\"exit_status\": 0", 1), "incidents.json: /outcome/exit_status is 0", "it is 1"),
        (good.replacen("\"open\": false", "\"open\": true", 1), "/incidents/0/open is true", "it is false"),
        (good.replacen("\"number\": 1", "\"number\": 2", 1), "/incidents/0/number is 2", "it is 1"),
        (good.replacen("09:15:36.927923Z", "10:15:36.927923+01:00", 1), "/recorded_bgp/until is", "+01:00"),
    ];
    for (text_of_it, place, told) in cases {
        std::fs::write(&path, text_of_it).unwrap();
        let ran = report(&path, &[]);
        // The terminal's width breaks lines.
        let words = text(&ran.stderr).replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), ""), "{words}");
        assert!(words.contains(told) && words.contains("help:"), "{told}: {words}");
        let joined: String = words.split(' ').collect();
        assert!(joined.contains(&place.replace(' ', "")), "{place}: {words}");
    }
    std::fs::write(&path, [0x1f, 0x8b, 0x08]).unwrap();
    assert!(text(&report(&path, &[]).stderr).contains("decompress it"));
    let empty = tempfile::tempdir().unwrap();
    let ran = report(empty.path(), &[]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(text(&ran.stderr).contains("incidents.json"), "{}", text(&ran.stderr));
    assert_eq!(cargo_bin_cmd!("faultline").arg("report").output().unwrap().status.code(), Some(2));
}

#[test]
fn the_schemas_are_printed_as_they_are_published() {
    for (name, file) in [
        ("incidents", "incidents"),
        ("survey", "survey"),
        ("events", "outage-events"),
        ("incident-events", "incident-events"),
        ("notices", "notice"),
    ] {
        let file = format!("docs/formats/{file}.schema.json");
        let ran = cargo_bin_cmd!("faultline").args(["report", "--schema", name]).output().unwrap();
        assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(0), ""));
        assert_eq!(text(&ran.stdout), std::fs::read_to_string(file).unwrap());
    }
}
