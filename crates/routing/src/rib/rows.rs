//! Bits by prefix and vantage point: a row a prefix, laid out in blocks of prefixes.
//!
//! A row is as long as the latest vantage point with a bit in its block demands, so a table of many prefixes and few peers stays small,
//! and growing moves one block at a time.

use super::PrefixId;
use crate::vantage::VantageId;

/// Prefixes a block.
const BLOCK: usize = 256;
/// Bits a word.
const WORD: usize = u64::BITS as usize;

/// Which vantage points have a bit, by prefix.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, Default)]
struct Block {
    /// Words a row.
    width: usize,
    words: Vec<u64>,
}

impl Rows {
    /// Whether the bit is set.
    pub fn has(&self, prefix: PrefixId, from: VantageId) -> bool {
        has(self.row(prefix), from)
    }

    /// Sets or clears the bit.
    pub fn put(&mut self, prefix: PrefixId, from: VantageId, set: bool) {
        let (word, bit) = place(from);
        let block = prefix.index() / BLOCK;
        if self.blocks.len() <= block {
            self.blocks.resize_with(block + 1, Block::default);
        }
        let block = &mut self.blocks[block];
        if block.width <= word {
            if !set {
                return;
            }
            block.widen(word + 1);
        }
        let word = &mut block.words[prefix.index() % BLOCK * block.width + word];
        *word = if set { *word | bit } else { *word & !bit };
    }

    /// The vantage points whose bit is set, in their order.
    pub fn set(&self, prefix: PrefixId) -> impl Iterator<Item = VantageId> + '_ {
        bits(self.row(prefix).iter().copied().enumerate())
    }

    /// The bits of a prefix; those which are not there are not set.
    pub fn row(&self, prefix: PrefixId) -> &[u64] {
        let Some(block) = self.blocks.get(prefix.index() / BLOCK) else { return &[] };
        let from = prefix.index() % BLOCK * block.width;
        block.words.get(from..from + block.width).unwrap_or(&[])
    }
}

impl Block {
    fn widen(&mut self, width: usize) {
        let mut words = vec![0; BLOCK * width];
        if self.width > 0 {
            for (new, old) in words.chunks_exact_mut(width).zip(self.words.chunks_exact(self.width)) {
                new[..self.width].copy_from_slice(old);
            }
        }
        (self.width, self.words) = (width, words);
    }
}

/// The word of a row in which a vantage point has its bit, and that bit.
pub(super) fn place(from: VantageId) -> (usize, u64) {
    (from.index() / WORD, 1 << (from.index() % WORD))
}

/// Whether the bit of a vantage point is set in a row.
#[inline]
pub(super) fn has(row: &[u64], from: VantageId) -> bool {
    let (word, bit) = place(from);
    row.get(word).is_some_and(|word| word & bit != 0)
}

/// How many bits of a row before that of a vantage point are set; `None` where counting them takes longer than searching.
pub(super) fn rank(row: &[u64], from: VantageId) -> Option<usize> {
    let (place, bit) = place(from);
    let word = |place: usize| row.get(place).copied().unwrap_or(0);
    match place {
        0 => Some((word(0) & (bit - 1)).count_ones() as usize),
        1 => Some((word(0).count_ones() + (word(1) & (bit - 1)).count_ones()) as usize),
        _ => None,
    }
}

/// The vantage points whose bits are set in words of a row, which come with their places.
pub fn bits(words: impl Iterator<Item = (usize, u64)>) -> impl Iterator<Item = VantageId> {
    words.flat_map(|(place, word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (bit < WORD).then(|| VantageId::at(place * WORD + bit))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn rows_are_sets(puts in prop::collection::vec((0usize..600, 0usize..200, any::<bool>()), 0..300)) {
            let (mut rows, mut sets) = (Rows::default(), BTreeSet::new());
            for (prefix, from, set) in puts {
                rows.put(PrefixId::at(prefix), VantageId::at(from), set);
                if set { sets.insert((prefix, from)); } else { sets.remove(&(prefix, from)); }
                prop_assert_eq!(rows.has(PrefixId::at(prefix), VantageId::at(from)), set);
                let before = sets.range((prefix, 0)..(prefix, from)).count();
                let guess = rank(rows.row(PrefixId::at(prefix)), VantageId::at(from));
                prop_assert!(guess.is_none_or(|guess| guess == before));
            }
            for prefix in 0..700 {
                let row: Vec<usize> = rows.set(PrefixId::at(prefix)).map(VantageId::index).collect();
                let set: Vec<usize> = sets.range((prefix, 0)..(prefix + 1, 0)).map(|(_, from)| *from).collect();
                prop_assert_eq!(row, set);
            }
        }
    }
}
