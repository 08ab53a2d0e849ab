//! Outages: withdrawals which belong together, because one begins soon after the other.
//!
//! Takes onsets of withdrawals by what they are grouped by (an origin AS, an organization, a country), in any order; gives chains of them, each onset
//! within the setting `grouping` of another. This is the one place which says what belongs together: [`OutageStream`] uses it while
//! statements come in, [`Survey::outages`](crate::analysis::Survey::outages) and its roll-up at the end. What belongs to a chain is kept by who asks.

mod stream;

use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
pub use stream::{OutageChange, OutageEvent, OutageStream};

/// Chains of onsets, each with a number, by what they are grouped by.
#[derive(Debug)]
pub struct Chains<K> {
    grouping: Span,
    /// In order of time; neighbours are further apart than `grouping`.
    of: BTreeMap<K, Vec<Chain>>,
    count: usize,
}

#[derive(Debug, Clone, Copy)]
struct Chain {
    first: Timestamp,
    last: Timestamp,
    number: usize,
}

/// Where an onset belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// The number of its chain. Chains are numbered from 0 in the order in which they were met; a new one has the next number.
    pub number: usize,
    /// A chain which ceases to be, since this onset joins it to the other. If onsets come in order of time there is none.
    pub absorbed: Option<usize>,
}

impl<K: Ord> Chains<K> {
    /// None yet; onsets at most `grouping` apart belong together.
    pub fn new(grouping: Span) -> Self {
        Chains { grouping, of: BTreeMap::new(), count: 0 }
    }

    /// Says where an onset belongs. Of two chains which it joins the one met first stays.
    pub fn join(&mut self, key: K, onset: Timestamp) -> Joined {
        let grouping = self.grouping;
        let chains = self.of.entry(key).or_default();
        let place = chains.partition_point(|chain| onset.since(chain.last) > grouping);
        let Some(chain) = chains.get_mut(place).filter(|chain| chain.first.since(onset) <= grouping) else {
            let number = self.count;
            self.count += 1;
            chains.insert(place, Chain { first: onset, last: onset, number });
            return Joined { number, absorbed: None };
        };
        chain.first = chain.first.min(onset);
        chain.last = chain.last.max(onset);
        let (number, last) = (chain.number, chain.last);
        let Some(next) = chains.get(place + 1).copied().filter(|next| next.first.since(last) <= grouping) else {
            return Joined { number, absorbed: None };
        };
        chains.remove(place + 1);
        let chain = &mut chains[place];
        chain.last = next.last;
        chain.number = number.min(next.number);
        Joined { number: chain.number, absorbed: Some(number.max(next.number)) }
    }
}

/// When the last of several was back; `None` if one is not, or there is none.
pub fn ended(recoveries: impl IntoIterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    recoveries.into_iter().reduce(|one, other| Some(one?.max(other?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    fn joined(onsets: &[(char, i64)]) -> Vec<(usize, Option<usize>)> {
        let mut chains = Chains::new(Span::from_seconds(10));
        let joined = onsets.iter().map(|(key, onset)| chains.join(*key, at(*onset)));
        joined.map(|joined| (joined.number, joined.absorbed)).collect()
    }

    #[test]
    fn an_onset_joins_what_is_near_and_nothing_else() {
        let near = joined(&[('a', 0), ('a', 10), ('b', 10), ('a', 21), ('a', 20), ('b', 40)]);
        assert_eq!(near, [(0, None), (0, None), (1, None), (2, None), (0, Some(2)), (3, None)]);
    }

    // Why: an onset is known when a level has held, so a later one may be known sooner.
    #[test]
    fn the_order_in_which_onsets_are_known_does_not_matter() {
        let onsets = [0, 9, 18, 40, 45, 70, 80, 90, 101, 111, 122];
        let sets = |order: &mut dyn Iterator<Item = i64>| {
            let mut chains = Chains::new(Span::from_seconds(10));
            let mut of: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
            for onset in order {
                let joined = chains.join((), at(onset));
                let absorbed = joined.absorbed.and_then(|absorbed| of.remove(&absorbed)).unwrap_or_default();
                of.entry(joined.number).or_default().extend(absorbed.into_iter().chain([onset]));
            }
            let mut sets: Vec<Vec<i64>> = of.into_values().collect();
            sets.iter_mut().for_each(|set| set.sort_unstable());
            sets.sort_unstable();
            sets
        };
        let expected = [vec![0, 9, 18], vec![40, 45], vec![70, 80, 90], vec![101, 111], vec![122]];
        assert_eq!(sets(&mut onsets.into_iter()), expected);
        assert_eq!(sets(&mut onsets.into_iter().rev()), expected);
        for step in [2, 3, 4, 5, 7] {
            assert_eq!(sets(&mut (0..onsets.len()).map(|place| onsets[place * step % onsets.len()])), expected, "{step}");
        }
    }

    #[test]
    fn it_is_over_when_the_last_is_back() {
        assert_eq!(ended([Some(at(7)), Some(at(9)), Some(at(8))]), Some(at(9)));
        assert_eq!(ended([Some(at(7)), None]), None);
        assert_eq!(ended([]), None);
    }
}
