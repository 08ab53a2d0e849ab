//! The stages joined: observations in, routing findings out. No input or output, and no clock.
//!
//! The same pipeline serves archives and live feeds. Everything that falls due between two observations (a silence, the end of a hold)
//! happens at its own time and in order, so the result does not depend on when observations arrive.

mod blind;
mod holder;
mod inside;
mod lull;
mod plain;

use crate::feed::{FeedNote, Feeds, LivenessChange, Numbered};
use crate::foreign::{ForeignOrigin, ForeignOrigins};
use crate::observation::{Observation, Statement};
use crate::rib::{Changes, EndedDump, PrefixId, Rib, RouteChange, View};
use crate::scope::{Relation, Scope};
use crate::settings::Settings;
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, Family, Vantages};
use crate::visibility::{Electorate, Visibility, VisibilityChange, Votes};
use crate::withdrawal::{Churn, Detector, Level, Moment, Scene, Step, Withdrawal, WithdrawalStep};
use blind::BlindSpans;
pub use blind::{BlindSpan, BlindTogether, named};
pub use holder::Holders;
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;

/// Prefixes whose state fits into a processor's cache.
const BLOCK: usize = 128;
/// How often what is over is forgotten.
const REST_EVERY: Span = Span::from_seconds(1_200);

/// All stages on the routing side.
#[derive(Debug, Clone)]
pub struct Pipeline {
    scope: Scope,
    stages: Stages,
    votes: Votes,
    detector: Detector,
    foreign: ForeignOrigins,
    blind: BlindSpans,
    churn: Vec<(PrefixId, Churn)>,
    log: Log,
    /// Steps of withdrawals which nobody took yet; `None` if nobody follows them.
    steps: Option<Vec<WithdrawalStep>>,
    /// Whether of anybody a whole table is known.
    any_seeded: bool,
    /// Whether a collector which falls silent is taken with all its peers at once.
    takes_lulls: bool,
    /// When what is over is forgotten next.
    rest_at: Timestamp,
    /// Kept to be filled again.
    changes: Changes,
    numbered: Numbered,
    met: Vec<Option<PrefixId>>,
    first: Option<Timestamp>,
    now: Timestamp,
}

/// The stages which hold state.
#[derive(Debug, Clone)]
struct Stages {
    rib: Rib,
    feeds: Feeds,
}

/// What happened to watched prefixes, for tables and pictures; empty where everything is watched.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Every route change.
    pub routes: Vec<RouteChange>,
    /// Every change of visibility.
    pub visibility: Vec<VisibilityChange>,
    /// The first word on each prefix, which is never forgotten.
    first: HashMap<PrefixId, RouteChange>,
    /// Who saw what by the last change of visibility which was forgotten.
    before: HashMap<PrefixId, Visibility>,
}

/// What the routing side found.
#[derive(Debug)]
pub struct RoutingFindings {
    /// What was watched.
    pub scope: Scope,
    /// Withdrawals, over and not, in order of onset, then prefix.
    pub withdrawals: Vec<Withdrawal>,
    /// Foreign origins which enough ASes took, in order of their first statement.
    pub foreign_origins: Vec<ForeignOrigin>,
    /// Foreign origins which too few took.
    pub foreign_unopened: Vec<ForeignOrigin>,
    /// Prefixes lost by many and back within the hold, in order of their return; empty where everything is watched.
    pub churn: Vec<Churn>,
    /// Thresholds crossed where too few could tell.
    pub insufficient: Vec<(IpNet, Moment)>,
    /// Spans in which too few could tell of an own prefix.
    pub blind: Vec<BlindSpan>,
    /// Notes on the feeds, in time order.
    pub notes: Vec<FeedNote>,
    /// Route and visibility changes.
    pub log: Log,
    /// Routing state at the end.
    pub rib: Rib,
    /// Feeds at the end.
    pub feeds: Feeds,
    /// Votes at the end.
    pub votes: Votes,
    /// First observation; `None` if there was none.
    pub first: Option<Timestamp>,
    /// The end of the recording.
    pub last: Timestamp,
}

impl Pipeline {
    /// Nothing was observed yet.
    pub fn new(scope: Scope, settings: &Settings) -> Self {
        let origins_only = scope.is_everything();
        Pipeline {
            scope,
            stages: Stages { rib: Rib::new(settings, origins_only), feeds: Feeds::new(settings) },
            votes: Votes::default(),
            detector: Detector::new(settings, !origins_only),
            foreign: ForeignOrigins::new(settings),
            blind: BlindSpans::new(settings.eligible_min),
            churn: Vec::new(),
            log: Log::default(),
            steps: None,
            any_seeded: false,
            takes_lulls: origins_only,
            rest_at: Timestamp::MIN,
            changes: Changes::default(),
            numbered: Numbered::default(),
            met: Vec::new(),
            first: None,
            now: Timestamp::MIN,
        }
    }

    /// Somebody follows withdrawals while they go on, and takes their [steps](Pipeline::steps).
    pub fn followed(mut self) -> Self {
        self.steps = Some(Vec::new());
        self
    }

    /// Takes one peer after the other: what lulls are held against.
    #[cfg(test)]
    fn peer_by_peer(mut self) -> Self {
        self.takes_lulls = false;
        self
    }

    /// Takes the steps of withdrawals since the last call, in order of time; none unless it is [followed](Pipeline::followed).
    pub fn steps(&mut self) -> Vec<WithdrawalStep> {
        self.steps.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes one observation. Observations come in the order of the merge; one which is a little late is taken as of its own time.
    pub fn observe(&mut self, observation: &Observation, vantages: &Vantages) {
        self.observe_all(std::slice::from_ref(observation), vantages);
    }

    /// Takes observations one after the other.
    pub fn observe_all(&mut self, observations: &[Observation], vantages: &Vantages) {
        if let Scope::Watched(_) = self.scope {
            return observations.iter().for_each(|observation| self.take_one(observation, None, vantages));
        }
        self.observe_met(observations, vantages);
    }

    /// Takes one observation; `prefix`: the id of its prefix, where everything is watched.
    fn take_one(&mut self, observation: &Observation, prefix: Option<PrefixId>, vantages: &Vantages) {
        if let Statement::Other(others) = &observation.what {
            return self.observe_others(others, vantages);
        }
        self.advance(observation.at, vantages);
        self.first = self.first.or(Some(observation.at));
        let mut liveness = Vec::new();
        let number = prefix.filter(|_| self.numbers_all()).map(PrefixId::number);
        self.stages.feeds.observe(observation, number, vantages, &mut liveness);
        if let Statement::TableEnd { .. } | Statement::EndOfRib { .. } = observation.what {
            let seeded = |from, family| self.stages.feeds.is_seeded(from, family);
            self.any_seeded = vantages.iter().any(|(from, _)| seeded(from, Family::Ipv4) || seeded(from, Family::Ipv6));
        }
        self.live(&liveness, vantages);
        if self.is_elsewhere(observation, prefix) {
            self.stages.rib.observe_elsewhere(&observation.what, vantages);
        } else if let Some(ended) = self.tell_rib(observation, prefix, vantages) {
            self.conclude(&ended, vantages);
        }
        if let Statement::TableEnd { complete: true, .. } = observation.what {
            self.foreign.review((&self.stages.rib, &self.stages.feeds, vantages));
        }
        self.review(observation.at, vantages);
    }

    /// Whether a statement is on a prefix which another share follows; `prefix`: its id, if it is followed here.
    fn is_elsewhere(&self, observation: &Observation, prefix: Option<PrefixId>) -> bool {
        matches!(self.scope, Scope::Share(_)) && prefix.is_none() && observation.what.prefix().is_some()
    }

    /// Whether routing state has a number for every prefix of every message; else feeds number them.
    fn numbers_all(&self) -> bool {
        matches!(self.scope, Scope::Everything)
    }

    /// Tells routing state of a statement, and those after it of what that changes. Gives the dump which it ends, if it does.
    fn tell_rib(&mut self, observation: &Observation, prefix: Option<PrefixId>, vantages: &Vantages) -> Option<EndedDump> {
        let mut changes = std::mem::take(&mut self.changes);
        changes.clear();
        let ended = self.stages.rib.observe(observation, prefix, vantages, &mut changes);
        if !changes.list.is_empty() {
            self.take(&changes, false, vantages);
        }
        self.changes = changes;
        ended
    }

    /// Lets everything happen which falls due until `to`.
    pub fn advance(&mut self, to: Timestamp, vantages: &Vantages) {
        loop {
            let (silence, hold) = (self.stages.feeds.next_due(self.votes.review_at()), self.detector.next_due());
            let at = silence.min(hold);
            if at > to || at == Timestamp::MAX {
                break;
            }
            if silence <= hold && self.first.is_some() {
                let mut liveness = Vec::new();
                self.stages.feeds.advance(silence.max(self.now), &mut liveness);
                self.live(&liveness, vantages);
                self.review(silence.max(self.now), vantages);
            } else {
                self.end_hold(to, vantages);
            }
            self.now = self.now.max(at);
        }
        self.now = self.now.max(to);
    }

    /// Who speaks, and who carries a full table.
    pub fn feeds(&self) -> &Feeds {
        &self.stages.feeds
    }

    /// When the first of the holds ends which run now, and of which a withdrawal may come, or a worse level of one.
    pub fn hold_ends(&self, now: Timestamp) -> Option<Timestamp> {
        self.detector.hold_ends(now, |id| counts(&self.scope, &self.stages.rib, id))
    }

    /// How often something happened to foreign origins: as long as it is the same, there is nothing new of them.
    pub fn foreign_turns(&self) -> usize {
        let turns = |event: &ForeignOrigin| 1 + event.taken_by.len() + event.evidence.len() + usize::from(event.ended.is_some());
        self.foreign.events().map(turns).sum()
    }

    /// Forgets route and visibility changes from before a time: no finding depends on them, tables and pictures begin later.
    pub fn forget_log_before(&mut self, time: Timestamp) {
        self.log.routes.retain(|change| change.at >= time);
        let Log { visibility, before, .. } = &mut self.log;
        for change in visibility.extract_if(.., |change| change.at < time) {
            before.insert(change.prefix, change.now);
        }
    }

    /// What would be found if the recording ended here; it goes on.
    pub fn so_far(&self, end: Timestamp, vantages: &Vantages) -> RoutingFindings {
        self.clone().finish(end, vantages)
    }

    /// The recording ends here.
    pub fn finish(mut self, end: Timestamp, vantages: &Vantages) -> RoutingFindings {
        self.advance(end, vantages);
        let mut withdrawals: Vec<Withdrawal> = self.detector.closed().iter().chain(self.detector.open()).cloned().collect();
        withdrawals.sort_by_key(|withdrawal| (withdrawal.onset.earliest, withdrawal.prefix));
        choose_covers(&mut withdrawals);
        withdrawals.retain(|withdrawal| self.scope.tells_of(&withdrawal.prefix));
        let blind = self.blind.finish(end);
        blind::bound_recoveries(&mut withdrawals, &blind);
        let rib = self.stages.rib;
        let insufficient = self.detector.insufficient().iter().map(|(id, moment)| (rib.prefix_of(*id), *moment));
        let insufficient = insufficient.filter(|(prefix, _)| self.scope.tells_of(prefix)).collect();
        let counted = self.churn.into_iter().filter(|(id, _)| counts(&self.scope, &rib, *id));
        RoutingFindings {
            withdrawals,
            churn: counted.map(|(_, churn)| churn).collect(),
            foreign_origins: self.foreign.events().cloned().collect(),
            foreign_unopened: self.foreign.unopened().cloned().collect(),
            insufficient,
            blind,
            notes: self.stages.feeds.notes().to_vec(),
            log: self.log,
            feeds: self.stages.feeds,
            votes: self.votes,
            first: self.first,
            last: end,
            scope: self.scope,
            rib,
        }
    }

    /// Prefixes do not concern each other, so where everything is watched what concerns them all is taken block by block: a whole collector
    /// falls silent at once, or its table ends, and a block stays in the processor's cache while all its peers are gone through.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let count = self.stages.rib.prefix_count().max(1);
        let block = if self.scope.is_everything() { BLOCK } else { count };
        (0..count).step_by(block).map(move |start| start..start + block)
    }

    fn live(&mut self, liveness: &[LivenessChange], vantages: &Vantages) {
        if !self.takes_lulls {
            return self.live_apart(liveness, vantages);
        }
        let (mut apart, mut next) = (0, 0);
        for together in liveness.chunk_by(LivenessChange::is_with) {
            let start = next;
            next += together.len();
            if lull::is_many(together) {
                self.live_apart(&liveness[apart..start], vantages);
                if !self.take_lull(together, vantages) {
                    self.live_apart(together, vantages);
                }
                apart = next;
            }
        }
        self.live_apart(&liveness[apart..], vantages);
    }

    /// Takes one vantage point after the other.
    fn live_apart(&mut self, liveness: &[LivenessChange], vantages: &Vantages) {
        if liveness.is_empty() {
            return;
        }
        let believed = self.stages.rib.believed();
        let mut changes = Changes::default();
        for places in self.blocks() {
            self.stages.rib.believe_as(&believed);
            for change in liveness {
                changes.clear();
                self.stages.rib.live(change, places.clone(), &mut changes);
                self.take(&changes, false, vantages);
            }
        }
    }

    /// A whole table was told: what it did not list is not present.
    fn conclude(&mut self, ended: &EndedDump, vantages: &Vantages) {
        let mut changes = Changes::default();
        for places in self.blocks() {
            changes.clear();
            self.stages.rib.conclude(ended, places, &mut changes);
            let Stages { rib, feeds } = &self.stages;
            self.votes.recall(&changes, Electorate { rib, feeds, vantages });
            self.take(&changes, true, vantages);
        }
        self.stages.rib.close(ended);
    }

    /// Takes route changes; `recalled`: several vantage points changed, and the votes keep what was before.
    fn take(&mut self, changes: &Changes, recalled: bool, vantages: &Vantages) {
        let watched = matches!(self.scope, Scope::Watched(_));
        for told in &changes.list {
            let change = &told.change;
            let (rib, feeds) = (&self.stages.rib, &self.stages.feeds);
            let state = Electorate { rib, feeds, vantages };
            self.detector.statement(told);
            if watched {
                self.foreign.observe(change, &self.scope, (rib, feeds, vantages));
                self.log.routes.push(*change);
                let first = self.log.first.entry(change.prefix).or_insert(*change);
                if change.at < first.at {
                    *first = *change;
                }
            }
            if let Some(visible) = self.votes.poll(told, recalled, state) {
                let churn =
                    self.detector.observe(&visible, Some(change), Scene { state, votes: &self.votes, any_seeded: self.any_seeded });
                self.note_visibility(visible, churn);
            }
        }
    }

    fn review(&mut self, at: Timestamp, vantages: &Vantages) {
        if at >= self.rest_at {
            self.rest_at = at + REST_EVERY;
            self.detector.rest(at);
        }
        let state = Electorate { rib: &self.stages.rib, feeds: &self.stages.feeds, vantages };
        let mut changes = Vec::new();
        if !self.votes.review(at, state, &mut changes) {
            return;
        }
        for change in changes {
            let state = Electorate { rib: &self.stages.rib, feeds: &self.stages.feeds, vantages };
            let churn = self.detector.observe(&change, None, Scene { state, votes: &self.votes, any_seeded: self.any_seeded });
            self.note_visibility(change, churn);
        }
        if let Some((before, asked)) = self.votes.forget() {
            self.stages.rib.forget_before(before, asked);
        }
    }

    fn note_visibility(&mut self, change: VisibilityChange, churn: Option<Churn>) {
        if let Scope::Watched(_) = self.scope {
            let prefix = self.stages.rib.prefix_of(change.prefix);
            if self.scope.relation(&prefix) == Some(Relation::Own) {
                self.blind.observe(prefix, change.at, change.now);
            }
            self.churn.extend(churn.map(|churn| (change.prefix, churn)));
            self.log.visibility.push(change);
        }
    }

    fn end_hold(&mut self, to: Timestamp, vantages: &Vantages) {
        let (rib, scope) = (&self.stages.rib, &self.scope);
        let state = Electorate { rib, feeds: &self.stages.feeds, vantages };
        let scene = Scene { state, votes: &self.votes, any_seeded: self.any_seeded };
        let Some((at, steps)) = self.detector.advance(to, scene, |prefix| counts(scope, rib, prefix)) else { return };
        for step in steps {
            match step {
                Step::Opened(prefix) => self.votes.freeze(prefix, state),
                Step::Closed(prefix) => self.votes.thaw(prefix, state),
                Step::Worsened(_) => {}
            }
            let (Step::Opened(prefix) | Step::Worsened(prefix) | Step::Closed(prefix)) = step;
            if let Some(told) = &mut self.steps {
                let here = self.detector.stepped(prefix).filter(|withdrawal| scope.tells_of(&withdrawal.prefix));
                told.extend(here.map(|withdrawal| withdrawal.at_step(at)));
            }
        }
    }
}

/// A cover which was withdrawn itself is none.
fn choose_covers(withdrawals: &mut [Withdrawal]) {
    let mut withdrawn: HashMap<IpNet, Vec<_>> = HashMap::new();
    for withdrawal in withdrawals.iter().filter(|withdrawal| withdrawal.level > Level::Partial) {
        withdrawn.entry(withdrawal.prefix).or_default().push(withdrawal.interval());
    }
    for withdrawal in withdrawals.iter_mut().filter(|withdrawal| !withdrawal.covers.is_empty()) {
        withdrawal.choose_cover(&withdrawn);
    }
}

/// Whether the loss of a prefix counts: only routes of the organization's own origins, and what it depends on.
fn counts(scope: &Scope, rib: &Rib, id: PrefixId) -> bool {
    let prefix = rib.prefix_of(id);
    let mut origins = rib.views(id).filter_map(|view| rib.origin_of(view.route?));
    match scope.relation(&prefix) {
        None => scope.is_everything(),
        Some(Relation::Own) => {
            origins.next().is_none() || origins_of(rib, id).iter().any(|origin| scope.may_originate(&prefix, *origin))
        }
        Some(Relation::MoreSpecific | Relation::Cover) => origins.any(|origin| scope.is_own(origin)),
        Some(Relation::Dependency) => true,
    }
}

/// Origins of a prefix as last seen by every vantage point, ascending.
fn origins_of(rib: &Rib, id: PrefixId) -> Vec<Asn> {
    let mut origins: Vec<Asn> = rib.views(id).filter_map(|view| rib.origin_of(view.route?)).collect();
    origins.sort_unstable();
    origins.dedup();
    origins
}

impl RoutingFindings {
    /// The most specific prefix ever seen which holds the address, with its visibility at the end and its origins.
    pub fn holder_of(&self, address: IpAddr) -> Option<(IpNet, Visibility, Vec<Asn>)> {
        let host = IpNet::from(address);
        let id = self.rib.id_of(&host).or_else(|| self.rib.covers(&host).first().copied())?;
        Some((self.rib.prefix_of(id), self.votes.visibility(id), origins_of(&self.rib, id)))
    }

    /// The first word which was said of each prefix.
    pub fn first_words(&self) -> &HashMap<PrefixId, RouteChange> {
        &self.log.first
    }

    /// Every vantage point's view of a prefix at the end.
    pub fn views(&self, prefix: &IpNet) -> Vec<View> {
        self.rib.id_of(prefix).map(|id| self.rib.views(id).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
