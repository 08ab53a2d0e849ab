//! The axis of time: where a moment stands, and which moments are written under it.

use crate::report::view::place::Period;
use crate::time::{Span, Timestamp};

/// Hundredths of a unit along the whole axis: 1000 units.
const WIDTH: i128 = 100_000;

/// A stretch of time laid along 1000 units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) struct Axis {
    from: Timestamp,
    until: Timestamp,
}

/// A moment written under the axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Tick {
    /// Where, in hundredths of a unit.
    pub x: u32,
    /// What is written.
    pub words: String,
}

/// Distances between ticks which people read easily, in seconds.
const STEPS: [i64; 23] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600,
    2_592_000, 7_776_000,
];

impl Axis {
    pub fn of(window: &Period) -> Axis {
        Axis::between(window.from, window.until)
    }

    pub fn between(from: Timestamp, until: Timestamp) -> Axis {
        Axis { from, until: until.max(from + Span::from_micros(1)) }
    }

    pub fn window(self) -> (Timestamp, Timestamp) {
        (self.from, self.until)
    }

    /// Where a moment stands, in hundredths of a unit; what lies outside stands at the edge.
    pub fn x(self, at: Timestamp) -> u32 {
        let (part, whole) = (i128::from(at.since(self.from).micros()), i128::from(self.until.since(self.from).micros()));
        u32::try_from((part * WIDTH / whole).clamp(0, WIDTH)).unwrap_or(0)
    }

    /// The day on which it begins: `2021-10-04`.
    pub fn day(self) -> String {
        self.from.in_words().split(' ').next().unwrap_or_default().to_owned()
    }

    /// Whole moments, at most `most` of them.
    pub fn ticks(self, most: usize) -> Vec<Tick> {
        let length = self.until.since(self.from).seconds().max(1);
        let fits = |step: &&i64| usize::try_from(length / **step).is_ok_and(|count| count <= most);
        let step = STEPS.iter().find(fits).copied().unwrap_or(length);
        let first = (self.from.seconds() + step - 1).div_euclid(step) * step;
        let moments = (0..).map(|number| Timestamp::from_parts(first + number * step, 0)).take_while(|at| *at <= self.until);
        let mut day = self.day();
        let mut ticks = Vec::new();
        for at in moments.take(most + 1).filter(|at| *at >= self.from) {
            let words = at.in_words();
            let (date, clock) = words.trim_end_matches(" UTC").split_once(' ').unwrap_or((&words, ""));
            let clock = if step >= 60 { &clock[..clock.len().min(5)] } else { clock };
            let words = match (step >= 86_400, date == day) {
                (true, _) => date.to_owned(),
                (false, true) => clock.to_owned(),
                // Midnight is the date itself.
                (false, false) if clock.starts_with("00:00") => date.to_owned(),
                (false, false) => format!("{date} {clock}"),
            };
            day = date.to_owned();
            ticks.push(Tick { x: self.x(at), words });
        }
        ticks
    }
}

/// Hundredths as a number with as few digits as will do: `12.5`.
pub(in crate::report) fn units(hundredths: u32) -> String {
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => whole.to_string(),
        (whole, part) if part % 10 == 0 => format!("{whole}.{}", part / 10),
        (whole, part) => format!("{whole}.{part:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(from: &str, until: &str) -> Axis {
        Axis { from: from.parse().unwrap(), until: until.parse().unwrap() }
    }

    #[test]
    fn moments_stand_where_they_belong_and_never_outside() {
        let axis = axis("2021-10-04T15:00:00Z", "2021-10-04T16:00:00Z");
        assert_eq!(axis.x("2021-10-04T15:30:00Z".parse().unwrap()), 50_000);
        assert_eq!(axis.x("2021-10-04T14:00:00Z".parse().unwrap()), 0);
        assert_eq!(axis.x("2021-10-05T14:00:00Z".parse().unwrap()), 100_000);
    }

    #[test]
    fn ticks_are_whole_moments_and_name_each_new_day() {
        let words = |axis: Axis| axis.ticks(8).into_iter().map(|tick| tick.words).collect::<Vec<_>>();
        let night = words(axis("2021-10-04T22:10:00Z", "2021-10-05T01:20:00Z"));
        assert_eq!(night, ["22:30", "23:00", "23:30", "2021-10-05", "00:30", "01:00"]);
        assert_eq!(words(axis("2021-10-04T22:10:00Z", "2021-10-04T22:10:03Z"))[1], "22:10:01");
        assert_eq!(
            words(axis("2021-10-04T22:10:00Z", "2021-10-07T22:10:00Z")),
            ["2021-10-05", "12:00", "2021-10-06", "12:00", "2021-10-07", "12:00"]
        );
    }

    #[test]
    fn numbers_have_no_digits_too_many() {
        assert_eq!([units(0), units(1_200), units(1_250), units(1_205)], ["0", "12", "12.5", "12.05"]);
    }
}
