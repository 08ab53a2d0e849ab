//! Who takes part: collectors, their peers and sessions, and which routes exist at the start.
//!
//! Generated peers have private AS numbers and addresses of the benchmark and documentation blocks (RFC 6996, RFC 2544, RFC 3849):
//! nobody real is said to have seen anything.

use super::timeline::{Archive, Clock, Collector, Document};
use crate::source::mrt_writer::{MrtClock, MrtSession};
use crate::time::Span;
use crate::vantage::{Asn, Family};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// First AS number of generated peers (RFC 6996); every fourth takes one of four bytes.
const PEER_ASN: u32 = 64_512;
const PEER_ASN_4: u32 = 4_200_000_000;
/// First AS number of generated transits.
const TRANSIT_ASN: u32 = 65_400;
/// Networks which stand between some peers and the transits, and on detours.
const MIDDLE_ASN: u32 = 65_300;
/// First AS number of the origins of background prefixes.
const BACKGROUND_ASN: u32 = 4_210_000_000;
/// Prefixes which share an origin in the background table.
const GROUP: usize = 10;
/// Transits of a route which does not say.
const PATHS: u32 = 4;

/// Everybody.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    pub(super) collectors: Vec<Station>,
    pub(super) sessions: Vec<Session>,
    pub(super) announced: Announced,
    /// Background prefixes of one origin each.
    pub(super) groups: Vec<Group>,
}

/// A collector.
#[derive(Clone, Debug)]
pub(super) struct Station {
    pub(super) name: String,
    pub(super) archive: Archive,
    pub(super) clock: MrtClock,
    pub(super) keepalives: Option<Span>,
    pub(super) state_changes: bool,
    pub(super) rib_every: Option<Span>,
    /// Indices into [`Cast::sessions`].
    pub(super) sessions: Vec<usize>,
}

/// A session of a peer with a collector; each family has its own.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) collector: usize,
    pub(super) family: Family,
    pub(super) mrt: MrtSession,
    /// Number of the peer among all: decides its transits.
    pub(super) peer: usize,
    pub(super) feed: Feed,
}

/// What a peer sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Feed {
    /// Its whole table.
    Full,
    /// A tenth of the background, nothing of the routes.
    Partial,
    /// Nothing: it never comes up.
    Idle,
}

/// Routes of the timeline, and which fills fell short.
#[derive(Clone, Debug)]
pub(super) struct Announced {
    pub(super) routes: BTreeMap<IpNet, Facts>,
    /// How many prefixes each row's fill lacks.
    pub(super) short: Vec<u32>,
}

/// What is true of a route at the start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    pub(super) origin: Asn,
    pub(super) transits: Vec<Asn>,
}

/// Background prefixes of one origin and family.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) family: Family,
    pub(super) prefixes: Vec<IpNet>,
    pub(super) facts: Facts,
    /// Whether partial feeds have it.
    pub(super) partial: bool,
}

/// Which way a peer reaches an origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// The one it had at the start.
    Usual,
    /// Longer, over the next transit: what path hunting shows.
    Detour,
}

impl Facts {
    /// The AS path of a peer to the origin.
    pub(super) fn path(&self, session: &Session, way: Way) -> Vec<Asn> {
        let usual = session.peer % self.transits.len().max(1);
        let middle = |n: usize| Asn(MIDDLE_ASN + u32::try_from(n % 13).unwrap_or(0));
        let mut path = vec![session.mrt.peer_asn];
        match way {
            Way::Usual => {
                if session.peer.is_multiple_of(3) {
                    path.push(middle(session.peer));
                }
                path.extend(self.transits.get(usual));
            }
            Way::Detour => {
                path.extend([middle(session.peer), middle(session.peer + 5)]);
                path.extend(self.transits.get((usual + 1) % self.transits.len().max(1)));
            }
        }
        path.push(self.origin);
        path
    }
}

impl Cast {
    /// The background which a session carries.
    pub(super) fn groups_of(&self, session: &Session) -> impl Iterator<Item = &Group> {
        let (family, feed) = (session.family, session.feed);
        self.groups
            .iter()
            .filter(move |group| group.family == family && (feed == Feed::Full || (feed == Feed::Partial && group.partial)))
    }

    /// For a prefix which no row of routes names: the transits of one which does not say.
    pub(super) fn any_facts(&self) -> Facts {
        facts(Asn(0), None, &[])
    }
}

/// Everybody of a checked timeline.
pub(super) fn cast(document: &Document) -> Cast {
    let mut cast = Cast { collectors: Vec::new(), sessions: Vec::new(), announced: announced(document), groups: groups(document) };
    let mut peers = 0;
    for (place, row) in document.collectors.iter().enumerate() {
        let collector = row.as_ref();
        let ris = collector.archive() == Archive::Ris;
        cast.collectors.push(Station {
            name: collector.name.clone(),
            archive: collector.archive(),
            clock: match collector.timestamps.unwrap_or(if ris { Clock::Micro } else { Clock::Second }) {
                Clock::Micro => MrtClock::Microseconds,
                Clock::Second => MrtClock::Seconds,
            },
            keepalives: collector.keepalives,
            state_changes: collector.state_changes.unwrap_or(ris),
            rib_every: collector.rib_every,
            sessions: Vec::new(),
        });
        add_peers(&mut cast, place, collector, &mut peers);
    }
    cast
}

fn add_peers(cast: &mut Cast, place: usize, collector: &Collector, peers: &mut usize) {
    let explicit = collector.peer.iter().map(|row| {
        let feed = match (row.idle, row.partial) {
            (true, _) => Feed::Idle,
            (false, true) => Feed::Partial,
            (false, false) => Feed::Full,
        };
        (Some(row), feed)
    });
    let counts = [(collector.peers, Feed::Full), (collector.partial_peers, Feed::Partial), (collector.idle_peers, Feed::Idle)];
    let generated = counts.into_iter().flat_map(|(count, feed)| (0..count).map(move |_| (None, feed)));
    let block = u8::try_from(place % 200).unwrap_or(0) + 1;
    for (host, (row, feed)) in (1u8..).zip(explicit.chain(generated)) {
        let number = *peers;
        *peers += 1;
        let generated = [
            IpAddr::V4(Ipv4Addr::new(198, 18, block, host)),
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, u16::from(block), 0, 0, 0, u16::from(host))),
        ];
        let (asn, addresses) = match row {
            Some(row) => (row.asn, row.addresses.clone()),
            None => (generated_asn(number), generated.to_vec()),
        };
        for peer in addresses {
            let (family, local) = match peer {
                IpAddr::V4(_) => (Family::Ipv4, IpAddr::V4(Ipv4Addr::new(192, 0, 2, block))),
                IpAddr::V6(_) => (Family::Ipv6, IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xfffe, 0, 0, 0, 0, u16::from(block)))),
            };
            if row.is_none() && !collector.families.contains(&family) {
                continue;
            }
            let mrt = MrtSession { peer, peer_asn: asn, local, local_asn: Asn(64_496) };
            cast.collectors[place].sessions.push(cast.sessions.len());
            cast.sessions.push(Session { collector: place, family, mrt, peer: number, feed });
        }
    }
}

fn generated_asn(number: usize) -> Asn {
    let number = u32::try_from(number).unwrap_or(0);
    Asn(if number % 4 == 3 { PEER_ASN_4 + number } else { PEER_ASN + number })
}

/// The routes of the timeline with their fills.
pub(super) fn announced(document: &Document) -> Announced {
    let mut routes = BTreeMap::new();
    for row in &document.routes {
        let row = row.as_ref();
        let facts = facts(row.origin, row.paths, &row.transits);
        routes.extend(row.prefixes.iter().map(|prefix| (*prefix, facts.clone())));
    }
    let mut short = Vec::new();
    for row in &document.routes {
        let row = row.as_ref();
        let mut left = row.fill.as_ref().map_or(0, |fill| fill.count);
        if let Some(fill) = &row.fill {
            let facts = facts(row.origin, row.paths, &row.transits);
            for prefix in subnets(fill.within, fill.length) {
                if left == 0 {
                    break;
                }
                if let std::collections::btree_map::Entry::Vacant(free) = routes.entry(prefix) {
                    free.insert(facts.clone());
                    left -= 1;
                }
            }
        }
        short.push(left);
    }
    Announced { routes, short }
}

fn facts(origin: Asn, paths: Option<u32>, transits: &[Asn]) -> Facts {
    let transits = match transits {
        [] => (0..paths.unwrap_or(PATHS)).map(|n| Asn(TRANSIT_ASN + n)).collect(),
        named => named.to_vec(),
    };
    Facts { origin, transits }
}

fn subnets(within: IpNet, length: u8) -> Box<dyn Iterator<Item = IpNet>> {
    match within {
        IpNet::V4(net) => Box::new(net.subnets(length).into_iter().flatten().map(IpNet::V4)),
        IpNet::V6(net) => Box::new(net.subnets(length).into_iter().flatten().map(IpNet::V6)),
    }
}

/// The rest of the Internet: private /24s and documentation /48s, ten to an origin.
fn groups(document: &Document) -> Vec<Group> {
    let Some(background) = document.background.as_ref().map(AsRef::as_ref) else { return Vec::new() };
    let v4 = IpNet::from(ipnet::Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8));
    let v6 = IpNet::from(ipnet::Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32));
    let take = |count: u32| usize::try_from(count).unwrap_or(0);
    let mut groups = Vec::new();
    for (family, within, length, count) in
        [(Family::Ipv4, v4, 24, take(background.prefixes_v4)), (Family::Ipv6, v6, 48, take(background.prefixes_v6))]
    {
        let prefixes: Vec<IpNet> = subnets(within, length).take(count).collect();
        for (place, prefixes) in prefixes.chunks(GROUP).enumerate() {
            let origin = Asn(BACKGROUND_ASN + u32::try_from(groups.len()).unwrap_or(0));
            groups.push(Group {
                family,
                prefixes: prefixes.to_vec(),
                facts: facts(origin, None, &[]),
                partial: place.is_multiple_of(10),
            });
        }
    }
    groups
}
