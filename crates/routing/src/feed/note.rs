//! What the report must say about feeds: what happened, to whom, and when.

use crate::observation::{GapCause, RecordRef};
use crate::time::Timestamp;
use crate::vantage::{CollectorId, VantageId, Vantages};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something the report must say about the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedNote {
    /// When it began.
    pub at: Timestamp,
    /// When it ended; `None` if it had not, or if it is a moment.
    pub until: Option<Timestamp>,
    /// Whom it concerns.
    pub whom: NotedFeed,
    /// What happened.
    pub what: FeedEvent,
    /// The record which says so; none for silence.
    pub source: Option<RecordRef>,
}

/// Whom a note concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotedFeed {
    /// One vantage point.
    Vantage(VantageId),
    /// A whole collector.
    Collector(CollectorId),
}

impl NotedFeed {
    /// Its name, for people.
    pub fn name(self, vantages: &Vantages) -> String {
        match self {
            NotedFeed::Vantage(id) => vantages.point(id).to_string(),
            NotedFeed::Collector(id) => vantages.collector_name(id).to_string(),
        }
    }
}

/// What can happen to a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedEvent {
    /// A session which held routes was lost.
    SessionLost,
    /// A vantage point which spoke fell silent.
    Silent,
    /// A vantage point told most of its table again although no session loss was recorded: its session must have been reset.
    TableSentAgain,
    /// Nothing was recorded by a collector.
    Gap(GapCause),
}
