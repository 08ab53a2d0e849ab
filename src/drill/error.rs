//! What can be wrong with a timeline, or with the place its files go to.

use crate::source::mrt_writer::MrtWriteError;
use std::fmt;
use std::path::{Path, PathBuf};

/// Why a timeline could not be read or written out.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The timeline file cannot be read.
    #[error("cannot read the timeline {file}: {reason}", file = file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The timeline is not TOML, or has a key or value which the format does not know.
    #[error("{place}: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
    /// The timeline says something which cannot be played.
    #[error("{place}: {message}")]
    Meaning {
        /// Where.
        place: Place,
        /// What is wrong and what to write.
        message: String,
    },
    /// The output folder holds something already.
    #[error("the folder {folder} is not empty; name a new one, so that nothing of another drill is mixed in", folder = folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder cannot be written. What was written before it has been removed again.
    #[error("cannot write {file}: {reason}", file = file.display())]
    Write {
        /// The file or folder.
        file: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A record which MRT has no room for.
    #[error("{file}: {reason}", file = file.display())]
    Mrt {
        /// The timeline.
        file: PathBuf,
        /// What the encoder said.
        reason: MrtWriteError,
    },
}

/// A place in a timeline file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The place of a byte offset.
    pub(super) fn of(file: &Path, text: &str, offset: usize) -> Place {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place { file: file.to_owned(), line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}
