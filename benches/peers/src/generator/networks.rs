//! Who there is to be heard of: networks, the providers they buy from, and the routes they originate.

use super::dice::{Dice, byte, index, long, word};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The networks at the top, which buy from nobody.
pub const TOP: [u32; 16] = [174, 701, 1299, 2914, 3257, 3320, 3356, 3491, 5511, 6453, 6461, 6762, 6830, 6939, 7018, 12956];
/// Steps from a network to the top, at most.
pub const DEEPEST: u8 = 6;
/// The unicast IPv4 space used: 1.0.0.0 up to 222.255.255.255.
const IPV4_SPACE: (u64, u64) = (1 << 24, 223 << 24);
/// How IPv6 prefixes begin.
const IPV6_STARTS: [u16; 25] = [
    0x2001, 0x2400, 0x2402, 0x2403, 0x2405, 0x2407, 0x2600, 0x2602, 0x2604, 0x2606, 0x2607, 0x2620, 0x2800, 0x2804, 0x2806, 0x2a00,
    0x2a01, 0x2a02, 0x2a03, 0x2a05, 0x2a06, 0x2a09, 0x2a0c, 0x2a0e, 0x2c0f,
];

/// An address prefix, in the order of a table dump: IPv4 first, then by address, the wider first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Prefix {
    /// True for IPv6.
    pub v6: bool,
    /// Network byte order; IPv4 in the first four.
    address: [u8; 16],
    length: u8,
}

impl Prefix {
    fn v4(address: u32, length: u8) -> Self {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&address.to_be_bytes());
        Prefix { v6: false, address: bytes, length }
    }

    /// Sets the bits behind the length to zero.
    fn v6(mut address: [u8; 16], length: u8) -> Self {
        for bit in usize::from(length)..128 {
            address[bit / 8] &= !(0x80 >> (bit % 8));
        }
        Prefix { v6: true, address, length }
    }

    /// Writes it as NLRI (RFC 4271 §4.3): the length in bits, then as many bytes as that takes.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.length);
        bytes.extend_from_slice(&self.address[..usize::from(self.length).div_ceil(8)]);
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.address;
        if self.v6 {
            write!(f, "{}/{}", Ipv6Addr::from(self.address), self.length)
        } else {
            write!(f, "{}/{}", Ipv4Addr::new(a, b, c, d), self.length)
        }
    }
}

/// A network.
#[derive(Debug, Default)]
pub struct Network {
    /// Its AS number.
    pub asn: u32,
    /// Places of two networks it buys from, perhaps the same.
    pub providers: [usize; 2],
    /// Steps to the top.
    pub depth: u8,
    /// Places of its routes: IPv4, IPv6.
    pub routes: [Vec<usize>; 2],
}

/// A prefix and who originates it.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The prefix.
    pub prefix: Prefix,
    /// Place of the network.
    pub origin: usize,
}

/// How much there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scale {
    /// Networks.
    pub networks: usize,
    /// Routes: IPv4, IPv6.
    pub routes: [usize; 2],
}

impl Scale {
    /// As many as the Internet of 2025 had.
    pub const INTERNET: Scale = Scale { networks: 76_000, routes: [960_000, 205_000] };
    /// Made in a moment.
    pub const SMALL: Scale = Scale { networks: 2_000, routes: [20_000, 4_000] };
}

/// All networks and routes.
#[derive(Debug)]
pub struct Universe {
    /// The networks, those at the top first; the further behind, the fewer routes.
    pub networks: Vec<Network>,
    /// The routes in the order of their prefixes: IPv4, IPv6.
    pub routes: [Vec<Route>; 2],
}

impl Universe {
    /// The universe which belongs to this seed.
    pub fn new(seed: u64, scale: Scale) -> Self {
        let mut dice = Dice::new(seed);
        let mut networks = networks(&mut dice, scale.networks);
        let mut routes = [ipv4(&mut dice, scale), ipv6(&mut dice, scale)];
        for (family, routes) in routes.iter_mut().enumerate() {
            routes.sort_by_key(|route| route.prefix);
            routes.dedup_by_key(|route| route.prefix);
            for (place, route) in routes.iter().enumerate() {
                networks[route.origin].routes[family].push(place);
            }
        }
        Universe { networks, routes }
    }
}

fn networks(dice: &mut Dice, count: usize) -> Vec<Network> {
    let mut networks: Vec<Network> = TOP.iter().map(|asn| Network { asn: *asn, ..Network::default() }).collect();
    while networks.len() < count {
        let asn = if dice.chance(450) { 1_000 + long(dice.below(63_000)) } else { 131_072 + long(dice.below(270_000)) };
        let providers = [provider(dice, &networks), provider(dice, &networks)];
        let depth = networks[providers[0]].depth + 1;
        networks.push(Network { asn, providers, depth, ..Network::default() });
    }
    networks
}

/// The place of a provider. The first ones have most customers (about `n`^¾ of `n` networks sell to others), and chains stay short.
fn provider(dice: &mut Dice, networks: &[Network]) -> usize {
    let known = networks.len() as u64;
    let sellers = (known * known.isqrt()).isqrt().max(TOP.len() as u64);
    let mut place = dice.below(sellers);
    while networks[index(place)].depth >= DEEPEST - 1 {
        place = dice.below(sellers) / 4;
    }
    index(place)
}

/// The place of a network which originates something: a few have very many routes.
fn originator(dice: &mut Dice, scale: Scale) -> usize {
    TOP.len() + index(dice.skewed((scale.networks - TOP.len()) as u64, 3))
}

/// Goes once through the address space; blocks with a few of their more-specifics, and unused space between.
fn ipv4(dice: &mut Dice, scale: Scale) -> Vec<Route> {
    const BLOCKS: [u8; 10] = [19, 20, 20, 21, 21, 22, 22, 22, 23, 24];
    let wanted = scale.routes[0];
    let (first, end) = IPV4_SPACE;
    // A block gives about four routes.
    let stride = (end - first) * 42 / 10 / (wanted as u64).max(1);
    let (mut routes, mut at) = (Vec::with_capacity(wanted + 32), first);
    while routes.len() < wanted {
        let (origin, length) = (originator(dice, scale), dice.one_of(&BLOCKS));
        let size = 1 << (32 - length);
        at = u64::next_multiple_of(at, size);
        if at + size > end {
            at = u64::next_multiple_of(first + (dice.below(200) << 8), size);
        }
        block(dice, (long(at), length), origin, &mut routes);
        at += size + (dice.below(stride.saturating_sub(2_000) * 8 / 5 + 256) & !0xff);
    }
    routes
}

/// A block and what of it is announced besides: none, some, or many of its /24s, perhaps a /22.
fn block(dice: &mut Dice, (base, length): (u32, u8), origin: usize, routes: &mut Vec<Route>) {
    let mut push = |address, length| routes.push(Route { prefix: Prefix::v4(address, length), origin });
    if length == 24 || dice.chance(550) {
        push(base, length);
    }
    if length == 24 {
        return;
    }
    let slots = 1u32 << (24 - length);
    let some = long(dice.below(9));
    if dice.chance(300) {
        (0..slots.min(some + 4)).for_each(|slot| push(base + (slot << 8), 24));
    } else {
        let some = some.min(slots);
        (0..some).for_each(|nth| push(base + ((nth * slots / some) << 8), 24));
        if length <= 21 && dice.chance(350) {
            push(base, 22);
        }
    }
}

fn ipv6(dice: &mut Dice, scale: Scale) -> Vec<Route> {
    let wanted = scale.routes[1];
    let mut routes = Vec::with_capacity(wanted + 8);
    while routes.len() < wanted {
        let origin = originator(dice, scale);
        let mut address = [0; 16];
        address[..2].copy_from_slice(&dice.one_of(&IPV6_STARTS).to_be_bytes());
        address[2..4].copy_from_slice(&(word(dice.below(16_384)) << 2).to_be_bytes());
        if dice.chance(700) {
            routes.push(Route { prefix: Prefix::v6(address, dice.one_of(&[29, 32, 32, 32, 32])), origin });
        }
        for nth in 0..dice.below(7) {
            address[4] = byte(dice.below(16)) * 16;
            address[5] = byte(nth);
            routes.push(Route { prefix: Prefix::v6(address, dice.one_of(&[48, 48, 48, 48, 44, 40, 36, 47])), origin });
        }
    }
    routes
}
