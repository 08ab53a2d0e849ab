//! What is remembered of a prefix: of most, what is usual of them, and nothing else.

use super::baseline::{History, Weights};
use super::lulls::Lulls;
use super::onset::Turn;
use super::{Level, Moment, Said, Statement, Straggler, Withdrawal};
use crate::observation::RecordRef;
use crate::rib::{ChangeCause, PrefixId, RouteChange, RouteId, RouteState};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::vantage::VantageId;
use crate::visibility::{Electorate, Share, Visibility, VisibilityChange, Vote, Voter, Votes};
use std::collections::VecDeque;

/// What is remembered of one prefix.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    pub history: History,
    /// What happened lately, or still does.
    pub unrest: Option<Box<Unrest>>,
}

/// What happened to a prefix lately.
#[derive(Debug, Clone, Default)]
pub(super) struct Unrest {
    pub turns: VecDeque<Turn>,
    pub statements: VecDeque<Remembered>,
    /// Earlier lulls do not count: they were before the last withdrawal.
    pub lulls_from: u32,
    /// Since when each level is crossed, by something which may start a hold.
    pub below: [Option<Timestamp>; 3],
    pub lowest: Option<Moment>,
    /// The lowest point while the opening threshold is crossed.
    pub dip: Option<Moment>,
    pub recovered: Option<Timestamp>,
    pub open: Option<Box<Withdrawal>>,
    /// ASes which lost it while it was open and have not been seen with it since, whatever became of them.
    pub dark: Vec<Voter>,
    /// When the last withdrawal was closed.
    pub closed: Option<Timestamp>,
}

/// A statement with what was known before, in few bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remembered {
    pub at: Timestamp,
    pub from: VantageId,
    /// Place in [`Records`].
    record: u32,
    /// How many [`Lulls`] had been before.
    lulls: u32,
    pub said: Said,
    pub before: RouteState,
}

/// Routes and records of what is remembered; none where everything is watched, since no report shows them then.
#[derive(Debug, Clone)]
pub(super) struct Records(Option<Vec<(Option<RouteId>, Option<RecordRef>)>>);

impl Records {
    pub fn new(kept: bool) -> Self {
        Records(kept.then(Vec::new))
    }

    pub fn remember(&mut self, change: &RouteChange, lulls: &Lulls) -> Remembered {
        let RouteChange { at, from, before, route, source, .. } = *change;
        let record = self.0.as_mut().map_or(0, |records| {
            records.push((route, source));
            u32::try_from(records.len() - 1).unwrap_or(u32::MAX)
        });
        Remembered { at, from, record, lulls: lulls.count(), said: said(change), before }
    }

    /// The whole statement.
    pub fn statement(&self, remembered: &Remembered) -> Statement {
        let Remembered { at, from, record, said, .. } = *remembered;
        let kept = usize::try_from(record).ok().and_then(|record| self.0.as_ref()?.get(record));
        let (route, source) = kept.copied().unwrap_or_default();
        Statement { at, from, said, route, source }
    }
}

impl Remembered {
    /// One of those of a [lull](Lulls): no record tells it.
    pub fn of_silence(at: Timestamp, from: VantageId, said: Said, before: RouteState) -> Self {
        Remembered { at, from, record: 0, lulls: 0, said, before }
    }
}

impl Watch {
    /// What happened to this prefix lately; it is counted among the restless.
    pub fn unrest_of(&mut self, prefix: PrefixId, restless: &mut Vec<PrefixId>) -> &mut Unrest {
        self.unrest.get_or_insert_with(|| {
            restless.push(prefix);
            Box::default()
        })
    }

    pub fn open(&self) -> Option<&Withdrawal> {
        self.unrest.as_ref()?.open.as_deref()
    }

    pub fn open_mut(&mut self) -> Option<&mut Withdrawal> {
        self.unrest.as_mut()?.open.as_deref_mut()
    }

    /// Frozen while a withdrawal is open; not computed where no threshold can be crossed.
    pub fn baseline(&self, at: Timestamp, share: Share, settings: &Settings, weights: &mut Weights) -> Share {
        match self.open() {
            Some(open) => open.baseline,
            None if share.is_below(settings.warn_percent, Share::ONE) => self.history.baseline(at, settings, weights),
            None => Share::ONE,
        }
    }

    /// Forgets what happened, if it is over and nothing before this time is asked for any more; true if it is so.
    pub fn rest(&mut self, before: Timestamp) -> bool {
        if self.unrest.as_ref().is_some_and(|unrest| unrest.is_over(before)) {
            self.unrest = None;
        }
        self.unrest.is_none()
    }
}

impl Unrest {
    fn is_over(&self, before: Timestamp) -> bool {
        let old = |at: Timestamp| at < before;
        self.is_calm()
            && self.dark.is_empty()
            && self.closed.is_none_or(old)
            && self.turns.iter().all(|turn| old(turn.at))
            && self.statements.iter().all(|said| old(said.at))
    }

    /// Whether no level is crossed and nothing is waited for.
    pub fn is_calm(&self) -> bool {
        let crossed = self.below.iter().any(Option::is_some) || self.lowest.is_some() || self.dip.is_some();
        !crossed && self.open.is_none() && self.recovered.is_none()
    }

    /// All that is remembered of what was said of the prefix, in its order.
    pub fn said(&self, prefix: PrefixId, lulls: &Lulls, settings: &Settings) -> Vec<Remembered> {
        let mut silences = lulls.of(prefix, self.lulls_from).peekable();
        let mut said = Vec::with_capacity(self.statements.len());
        for statement in &self.statements {
            while let Some((_, silence)) = silences.next_if(|(lull, _)| *lull < statement.lulls) {
                said.push(silence);
            }
            said.push(*statement);
        }
        said.extend(silences.map(|(_, silence)| silence));
        let since = said.last().map_or(Timestamp::MIN, |last| last.at - settings.straggler_tail);
        let late = said.iter().position(|said| said.at >= since).unwrap_or(0);
        said.drain(..late);
        said
    }

    /// Remembers a turn, if it can count for an onset: turns from and to no loss take time from a sum of losses, if there are any.
    pub fn turn(&mut self, turn: Turn, settings: &Settings) {
        while self.open.is_none() && self.turns.front().is_some_and(|first| first.at < turn.at - settings.straggler_tail) {
            self.turns.pop_front();
        }
        let counts = turn.is_loss() || self.turns.back().is_some_and(|last| last.at != turn.at);
        if counts {
            self.turns.push_back(turn);
        }
    }

    /// Follows the lowest point while any level is crossed.
    pub fn sink(&mut self, at: Timestamp, now: Visibility, warn: u32, baseline: Share) {
        if self.open.is_none() && !now.upper().is_below(warn, baseline) {
            self.lowest = None;
        } else if self.lowest.is_none_or(|lowest| now.upper() < lowest.visibility.upper()) {
            self.lowest = Some(Moment { at, visibility: now });
        }
    }

    /// Follows the lowest point while the opening threshold is crossed; gives it when the share is back. `fell`: since when it was
    /// crossed before the change.
    pub fn dip(&mut self, fell: Option<Timestamp>, change: &VisibilityChange) -> Option<Moment> {
        if self.below[Level::Major as usize].is_none() {
            return self.dip.take();
        }
        let now = Moment { at: change.at, visibility: change.now };
        let deeper = |lowest: &Moment| lowest.visibility.upper() <= now.visibility.upper();
        self.dip = self.dip.filter(|lowest| fell.is_some() && deeper(lowest)).or(Some(now));
        None
    }

    /// Follows an open withdrawal: trough, stragglers, the way back. Gives the share which counts for the way back: who lost the prefix and
    /// became unknown since has not got it back. Ignorance makes no alarm, and ends none.
    pub fn follow(
        &mut self,
        turn: Turn,
        change: &VisibilityChange,
        (from, votes, state): (Option<VantageId>, &Votes, Electorate<'_>),
        settings: &Settings,
    ) -> Share {
        let Some(open) = self.open.as_mut() else { return change.now.upper() };
        let asn = from.map(|from| state.vantages.point(from).asn);
        let voter = from.and_then(|from| votes.voter_of(from));
        let place = voter.map(|voter| self.dark.binary_search(&voter));
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
            ((_, Vote::Seeing), _) if matches!(place, Some(Ok(_))) => open.first_back = open.first_back.or(Some(change.at)),
            _ => {}
        }
        match (turn.vote.1, place, voter) {
            (Vote::Lost, Some(Err(place)), Some(voter)) => self.dark.insert(place, voter),
            (Vote::Seeing, Some(Ok(place)), _) => {
                self.dark.remove(place);
            }
            _ => {}
        }
        let hidden = if change.now.unknown == 0 || self.dark.is_empty() {
            0
        } else {
            u32::try_from(votes.count_of(&self.dark, change.prefix, Vote::Unknown, state)).unwrap_or(u32::MAX)
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

    /// Whether recovery begins to hold with this change, which `shows` that somebody has the prefix: that fewer can tell does not begin it.
    pub fn recovers(&mut self, at: Timestamp, lost: bool, shows: bool) -> bool {
        if lost {
            self.recovered = None;
            return false;
        }
        if self.recovered.is_some() || !shows {
            return false;
        }
        self.recovered = Some(at);
        true
    }
}

pub(super) fn said(change: &RouteChange) -> Said {
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
