//! The roll-up of a survey: outages of all ASes of one organization, or of one country, which belong together.
//!
//! Takes the outages of origins and who holds each AS; gives outages of organizations and of countries, grouped as those of origins are: by onsets which
//! lie within the setting `grouping` of the one before. An outage of an origin lies whole within one of its organization and one of its country, so
//! these are lists of those. What is not in the table is a group of its own.

use super::OriginOutage;
use crate::holder::{Holder, Holders};
use crate::outage::{Chains, ended};
use crate::pipeline::RoutingFindings;
use crate::rib::PrefixId;
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::vantage::Asn;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// The outages of organizations and countries.
#[derive(Debug)]
pub struct RollUp {
    /// The table which says who holds an AS.
    pub file: PathBuf,
    /// How many AS numbers are in it.
    pub listed: usize,
    /// Origins with an outage which are not in it.
    pub unlisted: BTreeSet<Asn>,
    /// By organization, in order of their beginning.
    pub organizations: Vec<GroupOutage>,
    /// By country, in order of their beginning.
    pub countries: Vec<GroupOutage>,
}

/// Outages of origins of one organization or country which belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOutage {
    /// The organization or country; `None` for origins of which the table does not tell it.
    pub name: Option<Arc<str>>,
    /// Places in [`Survey::outages`](super::Survey::outages), in their order there.
    pub outages: Vec<usize>,
    /// Prefixes withdrawn, each counted once.
    pub prefix_count: usize,
    /// Prefixes of the organization or country ever seen in the input: those whose origin, as last seen, is one of its ASes, and all it lost.
    pub prefixes_seen: usize,
    /// When the first prefix's onset was.
    pub began: Timestamp,
    /// When the last prefix was back; `None` if one was not.
    pub ended: Option<Timestamp>,
}

impl RollUp {
    /// Rolls up the outages of a survey.
    pub fn of(routing: &RoutingFindings, outages: &[OriginOutage], settings: &Settings, holders: &Holders) -> RollUp {
        let origins = origins(routing, outages);
        let by = |part: fn(Holder) -> Option<Arc<str>>| {
            let name = |origin: Option<Asn>| part(holders.of(origin));
            group((routing, outages), settings, &seen(&origins, name), name)
        };
        let lost = outages.iter().filter_map(|outage| outage.origin);
        RollUp {
            file: holders.file().to_owned(),
            listed: holders.len(),
            unlisted: lost.filter(|origin| !holders.lists(*origin)).collect(),
            organizations: by(|holder| holder.organization),
            countries: by(|holder| holder.country),
        }
    }
}

/// Prefixes ever seen by origin: as last seen at the end, and as it was when they were withdrawn.
fn origins(routing: &RoutingFindings, outages: &[OriginOutage]) -> HashMap<Option<Asn>, HashSet<PrefixId>> {
    let mut of: HashMap<Option<Asn>, HashSet<PrefixId>> = HashMap::new();
    let rib = &routing.rib;
    for (id, _) in rib.prefixes() {
        let origin = rib.views(id).filter_map(|view| rib.origin_of(view.route?)).min();
        of.entry(origin).or_default().insert(id);
    }
    for outage in outages {
        of.entry(outage.origin).or_default().extend(prefixes(routing, outage));
    }
    of
}

/// Prefixes which were withdrawn in an outage.
fn prefixes<'a>(routing: &'a RoutingFindings, outage: &'a OriginOutage) -> impl Iterator<Item = PrefixId> + 'a {
    outage.withdrawals.iter().filter_map(|place| Some(routing.withdrawals.get(*place)?.id))
}

/// How many prefixes of each name were ever seen. One which moved from one AS of a name to another counts once.
fn seen(
    origins: &HashMap<Option<Asn>, HashSet<PrefixId>>,
    name: impl Fn(Option<Asn>) -> Option<Arc<str>>,
) -> HashMap<Option<Arc<str>>, usize> {
    let mut of: HashMap<Option<Arc<str>>, HashSet<PrefixId>> = HashMap::new();
    for (origin, prefixes) in origins {
        of.entry(name(*origin)).or_default().extend(prefixes);
    }
    of.into_iter().map(|(name, prefixes)| (name, prefixes.len())).collect()
}

fn group(
    (routing, outages): (&RoutingFindings, &[OriginOutage]),
    settings: &Settings,
    seen: &HashMap<Option<Arc<str>>, usize>,
    name: impl Fn(Option<Asn>) -> Option<Arc<str>>,
) -> Vec<GroupOutage> {
    let mut of: Vec<usize> = vec![0; routing.withdrawals.len()];
    let mut lost: Vec<usize> = Vec::new();
    for (place, outage) in outages.iter().enumerate() {
        outage.withdrawals.iter().for_each(|withdrawal| of[*withdrawal] = place);
        lost.extend(&outage.withdrawals);
    }
    // Withdrawals stand in order of onset, so no chain absorbs another.
    lost.sort_unstable();
    let mut chains = Chains::new(settings.grouping);
    let mut groups: Vec<BTreeSet<usize>> = Vec::new();
    for withdrawal in lost {
        let outage = of[withdrawal];
        let number = chains.join(name(outages[outage].origin), routing.withdrawals[withdrawal].onset.earliest).number;
        if number == groups.len() {
            groups.push(BTreeSet::new());
        }
        groups[number].insert(outage);
    }
    let groups = groups.into_iter().filter_map(|places| {
        let all: Vec<&OriginOutage> = places.iter().map(|place| &outages[*place]).collect();
        let first = all.iter().min_by_key(|outage| outage.began)?;
        let name = name(first.origin);
        let lost: HashSet<PrefixId> = all.iter().flat_map(|outage| prefixes(routing, outage)).collect();
        Some(GroupOutage {
            prefix_count: lost.len(),
            prefixes_seen: seen.get(&name).copied().unwrap_or_default(),
            name,
            began: first.began,
            ended: ended(all.iter().map(|outage| outage.ended)),
            outages: places.into_iter().collect(),
        })
    });
    groups.collect()
}
