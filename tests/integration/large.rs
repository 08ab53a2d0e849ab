//! The largest report which must still open at once: 10,000 withdrawals seen by 2,000 vantage points, through the real pipeline.
//!
//! Its files stay in `target/tmp/large`: `tests/browser` opens the page and measures how long that takes.

use crate::report::generated;
use crate::stage::{ORIGIN, Stage, at};
use faultline::analysis::Analysis;
use faultline::dependency::Dependencies;
use faultline::incident::{Findings, correlate};
use faultline::org::profile;
use faultline::pipeline::Pipeline;
use faultline::reachability::Reachability;
use faultline::report::{self, ReportView};
use faultline::source::FileAccount;
use std::path::Path;

const PREFIXES: usize = 10_000;
const VANTAGE_POINTS: usize = 2_000;
/// Vantage points which see a prefix: those of one prefix, then the next ones, and around again.
const SEEN_BY: usize = 12;
/// Seconds: tables without our prefixes, which are announced after that, are lost one after the other, and come back so.
const ANNOUNCED: i64 = 10;
const LOST: i64 = 1_200;
const BACK: i64 = 1_800;
/// The collector is silent from the last return until here, so that of every prefix it could not be told at the end: 10,000 doubts.
const END: i64 = 3_300;

/// The largest page, in bytes: it can be sent by mail, and a browser opens it in less than 2 s.
const PAGE: usize = 5_000_000;

/// Takes its turn with the others: ten a second.
fn second(from: i64, prefix: usize) -> i64 {
    from + i64::try_from(prefix).unwrap() / 10
}

fn seen_by(prefix: usize) -> impl Iterator<Item = usize> {
    (0..SEEN_BY).map(move |turn| (prefix * SEEN_BY + turn) % VANTAGE_POINTS)
}

fn told() -> Stage {
    let prefixes: Vec<String> = (0..PREFIXES).map(|number| format!("100.{}.{}.0/24", 64 + number / 256, number % 256)).collect();
    let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    let sessions: Vec<(usize, u32)> = (100_000..).take(VANTAGE_POINTS).map(|asn| (0, asn)).collect();
    let mut stage = Stage::new(1, &sessions, &prefixes);
    stage.dump(0, 0, |_, _| false);
    for prefix in 0..PREFIXES {
        // A hundred a second: they have been there for long enough when the first is lost.
        seen_by(prefix).for_each(|peer| stage.announce(ANNOUNCED + second(0, prefix) / 10, peer, prefix, 64_600));
    }
    // Somebody speaks of others' routes meanwhile: a collector which said nothing for so long would be taken for silent.
    (120..LOST).step_by(20).for_each(|second| stage.others(second, 0, 1));
    let lost = (0..PREFIXES).map(|prefix| (second(LOST, prefix), true, prefix));
    let back = (0..PREFIXES).map(|prefix| (second(BACK, prefix), false, prefix));
    let mut said: Vec<(i64, bool, usize)> = lost.chain(back).collect();
    said.sort_unstable();
    for (second, lost, prefix) in said {
        for peer in seen_by(prefix) {
            if lost { stage.withdraw(second, peer, prefix) } else { stage.announce(second, peer, prefix, 64_600) }
        }
    }
    stage
}

fn analysis(stage: Stage) -> Analysis {
    let prefixes: Vec<String> = stage.prefixes.iter().map(|prefix| format!("\"{prefix}\"")).collect();
    let profile = format!(
        "[organization]\nname = \"Example\"\nas_numbers = [{ORIGIN}]\nprefixes = [{}]\n[[services]]\nname = \"web\"\naddresses = [\"100.64.0.1\"]\n",
        prefixes.join(", ")
    );
    let organization = profile::parse(&profile, Path::new("org.toml")).unwrap().organization;
    let dependencies = Dependencies::from_profile_and_results(&organization, &[]);
    let mut pipeline = Pipeline::new(organization.scope(dependencies.addresses()), &organization.settings);
    stage.said.iter().for_each(|observation| pipeline.observe(observation, &stage.vantages));
    let routing = pipeline.finish(at(END), &stage.vantages);
    let reachability = Reachability::new(&organization, &dependencies).finish(at(END));
    let correlation = correlate(Findings {
        organization: &organization,
        dependencies: &dependencies,
        routing: &routing,
        vantages: &stage.vantages,
        reachability: &reachability,
    });
    Analysis {
        organization,
        dependencies,
        vantages: stage.vantages,
        routing,
        results: Vec::new(),
        attempts: Vec::new(),
        reachability,
        correlation,
        bgp_files: vec![FileAccount::new("updates.mrt".into(), "rrc00".to_owned(), 0)],
        probe_files: Vec::new(),
    }
}

// Why: a report which is too large to be opened or sent on is of no use just when most is lost.
#[test]
fn a_report_of_ten_thousand_withdrawals_and_two_thousand_vantage_points_stays_small() {
    let view = ReportView::of(&analysis(told()), generated());
    assert_eq!(view.incidents.len(), 1);
    let incident = &view.incidents[0];
    assert_eq!(incident.withdrawals.len(), PREFIXES);
    assert!(incident.withdrawals.iter().all(|lost| lost.lost_by.len() == SEEN_BY && lost.recovered.is_some()));
    assert_eq!(incident.timeline.map.rows.len(), VANTAGE_POINTS);
    assert_eq!(view.completeness.blind.len(), PREFIXES, "the end of the recording is silence");
    let files = report::files(&view);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("large");
    report::write_dir(&folder, &files).unwrap();
    let text = |name: &str| std::str::from_utf8(&files.iter().find(|(known, _)| known == name).unwrap().1).unwrap();
    for name in ["report.html", "report.md"] {
        let text = text(name);
        assert!(text.len() < PAGE, "{name} has {} bytes", text.len());
        // What is left out is said, and counted: rows of tables and items of lists; prefixes which are not drawn.
        assert!(text.contains("… and 9,800 more: the JSON form has all of them."), "{name}");
    }
    let drawn = text("report.html");
    assert!(drawn.contains("not drawn; the tables have them") && !drawn.contains("vantage points not drawn"));
}
