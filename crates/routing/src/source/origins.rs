//! Who originates what, by table dumps.
//!
//! Takes files and the AS numbers of an organization; gives the prefixes which these originate, everybody who originates them too, and what others originate
//! inside of them, each with the ASes whose routers had the route. Files are read twice: what belongs to the organization shows only at the end of the first
//! time. Updates are left out; nothing is judged.

use super::account::FileAccount;
use super::discover::{InputFile, SourceError};
use super::interest::{Interest, WatchedPrefixes};
use super::merge::{Merge, Resources};
use super::reading::Reading;
use crate::observation::{FileId, Statement};
use crate::time::Timestamp;
use crate::vantage::{Asn, Family, VantageId, Vantages};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::successors;
use std::sync::Arc;

/// A table dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSeen {
    /// The file it stands in.
    pub file: FileId,
    /// The collector.
    pub collector: Arc<str>,
    /// When it was made.
    pub at: Timestamp,
    /// Peers which have a table in it.
    pub peers: usize,
    /// Whether it was read to its end.
    pub complete: bool,
}

/// What table dumps tell of an organization.
#[derive(Debug, Default)]
pub struct Originated {
    /// The dumps.
    pub tables: Vec<TableSeen>,
    /// ASes which have a table in one of them, by [`Family::index`].
    pub witnesses: [BTreeSet<Asn>; 2],
    /// Prefixes which the organization originates: each origin, and the ASes whose routers had a route from there.
    pub own: BTreeMap<IpNet, BTreeMap<Asn, BTreeSet<Asn>>>,
    /// Prefixes inside of those which only others originate, likewise.
    pub inside: BTreeMap<IpNet, BTreeMap<Asn, BTreeSet<Asn>>>,
    /// What was in each file.
    pub accounts: Vec<FileAccount>,
}

/// Reads table dumps. `reading` is told of each of the two times.
///
/// # Errors
/// If not one of the files can be read.
pub fn originated(
    files: &[InputFile],
    asked: &BTreeSet<Asn>,
    threads: usize,
    mut reading: impl FnMut(Reading),
) -> Result<Originated, SourceError> {
    let resources = Resources { threads, ..Resources::default() };
    let mut found = Originated::default();
    let mut own: BTreeSet<IpNet> = BTreeSet::new();
    let merge = Merge::open(files.to_vec(), Interest::Origins, &resources)?;
    reading(merge.reading());
    let read = merge.for_each(threads, &resources.timing, |observations, vantages| {
        for observation in observations {
            if let Statement::TableEntry { prefix, route, .. } = &observation.what
                && prefix.prefix_len() > 0
                && route.origin.is_some_and(|origin| asked.contains(&origin))
            {
                own.insert(*prefix);
            }
            if let Statement::TableEnd { collector, complete, sizes } = &observation.what {
                let (at, file) = (observation.at, observation.source.file);
                let peers = sizes.iter().filter(|(_, sizes)| sizes.iter().any(|size| *size > 0)).count();
                let collector = Arc::clone(vantages.collector_name(*collector));
                found.tables.push(TableSeen { file, collector, at, peers, complete: *complete });
                found.witness(sizes, vantages);
            }
        }
        Ok::<(), SourceError>(())
    });
    found.accounts = read?.1;
    if own.is_empty() {
        return Ok(found);
    }
    let watched = Interest::Watched(WatchedPrefixes::new(own.iter().copied()));
    let merge = Merge::open(files.to_vec(), watched, &resources)?;
    reading(merge.reading());
    let read = merge.for_each(threads, &resources.timing, |observations, vantages| {
        for observation in observations {
            if let Statement::TableEntry { from, prefix, route, .. } = &observation.what
                && let Some(origin) = route.origin
            {
                let seen = if own.contains(prefix) {
                    found.own.entry(*prefix)
                } else if successors(prefix.supernet(), IpNet::supernet).any(|cover| own.contains(&cover)) {
                    found.inside.entry(*prefix)
                } else {
                    continue;
                };
                seen.or_default().entry(origin).or_default().insert(vantages.point(*from).asn);
            }
        }
        Ok::<(), SourceError>(())
    });
    read?;
    Ok(found)
}

impl Originated {
    fn witness(&mut self, sizes: &[(VantageId, [u32; 2])], vantages: &Vantages) {
        for family in Family::BOTH {
            let with_table = sizes.iter().filter(|(_, sizes)| sizes[family.index()] > 0);
            self.witnesses[family.index()].extend(with_table.map(|(from, _)| vantages.point(*from).asn));
        }
    }
}
