//! Which files are unpacked before they are due.
//!
//! Takes the order in which files will be opened; gives each one's stream when it is due, and begins the streams of the next ones meanwhile. With one
//! thread nothing is begun in advance.

use super::ahead::Workers;
use super::discover::InputFile;
use super::merge::Resources;
use super::open::unpack;
use super::raw::Decompressed;
use crate::time::Timestamp;
use crate::timing::Timing;
use std::collections::HashMap;
use std::io;

/// The files which will be opened.
pub(super) struct Advance {
    workers: Option<Workers>,
    threads: usize,
    /// In the order in which they are due, and how many of them were begun.
    order: Vec<usize>,
    begun: usize,
    /// Those which were begun and are not due yet.
    streams: HashMap<usize, io::Result<Decompressed>>,
    timing: Timing,
}

impl Advance {
    /// Nothing is begun in advance.
    pub(super) fn none(timing: Timing) -> Self {
        Advance { workers: None, threads: 1, order: Vec::new(), begun: 0, streams: HashMap::new(), timing }
    }

    /// For files which are opened at these times.
    pub(super) fn new(mut opens: Vec<(Timestamp, usize)>, resources: &Resources) -> Self {
        let threads = resources.threads;
        if threads <= 1 {
            return Advance::none(resources.timing.clone());
        }
        opens.sort_unstable();
        let order = opens.into_iter().map(|(_, number)| number).collect();
        Advance { workers: Some(Workers::new(threads)), threads, order, ..Advance::none(resources.timing.clone()) }
    }

    /// The stream of a file which is due, while so many others are open.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn stream<'a>(
        &mut self,
        number: usize,
        open: usize,
        file: impl Fn(usize) -> &'a InputFile,
    ) -> io::Result<Decompressed> {
        if let Some(workers) = &self.workers {
            while self.streams.len() < self.threads
                && let Some(next) = self.order.get(self.begun)
            {
                self.begun += 1;
                let stream = unpack(file(*next), self.decoder_threads(), &self.timing);
                let ahead = |mut opened: Decompressed| {
                    opened.stream = workers.read_ahead(opened.stream, open + self.threads);
                    opened
                };
                self.streams.insert(*next, stream.map(ahead));
            }
        }
        let stream = self.streams.remove(&number).unwrap_or_else(|| unpack(file(number), self.decoder_threads(), &self.timing))?;
        Ok(stream.timed(&self.timing))
    }

    /// A file alone is unpacked by several threads, of many files each by its own.
    fn decoder_threads(&self) -> usize {
        if self.order.len() < self.threads { self.threads } else { 1 }
    }
}
