//! The system's clock without its jumps.
//!
//! A clock which is set while a watch runs must not make an hour of silence, nor let nothing happen for an hour. Takes what the clock says and how much time
//! has really passed; gives how late it is. Where the two part, messages decide: they tell the time of the collectors' clocks. Without any the clock is not
//! believed.

use crate::time::{Span, Timestamp};

/// Less is no jump: clocks are corrected by so much.
const JUMP: Span = Span::from_seconds(5);
/// A message which came longer ago decides nothing.
const RECENT: Span = Span::from_seconds(120);

/// A clock which does not jump.
#[derive(Debug, Default)]
pub struct SteadyClock {
    /// What the clock said, when it was believed last, and how much time had passed then.
    anchor: Option<(Timestamp, Span)>,
    /// The time of the latest message, and when it came.
    heard: Option<(Timestamp, Span)>,
}

impl SteadyClock {
    /// A constant, for a place which all share.
    pub const fn new() -> Self {
        SteadyClock { anchor: None, heard: None }
    }

    /// How late it is, while the system's clock says `told` and so much time has `passed` since some moment.
    pub fn now(&mut self, told: Timestamp, passed: Span) -> Timestamp {
        let (anchor, then) = *self.anchor.get_or_insert((told, passed));
        let steady = anchor + between(passed, then);
        let jumped = told.since(steady).abs() > JUMP;
        if told > steady && !jumped || jumped && self.agrees(told, steady, passed) {
            self.anchor = Some((told, passed));
            return told;
        }
        steady
    }

    /// A message of this time has come.
    pub fn hears(&mut self, at: Timestamp, passed: Span) {
        // One which is late tells less than what came before.
        let recent = self.heard.filter(|(_, then)| between(passed, *then) <= RECENT);
        let expected = recent.map(|(heard, then)| heard + between(passed, then));
        if expected.is_none_or(|expected| at >= expected - JUMP) {
            self.heard = Some((at, passed));
        }
    }

    /// Whether what was heard lately speaks for the first time rather than for the second.
    fn agrees(&self, one: Timestamp, other: Timestamp, passed: Span) -> bool {
        let Some((heard, then)) = self.heard.filter(|(_, then)| between(passed, *then) <= RECENT) else { return false };
        let now = heard + between(passed, then);
        one.since(now).abs() < other.since(now).abs()
    }
}

fn between(later: Span, earlier: Span) -> Span {
    Span::from_micros(later.micros() - earlier.micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(1_000_000 + seconds, 0)
    }

    fn passed(seconds: i64) -> Span {
        Span::from_seconds(seconds)
    }

    #[test]
    fn a_clock_which_is_set_wrong_is_not_followed() {
        for jump in [3_600, -3_600] {
            let mut clock = SteadyClock::new();
            assert_eq!(clock.now(at(0), passed(10)), at(0));
            clock.hears(at(19), passed(30));
            assert_eq!(clock.now(at(20 + jump), passed(30)), at(20), "messages say otherwise");
            assert_eq!(clock.now(at(400 + jump), passed(410)), at(400), "nobody says anything");
            assert_eq!(clock.now(at(500), passed(510)), at(500), "it is right again");
        }
    }

    #[test]
    fn a_clock_which_is_put_right_is_followed() {
        for wrong in [3_600, -3_600] {
            let mut clock = SteadyClock::new();
            assert_eq!(clock.now(at(wrong), passed(0)), at(wrong));
            clock.hears(at(9), passed(10));
            assert_eq!(clock.now(at(10), passed(10)), at(10));
            assert_eq!(clock.now(at(20), passed(20)), at(20));
        }
    }

    // Why: a machine which slept has missed what was said; its clock is right, and the time which passed for it is not.
    #[test]
    fn after_a_sleep_messages_tell_how_late_it_is() {
        let mut clock = SteadyClock::new();
        clock.now(at(0), passed(0));
        clock.hears(at(0), passed(0));
        assert_eq!(clock.now(at(7_200), passed(1)), at(1));
        clock.hears(at(7_200), passed(2));
        assert_eq!(clock.now(at(7_201), passed(2)), at(7_201));
    }

    #[test]
    fn it_never_goes_back_for_a_correction() {
        let mut clock = SteadyClock::new();
        assert_eq!(clock.now(at(0), passed(0)), at(0));
        assert_eq!(clock.now(at(12), passed(10)), at(12));
        assert_eq!(clock.now(at(11), passed(11)), at(13));
        assert_eq!(clock.now(at(14), passed(12)), at(14));
    }
}
