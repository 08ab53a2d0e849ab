//! Which prefix holds an address, when.
//!
//! The most specific prefix ever heard of is not it: a neighbour's leak, or what another origin announced for ten minutes last week, carries
//! nobody's traffic now. A prefix holds an address during something if most ASes had a route to it just before, if it is what was withdrawn, or,
//! where nothing was known of it before, if most ASes had one meanwhile.

use super::{RoutingFindings, origins_of};
use crate::rib::PrefixId;
use crate::time::Timestamp;
use crate::vantage::Asn;
use crate::visibility::Visibility;
use ipnet::IpNet;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// The prefixes which may hold some addresses, and who saw them when.
pub struct Holders<'a> {
    findings: &'a RoutingFindings,
    /// By address, the most specific one first.
    candidates: BTreeMap<IpAddr, Vec<PrefixId>>,
    /// In order of time.
    courses: HashMap<PrefixId, Vec<(Timestamp, Visibility)>>,
}

impl<'a> Holders<'a> {
    /// Of these addresses.
    pub fn of(findings: &'a RoutingFindings, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let rib = &findings.rib;
        let candidates: BTreeMap<IpAddr, Vec<PrefixId>> = addresses
            .into_iter()
            .map(|address| {
                let host = IpNet::from(address);
                (address, rib.id_of(&host).into_iter().chain(rib.covers(&host)).collect())
            })
            .collect();
        let ids = candidates.values().flatten();
        let before = |id: &PrefixId| findings.log.before.get(id).map(|seen| (Timestamp::MIN, *seen)).into_iter().collect();
        let mut courses: HashMap<PrefixId, Vec<(Timestamp, Visibility)>> = ids.map(|id| (*id, before(id))).collect();
        for change in &findings.log.visibility {
            if let Some(course) = courses.get_mut(&change.prefix) {
                course.push((change.at, change.now));
            }
        }
        Holders { findings, candidates, courses }
    }

    /// The prefix which held an address during something, and its origins. `withdrawn`: whether a prefix is what was withdrawn.
    pub fn during(
        &self,
        address: IpAddr,
        began: Timestamp,
        ended: Option<Timestamp>,
        withdrawn: impl Fn(&IpNet) -> bool,
    ) -> Option<(IpNet, Vec<Asn>)> {
        let candidates = self.candidates.get(&address)?;
        let prefix_of = |id: &PrefixId| self.findings.rib.prefix_of(*id);
        let electorate = candidates.iter().flat_map(|id| self.course(*id)).map(|(_, seen)| seen.eligible()).max().unwrap_or(0);
        let many = |count: u32| count > 0 && count * 2 >= electorate;
        let held = |id: &&PrefixId| {
            let course = self.course(**id);
            let (before, meanwhile) = course.split_at(course.partition_point(|(at, _)| *at < began));
            // What was known last: a collector may have fallen silent since.
            match before.iter().rev().find(|(_, seen)| many(seen.seeing + seen.lost)) {
                Some((_, seen)) => many(seen.seeing),
                None => meanwhile.iter().any(|(at, seen)| ended.is_none_or(|ended| *at <= ended) && many(seen.seeing)),
            }
        };
        let holder = candidates.iter().find(|id| withdrawn(&prefix_of(id)) || held(id)).or_else(|| candidates.first())?;
        Some((prefix_of(holder), origins_of(&self.findings.rib, *holder)))
    }

    fn course(&self, id: PrefixId) -> &[(Timestamp, Visibility)] {
        self.courses.get(&id).map_or(&[], Vec::as_slice)
    }
}
