//! Who had routes to the prefixes concerned: every vantage point through time.

use super::{end_of_bgp, windowed};
use crate::analysis::Analysis;
use crate::foreign::ForeignOrigin;
use crate::rib::{PrefixId, RouteState};
use crate::time::Timestamp;
use crate::vantage::{Asn, Family, VantageId};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Vantage points through time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapView {
    /// The prefixes whose routes are counted.
    pub prefixes: Vec<String>,
    /// Every vantage point which spoke of one of them: those which kept their routes longest first.
    pub rows: Vec<MapRow>,
}

/// A vantage point through time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapRow {
    /// Its name: one of `completeness.peers`.
    pub vantage: String,
    /// Its AS.
    pub asn: Asn,
    /// True if it has a full feed of a family of these prefixes, and so a vote.
    pub votes: bool,
    /// From its first step on.
    pub steps: Vec<MapStep>,
}

/// Of the prefixes of which the vantage point ever spoke, from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapStep {
    /// From when on.
    pub at: Timestamp,
    /// It has a route to so many.
    pub has: u32,
    /// It has lost its route to so many.
    pub lost: u32,
    /// Of so many it cannot be told.
    pub unknown: u32,
    /// Of so many it has taken another origin's route.
    pub foreign: u32,
}

/// One prefix at one vantage point.
#[derive(Clone, Copy, PartialEq)]
enum Cell {
    Has,
    Lost,
    Unknown,
    Foreign,
}

#[derive(Clone, Copy, PartialEq, Default)]
struct Count {
    has: u32,
    lost: u32,
    unknown: u32,
    foreign: u32,
}

impl Count {
    fn slot(&mut self, cell: Cell) -> &mut u32 {
        match cell {
            Cell::Has => &mut self.has,
            Cell::Lost => &mut self.lost,
            Cell::Unknown => &mut self.unknown,
            Cell::Foreign => &mut self.foreign,
        }
    }
}

/// What was said of one prefix.
struct Word {
    at: Timestamp,
    prefix: IpNet,
    said: Said,
}

#[derive(Clone, Copy)]
enum Said {
    State(RouteState),
    Foreign(bool),
}

impl MapView {
    pub(super) fn of(prefixes: &[IpNet], foreign: &[ForeignOrigin], analysis: &Analysis, window: (Timestamp, Timestamp)) -> Self {
        let mut words: BTreeMap<VantageId, Vec<Word>> = BTreeMap::new();
        let rib = &analysis.routing.rib;
        let wanted: HashMap<PrefixId, IpNet> = prefixes.iter().filter_map(|prefix| Some((rib.id_of(prefix)?, *prefix))).collect();
        for change in &analysis.routing.log.routes {
            if let Some(prefix) = wanted.get(&change.prefix) {
                words.entry(change.from).or_default().push(Word {
                    at: change.at,
                    prefix: *prefix,
                    said: Said::State(change.after),
                });
            }
        }
        for event in foreign.iter().filter(|event| rib.id_of(&event.prefix).is_some_and(|id| wanted.contains_key(&id))) {
            for said in &event.evidence {
                let word = Word { at: said.at, prefix: event.prefix, said: Said::Foreign(said.taken) };
                words.entry(said.from).or_default().push(word);
            }
        }
        let families: BTreeSet<Family> = prefixes.iter().map(Family::of).collect();
        let rows = words.into_iter().map(|(from, words)| {
            let point = analysis.vantages.point(from);
            MapRow {
                vantage: point.to_string(),
                asn: point.asn,
                votes: families.iter().any(|family| analysis.routing.feeds.is_full_feed(from, *family)),
                steps: steps(words, end_of_bgp(analysis, window), window),
            }
        });
        let mut rows: Vec<MapRow> = rows.filter(|row| !row.steps.is_empty()).collect();
        rows.sort_by_cached_key(|row| (Reverse(gone(row)), row.vantage.clone()));
        MapView { prefixes: prefixes.iter().map(IpNet::to_string).collect(), rows }
    }
}

fn steps(mut words: Vec<Word>, end: Option<Timestamp>, window: (Timestamp, Timestamp)) -> Vec<MapStep> {
    words.sort_by_key(|word| word.at);
    let mut cells: BTreeMap<IpNet, (RouteState, bool)> =
        words.iter().map(|word| (word.prefix, (RouteState::Unknown, false))).collect();
    let mut count = Count { unknown: u32::try_from(cells.len()).unwrap_or(u32::MAX), ..Count::default() };
    let mut steps = Vec::new();
    for word in words {
        let Some(cell) = cells.get_mut(&word.prefix) else { continue };
        *count.slot(shown(*cell)) -= 1;
        match word.said {
            Said::State(state) => cell.0 = state,
            Said::Foreign(taken) => cell.1 = taken,
        }
        *count.slot(shown(*cell)) += 1;
        steps.push((word.at, count));
    }
    if let Some(end) = end {
        let unknown = u32::try_from(cells.len()).unwrap_or(u32::MAX);
        steps.push((end, Count { unknown, ..Count::default() }));
    }
    let step = |(at, count): (Timestamp, Count)| {
        let Count { has, lost, unknown, foreign } = count;
        MapStep { at, has, lost, unknown, foreign }
    };
    windowed(steps, window).into_iter().map(step).collect()
}

const fn shown((state, foreign): (RouteState, bool)) -> Cell {
    match (state, foreign) {
        (_, true) => Cell::Foreign,
        (RouteState::Present, false) => Cell::Has,
        (RouteState::Withdrawn, false) => Cell::Lost,
        (RouteState::Unknown, false) => Cell::Unknown,
    }
}

/// When it first had no route left, after it had one: the end of time if it always had one, the beginning if it never had.
fn gone(row: &MapRow) -> Timestamp {
    if row.steps.iter().all(|step| step.has + step.foreign == 0) {
        return Timestamp::MIN;
    }
    let after = row.steps.iter().skip_while(|step| step.has + step.foreign == 0);
    after.skip_while(|step| step.has + step.foreign > 0 || step.lost == 0).map(|step| step.at).next().unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    #[test]
    fn prefixes_of_one_vantage_point_add_up_at_every_step() {
        let (a, b): (IpNet, IpNet) = ("192.0.2.0/24".parse().unwrap(), "198.51.100.0/24".parse().unwrap());
        let word = |seconds, prefix, said| Word { at: at(seconds), prefix, said };
        let words = vec![
            word(1, a, Said::State(RouteState::Present)),
            word(1, b, Said::State(RouteState::Present)),
            word(5, a, Said::State(RouteState::Withdrawn)),
            word(6, b, Said::Foreign(true)),
            word(7, a, Said::State(RouteState::Unknown)),
            word(8, b, Said::Foreign(false)),
        ];
        let shown: Vec<[u32; 4]> =
            steps(words, None, (at(0), at(9))).iter().map(|step| [step.has, step.lost, step.unknown, step.foreign]).collect();
        assert_eq!(shown, [[2, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 1, 1], [1, 0, 1, 0]]);
    }

    #[test]
    fn gone_is_who_had_a_route_and_has_none_left() {
        let row = |counts: &[[u32; 2]]| MapRow {
            vantage: String::new(),
            asn: Asn(1),
            votes: true,
            steps: counts
                .iter()
                .zip(1..)
                .map(|(c, s)| MapStep { at: at(s), has: c[0], lost: c[1], unknown: 0, foreign: 0 })
                .collect(),
        };
        assert_eq!(gone(&row(&[[2, 0], [1, 1], [0, 2]])), at(3));
        assert_eq!(gone(&row(&[[0, 2], [2, 0]])), Timestamp::MAX, "it came back, and was not lost since");
        assert_eq!(gone(&row(&[[0, 2]])), Timestamp::MIN, "it never had one: it kept nothing");
    }
}
