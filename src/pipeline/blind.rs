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

/// Prefixes of which equally few could tell at the same time: when a collector falls silent it is all of them, and one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlindTogether {
    /// It began.
    pub from: Timestamp,
    /// It ended, or the recording did.
    pub until: Timestamp,
    /// So few ASes could tell at worst.
    pub told: u32,
    /// Ascending, never none.
    pub prefixes: Vec<IpNet>,
}

/// Prefixes named one by one.
const NAMED: usize = 8;

impl BlindTogether {
    /// Spans which differ in their prefixes only, together; in order of their beginning.
    pub fn of<'a>(spans: impl IntoIterator<Item = &'a BlindSpan>) -> Vec<Self> {
        let mut alike: BTreeMap<_, Vec<IpNet>> = BTreeMap::new();
        for span in spans {
            alike.entry((span.from, span.until, span.worst.seeing + span.worst.lost)).or_default().push(span.prefix);
        }
        let together = |((from, until, told), mut prefixes): (_, Vec<IpNet>)| {
            prefixes.sort_unstable();
            BlindTogether { from, until, told, prefixes }
        };
        alike.into_iter().map(together).collect()
    }

    /// The prefixes in words.
    pub fn which(&self) -> String {
        let named: Vec<String> = self.prefixes.iter().take(NAMED).map(IpNet::to_string).collect();
        match self.prefixes.len() - named.len() {
            0 => named.join(", "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    }
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
