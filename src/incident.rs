//! Incidents: withdrawals, foreign origins and reachability losses which belong together, and what they mean.
//!
//! Takes the findings of the routing side and of the probes, and the dependencies; gives [`Incident`]s which store evidence only. A
//! verdict is derived from the evidence by [`Incident::verdict`], never stored, so it can be recomputed by hand.

mod correlate;
mod facts;
mod flaps;
mod observed;
mod offline;
mod reason;
mod scene;
mod sight;
mod verdict;

use crate::foreign::ForeignOrigin;
use crate::reachability::ReachabilityLoss;
use crate::settings::Settings;
use crate::time::{Bounds, Timestamp};
use crate::withdrawal::{Churn, Withdrawal};
pub use correlate::{Correlation, Findings, correlate};
pub use facts::{DependencyLoss, LayerFacts, ServiceFacts};
pub use flaps::Flapped;
pub use observed::Observed;
pub(crate) use offline::Offline;
pub use reason::{Reason, ReasonCode};
pub use scene::{AddressScene, LayerProbed, NameServerScene, ServiceScene};
pub use verdict::{IncidentVerdict, ServiceVerdict, Severity, Verdict};

/// Things which broke together, with all evidence. It holds no verdict: see [`Incident::verdict`].
#[derive(Debug, Clone)]
pub struct Incident {
    /// Stable name: when it began and, if several began then, which.
    pub id: String,
    /// It began in here.
    pub began: Bounds,
    /// It ended in here; `None` if it had not when the recording ended.
    pub ended: Option<Bounds>,
    /// Everything known of it.
    pub evidence: Evidence,
}

/// Everything known of an incident.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Withdrawals, in order of onset.
    pub withdrawals: Vec<Withdrawal>,
    /// Foreign origins, in order of their first statement.
    pub foreign_origins: Vec<ForeignOrigin>,
    /// Losses of prefixes which services need, each over before it had held, while it lasted or shortly before; in order of time.
    pub flaps: Vec<Churn>,
    /// Losses of the organization's services and names, in order of onset, without those of muted vantages.
    pub losses: Vec<ReachabilityLoss>,
    /// Losses at vantages whose controls failed too: they say nothing of the organization.
    pub muted: Vec<ReachabilityLoss>,
    /// Losses of controls while it lasted.
    pub controls: Vec<ReachabilityLoss>,
    /// Every service, with what it depends on and how it was probed while the incident lasted.
    pub services: Vec<ServiceScene>,
    /// Spans while it lasted in which the routing side could not tell.
    pub routing_blind: Vec<Blindness>,
    /// Gaps of some collectors while it lasted, in which enough others could tell.
    pub routing_gaps: Vec<Blindness>,
    /// Vantages whose controls were probed, and of these the ones where they failed.
    pub control_vantages: ControlVantages,
    /// True if any probe of any kind was recorded.
    pub probed: bool,
    /// True if any BGP was observed.
    pub observed: bool,
    /// The thresholds in force.
    pub settings: Settings,
    /// When the recording ended.
    pub recorded_until: Timestamp,
}

/// A span in which the routing side, or some of it, could not tell, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blindness {
    /// It began.
    pub from: Timestamp,
    /// It ended.
    pub until: Timestamp,
    /// What was missing.
    pub what: String,
}

/// Where controls were probed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlVantages {
    /// All vantages which probed a control.
    pub probed: Vec<String>,
    /// Those where controls failed while the incident lasted.
    pub failing: Vec<String>,
}

impl Incident {
    /// What it means, for every service and as a whole: a pure function of the evidence.
    pub fn verdict(&self) -> IncidentVerdict {
        verdict::judge(self)
    }

    /// True if it had not ended when the recording did.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }
}
