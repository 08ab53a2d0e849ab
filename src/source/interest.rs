//! Which prefixes deserve a statement each.
//!
//! A [`WatchedPrefixes`] concerns every prefix which is equal to, covers, or is more specific than one of its own. What a peer says of
//! other prefixes is passed on in one statement a message ([`crate::observation::Statement::Other`]), never dropped.

use crate::vantage::Family;
use ipnet::IpNet;
use std::net::IpAddr;

/// Which prefixes deserve a statement each.
#[derive(Clone, Debug, Default)]
pub enum Interest {
    /// All of them.
    #[default]
    Everything,
    /// Those related to the watched ones.
    Watched(WatchedPrefixes),
}

/// A set of prefixes, for asking what is related to them.
#[derive(Clone, Debug, Default)]
pub struct WatchedPrefixes {
    /// The widest watched prefixes as ranges of addresses, in order and disjoint (prefixes nest or are apart), by [`Family::index`].
    ranges: [Vec<(u128, u128)>; 2],
}

impl Interest {
    /// True if the prefix deserves a statement of its own.
    pub fn concerns(&self, prefix: &IpNet) -> bool {
        match self {
            Interest::Everything => true,
            Interest::Watched(watched) => watched.concerns(prefix),
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
        WatchedPrefixes { ranges }
    }

    /// True if the prefix equals, covers, or is more specific than a watched one.
    pub fn concerns(&self, prefix: &IpNet) -> bool {
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
}
