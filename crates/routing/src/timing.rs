//! Where the time of a run goes, for `--stats`.
//!
//! Takes the work of a stage as a closure; gives what each stage took. Off, the work is simply done. It measures, and decides nothing: no
//! result depends on it. Times are of the clock on the wall, so they are longer where a processor is shared.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What time is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading files.
    Read,
    /// Hashing what was read.
    Hash,
    /// Unpacking: reading and hashing included.
    Unpack,
    /// Waiting for unpacked bytes, or unpacking them where there is one thread only.
    Wait,
    /// Reading statements: framing, scan, merge; waiting for bytes and the full decoder included.
    Merge,
    /// The full decoder.
    Decode,
    /// State, visibility, detection.
    State,
    /// Reading and judging BGP archives: where one thread does both, all of the above included.
    Archives,
    /// Reading probe results.
    Probes,
    /// Comparing what both halves found.
    Compare,
    /// Making and writing the report.
    Report,
}

/// How many there are.
const STAGES: usize = 11;

/// A watch; off unless it was made by [`Timing::on`].
#[derive(Debug, Clone, Default)]
pub struct Timing(Option<Arc<[AtomicU64; STAGES]>>);

impl Timing {
    /// One which measures.
    pub fn on() -> Self {
        Timing(Some(Arc::default()))
    }

    /// Whether it measures.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Does the work of a stage.
    #[allow(clippy::disallowed_methods, reason = "durations for `--stats`, on which no result depends")]
    pub fn of<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let Some(nanos) = &self.0 else { return work() };
        let from = Instant::now();
        let done = work();
        nanos[stage as usize].fetch_add(u64::try_from(from.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        done
    }

    /// Adds what was not measured here.
    pub fn add(&self, stage: Stage, time: Duration) {
        if let Some(nanos) = &self.0 {
            nanos[stage as usize].fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// What a stage took in all threads together.
    pub fn spent(&self, stage: Stage) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |nanos| Duration::from_nanos(nanos[stage as usize].load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_adds_up_and_others_stay_apart() {
        let timing = Timing::on();
        assert_eq!(timing.of(Stage::Decode, || 7), 7);
        timing.add(Stage::Decode, Duration::from_secs(2));
        assert!(timing.spent(Stage::Decode) >= Duration::from_secs(2));
        assert_eq!(timing.spent(Stage::Report), Duration::ZERO);
    }

    #[test]
    fn off_it_does_the_work_and_measures_nothing() {
        let timing = Timing::default();
        assert_eq!(timing.of(Stage::Read, || 7), 7);
        assert_eq!((timing.is_on(), timing.spent(Stage::Read)), (false, Duration::ZERO));
    }
}
