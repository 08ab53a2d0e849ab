//! Votes on every prefix, counted; who voted how follows from the state.
//!
//! A vote is what its AS said when it was last asked: when a route of it changed, or at the last review. It is not kept, but for the few
//! which differ from what the state and the [`Roll`] of the last review say, and for frozen electorates.

mod together;

use super::roll::{ELIGIBLE_FOR, Roll, Standing};
use super::{Visibility, VisibilityChange, Vote};
use crate::feed::Feeds;
use crate::rib::{Changed, Changes, PrefixId, Rib, RouteChange, RouteState, View};
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, Family, VantageId, Vantages};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
pub use together::{Ballot, Turnout};

/// How often eligibility is looked at anew where nothing changes.
const REVIEW_EVERY: Span = Span::from_seconds(3_600);
/// What was said longer before a route could be eligible is forgotten: an observation may be late.
const LATE: Span = Span::from_seconds(3_600);

/// A vantage point's view of a prefix, now or before a change.
type Known = (VantageId, Option<View>);

/// The votes on every prefix.
#[derive(Debug)]
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

#[derive(Debug)]
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
#[derive(Debug)]
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
        let (was, now) = ([(from, changed.was)], [(from, Some(changed.now))]);
        let before = self.vote_before(prefix, index, if recalled { &now } else { &was }, state);
        let vote = self.ask(at, prefix, (index, &now), state);
        self.remember(prefix, (index, &now), vote, state);
        if before == vote {
            return None;
        }
        let count = &mut self.tallies[prefix.index()].count;
        count.move_vote(before, vote);
        Some(VisibilityChange { at, prefix, now: *count, vote: (before, vote) })
    }

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

    fn is_polled(&self, prefix: PrefixId) -> bool {
        self.tallies.get(prefix.index()).is_some_and(|tally| tally.polled)
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

    /// The vote now. In a frozen electorate whoever was eligible stays so. `known`: views which need not be looked up.
    fn ask(&self, at: Timestamp, prefix: PrefixId, (index, known): (usize, &[Known]), state: Electorate<'_>) -> Vote {
        let family = state.rib.family_of(prefix);
        let frozen = self.frozen_of(prefix);
        let vantages = self.ases[index].vantages.iter();
        let now = |from: VantageId| says(Standing::of(from, family, state), at, (prefix, from, view_in(known, from)), state.rib);
        match frozen.map(|frozen| frozen.eligible.get(index).copied().unwrap_or(false)) {
            None => sum(vantages.map(|from| now(*from))),
            Some(false) => Vote::Ineligible,
            Some(true) => {
                let held = |from: &VantageId| state.rib.view(prefix, *from).map(|view| view.state).or_else(|| now(*from));
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
