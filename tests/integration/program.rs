//! The program as it is typed: exit status, what goes to standard output and what to standard error, and the files it writes.

use crate::written;
use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

/// `faultline analyze` on a lab case with its probes.
fn analyze(case: &str, more: &[&str]) -> Output {
    let folder = format!("data/lab/{case}");
    let mut program = cargo_bin_cmd!("faultline");
    program.args(["analyze", "data/lab/lab.toml", &format!("{folder}/mrt"), "--probes"]);
    program.args([format!("{folder}/dns.jsonl.gz"), format!("{folder}/http.jsonl.gz")]);
    program.args(more).output().unwrap()
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_incident_is_exit_status_1_and_its_summary_the_only_output() {
    let ran = analyze("A", &[]);
    assert_eq!(ran.status.code(), Some(1));
    let screen = text(&ran.stdout);
    assert!(screen.contains("name servers unreachable") && screen.contains("4 of 4 name servers"), "{screen}");
    assert!(screen.lines().count() <= 24 && !screen.contains('\u{1b}'), "{screen}");
    assert_eq!(text(&ran.stderr), "", "nothing to tell beside it");
}

#[test]
fn no_incident_is_exit_status_0() {
    let ran = analyze("C", &[]);
    assert_eq!(ran.status.code(), Some(0));
    assert!(text(&ran.stdout).contains("NO INCIDENT"), "{}", text(&ran.stdout));
    assert_eq!(text(&ran.stderr), "");
}

#[test]
fn json_is_printed_whole_and_alone_and_is_what_the_folder_holds() {
    for (case, status, code, incidents) in [("A", 1, "incident", 1), ("C", 0, "no_incident", 0)] {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("report");
        let ran = analyze(case, &["--format", "json", "--out", out.to_str().unwrap()]);
        assert_eq!(ran.status.code(), Some(status), "{case}: {}", text(&ran.stderr));
        let json = written::valid(text(&ran.stdout));
        assert_eq!(
            (&json["format"], &json["outcome"]["code"]),
            (&Value::from("faultline-incidents"), &Value::from(code)),
            "{case}"
        );
        assert_eq!(json["outcome"]["exit_status"], status, "{case}");
        assert_eq!(json["incidents"].as_array().unwrap().len(), incidents, "{case}");
        assert!(std::fs::read(out.join("incidents.json")).unwrap() == ran.stdout, "{case}: the file is what was printed");
        let markdown = std::fs::read_to_string(out.join("report.md")).unwrap();
        assert!(markdown.starts_with("# Incident report: Megacorp (lab)"), "{case}: {markdown}");
        let (stderr, files) = (text(&ran.stderr), names(&out));
        assert!(stderr.contains(&format!("to {}", out.display())), "{case}: {stderr}");
        for name in &files {
            assert!(stderr.contains(name.as_str()), "{case}: {name} is not told: {stderr}");
        }
        let tables = files.iter().filter(|name| name.ends_with(".parquet")).count();
        assert_eq!(files.len() - tables, 4, "{case}: report.html, report.md, incidents.json, charts: {files:?}");
        let charts = names(&out.join("charts"));
        assert!(
            charts.len() >= 4 && stderr.contains(&format!("charts ({} SVG files)", charts.len())),
            "{case}: {charts:?}: {stderr}"
        );
        let without = "no Parquet tables: this program was built without the feature `tables`";
        assert_eq!(
            (tables > 0, stderr.contains(without)),
            (cfg!(feature = "tables"), !cfg!(feature = "tables")),
            "{case}: {stderr}"
        );
    }
}

#[test]
fn a_failure_is_exit_status_2_with_nothing_on_standard_output() {
    let ran = cargo_bin_cmd!("faultline").args(["analyze", "data/lab/lab.toml", "data/lab/absent"]).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert_eq!(text(&ran.stdout), "");
    assert!(text(&ran.stderr).contains("data/lab/absent"), "{}", text(&ran.stderr));
}
