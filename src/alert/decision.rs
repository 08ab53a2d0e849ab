//! Tell whom? A change of an incident, what its receiver wants, what it was told before and what is quiet go in; send or hold comes out, with
//! the reason.
//!
//! One notice an incident and change. Whoever was told that an incident began is told that it is over, whatever is quiet meanwhile; whoever
//! was not is not. Nothing is read or written here, and time is an argument. (The model is the dedup stage of Prometheus' Alertmanager.)

use super::notice::IncidentBrief;
use crate::org::Maintenance;
use crate::org::alert::{AlertPolicy, ToldChange, Urgency};
use crate::time::Timestamp;
use crate::watch::IncidentChange;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something happens to an incident.
#[derive(Debug, Clone, Copy)]
pub struct Happening<'a> {
    /// What.
    pub change: IncidentChange,
    /// When, by what had been said.
    pub at: Timestamp,
    /// The incident as it is then.
    pub incident: &'a IncidentBrief,
}

/// What one receiver was told of one incident.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// It was told that it began, and not that it is over. What waits to be delivered is told.
    pub told: bool,
    /// It was told of it before.
    pub ever: bool,
    /// When the last of what it was told happened.
    pub last: Option<Timestamp>,
    /// Why the last change was held; `None` if it was not.
    pub held: Option<Hold>,
}

/// Somebody works on an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Since when.
    pub since: Timestamp,
    /// Who, if it was said.
    pub by: Option<String>,
    /// What was said of it.
    pub note: Option<String>,
}

/// Nothing is to be told of something until a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its name, by which it can be lifted.
    pub id: String,
    /// What is silenced.
    pub what: Silenced,
    /// Until when.
    pub until: Timestamp,
    /// Who said so, if it was said.
    pub by: Option<String>,
    /// Why.
    pub note: Option<String>,
}

/// What is silenced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silenced {
    /// The incident of this number.
    Incident(usize),
    /// Incidents which concern nothing outside of this prefix.
    Prefix(IpNet),
    /// Incidents which concern this service alone.
    Service(String),
}

/// What is quiet.
#[derive(Debug, Clone, Copy)]
pub struct Quiet<'a> {
    /// Somebody works on the incident.
    pub acknowledged: Option<&'a Acknowledgement>,
    /// Silences, ended ones too.
    pub silences: &'a [Silence],
    /// Planned work.
    pub maintenance: &'a [Maintenance],
    /// How late it is by the clock of those who wait for notices: silences end by it.
    pub now: Timestamp,
}

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Tell it.
    Send(Send),
    /// Do not.
    Hold(Hold),
}

/// Why something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Send {
    /// It is the first which is told of the incident.
    First,
    /// The incident was over, and goes on.
    Again,
    /// It changed in a way which was asked for.
    AskedFor,
    /// It is over, and its beginning was told.
    Recovery,
}

/// Why something is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// It is over, but nobody was told that it began.
    BeginningNotTold,
    /// It began, but that was told.
    AlreadyTold,
    /// It lies wholly in planned work which ends then: it is as intended.
    AsIntended(Timestamp),
    /// It is silenced until then.
    Silenced(Timestamp),
    /// Less urgent than what was asked for.
    LessUrgent(Urgency),
    /// It concerns none of the services which were asked for.
    OtherServices,
    /// Such changes were not asked for.
    NotAskedFor,
    /// Somebody works on it, and it is not worse.
    Acknowledged,
    /// Something was told a short while ago; so much is not told again before then.
    TooSoon(Timestamp),
}

/// Whether to tell somebody of a change, and why.
pub fn decide(happening: &Happening<'_>, policy: &AlertPolicy, history: &History, quiet: &Quiet<'_>) -> Decision {
    let asked = |change| policy.changes.contains(&change);
    if happening.change.is_end() {
        return if history.told { Decision::Send(Send::Recovery) } else { Decision::Hold(Hold::BeginningNotTold) };
    }
    if let Some(hold) = held(happening, policy, quiet) {
        return Decision::Hold(hold);
    }
    let change = match happening.change {
        IncidentChange::Opened | IncidentChange::Reopened => ToldChange::Opened,
        IncidentChange::Worsened => ToldChange::Worsened,
        IncidentChange::Improved => ToldChange::Improved,
        IncidentChange::Changed | IncidentChange::Closed | IncidentChange::Withdrawn => ToldChange::Changed,
    };
    if !history.told {
        // Whatever happened: for this receiver it begins now.
        return match (asked(ToldChange::Opened) || asked(change), history.ever) {
            (false, _) => Decision::Hold(Hold::NotAskedFor),
            (true, false) => Decision::Send(Send::First),
            (true, true) => Decision::Send(Send::Again),
        };
    }
    let soft = matches!(change, ToldChange::Improved | ToldChange::Changed);
    let next = history.last.map(|last| last + policy.every);
    match next.filter(|next| soft && happening.at < *next) {
        _ if change == ToldChange::Opened => Decision::Hold(Hold::AlreadyTold),
        _ if !asked(change) => Decision::Hold(Hold::NotAskedFor),
        _ if soft && quiet.acknowledged.is_some() => Decision::Hold(Hold::Acknowledged),
        Some(next) => Decision::Hold(Hold::TooSoon(next)),
        None => Decision::Send(Send::AskedFor),
    }
}

/// Why nothing of an incident which is not over is told, whatever happens to it.
fn held(happening: &Happening<'_>, policy: &AlertPolicy, quiet: &Quiet<'_>) -> Option<Hold> {
    let incident = happening.incident;
    if let Some(window) = intended(incident, happening.at, quiet.maintenance) {
        return Some(Hold::AsIntended(window.until));
    }
    let silence = quiet.silences.iter().filter(|silence| silence.until > quiet.now && silence.what.covers(incident));
    if let Some(until) = silence.map(|silence| silence.until).max() {
        return Some(Hold::Silenced(until));
    }
    if incident.urgency < policy.at_least {
        return Some(Hold::LessUrgent(incident.urgency));
    }
    let wanted = |service: &String| incident.services.iter().any(|concerned| concerned.service == *service);
    (!policy.services.is_empty() && !policy.services.iter().any(wanted)).then_some(Hold::OtherServices)
}

/// The planned window in which an incident wholly lies, as far as its bounds tell. Another origin is never intended.
pub fn intended<'m>(incident: &IncidentBrief, at: Timestamp, maintenance: &'m [Maintenance]) -> Option<&'m Maintenance> {
    let last = incident.ended.as_ref().map_or(at, |ended| ended.earliest.unwrap_or(ended.latest));
    maintenance.iter().find(|window| {
        let within = |prefix: &IpNet| window.prefixes.iter().any(|planned| planned.contains(prefix));
        let concerned = window.prefixes.is_empty() || !incident.prefixes.is_empty() && incident.prefixes.iter().all(within);
        concerned && incident.foreign_prefixes.is_empty() && incident.began.latest >= window.from && last <= window.until
    })
}

impl Silenced {
    /// Whether an incident concerns nothing else.
    pub fn covers(&self, incident: &IncidentBrief) -> bool {
        match self {
            Silenced::Incident(number) => incident.number == *number,
            Silenced::Prefix(prefix) => {
                let mut all = incident.prefixes.iter().chain(&incident.foreign_prefixes).peekable();
                all.peek().is_some() && all.all(|concerned| prefix.contains(concerned))
            }
            Silenced::Service(service) => {
                !incident.services.is_empty() && incident.services.iter().all(|concerned| concerned.service == *service)
            }
        }
    }
}

impl fmt::Display for Silenced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silenced::Incident(number) => write!(f, "incident {number}"),
            Silenced::Prefix(prefix) => write!(f, "prefix {prefix}"),
            Silenced::Service(service) => write!(f, "service {service}"),
        }
    }
}

impl fmt::Display for Send {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Send::First => "the first which is told of it",
            Send::Again => "it was over, and goes on",
            Send::AskedFor => "such a change was asked for",
            Send::Recovery => "its beginning was told",
        })
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::BeginningNotTold => f.write_str("its beginning was not told"),
            Hold::AlreadyTold => f.write_str("its beginning was told"),
            Hold::AsIntended(until) => write!(f, "as intended: it lies in planned work until {}", until.in_words()),
            Hold::Silenced(until) => write!(f, "silenced until {}", until.in_words()),
            Hold::LessUrgent(urgency) => write!(f, "it is only a {}", urgency.word()),
            Hold::OtherServices => f.write_str("it concerns other services"),
            Hold::NotAskedFor => f.write_str("such a change was not asked for"),
            Hold::Acknowledged => f.write_str("somebody works on it, and it is not worse"),
            Hold::TooSoon(next) => write!(f, "it is not worse, and something was told of it; no more before {}", next.in_words()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
