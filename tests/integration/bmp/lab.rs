//! The lab's recordings of BMP against the archives of the same collectors: other bytes, other times, and the same routes.

use super::*;
use faultline::analysis::Analysis;
use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::observation::Statement;
use faultline::source::{InputSpec, discover};
use faultline::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

type Cell = (IpAddr, u32, ipnet::IpNet);
type Course = Vec<(Timestamp, Option<Vec<u32>>)>;

const CASES: [&str; 6] = ["A", "B", "C", "D", "E", "H"];

/// What was told of every route: when it changed, and its path, or none.
fn courses(reading: &Reading) -> BTreeMap<Cell, Course> {
    let mut cells: BTreeMap<Cell, Course> = BTreeMap::new();
    for observation in &reading.observations {
        let Some(from) = observation.what.from() else { continue };
        let point = reading.vantages.point(from);
        let mut tell = |prefix: &ipnet::IpNet, path: Option<Vec<u32>>| {
            let list = cells.entry((point.peer, point.asn.0, *prefix)).or_default();
            if list.last().is_none_or(|(_, last)| *last != path) {
                list.push((observation.at, path));
            }
        };
        match &observation.what {
            Statement::Announce { prefix, route, .. } | Statement::TableEntry { prefix, route, .. } => {
                tell(prefix, Some(route.path.iter().map(|asn| asn.0).collect()));
            }
            Statement::Withdraw { prefix, .. } => tell(prefix, None),
            Statement::SessionDown { .. } => {
                for ((peer, ..), list) in &mut cells {
                    if *peer == point.peer && list.last().is_some_and(|(_, path)| path.is_some()) {
                        list.push((observation.at, None));
                    }
                }
            }
            _ => {}
        }
    }
    cells
}

/// What a source has of a route at a time, and whether it changed about then.
fn at_time(cells: &BTreeMap<Cell, Course>, cell: &Cell, at: Timestamp) -> (Option<Vec<u32>>, bool) {
    let list = cells.get(cell).map(Vec::as_slice).unwrap_or_default();
    let close = list.iter().any(|(then, _)| then.since(at).abs() <= Span::from_seconds(3));
    (list.iter().rev().find(|(then, _)| *then <= at).and_then(|(_, path)| path.clone()), close)
}

fn of_collector(folder: &Path, collector: &str) -> Reading {
    let spec = InputSpec { path: folder.to_owned(), collector: Some(collector.to_owned()) };
    read(discover(&[spec]).unwrap(), Interest::Everything)
}

// Why: both come from the same messages, one by way of the router's table and one as they came in.
#[test]
fn routes_are_those_of_the_archive_of_the_same_collector() {
    let Some(cases) = crate::skip::shared("lab/cases") else { return };
    for case in CASES {
        for router in ["cfrr", "cgobgp"] {
            let bmp = of_collector(&cases.join(case).join("bmp").join(format!("{router}.1.bmp.gz")), router);
            let mrt = of_collector(&cases.join(case).join("mrt").join(router), router);
            let name = format!("case {case}, {router}");
            assert_eq!(bmp.accounts[0].skipped_count, 0, "{name}: {:?}", bmp.accounts[0].skipped);
            let end = |reading: &Reading| reading.observations.iter().map(|observation| observation.until()).max().unwrap();
            let at = end(&bmp).min(end(&mrt)) - Span::from_seconds(3);
            let (bmp, mrt) = (courses(&bmp), courses(&mrt));
            let cells: BTreeSet<&Cell> = bmp.keys().chain(mrt.keys()).collect();
            let (mut present, mut unsure, mut differ) = (0, 0, Vec::new());
            for cell in cells {
                let ((of_bmp, a), (of_mrt, b)) = (at_time(&bmp, cell, at), at_time(&mrt, cell, at));
                match of_bmp == of_mrt {
                    true => present += usize::from(of_bmp.is_some()),
                    false if a || b => unsure += 1,
                    false => differ.push((cell, of_bmp, of_mrt)),
                }
            }
            eprintln!("{name}: {present} routes the same, {unsure} changing, {} others", differ.len());
            // GoBGP's archive tells no session which is lost: there the routes stay which were not told again.
            if (case, router) == ("C", "cgobgp") {
                assert!(!differ.is_empty() && differ.iter().all(|(_, of_bmp, _)| of_bmp.is_none()), "{name}: {differ:?}");
                differ.clear();
            }
            assert!(differ.is_empty(), "{name}: {} of {present}: {:?}", differ.len(), &differ[..differ.len().min(5)]);
            assert!(present > 500 && unsure < 40, "{name}: {present} routes, {unsure} changing");
        }
    }
}

/// What is found in these files.
fn found(profile: &str, inputs: &[PathBuf]) -> Analysis {
    let inputs = std::iter::once(profile.into()).chain(inputs.iter().cloned()).collect();
    let inputs = Inputs { inputs, collectors: Vec::new(), probes: Vec::new(), threads: None };
    analyze(&inputs, &faultline::timing::Timing::default()).unwrap()
}

/// Which prefixes were withdrawn in which incident, from when to when, in seconds.
pub fn withdrawals(analysis: &Analysis) -> Vec<Vec<(String, i64, Option<i64>)>> {
    let of = |incident: &faultline::incident::Incident| {
        let all = incident.evidence.withdrawals.iter();
        let seconds = |time: Timestamp| time.seconds();
        let mut all: Vec<_> = all.map(|one| (one.prefix.to_string(), seconds(one.opened), one.recovered.map(seconds))).collect();
        all.sort();
        all
    };
    analysis.correlation.incidents.iter().map(of).collect()
}

// Why: the same routers by another protocol must give the same incidents.
#[test]
fn incidents_are_those_of_the_archives() {
    let Some(cases) = crate::skip::shared("lab/cases") else { return };
    for case in CASES {
        for router in ["cfrr", "cgobgp"] {
            let bmp = withdrawals(&found("data/lab/lab.toml", &[cases.join(case).join("bmp").join(format!("{router}.1.bmp.gz"))]));
            let mrt = withdrawals(&found("data/lab/lab.toml", &[PathBuf::from("data/lab").join(case).join("mrt").join(router)]));
            assert_eq!(bmp.len(), mrt.iter().filter(|incident| !incident.is_empty()).count(), "case {case}, {router}");
            for (bmp, mrt) in bmp.iter().zip(&mrt) {
                let names = |list: &[(String, i64, Option<i64>)]| list.iter().map(|(name, ..)| name.clone()).collect::<Vec<_>>();
                assert_eq!(names(bmp), names(mrt), "case {case}, {router}");
                for ((prefix, begun, over), (_, begun_there, over_there)) in bmp.iter().zip(mrt) {
                    let apart = |a: i64, b: i64| (a - b).abs() > 3;
                    let over_apart = over.zip(*over_there).is_none_or(|(a, b)| apart(a, b));
                    assert!(!apart(*begun, *begun_there) && !over_apart, "case {case}, {router}: {prefix} {bmp:?} {mrt:?}");
                }
            }
        }
    }
}
