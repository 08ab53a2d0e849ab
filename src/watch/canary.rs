//! A canary: beacons of RIPE RIS, which are announced and withdrawn at known times, tell a silent stream from a quiet network.
//!
//! Takes the times at which a beacon was spoken of, and how late it is; gives since when the stream must be taken for silent. Which beacons
//! there are, and when they turn, stands in `data/ris-beacons.csv`.

use crate::time::{Span, Timestamp};
use ipnet::IpNet;
use std::collections::BTreeSet;

const BEACONS: &str = include_str!("../../data/ris-beacons.csv");
/// After this time a beacon's turn was heard of by somebody, if anything is: half of the peers follow within a minute or two, RIS Live is a few
/// seconds behind them.
const PATIENCE: Span = Span::from_seconds(600);
const DAY: i64 = 86_400;
/// The server which is known to carry the beacons of RIS.
const CARRIES_BEACONS: &str = "ris-live.ripe.net";

/// Listens for beacons.
#[derive(Debug, Clone)]
pub struct Canary {
    prefixes: Vec<IpNet>,
    /// When any of them turns: seconds of the day.
    turns: BTreeSet<i64>,
    /// Since when there is something to be heard.
    since: Option<Timestamp>,
    heard: Option<Timestamp>,
    /// Whether this stream carries beacons.
    expected: bool,
}

impl Canary {
    /// Listens on a stream; `expected`: it is known to carry beacons. Another one is first heard to do so.
    pub fn new(expected: bool) -> Self {
        let rows = BEACONS.lines().skip(1).filter_map(|row| {
            let mut columns = row.split(',');
            let (prefix, _) = (columns.next()?.parse::<IpNet>().ok()?, columns.next()?);
            Some((prefix, columns.flat_map(|times| times.split(' ')).filter_map(second_of_day).collect::<Vec<i64>>()))
        });
        let (prefixes, turns): (Vec<IpNet>, Vec<Vec<i64>>) = rows.unzip();
        Canary { prefixes, turns: turns.into_iter().flatten().collect(), since: None, heard: None, expected }
    }

    /// Listens on the stream at this address.
    pub fn at(address: &str) -> Self {
        Canary::new(address.contains(CARRIES_BEACONS))
    }

    /// What to ask the stream for.
    pub fn prefixes(&self) -> &[IpNet] {
        &self.prefixes
    }

    /// The stream is up from now on, or was asked anew.
    pub fn listens(&mut self, now: Timestamp) {
        self.since = Some(now);
    }

    /// A beacon was spoken of.
    pub fn hears(&mut self, at: Timestamp) {
        self.expected = true;
        self.heard = self.heard.max(Some(at));
    }

    /// Whether this stream is known to carry beacons.
    pub fn is_expected(&self) -> bool {
        self.expected
    }

    /// When a beacon was last spoken of.
    pub fn heard(&self) -> Option<Timestamp> {
        self.heard
    }

    /// The turn of beacons of which nobody spoke, though there was time to; `None` while all is well, or nothing is to be expected.
    pub fn missed(&self, now: Timestamp) -> Option<Timestamp> {
        let turn = self.last_turn(now - PATIENCE)?;
        let listened = self.since.is_some_and(|since| since <= turn);
        (self.expected && listened && self.heard.is_none_or(|heard| heard < turn)).then_some(turn)
    }

    /// The last turn before a time.
    fn last_turn(&self, time: Timestamp) -> Option<Timestamp> {
        let second = time.micros().div_euclid(1_000_000);
        let midnight = second - second.rem_euclid(DAY);
        let of_day = |midnight: i64| self.turns.iter().map(move |turn| midnight + turn);
        let turn = of_day(midnight - DAY).chain(of_day(midnight)).filter(|turn| *turn <= second).max()?;
        Some(Timestamp::from_parts(turn, 0))
    }
}

/// `04:00` in seconds.
fn second_of_day(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    Some(hours.parse::<i64>().ok()? * 3_600 + minutes.parse::<i64>().ok()? * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_schedule_is_read() {
        let canary = Canary::new(true);
        assert_eq!((canary.prefixes.len(), canary.turns.len()), (38, 12));
        assert_eq!(canary.last_turn(at("2026-11-28T01:59:59Z")), Some(at("2026-11-28T00:00:00Z")));
        assert_eq!(canary.last_turn(at("2026-11-28T02:00:00Z")), Some(at("2026-11-28T02:00:00Z")));
    }

    // Why: a server which holds the connection and says nothing looks like a network in which nothing happens.
    #[test]
    fn a_turn_nobody_speaks_of_is_missed_after_ten_minutes() {
        let mut canary = Canary::new(true);
        assert_eq!(canary.missed(at("2026-11-28T04:30:00Z")), None, "nobody listened");
        canary.listens(at("2026-11-28T03:00:00Z"));
        assert_eq!(canary.missed(at("2026-11-28T04:09:59Z")), None, "there is time");
        assert_eq!(canary.missed(at("2026-11-28T04:10:00Z")), Some(at("2026-11-28T04:00:00Z")));
        canary.hears(at("2026-11-28T04:00:07Z"));
        assert_eq!(canary.missed(at("2026-11-28T06:09:00Z")), None);
        assert_eq!(canary.missed(at("2026-11-28T06:10:00Z")), Some(at("2026-11-28T06:00:00Z")));
        canary.listens(at("2026-11-28T06:11:00Z"));
        assert_eq!(canary.missed(at("2026-11-28T06:30:00Z")), None, "a new connection is given the next turn");
    }

    #[test]
    fn a_stream_which_carries_no_beacons_is_not_silent_for_that() {
        let mut canary = Canary::new(false);
        canary.listens(at("2026-11-28T03:00:00Z"));
        assert_eq!(canary.missed(at("2026-11-28T12:30:00Z")), None);
        canary.hears(at("2026-11-28T12:31:00Z"));
        assert!(canary.missed(at("2026-11-28T14:30:00Z")).is_some(), "it was heard to carry them");
    }
}
