//! Moments marked across a picture: the links of the chain, numbered as in its table.

use crate::report::view::chain::{LinkView, Phase};
use crate::time::Timestamp;

/// A moment with its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Mark {
    /// Its number in the table.
    pub number: usize,
    /// Not before this; the same as `latest` if that is not known.
    pub earliest: Timestamp,
    /// Not after this.
    pub latest: Timestamp,
    /// `breaks` or `back`.
    pub class: &'static str,
    /// What happened.
    pub words: String,
}

impl Mark {
    /// Those of a chain.
    pub fn of(chain: &[LinkView]) -> Vec<Mark> {
        let mark = |(number, link): (usize, &LinkView)| Mark {
            number,
            earliest: link.at.earliest.unwrap_or(link.at.latest),
            latest: link.at.latest,
            class: match link.phase {
                Phase::Breaks => "breaks",
                Phase::ComesBack => "back",
            },
            words: format!("{}: {}", link.layer.word(), link.what),
        };
        (1..).zip(chain).map(mark).collect()
    }
}
