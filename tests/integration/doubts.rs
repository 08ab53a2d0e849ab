//! What must not pass as "no incident": copies lying about, gaps, muted and destroyed probe results, prefixes which nobody ever saw.

use crate::stage::{Stage, at};
use crate::written;
use faultline::analysis::{Analysis, Outcome};
use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::foreign::ForeignOrigin;
use faultline::observation::{Route, Statement};
use faultline::pipeline::{Pipeline, RoutingFindings};
use faultline::report::{ObservedKind, ReportView};
use faultline::settings::Settings;
use faultline::vantage::Asn;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LAB: &str = "data/lab/lab.toml";

fn analysis(profile: &Path, bgp: &[PathBuf], probes: &[PathBuf]) -> Analysis {
    let inputs = std::iter::once(profile.to_owned()).chain(bgp.iter().cloned()).collect();
    analyze(
        &Inputs { inputs, collectors: Vec::new(), probes: probes.to_vec(), threads: None },
        &faultline::timing::Timing::default(),
    )
    .unwrap()
}

/// The case in which nothing was broken, with these probe results.
fn quiet(probes: &[PathBuf]) -> Analysis {
    analysis(Path::new(LAB), &["data/lab/C/mrt".into()], probes)
}

#[test]
fn a_copy_in_another_folder_tears_no_hole_into_its_collector() {
    let home = tempfile::tempdir().unwrap();
    // Sorted before the collector's own folder, and read first.
    let folder = home.path().join("aab");
    std::fs::create_dir(&folder).unwrap();
    let fall = "updates.20261122.091329.mrt.gz";
    std::fs::copy(Path::new("data/lab/A/mrt/cbird").join(fall), folder.join(fall)).unwrap();
    let alone = analysis(Path::new(LAB), &["data/lab/A/mrt/cbird".into()], &[]);
    let beside = analysis(Path::new(LAB), &[folder, "data/lab/A/mrt/cbird".into()], &[]);
    let onsets = |analysis: &Analysis| {
        analysis.routing.withdrawals.iter().map(|lost| (lost.prefix, lost.onset, lost.level)).collect::<Vec<_>>()
    };
    assert_eq!(onsets(&alone).len(), 8);
    assert_eq!(onsets(&beside), onsets(&alone));
}

#[test]
fn a_prefix_of_the_profile_which_no_table_has_is_a_doubt() {
    let home = tempfile::tempdir().unwrap();
    let profile = home.path().join("more.toml");
    let text = std::fs::read_to_string(LAB).unwrap();
    std::fs::write(&profile, text.replacen("prefixes = [", "prefixes = [\"203.0.113.0/24\",", 1)).unwrap();
    let analysis = analysis(&profile, &["data/lab/C/mrt".into()], &[]);
    assert_eq!(analysis.outcome(), Outcome::CouldNotTell);
    assert!(analysis.doubts().iter().any(|doubt| doubt.starts_with("203.0.113.0/24 is in no table")), "{:?}", analysis.doubts());
    assert_eq!(quiet(&[]).outcome(), Outcome::NoIncident);
}

/// One request a second, of the service and of the control, all of which end so.
fn requests(ending: &str) -> String {
    let mut text = String::new();
    for second in 0..60 {
        for (target, host) in [("web by name", "www.megacorp.example"), ("control web", "www.control.example")] {
            let ts = format!("2026-11-22T09:18:{second:02}Z");
            let _ = writeln!(
                text,
                "{{\"kind\":\"http\",\"ts\":\"{ts}\",\"vantage\":\"client-a\",\"target\":\"{target}\",\"host\":\"{host}\",{ending}}}"
            );
        }
    }
    text
}

#[test]
fn probes_whose_controls_failed_everywhere_are_no_health() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("http.jsonl");
    std::fs::write(&path, requests("\"stage\":\"connect\",\"error\":\"timeout\"")).unwrap();
    let muted = quiet(std::slice::from_ref(&path));
    assert_eq!(muted.outcome(), Outcome::CouldNotTell);
    assert!(muted.doubts().iter().any(|doubt| doubt.starts_with("controls failed at every vantage")), "{:?}", muted.doubts());
    let view = ReportView::of(&muted, at(0));
    let kinds: Vec<ObservedKind> = view.observed.iter().map(|seen| seen.kind).collect();
    assert!(kinds.contains(&ObservedKind::Muted) && kinds.contains(&ObservedKind::ControlFailed), "{kinds:?}");
    written::reads_back(&view);
}

#[test]
fn destroyed_probe_results_are_no_health() {
    let home = tempfile::tempdir().unwrap();
    let lines = home.path().join("lines.jsonl");
    let good = "{\"kind\":\"http\",\"ts\":\"2026-11-22T09:18:00Z\",\"vantage\":\"client-a\",\"target\":\"web\",\"host\":\"www.megacorp.example\",\
                \"stage\":\"done\",\"status\":200,\"body\":\"hello from megacorp\"}\n";
    std::fs::write(&lines, good.to_owned() + &"{\"kind\":\"http\",\"ts\":\"yesterday\"}\n".repeat(9)).unwrap();
    let analysis = quiet(&[lines]);
    assert_eq!(analysis.outcome(), Outcome::CouldNotTell);
    assert!(analysis.doubts()[0].ends_with("9 of 10 records could not be used"), "{:?}", analysis.doubts());
    written::reads_back(&ReportView::of(&analysis, at(0)));

    // In a folder a file of another kind is no mistake, but one which is called so was meant.
    let folder = home.path().join("probes");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("ok.jsonl"), good).unwrap();
    std::fs::write(folder.join("notes.txt"), "call Ann").unwrap();
    assert_eq!(quiet(std::slice::from_ref(&folder)).outcome(), Outcome::NoIncident);
    std::fs::write(folder.join("dns.jsonl.gz"), "what a broken disk left").unwrap();
    assert_eq!(quiet(&[folder]).outcome(), Outcome::CouldNotTell);
}

/// What twelve peers with complete tables come to, in the course of an hour.
fn found(stage: &Stage) -> RoutingFindings {
    let mut pipeline = Pipeline::new(stage.scope(), &Settings::default());
    for observation in &stage.said {
        pipeline.advance(observation.at, &stage.vantages);
        pipeline.observe(observation, &stage.vantages);
    }
    pipeline.finish(at(3_600), &stage.vantages)
}

fn twelve_peers() -> Stage {
    let sessions: Vec<(usize, u32)> = (0..12).map(|number| (0, 64_700 + number)).collect();
    let mut stage = Stage::new(1, &sessions, &["198.51.100.0/24", "198.51.100.0/25"]);
    stage.dump(0, 0, |_, prefix| prefix == 0);
    stage
}

#[test]
fn what_no_table_had_and_is_announced_for_seconds_is_not_withdrawn_afterwards() {
    let mut stage = twelve_peers();
    (0..12).for_each(|peer| stage.announce(1_200, peer, 1, 64_600));
    (0..12).for_each(|peer| stage.withdraw(1_220, peer, 1));
    assert_eq!(found(&stage).withdrawals, []);
    // Announced for as long as makes a history, it is missed when it goes.
    let mut stage = twelve_peers();
    (0..12).for_each(|peer| stage.announce(1_200, peer, 1, 64_600));
    (0..12).for_each(|peer| stage.withdraw(2_400, peer, 1));
    assert_eq!(found(&stage).withdrawals.len(), 1);
}

#[test]
fn as_trans_is_nobody_who_could_hijack() {
    let foreign = |origin: u32| -> Vec<ForeignOrigin> {
        let mut stage = twelve_peers();
        for peer in 0..12 {
            let route = Arc::new(Route { path: [Asn(64_700), Asn(origin)].into(), origin: Some(Asn(origin)) });
            let (from, prefix) = (stage.peers[peer], stage.prefixes[0]);
            stage.say(1_200, Statement::Announce { from, prefix, path_id: 0, route });
        }
        found(&stage).foreign_origins
    };
    assert_eq!(foreign(64_666).len(), 1);
    assert_eq!(foreign(23_456), []);
}
