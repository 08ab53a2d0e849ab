//! One router: its messages in, statements out.
//!
//! Every peer is a vantage point, as if the router was its collector. What the peer said is what counts, and what the router's policy left of
//! it as long as nothing else is told (RFC 7854 §5). What the router says itself is no witness's word: Adj-RIB-Out (RFC 8671) and Loc-RIB (RFC 9069) are
//! counted and left out, and so are copies of messages (Route Mirroring). Peers of a VRF are peers of a collector of their own.

use super::frame::{Frame, Kind};
use super::header::{Distinguisher, PeerHeader, PeerKey, View};
use super::peer::{CarriedUpdate, Peer, agreed};
use crate::observation::{Route, Statement};
use crate::source::account::{Damage, FileAccount};
use crate::source::mrt::{BgpBytes, Context, End, Place, Sessions, said_in_bytes};
use crate::source::stating::Stating;
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, CollectorId};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A router tells at once when a session is lost, so as long as it speaks its peers are there. That is said so often, since many a router says
/// nothing else for hours.
const SIGN_OF_LIFE: Span = Span::from_seconds(5);
/// A time which is later by more than this than those before it is not believed before another one agrees.
const FAR: Span = Span::from_seconds(86_400);
/// No router has more peers, or more VRFs with peers: who tells of more is not believed.
const PEERS: usize = 10_000;
const VRFS: usize = 250;
/// So many messages wait for the first which tells a time.
const TIMELESS: usize = 10_000;

/// A router.
pub(in crate::source) struct Router {
    /// The collector it counts as.
    name: String,
    clock: Option<Timestamp>,
    /// A time which was not believed.
    doubted: Option<Timestamp>,
    /// Messages before the first time, with where they stand.
    timeless: Vec<(Kind, Vec<u8>, (u64, u64))>,
    signed: Option<Timestamp>,
    peers: BTreeMap<PeerKey, Peer>,
    collectors: BTreeMap<Distinguisher, (CollectorId, Sessions)>,
    /// What was left out, which nobody was told yet, and all of it.
    news: Vec<&'static str>,
    left_out: BTreeSet<&'static str>,
}

impl Router {
    /// It has said nothing yet.
    pub(in crate::source) fn new(name: &str) -> Self {
        Router {
            name: name.to_owned(),
            clock: None,
            doubted: None,
            timeless: Vec::new(),
            signed: None,
            peers: BTreeMap::new(),
            collectors: BTreeMap::new(),
            news: Vec::new(),
            left_out: BTreeSet::new(),
        }
    }

    /// The time a message counts from: when it came, if that is known, else what it tells itself. Messages about sessions are believed only
    /// if they tell something later than all before: FRR's carry the time of the session's change before. `None` if no time is known yet.
    pub(in crate::source) fn time(&self, frame: Frame<'_>, arrived: Option<Timestamp>) -> Option<Timestamp> {
        let told = arrived.or_else(|| self.believed(frame));
        told.map_or(self.clock, |told| Some(self.clock.map_or(told, |clock| clock.max(told))))
    }

    fn believed(&self, frame: Frame<'_>) -> Option<Timestamp> {
        let told = told(frame)?;
        let of_session = matches!(frame.kind, Kind::PeerUp | Kind::PeerDown);
        match self.clock {
            None => (!of_session).then_some(told),
            Some(clock) if told.since(clock) > FAR => {
                self.doubted.is_some_and(|doubted| told.since(doubted).abs() <= FAR).then_some(told)
            }
            Some(_) => Some(told),
        }
    }

    /// Keeps a message which comes before any time is known.
    pub(in crate::source) fn hold(&mut self, frame: Frame<'_>, place: (u64, u64), account: &mut FileAccount) {
        account.records = place.0;
        if self.timeless.len() < TIMELESS {
            self.timeless.push((frame.kind, frame.body.to_vec(), place));
        } else {
            let cause = format!("more than {TIMELESS} messages come before the first which tells a time");
            account.skip(Damage { offset: place.1, bytes: frame.body.len() as u64, record: place.0, cause });
        }
    }

    /// States what a message says; `place`: its number and offset, `arrived`: when it came, if that is known. Those which come before any time is
    /// known wait for it.
    pub(in crate::source) fn take(
        &mut self,
        frame: Frame<'_>,
        place: (u64, u64),
        arrived: Option<Timestamp>,
        ctx: &mut Stating<'_>,
    ) {
        ctx.account.records = place.0;
        let Some(at) = self.time(frame, arrived) else { return self.hold(frame, place, ctx.account) };
        let told = if arrived.is_none() { told(frame) } else { None };
        self.doubted = told.filter(|told| told.since(at) > FAR);
        self.clock = Some(at);
        for (kind, body, place) in std::mem::take(&mut self.timeless) {
            self.state(Frame { kind, body: &body }, (at, place), ctx);
        }
        self.state(frame, (at, place), ctx);
        self.pass(at, place, ctx);
    }

    /// So late it is, and the connection stands: whoever is up is there.
    pub(in crate::source) fn pass(&mut self, at: Timestamp, (record, offset): (u64, u64), ctx: &mut Stating<'_>) {
        if self.signed.is_some_and(|signed| at.since(signed) < SIGN_OF_LIFE) {
            return;
        }
        self.signed = Some(at);
        self.clock = self.clock.max(Some(at));
        let place = Place { at, told: at, record, offset };
        let up: Vec<PeerKey> = self.peers.iter().filter(|(_, peer)| peer.is_up).map(|(key, _)| *key).collect();
        for peer in up {
            self.of(peer, ctx, |ctx, end| {
                let from = ctx.vantages.vantage(ctx.collector, end.address, end.asn);
                ctx.say(place, Statement::Keepalive { from });
            });
        }
    }

    /// The connection is lost: nothing is known of any peer until it is told anew. Gives the collectors which it counted as.
    pub(in crate::source) fn lose(&mut self) -> Vec<CollectorId> {
        self.peers.values_mut().for_each(|peer| *peer = Peer::default());
        (self.signed, self.doubted) = (None, None);
        self.timeless.clear();
        self.collectors().collect()
    }

    /// The latest time so far.
    pub(in crate::source) fn now(&self) -> Option<Timestamp> {
        self.clock
    }

    /// The collectors which it counts as.
    pub(in crate::source) fn collectors(&self) -> impl Iterator<Item = CollectorId> {
        self.collectors.values().map(|(collector, _)| *collector)
    }

    /// What was left out for the first time since this was last asked.
    pub(in crate::source) fn newly_left_out(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.news)
    }

    fn state(&mut self, frame: Frame<'_>, (at, (record, offset)): (Timestamp, (u64, u64)), ctx: &mut Stating<'_>) {
        let told = told(frame);
        ctx.account.saw(told.filter(|told| *told <= at && at.since(*told) <= FAR).unwrap_or(at));
        let place = Place { at, told: at, record, offset };
        let spoil = |ctx: &mut Stating<'_>, cause: String| {
            ctx.account.skip(Damage { offset, bytes: frame.body.len() as u64, record, cause });
        };
        match frame.kind {
            Kind::Initiation => ctx.account.count_other("initiations", 1),
            Kind::Termination => ctx.account.count_other("terminations", 1),
            Kind::RouteMirroring => self.leave_out("mirrored messages (RFC 7854 §4.7)", ctx),
            Kind::Other(kind) => ctx.account.count_other(&format!("messages of type {kind}, not known"), 1),
            Kind::RouteMonitoring | Kind::Statistics | Kind::PeerDown | Kind::PeerUp => {
                let Some((header, rest)) = PeerHeader::read(frame.body) else {
                    return spoil(ctx, "a message ends before its per-peer header does".to_owned());
                };
                match header.view {
                    View::LocRib => return self.leave_out("messages about its Loc-RIB (RFC 9069)", ctx),
                    View::AdjRibOut if frame.kind == Kind::RouteMonitoring => {
                        return self.leave_out("messages about what it sends itself (Adj-RIB-Out, RFC 8671)", ctx);
                    }
                    View::Unknown(kind) => {
                        return ctx.account.count_other(&format!("messages about peers of type {kind}, not known"), 1);
                    }
                    View::PrePolicy | View::PostPolicy | View::AdjRibOut => {}
                }
                let stated = match frame.kind {
                    Kind::PeerUp => self.peer_up(header, rest, place, ctx),
                    Kind::PeerDown => self.peer_down(header, rest, place, ctx),
                    Kind::RouteMonitoring => self.routes(header, rest, place, ctx),
                    Kind::Statistics | Kind::Initiation | Kind::Termination | Kind::RouteMirroring | Kind::Other(_) => {
                        ctx.account.count_other("statistics", 1);
                        Ok(())
                    }
                };
                stated.unwrap_or_else(|cause| spoil(ctx, cause));
            }
        }
    }

    fn leave_out(&mut self, what: &'static str, ctx: &mut Stating<'_>) {
        ctx.account.count_other(&format!("{what}, left out"), 1);
        if self.left_out.insert(what) {
            self.news.push(what);
        }
    }

    /// Peer Up (RFC 7854 §4.10).
    fn peer_up(&mut self, header: PeerHeader, body: &[u8], place: Place, ctx: &mut Stating<'_>) -> Result<(), String> {
        ctx.account.state_changes += 1;
        let local = body.first_chunk::<16>().map(|bytes| match header.peer.address {
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(*bytes)),
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(bytes[12], bytes[13], bytes[14], bytes[15])),
        });
        let agreed = agreed(body.get(20..).unwrap_or_default());
        let peer = self.peer(header.peer)?;
        let was_up = peer.is_up;
        peer.up(agreed.as_ref().copied().unwrap_or_default());
        if !was_up {
            self.of(header.peer, ctx, |ctx, end| {
                ctx.sessions.learn(end, local);
                let from = ctx.vantages.vantage(ctx.collector, end.address, end.asn);
                ctx.say(place, Statement::SessionUp { from });
            });
        }
        agreed.map(|_| ())
    }

    /// Peer Down (RFC 7854 §4.9, RFC 9069 §4.6). Whatever the reason, nothing is known of the peer from now on; the reason is counted.
    fn peer_down(&mut self, header: PeerHeader, body: &[u8], place: Place, ctx: &mut Stating<'_>) -> Result<(), String> {
        ctx.account.state_changes += 1;
        let reason = match body.first() {
            Some(1) => "1, NOTIFICATION sent".to_owned(),
            Some(2) => "2, ended by the router".to_owned(),
            Some(3) => "3, NOTIFICATION received".to_owned(),
            Some(4) => "4, ended by the peer".to_owned(),
            Some(5) => "5, no longer monitored".to_owned(),
            Some(other) => format!("{other}"),
            None => "not told".to_owned(),
        };
        ctx.account.count_other(&format!("sessions down for reason {reason}"), 1);
        *self.peer(header.peer)? = Peer::default();
        self.of(header.peer, ctx, |ctx, end| {
            let from = ctx.vantages.vantage(ctx.collector, end.address, end.asn);
            ctx.say(place, Statement::SessionDown { from });
        });
        Ok(())
    }

    /// Route Monitoring (RFC 7854 §4.6).
    fn routes(&mut self, header: PeerHeader, body: &[u8], place: Place, ctx: &mut Stating<'_>) -> Result<(), String> {
        let update = CarriedUpdate::read(body)?;
        let peer = self.peer(header.peer)?;
        peer.is_up = true;
        if !peer.chooses(header.view, update.has_routes()) {
            ctx.account.count_other("UPDATEs of the view which does not count", 1);
            return Ok(());
        }
        let (path_ids, own) = (update.has_path_ids(peer.agreed.path_ids), peer.agreed.own);
        let message = BgpBytes { bytes: update.bytes().to_vec(), two_byte_asns: header.two_byte_asns, path_ids };
        self.of(header.peer, ctx, |ctx, end| said_in_bytes(end, message, place, ctx));
        if let Some(own) = own.filter(|own| *own != header.peer.asn) {
            take_own_away(own, header.peer.asn, place.record, ctx);
        }
        Ok(())
    }

    fn peer(&mut self, key: PeerKey) -> Result<&mut Peer, String> {
        let vrf = key.distinguisher;
        if self.peers.len() >= PEERS && !self.peers.contains_key(&key) {
            return Err(format!("a message tells of one more than {PEERS} peers"));
        }
        if self.collectors.len() >= VRFS && !vrf.is_global() && !self.collectors.contains_key(&vrf) {
            return Err(format!("a message tells of one more than {VRFS} VRFs"));
        }
        Ok(self.peers.entry(key).or_default())
    }

    /// States something of a peer, for which the collector it counts with is found.
    fn of(&mut self, peer: PeerKey, ctx: &mut Stating<'_>, state: impl FnOnce(&mut Context<'_>, End)) {
        let name = &self.name;
        let (collector, sessions) = self.collectors.entry(peer.distinguisher).or_insert_with(|| {
            let vrf = peer.distinguisher;
            let name = if vrf.is_global() { name.clone() } else { format!("{name} VRF {vrf}") };
            (ctx.vantages.collector(&name), Sessions::default())
        });
        state(&mut ctx.of(*collector, sessions), End { address: peer.address, asn: peer.asn });
    }
}

/// FRR (8.4) puts its own AS before what the peer said, as if it passed the route on. A peer never sends a path with the router's own AS in it which the
/// router would take (RFC 4271 §9.1.2), so a path of both in this order is such a one.
fn take_own_away(own: Asn, peer: Asn, record: u64, ctx: &mut Stating<'_>) {
    let mut taken: Option<Arc<Route>> = None;
    for observation in ctx.out.iter_mut().rev().take_while(|observation| observation.source.record == record) {
        let Statement::Announce { route, .. } = &mut observation.what else { continue };
        let [first, second, ..] = *route.path else { continue };
        if first == own && second == peer {
            // All routes of an UPDATE have one path.
            let without = || Arc::new(Route { path: route.path[1..].into(), origin: route.origin });
            *route = Arc::clone(taken.get_or_insert_with(without));
        }
    }
    if taken.is_some() {
        ctx.account.count_other("UPDATEs before whose paths the router had put its own AS", 1);
    }
}

/// When something was, as the message tells it.
fn told(frame: Frame<'_>) -> Option<Timestamp> {
    match frame.kind {
        Kind::RouteMonitoring | Kind::Statistics | Kind::PeerDown | Kind::PeerUp | Kind::RouteMirroring => {
            PeerHeader::read(frame.body)?.0.told
        }
        Kind::Initiation | Kind::Termination | Kind::Other(_) => None,
    }
}
