//! The peers of the collector: takes how many and the universe, gives who they are, how full their tables are and how much they talk. What
//! they say is made elsewhere.

use super::dice::{Dice, byte, long, mix};
use super::networks::Universe;

/// The collector's AS number, that of RIPE RIS.
pub const COLLECTOR: u32 = 12_654;

/// A peer of the collector.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its place in the table of peers.
    pub number: u16,
    /// Its AS number.
    pub asn: u32,
    /// True if the session runs over IPv6.
    pub v6: bool,
    /// Its address; IPv4 in the first four bytes.
    pub address: [u8; 16],
    /// The collector's address on this session.
    pub local: [u8; 16],
    /// How much it talks, compared to the others.
    pub weight: u64,
    /// True if it sends its whole table.
    pub full: bool,
}

impl Peer {
    /// The peers which belong to this seed: a third over IPv6, four of five with a full table, a few which talk most.
    pub fn all(count: u16, seed: u64, universe: &Universe) -> Vec<Peer> {
        let mut dice = Dice::new(mix(seed, 77));
        (0..count).map(|number| Peer::new(number, &mut dice, universe)).collect()
    }

    fn new(number: u16, dice: &mut Dice, universe: &Universe) -> Peer {
        let (v6, nth) = (number % 3 == 2, byte(u64::from(number)));
        let (mut address, mut local) = ([0; 16], [0; 16]);
        if v6 {
            address[..6].copy_from_slice(&[0x20, 0x01, 0x07, 0xf8, 0, nth / 8]);
            local[..6].copy_from_slice(&address[..6]);
            address[13..].copy_from_slice(&[byte(dice.below(9)), nth, 1]);
            local[15] = 0x33;
        } else {
            address[..4].copy_from_slice(&[80 + nth % 120, 249, 208 + nth % 8, 1 + byte(dice.below(32)) + nth / 120 * 32]);
            local[..4].copy_from_slice(&[address[0], 249, address[2], 254]);
        }
        let transit = 16 + dice.place(universe.networks.len().min(616) - 16);
        Peer {
            number,
            asn: universe.networks[transit].asn,
            v6,
            address,
            local,
            weight: 1 + dice.skewed(100, 3),
            full: dice.chance(800),
        }
    }

    /// Its address as it is written: 4 or 16 bytes.
    pub fn address(&self) -> &[u8] {
        &self.address[..self.width()]
    }

    /// How many bytes an address of the session has.
    pub const fn width(&self) -> usize {
        if self.v6 { 16 } else { 4 }
    }

    /// Writes what a BGP4MP record says of the session (RFC 6396 §4.4.2), with four-byte AS numbers.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.asn.to_be_bytes());
        bytes.extend_from_slice(&COLLECTOR.to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 0, if self.v6 { 2 } else { 1 }]);
        bytes.extend_from_slice(self.address());
        bytes.extend_from_slice(&self.local[..self.width()]);
    }

    /// What this peer always answers to a question.
    pub fn habit(&self, question: u64) -> u64 {
        mix(u64::from(self.number), question)
    }

    /// The next hop it names: an IPv4 address.
    pub fn next_hop_v4(&self) -> [u8; 4] {
        [80, 249, 208 + byte(u64::from(self.number) % 8), byte(self.habit(9) % 250)]
    }

    /// The next hop it names for IPv6, with a link-local address behind the global one at every third peer.
    pub fn next_hop_v6(&self) -> ([u8; 16], Option<[u8; 16]>) {
        let mut global = [0; 16];
        global[..4].copy_from_slice(&[0x20, 0x01, 0x07, 0xf8]);
        global[5] = byte(u64::from(self.number));
        global[15] = byte(self.habit(4) % 200);
        let mut link = [0; 16];
        link[..2].copy_from_slice(&[0xfe, 0x80]);
        link[8..].copy_from_slice(&self.habit(6).to_be_bytes());
        (global, self.habit(5).is_multiple_of(3).then_some(link))
    }

    /// The highest four bytes of its address: its BGP identifier.
    pub fn identifier(&self) -> [u8; 4] {
        if self.v6 {
            long(self.habit(8)).to_be_bytes()
        } else {
            [self.address[0], self.address[1], self.address[2], self.address[3]]
        }
    }
}
