//! A whole collector falls silent, or speaks again: taken for all its peers at once where every prefix is watched.
//!
//! It is what taking one peer after the other comes to, in fewer steps; prefixes for which it is not are taken so.

use super::Pipeline;
use crate::feed::{Liveness, LivenessChange};
use crate::rib::{Changes, Cohort, PrefixId, Row};
use crate::vantage::Vantages;
use crate::visibility::{Ballot, Electorate, VisibilityChange, Vote};
use crate::withdrawal::Scene;

/// Whether it is worth while to take them together.
pub(super) fn is_many(changes: &[LivenessChange]) -> bool {
    changes.len() >= 4
}

impl Pipeline {
    /// Whether these changes of liveness, all [together](LivenessChange::is_with), were taken.
    pub(super) fn take_lull(&mut self, changes: &[LivenessChange], vantages: &Vantages) -> bool {
        let [LivenessChange { at, now, .. }, ..] = *changes else { return true };
        let believed = now == Liveness::Up;
        let who = changes.iter().map(|change| change.from);
        let turns = |from| self.stages.rib.is_believed(from) != believed;
        if now == Liveness::Down || !who.clone().all(turns) {
            return false;
        }
        let cohort = self.stages.rib.cohort(who);
        let state = Electorate { rib: &self.stages.rib, feeds: &self.stages.feeds, vantages };
        let Some(mut ballot) = self.votes.ballot(&cohort, (at, self.first), state) else { return false };
        self.detector.begin_lull(at, believed, &cohort);
        let (mut apart, mut row) = (Vec::new(), Row::default());
        for prefix in (0..self.stages.rib.prefix_count()).map(PrefixId::at) {
            self.stages.rib.row(prefix, &cohort, &mut row);
            if !row.is_empty() && !self.take_row((prefix, &row), (changes[0], &cohort, &mut ballot), vantages) {
                apart.push(prefix);
            }
        }
        let before = self.stages.rib.believed();
        let mut told = Changes::default();
        for prefix in apart {
            self.stages.rib.believe_as(&before);
            for change in changes {
                told.clear();
                self.stages.rib.live(change, prefix.index()..prefix.index() + 1, &mut told);
                self.take(&told, false, vantages);
            }
        }
        changes.iter().for_each(|change| self.stages.rib.set_believed(change.from, believed));
        true
    }

    /// What it does to one prefix; false if that is to be taken one by one.
    fn take_row(
        &mut self,
        (prefix, row): (PrefixId, &Row),
        (LivenessChange { at, now, .. }, cohort, ballot): (LivenessChange, &Cohort, &mut Ballot),
        vantages: &Vantages,
    ) -> bool {
        let state = Electorate { rib: &self.stages.rib, feeds: &self.stages.feeds, vantages };
        let Some(turnout) = self.votes.turnout((prefix, row), (cohort, ballot), state) else { return false };
        let believed = now == Liveness::Up;
        let now = self.votes.visibility_after(prefix, turnout, believed);
        let change = VisibilityChange { at, prefix, now, vote: (Vote::Ineligible, Vote::Ineligible) };
        let scene = Scene { state, votes: &self.votes, any_seeded: self.any_seeded };
        let taken = self.detector.observe_lull(&change, (turnout, believed, row), scene);
        if taken {
            self.votes.turn_out(prefix, now);
        }
        taken
    }
}
