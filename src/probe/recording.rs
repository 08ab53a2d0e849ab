//! Reads recorded probe results: files, folders and globs, of any format and compression, in any mixture.
//!
//! Takes paths, gives all results in time order and, of every file, what was read, left out and wrong with it. A bad record is
//! counted and told, a bad file is an error which names it; both leave what is good in place. Nothing is judged.

use super::fields::BadRecord;
use super::format::{self, Layout, ProbeFormat};
use super::hashed::{Hashed, Tally};
use super::intake::{BadLine, Intake, Names};
use super::lines::{self, NextLine};
use super::zdns::Zdns;
use super::{ProbeResult, Target, atlas, own, parquet, service_status};
use crate::compression::{self, Compression};
use crate::observation::FileId;
use crate::time::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{self, BufRead, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that was recorded.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ProbeRecording {
    /// By time; equal times by file, then record.
    pub results: Vec<ProbeResult>,
    /// Every file, in the order of their [`FileId`]s.
    pub files: Vec<ProbeFile>,
}

/// What one file held.
#[derive(Clone, PartialEq, Debug)]
pub struct ProbeFile {
    /// Where it is.
    pub path: PathBuf,
    /// By which its results refer to it.
    pub id: FileId,
    /// True if it was met in a folder, false if its path or glob was named: a foreign file in a folder is no mistake of the user.
    pub in_folder: bool,
    /// `None` if no format fits.
    pub format: Option<ProbeFormat>,
    /// How it is compressed.
    pub compression: Compression,
    /// Size as it lies there, compressed or not.
    pub bytes: u64,
    /// BLAKE3 of the same bytes, in hexadecimal; empty if the file could not be opened.
    pub blake3: String,
    /// Records met: lines with something on them, elements, rows.
    pub records: u64,
    /// Results taken. One record may hold none or several.
    pub results: u64,
    /// Results which a file read earlier holds too, not taken again.
    pub repeated: u64,
    /// Bad records, all of them.
    pub bad_count: u64,
    /// The first [`BAD_RECORDS_SHOWN`](super::BAD_RECORDS_SHOWN) of them.
    pub bad: Vec<BadLine>,
    /// Fields which Faultline does not know, by name, and in how many records.
    pub ignored_fields: BTreeMap<String, u64>,
    /// Kinds of records which Faultline does not use, by name, and how many.
    pub unsupported: BTreeMap<String, u64>,
    /// Time of the first result.
    pub first: Option<Timestamp>,
    /// Time of the last result.
    pub last: Option<Timestamp>,
    /// Why the file could not be read, or not to its end.
    pub error: Option<ProbeError>,
}

impl ProbeFile {
    /// A file of which nothing was read yet.
    pub fn new(path: PathBuf, id: FileId) -> Self {
        ProbeFile {
            path,
            id,
            in_folder: false,
            format: None,
            compression: Compression::Plain,
            bytes: 0,
            blake3: String::new(),
            records: 0,
            results: 0,
            repeated: 0,
            bad_count: 0,
            bad: Vec::new(),
            ignored_fields: BTreeMap::new(),
            unsupported: BTreeMap::new(),
            first: None,
            last: None,
            error: None,
        }
    }
}

/// Why probe results could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// A path which is not there.
    #[error("{}: there is no such file or folder", .0.display())]
    NotThere(PathBuf),
    /// A pattern which no file fits.
    #[error("{}: no file fits this pattern", .0.display())]
    NothingFits(PathBuf),
    /// A pattern which is none.
    #[error("{}: not a valid pattern: {reason}", path.display())]
    BadPattern {
        /// The pattern.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder without a file.
    #[error("{}: the folder holds no file", .0.display())]
    EmptyFolder(PathBuf),
    /// A file which cannot be opened or read.
    #[error("{}: cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file with nothing in it.
    #[error("{}: the file is empty", .0.display())]
    Empty(PathBuf),
    /// A file of none of the formats.
    #[error("{}: no known format of probe results (Faultline JSON Lines or Parquet, RIPE Atlas, ZDNS, service status)", .0.display())]
    Foreign(PathBuf),
    /// A file which ends or breaks in the middle.
    #[error("{}: broken after record {after}: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Number of the last whole record.
        after: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A Parquet file which a program without Parquet cannot read.
    #[error("{}: a Parquet table, and this program was built without the feature `tables`", .0.display())]
    WithoutTables(PathBuf),
}

/// Reads all results of these files, folders (with what is in them) and globs. File ids are given from `first_file` on, in the order
/// of the paths, within a folder or glob by name; a file named twice is read once.
///
/// # Errors
/// If a path is not there, a pattern is invalid or fits nothing, or a folder holds no file: mistakes in what was typed. What is wrong
/// with a file itself stands in its [`ProbeFile::error`].
pub fn read_results(paths: &[PathBuf], first_file: u32) -> Result<ProbeRecording, ProbeError> {
    read_results_watched(paths, first_file, Arc::new(|_, _| {}))
}

/// As [`read_results`]; the watcher is told, from whichever thread reads, how many bytes of how many were read so far.
///
/// # Errors
/// As for [`read_results`].
pub fn read_results_watched(
    paths: &[PathBuf],
    first_file: u32,
    watcher: Arc<dyn Fn(u64, u64) + Send + Sync>,
) -> Result<ProbeRecording, ProbeError> {
    let files = expand(paths)?;
    let all = files.iter().filter_map(|(path, _)| Some(fs::metadata(path).ok()?.len())).sum();
    let mut reader =
        Reader { names: Names::default(), questions: atlas::Questions::default(), tally: Arc::new(Tally::of(all, watcher)) };
    let mut recording = ProbeRecording::default();
    for (id, (path, in_folder)) in (first_file..).map(FileId).zip(files) {
        let file = reader.read(path, id, in_folder, &mut recording.results);
        recording.files.push(file);
    }
    let Reader { mut names, questions, .. } = reader;
    for (id, record, draft) in questions.end(&mut names) {
        let Some(file) = recording.files.iter_mut().find(|file| file.id == id) else { continue };
        let mut intake = Intake::of(id);
        intake.bad = std::mem::take(&mut file.bad);
        intake.bad_count = file.bad_count;
        intake.take(record, draft);
        (file.bad, file.bad_count) = (intake.bad, intake.bad_count);
        recording.results.append(&mut intake.results);
    }
    finish(&mut recording);
    Ok(recording)
}

/// Orders the results, drops what an earlier file holds too, and counts.
fn finish(recording: &mut ProbeRecording) {
    recording.results.sort_by_key(|result| (result.at, result.source));
    let first_id = recording.files.first().map_or(0, |file| file.id.0);
    let mut met: HashMap<(Arc<str>, Target), Vec<usize>> = HashMap::new();
    let mut kept: Vec<ProbeResult> = Vec::with_capacity(recording.results.len());
    for result in std::mem::take(&mut recording.results) {
        if kept.last().is_some_and(|last| last.at != result.at) {
            met.clear();
        }
        let Some(file) = usize::try_from(result.source.file.0 - first_id).ok().and_then(|index| recording.files.get_mut(index))
        else {
            continue;
        };
        let same_target = met.entry((Arc::clone(&result.vantage), result.target.clone())).or_default();
        if same_target.iter().any(|index| is_repeated(&kept[*index], &result)) {
            file.repeated += 1;
            continue;
        }
        same_target.push(kept.len());
        file.results += 1;
        file.first = file.first.or(Some(result.at));
        file.last = Some(result.at);
        kept.push(result);
    }
    recording.results = kept;
    for file in &mut recording.files {
        file.bad.sort_by_key(|bad| bad.record);
    }
}

/// True if an attempt of this vantage, target and time was recorded in another file, too. Within a file every record is an attempt of
/// its own: sources of whole seconds may well ask twice in one.
fn is_repeated(earlier: &ProbeResult, result: &ProbeResult) -> bool {
    earlier.source.file != result.source.file && earlier.took == result.took && earlier.outcome == result.outcome
}

/// All files behind these paths, each once, and whether it was met in a folder.
fn expand(paths: &[PathBuf]) -> Result<Vec<(PathBuf, bool)>, ProbeError> {
    let mut files = Vec::new();
    let mut met = BTreeSet::new();
    for path in paths {
        let before = files.len();
        if path.exists() {
            let named_before = met.contains(&identity(path));
            collect(path, false, &mut met, &mut files);
            if files.len() == before && !named_before && path.is_dir() {
                return Err(ProbeError::EmptyFolder(path.clone()));
            }
            continue;
        }
        let pattern = path.to_string_lossy();
        if !pattern.contains(['*', '?', '[']) {
            return Err(ProbeError::NotThere(path.clone()));
        }
        let bad = |error: glob::PatternError| ProbeError::BadPattern { path: path.clone(), reason: error.msg.to_owned() };
        let mut fitting = 0;
        for found in glob::glob(&pattern).map_err(bad)? {
            fitting += 1;
            match found {
                Ok(found) => collect(&found, false, &mut met, &mut files),
                Err(error) => files.push((error.path().to_owned(), false)),
            }
        }
        if fitting == 0 {
            return Err(ProbeError::NothingFits(path.clone()));
        }
    }
    Ok(files)
}

/// The file, or all files in the folder by name; those whose name begins with a dot are not meant. A folder which cannot be read is
/// kept like a file: reading it will say why.
fn collect(path: &Path, in_folder: bool, met: &mut BTreeSet<PathBuf>, files: &mut Vec<(PathBuf, bool)>) {
    // A folder reached twice, also through a link to one above it, is read once.
    if !met.insert(identity(path)) {
        return;
    }
    if !path.is_dir() {
        files.push((path.to_owned(), in_folder));
        return;
    }
    let Ok(entries) = fs::read_dir(path) else {
        files.push((path.to_owned(), in_folder));
        return;
    };
    let mut inside: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    inside.sort();
    for entry in inside {
        let hidden = entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden {
            collect(&entry, true, met, files);
        }
    }
}

/// The one path of a file or folder, whatever it was called.
fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// What files share.
struct Reader {
    names: Names,
    questions: atlas::Questions,
    tally: Arc<Tally>,
}

/// A stream which failed.
struct Failed(io::Error);

impl Failed {
    fn error(&self) -> io::Error {
        io::Error::new(self.0.kind(), self.0.to_string())
    }
}

impl Read for Failed {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(self.error())
    }
}

impl BufRead for Failed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Err(self.error())
    }

    fn consume(&mut self, _count: usize) {}
}

/// What went wrong while reading records.
enum Stopped {
    Io(io::Error),
    Content(String),
    WithoutTables,
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Stopped::Io(error)
    }
}

impl Reader {
    fn read(&mut self, path: PathBuf, id: FileId, in_folder: bool, results: &mut Vec<ProbeResult>) -> ProbeFile {
        let mut file = ProbeFile { in_folder, ..ProbeFile::new(path, id) };
        let mut intake = Intake::of(id);
        if let Err(error) = self.read_file(&mut file, &mut intake) {
            file.error = Some(error);
        }
        file.records = intake.records;
        (file.bad_count, file.bad) = (intake.bad_count, intake.bad);
        (file.ignored_fields, file.unsupported) = (intake.ignored, intake.unsupported);
        results.append(&mut intake.results);
        file
    }

    fn read_file(&mut self, file: &mut ProbeFile, intake: &mut Intake) -> Result<(), ProbeError> {
        let path = file.path.clone();
        let unreadable = |error: io::Error| ProbeError::Unreadable { path: path.clone(), reason: error.to_string() };
        let hashed = Hashed::open(&file.path, &self.tally).map_err(unreadable)?;
        let done = self.read_content(file, intake, hashed.handle());
        (file.bytes, file.blake3) = hashed.finish().map_err(unreadable)?;
        done
    }

    fn read_content(
        &mut self,
        file: &mut ProbeFile,
        intake: &mut Intake,
        raw: impl Read + Send + 'static,
    ) -> Result<(), ProbeError> {
        let path = file.path.clone();
        let unreadable = |error: io::Error| ProbeError::Unreadable { path: path.clone(), reason: error.to_string() };
        let (compression, mut content) = compression::reader(raw).map_err(unreadable)?;
        file.compression = compression;
        let mut start = Vec::new();
        let looked = content.by_ref().take(format::LOOKED_AT as u64).read_to_end(&mut start);
        if start.is_empty() {
            looked.map_err(unreadable)?;
            return Err(ProbeError::Empty(path));
        }
        let Some((format, layout)) = format::decide(&start) else {
            looked.map_err(unreadable)?;
            return Err(ProbeError::Foreign(path));
        };
        file.format = Some(format);
        let skipped = if start.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
        // A decoder which has failed may say afterwards that this was the end; its first word counts.
        let rest: Box<dyn BufRead> = match looked {
            Ok(_) => content,
            Err(error) => Box::new(Failed(error)),
        };
        let mut whole = Cursor::new(start.split_off(skipped)).chain(rest);
        self.read_records(format, layout, &mut whole, intake).map_err(|stopped| match stopped {
            Stopped::Io(error) => ProbeError::Broken { path: path.clone(), after: intake.records, reason: error.to_string() },
            Stopped::Content(reason) => ProbeError::Broken { path: path.clone(), after: intake.records, reason },
            Stopped::WithoutTables => ProbeError::WithoutTables(path.clone()),
        })
    }

    fn read_records(
        &mut self,
        format: ProbeFormat,
        layout: Layout,
        content: &mut impl BufRead,
        intake: &mut Intake,
    ) -> Result<(), Stopped> {
        let mut zdns = Zdns::default();
        let names = &mut self.names;
        let questions = &mut self.questions;
        let mut record = |number: u64, value: Value, intake: &mut Intake| match format {
            ProbeFormat::FaultlineJson | ProbeFormat::FaultlineParquet => {
                let draft = own::read(value, names, &mut intake.ignored);
                intake.take(number, draft);
            }
            ProbeFormat::StatusJson | ProbeFormat::StatusCsv => {
                let draft = service_status::read(value, names, &mut intake.ignored);
                intake.take(number, draft);
            }
            ProbeFormat::RipeAtlas => atlas::read(number, value, intake, names, questions),
            ProbeFormat::Zdns => zdns.read(number, value, intake, names),
        };
        let done = match layout {
            Layout::Lines => read_lines(content, intake, &mut record),
            Layout::Array => read_array(content, intake, &mut record),
            Layout::Parquet => read_parquet(content, intake, &mut record),
            Layout::Table(delimiter) => {
                service_status::read_table(content, delimiter, intake, &mut self.names).map_err(Stopped::Io)
            }
        };
        zdns.end(intake, &mut self.names);
        done
    }
}

fn read_lines(
    content: &mut impl BufRead,
    intake: &mut Intake,
    record: &mut impl FnMut(u64, Value, &mut Intake),
) -> Result<(), Stopped> {
    let mut line = Vec::new();
    for number in 1.. {
        match lines::next(content, &mut line)? {
            NextLine::End => break,
            NextLine::Blank => continue,
            NextLine::TooLong => {
                intake.records += 1;
                intake.reject(number, &BadRecord::TooLong(lines::LONGEST));
            }
            NextLine::Line => {
                intake.records += 1;
                match lines::json(&line) {
                    Ok(value) => record(number, value, intake),
                    Err(reason) => intake.reject(number, &reason),
                }
            }
        }
    }
    Ok(())
}

fn read_array(
    content: &mut impl BufRead,
    intake: &mut Intake,
    record: &mut impl FnMut(u64, Value, &mut Intake),
) -> Result<(), Stopped> {
    let mut take = |value| {
        intake.records += 1;
        record(intake.records, value, intake);
    };
    lines::array(content, &mut take).map_err(|error| Stopped::Content(error.to_string()))
}

fn read_parquet(
    content: &mut impl BufRead,
    intake: &mut Intake,
    record: &mut impl FnMut(u64, Value, &mut Intake),
) -> Result<(), Stopped> {
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes)?;
    let rows = parquet::rows(bytes).map_err(|error| match error {
        parquet::TableError::WithoutTables => Stopped::WithoutTables,
        parquet::TableError::Damaged(_) | parquet::TableError::ColumnType { .. } | parquet::TableError::NotWritten(_) => {
            Stopped::Content(error.to_string())
        }
    })?;
    for row in rows {
        intake.records += 1;
        match row {
            Ok(value) => record(intake.records, value, intake),
            Err(reason) => intake.reject(intake.records, &reason),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
