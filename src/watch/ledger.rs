//! A file in which stands what was told of outages: a line of JSON each, in order.
//!
//! Whoever begins anew finds the same again, as far back as archives and stream reach: what stands in the file already is not told again, and an outage keeps its number.

use crate::outage::OutageEvent;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What was told.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: File,
    /// What stands there and was not found again yet, without numbers, and the numbers with which it does.
    earlier: HashMap<String, Vec<usize>>,
    /// The numbers in the file of outages of this run.
    numbers: HashMap<usize, usize>,
    highest: usize,
}

/// Why it cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The system says no.
    #[error("{} cannot be kept: {source}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// Another program writes it.
    #[error("{} is written by another program which runs", .0.display())]
    Busy(PathBuf),
    /// It holds something else.
    #[error("line {line} of {} is none of an outage; name another file", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

impl Ledger {
    /// Goes on with a file, or begins it. A last line which has no end was not told.
    ///
    /// # Errors
    /// If it cannot be read and written, or is another file.
    pub fn open(path: &Path) -> Result<Ledger, LedgerError> {
        let wrong = |source| LedgerError::System { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LedgerError::Busy(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(wrong(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(wrong)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut earlier: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, line) in text[..whole].lines().enumerate() {
            let (key, number) = parted(line).ok_or_else(|| LedgerError::Line { path: path.to_owned(), line: place + 1 })?;
            earlier.entry(key).or_default().push(number);
        }
        // Only now, since it is one of ours.
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(wrong)?;
        let highest = earlier.values().flatten().copied().max().unwrap_or(0);
        Ok(Ledger { path: path.to_owned(), file, earlier, numbers: HashMap::new(), highest })
    }

    /// How many lines of an earlier run were not found again yet.
    pub fn earlier(&self) -> usize {
        self.earlier.values().map(Vec::len).sum()
    }

    /// Takes what happens, in order; gives what is new of it, with the numbers which outages have in the file, when it stands there for good. `line` writes one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn take(
        &mut self,
        events: Vec<OutageEvent>,
        line: impl Fn(&OutageEvent) -> String,
    ) -> Result<Vec<OutageEvent>, LedgerError> {
        let mut new = Vec::new();
        for mut event in events {
            if self.stands_there(&event, &line) {
                continue;
            }
            let highest = &mut self.highest;
            event.number = *self.numbers.entry(event.number).or_insert_with(|| {
                *highest += 1;
                *highest
            });
            event.absorbed = event.absorbed.iter().filter_map(|number| self.numbers.get(number).copied()).collect();
            new.push(event);
        }
        if !new.is_empty() {
            let text: String = new.iter().map(|event| format!("{}\n", line(event).trim_end())).collect();
            let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
            written.map_err(|source| LedgerError::System { path: self.path.clone(), source })?;
        }
        Ok(new)
    }

    /// Whether an earlier run told it.
    fn stands_there(&mut self, event: &OutageEvent, line: impl Fn(&OutageEvent) -> String) -> bool {
        let Some((key, _)) = parted(&line(event)) else { return false };
        let Some(told) = self.earlier.get_mut(&key) else { return false };
        let known = self.numbers.get(&event.number).and_then(|number| told.iter().position(|told| told == number));
        let number = told.remove(known.unwrap_or(0));
        if told.is_empty() {
            self.earlier.remove(&key);
        }
        self.numbers.entry(event.number).or_insert(number);
        true
    }
}

/// What a line says without the numbers of outages, which each run counts for itself; and the number of its own.
fn parted(line: &str) -> Option<(String, usize)> {
    let mut line: Value = serde_json::from_str(line).ok()?;
    let number = usize::try_from(line.get("outage")?.as_u64()?).ok()?;
    *line.get_mut("outage")? = json!(0);
    *line.get_mut("absorbed")? = json!([]);
    Some((line.to_string(), number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outage::OutageChange;
    use crate::time::Timestamp;
    use crate::vantage::Asn;
    use crate::withdrawal::Level;

    fn event(number: usize, origin: u32, change: OutageChange, seconds: i64) -> OutageEvent {
        OutageEvent {
            at: Timestamp::from_parts(seconds, 0),
            change,
            number,
            origin: Some(Asn(origin)),
            level: Level::Full,
            began: Timestamp::from_parts(100, 0),
            ended: None,
            prefix_count: 1,
            withdrawn: 1,
            prefixes: Vec::new(),
            absorbed: Vec::new(),
        }
    }

    fn line(event: &OutageEvent) -> String {
        let OutageEvent { number, absorbed, .. } = event;
        json!({"outage": number, "absorbed": absorbed, "what": format!("{:?} {:?} {}", event.origin, event.change, event.at)})
            .to_string()
    }

    fn numbers(events: &[OutageEvent]) -> Vec<usize> {
        events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn what_was_told_is_not_told_again_and_nothing_is_missing() {
        use OutageChange::{Changed, Ended, Opened};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outages.jsonl");
        let all =
            [event(1, 64_500, Opened, 1), event(2, 64_501, Opened, 2), event(1, 64_500, Changed, 3), event(2, 64_501, Ended, 4)];
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(numbers(&ledger.take(all[..2].to_vec(), line).unwrap()), [1, 2]);
        assert!(matches!(Ledger::open(&path), Err(LedgerError::Busy(_))));
        drop(ledger);
        // It was killed within a line.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"outa").unwrap();
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.earlier(), 2);
        assert_eq!(numbers(&ledger.take(all[..1].to_vec(), line).unwrap()), Vec::<usize>::new());
        assert_eq!(ledger.take(all[1..].to_vec(), line).unwrap(), all[2..]);
        let whole: String = all.iter().map(|event| line(event) + "\n").collect();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    }

    // Why: newer archives do not tell what was before them, so a later run counts otherwise.
    #[test]
    fn an_outage_keeps_its_number_and_new_ones_follow() {
        use OutageChange::{Changed, Opened};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outages.jsonl");
        let first = vec![event(1, 64_500, Opened, 1), event(2, 64_501, Opened, 2)];
        Ledger::open(&path).unwrap().take(first, line).unwrap();
        let mut ledger = Ledger::open(&path).unwrap();
        let mut joins = event(1, 64_501, Changed, 9);
        joins.absorbed = vec![2, 7];
        let again = vec![event(1, 64_501, Opened, 2), event(2, 64_502, Opened, 8), joins];
        let new = ledger.take(again, line).unwrap();
        assert_eq!((numbers(&new), new[1].absorbed.clone()), (vec![3, 2], vec![3]));
    }

    #[test]
    fn a_file_which_is_another_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "mine\nand mine").unwrap();
        let wrong = Ledger::open(&path).unwrap_err().to_string();
        assert!(wrong.starts_with("line 1 of ") && wrong.ends_with("is none of an outage; name another file"), "{wrong}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine\nand mine");
    }
}
