//! Archives as a stream of RIS Live: every message at its time, or faster.
//!
//! Takes archives; gives frames in order of time, and when each is due at a speed. [`server`] hands them to clients as the real server
//! would. Table dumps are no messages: they are left out.

#[cfg(feature = "live")]
pub mod server;

use crate::observation::Observation;
use crate::source::ris_live::Shown;
use crate::source::{FileAccount, InputFile, Interest, Merge, Resources, SourceError};
use crate::time::{Span, Timestamp};
use crate::vantage::Vantages;
use std::collections::VecDeque;
use std::str::FromStr;

/// How fast recorded time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// So many thousandths of a recorded second in a second.
    Thousandths(u64),
    /// As fast as it can be read and taken.
    Unlimited,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no speed; write 1x, 60x, 0.5x or max");
        if text == "max" {
            return Ok(Speed::Unlimited);
        }
        let number = text.strip_suffix('x').unwrap_or(text);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let thousandths = format!("{fraction:0<3}");
        let thousandths: u64 =
            thousandths.get(..3).filter(|_| fraction.len() <= 3).and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
        let speed = whole.checked_mul(1_000).and_then(|whole| whole.checked_add(thousandths)).filter(|speed| *speed > 0);
        speed.map(Speed::Thousandths).ok_or_else(wrong)
    }
}

impl Speed {
    /// How long after the beginning something is due which was recorded this much after the first thing; none if there is nothing to wait for.
    pub fn due(self, recorded: Span) -> Option<Span> {
        match self {
            Speed::Thousandths(speed) => {
                let micros = i128::from(recorded.micros()) * 1_000 / i128::from(speed);
                Some(Span::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)))
            }
            Speed::Unlimited => None,
        }
    }
}

/// The messages of archives, as frames in order of time.
pub struct Replay {
    merge: Merge,
    vantages: Vantages,
    observations: VecDeque<Observation>,
    ready: VecDeque<Shown>,
    latest: Option<Timestamp>,
    number: u64,
}

impl Replay {
    /// Looks at every file.
    ///
    /// # Errors
    /// If not one of them can be read.
    pub fn open(files: Vec<InputFile>, threads: usize) -> Result<Replay, SourceError> {
        let resources = Resources { threads, passes_on: true, ..Resources::default() };
        Ok(Replay {
            merge: Merge::open(files, Interest::Everything, &resources)?,
            vantages: Vantages::default(),
            observations: VecDeque::new(),
            ready: VecDeque::new(),
            latest: None,
            number: 0,
        })
    }

    /// What was in each file, so far.
    pub fn accounts(&self) -> &[FileAccount] {
        self.merge.accounts()
    }
}

impl Iterator for Replay {
    type Item = Shown;

    fn next(&mut self) -> Option<Shown> {
        while self.ready.is_empty() {
            self.merge.next_some(&mut self.vantages, &mut self.observations);
            for tapped in self.merge.tapped() {
                self.number = if self.latest == Some(tapped.at) { self.number + 1 } else { 0 };
                self.latest = Some(tapped.at);
                let collector = self.vantages.collector_name(tapped.collector);
                self.ready.extend(Shown::of(&tapped, collector, self.number));
            }
            if self.observations.is_empty() {
                break;
            }
        }
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_factor_or_unlimited() {
        let due = |speed: &str| speed.parse::<Speed>().unwrap().due(Span::from_seconds(60)).map(Span::micros);
        assert_eq!([due("1x"), due("60x"), due("0.5"), due("max")], [Some(60_000_000), Some(1_000_000), Some(120_000_000), None]);
        for wrong in ["", "x", "0x", "-1x", "1.2345x", "fast", "1.x.y"] {
            assert_eq!(wrong.parse::<Speed>(), Err(format!("`{wrong}` is no speed; write 1x, 60x, 0.5x or max")));
        }
    }
}
