//! The lab's cases from archives alone and from probes alone: what may honestly be said by half the evidence.

use super::{Truth, analyse, viewed};
use faultline::analysis::{Analysis, Outcome};
use faultline::incident::{Incident, Observed, ReasonCode, ServiceVerdict, Verdict};
use faultline::report::{self, ReportView};
use faultline::vantage::Asn;
use faultline::withdrawal::Level;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Archives of all four collectors, and nobody who asked.
fn archives(case: &str) -> (Analysis, ReportView) {
    let analysis = analyse(case, &[PathBuf::from("data/lab").join(case).join("mrt")], false);
    let view = viewed(&analysis);
    assert!(view.recorded_probes.is_none());
    assert!(report::markdown(&view).contains("Probe results: none recorded."), "{case}");
    for incident in &analysis.correlation.incidents {
        assert!(!incident.evidence.probed && incident.evidence.observed, "{case}");
        let seen_by = &view.incidents[0].seen_by;
        assert!(seen_by.contains("no probes: impact not measured"), "{case}: {seen_by}");
    }
    (analysis, view)
}

/// Probes, and no archive.
fn probes(case: &str) -> (Analysis, ReportView) {
    let analysis = analyse(case, &[], true);
    let view = viewed(&analysis);
    assert!(view.recorded_bgp.is_none());
    assert!(report::markdown(&view).contains("BGP: none recorded."), "{case}");
    assert_eq!((analysis.outcome(), analysis.correlation.incidents.len()), (Outcome::Incident, 1), "{case}");
    let evidence = &analysis.correlation.incidents[0].evidence;
    assert!(evidence.probed && !evidence.observed, "{case}");
    assert!(evidence.withdrawals.is_empty() && evidence.foreign_origins.is_empty(), "{case}");
    (analysis, view)
}

fn only(analysis: &Analysis) -> (&Incident, ServiceVerdict) {
    let incident = &analysis.correlation.incidents[0];
    let verdict = incident.verdict();
    assert_eq!(verdict.verdict, verdict.services[0].verdict);
    (incident, verdict.services[0].clone())
}

fn has(service: &ServiceVerdict, code: ReasonCode) -> bool {
    service.reasons_for.iter().chain(&service.reasons_against).any(|reason| reason.code == code)
}

/// Undetermined, because nobody saw the routes.
fn routing_is_missed(analysis: &Analysis, case: &str) {
    let (_, service) = only(analysis);
    assert_eq!(service.verdict, Verdict::Undetermined, "{case}: {service:#?}");
    assert!(service.reasons_for.iter().any(|reason| reason.code == ReasonCode::RoutingNotObserved), "{case}");
    assert!(service.would_change.iter().any(|change| change.contains("BGP data")), "{case}: {:?}", service.would_change);
}

#[test]
fn a_archives_tell_what_is_unreachable_and_not_what_it_meant() {
    let (analysis, view) = archives("A");
    assert_eq!((analysis.outcome(), analysis.correlation.incidents.len()), (Outcome::Incident, 1));
    let (incident, service) = only(&analysis);
    assert_eq!((service.verdict, service.name_servers), (Verdict::RoutingNotProbed, (4, 4)));
    assert!(has(&service, ReasonCode::NotProbed) && has(&service, ReasonCode::CoverPresent), "{service:#?}");
    let withdrawn: BTreeSet<String> = incident.evidence.withdrawals.iter().map(|lost| lost.prefix.to_string()).collect();
    assert_eq!(withdrawn, Truth::of("A").expected("withdrawn"));
    let sentence = "routing: prefixes unreachable, service impact not measured";
    assert!(report::markdown(&view).contains(&format!("| verdict | {sentence} |")));
}

#[test]
fn a_probes_alone_cannot_tell_dead_name_servers_from_dead_routes() {
    let (analysis, _) = probes("A");
    routing_is_missed(&analysis, "A");
    assert!(has(&only(&analysis).1, ReasonCode::AuthoritiesFail));
}

/// Case A as one sees it who began to record when the routes were gone already.
#[test]
fn a_from_its_middle_on_routes_of_which_nothing_was_said_are_not_taken_for_kept() {
    let late = |path: &PathBuf| ["0914", "0915"].iter().any(|minute| path.to_string_lossy().contains(&format!("1122.{minute}")));
    let folders = std::fs::read_dir("data/lab/A/mrt").unwrap().map(|folder| folder.unwrap().path());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()));
    let mut archives: Vec<PathBuf> = files.filter(late).collect();
    archives.sort();
    let mut told = String::new();
    let recorded = std::fs::File::open("data/lab/A/dns.jsonl.gz").unwrap();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(recorded), &mut told).unwrap();
    // 09:14:05 UTC.
    let probed: Vec<&str> = told.lines().filter(|line| line[6..16].parse::<u64>().unwrap() >= 1_795_338_845).collect();
    assert!(archives.len() > 10 && probed.len() > 1_000, "{} {}", archives.len(), probed.len());
    let file = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
    std::fs::write(file.path(), probed.join("\n")).unwrap();
    let analysis = crate::report::analyse("data/lab/lab.toml".as_ref(), &archives, &[file.path().to_owned()]);
    let (incident, service) = only(&analysis);
    assert_eq!(service.verdict, Verdict::Undetermined, "{service:#?}");
    assert!(incident.evidence.withdrawals.is_empty());
    assert!(
        incident.evidence.routing_blind[0].what.starts_with("nothing was known yet of 198.18.30.0/24"),
        "{:?}",
        incident.evidence.routing_blind
    );
    let blind = crate::report::analyse("data/lab/lab.toml".as_ref(), &archives, &[]);
    assert_eq!(blind.outcome(), Outcome::CouldNotTell, "without probes, too");
    let lacked = "198.18.30.0/24 was in no table which 6 ASes told before it was announced at 2026-11-22 09:14:47";
    assert!(blind.doubts().iter().any(|doubt| doubt.starts_with(lacked)), "{:#?}", blind.doubts());
    let short = &viewed(&analysis).incidents[0].in_short[0];
    assert_eq!(short, "Routing: nothing withdrawn as far as was seen; for a part of the time it could not be told.");
}

#[test]
fn b_archives_show_well_routes_and_say_that_nobody_asked_the_service() {
    let (analysis, view) = archives("B");
    assert_eq!((analysis.outcome(), analysis.correlation.incidents.len()), (Outcome::NoIncident, 0));
    assert!(view.outcome.sentence.contains("in routing; whether services worked was not measured"), "{}", view.outcome.sentence);
}

#[test]
fn b_probes_alone_show_the_application_since_it_answers() {
    let (analysis, _) = probes("B");
    let (_, service) = only(&analysis);
    assert_eq!(service.verdict, Verdict::Application);
    assert!(has(&service, ReasonCode::ReachedButNotUp));
    assert!(service.reasons_against.iter().any(|reason| reason.code == ReasonCode::RoutingNotObserved), "{service:#?}");
}

#[test]
fn d_archives_alone_make_a_partial_loss_an_observation() {
    let (analysis, _) = archives("D");
    assert_eq!((analysis.outcome(), analysis.correlation.incidents.len()), (Outcome::NoIncident, 0));
    let truth = Truth::of("D");
    let mut prefixes = BTreeSet::new();
    for seen in &analysis.correlation.observed {
        let Observed::Partial(lost) = seen else { panic!("{seen:#?}") };
        assert_eq!((lost.level, &lost.lost_by, &lost.common_transit[..]), (Level::Partial, &truth.concerned(), &[Asn(64503)][..]));
        prefixes.insert(lost.prefix.to_string());
    }
    assert_eq!(prefixes, truth.expected("withdrawn"));
    assert_eq!(analysis.correlation.observed.len(), prefixes.len());
}

#[test]
fn d_probes_alone_fail_at_one_place_and_cannot_say_why() {
    let (analysis, _) = probes("D");
    routing_is_missed(&analysis, "D");
    assert!(has(&only(&analysis).1, ReasonCode::SomeVantagesOnly));
}

#[test]
fn e_archives_alone_see_nothing_wrong_and_claim_no_health() {
    let (analysis, view) = archives("E");
    assert_eq!((analysis.outcome(), analysis.correlation.incidents.len()), (Outcome::NoIncident, 0));
    assert!(view.outcome.sentence.contains("in routing; whether services worked was not measured"), "{}", view.outcome.sentence);
}

#[test]
fn e_probes_alone_cannot_tell_dead_name_servers_from_dead_routes() {
    let (analysis, _) = probes("E");
    routing_is_missed(&analysis, "E");
    assert!(has(&only(&analysis).1, ReasonCode::AnswersByAddress));
}

#[test]
fn h_archives_alone_show_the_foreign_origin_and_no_impact() {
    let (analysis, _) = archives("H");
    assert_eq!((analysis.outcome(), analysis.correlation.incidents.len()), (Outcome::Incident, 1));
    let (incident, service) = only(&analysis);
    assert_eq!(service.verdict, Verdict::ForeignOriginNoImpact);
    assert!(incident.evidence.foreign_origins.iter().all(|foreign| foreign.origin == Asn(64511)));
    assert!(incident.evidence.withdrawals.is_empty() && analysis.routing.withdrawals.is_empty());
}

#[test]
fn h_probes_alone_see_a_wrong_page_which_may_be_anybodys() {
    let (analysis, _) = probes("H");
    routing_is_missed(&analysis, "H");
    assert!(has(&only(&analysis).1, ReasonCode::WrongContent));
}
