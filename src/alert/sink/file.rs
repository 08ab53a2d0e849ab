//! A file of JSON Lines, a notice each: for whoever follows it, and for later.

use super::Failure;
use crate::alert::notice::Notice;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file.
pub struct File {
    path: PathBuf,
}

impl File {
    pub(super) fn new(path: &Path) -> Self {
        File { path: path.to_owned() }
    }

    pub(super) async fn send(&self, notice: &Notice) -> Result<(), Failure> {
        let line = serde_json::to_string(notice).map_err(|error| Failure::lasting(error.to_string()))?;
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || append(&path, &line)).await;
        let failed = |error: &dyn std::fmt::Display| Failure::passing(format!("{}: {error}", self.path.display()));
        written.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }
}

/// Puts a line at the end; a line which was cut off before by the end of the program stays one of its own.
fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let begin = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{begin}{line}\n").as_bytes())?;
    file.sync_data()
}
