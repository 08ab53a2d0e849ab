//! Notebooks: committed without what a run leaves in them, readable from the first cell on, and run with pinned packages.

use crate::nothing;
use crate::tree::{self, File};
use serde_json::Value;
use std::collections::BTreeSet;

fn notebooks() -> Vec<File> {
    let found = tree::files(|path| path.ends_with(".ipynb") && !path.contains(".ipynb_checkpoints/"));
    assert!(!found.is_empty(), "notebooks/ has no notebook: this test looks in the wrong place");
    found
}

/// The text of a cell: one string, or its lines.
fn source(cell: &Value) -> String {
    let source = &cell["source"];
    let lines = source.as_array().map(|lines| lines.iter().filter_map(Value::as_str).collect());
    lines.unwrap_or_else(|| source.as_str().unwrap_or_default().to_owned())
}

/// What is wrong with one notebook.
fn faults(notebook: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let cells = notebook["cells"].as_array().cloned().unwrap_or_default();
    if (notebook["nbformat"].as_u64(), notebook["nbformat_minor"].as_u64()) != (Some(4), Some(5)) {
        found.push("is not nbformat 4.5".to_owned());
    }
    let kernel = serde_json::json!({"display_name": "Python 3", "language": "python", "name": "python3"});
    let metadata = serde_json::json!({"kernelspec": kernel, "language_info": {"name": "python"}});
    if notebook["metadata"] != metadata {
        found.push(format!("its metadata tell more, or less, than the plain kernel: {}", notebook["metadata"]));
    }
    let first = cells.first().map(source).unwrap_or_default();
    let is_words = cells.first().is_some_and(|cell| cell["cell_type"] == "markdown");
    if !is_words || !first.starts_with("# ") || first.len() < 300 {
        found.push("does not begin with a cell of words: a title, what it shows, how to read it".to_owned());
    }
    let mut ids = BTreeSet::new();
    for (number, cell) in cells.iter().enumerate() {
        let id = cell["id"].as_str().unwrap_or_default();
        if id.is_empty() || !ids.insert(id.to_owned()) {
            found.push(format!("cell {number} has no id of its own: {id:?}"));
        }
        if cell["cell_type"] == "code" && (!cell["execution_count"].is_null() || cell["outputs"] != serde_json::json!([])) {
            found.push(format!("cell {id} was committed with outputs or an execution count"));
        }
        if cell["metadata"] != serde_json::json!({}) {
            found.push(format!("cell {id} has metadata: {}", cell["metadata"]));
        }
    }
    found
}

#[test]
fn notebooks_are_committed_as_written_and_not_as_run() {
    let mut found = Vec::new();
    for file in notebooks() {
        let text = file.text().unwrap_or_default();
        match serde_json::from_str::<Value>(&text) {
            Ok(notebook) => found.extend(faults(&notebook).into_iter().map(|fault| format!("{}: {fault}", file.path))),
            Err(error) => found.push(format!("{}: {error}", file.path)),
        }
        // A drive letter or a home elsewhere; paths of our own machines are looked for in every file.
        let homes = [concat!("/Us", "ers/"), concat!("C:", "\\\\"), concat!("/t", "mp/")];
        found.extend(homes.iter().filter(|home| text.contains(**home)).map(|home| format!("{}: {home}", file.path)));
    }
    nothing(found, "Notebooks are committed without outputs: clear them all (nbformat 4.5, ids kept) before you commit.");
}

#[test]
fn what_a_run_leaves_in_a_notebook_is_found() {
    let text = notebooks()[0].text().unwrap();
    let mut notebook: Value = serde_json::from_str(&text).unwrap();
    let cells = notebook["cells"].as_array_mut().unwrap();
    let code = cells.iter().position(|cell| cell["cell_type"] == "code").unwrap();
    cells[code]["execution_count"] = 1.into();
    cells[code + 1]["id"] = cells[code]["id"].clone();
    cells.swap(0, code);
    assert_eq!(faults(&notebook).len(), 3, "{:?}", faults(&notebook));
}

#[test]
fn packages_of_the_notebooks_are_pinned() {
    let text = std::fs::read_to_string(tree::root().join("notebooks/requirements.txt")).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() >= 5, "notebooks/requirements.txt names {} packages", lines.len());
    let pinned = |line: &&&str| {
        line.split_once("==").is_some_and(|(name, version)| {
            name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
                && version.starts_with(|c: char| c.is_ascii_digit())
                && version.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
        })
    };
    let loose = lines.iter().filter(|line| !pinned(line)).map(|line| (*line).to_owned());
    nothing(loose.collect(), "notebooks/requirements.txt pins each package by name: `polars==2.1.0`.");
}
