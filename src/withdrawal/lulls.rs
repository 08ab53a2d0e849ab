//! Silences of whole collectors, remembered as evidence: rows of bits in place of a statement for every prefix and peer.

use super::Said;
use super::watch::Remembered;
use crate::rib::{Cohort, PrefixId, RouteState, Row, bits};
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Silences and their ends, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Lulls {
    list: VecDeque<Lull>,
    /// How many were forgotten.
    forgotten: u32,
}

/// A collector fell silent, or speaks again.
#[derive(Debug)]
struct Lull {
    at: Timestamp,
    /// It is believed from then on.
    believed: bool,
    first_word: usize,
    /// Words a row.
    width: usize,
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
        self.list.push_back(Lull { at, believed, first_word: cohort.first_word(), width: cohort.width(), rows: Vec::new() });
    }

    /// What was said of a prefix.
    pub fn put(&mut self, prefix: PrefixId, row: &Row) {
        let Some(lull) = self.list.back_mut() else { return };
        lull.rows.resize(prefix.index() * 2 * lull.width, 0);
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
            let row = prefix.index() * 2 * lull.width;
            let known = lull.rows.get(row..row + lull.width).unwrap_or(&[]);
            let places = known.iter().copied().enumerate().map(|(word, bits)| (word + lull.first_word, bits));
            let said = if lull.believed { Said::BelievedAgain } else { Said::BecameUnknown };
            bits(places).map(move |from| {
                let (word, bit) = (from.index() / 64 - lull.first_word, 1 << (from.index() % 64));
                let before = match lull.rows[row + lull.width + word] & bit {
                    _ if lull.believed => RouteState::Unknown,
                    0 => RouteState::Withdrawn,
                    _ => RouteState::Present,
                };
                (number, Remembered::of_silence(lull.at, from, said, before))
            })
        })
    }
}
