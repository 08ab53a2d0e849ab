//! Columns of time: where a moment stands, the clock under it, and the numbers of the chain above it.

use super::super::screen::{Look, columns};
use crate::report::chart::axis::Axis;
use crate::report::chart::marks::Mark;
use crate::report::words;
use std::collections::BTreeMap;

/// An axis laid along so many columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub axis: Axis,
    /// At least one.
    pub columns: usize,
}

/// A text at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    /// The column which is meant.
    pub column: usize,
    /// The column in which the text begins.
    pub start: usize,
    pub text: String,
    pub look: Look,
}

impl Scale {
    /// The column in which a moment lies; what lies outside lies in the first or the last.
    pub fn column(self, at: crate::time::Timestamp) -> usize {
        self.of(self.axis.x(at))
    }

    fn of(self, x: u32) -> usize {
        let x = usize::try_from(x).unwrap_or(usize::MAX);
        (x.saturating_mul(self.columns) / 100_000).min(self.columns - 1)
    }

    /// As many whole moments as there is room for; where there are none, both ends.
    pub fn ticks(self) -> Vec<Placed> {
        let tried = (2..=self.columns / 6).rev().map(|most| self.clocks(most));
        let fitting = tried.into_iter().find(|clocks| apart(clocks, 2));
        fitting.filter(|clocks| clocks.len() > 1).unwrap_or_else(|| self.ends())
    }

    fn clocks(self, most: usize) -> Vec<Placed> {
        let today = words::moment(self.axis.window().0);
        let clock = |words: &str| match words.split_once(' ') {
            Some((date, clock)) if today.starts_with(date) => clock.to_owned(),
            // Midnight is the date itself.
            Some((date, "00:00" | "00:00:00")) => date.to_owned(),
            Some(_) | None => words.to_owned(),
        };
        let ticks = self.axis.ticks(most).into_iter();
        ticks.map(|tick| self.centred(self.of(tick.x), clock(&tick.words))).collect()
    }

    fn ends(self) -> Vec<Placed> {
        let (from, until) = self.axis.window();
        let mut ends = vec![self.centred(0, words::clock(from, from)), self.centred(self.columns - 1, words::clock(until, from))];
        if !apart(&ends, 1) {
            ends.truncate(1);
        }
        ends
    }

    fn centred(self, column: usize, text: String) -> Placed {
        let wide = columns(&text);
        let start = column.saturating_sub(wide / 2).min(self.columns.saturating_sub(wide));
        Placed { column, start, text, look: Look::Faint }
    }

    /// The numbers of the chain, each where its step was over with; those in one column together, and those which would overlap.
    pub fn numbers(self, marks: &[Mark]) -> Vec<Placed> {
        let mut columns: BTreeMap<usize, Vec<&Mark>> = BTreeMap::new();
        for mark in marks {
            columns.entry(self.column(mark.latest)).or_default().push(mark);
        }
        let mut groups: Vec<(usize, Vec<&Mark>)> = columns.into_iter().collect();
        loop {
            let placed: Vec<Placed> = groups.iter().map(|(column, marks)| self.group(*column, marks)).collect();
            let Some(clash) = placed.windows(2).position(|pair| !apart(pair, 1)) else { return placed };
            let (_, joined) = groups.remove(clash + 1);
            groups[clash].1.extend(joined);
        }
    }

    fn group(self, column: usize, marks: &[&Mark]) -> Placed {
        let text = runs(marks.iter().map(|mark| mark.number));
        let start = column.min(self.columns.saturating_sub(columns(&text)));
        let look = match (marks.iter().all(|mark| mark.class == "breaks"), marks.iter().all(|mark| mark.class == "back")) {
            (true, _) => Look::Bad,
            (false, true) => Look::Good,
            (false, false) => Look::Plain,
        };
        Placed { column, start, text, look }
    }
}

fn apart(placed: &[Placed], gap: usize) -> bool {
    placed.windows(2).all(|pair| pair[0].start + columns(&pair[0].text) + gap <= pair[1].start)
}

/// Numbers as one word, so that they are neither broken nor taken for two marks: `1-3,5`.
pub(super) fn runs(numbers: impl IntoIterator<Item = usize>) -> String {
    words::runs(numbers.into_iter().map(words::size)).replace(", ", ",")
}
