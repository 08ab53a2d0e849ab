//! `faultline report`: a report is rendered again from its `incidents.json` alone; neither profile nor archive is asked.

use crate::alert::Notice;
use crate::analysis::Outcome;
use crate::cli::{Report, Schema};
use crate::report::{self, IncidentLine, OutageLine, ReportView, Saved, Shown, SurveyView};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A report as it lies there.
struct Source {
    /// Where; `None` for standard input.
    path: Option<PathBuf>,
    /// How errors call it.
    name: String,
    text: String,
}

/// Runs it.
///
/// # Errors
/// If the report cannot be read back, or the files cannot be written.
pub fn run(typed: &Report) -> miette::Result<Outcome> {
    if let Some(schema) = typed.schema {
        super::print(&match schema {
            Schema::Incidents => report::schema::<ReportView>(),
            Schema::Survey => report::schema::<SurveyView>(),
            Schema::Events => report::schema::<OutageLine>(),
            Schema::IncidentEvents => report::schema::<IncidentLine>(),
            Schema::Notices => report::schema::<Notice>(),
        })?;
        return Ok(Outcome::NoIncident);
    }
    let Some(input) = &typed.input else {
        return Err(miette::miette!("no report was named; write `faultline report INCIDENTS.json`"));
    };
    let source = Source::read(input)?;
    match Saved::from_json(&source.name, &source.text)? {
        Saved::Incidents(view) => render(typed, &*view, &source),
        Saved::Survey(view) => render(typed, &*view, &source),
    }
}

fn render(typed: &Report, view: &impl Shown, source: &Source) -> miette::Result<Outcome> {
    if let Some(dir) = &typed.out {
        let files = report::files(view);
        source.stays(dir, &files)?;
        report::write_dir(dir, &files)?;
        super::tell_written(dir, &files);
    }
    super::show(view, typed.format, typed.timeline)?;
    Ok(view.outcome().code)
}

impl Source {
    fn read(input: &Path) -> miette::Result<Source> {
        if input == Path::new("-") {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes);
            return Source::of(None, read.map(|_| bytes));
        }
        let path = if input.is_dir() { input.join("incidents.json") } else { input.to_owned() };
        let read = std::fs::read(&path);
        Source::of(Some(path), read)
    }

    fn of(path: Option<PathBuf>, read: std::io::Result<Vec<u8>>) -> miette::Result<Source> {
        let name = path.as_ref().map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
        let bytes = read.map_err(|error| {
            let help = "name an incidents.json, the folder which holds it, or - for standard input";
            miette::miette!(help = help, "{name}: cannot be read: {error}")
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let help = "name an incidents.json as `faultline analyze … --out DIR` wrote it; if it is compressed, decompress it";
            miette::miette!(help = help, "{name}: no text: byte {} is not UTF-8", error.utf8_error().valid_up_to() + 1)
        })?;
        Ok(Source { path, name, text })
    }

    /// What is read is evidence: no file may be put in its place unless it is the same.
    fn stays(&self, dir: &Path, files: &[(String, Vec<u8>)]) -> miette::Result<()> {
        let Some(Ok(read)) = self.path.as_ref().map(|path| path.canonicalize()) else { return Ok(()) };
        let is_read = |name: &str| dir.join(name).canonicalize().is_ok_and(|path| path == read);
        match files.iter().find(|(name, bytes)| is_read(name) && *bytes != self.text.as_bytes()) {
            Some((name, _)) => {
                let help = "choose another folder with --out: here it would be written over, and not byte for byte as it is";
                Err(miette::miette!(help = help, "{}: it is the file which is read, and `{name}` would take its place", self.name))
            }
            None => Ok(()),
        }
    }
}
