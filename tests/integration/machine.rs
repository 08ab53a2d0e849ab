//! `--format json` of the commands beside `analyze`: what programs may read. `docs/formats/commands.md` names the fields.

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

fn run(arguments: &[&str]) -> Output {
    cargo_bin_cmd!("faultline").args(arguments).output().unwrap()
}

/// What is printed, and the exit status.
fn json(arguments: &[&str]) -> (Value, Option<i32>) {
    let ran = run(&[arguments, &["--format", "json"]].concat());
    let value = serde_json::from_slice(&ran.stdout);
    (value.unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&ran.stderr))), ran.status.code())
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("`{key}` is no list in {value}"))
}

const LAB: [&str; 4] = ["data/lab/lab.toml", "data/lab/A/mrt", "--probes", "data/lab/A"];

#[test]
fn explain_lists_every_statement_and_attempt_with_its_place() {
    let (value, status) = json(&[&["explain"][..], &LAB].concat());
    assert_eq!((&value["format"], &value["version"], status), (&"faultline-explanation".into(), &1.into(), Some(1)));
    assert_eq!(value["incident"]["number"], 1);
    let statements: Vec<&Value> = list(&value, "withdrawals").iter().flat_map(|lost| list(lost, "statements")).collect();
    let attempts: Vec<&Value> = list(&value, "losses").iter().flat_map(|loss| list(loss, "attempts")).collect();
    // As the summary in the README counts them.
    assert_eq!((statements.len(), attempts.len()), (384, 1336));
    for seen in statements.iter().chain(&attempts) {
        for key in ["at", "vantage", "said", "file"] {
            assert!(seen[key].as_str().is_some_and(|text| !text.is_empty()), "`{key}` is missing: {seen}");
        }
        assert!(seen["record"].as_u64().is_some_and(|record| record > 0), "{seen}");
    }
    assert!(statements.iter().any(|statement| statement["path"].is_string()));
    let said: BTreeSet<&str> = attempts.iter().map(|attempt| attempt["said"].as_str().unwrap()).collect();
    assert_eq!(said, ["SERVFAIL", "name not resolved", "no answer in time"].into());
    let files: Vec<&Value> = list(&value, "files").iter().map(|file| &file["path"]).collect();
    assert!(attempts.iter().all(|attempt| files.contains(&&attempt["file"])), "every file has its hash");
}

/// The records of an attempt, looked up in the recording: what is told of them is what stands there.
#[test]
fn an_attempt_is_what_its_record_says() {
    let (value, _) = json(&[&["explain"][..], &LAB].concat());
    let mut lines = String::new();
    let packed = std::fs::File::open("data/lab/A/dns.jsonl.gz").unwrap();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(packed), &mut lines).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut looked_up = 0;
    for attempt in list(&value, "losses").iter().flat_map(|loss| list(loss, "attempts")) {
        if attempt["file"] != "data/lab/A/dns.jsonl.gz" {
            continue;
        }
        let record = &lines[usize::try_from(attempt["record"].as_u64().unwrap()).unwrap() - 1];
        assert_eq!(attempt["vantage"], record["vantage"]);
        let servfail = record["rcode"] == "SERVFAIL";
        assert_eq!(attempt["said"] == "SERVFAIL", servfail, "{attempt} is told of {record}");
        looked_up += 1;
    }
    assert!(looked_up > 100, "{looked_up}");
}

#[test]
fn explain_says_the_same_to_people_and_programs() {
    let (value, _) = json(&[&["explain"][..], &LAB].concat());
    let ran = run(&[&["explain"][..], &LAB].concat());
    let text = String::from_utf8(ran.stdout).unwrap();
    for line in [&value["incident"]["headline"], &value["incident"]["seen_by"], &value["services"][0]["sentence"]] {
        assert!(text.contains(line.as_str().unwrap()), "{line} is missing: {text}");
    }
    for statement in list(&value, "withdrawals").iter().flat_map(|lost| list(lost, "statements")) {
        let place = format!("{} record {}", statement["file"].as_str().unwrap(), statement["record"]);
        let at = statement["at"].as_str().unwrap();
        assert!(text.lines().any(|line| line.trim().starts_with(at) && line.ends_with(&place)), "{at} {place}");
    }
    for file in list(&value, "files") {
        assert!(text.contains(&format!("{}  {}", file["blake3"].as_str().unwrap(), file["path"].as_str().unwrap())), "{file}");
    }
}

#[test]
fn an_incident_which_is_not_there_is_told_in_words_and_nothing_is_printed() {
    let ran = run(&[&["explain"][..], &LAB, &["--incident", "7", "--format", "json"]].concat());
    assert_eq!((ran.status.code(), ran.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("no incident is called `7`"));
}

#[test]
fn a_valid_profile_is_told_as_it_was_understood() {
    let (value, status) = json(&["org", "check", "data/lab/lab.toml"]);
    assert_eq!((&value["format"], &value["valid"], status), (&"faultline-profile-check".into(), &true.into(), Some(0)));
    assert!(list(&value, "errors").is_empty());
    let organization = &value["organization"];
    assert_eq!((&organization["name"], &organization["as_numbers"][0]), (&"Megacorp (lab)".into(), &64500.into()));
    assert_eq!(organization["prefixes"][3]["prefix"], "198.18.30.0/24");
    assert_eq!(organization["prefixes"][3]["label"], "name server a");
    assert_eq!(organization["services"][0]["name"], "web");
    let changed: Vec<&Value> = list(&value, "settings").iter().filter(|setting| setting["overridden"] == true).collect();
    let text = String::from_utf8(run(&["org", "check", "data/lab/lab.toml"]).stdout).unwrap();
    assert!(text.contains(&format!("{} of {} changed", changed.len(), list(&value, "settings").len())), "{text}");
}

#[test]
fn a_warning_has_its_place_and_leaves_the_profile_valid() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("org.toml");
    let text = "[organization]\nname = \"x\"\nas_numbers = [64500]\nprefixes = [\"192.0.2.0/24\", \"192.0.2.0/25\"]\n";
    std::fs::write(&path, text).unwrap();
    let (value, status) = json(&["org", "check", path.to_str().unwrap()]);
    assert_eq!((&value["valid"], status), (&true.into(), Some(0)), "{value}");
    let told = run(&["org", "check", path.to_str().unwrap()]);
    let stderr = String::from_utf8(told.stderr).unwrap();
    let warnings = list(&value, "warnings");
    assert!(!warnings.is_empty(), "{stderr}");
    for warning in warnings {
        let line = format!(":{}:{}: warning: {}", warning["line"], warning["column"], warning["message"].as_str().unwrap());
        assert!(stderr.contains(&line), "{line:?} is not what people are told: {stderr}");
    }
}

#[test]
fn errors_of_a_profile_are_told_to_programs_with_their_place() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("org.toml");
    std::fs::write(&path, "[organization]\nnmae = \"x\"\nas_numbers = [64500]\nprefixes = [\"192.0.2.0/24\"]\n").unwrap();
    let (value, status) = json(&["org", "check", path.to_str().unwrap()]);
    assert_eq!((&value["valid"], &value["organization"], status), (&false.into(), &Value::Null, Some(2)));
    let errors = list(&value, "errors");
    let typo = errors.iter().find(|error| error["message"].as_str().unwrap().contains("nmae")).unwrap();
    assert_eq!((&typo["line"], &typo["column"], &typo["help"]), (&2.into(), &1.into(), &"did you mean `name`?".into()));
    assert_eq!(errors.len(), 2, "and `name` is missing: {value}");

    let absent = home.path().join("absent.toml");
    let (value, status) = json(&["org", "check", absent.to_str().unwrap()]);
    assert_eq!((&value["valid"], &value["errors"][0]["line"], status), (&false.into(), &Value::Null, Some(2)));
    assert!(value["errors"][0]["message"].as_str().unwrap().contains("absent.toml"), "{value}");
}

#[test]
fn a_drill_names_every_file_with_its_length_and_hash() {
    let home = tempfile::tempdir().unwrap();
    let (timeline, out) = (home.path().join("small.toml"), home.path().join("out"));
    let text = "[drill]\nname = \"small\"\nkind = \"exercise\"\nstart = 2026-01-01T12:00:00Z\nend = 2026-01-01T12:10:00Z\nseed = 1\n\
                [[collectors]]\nname = \"rrc00\"\npeers = 3\n[[routes]]\nprefixes = [\"192.0.2.0/24\"]\norigin = 64500\n";
    std::fs::write(&timeline, text).unwrap();
    let (value, status) = json(&["drill", timeline.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!((&value["format"], status), (&"faultline-drill".into(), Some(0)));
    let files = list(&value, "files");
    assert_eq!(files.last().unwrap()["path"], "PROVENANCE.md");
    for file in files {
        let bytes = std::fs::read(out.join(file["path"].as_str().unwrap())).unwrap();
        assert_eq!(file["bytes"], bytes.len(), "{file}");
        assert_eq!(file["blake3"], blake3::hash(&bytes).to_hex().as_str(), "{file}");
    }
    assert_eq!(files.len(), count(&out), "no file is left out");
}

fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

// Why: the page is what others write programs from.
#[test]
fn the_page_of_formats_names_every_field() {
    let page = std::fs::read_to_string("docs/formats/commands.md").unwrap();
    let (explained, _) = json(&[&["explain"][..], &LAB].concat());
    let (checked, _) = json(&["org", "check", "data/lab/lab.toml"]);
    let home = tempfile::tempdir().unwrap();
    let (drilled, _) = json(&["drill", "data/meta-2021-10-04/timeline.toml", "--out", home.path().to_str().unwrap()]);
    let attempt = &explained["losses"][0]["attempts"][0];
    let parts = [&explained, &explained["incident"], attempt, &checked, &checked["organization"], &drilled, &drilled["files"][0]];
    let keys = parts.iter().flat_map(|part| part.as_object().unwrap().keys());
    let missing: BTreeSet<&String> = keys.filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/formats/commands.md does not name {missing:?}");
}
