//! Messages put into order, and what they say.

use super::frame::{Message, Recorded};
use super::order::{HELD, Order};
use crate::observation::{FileId, Observation, Others, Route, Statement, WithdrawCause};
use crate::source::account::FileAccount;
use crate::source::interest::Interest;
use crate::source::mrt::{Context, End, Place, Sessions, said_in_bytes};
use crate::source::ris_live::frame::Hop;
use crate::source::route::Routes;
use crate::time::Timestamp;
use crate::vantage::{CollectorId, VantageId, Vantages};
use ipnet::IpNet;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Messages of all collectors, held back until they are in order.
pub(in crate::source) struct Messages {
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

/// What is needed to state what messages say.
pub(in crate::source) struct RisLiveContext<'a> {
    pub(in crate::source) vantages: &'a mut Vantages,
    pub(in crate::source) interest: &'a Interest,
    pub(in crate::source) account: &'a mut FileAccount,
    pub(in crate::source) file: FileId,
    pub(in crate::source) routes: &'a mut Routes,
    pub(in crate::source) out: &'a mut VecDeque<Observation>,
    pub(in crate::source) spare: &'a mut Option<Box<Others>>,
}

impl Messages {
    /// None came yet.
    pub(in crate::source) fn new() -> Self {
        Messages { order: Order::new(HELD), clock: None, sessions: HashMap::new() }
    }

    /// Takes a message, and where it stands.
    pub(in crate::source) fn put(&mut self, message: Message, (record, offset): (u64, u64)) {
        self.order.put(message.at, Held { message, record, offset });
    }

    /// So late it is: what is older comes too late from now on.
    pub(in crate::source) fn pass(&mut self, time: Timestamp) {
        self.order.pass(time);
    }

    /// Whatever is held back is let go.
    pub(in crate::source) fn let_go(&mut self) {
        self.order.let_go();
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
    pub(in crate::source) fn state_next(&mut self, ctx: &mut RisLiveContext<'_>) {
        let Some((told, Held { message, record, offset })) = self.order.take() else { return };
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
}

/// States what a message says.
fn state(message: Message, place: Place, ctx: &mut Context<'_>) {
    let Message { peer, asn, what, .. } = message;
    let from = ctx.vantages.vantage(ctx.collector, peer, asn);
    match what {
        Recorded::Update { announced, withdrawn, path } => update(from, (&announced, &withdrawn), &path, place, ctx),
        Recorded::Bytes(bytes) => said_in_bytes(End { address: peer, asn }, bytes, place, ctx),
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
    let (mut others, mut shared) = ((Vec::new(), Vec::new()), None::<Arc<Route>>);
    let also: HashSet<&IpNet, foldhash::fast::FixedState> =
        if withdrawn.is_empty() { HashSet::default() } else { announced.iter().collect() };
    for prefix in withdrawn.iter().copied().filter(|prefix| !also.contains(prefix)) {
        if ctx.interest.concerns(&prefix) {
            ctx.say(place, Statement::Withdraw { from, prefix, path_id: 0, cause: WithdrawCause::Statement });
        } else {
            others.1.push(prefix);
        }
    }
    for prefix in announced.iter().copied() {
        if ctx.interest.concerns(&prefix) {
            let route = Arc::clone(shared.get_or_insert_with(|| ctx.routes.of_hops(path, ctx.interest)));
            ctx.say(place, Statement::Announce { from, prefix, path_id: 0, route });
        } else {
            others.0.push(prefix);
        }
    }
    if !others.0.is_empty() || !others.1.is_empty() {
        ctx.say_other(place, |list, place| list.push(place, from, &others.0, &others.1));
    }
}
