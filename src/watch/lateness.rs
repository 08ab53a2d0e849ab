//! How late messages come: how long must be waited until nothing older comes any more.
//!
//! Takes, of each message, how long ago it was recorded when it came; gives how long to wait. As long as most of what comes comes at once, what
//! happens is told at once; where a collector delivers late it is waited for, but not for ever.

use crate::time::{Span, Timestamp};

/// It is never waited less: clocks differ by so much, and messages of one moment do not come at once.
const LEAST: Span = Span::from_micros(500_000);
/// Nor more: what is later by more takes the time of what came before it.
const MOST: Span = Span::from_seconds(5);
/// How far back is looked.
const WINDOW: Span = Span::from_seconds(300);
/// After so long something is known of how late messages come.
const LEARNED: Span = Span::from_seconds(10);

/// How late messages came lately.
#[derive(Debug, Clone)]
pub struct Lateness {
    /// The most in this window, and in the one before.
    most: [Span; 2],
    since: Timestamp,
}

impl Lateness {
    /// Nothing is known yet, so it is waited as long as ever at first.
    pub fn new(now: Timestamp) -> Self {
        Lateness { most: [Span::ZERO, MOST], since: now + LEARNED - WINDOW }
    }

    /// Nothing comes late: what routers say counts from when it comes.
    pub fn none(now: Timestamp) -> Self {
        Lateness { most: [Span::ZERO; 2], since: now }
    }

    /// A message of a time has come.
    pub fn came(&mut self, at: Timestamp, now: Timestamp) {
        // What was replayed from long ago says nothing of the way.
        let late = now.since(at);
        if late <= MOST {
            self.most[0] = self.most[0].max(late);
        } else if late <= WINDOW {
            self.most[0] = MOST;
        }
    }

    /// How long to wait.
    pub fn wait(&mut self, now: Timestamp) -> Span {
        if now.since(self.since) >= WINDOW {
            self.most = [Span::ZERO, self.most[0]];
            self.since = now;
        }
        (self.most[0].max(self.most[1]) + LEAST).max(LEAST).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn it_is_waited_as_long_as_the_latest_lately_and_not_for_ever() {
        let mut lateness = Lateness::new(at(0));
        assert_eq!(lateness.wait(at(1_000)), MOST, "nothing is known yet");
        lateness.came(at(1_000), at(1_200));
        lateness.came(at(2_500), at(2_000));
        assert_eq!(lateness.wait(at(10_000)), Span::from_micros(700_000));
        lateness.came(at(300_000), at(302_000));
        assert_eq!(lateness.wait(at(303_000)), Span::from_micros(2_500_000));
        lateness.came(at(300_000), at(340_000));
        assert_eq!(lateness.wait(at(341_000)), MOST);
        assert_eq!(lateness.wait(at(601_000)), MOST, "the window before counts still");
        assert_eq!(lateness.wait(at(941_000)), LEAST);
        assert_eq!(Lateness::none(at(0)).wait(at(1_000)), LEAST, "routers alone are not waited for");
    }
}
