//! The detector: thresholds, holds, opening and closing, one prefix at a time.

use super::baseline::Weights;
use super::lulls::Lulls;
use super::onset::Turn;
use super::watch::{Records, Watch, said};
use super::{Churn, Level, Moment, Statement, Withdrawal};
use crate::rib::{ChangeCause, Changed, Cohort, PrefixId, RouteChange, RouteState, Row};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::visibility::{Electorate, Share, Turnout, VisibilityChange, Vote, Votes};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A step in the life of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is an event now: freeze the electorate.
    Opened(PrefixId),
    /// It reached a worse level.
    Worsened(PrefixId),
    /// It is over: thaw the electorate.
    Closed(PrefixId),
}

/// What the detector looks at beside the change itself.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// State, feeds and names.
    pub state: Electorate<'a>,
    /// Who votes how.
    pub votes: &'a Votes,
    /// Whether of anybody a whole table is known.
    pub any_seeded: bool,
}

/// Watches every prefix for withdrawals.
#[derive(Debug, Clone)]
pub struct Detector {
    settings: Settings,
    records: Records,
    /// Silences of whole collectors.
    lulls: Lulls,
    watches: Vec<Watch>,
    /// Prefixes to which something happened lately.
    restless: Vec<PrefixId>,
    /// Kept to be filled again.
    weights: Weights,
    due: BinaryHeap<Reverse<(Timestamp, PrefixId)>>,
    closed: Vec<Withdrawal>,
    /// When anything last happened to any prefix; none if it was forgotten since.
    happened: Option<Timestamp>,
    /// Thresholds crossed where too few could tell: never an alarm, always told.
    insufficient: Vec<(PrefixId, Moment)>,
}

impl Detector {
    /// Nothing is watched yet. `records`: whether evidence from before a withdrawal opens names its routes and records.
    pub fn new(settings: &Settings, records: bool) -> Self {
        Detector {
            records: Records::new(records),
            lulls: Lulls::default(),
            settings: settings.clone(),
            watches: Vec::new(),
            restless: Vec::new(),
            weights: Weights::new(),
            due: BinaryHeap::new(),
            closed: Vec::new(),
            happened: None,
            insufficient: Vec::new(),
        }
    }

    /// Remembers a route change as evidence, whether or not it changes a vote. What a first table told is looked up when it is needed.
    pub fn statement(&mut self, changed: &Changed) {
        let change = &changed.change;
        if change.before == change.after {
            return;
        }
        self.happened = self.happened.max(Some(change.at));
        let tail = self.settings.straggler_tail;
        let watch = watch_of(&mut self.watches, change.prefix);
        if let Some(open) = watch.open_mut() {
            let RouteChange { at, from, route, source, .. } = *change;
            open.evidence.push(Statement { at, from, said: said(change), route, source });
        } else if !changed.in_first_table {
            let statements = &mut watch.unrest_of(change.prefix, &mut self.restless).statements;
            statements.push_back(self.records.remember(change, &self.lulls));
            while statements.front().is_some_and(|first| first.at < change.at - tail) {
                statements.pop_front();
            }
        }
    }

    /// Takes a change of visibility; `cause` is the route change behind it, none for a change of the electorate. Gives the churn which
    /// ends with it, if one does.
    pub fn observe(&mut self, change: &VisibilityChange, cause: Option<&RouteChange>, scene: Scene<'_>) -> Option<Churn> {
        let settings = &self.settings;
        let starts = cause.is_some_and(|cause| match cause.cause {
            ChangeCause::Announced | ChangeCause::Withdrawn(_) | ChangeCause::NotInTransfer => true,
            ChangeCause::Table | ChangeCause::Liveness => false,
        });
        let watch = watch_of(&mut self.watches, change.prefix);
        self.happened = self.happened.max(Some(change.at));
        let turn = Turn { at: change.at, vote: change.vote };
        if change.vote.0 != change.vote.1 && (turn.is_loss() || watch.unrest.is_some()) {
            watch.unrest_of(change.prefix, &mut self.restless).turn(turn, settings);
        }
        let share = change.now.upper();
        if !starts && !watch.history.is_seeded() && is_seed(change, scene) {
            watch.history.seed(share);
        } else if cause.is_some_and(|cause| is_new(cause, scene)) && watch.history.is_empty() {
            watch.history.seed(Share::ZERO);
        }
        let baseline = watch.baseline(change.at, share, settings, &mut self.weights);
        if watch.open().is_none() {
            watch.history.push(change.at, share, settings.baseline_window);
        }
        if watch.unrest.is_none() && Level::ALL.iter().all(|level| !share.is_below(level.percent(settings), baseline)) {
            return None;
        }
        let unrest = watch.unrest_of(change.prefix, &mut self.restless);
        let mut due = |at: Timestamp| self.due.push(Reverse((at, change.prefix)));
        let fell = unrest.below[Level::Major as usize];
        for level in Level::ALL {
            let percent = level.percent(settings);
            let below = &mut unrest.below[level as usize];
            if !share.is_below(percent, baseline) {
                *below = None;
            } else if below.is_none() && starts {
                *below = Some(change.at);
                due(change.at + settings.open_hold);
            }
        }
        let lowest = unrest.dip(fell, change);
        let told = unrest.open.is_none() && change.now.eligible() >= settings.eligible_min;
        let short = |from: &Timestamp| change.at < *from + settings.open_hold;
        let churn = fell.filter(|from| told && short(from)).zip(lowest);
        unrest.sink(change.at, change.now, settings.warn_percent, baseline);
        if unrest.open.is_some() {
            let from = cause.map(|cause| cause.from);
            let back = unrest.follow(turn, change, (from, scene.votes, scene.state), settings);
            // A table dump which lists it shows that it is back, even if nobody recorded how.
            let listed = cause.is_some_and(|cause| (cause.cause, cause.after) == (ChangeCause::Table, RouteState::Present));
            if unrest.recovers(change.at, back.is_below(settings.close_percent, baseline), starts || listed) {
                due(change.at + settings.close_hold);
            }
        }
        let prefix = scene.state.rib.prefix_of(change.prefix);
        churn.map(|(from, lowest)| Churn { prefix, from, until: change.at, lowest })
    }

    /// A whole collector falls silent, or is `believed` again: what it had said of prefixes is [told](Detector::observe_lull) next, in their
    /// order.
    pub fn begin_lull(&mut self, at: Timestamp, believed: bool, cohort: &Cohort) {
        self.lulls.begin(at, believed, cohort);
        self.happened = self.happened.max(Some(at));
    }

    /// Takes what a lull does to one prefix, in one step in place of one a peer. False if that is not the same for this prefix: then nothing was
    /// done.
    pub fn observe_lull(
        &mut self,
        lull: &VisibilityChange,
        (turnout, believed, row): (Turnout, bool, &Row),
        scene: Scene<'_>,
    ) -> bool {
        let settings = &self.settings;
        let watch = watch_of(&mut self.watches, lull.prefix);
        if watch.unrest.as_ref().is_some_and(|unrest| !unrest.is_calm()) || scene.any_seeded && !watch.history.is_seeded() {
            return false;
        }
        if turnout.is_empty() {
            self.lulls.put(lull.prefix, row);
            return true;
        }
        // The share only rises, or only falls: if it ends above all thresholds, what it was meanwhile changes nothing.
        let share = lull.now.upper();
        let baseline = watch.baseline(lull.at, share, settings, &mut self.weights);
        if watch.history.is_empty() || Level::ALL.iter().any(|level| share.is_below(level.percent(settings), baseline)) {
            return false;
        }
        self.lulls.put(lull.prefix, row);
        watch.history.push(lull.at, share, settings.baseline_window);
        let turn = |was, is| Turn { at: lull.at, vote: if believed { (was, is) } else { (is, was) } };
        for _ in 0..turnout.lost {
            watch.unrest_of(lull.prefix, &mut self.restless).turn(turn(Vote::Unknown, Vote::Lost), settings);
        }
        if let (0, Some(unrest)) = (turnout.lost, &mut watch.unrest) {
            unrest.turn(turn(Vote::Unknown, Vote::Seeing), settings);
        }
        true
    }

    /// Forgets what happened to prefixes at which nothing happened since this time, but for what is usual of them.
    pub fn rest(&mut self, now: Timestamp) {
        let before = now - self.settings.straggler_tail;
        self.lulls.forget_before(before);
        let Some(happened) = self.happened else { return };
        self.happened = Some(happened).filter(|happened| *happened >= before);
        let watches = &mut self.watches;
        self.restless.retain(|prefix| !watches[prefix.index()].rest(before));
    }

    /// When the first of the holds ends which run now, and of which a withdrawal of a prefix which counts may come, or a worse level of one.
    pub fn hold_ends(&self, now: Timestamp, counts: impl Fn(PrefixId) -> bool) -> Option<Timestamp> {
        let ends = self.restless.iter().filter_map(|prefix| {
            let unrest = self.watches[prefix.index()].unrest.as_ref()?;
            let ends = unrest.below.iter().flatten().map(|since| *since + self.settings.open_hold);
            ends.filter(|end| *end > now).min().filter(|_| counts(*prefix))
        });
        ends.min()
    }

    /// When the next hold ends; `Timestamp::MAX` if none runs.
    pub fn next_due(&self) -> Timestamp {
        self.due.peek().map_or(Timestamp::MAX, |Reverse((at, _))| *at)
    }

    /// Ends the earliest hold, if it ends by `now`. `counts` tells whose prefixes count. Returns what happens at which time.
    pub fn advance(
        &mut self,
        now: Timestamp,
        scene: Scene<'_>,
        counts: impl Fn(PrefixId) -> bool,
    ) -> Option<(Timestamp, Vec<Step>)> {
        let at = self.next_due();
        if at > now {
            return None;
        }
        let Reverse((_, prefix)) = self.due.pop()?;
        let mut steps = self.open_or_worsen(at, prefix, scene, &counts);
        self.close(at, prefix, scene, &mut steps);
        self.find_zombies(at, prefix, scene, steps.contains(&Step::Worsened(prefix)));
        Some((at, steps))
    }

    /// Withdrawals which are over, in the order in which they closed.
    pub fn closed(&self) -> &[Withdrawal] {
        &self.closed
    }

    /// Withdrawals which are not.
    pub fn open(&self) -> impl Iterator<Item = &Withdrawal> {
        self.watches.iter().filter_map(Watch::open)
    }

    /// The withdrawal of a prefix, if one is not over.
    pub fn open_of(&self, prefix: PrefixId) -> Option<&Withdrawal> {
        self.watches.get(prefix.index()).and_then(Watch::open)
    }

    /// The upper share which counts as usual for a prefix at a time; `None` if nothing of it has been counted yet.
    pub fn usual(&self, prefix: PrefixId, at: Timestamp) -> Option<Share> {
        let watch = self.watches.get(prefix.index()).filter(|watch| !watch.history.is_empty())?;
        let counted = || watch.history.baseline(at, &self.settings, &mut Weights::new());
        Some(watch.open().map_or_else(counted, |open| open.baseline))
    }

    /// Since when each level of a prefix is crossed, in the order of [`Level::ALL`]: a withdrawal if it holds.
    pub fn crossed(&self, prefix: PrefixId) -> [Option<Timestamp>; 3] {
        let unrest = self.watches.get(prefix.index()).and_then(|watch| watch.unrest.as_ref());
        unrest.map_or([None; 3], |unrest| unrest.below)
    }

    /// Since when a withdrawn prefix is back: its withdrawal is over if that holds.
    pub fn returned(&self, prefix: PrefixId) -> Option<Timestamp> {
        let unrest = self.watches.get(prefix.index()).and_then(|watch| watch.unrest.as_ref())?;
        unrest.open.as_ref().and(unrest.recovered)
    }

    /// The withdrawal of a prefix to which a step just happened: the open one, or the one which closed with it.
    pub fn stepped(&self, prefix: PrefixId) -> Option<&Withdrawal> {
        self.watches.get(prefix.index()).and_then(Watch::open).or(self.closed.last())
    }

    /// Thresholds crossed and held where too few eligible ASes could tell.
    pub fn insufficient(&self) -> &[(PrefixId, Moment)] {
        &self.insufficient
    }

    fn open_or_worsen(
        &mut self,
        at: Timestamp,
        prefix: PrefixId,
        scene: Scene<'_>,
        counts: &impl Fn(PrefixId) -> bool,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        let settings = &self.settings;
        let Watch { history, unrest } = watch_of(&mut self.watches, prefix);
        let Some(unrest) = unrest.as_mut() else { return steps };
        let held = |since: &Option<Timestamp>| since.is_some_and(|since| since + settings.open_hold <= at);
        let Some(level) = Level::ALL.into_iter().rev().find(|level| held(&unrest.below[*level as usize])) else { return steps };
        if unrest.open.is_none() {
            let now = scene.votes.visibility(prefix);
            if !counts(prefix) {
                return steps;
            }
            if now.eligible() < settings.eligible_min {
                unrest.below = [None; 3];
                self.insufficient.push((prefix, Moment { at, visibility: now }));
                return steps;
            }
            let (opened, zombies) = unrest.begin(at, (prefix, level), (history, &self.records, &self.lulls), (scene, settings));
            unrest.open = Some(Box::new(opened));
            history.pause(at);
            steps.push(Step::Opened(prefix));
            self.due.push(Reverse((zombies, prefix)));
        }
        let below = unrest.below;
        let Some(open) = unrest.open.as_mut() else { return steps };
        for level in Level::ALL.into_iter().filter(|level| held(&below[*level as usize])) {
            let crossed = &mut open.crossed[level as usize];
            *crossed = crossed.or(below[level as usize]);
        }
        if level > open.level {
            open.level = level;
            open.note_paths(scene);
            steps.push(Step::Worsened(prefix));
        }
        steps
    }

    fn close(&mut self, at: Timestamp, prefix: PrefixId, scene: Scene<'_>, steps: &mut Vec<Step>) {
        let (hold, window) = (self.settings.close_hold, self.settings.baseline_window);
        let watch = watch_of(&mut self.watches, prefix);
        let Some(unrest) = watch.unrest.as_mut() else { return };
        let Some(recovered) = unrest.recovered.filter(|recovered| *recovered + hold <= at) else { return };
        let Some(mut open) = unrest.open.take() else { return };
        open.recovered = Some(recovered);
        open.closed = Some(at);
        unrest.recovered = None;
        unrest.dark.clear();
        unrest.below = [None; 3];
        unrest.lowest = None;
        unrest.closed = Some(at);
        self.happened = self.happened.max(Some(at));
        watch.history.push(at, scene.votes.visibility(prefix).upper(), window);
        steps.push(Step::Closed(prefix));
        self.closed.push(*open);
    }

    /// Looked for once: when they are due, or when the withdrawal becomes full after that. Later holds end while routes come back.
    fn find_zombies(&mut self, at: Timestamp, prefix: PrefixId, scene: Scene<'_>, worsened: bool) {
        let after = self.settings.zombie_after;
        let Some(open) = watch_of(&mut self.watches, prefix).open_mut() else { return };
        let due = open.onset.earliest + after;
        if open.level == Level::Full && (at == due || worsened && at > due) {
            open.zombies = scene.votes.voters(prefix, Vote::Seeing, scene.state);
        }
    }
}

fn watch_of(watches: &mut Vec<Watch>, prefix: PrefixId) -> &mut Watch {
    if watches.len() <= prefix.index() {
        watches.resize_with(prefix.index() + 1, Watch::default);
    }
    &mut watches[prefix.index()]
}

impl Level {
    /// Its threshold, in percent of the baseline.
    pub fn percent(self, settings: &Settings) -> u32 {
        match self {
            Level::Partial => settings.warn_percent,
            Level::Major => settings.open_percent,
            Level::Full => settings.critical_percent,
        }
    }
}

/// Whether somebody who had the prefix told a complete table by now.
fn is_seed(change: &VisibilityChange, scene: Scene<'_>) -> bool {
    let Electorate { rib, feeds, .. } = scene.state;
    if !scene.any_seeded || change.now.eligible() == 0 {
        return false;
    }
    let family = rib.family_of(change.prefix);
    rib.present(change.prefix).any(|from| feeds.is_seeded(from, family))
}

/// An announcement of what a known table did not have: the prefix is new, and having no route to it was usual.
fn is_new(cause: &RouteChange, scene: Scene<'_>) -> bool {
    let Electorate { rib, feeds, .. } = scene.state;
    let announced = cause.cause == ChangeCause::Announced && cause.previous.is_none();
    announced && feeds.is_seeded(cause.from, rib.family_of(cause.prefix))
}
