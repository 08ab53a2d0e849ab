//! Spans in which too few could tell whether an own prefix was there.

use crate::time::Timestamp;
use crate::visibility::Visibility;
use crate::withdrawal::Withdrawal;
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
        named(&self.prefixes)
    }
}

/// Some of many prefixes, and how many more there are.
pub fn named(prefixes: &[IpNet]) -> String {
    let named: Vec<String> = prefixes.iter().take(NAMED).map(IpNet::to_string).collect();
    match prefixes.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Whoever could not see a prefix saw not when it came back: where a recovery was found before enough could tell again, it is told since when they could not.
pub(super) fn bound_recoveries(withdrawals: &mut [Withdrawal], spans: &[BlindSpan]) {
    for withdrawal in withdrawals {
        let Some(recovered) = withdrawal.recovered else { continue };
        let hides = |span: &&BlindSpan| span.prefix == withdrawal.prefix && span.from < recovered && recovered <= span.until;
        let began = |span: &BlindSpan| span.from.max(withdrawal.onset.latest);
        withdrawal.unseen_since = spans.iter().find(hides).map(began);
    }
}

/// Collects them.
#[derive(Debug, Clone)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_could_tell_of_at_one_time_is_one_sentence() {
        let blind = |prefix: String, until| BlindSpan {
            prefix: prefix.parse().unwrap(),
            from: Timestamp::from_parts(0, 0),
            until: Timestamp::from_parts(until, 0),
            worst: Visibility { seeing: 1, lost: 2, unknown: 9 },
        };
        let mut spans: Vec<BlindSpan> = (0..10).map(|number| blind(format!("192.0.{number}.0/24"), 60)).collect();
        spans.push(blind("198.51.100.0/24".to_owned(), 61));
        let together = BlindTogether::of(&spans);
        let told: Vec<(u32, usize, String)> =
            together.iter().map(|blind| (blind.told, blind.prefixes.len(), blind.which())).collect();
        assert_eq!(told[1], (3, 1, "198.51.100.0/24".to_owned()));
        assert_eq!((told[0].0, told[0].1, together.len()), (3, 10, 2));
        assert!(told[0].2.starts_with("192.0.0.0/24, ") && told[0].2.ends_with("192.0.7.0/24 and 2 more"), "{}", told[0].2);
    }
}
