//! Which files to read.
//!
//! Takes what the user named: files, folders (searched to the bottom), globs, `-` for standard input, each with or without a collector's
//! name. Gives the files in a fixed order, each once. Looks at names and folders only; what a file holds is decided when it is opened.

use super::naming::{ArchiveName, archive_name, looks_like_archive};
use super::squeeze::StandIn;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What the user named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InputSpec {
    /// A file, a folder, a glob, or `-` for standard input.
    pub path: PathBuf,
    /// The collector's name, where the archive's naming does not tell it.
    pub collector: Option<String>,
}

/// One file to read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InputFile {
    /// The file; `-` for standard input.
    pub path: PathBuf,
    /// The collector which wrote it.
    pub collector: String,
    /// Its name up to the time, such as `updates`: files of one collector and series follow each other.
    pub series: String,
    /// When it begins, by its name.
    pub begins: Option<Timestamp>,
    /// Size on disk, in bytes; 0 for standard input.
    pub bytes: u64,
    /// True if it was named itself, or has an archive's name: that it holds no BGP is an error then. Other files found in a folder are
    /// only noted.
    pub expected: bool,
    /// What is read in its place, if it is not there to be read.
    pub stand_in: Option<StandIn>,
}

impl InputFile {
    /// A file which is not on a disk here; `path` says where it is, and its end is its name. It has so many `bytes`.
    pub fn elsewhere(path: PathBuf, bytes: u64, collector: Option<&str>) -> InputFile {
        let ArchiveName { collector: guessed, series, begins } = archive_name(&path);
        let collector = collector.map_or(guessed, str::to_owned);
        InputFile { path, collector, series, begins, bytes, expected: true, stand_in: None }
    }

    /// The file which is read.
    pub(super) fn read_at(&self) -> &Path {
        self.stand_in.as_ref().map_or(&self.path, |stand_in| &stand_in.path)
    }
}

/// Why the input could not be found or read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing of that name.
    #[error("`{path}` does not exist; name an MRT file, a folder of them, a glob in quotes, or - for standard input")]
    NotFound {
        /// As named.
        path: PathBuf,
    },
    /// A glob which fits nothing.
    #[error("no file fits `{pattern}`; check the pattern, or name the folder to take everything below it")]
    NoMatch {
        /// As named.
        pattern: String,
    },
    /// Not a glob.
    #[error("`{pattern}` is not a pattern: {reason}; write * for any part of a name and ** for any folders")]
    BadPattern {
        /// As named.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder without a file.
    #[error("the folder `{path}` holds no files; name a folder of MRT archives")]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A folder which cannot be listed, or a file whose size cannot be asked.
    #[error("`{path}` could not be read: {reason}; check that you may read it")]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// No input at all.
    #[error("no input was named; name an MRT file, a folder of them, a glob in quotes, or - for standard input")]
    NoInput,
    /// Every file failed.
    #[error("none of the input could be read:\n{problems}")]
    NothingReadable {
        /// One line a file: its name, what is wrong, what to do.
        problems: String,
    },
}

/// Folders nested deeper than this are a loop of links.
const DEEPEST: usize = 64;

/// Finds the files.
///
/// # Errors
/// A name, folder or glob which leads to no file.
pub fn discover(specs: &[InputSpec]) -> Result<Vec<InputFile>, SourceError> {
    let mut found = Vec::new();
    for spec in specs {
        for (path, named) in expand(&spec.path)? {
            found.push(input_file(path, named, spec.collector.as_deref())?);
        }
    }
    if found.is_empty() {
        return Err(SourceError::NoInput);
    }
    // A file named itself, perhaps with a collector, goes before the same file found in a folder.
    found.sort_by(|a, b| a.path.cmp(&b.path).then(b.expected.cmp(&a.expected)));
    let mut seen = HashSet::new();
    found.retain(|file| seen.insert(file.path.canonicalize().unwrap_or_else(|_| file.path.clone())));
    Ok(found)
}

fn input_file(path: PathBuf, named: bool, collector: Option<&str>) -> Result<InputFile, SourceError> {
    let ArchiveName { collector: guessed, series, begins } = if path.as_os_str() == "-" {
        ArchiveName { collector: "stdin".to_owned(), series: "-".to_owned(), begins: None }
    } else {
        archive_name(&path)
    };
    let bytes = if path.as_os_str() == "-" {
        0
    } else {
        std::fs::metadata(&path).map_err(|reason| SourceError::Unreadable { path: path.clone(), reason })?.len()
    };
    let expected = named || looks_like_archive(&path);
    Ok(InputFile { collector: collector.map_or(guessed, str::to_owned), path, series, begins, bytes, expected, stand_in: None })
}

/// The files a name stands for, each with whether it was named itself.
fn expand(path: &Path) -> Result<Vec<(PathBuf, bool)>, SourceError> {
    if path.as_os_str() == "-" || path.is_file() {
        return Ok(vec![(path.to_owned(), true)]);
    }
    if path.is_dir() {
        let mut files = Vec::new();
        walk(path, 0, &mut files)?;
        if files.is_empty() {
            return Err(SourceError::EmptyFolder { path: path.to_owned() });
        }
        return Ok(files.into_iter().map(|file| (file, false)).collect());
    }
    let pattern = path.to_string_lossy();
    if path.exists() {
        // A pipe or a device, such as the shell's <(…).
        return Ok(vec![(path.to_owned(), true)]);
    }
    if !pattern.contains(['*', '?', '[']) {
        return Err(SourceError::NotFound { path: path.to_owned() });
    }
    let matches = glob::glob(&pattern)
        .map_err(|error| SourceError::BadPattern { pattern: pattern.to_string(), reason: error.to_string() })?;
    let mut files = Vec::new();
    for found in matches {
        let found = found.map_err(|error| SourceError::Unreadable { path: error.path().to_owned(), reason: error.into() })?;
        if found.is_dir() {
            walk(&found, 0, &mut files)?;
        } else {
            files.push(found);
        }
    }
    if files.is_empty() {
        return Err(SourceError::NoMatch { pattern: pattern.into_owned() });
    }
    Ok(files.into_iter().map(|file| (file, true)).collect())
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), SourceError> {
    let unreadable = |reason| SourceError::Unreadable { path: folder.to_owned(), reason };
    if depth > DEEPEST {
        return Err(unreadable(std::io::Error::other("folders nest too deep; a link leads back up")));
    }
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.file_name().map(OsStr::as_encoded_bytes).is_none_or(|name| matches!(name.first(), Some(b'.' | b'_'))) {
            continue;
        }
        if path.is_dir() {
            walk(&path, depth + 1, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(path: impl Into<PathBuf>) -> InputSpec {
        InputSpec { path: path.into(), collector: None }
    }

    #[test]
    fn folders_globs_and_files_are_found_once_and_in_order() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("rrc01/2021.10");
        std::fs::create_dir_all(&deep).unwrap();
        for name in ["updates.20211004.1545.gz", "updates.20211004.1540.gz", "notes.txt", ".hidden"] {
            std::fs::write(deep.join(name), b"x").unwrap();
        }
        let files = discover(&[spec(root.path()), spec(deep.join("updates.20211004.1545.gz"))]).unwrap();
        let names: Vec<_> = files.iter().map(|f| (f.path.file_name().unwrap().to_str().unwrap(), f.expected)).collect();
        assert_eq!(names, [("notes.txt", false), ("updates.20211004.1540.gz", true), ("updates.20211004.1545.gz", true)]);
        assert!(files.iter().all(|file| file.collector == "rrc01" && file.bytes == 1));
        let globbed = discover(&[InputSpec { path: root.path().join("**/*.gz"), collector: Some("mine".into()) }]).unwrap();
        assert_eq!(globbed.iter().map(|f| f.collector.as_str()).collect::<Vec<_>>(), ["mine", "mine"]);
    }

    #[test]
    fn what_leads_to_no_file_is_named_with_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        for (path, says) in [
            (root.path().join("nothing.gz"), "does not exist"),
            (root.path().join("*.gz"), "no file fits"),
            (root.path().join("a***"), "is not a pattern"),
            (root.path().to_owned(), "holds no files"),
        ] {
            let error = discover(&[spec(&path)]).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains(&*root.path().to_string_lossy()), "{error}");
        }
        assert!(matches!(discover(&[]), Err(SourceError::NoInput)));
    }
}
