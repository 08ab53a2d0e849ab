//! The detector: thresholds, holds, opening and closing, one prefix at a time.

use super::baseline::History;
use super::onset::{Turn, onset};
use super::{Churn, Cover, Level, Moment, Said, Statement, Straggler, Withdrawal};
use crate::rib::{ChangeCause, PrefixId, RouteChange, RouteState};
use crate::settings::Settings;
use crate::time::{Bounds, Span, Timestamp};
use crate::vantage::{Asn, Family};
use crate::visibility::{Electorate, Share, Visibility, VisibilityChange, Vote, Votes};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

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
}

/// Watches every prefix for withdrawals.
#[derive(Debug)]
pub struct Detector {
    settings: Settings,
    watches: Vec<Option<Box<Watch>>>,
    due: BinaryHeap<Reverse<(Timestamp, PrefixId)>>,
    closed: Vec<Withdrawal>,
    /// Thresholds crossed where too few could tell: never an alarm, always told.
    insufficient: Vec<(PrefixId, Moment)>,
}

/// What is remembered of one prefix.
#[derive(Debug, Default)]
struct Watch {
    history: History,
    turns: VecDeque<Turn>,
    statements: VecDeque<Statement>,
    /// Since when each level is crossed, by something which may start a hold.
    below: [Option<Timestamp>; 3],
    lowest: Option<Moment>,
    /// The lowest point while the opening threshold is crossed.
    dip: Option<Moment>,
    recovered: Option<Timestamp>,
    open: Option<Box<Withdrawal>>,
    /// ASes which lost it while it was open and have not been seen with it since, whatever became of them.
    dark: BTreeSet<Asn>,
}

impl Detector {
    /// Nothing is watched yet.
    pub fn new(settings: &Settings) -> Self {
        Detector {
            settings: settings.clone(),
            watches: Vec::new(),
            due: BinaryHeap::new(),
            closed: Vec::new(),
            insufficient: Vec::new(),
        }
    }

    /// Remembers a route change as evidence, whether or not it changes a vote.
    pub fn statement(&mut self, change: &RouteChange) {
        if change.before == change.after {
            return;
        }
        let tail = self.settings.straggler_tail;
        let watch = watch_of(&mut self.watches, change.prefix);
        let statement =
            Statement { at: change.at, from: change.from, said: said(change), route: change.route, source: change.source };
        match &mut watch.open {
            Some(open) => open.evidence.push(statement),
            None => {
                watch.statements.push_back(statement);
                while watch.statements.front().is_some_and(|first| first.at < change.at - tail) {
                    watch.statements.pop_front();
                }
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
        let mut due = |at: Timestamp| self.due.push(Reverse((at, change.prefix)));
        let turn = Turn { at: change.at, vote: change.vote };
        if change.vote.0 != change.vote.1 {
            watch.turn(turn, settings);
        }
        let share = change.now.upper();
        if !starts && !watch.history.is_seeded() && is_seed(change, scene) {
            watch.history.seed(share);
        } else if cause.is_some_and(|cause| is_new(cause, scene)) && watch.history.is_empty() {
            watch.history.seed(Share::ZERO);
        }
        let baseline = watch.baseline(change.at, share, settings);
        if watch.open.is_none() {
            watch.history.push(change.at, share, settings.baseline_window);
        }
        let fell = watch.below[Level::Major as usize];
        for level in Level::ALL {
            let percent = level.percent(settings);
            let below = &mut watch.below[level as usize];
            if !share.is_below(percent, baseline) {
                *below = None;
            } else if below.is_none() && starts {
                *below = Some(change.at);
                due(change.at + settings.open_hold);
            }
        }
        let lowest = watch.dip(fell, change);
        let told = watch.open.is_none() && change.now.eligible() >= settings.eligible_min;
        let short = |from: &Timestamp| change.at < *from + settings.open_hold;
        let churn = fell.filter(|from| told && short(from)).zip(lowest);
        watch.sink(change.at, change.now, settings.warn_percent, baseline);
        if watch.open.is_some() {
            let asn = cause.map(|cause| scene.state.vantages.point(cause.from).asn);
            let back = watch.follow(turn, change, (asn, scene.votes), settings);
            if watch.recovers(change.at, back.is_below(settings.close_percent, baseline), starts) {
                due(change.at + settings.close_hold);
            }
        }
        let prefix = scene.state.rib.prefix_of(change.prefix);
        churn.map(|(from, lowest)| Churn { prefix, from, until: change.at, lowest })
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
        self.watches.iter().flatten().filter_map(|watch| watch.open.as_deref())
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
        let watch = watch_of(&mut self.watches, prefix);
        let held = |since: &Option<Timestamp>| since.is_some_and(|since| since + settings.open_hold <= at);
        let Some(level) = Level::ALL.into_iter().rev().find(|level| held(&watch.below[*level as usize])) else { return steps };
        if watch.open.is_none() {
            let now = scene.votes.visibility(prefix);
            if !counts(prefix) {
                return steps;
            }
            if now.eligible() < settings.eligible_min {
                watch.below = [None; 3];
                self.insufficient.push((prefix, Moment { at, visibility: now }));
                return steps;
            }
            let (opened, zombies) = watch.begin(at, (prefix, level), scene, settings);
            watch.open = Some(Box::new(opened));
            watch.history.pause(at);
            steps.push(Step::Opened(prefix));
            self.due.push(Reverse((zombies, prefix)));
        }
        let Some(watch) = self.watches[prefix.index()].as_mut() else { return steps };
        let below = watch.below;
        let Some(open) = watch.open.as_mut() else { return steps };
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
        let Some(recovered) = watch.recovered.filter(|recovered| *recovered + hold <= at) else { return };
        let Some(mut open) = watch.open.take() else { return };
        open.recovered = Some(recovered);
        open.closed = Some(at);
        watch.recovered = None;
        watch.dark.clear();
        watch.below = [None; 3];
        watch.lowest = None;
        watch.history.push(at, scene.votes.visibility(prefix).upper(), window);
        steps.push(Step::Closed(prefix));
        self.closed.push(*open);
    }

    /// Looked for once: when they are due, or when the withdrawal becomes full after that. Later holds end while routes come back.
    fn find_zombies(&mut self, at: Timestamp, prefix: PrefixId, scene: Scene<'_>, worsened: bool) {
        let after = self.settings.zombie_after;
        let Some(open) = watch_of(&mut self.watches, prefix).open.as_mut() else { return };
        let due = open.onset.earliest + after;
        if open.level == Level::Full && (at == due || worsened && at > due) {
            open.zombies = scene.votes.voters(prefix, Vote::Seeing);
        }
    }
}

fn watch_of(watches: &mut Vec<Option<Box<Watch>>>, prefix: PrefixId) -> &mut Watch {
    if watches.len() <= prefix.index() {
        watches.resize_with(prefix.index() + 1, || None);
    }
    watches[prefix.index()].get_or_insert_default()
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

impl Watch {
    fn turn(&mut self, turn: Turn, settings: &Settings) {
        self.turns.push_back(turn);
        while self.open.is_none() && self.turns.front().is_some_and(|first| first.at < turn.at - settings.straggler_tail) {
            self.turns.pop_front();
        }
    }

    /// Frozen while a withdrawal is open; not computed where no threshold can be crossed.
    fn baseline(&self, at: Timestamp, share: Share, settings: &Settings) -> Share {
        match &self.open {
            Some(open) => open.baseline,
            None if share.is_below(settings.warn_percent, Share::ONE) => self.history.baseline(at, settings),
            None => Share::ONE,
        }
    }

    /// Follows the lowest point while any level is crossed.
    fn sink(&mut self, at: Timestamp, now: Visibility, warn: u32, baseline: Share) {
        if self.open.is_none() && !now.upper().is_below(warn, baseline) {
            self.lowest = None;
        } else if self.lowest.is_none_or(|lowest| now.upper() < lowest.visibility.upper()) {
            self.lowest = Some(Moment { at, visibility: now });
        }
    }

    /// Follows the lowest point while the opening threshold is crossed; gives it when the share is back. `fell`: since when it was
    /// crossed before the change.
    fn dip(&mut self, fell: Option<Timestamp>, change: &VisibilityChange) -> Option<Moment> {
        if self.below[Level::Major as usize].is_none() {
            return self.dip.take();
        }
        let now = Moment { at: change.at, visibility: change.now };
        let deeper = |lowest: &Moment| lowest.visibility.upper() <= now.visibility.upper();
        self.dip = self.dip.filter(|lowest| fell.is_some() && deeper(lowest)).or(Some(now));
        None
    }

    fn begin(
        &mut self,
        at: Timestamp,
        (prefix, level): (PrefixId, Level),
        scene: Scene<'_>,
        settings: &Settings,
    ) -> (Withdrawal, Timestamp) {
        let now = scene.votes.visibility(prefix);
        let crossing = self.below.iter().flatten().min().copied().unwrap_or(at);
        let run = self.turns.iter().copied().filter(|turn| turn.at <= crossing);
        let onset = onset(run, now.eligible(), settings).unwrap_or(crossing);
        let first_statement = self.first_statement(crossing, settings.grouping).min(onset);
        let evidence: Vec<Statement> = self.statements.drain(..).filter(|statement| statement.at >= first_statement).collect();
        let whole = evidence.iter().all(|statement| statement.at.micros() % 1_000_000 == 0);
        let rib = scene.state.rib;
        let family = Family::of(&rib.prefix_of(prefix));
        let origins: BTreeSet<Asn> = rib.views(prefix).filter_map(|view| rib.origin_of(view.route?)).collect();
        let lowest = self.lowest.unwrap_or(Moment { at, visibility: now });
        let mut withdrawal = Withdrawal {
            prefix: rib.prefix_of(prefix),
            id: prefix,
            origins: origins.into_iter().collect(),
            level,
            baseline: self.history.baseline(crossing, settings),
            inferred: rib.views(prefix).any(|view| !scene.state.feeds.is_seeded(view.from, family)),
            covers_known: rib.views(prefix).any(|view| scene.state.feeds.is_seeded(view.from, family)),
            first_statement,
            onset: Bounds { earliest: onset, latest: if whole { onset + Span::from_micros(999_999) } else { onset } },
            crossed: [None; 3],
            opened: at,
            trough: lowest,
            first_back: evidence.iter().find(|e| e.said == Said::Announced && e.at > lowest.at).map(|e| e.at),
            back_at_open: None,
            recovered: None,
            closed: None,
            stragglers: Vec::new(),
            zombies: Vec::new(),
            covers: covers(prefix, scene),
            cover: None,
            lost_by: scene.votes.voters(prefix, Vote::Lost),
            common_transit: Vec::new(),
            evidence,
        };
        self.dark = withdrawal.lost_by.iter().copied().collect();
        withdrawal.note_paths(scene);
        (withdrawal, onset + settings.zombie_after)
    }

    /// The first withdraw statement of the run which led to the crossing: no pause in it is longer than the grouping time.
    fn first_statement(&self, crossing: Timestamp, grouping: Span) -> Timestamp {
        let mut first = crossing;
        for statement in self.statements.iter().rev().filter(|statement| statement.at <= crossing) {
            if first.since(statement.at) > grouping {
                break;
            }
            if matches!(statement.said, Said::Withdrew | Said::TreatedAsWithdraw) {
                first = statement.at;
            }
        }
        first
    }

    /// Follows an open withdrawal: trough, stragglers, the way back. Gives the share which counts for the way back: who lost the prefix and
    /// became unknown since has not got it back. Ignorance makes no alarm, and ends none.
    fn follow(&mut self, turn: Turn, change: &VisibilityChange, (asn, votes): (Option<Asn>, &Votes), settings: &Settings) -> Share {
        let Some(open) = self.open.as_mut() else { return change.now.upper() };
        if let Some(lowest) = self.lowest.filter(|lowest| lowest.visibility.upper() < open.trough.visibility.upper()) {
            open.trough = lowest;
            open.first_back = None;
        }
        match (turn.vote, asn) {
            ((Vote::Seeing | Vote::Unknown, Vote::Lost), Some(asn)) => {
                // Who comes back from a reset without the route it had lost before has not lost it now.
                let again = turn.vote.0 == Vote::Unknown && open.lost_by.contains(&asn);
                if !open.lost_by.contains(&asn) {
                    open.lost_by.push(asn);
                    open.lost_by.sort_unstable();
                }
                if !again && turn.at > open.onset.latest + settings.grouping && open.first_back.is_none() {
                    open.stragglers.push(Straggler { asn, at: turn.at });
                }
            }
            ((_, Vote::Seeing), Some(asn)) if self.dark.contains(&asn) => open.first_back = open.first_back.or(Some(change.at)),
            _ => {}
        }
        match (turn.vote.1, asn) {
            (Vote::Lost, Some(asn)) => {
                self.dark.insert(asn);
            }
            (Vote::Seeing, Some(asn)) => {
                self.dark.remove(&asn);
            }
            _ => {}
        }
        let hidden = if change.now.unknown == 0 || self.dark.is_empty() {
            0
        } else {
            let unknown = votes.voters(change.prefix, Vote::Unknown);
            u32::try_from(unknown.iter().filter(|asn| self.dark.contains(asn)).count()).unwrap_or(u32::MAX)
        };
        let Visibility { seeing, unknown, .. } = change.now;
        let share = Share::of((seeing + unknown).saturating_sub(hidden), change.now.eligible());
        if share.is_below(settings.open_percent, open.baseline) {
            open.back_at_open = None;
        } else if open.crossed[Level::Major as usize].is_some() {
            open.back_at_open = open.back_at_open.or(Some(change.at));
        }
        share
    }

    /// Whether recovery begins to hold with this change. A table dump alone does not begin it.
    fn recovers(&mut self, at: Timestamp, lost: bool, starts: bool) -> bool {
        if lost {
            self.recovered = None;
            return false;
        }
        if self.recovered.is_some() || !starts {
            return false;
        }
        self.recovered = Some(at);
        true
    }
}

impl Withdrawal {
    /// ASes which all lost paths share and no surviving path has: the origin and the witnesses themselves do not count.
    fn note_paths(&mut self, scene: Scene<'_>) {
        let rib = scene.state.rib;
        let (mut lost, mut surviving): (Option<BTreeSet<Asn>>, BTreeSet<Asn>) = (None, BTreeSet::new());
        for view in rib.views(self.id) {
            let Some(route) = view.route else { continue };
            let witness = scene.state.vantages.point(view.from).asn;
            let route = rib.route_of(route);
            let path: BTreeSet<Asn> =
                route.path.iter().copied().filter(|asn| *asn != witness && Some(*asn) != route.origin).collect();
            match view.state {
                RouteState::Present => surviving.extend(path),
                RouteState::Withdrawn => lost = Some(lost.map_or(path.clone(), |common| &common & &path)),
                RouteState::Unknown => {}
            }
        }
        self.common_transit = match lost {
            Some(common) if !surviving.is_empty() => common.difference(&surviving).copied().collect(),
            _ => Vec::new(),
        };
    }
}

/// Whether somebody who had the prefix told a complete table by now.
fn is_seed(change: &VisibilityChange, scene: Scene<'_>) -> bool {
    let family = Family::of(&scene.state.rib.prefix_of(change.prefix));
    let mut views = scene.state.rib.views(change.prefix);
    change.now.eligible() > 0
        && views.any(|view| view.state == RouteState::Present && scene.state.feeds.is_seeded(view.from, family))
}

/// An announcement of what a known table did not have: the prefix is new, and having no route to it was usual.
fn is_new(cause: &RouteChange, scene: Scene<'_>) -> bool {
    let family = Family::of(&scene.state.rib.prefix_of(cause.prefix));
    cause.cause == ChangeCause::Announced && cause.previous.is_none() && scene.state.feeds.is_seeded(cause.from, family)
}

/// Less specific prefixes which at least half of their eligible ASes see, and somebody who lost the prefix, longest first: where the cover was
/// lost with it, it covers nothing.
fn covers(prefix: PrefixId, scene: Scene<'_>) -> Vec<Cover> {
    let rib = scene.state.rib;
    let covers = rib.covers(&rib.prefix_of(prefix)).into_iter().map(|cover| (cover, scene.votes.visibility(cover)));
    let losers = scene.votes.voters(prefix, Vote::Lost);
    let reaches = |cover: PrefixId| scene.votes.voters(cover, Vote::Seeing).iter().any(|asn| losers.contains(asn));
    let seen = covers.filter(|(cover, seen)| seen.seeing > 0 && seen.seeing * 2 >= seen.eligible() && reaches(*cover));
    seen.map(|(cover, visibility)| {
        let present = rib.views(cover).filter(|view| view.state == RouteState::Present);
        let origins: BTreeSet<Asn> = present.filter_map(|view| rib.origin_of(view.route?)).collect();
        Cover { prefix: rib.prefix_of(cover), visibility, origins: origins.into_iter().collect() }
    })
    .collect()
}

fn said(change: &RouteChange) -> Said {
    use crate::observation::WithdrawCause::{Statement, TreatAsWithdraw};
    match (change.cause, change.after) {
        (ChangeCause::Announced, _) => Said::Announced,
        (ChangeCause::Withdrawn(Statement), _) => Said::Withdrew,
        (ChangeCause::Withdrawn(TreatAsWithdraw), _) => Said::TreatedAsWithdraw,
        (ChangeCause::Table, RouteState::Present) => Said::InTable,
        (ChangeCause::Table | ChangeCause::NotInTransfer, _) => Said::AbsentFromTable,
        (ChangeCause::Liveness, RouteState::Unknown) => Said::BecameUnknown,
        (ChangeCause::Liveness, _) => Said::BelievedAgain,
    }
}
