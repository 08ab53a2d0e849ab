//! Reading MRT counted in instructions, which do not depend on how busy the machine is.
//!
//! Valgrind runs five small programs on the same file of updates, not packed: reading it into memory, the same and hashing it, bgpkit-parser
//! counting elements, Faultline's relevance scan alone, Faultline making observations. Less what it takes to have the bytes (where
//! observations are made: and to hash them, as that does on the way), the last three are compared.

use crate::inputs::{Size, prepare};
use crate::places::Places;
use crate::tools::needed;
use miette::{IntoDiagnostic, WrapErr};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// bgpkit-parser takes at least so many times the instructions of Faultline making observations, or the check fails. Raise it when reading
/// gets faster.
const FLOOR: f64 = 9.0;
/// The same for the relevance scan alone, of which a third is walking along attributes. In time it is more: see [`crate::memory`].
const SCAN_FLOOR: f64 = 15.0;

/// Counts, prints what came out, and fails below the floor. Without valgrind it says so and passes.
///
/// # Errors
/// If the inputs could not be made, or one of the programs did not run.
pub fn compare(places: &Places) -> miette::Result<ExitCode> {
    if let Err(problem) = needed("valgrind", "valgrind") {
        println!("SKIPPED: instruction counts: {problem}");
        return Ok(ExitCode::SUCCESS);
    }
    let inputs = prepare(places, Size::of(true))?;
    let (file, profile) = (inputs.small("mrt"), inputs.profile.display().to_string());
    let count = |part: &[&str]| instructions(places, part, &file);
    let (load, hash) = (count(&["mem-load"])?, count(&["mem-hash"])?);
    let bgpkit = count(&["mem-bgpkit"])?.saturating_sub(load);
    let faultline = count(&["mem-faultline", "--profile", &profile])?.saturating_sub(hash).max(1);
    let scan = count(&["mem-scan", "--profile", &profile])?.saturating_sub(load).max(1);
    let messages = inputs.stamp.size.messages_small;
    println!("instructions to read {messages} messages: bgpkit-parser {bgpkit} (a message: {})", bgpkit / messages);
    let mut held = true;
    for (who, count, floor) in [("Faultline's scan", scan, SCAN_FLOOR), ("Faultline making observations", faultline, FLOOR)] {
        let ratio = ratio(bgpkit, count);
        println!("{who} {count} (a message: {}); {ratio:.2} times fewer, floor {floor}", count / messages);
        held &= ratio >= floor;
    }
    if !held {
        println!("reading has become slower: profile `mem-faultline`, or say in instructions.rs why the floor is lower now");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

#[allow(clippy::cast_precision_loss, reason = "a ratio is told with two digits")]
fn ratio(theirs: u64, ours: u64) -> f64 {
    theirs as f64 / ours as f64
}

/// The instructions which a part of this program takes on a file.
fn instructions(places: &Places, part: &[&str], file: &Path) -> miette::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(&places.own)
        .args(part)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .into_diagnostic()
        .wrap_err("valgrind could not be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let counted = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match counted {
        Some(counted) if output.status.success() => Ok(counted),
        _ => Err(miette::miette!("valgrind did not count `{}`:\n{said}", part.join(" "))),
    }
}
