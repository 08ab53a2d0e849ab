//! The commands: wiring only, one file each. Data goes to standard output, words for people to standard error.

pub mod analyze;
pub mod completions;
pub mod drill;
#[cfg(feature = "live")]
mod ending;
pub mod explain;
#[cfg(feature = "live")]
pub mod fetch;
pub mod incident;
pub mod man;
pub mod org;
#[cfg(feature = "live")]
pub mod probe;
mod progress;
pub mod replay;
pub mod report;
mod stats;
#[cfg(feature = "live")]
pub mod watch;

use crate::analysis::Outcome;
use crate::cli::{Cli, Command, Format};
use crate::report::{Glyphs, Shown};
use crate::time::Timestamp;
use std::io::{BufWriter, IsTerminal, Write};
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
        Command::Org(typed) => org::run(&typed, now),
        Command::Drill(typed) => drill::run(&typed),
        #[cfg(feature = "live")]
        Command::Fetch(typed) => fetch::run(&typed, now),
        #[cfg(not(feature = "live"))]
        Command::Fetch(_) => Err(without_live()),
        #[cfg(feature = "live")]
        Command::Watch(typed) => watch::run(&typed, now),
        #[cfg(not(feature = "live"))]
        Command::Watch(_) => Err(without_live()),
        Command::Incident(typed) => incident::run(typed, now),
        #[cfg(feature = "live")]
        Command::Probe(typed) => probe::run(&typed),
        #[cfg(not(feature = "live"))]
        Command::Probe(_) => Err(without_live()),
        Command::Replay(typed) => replay::run(&typed, now),
        Command::Completions(typed) => completions::run(&typed),
        Command::Man(typed) => man::run(&typed),
    }
}

/// Why something cannot be done by a program which waits for no network.
#[cfg(not(feature = "live"))]
fn without_live() -> miette::Report {
    miette::miette!(help = "build it with the feature `live`", "this program was built without what waits for a network")
}

/// Prints data; a reader who has gone (`| head`) is no error.
fn print(text: &str) -> miette::Result<()> {
    print_with(|out| out.write_all(text.as_bytes()))
}

/// Prints what `write` writes, likewise.
fn print_with(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> miette::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(miette::miette!("standard output could not be written: {error}"))
        }
        _ => Ok(()),
    }
}

/// Prints a view as it was asked for, with its picture if that was asked for too.
fn show(view: &impl Shown, format: Format, timeline: bool) -> miette::Result<()> {
    match format {
        Format::Json => print_with(|out| crate::report::write_json(view, out)),
        Format::Text => {
            print(&crate::report::terminal(view, width(), colour()))?;
            match view.to_timeline(width(), colour(), glyphs()).filter(|_| timeline) {
                Some(timeline) => print(&format!("\n{timeline}")),
                None => Ok(()),
            }
        }
    }
}

/// Tells which files were written into a folder.
fn tell_written(dir: &Path, files: &[(String, Vec<u8>)]) {
    let (charts, files): (Vec<&str>, Vec<&str>) =
        files.iter().map(|(name, _)| name.as_str()).partition(|name| name.starts_with("charts/"));
    let charts = (!charts.is_empty()).then(|| format!("charts ({} SVG files)", charts.len()));
    let names: Vec<String> = files.into_iter().map(str::to_owned).chain(charts).collect();
    tell(&format!("wrote {} to {}", names.join(", "), dir.display()));
}

/// Tells people something, on standard error; paths and names in it come from outside.
fn tell(text: &str) {
    let mut err = std::io::stderr().lock();
    // Nobody is left to tell that nobody can be told.
    let _ = writeln!(err, "{}", crate::report::plain(text));
}

/// Whether standard output may be coloured.
fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
}

/// What the terminal can show, by its locale.
fn glyphs() -> Glyphs {
    glyphs_of(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

/// The first of the three which is set and not empty tells (POSIX, Base Definitions, section 8.2); none means the locale `POSIX`.
fn glyphs_of(variable: impl Fn(&str) -> Option<String>) -> Glyphs {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    let locale = set.unwrap_or_default().to_lowercase();
    if locale.contains("utf-8") || locale.contains("utf8") { Glyphs::Blocks } else { Glyphs::Ascii }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_for_locales_of_utf_8_alone() {
        let with = |all: &[(&str, &str)]| {
            let all: Vec<(String, String)> = all.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            glyphs_of(move |name| all.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
        };
        assert_eq!(with(&[("LANG", "de_AT.UTF-8")]), Glyphs::Blocks);
        assert_eq!(with(&[("LANG", "C.utf8"), ("LC_ALL", "")]), Glyphs::Blocks);
        assert_eq!(with(&[("LANG", "de_AT.UTF-8"), ("LC_ALL", "POSIX")]), Glyphs::Ascii);
        assert_eq!(with(&[("LANG", "C"), ("LC_CTYPE", "C.UTF-8")]), Glyphs::Blocks);
        assert_eq!(with(&[("LANG", "de_AT.ISO-8859-1")]), Glyphs::Ascii);
        assert_eq!(with(&[]), Glyphs::Ascii);
    }
}
