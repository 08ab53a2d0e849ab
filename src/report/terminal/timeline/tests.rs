//! Columns, clocks and numbers, and that no fall is ever hidden.

use super::*;
use crate::report::view::place::Period;
use crate::report::view::timeline::lane::LaneStep;
use crate::report::view::timeline::visibility::VisibilityStep;
use crate::time::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(seconds, 0)
}

fn scale(seconds: i64, columns: usize) -> Scale {
    Scale { axis: Axis::between(at(0), at(seconds)), columns }
}

fn seen(at: Timestamp, [seeing, lost, unknown]: [u32; 3]) -> VisibilityStep {
    VisibilityStep { at, seeing, lost, unknown }
}

fn tested(at: Timestamp, [good, failing, unsure, unprobed]: [u32; 4]) -> LaneStep {
    LaneStep { at, good, failing, unsure, unprobed }
}

fn drawn(cells: &[Cell], glyphs: Glyphs) -> String {
    cells.iter().map(|cell| cell.glyph(glyphs)).collect()
}

fn row(steps: &[VisibilityStep], scale: Scale) -> String {
    drawn(&cell::visibility(steps, scale), Glyphs::Blocks)
}

#[test]
fn a_row_shows_the_share_which_sees_and_blank_before_anything_is_known() {
    let steps =
        [(2, [6, 0, 0]), (4, [3, 3, 0]), (5, [0, 6, 0]), (7, [1, 5, 0]), (8, [6, 0, 0])].map(|(s, counts)| seen(at(s), counts));
    assert_eq!(row(&steps, scale(10, 10)), "  ██▅▁▁▃██");
    // Half as many columns: the worst of each two.
    assert_eq!(row(&steps, scale(10, 5)), " █▁▁█");
    assert_eq!(row(&[seen(at(0), [0, 0, 0])], scale(10, 5)), "     ", "nobody was eligible");
    assert_eq!(row(&[], scale(10, 5)), "     ");
}

#[test]
fn what_cannot_be_told_is_neither_lost_nor_seen() {
    let one = |counts| row(&[seen(at(0), counts)], scale(10, 1));
    assert_eq!([[0, 0, 6], [2, 0, 4], [5, 0, 1]].map(one), ["░", "▒", "▓"], "nothing is known to be lost");
    assert_eq!([[0, 1, 5], [0, 3, 3], [0, 6, 0]].map(one), ["░", "▁", "▁"], "most of it is lost");
    // In one column a loss which is certain goes before blindness, however much that is.
    let both = [seen(at(0), [6, 0, 0]), seen(at(2), [0, 0, 6]), seen(at(4), [5, 1, 0]), seen(at(5), [6, 0, 0])];
    assert_eq!(row(&both, scale(10, 1)), "▇");
}

#[test]
fn the_worst_state_of_a_lane_wins() {
    let steps = [
        (1, [2, 0, 0, 0]),
        (3, [1, 0, 1, 0]),
        (4, [1, 1, 0, 0]),
        (5, [0, 2, 0, 0]),
        (6, [0, 1, 0, 1]),
        (7, [2, 0, 0, 0]),
        (9, [0, 0, 0, 2]),
    ];
    let steps = steps.map(|(seconds, counts)| tested(at(seconds), counts));
    let lane = |columns, glyphs| drawn(&cell::lane(&steps, scale(10, columns)), glyphs);
    assert_eq!(lane(10, Glyphs::Blocks), " ··?▄██·· ");
    assert_eq!(lane(10, Glyphs::Ascii), " ..?=##.. ");
    assert_eq!(lane(2, Glyphs::Blocks), "▄█");
}

#[test]
fn shapes_alone_tell_cells_of_one_row_apart() {
    let routes = [Cell::Blank, Cell::All, Cell::Some(0), Cell::Some(5), Cell::None, Cell::Unknown(0)];
    let probes = [Cell::Blank, Cell::Works, Cell::Unsure, Cell::SomeFail, Cell::AllFail];
    for glyphs in [Glyphs::Blocks, Glyphs::Ascii] {
        for kind in [&routes[..], &probes[..]] {
            let shapes: BTreeSet<char> = kind.iter().map(|cell| cell.glyph(glyphs)).collect();
            assert_eq!(shapes.len(), kind.len(), "{shapes:?}");
        }
    }
}

proptest! {
    /// A fall of whatever length, wherever it is and however few see it: its column is not whole, and shows no ignorance.
    #[test]
    fn no_fall_is_hidden(
        length in 1..1_000_000_000_000_i64, start in 0.0..1.0_f64, lasts in 0.0..1.0_f64,
        columns in ROW..160_usize, whole in 1..5_000_000_u32, gone in 0.0..1.0_f64,
    ) {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any place will do")]
        let (from, gone) = ((length as f64 * start) as i64, ((f64::from(whole) * gone) as u32).max(1));
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "any length will do")]
        let until = from + 1 + ((length - from) as f64 * lasts * lasts * lasts) as i64;
        let micros = Timestamp::from_micros;
        let scale = Scale { axis: Axis::between(micros(0), micros(length)), columns };
        let well = [whole, 0, 0];
        let steps = [seen(micros(-1), well), seen(micros(from), [whole - gone, gone, 0]), seen(micros(until), well)];
        let cells = cell::visibility(&steps, scale);
        prop_assert!(cells[scale.column(micros(from))..=scale.column(micros(until - 1))].iter().all(|cell| matches!(cell, Cell::Some(_) | Cell::None)));
        prop_assert!(cells.iter().all(|cell| *cell != Cell::Blank));
        let steps = [
            tested(micros(-1), [whole, 0, 0, 0]), tested(micros(from), [whole - gone, gone, 0, 0]), tested(micros(until), [whole, 0, 0, 0]),
        ];
        let cells = cell::lane(&steps, scale);
        let fails = if gone == whole { Cell::AllFail } else { Cell::SomeFail };
        prop_assert_eq!(cells[scale.column(micros(from))], fails);
    }

    /// Clocks stand in order, inside the picture and apart, whatever the length of the window.
    #[test]
    fn clocks_never_overlap(from in 0..4_000_000_000_i64, length in 0..1_000_000_000_i64, columns in ROW..160_usize) {
        let window = Period::between(at(from), at(from + length));
        let scale = Scale { axis: Axis::of(&window), columns };
        let ticks = scale.ticks();
        prop_assert!(!ticks.is_empty());
        let mut end = 0;
        for tick in ticks {
            prop_assert!(tick.start >= end && (tick.start..=tick.start + tick.text.len()).contains(&tick.column), "{:?}", tick);
            end = tick.start + tick.text.len() + 1;
        }
        prop_assert!(end <= columns + 1);
    }
}

#[test]
fn numbers_stand_where_their_step_was_over_and_join_where_they_would_overlap() {
    let mark = |number, seconds| Mark { number, earliest: at(0), latest: at(seconds), class: "breaks", words: String::new() };
    let told = |seconds: &[i64]| {
        let marks: Vec<Mark> = (1..).zip(seconds).map(|(number, seconds)| mark(number, *seconds)).collect();
        scale(100, 100).numbers(&marks).into_iter().map(|placed| (placed.start, placed.text)).collect::<Vec<_>>()
    };
    let placed = |texts: &[(usize, &str)]| texts.iter().map(|(start, text)| (*start, (*text).to_owned())).collect::<Vec<_>>();
    assert_eq!(told(&[10, 10, 20]), placed(&[(10, "1-2"), (20, "3")]));
    assert_eq!(told(&[10, 11, 13, 30]), placed(&[(10, "1-3"), (30, "4")]), "side by side they would read as one number");
    // Steps are numbered by phase: a later one may have come earlier.
    assert_eq!(told(&[50, 10]), placed(&[(10, "2"), (50, "1")]));
    assert_eq!(told(&[99, 100, 100]), placed(&[(97, "1-3")]), "none stands beyond the end");
    assert_eq!(runs([9, 1, 2, 4, 5, 6]), "1-2,4-6,9");
}

#[test]
fn a_window_across_midnight_says_the_new_day_and_a_short_one_its_ends() {
    let clocks = |from: &str, until: &str| {
        let axis = Axis::between(from.parse().unwrap(), until.parse().unwrap());
        Scale { axis, columns: 70 }.ticks().into_iter().map(|tick| tick.text).collect::<Vec<_>>()
    };
    assert_eq!(clocks("2021-10-04T22:10:00Z", "2021-10-05T01:20:00Z"), ["22:30", "23:00", "23:30", "2021-10-05", "00:30", "01:00"]);
    assert_eq!(clocks("2021-10-04T22:10:00Z", "2021-10-04T22:10:00.5Z"), ["22:10:00", "22:10:00"]);
}

#[test]
fn a_long_label_is_cut_by_columns_not_by_letters() {
    let paper = Paper { width: 80, color: false, glyphs: Glyphs::Blocks };
    assert_eq!(paper.fitted("路由消失路由消失", 9), "路由消失…");
    assert_eq!(paper.fitted("路由消失路由消失", 8), "路由消… ", "half a letter is none");
    assert_eq!(paper.fitted("a\u{1b}[2Jb", 8), "a [2Jb  ");
    let ascii = Paper { glyphs: Glyphs::Ascii, ..paper };
    assert_eq!(ascii.fitted("Dienst für alle", 10), "Dienst f..");
}

#[test]
fn a_row_is_told_and_not_drawn_only_if_nothing_happens_on_it() {
    let cells = |text: &str| -> Vec<Cell> {
        let cell = |c| match c {
            ' ' => Cell::Blank,
            '·' => Cell::Works,
            _ => Cell::AllFail,
        };
        text.chars().map(cell).collect()
    };
    assert!(steady(&cells(" ······· ")));
    assert!(!steady(&cells(" ···x··· ")) && !steady(&cells(" ··· ··· ")), "a gap happens too");
    assert!(!steady(&cells("     ····")), "mostly it was not probed");
}
