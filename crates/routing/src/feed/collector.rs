//! One collector's voice: how often it speaks, and from when its silence is a gap.

use crate::time::{Span, Timestamp};

/// So many messages must have been due before silence is believed to be a gap: chance below e⁻³⁰ for independent messages.
const DUE_MESSAGES: i64 = 30;
/// The rate is that of about the last hour.
const RATE_WINDOW: Span = Span::from_seconds(3_600);

/// What is known of a collector.
#[derive(Debug, Clone, Default)]
pub(super) struct CollectorFeed {
    /// It records KEEPALIVEs.
    pub keepalives: bool,
    last: Option<Timestamp>,
    counting_since: Option<Timestamp>,
    messages: i64,
    silent: bool,
    excused_until: Option<Timestamp>,
}

impl CollectorFeed {
    /// A message; returns since when the collector had been held silent, if it had.
    pub fn hear(&mut self, at: Timestamp) -> Option<Timestamp> {
        let before = self.last;
        let since = *self.counting_since.get_or_insert(at);
        self.messages += 1;
        if at.since(since) > RATE_WINDOW {
            self.counting_since = Some(since + Span::from_micros(at.since(since).micros() / 2));
            self.messages /= 2;
        }
        self.last = Some(before.map_or(at, |last| last.max(at)));
        std::mem::take(&mut self.silent).then_some(before).flatten()
    }

    /// From when on its silence is a gap; `None` if it is silent already or never spoke enough to tell.
    pub fn silent_from(&self, least: Span) -> Option<Timestamp> {
        let (last, since) = (self.last?, self.counting_since?);
        if self.silent || self.messages < DUE_MESSAGES {
            return None;
        }
        let per_message = last.since(since).micros() / self.messages;
        let wait = least.max(Span::from_micros(per_message.saturating_mul(DUE_MESSAGES)));
        Some(self.excused_until.map_or(last, |excused| excused.max(last)) + wait)
    }

    /// Its silence was noted.
    pub fn fall_silent(&mut self) {
        self.silent = true;
    }

    /// Whether its silence was noted, and goes on.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// A gap of the archive explains its silence until then; the rate starts anew.
    pub fn excuse(&mut self, until: Timestamp) {
        self.excused_until = Some(until);
        self.counting_since = None;
        self.messages = 0;
    }

    /// When it last spoke.
    pub fn last_heard(&self) -> Option<Timestamp> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    #[test]
    fn a_busy_collector_is_missed_after_a_minute_and_a_quiet_one_later() {
        let minute = Span::from_seconds(60);
        let mut busy = CollectorFeed::default();
        let mut quiet = CollectorFeed::default();
        for i in 0..=1_000 {
            busy.hear(at(i));
            quiet.hear(at(i * 10));
        }
        assert_eq!(busy.silent_from(minute), Some(at(1_060)));
        let due = quiet.silent_from(minute).unwrap();
        assert!(due > at(10_280) && due < at(10_320), "{due}");
    }

    #[test]
    fn few_messages_prove_no_silence() {
        let mut feed = CollectorFeed::default();
        for i in 0..10 {
            feed.hear(at(i));
        }
        assert_eq!(feed.silent_from(Span::from_seconds(60)), None);
    }

    #[test]
    fn speaking_again_tells_since_when_it_was_silent() {
        let mut feed = CollectorFeed::default();
        for i in 0..100 {
            feed.hear(at(i));
        }
        feed.fall_silent();
        assert_eq!(feed.silent_from(Span::from_seconds(60)), None);
        assert_eq!(feed.hear(at(500)), Some(at(99)));
        assert_eq!(feed.hear(at(501)), None);
    }
}
