//! Live charts: the paths of stepped areas in a box of 1000 by 100, as the pictures of reports are.

use crate::time::{Span, Timestamp};
use crate::visibility::Visibility;
use crate::watch::board::{CoursePoint, PrefixState};
use std::fmt::Write;

/// Columns of a chart: a phone shows fewer, and no more are sent.
const COLUMNS: i64 = 240;
/// How much time a chart shows, in seconds: the shortest which holds everything known.
const LENGTHS: [i64; 6] = [120, 600, 1_800, 3_600, 10_800, 21_600];

/// From when to when charts show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// The left edge.
    pub from: Timestamp,
    /// What a column is long.
    column: Span,
    /// How late it is.
    now: Timestamp,
}

/// Paths of one chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Areas {
    /// Who saw it.
    pub has: String,
    /// Of whom it could not be told.
    pub unknown: String,
    /// Who had lost it.
    pub lost: String,
}

impl Window {
    /// One for all prefixes, so that what stands below one another happened together.
    pub fn of(prefixes: &[PrefixState], now: Timestamp) -> Window {
        let first = prefixes.iter().filter_map(|prefix| prefix.course.first()).map(|point| point.at).min().unwrap_or(now);
        let known = now.since(first).seconds();
        let length = LENGTHS.into_iter().find(|length| *length >= known).unwrap_or(21_600);
        let column = Span::from_micros(length * 1_000_000 / COLUMNS);
        // It moves by whole columns, so that nothing is drawn anew in between.
        let until = Timestamp::from_micros((now.micros().div_euclid(column.micros()) + 1) * column.micros());
        Window { from: until - Span::from_seconds(length), column, now }
    }

    /// How long it is.
    pub fn length(self) -> Span {
        self.column.times(COLUMNS)
    }
}

/// Draws who saw a prefix. In a column stands the moment of it at which fewest did: no fall is hidden.
pub(super) fn areas(course: &[CoursePoint], window: Window) -> Areas {
    let mut areas = Areas::default();
    let mut run: Option<(i64, Visibility)> = None;
    let mut next = course.iter().peekable();
    let mut current: Option<Visibility> = None;
    for column in 0..COLUMNS {
        let (from, until) = (window.from + window.column.times(column), window.from + window.column.times(column + 1));
        let mut worst = current;
        while let Some(point) = next.next_if(|point| point.at < until) {
            current = Some(point.visibility);
            // What was over when the column began is not of it.
            worst = if point.at <= from { current } else { least(worst, point.visibility) };
        }
        let shown = worst.filter(|seen| from <= window.now && seen.eligible() > 0);
        match (&run, shown) {
            (Some((_, drawn)), Some(shown)) if *drawn == shown => {}
            _ => {
                if let Some((begun, drawn)) = run.take() {
                    areas.draw(begun, column, drawn);
                }
                run = shown.map(|shown| (column, shown));
            }
        }
    }
    if let Some((begun, drawn)) = run {
        areas.draw(begun, COLUMNS, drawn);
    }
    areas
}

fn least(worst: Option<Visibility>, other: Visibility) -> Option<Visibility> {
    match worst {
        Some(worst) if worst.eligible() > 0 && (other.eligible() == 0 || worst.upper() <= other.upper()) => Some(worst),
        Some(_) | None => Some(other),
    }
}

impl Areas {
    fn draw(&mut self, from: i64, until: i64, seen: Visibility) {
        let height = |part: u32| u64::from(part) * 1_000 / u64::from(seen.eligible().max(1));
        let (has, told) = (height(seen.seeing), height(seen.seeing + seen.unknown));
        for (path, low, high) in [(&mut self.has, 0, has), (&mut self.unknown, has, told), (&mut self.lost, told, 1_000)] {
            if high > low {
                rectangle(path, (x(from), x(until)), (low, high));
            }
        }
    }
}

/// Where a column begins, in hundredths of a unit.
fn x(column: i64) -> u64 {
    u64::try_from(column * 100_000 / COLUMNS).unwrap_or(0)
}

/// A rectangle from bottom to top; places in hundredths from the left, and tenths from the bottom.
fn rectangle(path: &mut String, (left, right): (u64, u64), (low, high): (u64, u64)) {
    let across = |x: u64| format!("{}.{:02}", x / 100, x % 100);
    let down = |y: u64| format!("{}.{}", (1_000 - y) / 10, (1_000 - y) % 10);
    // Text does not refuse to be written.
    let _ = write!(path, "M{} {}H{}V{}H{}Z", across(left), down(low), across(right), down(high), across(left));
}

/// Draws frames a second, the newest at the right edge, of at most `most` values; the greatest is as high as the box.
pub(super) fn bars(rates: &[u64], most: usize) -> String {
    let highest = rates.iter().copied().max().unwrap_or(0).max(1);
    let empty = most.saturating_sub(rates.len());
    let place = |index: usize| u64::try_from((empty + index) * 100_000 / most.max(1)).unwrap_or(0);
    let mut path = String::new();
    for (index, rate) in rates.iter().enumerate().filter(|(_, rate)| **rate > 0) {
        rectangle(&mut path, (place(index), place(index + 1)), (0, rate * 1_000 / highest));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(1_200_000 + seconds, 0)
    }

    fn point(seconds: i64, seeing: u32, unknown: u32) -> CoursePoint {
        CoursePoint { at: at(seconds), visibility: Visibility { seeing, lost: 4 - seeing - unknown, unknown } }
    }

    fn window(course: &[CoursePoint], now: i64) -> Window {
        let prefix = PrefixState {
            prefix: "192.0.2.0/24".to_owned(),
            label: None,
            condition: crate::watch::board::Condition::Usual,
            level: None,
            since: None,
            visibility: Visibility::default(),
            share: crate::visibility::Share::ONE,
            usual: None,
            foreign_origins: Vec::new(),
            course: Arc::new(course.to_vec()),
        };
        Window::of(&[prefix], at(now))
    }

    #[test]
    fn a_fall_shorter_than_a_column_is_drawn() {
        let course = [point(0, 4, 0), point(3_601, 0, 1), point(3_602, 4, 0)];
        let window = window(&course, 7_200);
        assert_eq!(window.length(), Span::from_seconds(10_800));
        let areas = areas(&course, window);
        assert_eq!((areas.lost.matches('M').count(), areas.unknown.matches('M').count()), (1, 1), "{areas:?}");
        assert_eq!(areas.has.matches('M').count(), 2, "before and after");
        assert!(areas.lost.contains("V0.0"), "up to the top: {}", areas.lost);
    }

    #[test]
    fn nothing_is_drawn_where_nothing_is_known_or_has_come() {
        let course = [point(0, 2, 1)];
        let window = window(&course, 60);
        assert_eq!(window.length(), Span::from_seconds(120));
        let areas = areas(&course, window);
        assert_eq!(areas.has, "M495.83 100.0H1000.00V50.0H495.83Z");
        assert_eq!(
            (areas.unknown.as_str(), areas.lost.as_str()),
            ("M495.83 50.0H1000.00V25.0H495.83Z", "M495.83 25.0H1000.00V0.0H495.83Z")
        );
        assert_eq!(super::areas(&[], window), Areas::default());
    }

    #[test]
    fn bars_stand_at_the_right_edge() {
        assert_eq!(bars(&[0, 5, 10], 4), "M500.00 100.0H750.00V50.0H500.00ZM750.00 100.0H1000.00V0.0H750.00Z");
        assert_eq!(bars(&[], 4), "");
    }
}
