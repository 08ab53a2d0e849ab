//! Which prefixes deserve a statement each.
//!
//! A [`WatchedPrefixes`] concerns every prefix which is equal to, covers, or is more specific than one of its own. What a peer says of
//! other prefixes is passed on in one statement a message ([`crate::observation::Statement::Other`]), never dropped.

use crate::observation::V4Prefix;
use crate::vantage::Family;
use ipnet::{IpNet, Ipv6Net};
use std::net::IpAddr;

/// Which prefixes deserve a statement each.
#[derive(Clone, Debug, Default)]
pub enum Interest {
    /// All of them.
    #[default]
    Everything,
    /// All of them, and of their paths the origins.
    Origins,
    /// Those related to the watched ones.
    Watched(WatchedPrefixes),
}

/// A set of prefixes, for asking what is related to them.
#[derive(Clone, Debug, Default)]
pub struct WatchedPrefixes {
    /// The widest watched prefixes as ranges of addresses, in order and disjoint (prefixes nest or are apart), by [`Family::index`].
    ranges: [Vec<(u128, u128)>; 2],
    /// Which leading bits lie in these ranges, by [`Family::index`].
    heads: [Heads; 2],
}

/// A coarse first look at a prefix: which of its leading bits any watched address has. IPv4: the first 16 bits, exact. IPv6: the first 32,
/// hashed. A prefix whose bit is not set is not related; one whose bit is set may be.
#[derive(Clone, Debug, Default)]
struct Heads(Box<[u64]>);

impl Heads {
    const BITS: usize = 1 << 16;

    /// Those of all addresses from `first` to `last`, IPv4 or IPv6 as [`Family::index`] says.
    fn of(ranges: &[(u128, u128)], family: usize) -> Self {
        if ranges.is_empty() {
            return Heads::default();
        }
        let mut bits = vec![0u64; Heads::BITS / 64].into_boxed_slice();
        for (first, last) in ranges {
            let (first, last) = if family == 0 { (first >> 16, last >> 16) } else { (first >> 96, last >> 96) };
            if last - first >= Heads::BITS as u128 {
                bits.fill(u64::MAX);
                break;
            }
            for head in (first..=last).filter_map(|head| u32::try_from(head).ok()) {
                let place = if family == 0 { head as usize } else { Heads::hash(head) };
                bits[place / 64] |= 1 << (place % 64);
            }
        }
        Heads(bits)
    }

    /// Multiplicative hashing (Knuth, TAOCP 6.4): the upper 16 bits of the product.
    const fn hash(head: u32) -> usize {
        (head.wrapping_mul(0x9e37_79b1) >> 16) as usize
    }

    fn may_hold(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 != 0)
    }
}

impl Interest {
    /// True if the prefix deserves a statement of its own.
    pub fn concerns(&self, prefix: &IpNet) -> bool {
        match self {
            Interest::Everything | Interest::Origins => true,
            Interest::Watched(watched) => watched.concerns(prefix),
        }
    }

    /// Whether paths count.
    pub(super) const fn keeps_paths(&self) -> bool {
        !matches!(self, Interest::Origins)
    }

    /// Whether this is only about watched prefixes.
    pub(super) fn watched(&self) -> Option<&WatchedPrefixes> {
        match self {
            Interest::Everything | Interest::Origins => None,
            Interest::Watched(watched) => Some(watched),
        }
    }
}

impl WatchedPrefixes {
    /// The set of these prefixes.
    pub fn new(prefixes: impl IntoIterator<Item = IpNet>) -> Self {
        let mut ranges = [Vec::new(), Vec::new()];
        for prefix in prefixes {
            ranges[Family::of(&prefix).index()].push(range(&prefix));
        }
        for ranges in &mut ranges {
            ranges.sort_by_key(|(first, last)| (*first, std::cmp::Reverse(*last)));
            ranges.dedup_by(|later, earlier| later.1 <= earlier.1);
        }
        let heads = [Heads::of(&ranges[0], 0), Heads::of(&ranges[1], 1)];
        WatchedPrefixes { ranges, heads }
    }

    /// True if the prefix equals, covers, or is more specific than a watched one.
    pub fn concerns(&self, prefix: &IpNet) -> bool {
        match prefix {
            IpNet::V4(net) => self.concerns_v4(V4Prefix::from(*net)),
            IpNet::V6(net) => self.concerns_v6(*net),
        }
    }

    /// The same of an IPv4 prefix.
    #[inline]
    pub(super) fn concerns_v4(&self, prefix: V4Prefix) -> bool {
        let (address, length) = prefix.parts();
        (length < 16 || self.heads[0].may_hold((address >> 16) as usize)) && self.overlaps(&IpNet::from(prefix))
    }

    /// The same of an IPv6 prefix.
    #[inline]
    pub(super) fn concerns_v6(&self, net: Ipv6Net) -> bool {
        let [a, b, c, d, ..] = net.addr().octets();
        let may = net.prefix_len() < 32 || self.heads[1].may_hold(Heads::hash(u32::from_be_bytes([a, b, c, d])));
        may && self.overlaps(&IpNet::V6(net))
    }

    fn overlaps(&self, prefix: &IpNet) -> bool {
        let (first, last) = range(prefix);
        let ranges = &self.ranges[Family::of(prefix).index()];
        let after = ranges.partition_point(|range| range.0 <= last);
        after > 0 && ranges[after - 1].1 >= first
    }
}

fn range(prefix: &IpNet) -> (u128, u128) {
    let number = |address| match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    };
    (number(prefix.network()), number(prefix.broadcast()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_and_more_specifics_are_related_and_neighbours_are_not() {
        let watched: Vec<IpNet> = ["129.134.30.0/24", "129.134.30.0/23", "185.89.218.0/23", "2a03:2880:f0fc::/48"]
            .map(|text| text.parse().unwrap())
            .into();
        let watched = WatchedPrefixes::new(watched);
        for (prefix, related) in [
            ("129.134.30.0/24", true),
            ("129.134.0.0/17", true),
            ("129.134.31.128/25", true),
            ("129.134.32.0/24", false),
            ("129.134.28.0/23", false),
            ("0.0.0.0/0", true),
            ("185.89.219.12/32", true),
            ("2a03:2880::/32", true),
            ("2a03:2880:f0fd::/48", false),
            ("::/0", true),
        ] {
            assert_eq!(watched.concerns(&prefix.parse().unwrap()), related, "{prefix}");
        }
        assert!(!WatchedPrefixes::new([]).concerns(&"0.0.0.0/0".parse().unwrap()));
    }

    #[test]
    fn the_first_look_misses_nothing() {
        let nets = |seed: u32| -> Vec<IpNet> {
            let mut number = seed;
            let mut next = move || {
                number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                number >> 8
            };
            let mut nets = Vec::new();
            for _ in 0..2_000 {
                let v4 = std::net::Ipv4Addr::from((10 + next() % 3) << 24 | next() & 0x00ff_ffff);
                nets.push(IpNet::new(v4.into(), (next() % 33) as u8).unwrap().trunc());
                let v6 = u128::from(0x2001_0db8 + next() % 3) << 96 | u128::from(next()) << 72 | u128::from(next());
                nets.push(IpNet::new(std::net::Ipv6Addr::from(v6).into(), (next() % 129) as u8).unwrap().trunc());
            }
            nets
        };
        for chosen in [1, 7, 40] {
            let some = nets(1).into_iter().filter(|net| net.prefix_len() > 8).step_by(4_000 / chosen);
            let watched = WatchedPrefixes::new(some);
            let related = nets(2).iter().filter(|net| watched.concerns(net)).count();
            assert!(related > 0);
            assert!(nets(2).iter().all(|net| watched.concerns(net) == watched.overlaps(net)));
        }
    }
}
