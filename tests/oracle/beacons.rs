//! The RIS beacons: withdrawn and announced every two hours by schedule, so their withdrawals are known in advance.

use crate::recording::Recording;
use crate::rows::BeaconRow;
use faultline::analysis::Survey;
use faultline::observation::Statement;
use faultline::source::{InputSpec, Interest, Merge, Resources, WatchedPrefixes, discover};
use faultline::time::{Span, Timestamp};
use faultline::vantage::Vantages;
use faultline::withdrawal::{Level, Withdrawal};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A withdrawal is found this soon.
const WITHIN: Span = Span::from_seconds(300);
/// A beacon's slot.
const SLOT: Span = Span::from_seconds(7_200);

/// When half of the peers had withdrawn a beacon for good, by prefix and boundary.
pub type Crossings = BTreeMap<(IpNet, Timestamp), Timestamp>;

/// A scheduled withdrawal and what was found of it, or something found which no schedule tells.
pub enum BeaconFinding {
    Scheduled { prefix: IpNet, boundary: Timestamp, crossing: Option<Timestamp>, found: Vec<Withdrawal> },
    Unscheduled { found: Box<Withdrawal> },
}

/// Half of the peers seen, counted from the statements alone, in the files of each slot.
pub fn crossings(recording: &Recording, rows: &[BeaconRow]) -> Crossings {
    let testable: Vec<&BeaconRow> = rows.iter().filter(|row| row.is_testable()).collect();
    let boundaries: BTreeSet<Timestamp> = testable.iter().map(|row| row.boundary).collect();
    let mut crossings = Crossings::new();
    for boundary in boundaries {
        let rows: Vec<&BeaconRow> = testable.iter().filter(|row| row.boundary == boundary).copied().collect();
        let seen = rows.iter().map(|row| (row.prefix, row.seen_so_far)).collect();
        let crossed = crossed(recording, boundary, &seen);
        for row in rows {
            let at = crossed[&row.prefix];
            let (first, last) = row.finals.unwrap();
            let after = at.since(boundary).seconds();
            assert!((first..=last).contains(&after), "{} {boundary}: {after} s, not {first} to {last} s", row.prefix);
            crossings.insert((row.prefix, boundary), at);
        }
    }
    crossings
}

fn crossed(recording: &Recording, boundary: Timestamp, rows: &BTreeMap<IpNet, u32>) -> BTreeMap<IpNet, Timestamp> {
    let day = boundary.to_string()[..10].to_owned();
    let paths = recording.day(&day);
    let specs: Vec<InputSpec> = paths.into_iter().map(|path| InputSpec { path, collector: None }).collect();
    let mut files = discover(&specs).unwrap();
    let (early, late) = (boundary - Span::from_seconds(900), boundary + Span::from_seconds(1_800));
    files.retain(|file| file.begins.is_some_and(|begins| (early..=late).contains(&begins)));
    let interest = Interest::Watched(WatchedPrefixes::new(rows.keys().copied()));
    let mut merge = Merge::open(files, interest, &Resources::default()).unwrap();
    let mut vantages = Vantages::default();
    let mut gone: BTreeMap<IpNet, BTreeSet<_>> = BTreeMap::new();
    let mut crossed = BTreeMap::new();
    while let Some(observation) = merge.next(&mut vantages) {
        let prefix = match observation.what {
            Statement::Withdraw { from, prefix, .. } => {
                gone.entry(prefix).or_default().insert(from);
                prefix
            }
            Statement::Announce { from, prefix, .. } => {
                gone.entry(prefix).or_default().remove(&from);
                prefix
            }
            _ => continue,
        };
        let Some(seen) = rows.get(&prefix).filter(|_| observation.at >= boundary) else { continue };
        if gone[&prefix].len() * 2 <= *seen as usize {
            crossed.remove(&prefix);
        } else {
            crossed.entry(prefix).or_insert(observation.at);
        }
    }
    crossed
}

impl BeaconFinding {
    /// What was found at every testable row, and what else was found of the rows' prefixes.
    pub fn all(rows: &[BeaconRow], crossings: &Crossings, surveys: &[Survey]) -> Vec<Self> {
        let prefixes: BTreeSet<IpNet> = rows.iter().map(|row| row.prefix).collect();
        let severe = |withdrawal: &&Withdrawal| withdrawal.level > Level::Partial && prefixes.contains(&withdrawal.prefix);
        let mut left: Vec<&Withdrawal> = surveys.iter().flat_map(|survey| &survey.routing.withdrawals).filter(severe).collect();
        let mut findings = Vec::new();
        for row in rows.iter().filter(|row| row.is_testable()) {
            let is_of = |found: &&Withdrawal| {
                found.prefix == row.prefix && found.opened >= row.boundary && found.opened < row.boundary + SLOT
            };
            let (found, others) = left.into_iter().partition::<Vec<_>, _>(is_of);
            left = others;
            findings.push(BeaconFinding::Scheduled {
                prefix: row.prefix,
                boundary: row.boundary,
                crossing: crossings.get(&(row.prefix, row.boundary)).copied(),
                found: found.into_iter().cloned().collect(),
            });
        }
        findings.extend(left.into_iter().map(|found| BeaconFinding::Unscheduled { found: Box::new(found.clone()) }));
        findings
    }

    /// Not found in time, found more than once, or not scheduled at all.
    pub fn is_wrong(&self) -> bool {
        match self {
            BeaconFinding::Scheduled { crossing, found, .. } => match (crossing, found.as_slice()) {
                (Some(crossing), [found]) => found.opened.since(*crossing).abs() > WITHIN,
                _ => true,
            },
            BeaconFinding::Unscheduled { .. } => true,
        }
    }
}

impl fmt::Display for BeaconFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |at: Option<Timestamp>, from: Timestamp| {
            at.map_or_else(|| "never".to_owned(), |at| format!("{} s", at.since(from).seconds()))
        };
        match self {
            BeaconFinding::Scheduled { prefix, boundary, crossing, found } => {
                write!(f, "beacon {prefix} {boundary}: half of the peers after {}", seconds(*crossing, *boundary))?;
                for found in found {
                    let half = found.crossed[Level::Major as usize];
                    write!(f, "; half of the ASes after {}", seconds(half, *boundary))?;
                    write!(f, ", opened after {}", seconds(Some(found.opened), *boundary))?;
                    write!(f, ", back after {}", seconds(found.recovered, *boundary + SLOT))?;
                }
                if found.is_empty() { f.write_str("; NOT FOUND") } else { Ok(()) }
            }
            BeaconFinding::Unscheduled { found } => {
                write!(f, "beacon {} NOT SCHEDULED: onset {}, back {:?}", found.prefix, found.onset.earliest, found.recovered)
            }
        }
    }
}
