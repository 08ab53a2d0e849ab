//! Programs which are not part of the package, and how a test says loudly that it did without.

use std::process::Command;

/// A program of this name; `None`, with a line which `scripts/test` shows at its end, if it cannot be found.
pub fn installed(program: &str, what_for: &str) -> Option<Command> {
    let found = is_on_path(program);
    if !found {
        eprintln!("SKIPPED: {what_for}: {program} is not there");
    }
    found.then(|| Command::new(program))
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[test]
fn only_programs_which_are_there_are_found() {
    assert!(is_on_path("sh") && !is_on_path("faultline-no-such-shell"));
}
