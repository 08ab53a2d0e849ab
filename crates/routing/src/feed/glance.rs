//! Who spoke last when, for whoever shows it.

use super::{CollectorFeed, Feeds};
use crate::time::Timestamp;
use crate::vantage::{CollectorId, VantageId};

impl Feeds {
    /// When a vantage point last spoke; `None` if it never did.
    pub fn heard(&self, from: VantageId) -> Option<Timestamp> {
        self.sessions.get(from.index()).map(|session| session.last_heard).filter(|at| *at != Timestamp::MIN)
    }

    /// Whether the silence of a collector has been noted, and goes on.
    pub fn is_silent(&self, collector: CollectorId) -> bool {
        self.collectors.get(collector.index()).is_some_and(CollectorFeed::is_silent)
    }
}
