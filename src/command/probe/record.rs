//! The file in which attempts are recorded. Whenever the program ends, what stands in it can be read.

use crate::probe::{ProbeResult, to_parquet};
use miette::{Context, IntoDiagnostic};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Where attempts go.
pub(super) enum Record {
    /// Nowhere.
    None,
    /// Whole lines at the end of a file.
    Lines(LineFile),
    /// A table, written in the end.
    Table(PathBuf, Vec<ProbeResult>),
}

/// A file to which whole lines are added.
pub(super) struct LineFile {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Record {
    /// By the ending of the name; `endless`: nobody said when it is over.
    pub(super) fn open(path: Option<&Path>, endless: bool) -> miette::Result<Record> {
        let Some(path) = path else { return Ok(Record::None) };
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("jsonl") => LineFile::open(path).map(Record::Lines),
            Some("parquet") if !cfg!(feature = "tables") => Err(miette::miette!(
                help = "name a .jsonl file, which analyze --probes reads as well",
                "no Parquet: this program was built without the feature `tables`"
            )),
            Some("parquet") if endless => Err(miette::miette!(
                help = "name a .jsonl file, or say with --rounds when it is over",
                "{}: a table is written in the end, and there is none",
                path.display()
            )),
            Some("parquet") => Ok(Record::Table(path.to_owned(), Vec::new())),
            _ => Err(miette::miette!(
                help = "end its name in .jsonl or .parquet",
                "{}: the name does not say how to record",
                path.display()
            )),
        }
    }

    /// Takes an attempt, and the line which it is.
    pub(super) fn add(&mut self, result: &ProbeResult, line: &str) -> miette::Result<()> {
        match self {
            Record::None => Ok(()),
            Record::Lines(file) => file.add(line),
            Record::Table(_, results) => {
                results.push(result.clone());
                Ok(())
            }
        }
    }

    /// Writes what was held back.
    pub(super) fn close(self) -> miette::Result<()> {
        match self {
            Record::None => Ok(()),
            Record::Lines(file) => file.file.sync_all().into_diagnostic().wrap_err_with(|| file.cannot()),
            Record::Table(path, results) => {
                let bytes = to_parquet(&results).into_diagnostic()?;
                write_whole(&path, &bytes).into_diagnostic().wrap_err_with(|| format!("{} cannot be written", path.display()))
            }
        }
    }
}

/// Beside its place first, so that there is never half a table.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

impl LineFile {
    /// A new file, or one which holds lines already. A last line without an end, left by a program which was killed, gets one.
    fn open(path: &Path) -> miette::Result<LineFile> {
        let context = || format!("{} cannot be opened to add lines", path.display());
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut opened = LineFile { path: path.to_owned(), file: file.into_diagnostic().wrap_err_with(context)?, length: 0 };
        opened.length = opened.file.metadata().into_diagnostic().wrap_err_with(context)?.len();
        if opened.length > 0 {
            let (first, last) = opened.ends().into_diagnostic().wrap_err_with(context)?;
            if first != b'{' {
                let help = "name a new file; compressed files cannot be added to";
                return Err(miette::miette!(help = help, "{} is there already and holds no JSON Lines", path.display()));
            }
            if last != b'\n' {
                opened.write(b"\n")?;
            }
        }
        Ok(opened)
    }

    /// The first and the last byte.
    fn ends(&mut self) -> std::io::Result<(u8, u8)> {
        let (mut first, mut last) = ([0], [0]);
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_exact(&mut first)?;
        self.file.seek(SeekFrom::End(-1))?;
        self.file.read_exact(&mut last)?;
        Ok((first[0], last[0]))
    }

    fn add(&mut self, line: &str) -> miette::Result<()> {
        self.write(format!("{line}\n").as_bytes())
    }

    /// All of it or nothing.
    fn write(&mut self, bytes: &[u8]) -> miette::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Of what cannot be shortened, a device, nothing is left to be read anyway.
            let _ = self.file.set_len(self.length);
            return Err(error).into_diagnostic().wrap_err_with(|| self.cannot());
        }
        self.length = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn cannot(&self) -> String {
        format!("{} cannot be written", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(path: &Path) -> miette::Result<Record> {
        Record::open(Some(path), true)
    }

    fn result() -> ProbeResult {
        use crate::probe::{Outcome, Target};
        let source = crate::observation::RecordRef { file: crate::observation::FileId(0), record: 1 };
        ProbeResult {
            at: crate::time::Timestamp::from_parts(1_000, 0),
            took: crate::time::Span::ZERO,
            vantage: "here".into(),
            target: Target::Ping { host: "www.example".into(), address: None },
            outcome: Outcome::Ping { answered: true },
            source,
        }
    }

    #[test]
    fn lines_are_added_to_what_is_there_even_after_a_program_was_killed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probes.jsonl");
        std::fs::write(&path, "{\"whole\":1}\n{\"cut").unwrap();
        let mut record = opened(&path).unwrap();
        record.add(&result(), "{\"new\":1}").unwrap();
        record.close().unwrap();
        opened(&path).unwrap().add(&result(), "{\"newer\":1}").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"whole\":1}\n{\"cut\n{\"new\":1}\n{\"newer\":1}\n");
    }

    #[test]
    fn what_cannot_be_recorded_is_told_before_anything_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content, says) in [
            ("probes.csv", None, "does not say how to record"),
            ("probes", None, "does not say how to record"),
            ("there.jsonl", Some("not json\n"), "holds no JSON Lines"),
            ("probes.parquet", None, if cfg!(feature = "tables") { "there is none" } else { "built without the feature `tables`" }),
        ] {
            let path = folder.path().join(name);
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }
            let error = opened(&path).err().unwrap();
            assert!(error.to_string().contains(says), "{name}: {error}");
        }
        assert!(opened(&folder.path().join("nowhere/probes.jsonl")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_which_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.jsonl");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let error = opened(&path).unwrap().add(&result(), "{}").unwrap_err();
        assert!(error.to_string().contains("full.jsonl"), "{error}");
    }
}
