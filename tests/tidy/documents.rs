//! What people read: links, words, the program's help, and what must not be in any file.

use crate::tree::{self, File};
use crate::{blessing, nothing};
use std::process::Command;

fn read(path: &str) -> String {
    std::fs::read_to_string(tree::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn documents() -> Vec<File> {
    // A golden report links to pictures which were written beside it, elsewhere.
    tree::files(|path| path.ends_with(".md") && !path.starts_with("tests/golden/"))
}

#[test]
fn links_between_documents_resolve() {
    let mut found = Vec::new();
    for file in documents() {
        let text = file.text().unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let path = target.split('#').next().unwrap_or_default();
                let outside = target.contains("://") || target.starts_with("mailto:") || path.is_empty();
                let folder = file.full.parent().expect("a file is in a folder");
                if !outside && !folder.join(path).exists() {
                    found.push(format!("{}:{}: {target}", file.path, number + 1));
                }
            }
        }
    }
    nothing(found, "Links must lead somewhere: correct the path, or add the document.");
}

#[test]
fn architecture_names_every_module() {
    let text = read("ARCHITECTURE.md");
    let mut missing: Vec<String> = tree::sources()
        .iter()
        .filter_map(|file| tree::inner(&file.path)?.split('/').next().map(|name| name.trim_end_matches(".rs").to_owned()))
        .filter(|name| name != "bin")
        .filter(|name| {
            !["`", "`src/"]
                .iter()
                .any(|open| ["`", ".rs`", "/`"].iter().any(|close| text.contains(&format!("{open}{name}{close}"))))
        })
        .collect();
    missing.dedup();
    nothing(missing, "ARCHITECTURE.md names every top-level module in backticks (`rib`, `source/`) and says what it is for.");
}

#[test]
fn glossary_and_code_use_the_same_words() {
    let glossary = read("GLOSSARY.md");
    let words = [
        "collector",
        "peer",
        "vantage point",
        "full feed",
        "withdraw statement",
        "withdrawal",
        "visibility",
        "covering route",
        "dependency",
        "reachability loss",
        "incident",
        "verdict",
        "outage",
        "origin",
        "straggler",
        "zombie",
        "baseline",
        "eligible",
        "control target",
    ];
    let first_column = |line: &str| line.trim_start_matches('|').split('|').next().unwrap_or_default().trim().to_lowercase();
    let rows: Vec<String> = glossary.lines().filter(|line| line.starts_with('|')).map(first_column).collect();
    let mut found: Vec<String> =
        words.iter().filter(|word| !rows.iter().any(|row| row == *word)).map(|word| format!("no row for: {word}")).collect();

    let code: String = tree::sources().iter().map(File::code).collect();
    for line in glossary.lines().filter(|line| line.starts_with("| `")) {
        let name: String = line[3..].chars().take_while(|c| c.is_alphanumeric()).collect();
        let declared = ["pub struct ", "pub enum ", "pub trait "].iter().any(|kind| {
            code.match_indices(&format!("{kind}{name}"))
                .any(|(at, text)| !code[at + text.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        if !declared {
            found.push(format!("type `{name}` has a row, but no public type of src/ is called so"));
        }
    }
    nothing(found, "GLOSSARY.md and the code use the same words: correct the row, or name the type as the glossary does.");
}

#[test]
fn the_changelog_has_room_for_the_next_change() {
    let text = read("CHANGELOG.md");
    let unreleased = text.split("\n## ").find(|part| part.starts_with("[Unreleased]"));
    let entries = unreleased.map_or(0, |part| part.lines().filter(|line| line.starts_with("- ")).count());
    let released = text.lines().filter(|line| line.starts_with("## [") && !line.starts_with("## [Unreleased]")).count();
    assert!(
        unreleased.is_some() && entries + released > 0,
        "CHANGELOG.md needs a section `## [Unreleased]`; a change a user can notice gets a line in it"
    );
}

#[test]
fn settings_in_the_method_are_those_of_the_program() {
    let text = read("docs/method.md");
    let mut found = Vec::new();
    for setting in faultline::settings::Settings::default().in_force() {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{}` |", setting.key)));
        match row {
            None => found.push(format!("no row for `{}`", setting.key)),
            Some(row) if !row.contains(&format!("| {} |", setting.default)) => {
                found.push(format!("`{}`: the default is {}, the row says: {row}", setting.key, setting.default));
            }
            Some(_) => {}
        }
    }
    nothing(
        found,
        "docs/method.md lists every setting as `| `key` | default | reason |`; the truth is crates/routing/src/settings.rs.",
    );
}

/// Two kinds of fenced blocks are not written by hand: `<!-- help: faultline org check -->` stands before what that command prints with
/// `--help`, and `<!-- output: PATH -->` before a file which another test compares with the program.
#[test]
fn generated_blocks_of_the_readme_are_what_the_program_prints() {
    let text = read("README.md");
    let text = blocks(&text, "<!-- help: faultline", help);
    let text = blocks(&text, "<!-- output: ", |path| read(path.trim()));
    if blessing() {
        std::fs::write(tree::root().join("README.md"), text).unwrap();
    } else if text != read("README.md") {
        let written = read("README.md");
        let found = text.lines().filter(|line| !written.lines().any(|known| known == *line)).map(str::to_owned);
        nothing(found.collect(), "README.md lacks these lines of a generated block: FAULTLINE_BLESS=1 cargo test --test tidy");
        panic!("a generated block of README.md has lines too many: FAULTLINE_BLESS=1 cargo test --test tidy");
    }
}

/// The text with every block after a marker written anew from what stands in the marker.
fn blocks(text: &str, marker: &str, content: impl Fn(&str) -> String) -> String {
    let mut parts = text.split(marker);
    let mut written = parts.next().unwrap_or_default().to_owned();
    assert_ne!(written.len(), text.len(), "README.md has no block `{marker}… -->`");
    for part in parts {
        let (named, rest) = part.split_once("-->").expect("the marker ends in -->");
        let (_, body) = rest.split_once("```text\n").expect("a block ```text follows the marker");
        let (_, after) = body.split_once("```").expect("the block ends");
        written += &format!("{marker}{named}-->\n```text\n{}```{after}", content(named));
    }
    written
}

fn help(arguments: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultline"));
    let output =
        command.args(arguments.split_whitespace()).arg("--help").env_remove("COLUMNS").output().expect("the program starts");
    assert!(output.status.success(), "faultline{arguments}--help: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("help is UTF-8");
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The lock file names its registry by nature; nothing else may depend on where it was written or fetched.
#[test]
fn nothing_points_at_one_machine() {
    // Put together here so that this file does not find itself.
    let words = [
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("index.", "crates.io"),
        concat!("static.", "crates.io"),
        concat!("//", "crates.io"),
        concat!("py", "pi.org"),
        concat!("python", "hosted.org"),
        concat!("deb.", "debian.org"),
        concat!("registry.", "npmjs.org"),
    ];
    let mut found = Vec::new();
    for file in tree::files(|path| path != "Cargo.lock") {
        let Some(text) = file.text() else { continue };
        for (number, line) in text.lines().enumerate() {
            found.extend(
                words.iter().filter(|word| line.contains(**word)).map(|word| format!("{}:{}: {word}", file.path, number + 1)),
            );
        }
    }
    nothing(
        found,
        "No path of one machine and no host of a package registry: name the package, or a path from the package's root.",
    );
}
