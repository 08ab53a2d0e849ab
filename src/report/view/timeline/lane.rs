//! How each layer was, step by step: so many of its probed series good, failing, in between, or not probed.
//!
//! A loss has bounds: between the last good answer and the first bad one nobody knows, and the lane says so.

use super::windowed;
use crate::analysis::Analysis;
use crate::probe::{DnsServer, Target};
use crate::reachability::{Layer, ReachabilityLoss, Series, SeriesCoverage};
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Series which belong together, through time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaneView {
    /// What they test.
    pub layer: Layer,
    /// Whose lane it is: a name server, a resolver at a vantage, a service, a vantage's controls.
    pub name: String,
    /// How many series there are: the denominator of every step.
    pub series: u32,
    /// From the beginning of the window on.
    pub steps: Vec<LaneStep>,
}

/// How the series of a lane were, from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaneStep {
    /// From when on.
    pub at: Timestamp,
    /// Up.
    pub good: u32,
    /// Down.
    pub failing: u32,
    /// Between the last attempt of one kind and the first of the other: either.
    pub unsure: u32,
    /// Nobody probed.
    pub unprobed: u32,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Good,
    Failing,
    Unsure,
    Unprobed,
}

#[derive(Clone, Copy, PartialEq, Default)]
struct Count {
    good: u32,
    failing: u32,
    unsure: u32,
    unprobed: u32,
}

/// The series of a lane, each with its states.
struct Gathered {
    layer: Layer,
    series: Vec<Vec<(Timestamp, State)>>,
}

impl Count {
    fn slot(&mut self, state: State) -> &mut u32 {
        match state {
            State::Good => &mut self.good,
            State::Failing => &mut self.failing,
            State::Unsure => &mut self.unsure,
            State::Unprobed => &mut self.unprobed,
        }
    }
}

/// Every lane, from DNS to status reports, controls last; `names` says which lanes a series belongs to.
pub(super) fn lanes(analysis: &Analysis, window: (Timestamp, Timestamp), names: impl Fn(&Series) -> Vec<String>) -> Vec<LaneView> {
    let mut losses: HashMap<&Series, Vec<&ReachabilityLoss>> = HashMap::new();
    for loss in &analysis.reachability.losses {
        losses.entry(&loss.series).or_default().push(loss);
    }
    let until = analysis.reachability.coverage.iter().map(|covered| covered.last).max().unwrap_or(window.1);
    let mut lanes: BTreeMap<(usize, String), Gathered> = BTreeMap::new();
    for covered in &analysis.reachability.coverage {
        let losses = losses.get(&*covered.series).map_or(&[][..], Vec::as_slice);
        let states = states(covered, losses, until);
        for name in names(&covered.series) {
            let layer = covered.series.layer;
            let lane = lanes.entry((order(layer), name)).or_insert(Gathered { layer, series: Vec::new() });
            lane.series.push(states.clone());
        }
    }
    let lane = |((_, name), gathered): ((usize, String), Gathered)| LaneView {
        layer: gathered.layer,
        name,
        series: u32::try_from(gathered.series.len()).unwrap_or(u32::MAX),
        steps: steps(gathered.series, window),
    };
    lanes.into_iter().map(lane).collect()
}

const fn order(layer: Layer) -> usize {
    match layer {
        Layer::Authority => 0,
        Layer::Resolver => 1,
        Layer::ServiceByAddress => 2,
        Layer::ServiceByName => 3,
        Layer::Status => 4,
        Layer::Control => 5,
    }
}

/// The lanes a series belongs to: one for each service it speaks of, else one.
pub(super) fn names(series: &Series, analysis: &Analysis) -> Vec<String> {
    let vantage = &series.vantage;
    let services = || -> Vec<String> {
        let named = series.services.iter().filter_map(|index| analysis.organization.services.get(*index));
        let named: Vec<String> = named.map(|service| service.name.clone()).collect();
        if named.is_empty() { vec![series.check.to_string()] } else { named }
    };
    match (&series.target, series.layer) {
        (_, Layer::Control) => vec![format!("controls at {vantage}")],
        (Target::Dns { server: DnsServer::Authority { address, name }, .. }, _) => {
            vec![name.as_ref().map_or_else(|| address.to_string(), |name| name.to_string())]
        }
        (Target::Dns { server: DnsServer::Resolver { name: Some(name), .. }, .. }, _) => vec![format!("{name} at {vantage}")],
        (Target::Dns { server: DnsServer::Resolver { address: Some(address), .. }, .. }, _) => {
            vec![format!("{address} at {vantage}")]
        }
        (Target::Dns { server: DnsServer::Resolver { .. }, .. }, _) => vec![format!("resolver at {vantage}")],
        (Target::Http { .. } | Target::Ping { .. } | Target::Status { .. }, _) => services(),
    }
}

/// How one series was from each of these times on, until the last of all probes; before its first nobody probed. After its last it is as
/// it was, unless that leaves a gap. A reported status holds until the next.
fn states(covered: &SeriesCoverage, losses: &[&ReachabilityLoss], until: Timestamp) -> Vec<(Timestamp, State)> {
    let mut times = vec![covered.first, until];
    times.extend(covered.gaps.iter().flat_map(|gap| [gap.earliest, gap.latest]));
    for loss in losses {
        times.extend([loss.onset.earliest, loss.onset.latest]);
        times.extend(loss.recovery.iter().flat_map(|end| [end.earliest, end.latest]));
    }
    times.retain(|at| (covered.first..=until).contains(at));
    times.sort_unstable();
    times.dedup();
    let state = |at: Timestamp| {
        let gap = covered.gaps.iter().any(|gap| gap.earliest <= at && at < gap.latest);
        if gap || at >= until && covered.series.layer != Layer::Status {
            return State::Unprobed;
        }
        let in_loss = |loss: &&ReachabilityLoss| {
            let end = loss.recovery.map_or((Timestamp::MAX, Timestamp::MAX), |end| (end.earliest, end.latest));
            let inside = loss.onset.earliest <= at && at < end.1;
            inside.then_some(if loss.onset.latest <= at && at < end.0 { State::Failing } else { State::Unsure })
        };
        losses.iter().filter_map(in_loss).next().unwrap_or(State::Good)
    };
    times.into_iter().map(|at| (at, state(at))).collect()
}

fn steps(series: Vec<Vec<(Timestamp, State)>>, window: (Timestamp, Timestamp)) -> Vec<LaneStep> {
    let mut count = Count { unprobed: u32::try_from(series.len()).unwrap_or(u32::MAX), ..Count::default() };
    let mut changes: Vec<(Timestamp, State, State)> = Vec::new();
    for states in series {
        let mut before = State::Unprobed;
        for (at, state) in states {
            changes.push((at, before, state));
            before = state;
        }
    }
    changes.sort_by_key(|(at, ..)| *at);
    let begin = std::iter::once((window.0.min(changes.first().map_or(window.0, |(at, ..)| *at)), count)).collect::<Vec<_>>();
    let counted = changes.into_iter().map(|(at, before, after)| {
        *count.slot(before) -= 1;
        *count.slot(after) += 1;
        (at, count)
    });
    let step = |(at, count): (Timestamp, Count)| {
        let Count { good, failing, unsure, unprobed } = count;
        LaneStep { at, good, failing, unsure, unprobed }
    };
    windowed(begin.into_iter().chain(counted), window).into_iter().map(step).collect()
}

#[cfg(test)]
mod tests;
