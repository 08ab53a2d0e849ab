//! `analyze --all-origins`: outages told while archives are read, and rolled up by who holds their origins.

use crate::program::text;
use crate::{report::generated, written};
use assert_cmd::cargo::cargo_bin_cmd;
use faultline::analysis::Survey;
use faultline::holder::Holders;
use faultline::org::profile;
use faultline::outage::{OutageChange, OutageEvent, OutageStream};
use faultline::pipeline::Pipeline;
use faultline::report::{OutageLine, SurveyView};
use faultline::scope::Scope;
use faultline::source::{InputSpec, Interest, Merge, Resources, discover};
use faultline::time::Timestamp;
use faultline::vantage::Vantages;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Three ASes of one organization lose routes one after the other, four minutes apart; another organization two hours later, in two steps
/// which only a third joins; one AS is in no table, and one never comes back.
const TIMELINE: &str = r#"
[drill]
name = "two organizations"
kind = "exercise"
start = 2026-01-01T00:00:00Z
end = 2026-01-01T05:00:00Z
seed = 3

[[collectors]]
name = "rrc00"
peers = 14
families = ["ipv4"]
keepalives = "60s"

[[routes]]
prefixes = ["198.51.100.0/24", "198.51.101.0/24"]
origin = 64500

[[routes]]
prefixes = ["198.51.102.0/24"]
origin = 64501

[[routes]]
prefixes = ["198.51.103.0/24", "198.51.104.0/24"]
origin = 64502

[[routes]]
prefixes = ["203.0.113.0/26", "203.0.113.64/26", "203.0.113.128/26"]
origin = 64510

[[routes]]
prefixes = ["192.0.2.0/24"]
origin = 64520

[[events]]
at = 2026-01-01T01:00:00Z
until = 2026-01-01T01:40:00Z
action = "withdraw"
prefixes = ["198.51.100.0/24"]

[[events]]
at = 2026-01-01T01:04:00Z
until = 2026-01-01T01:30:00Z
action = "withdraw"
prefixes = ["198.51.102.0/24"]

[[events]]
at = 2026-01-01T01:08:00Z
until = 2026-01-01T01:35:00Z
action = "withdraw"
prefixes = ["198.51.103.0/24"]

[[events]]
at = 2026-01-01T03:00:00Z
until = 2026-01-01T03:30:00Z
action = "withdraw"
prefixes = ["203.0.113.0/26"]

[[events]]
at = 2026-01-01T03:05:00Z
until = 2026-01-01T03:50:00Z
action = "withdraw"
prefixes = ["203.0.113.64/26"]

[[events]]
at = 2026-01-01T03:40:00Z
until = 2026-01-01T04:00:00Z
action = "withdraw"
prefixes = ["203.0.113.128/26"]

[[events]]
at = 2026-01-01T04:20:00Z
action = "withdraw"
prefixes = ["192.0.2.0/24"]
"#;

const TABLE: &str = "asn,org,country\n64500,Megacorp,AT\nAS64501,Megacorp,DE\n64502,\"Megacorp\",at\n64510,Others,DE\n";

/// A folder with the archives and the table.
fn home() -> &'static Path {
    static HOME: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = || {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("timeline.toml"), TIMELINE).unwrap();
        std::fs::write(home.path().join("holders.csv"), TABLE).unwrap();
        let mut drill = cargo_bin_cmd!("faultline");
        let ran =
            drill.arg("drill").arg(home.path().join("timeline.toml")).arg("--out").arg(home.path().join("out")).output().unwrap();
        assert!(ran.status.success(), "{}", text(&ran.stderr));
        home
    };
    HOME.get_or_init(made).path()
}

fn analyze(more: &[&str]) -> Output {
    cargo_bin_cmd!("faultline").current_dir(home()).args(["analyze", "--all-origins", "out/mrt"]).args(more).output().unwrap()
}

fn lines(ran: &Output) -> Vec<Value> {
    text(&ran.stdout).lines().map(written::valid).collect()
}

/// What the last line about each outage says of it: origin, begin, end, number of prefixes.
fn at_the_end<T>(events: impl Iterator<Item = (usize, Vec<usize>, T)>) -> BTreeMap<usize, T> {
    let mut outages = BTreeMap::new();
    for (number, absorbed, what) in events {
        absorbed.iter().for_each(|absorbed| assert!(outages.remove(absorbed).is_some(), "{absorbed} was never told of"));
        outages.insert(number, what);
    }
    outages
}

#[test]
fn lines_tell_outages_in_order_and_end_with_a_summary() {
    let ran = analyze(&["--format", "jsonl", "--organizations", "holders.csv"]);
    assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(1), ""));
    let mut lines = lines(&ran);
    let summary = lines.pop().unwrap();
    let told = |line: &Value| {
        let clock = line["at"].as_str().unwrap()[11..16].to_owned();
        let [event, outage, origin, level] =
            ["event", "outage", "origin", "level"].map(|key| line[key].to_string().replace('"', ""));
        format!("{clock} {event} {outage} AS{origin} {level} {}/{}", line["withdrawn"], line["prefix_count"])
    };
    // Nobody has it some seconds after half of them lost it.
    let expected = [
        "01:01 opened 1 AS64500 major 1/1",
        "01:01 changed 1 AS64500 full 1/1",
        "01:05 opened 2 AS64501 major 1/1",
        "01:05 changed 2 AS64501 full 1/1",
        "01:09 opened 3 AS64502 major 1/1",
        "01:09 changed 3 AS64502 full 1/1",
        "01:35 ended 2 AS64501 full 0/1",
        "01:40 ended 3 AS64502 full 0/1",
        "01:45 ended 1 AS64500 full 0/1",
        "03:01 opened 4 AS64510 major 1/1",
        "03:01 changed 4 AS64510 full 1/1",
        "03:06 changed 4 AS64510 full 2/2",
        "03:06 changed 4 AS64510 full 2/2",
        "03:41 opened 5 AS64510 major 1/1",
        "03:41 changed 5 AS64510 full 1/1",
        "03:55 ended 4 AS64510 full 0/2",
        "04:05 ended 5 AS64510 full 0/1",
        "04:21 opened 6 AS64520 major 1/1",
        "04:21 changed 6 AS64520 full 1/1",
    ];
    assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), expected);
    assert!(lines.is_sorted_by_key(|line| line["at"].as_str().unwrap().to_owned()));
    assert_eq!((&lines[2]["organization"], &lines[2]["country"]), (&"Megacorp".into(), &"DE".into()));
    assert_eq!((&lines[17]["organization"], &lines[17]["country"]), (&Value::Null, &Value::Null), "it is in no table");
    assert_eq!((&lines[11]["prefixes"], &lines[11]["began"]), (&serde_json::json!(["203.0.113.64/26"]), &lines[9]["began"]));
    assert_eq!((&summary["event"], &summary["outages"], &summary["not_over"]), (&"summary".into(), &6.into(), &1.into()));
    assert_eq!(summary["outcome"]["exit_status"], 1);
}

/// The drill's archives whose names begin so, unpacked.
fn unpacked(names: &[&str]) -> Vec<u8> {
    let folder = home().join("out/mrt/rrc00");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    let mut bytes = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        if names.iter().any(|start| name.starts_with(start)) {
            MultiGzDecoder::new(File::open(&path).unwrap()).read_to_end(&mut bytes).unwrap();
        }
    }
    bytes
}

#[test]
fn an_outage_is_told_before_the_rest_of_the_archive_is_there() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_faultline"));
    let mut program = program
        .args(["analyze", "--all-origins", "-", "--format", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, output) = (program.stdin.take().unwrap(), program.stdout.take().unwrap());
    input.write_all(&unpacked(&["bview", "updates.20260101.00", "updates.20260101.01"])).unwrap();
    let (told, wait) = channel();
    let listener = std::thread::spawn(move || {
        BufReader::new(output).lines().for_each(|line| told.send(line.unwrap()).unwrap());
    });
    let first = wait.recv_timeout(Duration::from_secs(120)).expect("a line, while the program waits for more");
    assert_eq!((&written::valid(&first)["event"], &written::valid(&first)["outage"]), (&"opened".into(), &1.into()));
    input.write_all(&unpacked(&["updates.20260101.02", "updates.20260101.03", "updates.20260101.04"])).unwrap();
    drop(input);
    assert_eq!(program.wait().unwrap().code(), Some(1));
    listener.join().unwrap();
    assert_eq!(wait.iter().count(), 19);
}

#[test]
fn what_the_lines_come_to_is_what_the_survey_finds() {
    let ran = analyze(&["--format", "jsonl"]);
    let lines = lines(&ran);
    let events = lines.iter().filter(|line| line["event"] != "summary").map(|line| {
        let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        let absorbed = line["absorbed"].as_array().unwrap().iter().map(number).collect();
        (
            number(&line["outage"]),
            absorbed,
            [&line["origin"], &line["began"], &line["ended"], &line["prefix_count"]].map(Value::to_string),
        )
    });
    let streamed: BTreeSet<[String; 4]> = at_the_end(events).into_values().collect();
    let survey = written::valid(text(&analyze(&["--format", "json"]).stdout));
    let found = survey["outages"].as_array().unwrap().iter();
    let found: BTreeSet<[String; 4]> = found
        .map(|outage| [&outage["origin"], &outage["began"], &outage["ended"], &outage["prefix_count"]].map(Value::to_string))
        .collect();
    assert_eq!(streamed, found);
    assert_eq!(found.len(), 6);
}

/// Reads archives with somebody who follows; gives all events and the survey.
pub fn followed(path: &str) -> (Vec<OutageEvent>, Survey) {
    let settings = profile::read(Path::new("data/lab/lab.toml")).unwrap().organization.settings;
    let specs = [InputSpec { path: PathBuf::from(path), collector: None }];
    let mut merge = Merge::open(discover(&specs).unwrap(), Interest::Everything, &Resources::default()).unwrap();
    let (mut vantages, mut pipeline) = (Vantages::default(), Pipeline::new(Scope::Everything, &settings).followed());
    let mut stream = OutageStream::new(&settings);
    let (mut events, mut last) = (Vec::new(), Timestamp::MIN);
    while let Some(observation) = merge.next(&mut vantages) {
        last = last.max(observation.at);
        pipeline.observe(&observation, &vantages);
        events.extend(stream.take(&pipeline.steps()));
    }
    pipeline.advance(last, &vantages);
    events.extend(stream.take(&pipeline.steps()));
    let routing = pipeline.finish(last, &vantages);
    let outages = Survey::outages(&routing, &settings);
    (events, Survey { settings, vantages, routing, outages, roll_up: None, bgp_files: merge.accounts().to_vec() })
}

// Why: recordings of real routers have flaps, and onsets which are known in another order than they were.
#[test]
fn recorded_cases_are_told_as_the_survey_finds_them() {
    for case in ["A", "B", "C", "D", "E", "H"] {
        let (events, survey) = followed(&format!("data/lab/{case}/mrt"));
        assert!(events.is_sorted_by_key(|event| event.at), "{case}");
        let told = events.into_iter().map(|event| {
            let OutageEvent { number, absorbed, origin, began, ended, prefix_count, withdrawn, change, .. } = event;
            assert_eq!(ended.is_some(), withdrawn == 0, "{case}: {number}");
            assert!(change != OutageChange::Ended || ended.is_some(), "{case}: {number}");
            (number, absorbed, (origin, began, ended, prefix_count))
        });
        let streamed: BTreeSet<_> = at_the_end(told).into_values().collect();
        let found = survey.outages.iter().map(|outage| (outage.origin, outage.began, outage.ended, outage.withdrawals.len()));
        assert_eq!(streamed, found.collect::<BTreeSet<_>>(), "{case}");
        assert!(case != "A" || survey.outages.len() == 91, "{}", survey.outages.len());
    }
}

#[test]
fn nobody_who_does_not_follow_is_told_of_steps() {
    let mut pipeline = Pipeline::new(Scope::Everything, &faultline::settings::Settings::default());
    pipeline.advance(Timestamp::from_parts(1, 0), &Vantages::default());
    assert!(pipeline.steps().is_empty());
}

#[test]
fn outages_of_one_organization_or_country_belong_together() {
    let ran = analyze(&["--format", "json", "--organizations", "holders.csv"]);
    let survey = written::valid(text(&ran.stdout));
    let roll_up = &survey["roll_up"];
    let told = |group: &Value| {
        let clock = |key: &str| group[key].as_str().map_or("not over".to_owned(), |at| at[11..16].to_owned());
        let origins: Vec<String> = group["origins"].as_array().unwrap().iter().map(Value::to_string).collect();
        format!("{} {} {} {} to {}", group["name"], origins.join("+"), group["size"], clock("began"), clock("ended"))
            .replace('"', "")
    };
    let list = |key: &str| roll_up[key].as_array().unwrap().iter().map(told).collect::<Vec<_>>();
    let organizations = [
        "Megacorp 64500+64501+64502 3 of 5 (60.0 %) 01:00 to 01:40",
        "Others 64510 2 of 3 (66.6 %) 03:00 to 03:50",
        "Others 64510 1 of 3 (33.3 %) 03:40 to 04:00",
        "null 64520 1 of 1 (100.0 %) 04:20 to not over",
    ];
    assert_eq!(list("organizations"), organizations);
    let countries = [
        "DE 64510 2 of 4 (50.0 %) 03:00 to 03:50",
        "AT 64500 1 of 4 (25.0 %) 01:00 to 01:40",
        "DE 64501 1 of 4 (25.0 %) 01:04 to 01:30",
        "AT 64502 1 of 4 (25.0 %) 01:08 to 01:35",
        "DE 64510 1 of 4 (25.0 %) 03:40 to 04:00",
        "null 64520 1 of 1 (100.0 %) 04:20 to not over",
    ];
    assert_eq!(list("countries"), countries, "eight minutes apart is not together");
    assert_eq!((&roll_up["listed"], &roll_up["unlisted"]), (&4.into(), &serde_json::json!([64520])));
    for group in roll_up["organizations"].as_array().unwrap().iter().chain(roll_up["countries"].as_array().unwrap()) {
        let places = group["outages"].as_array().unwrap().iter().map(|place| usize::try_from(place.as_u64().unwrap()).unwrap());
        let origins: BTreeSet<String> = places.map(|place| survey["outages"][place]["origin"].to_string()).collect();
        assert_eq!(origins, group["origins"].as_array().unwrap().iter().map(Value::to_string).collect(), "{group}");
    }
}

#[test]
fn the_rest_of_the_json_stays_as_it_is_without_the_table() {
    let without = text(&analyze(&["--format", "json"]).stdout).to_owned();
    assert!(!without.contains("roll_up"));
    let mut with = written::valid(text(&analyze(&["--format", "json", "--organizations", "holders.csv"]).stdout));
    with.as_object_mut().unwrap().remove("roll_up").unwrap();
    let mut without = written::valid(&without);
    [&mut with, &mut without].into_iter().for_each(|view| view["generated_at"] = Value::Null);
    assert_eq!(with, without);
}

#[test]
fn screen_and_report_show_organizations_and_read_back() {
    let (_, survey) = followed("data/lab/A/mrt");
    let table = "asn,org,country\n64500,Megacorp,AT\n136037,A very long name of an organization which goes on and on\u{1b}[2J,DE\n";
    let holders = Holders::read(Path::new("holders.csv"), table.as_bytes()).unwrap();
    let view = SurveyView::of(&survey.rolled_up(&holders), generated());
    let screen = faultline::report::terminal(&view, 100, false);
    assert!(screen.lines().count() <= 24 && screen.lines().all(|line| line.chars().count() <= 100), "{screen}");
    for part in [
        "Megacorp",
        "8 of 13 (61.5 %)",
        "A very long name of an …",
        "country",
        "not in the table",
        "holders.csv lists 2 ASes. 89 origins",
    ] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    let line = |name: &str| screen.lines().position(|line| line.trim_start().starts_with(name));
    assert!(line("A very long") < line("not in the table"), "a name is worth more than the rest together: {screen}");
    let markdown = faultline::report::markdown(&view);
    for part in ["## Outages by organization", "## Outages by country", "| Megacorp | AS64500 | 8 of 13 (61.5 %) | full |"] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    written::reads_back(&view);
}

#[test]
fn a_table_which_cannot_be_used_is_named_before_anything_is_read() {
    for (table, said) in [
        ("asn,org,country\n64500,a,AT\nx,a,AT\n", "bad.csv:3: `x` is not an AS number"),
        ("asn,org,country\n64500,a,AT\nAS64500,b,AT\n", "bad.csv:3: AS64500 is `b` in `AT`, but line 2 says `a` in `AT`"),
        ("as,org,country\n", "bad.csv:1: there is no column `asn`"),
    ] {
        std::fs::write(home().join("bad.csv"), table).unwrap();
        let ran = analyze(&["--organizations", "bad.csv"]);
        assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), ""));
        assert!(text(&ran.stderr).contains(said), "{}", text(&ran.stderr));
    }
    let ran = analyze(&["--organizations", "absent.csv"]);
    assert!(ran.status.code() == Some(2) && text(&ran.stderr).contains("absent.csv: could not be read"), "{}", text(&ran.stderr));
}

#[test]
fn lines_are_of_all_origins_alone() {
    let ran =
        cargo_bin_cmd!("faultline").args(["analyze", "data/lab/lab.toml", "data/lab/A/mrt", "--format", "jsonl"]).output().unwrap();
    assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), ""));
    assert!(text(&ran.stderr).contains("--all-origins"), "{}", text(&ran.stderr));
    let out = home().join("written");
    let ran = analyze(&["--format", "jsonl", "--out", out.to_str().unwrap()]);
    assert!(out.join("incidents.json").is_file() && lines(&ran).len() == 20, "a report can be written beside the lines");
}

#[test]
fn the_page_of_formats_names_every_field_of_a_line() {
    let page = std::fs::read_to_string("docs/formats/commands.md").unwrap();
    let lines = lines(&analyze(&["--format", "jsonl"]));
    let keys = lines.iter().flat_map(|line| line.as_object().unwrap().keys());
    let missing: BTreeSet<&String> = keys.filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/formats/commands.md does not name {missing:?}");
    assert!(page.contains(OutageLine::FORMAT));
}
