//! What a pipeline knows now, to look at without a copy: for whoever shows it while it goes on.

use super::{Log, Pipeline};
use crate::foreign::ForeignOrigins;
use crate::rib::Rib;
use crate::visibility::Votes;
use crate::withdrawal::Detector;

impl Pipeline {
    /// What every vantage point says.
    pub fn rib(&self) -> &Rib {
        &self.stages.rib
    }

    /// Who sees what.
    pub fn votes(&self) -> &Votes {
        &self.votes
    }

    /// Withdrawals, and what may become one.
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// Announcements by others.
    pub fn foreign(&self) -> &ForeignOrigins {
        &self.foreign
    }

    /// What happened so far to what is watched.
    pub fn log(&self) -> &Log {
        &self.log
    }
}
