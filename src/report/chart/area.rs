//! Stepped areas as SVG paths, and steps thinned to what a picture can show.

use super::axis::{Axis, units};
use crate::time::Timestamp;

/// A step to be drawn: from here on, so much of so much. Nothing is drawn where the whole is nothing.
pub(super) type Step = (Timestamp, u32, u32);

/// The area under steps, in a row which begins `top` hundredths of a unit from above and is 100 units tall.
pub(super) fn area(steps: impl IntoIterator<Item = Step>, axis: Axis, top: u32) -> String {
    let bottom = top + 10_000;
    let mut path = String::new();
    // The height at which the pen is; `None` while it is up.
    let mut pen: Option<u32> = None;
    for (at, part, whole) in steps {
        let x = units(axis.x(at));
        let height = share(part, whole).map(|share| bottom - share).filter(|height| *height < bottom);
        if height == pen {
            continue;
        }
        match (pen, height) {
            (None, Some(height)) => path += &format!("M{x} {}V{}", units(bottom), units(height)),
            (Some(_), Some(height)) => path += &format!("H{x}V{}", units(height)),
            (Some(_), None) => path += &format!("H{x}V{}Z", units(bottom)),
            (None, None) => {}
        }
        pen = height;
    }
    if pen.is_some() {
        path += &format!("H1000V{}Z", units(bottom));
    }
    path
}

/// A share in hundredths of a unit of height; `None` of nothing.
pub(super) fn share(part: u32, whole: u32) -> Option<u32> {
    (whole > 0).then(|| u32::try_from(u64::from(part.min(whole)) * 10_000 / u64::from(whole)).unwrap_or(10_000))
}

/// At most about two steps a column where there are many more: the one with the smallest rank, so that no fall is hidden, and the last.
pub(super) fn thinned<T: Copy>(
    steps: &[T],
    at: impl Fn(&T) -> Timestamp,
    rank: impl Fn(&T) -> u32,
    axis: Axis,
    columns: u32,
) -> Vec<T> {
    if u32::try_from(steps.len()).is_ok_and(|count| count <= columns * 2) {
        return steps.to_vec();
    }
    let column = |step: &T| axis.x(at(step)) * columns / 100_000;
    let mut kept = Vec::new();
    for run in steps.chunk_by(|a, b| column(a) == column(b)) {
        let lowest = run.iter().enumerate().min_by_key(|(_, step)| rank(step));
        let last = run.len() - 1;
        if let Some((place, step)) = lowest {
            kept.push(*step);
            kept.extend(run.get(last).filter(|_| place != last));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::view::place::Period;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    fn axis() -> Axis {
        Axis::of(&Period::between(at(0), at(100)))
    }

    #[test]
    fn an_area_steps_down_lifts_the_pen_at_nothing_and_ends_with_the_axis() {
        let steps = [(at(0), 4, 4), (at(10), 1, 4), (at(20), 0, 4), (at(30), 0, 0), (at(50), 2, 4)];
        assert_eq!(area(steps, axis(), 0), "M0 100V0H100V75H200V100ZM500 100V50H1000V100Z");
        assert_eq!(area([(at(0), 1, 1)], axis(), 10_000), "M0 200V100H1000V200Z");
    }

    #[test]
    fn thinning_keeps_the_deepest_fall_and_where_it_ends() {
        let steps: Vec<Step> = (0..1_000).map(|n| (Timestamp::from_micros(n * 100_000), u32::from(n != 517), 1)).collect();
        let kept = thinned(&steps, |step| step.0, |step| step.1, axis(), 10);
        assert!(kept.len() <= 20, "{}", kept.len());
        assert!(kept.iter().any(|step| step.1 == 0), "the one fall is still there");
        assert_eq!(kept.last(), steps.last());
        assert_eq!(thinned(&steps[..20], |step| step.0, |step| step.1, axis(), 10).len(), 20, "few stay as they are");
    }
}
