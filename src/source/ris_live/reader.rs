//! Recordings of RIS Live: the frames as they came, one a line.

use super::frame::{Frame, Message};
use super::order::{HELD, Order};
use super::state;
use crate::observation::{FileId, Observation, Others};
use crate::source::account::{Damage, FileAccount, FileKind};
use crate::source::interest::Interest;
use crate::source::mrt::{Bytes, Context, Place, Sessions};
use crate::source::route::Routes;
use crate::time::Timestamp;
use crate::vantage::{CollectorId, Vantages};
use std::collections::{HashMap, VecDeque};

/// No frame is longer: a BGP message has at most 65,535 bytes (RFC 8654), and its fields repeat them.
const LONGEST: usize = 4 * 1024 * 1024;
/// Within so many lines the first frame is found, if a recording began or was cut in the middle of one.
const LOOKED_AT: usize = 3;

/// Reads one recording.
pub(in crate::source) struct RisLiveReader {
    bytes: Bytes,
    /// Lines met.
    lines: u64,
    order: Order<Held>,
    clock: Option<Timestamp>,
    sessions: HashMap<CollectorId, Sessions>,
}

/// A message which is held back, and where it stands.
struct Held {
    message: Message,
    record: u64,
    offset: u64,
}

/// What the reader needs besides itself.
pub(in crate::source) struct RisLiveContext<'a> {
    pub(in crate::source) vantages: &'a mut Vantages,
    pub(in crate::source) interest: &'a Interest,
    pub(in crate::source) account: &'a mut FileAccount,
    pub(in crate::source) file: FileId,
    pub(in crate::source) routes: &'a mut Routes,
    pub(in crate::source) out: &'a mut VecDeque<Observation>,
    pub(in crate::source) spare: &'a mut Option<Box<Others>>,
}

/// Whether a text begins like a recording of RIS Live.
pub(in crate::source) fn is_recording(bytes: &mut Bytes) -> bool {
    let mut from = 0;
    for _ in 0..LOOKED_AT {
        let Some(line) = line_end(bytes, from) else { return false };
        let text = bytes.view().get(from..line).unwrap_or_default();
        match Frame::read(text) {
            Ok(Frame::Other(kind)) => return kind.starts_with("ris_"),
            Ok(_) => return true,
            Err(_) => from = line,
        }
    }
    false
}

/// Where the line which begins at `from` ends, its end-of-line included; `None` if there is none, or none of reasonable length.
fn line_end(bytes: &mut Bytes, from: usize) -> Option<usize> {
    let mut looked = from;
    loop {
        let view = bytes.view();
        if let Some(end) = view.get(looked..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
            return Some(looked + end + 1);
        }
        looked = view.len();
        if looked - from.min(looked) > LONGEST || bytes.have(looked + 1) == looked {
            return (looked > from && looked - from <= LONGEST).then_some(looked);
        }
    }
}

impl RisLiveReader {
    /// Reads up to the first message which need not be held back.
    pub(in crate::source) fn new(bytes: Bytes, account: &mut FileAccount) -> Self {
        account.holds(FileKind::RisLive);
        let mut reader = RisLiveReader { bytes, lines: 0, order: Order::new(HELD), clock: None, sessions: HashMap::new() };
        reader.fill(account);
        reader
    }

    /// The time of what comes next; `None` at the end.
    pub(in crate::source) fn next_time(&self) -> Option<Timestamp> {
        self.order.next().map(|at| self.clock.map_or(at, |clock| at.max(clock)))
    }

    /// Why the stream ended early, if it did.
    pub(in crate::source) fn failure(&self) -> Option<&str> {
        self.bytes.failure()
    }

    /// States what the next messages say, of times before `until`.
    pub(in crate::source) fn read(&mut self, until: Timestamp, ctx: &mut RisLiveContext<'_>) {
        loop {
            let Some((told, held)) = self.order.take() else { return };
            self.say(told, held, ctx);
            self.fill(ctx.account);
            let room = ctx.out.len() < 256;
            if !room || self.next_time().is_none_or(|next| next >= until) {
                return;
            }
        }
    }

    fn say(&mut self, told: Timestamp, Held { message, record, offset }: Held, ctx: &mut RisLiveContext<'_>) {
        if self.clock.is_some_and(|clock| told < clock) {
            ctx.account.out_of_order += 1;
        }
        let at = self.clock.map_or(told, |clock| told.max(clock));
        self.clock = Some(at);
        ctx.account.saw(told);
        let collector = ctx.vantages.collector(&message.collector);
        let sessions = self.sessions.entry(collector).or_default();
        let RisLiveContext { vantages, interest, account, file, routes, out, spare } = ctx;
        let mut of_archive = Context {
            vantages,
            collector,
            sessions,
            interest,
            account,
            file: *file,
            repeated: None,
            routes,
            out,
            spare,
            tap: None,
            bytes: None,
        };
        state(message, Place { at, told, record, offset }, &mut of_archive);
    }

    /// Reads lines until a message need not be held back, or to the end.
    fn fill(&mut self, account: &mut FileAccount) {
        while self.order.next().is_none() {
            let Some(end) = line_end(&mut self.bytes, 0) else {
                let left = self.bytes.have(LONGEST).min(LONGEST);
                if left == 0 {
                    return self.order.end();
                }
                self.skip(account, left, "a line is too long for a frame".to_owned());
                continue;
            };
            self.lines += 1;
            account.records = self.lines;
            let text = self.bytes.view().get(..end).unwrap_or_default().trim_ascii();
            match Frame::read(text) {
                _ if text.is_empty() => {}
                Ok(Frame::Message(message)) => {
                    let held = Held { record: self.lines, offset: self.bytes.offset(), message };
                    self.order.put(held.message.at, held);
                }
                Ok(Frame::Error(words)) => account.count_other(&format!("errors of the server: {words}"), 1),
                Ok(Frame::Subscribed | Frame::Pong | Frame::Other(_)) => account.count_other("answers of the server", 1),
                Err(cause) => {
                    self.skip(account, end, cause);
                    continue;
                }
            }
            self.bytes.consume(end);
        }
    }

    fn skip(&mut self, account: &mut FileAccount, bytes: usize, cause: String) {
        account.skip(Damage { offset: self.bytes.offset(), bytes: bytes as u64, record: self.lines, cause });
        self.bytes.consume(bytes);
    }
}
