//! Small numbers for the prefixes which anybody spoke of, and who spoke of which.
//!
//! Every prefix of every message passes here, watched or not: a number is one look into a hash table, who spoke of it is bits. Numbers are given
//! in order of first mention, so prefixes which are often spoken of lie together.

use crate::observation::{Message, Others, RecordRef, Spoken, V4Prefix};
use crate::time::Timestamp;
use crate::vantage::{Family, VantageId};
use ipnet::{IpNet, Ipv6Net};
use std::collections::HashMap;
use std::hash::Hash;

/// Numbers for prefixes, from 0 without gaps in each family.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    /// By the word of a prefix.
    v4: OfFamily<u64>,
    /// By the halves of the address, and the length.
    v6: OfFamily<(u64, u64, u8)>,
}

/// Numbers for the prefixes of one family.
#[derive(Debug, Clone, Default)]
struct OfFamily<Key> {
    all: HashMap<Key, u32, foldhash::fast::FixedState>,
    /// Those asked for lately, each where its hash says: of a million prefixes a few hundred are spoken of again and again.
    lately: Vec<Option<(Key, u32)>>,
}

/// [`OfFamily::lately`] has two to this power of places.
const LATELY: u32 = 12;

impl<Key: Copy + Eq + Hash> OfFamily<Key> {
    /// The number of a prefix; `word`: of its bits, to find it by.
    #[inline]
    fn of(&mut self, key: Key, word: u64) -> u32 {
        // Multiplicative hashing (Knuth, TAOCP 6.4).
        let place = (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - LATELY)) as usize;
        match self.lately.get(place) {
            Some(Some((known, number))) if *known == key => *number,
            Some(_) | None => self.look_up(key, place),
        }
    }

    fn look_up(&mut self, key: Key, place: usize) -> u32 {
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let number = *self.all.entry(key).or_insert(next);
        self.lately.resize(1 << LATELY, None);
        self.lately[place] = Some((key, number));
        number
    }
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
        self.v4.of(prefix.word(), prefix.word())
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "an address is taken apart")]
    fn of_v6(&mut self, prefix: Ipv6Net) -> u32 {
        let address = u128::from(prefix.addr());
        let (high, low) = ((address >> 64) as u64, address as u64);
        self.v6.of((high, low, prefix.prefix_len()), high ^ low.rotate_left(8) ^ u64::from(prefix.prefix_len()))
    }
}

/// Numbers of prefixes of both families.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbered {
    v4: Vec<u32>,
    v6: Vec<u32>,
}

/// What a message says of prefixes, by their numbers. Both arrays are by [`Family::index`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    /// When.
    pub at: Timestamp,
    /// Where it was read.
    pub source: RecordRef,
    /// Whose.
    pub from: VantageId,
    /// The prefixes which it withdraws, then those which it announces.
    pub numbers: [&'a [u32]; 2],
    /// How many it withdraws.
    pub withdrawn: [usize; 2],
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

    /// All of them, as one message withdraws or announces them.
    pub fn said_at_once(&self, place: (Timestamp, RecordRef), from: VantageId, announced: bool) -> Said<'_> {
        Said::at_once(place, from, self.families(), announced)
    }

    /// Each of the messages of which these are the [numbers](Numbers::of_all).
    pub fn said<'a>(&'a self, others: &'a Others) -> impl Iterator<Item = Said<'a>> {
        let (families, mut next) = (self.families(), [0; 2]);
        others.messages().iter().map(move |message| {
            let Message { at, source, from, .. } = *message;
            let withdrawn = message.withdrawn.map(|count| count as usize);
            let numbers = [0, 1].map(|family| {
                let first = next[family];
                next[family] += withdrawn[family] + message.announced[family] as usize;
                families[family].get(first..next[family]).unwrap_or_default()
            });
            Said { at, source, from, numbers, withdrawn }
        })
    }

    fn families(&self) -> [&[u32]; 2] {
        [&self.v4, &self.v6]
    }
}

impl<'a> Said<'a> {
    /// All of these prefixes are announced, or withdrawn.
    pub fn at_once((at, source): (Timestamp, RecordRef), from: VantageId, numbers: [&'a [u32]; 2], announced: bool) -> Self {
        let withdrawn = numbers.map(|numbers| if announced { 0 } else { numbers.len() });
        Said { at, source, from, numbers, withdrawn }
    }

    /// Whether it is of no prefix.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.numbers[0].is_empty() && self.numbers[1].is_empty()
    }

    /// How many prefixes it announces.
    #[inline]
    pub fn announced(&self) -> usize {
        let [v4, v6] = self.numbers;
        v4.len() + v6.len() - self.withdrawn[0] - self.withdrawn[1]
    }
}

/// Who spoke of which prefixes: for each family, and each number in it, a bit for each vantage point. The bits of a prefix stand together, since
/// what is said of it comes in bursts.
#[derive(Debug, Clone, Default)]
pub(super) struct Speakers([Bits; 2]);

/// So many words of bits for each number.
#[derive(Debug, Clone, Default)]
pub(super) struct Bits {
    words: usize,
    bits: Vec<u64>,
}

/// Numbers for which room is made at a time.
const ROOM: usize = 1024;

impl Speakers {
    /// Those of a family, by [`Family::index`].
    #[inline]
    pub fn family(&mut self, family: usize) -> &mut Bits {
        &mut self.0[family]
    }

    /// Makes a processor fetch the place of a number.
    pub fn fetch(&self, family: Family, number: u32) {
        let Bits { words, bits } = &self.0[family.index()];
        std::hint::black_box(bits.get(number as usize * words));
    }
}

impl Bits {
    /// Notes that somebody speaks of the prefix of this number; true if it is the first time.
    #[inline]
    pub fn insert(&mut self, number: u32, from: VantageId) -> bool {
        let (number, word, bit) = (number as usize, from.index() / 64, 1 << (from.index() % 64));
        if word >= self.words || number * self.words >= self.bits.len() {
            self.make_room(number, word);
        }
        let word = &mut self.bits[number * self.words + word];
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    #[cold]
    fn make_room(&mut self, number: usize, word: usize) {
        if word >= self.words {
            let words = (word + 1).next_power_of_two();
            let mut bits = vec![0; self.bits.len() / self.words.max(1) * words];
            for (old, new) in self.bits.chunks(self.words.max(1)).zip(bits.chunks_mut(words)) {
                new[..old.len()].copy_from_slice(old);
            }
            *self = Bits { words, bits };
        }
        let numbers = (number / ROOM + 1) * ROOM;
        self.bits.resize(self.bits.len().max(numbers * self.words), 0);
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
    fn each_speaker_speaks_of_a_prefix_for_the_first_time_once() {
        let mut speakers = Speakers::default();
        let mut insert = |from, number| speakers.family(0).insert(number, VantageId::at(from));
        let numbers = [0, 1023, 1024, 1_000_000, 1024, 0];
        for from in [3, 63, 64, 900, 0] {
            assert_eq!(numbers.map(|number| insert(from, number)), [true, true, true, true, false, false], "{from}");
        }
        assert_eq!([3, 64, 900].map(|from| insert(from, 1_000_000)), [false; 3], "room was made for more in between");
        assert!(speakers.family(1).insert(0, VantageId::at(3)));
    }
}
