//! Numbers over a picture: which steps of the chain happened when, those close together in one flag, flags which would touch one below the
//! other.

use super::percent;
use crate::report::chart::axis::{Axis, units};
use crate::report::chart::marks::Mark;
use crate::report::words;

/// Steps closer than this, in hundredths of a unit, share a flag.
const TOGETHER: u32 = 1_500;
/// Half a flag's width on a phone, whose plot is some 330 pixels wide: its border and half its signs.
const HALF: (u32, u32) = (1_900, 1_100);

/// A flag.
pub(super) struct Flag {
    pub numbers: String,
    pub class: &'static str,
    pub left: String,
    pub x: String,
    pub level: usize,
    pub words: String,
}

/// How many levels there are, and the flags.
pub(super) fn flags(marks: &[Mark], axis: Axis) -> (usize, Vec<Flag>) {
    let mut sorted: Vec<&Mark> = marks.iter().collect();
    sorted.sort_by_key(|mark| (mark.latest, mark.number));
    let mut groups: Vec<Vec<&Mark>> = Vec::new();
    for mark in sorted {
        match groups.last_mut() {
            Some(group) if group[0].class == mark.class && axis.x(mark.latest) - axis.x(group[0].latest) <= TOGETHER => {
                group.push(mark)
            }
            _ => groups.push(vec![mark]),
        }
    }
    let mut ends: Vec<u32> = Vec::new();
    let mut flags = Vec::new();
    for group in groups {
        let x = axis.x(group[0].latest);
        let numbers = words::runs(group.iter().map(|mark| words::size(mark.number)));
        let half = HALF.0 + HALF.1 * u32::try_from(numbers.chars().count()).unwrap_or(u32::MAX / HALF.1 / 2);
        let level = ends.iter().position(|end| *end + half <= x).unwrap_or(ends.len());
        if level == ends.len() {
            ends.push(x + half);
        } else {
            ends[level] = x + half;
        }
        flags.push(Flag {
            numbers,
            class: group[0].class,
            left: percent(x),
            x: units(x),
            level,
            words: group.iter().map(|mark| format!("{}. {}", mark.number, mark.words)).collect::<Vec<_>>().join("; "),
        });
    }
    (ends.len(), flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn close_steps_share_a_flag_and_near_ones_stand_on_levels() {
        let at = |seconds| Timestamp::from_parts(seconds, 0);
        let mark =
            |number, seconds, class| Mark { number, earliest: at(seconds), latest: at(seconds), class, words: String::new() };
        let marks =
            [mark(1, 100, "breaks"), mark(2, 101, "breaks"), mark(3, 130, "breaks"), mark(4, 131, "back"), mark(5, 900, "back")];
        let (levels, flags) = flags(&marks, Axis::between(at(0), at(1_000)));
        let shown: Vec<(&str, usize)> = flags.iter().map(|flag| (flag.numbers.as_str(), flag.level)).collect();
        assert_eq!((levels, shown), (3, vec![("1-2", 0), ("3", 1), ("4", 2), ("5", 0)]));
    }
}
