//! The merge in a thread of its own, so that the next statements are read while state takes those before.
//!
//! Takes a merge; gives what it gives, in the same order, with the vantage points met by then. With one thread nothing is begun in advance.

use super::account::FileAccount;
use super::merge::Merge;
use crate::observation::Observation;
use crate::timing::{Stage, Timing};
use crate::vantage::Vantages;
use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::thread;

/// How many times statements are read in advance.
const AHEAD: usize = 8;

/// Statements read at once.
struct Batch {
    observations: VecDeque<Observation>,
    /// All vantage points, if new ones were met.
    met: Option<Vantages>,
}

impl Merge {
    /// Hands everything to `take`, in order; gives the vantage points met and what was in each file. No result depends on the number of threads.
    ///
    /// # Errors
    /// What `take` says; it is not called again after that.
    pub fn for_each<E>(
        self,
        threads: usize,
        timing: &Timing,
        take: impl FnMut(&[Observation], &Vantages) -> Result<(), E>,
    ) -> Result<(Vantages, Vec<FileAccount>), E> {
        if threads <= 1 { self.in_turn(timing, take) } else { self.relayed(timing, take) }
    }

    fn in_turn<E>(
        mut self,
        timing: &Timing,
        mut take: impl FnMut(&[Observation], &Vantages) -> Result<(), E>,
    ) -> Result<(Vantages, Vec<FileAccount>), E> {
        let (mut vantages, mut observations) = (Vantages::default(), VecDeque::new());
        loop {
            timing.of(Stage::Merge, || self.next_some(&mut vantages, &mut observations));
            if observations.is_empty() {
                return Ok((vantages, self.into_accounts()));
            }
            take(observations.make_contiguous(), &vantages)?;
        }
    }

    fn relayed<E>(
        self,
        timing: &Timing,
        mut take: impl FnMut(&[Observation], &Vantages) -> Result<(), E>,
    ) -> Result<(Vantages, Vec<FileAccount>), E> {
        let (full, batches) = sync_channel(AHEAD);
        let (taken, rooms) = channel();
        thread::scope(|scope| {
            let room = move || rooms.try_recv().unwrap_or_default();
            let reader = scope.spawn(move || self.relay(timing, &full, room));
            let mut vantages = Vantages::default();
            for Batch { mut observations, met } in batches {
                vantages = met.unwrap_or(vantages);
                take(observations.make_contiguous(), &vantages)?;
                // Who is told of it may have ended.
                drop(taken.send(observations));
            }
            let accounts = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok((vantages, accounts))
        })
    }

    /// Reads until the end, or until nobody takes it any more; `room` gives the room of what was taken.
    fn relay(mut self, timing: &Timing, full: &SyncSender<Batch>, room: impl Fn() -> VecDeque<Observation>) -> Vec<FileAccount> {
        let (mut vantages, mut known) = (Vantages::default(), (0, 0));
        loop {
            let mut observations = room();
            timing.of(Stage::Merge, || self.next_some(&mut vantages, &mut observations));
            let now = (vantages.collectors().count(), vantages.len());
            let met = (std::mem::replace(&mut known, now) != now).then(|| vantages.clone());
            if observations.is_empty() || full.send(Batch { observations, met }).is_err() {
                return self.into_accounts();
            }
        }
    }
}
