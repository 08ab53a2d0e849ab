//! Events which are told, and are no incident.

use crate::foreign::ForeignOrigin;
use crate::org::Organization;
use crate::time::{Span, Timestamp};
use crate::withdrawal::{Churn, Withdrawal};

/// An event which is told, and is no incident.
#[derive(Debug, Clone)]
pub enum Observed {
    /// A partial withdrawal which no incident took in.
    Partial(Withdrawal),
    /// A more specific was lost, its cover delivers, and all probes were well.
    CoverDelivers(Withdrawal),
    /// A withdrawal inside a maintenance window, with the window's remark.
    Planned(Withdrawal, Option<String>),
    /// A foreign origin which too few ASes took.
    ForeignUnopened(ForeignOrigin),
    /// Prefixes lost by many and back within the hold, one soon after the other.
    Churn(Vec<Churn>),
}

impl Observed {
    /// When it began.
    pub fn at(&self) -> Timestamp {
        match self {
            Observed::Partial(withdrawal) | Observed::CoverDelivers(withdrawal) | Observed::Planned(withdrawal, _) => {
                withdrawal.onset.earliest
            }
            Observed::ForeignUnopened(foreign) => foreign.first,
            Observed::Churn(churn) => churn.first().map_or(Timestamp::MIN, |first| first.from),
        }
    }
}

/// What churned within the grouping time of what had churned before is told as one.
pub(super) fn churn(mut in_order: Vec<Churn>, grouping: Span) -> Vec<Observed> {
    in_order.sort_by_key(|churn| (churn.from, churn.prefix));
    let mut until = Timestamp::MIN;
    let mut told: Vec<Vec<Churn>> = Vec::new();
    for churn in in_order {
        match told.last_mut().filter(|_| churn.from.since(until) <= grouping) {
            Some(together) => together.push(churn),
            None => told.push(vec![churn]),
        }
        until = until.max(churn.until);
    }
    told.into_iter().map(Observed::Churn).collect()
}

/// The remark of the maintenance window which announced the withdrawal, if one did.
pub(super) fn window_of(withdrawal: &Withdrawal, organization: &Organization) -> Option<Option<String>> {
    let window = organization.maintenance.iter().find(|window| {
        let time = window.from <= withdrawal.onset.earliest && withdrawal.onset.earliest <= window.until;
        let prefixes = window.prefixes.is_empty() || window.prefixes.iter().any(|prefix| prefix.contains(&withdrawal.prefix));
        let ends = withdrawal.recovered.is_none_or(|recovered| recovered <= window.until);
        time && prefixes && ends
    })?;
    Some(window.note.clone())
}
