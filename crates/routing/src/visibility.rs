//! Visibility: which ASes see a prefix, which lost it, and of which nobody can tell.
//!
//! Takes route changes with the routing state and the feeds behind them; gives counts per prefix. Votes are by AS: one with several
//! sessions sees if one of them sees, else is unknown if one is unknown, else has lost. Never a share without its denominator:
//! ignorance makes bounds, not numbers. Nothing is decided here.

mod roll;
mod votes;

use crate::rib::PrefixId;
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
pub use votes::{Ballot, Electorate, Turnout, Voter, Votes};

/// Eligible ASes by what they say of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Visibility {
    /// ASes which have a route.
    pub seeing: u32,
    /// ASes which had one, or should, and have none.
    pub lost: u32,
    /// ASes of which it cannot be told.
    pub unknown: u32,
}

/// A share in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Share(u32);

/// What one AS says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    /// Not asked: no full feed, or it never had the prefix.
    Ineligible,
    /// A route.
    Seeing,
    /// No route.
    Lost,
    /// It cannot be told.
    Unknown,
}

impl Visibility {
    /// The denominator: eligible ASes.
    pub const fn eligible(self) -> u32 {
        self.seeing + self.lost + self.unknown
    }

    /// At least this share sees it; 1 if nobody is eligible.
    pub fn lower(self) -> Share {
        Share::of(self.seeing, self.eligible())
    }

    /// At most this share sees it; 1 if nobody is eligible.
    pub fn upper(self) -> Share {
        Share::of(self.seeing + self.unknown, self.eligible())
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ASes", self.seeing, self.eligible())?;
        if self.unknown > 0 {
            write!(f, " ({} unknown)", self.unknown)?;
        }
        Ok(())
    }
}

impl Share {
    /// None of them.
    pub const ZERO: Share = Share(0);
    /// All of them.
    pub const ONE: Share = Share(1_000_000);

    /// `part` of `whole`; 1 of nothing.
    #[allow(clippy::cast_possible_truncation, reason = "part is at most whole, so the result is at most a million")]
    pub fn of(part: u32, whole: u32) -> Share {
        if whole == 0 { Share::ONE } else { Share((u64::from(part.min(whole)) * 1_000_000 / u64::from(whole)) as u32) }
    }

    /// Whether it is less than `percent` of `baseline`.
    pub fn is_below(self, percent: u32, baseline: Share) -> bool {
        u64::from(self.0) * 100 < u64::from(baseline.0) * u64::from(percent)
    }

    /// In millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} %", self.0 / 10_000, self.0 / 1_000 % 10)
    }
}

/// A change of a prefix's visibility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisibilityChange {
    /// When.
    pub at: Timestamp,
    /// Of which prefix.
    pub prefix: PrefixId,
    /// From now on.
    pub now: Visibility,
    /// What the AS said before, and says now; equal if only the electorate changed.
    pub vote: (Vote, Vote),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_makes_bounds_and_not_a_number() {
        let seen = Visibility { seeing: 3, lost: 1, unknown: 4 };
        assert_eq!((seen.lower().millionths(), seen.upper().millionths()), (375_000, 875_000));
        assert_eq!(seen.to_string(), "3 of 8 ASes (4 unknown)");
        assert_eq!(Visibility::default().upper(), Share::ONE, "nobody was asked: no loss was seen");
    }

    #[test]
    fn a_share_is_compared_with_its_baseline() {
        let half = Share::of(5, 10);
        assert!(!half.is_below(50, Share::ONE), "half is not less than half");
        assert!(Share::of(49, 100).is_below(50, Share::ONE));
        assert!(!Share::of(45, 100).is_below(50, Share::of(9, 10)), "a baseline of 90 % asks for less");
        assert_eq!(half.to_string(), "50.0 %");
    }
}
