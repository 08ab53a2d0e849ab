//! BGP messages and state changes to statements.
//!
//! Takes the messages which a collector received from its peers (BGP4MP, BGP4MP_ET and the older BGP(5) records); gives one statement a
//! prefix which is watched, one for the others together, and one for what concerns the session. Only IPv4 and IPv6 unicast become
//! statements; other families are counted. What the collector itself sent (the LOCAL subtypes) is counted and says nothing.

use super::scan::{Envelope, Update};
use super::session::End;
use super::{Context, Gathered, Place};
use crate::observation::{Prefixes, RecordRef, Route, Statement, WithdrawCause};
use crate::source::tap::TappedKind;
use crate::vantage::{Asn, Family, VantageId};
use bgpkit_parser::error::BgpValidationWarning;
use bgpkit_parser::models::capabilities::BgpCapabilityType;
use bgpkit_parser::models::{
    Afi, AsnLength, AttrType, AttributeValue, Attributes, Bgp4MpEnum, Bgp4MpMessage, Bgp4MpStateChange, BgpError, BgpMessage,
    BgpOpenMessage, BgpState, BgpUpdateMessage, CapabilityValue, CeaseNotification, LegacyBgp, NetworkPrefix, Nlri, ParamValue,
    Safi,
};
use bgpkit_parser::parser::bgp::parse_bgp_message;
use bytes::Bytes;
use ipnet::IpNet;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A BGP4MP or BGP4MP_ET record.
pub(super) fn bgp4mp(record: Bgp4MpEnum, place: Place, ctx: &mut Context<'_>) {
    match record {
        Bgp4MpEnum::Message(message) => {
            let local = message.is_local();
            let Bgp4MpMessage { peer_asn, peer_ip, local_ip, bgp_message, .. } = message;
            let peer = End { address: peer_ip, asn: Asn(peer_asn.to_u32()) };
            if local {
                ctx.account.count_other("messages sent by the collector", 1);
            } else {
                said(peer, local_ip, bgp_message, place, ctx);
            }
        }
        Bgp4MpEnum::StateChange(Bgp4MpStateChange { peer_asn, local_asn, peer_ip, local_addr, old_state, new_state, .. }) => {
            let peer = End { address: peer_ip, asn: Asn(peer_asn.to_u32()) };
            let local = End { address: local_addr, asn: Asn(local_asn.to_u32()) };
            changed(peer, local, (old_state, new_state), place, ctx);
        }
    }
}

/// A BGP(5) record.
pub(super) fn legacy(record: LegacyBgp, place: Place, ctx: &mut Context<'_>) {
    match record {
        LegacyBgp::Message(message) => {
            let peer = End { address: message.peer_ip, asn: Asn(message.peer_asn.to_u32()) };
            said(peer, message.local_ip, message.bgp_message, place, ctx);
        }
        LegacyBgp::StateChange(change) => {
            let peer = End { address: change.peer_ip, asn: Asn(change.peer_asn.to_u32()) };
            let local = End { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), asn: Asn(0) };
            changed(peer, local, (change.old_state, change.new_state), place, ctx);
        }
    }
}

fn changed(peer: End, local: End, (old_state, new_state): (BgpState, BgpState), place: Place, ctx: &mut Context<'_>) {
    ctx.account.state_changes += 1;
    let peer = ctx.sessions.peer_of_change(peer, local);
    if peer.address.is_unspecified() || peer.asn == Asn(0) {
        ctx.account.count_other("state changes which do not name the peer", 1);
        return;
    }
    let from = ctx.vantages.vantage(ctx.collector, peer.address, peer.asn);
    let what = if new_state == BgpState::Established {
        Statement::SessionUp { from }
    } else if matches!(old_state, BgpState::Established | BgpState::Clearing) {
        Statement::SessionDown { from }
    } else {
        // An attempt: archives are full of them. FRR records those beside an established session too (RFC 4271 §6.8, collisions).
        return;
    };
    ctx.pass_on(place.at, from, || TappedKind::State { up: new_state == BgpState::Established });
    ctx.say(place, what);
}

fn said(peer: End, local: IpAddr, message: BgpMessage, place: Place, ctx: &mut Context<'_>) {
    let open_asn = match &message {
        BgpMessage::Open(open) => Some(asn_of_open(open)),
        BgpMessage::Update(_) | BgpMessage::Notification(_) | BgpMessage::KeepAlive | BgpMessage::RouteRefresh(_) => None,
    };
    ctx.sessions.learn(peer, Some(local));
    // Where the record tells the number, the OPEN may be one which the collector sent.
    if let Some(asn) = open_asn.filter(|_| !peer.is_named()) {
        ctx.sessions.learn(End { asn, ..peer }, None);
    }
    let from = speaker(peer, ctx);
    if ctx.tap.is_some() {
        pass_on(from, &message, place, ctx);
    }
    match message {
        BgpMessage::Update(update) => {
            if let Some(from) = from {
                said_update(from, update, place, ctx);
            }
        }
        BgpMessage::Open(_) => {
            ctx.account.opens += 1;
            from.into_iter().for_each(|from| ctx.say(place, Statement::SessionUp { from }));
        }
        BgpMessage::Notification(notification) => {
            ctx.account.notifications += 1;
            // Of two connections which collide one is given up (RFC 4271 §6.8), and the other may be established.
            let collision = BgpError::CeaseNotification(CeaseNotification::CONNECTION_COLLISION_RESOLUTION);
            if notification.error != collision {
                from.into_iter().for_each(|from| ctx.say(place, Statement::SessionDown { from }));
            }
        }
        BgpMessage::KeepAlive => alive(from, place, ctx),
        BgpMessage::RouteRefresh(_) => {
            ctx.account.count_other("ROUTE-REFRESH messages", 1);
            from.into_iter().for_each(|from| ctx.say(place, Statement::Keepalive { from }));
        }
    }
}

/// Passes a message on, unless another series of the same collector says it too.
fn pass_on(from: Option<VantageId>, message: &BgpMessage, place: Place, ctx: &mut Context<'_>) {
    let told_twice = matches!(message, BgpMessage::Update(_)) && ctx.repeated.is_some_and(|repeated| repeated.covers(place.told));
    let bytes = ctx.bytes.take();
    if let (Some(from), false) = (from, told_twice) {
        ctx.pass_on(place.at, from, || TappedKind::Message(Box::new(message.clone()), bytes));
    }
}

/// A BGP message by its bytes, as streams tell it.
pub(in crate::source) struct BgpBytes {
    /// From its marker on.
    pub(in crate::source) bytes: Vec<u8>,
    /// AS numbers in its AS_PATH have two bytes (RFC 4271), not four (RFC 6793).
    pub(in crate::source) two_byte_asns: bool,
    /// Its prefixes have path identifiers (RFC 7911).
    pub(in crate::source) path_ids: bool,
}

impl BgpBytes {
    /// With AS numbers in four bytes, and without path identifiers.
    pub(in crate::source) fn wide(bytes: Vec<u8>) -> Self {
        BgpBytes { bytes, two_byte_asns: false, path_ids: false }
    }
}

/// What a BGP message says.
pub(in crate::source) fn said_in_bytes(peer: End, message: BgpBytes, place: Place, ctx: &mut Context<'_>) {
    let BgpBytes { bytes, two_byte_asns, path_ids } = message;
    let length = bytes.len() as u64;
    let mut bytes = Bytes::from(bytes);
    let asns = if two_byte_asns { AsnLength::Bits16 } else { AsnLength::Bits32 };
    let read = catch_unwind(AssertUnwindSafe(|| parse_bgp_message(&mut bytes, path_ids, &asns)));
    match read {
        Ok(Ok(message)) => said(peer, IpAddr::V4(Ipv4Addr::UNSPECIFIED), message, place, ctx),
        Ok(Err(error)) => ctx.damage(place, length, format!("the bytes of a message cannot be read: {error}")),
        Err(_) => ctx.damage(place, length, "the parser failed on the bytes of a message".to_owned()),
    }
}

/// Who a message is from, by what was learnt of the session; `None`, and counted, if nobody can tell.
fn speaker(peer: End, ctx: &mut Context<'_>) -> Option<VantageId> {
    let peer = ctx.sessions.resolve(peer);
    // Old Zebra leaves the addresses out of some OPENs; OpenBGPD records what a peer says before it tells its AS number.
    let from =
        (!peer.address.is_unspecified() && peer.asn != Asn(0)).then(|| ctx.vantages.vantage(ctx.collector, peer.address, peer.asn));
    if from.is_none() {
        ctx.account.count_other("messages which do not name the peer", 1);
    }
    from
}

fn alive(from: Option<VantageId>, place: Place, ctx: &mut Context<'_>) {
    ctx.account.keepalives += 1;
    from.into_iter().for_each(|from| ctx.say(place, Statement::Keepalive { from }));
}

/// A KEEPALIVE which the scan read.
pub(super) fn keepalive(envelope: Envelope<'_>, place: Place, ctx: &mut Context<'_>) {
    let from = scanned_speaker(envelope, ctx);
    alive(from, place, ctx);
}

/// Gathers an UPDATE which the scan read, from a record of this body; its prefixes were appended.
#[inline]
pub(super) fn gathered(update: &Update, body: &[u8], place: Place, gathered: &mut Gathered, ctx: &mut Context<'_>) {
    match counted(update, gathered.others.opened(), body, place, ctx) {
        Some(from) => {
            let begin = (place.at, RecordRef { file: ctx.file, record: place.record });
            gathered.begin.get_or_insert(begin);
            gathered.others.close(begin, from, update.withdrawn);
        }
        None => gathered.others.discard(),
    }
}

/// Counts an UPDATE which the scan read, from a record of this body; gives whose it is, if it is to be told. `prefixes`: how many it has.
#[inline]
pub(super) fn counted(
    update: &Update,
    prefixes: [usize; 2],
    body: &[u8],
    place: Place,
    ctx: &mut Context<'_>,
) -> Option<VantageId> {
    let from = scanned_speaker(update.sender.envelope(body), ctx)?;
    let withdrawn = update.withdrawn[0] + update.withdrawn[1];
    ctx.account.withdrawn += withdrawn as u64;
    ctx.account.announced += (prefixes[0] + prefixes[1] - withdrawn) as u64;
    if ctx.repeated.is_some_and(|repeated| repeated.covers(place.told)) {
        ctx.account.duplicates_dropped += 1;
        return None;
    }
    Some(from)
}

/// States an UPDATE of these prefixes, which the scan read, from a record of this body.
pub(super) fn scanned(update: &Update, prefixes: &Prefixes, body: &[u8], place: Place, ctx: &mut Context<'_>) {
    let Some(from) = counted(update, prefixes.len(), body, place, ctx) else { return };
    let (withdrawn, announced) = prefixes.split_at(update.withdrawn);
    if ctx.interest.watched().is_some() {
        let (announced, withdrawn): (Vec<IpNet>, Vec<IpNet>) = (announced.nets().collect(), withdrawn.nets().collect());
        return ctx.say_other(place, |others, place| others.push(place, from, &announced, &withdrawn));
    }
    for prefix in withdrawn.nets() {
        ctx.say(place, Statement::Withdraw { from, prefix, path_id: 0, cause: WithdrawCause::Statement });
    }
    if !announced.is_empty() {
        let route = ctx.routes.of_path(update.path, body, ctx.interest);
        for prefix in announced.nets() {
            ctx.say(place, Statement::Announce { from, prefix, path_id: 0, route: Arc::clone(&route) });
        }
    }
}

/// Who a message is from whose envelope the scan read: nearly always one whose messages came before.
#[inline]
fn scanned_speaker(envelope: Envelope<'_>, ctx: &mut Context<'_>) -> Option<VantageId> {
    ctx.sessions.known(envelope).or_else(|| new_speaker(envelope, ctx))
}

#[cold]
fn new_speaker(envelope: Envelope<'_>, ctx: &mut Context<'_>) -> Option<VantageId> {
    let (peer, local) = envelope.ends()?;
    ctx.sessions.learn(peer, Some(local));
    let from = speaker(peer, ctx)?;
    ctx.sessions.know(envelope, from);
    Some(from)
}

/// The AS number an OPEN tells: the four-byte one where its capability is there (RFC 6793 §3).
pub(in crate::source) fn asn_of_open(open: &BgpOpenMessage) -> Asn {
    let capabilities = open.opt_params.iter().flat_map(|param| match &param.param_value {
        ParamValue::Capacities(capabilities) => capabilities.as_slice(),
        ParamValue::Raw(_) => &[],
    });
    capabilities
        .filter(|capability| capability.ty == BgpCapabilityType::SUPPORT_FOR_4_OCTET_AS_NUMBER_CAPABILITY)
        .find_map(|capability| if let CapabilityValue::FourOctetAs(four) = &capability.value { Some(Asn(four.asn)) } else { None })
        .unwrap_or(Asn(open.asn.to_u32()))
}

fn said_update(from: VantageId, mut update: BgpUpdateMessage, place: Place, ctx: &mut Context<'_>) {
    let (mut announced, mut withdrawn) =
        (std::mem::take(&mut update.announced_prefixes), std::mem::take(&mut update.withdrawn_prefixes));
    for value in &update.attributes {
        if let AttributeValue::MpReachNlri(nlri) = value {
            take(nlri, "announced", &mut announced, ctx);
        } else if let AttributeValue::MpUnreachNlri(nlri) = value {
            take(nlri, "withdrawn", &mut withdrawn, ctx);
        } else if let AttributeValue::Raw(raw) = value
            && (raw.code == 14 || raw.code == 15)
        {
            unread_family(raw.code, &raw.bytes, place, ctx);
        }
    }
    for warning in update.attributes.validation_warnings() {
        if let BgpValidationWarning::MalformedNlri { nlri_type, reason, raw_bytes } = warning {
            ctx.damage(place, raw_bytes.len() as u64, format!("the {nlri_type} prefixes of an UPDATE cannot be read: {reason}"));
        }
    }
    let malformed = !announced.is_empty() && is_malformed(&update.attributes);
    ctx.account.announced += announced.len() as u64;
    ctx.account.withdrawn += withdrawn.len() as u64;
    if malformed {
        ctx.account.treated_as_withdrawn += announced.len() as u64;
    }
    if ctx.repeated.is_some_and(|repeated| repeated.covers(place.told)) {
        ctx.account.duplicates_dropped += 1;
        return;
    }
    if announced.is_empty() && withdrawn.is_empty() {
        no_prefixes(from, &update.attributes, place, ctx);
        return;
    }
    let route = |ctx: &mut Context<'_>| ctx.routes.of(&update.attributes, ctx.interest);
    said_of_prefixes(from, (&announced, &withdrawn), (!malformed).then_some(route), place, ctx);
}

/// States what an UPDATE says of prefixes. Those announced have the `route`; without one they count as withdrawn (RFC 7606).
pub(in crate::source) fn said_of_prefixes(
    from: VantageId,
    (announced, withdrawn): (&[NetworkPrefix], &[NetworkPrefix]),
    route: Option<impl Fn(&mut Context<'_>) -> Arc<Route>>,
    place: Place,
    ctx: &mut Context<'_>,
) {
    let mut others = (Vec::new(), withdraw(from, withdrawn, announced, place, ctx));
    if let Some(route) = route {
        let mut shared = None;
        for prefix in announced {
            state_or_keep(prefix, &mut others.0, ctx, |ctx, prefix, path_id| {
                let route = Arc::clone(shared.get_or_insert_with(|| route(ctx)));
                (place, Statement::Announce { from, prefix, path_id, route })
            });
        }
    } else {
        for prefix in announced {
            state_or_keep(prefix, &mut others.1, ctx, |_, prefix, path_id| {
                (place, Statement::Withdraw { from, prefix, path_id, cause: WithdrawCause::TreatAsWithdraw })
            });
        }
    }
    if !others.0.is_empty() || !others.1.is_empty() {
        ctx.say_other(place, |list, place| list.push(place, from, &others.0, &others.1));
    }
}

/// States what was said of a watched prefix; keeps any other for later.
fn state_or_keep(
    prefix: &NetworkPrefix,
    others: &mut Vec<IpNet>,
    ctx: &mut Context<'_>,
    statement: impl FnOnce(&mut Context<'_>, IpNet, u32) -> (Place, Statement),
) {
    let net = prefix.prefix.trunc();
    if ctx.interest.concerns(&net) {
        let (place, what) = statement(ctx, net, prefix.path_id.unwrap_or(0));
        ctx.say(place, what);
    } else {
        others.push(net);
    }
}

/// States the withdrawn prefixes, without those which the same UPDATE announces (RFC 4271 §4.3: as if it did not withdraw them); gives
/// the ones nobody watches.
fn withdraw(
    from: VantageId,
    withdrawn: &[NetworkPrefix],
    announced: &[NetworkPrefix],
    place: Place,
    ctx: &mut Context<'_>,
) -> Vec<IpNet> {
    let mut others = Vec::new();
    if withdrawn.is_empty() {
        return others;
    }
    let announced: HashSet<&NetworkPrefix, foldhash::fast::FixedState> = announced.iter().collect();
    for prefix in withdrawn.iter().filter(|prefix| !announced.contains(prefix)) {
        state_or_keep(prefix, &mut others, ctx, |_, prefix, path_id| {
            (place, Statement::Withdraw { from, prefix, path_id, cause: WithdrawCause::Statement })
        });
    }
    others
}

/// An UPDATE without prefixes: an End-of-RIB marker (RFC 4724 §2), or nothing but a sign of life.
fn no_prefixes(from: VantageId, attributes: &Attributes, place: Place, ctx: &mut Context<'_>) {
    let mut values = attributes.iter();
    let family = match (values.next(), values.next()) {
        (None, _) if attributes.validation_warnings().is_empty() => Some(Family::Ipv4),
        (Some(AttributeValue::MpUnreachNlri(nlri)), None) if nlri.safi == Safi::Unicast => match nlri.afi {
            Afi::Ipv4 => Some(Family::Ipv4),
            Afi::Ipv6 => Some(Family::Ipv6),
            Afi::LinkState => None,
        },
        _ => None,
    };
    match family {
        Some(family) => {
            ctx.account.end_of_ribs += 1;
            ctx.say(place, Statement::EndOfRib { from, family });
        }
        None => ctx.say(place, Statement::Keepalive { from }),
    }
}

/// Takes unicast prefixes, and counts those of other families.
fn take(nlri: &Nlri, verb: &str, prefixes: &mut Vec<NetworkPrefix>, ctx: &mut Context<'_>) {
    if nlri.safi == Safi::Unicast && nlri.afi != Afi::LinkState {
        prefixes.extend_from_slice(&nlri.prefixes);
        return;
    }
    let count = nlri.prefixes.len() + nlri.labeled_prefixes.as_ref().map_or(0, Vec::len);
    let name = match (nlri.afi, nlri.safi) {
        (Afi::Ipv4, Safi::Multicast) => format!("IPv4 multicast prefixes {verb}"),
        (Afi::Ipv6, Safi::Multicast) => format!("IPv6 multicast prefixes {verb}"),
        (afi, safi) => format!("{afi:?} {safi:?} prefixes {verb}"),
    };
    ctx.account.count_other(&name, count as u64);
}

/// An MP_REACH_NLRI or MP_UNREACH_NLRI which was not read: of a family nobody watches, or malformed.
fn unread_family(code: u8, bytes: &[u8], place: Place, ctx: &mut Context<'_>) {
    let name = if code == 14 { "MP_REACH_NLRI" } else { "MP_UNREACH_NLRI" };
    match bytes {
        [0, 1 | 2, 1, ..] | [] | [_] | [_, _] => {
            ctx.damage(place, bytes.len() as u64, format!("the {name} of an UPDATE cannot be read"))
        }
        [high, low, safi, ..] => {
            let afi = u16::from_be_bytes([*high, *low]);
            ctx.account.count_other(&format!("{name} of AFI {afi} SAFI {safi}"), 1);
        }
    }
}

/// True if RFC 7606 wants the announced routes taken as withdrawn: a mandatory attribute is missing (§3 d) or cannot be read (§7.1–7.3).
/// Wrong flags alone are left out: archives are full of them, and the routers which wrote those archives took the routes.
fn is_malformed(attributes: &Attributes) -> bool {
    attributes.validation_warnings().iter().any(|warning| {
        matches!(
            warning,
            BgpValidationWarning::MissingWellKnownAttribute {
                attr_type: AttrType::ORIGIN | AttrType::AS_PATH | AttrType::NEXT_HOP
            } | BgpValidationWarning::AttributeLengthError { attr_type: AttrType::ORIGIN | AttrType::NEXT_HOP, .. }
                | BgpValidationWarning::MalformedAttributeList { .. }
                | BgpValidationWarning::MalformedAsPath { .. }
        )
    })
}
