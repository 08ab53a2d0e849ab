//! `faultline completions`: a script which completes commands, options and files in a shell.

use crate::analysis::Outcome;
use crate::cli::{Cli, Completions};
use clap::CommandFactory;

/// Runs it.
///
/// # Errors
/// If standard output cannot be written.
pub fn run(typed: &Completions) -> miette::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(typed.shell, &mut Cli::command(), "faultline", &mut script);
    super::print(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::NoIncident)
}
