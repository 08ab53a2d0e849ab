//! Frames in order of time.
//!
//! Collectors deliver at their own pace, so frames come a little out of order: each is held back until one which is so much younger has come.

use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// How long a frame is held back, in the time of the stream.
pub(in crate::source) const HELD: Span = Span::from_seconds(2);

/// What is held back.
#[derive(Debug)]
pub(in crate::source) struct Order<T> {
    held: BTreeMap<(Timestamp, u64), T>,
    /// How many were put in.
    count: u64,
    /// The latest time put in.
    newest: Timestamp,
    /// Until this time nothing need be held back.
    free: Timestamp,
    span: Span,
}

impl<T> Order<T> {
    /// Nothing is held back yet; what comes will be for this long.
    pub fn new(span: Span) -> Self {
        Order { held: BTreeMap::new(), count: 0, newest: Timestamp::MIN, free: Timestamp::MIN, span }
    }

    /// Puts something of a time in.
    pub fn put(&mut self, at: Timestamp, what: T) {
        self.newest = self.newest.max(at);
        self.pass(at);
        self.held.insert((at, self.count), what);
        self.count += 1;
    }

    /// Nothing older than this comes any more, unless it is later than allowed.
    pub fn pass(&mut self, time: Timestamp) {
        self.free = self.free.max(time - self.span);
    }

    /// What is not after this time need not be held back.
    pub fn free_until(&mut self, time: Timestamp) {
        self.free = self.free.max(time);
    }

    /// Until when nothing need be held back.
    pub fn is_free_until(&self) -> Timestamp {
        self.free
    }

    /// Whatever is held back is let go, and after it this, which is of that time or, if later, of the time of the newest.
    pub fn put_after_all(&mut self, at: Timestamp, what: T) {
        self.newest = self.newest.max(at);
        self.free = self.free.max(self.newest);
        self.held.insert((self.newest, self.count), what);
        self.count += 1;
    }

    /// The time of the first, if it need not be held back any longer.
    pub fn next(&self) -> Option<Timestamp> {
        self.held.keys().next().map(|(at, _)| *at).filter(|at| *at <= self.free)
    }

    /// Whether anything is held back.
    pub fn holds_any(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes the first out, with its time, if it need not be held back any longer; equal times keep the order in which they were put in.
    pub fn take(&mut self) -> Option<(Timestamp, T)> {
        self.next()?;
        self.held.pop_first().map(|((at, _), what)| (at, what))
    }

    /// Nothing comes any more: nothing need be held back.
    pub fn end(&mut self) {
        self.free = Timestamp::MAX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    #[test]
    fn what_is_late_by_less_is_put_in_its_place() {
        let mut order = Order::new(Span::from_seconds(2));
        let mut out = Vec::new();
        for (seconds, what) in [(10, "a"), (12, "c"), (11, "b"), (12, "d"), (20, "e")] {
            order.put(at(seconds), what);
            out.extend(std::iter::from_fn(|| order.take().map(|(_, what)| what)));
        }
        assert_eq!(out.concat(), "abcd");
        order.end();
        assert_eq!(order.take(), Some((at(20), "e")));
        assert_eq!(order.take(), None);
    }

    #[test]
    fn time_which_passes_lets_go() {
        let mut order = Order::new(Span::from_seconds(2));
        order.put(at(10), ());
        assert_eq!(order.next(), None);
        order.pass(at(12));
        assert_eq!(order.next(), Some(at(10)));
        order.put(at(13), ());
        order.put_after_all(at(12), ());
        order.put(at(14), ());
        assert_eq!(std::iter::from_fn(|| order.take()).map(|(then, ())| then).collect::<Vec<_>>(), [at(10), at(13), at(13)]);
    }
}
