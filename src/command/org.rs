//! `faultline org check`: is a profile valid, and what does it say?

use super::analyze::tell_warnings;
use crate::analysis::Outcome;
use crate::cli::{Format, Org, OrgCommand};
use crate::org::profile;
use crate::report::{self, CheckView};

/// Runs it.
///
/// # Errors
/// If the profile is not valid: all its errors, each with line and column.
pub fn run(typed: &Org) -> miette::Result<Outcome> {
    let OrgCommand::Check { profile: path, format } = &typed.command;
    let read = profile::read(path);
    let view = CheckView::of(path, &read);
    match format {
        Format::Json => super::print(&report::json(&view))?,
        Format::Text => super::print(&view.to_text())?,
    }
    // For people, whatever a program was told.
    tell_warnings(path, &read?.warnings);
    Ok(Outcome::NoIncident)
}
