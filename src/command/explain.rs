//! `faultline explain`: every observation behind a verdict.

use super::analyze::analyze;
use super::progress::Progress;
use crate::analysis::Outcome;
use crate::cli::{Explain, Format};
use crate::report;
use crate::timing::Timing;
use miette::IntoDiagnostic;

/// Runs it: the analysis is made again from the same input, and gives the same findings.
///
/// # Errors
/// If the analysis fails, or there is no such incident or service.
pub fn run(typed: &Explain) -> miette::Result<Outcome> {
    let analysis = analyze(&typed.inputs, &Timing::default())?;
    let progress = Progress::working("collecting what proves it");
    let view = report::explanation(&analysis, &typed.incident, typed.service.as_deref()).into_diagnostic()?;
    let text = match typed.format {
        Format::Json => report::json(&view),
        Format::Text => report::explanation_text(&view),
    };
    drop(progress);
    super::print(&text)?;
    Ok(analysis.outcome())
}
