//! Messages put into order, and what they say.

use super::frame::{Frame, Message, Recorded};
use super::order::{HELD, Order};
use crate::observation::{GapCause, Observation, RecordRef, Statement};
use crate::source::account::{Damage, FileAccount};
use crate::source::gap::Covered;
use crate::source::mrt::{BgpBytes, Context, End, Place, Sessions, said_in_bytes, said_of_prefixes};
use crate::source::ris_live::frame::Hop;
use crate::source::stating::Stating;
use crate::time::{Span, Timestamp};
use crate::vantage::{CollectorId, VantageId};
use bgpkit_parser::models::NetworkPrefix;
use ipnet::IpNet;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Messages of all collectors, held back until they are in order.
pub(in crate::source) struct Messages {
    order: Order<Held>,
    clock: Option<Timestamp>,
    /// No message can be from later than this.
    not_after: Timestamp,
    sessions: HashMap<CollectorId, Sessions>,
    /// Prefixes of which it is only to be known when they were last spoken of, and when they were.
    listened_for: HashSet<IpNet>,
    heard: Option<Timestamp>,
    /// The time of the youngest message, and of the one which came last, until somebody asked for it.
    newest: Option<Timestamp>,
    told_last: Option<Timestamp>,
    /// What archives tell which are read beside it.
    covered: Arc<Covered>,
}

/// What is held back, and where it stands.
struct Held {
    what: HeldKind,
    record: u64,
    offset: u64,
}

enum HeldKind {
    Message(Message),
    /// There was no connection until then.
    Lost(Timestamp),
}

/// How names of RIS's collectors begin.
const OF_RIS: &str = "rrc";
/// A collector's clock is not further ahead than this.
pub const AHEAD: Span = Span::from_seconds(600);

impl Messages {
    /// None came yet.
    pub(in crate::source) fn new() -> Self {
        Messages {
            order: Order::new(HELD),
            clock: None,
            not_after: Timestamp::MAX,
            sessions: HashMap::new(),
            listened_for: HashSet::new(),
            heard: None,
            newest: None,
            told_last: None,
            covered: Arc::default(),
        }
    }

    /// The same, beside archives: what these tell is known, though the stream did not tell it.
    pub(in crate::source) fn beside(covered: Arc<Covered>) -> Self {
        Messages { covered, ..Messages::new() }
    }

    /// Notes when any of these is spoken of, whether anybody is interested in it or not.
    pub(in crate::source) fn listen_for(&mut self, prefixes: &[IpNet]) {
        self.listened_for = prefixes.iter().copied().collect();
    }

    /// When one of those was last spoken of.
    pub(in crate::source) fn heard(&self) -> Option<Timestamp> {
        self.heard
    }

    /// The time of the youngest message which has come.
    pub(in crate::source) fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// The time of the message which came last, if one came since the last call.
    pub(in crate::source) fn told_last(&mut self) -> Option<Timestamp> {
        self.told_last.take()
    }

    fn hear(&mut self, message: &Message) {
        if let Recorded::Update { announced, withdrawn, .. } = &message.what
            && announced.iter().chain(withdrawn).any(|prefix| self.listened_for.contains(prefix))
        {
            self.heard = self.heard.max(Some(message.at));
        }
    }

    /// Takes a frame, and where it stands; gives the server's words, if it is not content. One which cannot be read, or believed, is counted.
    pub(in crate::source) fn take(
        &mut self,
        frame: &[u8],
        (record, offset): (u64, u64),
        account: &mut FileAccount,
    ) -> Option<String> {
        account.records = record;
        let cause = match Frame::read(frame) {
            Ok(Frame::Message(message)) => match self.put(message, (record, offset)) {
                Ok(()) => return None,
                Err(cause) => cause,
            },
            Ok(Frame::Clock(time)) => {
                account.saw(time);
                self.pass(time);
                return None;
            }
            Ok(Frame::Lost(from, until)) => {
                self.lost(from, until, (record, offset));
                return None;
            }
            Ok(Frame::Error(words)) => {
                account.count_other(&format!("errors of the server: {words}"), 1);
                return Some(words);
            }
            Ok(Frame::Subscribed | Frame::Pong | Frame::Other(_)) => {
                account.count_other("answers of the server", 1);
                return None;
            }
            Err(cause) => cause,
        };
        account.skip(Damage { offset, bytes: frame.len() as u64, record, cause });
        None
    }

    /// Takes a message, and where it stands.
    ///
    /// # Errors
    /// Why it is not believed.
    pub(in crate::source) fn put(&mut self, message: Message, (record, offset): (u64, u64)) -> Result<(), String> {
        if message.at > self.not_after {
            return Err(format!("its time, {}, has not come yet", message.at));
        }
        self.newest = self.newest.max(Some(message.at));
        self.told_last = Some(message.at);
        self.hear(&message);
        self.order.put(message.at, Held { what: HeldKind::Message(message), record, offset });
        Ok(())
    }

    /// So late it is, but what was said until then may still come.
    pub(in crate::source) fn expect_until(&mut self, time: Timestamp) {
        self.not_after = time + AHEAD;
    }

    /// So late it is: what is older comes too late from now on, and what is much younger is not believed. One wrong clock must not put all others
    /// into the past.
    pub(in crate::source) fn pass(&mut self, time: Timestamp) {
        self.expect_until(time);
        self.order.free_until(time);
    }

    /// There was no connection; what is held back need not be any longer.
    pub(in crate::source) fn lost(&mut self, from: Timestamp, until: Timestamp, (record, offset): (u64, u64)) {
        self.order.put_after_all(from, Held { what: HeldKind::Lost(until), record, offset });
    }

    /// Whether anything is held back.
    pub(in crate::source) fn holds_any(&self) -> bool {
        self.order.holds_any()
    }

    /// Until when nothing need be held back.
    pub(in crate::source) fn is_free_until(&self) -> Timestamp {
        self.order.is_free_until()
    }

    /// No more come.
    pub(in crate::source) fn end(&mut self) {
        self.order.end();
    }

    /// The time of the first which need not be held back any longer.
    pub(in crate::source) fn next_time(&self) -> Option<Timestamp> {
        self.order.next().map(|at| self.clock.map_or(at, |clock| at.max(clock)))
    }

    /// States what that one says.
    pub(in crate::source) fn state_next(&mut self, ctx: &mut Stating<'_>) {
        let Some((told, Held { what, record, offset })) = self.order.take() else { return };
        if self.clock.is_some_and(|clock| told < clock) {
            ctx.account.out_of_order += 1;
        }
        let at = self.clock.map_or(told, |clock| told.max(clock));
        self.clock = Some(at);
        ctx.account.saw(told);
        let message = match what {
            HeldKind::Message(message) => message,
            HeldKind::Lost(until) => return self.state_lost(at, until, record, ctx),
        };
        let collector = ctx.vantages.collector(&message.collector);
        let sessions = self.sessions.entry(collector).or_default();
        let mut of_archive = ctx.of(collector, sessions);
        state(message, Place { at, told, record, offset }, &mut of_archive);
    }
}

impl Messages {
    /// Of no collector of the stream anything is known meanwhile, of those which spoke, and those which would have; but for those whose archives tell.
    fn state_lost(&self, at: Timestamp, until: Timestamp, record: u64, ctx: &mut Stating<'_>) {
        let source = RecordRef { file: ctx.file, record };
        for (collector, name) in ctx.vantages.collectors() {
            let would = self.sessions.contains_key(&collector) || name.starts_with(OF_RIS);
            if would && !self.covered.tells(name, at, until) {
                let what = Statement::FeedGap { collector, until, cause: GapCause::Disconnected };
                ctx.out.push_back(Observation { at, source, what });
            }
        }
    }
}

/// States what a message says.
fn state(message: Message, place: Place, ctx: &mut Context<'_>) {
    let Message { peer, asn, what, .. } = message;
    let from = ctx.vantages.vantage(ctx.collector, peer, asn);
    match what {
        Recorded::Update { announced, withdrawn, path } => update(from, (&announced, &withdrawn), &path, place, ctx),
        Recorded::Bytes(bytes) => said_in_bytes(End { address: peer, asn }, BgpBytes::wide(bytes), place, ctx),
        Recorded::SignOfLife => ctx.say(place, Statement::Keepalive { from }),
        Recorded::Keepalive => {
            ctx.account.keepalives += 1;
            ctx.say(place, Statement::Keepalive { from });
        }
        Recorded::Open => {
            ctx.account.opens += 1;
            ctx.say(place, Statement::SessionUp { from });
        }
        Recorded::Notification { collision } => {
            ctx.account.notifications += 1;
            if !collision {
                ctx.say(place, Statement::SessionDown { from });
            }
        }
        Recorded::State { up } => {
            ctx.account.state_changes += 1;
            ctx.say(place, if up { Statement::SessionUp { from } } else { Statement::SessionDown { from } });
        }
        Recorded::Else(name) => ctx.account.count_other(&name, 1),
    }
}

fn update(from: VantageId, (announced, withdrawn): (&[IpNet], &[IpNet]), path: &[Hop], place: Place, ctx: &mut Context<'_>) {
    ctx.account.announced += announced.len() as u64;
    ctx.account.withdrawn += withdrawn.len() as u64;
    // Streams tell no path identifiers.
    let without = |list: &[IpNet]| list.iter().map(|prefix| NetworkPrefix::new(*prefix, None)).collect::<Vec<_>>();
    let prefixes = (without(announced), without(withdrawn));
    let route = |ctx: &mut Context<'_>| ctx.routes.of_hops(path, ctx.interest);
    said_of_prefixes(from, (&prefixes.0, &prefixes.1), Some(route), place, ctx);
}
