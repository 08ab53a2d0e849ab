//! The votes of a whole collector at once: it falls silent, or speaks again, with all its peers and for every prefix.
//!
//! While it is silent whoever votes is unknown; while it is believed the votes are what its peers say. Which votes move between the two
//! is counted in bits.

use super::review::LATE;
use super::{Electorate, Standing, Tally, Votes, says, sum};
use crate::rib::{Cohort, PrefixId, Row};
use crate::time::Timestamp;
use crate::vantage::{Family, VantageId};
use crate::visibility::roll::ELIGIBLE_FOR;
use crate::visibility::{Visibility, Vote};

/// Which votes a cohort has, at a time.
#[derive(Debug)]
pub struct Ballot {
    at: Timestamp,
    /// Every route was present late enough to be eligible.
    young: bool,
    families: [Voters; 2],
    /// Kept to be filled again.
    had: Vec<u64>,
}

/// Those of a cohort who vote on prefixes of one family, as bits of its rows.
#[derive(Debug, Default)]
struct Voters {
    /// Their whole table is known.
    seeded: Vec<u64>,
    /// It is not.
    unseeded: Vec<u64>,
    /// They are all of their AS which votes.
    alone: Vec<u64>,
    /// ASes of which several vote.
    several: Vec<Several>,
}

/// An AS of which several vote.
#[derive(Debug)]
struct Several {
    /// Those of the cohort, as bits of its rows.
    members: Vec<u64>,
    /// Those who do not belong to the cohort.
    others: Vec<VantageId>,
}

/// Votes which are unknown while a cohort is silent, and these while it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turnout {
    /// ASes which see the prefix.
    pub seeing: u32,
    /// ASes which lost it.
    pub lost: u32,
}

impl Turnout {
    /// Whether no vote moves.
    pub const fn is_empty(self) -> bool {
        self.seeing == 0 && self.lost == 0
    }
}

impl Votes {
    /// What votes of a cohort are, if they are now as at the last review. `first`: nothing was observed before.
    pub fn ballot(
        &mut self,
        cohort: &Cohort,
        (at, first): (Timestamp, Option<Timestamp>),
        state: Electorate<'_>,
    ) -> Option<Ballot> {
        self.meet(state.vantages);
        if !self.is_current(state) {
            return None;
        }
        let families = Family::BOTH.map(|family| self.voters_in(cohort, family));
        let young = first.is_some_and(|first| first > at - ELIGIBLE_FOR + LATE);
        Some(Ballot { at, young, families, had: Vec::new() })
    }

    fn voters_in(&self, cohort: &Cohort, family: Family) -> Voters {
        let none = || vec![0; cohort.width()];
        let mut voters = Voters { seeded: none(), unseeded: none(), alone: none(), several: Vec::new() };
        for members in &self.ases {
            let voting = members.vantages.iter().copied().filter(|from| self.roll.standing(*from, family) != Standing::Partial);
            let (inside, others): (Vec<_>, Vec<_>) = voting.partition(|from| cohort.place(*from).is_some());
            let places: Vec<(usize, u64)> = inside.iter().filter_map(|from| cohort.place(*from)).collect();
            for (from, (word, bit)) in inside.iter().zip(&places) {
                match self.roll.standing(*from, family) {
                    Standing::Seeded => voters.seeded[*word] |= bit,
                    Standing::Partial | Standing::Mute | Standing::Unseeded => voters.unseeded[*word] |= bit,
                }
            }
            match (places.as_slice(), others.as_slice()) {
                ([], _) => {}
                ([(word, bit)], []) => voters.alone[*word] |= bit,
                _ => {
                    let mut members = none();
                    places.iter().for_each(|(word, bit)| members[*word] |= bit);
                    voters.several.push(Several { members, others });
                }
            }
        }
        voters
    }

    /// Which votes on a prefix move when the cohort falls silent or speaks again. `None` if that does not follow from its row alone.
    pub fn turnout(
        &self,
        (prefix, row): (PrefixId, &Row),
        (cohort, ballot): (&Cohort, &mut Ballot),
        state: Electorate<'_>,
    ) -> Option<Turnout> {
        let simple = |tally: &Tally| tally.polled && !tally.frozen && !tally.stale;
        if row.forgot || !self.tallies.get(prefix.index()).is_some_and(simple) {
            return None;
        }
        let voters = &ballot.families[state.rib.family_of(prefix).index()];
        let absent = |word: usize| row.known[word] & !row.present[word];
        let asked = |word: usize| voters.seeded[word] & if ballot.young { absent(word) } else { u64::MAX };
        let had = &mut ballot.had;
        if (0..cohort.width()).all(|word| asked(word) == 0) {
            had.clear();
            had.resize(cohort.width(), 0);
        } else if !state.rib.had_since(ballot.at - ELIGIBLE_FOR, (prefix, row), (cohort, &voters.seeded), had) {
            return None;
        }
        let lost = |word: usize| absent(word) & (voters.unseeded[word] | voters.seeded[word] & had[word]);
        let mut turnout = Turnout::default();
        for (word, alone) in voters.alone.iter().enumerate() {
            turnout.seeing += (row.present[word] & alone).count_ones();
            turnout.lost += (lost(word) & alone).count_ones();
        }
        for several in &voters.several {
            let (mut sees, mut is_unknown, mut has_lost) = (0, 0, 0);
            for (word, members) in several.members.iter().enumerate() {
                sees |= row.present[word] & members;
                is_unknown |= voters.unseeded[word] & !row.known[word] & members;
                has_lost |= lost(word) & members;
            }
            let believed = match (sees, is_unknown, has_lost) {
                (0, 0, 0) => continue,
                (0, 0, _) => Vote::Lost,
                (0, _, _) => Vote::Unknown,
                (_, _, _) => Vote::Seeing,
            };
            let others = self.others(&several.others, prefix, ballot.at, state)?;
            match (joined(believed, others), joined(Vote::Unknown, others)) {
                (Vote::Seeing, Vote::Unknown) => turnout.seeing += 1,
                (Vote::Lost, Vote::Unknown) => turnout.lost += 1,
                _ => {}
            }
        }
        Some(turnout)
    }

    /// The vote of those of an AS who do not belong to a cohort; `None` if it is another one than by the last review.
    fn others(&self, others: &[VantageId], prefix: PrefixId, at: Timestamp, state: Electorate<'_>) -> Option<Vote> {
        if others.is_empty() {
            return Some(Vote::Ineligible);
        }
        let family = state.rib.family_of(prefix);
        let vote =
            |at| sum(others.iter().map(|from| says(self.roll.standing(*from, family), at, (prefix, *from, None), state.rib)));
        let now = vote(at);
        (now == vote(self.roll.at())).then_some(now)
    }

    /// Visibility of a prefix once these votes have moved; `believed`: from unknown to what they are.
    pub fn visibility_after(&self, prefix: PrefixId, turnout: Turnout, believed: bool) -> Visibility {
        let Visibility { seeing, lost, unknown } = self.visibility(prefix);
        let (more, moved) = (turnout, turnout.seeing + turnout.lost);
        if believed {
            Visibility { seeing: seeing + more.seeing, lost: lost + more.lost, unknown: unknown - moved }
        } else {
            Visibility { seeing: seeing - more.seeing, lost: lost - more.lost, unknown: unknown + moved }
        }
    }

    /// These votes have moved.
    pub fn turn_out(&mut self, prefix: PrefixId, now: Visibility) {
        if let Some(tally) = self.tallies.get_mut(prefix.index()) {
            tally.count = now;
        }
    }
}

/// The vote of an AS of which two parts vote so.
fn joined(one: Vote, other: Vote) -> Vote {
    match (one, other) {
        (Vote::Seeing, _) | (_, Vote::Seeing) => Vote::Seeing,
        (Vote::Unknown, _) | (_, Vote::Unknown) => Vote::Unknown,
        (Vote::Lost, _) | (_, Vote::Lost) => Vote::Lost,
        (Vote::Ineligible, Vote::Ineligible) => Vote::Ineligible,
    }
}
