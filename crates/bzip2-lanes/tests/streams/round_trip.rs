//! Takes bytes of many kinds; compressed at any level and decompressed by either decoder they are the same again.

use proptest::prelude::*;

use crate::oracle::{Dice, Outcome, agree, compress, here, threads};

fn same_again(bytes: &[u8], level: u32, what: &str) {
    let compressed = compress(bytes, level);
    let wanted = Outcome { bytes: bytes.to_vec(), error: None };
    assert_eq!(here(&compressed, 60_000), wanted, "here, level {level}: {what}");
    assert_eq!(threads(&compressed), wanted, "threads, level {level}: {what}");
}

/// Bytes of few or many kinds, single or in runs, once or repeated.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let run = (any::<u8>(), prop_oneof![4 => Just(1usize), 2 => 2usize..8, 1 => 250usize..530]);
    let runs = prop::collection::vec(run, 0..120);
    (runs, prop_oneof![Just(255u8), Just(3), Just(1), Just(0)], prop_oneof![3 => Just(1usize), 1 => 2usize..900]).prop_map(
        |(runs, mask, times)| {
            let once: Vec<u8> = runs.into_iter().flat_map(|(byte, length)| vec![byte & mask; length]).collect();
            once.repeat(times.min(1 + 400_000 / once.len().max(1)))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything(bytes in bytes(), level in 1u32..=9) {
        same_again(&bytes, level, "generated");
    }

    #[test]
    fn any_reads(bytes in bytes(), at_once in 1usize..3_000) {
        prop_assert!(here(&compress(&bytes, 1), at_once).bytes == bytes);
    }
}

#[test]
fn every_level() {
    let mut dice = Dice(1);
    let prose = dice.prose(1_000_000);
    for level in 1..=9 {
        same_again(&prose, level, "prose of more than a block");
    }
}

#[test]
fn bytes_with_nothing_in_common() {
    let mut dice = Dice(2);
    let noise: Vec<u8> = (0..1_000_000).map(|_| dice.byte(256)).collect();
    same_again(&noise, 9, "noise");
    same_again(&noise[..150_000], 1, "noise");
}

#[test]
fn texts_whose_rotations_are_equal() {
    // Their chain closes before the text's end. 254 and 255 are the longest runs with a count of their own.
    for unit in [&b"a"[..], b"ab", b"abc", b"aaaa\x00", b"aaaa\xFB", b"abababac"] {
        for length in [1, 2, 3, 4, 5, 254, 255, 256, 259, 260, 3_000, 99_981, 200_000, 900_000] {
            let bytes: Vec<u8> = unit.iter().copied().cycle().take(length).collect();
            same_again(&bytes, 1, &format!("{length} bytes of {unit:?} repeated"));
        }
    }
    same_again(&vec![0; 60_000_000], 9, "one block which stands for 46 million bytes, and another");
}

#[test]
fn runs_across_the_ends_of_blocks() {
    // A block of level 1 is full at 100 000 - 19 bytes after the first coding.
    let mut dice = Dice(3);
    for before in 99_970..99_990 {
        let mut bytes: Vec<u8> = (0..before).map(|_| dice.byte(256)).collect();
        bytes.extend([7; 600]);
        same_again(&bytes, 1, &format!("a run from byte {before} on"));
    }
}

#[test]
fn streams_after_one_another() {
    let mut dice = Dice(4);
    let (prose, empty) = (dice.prose(250_000), compress(b"", 9));
    let parts = [compress(&prose, 1), empty.clone(), compress(b"x", 9), compress(&prose, 9), empty.clone()];
    let all = agree(&parts.concat(), "five streams");
    assert_eq!((all.bytes.len(), all.error), (500_001, None));
    assert_eq!(agree(&empty, "an empty stream").error, None);
    assert_eq!(agree(&empty.repeat(40), "forty empty streams").error, None);
}
