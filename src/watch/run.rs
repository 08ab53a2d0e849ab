//! Watching: frames, results of probes, time and the wish to end, in the order in which they come.

use super::connection::{Event, Source, keep};
use super::record::{Part, Recorder};
use super::{IncidentEvent, LifeCycle, Live};
use crate::analysis::Analysis;
use crate::probe::ProbeResult;
use crate::time::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

/// How often incidents are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long what was said is waited for, since collectors deliver late: it is not yet later than this before now.
const LATE: Span = Span::from_seconds(5);
/// Frames which are taken before incidents are looked at, where the stream is faster than the clock.
const FRAMES: usize = 1_000;
/// Frames which wait.
const WAITING: usize = 65_536;

/// Which clock tells how late it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The system's.
    System,
    /// That of the stream, which may be a replay: it is as late as what was said last.
    Stream,
}

/// What people are told.
pub enum Told<'a> {
    /// The connection is up.
    Up,
    /// The connection is lost, for this reason.
    Down(&'a str),
    /// No connection can be made, for this reason.
    NoConnection(&'a str),
    /// The server is not content.
    Error(&'a str),
    /// The connection is up, but nothing came since then which should have.
    Silent(Timestamp),
    /// The recording is not whole, for this reason.
    Recording(&'a str),
    /// Services need these addresses, too, and the stream was not asked about them.
    Unasked(&'a BTreeSet<IpAddr>),
    /// Something happens to incidents; and what was told of them, with this.
    Incidents(&'a Analysis, &'a [IncidentEvent], &'a LifeCycle),
    /// Everything was looked at, by the system's clock then.
    Looked(&'a Live, Timestamp),
}

/// What is watched, and with what.
pub struct Watching {
    /// The organization.
    pub live: Live,
    /// The stream.
    pub source: Source,
    /// Which clock tells how late it is.
    pub clock: Clock,
    /// Results of probes, if anybody probes.
    pub results: Option<mpsc::Receiver<ProbeResult>>,
    /// Where what comes is kept, if it is.
    pub recorder: Option<Recorder>,
    /// Until when it was watched before, if this goes on: nothing is known of the time between.
    pub seen_until: Option<Timestamp>,
}

/// Watches until the server ends the stream, or `stop` is there; gives everything that was found.
///
/// # Errors
/// What `tell` says.
pub async fn run<E>(
    watching: Watching,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(Told<'_>) -> Result<(), E>,
) -> Result<Analysis, E> {
    let Watching { live, source, clock, mut results, recorder, seen_until } = watching;
    let (sender, mut events) = mpsc::channel(WAITING);
    let connection = tokio::spawn(keep(source, sender));
    let mut looking = interval(LOOK_EVERY);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = UnderWay { live, clock, recorder, lost_at: seen_until, frames: 0, unasked: 0 };
    tokio::pin!(stop);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(Event::Ended(_)) | None => break,
                Some(event) => under_way.take(event, &mut tell)?,
            },
            result = next_result(&mut results) => under_way.live.take_result(result),
            _ = looking.tick() => {
                if clock == Clock::System {
                    under_way.live.pass(system() - LATE);
                    if let Some(since) = under_way.live.silent(system()) {
                        tell(Told::Silent(since))?;
                    }
                }
                under_way.look(&mut tell)?;
            }
            () = &mut stop => break,
        }
    }
    connection.abort();
    under_way.end(tell)
}

/// The next result; never, if nobody probes.
async fn next_result(results: &mut Option<mpsc::Receiver<ProbeResult>>) -> ProbeResult {
    if let Some(open) = results
        && let Some(result) = open.recv().await
    {
        return result;
    }
    *results = None;
    std::future::pending().await
}

struct UnderWay {
    live: Live,
    clock: Clock,
    recorder: Option<Recorder>,
    lost_at: Option<Timestamp>,
    frames: usize,
    /// How many addresses people were told of that were not asked about.
    unasked: usize,
}

impl UnderWay {
    fn take<E>(&mut self, event: Event, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
        match event {
            Event::Up => {
                if let Some(from) = self.lost_at.take() {
                    self.live.lost(from, self.late());
                }
                self.live.connected(self.late());
                tell(Told::Up)
            }
            Event::Frame(frame) => {
                if let Some(words) = self.live.take(frame.as_bytes()) {
                    tell(Told::Error(&words))?;
                }
                self.frames += 1;
                if self.clock == Clock::Stream && self.frames.is_multiple_of(FRAMES) {
                    self.look(tell)?;
                }
                Ok(())
            }
            Event::Down { reason, was_up } => {
                let late = self.late();
                self.lost_at.get_or_insert(late);
                tell(if was_up { Told::Down(&reason) } else { Told::NoConnection(&reason) })
            }
            Event::Ended(_) => Ok(()),
        }
    }

    fn look<E>(&mut self, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
        self.record();
        if let Some(words) = self.recorder.as_ref().and_then(Recorder::trouble) {
            tell(Told::Recording(&words))?;
        }
        let unasked = self.live.unasked();
        if unasked.len() > self.unasked {
            self.unasked = unasked.len();
            tell(Told::Unasked(unasked))?;
        }
        if let Some((analysis, news)) = self.live.look() {
            tell(Told::Incidents(&analysis, &news, self.live.life()))?;
        }
        tell(Told::Looked(&self.live, system()))
    }

    fn record(&mut self) {
        let now = self.late();
        if let Some(recorder) = &mut self.recorder {
            let (stream, probes) = self.live.recorded();
            recorder.put(Part::Stream, stream, now);
            recorder.put(Part::Probes, probes, now);
        }
    }

    fn end<E>(mut self, mut tell: impl FnMut(Told<'_>) -> Result<(), E>) -> Result<Analysis, E> {
        // How late it was in the end belongs to the recording.
        self.live.pass(self.live.now());
        self.record();
        if let Some(words) = self.recorder.take().and_then(Recorder::end) {
            tell(Told::Recording(&words))?;
        }
        let (analysis, news) = self.live.end();
        if !news.is_empty() {
            tell(Told::Incidents(&analysis, &news, self.live.life()))?;
        }
        Ok(analysis)
    }

    fn late(&self) -> Timestamp {
        match self.clock {
            Clock::System => system(),
            Clock::Stream => self.live.now(),
        }
    }
}

/// How late it is by the system's clock.
#[allow(clippy::disallowed_methods, reason = "watching is what happens now")]
pub fn system() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}
