//! The folder of a drill: archives cut and named as RIS and RouteViews do, results, and where all of it comes from.

use super::cast::{self, Station};
use super::error::DrillError;
use super::observe;
use super::play::{self, Recording};
use super::script;
use super::timeline::{Archive, Kind, Timeline};
use crate::time::{Span, Timestamp};
use flate2::{Compression, GzBuilder};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// Every file, in the order written; `PROVENANCE.md` is the last.
    pub files: Vec<WrittenFile>,
    /// MRT records in update files, of all collectors.
    pub updates: u64,
}

/// A file which was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrittenFile {
    /// Where.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its BLAKE3 hash, in hexadecimal.
    pub blake3: String,
}

/// How much was written, in a sentence.
impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes: u64 = self.files.iter().map(|file| file.bytes).sum();
        write!(f, "wrote {} files, {bytes} bytes, {} update records", self.files.len(), self.updates)
    }
}

struct Folder {
    root: PathBuf,
    existed: bool,
    written: Written,
}

/// Writes the files of a timeline into a folder, which must be new or empty. `PROVENANCE.md` comes last: a folder without it is
/// not whole.
///
/// # Errors
/// The folder is not empty, something cannot be written (then what was written is removed again), or a time or message is one which
/// MRT cannot hold.
pub fn write(timeline: &Timeline, out_dir: &Path) -> Result<Written, DrillError> {
    let mut folder = Folder::open(out_dir)?;
    match folder.fill(timeline) {
        Ok(()) => Ok(folder.written),
        Err(error) => {
            folder.remove();
            Err(error)
        }
    }
}

impl Folder {
    fn open(root: &Path) -> Result<Folder, DrillError> {
        let failed = |reason| DrillError::Write { file: root.to_owned(), reason };
        let existed = root.exists();
        if existed && std::fs::read_dir(root).map_err(failed)?.next().is_some() {
            return Err(DrillError::NotEmpty { folder: root.to_owned() });
        }
        std::fs::create_dir_all(root).map_err(failed)?;
        Ok(Folder { root: root.to_owned(), existed, written: Written::default() })
    }

    /// Takes back what was written. That the folder cannot be removed is no worse than what went wrong before.
    fn remove(&self) {
        for file in &self.written.files {
            let _ = std::fs::remove_file(&file.path);
        }
        let _ = std::fs::remove_dir_all(self.root.join("mrt"));
        if !self.existed {
            let _ = std::fs::remove_dir(&self.root);
        }
    }

    fn fill(&mut self, timeline: &Timeline) -> Result<(), DrillError> {
        let document = &timeline.document;
        let (start, end) = (document.drill.start, document.drill.end);
        let cast = cast::cast(document);
        let script = script::script(document, &cast).map_err(|(index, message)| DrillError::Meaning {
            place: timeline.place(document.events.get(index).map_or(0, |row| row.span().start)),
            message,
        })?;
        let recordings =
            play::play(&cast, &script, start, end).map_err(|reason| DrillError::Mrt { file: timeline.file.clone(), reason })?;
        for (station, recording) in cast.collectors.iter().zip(&recordings) {
            self.archive(station, recording, start, end)?;
        }
        let observed = observe::observe(document);
        for (name, lines) in [("dns", observed.dns), ("http", observed.http), ("status", observed.status)] {
            if !lines.is_empty() {
                self.compressed(&PathBuf::from(format!("{name}.jsonl.gz")), &lines)?;
            }
        }
        self.file(Path::new("PROVENANCE.md"), provenance(timeline).as_bytes())
    }

    /// Table dumps, and one update file a period; a period in which nothing was recorded has no file.
    fn archive(&mut self, station: &Station, recording: &Recording, start: Timestamp, end: Timestamp) -> Result<(), DrillError> {
        let folder = Path::new("mrt").join(&station.name);
        let (dump, period) = match station.archive {
            Archive::Ris => ("bview", Span::from_seconds(300)),
            Archive::Routeviews => ("rib", Span::from_seconds(900)),
        };
        for (at, bytes) in &recording.tables {
            self.compressed(&folder.join(format!("{dump}.{}.gz", stamp(*at))), bytes)?;
        }
        self.written.updates += u64::try_from(recording.updates.len()).unwrap_or(u64::MAX);
        let mut from = Timestamp::from_micros(start.micros().div_euclid(period.micros()) * period.micros());
        let mut records = recording.updates.iter().peekable();
        while from < end {
            let until = from + period;
            let mut bytes = Vec::new();
            while let Some((_, record)) = records.next_if(|(at, _)| *at < until) {
                bytes.extend(record);
            }
            let silent = recording.cuts.iter().any(|cut| cut.from <= from.max(start) && until.min(end) <= cut.until);
            if !silent {
                self.compressed(&folder.join(format!("updates.{}.gz", stamp(from))), &bytes)?;
            }
            from = until;
        }
        Ok(())
    }

    fn compressed(&mut self, name: &Path, bytes: &[u8]) -> Result<(), DrillError> {
        let failed = |reason| DrillError::Write { file: self.root.join(name), reason };
        let mut gz = GzBuilder::new().write(Vec::new(), Compression::default());
        gz.write_all(bytes).map_err(failed)?;
        let packed = gz.finish().map_err(failed)?;
        self.file(name, &packed)
    }

    fn file(&mut self, name: &Path, bytes: &[u8]) -> Result<(), DrillError> {
        let path = self.root.join(name);
        let failed = |reason| DrillError::Write { file: path.clone(), reason };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        self.written.files.push(WrittenFile { path: path.clone(), bytes: length, blake3 });
        std::fs::write(&path, bytes).map_err(failed)
    }
}

/// `20211004.1535`, as the archives write it.
fn stamp(at: Timestamp) -> String {
    let digits: String = at.to_string().chars().filter(char::is_ascii_digit).collect();
    format!("{}.{}", digits.get(..8).unwrap_or(""), digits.get(8..12).unwrap_or(""))
}

/// What this is and where each row comes from.
fn provenance(timeline: &Timeline) -> String {
    let document = &timeline.document;
    let drill = &document.drill;
    let (title, words) = match drill.kind {
        Kind::Rebuilt => (
            "Rebuilt, not recorded",
            "These files were rebuilt from published facts. No router, resolver or web server wrote them, and the peers in them do not \
             exist. What no source tells is filled in by a seeded generator; such rows say `interpolated`.",
        ),
        Kind::Exercise => (
            "An exercise, not recorded",
            "These files were made up to rehearse with. No router, resolver or web server wrote them.",
        ),
    };
    let mut text = format!("# {title}\n\n{}\n\n{words}\n\n", drill.name);
    if let Some(note) = &drill.note {
        let _ = writeln!(text, "{}\n", note.trim());
    }
    let name = timeline.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let hash = blake3::hash(timeline.text.as_bytes()).to_hex();
    let (seed, start, end) = (drill.seed, drill.start, drill.end);
    let _ = writeln!(text, "Written by `faultline drill` from `{name}` (BLAKE3 {hash}), seed {seed}, {start} to {end}.\n");
    let _ = writeln!(text, "| row | source |\n|---|---|");
    let mut line = |what: String, source: &Option<String>| {
        let source = source.as_deref().unwrap_or("none: an exercise").replace('|', "\\|");
        let _ = writeln!(text, "| {what} | {source} |");
    };
    for row in &document.collectors {
        line(format!("collector {}", row.as_ref().name), &row.as_ref().source);
    }
    if let Some(row) = &document.background {
        line("background".to_owned(), &row.as_ref().source);
    }
    for row in &document.routes {
        line(format!("routes of {}", row.as_ref().origin), &row.as_ref().source);
    }
    for row in &document.events {
        line(format!("{} event", row.as_ref().at), &row.as_ref().source);
    }
    if let Some(row) = &document.probes {
        line("probes".to_owned(), &row.as_ref().source);
    }
    for row in &document.dns {
        line(format!("{} DNS", row.as_ref().at), &row.as_ref().source);
    }
    for row in &document.http {
        line(format!("{} HTTP", row.as_ref().at), &row.as_ref().source);
    }
    for row in &document.status {
        let status = row.as_ref();
        let note = status.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        line(format!("{} status: {}{note}", status.at, status.services.join(", ")), &status.source);
    }
    text
}
