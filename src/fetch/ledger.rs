//! What was verified in a folder: size, fingerprint and tag of each file, a line of JSON each, in `.fetch.jsonl`.
//!
//! Lines are only appended, and the last one of a file counts, so that an end in the middle of a write costs one line. Readers of archives leave hidden files
//! alone. While it is open, nobody else fetches into the folder.

use super::FetchError;
use crate::source::Whole;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The file.
const NAME: &str = ".fetch.jsonl";

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Where it is, from the folder on.
    pub(super) path: String,
    /// Where it was fetched.
    pub(super) url: String,
    /// Size in bytes.
    pub(super) bytes: u64,
    /// BLAKE3 in hexadecimal.
    pub(super) blake3: String,
    /// What the server calls this state of the file, if it told.
    pub(super) tag: Option<String>,
    /// Records in it.
    pub(super) records: u64,
    /// Records which cannot be read.
    pub(super) unreadable: u64,
}

impl Entry {
    /// The whole, as far as it was remembered.
    pub(super) fn whole(&self) -> Whole {
        let Entry { bytes, blake3, records, unreadable, .. } = self.clone();
        Whole { bytes, blake3, records, unreadable, first: None, last: None }
    }
}

/// The ledger of a folder.
pub(super) struct Ledger {
    file: File,
    path: PathBuf,
    entries: HashMap<String, Entry>,
}

impl Ledger {
    /// Opens the folder's, which is made if there is none.
    ///
    /// # Errors
    /// If it cannot be written, or somebody else has it open.
    pub(super) fn open(folder: &Path) -> Result<Self, FetchError> {
        let path = folder.join(NAME);
        let disk = |source| FetchError::Disk { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(|source| FetchError::Disk { path: folder.to_owned(), source })?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(disk)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FetchError::Busy { path: folder.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(disk(source)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(disk)?;
        let entries: HashMap<String, Entry> = text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Entry>(line).ok())
            .map(|entry| (entry.path.clone(), entry))
            .collect();
        if text.last().is_some_and(|byte| *byte != b'\n') {
            // A line which was cut short must not take the next one with it.
            file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(b"\n")).map_err(disk)?;
        }
        Ok(Ledger { file, path, entries })
    }

    /// What is known of a file.
    pub(super) fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Remembers a file.
    ///
    /// # Errors
    /// If it cannot be written down.
    pub(super) fn add(&mut self, entry: Entry) -> Result<(), FetchError> {
        let disk = |source| FetchError::Disk { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(&entry).map_err(|error| disk(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(disk)?;
        self.entries.insert(entry.path.clone(), entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, bytes: u64) -> Entry {
        let (url, blake3) = ("https://example.org/x".to_owned(), "00".to_owned());
        Entry { path: path.to_owned(), url, bytes, blake3, tag: None, records: 1, unreadable: 0 }
    }

    #[test]
    fn the_last_line_counts_and_a_torn_one_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        for entry in [entry("a", 1), entry("b", 2), entry("a", 3)] {
            ledger.add(entry).unwrap();
        }
        drop(ledger);
        let path = folder.path().join(NAME);
        let mut text = std::fs::read(&path).unwrap();
        text.extend(b"{\"path\": \"c\", \"url");
        std::fs::write(&path, text).unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        ledger.add(entry("d", 4)).unwrap();
        drop(ledger);
        let ledger = Ledger::open(folder.path()).unwrap();
        let bytes = |path| ledger.entry(path).map(|entry| entry.bytes);
        assert_eq!(["a", "b", "c", "d"].map(bytes), [Some(3), Some(2), None, Some(4)]);
    }

    #[test]
    fn one_at_a_time_fetches_into_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Ledger::open(folder.path()).unwrap();
        assert!(matches!(Ledger::open(folder.path()), Err(FetchError::Busy { .. })));
        drop(first);
        assert!(Ledger::open(folder.path()).is_ok());
    }
}
