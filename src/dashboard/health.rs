//! Is the watch alive? Judged by whoever serves, who sees only what is published: a watch which hangs publishes nothing.

use super::Snapshot;
use crate::time::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// A stream which says nothing for so long is not there: collectors say something every second, and a connection is given up after 75 s.
const HEARD_WITHIN: Duration = Duration::from_secs(60);
/// A watch which publishes nothing for so long hangs.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(15);

/// When what changed last, and what it is.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// A snapshot was published.
    published: Instant,
    /// Frames came.
    heard: (Instant, u64),
    /// The pipeline went on; none before it began.
    advanced: (Instant, Option<Timestamp>),
}

/// Follows what is published.
#[derive(Debug, Clone)]
pub struct Pulse {
    seen: Arc<Mutex<Seen>>,
}

impl Pulse {
    /// Follows it from now on, until nobody publishes any more. To be called within a runtime.
    pub fn follow(mut snapshots: watch::Receiver<Arc<Snapshot>>) -> Pulse {
        let of = |snapshot: &Snapshot| (snapshot.board.stream.frames, snapshot.board.now);
        let first = of(&snapshots.borrow_and_update());
        let pulse = Pulse::new(Instant::now(), first);
        let followed = pulse.clone();
        tokio::spawn(async move {
            while snapshots.changed().await.is_ok() {
                let told = of(&snapshots.borrow_and_update());
                followed.beat(Instant::now(), told);
            }
        });
        pulse
    }

    fn new(now: Instant, (frames, time): (u64, Option<Timestamp>)) -> Pulse {
        let seen = Seen { published: now, heard: (now, frames), advanced: (now, time) };
        Pulse { seen: Arc::new(Mutex::new(seen)) }
    }

    fn beat(&self, now: Instant, (frames, time): (u64, Option<Timestamp>)) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.published = now;
        if seen.heard.1 != frames {
            seen.heard = (now, frames);
        }
        if seen.advanced.1 != time {
            seen.advanced = (now, time);
        }
    }

    /// What is wrong with it, a sentence each; nothing if it is alive.
    pub fn wrong(&self, now: Instant) -> Vec<String> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.heard.1 == 0 {
            return vec!["Nothing has been heard from the stream yet.".to_owned()];
        }
        let since = |then: Instant, most: Duration| {
            let passed = now.saturating_duration_since(then);
            (passed > most).then_some(passed.as_secs())
        };
        let told = [
            since(seen.published, PUBLISHED_WITHIN).map(|seconds| format!("The watch has told nothing for {seconds} s: it hangs.")),
            since(seen.heard.0, HEARD_WITHIN).map(|seconds| format!("Nothing was heard from the stream for {seconds} s.")),
            since(seen.advanced.0, HEARD_WITHIN).map(|seconds| format!("The pipeline has not gone on for {seconds} s.")),
        ];
        told.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_still_is_told() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let pulse = Pulse::new(begun, (0, None));
        assert_eq!(pulse.wrong(begun), ["Nothing has been heard from the stream yet."]);
        pulse.beat(at(0), (1, None));
        assert_eq!(pulse.wrong(at(15)), Vec::<String>::new());
        assert_eq!(pulse.wrong(at(16)), ["The watch has told nothing for 16 s: it hangs."]);
        pulse.beat(at(60), (2, None));
        assert_eq!(pulse.wrong(at(61)), ["The pipeline has not gone on for 61 s."]);
        pulse.beat(at(121), (2, Some(Timestamp::MAX)));
        assert_eq!(pulse.wrong(at(122)), ["Nothing was heard from the stream for 62 s."]);
        pulse.beat(at(122), (3, Some(Timestamp::MAX)));
        assert_eq!(pulse.wrong(at(123)), Vec::<String>::new());
    }
}
