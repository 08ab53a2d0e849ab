//! RIS Live (ris-live.ripe.net/manual) to statements: the stream itself, and recordings of it as JSON Lines.
//!
//! [`frame`] reads one frame, [`Order`] puts frames into order, `reader` reads a recording; `write` makes frames of messages in archives, and
//! `subscription` says who gets which. What a message says becomes the same
//! statements as in an archive of that collector: where the bytes of a message are told and its fields are not, the decoder of archives
//! reads them.

pub mod frame;
mod order;
mod reader;
mod subscription;
mod write;

use super::mrt::{Context, End, Place, said_in_bytes};
use crate::observation::{Route, Statement, WithdrawCause};
use crate::vantage::VantageId;
use frame::{Hop, Message, Recorded};
use ipnet::IpNet;
pub use order::{HELD, Order};
pub(super) use reader::{RisLiveContext, RisLiveReader, is_recording};
use std::collections::HashSet;
use std::sync::Arc;
pub use subscription::{PathPattern, Request, Require, SocketOptions, Subscription};
pub use write::Shown;

/// States what a message says.
pub(super) fn state(message: Message, place: Place, ctx: &mut Context<'_>) {
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
