//! MRT (RFC 6396) to statements.
//!
//! [`frame`] cuts records out of the stream by their [`header`]s and finds its way back after damage; [`scan`] settles those which concern
//! nobody from their bytes, the others are parsed; [`message`] turns BGP messages and state changes into statements, [`table`] does so with table dumps; [`session`]
//! remembers who is who at a collector; [`shorten`] takes out of records what a survey does not look at; [`cut`] saves what is left of messages which the archive's writer cut short.
//! This module joins them into [`MrtReader`], which gives the statements of one file in order of time. Nothing is judged here.

#[cfg(any(test, fuzzing))]
mod agreement;
mod bytes;
mod cut;
mod frame;
mod header;
mod message;
mod scan;
mod session;
mod shorten;
mod table;
#[cfg(test)]
mod tests;

#[cfg(fuzzing)]
pub use agreement::disagreement;
pub(super) use bytes::Bytes;
pub(super) use frame::{Body, Frame, Frames, Step};
pub(super) use message::{BgpBytes, asn_of_open, said_in_bytes, said_of_prefixes};
pub(super) use scan::Path;
pub(super) use session::{End, Sessions};
pub(super) use shorten::shorten;

use super::account::{Damage, FileAccount, FileKind};
use super::interest::Interest;
use super::repeat::Repeated;
use super::route::Routes;
use crate::observation::{FileId, GapCause, Observation, Others, RecordRef, Statement};
use crate::source::tap::{Tapped, TappedKind};
use crate::time::{Span, Timestamp};
use crate::vantage::{CollectorId, VantageId, VantagePoint, Vantages};
use bgpkit_parser::models::MrtMessage;
use scan::Scanned;
use std::collections::VecDeque;
use table::Table;

/// What a reader needs while it turns a record into statements.
pub(super) struct Context<'a> {
    /// Where vantage points get their ids.
    pub(super) vantages: &'a mut Vantages,
    /// The collector which wrote the file.
    pub(super) collector: CollectorId,
    /// What is known of that collector's sessions.
    pub(super) sessions: &'a mut Sessions,
    /// Which prefixes deserve a statement.
    pub(super) interest: &'a Interest,
    /// Where everything is counted.
    pub(super) account: &'a mut FileAccount,
    /// The file.
    pub(super) file: FileId,
    /// When another series repeats the UPDATEs of this file.
    pub(super) repeated: Option<&'a Repeated>,
    /// Where routes are made.
    pub(super) routes: &'a mut Routes,
    /// Where statements go.
    pub(super) out: &'a mut VecDeque<Observation>,
    /// Room for the next messages of which no prefix is watched.
    pub(super) spare: &'a mut Option<Box<Others>>,
    /// Where messages go as they are, if somebody passes them on.
    pub(super) tap: Option<&'a mut VecDeque<Tapped>>,
    /// The bytes of the message being stated, as [`TappedKind::Message`] has them.
    pub(super) bytes: Option<Vec<u8>>,
}

/// Where and when a record stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The time its statements carry: never before an earlier record's.
    pub(super) at: Timestamp,
    /// The time it tells itself.
    pub(super) told: Timestamp,
    /// Its number.
    pub(super) record: u64,
    /// Its offset in the decompressed stream.
    pub(super) offset: u64,
}

/// Where everything is watched, so many statements are told together.
const TOGETHER: usize = 1_024;

/// Messages of which no prefix is watched, as they are gathered.
struct Gathered {
    /// When and where the first one stands.
    begin: Option<(Timestamp, RecordRef)>,
    others: Box<Others>,
}

impl Context<'_> {
    /// States something.
    pub(super) fn say(&mut self, place: Place, what: Statement) {
        self.out.push_back(Observation { at: place.at, source: RecordRef { file: self.file, record: place.record }, what });
    }

    /// Whether more can be told together with what was stated.
    #[inline]
    fn has_room(&self) -> bool {
        match self.out.back().map(|last| &last.what) {
            Some(Statement::Other(others)) => self.out.len() == 1 && !others.is_full(),
            Some(_) => self.interest.watched().is_none() && self.out.len() < TOGETHER,
            None => true,
        }
    }

    /// States a message of which no prefix is watched, together with those before it: `push` appends it.
    #[inline]
    pub(super) fn say_other(&mut self, place: Place, push: impl FnOnce(&mut Others, (Timestamp, RecordRef))) {
        let begin = (place.at, RecordRef { file: self.file, record: place.record });
        let mut gathered = self.gather();
        push(&mut gathered.others, begin);
        gathered.begin.get_or_insert(begin);
        self.tell(gathered);
    }

    /// Takes the messages of which no prefix is watched back, if such were stated last and more may be told with them.
    fn gather(&mut self) -> Gathered {
        let last = self.out.pop_back_if(|last| matches!(&last.what, Statement::Other(others) if !others.is_full()));
        match last.map(|last| (last.what, (last.at, last.source))) {
            Some((Statement::Other(others), begin)) => Gathered { begin: Some(begin), others },
            _ => Gathered { begin: None, others: self.spare.take().unwrap_or_default() },
        }
    }

    /// States what was gathered.
    fn tell(&mut self, gathered: Gathered) {
        let Gathered { begin, others } = gathered;
        match begin {
            Some((at, source)) => self.out.push_back(Observation { at, source, what: Statement::Other(others) }),
            None => *self.spare = Some(others),
        }
    }

    /// Passes something on, if somebody takes it.
    fn pass_on(&mut self, at: Timestamp, from: VantageId, what: impl FnOnce() -> TappedKind) {
        if let Some(tap) = &mut self.tap {
            let VantagePoint { peer, asn, .. } = *self.vantages.point(from);
            tap.push_back(Tapped { at, collector: self.collector, peer, asn, what: what() });
        }
    }

    /// Counts part of a record which could not be read.
    pub(super) fn damage(&mut self, place: Place, bytes: u64, cause: String) {
        self.account.skip(Damage { offset: place.offset, bytes, record: place.record, cause });
    }
}

/// Reads one MRT file.
pub(super) struct MrtReader {
    frames: Frames,
    next: Option<Frame>,
    /// The latest time so far.
    clock: Option<Timestamp>,
    table: Option<Table>,
    /// From when on nothing is known at the beginning of the file, if that is damaged.
    head_lost: Option<Timestamp>,
    /// From when on nothing is known at the end of the file, if that is damaged.
    tail_lost: Option<Timestamp>,
}

impl MrtReader {
    /// Reads up to the first record. `begins`: when the file begins by its name.
    pub(super) fn new(frames: Frames, begins: Option<Timestamp>, interest: &Interest, account: &mut FileAccount) -> Self {
        let mut reader = MrtReader { frames, next: None, clock: None, table: None, head_lost: None, tail_lost: None };
        if reader.advance(interest, account) {
            let first = reader.next.as_ref().map(|frame| frame.at);
            let near = |first: Timestamp, begins: Timestamp| begins < first && first.since(begins) < Span::from_seconds(86_400);
            match (first, begins) {
                (Some(first), Some(begins)) if near(first, begins) => reader.head_lost = Some(begins),
                (None, Some(begins)) => reader.tail_lost = Some(begins),
                (Some(_) | None, _) => {}
            }
        }
        reader
    }

    /// The time of what comes next; `None` at the end.
    pub(super) fn next_time(&self) -> Option<Timestamp> {
        if let Some(lost) = self.head_lost {
            return Some(lost);
        }
        self.next.as_ref().map(|frame| self.time_of(frame))
    }

    /// From when on the end of the file is lost, if it is; asked after the end.
    pub(super) fn tail_lost(&self) -> Option<Timestamp> {
        self.tail_lost
    }

    /// Why the stream ended early, if it did.
    pub(super) fn failure(&self) -> Option<&str> {
        self.frames.failure()
    }

    /// States what the next record says, and those after it of times before `until`, as far as they can be told together.
    pub(super) fn read(&mut self, until: Timestamp, ctx: &mut Context<'_>) {
        loop {
            self.read_one(until, ctx);
            if !ctx.has_room() || self.next_time().is_none_or(|next| next >= until) {
                return;
            }
        }
    }

    fn read_one(&mut self, until: Timestamp, ctx: &mut Context<'_>) {
        if let Some(at) = self.head_lost.take() {
            let until = self.next_time().unwrap_or(at);
            let place = Place { at, told: at, record: 1, offset: 0 };
            ctx.say(place, Statement::FeedGap { collector: ctx.collector, until, cause: GapCause::DamagedFile });
            return;
        }
        let Some(frame) = self.next.take() else { return };
        let at = self.time_of(&frame);
        let mut place = Place { at, told: frame.at, record: frame.record, offset: frame.offset };
        if self.clock.is_some_and(|clock| frame.at < clock) && self.table.is_none() {
            ctx.account.out_of_order += 1;
        }
        self.clock = Some(at);
        ctx.account.saw(frame.at);
        let damage_before = ctx.account.skipped_count;
        self.state(frame, place, ctx);
        if ctx.account.skipped_count == damage_before && self.table.is_none() {
            place = self.run(place, until, ctx);
        }
        let inside = ctx.account.skipped_count > damage_before;
        let lost = self.advance(ctx.interest, ctx.account);
        if lost && let Some(table) = &mut self.table {
            table.damage();
        }
        let ends = match (&self.table, &self.next) {
            (Some(table), Some(next)) => !table.goes_on_with(next),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if ends && let Some(table) = self.table.take() {
            table.end(place.record, ctx);
        } else if (lost || inside) && self.table.is_none() {
            self.lose(place, ctx);
        }
    }

    /// States what the messages which follow say as long as they are plain; gives the place of the last one.
    fn run(&mut self, mut place: Place, until: Timestamp, ctx: &mut Context<'_>) -> Place {
        let (mut first, mut last) = (place.told, place.told);
        let mut gathered = ctx.gather();
        while place.at < until && ctx.has_room() && !gathered.others.is_full() {
            let Some(plain) = self.frames.plain(ctx.interest, until, gathered.others.open()) else {
                gathered.others.discard();
                break;
            };
            let told = plain.at;
            ctx.account.holds(FileKind::Updates);
            ctx.account.out_of_order += u64::from(told < place.at);
            (first, last) = (first.min(told), last.max(told));
            place = Place { at: told.max(place.at), told, record: plain.record, offset: plain.offset };
            let body = self.frames.body(plain.kind);
            match plain.what {
                Scanned::Update(update) if ctx.interest.watched().is_some() => {
                    message::gathered(&update, body, place, &mut gathered, ctx);
                }
                Scanned::Update(update) => {
                    message::scanned(&update, gathered.others.open(), body, place, ctx);
                    gathered.others.discard();
                }
                Scanned::Keepalive(sender) => {
                    ctx.tell(gathered);
                    message::keepalive(sender.envelope(body), place, ctx);
                    gathered = ctx.gather();
                }
                Scanned::Entries(_) | Scanned::Entry { .. } => {}
            }
        }
        ctx.tell(gathered);
        ctx.account.saw(first);
        ctx.account.saw(last);
        self.clock = Some(place.at);
        place
    }

    /// States that nothing is known from a record until the next.
    fn lose(&mut self, place: Place, ctx: &mut Context<'_>) {
        match self.next_time() {
            Some(until) => ctx.say(place, Statement::FeedGap { collector: ctx.collector, until, cause: GapCause::DamagedFile }),
            None => self.tail_lost = Some(place.at),
        }
    }

    fn time_of(&self, frame: &Frame) -> Timestamp {
        match &self.table {
            Some(table) if table.goes_on_with(frame) => table.at(),
            _ => self.clock.map_or(frame.at, |clock| frame.at.max(clock)),
        }
    }

    /// Goes to the next record; true if something was lost on the way.
    fn advance(&mut self, interest: &Interest, account: &mut FileAccount) -> bool {
        let mut lost = false;
        self.next = loop {
            match self.frames.step(interest) {
                Step::Record(frame) => break Some(frame),
                Step::Damage(damage) => {
                    account.skip(damage);
                    lost = true;
                }
                Step::End => {
                    lost |= self.frames.failure().is_some();
                    break None;
                }
            }
        };
        account.records = self.frames.records();
        lost
    }

    fn state(&mut self, mut frame: Frame, place: Place, ctx: &mut Context<'_>) {
        ctx.account.holds(if matches!(frame.kind, 12 | 13) { FileKind::Table } else { FileKind::Updates });
        if frame.cut > 0 {
            ctx.damage(
                place,
                frame.cut as u64,
                format!("the archive's writer cut {} bytes off an UPDATE; its complete prefixes count", frame.cut),
            );
        }
        if let Body::Scanned(Scanned::Entries(entries)) = &frame.body {
            if let Some(table) = &mut self.table
                && table.scanned(entries, self.frames.body(frame.kind), place, ctx)
            {
                return;
            }
            match self.frames.decode(&frame) {
                Ok(body) => frame.body = body,
                Err(cause) => return ctx.damage(place, frame.length as u64, cause),
            }
        }
        let body = self.frames.body(frame.kind);
        match frame.body {
            Body::Unsupported(name) => ctx.account.count_other(&name, 1),
            Body::Scanned(Scanned::Update(update)) => message::scanned(&update, self.frames.prefixes(), body, place, ctx),
            Body::Scanned(Scanned::Keepalive(sender)) => message::keepalive(sender.envelope(body), place, ctx),
            Body::Scanned(Scanned::Entry { peer, prefix, path }) => {
                table::version_one(&mut self.table, place, ctx).scanned_entry((peer, prefix, path), body, place, ctx);
            }
            Body::Scanned(Scanned::Entries(_)) => {}
            Body::Message(message) => match *message {
                MrtMessage::Bgp4Mp(record) => {
                    // Subtypes whose AS numbers have four bytes (RFC 6396 §4.4.3, RFC 8050 §3).
                    let wide = ctx.tap.is_some() && matches!(frame.subtype, 4 | 9);
                    ctx.bytes = wide.then(|| scan::bgp_message(body)).flatten().map(<[u8]>::to_vec);
                    message::bgp4mp(record, place, ctx);
                }
                MrtMessage::LegacyBgp(record) => message::legacy(record, place, ctx),
                MrtMessage::TableDumpMessage(record) => {
                    table::version_one(&mut self.table, place, ctx).messages(&[record], place, ctx)
                }
                MrtMessage::TableDumpMessageBatch(records) => {
                    table::version_one(&mut self.table, place, ctx).messages(&records, place, ctx)
                }
                MrtMessage::TableDumpV2Message(record) => {
                    table::version_two(&mut self.table, record, (frame.subtype, body), place, ctx)
                }
            },
        }
    }
}
