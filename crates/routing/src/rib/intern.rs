//! Small numbers for prefixes and routes, so that state stays small.

use crate::observation::{Route, V4Prefix};
use crate::vantage::Asn;
use hashbrown::HashTable;
use ipnet::IpNet;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroU32;
use std::sync::Arc;

/// A prefix, by its place in the routing state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixId(u32);

/// A route, by its place in the routing state, plus one: so that it takes no more room where there may be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(NonZeroU32);

impl PrefixId {
    /// The one at this place.
    #[allow(clippy::cast_possible_truncation, reason = "there are fewer than 2^32 prefixes in any table")]
    pub const fn at(index: usize) -> Self {
        PrefixId(index as u32)
    }

    /// Its place, from 0 without gaps.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its place as a small number: for bitmaps.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// The one at the place which a bitmap names.
    pub(super) const fn numbered(number: u32) -> Self {
        PrefixId(number)
    }
}

impl RouteId {
    /// The one at this place.
    pub(super) fn at(place: usize) -> Self {
        // Routes are kept in memory: fewer than 2^32.
        RouteId(u32::try_from(place + 1).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX))
    }

    const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Prefixes met.
#[derive(Debug, Clone, Default)]
pub(super) struct Prefixes {
    list: Vec<IpNet>,
    /// Their places in the list, by hash.
    index: HashTable<PrefixId>,
    hasher: foldhash::fast::FixedState,
}

impl Prefixes {
    pub fn intern(&mut self, prefix: &IpNet) -> PrefixId {
        let Prefixes { list, index, hasher } = self;
        let hash = |prefix: &IpNet| hash(hasher, prefix);
        if let Some(id) = index.find(hash(prefix), |id| same(&list[id.index()], prefix)) {
            return *id;
        }
        let id = PrefixId::at(list.len());
        list.push(*prefix);
        index.insert_unique(hash(prefix), id, |id| hash(&list[id.index()]));
        id
    }

    pub fn find(&self, prefix: &IpNet) -> Option<PrefixId> {
        self.index.find(hash(&self.hasher, prefix), |id| same(&self.list[id.index()], prefix)).copied()
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
}

/// Whether two prefixes are one. Bits after the length do not count.
fn same(one: &IpNet, other: &IpNet) -> bool {
    one == other || one.trunc() == other.trunc()
}

fn hash(hasher: &foldhash::fast::FixedState, prefix: &IpNet) -> u64 {
    let mut hasher = hasher.build_hasher();
    match prefix {
        IpNet::V4(net) => hasher.write_u64(V4Prefix::from(*net).word()),
        IpNet::V6(net) => {
            hasher.write_u128(net.network().to_bits());
            hasher.write_u8(net.prefix_len());
        }
    }
    hasher.finish()
}

/// Routes met.
#[derive(Debug, Clone, Default)]
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
        self.by_route.insert(Arc::clone(&self.list[id.index()]), id);
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
        &self.list[id.index()]
    }

    fn push(&mut self, route: Arc<Route>) -> RouteId {
        self.list.push(route);
        RouteId::at(self.list.len() - 1)
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
