//! Missing files of an archive.
//!
//! Takes the files of one collector and series with the times in their names; gives the holes in their sequence. A collector writes a
//! file every so many minutes, so a missing one is a time in which nothing is known, not a time in which nothing happened. Holes inside
//! a file, and a collector which falls silent, are not seen here.

use super::collectors::RIS_FIVE_MINUTES;
use super::discover::InputFile;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// A hole after a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Missing {
    /// When the file before it should have ended.
    pub(super) from: Timestamp,
    /// The file after it.
    pub(super) next: usize,
}

/// The place of a file in its series.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Sequel {
    /// The file which follows it.
    pub(super) next: Option<usize>,
    /// The hole before that one, if there is one.
    pub(super) missing: Option<Missing>,
    /// How much time one file of the series covers, if it is regular.
    pub(super) period: Option<Span>,
}

/// For each file, what follows it. Files of table dumps, and files whose names tell no time, have no sequel.
pub(super) fn sequels(files: &[InputFile]) -> Vec<Sequel> {
    let mut series: BTreeMap<(&str, &str), Vec<(Timestamp, usize)>> = BTreeMap::new();
    for (number, file) in files.iter().enumerate() {
        if let Some(begins) = file.begins
            && !is_table(&file.series)
        {
            series.entry((&file.collector, &file.series)).or_default().push((begins, number));
        }
    }
    let mut sequels = vec![Sequel::default(); files.len()];
    for ((collector, _), mut members) in series {
        members.sort_unstable();
        let period = period(collector, &members);
        for pair in members.windows(2) {
            let ((begins, number), (next_begins, next)) = (pair[0], pair[1]);
            // RouteViews' files of 2008 began up to two minutes late; half a period is no missing file.
            let missing = period
                .filter(|period| next_begins.since(begins).times(2) > period.times(3))
                .map(|period| Missing { from: begins + period, next });
            sequels[number] = Sequel { next: Some(next), missing, period };
        }
        if let Some((_, number)) = members.last() {
            sequels[*number].period = period;
        }
    }
    sequels
}

/// The time of which archives of updates tell, by collector.
#[derive(Debug, Default)]
pub(super) struct Covered(HashMap<String, Vec<(Timestamp, Timestamp)>>);

impl Covered {
    /// By the names of files; those which tell no time, or follow no rule, cover nothing.
    pub(super) fn of(files: &[InputFile], sequels: &[Sequel]) -> Self {
        let mut covered: HashMap<String, Vec<(Timestamp, Timestamp)>> = HashMap::new();
        for (file, sequel) in files.iter().zip(sequels) {
            let (Some(begins), Some(period)) = (file.begins, sequel.period) else { continue };
            let next = sequel.next.filter(|_| sequel.missing.is_none()).and_then(|next| files[next].begins);
            covered.entry(file.collector.clone()).or_default().push((begins, next.unwrap_or(begins + period)));
        }
        for spans in covered.values_mut() {
            spans.sort_unstable();
            spans.dedup_by(|next, before| {
                let joins = next.0 <= before.1;
                if joins {
                    before.1 = before.1.max(next.1);
                }
                joins
            });
        }
        Covered(covered)
    }

    /// Whether they tell all of a collector between these times.
    pub(super) fn tells(&self, collector: &str, from: Timestamp, until: Timestamp) -> bool {
        self.0.get(collector).is_some_and(|spans| spans.iter().any(|(begins, ends)| *begins <= from && until <= *ends))
    }
}

/// True for series of table dumps: `rib`, `bview`, `rib.v4`, …
pub(super) fn is_table(series: &str) -> bool {
    series.split('.').any(|token| matches!(token, "rib" | "ribs" | "bview" | "view" | "table"))
}

/// How often the series has a file: the commonest distance, else what is known of the collector.
fn period(collector: &str, members: &[(Timestamp, usize)]) -> Option<Span> {
    let mut distances: HashMap<i64, usize> = HashMap::new();
    for pair in members.windows(2) {
        *distances.entry(pair[1].0.since(pair[0].0).micros()).or_default() += 1;
    }
    let commonest = distances
        .into_iter()
        .filter(|(distance, count)| *distance > 0 && *count > 1)
        .max_by_key(|(distance, count)| (*count, -distance));
    if let Some((distance, _)) = commonest {
        return Some(Span::from_micros(distance));
    }
    let begins = members.first()?.0;
    if collector.starts_with("rrc") {
        Some(Span::from_seconds(if begins < RIS_FIVE_MINUTES { 900 } else { 300 }))
    } else if collector.starts_with("route-views") {
        Some(Span::from_seconds(900))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn files(collector: &str, series: &str, times: &[&str]) -> Vec<InputFile> {
        let file = |time: &&str| InputFile {
            path: PathBuf::from(format!("{series}.{time}")),
            collector: collector.to_owned(),
            series: series.to_owned(),
            begins: Some(format!("2008-02-{time}:00Z").parse().unwrap()),
            bytes: 1,
            expected: true,
            stand_in: None,
        };
        times.iter().map(file).collect()
    }

    fn holes(files: &[InputFile]) -> Vec<(usize, usize)> {
        sequels(files).iter().enumerate().filter_map(|(number, sequel)| Some((number, sequel.missing?.next))).collect()
    }

    #[test]
    fn a_file_which_begins_two_minutes_late_is_not_a_missing_one() {
        let late = files("route-views2", "updates", &["19T02:00", "19T02:17", "19T02:32", "19T02:47", "19T03:02"]);
        assert_eq!(holes(&late), []);
    }

    #[test]
    fn missing_files_and_missing_days_are_one_hole_each() {
        let files = files("route-views2", "updates", &["19T06:20", "19T06:35", "19T06:50", "19T07:20", "23T00:14", "23T00:29"]);
        assert_eq!(holes(&files), [(2, 3), (3, 4)]);
        let missing = sequels(&files)[2].missing.unwrap();
        assert_eq!(missing.from.to_string(), "2008-02-19T07:05:00Z");
    }

    #[test]
    fn files_which_follow_each_other_cover_the_time_between() {
        let files = files("rrc00", "updates", &["19T06:20", "19T06:25", "19T06:30", "19T06:40"]);
        let covered = Covered::of(&files, &sequels(&files));
        let tells = |collector: &str, from: &str, until: &str| {
            let at = |clock: &str| format!("2008-02-19T{clock}Z").parse().unwrap();
            covered.tells(collector, at(from), at(until))
        };
        assert!(tells("rrc00", "06:21:00", "06:34:59"));
        assert!(!tells("rrc00", "06:34:00", "06:41:00"), "a file is missing");
        assert!(tells("rrc00", "06:40:00", "06:44:00"));
        assert!(!tells("rrc00", "06:19:00", "06:21:00") && !tells("rrc01", "06:21:00", "06:22:00"));
    }

    #[test]
    fn two_files_are_judged_by_what_is_known_of_the_collector() {
        assert_eq!(holes(&files("rrc00", "updates", &["19T06:20", "19T06:30"])), [(0, 1)]);
        assert_eq!(holes(&files("rrc00", "updates", &["19T06:20", "19T06:25"])), []);
        assert_eq!(holes(&files("mine", "updates", &["19T06:20", "19T06:50"])), []);
        assert_eq!(holes(&files("rrc00", "bview", &["19T00:00", "19T08:00", "19T16:00", "20T16:00"])), []);
    }
}
