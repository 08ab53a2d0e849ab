//! When a vantage was offline: what it found then tells nothing of the organization.
//!
//! A vantage is offline while all its controls of one kind, names or hosts, fail at once: one control which is dead says something of that
//! control. A loss is muted by it if it was offline for most of the loss: an outage does not vanish because a control failed for a moment
//! in its middle.

use crate::probe::Target;
use crate::reachability::{Layer, ReachabilityFindings, ReachabilityLoss, SeriesCoverage};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// From and until when; `None`: it goes on.
pub(super) type Interval = (Timestamp, Option<Timestamp>);

/// What happens to one of a vantage's controls; at one time in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Probed,
    Fails,
    Works,
    NotProbed,
}

/// When each vantage was offline.
#[derive(Debug)]
pub(crate) struct Offline {
    /// By vantage, in order and disjoint.
    spans: BTreeMap<String, Vec<(Timestamp, Timestamp)>>,
    /// The last attempt of anybody ended.
    last: Timestamp,
}

impl Offline {
    /// What controls tell.
    pub(crate) fn of(found: &ReachabilityFindings) -> Self {
        let mut offline = Offline { spans: BTreeMap::new(), last: Timestamp::MIN };
        let mut controls: BTreeMap<(&str, bool), Vec<&SeriesCoverage>> = BTreeMap::new();
        for series in &found.coverage {
            offline.last = offline.last.max(series.last);
            if series.series.layer == Layer::Control {
                controls.entry((&series.series.vantage, is_of_names(&series.series.target))).or_default().push(series);
            }
        }
        for ((vantage, of_names), series) in controls {
            let of_kind = |loss: &&ReachabilityLoss| {
                let series = &loss.series;
                series.layer == Layer::Control && *series.vantage == *vantage && is_of_names(&series.target) == of_names
            };
            let losses: Vec<&ReachabilityLoss> = found.losses.iter().filter(of_kind).collect();
            let spans = offline.all_at_once(&series, &losses);
            offline.spans.entry(vantage.to_owned()).or_default().extend(spans);
        }
        offline.spans.values_mut().for_each(merge);
        offline
    }

    /// When all of these controls failed at once which were probed then: from the first possible moment to the last.
    fn all_at_once(&self, controls: &[&SeriesCoverage], losses: &[&ReachabilityLoss]) -> Vec<(Timestamp, Timestamp)> {
        let mut turns: Vec<(Timestamp, Turn)> = Vec::new();
        for loss in losses {
            turns.push((loss.onset.earliest, Turn::Fails));
            turns.push((loss.recovery.map_or(self.last, |recovery| recovery.latest), Turn::Works));
        }
        for control in controls {
            turns.push((control.first, Turn::Probed));
            turns.push((control.last, Turn::NotProbed));
        }
        turns.sort_unstable();
        let (mut failing, mut probed, mut since, mut spans) = (0_usize, 0_usize, None, Vec::new());
        for (at, turn) in turns {
            match turn {
                Turn::Probed => probed += 1,
                Turn::Fails => failing += 1,
                Turn::Works => failing = failing.saturating_sub(1),
                Turn::NotProbed => probed = probed.saturating_sub(1),
            }
            match since {
                None if failing > 0 && failing >= probed => since = Some(at),
                Some(from) if failing == 0 || failing < probed => {
                    spans.push((from, at));
                    since = None;
                }
                None | Some(_) => {}
            }
        }
        spans.extend(since.map(|from| (from, self.last.max(from))));
        spans
    }

    /// Whether a loss was found by a vantage which was offline for most of it.
    pub(super) fn mutes(&self, loss: &ReachabilityLoss) -> bool {
        self.covers(&loss.series.vantage, (loss.onset.latest, loss.recovery.map(|recovery| recovery.earliest)))
    }

    /// Whether a vantage was offline for most of an interval.
    pub(super) fn covers(&self, vantage: &str, (from, until): Interval) -> bool {
        let until = until.unwrap_or(self.last).max(from);
        let spans = self.spans.get(vantage).into_iter().flatten();
        let overlaps = spans.filter(|(begins, ends)| *begins <= until && from <= *ends);
        let covered: Vec<i64> = overlaps.map(|(begins, ends)| (*ends).min(until).since((*begins).max(from)).micros()).collect();
        !covered.is_empty() && covered.iter().sum::<i64>() * 2 >= until.since(from).micros()
    }

    /// Vantages which were offline at some time.
    pub(crate) fn vantages(&self) -> BTreeSet<&str> {
        self.spans.iter().filter(|(_, spans)| !spans.is_empty()).map(|(vantage, _)| vantage.as_str()).collect()
    }
}

/// Whether it is a name which is asked for, or a host.
const fn is_of_names(target: &Target) -> bool {
    matches!(target, Target::Dns { .. })
}

/// Puts spans in order, and those together which touch.
fn merge(spans: &mut Vec<(Timestamp, Timestamp)>) {
    spans.sort_unstable();
    let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, until) in spans.drain(..) {
        match merged.last_mut().filter(|last| from <= last.1) {
            Some(last) => last.1 = last.1.max(until),
            None => merged.push((from, until)),
        }
    }
    *spans = merged;
}
