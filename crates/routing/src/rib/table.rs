//! Table dumps and table transfers: what a complete table says of prefixes which are not in it.
//!
//! A dump lists some peers; for those, and for the families of which it lists routes for them, absence means "not present". For a
//! peer it does not list it means nothing. What an update said less than the slack before the dump is newer than the dump.

use super::cells::Cells;
use super::{ChangeCause, Changes, PrefixId, Rib, RouteId, RouteState, Says, Told};
use crate::observation::{Observation, RecordRef};
use crate::time::Timestamp;
use crate::vantage::{Family, VantageId};
use std::collections::BTreeSet;
use std::ops::Range;

/// A dump being read.
#[derive(Debug, Clone)]
pub(super) struct Dump {
    at: Timestamp,
    /// Whose tables of which families are in it.
    concerned: BTreeSet<(VantageId, Family)>,
}

/// A whole dump which was read to its end.
#[derive(Debug)]
pub struct EndedDump {
    dump: Dump,
    source: RecordRef,
}

impl Dump {
    pub fn new(at: Timestamp) -> Self {
        Dump { at, concerned: BTreeSet::new() }
    }

    pub fn at(&self) -> Timestamp {
        self.at
    }

    pub fn concern(&mut self, from: VantageId, family: Family) {
        self.concerned.insert((from, family));
    }

    /// It concerns those too which have none of the prefixes followed here.
    pub fn end(mut self, source: RecordRef, sizes: &[(VantageId, [u32; 2])]) -> EndedDump {
        for (from, sizes) in sizes {
            for family in Family::BOTH.into_iter().filter(|family| sizes[family.index()] > 0) {
                self.concern(*from, family);
            }
        }
        EndedDump { dump: self, source }
    }
}

impl Rib {
    /// A route in a dump: presence, unless an update said otherwise less than the slack before.
    pub(super) fn table_entry(
        &mut self,
        from: VantageId,
        (prefix, path_id, route, listed_by): (PrefixId, u32, RouteId, Option<Timestamp>),
        observation: &Observation,
        changes: &mut Changes,
    ) {
        if self.is_newer_than(observation.at, from, prefix) {
            if let Some(dump) = listed_by {
                self.cells.list(prefix, from, dump);
            }
            return;
        }
        let route = self.add_path(from, prefix, path_id, route);
        let told = Told {
            listed_by,
            at: observation.at,
            says: Says::Present,
            route: Some(route),
            cause: ChangeCause::Table,
            source: observation.source,
        };
        self.tell(from, prefix, told, changes);
    }

    /// What a whole dump does not list for its peers is not present; of the prefixes at these places. All places are gone through in their
    /// order, then the dump is [closed](Rib::close).
    pub fn conclude(&mut self, ended: &EndedDump, places: Range<usize>, changes: &mut Changes) {
        let (at, source) = (ended.dump.at, ended.source);
        for (from, family) in &ended.dump.concerned {
            for prefix in (places.start..places.end.min(self.cells.len())).map(PrefixId::at) {
                if self.cells.family(prefix) != *family {
                    continue;
                }
                if !self.cells.is_listed(prefix, *from) && !self.is_known_absent(prefix, *from, at) {
                    self.paths.remove(&(*from, prefix));
                    let told = Told { listed_by: None, at, says: Says::Withdrawn, route: None, cause: ChangeCause::Table, source };
                    self.tell(*from, prefix, told, changes);
                }
            }
            self.cells.told_before(*from, *family, places.end);
        }
    }

    /// All that a whole dump did not list was told.
    pub fn close(&mut self, ended: &EndedDump) {
        end_listings(&mut self.cells, &ended.dump, true);
    }

    /// A dump which is no whole one says nothing of what it does not list.
    pub(super) fn give_up(&mut self, dump: &Dump) {
        end_listings(&mut self.cells, dump, false);
    }

    /// Whether a dump's silence on the prefix says nothing new.
    fn is_known_absent(&self, prefix: PrefixId, from: VantageId, dump: Timestamp) -> bool {
        self.view(prefix, from).is_some_and(|view| view.state == RouteState::Withdrawn) || self.is_newer_than(dump, from, prefix)
    }

    /// A table transfer ended (RFC 4724 §2): what was forgotten with the session and not told again is not present.
    pub(super) fn end_transfer(
        &mut self,
        from: VantageId,
        family: Family,
        (at, source): (Timestamp, RecordRef),
        changes: &mut Changes,
    ) {
        for prefix in
            self.cells.forgotten(from).into_iter().filter(|prefix| self.cells.family(*prefix) == family).collect::<Vec<_>>()
        {
            let told = Told { listed_by: None, at, says: Says::Withdrawn, route: None, cause: ChangeCause::NotInTransfer, source };
            self.tell(from, prefix, told, changes);
        }
    }

    /// Whether an update spoke of it later than the slack before a dump.
    fn is_newer_than(&self, dump: Timestamp, from: VantageId, prefix: PrefixId) -> bool {
        self.cells
            .get(prefix, from)
            .is_some_and(|cell| cell.says != Says::Forgotten && !cell.from_table && cell.heard > dump - self.seed_slack)
    }
}

fn end_listings(cells: &mut Cells, dump: &Dump, complete: bool) {
    for (from, family) in &dump.concerned {
        cells.end_listing(*from, *family, complete);
    }
}
