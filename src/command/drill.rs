//! `faultline drill`: a written timeline becomes archives, probe results and service status.

use super::progress::Progress;
use crate::analysis::Outcome;
use crate::cli::{Drill, Format};
use crate::drill::{self, Written};
use crate::report;
use miette::IntoDiagnostic;
use serde::Serialize;

/// Changed whenever a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// What was written, for programs.
#[derive(Serialize)]
struct DrillView {
    /// Always `faultline-drill`.
    format: &'static str,
    /// Of the format.
    version: u32,
    /// The timeline.
    timeline: String,
    /// The folder.
    folder: String,
    /// MRT records in update files, of all collectors.
    update_records: u64,
    /// In the order written.
    files: Vec<FileView>,
}

/// A file which was written.
#[derive(Serialize)]
struct FileView {
    /// Where in the folder.
    path: String,
    /// Its length.
    bytes: u64,
    /// Its BLAKE3 hash, in hexadecimal.
    blake3: String,
}

/// Runs it.
///
/// # Errors
/// If the timeline is not valid, or the folder cannot be written.
pub fn run(typed: &Drill) -> miette::Result<Outcome> {
    let timeline = drill::read(&typed.timeline).into_diagnostic()?;
    let progress = Progress::working("playing the timeline and writing its files");
    let written = drill::write(&timeline, &typed.out).into_diagnostic()?;
    drop(progress);
    match typed.format {
        Format::Json => super::print(&report::json(&DrillView::of(typed, &written)))?,
        Format::Text => super::print(&format!("{written}\n"))?,
    }
    Ok(Outcome::NoIncident)
}

impl DrillView {
    fn of(typed: &Drill, written: &Written) -> Self {
        let files = written.files.iter().map(|file| FileView {
            path: file.path.strip_prefix(&typed.out).unwrap_or(&file.path).display().to_string(),
            bytes: file.bytes,
            blake3: file.blake3.clone(),
        });
        DrillView {
            format: "faultline-drill",
            version: VERSION,
            timeline: typed.timeline.display().to_string(),
            folder: typed.out.display().to_string(),
            update_records: written.updates,
            files: files.collect(),
        }
    }
}
