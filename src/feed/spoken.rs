//! Small numbers for the prefixes which anybody spoke of, and sets of them.
//!
//! Every prefix of every message passes here, watched or not: a number is one look into a hash table, a set is bits. Numbers are given in
//! order of first mention, so prefixes which are often spoken of lie together.

use crate::observation::V4Prefix;
use ipnet::Ipv6Net;
use std::collections::HashMap;
use std::hash::Hash;

/// Numbers for prefixes, from 0 without gaps in each family.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The prefixes asked for lately, which are asked for again and again: a small table which stays in a processor's cache.
    lately: Lately,
    v4: HashMap<V4Prefix, u32, foldhash::fast::FixedState>,
    v6: HashMap<Ipv6Net, u32, foldhash::fast::FixedState>,
}

impl Numbers {
    /// The number of an IPv4 prefix.
    #[inline]
    pub fn v4(&mut self, prefix: V4Prefix) -> u32 {
        let place = Lately::place(prefix);
        let known = self.lately.0[place];
        if known.0 == prefix.word() {
            return known.1;
        }
        let number = number(&mut self.v4, prefix);
        self.lately.0[place] = (prefix.word(), number);
        number
    }

    /// The number of an IPv6 prefix.
    #[inline]
    pub fn v6(&mut self, prefix: Ipv6Net) -> u32 {
        number(&mut self.v6, prefix)
    }
}

/// Words of prefixes and their numbers, each where its hash says.
#[derive(Debug)]
struct Lately(Box<[(u64, u32); 1 << Lately::BITS]>);

impl Lately {
    const BITS: u32 = 11;

    /// Multiplicative hashing (Knuth, TAOCP 6.4).
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "eleven bits are left")]
    const fn place(prefix: V4Prefix) -> usize {
        (prefix.word().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - Lately::BITS)) as usize
    }
}

impl Default for Lately {
    fn default() -> Self {
        // No prefix has this word.
        Lately(Box::new([(u64::MAX, 0); 1 << Lately::BITS]))
    }
}

#[inline]
fn number<K: Eq + Hash>(numbers: &mut HashMap<K, u32, foldhash::fast::FixedState>, prefix: K) -> u32 {
    if let Some(number) = numbers.get(&prefix) {
        return *number;
    }
    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    numbers.insert(prefix, next);
    next
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
        let mut of = |length| numbers.v4(V4Prefix::new(0x0a00_0000, length).unwrap());
        assert_eq!([of(8), of(9), of(8)], [0, 1, 0]);
        assert_eq!(numbers.v6("::/0".parse().unwrap()), 0);
    }

    #[test]
    fn a_set_counts_each_number_once() {
        let mut set = NumberSet::default();
        let inserted: Vec<bool> = [0, 4095, 4096, 1_000_000, 4096, 0].map(|number| set.insert(number)).into();
        assert_eq!((inserted, set.len()), (vec![true, true, true, true, false, false], 4));
    }
}
