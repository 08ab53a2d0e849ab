//! What a peer says of a route: its path attributes (RFC 4271 §4.3, RFC 4760, 1997, 4360, 8092).
//!
//! The same peer says the same of the same origin every time, unless the variant differs: that is how packing finds what it finds in real
//! archives, too.

use super::dice::{byte, index, long, mix, word};
use super::networks::{DEEPEST, Prefix, TOP, Universe};
use super::record::short;
use super::session::Peer;

/// Where the attributes stand.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// In an UPDATE, where IPv6 prefixes stand in an attribute.
    Update(&'a [Prefix]),
    /// In a table dump, where that attribute is shortened to the next hop (RFC 6396 §4.3.4).
    Table,
}

/// A route as one peer has it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Everything there is.
    pub universe: &'a Universe,
    /// Who tells it.
    pub peer: &'a Peer,
    /// Place of the network which originates it.
    pub origin: usize,
    /// Which of its ways to the origin the peer takes.
    pub variant: u64,
    /// True for IPv6.
    pub v6: bool,
}

const OPTIONAL: u8 = 0x80;
const TRANSITIVE: u8 = 0x40;
const LONG: u8 = 0x10;

/// Appends an attribute: flags, type, length, value. Its length takes two bytes if it must, or if the flags say so.
fn push(bytes: &mut Vec<u8>, flags: u8, kind: u8, value: &[u8]) {
    if let (0, Ok(length)) = (flags & LONG, u8::try_from(value.len())) {
        bytes.extend_from_slice(&[flags, kind, length]);
    } else {
        bytes.extend_from_slice(&[flags | LONG, kind]);
        bytes.extend_from_slice(&short(value.len()));
    }
    bytes.extend_from_slice(value);
}

impl Told<'_> {
    /// Appends all attributes.
    pub fn encode(&self, place: Place<'_>, bytes: &mut Vec<u8>) {
        let path = self.path();
        let (of_origin, of_peer) = (mix(self.origin as u64, 3), self.peer.habit(self.origin as u64 % 977 + self.variant));
        push(bytes, TRANSITIVE, 1, &[if of_origin.is_multiple_of(20) { 2 } else { 0 }]);
        self.push_path(&path, place, bytes);
        if !self.v6 {
            push(bytes, TRANSITIVE, 3, &self.peer.next_hop_v4());
        }
        if of_peer % 100 < 30 {
            push(bytes, OPTIONAL, 4, &long((of_peer >> 20) % 400).to_be_bytes());
        }
        if of_origin % 100 < 6 {
            push(bytes, TRANSITIVE, 6, &[]);
        }
        if of_origin % 100 < 9 {
            let mut aggregator = self.universe.networks[self.origin].asn.to_be_bytes().to_vec();
            aggregator.extend_from_slice(&long(mix(self.origin as u64, 5)).to_be_bytes());
            push(bytes, OPTIONAL | TRANSITIVE, 7, &aggregator);
        }
        // Some peers strip communities, and some routes have none.
        if self.peer.habit(1) % 100 < 85 && of_peer % 100 < 90 {
            self.push_communities(&path, bytes);
        }
        if self.v6 {
            self.push_reach(place, bytes);
        }
        if of_peer % 1_000 < 20 {
            let mut target = vec![0, 2];
            target.extend_from_slice(&word(u64::from(self.peer.asn)).to_be_bytes());
            target.extend_from_slice(&long((of_peer >> 8) % 1_000).to_be_bytes());
            push(bytes, OPTIONAL | TRANSITIVE, 16, &target);
        }
        if of_peer % 100 < 15 {
            self.push_large_communities(of_peer, bytes);
        }
    }

    /// AS_PATH: the peer, often a network at the top, then down to the origin; sometimes the last repeats itself.
    fn path(&self) -> Vec<u32> {
        let networks = &self.universe.networks;
        let choice = mix(self.origin as u64, u64::from(self.peer.number) % 5 + self.variant);
        let (mut down, mut at) = (Vec::with_capacity(usize::from(DEEPEST)), self.origin);
        while networks[at].depth > 0 {
            down.push(networks[at].asn);
            at = networks[at].providers[index((choice >> down.len()) & 1)];
        }
        let top = networks[at].asn;
        let habit = self.peer.habit((self.origin as u64) << 8 | self.variant);
        let mut path = vec![self.peer.asn];
        let transit = TOP[index(self.peer.habit(self.variant % 3) % 16)];
        if mix(habit, 1) % 100 < 80 && transit != self.peer.asn && transit != top {
            path.push(transit);
        }
        path.push(top);
        path.extend(down.iter().rev());
        path.dedup();
        if habit % 100 < 9 {
            let last = path[path.len() - 1];
            path.extend((0..=habit % 3).map(|_| last));
        }
        path
    }

    fn push_path(&self, path: &[u32], place: Place<'_>, bytes: &mut Vec<u8>) {
        let mut segment = vec![2, byte(path.len() as u64)];
        path.iter().for_each(|asn| segment.extend_from_slice(&asn.to_be_bytes()));
        // Collectors write table dumps with the long form of the length whether it is needed or not.
        let flags = if matches!(place, Place::Table) { TRANSITIVE | LONG } else { TRANSITIVE };
        push(bytes, flags, 2, &segment);
    }

    /// Up to ten, sorted: those of the peer, of the next network, and of one on the way.
    fn push_communities(&self, path: &[u32], bytes: &mut Vec<u8>) {
        let writers = [self.peer.asn, path[path.len().min(2) - 1], path[path.len() / 2]];
        let count = 1 + self.peer.habit(self.origin as u64 % 53 + self.variant * 3) % 10;
        let one = |nth: u64| {
            let writer = u64::from(writers[index(nth % 3)]);
            let region = mix(writer, nth * 7 + self.origin as u64 % 19 + self.variant * 5) % 24;
            long((writer & 0xffff) << 16 | (region * 100 + mix(writer, nth) % 90))
        };
        let mut communities: Vec<u32> = (0..count).map(one).collect();
        communities.sort_unstable();
        let value: Vec<u8> = communities.iter().flat_map(|community| community.to_be_bytes()).collect();
        push(bytes, OPTIONAL | TRANSITIVE, 8, &value);
    }

    fn push_large_communities(&self, of_peer: u64, bytes: &mut Vec<u8>) {
        let mut value = Vec::new();
        for nth in 0..=(of_peer >> 9) % 4 {
            value.extend_from_slice(&self.peer.asn.to_be_bytes());
            value.extend_from_slice(&long(1_000 + nth).to_be_bytes());
            value.extend_from_slice(&long(mix(of_peer % 64, nth) % 40).to_be_bytes());
        }
        push(bytes, OPTIONAL | TRANSITIVE, 32, &value);
    }

    fn push_reach(&self, place: Place<'_>, bytes: &mut Vec<u8>) {
        let (global, link) = self.peer.next_hop_v6();
        let Place::Update(prefixes) = place else {
            let mut value = vec![16];
            value.extend_from_slice(&global);
            return push(bytes, OPTIONAL, 14, &value);
        };
        let mut value = vec![0, 2, 1, if link.is_some() { 32 } else { 16 }];
        value.extend_from_slice(&global);
        value.extend_from_slice(link.as_ref().map_or(&[], <[u8; 16]>::as_slice));
        value.push(0);
        prefixes.iter().for_each(|prefix| prefix.encode(&mut value));
        push(bytes, OPTIONAL, 14, &value);
    }
}
