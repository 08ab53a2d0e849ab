//! How long to wait before the next attempt.
//!
//! Takes how often it failed and what the server asks for; gives a length of time. Waits for nothing, and reads no clock.

use std::time::Duration;

/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// No pause of our own is longer.
const LONGEST: Duration = Duration::from_secs(60);
/// A server which asks for more is not waited for.
const ASKED_AT_MOST: Duration = Duration::from_secs(600);
/// Attempts in a row which get no further.
pub const ATTEMPTS: u32 = 6;
/// Attempts in all, however far each got.
pub const ATTEMPTS_IN_ALL: u32 = 100;

/// What the server asks for with Retry-After (RFC 9110 §10.2.3): seconds, or a moment, which is held against the time of the answer itself (its Date, §6.6.1).
pub fn asked_for(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    let text = retry_after.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| jiff::fmt::rfc2822::parse(text.trim()).ok().map(|zoned| zoned.timestamp().as_second());
    let seconds = moment(text)?.saturating_sub(moment(date?)?);
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// The pause after so many failures in a row (from 1), never shorter than what the server asks for; `None` if it asks for too much, or enough was tried.
pub fn pause(failures: u32, asked: Option<Duration>) -> Option<Duration> {
    if failures >= ATTEMPTS || asked.is_some_and(|asked| asked > ASKED_AT_MOST) {
        return None;
    }
    let own = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST);
    Some(asked.map_or(own, |asked| asked.max(own)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_given_the_time_it_asks_for() {
        assert_eq!(asked_for("120", None), Some(Duration::from_secs(120)));
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(asked_for("Sun, 06 Nov 1994 08:50:07 GMT", date), Some(Duration::from_secs(30)));
        assert_eq!(asked_for("Sun, 06 Nov 1994 08:49:07 GMT", date), Some(Duration::ZERO));
        assert_eq!(asked_for("Sun, 06 Nov 1994 08:50:07 GMT", None), None);
        assert_eq!(asked_for("soon", date), None);
    }

    #[test]
    fn pauses_double_and_end() {
        let seconds = |failures, asked| pause(failures, asked).map(|pause| pause.as_secs());
        assert_eq!(
            [1, 2, 3, 4, 5, 6].map(|failures| seconds(failures, None)),
            [Some(1), Some(2), Some(4), Some(8), Some(16), None]
        );
        assert_eq!(seconds(1, Some(Duration::from_secs(90))), Some(90));
        assert_eq!(seconds(3, Some(Duration::ZERO)), Some(4));
        assert_eq!(seconds(1, Some(Duration::from_secs(86_400))), None, "nobody waits for a day");
    }
}
