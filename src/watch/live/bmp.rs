//! The organization's own routers, beside the stream: their connections in, their words merged by time with those of the stream.

use super::Live;
use crate::observation::Observation;
use crate::source::bmp::{RouterEvent, RouterNews, RoutersContext};
use crate::time::Timestamp;

impl Live {
    /// The routers' own clocks count, and not when they are heard: what they say was recorded.
    pub fn routers_by_their_clocks(&mut self) {
        self.routers.count_by_their_clocks();
    }

    /// Takes what happens to the connection of a router; gives what people are told.
    pub fn router(&mut self, event: RouterEvent) -> Vec<RouterNews> {
        let (vantages, interest, files) = self.stream.beside();
        self.routers.take(event, &mut RoutersContext { vantages, interest, files })
    }

    /// So late it is.
    pub(super) fn pass_routers(&mut self, time: Timestamp) {
        let (vantages, interest, files) = self.stream.beside();
        self.routers.pass(time, &mut RoutersContext { vantages, interest, files });
    }

    /// No router says anything any more.
    pub(super) fn end_routers(&mut self) {
        let now = self.now;
        let (vantages, interest, files) = self.stream.beside();
        self.routers.end(now, &RoutersContext { vantages, interest, files });
    }

    /// Takes what routers said until the time of the stream; what they say themselves does not hurry it.
    pub(super) fn heard_of_routers(&mut self) -> Vec<Observation> {
        self.routers.let_go_until(self.stream.is_free_until());
        std::iter::from_fn(|| self.routers.said()).collect()
    }
}
