//! Takes the bits of one block and gives the last column of its sorted rotations, as runs: Huffman codes, move-to-front and the runs of
//! its front undone. It does not follow the chain through the column ([`crate::chase`]), and it knows no limit but the format's
//! largest block: whoever knows the stream's level compares [`Column::length`] with it.
//!
//! What it refuses is not always damage: a block of the obsolete "randomised" kind is as good as any. It is for the `bzip2` crate to
//! say.

use crate::bits::Bits;
use crate::huffman::{Code, LONGEST, SYMBOLS};
use crate::magic::MARK_BITS;

/// The longest block there is, in bytes before its last coding: level 9.
pub const LONGEST_BLOCK: usize = 900_000;
/// Symbols which share a selector.
const GROUP: usize = 50;
/// Selectors which a block can use; any more are read and left.
const MOST_SELECTORS: usize = LONGEST_BLOCK / GROUP + 2;
/// The codes among which the selectors choose.
const MOST_CODES: usize = 6;
/// A run's length is written in bijective base two; its digits weigh less than this.
const HEAVIEST_DIGIT: u32 = 1 << 21;

/// The last column of a block's sorted rotations, with what stands in the block's head. Its buffers serve one block after the other.
pub struct Column {
    /// What the block's text should have as its checksum.
    pub checksum: u32,
    /// The row which is the text itself.
    pub origin: usize,
    /// Bytes in the column: the sum of the runs.
    pub length: usize,
    /// How often each byte comes.
    pub counts: [u32; 256],
    runs: Vec<u32>,
    codes: [Code; MOST_CODES],
    selectors: Vec<u8>,
}

/// The block is not as it should be, or of a kind which is left to the `bzip2` crate.
#[derive(Debug, PartialEq, Eq)]
pub struct Odd;

impl Column {
    /// An empty one. Its buffers become as large as a block needs: four bytes for each symbol, which are 3.6 MB at the most.
    pub fn new() -> Self {
        Column {
            checksum: 0,
            origin: 0,
            length: 0,
            counts: [0; 256],
            runs: Vec::new(),
            codes: std::array::from_fn(|_| Code::new()),
            selectors: Vec::with_capacity(MOST_SELECTORS),
        }
    }

    /// One for tests of what comes after, from its bytes.
    #[cfg(test)]
    pub fn from_bytes(bytes: &[u8], origin: usize) -> Self {
        let mut column = Column { origin, length: bytes.len(), ..Column::new() };
        for run in bytes.chunk_by(|a, b| a == b) {
            column.counts[usize::from(run[0])] += u32::try_from(run.len()).unwrap();
            column.runs.push(u32::try_from(run.len()).unwrap() << 8 | u32::from(run[0]));
        }
        column
    }

    /// The runs from top to bottom: length · 256 + byte. A length may be 0.
    pub fn runs(&self) -> &[u32] {
        &self.runs
    }

    /// Becomes the column of the block whose mark is next; gives the position of the first bit after the block. Past the end of `bits`
    /// the block would be made of zeros: the caller sees from the position that it was.
    pub fn read(&mut self, bits: &mut Bits<'_>) -> Result<usize, Odd> {
        self.length = 0;
        bits.refill();
        bits.skip(MARK_BITS);
        self.checksum = bits.take(32);
        let randomised = bits.flag();
        self.origin = bits.take(24) as usize;
        let alphabet = Alphabet::read(bits);
        if randomised || alphabet.size == 0 {
            return Err(Odd);
        }
        self.read_codes(bits, alphabet.size + 2)?;
        self.read_runs(bits, alphabet)?;
        if self.origin < self.length { Ok(bits.position()) } else { Err(Odd) }
    }

    fn read_codes(&mut self, bits: &mut Bits<'_>, symbols: usize) -> Result<(), Odd> {
        let codes = bits.take(3) as usize;
        let selectors = bits.take(15) as usize;
        if !(2..=MOST_CODES).contains(&codes) || selectors == 0 {
            return Err(Odd);
        }
        self.selectors.clear();
        let mut recent = [0, 1, 2, 3, 4, 5];
        for _ in 0..selectors {
            bits.refill();
            // As many ones as there are codes before the wanted one, and a zero.
            let place = bits.peek(32).leading_ones();
            if place as usize >= codes {
                return Err(Odd);
            }
            bits.skip(place + 1);
            recent[..=place as usize].rotate_right(1);
            if self.selectors.len() < MOST_SELECTORS {
                self.selectors.push(recent[0]);
            }
        }
        self.codes[..codes].iter_mut().try_for_each(|code| {
            let lengths = read_lengths(bits, symbols)?;
            if code.assign(&lengths[..symbols]) { Ok(()) } else { Err(Odd) }
        })
    }

    fn read_runs(&mut self, bits: &mut Bits<'_>, mut alphabet: Alphabet) -> Result<(), Odd> {
        let end = alphabet.size + 1;
        self.runs.clear();
        self.runs.reserve(self.selectors.len() * GROUP);
        let mut total = 0u32;
        // The run in hand; before the first symbol an empty one of what stands in front.
        let (mut byte, mut length, mut digit) = (alphabet.front(), 0u32, 1u32);
        self.counts = [0; 256];
        for &selector in &self.selectors {
            let code = &self.codes[usize::from(selector) % MOST_CODES];
            for _ in 0..GROUP {
                if bits.live() < LONGEST {
                    bits.refill();
                }
                let symbol = code.symbol(bits);
                if symbol < 2 {
                    length += digit << symbol;
                    digit <<= 1;
                    if digit > HEAVIEST_DIGIT {
                        return Err(Odd);
                    }
                    continue;
                }
                self.runs.push(length << 8 | u32::from(byte));
                self.counts[usize::from(byte)] += length;
                total += length;
                if symbol >= end {
                    if symbol > end || total as usize > LONGEST_BLOCK {
                        return Err(Odd);
                    }
                    self.length = total as usize;
                    return Ok(());
                }
                if total as usize >= LONGEST_BLOCK {
                    return Err(Odd);
                }
                byte = alphabet.bring_to_front(symbol - 1);
                (length, digit) = (1, 1);
            }
        }
        Err(Odd)
    }
}

/// The lengths of one code's words, each told by its difference to the one before.
fn read_lengths(bits: &mut Bits<'_>, symbols: usize) -> Result<[u8; SYMBOLS], Odd> {
    let mut lengths = [0; SYMBOLS];
    let mut length = bits.take(5);
    for slot in &mut lengths[..symbols] {
        loop {
            if !(1..=LONGEST).contains(&length) {
                return Err(Odd);
            }
            if !bits.flag() {
                break;
            }
            length = if bits.flag() { length - 1 } else { length + 1 };
        }
        *slot = u8::try_from(length).unwrap_or(0);
    }
    Ok(lengths)
}

/// The bytes which come in a block, those used last in front.
struct Alphabet {
    bytes: [u8; 256],
    size: usize,
}

impl Alphabet {
    /// In ascending order, as a block's head gives them: sixteen bits for sixteen sets of sixteen bytes.
    fn read(bits: &mut Bits<'_>) -> Self {
        let mut alphabet = Alphabet { bytes: [0; 256], size: 0 };
        let sets = bits.take(16);
        for set in (0..16u8).filter(|set| sets >> (15 - set) & 1 != 0) {
            let members = bits.take(16);
            for member in (0..16).filter(|member| members >> (15 - member) & 1 != 0) {
                alphabet.bytes[alphabet.size] = set * 16 + member;
                alphabet.size += 1;
            }
        }
        alphabet
    }

    fn front(&self) -> u8 {
        self.bytes[0]
    }

    /// Takes the byte at `place` (1 to 255) to the front.
    #[inline(always)]
    fn bring_to_front(&mut self, place: usize) -> u8 {
        let byte = self.bytes[place % 256];
        if let (0..16, Some(near)) = (place, self.bytes.first_chunk_mut()) {
            // Sixteen bytes are one number: up by one byte below the place, as they are above it.
            let before = u128::from_le_bytes(*near);
            let keep = u128::MAX << 8 << (place * 8);
            *near = ((before << 8 | u128::from(byte)) & !keep | before & keep).to_le_bytes();
        } else {
            self.bytes.copy_within(..place % 256, 1);
            self.bytes[0] = byte;
        }
        byte
    }
}
