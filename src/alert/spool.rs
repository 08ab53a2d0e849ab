//! The folder beside a journal (`FILE.d`): how other commands speak to a watch which runs, and what they may read of it.
//!
//! One process at a time has the journal. So whoever acknowledges or silences puts a request into `requests/`, whole or not at all (a
//! temporary file, then a rename); the watch takes it up within a second, or when it starts. `incidents.json` is what the watch knew last,
//! written likewise. `notices.jsonl` holds everything that happened to incidents, a notice each.

use super::decision::{Acknowledgement, Silence};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// No request is longer.
const LONGEST: u64 = 64 * 1024;

/// What is asked of a watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Somebody works on an incident.
    Acknowledge {
        /// Its number.
        incident: usize,
        /// Who, since when, and what was said.
        acknowledgement: Acknowledgement,
    },
    /// Nothing is to be told of something for a while.
    Silence(Silence),
    /// A silence is over.
    Lift {
        /// Its name.
        id: String,
    },
}

/// What a watch knew last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Always `faultline-incident-list`.
    pub format: String,
    /// Of the format.
    pub version: u32,
    /// Whose.
    pub organization: String,
    /// When this was written.
    pub written: Timestamp,
    /// Incidents, by their numbers.
    pub incidents: Vec<KnownIncident>,
    /// Silences which have not ended.
    pub silences: Vec<Silence>,
    /// Notices which are not delivered.
    pub undelivered: Vec<Undelivered>,
}

/// An incident, for a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownIncident {
    /// Its number.
    pub number: usize,
    /// Its name.
    pub id: String,
    /// It is not over.
    pub open: bool,
    /// It is over, and lay wholly in planned work.
    pub as_intended: bool,
    /// The headline.
    pub headline: String,
    /// When it began, in words.
    pub began: String,
    /// When it ended, in words; `null` if it has not, or if that was not seen.
    pub ended: Option<String>,
    /// Somebody works on it.
    pub acknowledged: Option<Acknowledgement>,
    /// Receivers who were not told of the last change, and why.
    pub held: Vec<Held>,
}

/// A receiver who was not told of the last change of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Who.
    pub sink: String,
    /// Why, in words.
    pub reason: String,
}

/// A notice which is not delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undelivered {
    /// To whom.
    pub sink: String,
    /// Of which incident.
    pub incident: usize,
    /// Since when.
    pub made: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// Why nobody tries any more; `null` while somebody does.
    pub given_up: Option<String>,
}

impl Known {
    /// What it names as its format.
    pub const FORMAT: &'static str = "faultline-incident-list";
    /// Of the format.
    pub const VERSION: u32 = 1;
}

/// The folder beside a journal.
pub fn folder(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".d");
    PathBuf::from(name)
}

/// Asks something of the watch of this journal; gives the name of the request, which is that of a silence, too.
///
/// # Errors
/// If the folder cannot be written.
pub fn ask(journal: &Path, request: &Request, name: &str) -> io::Result<()> {
    let requests = folder(journal).join("requests");
    fs::create_dir_all(&requests)?;
    whole(&requests.join(format!("{name}.json")), &serde_json::to_vec(request)?)
}

/// Requests which nobody took up yet, in the order of their names, each with its file; what is none has an error.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn requests(folder: &Path) -> io::Result<Vec<(PathBuf, Result<Request, String>)>> {
    let mut files: Vec<PathBuf> = match fs::read_dir(folder.join("requests")) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files.into_iter().map(|path| (path.clone(), request(&path))).collect())
}

fn request(path: &Path) -> Result<Request, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

/// A request was taken up, or is none: then it is put aside as `….bad`.
///
/// # Errors
/// If the folder cannot be written.
pub fn done(path: &Path, good: bool) -> io::Result<()> {
    if good { fs::remove_file(path) } else { fs::rename(path, path.with_extension("bad")) }
}

/// Writes what is known for others to read.
///
/// # Errors
/// If the folder cannot be written.
pub fn publish(folder: &Path, known: &Known) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    whole(&folder.join("incidents.json"), &serde_json::to_vec_pretty(known)?)
}

/// Reads it; `None` if no watch wrote it yet.
///
/// # Errors
/// If it cannot be read, or is not what a watch wrote.
pub fn known(folder: &Path) -> io::Result<Option<Known>> {
    match fs::read(folder.join("incidents.json")) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file which is there whole or not at all.
fn whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acknowledge() -> Request {
        let acknowledgement = Acknowledgement { since: Timestamp::from_parts(5, 0), by: Some("n".to_owned()), note: None };
        Request::Acknowledge { incident: 3, acknowledgement }
    }

    #[test]
    fn a_request_is_found_until_it_is_done_and_what_is_none_is_put_aside() {
        let home = tempfile::tempdir().unwrap();
        let journal = home.path().join("journal");
        assert_eq!(requests(&folder(&journal)).unwrap(), []);
        ask(&journal, &acknowledge(), "2").unwrap();
        ask(&journal, &Request::Lift { id: "x".to_owned() }, "1").unwrap();
        let waiting = folder(&journal).join("requests");
        fs::write(waiting.join("3.json"), "{\"acknowledge\": {}}").unwrap();
        fs::write(waiting.join(".tmp123"), "{").unwrap();
        let found = requests(&folder(&journal)).unwrap();
        assert_eq!(found[0].1, Ok(Request::Lift { id: "x".to_owned() }));
        assert_eq!(found[1].1, Ok(acknowledge()));
        assert!(found[2].1.as_ref().unwrap_err().contains("missing field"), "{found:?}");
        assert_eq!(found.len(), 3);
        found.iter().for_each(|(path, request)| done(path, request.is_ok()).unwrap());
        assert_eq!(requests(&folder(&journal)).unwrap(), []);
        assert!(waiting.join("3.bad").exists());
    }
}
