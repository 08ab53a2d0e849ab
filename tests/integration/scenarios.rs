//! Scenarios: timelines of `tests/scenarios`, played into a folder, analyzed as the program does it, and held against exact numbers.
//!
//! Each file says at its head what must come out and why. Here the same is asserted.

mod feeds;
mod repetition;
mod routes;

use faultline::analysis::{Analysis, Outcome};
use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::drill;
use faultline::feed::{FeedEvent, FeedNote};
use faultline::incident::{Incident, Verdict};
use faultline::time::{Bounds, Timestamp};
use faultline::withdrawal::Withdrawal;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// All thresholds at their defaults.
const EXAMPLE: &str = "example";
/// The same organization, watched by six ASes.
const SMALL: &str = "small";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// A folder with what a timeline's collectors and probes recorded.
struct Played {
    folder: tempfile::TempDir,
    profile: PathBuf,
}

fn play(name: &str, profile: &str) -> Played {
    let path = folder().join(format!("{name}.toml"));
    play_text(&path, &std::fs::read_to_string(&path).unwrap(), profile)
}

fn play_text(path: &Path, text: &str, profile: &str) -> Played {
    let timeline = drill::parse(path, text).unwrap_or_else(|error| panic!("{error}"));
    let folder = tempfile::tempdir().unwrap();
    drill::write(&timeline, folder.path()).unwrap();
    Played { folder, profile: self::folder().join("org").join(format!("{profile}.toml")) }
}

impl Played {
    fn analyze(&self) -> Analysis {
        self.analyze_files(&[self.folder.path().join("mrt")])
    }

    /// With the BGP files named one by one.
    fn analyze_files(&self, files: &[PathBuf]) -> Analysis {
        let probes = ["dns.jsonl.gz", "http.jsonl.gz", "status.jsonl.gz"].map(|name| self.folder.path().join(name));
        let inputs = std::iter::once(self.profile.clone()).chain(files.iter().cloned()).collect();
        let probes = probes.into_iter().filter(|path| path.exists()).collect();
        analyze(&Inputs { inputs, collectors: Vec::new(), probes, threads: None }, &faultline::timing::Timing::default()).unwrap()
    }
}

/// A scenario with the default thresholds.
fn analysis(name: &str) -> Analysis {
    play(name, EXAMPLE).analyze()
}

/// A time of the day on which all scenarios play.
fn at(clock: &str) -> Timestamp {
    format!("2026-01-01T{clock}Z").parse().unwrap()
}

/// Nothing happened, and enough was seen to say so.
fn assert_quiet(analysis: &Analysis) {
    assert_eq!(analysis.correlation.incidents.len(), 0);
    assert_eq!(analysis.correlation.observed.len(), 0, "{:?}", analysis.correlation.observed);
    assert_eq!(analysis.routing.withdrawals.len(), 0);
    assert_eq!(analysis.doubts(), Vec::<String>::new());
    assert_eq!(analysis.outcome(), Outcome::NoIncident);
}

/// The one incident.
fn only(analysis: &Analysis) -> &Incident {
    assert_eq!(analysis.correlation.incidents.len(), 1);
    assert_eq!((analysis.outcome(), analysis.outcome().exit_status()), (Outcome::Incident, 1));
    &analysis.correlation.incidents[0]
}

/// The verdict on the incident and on its only service.
fn verdicts(incident: &Incident) -> (Verdict, Verdict) {
    let verdict = incident.verdict();
    assert_eq!(verdict.services.len(), 1);
    (verdict.verdict, verdict.services[0].verdict)
}

/// The withdrawals of these prefixes and no others, in the order given.
fn withdrawals<'a>(incident: &'a Incident, prefixes: &[&str]) -> Vec<&'a Withdrawal> {
    let found: BTreeSet<String> = incident.evidence.withdrawals.iter().map(|lost| lost.prefix.to_string()).collect();
    assert_eq!(found, prefixes.iter().map(|prefix| (*prefix).to_owned()).collect());
    assert_eq!(incident.evidence.withdrawals.len(), prefixes.len(), "one withdrawal a prefix");
    let of = |prefix: &&str| incident.evidence.withdrawals.iter().find(|lost| lost.prefix.to_string() == **prefix).unwrap();
    prefixes.iter().map(of).collect()
}

/// Notes of a kind.
fn notes(analysis: &Analysis, wanted: FeedEvent) -> Vec<&FeedNote> {
    analysis.routing.notes.iter().filter(|note| note.what == wanted).collect()
}

/// Seeing, lost and unknown ASes at the end.
fn at_end(analysis: &Analysis, prefix: &str) -> (u32, u32, u32) {
    let id = analysis.routing.rib.id_of(&prefix.parse().unwrap()).unwrap();
    let now = analysis.routing.votes.visibility(id);
    (now.seeing, now.lost, now.unknown)
}

/// Both ends lie between these times.
fn assert_within(bounds: Bounds, from: &str, until: &str) {
    assert!(at(from) <= bounds.earliest && bounds.latest <= at(until), "{bounds:?} is not within {from} to {until}");
}

fn assert_between(time: Timestamp, from: &str, until: &str) {
    assert_within(Bounds::exact(time), from, until);
}

// Why: a scenario which no test plays, or which does not say what it is for, proves nothing.
#[test]
fn every_scenario_says_what_must_come_out_and_is_played() {
    let tests = [include_str!("scenarios/feeds.rs"), include_str!("scenarios/routes.rs")].concat();
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let scenarios: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|kind| kind == "toml")).collect();
    assert!(scenarios.len() >= 15, "{}", scenarios.len());
    for path in scenarios {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let head: String = text.lines().take_while(|line| line.starts_with("# ")).collect();
        assert!(head.contains("METHOD.md §") && head.contains("ust come out"), "{name} does not say what must come out and why");
        assert!(tests.contains(&format!("\"{name}\"")), "no test plays {name}");
    }
}
