//! Takes good streams and damages them in many ways: the bytes delivered and the kind of error are those of the `bzip2` crate.

use std::io::ErrorKind;

use crate::oracle::{Dice, agree, compress};

/// Small streams with several blocks, several streams, and all that a block can hold.
fn seeds() -> Vec<Vec<u8>> {
    let mut dice = Dice(5);
    let small: Vec<u8> = (0..900).map(|i| if i % 70 < 30 { 0 } else { dice.byte(200) }).collect();
    let runs: Vec<u8> = (0..60).flat_map(|_| vec![dice.byte(5); dice.below(40)]).collect();
    let prose = compress(&dice.prose(3_000), 9);
    let two = [compress(&small, 3), prose.clone()].concat();
    let three = [compress(&runs, 1), compress(b"", 2), compress(b"hello, hello", 9)].concat();
    vec![compress(&small, 9), compress(&runs, 5), prose, two, three, compress(b"", 9), compress(b"aaaa", 1)]
}

#[test]
fn flipped_cut_and_doubled() {
    let mut dice = Dice(6);
    let seeds = seeds();
    let mut errors = 0;
    for round in 0..3_000 {
        let mut bytes = seeds[dice.below(seeds.len())].clone();
        for _ in 0..=dice.below(3) {
            let (at, to) = (dice.below(bytes.len() + 1), dice.below(bytes.len() + 1));
            let part = at.min(to)..at.max(to);
            match dice.below(8) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(part)),
                2 => bytes = [&bytes[..at], &bytes[part], &bytes[at..]].concat(),
                3 => bytes.extend_from_slice(&seeds[dice.below(seeds.len())]),
                4 => bytes.extend((0..dice.below(20)).map(|_| dice.byte(256))),
                5 => bytes.insert(at, dice.byte(256)),
                _ if !bytes.is_empty() => bytes[at.saturating_sub(1)] ^= 1 << dice.below(8),
                _ => {}
            }
        }
        errors += usize::from(agree(&bytes, &format!("round {round}")).error.is_some());
    }
    assert!(errors > 1_500, "most damage shows, {errors}");
}

#[test]
fn every_bit_of_the_heads() {
    let stream = compress(b"what a block says of itself stands in its first hundred bytes", 9);
    for bit in 0..stream.len() * 8 {
        let mut bytes = stream.clone();
        bytes[bit / 8] ^= 0x80 >> (bit % 8);
        agree(&bytes, &format!("bit {bit}"));
    }
}

#[test]
fn every_cut() {
    let mut dice = Dice(7);
    let stream = [compress(&dice.prose(400), 1), compress(b"second", 9)].concat();
    for length in 0..stream.len() {
        let outcome = agree(&stream[..length], &format!("cut after {length}"));
        // Between the two streams nothing is missing.
        assert!(outcome.error.is_none_or(|error| error == ErrorKind::UnexpectedEof));
    }
}

#[test]
fn damage_in_later_blocks_leaves_the_earlier_ones() {
    let mut dice = Dice(8);
    let prose = dice.prose(500_000);
    let stream = compress(&prose, 1);
    for round in 0..30 {
        let mut bytes = stream.clone();
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
        let outcome = agree(&bytes, &format!("round {round}, byte {at}"));
        let good = at * prose.len() / stream.len() / 99_000 * 99_000;
        assert!(outcome.bytes.len() + 99_000 > good, "byte {at}: {}", outcome.bytes.len());
    }
}

/// The stream of a block whose text may be anything. `randomised` sets the bit by which old compressors said that they had stirred
/// the text; the checksums are those of the text as it is.
#[test]
fn blocks_of_the_obsolete_kind() {
    let mut bytes = compress(&Dice(9).prose(3_000), 9);
    // The bit follows the head (32 bits), the mark (48) and the checksum (32).
    bytes[14] ^= 0x80;
    let outcome = agree(&bytes, "randomised");
    // The text comes stirred, and so its checksum does not fit: as with the crate.
    assert_eq!((outcome.bytes.len() > 2_000, outcome.error), (true, Some(ErrorKind::InvalidData)));
}

#[test]
fn a_level_too_low_for_the_block() {
    let mut bytes = compress(&Dice(10).prose(300_000), 9);
    bytes[3] = b'2';
    assert_eq!(agree(&bytes, "level 2 with a block for level 3").error, Some(ErrorKind::InvalidData));
    bytes[3] = b'4';
    assert_eq!(agree(&bytes, "level 4 is enough").error, None);
}

#[test]
fn marks_where_none_should_be() {
    const MARKS: [[u8; 6]; 2] = [[0x31, 0x41, 0x59, 0x26, 0x53, 0x59], [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]];
    let stream = compress(&Dice(11).prose(2_000), 9);
    for mark in MARKS {
        for at in (0..=stream.len()).step_by(7) {
            let mut bytes = stream.clone();
            bytes.splice(at..at, mark);
            agree(&bytes, &format!("a mark put at {at}"));
            let mut bytes = stream.clone();
            let end = bytes.len().min(at + 6);
            bytes[at..end].copy_from_slice(&mark[..end - at]);
            agree(&bytes, &format!("a mark written over {at}"));
        }
    }
}
