//! Incidents as they happen, a line of JSON each.

use super::place::When;
use super::{ReportView, VERSION};
use crate::incident::Verdict;
use crate::time::Timestamp;
use crate::watch::{IncidentChange, IncidentEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Something happens to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "faultline-incident-events")]
pub struct IncidentLine {
    /// Always `faultline-incident-events`.
    #[schemars(extend("const" = IncidentLine::FORMAT))]
    pub format: Cow<'static, str>,
    /// Of the format.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// What happens.
    pub event: IncidentChange,
    /// How late it was by what had been said.
    pub at: Timestamp,
    /// The number of the incident, from 1: the same on every line about it.
    #[schemars(extend("minimum" = 1))]
    pub incident: usize,
    /// Its name, which tells when it began; `null` if it is withdrawn.
    pub id: Option<String>,
    /// The verdict, as a code; `null` likewise.
    pub verdict: Option<Verdict>,
    /// The headline; `null` likewise.
    pub headline: Option<String>,
    /// It began in here; `null` likewise.
    pub began: Option<When>,
    /// It ended in here; `null` if it has not, and likewise.
    pub ended: Option<When>,
    /// Prefixes which are withdrawn, or were.
    pub prefixes: Vec<String>,
}

impl IncidentLine {
    /// Its name.
    pub const FORMAT: &'static str = "faultline-incident-events";

    /// A line for an event; `view` shows all incidents as they are then.
    pub fn of(event: IncidentEvent, view: &ReportView, at: Timestamp) -> Self {
        let incident = event.place.and_then(|place| view.incidents.get(place));
        IncidentLine {
            format: IncidentLine::FORMAT.into(),
            version: VERSION,
            event: event.change,
            at,
            incident: event.number,
            id: incident.map(|incident| incident.id.clone()),
            verdict: incident.map(|incident| incident.verdict),
            headline: incident.map(|incident| incident.headline.clone()),
            began: incident.map(|incident| incident.began.clone()),
            ended: incident.and_then(|incident| incident.ended.clone()),
            prefixes: incident.iter().flat_map(|incident| &incident.withdrawals).map(|told| told.prefix.clone()).collect(),
        }
    }
}
