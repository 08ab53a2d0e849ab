//! What is known of files before they are read: which are copies, and whose names can be believed.

use super::account::{FileAccount, FileKind};
use super::discover::InputFile;
use super::open::{compression, hash};
use crate::compression::Compression;
use crate::time::Span;
use std::cmp::Reverse;
use std::collections::HashMap;

/// First records this much after the time in the name agree with it.
const LATE: Span = Span::from_seconds(3_600);

/// Notes files which are the same bytes as another one: they are read once, as a file of the collector which has most files here. A copy which
/// lies about elsewhere must not tear a hole into its series.
pub(super) fn note_copies(files: &[InputFile], accounts: &mut [FileAccount]) {
    let mut sizes: HashMap<u64, Vec<usize>> = HashMap::new();
    for (number, file) in files.iter().enumerate().filter(|(_, file)| file.bytes > 0) {
        sizes.entry(file.bytes).or_default().push(number);
    }
    let mut of_collector: HashMap<&str, usize> = HashMap::new();
    files.iter().for_each(|file| *of_collector.entry(file.collector.as_str()).or_default() += 1);
    for mut same_size in sizes.into_values().filter(|numbers| numbers.len() > 1) {
        same_size.sort_by_key(|number| (Reverse(of_collector.get(files[*number].collector.as_str())), *number));
        let mut hashes: HashMap<String, usize> = HashMap::new();
        for number in same_size {
            // A file which cannot be read says so when its turn comes.
            let Ok(hash) = hash(&files[number]) else { continue };
            match hashes.get(&hash) {
                Some(first) => {
                    accounts[number].kind = FileKind::Copy;
                    accounts[number].copy_of = Some(files[*first].path.clone());
                    accounts[number].blake3 = hash;
                }
                None => {
                    hashes.insert(hash, number);
                }
            }
        }
    }
}

/// Which files need no look at their first record: bzip2 files whose series keeps to the times in its names, as its first and its last
/// file show.
pub(super) fn trusted_names(files: &[InputFile], accounts: &[FileAccount]) -> Vec<bool> {
    let mut trusted = vec![false; files.len()];
    let mut series: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (number, file) in files.iter().enumerate() {
        let packed = || compression(file).is_ok_and(|compression| compression == Compression::Bzip2);
        if file.begins.is_some() && accounts[number].copy_of.is_none() && packed() {
            series.entry((&file.collector, &file.series)).or_default().push(number);
        }
    }
    for mut numbers in series.into_values().filter(|numbers| numbers.len() > 2) {
        numbers.sort_by_key(|number| files[*number].begins);
        let keeps_time = |number: &usize| {
            let first = super::open::sample_first(&files[*number]);
            first
                .zip(files[*number].begins)
                .is_some_and(|(first, begins)| first.since(begins) >= Span::ZERO && first.since(begins) <= LATE)
        };
        if numbers.first().is_some_and(keeps_time) && numbers.last().is_some_and(keeps_time) {
            numbers.into_iter().for_each(|number| trusted[number] = true);
        }
    }
    trusted
}
