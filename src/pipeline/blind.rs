//! Spans in which too few could tell whether an own prefix was there.

use crate::time::Timestamp;
use crate::visibility::Visibility;
use ipnet::IpNet;
use std::collections::BTreeMap;

/// From when to when fewer than the least number of ASes could tell of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlindSpan {
    /// The prefix.
    pub prefix: IpNet,
    /// It began.
    pub from: Timestamp,
    /// It ended, or the recording did.
    pub until: Timestamp,
    /// Who could tell least.
    pub worst: Visibility,
}

/// Collects them.
#[derive(Debug)]
pub(super) struct BlindSpans {
    least: u32,
    open: BTreeMap<IpNet, (Timestamp, Visibility)>,
    spans: Vec<BlindSpan>,
}

impl BlindSpans {
    pub fn new(least: u32) -> Self {
        BlindSpans { least, open: BTreeMap::new(), spans: Vec::new() }
    }

    pub fn observe(&mut self, prefix: IpNet, at: Timestamp, now: Visibility) {
        let told = now.seeing + now.lost;
        if told < self.least {
            let (_, worst) = self.open.entry(prefix).or_insert((at, now));
            if told < worst.seeing + worst.lost {
                *worst = now;
            }
        } else if let Some((from, worst)) = self.open.remove(&prefix)
            && from < at
        {
            self.spans.push(BlindSpan { prefix, from, until: at, worst });
        }
    }

    pub fn finish(mut self, end: Timestamp) -> Vec<BlindSpan> {
        let open = self.open.into_iter().filter(|(_, (from, _))| *from < end);
        self.spans.extend(open.map(|(prefix, (from, worst))| BlindSpan { prefix, from, until: end, worst }));
        self.spans.sort_by_key(|span| (span.from, span.prefix));
        self.spans
    }
}
