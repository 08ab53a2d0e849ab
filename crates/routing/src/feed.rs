//! Feeds: which vantage points speak, which are silent, which carry a full table.
//!
//! Takes observations in time order; gives liveness changes (a lost or silent session is not a withdrawal: it makes routes unknown),
//! full-feed judgements by family, and notes for the data-completeness section. It knows no routes and no organization.

mod collector;
mod glance;
mod liveness;
mod note;
mod spoken;
mod table_size;
mod transfer;

use crate::observation::{GapCause, Observation, Others, RecordRef, Statement};
use crate::settings::Settings;
use crate::time::{Span, Timestamp};
use crate::vantage::{CollectorId, Family, VantageId, Vantages};
use collector::CollectorFeed;
use ipnet::IpNet;
pub use liveness::{Liveness, LivenessChange};
pub use note::{FeedEvent, FeedNote, NotedFeed};
pub(crate) use spoken::Numbered;
use spoken::{Numbers, Said};
pub use table_size::FullFeedRule;
use table_size::TableSizes;

/// A gap shorter than this in a damaged file is told but does not make routes unknown.
const FORGIVEN_DAMAGE: Span = Span::from_seconds(60);

/// A peer which speaks of its first route is judged this much later.
const FIRST_JUDGEMENT: Span = Span::from_seconds(1);

/// The liveness of every vantage point met.
#[derive(Debug, Clone)]
pub struct Feeds {
    sessions: Vec<Session>,
    collectors: Vec<CollectorFeed>,
    numbers: Numbers,
    sizes: TableSizes,
    notes: Vec<FeedNote>,
    silence: Span,
    silence_with_keepalives: Span,
    feed_gap: Span,
    /// No silence falls due sooner after a message.
    soonest: Span,
    /// No silence falls due before this.
    next_check: Timestamp,
    /// Full-feed judgements are taken anew at this time.
    judge_at: Timestamp,
    /// Nothing was observed since they were last taken: they would be the same.
    idle: bool,
    edition: u64,
    standings: u64,
}

/// One vantage point's session.
#[derive(Debug, Clone, Copy)]
struct Session {
    live: Liveness,
    last_heard: Timestamp,
    collector: CollectorId,
    /// State changes while it was not up.
    vain: u64,
}

impl Feeds {
    /// Nobody has spoken yet.
    pub fn new(settings: &Settings) -> Self {
        Feeds {
            sessions: Vec::new(),
            collectors: Vec::new(),
            numbers: Numbers::default(),
            sizes: TableSizes::new(settings.full_feed_percent, settings.full_feed_spoken_percent),
            notes: Vec::new(),
            silence: settings.silence,
            silence_with_keepalives: settings.silence_with_keepalives,
            feed_gap: settings.feed_gap,
            soonest: settings.feed_gap.min(settings.silence).min(settings.silence_with_keepalives),
            next_check: Timestamp::MAX,
            judge_at: Timestamp::MAX,
            idle: false,
            edition: 0,
            standings: 0,
        }
    }

    /// Makes a processor fetch what is needed to take a statement on a prefix of this number.
    pub(crate) fn fetch(&self, statement: &Statement, number: u32) {
        if let Some(prefix) = statement.prefix() {
            self.sizes.fetch(Family::of(prefix), number);
        }
    }

    /// Takes one observation; appends what it changes to `changes`. Call [`Feeds::advance`] up to its time first. `number`: that of its prefix, from
    /// who gives one to every prefix of every message; else prefixes are numbered here.
    pub fn observe(
        &mut self,
        observation: &Observation,
        number: Option<u32>,
        vantages: &Vantages,
        changes: &mut Vec<LivenessChange>,
    ) {
        let at = observation.at;
        let place = (at, observation.source);
        self.begin(at, vantages);
        match &observation.what {
            Statement::SessionDown { from } => self.lose(at, *from, observation.source, changes),
            Statement::FeedGap { collector, until, cause } => self.gap(observation, *collector, (*until, *cause), changes),
            Statement::TableBegin { .. } => {}
            Statement::TableEnd { collector, complete, sizes } => {
                if *complete {
                    self.sizes.table(*collector, sizes);
                    self.standings += 1;
                    self.judge();
                }
            }
            Statement::TableEntry { from, .. } => self.revive(at, *from, observation.source, changes),
            Statement::Announce { from, prefix, .. } => {
                self.hear(place, *from, changes);
                self.spoke_of(place, *from, (prefix, number), true);
            }
            Statement::Withdraw { from, prefix, .. } => {
                self.hear(place, *from, changes);
                self.spoke_of(place, *from, (prefix, number), false);
            }
            Statement::Other(others) => {
                let mut numbered = Numbered::default();
                self.number(others, &mut numbered);
                numbered.said(others).for_each(|said| self.observe_other(&said, vantages, changes));
            }
            Statement::Keepalive { from } => {
                let collector = vantages.collector_of(*from);
                self.collectors[collector.index()].keepalives = true;
                self.hear(place, *from, changes);
            }
            Statement::SessionUp { from } => {
                self.sizes.begin_transfer(*from);
                self.hear(place, *from, changes);
            }
            Statement::EndOfRib { from, family } => {
                self.sizes.end_transfer(at, *from, *family);
                self.standings += 1;
                self.hear(place, *from, changes);
            }
        }
    }

    /// The number of a prefix, from who gives none to every prefix of every message.
    pub(crate) fn number_of(&mut self, prefix: &IpNet) -> u32 {
        self.numbers.of(prefix)
    }

    /// The numbers of all prefixes of these messages, in place of what `numbered` held.
    pub(crate) fn number(&mut self, others: &Others, numbered: &mut Numbered) {
        self.numbers.of_all(others.prefixes(), numbered);
    }

    /// Takes what one message says of prefixes, by their [numbers](Feeds::number); otherwise as [`Feeds::observe`].
    pub(crate) fn observe_other(&mut self, said: &Said<'_>, vantages: &Vantages, changes: &mut Vec<LivenessChange>) {
        self.begin(said.at, vantages);
        self.hear((said.at, said.source), said.from, changes);
        self.spoke(said);
    }

    /// The same, if it is a message like nearly all: of somebody who is up and has spoken of routes, while nothing is due. It changes no
    /// liveness. False if it is another one, and nothing is done. It counts as so many `statements`.
    #[inline]
    pub(crate) fn observe_plain(&mut self, said: &Said<'_>, statements: usize) -> bool {
        let Some(session) = self.sessions.get_mut(said.from.index()) else { return false };
        if self.idle || session.live != Liveness::Up || self.sizes.is_new(said.from) {
            return false;
        }
        session.last_heard = session.last_heard.max(said.at);
        self.next_check = self.next_check.min(said.at + self.soonest);
        // Peers of a collector which is silent are not up.
        let collector = &mut self.collectors[session.collector.index()];
        for _ in 0..statements {
            collector.hear(said.at);
        }
        self.count(said);
        true
    }

    /// Somebody speaks: judgements are taken from now on.
    fn begin(&mut self, at: Timestamp, vantages: &Vantages) {
        self.make_room(vantages);
        if self.judge_at == Timestamp::MAX {
            self.judge_at = at + FIRST_JUDGEMENT;
        }
        if std::mem::take(&mut self.idle) && self.judge_at <= at {
            self.judge_at = self.judgement_from(at + Span::from_micros(1));
        }
    }

    /// The silences which fall due until `now`; appends what they change, each at its own time.
    pub fn advance(&mut self, now: Timestamp, changes: &mut Vec<LivenessChange>) {
        if now >= self.judge_at && self.idle {
            self.judge_at = self.judgement_from(now + Span::from_micros(1));
        } else if now >= self.judge_at {
            self.judge_at = now + table_size::JUDGE_EVERY;
            self.judge();
            self.idle = true;
        }
        if now < self.next_check {
            return;
        }
        let mut next = Timestamp::MAX;
        for index in 0..self.collectors.len() {
            let Some(due) = self.collectors[index].silent_from(self.feed_gap) else { continue };
            if due <= now {
                self.silence_collector(CollectorId::at(index), due, changes);
            } else {
                next = next.min(due);
            }
        }
        for index in 0..self.sessions.len() {
            let session = self.sessions[index];
            if session.live != Liveness::Up {
                continue;
            }
            let due = session.last_heard + self.patience(session.collector);
            if due <= now {
                let from = VantageId::at(index);
                self.suspend(due, from, changes);
                self.note(due, NotedFeed::Vantage(from), FeedEvent::Silent, None);
            } else {
                next = next.min(due);
            }
        }
        self.next_check = next;
        changes.sort_by_key(|change| change.at);
    }

    /// No silence falls due before this.
    pub(crate) fn next_silence(&self) -> Timestamp {
        self.next_check
    }

    /// Whether it can be believed now.
    pub fn liveness(&self, from: VantageId) -> Liveness {
        self.sessions.get(from.index()).map_or(Liveness::Never, |session| session.live)
    }

    /// Whether it carries a full table of the family, and by which rule.
    pub fn full_feed(&self, from: VantageId, family: Family) -> Option<FullFeedRule> {
        let collector = self.sessions.get(from.index())?.collector;
        self.sizes.full_feed(collector, from, family)
    }

    /// The numbers which decide whether it carries a full table of the family; `None` if it told none of the family.
    pub fn standing(&self, from: VantageId, family: Family) -> Option<FullFeedRule> {
        let collector = self.sessions.get(from.index())?.collector;
        self.sizes.standing(collector, from, family)
    }

    /// Nothing falls due before this: no silence, no judgement. `Timestamp::MAX` before the first observation. Judgements which cannot
    /// change are left out before `wake`, the time from which somebody waits for one.
    pub fn next_due(&self, wake: Timestamp) -> Timestamp {
        if self.sessions.is_empty() {
            return Timestamp::MAX;
        }
        self.next_check.min(if self.idle { self.judgement_from(wake) } else { self.judge_at })
    }

    /// The first time from a time on at which judgements are taken.
    fn judgement_from(&self, from: Timestamp) -> Timestamp {
        let every = table_size::JUDGE_EVERY.micros();
        match from.since(self.judge_at).micros() {
            late if late > 0 => self.judge_at + table_size::JUDGE_EVERY.times((late + every - 1) / every),
            _ => self.judge_at,
        }
    }

    /// A number which changes whenever a full-feed judgement has changed. Whoever speaks for the first time has no vote before its
    /// first judgement, so its first word changes nothing yet.
    pub fn electorate_edition(&self) -> u64 {
        self.edition
    }

    /// A number which changes whenever it may have changed of somebody whether it carries or told a whole table, or ever spoke.
    pub fn standings_edition(&self) -> u64 {
        self.edition + self.standings
    }

    /// Whether it counts as full feed of the family, by the judgement last taken.
    pub fn is_full_feed(&self, from: VantageId, family: Family) -> bool {
        self.sizes.is_full_feed(from, family)
    }

    /// True once a complete table is known: from a dump which listed routes of the family for it, or from a transfer which was
    /// recorded from the session's start to its end (RFC 4724 §2).
    pub fn is_seeded(&self, from: VantageId, family: Family) -> bool {
        self.sizes.is_seeded(from, family)
    }

    /// Distinct prefixes of the family which it has spoken of.
    pub fn spoken(&self, from: VantageId, family: Family) -> u64 {
        self.sizes.spoken_of(from, family)
    }

    /// Whether it had told its table, by its last dump, once it had spoken of so many distinct prefixes of the family.
    pub fn had_told_table(&self, from: VantageId, family: Family, spoken: u64) -> bool {
        self.sizes.had_told_table(from, family, spoken)
    }

    /// When the collector last said anything.
    pub fn last_heard(&self, collector: CollectorId) -> Option<Timestamp> {
        self.collectors.get(collector.index()).and_then(CollectorFeed::last_heard)
    }

    /// State changes of sessions which were not up: they say nothing of routes, and are counted so that nobody wonders.
    pub fn vain_state_changes(&self) -> impl Iterator<Item = (VantageId, u64)> + '_ {
        let counted = self.sessions.iter().enumerate().filter(|(_, session)| session.vain > 0);
        counted.map(|(index, session)| (VantageId::at(index), session.vain))
    }

    /// What the report must say about the data, in time order.
    pub fn notes(&self) -> &[FeedNote] {
        &self.notes
    }

    fn judge(&mut self) {
        let collectors: Vec<_> = self.sessions.iter().map(|session| session.collector).collect();
        if self.sizes.judge(&collectors) {
            self.edition += 1;
        }
    }

    fn make_room(&mut self, vantages: &Vantages) {
        while self.collectors.len() < vantages.collectors().count() {
            self.collectors.push(CollectorFeed::default());
        }
        for index in self.sessions.len()..vantages.len() {
            let collector = vantages.collector_of(VantageId::at(index));
            self.sessions.push(Session { live: Liveness::Never, last_heard: Timestamp::MIN, collector, vain: 0 });
            self.standings += 1;
        }
    }

    fn patience(&self, collector: CollectorId) -> Span {
        if self.collectors[collector.index()].keepalives { self.silence_with_keepalives } else { self.silence }
    }

    /// A BGP message: the session is up, whatever was believed before.
    #[inline]
    fn hear(&mut self, (at, source): (Timestamp, RecordRef), from: VantageId, changes: &mut Vec<LivenessChange>) {
        let collector = self.sessions[from.index()].collector;
        if let Some(silent_since) = self.collectors[collector.index()].hear(at) {
            self.end_collector_silence(collector, silent_since, at, changes);
        }
        self.revive(at, from, source, changes);
    }

    fn revive(&mut self, at: Timestamp, from: VantageId, source: RecordRef, changes: &mut Vec<LivenessChange>) {
        let session = &mut self.sessions[from.index()];
        session.last_heard = session.last_heard.max(at);
        self.next_check = self.next_check.min(at + self.soonest);
        if session.live != Liveness::Up {
            match session.live {
                Liveness::Suspended => self.close_note(NotedFeed::Vantage(from), at),
                Liveness::Never => self.standings += 1,
                Liveness::Up | Liveness::Down => {}
            }
            self.sessions[from.index()].live = Liveness::Up;
            changes.push(LivenessChange { at, from, now: Liveness::Up, source: Some(source) });
        }
    }

    /// A state change counts only if the vantage point held state: archives are full of peers which never came up.
    fn lose(&mut self, at: Timestamp, from: VantageId, source: RecordRef, changes: &mut Vec<LivenessChange>) {
        let session = &mut self.sessions[from.index()];
        match session.live {
            Liveness::Never | Liveness::Down => session.vain += 1,
            Liveness::Up | Liveness::Suspended => {
                session.live = Liveness::Down;
                changes.push(LivenessChange { at, from, now: Liveness::Down, source: Some(source) });
                if self.sizes.holds_routes(from) {
                    self.note(at, NotedFeed::Vantage(from), FeedEvent::SessionLost, Some(source));
                }
                self.sizes.forget_transfer(from);
            }
        }
    }

    fn suspend(&mut self, at: Timestamp, from: VantageId, changes: &mut Vec<LivenessChange>) {
        self.sessions[from.index()].live = Liveness::Suspended;
        changes.push(LivenessChange { at, from, now: Liveness::Suspended, source: None });
    }

    fn silence_collector(&mut self, collector: CollectorId, at: Timestamp, changes: &mut Vec<LivenessChange>) {
        self.collectors[collector.index()].fall_silent();
        for index in 0..self.sessions.len() {
            if self.sessions[index].collector == collector && self.sessions[index].live == Liveness::Up {
                self.suspend(at, VantageId::at(index), changes);
            }
        }
        let since = self.collectors[collector.index()].last_heard().unwrap_or(at);
        self.note(since, NotedFeed::Collector(collector), FeedEvent::Gap(GapCause::Silence), None);
    }

    /// The collector speaks again: its peers are believed again, but those which were silent by themselves.
    fn end_collector_silence(
        &mut self,
        collector: CollectorId,
        since: Timestamp,
        at: Timestamp,
        changes: &mut Vec<LivenessChange>,
    ) {
        self.close_note(NotedFeed::Collector(collector), at);
        let patience = self.patience(collector) + at.since(since);
        for index in 0..self.sessions.len() {
            let session = &mut self.sessions[index];
            if session.collector == collector && session.live == Liveness::Suspended && session.last_heard + patience > at {
                session.live = Liveness::Up;
                session.last_heard = at;
                changes.push(LivenessChange { at, from: VantageId::at(index), now: Liveness::Up, source: None });
            }
        }
    }

    fn gap(
        &mut self,
        observation: &Observation,
        collector: CollectorId,
        (until, cause): (Timestamp, GapCause),
        changes: &mut Vec<LivenessChange>,
    ) {
        let at = observation.at;
        // A lost connection is noted once it is known how long it was lost.
        if until > at || cause != GapCause::Disconnected {
            self.notes.push(FeedNote {
                at,
                until: Some(until),
                whom: NotedFeed::Collector(collector),
                what: FeedEvent::Gap(cause),
                source: Some(observation.source),
            });
        }
        self.collectors[collector.index()].excuse(until);
        if cause == GapCause::DamagedFile && until.since(at) < FORGIVEN_DAMAGE {
            return;
        }
        for index in 0..self.sessions.len() {
            let session = &mut self.sessions[index];
            if session.collector == collector && matches!(session.live, Liveness::Up | Liveness::Suspended) {
                session.live = Liveness::Down;
                let from = VantageId::at(index);
                self.sizes.forget_transfer(from);
                changes.push(LivenessChange { at, from, now: Liveness::Down, source: Some(observation.source) });
            }
        }
    }

    /// Counts the prefixes a peer speaks of.
    fn spoke(&mut self, said: &Said<'_>) {
        if self.sizes.is_new(said.from) && !said.is_empty() {
            self.judge_at = self.judge_at.min(said.at + FIRST_JUDGEMENT);
        }
        self.count(said);
    }

    /// The same of a peer which has spoken of some; a table sent again without a recorded reset is noted.
    #[inline]
    fn count(&mut self, said: &Said<'_>) {
        if !said.is_empty() && self.sizes.spoke(said) {
            self.note(said.at, NotedFeed::Vantage(said.from), FeedEvent::TableSentAgain, Some(said.source));
        }
    }

    fn spoke_of(&mut self, place: (Timestamp, RecordRef), from: VantageId, of: (&IpNet, Option<u32>), announced: bool) {
        let number = [of.1.unwrap_or_else(|| self.numbers.of(of.0))];
        let numbers: [&[u32]; 2] = match of.0 {
            IpNet::V4(_) => [&number, &[]],
            IpNet::V6(_) => [&[], &number],
        };
        self.spoke(&Said::at_once(place, from, numbers, announced));
    }

    fn note(&mut self, at: Timestamp, whom: NotedFeed, what: FeedEvent, source: Option<RecordRef>) {
        self.notes.push(FeedNote { at, until: None, whom, what, source });
    }

    fn close_note(&mut self, whom: NotedFeed, at: Timestamp) {
        let open = self.notes.iter_mut().rev().find(|note| note.whom == whom && note.until.is_none());
        if let Some(note) = open {
            note.until = Some(at);
        }
    }
}
