//! The two rebuilt incidents, from the timeline to the report: every number which was published of 4 October 2021 and 5 March 2024, asked
//! of the whole program. What the drill writes is checked by `drill`; here it is what Faultline says of it.

pub mod meta_2021;
mod meta_2024;

use faultline::analysis::{Analysis, Outcome};
use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::drill;
use faultline::incident::{Incident, ServiceVerdict};
use faultline::report::{self, ReportView};
use faultline::time::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A rebuilt incident: its files, and what the program makes of them.
pub struct Rebuilt {
    folder: tempfile::TempDir,
    analysis: Analysis,
    pub view: ReportView,
}

/// What is analysed of it.
#[derive(Clone, Copy, PartialEq)]
enum Half {
    Archives,
    Probes,
    Both,
}

fn written(name: &str) -> tempfile::TempDir {
    let timeline = Path::new("data").join(name).join("timeline.toml");
    let folder = tempfile::tempdir().unwrap();
    drill::write(&drill::read(&timeline).unwrap(), folder.path()).unwrap();
    folder
}

fn analysed(folder: &Path, half: Half) -> Analysis {
    let mut inputs = vec![PathBuf::from("data/meta.toml")];
    if half != Half::Probes {
        inputs.push(folder.join("mrt"));
    }
    let files = ["dns.jsonl.gz", "http.jsonl.gz", "status.jsonl.gz"];
    let probes = if half == Half::Archives { Vec::new() } else { files.map(|file| folder.join(file)).into() };
    analyze(&Inputs { inputs, collectors: Vec::new(), probes, threads: None }, &faultline::timing::Timing::default()).unwrap()
}

fn viewed(analysis: &Analysis) -> ReportView {
    ReportView::of(analysis, at("2026-11-23T12:00:00Z"))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Rebuilt {
    fn of(name: &str) -> Rebuilt {
        let folder = written(name);
        let analysis = analysed(folder.path(), Half::Both);
        let view = viewed(&analysis);
        Rebuilt { folder, analysis, view }
    }

    /// The one incident.
    fn incident(&self) -> &Incident {
        only(&self.analysis)
    }

    /// The verdict on every service, by name.
    fn services(&self) -> BTreeMap<String, ServiceVerdict> {
        by_name(self.incident())
    }

    /// The folder, the report as JSON and the report as Markdown say that nothing of it was recorded.
    fn says_that_nothing_was_recorded(&self) {
        let provenance = std::fs::read_to_string(self.folder.path().join("PROVENANCE.md")).unwrap();
        assert!(provenance.starts_with("# Rebuilt, not recorded"), "{provenance}");
        let note = "rebuilt from published facts, not recorded";
        let json: serde_json::Value = serde_json::from_str(&crate::written::json(&self.view)).unwrap();
        assert!(json["organization"]["note"].as_str().unwrap().contains(note), "{}", json["organization"]);
        let markdown = report::markdown(&self.view);
        let quoted = markdown.lines().find(|line| line.starts_with('>')).unwrap();
        assert!(quoted.contains(note), "{quoted}");
    }
}

/// The one incident of an analysis.
fn only(analysis: &Analysis) -> &Incident {
    assert_eq!(analysis.outcome(), Outcome::Incident);
    assert_eq!(analysis.correlation.incidents.len(), 1);
    &analysis.correlation.incidents[0]
}

fn by_name(incident: &Incident) -> BTreeMap<String, ServiceVerdict> {
    incident.verdict().services.into_iter().map(|service| (service.service.clone(), service)).collect()
}

/// Every file of a folder, by its name in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The same timeline gives the same files, and the same files the same report: byte for byte, with the same time of generation. Read back it
/// is the same too.
fn comes_out_the_same_twice(first: &Rebuilt, name: &str) {
    // The second time was for the tests of the drill itself.
    let (once, again) = (files(first.folder.path()), files(crate::drill::anchors::folder(name)));
    assert!(once.keys().eq(again.keys()), "{:?} and {:?}", once.keys(), again.keys());
    for (path, bytes) in &once {
        assert!(again[path] == *bytes, "{} differs", path.display());
    }
    crate::written::reads_back(&first.view);
    let view = viewed(&analysed(first.folder.path(), Half::Both));
    for (form, first, second) in [
        ("JSON", crate::written::json(&first.view), crate::written::json(&view)),
        ("Markdown", report::markdown(&first.view), report::markdown(&view)),
        ("terminal", report::terminal(&first.view, 100, false), report::terminal(&view, 100, false)),
    ] {
        let differs = first.lines().zip(second.lines()).position(|(a, b)| a != b);
        assert!(first == second, "{form} differs from line {differs:?}");
    }
}
