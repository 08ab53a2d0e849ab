//! Recordings: what watch saw, kept to be analyzed later.
//!
//! Takes lines of the stream, of routers and of probe results; writes them into a folder, `stream-0001.jsonl`, `routers-0001.jsonl`, `probes-0001.jsonl` and so on,
//! which `analyze` reads. A thread of its own writes, so a slow disk delays nothing; what it cannot take is left out, and the recording of the
//! stream says from when to when.

use crate::source::ris_live::frame::lost_line;
use crate::time::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A file of a recording is not much longer than this.
const LONGEST: u64 = 256 * 1024 * 1024;
/// Pieces which wait for the disk: one for each time that incidents are looked at, so a disk may stand still for a minute.
const WAITING: usize = 240;
/// So often what was written is made to last.
const SYNC_EVERY: Duration = Duration::from_secs(5);

/// What a line is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The stream.
    Stream,
    /// Probe results.
    Probes,
    /// What routers said.
    Routers,
}

/// All parts, each in its place.
const PARTS: [Part; 3] = [Part::Stream, Part::Probes, Part::Routers];

/// Whole lines of a part, which were taken then.
struct Piece {
    part: Part,
    lines: Vec<u8>,
    at: Timestamp,
}

/// A recording which goes on.
pub struct Recorder {
    pieces: Option<SyncSender<Piece>>,
    /// Since when lines of a part are left out. Results of probes which are missing are none.
    left_out: [Option<Timestamp>; 3],
    trouble: Arc<Mutex<Option<String>>>,
    writing: Option<JoinHandle<()>>,
    first_of_probes: PathBuf,
}

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
#[error("the recording cannot be written into {}: {source}", folder.display())]
pub struct RecordError {
    /// The folder.
    pub folder: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// The files of a recording's part in a folder, in their order.
pub fn recorded(folder: &Path, part: Part) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if number(&path, part).is_some() {
            files.push(path);
        }
    }
    files.sort_by_key(|path| number(path, part));
    Ok(files)
}

/// The number in the name of a file of this part. It may have been compressed since.
fn number(path: &Path, part: Part) -> Option<u32> {
    let rest = path.file_name()?.to_str()?.strip_prefix(part.name())?.strip_prefix('-')?;
    rest.split_once(".jsonl")?.0.parse().ok()
}

impl Part {
    const fn place(self) -> usize {
        match self {
            Part::Stream => 0,
            Part::Probes => 1,
            Part::Routers => 2,
        }
    }

    /// Whether what is missing of it is told.
    const fn tells_holes(self) -> bool {
        matches!(self, Part::Stream | Part::Routers)
    }

    const fn name(self) -> &'static str {
        match self {
            Part::Stream => "stream",
            Part::Probes => "probes",
            Part::Routers => "routers",
        }
    }
}

impl Recorder {
    /// Records into a folder, after what is there already.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn begin(folder: &Path) -> Result<Self, RecordError> {
        let wrong = |source| RecordError { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(wrong)?;
        // Files are begun with their first line; that none can be written is to be known before.
        tempfile::tempfile_in(folder).map_err(wrong)?;
        let [stream, probes, routers] = PARTS.map(|part| Writing::begin(folder, part).map_err(wrong));
        let (stream, probes, routers) = (stream?, probes?, routers?);
        let (pieces, waiting) = sync_channel(WAITING);
        let trouble = Arc::new(Mutex::new(None));
        let told = Arc::clone(&trouble);
        let first_of_probes = probes.path();
        let writing = std::thread::spawn(move || write(&waiting, [stream, probes, routers], &told));
        Ok(Recorder { pieces: Some(pieces), left_out: [None; 3], trouble, writing: Some(writing), first_of_probes })
    }

    /// The first file of results of probes which it writes.
    pub fn first_of_probes(&self) -> &Path {
        &self.first_of_probes
    }

    /// Takes whole lines; `now` is when.
    pub fn put(&mut self, part: Part, mut lines: Vec<u8>, now: Timestamp) {
        let Some(pieces) = self.pieces.as_ref().filter(|_| !lines.is_empty()) else { return };
        let left_out = &mut self.left_out[part.place()];
        if let Some(from) = left_out.filter(|_| part.tells_holes()) {
            lines = after_a_hole(from, now, &lines);
        }
        match pieces.try_send(Piece { part, lines, at: now }) {
            Ok(()) => *left_out = None,
            Err(TrySendError::Full(_)) => {
                left_out.get_or_insert(now);
                say(&self.trouble, "the disk does not keep up; what it cannot take is left out".to_owned());
            }
            Err(TrySendError::Disconnected(_)) => say(&self.trouble, "nothing is written any more".to_owned()),
        }
    }

    /// What is wrong with writing, once.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Writes what waits, and ends; gives what was wrong with it.
    pub fn end(mut self) -> Option<String> {
        self.pieces = None;
        if self.writing.take().is_some_and(|writing| writing.join().is_err()) {
            return Some("the recording ended before its end".to_owned());
        }
        self.trouble()
    }
}

/// Lines of a part before which some are missing.
fn after_a_hole(from: Timestamp, until: Timestamp, lines: &[u8]) -> Vec<u8> {
    [lost_line(from, until).as_bytes(), b"\n", lines].concat()
}

fn say(trouble: &Mutex<Option<String>>, words: String) {
    trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(words);
}

/// Writes pieces as they come.
fn write(pieces: &Receiver<Piece>, mut parts: [Writing; 3], trouble: &Mutex<Option<String>>) {
    let sync = |parts: &mut [Writing; 3]| parts.iter_mut().try_for_each(Writing::sync);
    loop {
        let piece = match pieces.recv_timeout(SYNC_EVERY) {
            Ok(piece) => piece,
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = sync(&mut parts) {
                    say(trouble, error.to_string());
                }
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let writing = &mut parts[piece.part.place()];
        if let Err(error) = writing.write(&piece) {
            say(trouble, format!("{}: {error}; it goes on as soon as it can, in a new file", writing.path().display()));
        }
    }
    if let Err(error) = sync(&mut parts) {
        say(trouble, error.to_string());
    }
}

/// A part which is written.
struct Writing {
    folder: PathBuf,
    part: Part,
    number: u32,
    file: Option<File>,
    length: u64,
    /// Since when pieces are missing; the last byte written need not be the end of a line.
    missing: Option<Timestamp>,
}

impl Writing {
    fn begin(folder: &Path, part: Part) -> io::Result<Self> {
        let last = recorded(folder, part)?.last().and_then(|path| number(path, part)).unwrap_or(0);
        Ok(Writing { folder: folder.to_owned(), part, number: last + 1, file: None, length: 0, missing: None })
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}-{:04}.jsonl", self.part.name(), self.number))
    }

    fn write(&mut self, piece: &Piece) -> io::Result<()> {
        let missing = *self.missing.get_or_insert(piece.at);
        self.write_all(missing, piece)?;
        self.missing = None;
        Ok(())
    }

    fn write_all(&mut self, missing: Timestamp, piece: &Piece) -> io::Result<()> {
        let whole = missing == piece.at;
        if self.file.is_some() && (!whole || self.length >= LONGEST) {
            self.sync()?;
            self.file = None;
            self.number += 1;
        }
        if self.file.is_none() {
            self.length = 0;
        }
        let path = self.path();
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(OpenOptions::new().write(true).create_new(true).open(path)?),
        };
        if whole || !piece.part.tells_holes() {
            file.write_all(&piece.lines)?;
        } else {
            file.write_all(&after_a_hole(missing, piece.at, &piece.lines))?;
        }
        self.length += piece.lines.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    fn lines(folder: &Path, part: Part) -> Vec<String> {
        let files = recorded(folder, part).unwrap();
        files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    #[test]
    fn a_recording_goes_on_in_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        for turn in ["first\n", "second\n"] {
            let mut recorder = Recorder::begin(folder.path()).unwrap();
            recorder.put(Part::Stream, turn.into(), at(1));
            recorder.put(Part::Probes, format!("probe {turn}").into(), at(1));
            assert_eq!(recorder.end(), None);
        }
        assert_eq!(lines(folder.path(), Part::Stream), ["first\n", "second\n"]);
        assert_eq!(lines(folder.path(), Part::Probes), ["probe first\n", "probe second\n"]);
    }

    // Why: a disk which stands still must not hold up what is watched, and what it missed must show.
    #[test]
    fn what_cannot_be_taken_is_a_hole_with_a_beginning_and_an_end() {
        let (pieces, waiting) = sync_channel(1);
        let trouble = Arc::default();
        let mut recorder =
            Recorder { pieces: Some(pieces), left_out: [None; 3], trouble, writing: None, first_of_probes: PathBuf::new() };
        for (second, line) in [(10, "a\n"), (20, "b\n"), (30, "c\n")] {
            recorder.put(Part::Stream, line.into(), at(second));
        }
        assert!(recorder.trouble().unwrap().contains("does not keep up"));
        assert_eq!(waiting.recv().unwrap().lines, b"a\n");
        recorder.put(Part::Stream, b"d\n".to_vec(), at(40));
        let then = String::from_utf8(waiting.recv().unwrap().lines).unwrap();
        assert_eq!(then, format!("{}\nd\n", lost_line(at(20), at(40))));
        recorder.put(Part::Stream, b"e\n".to_vec(), at(50));
        assert_eq!(waiting.recv().unwrap().lines, b"e\n");
    }

    // Why: half a line before others would make one which is wrong of two.
    #[test]
    fn after_an_error_it_goes_on_in_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut writing = Writing::begin(folder.path(), Part::Stream).unwrap();
        let piece = |lines: &[u8], seconds| Piece { part: Part::Stream, lines: lines.to_vec(), at: at(seconds) };
        writing.write(&piece(b"begun\n", 5)).unwrap();
        writing.file = Some(File::open(folder.path().join("stream-0001.jsonl")).unwrap());
        assert!(writing.write(&piece(b"lost\n", 10)).is_err(), "it is open to be read only");
        writing.write(&piece(b"kept\n", 20)).unwrap();
        writing.write(&piece(b"too\n", 30)).unwrap();
        let kept = format!("{}\nkept\ntoo\n", lost_line(at(10), at(20)));
        assert_eq!(lines(folder.path(), Part::Stream), ["begun\n".to_owned(), kept]);
    }
}
