//! Prefixes which are followed elsewhere, where a [share](crate::scope::Share) of all prefixes is followed here.

use super::Rib;
use crate::observation::Statement;
use crate::vantage::{Family, Vantages};

impl Rib {
    /// Takes a statement on a prefix which is followed elsewhere: that its vantage point spoke of the family, and that a dump lists routes of it, counts for what
    /// is said of the prefixes here.
    pub fn observe_elsewhere(&mut self, what: &Statement, vantages: &Vantages) {
        let (Some(from), Some(family)) = (what.from(), what.prefix().map(Family::of)) else { return };
        if let Statement::TableEntry { .. } = what
            && let Some(dump) = self.dumps.get_mut(&vantages.collector_of(from))
        {
            if !self.cells.is_being_listed(from, family) {
                dump.concern(from, family);
            }
            self.cells.list_elsewhere(from, family, dump.at());
        }
        self.cells.spoke_elsewhere(from, family);
    }
}
