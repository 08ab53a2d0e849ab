//! Holes in what the stream told, as [`Backfill`] fills them.

use super::Live;
use crate::observation::{FileId, Observation};
use crate::source::{InputFile, SourceError};
use crate::time::Timestamp;
use crate::watch::backfill::{Backfill, Filled, Hole};

/// Files which fill holes are numbered from here: after all archives, routers and files of probes.
const FIRST_FILE: u32 = 1 << 24;

impl Live {
    /// The archives of these collectors can be had, to fill holes with.
    pub fn backfilled(self, collectors: Vec<String>) -> Self {
        Live { backfill: Backfill::new(collectors), ..self }
    }

    /// The hole which is to be filled next, and until when everything was heard before it: its files must begin by then.
    pub fn hole(&self) -> Option<(Hole, Timestamp)> {
        Some((self.backfill.hole()?, self.backfill.heard_until(self.stream.vantages())?))
    }

    /// So much was said that it is not kept until holes are filled; told once.
    pub fn keeps_no_more(&mut self) -> bool {
        std::mem::take(&mut self.too_much)
    }

    /// Begins to read the files of the next hole: of each of their collectors all.
    ///
    /// # Errors
    /// If not one of them can be read.
    pub fn read_hole(&mut self, files: Vec<InputFile>) -> Result<(), SourceError> {
        let read = u32::try_from(self.backfill.accounts().len()).unwrap_or(u32::MAX);
        let interest = self.stream.interest().clone();
        let (vantages, ..) = self.stream.beside();
        self.backfill.read((files, FileId(FIRST_FILE.saturating_add(read))), &interest, vantages)
    }

    /// Whether files of a hole are being read.
    pub fn is_reading(&self) -> bool {
        self.backfill.is_reading()
    }

    /// Reads some more of them; false when there is no more.
    pub fn read_on(&mut self) -> bool {
        let (vantages, ..) = self.stream.beside();
        self.backfill.read_on(vantages)
    }

    /// The next hole is done with, filled by what was read, if anything was.
    pub fn close_hole(&mut self) -> Option<Filled> {
        self.hear();
        let (before, said, filled) = self.backfill.close(self.stream.vantages())?;
        self.pipeline = *before;
        said.into_iter().for_each(|observation| self.take_in(observation));
        self.pipeline.advance(self.now, self.stream.vantages());
        // Everything may be another now.
        (self.moved, self.looked) = (true, (Timestamp::MIN, (usize::MAX, usize::MAX)));
        Some(filled)
    }

    /// The stages take what was said.
    pub(super) fn take_in(&mut self, observation: Observation) {
        self.backfill.notes(&observation, &self.pipeline);
        self.pipeline.observe(&observation, self.stream.vantages());
        self.too_much |= !self.backfill.keeps(observation);
    }
}
