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
    v4: OfFamily<V4Prefix>,
    v6: OfFamily<V6Words>,
}

/// An IPv6 prefix in three words: the halves of its address, and its length.
type V6Words = (u64, u64, u8);

/// Numbers of one family.
#[derive(Debug)]
struct OfFamily<K> {
    /// Prefixes asked for lately, each where its hash says: a small table which stays in a processor's cache. They are asked for again and again.
    lately: Box<[Option<(K, u32)>; 1 << LATELY]>,
    all: HashMap<K, u32, foldhash::fast::FixedState>,
}

/// The small table has two to this power of places.
const LATELY: u32 = 11;

impl<K: Copy> Default for OfFamily<K> {
    fn default() -> Self {
        OfFamily { lately: Box::new([None; 1 << LATELY]), all: HashMap::default() }
    }
}

impl<K: Copy + Eq + Hash> OfFamily<K> {
    /// The number of a prefix; `mixed`: a word of it to find its place in the small table by.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "eleven bits are left")]
    fn number(&mut self, prefix: K, mixed: u64) -> u32 {
        // Multiplicative hashing (Knuth, TAOCP 6.4).
        let place = &mut self.lately[(mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - LATELY)) as usize];
        if let Some((known, number)) = place
            && *known == prefix
        {
            return *number;
        }
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let number = *self.all.entry(prefix).or_insert(next);
        *place = Some((prefix, number));
        number
    }
}

impl Numbers {
    /// The number of an IPv4 prefix.
    #[inline]
    pub fn v4(&mut self, prefix: V4Prefix) -> u32 {
        self.v4.number(prefix, prefix.word())
    }

    /// The number of an IPv6 prefix.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "an address is taken apart")]
    pub fn v6(&mut self, prefix: Ipv6Net) -> u32 {
        let address = u128::from(prefix.addr());
        let words = ((address >> 64) as u64, address as u64, prefix.prefix_len());
        self.v6.number(words, words.0 ^ words.1.rotate_left(32) ^ u64::from(words.2))
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
