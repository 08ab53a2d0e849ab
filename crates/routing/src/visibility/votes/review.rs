//! All votes taken anew, where the electorate changed or time has passed.

use super::{AsMembers, Electorate, Standing, Votes};
use crate::feed::Feeds;
use crate::rib::{PrefixId, Rib};
use crate::time::{Span, Timestamp};
use crate::vantage::{Family, VantageId};
use crate::visibility::roll::{ELIGIBLE_FOR, Roll};
use crate::visibility::{VisibilityChange, Vote};
use std::collections::BTreeSet;
use std::ops::Range;

/// How often eligibility is looked at anew where nothing changes.
const REVIEW_EVERY: Span = Span::from_seconds(3_600);
/// What was said longer before a route could be eligible is forgotten: an observation may be late.
pub(super) const LATE: Span = Span::from_seconds(3_600);

impl Votes {
    /// Takes all votes anew where the electorate changed, or if it is time; appends what changes. Only those votes are looked at of which
    /// that can be: of ASes whose standing changed, of routes which were lost so long ago, and those which are stale. False if it is not time.
    pub fn review(&mut self, at: Timestamp, state: Electorate<'_>, changes: &mut Vec<VisibilityChange>) -> bool {
        if at < self.next_due(state.feeds) {
            return false;
        }
        self.edition = state.feeds.electorate_edition();
        self.review_at = at + REVIEW_EVERY;
        self.meet(state.vantages);
        let roll = Roll::now(at, state);
        let times = self.roll.between(&roll);
        let changed = Family::BOTH.map(|family| self.changed(&roll, &times, family, state.rib));
        let aged = state.rib.may_lie_within(&times).then_some(&times);
        let prefixes: Vec<PrefixId> = if aged.is_some() || changed.iter().any(|changed| !changed.is_empty()) {
            (0..self.tallies.len()).map(PrefixId::at).collect()
        } else {
            let stale = self.stale.keys().map(|(prefix, _)| *prefix);
            let unsettled = self.frozen.iter().filter(|(_, frozen)| frozen.unsettled).map(|(prefix, _)| *prefix);
            stale.chain(unsettled).collect::<BTreeSet<_>>().into_iter().collect()
        };
        for prefix in prefixes {
            if !self.is_polled(prefix) {
                continue;
            }
            let before = self.visibility(prefix);
            let indices = self.in_question(prefix, &changed, aged, state.rib);
            for index in indices {
                let (before, vote) = (self.vote(prefix, index, state), self.ask(at, prefix, (index, &[]), state));
                self.set_frozen(prefix, index, vote);
                self.tallies[prefix.index()].count.move_vote(before, vote);
            }
            let now = self.visibility(prefix);
            if now != before {
                changes.push(VisibilityChange { at, prefix, now, vote: (Vote::Ineligible, Vote::Ineligible) });
            }
        }
        for (prefix, _) in std::mem::take(&mut self.stale).into_keys() {
            self.tallies[prefix.index()].stale = false;
        }
        self.voting = (0..self.ases.len()).filter(|index| self.may_vote(&roll, *index)).collect();
        let unheard =
            |members: &&AsMembers, family| members.vantages.iter().any(|from| roll.standing(*from, family) == Standing::Unseeded);
        self.unheard = Family::BOTH.map(|family| self.ases.iter().filter(|members| unheard(members, family)).map(|_| 1).sum());
        (self.roll, self.current) = (roll, None);
        true
    }

    /// No review does anything before this, by the electorate as it is.
    pub fn next_due(&self, feeds: &Feeds) -> Timestamp {
        if feeds.electorate_edition() == self.edition { self.review_at } else { Timestamp::MIN }
    }

    /// When a review is due, whether or not the electorate changes.
    pub fn review_at(&self) -> Timestamp {
        self.review_at
    }

    /// After a review: before which time nothing matters any more, and from which time on it is asked when routes were last present;
    /// `None` if that was told not long ago.
    pub fn forget(&mut self) -> Option<(Timestamp, Timestamp)> {
        let now = self.roll.at();
        if *self.forget_at.get_or_insert(now + ELIGIBLE_FOR + LATE) > now {
            return None;
        }
        self.forget_at = Some(now + REVIEW_EVERY);
        Some((now - ELIGIBLE_FOR - LATE, now - ELIGIBLE_FOR))
    }

    /// ASes with a vantage point whose standing, or the eligibility of what its last dump told, is another one.
    fn changed(&self, roll: &Roll, times: &Range<Timestamp>, family: Family, rib: &Rib) -> Vec<usize> {
        let has_changed = |from: &VantageId| {
            let (before, now) = (self.roll.standing(*from, family), roll.standing(*from, family));
            before != now || now == Standing::Seeded && rib.table_within(*from, family, times)
        };
        let ases = self.ases.iter().enumerate();
        ases.filter(|(_, members)| members.vantages.iter().any(has_changed)).map(|(index, _)| index).collect()
    }

    /// ASes whose vote on a prefix a review may change.
    fn in_question(
        &mut self,
        prefix: PrefixId,
        changed: &[Vec<usize>; 2],
        aged: Option<&Range<Timestamp>>,
        rib: &Rib,
    ) -> Vec<usize> {
        let mut indices = changed[rib.family_of(prefix).index()].clone();
        if let Some(frozen) = self.frozen.get_mut(&prefix) {
            return if std::mem::take(&mut frozen.unsettled) { (0..self.ases.len()).collect() } else { indices };
        }
        if self.tallies[prefix.index()].stale {
            indices.extend(self.stale.range((prefix, 0)..=(prefix, usize::MAX)).map(|((_, index), _)| *index));
        }
        if let Some(times) = aged {
            indices.extend(rib.noted_within(prefix, times).map(|from| self.as_of[from.index()].0));
        }
        indices.sort_unstable();
        indices.dedup();
        indices
    }

    fn may_vote(&self, roll: &Roll, index: usize) -> bool {
        let stands = |from: &VantageId, family| roll.standing(*from, family) != Standing::Partial;
        self.ases[index].vantages.iter().any(|from| stands(from, Family::Ipv4) || stands(from, Family::Ipv6))
    }
}
