//! What is usual: the time-weighted median of the upper share.

use crate::settings::Settings;
use crate::time::{Span, Timestamp};
use crate::visibility::Share;
use std::collections::VecDeque;

/// How long each share was held, in microseconds, by share. There are many steps, and few shares.
pub(super) type Weights = Vec<(Share, i64)>;

/// The upper share of a prefix over the baseline window. Most prefixes have one share all the time: it stands in place.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// The share from each time on; none from where it does not count.
    first: Option<Step>,
    /// Most prefixes have no more, and there are a million.
    later: Option<Box<Later>>,
    /// The share at the first complete seed.
    seed: Option<Share>,
}

/// The steps after the first.
#[derive(Debug, Clone, Default)]
struct Later {
    steps: VecDeque<Step>,
    /// How long the shares of these steps were held, but for the last one, which still is.
    held: Weights,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    at: Timestamp,
    share: Option<Share>,
}

impl History {
    /// From `at` on the share is this.
    pub fn push(&mut self, at: Timestamp, share: Share, window: Span) {
        let last = self.later.as_ref().and_then(|later| later.steps.back()).or(self.first.as_ref());
        if last.is_none_or(|last| last.share != Some(share)) {
            self.add(Step { at, share: Some(share) });
        }
        let Some(later) = &mut self.later else { return };
        while let Some(next) = later.pop_before(at - window) {
            self.first = Some(next);
        }
        if later.steps.is_empty() {
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
            self.later.get_or_insert_default().push(step);
        }
    }

    /// The median over what there is; with less than the least history, the share at the first complete seed, and 1 without any: the
    /// first thing ever said may be a loss. `weights`: room which is used again.
    pub fn baseline(&self, now: Timestamp, settings: &Settings, weights: &mut Weights) -> Share {
        let seed = self.seed.unwrap_or(Share::ONE);
        let from = now - settings.baseline_window;
        weights.clear();
        let steps = self.later.as_ref().map(|later| &later.steps);
        if let Some(later) = &self.later {
            weights.extend_from_slice(&later.held);
            // What was held before the window counts no more.
            for (step, next) in later.steps.iter().zip(later.steps.iter().skip(1)).take_while(|(step, _)| step.at < from) {
                weigh(weights, *step, held(*step, next.at, from) - held(*step, next.at, step.at));
            }
        }
        if let Some(first) = self.first {
            let end = steps.and_then(VecDeque::front).map_or(now, |next| next.at);
            weigh(weights, first, held(first, end, from));
        }
        if let Some(last) = steps.and_then(VecDeque::back) {
            weigh(weights, *last, held(*last, now, from));
        }
        let total = weights.iter().map(|(_, weight)| weight).sum::<i64>();
        if total < settings.baseline_min.micros() {
            return seed;
        }
        let mut sum = 0;
        for (share, weight) in weights {
            sum += *weight;
            if sum > total / 2 {
                return *share;
            }
        }
        seed
    }
}

impl Later {
    fn push(&mut self, step: Step) {
        if let Some(last) = self.steps.back() {
            weigh(&mut self.held, *last, held(*last, step.at, last.at));
        }
        self.steps.push_back(step);
    }

    /// Takes the first step, if it is earlier than this.
    fn pop_before(&mut self, time: Timestamp) -> Option<Step> {
        let step = self.steps.pop_front_if(|step| step.at < time)?;
        if let Some(next) = self.steps.front() {
            weigh(&mut self.held, step, -held(step, next.at, step.at));
            self.held.retain(|(_, weight)| *weight != 0);
        }
        Some(step)
    }
}

/// How long a step was held, in microseconds, from a time on.
fn held(step: Step, end: Timestamp, from: Timestamp) -> i64 {
    end.since(step.at.max(from)).micros().max(0)
}

fn weigh(weights: &mut Weights, step: Step, weight: i64) {
    let Some(share) = step.share else { return };
    match weights.binary_search_by_key(&share, |(known, _)| *known) {
        Ok(place) => weights[place].1 += weight,
        Err(place) => weights.insert(place, (share, weight)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_sums_which_are_kept_are_those_of_all_steps(
            pushes in prop::collection::vec((0i64..2_000, 0u32..4, prop::bool::weighted(0.1)), 1..60),
            after in 0i64..3_000,
        ) {
            let settings = Settings { baseline_window: Span::from_seconds(10_000), baseline_min: Span::from_seconds(600), ..Settings::default() };
            let (mut history, mut steps, mut now) = (History::default(), Vec::new(), 0);
            for (pause, share, stop) in pushes {
                now += pause;
                let share = Share::of(share, 3);
                if stop { history.pause(at(now)) } else { history.push(at(now), share, settings.baseline_window) }
                steps.push((now, (!stop).then_some(share)));
                let asked = now + after;
                let ends = steps.iter().skip(1).map(|(next, _)| *next).chain([asked]);
                let mut held: Weights = Vec::new();
                for ((from, share), end) in steps.iter().zip(ends) {
                    let length = (end - (*from).max(asked - 10_000)).max(0) * 1_000_000;
                    weigh(&mut held, Step { at: at(*from), share: *share }, length);
                }
                let total: i64 = held.iter().map(|(_, length)| length).sum();
                let median = held.iter().scan(0, |sum, (share, length)| { *sum += length; Some((*sum, *share)) });
                let median = median.into_iter().find(|(sum, _)| *sum > total / 2).map(|(_, share)| share);
                let expected = median.filter(|_| total >= 600_000_000).unwrap_or(Share::ONE);
                prop_assert_eq!(history.baseline(at(asked), &settings, &mut Vec::new()), expected);
            }
        }
    }

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
