//! Small numbers for prefixes and routes, so that state stays small.

use crate::observation::Route;
use crate::vantage::Asn;
use ipnet::IpNet;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// A prefix, by its place in the routing state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixId(u32);

/// A route, by its place in the routing state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(u32);

impl PrefixId {
    /// The one at this place.
    #[allow(clippy::cast_possible_truncation, reason = "there are fewer than 2^32 prefixes in any table")]
    pub(crate) const fn at(index: usize) -> Self {
        PrefixId(index as u32)
    }

    /// Its place, from 0 without gaps.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its place as a small number: for bitmaps.
    pub(super) const fn number(self) -> u32 {
        self.0
    }

    /// The one at the place which a bitmap names.
    pub(super) const fn numbered(number: u32) -> Self {
        PrefixId(number)
    }
}

impl RouteId {
    /// The one at this place.
    #[cfg(test)]
    pub(super) const fn numbered(number: u32) -> Self {
        RouteId(number)
    }
}

/// Prefixes met.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    list: Vec<IpNet>,
    /// Places in `list` plus one, by hash; 0 where there is none. Its length is a power of two, and a quarter of it is free.
    index: Vec<u32>,
    hasher: foldhash::fast::FixedState,
}

impl Prefixes {
    pub fn intern(&mut self, prefix: &IpNet) -> PrefixId {
        if (self.list.len() + 1) * 4 > self.index.len() * 3 {
            self.grow();
        }
        let slot = self.slot(prefix);
        if let Some(id) = self.at(slot) {
            return id;
        }
        let id = PrefixId::at(self.list.len());
        self.list.push(*prefix);
        self.index[slot] = id.0 + 1;
        id
    }

    pub fn find(&self, prefix: &IpNet) -> Option<PrefixId> {
        if self.index.is_empty() { None } else { self.at(self.slot(prefix)) }
    }

    pub fn get(&self, id: PrefixId) -> IpNet {
        self.list[id.index()]
    }

    pub fn iter(&self) -> impl Iterator<Item = (PrefixId, IpNet)> + '_ {
        self.list.iter().enumerate().map(|(index, prefix)| (PrefixId::at(index), *prefix))
    }

    pub fn covers(&self, prefix: &IpNet) -> Vec<PrefixId> {
        let mut covers = Vec::new();
        let mut cover = *prefix;
        while let Some(wider) = cover.supernet().filter(|wider| wider.prefix_len() > 0) {
            covers.extend(self.find(&wider));
            cover = wider;
        }
        covers
    }

    fn at(&self, slot: usize) -> Option<PrefixId> {
        self.index[slot].checked_sub(1).map(PrefixId)
    }

    /// Where the prefix is, or would be. Bits after its length do not count.
    fn slot(&self, prefix: &IpNet) -> usize {
        let (mask, whole) = (self.index.len() - 1, prefix.trunc());
        let mut slot = self.hash(&whole) & mask;
        while let Some(id) = self.at(slot) {
            let other = &self.list[id.index()];
            if other == prefix || other.trunc() == whole {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }

    #[allow(clippy::cast_possible_truncation, reason = "of a hash any bits will do")]
    fn hash(&self, prefix: &IpNet) -> usize {
        let mut hasher = self.hasher.build_hasher();
        match prefix {
            IpNet::V4(prefix) => hasher.write_u64(u64::from(prefix.addr().to_bits()) << 8 | u64::from(prefix.prefix_len())),
            IpNet::V6(prefix) => {
                hasher.write_u128(prefix.addr().to_bits());
                hasher.write_u8(prefix.prefix_len());
            }
        }
        hasher.finish() as usize
    }

    fn grow(&mut self) {
        self.index = vec![0; (self.index.len() * 2).max(64)];
        for place in 0..self.list.len() {
            let slot = self.slot(&self.list[place]);
            self.index[slot] = PrefixId::at(place).0 + 1;
        }
    }
}

/// Routes met.
#[derive(Debug, Default)]
pub(super) struct Routes {
    list: Vec<Arc<Route>>,
    by_route: HashMap<Arc<Route>, RouteId, foldhash::fast::FixedState>,
    by_origin: HashMap<Option<Asn>, RouteId, foldhash::fast::FixedState>,
}

impl Routes {
    pub fn intern(&mut self, route: &Route) -> RouteId {
        if let Some(id) = self.by_route.get(route) {
            return *id;
        }
        let id = self.push(Arc::new(route.clone()));
        self.by_route.insert(Arc::clone(&self.list[id.0 as usize]), id);
        id
    }

    /// Only the origin is kept.
    pub fn intern_origin(&mut self, origin: Option<Asn>) -> RouteId {
        if let Some(id) = self.by_origin.get(&origin) {
            return *id;
        }
        let id = self.push(Arc::new(Route { path: origin.into_iter().collect(), origin }));
        self.by_origin.insert(origin, id);
        id
    }

    pub fn get(&self, id: RouteId) -> &Route {
        &self.list[id.0 as usize]
    }

    #[allow(clippy::cast_possible_truncation, reason = "routes are kept in memory: fewer than 2^32")]
    fn push(&mut self, route: Arc<Route>) -> RouteId {
        self.list.push(route);
        RouteId(self.list.len() as u32 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn prefix() -> impl Strategy<Value = IpNet> {
        let four = (0u32..64, 20u8..=32).prop_map(|(bits, length)| IpNet::new(Ipv4Addr::from_bits(bits << 8).into(), length));
        let six = (0u128..64, 40u8..=128).prop_map(|(bits, length)| IpNet::new(Ipv6Addr::from_bits(bits << 80).into(), length));
        prop_oneof![four, six].prop_map(|prefix| prefix.unwrap())
    }

    proptest! {
        #[test]
        fn equal_prefixes_have_one_id_whatever_bits_follow(prefixes in prop::collection::vec(prefix(), 0..300)) {
            let (mut met, mut model) = (Prefixes::default(), HashMap::new());
            for prefix in &prefixes {
                let next = PrefixId::at(model.len());
                prop_assert_eq!(met.find(prefix), model.get(&prefix.trunc()).copied());
                prop_assert_eq!(met.intern(prefix), *model.entry(prefix.trunc()).or_insert(next));
            }
            prop_assert!(model.iter().all(|(prefix, id)| met.find(prefix) == Some(*id) && met.get(*id).trunc() == *prefix));
        }
    }
}
