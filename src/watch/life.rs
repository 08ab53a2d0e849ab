//! The life of incidents: opened, changed, closed, each told once.
//!
//! Takes all incidents as they are known now, again and again; gives what is new of them. An incident is the same one as long as it shares a
//! finding with what it was, so its name may change when an earlier beginning is found; its number does not.
//!
//! A [`LifeCycle`] can be kept and taken up by a later run. What was told until then is not told again when the same is heard again, from
//! archives or a replay. An incident which was open then and is not found any more is not taken back: nobody told this run of it. It is over
//! when its prefixes are seen.

use crate::incident::{Incident, Verdict};
use crate::org::Organization;
use crate::pipeline::RoutingFindings;
use crate::probe::Target;
use crate::time::{Span, Timestamp};
use crate::vantage::Asn;
use crate::visibility::Share;
use crate::withdrawal::Level;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// So long prefixes of an incident of an earlier run must be seen until it is over. As the default of the setting `close_hold`.
const SEEN_FOR: Span = Span::from_seconds(300);
/// An incident of an earlier run of which nothing can be seen, since no prefix was withdrawn, and which was not met again for so long, is
/// taken back.
const NOT_MET_FOR: Span = Span::from_seconds(86_400);

/// What happens to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentChange {
    /// It begins.
    Opened,
    /// More is lost.
    Worsened,
    /// Some of it is back.
    Improved,
    /// Something else is judged of it.
    Changed,
    /// It was over, and goes on.
    Reopened,
    /// It is over.
    Closed,
    /// What was taken for it belongs to another one, or to none.
    Withdrawn,
}

impl IncidentChange {
    /// What the incident does, for a sentence which it begins.
    pub const fn phrase(self) -> &'static str {
        match self {
            IncidentChange::Opened => "begins",
            IncidentChange::Worsened => "gets worse",
            IncidentChange::Improved => "gets better",
            IncidentChange::Changed => "is judged anew",
            IncidentChange::Reopened => "goes on after all",
            IncidentChange::Closed => "is over",
            IncidentChange::Withdrawn => "is part of another one, or none",
        }
    }

    /// After it nobody need care.
    pub const fn is_end(self) -> bool {
        matches!(self, IncidentChange::Closed | IncidentChange::Withdrawn)
    }
}

/// What happens to an incident, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentEvent {
    /// What happens.
    pub change: IncidentChange,
    /// Its number, from 1, in the order in which they opened.
    pub number: usize,
    /// Its place among the incidents; none if it is withdrawn, or closed after it had begun in an earlier run.
    pub place: Option<usize>,
}

/// Follows incidents.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LifeCycle {
    known: Vec<Known>,
    opened: usize,
    /// What happened until here was told.
    until: Option<Timestamp>,
    /// Of incidents which were taken back.
    withdrawn: BTreeSet<Finding>,
    /// The numbers of the incidents which were taken last, by their places.
    #[serde(skip)]
    places: Vec<usize>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    number: usize,
    findings: BTreeSet<Finding>,
    state: State,
    /// This run has found it itself.
    #[serde(skip)]
    met: bool,
    /// All its prefixes are seen since.
    #[serde(skip)]
    seen_since: Option<Timestamp>,
}

/// A finding which makes an incident the one it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Finding {
    Withdrawal(IpNet, Timestamp),
    Foreign(IpNet, Asn, Timestamp),
    /// With the bounds of its onset in microseconds: the first may be before all time.
    Loss(Arc<str>, Target, (i64, i64)),
}

/// What is told of an incident, as far as another one is news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    open: bool,
    verdict: Verdict,
    /// By the names of services.
    services: Vec<(String, Verdict)>,
    /// Findings which are not over, and the sum of levels of withdrawals.
    lost: (usize, usize),
}

impl LifeCycle {
    /// Whether one goes on.
    pub fn any_open(&self) -> bool {
        self.known.iter().any(|known| known.state.open)
    }

    /// The numbers of all incidents as they were taken last, by their places.
    pub fn numbers(&self) -> &[usize] {
        &self.places
    }

    /// Takes all incidents as they are `now`; gives what is new. `seen` tells whether a prefix is seen by about everybody.
    pub fn follow(&mut self, incidents: &[Incident], now: Timestamp, seen: impl Fn(&IpNet) -> bool) -> Vec<IncidentEvent> {
        self.follow_all_but(incidents, now, seen, |_| false)
    }

    /// The same, but of an incident which is found for the first time nothing is told as long as it is too early.
    pub fn follow_all_but(
        &mut self,
        incidents: &[Incident],
        now: Timestamp,
        seen: impl Fn(&IpNet) -> bool,
        too_early: impl Fn(&Incident) -> bool,
    ) -> Vec<IncidentEvent> {
        let mut events = Vec::new();
        let again = self.until.is_some_and(|until| now < until);
        let mut gone = std::mem::take(&mut self.known);
        self.places.clear();
        for (place, incident) in incidents.iter().enumerate() {
            let (findings, state) = (findings(incident), State::of(incident));
            if again && let Some(number) = self.told_before(&mut gone, &findings) {
                self.places.push(number);
                continue;
            }
            let Some(same) = same(&gone, &findings, again) else {
                if too_early(incident) {
                    self.places.push(0);
                    continue;
                }
                self.opened += 1;
                let number = self.opened;
                self.places.push(number);
                events.push(IncidentEvent { change: IncidentChange::Opened, number, place: Some(place) });
                if !state.open {
                    events.push(IncidentEvent { change: IncidentChange::Closed, number, place: Some(place) });
                }
                self.known.push(Known { number, findings, state, met: true, seen_since: None });
                continue;
            };
            let was = gone.remove(same);
            self.places.push(was.number);
            if let Some(change) = state.since(&was.state) {
                events.push(IncidentEvent { change, number: was.number, place: Some(place) });
            }
            self.known.push(Known { number: was.number, findings, state, met: true, seen_since: None });
        }
        for known in gone {
            events.extend(self.not_found(known, (now, again), &seen));
        }
        self.known.sort_by_key(|known| known.number);
        if now > Timestamp::MIN {
            self.until = self.until.max(Some(now));
        }
        events
    }

    /// Numbers of incidents which are not over.
    pub fn open(&self) -> impl Iterator<Item = usize> + '_ {
        self.known.iter().filter(|known| known.state.open).map(|known| known.number)
    }

    /// What is heard again was told by an earlier run, under this number; 0 if that run took it back.
    fn told_before(&self, gone: &mut [Known], findings: &BTreeSet<Finding>) -> Option<usize> {
        let earlier = gone.iter_mut().find(|known| !known.met && !known.findings.is_disjoint(findings));
        if let Some(known) = earlier {
            known.findings.extend(findings.iter().cloned());
            return Some(known.number);
        }
        (!self.withdrawn.is_disjoint(findings)).then_some(0)
    }

    /// An incident is not among those of now.
    fn not_found(
        &mut self,
        mut known: Known,
        (now, again): (Timestamp, bool),
        seen: impl Fn(&IpNet) -> bool,
    ) -> Option<IncidentEvent> {
        let number = known.number;
        let ends = |change| Some(IncidentEvent { change, number, place: None });
        if known.met {
            // One which was over and is not known any more is forgotten, which is no news.
            let joined = self.known.iter().any(|other| !other.findings.is_disjoint(&known.findings));
            self.withdrawn.append(&mut known.findings);
            return (known.state.open || joined).then(|| ends(IncidentChange::Withdrawn)).flatten();
        }
        let mut event = None;
        if known.state.open && !again {
            let prefixes: Vec<&IpNet> = known.findings.iter().filter_map(Finding::withdrawn).collect();
            let back = prefixes.iter().all(|prefix| seen(prefix)).then_some(now);
            let (hold, change) =
                if prefixes.is_empty() { (NOT_MET_FOR, IncidentChange::Withdrawn) } else { (SEEN_FOR, IncidentChange::Closed) };
            known.seen_since = back.map(|now| known.seen_since.unwrap_or(now));
            if known.seen_since.is_some_and(|since| now >= since + hold) {
                known.state.open = false;
                event = ends(change);
            }
        }
        self.known.push(known);
        event
    }
}

/// Whether a prefix is seen by as many as a recovery takes, of enough who could tell; it takes the default baseline, for before the run nobody
/// counted.
pub(super) fn is_seen(prefix: &IpNet, routing: &RoutingFindings, organization: &Organization) -> bool {
    let settings = &organization.settings;
    routing.rib.id_of(prefix).map(|id| routing.votes.visibility(id)).is_some_and(|visibility| {
        visibility.eligible() >= settings.eligible_min && !visibility.lower().is_below(settings.close_percent, Share::ONE)
    })
}

/// The place of the incident with one of these findings; else, of one of an earlier run which is open, with one of the same things lost.
fn same(gone: &[Known], findings: &BTreeSet<Finding>, again: bool) -> Option<usize> {
    let shared = |known: &Known| !known.findings.is_disjoint(findings);
    let alike = |known: &Known| known.findings.iter().any(|one| findings.iter().any(|other| one.is_of_the_same_as(other)));
    let earlier = |known: &Known| !again && !known.met && known.state.open && alike(known);
    gone.iter().position(shared).or_else(|| gone.iter().position(earlier))
}

impl Finding {
    /// The same thing is lost, whenever that began.
    fn is_of_the_same_as(&self, other: &Finding) -> bool {
        match (self, other) {
            (Finding::Withdrawal(one, _), Finding::Withdrawal(other, _)) => one == other,
            (Finding::Foreign(one, by, _), Finding::Foreign(other, others, _)) => (one, by) == (other, others),
            (Finding::Loss(one, target, _), Finding::Loss(other, others, _)) => (one, target) == (other, others),
            (Finding::Withdrawal(..) | Finding::Foreign(..) | Finding::Loss(..), _) => false,
        }
    }

    fn withdrawn(&self) -> Option<&IpNet> {
        match self {
            Finding::Withdrawal(prefix, _) => Some(prefix),
            Finding::Foreign(..) | Finding::Loss(..) => None,
        }
    }
}

impl State {
    fn of(incident: &Incident) -> Self {
        let verdict = incident.verdict();
        let services = verdict.services.iter().map(|service| (service.service.clone(), service.verdict)).collect();
        let evidence = &incident.evidence;
        let withdrawn = evidence.withdrawals.iter().filter(|withdrawal| withdrawal.recovered.is_none());
        let foreign = evidence.foreign_origins.iter().filter(|foreign| foreign.ended.is_none());
        let losses = evidence.losses.iter().filter(|loss| loss.recovery.is_none());
        let level = |level: Level| level as usize + 1;
        let levels = withdrawn.clone().map(|withdrawal| level(withdrawal.level)).sum();
        State {
            open: incident.is_open(),
            verdict: verdict.verdict,
            services,
            lost: (withdrawn.count() + foreign.count() + losses.count(), levels),
        }
    }

    /// What is new since it was another; none if nothing is.
    fn since(&self, was: &State) -> Option<IncidentChange> {
        Some(match (was.open, self.open) {
            (true, false) => IncidentChange::Closed,
            (false, true) => IncidentChange::Reopened,
            _ if self.lost > was.lost => IncidentChange::Worsened,
            _ if self.lost < was.lost => IncidentChange::Improved,
            _ if (self.verdict, &self.services) != (was.verdict, &was.services) => IncidentChange::Changed,
            _ => return None,
        })
    }
}

fn findings(incident: &Incident) -> BTreeSet<Finding> {
    let evidence = &incident.evidence;
    let withdrawals = evidence.withdrawals.iter().map(|withdrawal| Finding::Withdrawal(withdrawal.prefix, withdrawal.opened));
    let foreign = evidence.foreign_origins.iter().map(|foreign| Finding::Foreign(foreign.prefix, foreign.origin, foreign.first));
    let losses = evidence.losses.iter().map(|loss| {
        let (series, onset) = (&loss.series, loss.onset);
        Finding::Loss(Arc::clone(&series.vantage), series.target.clone(), (onset.earliest.micros(), onset.latest.micros()))
    });
    withdrawals.chain(foreign).chain(losses).collect()
}

#[cfg(test)]
mod tests;
