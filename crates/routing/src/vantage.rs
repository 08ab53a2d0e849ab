//! Witnesses: who saw a route.
//!
//! A [`VantagePoint`] is one BGP peer of one collector. The same router at two collectors is two witnesses; votes are counted by AS
//! number. Streams of millions of messages carry a [`VantageId`]; [`Vantages`] turns it back into the whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// An autonomous system number (RFC 6793: four bytes).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("maximum" = u32::MAX))]
pub struct Asn(pub u32);

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AS{}", self.0)
    }
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4 unicast.
    Ipv4,
    /// IPv6 unicast.
    Ipv6,
}

impl Family {
    /// Both, by their [index](Family::index).
    pub const BOTH: [Family; 2] = [Family::Ipv4, Family::Ipv6];

    /// The family of a prefix.
    pub fn of(prefix: &ipnet::IpNet) -> Family {
        match prefix {
            ipnet::IpNet::V4(_) => Family::Ipv4,
            ipnet::IpNet::V6(_) => Family::Ipv6,
        }
    }

    /// 0 for IPv4, 1 for IPv6: to index pairs.
    pub const fn index(self) -> usize {
        match self {
            Family::Ipv4 => 0,
            Family::Ipv6 => 1,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        })
    }
}

/// A collector, by its place in [`Vantages`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CollectorId(u16);

/// A vantage point, by its place in [`Vantages`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VantageId(u32);

impl CollectorId {
    /// The one at this place.
    #[allow(clippy::cast_possible_truncation, reason = "places come from a list of fewer than 65,536")]
    pub(crate) const fn at(index: usize) -> Self {
        CollectorId(index as u16)
    }

    /// Its place, from 0 without gaps: to index a list of one entry a collector.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl VantageId {
    /// The one at this place.
    #[allow(clippy::cast_possible_truncation, reason = "places come from a list of fewer than 2^32")]
    pub(crate) const fn at(index: usize) -> Self {
        VantageId(index as u32)
    }

    /// Its place, from 0 without gaps: to index a list of one entry a vantage point.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A BGP neighbour of a collector, as a witness.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct VantagePoint {
    /// The collector's name, such as `rrc00` or `route-views2`.
    pub collector: Arc<str>,
    /// The neighbour's address.
    pub peer: IpAddr,
    /// The neighbour's AS number.
    pub asn: Asn,
}

impl fmt::Display for VantagePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.asn, self.peer, self.collector)
    }
}

/// Every collector and vantage point met so far, in the order met.
#[derive(Default, Debug, Clone)]
pub struct Vantages {
    collectors: Vec<Arc<str>>,
    points: Vec<(CollectorId, VantagePoint)>,
    by_name: HashMap<Arc<str>, CollectorId>,
    by_peer: HashMap<(CollectorId, IpAddr, Asn), VantageId, foldhash::fast::FixedState>,
}

impl Vantages {
    /// The id of a collector's name, new if it was not met before.
    ///
    /// # Panics
    /// At the 65,536th collector: there are about 80 in the world.
    #[allow(clippy::expect_used, reason = "documented, and out of reach")]
    pub fn collector(&mut self, name: &str) -> CollectorId {
        if let Some(id) = self.by_name.get(name) {
            return *id;
        }
        let id = CollectorId(u16::try_from(self.collectors.len()).expect("fewer than 65,536 collectors"));
        let name: Arc<str> = name.into();
        self.collectors.push(Arc::clone(&name));
        self.by_name.insert(name, id);
        id
    }

    /// The id of a neighbour of a collector, new if it was not met before.
    ///
    /// # Panics
    /// At the 2³²nd vantage point.
    #[allow(clippy::expect_used, reason = "documented, and out of reach")]
    pub fn vantage(&mut self, collector: CollectorId, peer: IpAddr, asn: Asn) -> VantageId {
        if let Some(id) = self.by_peer.get(&(collector, peer, asn)) {
            return *id;
        }
        let id = VantageId(u32::try_from(self.points.len()).expect("fewer than 2^32 vantage points"));
        let point = VantagePoint { collector: Arc::clone(&self.collectors[collector.index()]), peer, asn };
        self.points.push((collector, point));
        self.by_peer.insert((collector, peer, asn), id);
        id
    }

    /// The collector's name.
    pub fn collector_name(&self, id: CollectorId) -> &Arc<str> {
        &self.collectors[id.index()]
    }

    /// All collectors met, in order.
    pub fn collectors(&self) -> impl Iterator<Item = (CollectorId, &Arc<str>)> {
        self.collectors.iter().enumerate().map(|(i, name)| (CollectorId::at(i), name))
    }

    /// The whole vantage point.
    pub fn point(&self, id: VantageId) -> &VantagePoint {
        &self.points[id.index()].1
    }

    /// The collector which heard this vantage point.
    pub fn collector_of(&self, id: VantageId) -> CollectorId {
        self.points[id.index()].0
    }

    /// All vantage points met, in order.
    pub fn iter(&self) -> impl Iterator<Item = (VantageId, &VantagePoint)> {
        self.points.iter().enumerate().map(|(i, (_, point))| (VantageId::at(i), point))
    }

    /// How many vantage points were met.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// True before the first vantage point.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_router_at_two_collectors_is_two_witnesses() {
        let mut vantages = Vantages::default();
        let (a, b) = (vantages.collector("rrc00"), vantages.collector("rrc01"));
        let peer = "192.0.2.1".parse().unwrap();
        let first = vantages.vantage(a, peer, Asn(64500));
        let second = vantages.vantage(b, peer, Asn(64500));
        assert_ne!(first, second);
        assert_eq!(vantages.vantage(a, peer, Asn(64500)), first);
        assert_eq!(vantages.collector("rrc01"), b);
        assert_eq!(vantages.len(), 2);
        assert_eq!(vantages.point(second).to_string(), "AS64500 192.0.2.1 at rrc01");
    }
}
