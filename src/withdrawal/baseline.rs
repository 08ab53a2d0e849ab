//! What is usual: the time-weighted median of the upper share.

use crate::settings::Settings;
use crate::time::{Span, Timestamp};
use crate::visibility::Share;
use std::collections::VecDeque;

/// How long each share was held, in microseconds: room which is used again.
pub(super) type Weights = Vec<(Share, i64)>;

/// The upper share of a prefix over the baseline window. Most prefixes have one share all the time: it stands in place.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The share from each time on; none from where it does not count.
    first: Option<Step>,
    #[allow(clippy::box_collection, reason = "most prefixes have none, and there are a million")]
    later: Option<Box<VecDeque<Step>>>,
    /// The share at the first complete seed.
    seed: Option<Share>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    at: Timestamp,
    share: Option<Share>,
}

impl History {
    /// From `at` on the share is this.
    pub fn push(&mut self, at: Timestamp, share: Share, window: Span) {
        let last = self.later.as_ref().and_then(|later| later.back()).or(self.first.as_ref());
        if last.is_none_or(|last| last.share != Some(share)) {
            self.add(Step { at, share: Some(share) });
        }
        let Some(later) = &mut self.later else { return };
        while let Some(next) = later.pop_front_if(|next| next.at < at - window) {
            self.first = Some(next);
        }
        if later.is_empty() {
            self.later = None;
        }
    }

    /// From `at` on nothing counts until the next push: a withdrawal is not what is usual, however long it lasts.
    pub fn pause(&mut self, at: Timestamp) {
        self.add(Step { at, share: None });
    }

    /// The share at a complete seed; only the first one counts.
    pub fn seed(&mut self, share: Share) {
        self.seed.get_or_insert(share);
    }

    /// True until the first push.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// True once a seed told the share.
    pub fn is_seeded(&self) -> bool {
        self.seed.is_some()
    }

    fn add(&mut self, step: Step) {
        if self.first.is_none() {
            self.first = Some(step);
        } else {
            self.later.get_or_insert_default().push_back(step);
        }
    }

    /// The median over what there is; with less than the least history, the share at the first complete seed, and 1 without any: the
    /// first thing ever said may be a loss.
    pub fn baseline(&self, now: Timestamp, settings: &Settings, weighted: &mut Weights) -> Share {
        let seed = self.seed.unwrap_or(Share::ONE);
        let from = now - settings.baseline_window;
        // There are many steps, and few shares.
        weighted.clear();
        let mut weigh = |step: Step, end: Timestamp| {
            let Some(share) = step.share else { return };
            let weight = end.since(step.at.max(from)).micros().max(0);
            match weighted.binary_search_by_key(&share, |(known, _)| *known) {
                Ok(place) => weighted[place].1 += weight,
                Err(place) => weighted.insert(place, (share, weight)),
            }
        };
        if let Some(mut last) = self.first {
            for step in self.later.iter().flat_map(|later| later.iter()) {
                weigh(last, step.at);
                last = *step;
            }
            weigh(last, now);
        }
        let total = weighted.iter().map(|(_, weight)| weight).sum::<i64>();
        if total < settings.baseline_min.micros() {
            return seed;
        }
        let mut sum = 0;
        for (share, weight) in weighted {
            sum += *weight;
            if sum > total / 2 {
                return *share;
            }
        }
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    #[test]
    fn the_median_is_weighted_by_time_and_not_by_messages() {
        let settings = Settings::default();
        let mut history = History::default();
        history.push(at(0), Share::ONE, settings.baseline_window);
        for i in 0..20 {
            history.push(at(3_000 + i * 2), Share::of(1, 10), settings.baseline_window);
            history.push(at(3_001 + i * 2), Share::of(9, 10), settings.baseline_window);
        }
        history.push(at(3_100), Share::ONE, settings.baseline_window);
        assert_eq!(history.baseline(at(3_600), &settings, &mut Vec::new()), Share::ONE);
    }

    #[test]
    fn short_history_takes_the_share_of_its_seed() {
        let settings = Settings::default();
        let mut history = History::default();
        assert_eq!(history.baseline(at(0), &settings, &mut Vec::new()), Share::ONE);
        history.push(at(0), Share::of(9, 10), settings.baseline_window);
        assert_eq!(history.baseline(at(5), &settings, &mut Vec::new()), Share::ONE, "the first thing said was a loss");
        history.seed(Share::of(9, 10));
        history.seed(Share::of(1, 10));
        history.push(at(10), Share::of(1, 10), settings.baseline_window);
        assert_eq!(history.baseline(at(500), &settings, &mut Vec::new()), Share::of(9, 10));
        assert_eq!(history.baseline(at(700), &settings, &mut Vec::new()), Share::of(1, 10), "long enough for a median");
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let settings = Settings::default();
        let mut history = History::default();
        history.push(at(0), Share::of(1, 10), settings.baseline_window);
        history.push(at(10), Share::ONE, settings.baseline_window);
        history.push(at(100_000), Share::of(1, 2), settings.baseline_window);
        assert_eq!(history.baseline(at(100_001), &settings, &mut Vec::new()), Share::ONE);
    }

    #[test]
    fn a_withdrawal_longer_than_the_time_before_it_does_not_become_usual() {
        let settings = Settings::default();
        let mut history = History::default();
        history.push(at(0), Share::of(9, 10), settings.baseline_window);
        history.push(at(700), Share::of(0, 10), settings.baseline_window);
        history.pause(at(760));
        history.push(at(50_000), Share::ONE, settings.baseline_window);
        assert_eq!(history.baseline(at(50_100), &settings, &mut Vec::new()), Share::of(9, 10));
    }
}
