//! The course of a prefix's visibility, in bounded memory.

use crate::time::{Span, Timestamp};
use crate::visibility::Visibility;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// So far back it goes.
const WINDOW: Span = Span::from_seconds(6 * 3_600);
/// So many points it has at most.
const POINTS: usize = 1_000;

/// Who saw a prefix from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoursePoint {
    /// From when on.
    pub at: Timestamp,
    /// Who saw it.
    pub visibility: Visibility,
}

/// The course of visibility: each point holds until the next.
#[derive(Debug, Clone, Default)]
pub struct Course {
    points: Arc<Vec<CoursePoint>>,
}

impl Course {
    /// From now on it is this.
    pub fn put(&mut self, at: Timestamp, visibility: Visibility) {
        let points = Arc::make_mut(&mut self.points);
        let at = points.last().map_or(at, |last| last.at.max(at));
        match points.last_mut() {
            Some(last) if last.visibility == visibility => return,
            Some(last) if last.at == at => last.visibility = visibility,
            Some(_) | None => points.push(CoursePoint { at, visibility }),
        }
        if points.len() > POINTS {
            thin(points);
        }
    }

    /// Forgets what was over before the window.
    pub fn forget(&mut self, now: Timestamp) {
        let over = self.points.iter().skip(1).take_while(|next| next.at <= now - WINDOW).count();
        if over > 0 {
            Arc::make_mut(&mut self.points).drain(..over);
        }
    }

    /// Its points, in order of time.
    pub fn points(&self) -> &Arc<Vec<CoursePoint>> {
        &self.points
    }
}

/// Of the older half every two points become the one at which fewer saw it, from when the first began: no fall is hidden.
fn thin(points: &mut Vec<CoursePoint>) {
    let newer = points.split_off(points.len() / 2);
    let worse = |pair: &[CoursePoint]| {
        let at = pair.first()?.at;
        pair.iter().min_by_key(|point| point.visibility.upper()).map(|worst| CoursePoint { at, ..*worst })
    };
    *points = points.chunks(2).filter_map(worse).collect();
    points.dedup_by_key(|point| point.visibility);
    points.extend(newer);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(seeing: u32) -> Visibility {
        Visibility { seeing, lost: 10 - seeing, unknown: 0 }
    }

    #[test]
    fn it_stays_bounded_and_hides_no_fall() {
        let mut course = Course::default();
        for second in 0..20_000 {
            let fell = second == 5_001;
            course.put(Timestamp::from_parts(second, 0), if fell { seen(0) } else { seen(8 + u32::from(second % 2 == 0)) });
        }
        let points = course.points();
        assert!(points.len() <= POINTS, "{}", points.len());
        assert_eq!(points.iter().filter(|point| point.visibility == seen(0)).count(), 1, "the one fall");
        assert!(points.is_sorted_by_key(|point| point.at));
        assert_eq!(points.last().map(|point| point.visibility), Some(seen(8)), "what is newest is as it was");
    }

    #[test]
    fn what_held_when_the_window_began_is_kept() {
        let mut course = Course::default();
        for hour in 0..10 {
            course.put(Timestamp::from_parts(hour * 3_600, 0), seen(u32::try_from(hour).unwrap()));
        }
        course.forget(Timestamp::from_parts(9 * 3_600 + 1, 0));
        assert_eq!(course.points().first().map(|point| point.visibility), Some(seen(3)));
    }
}
