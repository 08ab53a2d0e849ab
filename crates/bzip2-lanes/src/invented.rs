//! Takes a checksum and gives a bzip2 block whose text has it, ending at a wanted bit of a byte. It compresses nothing but those four
//! bytes; see [`crate::reference`] for what it is good for.

use crate::crc::four_bytes_of;

/// Length of every code word: there are at most seven symbols (five bytes, less one, two for runs and the end).
const WORD: u32 = 3;

/// Adds the block to whole bytes. It ends `skip` bits (0 to 7) after a byte's beginning; the rest of that byte is 0.
pub fn add_block(bytes: &mut Vec<u8>, checksum: u32, skip: u32) {
    // Selectors which nobody uses take a bit each.
    let shortest = Writer::block(checksum, 1).bits.len();
    let filling = (skip as usize + 8 - shortest % 8) % 8;
    let block = Writer::block(checksum, 1 + u32::try_from(filling).unwrap_or(0));
    for eight in block.bits.chunks(8) {
        bytes.push(eight.iter().zip(0..).fold(0, |byte, (&bit, place)| byte | u8::from(bit) << (7 - place)));
    }
}

#[derive(Default)]
struct Writer {
    bits: Vec<bool>,
}

impl Writer {
    fn put(&mut self, value: u32, count: u32) {
        self.bits.extend((0..count).rev().map(|bit| value >> bit & 1 != 0));
    }

    fn block(checksum: u32, selectors: u32) -> Self {
        let mut text = four_bytes_of(checksum).to_vec();
        if text.iter().all(|&byte| byte == text[0]) {
            // Four equal bytes are followed by the count of further ones.
            text.push(0);
        }
        let (column, origin) = last_column(&text);
        let mut alphabet = text;
        alphabet.sort_unstable();
        alphabet.dedup();
        let symbols = alphabet.len() + 2;

        let mut writer = Writer::default();
        writer.put(0x314159, 24);
        writer.put(0x265359, 24);
        writer.put(checksum, 32);
        writer.put(0, 1);
        writer.put(origin, 24);
        let sets: Vec<u32> = (0..16).map(|set| members(&alphabet, set)).collect();
        sets.iter().for_each(|&set| writer.put(u32::from(set != 0), 1));
        sets.iter().filter(|&&set| set != 0).for_each(|&set| writer.put(set, 16));
        // Two codes, as there must be, all of whose words are of one length; and the first of them for every group.
        writer.put(2, 3);
        writer.put(selectors, 15);
        (0..selectors).for_each(|_| writer.put(0, 1));
        for _ in 0..2 {
            writer.put(WORD, 5);
            (0..symbols).for_each(|_| writer.put(0, 1));
        }
        writer.put_column(&column, alphabet);
        writer
    }

    /// Moves to the front, and writes what stood there already as runs.
    fn put_column(&mut self, column: &[u8], mut alphabet: Vec<u8>) {
        let end = alphabet.len() + 1;
        let mut run = 0u32;
        for &byte in column {
            let place = alphabet.iter().position(|&other| other == byte).unwrap_or(0);
            if place == 0 {
                run += 1;
                continue;
            }
            self.put_run(run);
            run = 0;
            alphabet[..=place].rotate_right(1);
            self.put_symbol(place + 1);
        }
        self.put_run(run);
        self.put_symbol(end);
    }

    /// In bijective base two, the least digit first.
    fn put_run(&mut self, mut run: u32) {
        while run > 0 {
            self.put((run - 1) & 1, WORD);
            run = (run - 1) >> 1;
        }
    }

    fn put_symbol(&mut self, symbol: usize) {
        self.put(u32::try_from(symbol).unwrap_or(0), WORD);
    }
}

/// The last column of the sorted rotations, and the row of the text itself.
fn last_column(text: &[u8]) -> (Vec<u8>, u32) {
    let length = text.len();
    let mut rotations: Vec<usize> = (0..length).collect();
    rotations.sort_by_key(|&from| [&text[from..], &text[..from]].concat());
    let column = rotations.iter().map(|&from| text[(from + length - 1) % length]).collect();
    let origin = rotations.iter().zip(0..).find(|&(&from, _)| from == 0).map_or(0, |(_, row)| row);
    (column, origin)
}

/// Which of the sixteen bytes of a set are in the alphabet, the first in the highest bit.
fn members(alphabet: &[u8], set: u8) -> u32 {
    alphabet.iter().filter(|&&byte| byte >> 4 == set).fold(0, |members, byte| members | 0x8000 >> (byte & 15))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::add_block;
    use crate::crc::{Crc, four_bytes_of};

    #[test]
    fn the_bzip2_crate_reads_it_at_every_bit() {
        let equal = |bytes: &[u8]| {
            let mut crc = Crc::new();
            crc.update(bytes);
            crc.value()
        };
        for checksum in [0, 1, 0xDEAD_BEEF, u32::MAX, equal(b"zzzz"), equal(b"abab"), equal(&[0; 4]), equal(b"aabb")] {
            for skip in 0..8 {
                let mut bytes = b"BZh1".to_vec();
                add_block(&mut bytes, checksum, skip);
                // The end of the stream, from that bit on.
                let end = [&[0x17, 0x72, 0x45, 0x38, 0x50, 0x90][..], &checksum.to_be_bytes()[..]].concat();
                if skip == 0 {
                    bytes.extend_from_slice(&end);
                } else {
                    *bytes.last_mut().unwrap() |= end[0] >> skip;
                    let shifted = (0..end.len()).map(|i| end[i] << (8 - skip) | end.get(i + 1).map_or(0, |next| next >> skip));
                    bytes.extend(shifted);
                }
                let mut text = Vec::new();
                bzip2::read::BzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
                assert_eq!(text, four_bytes_of(checksum), "{checksum:#x} at bit {skip}");
            }
        }
    }
}
