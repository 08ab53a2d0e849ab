//! What peers hold at one time: a table dump.

use super::BEGINS;
use super::attributes::{Place, Told};
use super::dice::{Dice, mix};
use super::networks::{Route, Universe};
use super::record::{self, PEERS, RIB, short};
use super::session::Peer;
use std::io::{self, Write};

/// The routes which a dump of so many prefixes holds: IPv4 and IPv6 in proportion, each a run of neighbours, as at the beginning of a
/// real dump, only not all of them from 1.0.0.0 on.
pub fn part(universe: &Universe, prefixes: usize) -> [&[Route]; 2] {
    let all: usize = universe.routes.iter().map(Vec::len).sum();
    [0, 1].map(|family| {
        let routes = &universe.routes[family];
        let wanted = (routes.len() * prefixes / all.max(1)).min(routes.len());
        let first = (routes.len() / 3).min(routes.len() - wanted);
        &routes[first..first + wanted]
    })
}

/// Writes a dump of about so many prefixes, taken at [`BEGINS`]; says how many entries it has.
pub fn write_table(universe: &Universe, peers: &[Peer], prefixes: usize, out: &mut impl Write) -> io::Result<u64> {
    let taken = BEGINS * 1_000_000;
    record::write(out, taken, PEERS, &peer_index(peers))?;
    let mut dice = Dice::new(universe.routes[0].len() as u64);
    let (mut sequence, mut entries, mut body) = (0u32, 0, Vec::new());
    for (family, routes) in part(universe, prefixes).into_iter().enumerate() {
        for (place, route) in routes.iter().enumerate() {
            body.clear();
            body.extend_from_slice(&sequence.to_be_bytes());
            route.prefix.encode(&mut body);
            let count_at = body.len();
            body.extend_from_slice(&[0, 0]);
            let mut count = 0;
            for peer in peers.iter().filter(|peer| holds(peer, route, place)) {
                entry(universe, (peer, route, place), &mut dice, &mut body);
                count += 1;
            }
            body[count_at..count_at + 2].copy_from_slice(&short(count));
            record::write(out, taken, RIB[family], &body)?;
            entries += count as u64;
            sequence += 1;
        }
    }
    Ok(entries)
}

/// PEER_INDEX_TABLE (RFC 6396 §4.3.1): the collector's identifier, no view, and the peers with four-byte AS numbers.
fn peer_index(peers: &[Peer]) -> Vec<u8> {
    let mut body = vec![193, 0, 4, 28, 0, 0];
    body.extend_from_slice(&short(peers.len()));
    for peer in peers {
        body.push(if peer.v6 { 3 } else { 2 });
        body.extend_from_slice(&peer.identifier());
        body.extend_from_slice(peer.address());
        body.extend_from_slice(&peer.asn.to_be_bytes());
    }
    body
}

/// Some sessions carry one family only, some peers a part of the table, and everybody lacks a little.
fn holds(peer: &Peer, route: &Route, place: usize) -> bool {
    let carries = if route.prefix.v6 { peer.v6 || peer.number.is_multiple_of(2) } else { !peer.v6 || peer.number % 4 == 1 };
    carries && (peer.full || peer.habit(route.origin as u64) % 100 >= 70) && peer.habit(place as u64 / 3 + 1_000_000) % 100 >= 3
}

fn entry(universe: &Universe, (peer, route, place): (&Peer, &Route, usize), dice: &mut Dice, body: &mut Vec<u8>) {
    const MONTH: u64 = 30 * 86_400;
    let since = BEGINS - peer.habit(route.origin as u64) % MONTH - dice.below(2);
    body.extend_from_slice(&peer.number.to_be_bytes());
    body.extend_from_slice(&record::seconds(since * 1_000_000).to_be_bytes());
    let length_at = body.len();
    body.extend_from_slice(&[0, 0]);
    let variant = mix(route.origin as u64, place as u64 / 6) % 2;
    Told { universe, peer, origin: route.origin, variant, v6: route.prefix.v6 }.encode(Place::Table, body);
    let length = short(body.len() - length_at - 2);
    body[length_at..length_at + 2].copy_from_slice(&length);
}
