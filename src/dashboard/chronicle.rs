//! Incidents by their numbers, as they are now and were, and everything which is shown at a moment.

use crate::incident::Verdict;
use crate::report::{IncidentView, ReportView, When};
use crate::time::Timestamp;
use crate::watch::board::Board;
use crate::watch::{IncidentChange, IncidentEvent};
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything which is shown at a moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What is watched.
    pub board: Board,
    /// Incidents: open ones first, then the newest.
    pub incidents: Arc<Vec<IncidentRow>>,
    /// The report as of the last change of an incident; none before the first.
    pub report: Option<Arc<ReportView>>,
    /// The numbers of its incidents, by their places.
    pub numbers: Arc<Vec<usize>>,
}

/// An incident, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentRow {
    /// Its number, from 1, in the order in which incidents opened: it stays the same.
    pub number: usize,
    /// Its name, which tells when it began.
    pub id: String,
    /// Whether it goes on.
    pub state: IncidentState,
    /// What happened to it last.
    pub last_change: IncidentChange,
    /// When, by what had been said.
    pub changed_at: Timestamp,
    /// The verdict, as a code.
    pub verdict: Verdict,
    /// The layer at fault.
    pub layer: Cow<'static, str>,
    /// The headline.
    pub headline: String,
    /// It began in here.
    pub began: When,
    /// It ended in here; `null` if it has not.
    pub ended: Option<When>,
    /// How long it lasted, or had lasted when it changed last.
    pub lasted: String,
    /// Plain sentences.
    pub in_short: Vec<String>,
    /// Prefixes which are withdrawn, or were.
    pub prefixes: Vec<String>,
    /// Every service with its own verdict.
    pub services: Vec<ServiceVerdict>,
    /// Where its report is; `null` of one which was withdrawn.
    pub report: Option<String>,
}

/// Whether an incident goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// It does.
    Open,
    /// It is over.
    Closed,
    /// What was taken for it belongs to another one, or to none.
    Withdrawn,
}

/// The verdict on a service in an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceVerdict {
    /// Its name.
    pub service: String,
    /// The verdict, as a code.
    pub verdict: Verdict,
    /// The verdict in a sentence.
    pub sentence: String,
    /// True if the service fails for those who use it.
    pub fails: bool,
    /// True if something which it needs is lost.
    pub concerned: bool,
}

/// Keeps incidents by their numbers.
#[derive(Debug, Default)]
pub struct Chronicle {
    rows: BTreeMap<usize, IncidentRow>,
    /// The last change of each, and when.
    changes: BTreeMap<usize, (IncidentChange, Timestamp)>,
    report: Option<Arc<ReportView>>,
    unnumbered: bool,
    shown: Arc<Vec<IncidentRow>>,
    numbers: Arc<Vec<usize>>,
}

impl Chronicle {
    /// Something happened to incidents; the report shows them all as they are then.
    pub fn take(&mut self, report: Arc<ReportView>, events: &[IncidentEvent], at: Timestamp) {
        (self.report, self.unnumbered) = (Some(report), true);
        for event in events {
            self.changes.insert(event.number, (event.change, at));
            if event.change == IncidentChange::Withdrawn
                && let Some(row) = self.rows.get_mut(&event.number)
            {
                (row.state, row.report) = (IncidentState::Withdrawn, None);
                (row.last_change, row.changed_at) = (event.change, at);
            }
        }
    }

    /// Whether the incidents of the report have no numbers yet.
    pub fn is_unnumbered(&self) -> bool {
        self.unnumbered
    }

    /// The numbers of incidents in the report, by their places. Later ones do not fit it.
    pub fn number(&mut self, numbers: Vec<usize>) {
        let Some(report) = self.report.as_ref().filter(|_| std::mem::take(&mut self.unnumbered)) else { return };
        for (incident, number) in report.incidents.iter().zip(&numbers) {
            let Some((change, at)) = self.changes.get(number) else { continue };
            self.rows.insert(*number, row(*number, incident, (*change, *at)));
        }
        let mut shown: Vec<IncidentRow> = self.rows.values().rev().cloned().collect();
        shown.sort_by_key(|row| row.state != IncidentState::Open);
        (self.shown, self.numbers) = (Arc::new(shown), Arc::new(numbers));
    }

    /// What is shown, with this board.
    pub fn snapshot(&self, board: Board) -> Snapshot {
        Snapshot { board, incidents: self.shown.clone(), report: self.report.clone(), numbers: self.numbers.clone() }
    }
}

impl Snapshot {
    /// The report of one incident alone, under this number.
    pub(super) fn report_of(&self, number: usize, shown_as: usize) -> Option<ReportView> {
        let place = self.numbers.iter().position(|known| *known == number)?;
        self.report.as_ref()?.only(place, shown_as)
    }

    /// Incidents which go on.
    pub(super) fn open(&self) -> impl Iterator<Item = &IncidentRow> {
        self.incidents.iter().filter(|row| row.state == IncidentState::Open)
    }
}

fn row(number: usize, incident: &IncidentView, (last_change, changed_at): (IncidentChange, Timestamp)) -> IncidentRow {
    let services = incident.services.iter().map(|service| ServiceVerdict {
        service: service.service.clone(),
        verdict: service.verdict,
        sentence: service.sentence.clone(),
        fails: service.severity.fails,
        concerned: service.severity.name_servers_lost + service.severity.prefixes_lost + service.severity.addresses_lost > 0,
    });
    IncidentRow {
        number,
        id: incident.id.clone(),
        state: if incident.open { IncidentState::Open } else { IncidentState::Closed },
        last_change,
        changed_at,
        verdict: incident.verdict,
        layer: incident.layer.clone(),
        headline: incident.headline.clone(),
        began: incident.began.clone(),
        ended: incident.ended.clone(),
        lasted: incident.lasted.clone(),
        in_short: incident.in_short.clone(),
        prefixes: incident.withdrawals.iter().map(|withdrawal| withdrawal.prefix.clone()).collect(),
        services: services.collect(),
        report: Some(format!("/incidents/{number}")),
    }
}
