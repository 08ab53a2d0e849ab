//! A file in which stands what was told: a line each, in order.
//!
//! Whoever is ended and begins anew from the same beginning finds the same again; what stands in the file already is not told again, and nothing is missing in it.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What was told.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: File,
    /// Lines of an earlier run which were not found again yet, with their numbers.
    earlier: VecDeque<(usize, String)>,
}

/// Why it cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The system says no.
    #[error("{} cannot be kept: {source}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// Another program writes it.
    #[error("{} is written by another program which runs", .0.display())]
    Busy(PathBuf),
    /// It holds what was found from another beginning.
    #[error("line {line} of {} tells something else than is found now: it was begun from other archives, or the stream does not reach back so far any more", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

impl Ledger {
    /// Goes on with a file, or begins it. A last line which has no end was not told.
    ///
    /// # Errors
    /// If it cannot be read and written.
    pub fn open(path: &Path) -> Result<Ledger, LedgerError> {
        let wrong = |source| LedgerError::System { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LedgerError::Busy(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(wrong(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(wrong)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(wrong)?;
        let earlier = text[..whole].lines().map(str::to_owned).enumerate().map(|(place, line)| (place + 1, line)).collect();
        Ok(Ledger { path: path.to_owned(), file, earlier })
    }

    /// How many lines of an earlier run were not found again yet.
    pub fn earlier(&self) -> usize {
        self.earlier.len()
    }

    /// Takes lines in order; gives those which are new, when they stand in the file for good.
    ///
    /// # Errors
    /// If they do not follow what stands there, or cannot be written.
    pub fn take(&mut self, lines: Vec<String>) -> Result<Vec<String>, LedgerError> {
        let mut new = Vec::new();
        for line in lines {
            match self.earlier.pop_front() {
                None => new.push(line),
                Some((_, told)) if told == line => {}
                Some((number, _)) => return Err(LedgerError::Differs { path: self.path.clone(), line: number }),
            }
        }
        if !new.is_empty() {
            let text: String = new.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
            written.map_err(|source| LedgerError::System { path: self.path.clone(), source })?;
        }
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_was_told_is_not_told_again_and_nothing_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outages.jsonl");
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.take(lines(&["one", "two"])).unwrap(), ["one", "two"]);
        assert!(matches!(Ledger::open(&path), Err(LedgerError::Busy(_))));
        drop(ledger);
        // It was killed within a line.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"thr").unwrap();
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.earlier(), 2);
        assert_eq!(ledger.take(lines(&["one"])).unwrap(), Vec::<String>::new());
        assert_eq!(ledger.take(lines(&["two", "three", "four"])).unwrap(), ["three", "four"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\nfour\n");
    }

    #[test]
    fn what_was_found_from_another_beginning_is_not_mixed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outages.jsonl");
        Ledger::open(&path).unwrap().take(lines(&["one", "two"])).unwrap();
        let mut ledger = Ledger::open(&path).unwrap();
        let wrong = ledger.take(lines(&["one", "other"])).unwrap_err();
        assert!(wrong.to_string().starts_with("line 2 of "), "{wrong}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}
