//! What stands in the journal, row by row, inside of one transaction. Each row is JSON, so that another version can tell what it does not know.

use super::JournalError;
use crate::alert::decision::{Acknowledgement, History, Silence};
use crate::alert::notice::{IncidentBrief, Notice};
use crate::time::Timestamp;
use crate::watch::{IncidentChange, LifeCycle};
use redb::{ReadTransaction, ReadableTable, StorageError, TableDefinition, TableError, WriteTransaction};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Keys and values are text.
type Rows = TableDefinition<'static, &'static str, &'static str>;
const ABOUT: Rows = TableDefinition::new("about");
const INCIDENTS: Rows = TableDefinition::new("incidents");
const OUTBOX: Rows = TableDefinition::new("outbox");
const TOLD: Rows = TableDefinition::new("told");
const SILENCES: Rows = TableDefinition::new("silences");
const ADDRESSES: Rows = TableDefinition::new("addresses");

/// An incident as it was told of last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRow {
    /// The incident.
    pub incident: IncidentBrief,
    /// What happened to it last.
    pub change: IncidentChange,
    /// When, by what had been said.
    pub at: Timestamp,
    /// Somebody works on it.
    pub acknowledged: Option<Acknowledgement>,
    /// It is over, and lay wholly in planned work.
    pub as_intended: bool,
}

/// A notice which waits for its delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Its place in the order of all notices.
    pub sequence: u64,
    /// The name of its receiver.
    pub sink: String,
    /// The number of the incident.
    pub incident: usize,
    /// When it, or the oldest one which it took in, was written.
    pub made: Timestamp,
    /// Attempts which were begun.
    pub attempts: u32,
    /// The next attempt is not before this.
    pub next: Timestamp,
    /// An attempt is under way.
    pub under_way: bool,
    /// Why nobody tries any more; `None` while somebody does.
    pub given_up: Option<String>,
    /// The notice.
    pub notice: Notice,
}

/// The journal inside of one transaction.
pub enum Book<'t> {
    /// Nothing can be changed.
    Reading(&'t ReadTransaction),
    /// What is changed is kept if all of it is.
    Writing(&'t WriteTransaction),
}

pub(super) fn unwritten(error: impl std::fmt::Display) -> JournalError {
    JournalError::NotWritten(error.to_string())
}

fn nonsense(error: impl std::fmt::Display) -> JournalError {
    JournalError::Nonsense(error.to_string())
}

/// A table which cannot be opened: of another kind, or not to be read now.
fn no_table(error: TableError) -> JournalError {
    if let TableError::Storage(error) = error { unread(error) } else { nonsense(error) }
}

fn unread(error: StorageError) -> JournalError {
    if let StorageError::Corrupted(reason) = error { JournalError::Nonsense(reason) } else { unwritten(error) }
}

impl Book<'_> {
    /// A word about the journal itself.
    pub(super) fn about(&self, key: &str) -> Result<Option<String>, JournalError> {
        self.one(ABOUT, key)
    }

    pub(super) fn set_about(&self, key: &str, value: &str) -> Result<(), JournalError> {
        self.set(ABOUT, key, &value)
    }

    /// What was told of incidents.
    ///
    /// # Errors
    /// As of all of these: if the journal cannot be read, or written.
    pub fn life(&self) -> Result<LifeCycle, JournalError> {
        Ok(self.one(ABOUT, "life")?.unwrap_or_default())
    }

    /// Keeps it.
    ///
    /// # Errors
    /// As above.
    pub fn set_life(&self, life: &LifeCycle) -> Result<(), JournalError> {
        self.set(ABOUT, "life", life)
    }

    /// An incident by its number.
    ///
    /// # Errors
    /// As above.
    pub fn incident(&self, number: usize) -> Result<Option<IncidentRow>, JournalError> {
        self.one(INCIDENTS, &place(number))
    }

    /// All, by their numbers.
    ///
    /// # Errors
    /// As above.
    pub fn incidents(&self) -> Result<Vec<IncidentRow>, JournalError> {
        self.all(INCIDENTS)
    }

    /// Keeps one.
    ///
    /// # Errors
    /// As above.
    pub fn set_incident(&self, row: &IncidentRow) -> Result<(), JournalError> {
        self.set(INCIDENTS, &place(row.incident.number), row)
    }

    /// What a receiver was told of an incident.
    ///
    /// # Errors
    /// As above.
    pub fn history(&self, sink: &str, number: usize) -> Result<History, JournalError> {
        Ok(self.one(TOLD, &format!("{} {sink}", place(number)))?.unwrap_or_default())
    }

    /// Keeps it.
    ///
    /// # Errors
    /// As above.
    pub fn set_history(&self, sink: &str, number: usize, history: &History) -> Result<(), JournalError> {
        self.set(TOLD, &format!("{} {sink}", place(number)), history)
    }

    /// Notices which are not delivered, in order.
    ///
    /// # Errors
    /// As above.
    pub fn outbox(&self) -> Result<Vec<Outgoing>, JournalError> {
        self.all(OUTBOX)
    }

    /// One of them, if it is still there.
    ///
    /// # Errors
    /// As above.
    pub fn outgoing(&self, sequence: u64) -> Result<Option<Outgoing>, JournalError> {
        self.one(OUTBOX, &place(sequence))
    }

    /// Keeps one of them.
    ///
    /// # Errors
    /// As above.
    pub fn put(&self, row: &Outgoing) -> Result<(), JournalError> {
        self.set(OUTBOX, &place(row.sequence), row)
    }

    /// Takes one of them out.
    ///
    /// # Errors
    /// As above.
    pub fn take(&self, sequence: u64) -> Result<(), JournalError> {
        self.remove(OUTBOX, &place(sequence))
    }

    /// The place and the key of another notice.
    ///
    /// # Errors
    /// As above.
    pub fn next_key(&self) -> Result<(u64, String), JournalError> {
        let sequence = self.one(ABOUT, "sequence")?.unwrap_or(0_u64) + 1;
        self.set(ABOUT, "sequence", &sequence)?;
        Ok((sequence, format!("{}-{sequence}", self.about("id")?.unwrap_or_default())))
    }

    /// All silences.
    ///
    /// # Errors
    /// As above.
    pub fn silences(&self) -> Result<Vec<Silence>, JournalError> {
        self.all(SILENCES)
    }

    /// Adds one, or puts it in the place of the one of its name.
    ///
    /// # Errors
    /// As above.
    pub fn set_silence(&self, silence: &Silence) -> Result<(), JournalError> {
        self.set(SILENCES, &silence.id, silence)
    }

    /// Lifts one.
    ///
    /// # Errors
    /// As above.
    pub fn lift(&self, id: &str) -> Result<(), JournalError> {
        self.remove(SILENCES, id)
    }

    /// The last known addresses of a host.
    ///
    /// # Errors
    /// As above.
    pub fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, JournalError> {
        Ok(self.one(ADDRESSES, host)?.unwrap_or_default())
    }

    /// Keeps them.
    ///
    /// # Errors
    /// As above.
    pub fn set_addresses(&self, host: &str, addresses: &[IpAddr]) -> Result<(), JournalError> {
        self.set(ADDRESSES, host, &addresses)
    }

    fn one<T: DeserializeOwned>(&self, rows: Rows, key: &str) -> Result<Option<T>, JournalError> {
        let text = match self {
            Book::Reading(transaction) => match transaction.open_table(rows) {
                Ok(table) => text_of(&table, key)?,
                Err(TableError::TableDoesNotExist(_)) => None,
                Err(error) => return Err(no_table(error)),
            },
            Book::Writing(transaction) => text_of(&transaction.open_table(rows).map_err(no_table)?, key)?,
        };
        text.map(|text| serde_json::from_str(&text).map_err(nonsense)).transpose()
    }

    fn all<T: DeserializeOwned>(&self, rows: Rows) -> Result<Vec<T>, JournalError> {
        let texts = match self {
            Book::Reading(transaction) => match transaction.open_table(rows) {
                Ok(table) => texts_of(&table)?,
                Err(TableError::TableDoesNotExist(_)) => Vec::new(),
                Err(error) => return Err(no_table(error)),
            },
            Book::Writing(transaction) => texts_of(&transaction.open_table(rows).map_err(no_table)?)?,
        };
        texts.iter().map(|text| serde_json::from_str(text).map_err(nonsense)).collect()
    }

    fn set(&self, rows: Rows, key: &str, value: &impl Serialize) -> Result<(), JournalError> {
        let text = serde_json::to_string(value).map_err(nonsense)?;
        let mut table = self.writing()?.open_table(rows).map_err(no_table)?;
        table.insert(key, text.as_str()).map_err(unwritten).map(drop)
    }

    fn remove(&self, rows: Rows, key: &str) -> Result<(), JournalError> {
        let mut table = self.writing()?.open_table(rows).map_err(no_table)?;
        table.remove(key).map_err(unwritten).map(drop)
    }

    fn writing(&self) -> Result<&WriteTransaction, JournalError> {
        match self {
            Book::Writing(transaction) => Ok(transaction),
            Book::Reading(_) => Err(JournalError::NotWritten("it is only read here".to_owned())),
        }
    }
}

/// A number as a key, so that rows stand in the order of numbers.
fn place(number: impl std::fmt::Display) -> String {
    format!("{number:0>20}")
}

fn text_of(table: &impl ReadableTable<&'static str, &'static str>, key: &str) -> Result<Option<String>, JournalError> {
    Ok(table.get(key).map_err(unread)?.map(|text| text.value().to_owned()))
}

fn texts_of(table: &impl ReadableTable<&'static str, &'static str>) -> Result<Vec<String>, JournalError> {
    let rows = table.iter().map_err(unread)?;
    rows.map(|row| row.map(|(_, text)| text.value().to_owned()).map_err(unread)).collect()
}
