//! The onset: the change point before a crossing, by a cumulative sum (Page 1954).
//!
//! Every loss adds one, every regain takes one, and time takes what the `warn` threshold would lose in the grouping time: a sum which
//! stays above zero until the crossing began at the onset. Single losses long before are forgotten, path hunting cancels itself.

use crate::settings::Settings;
use crate::time::Timestamp;
use crate::visibility::Vote;

/// One turn of an AS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// When.
    pub at: Timestamp,
    /// Before and after.
    pub vote: (Vote, Vote),
}

impl Turn {
    /// Whether a loss begins or ends with it.
    pub fn is_loss(self) -> bool {
        self.vote.0 == Vote::Lost || self.vote.1 == Vote::Lost
    }
}

/// When the run of losses began which led to the crossing at the last of `turns`; `None` without a loss.
pub(super) fn onset(turns: impl Iterator<Item = Turn>, eligible: u32, settings: &Settings) -> Option<Timestamp> {
    const ONE: i128 = 1_000_000_000;
    let forgotten_percent = i128::from(100u32.saturating_sub(settings.warn_percent).max(1));
    let grouping = i128::from(settings.grouping.micros().max(1));
    let (mut sum, mut last, mut began) = (0i128, None, None);
    for turn in turns {
        let elapsed = last.map_or(0, |last| i128::from(turn.at.since(last).micros()));
        sum = (sum - elapsed * i128::from(eligible) * forgotten_percent * ONE / (100 * grouping)).max(0);
        last = Some(turn.at);
        match turn.vote {
            (_, Vote::Lost) => {
                if sum == 0 {
                    began = Some(turn.at);
                }
                sum += ONE;
            }
            (Vote::Lost, _) => sum = (sum - ONE).max(0),
            (Vote::Ineligible | Vote::Seeing | Vote::Unknown, Vote::Ineligible | Vote::Seeing | Vote::Unknown) => {}
        }
    }
    began
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(seconds: i64) -> Turn {
        Turn { at: Timestamp::from_parts(seconds, 0), vote: (Vote::Seeing, Vote::Lost) }
    }

    fn back(seconds: i64) -> Turn {
        Turn { at: Timestamp::from_parts(seconds, 0), vote: (Vote::Lost, Vote::Seeing) }
    }

    fn seconds(turns: &[Turn]) -> Option<i64> {
        onset(turns.iter().copied(), 40, &Settings::default()).map(Timestamp::seconds)
    }

    #[test]
    fn a_lone_loss_long_before_is_not_the_onset() {
        assert_eq!(seconds(&[lost(0), lost(900), lost(901), lost(902)]), Some(900));
    }

    #[test]
    fn path_hunting_before_the_fall_cancels_itself() {
        assert_eq!(seconds(&[lost(0), back(1), lost(2), back(3), lost(60), lost(61)]), Some(60));
    }

    #[test]
    fn a_slow_fall_begins_with_its_first_loss() {
        let slow: Vec<Turn> = (0..20).map(|i| lost(i * 20)).collect();
        assert_eq!(seconds(&slow), Some(0));
        assert_eq!(seconds(&[]), None);
    }
}
