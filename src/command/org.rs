//! `faultline org check`: is a profile valid, and what does it say? And `faultline org init`, in `init` and `names`.

mod init;
#[cfg(feature = "live")]
mod names;

use super::analyze::tell_warnings;
use crate::analysis::Outcome;
use crate::cli::{Format, Org, OrgCommand};
use crate::org::profile;
use crate::report::{self, CheckView};
use crate::time::Timestamp;
use std::path::Path;

/// Runs it.
///
/// # Errors
/// If the profile is not valid: all its errors, each with line and column; or as [`init::run`].
pub fn run(typed: &Org, now: Timestamp) -> miette::Result<Outcome> {
    match &typed.command {
        OrgCommand::Check { profile, format } => check(profile, *format),
        OrgCommand::Init(typed) => init::run(typed, now),
    }
}

fn check(path: &Path, format: Format) -> miette::Result<Outcome> {
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
