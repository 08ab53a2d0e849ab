//! The prefixes a peer announced lately: does it send its whole table again?
//!
//! Counting distinct prefixes costs a hash table, and nearly always there are too few announcements to matter. So they are written down as
//! they come, and counted apart only from when somebody asks.

use crate::time::{Span, Timestamp};
use std::collections::{HashMap, VecDeque};

/// Announcements of the last while, by the numbers of their prefixes.
#[derive(Debug, Clone)]
pub(super) struct Recent {
    numbers: VecDeque<u32>,
    /// How long after the one before, in microseconds, and how many announcements there were.
    steps: VecDeque<(u32, u32)>,
    /// When the first step was, and the last one.
    first: Timestamp,
    last: Timestamp,
    /// How often each number occurs, once that was asked.
    counts: Option<HashMap<u32, u32, foldhash::fast::FixedState>>,
}

impl Default for Recent {
    fn default() -> Self {
        let never = Timestamp::MIN;
        Recent { numbers: VecDeque::new(), steps: VecDeque::new(), first: never, last: never, counts: None }
    }
}

impl Recent {
    /// Forgets what was announced before a time.
    pub fn forget_before(&mut self, before: Timestamp) {
        while let Some((_, count)) = self.steps.front().copied().filter(|_| self.first < before) {
            self.steps.pop_front();
            for number in self.numbers.drain(..count as usize) {
                if let Some(counts) = &mut self.counts
                    && let Some(count) = counts.get_mut(&number)
                {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(&number);
                    }
                }
            }
            let gap = self.steps.front().map_or(0, |(gap, _)| i64::from(*gap));
            self.first = self.first + Span::from_micros(gap);
        }
    }

    /// Announcements of one time, not before the last ones.
    #[inline]
    pub fn announced(&mut self, at: Timestamp, numbers: impl Iterator<Item = u32>) {
        let before = self.numbers.len();
        match &mut self.counts {
            None => numbers.for_each(|number| self.numbers.push_back(number)),
            Some(counts) => numbers.for_each(|number| {
                self.numbers.push_back(number);
                *counts.entry(number).or_insert(0) += 1;
            }),
        }
        // One message holds no 2^32 prefixes.
        let more = u32::try_from(self.numbers.len() - before).unwrap_or(u32::MAX);
        let gap = u32::try_from(at.since(self.last).micros().max(0));
        match (self.steps.back_mut(), gap) {
            _ if more == 0 => return,
            (Some((_, count)), Ok(0)) => *count += more,
            (Some(_), Ok(gap)) => self.steps.push_back((gap, more)),
            (Some(_), Err(_)) => {
                // The others are longer ago than anybody asks.
                let latest = self.numbers.split_off(before);
                *self = Recent { numbers: latest, ..Recent::default() };
                self.begin(at, more);
            }
            (None, _) => self.begin(at, more),
        }
        self.last = self.last.max(at);
    }

    fn begin(&mut self, at: Timestamp, count: u32) {
        (self.first, self.last) = (at, at);
        self.steps.push_back((0, count));
    }

    /// How many announcements there are: no fewer than distinct prefixes.
    pub fn len(&self) -> u64 {
        self.numbers.len() as u64
    }

    /// How many distinct prefixes they are of.
    pub fn distinct(&mut self) -> u64 {
        let counts = self.counts.get_or_insert_with(|| {
            let mut counts = HashMap::default();
            self.numbers.iter().for_each(|number| *counts.entry(*number).or_insert(0) += 1);
            counts
        });
        counts.len() as u64
    }

    /// Nobody will ask for distinct prefixes soon.
    pub fn rest(&mut self) {
        self.counts = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_a_list_of_times_would() {
        let mut recent = Recent::default();
        let mut list: Vec<(i64, u32)> = Vec::new();
        let mut at = 0;
        for step in 0..4_000i64 {
            at += match step % 97 {
                0 => 5_000_000_000,
                1..30 => 0,
                more => more * 1_000,
            };
            let number = u32::try_from(step * step % 61).unwrap();
            let before = at - 300_000;
            recent.forget_before(Timestamp::from_micros(before));
            list.retain(|(then, _)| *then >= before);
            recent.announced(Timestamp::from_micros(at), std::iter::once(number));
            list.push((at, number));
            assert_eq!(recent.len(), list.len() as u64, "at step {step}");
            if step % 500 > 250 {
                let distinct: std::collections::BTreeSet<u32> = list.iter().map(|(_, number)| *number).collect();
                assert_eq!(recent.distinct(), distinct.len() as u64, "at step {step}");
            } else if step % 500 == 0 {
                recent.rest();
            }
        }
    }
}
