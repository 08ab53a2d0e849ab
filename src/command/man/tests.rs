//! Every command has its page, and what the pages tell to type can be typed.

use super::chapter::Chapter;
use super::{pages, title};
use crate::cli::Cli;
use clap::{CommandFactory, Parser};

#[test]
fn every_page_has_exit_status_and_examples() {
    for page in pages().unwrap() {
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"] {
            let found = page.text.lines().any(|line| line == format!(".SH {heading}") || line == format!(".SH \"{heading}\""));
            assert!(found, "{} lacks {heading}; add a row to CHAPTERS in src/command/man/chapter.rs", page.name);
        }
    }
}

#[test]
fn pages_are_named_for_their_commands_and_stay_the_same() {
    let (first, second) = (pages().unwrap(), pages().unwrap());
    let names: Vec<&str> = first.iter().map(|page| page.name.as_str()).collect();
    assert_eq!(names[..3], ["faultline.1", "faultline-analyze.1", "faultline-explain.1"]);
    assert!(names.contains(&"faultline-org-check.1") && !names.iter().any(|name| name.contains("help")), "{names:?}");
    assert!(first.iter().zip(&second).all(|(a, b)| a.text == b.text && a.text.is_ascii()));
}

// Why: a manual whose examples are refused is worse than none.
#[test]
fn every_example_can_be_typed() {
    let mut program = Cli::command();
    program.build();
    let mut titles = vec![title(&program).to_owned()];
    let mut commands: Vec<&clap::Command> = program.get_subcommands().collect();
    while let Some(command) = commands.pop() {
        titles.push(title(command).to_owned());
        commands.extend(command.get_subcommands());
    }
    let mut typed = 0;
    for (_, example) in titles.iter().filter_map(|title| Chapter::of(title)).flat_map(|chapter| chapter.examples) {
        let words = example.split(['|', '>']).next().unwrap().split_whitespace();
        Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{example}: {error}"));
        typed += 1;
    }
    assert!(typed >= 15, "only {typed} examples were found");
}
