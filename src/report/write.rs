//! Files into a folder: each whole or not at all.
//!
//! Every file is first written beside its place under a temporary name and brought to the disk; only when all are there are they
//! renamed. A full disk or a folder without permission leaves the old files as they were and no temporary ones behind.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// Why a report could not be written. Each names the path.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum WriteError {
    /// The folder is not there and cannot be made.
    #[error("{}: the folder cannot be made: {reason}", path.display())]
    #[diagnostic(help("choose another folder with --out"))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// A file cannot be written: no permission, no space.
    #[error("{}: cannot be written: {reason}", path.display())]
    #[diagnostic(help("nothing was changed; make room, or choose another folder with --out"))]
    File {
        /// The file as it would have been called.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// A written file cannot be put in its place.
    #[error("{}: cannot be put in its place: {reason}", path.display())]
    #[diagnostic(help("files written before it are in place; choose another folder with --out"))]
    Place {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

/// Writes these files, by name and contents, into the folder, which is made if it is not there. Names may lead into folders below it.
/// Pictures of an earlier report in `charts/` which this one does not have are taken away: beside it they would lie.
///
/// # Errors
/// If the folder cannot be made or a file cannot be written: then no file was changed. If one cannot be renamed to its name, those named
/// before it are in place and the others as they were.
pub fn write_dir<N: AsRef<str>, C: AsRef<[u8]>>(dir: &Path, files: &[(N, C)]) -> Result<(), WriteError> {
    fs::create_dir_all(dir).map_err(|reason| WriteError::Folder { path: dir.to_owned(), reason })?;
    let mut written = Vec::new();
    for (name, contents) in files {
        let path = dir.join(name.as_ref());
        let folder = path.parent().unwrap_or(dir);
        fs::create_dir_all(folder).map_err(|reason| WriteError::Folder { path: folder.to_owned(), reason })?;
        match temporary(folder, contents.as_ref()) {
            Ok(file) => written.push((path, file)),
            Err(reason) => return Err(WriteError::File { path, reason }),
        }
    }
    for (path, file) in written {
        file.persist(&path).map_err(|error| WriteError::Place { path, reason: error.error })?;
    }
    remove_stale(dir, files)?;
    // The names are on the disk when the folder is. Where a folder cannot be opened for that, there is nothing more to do.
    if let Ok(folder) = File::open(dir) {
        folder.sync_all().map_err(|reason| WriteError::Place { path: dir.to_owned(), reason })?;
    }
    Ok(())
}

/// Takes away what an earlier report left in `charts/`; whatever has another form of name is not ours.
fn remove_stale<N: AsRef<str>, C>(dir: &Path, files: &[(N, C)]) -> Result<(), WriteError> {
    let charts = dir.join("charts");
    let Ok(entries) = fs::read_dir(&charts) else { return Ok(()) };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = ["incident-", "recording-", "survey-"].iter().any(|start| name.starts_with(start)) && name.ends_with(".svg");
        let written = files.iter().any(|(file, _)| file.as_ref().strip_prefix("charts/") == Some(name.as_str()));
        if ours && !written {
            fs::remove_file(entry.path()).map_err(|reason| WriteError::Place { path: entry.path(), reason })?;
        }
    }
    Ok(())
}

fn temporary(dir: &Path, contents: &[u8]) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".faultline-").suffix(".part");
    #[cfg(unix)]
    {
        // As any other file: the user's mask decides who may read it.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(dir)?;
    // Not through the temporary file, whose errors name a path which nobody asked for.
    file.as_file_mut().write_all(contents)?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_replaced_whole_and_nothing_else_is_left() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("new/folder");
        write_dir(&dir, &[("a.md", "first"), ("b.json", "{}")]).unwrap();
        write_dir(&dir, &[("a.md", "second")]).unwrap();
        assert_eq!(names(&dir), ["a.md", "b.json"]);
        assert_eq!(fs::read_to_string(dir.join("a.md")).unwrap(), "second");
    }

    #[test]
    fn pictures_of_an_earlier_report_do_not_stay_beside_a_new_one() {
        let home = tempfile::tempdir().unwrap();
        let charts = home.path().join("charts");
        write_dir(home.path(), &[("report.html", "1"), ("charts/incident-1-map.svg", "1"), ("charts/incident-2-map.svg", "1")])
            .unwrap();
        fs::write(charts.join("mine.svg"), "not ours").unwrap();
        write_dir(home.path(), &[("report.html", "2"), ("charts/incident-1-map.svg", "2")]).unwrap();
        assert_eq!(names(&charts), ["incident-1-map.svg", "mine.svg"]);
        assert_eq!(fs::read_to_string(charts.join("incident-1-map.svg")).unwrap(), "2");
    }

    #[test]
    fn a_folder_which_cannot_be_made_is_named() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("report");
        fs::write(&file, "a file").unwrap();
        let error = write_dir(&file.join("out"), &[("a.md", "text")]).unwrap_err();
        assert!(matches!(error, WriteError::Folder { .. }), "{error}");
        assert!(error.to_string().contains("report/out"), "{error}");
    }

    #[test]
    fn a_name_taken_by_a_folder_is_told_and_no_temporary_file_is_left() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("d")).unwrap();
        let error = write_dir(home.path(), &[("a.md", "text"), ("d", "a folder has this name")]).unwrap_err();
        assert!(matches!(error, WriteError::Place { .. }), "{error}");
        assert!(error.to_string().contains("/d: cannot be put in its place"), "{error}");
        assert_eq!(names(home.path()), ["a.md", "d"]);
    }

    /// Every user may do everything to a file of a privileged test run, so only what others see is tested: a usual mode.
    #[cfg(unix)]
    #[test]
    fn a_report_can_be_read_by_those_who_may_read_other_new_files() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("usual"), "x").unwrap();
        write_dir(home.path(), &[("report.md", "x")]).unwrap();
        let mode = |name| fs::metadata(home.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("report.md"), mode("usual"));
    }
}
