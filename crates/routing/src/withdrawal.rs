//! Withdrawals: when so many vantage points lost a prefix that it is an event, and when they have it back.
//!
//! Takes visibility changes with the route changes behind them, in time order; gives [`Withdrawal`]s with levels, bounds and raw
//! evidence. Crossing a threshold must hold for a while, and neither a table dump nor a change of the electorate starts the hold.
//! Whose prefix it is and what it means for services is decided elsewhere.

mod baseline;
mod begin;
mod detect;
mod lulls;
mod onset;
mod watch;

use crate::observation::RecordRef;
use crate::rib::{PrefixId, RouteId};
use crate::time::{Bounds, Timestamp};
use crate::vantage::{Asn, VantageId};
use crate::visibility::{Share, Visibility};
pub use detect::{Detector, Scene, Step};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How much of the baseline is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Below the setting `warn_percent`.
    Partial,
    /// Below `open_percent`.
    Major,
    /// Below `critical_percent`.
    Full,
}

impl Level {
    /// All, from the mildest.
    pub const ALL: [Level; 3] = [Level::Partial, Level::Major, Level::Full];

    /// The word reports use.
    pub const fn word(self) -> &'static str {
        match self {
            Level::Partial => "partial",
            Level::Major => "major",
            Level::Full => "full",
        }
    }
}

/// Visibility at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// Who saw the prefix then.
    pub visibility: Visibility,
}

/// One vantage point's part in a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub from: VantageId,
    /// What it said.
    pub said: Said,
    /// The route then, or the last one.
    pub route: Option<RouteId>,
    /// The record; none for silence.
    pub source: Option<RecordRef>,
}

/// What a vantage point said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It withdrew its route.
    Withdrew,
    /// A malformed UPDATE, treated as a withdraw (RFC 7606).
    TreatedAsWithdraw,
    /// Its table was told without the prefix.
    AbsentFromTable,
    /// It announced a route again.
    Announced,
    /// Its table was told with the prefix.
    InTable,
    /// It ceased to be believable: session lost, silent, or not recorded.
    BecameUnknown,
    /// It is believed again, as before.
    BelievedAgain,
}

/// The covering route which was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cover {
    /// The less specific prefix.
    pub prefix: IpNet,
    /// Who saw it when the withdrawal was decided.
    pub visibility: Visibility,
    /// ASes which originate it.
    pub origins: Vec<Asn>,
}

/// An AS which lost the route late, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Straggler {
    /// The AS.
    pub asn: Asn,
    /// When it lost the route.
    pub at: Timestamp,
}

/// A prefix lost by many and back before the loss had held long enough to be an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Churn {
    /// The prefix.
    pub prefix: IpNet,
    /// When its share fell below the opening threshold.
    pub from: Timestamp,
    /// When it was above it again.
    pub until: Timestamp,
    /// When fewest saw it.
    pub lowest: Moment,
}

/// A prefix lost by so many that it is an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// The prefix.
    pub prefix: IpNet,
    /// Its place in the routing state.
    pub id: PrefixId,
    /// ASes which originated it, as last seen; empty if it was never seen announced.
    pub origins: Vec<Asn>,
    /// The worst level held.
    pub level: Level,
    /// The upper share which counted as usual.
    pub baseline: Share,
    /// True if some eligible vantage point had no table dump: its state is inferred from updates.
    pub inferred: bool,
    /// True if the whole table of some vantage point was known, so that a covering route would have been seen.
    pub covers_known: bool,
    /// The first withdraw statement of the run which led to it.
    pub first_statement: Timestamp,
    /// The change point before the crossing; as exact as the stamps are.
    pub onset: Bounds,
    /// When each level was first crossed for good, in the order of [`Level::ALL`].
    pub crossed: [Option<Timestamp>; 3],
    /// When its first level had held long enough.
    pub opened: Timestamp,
    /// When fewest saw it.
    pub trough: Moment,
    /// First announcement after the trough was reached.
    pub first_back: Option<Timestamp>,
    /// When the share was back at the opening threshold for good.
    pub back_at_open: Option<Timestamp>,
    /// When the share was back at the closing threshold for good: the recovery.
    pub recovered: Option<Timestamp>,
    /// Since when too few could tell, if it was found to have recovered before enough could again: it may have since then.
    pub unseen_since: Option<Timestamp>,
    /// When recovery had held long enough.
    pub closed: Option<Timestamp>,
    /// ASes which lost it later than the setting `grouping` after the onset.
    pub stragglers: Vec<Straggler>,
    /// ASes which still saw it `zombie_after` the onset of a full withdrawal.
    pub zombies: Vec<Asn>,
    /// Less specific routes which at least half of their eligible ASes saw when it was decided, longest first.
    pub covers: Vec<Cover>,
    /// The first of them which was not withdrawn itself meanwhile: the covering route that was left; `None`: no route
    /// at all, or where [`covers_known`](Self::covers_known) is false, none was spoken of.
    pub cover: Option<Cover>,
    /// ASes which had lost it at the trough.
    pub lost_by: Vec<Asn>,
    /// ASes which all lost paths share and no surviving path has; empty if nobody still sees it.
    pub common_transit: Vec<Asn>,
    /// Every statement from the first on, in time order.
    pub evidence: Vec<Statement>,
}

/// A withdrawal at a step of its life, for whoever follows it: that it opened, worsened or closed shows in what is known of it since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithdrawalStep {
    /// When it was decided: what a level, or the recovery, had to hold is over.
    pub at: Timestamp,
    /// The prefix.
    pub prefix: IpNet,
    /// Its origin, as [`Withdrawal::origin`] tells it.
    pub origin: Option<Asn>,
    /// When the withdrawal opened: a prefix has one at a time, so both name it.
    pub opened: Timestamp,
    /// The earliest onset.
    pub onset: Timestamp,
    /// The worst level held.
    pub level: Level,
    /// The recovery, if it is over.
    pub recovered: Option<Timestamp>,
}

impl Withdrawal {
    /// The AS which originated the prefix: of several (an anycast or multi-origin prefix) the lowest; `None` if none was ever seen.
    pub fn origin(&self) -> Option<Asn> {
        self.origins.first().copied()
    }

    /// What is told of it at a step.
    pub fn at_step(&self, at: Timestamp) -> WithdrawalStep {
        let Withdrawal { prefix, opened, level, recovered, .. } = *self;
        WithdrawalStep { at, prefix, origin: self.origin(), opened, onset: self.onset.earliest, level, recovered }
    }

    /// Chooses the cover: the longest which no withdrawal took away while this one lasted. `withdrawn` tells when prefixes were.
    pub fn choose_cover(&mut self, withdrawn: &HashMap<IpNet, Vec<(Timestamp, Option<Timestamp>)>>) {
        let (from, until) = self.interval();
        let lost = |cover: &&Cover| {
            withdrawn
                .get(&cover.prefix)
                .into_iter()
                .flatten()
                .any(|(began, ended)| *began <= until.unwrap_or(Timestamp::MAX) && from <= ended.unwrap_or(Timestamp::MAX))
        };
        self.cover = self.covers.iter().find(|cover| !lost(cover)).cloned();
    }

    /// The recovery lies in here.
    pub fn recovery(&self) -> Option<Bounds> {
        self.recovered.map(|latest| Bounds { earliest: self.unseen_since.unwrap_or(latest), latest })
    }

    /// It lasts from its onset until its recovery, or until now.
    pub fn interval(&self) -> (Timestamp, Option<Timestamp>) {
        (self.onset.earliest, self.recovered)
    }
}
