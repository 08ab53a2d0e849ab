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
    /// Frames came; `None` if no stream is heard.
    heard: Option<(Instant, u64)>,
    /// The pipeline went on; none before it began.
    advanced: (Instant, Option<Timestamp>),
    /// A connection of a router stands.
    router: bool,
}

/// What a snapshot tells of it.
#[derive(Debug, Clone, Copy)]
struct Beat {
    /// Frames which have come; `None` if no stream is heard.
    frames: Option<u64>,
    /// How late the pipeline has it.
    time: Option<Timestamp>,
    /// A connection of a router stands.
    router: bool,
}

impl Beat {
    fn of(snapshot: &Snapshot) -> Self {
        let board = &snapshot.board;
        Beat {
            frames: board.stream.as_ref().map(|stream| stream.frames),
            time: board.now,
            router: board.routers.iter().flatten().any(|router| router.connected),
        }
    }
}

/// Follows what is published.
#[derive(Debug, Clone)]
pub struct Pulse {
    seen: Arc<Mutex<Seen>>,
}

impl Pulse {
    /// Follows it from now on, until nobody publishes any more. To be called within a runtime.
    pub fn follow(mut snapshots: watch::Receiver<Arc<Snapshot>>) -> Pulse {
        let first = Beat::of(&snapshots.borrow_and_update());
        let pulse = Pulse::new(Instant::now(), first);
        let followed = pulse.clone();
        tokio::spawn(async move {
            while snapshots.changed().await.is_ok() {
                let told = Beat::of(&snapshots.borrow_and_update());
                followed.beat(Instant::now(), told);
            }
        });
        pulse
    }

    fn new(now: Instant, Beat { frames, time, router }: Beat) -> Pulse {
        let seen = Seen { published: now, heard: frames.map(|frames| (now, frames)), advanced: (now, time), router };
        Pulse { seen: Arc::new(Mutex::new(seen)) }
    }

    fn beat(&self, now: Instant, Beat { frames, time, router }: Beat) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.published, seen.router) = (now, router);
        if seen.heard.map(|(_, before)| before) != frames {
            seen.heard = frames.map(|frames| (now, frames));
        }
        if seen.advanced.1 != time {
            seen.advanced = (now, time);
        }
    }

    /// What is wrong with it, a sentence each; nothing if it is alive.
    pub fn wrong(&self, now: Instant) -> Vec<String> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.heard {
            Some((_, 0)) => return vec!["Nothing has been heard from the stream yet.".to_owned()],
            None if !seen.router => return vec!["No router is connected.".to_owned()],
            Some(_) | None => {}
        }
        let since = |then: Instant, most: Duration| {
            let passed = now.saturating_duration_since(then);
            (passed > most).then_some(passed.as_secs())
        };
        let told = [
            since(seen.published, PUBLISHED_WITHIN).map(|seconds| format!("The watch has told nothing for {seconds} s: it hangs.")),
            seen.heard
                .and_then(|(last, _)| since(last, HEARD_WITHIN))
                .map(|seconds| format!("Nothing was heard from the stream for {seconds} s.")),
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
        let beat = |frames, time| Beat { frames: Some(frames), time, router: false };
        let pulse = Pulse::new(begun, beat(0, None));
        assert_eq!(pulse.wrong(begun), ["Nothing has been heard from the stream yet."]);
        pulse.beat(at(0), beat(1, None));
        assert_eq!(pulse.wrong(at(15)), Vec::<String>::new());
        assert_eq!(pulse.wrong(at(16)), ["The watch has told nothing for 16 s: it hangs."]);
        pulse.beat(at(60), beat(2, None));
        assert_eq!(pulse.wrong(at(61)), ["The pipeline has not gone on for 61 s."]);
        pulse.beat(at(121), beat(2, Some(Timestamp::MAX)));
        assert_eq!(pulse.wrong(at(122)), ["Nothing was heard from the stream for 62 s."]);
        pulse.beat(at(122), beat(3, Some(Timestamp::MAX)));
        assert_eq!(pulse.wrong(at(123)), Vec::<String>::new());
    }

    #[test]
    fn routers_alone_may_say_nothing_as_long_as_one_is_connected() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let beat = |seconds, router| Beat { frames: None, time: Some(Timestamp::from_parts(seconds, 0)), router };
        let pulse = Pulse::new(begun, beat(0, false));
        assert_eq!(pulse.wrong(begun), ["No router is connected."]);
        pulse.beat(at(100), beat(100, true));
        assert_eq!(pulse.wrong(at(110)), Vec::<String>::new());
        assert_eq!(pulse.wrong(at(161)).len(), 2, "it hangs, and the pipeline has not gone on");
        pulse.beat(at(162), beat(162, false));
        assert_eq!(pulse.wrong(at(162)), ["No router is connected."]);
    }
}
