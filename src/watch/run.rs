//! Watching: frames, time and the wish to end, in the order in which they come.

use super::connection::{Event, Source, keep};
use super::{IncidentEvent, Live};
use crate::analysis::Analysis;
use crate::time::{Span, Timestamp};
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
    /// Something happens to incidents.
    Incidents(&'a Analysis, &'a [IncidentEvent]),
    /// Everything was looked at, and so late it is by the system's clock.
    Looked(&'a Live, Timestamp),
}

/// Watches until the server ends the stream, or `stop` is there; gives everything that was found.
///
/// # Errors
/// What `tell` says.
pub async fn run<E>(
    mut live: Live,
    source: Source,
    clock: Clock,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(Told<'_>) -> Result<(), E>,
) -> Result<Analysis, E> {
    let (sender, mut events) = mpsc::channel(WAITING);
    let connection = tokio::spawn(keep(source, sender));
    let mut looking = interval(LOOK_EVERY);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut lost_at, mut frames) = (None, 0);
    tokio::pin!(stop);
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
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
    connection.abort();
    let (analysis, news) = live.end();
    if !news.is_empty() {
        tell(Told::Incidents(&analysis, &news))?;
    }
    Ok(analysis)
}

fn look<E>(live: &mut Live, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
    if let Some((analysis, news)) = live.look() {
        tell(Told::Incidents(&analysis, &news))?;
    }
    tell(Told::Looked(live, system()))
}

fn late(clock: Clock, live: &Live) -> Timestamp {
    match clock {
        Clock::System => system(),
        Clock::Stream => live.now(),
    }
}

#[allow(clippy::disallowed_methods, reason = "watching is what happens now")]
fn system() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}
