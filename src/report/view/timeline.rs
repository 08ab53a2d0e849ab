//! What pictures are drawn from: visibility per prefix, who had a route when, and how each layer was, all on one axis of time.
//!
//! Takes findings and a window of time; gives steps: each holds from its time until the next, the last one until the end of the window.
//! Whatever a picture shows stands here, so a number in a picture is a number of the JSON form.

pub mod lane;
pub mod map;
pub mod visibility;

use super::place::Period;
use crate::analysis::Analysis;
use crate::incident::Incident;
use crate::report::words;
use crate::scope::Relation;
use crate::time::{Span, Timestamp};
use crate::withdrawal::{Level, Withdrawal};
use ipnet::IpNet;
use lane::LaneView;
use map::MapView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use visibility::{GroupSeries, Role, VisibilitySeries};

/// What is shown before an incident and after it: a sixth of its length, at least this.
const MARGIN_MIN: Span = Span::from_seconds(60);

/// Everything drawn of one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimelineView {
    /// From when to when.
    pub window: Period,
    /// At a glance: prefixes by what they are and by family, summed.
    pub groups: Vec<GroupSeries>,
    /// At a glance: one lane a layer.
    pub layers: Vec<LaneView>,
    /// Who saw each prefix: those withdrawn first, then what another origin announced, covers, and what services depend on.
    pub visibility: Vec<VisibilitySeries>,
    /// How many prefixes were below the opening threshold.
    pub withdrawn: Vec<WithdrawnStep>,
    /// Who had routes to the prefixes concerned; those who kept them longest first.
    pub map: MapView,
    /// How each layer was: name servers, resolvers, services, status reports, controls.
    pub lanes: Vec<LaneView>,
}

/// So many prefixes below the opening threshold, from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawnStep {
    /// From when on.
    pub at: Timestamp,
    /// How many.
    pub prefixes: u32,
}

impl TimelineView {
    /// Of an incident: from a little before it to a little after it.
    pub(super) fn of_incident(incident: &Incident, analysis: &Analysis, recorded: (Timestamp, Timestamp)) -> Self {
        let evidence = &incident.evidence;
        let mut roles = Roles::default();
        roles.put(evidence.withdrawals.iter().map(|lost| lost.prefix), Role::Withdrawn);
        roles.put(evidence.foreign_origins.iter().map(|foreign| foreign.prefix), Role::Foreign);
        roles.put(evidence.withdrawals.iter().flat_map(|lost| lost.covers.iter().map(|cover| cover.prefix)), Role::Cover);
        let scenes = evidence.services.iter();
        let held = scenes.flat_map(|scene| scene.addresses.iter().chain(scene.name_servers.iter().flat_map(|s| &s.addresses)));
        roles.put(held.filter_map(|address| address.prefix).collect::<BTreeSet<IpNet>>(), Role::Dependency);
        let began = if incident.began.earliest == Timestamp::MIN { incident.began.latest } else { incident.began.earliest };
        let window = window((began, incident.ended.map_or(recorded.1, |ended| ended.latest)), recorded);
        // Where no route is in question, those which the services need show that none was.
        let wanted = if evidence.withdrawals.len() + evidence.foreign_origins.len() > 0 {
            vec![Role::Withdrawn, Role::Foreign]
        } else {
            vec![Role::Dependency]
        };
        let map = MapView::of(&roles.of(&wanted), &evidence.foreign_origins, analysis, window);
        Self::drawn(&roles, withdrawn(&evidence.withdrawals, window), map, analysis, window)
    }

    /// Of the whole recording, where there is no incident to show.
    pub(super) fn of_recording(analysis: &Analysis, recorded: (Timestamp, Timestamp)) -> Self {
        let mut roles = Roles::default();
        roles.put(analysis.organization.prefixes.iter().map(|own| own.prefix), Role::Own);
        let related = |wanted: Relation| {
            let routing = &analysis.routing;
            let seen: BTreeSet<IpNet> = routing.rib.prefixes().map(|(_, prefix)| prefix).collect();
            seen.into_iter().filter(move |prefix| routing.scope.relation(prefix) == Some(wanted))
        };
        roles.put(related(Relation::MoreSpecific), Role::Own);
        roles.put(related(Relation::Cover), Role::Cover);
        roles.put(related(Relation::Dependency), Role::Dependency);
        let foreign = &analysis.routing.foreign_unopened;
        let map = MapView::of(&roles.of(&[Role::Own]), foreign, analysis, recorded);
        Self::drawn(&roles, withdrawn(&analysis.routing.withdrawals, recorded), map, analysis, recorded)
    }

    fn drawn(
        roles: &Roles,
        withdrawn: Vec<WithdrawnStep>,
        map: MapView,
        analysis: &Analysis,
        window: (Timestamp, Timestamp),
    ) -> Self {
        let visibility = visibility::series(&roles.all, analysis, window);
        TimelineView {
            window: Period::between(window.0, window.1),
            groups: visibility::groups(&visibility),
            layers: lane::lanes(analysis, window, |series| vec![words::layer(series.layer).to_owned()]),
            visibility,
            withdrawn,
            map,
            lanes: lane::lanes(analysis, window, |series| lane::names(series, analysis)),
        }
    }
}

/// Prefixes in the order in which they are shown, each once, by what it first was.
#[derive(Default)]
struct Roles {
    all: Vec<(IpNet, Role)>,
    known: BTreeSet<IpNet>,
}

impl Roles {
    fn put(&mut self, prefixes: impl IntoIterator<Item = IpNet>, role: Role) {
        for prefix in prefixes {
            if self.known.insert(prefix) {
                self.all.push((prefix, role));
            }
        }
    }

    fn of(&self, wanted: &[Role]) -> Vec<IpNet> {
        self.all.iter().filter(|(_, role)| wanted.contains(role)).map(|(prefix, _)| *prefix).collect()
    }
}

fn window((from, until): (Timestamp, Timestamp), recorded: (Timestamp, Timestamp)) -> (Timestamp, Timestamp) {
    let margin = Span::from_micros(until.since(from).micros() / 6).max(MARGIN_MIN);
    ((from - margin).max(recorded.0), (until + margin).min(recorded.1))
}

/// When BGP data ended, if that was well before the window does: what it said last is not known to hold after it.
fn end_of_bgp(analysis: &Analysis, window: (Timestamp, Timestamp)) -> Option<Timestamp> {
    let last = analysis.routing.last;
    (last + analysis.organization.settings.feed_gap < window.1).then_some(last)
}

fn withdrawn(withdrawals: &[Withdrawal], (from, until): (Timestamp, Timestamp)) -> Vec<WithdrawnStep> {
    let mut changes: BTreeMap<Timestamp, i64> = BTreeMap::new();
    changes.insert(from, 0);
    for withdrawal in withdrawals {
        let Some(crossed) = withdrawal.crossed[Level::Major as usize] else { continue };
        *changes.entry(crossed.max(from)).or_default() += 1;
        if let Some(back) = withdrawal.back_at_open {
            *changes.entry(back.max(from)).or_default() -= 1;
        }
    }
    let mut count = 0;
    let steps = changes.into_iter().map(|(at, change)| {
        count += change;
        WithdrawnStep { at, prefixes: u32::try_from(count).unwrap_or(0) }
    });
    let mut steps: Vec<WithdrawnStep> = steps.filter(|step| step.at <= until).collect();
    steps.dedup_by_key(|step| step.prefixes);
    steps
}

/// Brings steps into a window: what held at its beginning begins there, what came later is cut, what changes nothing goes.
fn windowed<T: PartialEq + Copy>(
    steps: impl IntoIterator<Item = (Timestamp, T)>,
    window: (Timestamp, Timestamp),
) -> Vec<(Timestamp, T)> {
    let mut kept: Vec<(Timestamp, T)> = Vec::new();
    for (at, value) in steps {
        if at > window.1 {
            break;
        }
        let at = at.max(window.0);
        if kept.last().is_some_and(|(last, _)| *last == at) {
            kept.pop();
        }
        if kept.last().is_none_or(|(_, last)| *last != value) {
            kept.push((at, value));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    #[test]
    fn a_window_begins_with_what_held_then_and_drops_what_changes_nothing() {
        let steps = [(at(1), 'a'), (at(3), 'b'), (at(5), 'c'), (at(5), 'd'), (at(6), 'd'), (at(9), 'e')];
        assert_eq!(windowed(steps, (at(4), at(8))), [(at(4), 'b'), (at(5), 'd')]);
        assert_eq!(windowed(steps, (at(0), at(2))), [(at(1), 'a')], "before the first step nothing is known");
        // A change undone in the same microsecond is none.
        assert_eq!(windowed([(at(1), 'a'), (at(5), 'b'), (at(5), 'a')], (at(0), at(8))), [(at(1), 'a')]);
    }

    #[test]
    fn a_window_has_a_margin_and_stays_within_the_recording() {
        assert_eq!(window((at(600), at(1_200)), (at(0), at(9_999))), (at(500), at(1_300)));
        assert_eq!(window((at(600), at(660)), (at(0), at(700))), (at(540), at(700)));
    }
}
