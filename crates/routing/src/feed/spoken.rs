//! Small numbers for the prefixes which anybody spoke of, and sets of them.
//!
//! Every prefix of every message passes here, watched or not: a number is one look into a hash table, a set is bits. Numbers are given in
//! order of first mention, so prefixes which are often spoken of lie together.

use crate::observation::{Spoken, V4Prefix};
use crate::vantage::Family;
use ipnet::{IpNet, Ipv6Net};
use std::collections::HashMap;

/// Numbers for prefixes, from 0 without gaps in each family.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    v4: HashMap<u64, u32, foldhash::fast::FixedState>,
    /// By the halves of the address, and the length.
    v6: HashMap<(u64, u64, u8), u32, foldhash::fast::FixedState>,
}

impl Numbers {
    /// The numbers of these prefixes, in their order, in place of what `numbered` held. Many are asked for at once, so that a processor waits
    /// for several places of a large table at a time.
    pub fn of_all(&mut self, prefixes: Spoken<'_>, numbered: &mut Numbered) {
        numbered.v4.clear();
        numbered.v4.extend(prefixes.v4.iter().map(|prefix| self.of_v4(*prefix)));
        numbered.v6.clear();
        numbered.v6.extend(prefixes.v6.iter().map(|prefix| self.of_v6(*prefix)));
    }

    /// The number of one prefix.
    pub fn of(&mut self, prefix: &IpNet) -> u32 {
        match prefix {
            IpNet::V4(net) => self.of_v4(V4Prefix::from(*net)),
            IpNet::V6(net) => self.of_v6(net.trunc()),
        }
    }

    #[inline]
    fn of_v4(&mut self, prefix: V4Prefix) -> u32 {
        // Nearly every prefix is known.
        if let Some(number) = self.v4.get(&prefix.word()) {
            return *number;
        }
        let next = u32::try_from(self.v4.len()).unwrap_or(u32::MAX);
        *self.v4.entry(prefix.word()).or_insert(next)
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "an address is taken apart")]
    fn of_v6(&mut self, prefix: Ipv6Net) -> u32 {
        let address = u128::from(prefix.addr());
        let key = ((address >> 64) as u64, address as u64, prefix.prefix_len());
        if let Some(number) = self.v6.get(&key) {
            return *number;
        }
        let next = u32::try_from(self.v6.len()).unwrap_or(u32::MAX);
        *self.v6.entry(key).or_insert(next)
    }
}

/// Numbers of prefixes of both families.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbered {
    v4: Vec<u32>,
    v6: Vec<u32>,
}

impl Numbered {
    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.v4.clear();
        self.v6.clear();
    }

    /// Appends the number of a prefix of this family.
    pub fn push(&mut self, family: Family, number: u32) {
        match family {
            Family::Ipv4 => self.v4.push(number),
            Family::Ipv6 => self.v6.push(number),
        }
    }

    /// All of them.
    pub fn all(&self) -> Spoken<'_, u32, u32> {
        Spoken { v4: &self.v4, v6: &self.v6 }
    }
}

/// A set of numbers: bits in pieces of 512 bytes, made where they are needed.
#[derive(Debug, Clone, Default)]
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

    /// Makes a processor fetch the place of a number.
    #[inline]
    pub fn fetch(&self, number: u32) {
        let number = number as usize;
        if let Some(Some(piece)) = self.pieces.get(number / PIECE) {
            std::hint::black_box(piece[number % PIECE / 64]);
        }
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
        let mut of = |length| numbers.of_v4(V4Prefix::new(0x0a00_0000, length).unwrap());
        assert_eq!([of(8), of(9), of(8)], [0, 1, 0]);
        assert_eq!(numbers.of_v6("::/0".parse().unwrap()), 0);
    }

    #[test]
    fn a_set_counts_each_number_once() {
        let mut set = NumberSet::default();
        let inserted: Vec<bool> = [0, 4095, 4096, 1_000_000, 4096, 0].map(|number| set.insert(number)).into();
        assert_eq!((inserted, set.len()), (vec![true, true, true, true, false, false], 4));
    }
}
