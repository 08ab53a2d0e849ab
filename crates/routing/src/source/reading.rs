//! How far the reading of files has come.
//!
//! Takes files as they are opened and closed; gives bytes and files read so far, to whoever asks, from any thread and at any time. Reading itself pays
//! nothing for it: the bytes of an open file are counted on its raw side anyway, and are asked for there.

use super::raw::RawSide;
use std::sync::{Arc, Mutex, PoisonError};

/// How far the reading has come, to be asked while it goes on. Clones tell of the same reading.
#[derive(Clone, Default, Debug)]
pub struct Reading(Arc<Mutex<State>>);

#[derive(Default, Debug)]
struct State {
    closed: ReadSoFar,
    /// Files under way: their place among the inputs, their length, and what counts their bytes.
    open: Vec<(usize, u64, RawSide)>,
}

/// What was read so far, of how much. Standard input counts as a file without bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReadSoFar {
    /// Bytes read, as they stand in the files: compressed.
    pub bytes: u64,
    /// Bytes to read in all.
    pub all_bytes: u64,
    /// Files read to their end.
    pub files: usize,
    /// Files to read in all.
    pub all_files: usize,
}

impl Reading {
    /// What was read so far.
    pub fn now(&self) -> ReadSoFar {
        self.with(|state| {
            let open: u64 = state.open.iter().map(|(_, bytes, raw)| raw.bytes().min(*bytes)).sum();
            ReadSoFar { bytes: state.closed.bytes + open, ..state.closed }
        })
    }

    /// One more file is to be read.
    pub(super) fn plan(&self, bytes: u64) {
        self.with(|state| {
            state.closed.all_bytes += bytes;
            state.closed.all_files += 1;
        });
    }

    /// A file which was planned holds nothing to read.
    pub(super) fn leave_out(&self, bytes: u64) {
        self.with(|state| {
            state.closed.all_bytes -= bytes;
            state.closed.all_files -= 1;
        });
    }

    /// A file is read from now on.
    pub(super) fn open(&self, number: usize, bytes: u64, raw: RawSide) {
        self.with(|state| state.open.push((number, bytes, raw)));
    }

    /// A file was read to its end, or as far as it could be.
    pub(super) fn close(&self, number: usize, bytes: u64) {
        self.with(|state| {
            state.open.retain(|(open, ..)| *open != number);
            state.closed.bytes += bytes;
            state.closed.files += 1;
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::super::raw::decompress;
    use super::*;
    use crate::timing::Timing;
    use std::io::{Cursor, Read};

    // Why: a table dump of nobody who is watched is read within one call; what is shown must move all the same.
    #[test]
    fn who_asks_sees_a_file_move_while_it_is_read() {
        let reading = Reading::default();
        [1_000_000, 500].into_iter().for_each(|bytes| reading.plan(bytes));
        let mut opened = decompress(Cursor::new(vec![7; 1_000_000]), 1, &Timing::default()).unwrap();
        reading.open(0, 1_000_000, opened.raw);
        let before = reading.now();
        let asked = reading.clone();
        opened.stream.read_exact(&mut vec![0; 600_000]).unwrap();
        let during = std::thread::spawn(move || asked.now()).join().unwrap();
        assert!(before.bytes < 600_000 && (600_000..=1_000_000).contains(&during.bytes), "{before:?}, {during:?}");
        assert_eq!((during.files, during.all_files, during.all_bytes), (0, 2, 1_000_500));
        reading.close(0, 1_000_000);
        reading.leave_out(500);
        assert_eq!(reading.now(), ReadSoFar { bytes: 1_000_000, all_bytes: 1_000_000, files: 1, all_files: 1 });
    }
}
