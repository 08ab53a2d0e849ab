//! The largest report which must still open at once: 10,000 withdrawals seen by 2,000 vantage points, through the real pipeline.
//!
//! The files stay in `target/tmp/large`, where `tests/browser` opens the page.

use crate::report::generated;
use crate::stage::{ORIGIN, Stage, at};
use faultline::analysis::Analysis;
use faultline::dependency::Dependencies;
use faultline::incident::{Findings, correlate};
use faultline::observation::Statement;
use faultline::org::Organization;
use faultline::org::profile;
use faultline::org::scope::Scope;
use faultline::pipeline::Pipeline;
use faultline::reachability::Reachability;
use faultline::report::{self, ReportView};
use faultline::source::FileAccount;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Vantage points which see each prefix; each sees as many prefixes as the next.
const SEEN_BY: usize = 12;

#[test]
fn a_report_of_ten_thousand_withdrawals_seen_by_two_thousand_vantage_points_stays_small() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |n| n.parse().unwrap());
    let (n, v) = (number("N", 10_000), number("V", 2_000));
    let mut clock = Instant::now();
    let mut lap = |what: &str| {
        eprintln!("{what}: {:.2} s", clock.elapsed().as_secs_f32());
        clock = Instant::now();
    };
    let prefixes: Vec<String> = (0..n).map(|i| format!("100.{}.{}.0/24", 64 + i / 256, i % 256)).collect();
    let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    let sessions: Vec<(usize, u32)> = (0..v).map(|i| (0, 100_000 + i as u32)).collect();
    let mut stage = Stage::new(1, &sessions, &prefixes);
    stage.dump(0, 0, |_, _| false);
    let peers = |prefix: usize| (0..SEEN_BY).map(move |i| (prefix * SEEN_BY + i) % v);
    for prefix in 0..n {
        for peer in peers(prefix) {
            stage.announce(10 + prefix as i64 / 100, peer, prefix, 64_600);
        }
    }
    let mut second = 120;
    while second < 1_200 {
        stage.others(second, 0, 1);
        second += 20;
    }
    let mut said: Vec<(i64, bool, usize)> = (0..n).flat_map(|p| [(1_200 + p as i64 / 10, true, p), (1_800 + p as i64 / 10, false, p)]).collect();
    said.sort();
    for (second, gone, prefix) in said {
        for peer in peers(prefix) {
            if gone { stage.withdraw(second, peer, prefix) } else { stage.announce(second, peer, prefix, 64_600) }
        }
    }
    let _ = Statement::Keepalive { from: stage.peers[0] };
    lap("stage");
    let text = format!(
        "[organization]\nname = \"Example\"\nas_numbers = [{ORIGIN}]\nprefixes = [{}]\n[[services]]\nname = \"web\"\naddresses = [\"100.64.0.1\"]\n",
        prefixes.iter().map(|prefix| format!("\"{prefix}\"")).collect::<Vec<_>>().join(", ")
    );
    let organization: Organization = profile::parse(&text, Path::new("org.toml")).unwrap().organization;
    lap("profile");
    let dependencies = Dependencies::from_profile_and_results(&organization, &[]);
    let scope = Scope::of(&organization, dependencies.addresses());
    let mut pipeline = Pipeline::new(scope, &organization.settings);
    for observation in &stage.said {
        pipeline.observe(observation, &stage.vantages);
    }
    lap("observe");
    let routing = pipeline.finish(at(3_000), &stage.vantages);
    lap("finish");
    let reachability = Reachability::new(&organization, &dependencies).finish(at(3_000));
    let correlation = correlate(Findings {
        organization: &organization,
        dependencies: &dependencies,
        routing: &routing,
        vantages: &stage.vantages,
        reachability: &reachability,
    });
    lap("correlate");
    let analysis = Analysis {
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
    };
    let view = ReportView::of(&analysis, generated());
    lap("view");
    let html = report::html(&view);
    lap("html");
    let markdown = report::markdown(&view);
    lap("markdown");
    let json = report::json(&view);
    lap("json");
    let charts = report::charts(&view);
    lap("charts");
    eprintln!("{} incidents, {} withdrawals, {} observed, {} rows; html {}, md {}, json {}, charts {}",
        view.incidents.len(), view.incidents.iter().map(|i| i.withdrawals.len()).sum::<usize>(), view.observed.len(), view.incidents.first().map_or(0, |i| i.timeline.map.rows.len()),
        html.len(), markdown.len(), json.len(), charts.iter().map(|c| c.1.len()).sum::<usize>());
    if cfg!(feature = "tables") {
        report::tables(&analysis).unwrap();
        lap("tables");
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("large");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("report.html"), &html).unwrap();
    std::fs::write(folder.join("incidents.json"), &json).unwrap();
    lap("write");
}
