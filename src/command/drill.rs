//! `faultline drill`: a written timeline becomes archives, probe results and service status.

use crate::analysis::Outcome;
use crate::cli::Drill;
use crate::drill;
use miette::IntoDiagnostic;

/// Runs it.
///
/// # Errors
/// If the timeline is not valid, or the folder cannot be written.
pub fn run(typed: &Drill) -> miette::Result<Outcome> {
    let timeline = drill::read(&typed.timeline).into_diagnostic()?;
    let written = drill::write(&timeline, &typed.out).into_diagnostic()?;
    super::print(&format!("{written}\n"))?;
    Ok(Outcome::NoIncident)
}
