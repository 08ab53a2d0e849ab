//! From the watch to whoever looks: at most one snapshot a second, the newest in place of the one before.

use super::{Chronicle, Snapshot};
use crate::report::ReportView;
use crate::time::{Span, Timestamp};
use crate::watch::board::Lookout;
use crate::watch::{IncidentEvent, Live};
use std::sync::Arc;
use tokio::sync::watch;

/// No two snapshots are closer.
const EVERY: Span = Span::from_seconds(1);

/// Publishes snapshots of a watch.
#[derive(Debug)]
pub struct Publisher {
    /// What it is told of the connection, probes, the canary and alerts.
    pub lookout: Lookout,
    chronicle: Chronicle,
    sender: watch::Sender<Arc<Snapshot>>,
    last: Timestamp,
}

impl Publisher {
    /// Publishes what is known at first.
    pub fn new(mut lookout: Lookout, live: &Live, at: Timestamp) -> (Publisher, watch::Receiver<Arc<Snapshot>>) {
        let chronicle = Chronicle::default();
        let (sender, receiver) = watch::channel(Arc::new(chronicle.snapshot(lookout.look(live, at))));
        (Publisher { lookout, chronicle, sender, last: at }, receiver)
    }

    /// Something happened to incidents.
    pub fn incidents(&mut self, report: Arc<ReportView>, events: &[IncidentEvent], at: Timestamp) {
        self.chronicle.take(report, events, at);
    }

    /// Everything was looked at; `at`: by the system's clock.
    pub fn looked(&mut self, live: &Live, at: Timestamp) {
        if self.chronicle.is_unnumbered() {
            self.chronicle.number(live.numbers());
        }
        // A clock which was put back must not silence it.
        if at.since(self.last).abs() >= EVERY {
            self.last = at;
            self.sender.send_replace(Arc::new(self.chronicle.snapshot(self.lookout.look(live, at))));
        }
    }
}
