//! The Parquet tables of a report, read back: every row of the findings is there, and agrees with the JSON form.

use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::probe::read_results;
use faultline::report::{self, ReportView};
use faultline::table::{Column, TableError, Values, read_parquet};
use faultline::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The tables of a case of the lab with its view, or `None` where the program was built without Parquet.
fn tables(case: &str) -> Option<(ReportView, BTreeMap<&'static str, Vec<u8>>)> {
    let folder = PathBuf::from("data/lab").join(case);
    let probes = vec![folder.join("dns.jsonl.gz"), folder.join("http.jsonl.gz")];
    let inputs = vec!["data/lab/lab.toml".into(), folder.join("mrt")];
    let analysis =
        analyze(&Inputs { inputs, collectors: Vec::new(), probes, threads: None }, &faultline::timing::Timing::default()).unwrap();
    let view = ReportView::of(&analysis, Timestamp::from_micros(0));
    let tables = report::tables(&analysis);
    if cfg!(feature = "tables") {
        Some((view, tables.unwrap().into_iter().collect()))
    } else {
        assert_eq!(tables, Err(TableError::WithoutTables));
        None
    }
}

fn columns(bytes: &[u8]) -> BTreeMap<String, Values> {
    read_parquet(bytes.to_vec()).unwrap().into_iter().map(|Column { name, values }| (name, values)).collect()
}

fn text(columns: &BTreeMap<String, Values>, name: &str) -> Vec<Option<String>> {
    let Values::Text(cells) = &columns[name] else { panic!("{name} is no text") };
    cells.clone()
}

fn whole(columns: &BTreeMap<String, Values>, name: &str) -> Vec<Option<i64>> {
    let Values::Whole(cells) = &columns[name] else { panic!("{name} holds no whole numbers") };
    cells.clone()
}

#[test]
fn the_tables_of_case_a_agree_with_its_json() {
    let Some((view, tables)) = tables("A") else { return };
    let incident = &view.incidents[0];

    let withdrawals = columns(&tables["withdrawals.parquet"]);
    let prefixes: Vec<String> = text(&withdrawals, "prefix").into_iter().flatten().collect();
    let mut expected: Vec<String> = incident.withdrawals.iter().map(|lost| lost.prefix.clone()).collect();
    expected.sort();
    let mut sorted = prefixes.clone();
    sorted.sort();
    assert_eq!(sorted, expected);
    assert_eq!(text(&withdrawals, "incident"), vec![Some(incident.id.clone()); 8]);
    let statements: usize = incident.withdrawals.iter().map(|lost| lost.statements.len()).sum();
    assert_eq!(whole(&withdrawals, "statements").into_iter().flatten().sum::<i64>(), i64::try_from(statements).unwrap());
    assert_eq!(whole(&withdrawals, "trough_lost"), vec![Some(6); 8]);
    let baselines = incident.withdrawals.iter().map(|lost| i64::from(lost.baseline_millionths)).sum::<i64>();
    assert_eq!(whole(&withdrawals, "baseline_millionths").into_iter().flatten().sum::<i64>(), baselines);

    let losses = columns(&tables["losses.parquet"]);
    assert_eq!(text(&losses, "vantage").len(), incident.losses.len());
    let failures: i64 = whole(&losses, "failures").into_iter().flatten().sum();
    assert_eq!(failures as u64, incident.losses.iter().map(|loss| loss.failed_attempts).sum::<u64>());

    let incidents = columns(&tables["incidents.parquet"]);
    assert_eq!(text(&incidents, "service"), [Some("web".to_owned())]);
    assert_eq!(text(&incidents, "verdict"), [Some(incident.phrase.to_string())]);
    assert_eq!(whole(&incidents, "name_servers_lost"), [Some(4)]);
    assert!(text(&incidents, "reasons_for")[0].as_ref().unwrap().starts_with("NAME_SERVER_PREFIXES_LOST "));
}

#[test]
fn visibility_is_what_the_route_changes_come_to() {
    let Some((_, tables)) = tables("A") else { return };
    let routes = columns(&tables["route_changes.parquet"]);
    let visibility = columns(&tables["visibility.parquet"]);
    let wanted = "198.18.30.0/24";
    // By hand: at the trough every peer AS which ever had the prefix has it withdrawn at every collector.
    let (prefix, after, at) = (text(&routes, "prefix"), text(&routes, "after"), whole(&routes, "at_us"));
    let (collector, peer, asn) = (text(&routes, "collector"), text(&routes, "peer"), whole(&routes, "peer_asn"));
    let (seen_prefix, seen_at, lost) = (text(&visibility, "prefix"), whole(&visibility, "at_us"), whole(&visibility, "lost"));
    let worst = (0..lost.len()).filter(|row| seen_prefix[*row].as_deref() == Some(wanted)).max_by_key(|row| lost[*row]).unwrap();
    let mut state = BTreeMap::new();
    for row in (0..prefix.len()).filter(|row| prefix[*row].as_deref() == Some(wanted) && at[*row] <= seen_at[worst]) {
        state.insert((collector[row].clone(), peer[row].clone()), (asn[row], after[row].clone().unwrap()));
    }
    let mut by_as: BTreeMap<_, Vec<String>> = BTreeMap::new();
    state.into_values().for_each(|(asn, after)| by_as.entry(asn).or_default().push(after));
    let gone = by_as.values().filter(|states| states.iter().all(|after| after == "withdrawn")).count();
    assert_eq!(Some(i64::try_from(gone).unwrap()), lost[worst], "{by_as:?}");
    assert_eq!(lost[worst], Some(6));
    // Every statement names the file and the record it stands in; what no record says has neither.
    let (cause, file, record) = (text(&routes, "cause"), text(&routes, "file"), whole(&routes, "record"));
    for row in 0..cause.len() {
        if ["announced", "withdrawn", "table"].contains(&cause[row].as_deref().unwrap()) {
            assert!(file[row].as_deref().unwrap().starts_with("data/lab/A/mrt/") && record[row].unwrap() > 0);
        }
    }
}

#[test]
fn written_probe_results_read_back_as_they_were() {
    let Some((_, tables)) = tables("H") else { return };
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("probes.parquet");
    std::fs::write(&path, &tables["probes.parquet"]).unwrap();
    let again = read_results(&[path], 0).unwrap();
    let first = read_results(&["data/lab/H/dns.jsonl.gz".into(), "data/lab/H/http.jsonl.gz".into()], 0).unwrap();
    assert_eq!((again.files[0].bad_count, &again.files[0].error), (0, &None));
    let plain = |results: &[faultline::probe::ProbeResult]| {
        results
            .iter()
            .map(|result| (result.at, result.vantage.clone(), format!("{:?} {:?}", result.target, result.outcome)))
            .collect::<Vec<_>>()
    };
    assert_eq!(plain(&again.results), plain(&first.results));
}

#[test]
fn every_attempt_and_every_threshold_is_there() {
    let Some((view, tables)) = tables("A") else { return };
    let attempts = columns(&tables["attempts.parquet"]);
    let (vantage, target, check) = (text(&attempts, "vantage"), text(&attempts, "target"), text(&attempts, "check"));
    let (failure, began, ended) = (text(&attempts, "failure"), whole(&attempts, "began_us"), whole(&attempts, "ended_us"));
    assert!((0..began.len()).all(|row| began[row] <= ended[row]));
    assert_eq!(failure.len() as u64, view.completeness.series.iter().map(|series| series.attempts).sum::<u64>());
    for series in &view.completeness.series {
        let is_of = |row: &usize| {
            (&vantage[*row], &target[*row], &check[*row])
                == (&Some(series.vantage.clone()), &Some(series.target.clone()), &Some(series.check.clone()))
        };
        let rows: Vec<usize> = (0..failure.len()).filter(is_of).collect();
        let good = rows.iter().filter(|row| failure[**row].is_none()).count();
        assert_eq!((rows.len() as u64, good as u64), (series.attempts, series.successes), "{} {}", series.vantage, series.target);
    }
    let kinds: BTreeSet<&str> = failure.iter().flatten().map(String::as_str).collect();
    assert!(kinds.contains("DNS time-out") && kinds.contains("name not resolved"), "{kinds:?}");

    let settings = columns(&tables["settings.parquet"]);
    let (key, value, unit) = (text(&settings, "key"), text(&settings, "value"), text(&settings, "unit"));
    assert_eq!(key.len(), view.settings.len());
    let row = key.iter().position(|key| key.as_deref() == Some("open_hold")).unwrap();
    assert_eq!((value[row].as_deref(), unit[row].as_deref()), (Some("5 s"), Some("us")), "lab.toml says 5 s");
    assert_eq!((whole(&settings, "number")[row], whole(&settings, "default_number")[row]), (Some(5_000_000), Some(60_000_000)));

    let files = columns(&tables["files.parquet"]);
    let (holds, first, last) = (text(&files, "holds"), whole(&files, "first_us"), whole(&files, "last_us"));
    let of = |kind: &str| holds.iter().filter(|held| held.as_deref() == Some(kind)).count();
    assert_eq!((of("BGP"), of("probes")), (view.completeness.bgp_files.len(), view.completeness.probe_files.len()));
    assert!((0..first.len()).all(|row| first[row] <= last[row]));
}
