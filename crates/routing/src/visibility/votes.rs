//! Votes on every prefix, counted; who voted how follows from the state.
//!
//! A vote is what its AS said when it was last asked: when a route of it changed, or at the last review. It is not kept, but for the few
//! which differ from what the state and the [`Roll`] of the last review say, and for frozen electorates.

mod review;
mod together;

use super::roll::{Roll, Standing};
use super::{Visibility, VisibilityChange, Vote};
use crate::feed::Feeds;
use crate::rib::{Changed, Changes, PrefixId, Rib, RouteChange, RouteState, View};
use crate::time::Timestamp;
use crate::vantage::{Asn, Family, VantageId, Vantages};
use std::collections::{BTreeMap, HashMap};
pub use together::{Ballot, Turnout};

/// A vantage point's view of a prefix, now or before a change.
type Known = (VantageId, Option<View>);

/// The votes on every prefix.
#[derive(Debug, Clone)]
pub struct Votes {
    tallies: Vec<Tally>,
    /// Votes which are not what the state and the roll say.
    stale: BTreeMap<(PrefixId, usize), Vote>,
    frozen: HashMap<PrefixId, Frozen, foldhash::fast::FixedState>,
    as_index: HashMap<Asn, Voter, foldhash::fast::FixedState>,
    ases: Vec<AsMembers>,
    as_of: Vec<Voter>,
    roll: Roll,
    /// Whether everybody stands as by the roll, at an edition of the standings.
    current: Option<(u64, bool)>,
    /// ASes which have a vote by the roll.
    voting: Vec<usize>,
    /// How many of them are unknown of a prefix of which they never spoke, by [`Family::index`].
    unheard: [u32; 2],
    edition: u64,
    review_at: Timestamp,
    forget_at: Option<Timestamp>,
}

/// An AS with a vote, by its place in [`Votes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Voter(usize);

#[derive(Debug, Clone)]
struct AsMembers {
    asn: Asn,
    vantages: Vec<VantageId>,
}

/// The votes on one prefix.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: Visibility,
    /// All were asked once.
    polled: bool,
    /// The electorate is frozen.
    frozen: bool,
    /// Some votes may be stale.
    stale: bool,
}

/// While an incident is open nobody joins or leaves the electorate: a long outage must not erase its own denominator.
#[derive(Debug, Clone)]
struct Frozen {
    votes: Vec<Vote>,
    eligible: Box<[bool]>,
    /// Votes may not be what the state says: they were cast before it was frozen, or somebody who is not believed spoke. Otherwise time alone
    /// changes none.
    unsettled: bool,
}

impl Default for Votes {
    fn default() -> Self {
        Votes {
            tallies: Vec::new(),
            stale: BTreeMap::new(),
            frozen: HashMap::default(),
            as_index: HashMap::default(),
            ases: Vec::new(),
            as_of: Vec::new(),
            roll: Roll::empty(),
            current: None,
            voting: Vec::new(),
            unheard: [0; 2],
            edition: 0,
            review_at: Timestamp::MIN,
            forget_at: None,
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
        self.tallies.get(prefix.index()).map(|tally| tally.count).unwrap_or_default()
    }

    /// ASes which vote so on a prefix, in ascending order.
    pub fn voters(&self, prefix: PrefixId, vote: Vote, state: Electorate<'_>) -> Vec<Asn> {
        if !self.is_polled(prefix) {
            return Vec::new();
        }
        let votes = self.ases.iter().enumerate().filter(|(index, _)| self.vote(prefix, *index, state) == vote);
        let mut voters: Vec<Asn> = votes.map(|(_, members)| members.asn).collect();
        voters.sort_unstable();
        voters
    }

    /// The AS with this number, if a vantage point of it was met.
    pub fn voter(&self, asn: Asn) -> Option<Voter> {
        self.as_index.get(&asn).copied()
    }

    /// The AS of a vantage point which was met.
    pub fn voter_of(&self, from: VantageId) -> Option<Voter> {
        self.as_of.get(from.index()).copied()
    }

    /// How many of these ASes vote so on a prefix.
    pub fn count_of(&self, voters: &[Voter], prefix: PrefixId, vote: Vote, state: Electorate<'_>) -> usize {
        let frozen = self.frozen_of(prefix);
        let votes_so = |voter: &&Voter| match frozen {
            Some(frozen) => frozen.votes.get(voter.0).copied().unwrap_or(Vote::Ineligible) == vote,
            None => self.vote(prefix, voter.0, state) == vote,
        };
        if self.is_polled(prefix) { voters.iter().filter(votes_so).count() } else { 0 }
    }

    /// Nobody joins or leaves the electorate of the prefix until it is thawed.
    pub fn freeze(&mut self, prefix: PrefixId, state: Electorate<'_>) {
        if self.is_polled(prefix) {
            let votes: Vec<Vote> = (0..self.ases.len()).map(|index| self.vote(prefix, index, state)).collect();
            let eligible = votes.iter().map(|vote| *vote != Vote::Ineligible).collect();
            self.frozen.insert(prefix, Frozen { votes, eligible, unsettled: true });
            self.tallies[prefix.index()].frozen = true;
        }
    }

    /// The electorate of the prefix follows the rules again.
    pub fn thaw(&mut self, prefix: PrefixId, state: Electorate<'_>) {
        let Some(frozen) = self.frozen.remove(&prefix) else { return };
        self.tallies[prefix.index()].frozen = false;
        for index in 0..self.ases.len() {
            let vote = frozen.votes.get(index).copied().unwrap_or(Vote::Ineligible);
            self.remember(prefix, (index, &[]), vote, state);
        }
    }

    /// Keeps what votes were before many changes at once, which are to be polled one after the other.
    pub fn recall(&mut self, changes: &Changes, state: Electorate<'_>) {
        self.meet(state.vantages);
        let told = changes.list.iter().map(|told| (told.change.from, told.change.prefix, told.was));
        let mut before: BTreeMap<(PrefixId, usize), Vec<Known>> = BTreeMap::new();
        for (from, prefix, was) in told.chain(changes.unbelieved.iter().copied()) {
            if self.is_polled(prefix) && !self.frozen.contains_key(&prefix) {
                before.entry((prefix, self.as_of[from.index()].0)).or_default().push((from, was));
            }
        }
        for (_, prefix, _) in &changes.unbelieved {
            if let Some(frozen) = self.frozen.get_mut(prefix) {
                frozen.unsettled = true;
            }
        }
        for ((prefix, index), was) in before {
            if !self.stale.contains_key(&(prefix, index)) {
                let vote = self.ask_roll(prefix, index, &was, state);
                self.remember(prefix, (index, &[]), vote, state);
            }
        }
    }

    /// Takes the vote of one AS on one prefix anew after a change; gives what changed of it, if anything. `recalled`: it is one of many
    /// changes of which [`Votes::recall`] was told.
    pub fn poll(&mut self, changed: &Changed, recalled: bool, state: Electorate<'_>) -> Option<VisibilityChange> {
        let RouteChange { at, prefix, from, .. } = changed.change;
        self.meet(state.vantages);
        if self.tallies.len() <= prefix.index() {
            self.tallies.resize_with(prefix.index() + 1, Tally::default);
        }
        let index = self.as_of[from.index()].0;
        if !self.is_polled(prefix) {
            return Some(self.poll_first(at, prefix, index, state));
        }
        let plain = if recalled { None } else { self.plain_votes(changed, index, state) };
        if let Some((before, vote)) = plain {
            return self.moved((at, prefix), before, vote);
        }
        let (was, now) = ([(from, changed.was)], [(from, Some(changed.now))]);
        let before = self.vote_before(prefix, index, if recalled { &now } else { &was }, state);
        let vote = self.ask(at, prefix, (index, &now), state);
        self.remember(prefix, (index, &now), vote, state);
        self.moved((at, prefix), before, vote)
    }

    /// The votes of an AS before and after a change at its one vantage point, where both follow from the state and the roll, as nearly always.
    fn plain_votes(&self, changed: &Changed, index: usize, state: Electorate<'_>) -> Option<(Vote, Vote)> {
        let RouteChange { at, prefix, from, .. } = changed.change;
        let Tally { frozen: false, stale: false, .. } = self.tallies[prefix.index()] else { return None };
        let family = state.rib.family_of(prefix);
        let standing = Standing::of(from, family, state);
        if self.ases[index].vantages.len() != 1 || standing != self.roll.standing(from, family) {
            return None;
        }
        let vote = |at, view| sum(std::iter::once(standing.says(at, view)));
        let (by_roll, now) = (vote(self.roll.at(), Some(changed.now)), vote(at, Some(changed.now)));
        (by_roll == now).then(|| (vote(self.roll.at(), changed.was), now))
    }

    /// A vote on a prefix has moved; `None` if it is the same.
    fn moved(&mut self, (at, prefix): (Timestamp, PrefixId), before: Vote, vote: Vote) -> Option<VisibilityChange> {
        if before == vote {
            return None;
        }
        let count = &mut self.tallies[prefix.index()].count;
        count.move_vote(before, vote);
        Some(VisibilityChange { at, prefix, now: *count, vote: (before, vote) })
    }

    fn is_polled(&self, prefix: PrefixId) -> bool {
        self.tallies.get(prefix.index()).is_some_and(|tally| tally.polled)
    }

    /// Takes all votes on a prefix for the first time.
    fn poll_first(&mut self, at: Timestamp, prefix: PrefixId, index: usize, state: Electorate<'_>) -> VisibilityChange {
        self.tallies[prefix.index()].polled = true;
        if self.is_current(state) && state.rib.is_known_to_none_but(prefix, &self.ases[index].vantages) {
            let family = state.rib.family_of(prefix);
            let unseeded = |from: &VantageId| self.roll.standing(*from, family) == Standing::Unseeded;
            let unheard = self.ases[index].vantages.iter().any(unseeded);
            self.tallies[prefix.index()].count.unknown = self.unheard[family.index()] - u32::from(unheard);
            let vote = self.ask(at, prefix, (index, &[]), state);
            self.tallies[prefix.index()].count.move_vote(Vote::Ineligible, vote);
            self.remember(prefix, (index, &[]), vote, state);
            return VisibilityChange { at, prefix, now: self.visibility(prefix), vote: (vote, vote) };
        }
        let all = || (0..self.ases.len()).collect();
        let asked: Vec<usize> = if state.feeds.electorate_edition() == self.edition { self.voting.clone() } else { all() };
        for index in asked {
            let vote = self.ask(at, prefix, (index, &[]), state);
            self.tallies[prefix.index()].count.move_vote(Vote::Ineligible, vote);
            self.remember(prefix, (index, &[]), vote, state);
        }
        let vote = self.ask(at, prefix, (index, &[]), state);
        VisibilityChange { at, prefix, now: self.visibility(prefix), vote: (vote, vote) }
    }

    /// Whether everybody stands as at the last review.
    fn is_current(&mut self, state: Electorate<'_>) -> bool {
        let edition = state.feeds.standings_edition();
        if let Some((_, current)) = self.current.filter(|(known, _)| *known == edition) {
            return current;
        }
        let stands = |from| Family::BOTH.iter().all(|f| self.roll.standing(from, *f) == Standing::of(from, *f, state));
        let same = state.feeds.electorate_edition() == self.edition && state.vantages.iter().all(|(from, _)| stands(from));
        self.current = Some((edition, same));
        same
    }

    /// What an AS said of a prefix when it was last asked.
    fn vote(&self, prefix: PrefixId, index: usize, state: Electorate<'_>) -> Vote {
        self.vote_before(prefix, index, &[], state)
    }

    /// The same where the state has changed since; `was`: views before, or known ones.
    fn vote_before(&self, prefix: PrefixId, index: usize, was: &[Known], state: Electorate<'_>) -> Vote {
        if let Some(frozen) = self.frozen_of(prefix) {
            return frozen.votes.get(index).copied().unwrap_or(Vote::Ineligible);
        }
        let stale = if self.tallies[prefix.index()].stale { self.stale.get(&(prefix, index)).copied() } else { None };
        stale.unwrap_or_else(|| self.ask_roll(prefix, index, was, state))
    }

    /// Keeps a vote, if it is not what follows from the state. `known`: views which need not be looked up.
    fn remember(&mut self, prefix: PrefixId, (index, known): (usize, &[Known]), vote: Vote, state: Electorate<'_>) {
        if self.set_frozen(prefix, index, vote) {
            return;
        }
        if vote != self.ask_roll(prefix, index, known, state) {
            self.stale.insert((prefix, index), vote);
            self.tallies[prefix.index()].stale = true;
        } else if self.tallies[prefix.index()].stale {
            self.stale.remove(&(prefix, index));
        }
    }

    /// Keeps a vote of a frozen electorate; false if it is not frozen.
    fn set_frozen(&mut self, prefix: PrefixId, index: usize, vote: Vote) -> bool {
        if !self.tallies[prefix.index()].frozen {
            return false;
        }
        let Some(frozen) = self.frozen.get_mut(&prefix) else { return false };
        if frozen.votes.len() <= index {
            frozen.votes.resize(index + 1, Vote::Ineligible);
        }
        frozen.votes[index] = vote;
        true
    }

    fn frozen_of(&self, prefix: PrefixId) -> Option<&Frozen> {
        if self.tallies[prefix.index()].frozen { self.frozen.get(&prefix) } else { None }
    }

    /// The vote by the roll of the last review.
    fn ask_roll(&self, prefix: PrefixId, index: usize, was: &[Known], state: Electorate<'_>) -> Vote {
        let family = state.rib.family_of(prefix);
        sum(self.ases[index].vantages.iter().map(|from| {
            let standing = self.roll.standing(*from, family);
            says(standing, self.roll.at(), (prefix, *from, view_in(was, *from)), state.rib)
        }))
    }

    /// The vote now. In a frozen electorate whoever was eligible stays so; who is found never to have had the route lost nothing.
    /// `known`: views which need not be looked up.
    fn ask(&self, at: Timestamp, prefix: PrefixId, (index, known): (usize, &[Known]), state: Electorate<'_>) -> Vote {
        let family = state.rib.family_of(prefix);
        let frozen = self.frozen_of(prefix);
        let vantages = self.ases[index].vantages.iter();
        let now = |from: VantageId| says(Standing::of(from, family, state), at, (prefix, from, view_in(known, from)), state.rib);
        match frozen.map(|frozen| frozen.eligible.get(index).copied().unwrap_or(false)) {
            None => sum(vantages.map(|from| now(*from))),
            Some(false) => Vote::Ineligible,
            Some(true) => {
                // The route stays known though when it was last there may be forgotten.
                let had = |view: &View| view.state != RouteState::Withdrawn || view.last_present.is_some() || view.route.is_some();
                let view = |from: &VantageId| state.rib.view(prefix, *from).filter(had);
                let held = |from: &VantageId| view(from).map(|view| view.state).or_else(|| now(*from));
                let vote = sum(vantages.map(held));
                if vote == Vote::Ineligible { Vote::Unknown } else { vote }
            }
        }
    }

    /// Learns the ASes of vantage points met since.
    fn meet(&mut self, vantages: &Vantages) {
        if self.as_of.len() == vantages.len() {
            return;
        }
        for (from, point) in vantages.iter().skip(self.as_of.len()) {
            let voter = *self.as_index.entry(point.asn).or_insert_with(|| {
                self.ases.push(AsMembers { asn: point.asn, vantages: Vec::new() });
                Voter(self.ases.len() - 1)
            });
            self.ases[voter.0].vantages.push(from);
            self.as_of.push(voter);
        }
    }
}

impl Visibility {
    fn slot(&mut self, vote: Vote) -> Option<&mut u32> {
        match vote {
            Vote::Ineligible => None,
            Vote::Seeing => Some(&mut self.seeing),
            Vote::Lost => Some(&mut self.lost),
            Vote::Unknown => Some(&mut self.unknown),
        }
    }

    fn move_vote(&mut self, before: Vote, now: Vote) {
        if let Some(slot) = self.slot(before) {
            *slot -= 1;
        }
        if let Some(slot) = self.slot(now) {
            *slot += 1;
        }
    }
}

fn view_in(known: &[Known], from: VantageId) -> Option<Option<View>> {
    known.iter().find(|(who, _)| *who == from).map(|(_, view)| *view)
}

/// What one vantage point says by its standing, if it is eligible. `known`: its view, if it need not be looked up.
fn says(
    standing: Standing,
    at: Timestamp,
    (prefix, from, known): (PrefixId, VantageId, Option<Option<View>>),
    rib: &Rib,
) -> Option<RouteState> {
    if standing == Standing::Partial {
        return None;
    }
    match known {
        Some(view) => standing.says(at, view),
        None if rib.is_present(prefix, from) => Some(RouteState::Present),
        None => standing.says(at, rib.view(prefix, from)),
    }
}

/// The vote of an AS: seeing if one of its sessions sees, else unknown if one is unknown, else lost.
fn sum(said: impl Iterator<Item = Option<RouteState>>) -> Vote {
    let mut vote = Vote::Ineligible;
    for said in said.flatten() {
        vote = match (vote, said) {
            (Vote::Seeing, _) | (_, RouteState::Present) => return Vote::Seeing,
            (Vote::Unknown, _) | (_, RouteState::Unknown) => Vote::Unknown,
            (Vote::Ineligible | Vote::Lost, RouteState::Withdrawn) => Vote::Lost,
        };
    }
    vote
}
