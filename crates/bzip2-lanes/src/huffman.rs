//! Takes the code lengths of one of a block's Huffman codes and gives symbols for bits: by one table look-up for codes up to
//! [`SHORT`] bits, by a search over the lengths for the rest. A set of lengths which no prefix code can have is refused.

use crate::bits::Bits;

/// Symbols a block can have: 256 bytes less the one always at the front, two for runs, one for the end, and one to spare.
pub const SYMBOLS: usize = 258;
/// The longest code bzip2 allows, in bits.
pub const LONGEST: u32 = 20;
/// What [`Code::symbol`] gives where no code fits: more than any symbol.
pub const NONE: usize = 511;
/// Bits of the look-up table: 2048 entries of two bytes, so that a block's six tables stay in the first-level cache.
const SHORT: u32 = 11;
const SHORT_ENTRIES: usize = 1 << SHORT;

/// A Huffman code.
pub struct Code {
    /// By the next [`SHORT`] bits: symbol · 32 + length; 0 where the code is longer or there is none.
    short: Box<[u16; SHORT_ENTRIES]>,
    /// By length: the first code word which is not of this length or a shorter one.
    ends: [u32; LONGEST as usize + 1],
    /// By length: what to take from a code word of this length for its place in `symbols` (modulo 2^32).
    starts: [u32; LONGEST as usize + 1],
    /// The symbols in the order of their code words.
    symbols: [u16; SYMBOLS],
}

impl Code {
    /// A code without any word.
    pub fn new() -> Self {
        let lengths = [0; LONGEST as usize + 1];
        Code { short: Box::new([0; SHORT_ENTRIES]), ends: lengths, starts: lengths, symbols: [0; SYMBOLS] }
    }

    /// Becomes the canonical code with these lengths (each 1 to [`LONGEST`]; at most [`SYMBOLS`]). `false` if they want more words than
    /// there are.
    pub fn assign(&mut self, lengths: &[u8]) -> bool {
        let mut counts = [0u32; LONGEST as usize + 1];
        for &length in lengths {
            counts[usize::from(length)] += 1;
        }
        self.short.fill(0);
        let (mut code, mut place) = (0u32, 0u32);
        for length in 1..=LONGEST {
            let count = counts[length as usize];
            self.starts[length as usize] = code.wrapping_sub(place);
            code += count;
            place += count;
            if code > 1 << length {
                return false;
            }
            self.ends[length as usize] = code;
            code <<= 1;
        }
        self.list_symbols(lengths, counts);
        true
    }

    fn list_symbols(&mut self, lengths: &[u8], counts: [u32; LONGEST as usize + 1]) {
        let mut places = [0usize; LONGEST as usize + 1];
        for length in 1..places.len() {
            places[length] = places[length - 1] + counts[length - 1] as usize;
        }
        for (symbol, &length) in (0u16..).zip(lengths) {
            let place = &mut places[usize::from(length)];
            self.symbols[*place] = symbol;
            if u32::from(length) <= SHORT {
                let word = self.starts[usize::from(length)] as usize + *place;
                let width = 1 << (SHORT - u32::from(length));
                self.short[word * width..][..width].fill(symbol << 5 | u16::from(length));
            }
            *place += 1;
        }
    }

    /// The next symbol, whose bits it passes; [`NONE`] if no code fits. There must be [`LONGEST`] bits at hand.
    #[inline(always)]
    pub fn symbol(&self, bits: &mut Bits<'_>) -> usize {
        let entry = self.short[bits.peek(SHORT) as usize % SHORT_ENTRIES];
        if entry == 0 {
            return self.long_symbol(bits);
        }
        bits.skip(u32::from(entry & 31));
        usize::from(entry >> 5)
    }

    #[cold]
    #[inline(never)]
    fn long_symbol(&self, bits: &mut Bits<'_>) -> usize {
        for length in SHORT + 1..=LONGEST {
            let word = bits.peek(length);
            if word < self.ends[length as usize] {
                bits.skip(length);
                let place = word.wrapping_sub(self.starts[length as usize]) as usize;
                return self.symbols.get(place).map_or(NONE, |&symbol| usize::from(symbol));
            }
        }
        NONE
    }
}

#[cfg(test)]
mod tests {
    use super::{Bits, Code, NONE};

    #[test]
    fn short_and_long_words_are_told_apart() {
        // A comb: 1, 2, … 19, 20, 20 bits. Word k is k ones and a zero; the last is twenty ones.
        let lengths: Vec<u8> = (1..=20).chain([20]).collect();
        let mut code = Code::new();
        assert!(code.assign(&lengths));
        let written: String = (0..20).map(|ones| "1".repeat(ones) + "0").chain(["1".repeat(20)]).collect();
        let bytes: Vec<u8> = written
            .as_bytes()
            .chunks(8)
            .map(|eight| eight.iter().enumerate().map(|(i, bit)| (bit - b'0') << (7 - i)).sum())
            .collect();
        let mut bits = Bits::new(&bytes, 0);
        for wanted in 0..=20 {
            bits.refill();
            assert_eq!(code.symbol(&mut bits), wanted);
        }
        assert_eq!(bits.position(), written.len());
    }

    #[test]
    fn too_many_words_are_refused_and_too_few_leave_gaps() {
        let mut code = Code::new();
        assert!(!code.assign(&[1, 1, 2]));
        assert!(code.assign(&[2, 2, 2]));
        assert_eq!(code.symbol(&mut Bits::new(&[0b1100_0000], 0)), NONE);
        assert_eq!(code.symbol(&mut Bits::new(&[0b1000_0000], 0)), 2);
    }
}
