//! Reports of recorded cases, from files to text: the golden report, and what every report must hold.

use crate::written;
use faultline::analysis::{Analysis, Outcome, Survey};
use faultline::cli::Inputs;
use faultline::command::analyze::{analyze, survey};
use faultline::org::profile;
use faultline::pipeline::Pipeline;
use faultline::report::{self, ExplainError, ReportView, SurveyView};
use faultline::scope::Scope;
use faultline::source::{InputSpec, Interest, Merge, Resources, discover};
use faultline::time::Timestamp;
use faultline::vantage::Vantages;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// An analysis, as the program makes it.
pub fn analyse(profile: &Path, bgp: &[PathBuf], probes: &[PathBuf]) -> Analysis {
    let inputs = std::iter::once(profile.to_owned()).chain(bgp.iter().cloned()).collect();
    analyze(
        &Inputs { inputs, collectors: Vec::new(), probes: probes.to_vec(), threads: None },
        &faultline::timing::Timing::default(),
    )
    .unwrap()
}

/// A case of the lab, by paths from the package's root, where tests run: so the golden report names no machine's path.
pub fn lab(case: &str) -> Analysis {
    let folder = PathBuf::from("data/lab").join(case);
    let probes = [folder.join("dns.jsonl.gz"), folder.join("http.jsonl.gz")];
    analyse(Path::new("data/lab/lab.toml"), &[folder.join("mrt")], &probes)
}

pub fn generated() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// Compares with the file of this name in `tests/golden`; `FAULTLINE_BLESS=1` writes it anew.
pub fn golden(name: &str, text: &str) {
    kept(&Path::new("tests/golden").join(name), text);
}

/// Compares with a file which is kept; `FAULTLINE_BLESS=1` writes it anew.
pub fn kept(path: &Path, text: &str) {
    if std::env::var_os("FAULTLINE_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    let differs = expected.lines().zip(text.lines()).position(|(a, b)| a != b);
    if expected != text {
        let line = differs.unwrap_or_else(|| expected.lines().count().min(text.lines().count()));
        panic!(
            "{} differs from line {}:\n  expected {:?}\n  found    {:?}\nIf this is meant: FAULTLINE_BLESS=1 cargo test --test integration",
            path.display(),
            line + 1,
            expected.lines().nth(line).unwrap_or("the end"),
            text.lines().nth(line).unwrap_or("the end")
        );
    }
}

/// A is routing, E is DNS: between them they have nearly every part of a report.
#[test]
fn the_reports_of_two_lab_cases_are_as_they_were() {
    for case in ["A", "E"] {
        let view = ReportView::of(&lab(case), generated());
        golden(&format!("lab-{case}.md"), &report::markdown(&view));
        golden(&format!("lab-{case}.json"), &written::json(&view));
        golden(&format!("lab-{case}.txt"), &report::terminal(&view, 100, false));
        let charts = report::charts(&view);
        let (_, glance) = charts.iter().find(|(name, _)| name == "charts/incident-1-glance.svg").unwrap();
        golden(&format!("lab-{case}-glance.svg"), glance);
    }
}

/// Every case, and the first without probes and without BGP.
pub fn all() -> &'static [(String, ReportView)] {
    static ALL: OnceLock<Vec<(String, ReportView)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: Vec<(String, Analysis)> = ["A", "B", "C", "D", "E", "H"].map(|case| (case.to_owned(), lab(case))).into();
        let profile = Path::new("data/lab/lab.toml");
        all.push(("A without probes".to_owned(), analyse(profile, &["data/lab/A/mrt".into()], &[])));
        all.push(("A without BGP".to_owned(), analyse(profile, &[], &["data/lab/A/dns.jsonl.gz".into()])));
        all.into_iter().map(|(name, analysis)| (name, ReportView::of(&analysis, generated()))).collect()
    })
}

// Why: a report is rendered again from its JSON alone, and must not say anything else then.
#[test]
fn every_report_of_the_lab_is_read_back_as_it_was_written() {
    for (name, view) in all() {
        eprintln!("{name}");
        written::reads_back(view);
    }
}

#[test]
fn only_the_time_of_generation_differs_between_two_reports_of_one_input() {
    let later: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    let (first, second) = (ReportView::of(&lab("D"), generated()), ReportView::of(&lab("D"), later));
    let differing = |a: String, b: String| {
        assert_eq!(a.lines().count(), b.lines().count());
        a.lines().zip(b.lines()).filter(|(a, b)| a != b).map(|(a, _)| a.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(differing(written::json(&first), written::json(&second)), ["  \"generated_at\": \"2026-11-23T12:00:00Z\","]);
    let markdown = differing(report::markdown(&first), report::markdown(&second));
    assert_eq!(markdown.len(), 1);
    assert!(markdown[0].contains("Made by Faultline at 2026-11-23T12:00:00Z"), "{markdown:?}");
    assert_eq!(report::terminal(&first, 100, false), report::terminal(&second, 100, false));
}

#[test]
fn the_first_screen_is_one_screen_and_holds_the_answer() {
    for (name, view) in all() {
        for width in [40, 80, 100] {
            let screen = report::terminal(view, width, false);
            assert!(screen.lines().count() <= 24, "{name} at {width}: {screen}");
            assert!(screen.lines().all(|line| line.chars().count() <= width), "{name} at {width}: {screen}");
            let painted = report::terminal(view, width, true);
            assert!(painted.contains("\u{1b}["), "{name}");
            assert_eq!(unpainted(&painted), screen, "{name}: colours carry no meaning of their own");
        }
        let screen = report::terminal(view, 100, false);
        let answers: &[&str] = if view.incidents.is_empty() {
            &["NO INCIDENT", "routes", "probes", "data"]
        } else {
            &["since", "over", "services", "seen by", "proof", "data"]
        };
        for answer in answers {
            assert!(screen.contains(answer), "{name} says nothing of \"{answer}\": {screen}");
        }
    }
}

pub fn unpainted(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap().to_owned();
    let plain = parts.map(|part| part.split_once('m').unwrap().1).fold(first, |text, part| text + part);
    plain.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn no_incident_and_could_not_tell_are_different_words() {
    let quiet = ReportView::of(&lab("C"), generated());
    assert_eq!((quiet.outcome.code, quiet.outcome.exit_status), (Outcome::NoIncident, 0));
    // One collector's table dump without a single route: nothing was seen, so nothing can be said.
    let empty = analyse(Path::new("data/lab/lab.toml"), &["data/lab/A/mrt/copen/rib.20261122.091309.mrt.gz".into()], &[]);
    let blind = ReportView::of(&empty, generated());
    assert_eq!((blind.outcome.code, blind.outcome.exit_status), (Outcome::CouldNotTell, 3));
    assert!(!blind.doubts.is_empty());
    for text in [report::markdown(&blind), report::terminal(&blind, 100, false)] {
        assert!(text.to_lowercase().contains("could not tell"), "{text}");
        assert!(!text.contains("No incident") && !text.contains("NO INCIDENT"), "{text}");
    }
}

#[test]
fn every_statement_and_attempt_can_be_looked_up() {
    for case in ["A", "D", "H"] {
        let view = ReportView::of(&lab(case), generated());
        let bgp = |name: &str| view.completeness.bgp_files.iter().find(|file| file.path == name).map(|file| file.records);
        let probes = |name: &str| view.completeness.probe_files.iter().find(|file| file.path == name).map(|file| file.records);
        let mut looked_up = 0;
        for incident in &view.incidents {
            let said = incident.withdrawals.iter().flat_map(|lost| lost.statements.iter().map(|s| (&s.vantage, &s.file, s.record)));
            let foreign =
                incident.foreign_origins.iter().flat_map(|f| f.statements.iter().map(|s| (&s.vantage, &s.file, s.record)));
            for (vantage, file, record) in said.chain(foreign) {
                assert!(view.completeness.peers.iter().any(|peer| peer.vantage == *vantage), "{vantage}");
                let (Some(file), Some(record)) = (file, record) else { continue };
                assert!((1..=bgp(file).unwrap()).contains(&record), "{file} has no record {record}");
                looked_up += 1;
            }
            for records in incident.losses.iter().flat_map(|loss| &loss.evidence) {
                let last: u64 = records.records.rsplit([',', '-', ' ']).next().unwrap().parse().unwrap();
                assert!(last <= probes(&records.file).unwrap(), "{} has no record {last}", records.file);
                looked_up += 1;
            }
        }
        assert!(looked_up > 0, "{case}");
    }
}

#[test]
fn explain_prints_every_observation_and_names_what_it_cannot_find() {
    let analysis = lab("A");
    let view = ReportView::of(&analysis, generated());
    let text = report::explain(&analysis, "1", None).unwrap();
    assert_eq!(report::explain(&analysis, "2026-11-22T09:13", Some("WEB")).unwrap(), text, "the one service needs all of it");
    let statements: usize = view.incidents[0].withdrawals.iter().map(|lost| lost.statements.len()).sum();
    assert_eq!(text.lines().filter(|line| line.contains(".mrt.gz record ")).count(), statements);
    for loss in &view.incidents[0].losses {
        let line = format!("{}: records {}", loss.evidence[0].file, loss.evidence[0].records);
        assert!(text.contains(&line), "{line}");
    }
    // "2" begins the only name, but whoever types it means the second incident.
    let error = report::explain(&analysis, "2", None).unwrap_err();
    assert!(error.to_string().contains("there are: 1 (2026-11-22T09:13:49"), "{error}");
    let error = report::explain(&analysis, "1", Some("mail")).unwrap_err();
    assert_eq!(error.to_string(), "no service is called `mail`; there are: web");
    assert_eq!(report::explain(&lab("C"), "1", None).unwrap_err(), ExplainError::NoIncident);
}

#[test]
fn a_hostile_name_stays_a_name() {
    let hostile = "w|eb<script>alert(1)</script>`x` \u{1b}[2J [l](http://e)";
    let profile = std::fs::read_to_string("data/lab/lab.toml").unwrap();
    let quoted = hostile.replace('\u{1b}', "\\u001b");
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("hostile.toml");
    std::fs::write(&path, profile.replacen("name = \"web\"", &format!("name = \"{quoted}\""), 1)).unwrap();
    let probes = ["data/lab/B/dns.jsonl.gz".into(), "data/lab/B/http.jsonl.gz".into()];
    let view = ReportView::of(&analyse(&path, &["data/lab/B/mrt".into()], &probes), generated());
    let json: serde_json::Value = serde_json::from_str(&written::json(&view)).unwrap();
    assert_eq!(json["incidents"][0]["services"][0]["service"], hostile);
    let markdown = report::markdown(&view);
    assert!(!markdown.contains("<script") && !markdown.contains('\u{1b}') && !markdown.contains("[l]("), "{markdown}");
    let mut columns = None;
    for line in markdown.lines() {
        let cells = line.replace("\\|", "").matches('|').count();
        if line.starts_with('|') {
            assert_eq!(*columns.get_or_insert(cells), cells, "a name broke a table: {line}");
        } else {
            columns = None;
        }
    }
    for text in [report::terminal(&view, 100, false), report::explain(&analyse(&path, &[], &probes), "1", None).unwrap()] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}

#[test]
fn a_survey_shows_who_was_gone_with_how_many_prefixes() {
    let settings = profile::read(Path::new("data/lab/lab.toml")).unwrap().organization.settings;
    let specs = [InputSpec { path: "data/lab/A/mrt".into(), collector: None }];
    let mut merge = Merge::open(discover(&specs).unwrap(), Interest::Everything, &Resources::default()).unwrap();
    let (mut vantages, mut pipeline) = (Vantages::default(), Pipeline::new(Scope::Everything, &settings));
    let mut last = Timestamp::MIN;
    while let Some(observation) = merge.next(&mut vantages) {
        last = last.max(observation.at);
        pipeline.observe(&observation, &vantages);
    }
    let routing = pipeline.finish(last, &vantages);
    let outages = Survey::outages(&routing, &settings);
    let survey = Survey { settings, vantages, routing, outages, roll_up: None, bgp_files: merge.accounts().to_vec() };
    let view = SurveyView::of(&survey, generated());
    let largest = &view.outages[0];
    assert_eq!((largest.origin.map(|origin| origin.0), largest.prefix_count), (Some(64500), 8));
    assert_eq!((largest.trough.lost, largest.trough.eligible, largest.peers_lost), (6, 6, 24));
    let screen = report::terminal(&view, 100, false);
    assert!(screen.lines().count() <= 24 && screen.contains("AS64500"), "{screen}");
    assert!(report::markdown(&view).contains("| AS64500 | 8 | 2026-11-22 09:13:49 | 09:14:48 |"));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&written::json(&view)).unwrap()["format"], "faultline-survey");
    written::reads_back(&view);
    golden("lab-A-survey.txt", &screen);
}

#[test]
fn a_survey_of_too_few_witnesses_says_that_it_could_not_tell() {
    let inputs = Inputs { inputs: vec!["data/lab/A/mrt".into()], collectors: Vec::new(), probes: Vec::new(), threads: None };
    let view = SurveyView::of(&survey(&inputs, &faultline::timing::Timing::default()).unwrap(), generated());
    assert_eq!(
        (view.outcome.code, view.outcome.exit_status),
        (Outcome::CouldNotTell, 3),
        "6 ASes of the 10 which the default demands"
    );
    let screen = report::terminal(&view, 100, false);
    assert!(screen.contains("COULD NOT TELL") && screen.contains("10 are needed to tell a withdrawal"), "{screen}");
}

#[test]
fn without_a_table_nobody_knows_what_covered_a_lost_prefix() {
    let updates = "data/lab/A/mrt/cbird/updates.20261122.091329.mrt.gz";
    let view = ReportView::of(&analyse(Path::new("data/lab/lab.toml"), &[updates.into()], &[]), generated());
    let incident = &view.incidents[0];
    assert_eq!(incident.withdrawals.len(), 8);
    for lost in &incident.withdrawals {
        assert!(lost.cover.is_none() && !lost.covers_known, "{}", lost.prefix);
        assert!(lost.route_left.contains("is not known"), "{}: {}", lost.prefix, lost.route_left);
        // They fell in one second, path hunting included: nothing of that is a return.
        assert_eq!(lost.first_back, None, "{}", lost.prefix);
    }
    let codes: Vec<String> = incident.services[0].reasons_against.iter().map(|reason| format!("{:?}", reason.code)).collect();
    assert!(codes.contains(&"CoverNotKnown".to_owned()), "{codes:?}");
    // With the table dumps of the same collector it is known.
    let seeded = ReportView::of(&analyse(Path::new("data/lab/lab.toml"), &["data/lab/A/mrt/cbird".into()], &[]), generated());
    assert!(seeded.incidents[0].withdrawals.iter().all(|lost| lost.covers_known && lost.cover.is_some()));
}
