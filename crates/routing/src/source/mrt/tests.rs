//! The scan held against the full decoder: over recorded files, and over records which were damaged on purpose.

use super::agreement::disagreement;
use super::*;
use crate::compression;
use crate::source::interest::WatchedPrefixes;
use ipnet::IpNet;
use std::io::Read;
use std::path::Path;

fn assert_same(bytes: &[u8], interest: &Interest, what: &str) {
    if let Some(difference) = disagreement(bytes, interest) {
        panic!("{what}:\n{difference}");
    }
}

/// Recorded files: those of the package, and those beside it.
const FOLDERS: [&str; 3] = ["data/lab", "../shared/data/mrt", "../shared/lab"];
/// The root of the project, from this package.
const ROOT: &str = "../..";

/// Every file under a folder, unpacked; nothing if the folder is missing.
fn recorded(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(ROOT).join(folder);
    if !root.exists() {
        println!("SKIPPED: {folder} is missing, so the scan was not held against the full decoder on its files");
    }
    let (mut folders, mut files) = (vec![root], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    let unpacked = files.into_iter().filter_map(|path| {
        let mut bytes = Vec::new();
        // What a damaged file gives before its damage is of use as well.
        let _ = compression::open(&path).ok()?.1.take(64 << 20).read_to_end(&mut bytes);
        Frames::whole(bytes.clone()).is_mrt().then(|| (path.display().to_string(), bytes))
    });
    unpacked.collect()
}

/// Where each record of a sound file begins and ends.
fn records(bytes: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, mut records) = (0, Vec::new());
    while let Some(header) = bytes.get(at..at + 12) {
        let length = 12 + u32::from_be_bytes(header[8..].try_into().unwrap()) as usize;
        if bytes.len() - at < length {
            break;
        }
        records.push((at, at + length));
        at += length;
    }
    records
}

/// A few of the prefixes which a file speaks of.
fn some_prefixes(bytes: &[u8], count: usize) -> Interest {
    let mut frames = Frames::whole(bytes.to_vec());
    let mut prefixes: Vec<IpNet> = Vec::new();
    while let Step::Record(frame) = frames.step(&Interest::Everything) {
        if let Body::Scanned(Scanned::Update(update)) = frame.body {
            let (_, announced) = frames.prefixes().split_at(update.withdrawn);
            prefixes.extend(announced.nets().filter(|prefix| prefix.prefix_len() > 8));
        }
    }
    let step = (prefixes.len() / count).max(1);
    let chosen = prefixes.into_iter().step_by(step).chain(["193.0.0.0/21".parse().unwrap(), "2001:7fb::/32".parse().unwrap()]);
    Interest::Watched(WatchedPrefixes::new(chosen))
}

#[test]
fn scan_and_full_decoder_agree_on_every_recorded_file() {
    let sources = FOLDERS.into_iter().flat_map(recorded);
    let mut seen = 0;
    for (name, bytes) in sources {
        assert_same(&bytes, &some_prefixes(&bytes, 20), &name);
        assert_same(&bytes[..bytes.len().min(4 << 20)], &Interest::Everything, &name);
        seen += 1;
    }
    println!("{seen} recorded files");
}

/// Numbers which only look random (Steele, Lea, Flood 2014: SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }

    /// Changes a record as damage, a strange writer or an enemy would.
    fn mutate(&mut self, record: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let place = 12 + self.below(record.len() - 12);
            let Some(byte) = record.get_mut(place) else { return };
            match self.below(5) {
                0 => *byte = self.below(256) as u8,
                1 => *byte ^= 1 << self.below(8),
                2 => *byte = byte.wrapping_add(1),
                3 => *byte = 0,
                _ => {
                    let (cut, fill) = (self.below(6), self.below(256) as u8);
                    record.splice(place..(place + cut).min(record.len()), vec![fill; self.below(6)]);
                    if record.len() <= 12 {
                        return;
                    }
                }
            }
        }
        if self.below(16) > 0 {
            let length = (record.len() - 12) as u32;
            record[8..12].copy_from_slice(&length.to_be_bytes());
        }
    }
}

#[test]
fn scan_and_full_decoder_agree_on_damaged_records() {
    let wanted = std::env::var("FAULTLINE_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let files = FOLDERS.into_iter().flat_map(recorded);
    let files: Vec<_> = files
        .map(|(_, bytes)| (records(&bytes), some_prefixes(&bytes, 200), bytes))
        .filter(|(records, ..)| records.len() > 3)
        .collect();
    let (mut dice, mut done) = (Dice(2021), 0);
    while done < wanted && !files.is_empty() {
        let (records, interest, bytes) = &files[dice.below(files.len())];
        let first = dice.below(records.len());
        let mut mutated = Vec::new();
        for (start, end) in &records[first..(first + 40).min(records.len())] {
            let mut record = bytes[*start..*end].to_vec();
            if record.len() < 20_000 && record.len() > 12 && dice.below(3) > 0 {
                dice.mutate(&mut record);
                done += 1;
            }
            mutated.extend(record);
        }
        let what = format!("mutation {done}");
        match dice.below(4) {
            0 => assert_same(&mutated, &Interest::Everything, &what),
            _ => assert_same(&mutated, interest, &what),
        }
    }
    println!("{done} records damaged");
}
