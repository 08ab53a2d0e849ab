//! Silences of whole collectors, remembered as evidence: rows of bits in place of a statement for every prefix and peer.

use super::Said;
use super::watch::Remembered;
use crate::rib::{Cohort, PrefixId, RouteState, Row};
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Silences and their ends, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Lulls {
    list: VecDeque<Lull>,
    /// How many were forgotten.
    forgotten: u32,
}

/// A collector fell silent, or speaks again.
#[derive(Debug, Clone)]
struct Lull {
    at: Timestamp,
    /// It is believed from then on.
    believed: bool,
    cohort: Cohort,
    /// By prefix, of whom it counts: who had said something, then who had a route.
    rows: Vec<u64>,
}

impl Lulls {
    /// How many there were.
    pub fn count(&self) -> u32 {
        u32::try_from(self.list.len()).map_or(u32::MAX, |count| self.forgotten + count)
    }

    /// Another one begins, of which [rows](Lulls::put) are told next, in the order of prefixes.
    pub fn begin(&mut self, at: Timestamp, believed: bool, cohort: &Cohort) {
        self.list.push_back(Lull { at, believed, cohort: cohort.clone(), rows: Vec::new() });
    }

    /// What was said of a prefix.
    pub fn put(&mut self, prefix: PrefixId, row: &Row) {
        let Some(lull) = self.list.back_mut() else { return };
        lull.rows.resize(prefix.index() * 2 * lull.cohort.width(), 0);
        lull.rows.extend_from_slice(&row.known);
        lull.rows.extend_from_slice(&row.present);
    }

    /// Forgets those before a time.
    pub fn forget_before(&mut self, time: Timestamp) {
        while self.list.pop_front_if(|lull| lull.at < time).is_some() {
            self.forgotten += 1;
        }
    }

    /// The same as statements on a prefix, each with its place among all; those from a place on.
    pub fn of(&self, prefix: PrefixId, from: u32) -> impl Iterator<Item = (u32, Remembered)> {
        let numbered = (self.forgotten..).zip(&self.list);
        numbered.filter(move |(number, _)| *number >= from).flat_map(move |(number, lull)| {
            let width = lull.cohort.width();
            let row = lull.rows.get(prefix.index() * 2 * width..).and_then(|rows| rows.get(..2 * width)).unwrap_or(&[]);
            let (known, present) = row.split_at(row.len() / 2);
            let said = if lull.believed { Said::BelievedAgain } else { Said::BecameUnknown };
            lull.cohort.of_row(known).map(move |(from, (word, bit))| {
                let before = match present[word] & bit {
                    _ if lull.believed => RouteState::Unknown,
                    0 => RouteState::Withdrawn,
                    _ => RouteState::Present,
                };
                (number, Remembered::of_silence(lull.at, from, said, before))
            })
        })
    }
}
