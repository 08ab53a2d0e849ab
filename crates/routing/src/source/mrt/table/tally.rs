//! How many distinct prefixes each peer of a dump holds, counted for many peers at a time.
//!
//! Who holds the prefix being told is a bit each. The bits of a whole word are added to 64 counts at once: the lowest digits of these counts
//! stand in one word, the next ones in another, and a carry goes from each to the next ("vertical counters"). So a prefix costs a few steps a
//! word, however many hold it.

use crate::vantage::Family;
use ipnet::IpNet;

/// Binary digits of a count before it is written out.
const DIGITS: usize = 8;
/// Prefixes after which no count can have more.
const MOST: u32 = (1 << DIGITS) - 1;

/// Distinct prefixes of each family, by the place of a peer.
#[derive(Default)]
pub(super) struct Tally {
    /// The prefix being told. A prefix is counted once a peer, however many paths it has, which stand together.
    prefix: Option<IpNet>,
    /// Who holds it: a bit for each place.
    holders: Vec<u64>,
    /// The digits of counts which are not written out yet, the lowest first, for each word of `holders`.
    digits: Vec<[u64; DIGITS]>,
    /// The family which these are of, by [`Family::index`], and prefixes in them.
    family: usize,
    added: u32,
    counts: Vec<[u32; 2]>,
}

impl Tally {
    /// What is told next is of this prefix.
    #[inline]
    pub(super) fn meet(&mut self, prefix: IpNet) {
        if self.prefix != Some(prefix) {
            self.add();
            self.prefix = Some(prefix);
        }
    }

    /// The peer at this place holds the prefix met last.
    pub(super) fn hold(&mut self, place: usize) {
        if self.holders.len() <= place / 64 {
            self.make_room(place / 64 + 1);
        }
        self.holders[place / 64] |= 1 << (place % 64);
    }

    /// The peers at the places of these bits do.
    #[inline]
    pub(super) fn hold_all(&mut self, places: &[u64]) {
        if self.holders.len() < places.len() {
            self.make_room(places.len());
        }
        for (holders, more) in self.holders.iter_mut().zip(places) {
            *holders |= more;
        }
    }

    /// Each place's counts, by [`Family::index`].
    pub(super) fn counts(mut self, places: usize) -> Vec<[u32; 2]> {
        self.add();
        self.write_out();
        self.counts.resize(places, [0; 2]);
        self.counts
    }

    #[cold]
    fn make_room(&mut self, words: usize) {
        self.holders.resize(words, 0);
        self.digits.resize(words, [0; DIGITS]);
        self.counts.resize(64 * words, [0; 2]);
    }

    /// Counts who holds the prefix met last.
    fn add(&mut self) {
        let Some(prefix) = self.prefix else { return };
        let family = Family::of(&prefix).index();
        if self.added == MOST || self.family != family {
            self.write_out();
            self.family = family;
        }
        for (holders, digits) in self.holders.iter_mut().zip(&mut self.digits) {
            let mut carry = std::mem::take(holders);
            for digit in digits {
                if carry == 0 {
                    break;
                }
                (*digit, carry) = (*digit ^ carry, *digit & carry);
            }
        }
        self.added += 1;
    }

    fn write_out(&mut self) {
        for (digits, counts) in self.digits.iter_mut().zip(self.counts.chunks_mut(64)) {
            for (place, count) in counts.iter_mut().enumerate() {
                let digit = |value: u32, digits: &u64| value << 1 | u32::from(digits >> place & 1 != 0);
                count[self.family] += digits.iter().rev().fold(0, digit);
            }
            *digits = [0; DIGITS];
        }
        self.added = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_a_list_of_holders_would() {
        let (mut tally, mut list) = (Tally::default(), vec![[0u32; 2]; 130]);
        let mut number = 1u64;
        let mut next = || {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            number
        };
        for step in 0..3_000u32 {
            let v6 = step % 700 > 400;
            let prefix: IpNet =
                if v6 { format!("2001:db8:{step:x}::/48") } else { format!("10.{}.{}.0/24", step >> 8, step & 255) }
                    .parse()
                    .unwrap();
            let words = [next(), next() & next(), next() & 3];
            tally.meet(prefix);
            tally.hold_all(&words);
            // A second path of it, of some of them and one more.
            tally.meet(prefix);
            tally.hold_all(&words[..2]);
            tally.hold(129);
            for (place, counts) in list.iter_mut().enumerate() {
                counts[usize::from(v6)] += u32::from(words[place / 64] >> (place % 64) & 1 != 0 || place == 129);
            }
        }
        assert_eq!(tally.counts(130), list);
        assert_eq!(Tally::default().counts(2), [[0; 2]; 2]);
    }
}
