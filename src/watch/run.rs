//! Watching: frames, routers, time and the wish to end, in the order in which they come.

use super::bmp_station::{Station, StationEvent};
use super::connection::{Event, Source, keep};
use super::{IncidentEvent, Live};
use crate::analysis::Analysis;
use crate::source::bmp::RouterEvent;
use crate::time::{Span, Timestamp};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// How often incidents are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long what was said is waited for, since collectors deliver late: it is not yet later than this before now.
const LATE: Span = Span::from_seconds(5);
/// Frames which are taken before incidents are looked at, where the stream is faster than the clock.
const FRAMES: usize = 1_000;
/// Frames which wait.
const WAITING: usize = 65_536;
/// Chunks of routers' messages which wait.
const ROUTERS_WAITING: usize = 256;

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
    /// Something happens to a router, or it is not heard.
    Router(&'a str),
    /// Something happens to incidents.
    Incidents(&'a Analysis, &'a [IncidentEvent]),
}

/// What is listened to.
pub struct Heard {
    /// The stream, if there is one.
    pub stream: Option<Source>,
    /// The station to which routers connect, if there is one.
    pub station: Option<Station>,
}

/// Watches until the server ends the stream, or `stop` is there; gives everything that was found. Without a stream a recording, which the stream's
/// [`Clock`] means, ends when every router has gone.
///
/// # Errors
/// What `tell` says.
pub async fn run<E>(
    mut live: Live,
    heard: Heard,
    clock: Clock,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(Told<'_>) -> Result<(), E>,
) -> Result<Analysis, E> {
    let (sender, mut events) = mpsc::channel(WAITING);
    let (to_routers, mut routers) = mpsc::channel(ROUTERS_WAITING);
    let (has_stream, has_station) = (heard.stream.is_some(), heard.station.is_some());
    let mut tasks = JoinSet::new();
    heard.stream.into_iter().for_each(|source| _ = tasks.spawn(keep(source, sender.clone())));
    heard.station.into_iter().for_each(|station| _ = tasks.spawn(station.serve(to_routers.clone())));
    if clock == Clock::Stream {
        live.routers_by_their_clocks();
    }
    let mut connected = 0usize;
    let mut looking = interval(LOOK_EVERY);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut lost_at, mut frames) = (None, 0);
    tokio::pin!(stop);
    loop {
        let event = tokio::select! {
            event = events.recv(), if has_stream => event,
            Some(event) = routers.recv(), if has_station => {
                connected = count(connected, &event);
                let gone = connected == 0 && matches!(event, StationEvent::Router(RouterEvent::Lost { .. }));
                take_router(&mut live, event, &mut tell)?;
                if clock == Clock::Stream {
                    look(&mut live, &mut tell)?;
                }
                if gone && clock == Clock::Stream && !has_stream {
                    break;
                }
                continue;
            }
            _ = looking.tick() => {
                if clock == Clock::System {
                    live.pass(system() - LATE);
                }
                look(&mut live, &mut tell)?;
                continue;
            }
            () = &mut stop => break,
        };
        match event {
            Some(Event::Up) => {
                if let Some(from) = lost_at.take() {
                    live.lost(from, late(clock, &live));
                }
                tell(Told::Up)?;
            }
            Some(Event::Frame(frame)) => {
                if let Some(words) = live.take(frame.as_bytes()) {
                    tell(Told::Error(&words))?;
                }
                frames += 1;
                if clock == Clock::Stream && frames % FRAMES == 0 {
                    look(&mut live, &mut tell)?;
                }
            }
            Some(Event::Down { reason, was_up }) => {
                lost_at.get_or_insert(late(clock, &live));
                tell(if was_up { Told::Down(&reason) } else { Told::NoConnection(&reason) })?;
            }
            Some(Event::Ended(_)) | None => break,
        }
    }
    tasks.abort_all();
    let (analysis, news) = live.end();
    if !news.is_empty() {
        tell(Told::Incidents(&analysis, &news))?;
    }
    Ok(analysis)
}

/// How many connections of routers stand after something happened to one.
fn count(connected: usize, event: &StationEvent) -> usize {
    match event {
        StationEvent::Router(RouterEvent::Connected { .. }) => connected + 1,
        StationEvent::Router(RouterEvent::Lost { .. }) => connected.saturating_sub(1),
        StationEvent::Router(RouterEvent::Messages { .. }) | StationEvent::Refused(..) => connected,
    }
}

fn take_router<E>(live: &mut Live, event: StationEvent, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
    match event {
        StationEvent::Router(event) => live.router(event).iter().try_for_each(|news| tell(Told::Router(&news.to_string()))),
        StationEvent::Refused(address, reason) => tell(Told::Router(&format!("{address} is not heard: {reason}"))),
    }
}

fn look<E>(live: &mut Live, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
    match live.look() {
        Some((analysis, news)) => tell(Told::Incidents(&analysis, &news)),
        None => Ok(()),
    }
}

fn late(clock: Clock, live: &Live) -> Timestamp {
    match clock {
        Clock::System => system(),
        Clock::Stream => live.now(),
    }
}

#[allow(clippy::disallowed_methods, reason = "watching is what happens now")]
pub(super) fn system() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}
