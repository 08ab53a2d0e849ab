//! `faultline explain`: every observation behind a verdict.

use super::analyze::analyze;
use crate::analysis::Outcome;
use crate::cli::Explain;
use crate::report;
use miette::IntoDiagnostic;

/// Runs it: the analysis is made again from the same input, and gives the same findings.
///
/// # Errors
/// If the analysis fails, or there is no such incident or service.
pub fn run(typed: &Explain) -> miette::Result<Outcome> {
    let analysis = analyze(&typed.inputs)?;
    let text = report::explain(&analysis, &typed.incident, typed.service.as_deref()).into_diagnostic()?;
    super::print(&text)?;
    Ok(analysis.outcome())
}
