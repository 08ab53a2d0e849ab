//! The journal: what must outlive the program. Incidents with their numbers, what was told of them to whom, notices which wait, what is
//! acknowledged and silenced, and the last known addresses of receivers.
//!
//! One file (redb), held by one process at a time. Whatever belongs together is one transaction: the state of the life cycle with the notices
//! of its changes; the end of an attempt with what its receiver was told. Killed at any moment, the next run finds all of it or nothing. An
//! attempt which was under way then is made again, under the same key: its receiver may have got it.
//!
//! Secrets are not in it.

mod book;

pub use book::{Book, IncidentRow, Outgoing};

use crate::time::Timestamp;
use crate::watch::LifeCycle;
use redb::backends::InMemoryBackend;
use redb::{Database, DatabaseError, ReadableDatabase, StorageError};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// Changed whenever what is written cannot be read as before.
const VERSION: &str = "1";

/// Why there is no journal, or why something is not in it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[allow(missing_docs, reason = "each variant says what its fields mean")]
pub enum JournalError {
    /// The system does not give it.
    #[error("the journal {} cannot be opened: {reason}", path.display())]
    #[diagnostic(help("name a file in a folder which can be written, or leave --journal away"))]
    Unreadable { path: PathBuf, reason: String },
    /// Another process has it.
    #[error("the journal {} is held by another process", path.display())]
    #[diagnostic(help("end the other `faultline watch`, or name another file; `faultline incident` works beside it"))]
    Locked { path: PathBuf },
    /// It is no journal, or not as it was written.
    #[error("the journal {} is damaged, or is none: {reason}", path.display())]
    #[diagnostic(help("move it away and begin a new one; alerts may then be repeated"))]
    Damaged { path: PathBuf, reason: String },
    /// It belongs to another profile.
    #[error("the journal {} is of `{theirs}`, and not of `{ours}`", path.display())]
    #[diagnostic(help("name a file of its own for each organization"))]
    OtherOrganization { path: PathBuf, theirs: String, ours: String },
    /// Another version of the program wrote it.
    #[error("the journal {} has version {version} and not {VERSION}", path.display())]
    #[diagnostic(help("use the program which wrote it, or begin a new one"))]
    OtherVersion { path: PathBuf, version: String },
    /// It cannot be written now.
    #[error("the journal cannot be written: {0}")]
    #[diagnostic(help("is the disk full? nothing is lost: it is tried again"))]
    NotWritten(String),
    /// What is in it makes no sense.
    #[error("the journal holds something which cannot be read: {0}")]
    #[diagnostic(help("move it away and begin a new one; alerts may then be repeated"))]
    Nonsense(String),
}

/// Opens what is written to.
type Opening = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// An open journal.
pub struct Journal {
    /// `None` after something could not be written: it is opened again before anything else is done, and is then as it was before.
    database: Mutex<Option<Database>>,
    opening: Opening,
    path: Option<PathBuf>,
    /// Tells those who deliver that something is new.
    news: watch::Sender<u64>,
}

impl Journal {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// If it is held, damaged, of another organization or version, or the system does not give it.
    pub fn open(path: &Path, organization: &str) -> Result<Journal, JournalError> {
        let file = path.to_owned();
        let opening: Opening = Box::new(move || Database::builder().set_check_integrity_on_open(true).create(&file));
        Journal::of(opening, Some(path.to_owned()), organization)
    }

    /// One which is gone with the program.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn in_memory(organization: &str) -> Result<Journal, JournalError> {
        Journal::of(Box::new(|| Database::builder().create_with_backend(InMemoryBackend::new())), None, organization)
    }

    fn of(opening: Opening, path: Option<PathBuf>, organization: &str) -> Result<Journal, JournalError> {
        let (news, _) = watch::channel(0);
        let named = path.clone().unwrap_or_default();
        let database = opening().map_err(|error| unopened(error, &named))?;
        let journal = Journal { database: Mutex::new(Some(database)), opening, path, news };
        let path = named;
        let prepared = journal.change(|book| {
            if let Some(version) = book.about("version")?.filter(|version| version != VERSION) {
                return Err(JournalError::OtherVersion { path: path.clone(), version });
            }
            if let Some(theirs) = book.about("organization")?.filter(|theirs| theirs != organization) {
                return Err(JournalError::OtherOrganization { path: path.clone(), theirs, ours: organization.to_owned() });
            }
            book.set_about("version", VERSION)?;
            book.set_about("organization", organization)?;
            if book.about("id")?.is_none() {
                book.set_about("id", &format!("{:016x}", RandomState::new().hash_one(organization)))?;
            }
            for mut row in book.outbox()?.into_iter().filter(|row| row.under_way) {
                row.under_way = false;
                book.put(&row)?;
            }
            // Whatever is there must be readable: better now than when it is needed.
            book.life()?;
            book.silences()?;
            book.incidents().map(drop)
        });
        match prepared {
            Ok(()) => Ok(journal),
            Err(JournalError::Nonsense(reason)) => Err(JournalError::Damaged { path, reason }),
            Err(error) => Err(error),
        }
    }

    /// The file; `None` if there is none.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The folder beside the file: requests, and what others may read.
    pub fn folder(&self) -> Option<PathBuf> {
        self.path.as_deref().map(super::spool::folder)
    }

    /// What was told of incidents.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn life(&self) -> Result<LifeCycle, JournalError> {
        self.read(|book| book.life())
    }

    /// Looks without changing anything.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read<T>(&self, look: impl FnOnce(&Book<'_>) -> Result<T, JournalError>) -> Result<T, JournalError> {
        self.with(|database| {
            let transaction = database.begin_read().map_err(book::unwritten)?;
            look(&Book::Reading(&transaction))
        })
    }

    /// Changes it, wholly or not at all; it is on the disk afterwards.
    ///
    /// # Errors
    /// What `work` says, or if it cannot be written.
    pub fn change<T>(&self, work: impl FnOnce(&Book<'_>) -> Result<T, JournalError>) -> Result<T, JournalError> {
        self.with(|database| {
            let transaction = database.begin_write().map_err(book::unwritten)?;
            let done = work(&Book::Writing(&transaction))?;
            transaction.commit().map_err(book::unwritten)?;
            Ok(done)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let mut held = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let database = match held.take() {
            Some(database) => database,
            None => (self.opening)().map_err(book::unwritten)?,
        };
        let done = work(&database);
        // One which could not be written takes nothing more.
        *held = Some(database).filter(|_| !matches!(done, Err(JournalError::NotWritten(_))));
        done
    }

    /// Says that notices may be due.
    pub fn wake(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Hears of that.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// The notice which is to be delivered to this receiver next, and when; notices of one incident keep their order.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn next(&self, sink: &str) -> Result<Option<(Timestamp, u64)>, JournalError> {
        let mut met = Vec::new();
        let mut next: Option<(Timestamp, u64)> = None;
        for row in self.read(|book| book.outbox())?.into_iter().filter(|row| row.sink == sink && row.given_up.is_none()) {
            if !met.contains(&row.incident) {
                met.push(row.incident);
                let own = (row.next, row.sequence);
                next = Some(next.map_or(own, |other| other.min(own)));
            }
        }
        Ok(next)
    }
}

fn unopened(error: DatabaseError, path: &Path) -> JournalError {
    let path = path.to_owned();
    if matches!(error, DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch) {
        return JournalError::Locked { path };
    }
    let reason = error.to_string();
    if let DatabaseError::Storage(StorageError::Io(error)) = &error
        && error.kind() != std::io::ErrorKind::InvalidData
    {
        return JournalError::Unreadable { path, reason };
    }
    JournalError::Damaged { path, reason }
}

#[cfg(test)]
pub(super) mod tests;
