//! Outages as they happen, a line of JSON each: what begins, changes or ends, and a summary at the end.

use super::place::Period;
use super::survey::SurveyView;
use super::{OutcomeView, VERSION};
use crate::analysis::Survey;
use crate::holder::{Holder, Holders};
use crate::outage::{OutageChange, OutageEvent};
use crate::time::Timestamp;
use crate::vantage::Asn;
use crate::withdrawal::Level;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "faultline-outage-events")]
pub enum OutageLine {
    /// Something happens to an outage.
    Event(OutageEventView),
    /// The last line.
    Summary(OutageSummaryView),
}

/// Something happens to an outage of an origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutageEventView {
    /// Always `faultline-outage-events`.
    #[schemars(extend("const" = OutageLine::FORMAT))]
    pub format: Cow<'static, str>,
    /// Of the format.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// What happens.
    pub event: OutageChange,
    /// When it was decided: a level, or a recovery, had held long enough. Lines stand in this order.
    pub at: Timestamp,
    /// The number of the outage, from 1: the same on every line about it.
    #[schemars(extend("minimum" = 1))]
    pub outage: usize,
    /// Whose; `null` for prefixes whose origin was never seen.
    pub origin: Option<Asn>,
    /// The organization which holds it; `null` if there is no table, or it does not tell.
    pub organization: Option<String>,
    /// The country; `null` as above.
    pub country: Option<String>,
    /// The worst level of a prefix so far.
    pub level: Level,
    /// The first onset known by now. It may turn out to be earlier.
    pub began: Timestamp,
    /// When the last prefix was back; `null` while one is not.
    pub ended: Option<Timestamp>,
    /// How many prefixes belong to it by now.
    pub prefix_count: usize,
    /// How many of them are not back.
    pub withdrawn: usize,
    /// Prefixes which are withdrawn, or on a worse level, since now.
    pub prefixes: Vec<String>,
    /// Numbers of outages which turn out to be this one: no line tells of them again.
    pub absorbed: Vec<usize>,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutageSummaryView {
    /// Always `faultline-outage-events`.
    #[schemars(extend("const" = OutageLine::FORMAT))]
    pub format: Cow<'static, str>,
    /// Of the format.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// Always `summary`.
    #[schemars(extend("const" = OutageLine::SUMMARY))]
    pub event: Cow<'static, str>,
    /// When the recording ends.
    pub at: Timestamp,
    /// What was recorded; `null` if nothing.
    pub recorded_bgp: Option<Period>,
    /// How many outages there were.
    pub outages: usize,
    /// How many of them were not over.
    pub not_over: usize,
    /// What it comes to.
    pub outcome: OutcomeView,
    /// Why the absence of an outage would prove nothing.
    pub doubts: Vec<String>,
}

impl OutageLine {
    /// What the lines name as their format.
    pub const FORMAT: &'static str = "faultline-outage-events";
    const SUMMARY: &'static str = "summary";

    /// The line of an event.
    pub fn event(event: OutageEvent, holders: &Holders) -> OutageLine {
        let Holder { organization, country } = holders.of(event.origin);
        OutageLine::Event(OutageEventView {
            format: Self::FORMAT.into(),
            version: VERSION,
            event: event.change,
            at: event.at,
            outage: event.number,
            origin: event.origin,
            organization: organization.as_deref().map(str::to_owned),
            country: country.as_deref().map(str::to_owned),
            level: event.level,
            began: event.began,
            ended: event.ended,
            prefix_count: event.prefix_count,
            withdrawn: event.withdrawn,
            prefixes: event.prefixes.iter().map(ToString::to_string).collect(),
            absorbed: event.absorbed,
        })
    }

    /// The last line; `count`: how many outages were told of, and how many of them were not over.
    pub fn summary(survey: &Survey, (outages, not_over): (usize, usize)) -> OutageLine {
        OutageLine::Summary(OutageSummaryView {
            format: Self::FORMAT.into(),
            version: VERSION,
            event: Self::SUMMARY.into(),
            at: survey.routing.last,
            recorded_bgp: survey.routing.first.map(|first| Period::between(first, survey.routing.last)),
            outages,
            not_over,
            outcome: SurveyView::outcome_of(survey),
            doubts: survey.doubts(),
        })
    }
}
