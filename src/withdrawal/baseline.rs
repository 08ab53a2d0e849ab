//! What is usual: the time-weighted median of the upper share.

use crate::settings::Settings;
use crate::time::{Span, Timestamp};
use crate::visibility::Share;
use std::collections::VecDeque;

/// The upper share of a prefix over the baseline window.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The share from each time on.
    steps: VecDeque<(Timestamp, Share)>,
    /// The share at the first complete seed.
    seed: Option<Share>,
}

impl History {
    /// From `at` on the share is this.
    pub fn push(&mut self, at: Timestamp, share: Share, window: Span) {
        if self.steps.back().is_none_or(|(_, last)| *last != share) {
            self.steps.push_back((at, share));
        }
        while self.steps.len() > 1 && self.steps[1].0 < at - window {
            self.steps.pop_front();
        }
    }

    /// The share at a complete seed; only the first one counts.
    pub fn seed(&mut self, share: Share) {
        self.seed.get_or_insert(share);
    }

    /// True once a seed told the share.
    pub fn is_seeded(&self) -> bool {
        self.seed.is_some()
    }

    /// The median over what there is; with less than the least history, the share at the first complete seed, and 1 without any: the
    /// first thing ever said may be a loss.
    pub fn baseline(&self, now: Timestamp, settings: &Settings) -> Share {
        let seed = self.seed.unwrap_or(Share::ONE);
        let Some((first, share)) = self.steps.front().copied() else { return seed };
        let from = first.max(now - settings.baseline_window);
        if now.since(from) < settings.baseline_min {
            return seed;
        }
        let ends = self.steps.iter().skip(1).map(|(at, _)| *at).chain([now]);
        let mut weighted: Vec<(Share, i64)> =
            self.steps.iter().zip(ends).map(|((at, share), end)| (*share, end.since((*at).max(from)).micros().max(0))).collect();
        weighted.sort_unstable();
        let half = weighted.iter().map(|(_, weight)| weight).sum::<i64>() / 2;
        let mut sum = 0;
        for (share, weight) in weighted {
            sum += weight;
            if sum > half {
                return share;
            }
        }
        share
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
        assert_eq!(history.baseline(at(3_600), &settings), Share::ONE);
    }

    #[test]
    fn short_history_takes_the_share_of_its_seed() {
        let settings = Settings::default();
        let mut history = History::default();
        assert_eq!(history.baseline(at(0), &settings), Share::ONE);
        history.push(at(0), Share::of(9, 10), settings.baseline_window);
        assert_eq!(history.baseline(at(5), &settings), Share::ONE, "the first thing said was a loss");
        history.seed(Share::of(9, 10));
        history.seed(Share::of(1, 10));
        history.push(at(10), Share::of(1, 10), settings.baseline_window);
        assert_eq!(history.baseline(at(500), &settings), Share::of(9, 10));
        assert_eq!(history.baseline(at(700), &settings), Share::of(1, 10), "long enough for a median");
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let settings = Settings::default();
        let mut history = History::default();
        history.push(at(0), Share::of(1, 10), settings.baseline_window);
        history.push(at(10), Share::ONE, settings.baseline_window);
        history.push(at(100_000), Share::of(1, 2), settings.baseline_window);
        assert_eq!(history.baseline(at(100_001), &settings), Share::ONE);
    }
}
