//! What the JSON API gives.
//!
//! Takes a [`Snapshot`], gives plain values which serialize; [`openapi`](super::openapi) describes these very types.

use super::chronicle::{IncidentRow, Snapshot};
use crate::incident::Verdict;
use crate::report::ReportView;
use crate::time::Timestamp;
use crate::watch::board::{
    CanaryState, CollectorState, Condition, FeedNoteState, OutboxState, PrefixState, RouterState, ServiceProbes, Sight,
    StreamState, VantageState,
};
use schemars::JsonSchema;
use serde::Serialize;

/// `/api/v1/status`: in short.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Of the program.
    pub version: &'static str,
    /// The organization's name.
    pub organization: String,
    /// The profile's remark; `null` if there is none.
    pub note: Option<String>,
    /// When this was made, by the system's clock.
    pub made_at: Timestamp,
    /// How late it is by what was said; `null` as long as nothing was.
    pub now: Option<Timestamp>,
    /// Whether what is watched can be seen.
    pub sight: Sight,
    /// Incidents which go on.
    pub incidents_open: usize,
    /// Incidents so far.
    pub incidents: usize,
    /// Prefixes.
    pub prefixes: usize,
    /// Of these, withdrawn ones.
    pub prefixes_withdrawn: usize,
    /// Of all, those of which nobody, or too few, can tell.
    pub prefixes_untold: usize,
    /// The canary; `null` if there is none.
    pub canary: Option<CanaryState>,
    /// Alerts on their way; `null` if none are sent.
    pub outbox: Option<OutboxState>,
}

/// `/api/v1/prefixes`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prefixes {
    /// When this was made, by the system's clock.
    pub made_at: Timestamp,
    /// The organization's prefixes, in the order of the profile.
    pub prefixes: Vec<PrefixState>,
}

/// `/api/v1/services`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Services {
    /// When this was made, by the system's clock.
    pub made_at: Timestamp,
    /// The organization's services, in the order of the profile.
    pub services: Vec<ServiceState>,
}

/// A service.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceState {
    /// Its name.
    pub service: String,
    /// How it is.
    pub code: ServiceCode,
    /// In a sentence.
    pub sentence: String,
    /// The verdict on it in an incident which goes on; `null` if it is in none.
    pub verdict: Option<Verdict>,
    /// The number of that incident; `null` likewise.
    pub incident: Option<usize>,
    /// How it was probed last.
    pub probes: ServiceProbes,
}

/// How a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceCode {
    /// It fails for those who use it, or a probe of it fails.
    Failing,
    /// Something which it needs is lost.
    Concerned,
    /// Nobody probes it, or nothing is known of any probe yet, and nothing which it needs is lost.
    NotProbed,
    /// All probes of it succeed.
    Up,
}

/// `/api/v1/feeds`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feeds {
    /// When this was made, by the system's clock.
    pub made_at: Timestamp,
    /// How late it is by what was said; `null` as long as nothing was.
    pub now: Option<Timestamp>,
    /// Whether what is watched can be seen.
    pub sight: Sight,
    /// What is watched is a replay or a recording: its own clock counts, and how late it is says nothing.
    pub replayed: bool,
    /// The stream; `null` if only routers are heard.
    pub stream: Option<StreamState>,
    /// The organization's own routers, in the order in which they spoke first; `null` if none are listened for.
    pub routers: Option<Vec<RouterState>>,
    /// Collectors.
    pub collectors: Vec<CollectorState>,
    /// Vantage points.
    pub vantage_points: Vec<VantageState>,
    /// What happened to feeds, the newest first; not more than some.
    pub notes: Vec<FeedNoteState>,
}

/// `/api/v1/incidents`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incidents {
    /// When this was made, by the system's clock.
    pub made_at: Timestamp,
    /// Those which go on first, then the newest.
    pub incidents: Vec<IncidentRow>,
}

/// `/api/v1/incidents/N`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentReport {
    /// In short.
    pub incident: IncidentRow,
    /// Its report as of the last change of any incident, as `incidents.json` holds one: the incident is the only one, and number 1. `null` of one
    /// which was withdrawn.
    pub report: Option<ReportView>,
}

/// Why a request was not answered.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// In a sentence.
    pub problem: String,
}

impl Status {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let board = &snapshot.board;
        let count = |is: fn(Condition) -> bool| board.prefixes.iter().filter(|prefix| is(prefix.condition)).count();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            organization: board.organization.clone(),
            note: board.note.clone(),
            made_at: board.made_at,
            now: board.now,
            sight: board.sight.clone(),
            incidents_open: snapshot.open().count(),
            incidents: snapshot.incidents.len(),
            prefixes: board.prefixes.len(),
            prefixes_withdrawn: count(|condition| condition == Condition::Withdrawn),
            prefixes_untold: count(|condition| matches!(condition, Condition::Untold | Condition::NeverSeen)),
            canary: board.canary.clone(),
            outbox: board.outbox,
        }
    }
}

impl Prefixes {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Prefixes { made_at: snapshot.board.made_at, prefixes: snapshot.board.prefixes.clone() }
    }
}

impl Services {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let services = snapshot.board.services.iter().map(|probes| ServiceState::of(probes, snapshot)).collect();
        Services { made_at: snapshot.board.made_at, services }
    }
}

impl ServiceState {
    /// What an incident which goes on says of it comes first; then its probes.
    fn of(probes: &ServiceProbes, snapshot: &Snapshot) -> Self {
        let verdicts = snapshot.open().flat_map(|row| row.services.iter().map(move |service| (row.number, service)));
        let mut concerning =
            verdicts.filter(|(_, service)| service.service == probes.service && (service.fails || service.concerned));
        let first = concerning.next();
        let worst = first.filter(|(_, service)| service.fails).or_else(|| concerning.find(|(_, service)| service.fails)).or(first);
        let (code, sentence) = match worst {
            Some((_, service)) if service.fails => (ServiceCode::Failing, service.sentence.clone()),
            Some((_, service)) if probes.failing == 0 => (ServiceCode::Concerned, service.sentence.clone()),
            Some((_, service)) => (ServiceCode::Failing, format!("{} {}", probed(probes), service.sentence)),
            None if probes.series == 0 => (
                ServiceCode::NotProbed,
                "Not probed: whether it works is not known. Nothing which it needs is known to be lost.".to_owned(),
            ),
            None if probes.failing > 0 => (ServiceCode::Failing, probed(probes)),
            None if probes.unknown == probes.series => (ServiceCode::NotProbed, probed(probes)),
            None => (ServiceCode::Up, probed(probes)),
        };
        ServiceState {
            service: probes.service.clone(),
            code,
            sentence,
            verdict: worst.map(|(_, service)| service.verdict),
            incident: worst.map(|(number, _)| number),
            probes: probes.clone(),
        }
    }
}

fn probed(probes: &ServiceProbes) -> String {
    let ServiceProbes { series, failing, unknown, .. } = probes;
    match (failing, unknown) {
        (0, 0) => format!("All of {series} probes succeed."),
        (0, unknown) if unknown == series => format!("Nothing is known yet of any of {series} probes."),
        (0, unknown) => format!("{} of {series} probes succeed; of {unknown} nothing is known yet.", series - unknown),
        (failing, _) => format!("{failing} of {series} probes fail."),
    }
}

impl Feeds {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let board = &snapshot.board;
        Feeds {
            made_at: board.made_at,
            now: board.now,
            sight: board.sight.clone(),
            replayed: board.replayed,
            stream: board.stream.clone(),
            routers: board.routers.clone(),
            collectors: board.collectors.clone(),
            vantage_points: board.vantage_points.clone(),
            notes: board.notes.clone(),
        }
    }
}

impl Incidents {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Incidents { made_at: snapshot.board.made_at, incidents: snapshot.incidents.to_vec() }
    }
}

impl IncidentReport {
    pub(super) fn of(snapshot: &Snapshot, number: usize) -> Option<Self> {
        let incident = snapshot.incidents.iter().find(|row| row.number == number)?.clone();
        let report = snapshot.report_of(number, 1);
        Some(IncidentReport { incident, report })
    }
}
