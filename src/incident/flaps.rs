//! How prefixes flapped: lost by many and back, perhaps again and again, each time before the loss had held long enough to be a withdrawal.

use super::Evidence;
use crate::time::{Span, Timestamp};
use crate::visibility::Visibility;
use crate::withdrawal::Churn;
use ipnet::IpNet;
use std::collections::BTreeMap;

/// How a prefix flapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flapped {
    /// The prefix.
    pub prefix: IpNet,
    /// How often.
    pub times: usize,
    /// From the first loss.
    pub from: Timestamp,
    /// Until the last return.
    pub until: Timestamp,
    /// The longest of the losses.
    pub longest: Span,
    /// When fewest saw it.
    pub worst: Visibility,
}

impl Evidence {
    /// How prefixes flapped which services need and which were not withdrawn, too, in order of the beginning.
    pub fn flapped(&self) -> Vec<Flapped> {
        let mut by_prefix: BTreeMap<IpNet, Flapped> = BTreeMap::new();
        let withdrawn = |prefix: IpNet| self.withdrawals.iter().any(|withdrawal| withdrawal.prefix == prefix);
        for flap in self.flaps.iter().filter(|flap| !withdrawn(flap.prefix)) {
            let Churn { prefix, from, until, lowest } = *flap;
            let once = Flapped { prefix, times: 0, from, until, longest: Span::ZERO, worst: lowest.visibility };
            let all = by_prefix.entry(prefix).or_insert(once);
            all.times += 1;
            all.until = all.until.max(until);
            all.longest = all.longest.max(until.since(from));
            all.worst = std::cmp::min_by_key(all.worst, lowest.visibility, |seen| seen.upper());
        }
        let mut flapped: Vec<Flapped> = by_prefix.into_values().collect();
        flapped.sort_by_key(|flapped| (flapped.from, flapped.prefix));
        flapped
    }
}

impl Flapped {
    /// ` 10 times`, or nothing of a single time: to follow "lost by many and back".
    pub fn times_in_words(&self) -> String {
        if self.times == 1 { String::new() } else { format!(" {} times", self.times) }
    }
}
