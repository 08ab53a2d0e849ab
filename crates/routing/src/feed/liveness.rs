//! Whether a vantage point can be believed.

use crate::observation::RecordRef;
use crate::time::Timestamp;
use crate::vantage::VantageId;

/// Whether a vantage point can be believed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It never spoke.
    Never,
    /// It speaks.
    Up,
    /// It is silent, or its collector is: its routes count as unknown until it speaks again, then as before.
    Suspended,
    /// Its session was lost, or what it said was not recorded: its routes are unknown until it tells them anew.
    Down,
}

/// A change of liveness which concerns routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LivenessChange {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub from: VantageId,
    /// What it is now.
    pub now: Liveness,
    /// The record which says so; none for silence.
    pub source: Option<RecordRef>,
}

impl LivenessChange {
    /// Whether both are of one silence, or of one end of it: at the same time, the same way, and no record of their own says so.
    pub fn is_with(&self, other: &LivenessChange) -> bool {
        let what = |change: &LivenessChange| (change.at, change.now, change.source);
        self.source.is_none() && what(self) == what(other)
    }
}
