//! The commands: wiring only, one file each. Data goes to standard output, words for people to standard error.

pub mod analyze;
pub mod completions;
pub mod drill;
pub mod explain;
pub mod man;
pub mod org;
mod progress;
pub mod report;

use crate::analysis::Outcome;
use crate::cli::{Cli, Command, Format};
use crate::report::Shown;
use crate::time::Timestamp;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Runs what was typed. `now` is the time which reports name as that of their making.
///
/// # Errors
/// Whatever keeps a command from its work, with what to do.
pub fn run(cli: Cli, now: Timestamp) -> miette::Result<Outcome> {
    match cli.command {
        Command::Analyze(typed) => analyze::run(&typed, now),
        Command::Explain(typed) => explain::run(&typed),
        Command::Report(typed) => report::run(&typed),
        Command::Org(typed) => org::run(&typed),
        Command::Drill(typed) => drill::run(&typed),
        Command::Completions(typed) => completions::run(&typed),
        Command::Man(typed) => man::run(&typed),
    }
}

/// Prints data; a reader who has gone (`| head`) is no error.
fn print(text: &str) -> miette::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(miette::miette!("standard output could not be written: {error}"))
        }
        _ => Ok(()),
    }
}

/// Prints a view as it was asked for.
fn show(view: &impl Shown, format: Format) -> miette::Result<()> {
    match format {
        Format::Json => print(&crate::report::json(view)),
        Format::Text => print(&crate::report::terminal(view, width(), colour())),
    }
}

/// Writes files into a folder, and tells which.
fn write(dir: &Path, files: &[(String, Vec<u8>)]) -> miette::Result<()> {
    crate::report::write_dir(dir, files)?;
    let (charts, files): (Vec<&str>, Vec<&str>) =
        files.iter().map(|(name, _)| name.as_str()).partition(|name| name.starts_with("charts/"));
    let charts = (!charts.is_empty()).then(|| format!("charts ({} SVG files)", charts.len()));
    let names: Vec<String> = files.into_iter().map(str::to_owned).chain(charts).collect();
    tell(&format!("wrote {} to {}", names.join(", "), dir.display()));
    Ok(())
}

/// Tells people something, on standard error.
fn tell(text: &str) {
    let mut err = std::io::stderr().lock();
    // Nobody is left to tell that nobody can be told.
    let _ = writeln!(err, "{text}");
}

/// Whether standard output may be coloured.
fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
}
