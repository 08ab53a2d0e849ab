//! Where a watch hears from, and who hears through it: a server of RIS Live, or a bus between several who watch.

use crate::analysis::Outcome;
use crate::cli::Watch;
use crate::replay::server::END;
use crate::time::Timestamp;
use crate::watch::connection::{Event, Source};
use crate::watch::stream::Stream;
use crate::watch::{Live, subscribe_to_everything};
use miette::IntoDiagnostic;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// The stream of an organization.
pub(super) fn stream(typed: &Watch, live: &Live) -> miette::Result<Stream> {
    if is_bus(&typed.stream) {
        return bus::prefixes(typed, live);
    }
    let everything = typed.everything || typed.sharing.publish.is_some();
    ris_live(typed, live.subscriptions(everything))
}

/// The stream of every origin, or of a share of all prefixes, from a time on.
pub(super) fn stream_of_everything(typed: &Watch, from: Option<Timestamp>) -> miette::Result<Stream> {
    if is_bus(&typed.stream) {
        return bus::share(typed, from);
    }
    ris_live(typed, subscribe_to_everything())
}

fn is_bus(address: &str) -> bool {
    address.starts_with("nats://") || address.starts_with("tls://")
}

fn ris_live(typed: &Watch, subscriptions: Vec<Value>) -> miette::Result<Stream> {
    let source = Source::new(&typed.stream, subscriptions, typed.replayed.then_some(END));
    source.map(Stream::RisLive).map_err(|problem| {
        let help = "write it as wss://ris-live.ripe.net/v1/ws/ or, for a replay, ws://127.0.0.1:8080/, or, for a bus, nats://127.0.0.1:4222/ris";
        miette::miette!(help = help, "`{}` is no address of a stream: {problem}", typed.stream)
    })
}

/// Passes the stream on, and does nothing else.
///
/// # Errors
/// If there is no bus, or it cannot go on.
pub(super) fn relay(typed: &Watch) -> miette::Result<Outcome> {
    let only_watching = [
        ("--journal", typed.journal.is_some()),
        ("--record", typed.record.is_some()),
        ("--dashboard", typed.dashboard.is_some()),
        ("--bmp", !typed.bmp.is_empty()),
        ("--seed", !typed.seeds.is_empty()),
        ("--seed-newest", !typed.newest.seed_newest.is_empty()),
    ];
    if let Some((option, _)) = only_watching.iter().find(|(_, given)| *given) {
        let help = "name the profile, too, or leave it out";
        return Err(miette::miette!(help = help, "`{option}` is of watching, and without a profile --publish watches nothing"));
    }
    let stream = stream_of_everything(typed, None)?;
    let Some(publishing) = publishing(typed)? else {
        return Err(miette::miette!("name a profile, or --publish, or --all-origins"));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        stream.hear(&mut tasks, publishing.events(), None);
        tokio::select! {
            _ = tasks.join_next() => {}
            () = crate::command::ending::told_to_end() => {}
        }
    });
    // Tasks which still hear the stream go with it.
    drop(runtime);
    publishing.end().map(|()| Outcome::NoIncident)
}

/// Somebody who puts the stream onto a bus, in a thread of their own: a slow bus delays nothing.
pub(super) struct Publishing {
    events: mpsc::Sender<Event>,
    thread: std::thread::JoinHandle<miette::Result<()>>,
}

impl Publishing {
    /// Where they hear.
    pub(super) fn events(&self) -> mpsc::Sender<Event> {
        self.events.clone()
    }

    /// Nothing more comes; what waits is put onto the bus.
    ///
    /// # Errors
    /// If it could not go on.
    pub(super) fn end(self) -> miette::Result<()> {
        drop(self.events);
        self.thread.join().unwrap_or_else(|_| Err(miette::miette!("publishing ended by an error of the program")))
    }
}

/// Begins to publish, if that was asked for.
///
/// # Errors
/// If there is no bus, or it is not ours.
pub(super) fn publishing(typed: &Watch) -> miette::Result<Option<Publishing>> {
    let Some(to) = &typed.sharing.publish else { return Ok(None) };
    if is_bus(&typed.stream) {
        return Err(miette::miette!(
            help = "leave out --publish, or --stream",
            "what comes from a bus is not put onto another one"
        ));
    }
    bus::publishing(typed, to).map(Some)
}

#[cfg(feature = "nats")]
mod bus {
    use super::super::clock;
    use super::{Live, Publishing, Stream, Timestamp, Watch, mpsc};
    use crate::command::tell;
    use crate::scope::Share;
    use crate::watch::bus::Address;
    use crate::watch::bus::publish::{Bus, News, publish};
    use crate::watch::bus::read::{Needed, Reader};
    use crate::watch::hearing::Hearing;
    use miette::IntoDiagnostic;
    use std::time::Duration;

    /// Events which wait for whoever publishes.
    const WAITING: usize = 65_536;

    pub(super) fn prefixes(typed: &Watch, live: &Live) -> miette::Result<Stream> {
        let from = Some(live.now()).filter(|from| *from > Timestamp::MIN);
        reader(typed, Needed::Prefixes(live.watched().to_vec()), from)
    }

    pub(super) fn share(typed: &Watch, from: Option<Timestamp>) -> miette::Result<Stream> {
        let all = Share::new(0, 1).ok_or_else(|| miette::miette!("an error of the program"))?;
        reader(typed, Needed::Share(typed.sharing.share.unwrap_or(all)), from)
    }

    fn reader(typed: &Watch, needed: Needed, from: Option<Timestamp>) -> miette::Result<Stream> {
        let (address, ends) = (address(&typed.stream)?, typed.replayed);
        // A replay of long ago is put onto the bus now.
        Ok(Stream::Bus(Reader { address, needed, from: from.filter(|_| !ends), ends }))
    }

    fn address(text: &str) -> miette::Result<Address> {
        let help = "write it as nats://127.0.0.1:4222/ris, the address of a server and the name of a stream";
        // Whatever stands before an @ may be secret.
        let shown = text.split_once('@').map_or(text, |(_, rest)| rest);
        Address::read(text).map_err(|error| miette::miette!(help = help, "`{shown}` is no address of a bus: {error}"))
    }

    pub(super) fn publishing(typed: &Watch, to: &str) -> miette::Result<Publishing> {
        let (address, sharing) = (address(to)?, &typed.sharing);
        let kept_for = u64::try_from(sharing.kept_for.micros()).ok().filter(|micros| *micros > 0);
        let kept_for = Duration::from_micros(kept_for.ok_or_else(|| miette::miette!("--kept-for says for no time at all"))?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
        let wrong = |problem: String| {
            let help = "nats-server -js keeps streams; docs/live.md says how to start one";
            miette::miette!(help = help, "nothing can be put onto {to}: {problem}")
        };
        let bus = runtime.block_on(Bus::open(address, sharing.shares, kept_for)).map_err(wrong)?;
        tell(&format!("what {} says is put onto {to}, in {} shares", typed.stream, bus.shares()));
        let hearing = Hearing::new(&typed.stream, clock(typed));
        // With a watch beside it that one tells of the connection.
        let alone = typed.profile.is_none() && !sharing.all_origins;
        let (events, heard) = mpsc::channel(WAITING);
        let place = to.to_owned();
        let published = move || {
            let say = |news: News<'_>| match news {
                News::Stream(words) if alone => tell(words),
                News::Stream(_) => {}
                News::Bus(words) => tell(words),
            };
            let published = runtime.block_on(publish(bus, hearing, heard, say));
            if let Err(problem) = &published
                && !alone
            {
                // The watch goes on, so its end is not when people hear of it.
                tell(&format!("nothing is put onto {place} any more: {problem}"));
            }
            published.map_err(|problem| miette::miette!("{problem}"))
        };
        Ok(Publishing { events, thread: std::thread::spawn(published) })
    }
}

#[cfg(not(feature = "nats"))]
mod bus {
    use super::{Live, Publishing, Stream, Timestamp, Watch};

    fn missing<T>() -> miette::Result<T> {
        let help = "build it with `cargo build --release --features nats`";
        Err(miette::miette!(help = help, "this program was built without `nats`, so it knows no bus"))
    }

    pub(super) fn prefixes(_: &Watch, _: &Live) -> miette::Result<Stream> {
        missing()
    }

    pub(super) fn share(_: &Watch, _: Option<Timestamp>) -> miette::Result<Stream> {
        missing()
    }

    pub(super) fn publishing(_: &Watch, _: &str) -> miette::Result<Publishing> {
        missing()
    }
}
