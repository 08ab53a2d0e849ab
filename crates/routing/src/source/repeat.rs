//! Series of one collector which repeat the same messages.
//!
//! FRR can write `all` (whole seconds, with state changes) and `updates-et` (microseconds, UPDATEs only) side by side. Counted twice, every
//! message would be an announcement too many. Takes the files of each collector; where two series overlap in time, compares messages of
//! both; gives, for each file of the repeating series, the spans for which the other has the UPDATEs. Its state changes stay.

use super::discover::InputFile;
use super::gap::{Sequel, is_table};
use super::open::{Sample, sample};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// When another series has the same UPDATEs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated(Vec<(Timestamp, Timestamp)>);

impl Repeated {
    /// True if the other series covers this time.
    pub(super) fn covers(&self, at: Timestamp) -> bool {
        self.0.iter().any(|(from, until)| *from <= at && at < *until)
    }
}

/// Messages compared of each series.
const COMPARED: usize = 5_000;
/// Pairs of files compared, at most.
const PAIRS: usize = 8;
/// Fewer than this prove nothing.
const COMMON_MIN: usize = 5;
/// Whole-second stamps are up to this much early.
const SECOND: Span = Span::from_seconds(1);

struct Series {
    /// Files with the time of their first record, in order.
    files: Vec<(Timestamp, usize)>,
}

/// For each file, when its UPDATEs are another series'. `heads`: when each file begins; `None` for files which are not read.
pub(super) fn repeats(files: &[InputFile], heads: &[Option<Timestamp>], sequels: &[Sequel]) -> Vec<Option<Arc<Repeated>>> {
    let mut collectors: BTreeMap<&str, BTreeMap<&str, Series>> = BTreeMap::new();
    for (number, (file, head)) in files.iter().zip(heads).enumerate() {
        if let Some(head) = head
            && !is_table(&file.series)
            && file.path.as_os_str() != "-"
        {
            let series = collectors.entry(&file.collector).or_default().entry(&file.series).or_insert(Series { files: Vec::new() });
            series.files.push((*head, number));
        }
    }
    let mut repeated = vec![None; files.len()];
    for (_, series) in collectors {
        let mut series: Vec<Series> = series.into_values().collect();
        series.iter_mut().for_each(|series| series.files.sort_unstable());
        for (one, other) in pairs(series.len()) {
            let Some((main, copy)) =
                compare(&series[one], &series[other], files, sequels).map(|first| if first { (one, other) } else { (other, one) })
            else {
                continue;
            };
            let covered = Arc::new(Repeated(spans(&series[main], files, sequels)));
            for (_, number) in &series[copy].files {
                repeated[*number].get_or_insert_with(|| Arc::clone(&covered));
            }
        }
    }
    // Of three series one is nobody's copy, or each would wait for another.
    repeated
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |one| (one + 1..count).map(move |other| (one, other)))
}

/// The spans a series covers, from the second of a file's first record until the next file, or until its own last record.
fn spans(series: &Series, files: &[InputFile], sequels: &[Sequel]) -> Vec<(Timestamp, Timestamp)> {
    let floor = |at: Timestamp| Timestamp::from_parts(at.seconds(), 0);
    let end = |place: usize| {
        let (_, number) = series.files[place];
        let next = series.files.get(place + 1).map(|next| floor(next.0));
        match next {
            Some(next) if sequels[number].missing.is_none() => next,
            _ => {
                let latest = sample(&files[number], Timestamp::MAX, 1).ok().and_then(|(_, latest)| latest);
                latest.map_or(floor(series.files[place].0), |latest| floor(latest) + SECOND)
            }
        }
    };
    (0..series.files.len()).map(|place| (floor(series.files[place].0), end(place))).collect()
}

/// Whether two series say the same; true if the first is the one to keep, false if the second is. Files which overlap in time are
/// compared, until two say enough to tell.
fn compare(one: &Series, other: &Series, files: &[InputFile], sequels: &[Sequel]) -> Option<bool> {
    let ends = |series: &Series, place: usize| {
        let (head, number) = series.files[place];
        let next = series.files.get(place + 1).map(|next| next.0);
        next.unwrap_or_else(|| sequels[number].period.map_or(Timestamp::MAX, |period| head + period))
    };
    let mut overlaps = Vec::new();
    for a in 0..one.files.len() {
        for b in 0..other.files.len() {
            let from = one.files[a].0.max(other.files[b].0);
            if ends(one, a).min(ends(other, b)).since(from) > SECOND {
                overlaps.push((from, one.files[a].1, other.files[b].1));
            }
        }
    }
    overlaps.sort_unstable();
    overlaps.into_iter().take(PAIRS).find_map(|(from, a, b)| compare_files(from, &files[a], &files[b]))?
}

/// Whether two files say the same from a time on, as [`compare`] tells it; the outer `None` if they say too little.
fn compare_files(from: Timestamp, a: &InputFile, b: &InputFile) -> Option<Option<bool>> {
    let from = Timestamp::from_parts(from.seconds(), 0);
    let (a, _) = sample(a, from, COMPARED).ok()?;
    let (b, _) = sample(b, from, COMPARED).ok()?;
    let until = a.last()?.at.min(b.last()?.at);
    let within = |samples: Vec<Sample>| -> Vec<Sample> { samples.into_iter().filter(|sample| sample.at <= until).collect() };
    let (a, b) = (within(a), within(b));
    let smaller = a.len().min(b.len());
    if smaller < COMMON_MIN {
        return None;
    }
    if common(&a, &b) * 5 < smaller * 4 {
        return Some(None);
    }
    let fine = |samples: &[Sample]| samples.iter().filter(|sample| sample.fine).count() * 2 > samples.len();
    Some(Some(match (fine(&a), fine(&b)) {
        (true, false) => true,
        (false, true) => false,
        (true, true) | (false, false) => a.len() >= b.len(),
    }))
}

fn common(a: &[Sample], b: &[Sample]) -> usize {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    a.iter().for_each(|sample| *counts.entry(sample.hash).or_default() += 1);
    b.iter()
        .filter(|sample| match counts.get_mut(&sample.hash) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_one_copy() {
        let samples = |hashes: &[u64]| -> Vec<Sample> {
            hashes.iter().map(|hash| Sample { at: Timestamp::MIN, hash: *hash, fine: false }).collect()
        };
        assert_eq!(common(&samples(&[1, 2, 2]), &samples(&[2, 2, 2, 3])), 2);
    }

    #[test]
    fn only_the_time_of_the_other_series_is_covered() {
        let at = |seconds| Timestamp::from_parts(seconds, 0);
        let repeated = Repeated(vec![(at(10), at(20)), (at(30), at(40))]);
        let covered: Vec<i64> = (0..50).step_by(5).filter(|seconds| repeated.covers(at(*seconds))).collect();
        assert_eq!(covered, [10, 15, 30, 35]);
    }
}
