//! The organization's own routers, beside the stream: their connections in, their words merged by time with those of the stream.

use super::Live;
use crate::observation::Observation;
use crate::source::bmp::recording::event_line;
use crate::source::bmp::{RouterEvent, RouterGlance, RouterNews, RoutersContext};
use crate::source::ris_live::frame::clock_line;
use crate::time::{Span, Timestamp};

/// So often routers are told how late it is, though they say nothing.
const TOLD_EVERY: Span = Span::from_seconds(1);

impl Live {
    /// The routers' own clocks count, and not when they are heard: what they say was recorded.
    pub fn routers_by_their_clocks(&mut self) {
        self.routers.count_by_their_clocks();
    }

    /// Takes what happens to the connection of a router; gives what people are told.
    pub fn router(&mut self, event: RouterEvent) -> Vec<RouterNews> {
        if self.routers_recording.is_some() {
            self.write_of_routers(event_line(&event).unwrap_or_default());
        }
        self.routers_told.1 = true;
        let (vantages, interest, files) = self.stream.beside();
        self.routers.take(event, &mut RoutersContext { vantages, interest, files })
    }

    /// Every router which has said something.
    pub fn routers(&self) -> impl Iterator<Item = RouterGlance<'_>> {
        self.routers.glances()
    }

    fn write_of_routers(&mut self, line: String) {
        if let Some(recording) = &mut self.routers_recording {
            recording.extend(line.into_bytes());
            recording.push(b'\n');
        }
    }

    /// So late it is. They are told once a second, and after they said something; a recording tells when that was.
    pub(super) fn pass_routers(&mut self, time: Timestamp) {
        let (told, spoke) = self.routers_told;
        if self.routers.collectors().next().is_none() || time <= told || !(spoke || time >= told + TOLD_EVERY) {
            return;
        }
        self.routers_told = (time, false);
        self.write_of_routers(clock_line(time));
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
