//! What is in the journal outlives everything, and what is none is not taken for one.

use super::*;
use crate::alert::decision::tests::incident;
use crate::alert::notice::Notice;
use crate::alert::{Silence, Silenced};
use crate::watch::IncidentChange;
use redb::StorageBackend;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(1_700_000_000 + seconds, 0)
}

/// A notice of incident 7 to a receiver, due then.
pub fn outgoing(book: &Book<'_>, sink: &str, due: i64) -> Outgoing {
    let (sequence, key) = book.next_key().unwrap();
    let notice = Notice::of(key, "Example", (vec![IncidentChange::Opened], at(0)), incident());
    let sink = sink.to_owned();
    Outgoing { sequence, sink, incident: 7, made: at(0), attempts: 0, next: at(due), under_way: false, given_up: None, notice }
}

/// A disk which may be full.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    pub full: Arc<AtomicBool>,
}

impl Disk {
    /// A journal on it.
    pub fn journal(&self) -> Journal {
        let disk = self.clone();
        let opening: Opening = Box::new(move || Database::builder().create_with_backend(disk.clone()));
        Journal::of(opening, None, "Example").unwrap()
    }

    fn room(&self) -> std::io::Result<()> {
        if self.full.load(Ordering::SeqCst) { Err(Error::from(ErrorKind::StorageFull)) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> std::io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        out.copy_from_slice(&self.bytes.lock().unwrap()[offset as usize..][..out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.room()?;
        self.bytes.lock().unwrap().resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.room()
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.room()?;
        self.bytes.lock().unwrap()[offset as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }
}

#[test]
fn everything_is_there_again_after_a_restart_and_an_attempt_under_way_is_made_again_under_its_key() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal");
    let silence = Silence { id: "s".to_owned(), what: Silenced::Incident(7), until: at(60), by: None, note: None };
    let row =
        IncidentRow { incident: incident(), change: IncidentChange::Opened, at: at(0), acknowledged: None, as_intended: false };
    let written = {
        let journal = Journal::open(&path, "Example").unwrap();
        let written = journal.change(|book| {
            let mut written = outgoing(book, "hook", 5);
            (written.under_way, written.attempts) = (true, 1);
            book.put(&written)?;
            book.set_incident(&row)?;
            book.set_silence(&silence)?;
            Ok(written)
        });
        // What fails is not kept, not even in part.
        let failed: Result<(), JournalError> = journal.change(|book| {
            book.lift("s")?;
            Err(JournalError::NotWritten("no".to_owned()))
        });
        assert!(failed.is_err());
        written.unwrap()
    };
    let journal = Journal::open(&path, "Example").unwrap();
    let found = journal.read(|book| Ok((book.outbox()?, book.incidents()?, book.silences()?))).unwrap();
    assert_eq!(found, (vec![Outgoing { under_way: false, ..written.clone() }], vec![row], vec![silence]));
    assert_eq!(journal.next("hook").unwrap(), Some((at(5), written.sequence)));
    assert_eq!(journal.next("other").unwrap(), None);
    let (_, key) = journal.change(|book| book.next_key()).unwrap();
    assert_ne!(key, written.notice.key, "no key is given twice");
}

#[test]
fn notices_of_one_incident_keep_their_order() {
    let journal = Journal::in_memory("Example").unwrap();
    let add = |incident, due| {
        let add = |book: &Book<'_>| {
            let row = Outgoing { incident, ..outgoing(book, "hook", due) };
            book.put(&row).map(|()| row.sequence)
        };
        journal.change(add).unwrap()
    };
    let first = add(1, 30);
    let (_behind_it, other) = (add(1, 0), add(2, 20));
    assert_eq!(journal.next("hook").unwrap(), Some((at(20), other)));
    journal.change(|book| book.take(other)).unwrap();
    assert_eq!(journal.next("hook").unwrap(), Some((at(30), first)));
}

#[test]
fn a_journal_which_is_held_or_of_another_organization_or_version_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal");
    let wrong = |organization: &str| Journal::open(&path, organization).err().unwrap().to_string();
    let journal = Journal::open(&path, "Example").unwrap();
    assert_eq!(wrong("Example"), format!("the journal {} is held by another process", path.display()));
    drop(journal);
    assert_eq!(wrong("Other"), format!("the journal {} is of `Example`, and not of `Other`", path.display()));
    let journal = Journal::open(&path, "Example").unwrap();
    journal.change(|book| book.set_about("version", "2")).unwrap();
    drop(journal);
    assert_eq!(wrong("Example"), format!("the journal {} has version 2 and not 1", path.display()));
    let nowhere = Journal::open(&home.path().join("no/such/folder"), "Example").err().unwrap();
    assert!(matches!(nowhere, JournalError::Unreadable { .. }), "{nowhere}");
}

// Why: a disk gives back what it likes; the program must say so, and neither stop without a word nor alert anew.
#[test]
fn a_damaged_journal_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal");
    let open = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Journal::open(&path, "Example").map(drop)
    };
    let error = open(b"This is a letter and no journal.").unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    std::fs::remove_file(&path).unwrap();
    let journal = Journal::open(&path, "Example").unwrap();
    journal.change(|book| book.put(&outgoing(book, "hook", 0))).unwrap();
    drop(journal);
    let good = std::fs::read(&path).unwrap();
    assert!(open(&good).is_ok());
    let place = good.windows(7).rposition(|bytes| bytes == b"Example").unwrap();
    let mut bad = good.clone();
    bad[place] ^= 0x55;
    let error = open(&bad).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. } | JournalError::OtherOrganization { .. }), "{error}");
    let mut bad = good.clone();
    bad[..512].fill(0x55);
    let error = open(&bad).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
}

#[test]
fn a_full_disk_takes_nothing_and_everything_once_there_is_room() {
    let disk = Disk::default();
    let journal = disk.journal();
    let add = || journal.change(|book| book.put(&outgoing(book, "hook", 0)));
    add().unwrap();
    disk.full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert!(matches!(add(), Err(JournalError::NotWritten(_))));
    }
    disk.full.store(false, Ordering::SeqCst);
    add().unwrap();
    assert_eq!(journal.read(|book| book.outbox()).unwrap().len(), 2);
}
