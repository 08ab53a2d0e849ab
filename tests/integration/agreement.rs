//! HTML, Markdown, JSON and Parquet say the same: what stands in the JSON form is looked for in the others, not the other way round.

use crate::written;
use faultline::analysis::Analysis;
use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::drill;
use faultline::report::{self, ReportView};
use faultline::table::{Values, read_parquet};
use faultline::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The cases of the lab and both rebuilt incidents.
fn all() -> Vec<(String, Analysis)> {
    let lab = ["A", "B", "C", "D", "E", "H"].map(|case| {
        let folder = PathBuf::from("data/lab").join(case);
        let probes = ["dns.jsonl.gz", "http.jsonl.gz"].map(|name| folder.join(name));
        (case.to_owned(), analysed("data/lab/lab.toml", folder.join("mrt"), probes.into()))
    });
    let rebuilt = ["meta-2021-10-04", "meta-2024-03-05"].map(|name| {
        let folder = tempfile::tempdir().unwrap();
        drill::write(&drill::read(&Path::new("data").join(name).join("timeline.toml")).unwrap(), folder.path()).unwrap();
        let probes = ["dns.jsonl.gz", "http.jsonl.gz", "status.jsonl.gz"].map(|file| folder.path().join(file));
        (name.to_owned(), analysed("data/meta.toml", folder.path().join("mrt"), probes.into()))
    });
    lab.into_iter().chain(rebuilt).collect()
}

fn analysed(profile: &str, mrt: PathBuf, probes: Vec<PathBuf>) -> Analysis {
    analyze(
        &Inputs { inputs: vec![profile.into(), mrt], collectors: Vec::new(), probes, threads: None },
        &faultline::timing::Timing::default(),
    )
    .unwrap()
}

/// The words of an HTML page, tags and script left out, as a reader sees them.
fn words_of_html(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1.split_once("<script>").unwrap().0;
    let mut text = String::new();
    for part in body.split('<') {
        let (tag, words) = part.split_once('>').unwrap_or(("", part));
        // What stands within a line is one word with what it touches.
        if !tag.starts_with("span") && !tag.starts_with("/span") {
            text.push(' ');
        }
        text += words;
    }
    plain(&unescaped(&text))
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split("&#");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_once(';').unwrap();
        plain.push(char::from_u32(code.parse().unwrap()).unwrap());
        plain += rest;
    }
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The words of Markdown, its signs left out.
fn words_of_markdown(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    plain(&text.replace('\\', "").replace(['|', '*'], " "))
}

fn plain(text: &str) -> String {
    text.replace(['|', '*'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every text of these fields anywhere below a value.
fn texts(value: &Value, fields: &[&str], found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if fields.contains(&name.as_str()) => found.push(text.clone()),
                    _ => texts(member, fields, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, fields, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What of an incident every reader must find in every format.
fn told(incident: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for part in ["headline", "seen_by", "proof", "lasted", "phrase"] {
        found.push(incident[part].as_str().unwrap().to_owned());
    }
    found.extend(incident["in_short"].as_array().unwrap().iter().map(|said| said.as_str().unwrap().to_owned()));
    found.push(incident["began"]["words"].as_str().unwrap().to_owned());
    texts(&incident["services"], &["service", "sentence", "text"], &mut found);
    texts(&incident["chain"], &["what"], &mut found);
    texts(&incident["withdrawals"], &["prefix", "route_left"], &mut found);
    texts(&incident["loss_groups"], &["vantage"], &mut found);
    texts(&incident["losses"], &["target"], &mut found);
    for lost in incident["withdrawals"].as_array().unwrap() {
        // Each number of who saw it, with its denominator.
        found.push(lost["trough"]["words"].as_str().unwrap().to_owned());
        let times = ["first_statement", "opened"].map(|name| lost[name].as_str().unwrap()[11..19].to_owned());
        found.extend(times);
    }
    found
}

#[test]
fn html_and_markdown_tell_what_json_holds() {
    let mut looked_for = 0;
    for (name, analysis) in all() {
        let view = ReportView::of(&analysis, Timestamp::from_micros(0));
        let json: Value = serde_json::from_str(&written::json(&view)).unwrap();
        let (html, markdown) = (words_of_html(&report::html(&view)), words_of_markdown(&report::markdown(&view)));
        let mut wanted: Vec<String> = json["incidents"].as_array().unwrap().iter().flat_map(told).collect();
        // A single incident is told in its stead.
        if view.incidents.len() != 1 {
            texts(&json["outcome"], &["sentence"], &mut wanted);
        }
        texts(&json["observed"], &["sentence"], &mut wanted);
        texts(&json["completeness"]["bgp_files"], &["path", "blake3"], &mut wanted);
        texts(&json["completeness"]["probe_files"], &["path", "blake3"], &mut wanted);
        texts(&json["completeness"]["excluded_peers"], &["why"], &mut wanted);
        texts(&json["completeness"]["feed_notes"], &["whom", "words"], &mut wanted);
        texts(&json["settings"], &["key", "value"], &mut wanted);
        for text in wanted {
            let text = plain(&text);
            // A sentence begins with a capital letter where it stands alone.
            let rest = text.char_indices().nth(1).map_or("", |(at, _)| &text[at..]);
            assert!(html.contains(rest), "{name}: HTML lacks {text:?}");
            assert!(markdown.contains(rest), "{name}: Markdown lacks {text:?}");
            looked_for += 1;
        }
    }
    assert!(looked_for > 1_000, "{looked_for}");
}

type Columns = BTreeMap<String, Values>;

fn text<'a>(columns: &'a Columns, name: &str, row: usize) -> Option<&'a str> {
    let Values::Text(cells) = &columns[name] else { panic!("{name} is no text") };
    cells[row].as_deref()
}

fn whole(columns: &Columns, name: &str, row: usize) -> Option<i64> {
    let Values::Whole(cells) = &columns[name] else { panic!("{name} holds no whole numbers") };
    cells[row]
}

fn micros(time: &Value) -> Option<i64> {
    time.as_str().map(|time| time.parse::<Timestamp>().unwrap().micros())
}

/// The tables of an analysis, or `None` where the program was built without Parquet.
fn tables(analysis: &Analysis) -> Option<BTreeMap<&'static str, Columns>> {
    if !cfg!(feature = "tables") {
        return None;
    }
    let tables = report::tables(analysis).unwrap().into_iter();
    let columns = |bytes: Vec<u8>| read_parquet(bytes).unwrap().into_iter().map(|column| (column.name, column.values)).collect();
    Some(tables.map(|(name, bytes)| (name, columns(bytes))).collect())
}

fn height(columns: &Columns) -> usize {
    match columns.values().next().unwrap() {
        Values::Text(cells) => cells.len(),
        Values::Whole(cells) => cells.len(),
        Values::Flag(cells) => cells.len(),
    }
}

#[test]
fn parquet_holds_the_numbers_of_json() {
    for (name, analysis) in all() {
        let Some(tables) = tables(&analysis) else { return };
        let view = ReportView::of(&analysis, Timestamp::from_micros(0));
        let json: Value = serde_json::from_str(&written::json(&view)).unwrap();
        let timelines = json["incidents"].as_array().unwrap().iter().map(|incident| &incident["timeline"]);
        for timeline in timelines.chain([&json["timeline"]]).filter(|timeline| !timeline.is_null()) {
            visibility(&name, &tables["visibility.parquet"], timeline);
        }
        for incident in json["incidents"].as_array().unwrap() {
            withdrawals(&name, &tables["withdrawals.parquet"], incident);
            losses(&name, &tables["losses.parquet"], incident);
        }
    }
}

/// Each series of a picture is what the table's rows come to within its window.
fn visibility(name: &str, table: &Columns, timeline: &Value) {
    let (from, until) = (micros(&timeline["window"]["from"]).unwrap(), micros(&timeline["window"]["until"]).unwrap());
    for series in timeline["visibility"].as_array().unwrap() {
        let mut steps: Vec<[i64; 4]> = Vec::new();
        for row in (0..height(table)).filter(|row| text(table, "prefix", *row) == series["prefix"].as_str()) {
            let [seeing, lost, unknown] = ["seeing", "lost", "unknown"].map(|column| whole(table, column, row).unwrap());
            let at = whole(table, "at_us", row).unwrap();
            if at > until || steps.is_empty() && seeing + lost + unknown == 0 {
                continue;
            }
            let step = [at.max(from), seeing, lost, unknown];
            if steps.last().is_some_and(|last| last[0] == step[0]) {
                steps.pop();
            }
            if steps.last().is_none_or(|last| last[1..] != step[1..]) {
                steps.push(step);
            }
        }
        let shown = series["steps"].as_array().unwrap().iter().map(|step| {
            [
                micros(&step["at"]).unwrap(),
                step["seeing"].as_i64().unwrap(),
                step["lost"].as_i64().unwrap(),
                step["unknown"].as_i64().unwrap(),
            ]
        });
        assert_eq!(shown.collect::<Vec<_>>(), steps, "{name}: {}", series["prefix"]);
    }
}

fn withdrawals(name: &str, table: &Columns, incident: &Value) {
    let rows: Vec<usize> = (0..height(table)).filter(|row| text(table, "incident", *row) == incident["id"].as_str()).collect();
    let all = incident["withdrawals"].as_array().unwrap();
    assert_eq!(rows.len(), all.len(), "{name}");
    for row in rows {
        let held = all.iter().find(|lost| {
            lost["prefix"].as_str() == text(table, "prefix", row)
                && micros(&lost["onset"]["latest"]) == whole(table, "onset_latest_us", row)
        });
        let lost = held.unwrap_or_else(|| panic!("{name}: JSON lacks row {row}"));
        assert_eq!(lost["level"].as_str(), text(table, "level", row), "{name}");
        for (field, column) in [("seeing", "trough_seeing"), ("lost", "trough_lost"), ("unknown", "trough_unknown")] {
            assert_eq!(lost["trough"][field].as_i64(), whole(table, column, row), "{name}: {column}");
        }
        for (told, column) in [
            (&lost["first_statement"], "first_statement_us"),
            (&lost["opened"], "opened_us"),
            (&lost["recovered"]["earliest"], "recovered_earliest_us"),
            (&lost["recovered"]["latest"], "recovered_us"),
            (&lost["closed"], "closed_us"),
        ] {
            assert_eq!(micros(told), whole(table, column, row), "{name}: {column}");
        }
        let statements = i64::try_from(lost["statements"].as_array().unwrap().len()).unwrap();
        assert_eq!(Some(statements), whole(table, "statements", row), "{name}");
    }
}

fn losses(name: &str, table: &Columns, incident: &Value) {
    let rows: Vec<usize> = (0..height(table)).filter(|row| text(table, "incident", *row) == incident["id"].as_str()).collect();
    let lists = ["losses", "muted_losses", "control_losses"].map(|list| incident[list].as_array().unwrap());
    let all: Vec<&Value> = lists.into_iter().flatten().collect();
    assert_eq!(rows.len(), all.len(), "{name}");
    let of_json = all.iter().map(|loss| {
        let recovery = |end: &str| micros(&loss["recovery"][end]);
        let onset = micros(&loss["onset"]["latest"]);
        (
            loss["vantage"].as_str(),
            loss["check"].as_str(),
            onset,
            recovery("earliest"),
            recovery("latest"),
            loss["failed_attempts"].as_i64(),
            (loss["recovered_by"]["file"].as_str(), loss["recovered_by"]["record"].as_i64()),
        )
    });
    let of_table = rows.iter().map(|row| {
        let time = |column: &str| whole(table, column, *row);
        let ends = (time("recovery_earliest_us"), time("recovery_latest_us"));
        let by = (text(table, "recovered_in", *row), time("recovered_record"));
        (text(table, "vantage", *row), text(table, "check", *row), time("onset_latest_us"), ends.0, ends.1, time("failures"), by)
    });
    let (mut of_json, mut of_table) = (of_json.collect::<Vec<_>>(), of_table.collect::<Vec<_>>());
    of_json.sort_unstable();
    of_table.sort_unstable();
    assert_eq!(of_json, of_table, "{name}");
}
