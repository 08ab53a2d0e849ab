//! Bytes which are cut, split or wrong.

use super::*;
use faultline::source::bmp::frame::{Framer, LONGEST};
use faultline::source::{Merge, Resources};
use faultline::vantage::Vantages;

/// A reproducible sequence (Knuth's MMIX multiplier).
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |sides| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % sides
    }
}

/// What a recording states, if it holds one message which tells a time.
fn read_if_bmp(path: &Path) -> Option<Reading> {
    let mut merge = Merge::open(vec![input(path, "edge", "recording", None)], Interest::Everything, &Resources::default()).ok()?;
    let mut vantages = Vantages::default();
    let observations = std::iter::from_fn(|| merge.next(&mut vantages)).collect();
    Some(Reading { observations, vantages, accounts: merge.accounts().to_vec() })
}

/// The first messages of a recorded connection.
fn beginning(router: &str, bytes: usize) -> Vec<u8> {
    let all = recording(&of_case_a(router));
    let (whole, after) = faultline::source::bmp::frame::whole_messages(&all[..bytes]);
    assert_eq!(after, Ok(()));
    all[..whole].to_vec()
}

#[test]
fn messages_are_the_same_wherever_a_connection_splits_them() {
    for router in ["cfrr", "cgobgp"] {
        let bytes = beginning(router, 6_000);
        for at in 0..=bytes.len() {
            let mut framer = Framer::default();
            let mut out = Vec::new();
            for part in [&bytes[..at], &bytes[at..]] {
                framer.room().extend(part);
                let (whole, after) = framer.take_whole();
                assert_eq!(after, Ok(()), "split at {at}");
                out.extend(whole);
            }
            assert!(out == bytes && !framer.waits(), "split at {at}");
        }
        let mut framer = Framer::default();
        let one_by_one = bytes.iter().flat_map(|byte| {
            framer.room().push(*byte);
            framer.take_whole().0
        });
        assert_eq!(one_by_one.collect::<Vec<u8>>(), bytes);
    }
}

// Why: a router, or whoever takes its place, may send anything; no byte of it may end the station or let it grow.
#[test]
fn wrong_bytes_are_damage_and_nothing_worse() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let (mut damaged, mut read) = (0, 0);
    for seed in 0..400 {
        let mut dice = dice(seed);
        let mut bytes = beginning(["cfrr", "cgobgp"][dice(2)], 12_000);
        for _ in 0..=dice(20) {
            let place = 33 + dice(bytes.len() - 33);
            match dice(4) {
                0 => bytes[place] = dice(256) as u8,
                1 => bytes[place] ^= 1 << dice(8),
                2 => drop(bytes.remove(place)),
                _ => bytes.insert(place, dice(256) as u8),
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        let Some(reading) = read_if_bmp(&path) else { continue };
        // An UPDATE of 12,000 bytes has no more prefixes than bytes.
        assert!(reading.observations.len() < 13_000, "seed {seed}");
        read += 1;
        damaged += u64::from(reading.accounts[0].skipped_count > 0);
    }
    assert!(read > 250 && damaged > 200, "{damaged} of {read} were found damaged");
}

#[test]
fn every_beginning_of_a_recording_is_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let bytes = beginning("cfrr", 5_000);
    let mut before = 0;
    for end in (200..bytes.len()).step_by(7) {
        std::fs::write(&path, &bytes[..end]).unwrap();
        let Some(reading) = read_if_bmp(&path) else {
            assert!(end < 3_000, "before any message tells a time");
            continue;
        };
        let account = &reading.accounts[0];
        assert!(account.records >= before && account.skipped_count <= 1, "{end}: {:?}", account.skipped);
        before = account.records;
    }
    assert!(before > 20, "{before}");
}

#[test]
fn no_more_is_waited_for_than_a_message_has() {
    let mut framer = Framer::default();
    framer.room().extend([3]);
    framer.room().extend((LONGEST as u32 + 1).to_be_bytes());
    let (whole, after) = framer.take_whole();
    assert!(whole.is_empty() && after.unwrap_err().to_string().contains("more than any message of BMP has"));
}
