//! What one column of a row shows: the worst which was true at any moment of its time, so that a short fall is never hidden.

use super::super::screen::Look;
use super::Glyphs;
use super::scale::Scale;
use crate::report::view::timeline::lane::LaneStep;
use crate::report::view::timeline::visibility::VisibilityStep;
use crate::time::{Span, Timestamp};

/// One column of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing was known, or nobody probed.
    Blank,
    /// All have a route.
    All,
    /// Some have, in sixths: 0 is the least.
    Some(usize),
    /// None is known to have one.
    None,
    /// More cannot be told than is lost; the share which has a route for certain, in thirds.
    Unknown(usize),
    /// All probed series work.
    Works,
    /// Between the last attempt of one kind and the first of the other.
    Unsure,
    /// Some of the probed series fail.
    SomeFail,
    /// All of them fail.
    AllFail,
}

impl Cell {
    /// How it is drawn. No two cells of one kind of row are drawn alike: colours only repeat what the shape says.
    pub const fn glyph(self, glyphs: Glyphs) -> char {
        match (glyphs, self) {
            (_, Cell::Blank) => ' ',
            (Glyphs::Blocks, Cell::All | Cell::AllFail) => '█',
            (Glyphs::Blocks, Cell::Some(sixths)) => ['▂', '▃', '▄', '▅', '▆', '▇'][if sixths < 6 { sixths } else { 5 }],
            (Glyphs::Blocks, Cell::None) => '▁',
            (Glyphs::Blocks, Cell::Unknown(thirds)) => ['░', '▒', '▓'][if thirds < 3 { thirds } else { 2 }],
            (Glyphs::Blocks, Cell::Works) => '·',
            (Glyphs::Blocks, Cell::SomeFail) => '▄',
            (Glyphs::Ascii, Cell::All | Cell::AllFail) => '#',
            (Glyphs::Ascii, Cell::Some(sixths)) => {
                if sixths < 3 {
                    '-'
                } else {
                    '='
                }
            }
            (Glyphs::Ascii, Cell::SomeFail) => '=',
            (Glyphs::Ascii, Cell::None | Cell::Works) => '.',
            (Glyphs::Blocks | Glyphs::Ascii, Cell::Unsure) | (Glyphs::Ascii, Cell::Unknown(_)) => '?',
        }
    }

    pub const fn look(self) -> Look {
        match self {
            Cell::Blank | Cell::All => Look::Plain,
            Cell::Some(_) | Cell::None | Cell::SomeFail | Cell::AllFail => Look::Bad,
            Cell::Unknown(_) | Cell::Unsure => Look::Warning,
            Cell::Works => Look::Faint,
        }
    }
}

/// A row of visibility.
pub(super) fn visibility(steps: &[VisibilityStep], scale: Scale) -> Vec<Cell> {
    // What is lost for certain first, then what may be.
    let rank = |step: &VisibilityStep| (share(step.seeing + step.unknown, step.eligible()), share(step.seeing, step.eligible()));
    let worst = worst(steps, |step| step.at, rank, scale);
    worst.into_iter().map(|step| step.map_or(Cell::Blank, seen)).collect()
}

/// A row of probed series.
pub(super) fn lane(steps: &[LaneStep], scale: Scale) -> Vec<Cell> {
    let rank = |step: &LaneStep| match tested(step) {
        Cell::AllFail => 0,
        Cell::SomeFail => 1,
        Cell::Unsure => 2,
        Cell::Works => 3,
        Cell::Blank | Cell::All | Cell::Some(_) | Cell::None | Cell::Unknown(_) => 4,
    };
    let worst = worst(steps, |step| step.at, rank, scale);
    worst.into_iter().map(|step| step.map_or(Cell::Blank, tested)).collect()
}

fn seen(step: &VisibilityStep) -> Cell {
    let (part, whole) = (u64::from(step.seeing), u64::from(step.eligible()));
    let of = |parts: u64| usize::try_from(part * parts / whole.max(1)).unwrap_or(0);
    match (part, step.unknown > step.lost) {
        _ if whole == 0 => Cell::Blank,
        (part, _) if part == whole => Cell::All,
        (_, true) => Cell::Unknown(of(3)),
        (0, false) => Cell::None,
        (_, false) => Cell::Some(of(6)),
    }
}

const fn tested(step: &LaneStep) -> Cell {
    match (step.failing, step.good, step.unsure) {
        (0, 0, 0) => Cell::Blank,
        (0, _, 0) => Cell::Works,
        (0, ..) => Cell::Unsure,
        (_, 0, 0) => Cell::AllFail,
        (..) => Cell::SomeFail,
    }
}

/// A share as a number of which the order is exact at both ends: nothing is less than anything, and all more than all but one.
/// Of nothing there is no fall.
fn share(part: u32, whole: u32) -> u64 {
    if whole == 0 { u64::MAX } else { (u64::from(part) << 32) / u64::from(whole) }
}

/// Of each column the step of the smallest rank which held at any moment of it; `None` before the first.
fn worst<T, R: Ord>(steps: &[T], at: impl Fn(&T) -> Timestamp, rank: impl Fn(&T) -> R, scale: Scale) -> Vec<Option<&T>> {
    let mut columns: Vec<Option<&T>> = vec![None; scale.columns];
    for (number, step) in steps.iter().enumerate() {
        // It holds until a microsecond before the next.
        let last = steps.get(number + 1).map_or(scale.columns - 1, |next| scale.column(at(next) - Span::from_micros(1)));
        for column in columns.iter_mut().take(last + 1).skip(scale.column(at(step))) {
            if column.is_none_or(|known| rank(step) < rank(known)) {
                *column = Some(step);
            }
        }
    }
    columns
}
