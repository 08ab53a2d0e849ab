//! Rust files: length, heading, names, and what must not stand in them.

use crate::nothing;
use crate::tree;

/// Names which say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "data", "info", "misc", "types"];

#[test]
fn files_are_short() {
    let long = tree::rust().into_iter().filter(|file| !file.path.ends_with("/tests.rs")).filter_map(|file| {
        let lines = file.text().unwrap_or_default().lines().count();
        (lines > 500).then(|| format!("{}: {lines} lines", file.path))
    });
    nothing(long.collect(), "At most 500 lines a file: split by noun; tests over about 150 lines move to foo/tests.rs.");
}

#[test]
fn every_file_says_what_it_is_for() {
    let bare = tree::rust().into_iter().filter(|file| {
        let text = file.text().unwrap_or_default();
        let heading: String = text.lines().take_while(|line| line.starts_with("//!")).map(|line| &line[3..]).collect();
        heading.len() < 30
    });
    let bare = bare.map(|file| file.path);
    nothing(bare.collect(), "Every file begins with `//!`: what it takes, what it gives, what it deliberately does not do.");
}

#[test]
fn modules_are_named_for_what_they_produce() {
    let vague = tree::files(|path| tree::inner(path).is_some() || path.starts_with("tests/")).into_iter().filter(|file| {
        let parts = file.path.split('/').map(|part| part.trim_end_matches(".rs"));
        parts.into_iter().any(|part| EMPTY_NAMES.contains(&part))
    });
    nothing(
        vague.map(|file| file.path).collect(),
        "A module is named for the noun it produces (GLOSSARY.md), never for being handy.",
    );
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    // Put together here so that this file does not find itself.
    let words = [
        concat!("#[", "ignore"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("assert!", "(true)"),
        concat!("thread::", "sleep"),
    ];
    let mut found = Vec::new();
    for file in tree::rust() {
        for (number, line) in file.code().lines().enumerate() {
            found.extend(
                words.iter().filter(|word| line.contains(**word)).map(|word| format!("{}:{}: {word}", file.path, number + 1)),
            );
        }
    }
    nothing(found, "No stubs, no tests switched off or asleep: finish it, or take it out and open an issue.");
}

/// The one file of tests which writes reports as JSON.
const WRITES_JSON: &str = "tests/integration/written.rs";

#[test]
fn every_report_which_a_test_writes_as_json_is_held_against_its_schema() {
    // Put together here so that this file does not find itself.
    let words = [concat!("report::", "json("), concat!("report::", "json}"), concat!("report::", "json;")];
    let mut found = Vec::new();
    for file in tree::rust().into_iter().filter(|file| file.path.starts_with("tests/") && file.path != WRITES_JSON) {
        for (number, line) in file.code().lines().enumerate() {
            found.extend(words.iter().any(|word| line.contains(word)).then(|| format!("{}:{}", file.path, number + 1)));
        }
    }
    nothing(found, "Tests write a report as JSON with `written::json`, which validates it against the published schema.");
}

#[test]
fn getters_are_named_for_what_they_give() {
    let mut found = Vec::new();
    for file in tree::sources() {
        for (number, line) in file.code().lines().enumerate() {
            if line.contains(concat!("fn ", "get_")) {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    nothing(found, "No `get_`: a function which gives a share is called `share`.");
}
