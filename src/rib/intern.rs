//! Small numbers for prefixes and routes, so that state stays small.

use crate::observation::Route;
use crate::vantage::Asn;
use ipnet::IpNet;
use prefix_trie::joint::JointPrefixMap;
use std::collections::HashMap;
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

/// Prefixes met, with their tree.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    list: Vec<IpNet>,
    tree: JointPrefixMap<IpNet, PrefixId>,
}

impl Prefixes {
    pub fn intern(&mut self, prefix: &IpNet) -> PrefixId {
        if let Some(id) = self.tree.get(prefix) {
            return *id;
        }
        let id = PrefixId::at(self.list.len());
        self.list.push(*prefix);
        self.tree.insert(*prefix, id);
        id
    }

    pub fn find(&self, prefix: &IpNet) -> Option<PrefixId> {
        self.tree.get(prefix).copied()
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
            if let Some(id) = self.tree.get(&wider) {
                covers.push(*id);
            }
            cover = wider;
        }
        covers
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
