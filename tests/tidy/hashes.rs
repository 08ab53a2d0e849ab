//! `data/HASHES`: the BLAKE3 hash of every file under `data/`, in the form of `b3sum`, so that nothing there changes unnoticed.

use crate::tree;
use crate::{blessing, nothing};
use std::collections::BTreeMap;

const LIST: &str = "data/HASHES";

#[test]
fn recorded_files_are_those_whose_origin_is_documented() {
    let files = tree::files(|path| path.starts_with("data/") && path != LIST && path != "data/README.md");
    let actual: BTreeMap<String, String> = files
        .iter()
        .map(|file| {
            let bytes = std::fs::read(&file.full).unwrap_or_else(|error| panic!("{}: {error}", file.path));
            (file.path.clone(), blake3::hash(&bytes).to_hex().to_string())
        })
        .collect();
    if blessing() && !actual.is_empty() {
        let list: String = actual.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
        std::fs::write(tree::root().join(LIST), list).unwrap();
    }
    let list = std::fs::read_to_string(tree::root().join(LIST)).unwrap_or_default();
    let listed: BTreeMap<String, String> =
        list.lines().filter_map(|line| line.split_once("  ")).map(|(hash, path)| (path.to_owned(), hash.to_owned())).collect();

    let mut found = Vec::new();
    for (path, hash) in &actual {
        match listed.get(path) {
            None => found.push(format!("{path}: not listed")),
            Some(other) if other != hash => found.push(format!("{path}: changed")),
            Some(_) => {}
        }
    }
    found.extend(listed.keys().filter(|path| !actual.contains_key(*path)).map(|path| format!("{path}: listed, but not there")));
    nothing(
        found,
        "data/ and data/HASHES differ. If the change is meant: say where the file comes from in data/README.md, then FAULTLINE_BLESS=1 cargo test --test tidy",
    );
}
