//! The roll: who may vote, as it was when all votes were last taken.

use super::votes::Electorate;
use crate::feed::Liveness;
use crate::rib::{RouteState, View};
use crate::time::{Span, Timestamp};
use crate::vantage::{Family, VantageId};
use std::ops::Range;

/// A vantage point which lost a route longer ago than this is no longer eligible (IODA's day).
pub(super) const ELIGIBLE_FOR: Span = Span::from_seconds(86_400);

/// What a vantage point is to the prefixes of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Standing {
    /// No full feed: it is not asked.
    #[default]
    Partial,
    /// A full feed whose whole table is known.
    Seeded,
    /// A full feed whose table is not known, which never spoke.
    Mute,
    /// A full feed whose table is not known.
    Unseeded,
}

/// The standing of every vantage point at a time.
#[derive(Debug, Clone)]
pub(super) struct Roll {
    at: Timestamp,
    standings: Vec<[Standing; 2]>,
}

impl Standing {
    /// As it is now.
    pub fn of(from: VantageId, family: Family, state: Electorate<'_>) -> Standing {
        if !state.feeds.is_full_feed(from, family) {
            Standing::Partial
        } else if state.feeds.is_seeded(from, family) {
            Standing::Seeded
        } else if state.feeds.liveness(from) == Liveness::Never {
            Standing::Mute
        } else {
            Standing::Unseeded
        }
    }

    /// What it says, if it is eligible: a full feed which had the prefix within a day or, without a table dump, any full feed which ever
    /// spoke.
    pub fn says(self, at: Timestamp, view: Option<View>) -> Option<RouteState> {
        match (self, view) {
            (Standing::Partial, _) | (Standing::Seeded | Standing::Mute, None) => None,
            (Standing::Seeded, Some(view)) => {
                let had = view.state == RouteState::Present || view.last_present? >= at - ELIGIBLE_FOR;
                had.then_some(view.state)
            }
            (Standing::Mute | Standing::Unseeded, Some(view)) => Some(view.state),
            (Standing::Unseeded, None) => Some(RouteState::Unknown),
        }
    }
}

impl Roll {
    /// Nobody may vote.
    pub fn empty() -> Self {
        Roll { at: Timestamp::MIN, standings: Vec::new() }
    }

    /// As it is now.
    pub fn now(at: Timestamp, state: Electorate<'_>) -> Self {
        let standing = |index| Family::BOTH.map(|family| Standing::of(VantageId::at(index), family, state));
        Roll { at, standings: (0..state.vantages.len()).map(standing).collect() }
    }

    /// When it was taken.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// What a vantage point was then.
    pub fn standing(&self, from: VantageId, family: Family) -> Standing {
        self.standings.get(from.index()).map_or(Standing::Partial, |standings| standings[family.index()])
    }

    /// A route which was last present within these times is eligible by one of two rolls only.
    pub fn between(&self, other: &Roll) -> Range<Timestamp> {
        let (first, last) = (self.at.min(other.at), self.at.max(other.at));
        // Before the first roll nobody voted.
        let first = if first == Timestamp::MIN { first } else { first - ELIGIBLE_FOR };
        first..last - ELIGIBLE_FOR
    }
}
