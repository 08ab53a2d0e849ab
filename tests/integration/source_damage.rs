//! Damaged files: whatever bytes come, there is no panic and no hang, time never runs back, and what was skipped is counted.

use crate::skip::shared;
use crate::wire::*;
use faultline::observation::Statement;
use faultline::source::{Interest, Merge, Resources};
use faultline::vantage::Vantages;
use std::io::{Read, Write};
use std::path::Path;

const PEER: (&str, u32) = ("192.0.2.1", 64505);

/// SplitMix64: the same numbers every time.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    }
}

/// Reads the bytes as a file; gives how many statements it made and how many bytes were skipped, or `None` if it was refused.
fn survives(path: &Path, bytes: &[u8]) -> Option<(usize, u64)> {
    std::fs::write(path, bytes).unwrap();
    let Ok(mut merge) = Merge::open(vec![input(path, "test", "updates", None)], Interest::Everything, &Resources::default()) else {
        return None;
    };
    let (mut vantages, mut last, mut count) = (Vantages::default(), None, 0);
    while let Some(seen) = merge.next(&mut vantages) {
        assert!(last <= Some(seen.at), "time runs back");
        if let Statement::FeedGap { until, .. } = &seen.what {
            assert!(*until >= seen.at, "a gap ends before it begins");
        }
        last = Some(seen.at);
        count += 1;
    }
    let account = &merge.accounts()[0];
    assert!(account.skipped.is_sorted_by_key(|damage| damage.offset), "damage is told in order");
    Some((count, account.skipped_bytes))
}

fn small_updates() -> Vec<u8> {
    let one = update(&["203.0.113.0/24"], &["198.51.100.0/24", "2001:db8:1::/48"], &[64505, 64500]);
    let records = [
        state_change(1_000_000_000, PEER, LOCAL, (5, 6)),
        message(1_000_000_001, 4, PEER, &one),
        message_et(1_000_000_001, 500_000, PEER, &one),
        message(1_000_000_002, 4, PEER, &bgp(4, &[])),
        message(1_000_000_003, 9, PEER, &update(&["203.0.113.0/24#1"], &["198.51.100.0/24#2"], &[64505])),
        message(1_000_000_004, 4, PEER, &bgp(3, &[6, 2])),
    ];
    records.concat().repeat(2)
}

fn small_table() -> Vec<u8> {
    let entries: [(u16, Option<u32>, &[u32]); 2] = [(0, None, &[64505, 64500]), (1, None, &[64506])];
    [
        peer_index(1_000_000_000, &[PEER, ("2001:db8::2", 64506)]),
        rib(1_000_000_000, 2, "198.51.100.0/24", &entries),
        rib(1_000_000_000, 4, "2001:db8::/32", &entries),
        rib_generic(1_000_000_001, (1, 1), "203.0.113.0/24", &entries),
        table_dump(1_000_000_002, "198.51.100.0/24", ("192.0.2.1", 64505), &[64505]),
    ]
    .concat()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Cuts a file at every byte: what was whole before the cut is still read, and the rest is counted.
fn cut_everywhere(bytes: &[u8], name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updates");
    let (whole, skipped) = survives(&path, bytes).unwrap_or_else(|| panic!("{name} cannot be read at all"));
    assert_eq!(skipped, 0, "{name} is damaged as it is");
    let mut best = 0;
    for length in 0..bytes.len() {
        let read = survives(&path, &bytes[..length]).map_or(0, |(count, _)| count);
        // One more than before at most at each cut, save for what states the damage itself.
        assert!(read + 3 >= best, "{name} cut at {length} gave {read} statements after {best}");
        best = best.max(read);
    }
    assert!(best + 3 >= whole, "{name}");
}

#[test]
fn every_truncation_of_small_files_is_survived() {
    for (name, bytes) in [("updates", small_updates()), ("table", small_table())] {
        cut_everywhere(&bytes, name);
        cut_everywhere(&gzipped(&bytes), name);
    }
}

#[test]
fn every_truncation_of_three_small_real_files_is_survived() {
    let Some(folder) = shared("data/mrt") else { return };
    for name in
        ["mrtparse/samples/bird_bgp", "mrtparse/samples/quagga_rib", "ripencc-bgpdump/test_data/bview.ipv4_unicast_add_path.gz"]
    {
        cut_everywhere(&std::fs::read(folder.join(name)).unwrap(), name);
    }
}

fn mutate(bytes: &[u8], seeded: &mut Seeded) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=seeded.next(4) {
        let at = seeded.next(bytes.len());
        match seeded.next(5) {
            0 => bytes[at] ^= 1 << seeded.next(8),
            1 => bytes[at] = [0, 0xff, 0x80, 1][seeded.next(4)],
            2 => drop(bytes.drain(at..(at + 1 + seeded.next(16)).min(bytes.len()))),
            3 => {
                let junk: Vec<u8> = (0..=seeded.next(16)).map(|_| seeded.next(256) as u8).collect();
                bytes.splice(at..at, junk);
            }
            _ => {
                let end = (at + 1 + seeded.next(64)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
        if bytes.is_empty() {
            return vec![0];
        }
    }
    bytes
}

fn mutations(originals: &[Vec<u8>], count: usize, seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updates");
    let mut seeded = Seeded(seed);
    let mut read = 0;
    for number in 0..count {
        let bytes = mutate(&originals[number % originals.len()], &mut seeded);
        read += survives(&path, &bytes).map_or(0, |(count, _)| count);
    }
    assert!(read > count, "mutations left almost nothing to read: {read} statements of {count} files");
}

#[test]
fn ten_thousand_seeded_mutations_are_survived() {
    mutations(&[small_updates(), small_table()], 10_000, 2026);
}

#[test]
fn mutations_of_real_files_are_survived() {
    let Some(folder) = shared("data/mrt") else { return };
    let plain = ["bird_bgp", "quagga_bgp", "quagga_rib", "openbgpd_rib_table", "openbgpd_rib_table-mp", "openbgpd_rib_table-v2"];
    let mut files: Vec<Vec<u8>> =
        plain.iter().map(|name| std::fs::read(folder.join("mrtparse/samples").join(name)).unwrap()).collect();
    let mut legacy = Vec::new();
    let old = std::fs::File::open(folder.join("bgpkit-parser/tests/fixtures/ripe/rrc01/2000.11/updates.20001104.0124.gz")).unwrap();
    flate2::read::MultiGzDecoder::new(old).take(8_000).read_to_end(&mut legacy).unwrap();
    files.push(legacy);
    mutations(&files, 2_000, 22);
}

#[test]
fn records_after_the_damage_are_still_read() {
    let good = |seconds| message(seconds, 4, PEER, &bgp(4, &[]));
    let mut torn = good(1_000_000_002);
    torn.drain(20..30);
    let unreadable_body = record(1_000_000_003, None, 16, 4, &[9; 33]);
    let read = read_records(&[
        good(1_000_000_001),
        torn,
        good(1_000_000_005),
        unreadable_body,
        good(1_000_000_006),
        good(1_000_000_007),
        good(1_000_000_008),
    ]);
    assert_eq!(
        read.lines(),
        [
            "1000000001 AS64505 alive",
            "1000000001 gap of test until 1000000005 DamagedFile",
            "1000000005 AS64505 alive",
            "1000000005 gap of test until 1000000006 DamagedFile",
            "1000000006 AS64505 alive",
            "1000000007 AS64505 alive",
            "1000000008 AS64505 alive",
        ]
    );
    let places: Vec<(u64, u64, u64)> =
        read.accounts[0].skipped.iter().map(|damage| (damage.offset, damage.bytes, damage.record)).collect();
    assert_eq!(places, [(51, 41, 2), (143, 45, 4)]);
    assert_eq!(read.accounts[0].records, 7);
}

#[test]
fn one_wrong_clock_does_not_move_the_others() {
    let good = |seconds| message(seconds, 4, PEER, &bgp(4, &[]));
    let read = read_records(&[good(1_000_000_001), good(3_000_000_000), good(1_000_000_003), good(5), good(1_000_000_004)]);
    let times: Vec<i64> =
        read.observations.iter().filter(|seen| seen.what.from().is_some()).map(|seen| seen.at.seconds()).collect();
    assert_eq!(times, [1_000_000_001, 1_000_000_003, 1_000_000_004]);
    assert_eq!(read.accounts[0].skipped_count, 2);
}

#[test]
fn a_megabyte_of_noise_in_the_middle_is_skipped_and_a_file_of_noise_is_refused() {
    let mut seeded = Seeded(7);
    let noise: Vec<u8> = (0..1_500_000).map(|_| seeded.next(256) as u8).collect();
    let good = |seconds| message(seconds, 4, PEER, &bgp(4, &[]));
    let after: Vec<Vec<u8>> = (10..20).map(|offset| good(1_000_000_000 + offset)).collect();
    let read = read_records(&[good(1_000_000_001), noise.clone(), after.concat()]);
    let alive = read.lines().iter().filter(|line| line.ends_with("alive")).count();
    assert_eq!((alive, read.accounts[0].skipped_bytes), (11, 1_500_000));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(survives(&folder.path().join("noise"), &noise[..300_000]), None);
}
