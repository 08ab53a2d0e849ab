//! Table dumps and table transfers: what a complete table says of prefixes which are not in it.
//!
//! A dump lists some peers; for those, and for the families of which it lists routes for them, absence means "not present". For a
//! peer it does not list it means nothing. What an update said less than the slack before the dump is newer than the dump.

use super::{ChangeCause, PrefixId, Rib, RouteChange, RouteId, RouteState, Says, Told};
use crate::observation::{Observation, RecordRef};
use crate::time::Timestamp;
use crate::vantage::{Family, VantageId};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// A dump being read.
#[derive(Debug)]
pub(super) struct Dump {
    at: Timestamp,
    /// Prefixes listed, by peer and family.
    listed: BTreeMap<(VantageId, Family), RoaringBitmap>,
}

impl Dump {
    pub fn new(at: Timestamp) -> Self {
        Dump { at, listed: BTreeMap::new() }
    }

    /// Whose tables of which families are in the dump: also of those which have none of the prefixes followed here.
    pub fn concerns(&mut self, sizes: &[(VantageId, [u32; 2])]) {
        for (from, sizes) in sizes {
            for family in [Family::Ipv4, Family::Ipv6].into_iter().filter(|family| sizes[family.index()] > 0) {
                self.listed.entry((*from, family)).or_default();
            }
        }
    }

    pub fn list(&mut self, from: VantageId, family: Family, prefix: PrefixId) {
        self.listed.entry((from, family)).or_default().insert(prefix.number());
    }
}

impl Rib {
    /// A route in a dump: presence, unless an update said otherwise less than the slack before.
    pub(super) fn table_entry(
        &mut self,
        from: VantageId,
        (prefix, path_id, route): (PrefixId, u32, RouteId),
        observation: &Observation,
        changes: &mut Vec<RouteChange>,
    ) {
        if self.is_newer_than(observation.at, from, prefix) {
            return;
        }
        let route = self.add_path(from, prefix, path_id, route);
        let told = Told {
            at: observation.at,
            says: Says::Present,
            route: Some(route),
            cause: ChangeCause::Table,
            source: observation.source,
        };
        self.tell(from, prefix, told, changes);
    }

    /// The dump was complete: what it does not list for its peers is not present.
    pub(super) fn conclude_absences(&mut self, dump: &Dump, source: RecordRef, changes: &mut Vec<RouteChange>) {
        for ((from, family), listed) in &dump.listed {
            for index in 0..self.cells.len() {
                let prefix = PrefixId::at(index);
                if Family::of(&self.prefixes.get(prefix)) != *family || listed.contains(prefix.number()) {
                    continue;
                }
                let told = self.view(prefix, *from).is_some_and(|view| view.state == RouteState::Withdrawn);
                if told || self.is_newer_than(dump.at, *from, prefix) {
                    continue;
                }
                self.paths.remove(&(*from, prefix));
                let told = Told { at: dump.at, says: Says::Withdrawn, route: None, cause: ChangeCause::Table, source };
                self.tell(*from, prefix, told, changes);
            }
        }
    }

    /// A table transfer ended (RFC 4724 §2): what was forgotten with the session and not told again is not present.
    pub(super) fn end_transfer(
        &mut self,
        from: VantageId,
        family: Family,
        (at, source): (Timestamp, RecordRef),
        changes: &mut Vec<RouteChange>,
    ) {
        let spoken_of = self.spoken_of.get(from.index()).cloned().unwrap_or_default();
        for prefix in spoken_of.into_iter().map(PrefixId::numbered) {
            let cells = &self.cells[prefix.index()];
            let place = cells.binary_search_by_key(&from, |cell| cell.from);
            let forgotten = place.is_ok_and(|place| cells[place].says == Says::Forgotten);
            if forgotten && Family::of(&self.prefixes.get(prefix)) == family {
                let told = Told { at, says: Says::Withdrawn, route: None, cause: ChangeCause::NotInTransfer, source };
                self.tell(from, prefix, told, changes);
            }
        }
    }

    /// Whether an update spoke of it later than the slack before a dump.
    fn is_newer_than(&self, dump: Timestamp, from: VantageId, prefix: PrefixId) -> bool {
        let cells = &self.cells[prefix.index()];
        cells.binary_search_by_key(&from, |cell| cell.from).is_ok_and(|place| {
            let cell = &cells[place];
            cell.says != Says::Forgotten && !cell.from_table && cell.heard > dump - self.seed_slack
        })
    }
}
