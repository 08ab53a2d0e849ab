//! The prefixes a peer announced lately: does it send its whole table again?
//!
//! Counting distinct prefixes costs a hash table, and nearly always there are too few announcements to matter. So they are written down as
//! they come, and counted apart only from when somebody asks.

use crate::time::{Span, Timestamp};
use std::collections::{HashMap, VecDeque};

/// Announcements of the last while, by the numbers of their prefixes.
#[derive(Debug, Clone)]
pub(super) struct Recent {
    /// Numbers of prefixes, those which are not forgotten from `begin` to `end`; up to `stepped` there were at the last step.
    room: Vec<u32>,
    begin: usize,
    stepped: usize,
    end: usize,
    /// How long after the one before, in microseconds, and how many announcements there were.
    steps: VecDeque<(u32, u32)>,
    /// When the first step was, and the last one.
    first: Timestamp,
    last: Timestamp,
    /// How often each number occurs, once that was asked.
    counts: Option<HashMap<u32, u32, foldhash::fast::FixedState>>,
}

/// Less room than this is not worth giving back.
const LEAST: usize = 4_096;

impl Default for Recent {
    fn default() -> Self {
        let never = Timestamp::MIN;
        Recent { room: Vec::new(), begin: 0, stepped: 0, end: 0, steps: VecDeque::new(), first: never, last: never, counts: None }
    }
}

impl Recent {
    /// Forgets what was announced before a time.
    pub fn forget_before(&mut self, before: Timestamp) {
        while let Some((_, count)) = self.steps.front().copied().filter(|_| self.first < before) {
            self.steps.pop_front();
            let forgotten = self.begin..self.begin + count as usize;
            self.begin = forgotten.end;
            for number in &self.room[forgotten] {
                if let Some(counts) = &mut self.counts
                    && let Some(count) = counts.get_mut(number)
                {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(number);
                    }
                }
            }
            let gap = self.steps.front().map_or(0, |(gap, _)| i64::from(*gap));
            self.first = self.first + Span::from_micros(gap);
        }
        if self.begin > self.end / 2 {
            self.room.copy_within(self.begin..self.end, 0);
            (self.stepped, self.end) = (self.stepped - self.begin, self.end - self.begin);
            self.begin = 0;
            // Of much room little is kept.
            let most = (4 * self.end).max(LEAST);
            if self.room.len() > most {
                self.room.truncate(most);
                self.room.shrink_to_fit();
            }
        }
    }

    /// More announcements, of the [step](Recent::step) to come. `with`: from the place and the number of each, what is written down, and whether it
    /// is. Which of them are, no processor guesses, so that takes no branch.
    #[inline]
    pub fn extend(&mut self, numbers: &[u32], mut with: impl FnMut(usize, u32) -> (u32, bool)) {
        if self.room.len() - self.end < numbers.len() {
            self.make_room(numbers.len());
        }
        let (room, mut next) = (&mut self.room[self.end..][..numbers.len()], 0);
        for (place, number) in numbers.iter().enumerate() {
            let (number, counts) = with(place, *number);
            room[next] = number;
            next += usize::from(counts);
        }
        self.end += next;
    }

    #[cold]
    fn make_room(&mut self, more: usize) {
        let room = (self.end + more).next_power_of_two();
        self.room.resize(room, 0);
    }

    /// What was written down since the last step was announced at one time, not before that of the last step.
    #[inline]
    pub fn step(&mut self, at: Timestamp) {
        let before = self.stepped;
        // One message holds no 2^32 prefixes.
        let more = u32::try_from(self.end - before).unwrap_or(u32::MAX);
        if more == 0 {
            return;
        }
        self.stepped = self.end;
        if let Some(counts) = &mut self.counts {
            self.room[before..self.end].iter().for_each(|number| *counts.entry(*number).or_insert(0) += 1);
        }
        let gap = u32::try_from(at.since(self.last).micros().max(0));
        match (self.steps.back_mut(), gap) {
            (Some((_, count)), Ok(0)) => *count += more,
            (Some(_), Ok(gap)) => self.steps.push_back((gap, more)),
            (Some(_), Err(_)) => {
                // The others are longer ago than anybody asks.
                let latest = self.room[before..self.end].to_vec();
                *self = Recent { stepped: latest.len(), end: latest.len(), room: latest, ..Recent::default() };
                self.start(at, more);
            }
            (None, _) => self.start(at, more),
        }
        self.last = self.last.max(at);
    }

    fn start(&mut self, at: Timestamp, count: u32) {
        (self.first, self.last) = (at, at);
        self.steps.push_back((0, count));
    }

    /// How many announcements there are: no fewer than distinct prefixes.
    pub fn len(&self) -> u64 {
        (self.end - self.begin) as u64
    }

    /// How many distinct prefixes they are of.
    pub fn distinct(&mut self) -> u64 {
        let counts = self.counts.get_or_insert_with(|| {
            let mut counts = HashMap::default();
            self.room[self.begin..self.end].iter().for_each(|number| *counts.entry(*number).or_insert(0) += 1);
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
            // What is not counted leaves nothing.
            recent.extend(&[99, number], |_, number| (number, number != 99));
            recent.step(Timestamp::from_micros(at));
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
