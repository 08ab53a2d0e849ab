//! Reads from the bus what is for all, and the shares which somebody needs.
//!
//! The server keeps the stream in order and every message has a number, so a reader knows what it has: when the connection is lost, or the server is started again, it goes on
//! after that. Nothing is acknowledged: whoever reads has the state, and reads the stream again when that is lost.

use super::batch::{Key, Paths, Stretch};
use super::server::{Address, Part, part_of, shares_of, subject};
use crate::scope::Share;
use crate::time::{Span, Timestamp};
use crate::watch::connection::{Event, Said};
use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use futures_util::StreamExt;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// After so long it is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// A server which does not speak for twice as long is not there.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// When nothing comes for so long it is asked whether something should have.
const IDLE: Duration = Duration::from_secs(3);
const LOST: &str = "something was lost on the way, and is read again";
const PULL: Duration = Duration::from_secs(30);
/// Messages which are on their way.
const BATCH: usize = 512;
/// After so long without anybody who reads the server forgets where it was.
const FORGET: Duration = Duration::from_secs(60);
/// Messages are put onto the bus after they were recorded: to have all from a time on it is begun so much before it.
const MARGIN: Span = Span::from_seconds(15);

/// Which shares are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needed {
    /// Those which hold these prefixes.
    Prefixes(Vec<IpNet>),
    /// Those which one of several who share all of them takes.
    Share(Share),
}

/// Somebody who reads.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Where.
    pub address: Address,
    /// What.
    pub needed: Needed,
    /// From when on; all there is without it.
    pub from: Option<Timestamp>,
    /// It is a replay: its end is one.
    pub ends: bool,
}

impl Needed {
    /// The numbers of the shares, of so many.
    ///
    /// # Errors
    /// If so many cannot be shared so.
    pub fn of(&self, shares: u32) -> Result<BTreeSet<u32>, String> {
        match self {
            Needed::Prefixes(prefixes) => {
                let numbers = prefixes.iter().map(|prefix| Share::only_one_of(prefix, shares));
                Ok(numbers.collect::<Option<BTreeSet<u32>>>().unwrap_or_else(|| (0..shares).collect()))
            }
            Needed::Share(share) if shares.is_multiple_of(share.of()) => {
                Ok((0..shares).filter(|number| number % share.of() == share.number()).collect())
            }
            Needed::Share(share) => Err(format!(
                "the stream has {shares} shares, which {} cannot share evenly: take a number which divides {shares}",
                share.of()
            )),
        }
    }
}

/// Reads, and tells what comes, until nobody listens any more or a replay is over.
pub async fn keep(reader: Reader, events: mpsc::Sender<Event>) {
    let mut place = Place::default();
    while !events.is_closed() {
        match reader.read(&mut place, &events).await {
            Ok(reason) => {
                // Nobody listens any more, or this is the last they hear.
                let _ = events.send(Event::Ended(reason)).await;
                return;
            }
            // Tried again every second, told once.
            Err(reason) if !std::mem::replace(&mut place.told, true) => {
                let _ = events.send(Event::Down { reason, was_up: place.joined }).await;
            }
            Err(_) => {}
        }
        sleep(PAUSE).await;
    }
}

/// How far somebody has read.
#[derive(Debug, Default)]
struct Place {
    /// The number of the last message which was read.
    read: u64,
    /// Paths whose stretch was not read yet.
    paths: BTreeMap<u32, Paths>,
    /// A stretch was read.
    begun: bool,
    joined: bool,
    /// What was there has been read.
    current: bool,
    /// That there is no connection was told.
    told: bool,
    /// Until when something was told.
    until: Option<Timestamp>,
    /// What was said after this time, until what comes next, is not there any more, or cannot be read.
    lost: Option<Timestamp>,
    /// The stretch which was read last.
    last: Option<Key>,
    /// When the stream was made.
    made: Option<i128>,
    /// That something cannot be read was told.
    unreadable: bool,
}

impl Place {
    /// What was said after what was told last is missing.
    fn lose(&mut self) {
        self.lost = self.lost.or(self.until);
        self.paths.clear();
    }

    /// Takes a message; gives what is said, with a note of what is missing before it, and why it cannot be read, once.
    fn take(&mut self, part: Option<Part>, bytes: &[u8], wanted: (&BTreeSet<u32>, bool)) -> (Vec<Said>, Option<String>) {
        match take(part, bytes, wanted, self) {
            Ok(said) => {
                let gap = said.iter().find_map(Said::until).and_then(|first| {
                    let from = self.lost.take()?;
                    Some(Said::Lost(from.min(first), first))
                });
                self.until = self.until.max(said.iter().filter_map(Said::until).max());
                (gap.into_iter().chain(said).collect(), None)
            }
            // It goes on after it.
            Err(problem) => {
                self.lose();
                let told = std::mem::replace(&mut self.unreadable, true);
                (Vec::new(), (!told).then_some(problem))
            }
        }
    }
}

impl Reader {
    /// One connection. `Ok` if a replay is over, else why it is lost.
    async fn read(&self, place: &mut Place, events: &mpsc::Sender<Event>) -> Result<String, String> {
        let gone = || Ok("nobody listens".to_owned());
        let (_client, context) = self.address.connect().await?;
        let name = self.address.stream();
        let stream =
            context.get_stream(name).await.map_err(|error| format!("no stream `{name}`: {error}; watch --publish makes it"))?;
        let info = stream.cached_info();
        let shares = shares_of(&info.config).ok_or_else(|| format!("the stream `{name}` is of another program"))?;
        let numbers = self.needed.of(shares)?;
        let made = info.created.unix_timestamp_nanos();
        if place.made.replace(made).is_some_and(|before| before != made) {
            // Somebody has made it anew.
            place.read = 0;
            place.lose();
        } else if info.state.last_sequence < place.read {
            // The server has lost the end of it; what is said again is known.
            place.read = info.state.last_sequence;
            place.paths.clear();
        } else if place.read > 0 && info.state.first_sequence > place.read + 1 {
            place.lose();
        }
        let consumer = self.consumer(&context, place.read, shares, &numbers).await?;
        let news = !std::mem::replace(&mut place.joined, true) | std::mem::take(&mut place.told);
        if news && events.send(Event::Joined).await.is_err() {
            return gone();
        }
        if consumer.cached_info().num_pending == 0
            && !std::mem::replace(&mut place.current, true)
            && events.send(Event::Current).await.is_err()
        {
            return gone();
        }
        let pulling = consumer.stream().max_messages_per_batch(BATCH).heartbeat(HEARTBEAT).expires(PULL);
        let mut messages = pulling.messages().await.map_err(|error| error.to_string())?;
        let mut due = 1;
        loop {
            let message = tokio::select! {
                message = messages.next() => message.ok_or("the server tells nothing more")?.map_err(|error| error.to_string())?,
                () = sleep(IDLE) => {
                    let info = consumer.get_info().await.map_err(|error| error.to_string())?;
                    if info.delivered.consumer_sequence + 1 == due {
                        continue;
                    }
                    return Err(LOST.to_owned());
                }
                () = events.closed() => return gone(),
            };
            let info = message.info().map_err(|error| error.to_string())?;
            let (sequence, pending) = (info.stream_sequence, info.pending);
            // What is on its way when a connection breaks is not sent again; the same consumer goes on after it.
            if info.consumer_sequence != due {
                return Err(LOST.to_owned());
            }
            due += 1;
            if sequence > place.read {
                place.read = sequence;
                let (said, trouble) = place.take(part_of(&message.subject), &message.payload, (&numbers, self.from.is_some()));
                let told =
                    trouble.map(|problem| format!("message {sequence} cannot be read: {problem}; what stands there is missing"));
                if let Some(words) = told
                    && events.send(Event::Trouble(words)).await.is_err()
                {
                    return gone();
                }
                let ended = self.ends && said.contains(&Said::End);
                if !said.is_empty() && events.send(Event::Said(said)).await.is_err() {
                    return gone();
                }
                if ended {
                    return Ok("the replay is over".to_owned());
                }
            }
            if pending == 0 && !std::mem::replace(&mut place.current, true) && events.send(Event::Current).await.is_err() {
                return gone();
            }
        }
    }

    async fn consumer(
        &self,
        context: &Context,
        read: u64,
        shares: u32,
        numbers: &BTreeSet<u32>,
    ) -> Result<async_nats::jetstream::consumer::PullConsumer, String> {
        let deliver_policy = match (read, self.from) {
            (1.., _) => DeliverPolicy::ByStartSequence { start_sequence: read + 1 },
            (0, Some(from)) => DeliverPolicy::ByStartTime { start_time: system_time(from - MARGIN).into() },
            (0, None) => DeliverPolicy::All,
        };
        let parts = numbers.iter().map(|number| Part::Share(*number)).chain([Part::All]);
        let config = Config {
            deliver_policy,
            ack_policy: AckPolicy::None,
            // Servers before 2.10 know no lists, and tell everything.
            filter_subjects: parts.map(|part| subject(self.address.stream(), shares, part)).collect(),
            inactive_threshold: FORGET,
            memory_storage: true,
            ..Config::default()
        };
        context.create_consumer_on_stream(config, self.address.stream()).await.map_err(|error| error.to_string())
    }
}

/// Takes a message of the bus; gives what is said, once its paths are known.
fn take(
    part: Option<Part>,
    bytes: &[u8],
    (numbers, begins_within): (&BTreeSet<u32>, bool),
    place: &mut Place,
) -> Result<Vec<Said>, String> {
    match part {
        Some(Part::Share(number)) if numbers.contains(&number) => {
            place.paths.insert(number, Paths::read(bytes)?);
            Ok(Vec::new())
        }
        // Of another share, where the server tells everything.
        Some(Part::Share(_)) => Ok(Vec::new()),
        Some(Part::All) => {
            let mut stretch = Stretch::read(bytes)?;
            let (paths, key) = (std::mem::take(&mut place.paths), stretch.key);
            if let Some(last) = place.last.filter(|last| last.run == key.run) {
                if key.number <= last.number {
                    return Ok(Vec::new());
                }
                if key.number > last.number + 1 {
                    place.lose();
                }
            }
            place.last = Some(key);
            let needed = stretch.paths_of.iter().filter(|number| numbers.contains(number)).count();
            let paths: Vec<Paths> = paths.into_values().filter(|paths| paths.key == key).collect();
            let whole = paths.len() == needed;
            paths.into_iter().for_each(|paths| stretch.join(paths));
            let first = !std::mem::replace(&mut place.begun, true);
            Ok(match (whole, first) {
                (true, _) => stretch.said,
                // It was begun in the middle of it, a little before what is asked for, or where the server has begun to forget.
                (false, true) if begins_within => Vec::new(),
                (false, _) => {
                    let times = || stretch.said.iter().filter_map(Said::until);
                    times().min().zip(times().max()).map(|(from, until)| Said::Lost(from, until)).into_iter().collect()
                }
            })
        }
        None => Err("its subject is none of ours".to_owned()),
    }
}

fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(at.micros()).unwrap_or(0))
}
