//! Groups of prefixes of one origin: which rows of the oracle were found, and what was found beside them.

use crate::absence::{Absence, absences};
use crate::rows::GroupRow;
use faultline::analysis::Survey;
use faultline::time::{Span, Timestamp};
use faultline::vantage::Asn;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The oracle has groups of at least so many prefixes.
const PREFIXES: usize = 5;
/// Its groups hold prefixes of one origin which reached 35 peers no later than this after one another …
const TOGETHER: Span = Span::from_seconds(120);
/// … and of which the median one was gone for so long.
const LEAST: Span = Span::from_seconds(300);
/// The time at 35 peers may differ by so much.
const WITHIN: Span = Span::from_seconds(60);

/// Prefixes of one origin, withdrawn together as the oracle counts it.
pub struct Group {
    pub origin: Option<Asn>,
    pub absences: Vec<Absence>,
    pub end: Timestamp,
}

/// A row, and what was found of it.
pub struct Found {
    pub row: String,
    pub self_contained: bool,
    pub prefixes: usize,
    /// Its prefixes at 35 peers within the time allowed.
    pub there: BTreeSet<IpNet>,
    /// Its prefixes which are not.
    pub missing: Vec<IpNet>,
    /// From its time at 35 peers to the one found, for the first of its prefixes.
    pub off: Option<Span>,
    /// From the time its median prefix was back to the one found; `None` if the recording ends before.
    pub back_off: Option<Span>,
    /// Most of its prefixes which are in one outage of the survey.
    pub in_one_outage: usize,
    /// What was found of its prefixes and is not the row's.
    pub elsewhere: Vec<Absence>,
}

/// All rows, and all groups which belong to none.
pub struct Comparison {
    pub rows: Vec<Found>,
    pub extras: Vec<Group>,
    pub groups: usize,
}

impl Comparison {
    pub fn of(rows: &[GroupRow], surveys: &[Survey]) -> Self {
        let groups: Vec<Group> = surveys.iter().flat_map(Group::all).collect();
        let rows_found = rows.iter().map(|row| Found::of(row, &groups)).collect();
        let count = groups.len();
        let extras = groups.into_iter().filter(|group| !rows.iter().any(|row| group.part_of(row).next().is_some())).collect();
        Comparison { rows: rows_found, extras, groups: count }
    }

    /// Self-contained rows found, and all of them.
    pub fn self_contained(&self) -> (usize, usize) {
        let rows = || self.rows.iter().filter(|row| row.self_contained);
        (rows().filter(|row| row.is_found()).count(), rows().count())
    }
}

impl Group {
    /// Every group of the oracle's class in the outages of a survey.
    fn all(survey: &Survey) -> Vec<Self> {
        let mut by_origin: BTreeMap<Option<Asn>, Vec<Absence>> = BTreeMap::new();
        for (place, outage) in survey.outages.iter().enumerate() {
            let withdrawals = outage.withdrawals.iter().map(|withdrawal| &survey.routing.withdrawals[*withdrawal]);
            by_origin.entry(outage.origin).or_default().extend(withdrawals.flat_map(|withdrawal| absences(withdrawal, place)));
        }
        let mut groups = Vec::new();
        for (origin, mut all) in by_origin {
            all.sort_by_key(|absence| (absence.at, absence.prefix));
            for absences in all.chunk_by(|a, b| b.at.since(a.at) <= TOGETHER) {
                groups.push(Group { origin, absences: absences.to_vec(), end: survey.routing.last });
            }
        }
        groups.retain(Group::is_of_the_class);
        groups
    }

    fn is_of_the_class(&self) -> bool {
        let mut lengths: Vec<Span> = self.absences.iter().map(|absence| absence.length(self.end)).collect();
        lengths.sort_unstable();
        self.prefixes(|_| true).len() >= PREFIXES && lengths[lengths.len() / 2] >= LEAST
    }

    fn prefixes(&self, which: impl Fn(&Absence) -> bool) -> BTreeSet<IpNet> {
        self.absences.iter().filter(|absence| which(absence)).map(|absence| absence.prefix).collect()
    }

    /// The absences which are the row's.
    fn part_of<'a>(&'a self, row: &'a GroupRow) -> impl Iterator<Item = &'a Absence> {
        let (from, until) = (row.first - WITHIN, row.last + WITHIN);
        self.absences.iter().filter(move |absence| {
            let own = row.prefixes.contains(&absence.prefix) && absence.origins.contains(&row.origin);
            own && (from..=until).contains(&absence.at)
        })
    }

    /// As many of its prefixes as the oracle asks for were back in the recording.
    fn is_back(&self) -> bool {
        self.prefixes(|absence| absence.until.is_some()).len() >= PREFIXES
    }
}

impl Found {
    fn of(row: &GroupRow, groups: &[Group]) -> Self {
        let part: Vec<&Absence> = groups.iter().flat_map(|group| group.part_of(row)).collect();
        let first = part.iter().map(|absence| absence.at).min();
        let mut back: Vec<Timestamp> = part.iter().filter_map(|absence| absence.until).collect();
        back.sort_unstable();
        let back_off = (back.len() == part.len()).then(|| back.get(back.len() / 2)).flatten().map(|at| at.since(row.median_back));
        let mut outages: BTreeMap<usize, BTreeSet<IpNet>> = BTreeMap::new();
        part.iter().for_each(|absence| {
            outages.entry(absence.outage).or_default().insert(absence.prefix);
        });
        let elsewhere = groups.iter().flat_map(|group| &group.absences).filter(|absence| row.prefixes.contains(&absence.prefix));
        Found {
            row: format!("{} {} prefixes at 35 peers {} to {}", row.origin, row.prefixes.len(), row.first, row.last.clock()),
            self_contained: row.self_contained,
            prefixes: row.prefixes.len(),
            there: part.iter().map(|absence| absence.prefix).collect(),
            off: first.map(|first| first.since(row.first)),
            back_off,
            missing: row.prefixes.iter().filter(|prefix| !part.iter().any(|part| part.prefix == **prefix)).copied().collect(),
            in_one_outage: outages.values().map(BTreeSet::len).max().unwrap_or(0),
            elsewhere: elsewhere.filter(|other| !part.iter().any(|part| part.at == other.at)).cloned().collect(),
        }
    }

    /// At least five of its prefixes, the first of them in time.
    pub fn is_found(&self) -> bool {
        self.there.len() >= PREFIXES && self.off.is_some_and(|off| off.abs() <= WITHIN)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: usize, whole: usize| {
            let permille = part * 1_000 / whole.max(1);
            format!("{part} of {whole} ({}.{} %)", permille / 10, permille % 10)
        };
        let found: Vec<&Found> = self.rows.iter().filter(|row| row.is_found()).collect();
        let (contained, all) = self.self_contained();
        writeln!(f, "recall, self-contained groups: {}", share(contained, all))?;
        writeln!(f, "recall, all groups: {}", share(found.len(), self.rows.len()))?;
        let prefixes = self.rows.iter().map(|row| row.prefixes).sum();
        writeln!(f, "recall, prefixes of all groups: {}", share(self.rows.iter().map(|row| row.there.len()).sum(), prefixes))?;
        let together = found.iter().filter(|row| row.in_one_outage * 2 > row.prefixes).count();
        writeln!(f, "most of its prefixes in one outage of the survey: {}", share(together, found.len()))?;
        let back: Vec<Span> = found.iter().filter_map(|row| row.back_off).collect();
        let in_time = back.iter().filter(|off| off.abs() <= WITHIN).count();
        writeln!(f, "back in the recording, the median prefix within 60 s: {}", share(in_time, back.len()))?;
        let matched = self.groups - self.extras.len();
        writeln!(f, "precision, groups of the oracle's class: {}", share(matched, self.groups))?;
        let extras_back = self.extras.iter().filter(|group| group.is_back()).count();
        writeln!(f, "precision, without extras never back in the recording: {}", share(matched, matched + extras_back))?;
        for row in self.rows.iter().filter(|row| !row.is_found()) {
            writeln!(f, "missed: {row}")?;
        }
        for row in found.iter().filter(|row| row.there.len() < row.prefixes) {
            writeln!(f, "found in part: {row}")?;
        }
        for row in found.iter().filter(|row| row.back_off.is_some_and(|off| off.abs() > WITHIN)) {
            writeln!(f, "back at another time: {row}")?;
        }
        self.extras.iter().try_for_each(|group| writeln!(f, "extra: {group}"))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.row, if self.self_contained { "" } else { " (not self-contained)" })?;
        write!(f, "; found {} of them, {} in one outage", self.there.len(), self.in_one_outage)?;
        if let Some(off) = self.off {
            write!(f, ", first {} s off", off.seconds())?;
        }
        if let Some(off) = self.back_off {
            write!(f, ", back {} s off", off.seconds())?;
        }
        if !self.missing.is_empty() {
            let missing: Vec<String> = self.missing.iter().map(ToString::to_string).collect();
            write!(f, "; without {}", missing.join(" "))?;
        }
        for absence in self.elsewhere.iter().take(3) {
            let origins: Vec<String> = absence.origins.iter().map(ToString::to_string).collect();
            write!(f, "; {} ({}) at {}", absence.prefix, origins.join(" "), absence.at)?;
        }
        Ok(())
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.absences.iter().map(|absence| absence.at).min().unwrap_or(self.end);
        let back = self.prefixes(|absence| absence.until.is_some()).len();
        let origin = self.origin.map_or_else(|| "origin never seen".to_owned(), |origin| origin.to_string());
        write!(f, "{origin} {} prefixes at 35 peers from {first}, {back} back", self.prefixes(|_| true).len())?;
        if let Some(last) = self.absences.iter().filter_map(|absence| absence.until).max() {
            write!(f, " by {}", last.clock())?;
        }
        self.prefixes(|_| true).iter().take(3).try_for_each(|prefix| write!(f, "; {prefix}"))
    }
}
