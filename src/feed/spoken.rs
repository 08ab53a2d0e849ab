//! Small numbers for the prefixes which anybody spoke of, and sets of them.
//!
//! Every prefix of every message passes here, watched or not: a number is one look into a hash table, a set is bits. Numbers are given in
//! order of first mention, so prefixes which are often spoken of lie together.

use crate::vantage::Family;
use ipnet::{IpNet, Ipv6Net};
use std::collections::HashMap;

/// Numbers for prefixes, from 0 without gaps in each family.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// By address and length in one word.
    v4: HashMap<u64, u32, foldhash::fast::FixedState>,
    v6: HashMap<Ipv6Net, u32, foldhash::fast::FixedState>,
}

impl Numbers {
    /// The number of a prefix, and its family.
    #[inline]
    pub fn of(&mut self, prefix: &IpNet) -> (Family, u32) {
        let next = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        match prefix {
            IpNet::V4(net) => {
                let count = self.v4.len();
                let key = u64::from(u32::from(net.addr())) << 8 | u64::from(net.prefix_len());
                (Family::Ipv4, *self.v4.entry(key).or_insert_with(|| next(count)))
            }
            IpNet::V6(net) => {
                let count = self.v6.len();
                (Family::Ipv6, *self.v6.entry(*net).or_insert_with(|| next(count)))
            }
        }
    }
}

/// A set of numbers: bits in pieces of 512 bytes, made where they are needed.
#[derive(Debug, Default)]
pub(super) struct NumberSet {
    pieces: Vec<Option<Box<[u64; PIECE / 64]>>>,
    len: u64,
}

/// Numbers in one piece.
const PIECE: usize = 4096;

impl NumberSet {
    /// Puts a number in; true if it was not in there.
    #[inline]
    pub fn insert(&mut self, number: u32) -> bool {
        let number = number as usize;
        if self.pieces.len() <= number / PIECE {
            self.pieces.resize_with(number / PIECE + 1, || None);
        }
        let piece = self.pieces[number / PIECE].get_or_insert_with(|| Box::new([0; PIECE / 64]));
        let (word, bit) = (&mut piece[number % PIECE / 64], 1 << (number % 64));
        let new = *word & bit == 0;
        *word |= bit;
        self.len += u64::from(new);
        new
    }

    /// How many are in there.
    pub fn len(&self) -> u64 {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_keeps_its_number_and_lengths_differ() {
        let mut numbers = Numbers::default();
        let mut of = |text: &str| numbers.of(&text.parse().unwrap());
        assert_eq!(of("10.0.0.0/8"), (Family::Ipv4, 0));
        assert_eq!(of("10.0.0.0/9"), (Family::Ipv4, 1));
        assert_eq!(of("::/0"), (Family::Ipv6, 0));
        assert_eq!(of("10.0.0.0/8"), (Family::Ipv4, 0));
    }

    #[test]
    fn a_set_counts_each_number_once() {
        let mut set = NumberSet::default();
        let inserted: Vec<bool> = [0, 4095, 4096, 1_000_000, 4096, 0].map(|number| set.insert(number)).into();
        assert_eq!((inserted, set.len()), (vec![true, true, true, true, false, false], 4));
    }
}
