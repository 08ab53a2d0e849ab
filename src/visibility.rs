//! Visibility: which ASes see a prefix, which lost it, and of which nobody can tell.
//!
//! Takes route changes with the routing state and the feeds behind them; gives counts per prefix. Votes are by AS: one with several
//! sessions sees if one of them sees, else is unknown if one is unknown, else has lost. Never a share without its denominator:
//! ignorance makes bounds, not numbers. Nothing is decided here.

use crate::feed::{Feeds, Liveness};
use crate::rib::{PrefixId, Rib, RouteState};
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, Family, VantageId, Vantages};
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;

/// A vantage point which lost a route longer ago than this is no longer eligible (IODA's day).
const ELIGIBLE_FOR: Span = Span::from_seconds(86_400);
/// How often eligibility is looked at anew where nothing changes.
const REVIEW_EVERY: Span = Span::from_seconds(3_600);

/// Eligible ASes by what they say of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Visibility {
    /// ASes which have a route.
    pub seeing: u32,
    /// ASes which had one, or should, and have none.
    pub lost: u32,
    /// ASes of which it cannot be told.
    pub unknown: u32,
}

/// A share in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Share(u32);

/// What one AS says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    /// Not asked: no full feed, or it never had the prefix.
    Ineligible,
    /// A route.
    Seeing,
    /// No route.
    Lost,
    /// It cannot be told.
    Unknown,
}

impl Visibility {
    /// The denominator: eligible ASes.
    pub const fn eligible(self) -> u32 {
        self.seeing + self.lost + self.unknown
    }

    /// At least this share sees it; 1 if nobody is eligible.
    pub fn lower(self) -> Share {
        Share::of(self.seeing, self.eligible())
    }

    /// At most this share sees it; 1 if nobody is eligible.
    pub fn upper(self) -> Share {
        Share::of(self.seeing + self.unknown, self.eligible())
    }

    fn slot(&mut self, vote: Vote) -> Option<&mut u32> {
        match vote {
            Vote::Ineligible => None,
            Vote::Seeing => Some(&mut self.seeing),
            Vote::Lost => Some(&mut self.lost),
            Vote::Unknown => Some(&mut self.unknown),
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ASes", self.seeing, self.eligible())?;
        if self.unknown > 0 {
            write!(f, " ({} unknown)", self.unknown)?;
        }
        Ok(())
    }
}

impl Share {
    /// None of them.
    pub const ZERO: Share = Share(0);
    /// All of them.
    pub const ONE: Share = Share(1_000_000);

    /// `part` of `whole`; 1 of nothing.
    #[allow(clippy::cast_possible_truncation, reason = "part is at most whole, so the result is at most a million")]
    pub fn of(part: u32, whole: u32) -> Share {
        if whole == 0 { Share::ONE } else { Share((u64::from(part.min(whole)) * 1_000_000 / u64::from(whole)) as u32) }
    }

    /// Whether it is less than `percent` of `baseline`.
    pub fn is_below(self, percent: u32, baseline: Share) -> bool {
        u64::from(self.0) * 100 < u64::from(baseline.0) * u64::from(percent)
    }

    /// In millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} %", self.0 / 10_000, self.0 / 1_000 % 10)
    }
}

/// A change of a prefix's visibility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisibilityChange {
    /// When.
    pub at: Timestamp,
    /// Of which prefix.
    pub prefix: PrefixId,
    /// From now on.
    pub now: Visibility,
    /// What the AS said before, and says now; equal if only the electorate changed.
    pub vote: (Vote, Vote),
}

/// The votes on every prefix.
#[derive(Debug)]
pub struct Votes {
    ballots: Vec<Ballot>,
    as_index: HashMap<Asn, usize>,
    ases: Vec<AsMembers>,
    as_of: Vec<usize>,
    edition: u64,
    review_at: Timestamp,
}

#[derive(Debug)]
struct AsMembers {
    asn: Asn,
    vantages: Vec<VantageId>,
}

#[derive(Debug, Default)]
struct Ballot {
    votes: Vec<Vote>,
    count: Visibility,
    /// While an incident is open nobody joins or leaves the electorate: a long outage must not erase its own denominator.
    frozen: Option<Box<[bool]>>,
}

impl Default for Votes {
    fn default() -> Self {
        Votes {
            ballots: Vec::new(),
            as_index: HashMap::new(),
            ases: Vec::new(),
            as_of: Vec::new(),
            edition: 0,
            review_at: Timestamp::MIN,
        }
    }
}

/// The state on which votes are taken.
#[derive(Clone, Copy)]
pub struct Electorate<'a> {
    /// What every vantage point says.
    pub rib: &'a Rib,
    /// Who carries a full table and speaks.
    pub feeds: &'a Feeds,
    /// Who is who.
    pub vantages: &'a Vantages,
}

impl Votes {
    /// Visibility of a prefix now.
    pub fn visibility(&self, prefix: PrefixId) -> Visibility {
        self.ballots.get(prefix.index()).map(|ballot| ballot.count).unwrap_or_default()
    }

    /// ASes which vote so on a prefix, in ascending order.
    pub fn voters(&self, prefix: PrefixId, vote: Vote) -> Vec<Asn> {
        let Some(ballot) = self.ballots.get(prefix.index()) else { return Vec::new() };
        let mut voters: Vec<Asn> =
            ballot.votes.iter().enumerate().filter(|(_, v)| **v == vote).map(|(i, _)| self.ases[i].asn).collect();
        voters.sort_unstable();
        voters
    }

    /// Nobody joins or leaves the electorate of the prefix until it is thawed.
    pub fn freeze(&mut self, prefix: PrefixId) {
        if let Some(ballot) = self.ballots.get_mut(prefix.index()) {
            ballot.frozen = Some(ballot.votes.iter().map(|vote| *vote != Vote::Ineligible).collect());
        }
    }

    /// The electorate of the prefix follows the rules again.
    pub fn thaw(&mut self, prefix: PrefixId) {
        if let Some(ballot) = self.ballots.get_mut(prefix.index()) {
            ballot.frozen = None;
        }
    }

    /// Takes the vote of one AS on one prefix anew; gives the change, if it is one.
    pub fn poll(&mut self, at: Timestamp, prefix: PrefixId, from: VantageId, state: Electorate<'_>) -> Option<VisibilityChange> {
        self.make_room(prefix, state.vantages);
        let fresh = self.ballots[prefix.index()].votes.is_empty();
        if fresh {
            self.poll_all(at, prefix, state);
        }
        let index = self.as_of[from.index()];
        let vote = self.vote(at, prefix, index, state);
        let ballot = &mut self.ballots[prefix.index()];
        let before = ballot.cast(index, vote);
        (fresh || before != vote).then_some(VisibilityChange { at, prefix, now: ballot.count, vote: (before, vote) })
    }

    /// Takes all votes anew where the electorate changed, or if it is time; appends what changes.
    pub fn review(&mut self, at: Timestamp, state: Electorate<'_>, changes: &mut Vec<VisibilityChange>) {
        let edition = state.feeds.electorate_edition();
        if edition == self.edition && at < self.review_at {
            return;
        }
        self.edition = edition;
        self.review_at = at + REVIEW_EVERY;
        self.meet(state.vantages);
        for index in 0..self.ballots.len() {
            if self.ballots[index].votes.is_empty() {
                continue;
            }
            let prefix = PrefixId::at(index);
            let before = self.ballots[index].count;
            self.poll_all(at, prefix, state);
            let now = self.ballots[index].count;
            if now != before {
                changes.push(VisibilityChange { at, prefix, now, vote: (Vote::Ineligible, Vote::Ineligible) });
            }
        }
    }

    fn poll_all(&mut self, at: Timestamp, prefix: PrefixId, state: Electorate<'_>) {
        for index in 0..self.ases.len() {
            let vote = self.vote(at, prefix, index, state);
            self.ballots[prefix.index()].cast(index, vote);
        }
    }

    fn vote(&self, at: Timestamp, prefix: PrefixId, index: usize, state: Electorate<'_>) -> Vote {
        let frozen = self.ballots[prefix.index()].frozen.as_ref();
        let held = frozen.map(|frozen| frozen.get(index).copied().unwrap_or(false));
        if held == Some(false) {
            return Vote::Ineligible;
        }
        let family = Family::of(&state.rib.prefix_of(prefix));
        let held = held == Some(true);
        let mut vote = Vote::Ineligible;
        for from in &self.ases[index].vantages {
            let Some(said) = witness(at, (prefix, family), *from, held, state) else { continue };
            vote = match (vote, said) {
                (Vote::Seeing, _) | (_, RouteState::Present) => Vote::Seeing,
                (Vote::Unknown, _) | (_, RouteState::Unknown) => Vote::Unknown,
                (Vote::Ineligible | Vote::Lost, RouteState::Withdrawn) => Vote::Lost,
            };
        }
        if held && vote == Vote::Ineligible { Vote::Unknown } else { vote }
    }

    fn make_room(&mut self, prefix: PrefixId, vantages: &Vantages) {
        self.meet(vantages);
        if self.ballots.len() <= prefix.index() {
            self.ballots.resize_with(prefix.index() + 1, Ballot::default);
        }
    }

    /// Learns the ASes of vantage points met since.
    fn meet(&mut self, vantages: &Vantages) {
        if self.as_of.len() == vantages.len() {
            return;
        }
        for (from, point) in vantages.iter().skip(self.as_of.len()) {
            let index = *self.as_index.entry(point.asn).or_insert_with(|| {
                self.ases.push(AsMembers { asn: point.asn, vantages: Vec::new() });
                self.ases.len() - 1
            });
            self.ases[index].vantages.push(from);
            self.as_of.push(index);
        }
    }
}

impl Ballot {
    fn cast(&mut self, index: usize, vote: Vote) -> Vote {
        if self.votes.len() <= index {
            self.votes.resize(index + 1, Vote::Ineligible);
        }
        let before = std::mem::replace(&mut self.votes[index], vote);
        if let Some(slot) = self.count.slot(before) {
            *slot -= 1;
        }
        if let Some(slot) = self.count.slot(vote) {
            *slot += 1;
        }
        before
    }
}

/// What one vantage point says, if it is eligible: a full feed which had the prefix within a day or, without a table dump, any full
/// feed which ever spoke. In a frozen electorate (`held`) whoever was eligible stays so.
fn witness(
    at: Timestamp,
    (prefix, family): (PrefixId, Family),
    from: VantageId,
    held: bool,
    state: Electorate<'_>,
) -> Option<RouteState> {
    let view = state.rib.view(prefix, from);
    let full_feed = state.feeds.is_full_feed(from, family);
    match view {
        Some(view) if held => Some(view.state),
        _ if !full_feed => None,
        Some(view) if state.feeds.is_seeded(from, family) => {
            let had = view.state == RouteState::Present || view.last_present? >= at - ELIGIBLE_FOR;
            had.then_some(view.state)
        }
        Some(view) => Some(view.state),
        None if state.feeds.is_seeded(from, family) => None,
        None => (state.feeds.liveness(from) != Liveness::Never).then_some(RouteState::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_makes_bounds_and_not_a_number() {
        let seen = Visibility { seeing: 3, lost: 1, unknown: 4 };
        assert_eq!((seen.lower().millionths(), seen.upper().millionths()), (375_000, 875_000));
        assert_eq!(seen.to_string(), "3 of 8 ASes (4 unknown)");
        assert_eq!(Visibility::default().upper(), Share::ONE, "nobody was asked: no loss was seen");
    }

    #[test]
    fn a_share_is_compared_with_its_baseline() {
        let half = Share::of(5, 10);
        assert!(!half.is_below(50, Share::ONE), "half is not less than half");
        assert!(Share::of(49, 100).is_below(50, Share::ONE));
        assert!(!Share::of(45, 100).is_below(50, Share::of(9, 10)), "a baseline of 90 % asks for less");
        assert_eq!(half.to_string(), "50.0 %");
    }
}
