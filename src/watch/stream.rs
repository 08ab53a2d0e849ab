//! A stream, wherever it comes from.

use super::connection::{Event, Source, keep};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Where a stream is.
pub enum Stream {
    /// A server of RIS Live.
    RisLive(Source),
    /// A bus, which keeps what such a server said.
    #[cfg(feature = "nats")]
    Bus(crate::watch::bus::read::Reader),
}

/// Events which wait for somebody else.
const WAITING: usize = 1_024;

impl Stream {
    /// Begins to hear it, in a task which ends when nobody listens any more. `also`: somebody else who hears all of it; one who is gone is no reason to end.
    pub fn hear(self, tasks: &mut JoinSet<()>, events: mpsc::Sender<Event>, also: Option<mpsc::Sender<Event>>) {
        let events = match also {
            None => events,
            Some(also) => {
                let (sender, heard) = mpsc::channel(WAITING);
                tasks.spawn(pass_on(heard, events, also));
                sender
            }
        };
        match self {
            Stream::RisLive(source) => tasks.spawn(keep(source, events)),
            #[cfg(feature = "nats")]
            Stream::Bus(reader) => tasks.spawn(crate::watch::bus::read::keep(reader, events)),
        };
    }

    /// Whether it tells itself how late it is.
    pub const fn has_clock(&self) -> bool {
        match self {
            Stream::RisLive(_) => false,
            #[cfg(feature = "nats")]
            Stream::Bus(_) => true,
        }
    }
}

async fn pass_on(mut heard: mpsc::Receiver<Event>, events: mpsc::Sender<Event>, also: mpsc::Sender<Event>) {
    while let Some(event) = heard.recv().await {
        let _ = also.send(event.clone()).await;
        if events.send(event).await.is_err() {
            return;
        }
    }
}
