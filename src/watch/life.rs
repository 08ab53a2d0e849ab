//! The life of incidents: opened, changed, closed, each told once.
//!
//! Takes all incidents as they are known now, again and again; gives what is new of them. An incident is the same one as long as it shares a
//! finding with what it was, so its name may change when an earlier beginning is found; its number does not.

use crate::incident::{Incident, Verdict};
use crate::probe::Target;
use crate::time::{Bounds, Timestamp};
use crate::vantage::Asn;
use crate::withdrawal::Level;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What happens to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
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

/// What happens to an incident, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentEvent {
    /// What happens.
    pub change: IncidentChange,
    /// Its number, from 1, in the order in which they opened.
    pub number: usize,
    /// Its place among the incidents; none if it is withdrawn.
    pub place: Option<usize>,
}

/// Follows incidents.
#[derive(Debug, Default)]
pub struct LifeCycle {
    known: Vec<Known>,
    opened: usize,
}

#[derive(Debug)]
struct Known {
    number: usize,
    findings: BTreeSet<Finding>,
    state: State,
}

/// A finding which makes an incident the one it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    Withdrawal(IpNet, Timestamp),
    Foreign(IpNet, Asn, Timestamp),
    Loss(Arc<str>, Target, Bounds),
}

/// What is told of an incident, as far as another one is news.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    open: bool,
    verdict: Verdict,
    /// By the names of services.
    services: Vec<(String, Verdict)>,
    /// Findings which are not over, and the sum of levels of withdrawals.
    lost: (usize, usize),
}

impl LifeCycle {
    /// The numbers of all incidents as they were taken last, by their places.
    pub fn numbers(&self) -> Vec<usize> {
        self.known.iter().map(|known| known.number).collect()
    }

    /// Takes all incidents as they are now; gives what is new.
    pub fn follow(&mut self, incidents: &[Incident]) -> Vec<IncidentEvent> {
        let mut events = Vec::new();
        let before = std::mem::take(&mut self.known);
        let mut gone: Vec<Known> = before;
        for (place, incident) in incidents.iter().enumerate() {
            let (findings, state) = (findings(incident), State::of(incident));
            let same = gone.iter().position(|known| !known.findings.is_disjoint(&findings));
            let Some(same) = same else {
                self.opened += 1;
                let number = self.opened;
                events.push(IncidentEvent { change: IncidentChange::Opened, number, place: Some(place) });
                if !state.open {
                    events.push(IncidentEvent { change: IncidentChange::Closed, number, place: Some(place) });
                }
                self.known.push(Known { number, findings, state });
                continue;
            };
            let was = gone.remove(same);
            if let Some(change) = state.since(&was.state) {
                events.push(IncidentEvent { change, number: was.number, place: Some(place) });
            }
            self.known.push(Known { number: was.number, findings, state });
        }
        let withdrawn =
            gone.iter().map(|known| IncidentEvent { change: IncidentChange::Withdrawn, number: known.number, place: None });
        events.extend(withdrawn);
        events
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
        let series = &loss.series;
        Finding::Loss(Arc::clone(&series.vantage), series.target.clone(), loss.onset)
    });
    withdrawals.chain(foreign).chain(losses).collect()
}
