//! Puts what a stream says onto the bus.
//!
//! Two tasks: one hears the stream and cuts it into [stretches](Sets), the other puts these onto the bus, one after the other, each until the server has said that it keeps it. So
//! they stand there in order, and a server which is away for some minutes costs nothing. Every message has an id, so that one which is sent again stands there once; and each
//! says which one it follows, so that two who publish into one stream are found out.

use super::server::{Address, Part, shares_of, subject, subjects};
use super::sets::{Packed, Sets};
use crate::time::Timestamp;
use crate::watch::connection::Event;
use crate::watch::hearing::Hearing;
use async_nats::header::{HeaderMap, NATS_MESSAGE_ID};
use async_nats::jetstream::context::{GetStreamErrorKind, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy, LastRawMessageErrorKind, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};
use futures_util::future::join_all;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// How often what was said is put onto the bus.
const EVERY: Duration = Duration::from_millis(250);
/// After so long it is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// When all is over it is waited so long for what is put onto the bus last.
const AT_LAST: Duration = Duration::from_secs(10);
/// So long the server knows ids of messages.
const IDS_KEPT: Duration = Duration::from_secs(120);
/// Shares of a stream which is made anew, unless it is said otherwise: with 16, one, two, four and more can share them.
const SHARES: u32 = 16;
/// Until when what a stretch tells was.
const UNTIL: &str = "Faultline-Until";

/// A stream of the bus into which only this program publishes.
pub struct Bus {
    address: Address,
    context: Context,
    stream: Stream,
    /// How it is made.
    config: Config,
    shares: u32,
    /// The sequence of the last message of every part.
    last: HashMap<Part, u64>,
    /// Until when an earlier run told what was.
    until: Option<Timestamp>,
}

impl Bus {
    /// Connects, and makes the stream if there is none: of so many shares, which keeps what was said for so long.
    ///
    /// # Errors
    /// Why not, in words.
    pub async fn open(address: Address, shares: Option<u32>, kept_for: Duration) -> Result<Bus, String> {
        let (_, context) = address.connect().await?;
        let name = address.stream().to_owned();
        let stream = match context.get_stream(&name).await {
            Ok(stream) => stream,
            Err(error) if is_missing(error.kind()) => {
                let config = Config {
                    name: name.clone(),
                    subjects: vec![subjects(&name, shares.unwrap_or(SHARES))],
                    storage: StorageType::File,
                    discard: DiscardPolicy::Old,
                    max_age: kept_for,
                    duplicate_window: IDS_KEPT.min(kept_for),
                    ..Config::default()
                };
                context.create_stream(config).await.map_err(|error| error.to_string())?
            }
            Err(error) => return Err(error.to_string()),
        };
        let found = shares_of(&stream.cached_info().config)
            .ok_or_else(|| format!("the stream `{name}` which is there is of another program: choose another name"))?;
        if let Some(shares) = shares.filter(|shares| *shares != found) {
            return Err(format!("the stream `{name}` is there, of {found} shares, not {shares}: choose another name"));
        }
        let info = stream.cached_info();
        let config = info.config.clone();
        // If all of it has been forgotten: when it came, which is a little later than what it told.
        let spoke_last = info.state.last_timestamp.unix_timestamp_nanos() / 1_000;
        let until = (info.state.last_sequence > 0).then(|| i64::try_from(spoke_last).ok().map(Timestamp::from_micros)).flatten();
        let mut bus = Bus { address, context, stream, config, shares: found, last: HashMap::new(), until };
        for part in (0..found).map(Part::Share).chain([Part::All]) {
            if let Some((sequence, headers)) = bus.last_of(part).await? {
                bus.last.insert(part, sequence);
                // Paths without what they belong to tell nothing.
                let until = headers.get(UNTIL).and_then(|until| until.as_str().parse().ok());
                if part == Part::All && until.is_some() {
                    bus.until = until.map(Timestamp::from_micros);
                }
            }
        }
        Ok(bus)
    }

    /// Into how many shares the stream is dealt out.
    pub fn shares(&self) -> u32 {
        self.shares
    }

    /// The last message of a part.
    async fn last_of(&self, part: Part) -> Result<Option<(u64, HeaderMap)>, String> {
        match self.stream.get_last_raw_message_by_subject(&self.subject(part)).await {
            Ok(message) => Ok(Some((message.sequence, message.headers))),
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                LastRawMessageErrorKind::InvalidSubject
                | LastRawMessageErrorKind::JetStream(_)
                | LastRawMessageErrorKind::Other => Err(error.to_string()),
            },
        }
    }

    /// Whether the server, which answers, knows no such stream.
    async fn is_gone(&self) -> bool {
        let found = self.context.get_stream(self.address.stream()).await;
        found.is_err_and(|error| is_missing(error.kind()))
    }

    /// Somebody has taken the stream away: it is made again.
    async fn make_again(&mut self) -> Result<(), String> {
        self.stream = self.context.get_or_create_stream(self.config.clone()).await.map_err(|error| error.to_string())?;
        self.last.clear();
        Ok(())
    }

    fn subject(&self, part: Part) -> String {
        subject(self.address.stream(), self.shares, part)
    }

    /// Puts a stretch onto the bus, and does not give up but where nothing would help; tells once what is wrong.
    ///
    /// # Errors
    /// If somebody else publishes into the stream, or the server takes no messages as large as ours.
    async fn put(&mut self, packed: Packed, troubles: &mpsc::Sender<String>) -> Result<(), String> {
        let id = |part: &str| format!("{:016x}-{}-{part}", packed.key.run, packed.key.number);
        let paths = packed.paths.into_iter().map(|(number, bytes)| (Part::Share(number), id(&number.to_string()), bytes));
        let paths: Vec<_> = paths.collect();
        // Whoever reads what is for all has read the paths which belong to it.
        self.put_all(paths, packed.until, troubles).await?;
        self.put_all(vec![(Part::All, id("all"), packed.all)], packed.until, troubles).await
    }

    async fn put_all(
        &mut self,
        parts: Vec<(Part, String, Vec<u8>)>,
        until: Option<Timestamp>,
        troubles: &mpsc::Sender<String>,
    ) -> Result<(), String> {
        let mut left: Vec<(Part, String, bytes::Bytes)> =
            parts.into_iter().map(|(part, id, bytes)| (part, id, bytes.into())).collect();
        let mut told = false;
        loop {
            let sent = join_all(left.iter().map(|part| self.send(part, until))).await;
            let mut trouble = None;
            let mut again = Vec::new();
            for (part, sent) in left.into_iter().zip(sent) {
                match sent {
                    Ok(sequence) => _ = self.last.insert(part.0, sequence),
                    Err(Failed::Follows) => match self.last_of(part.0).await {
                        // It stands there: only the answer was lost.
                        Ok(Some((sequence, headers))) if headers.get(NATS_MESSAGE_ID).is_some_and(|id| id.as_str() == part.1) => {
                            self.last.insert(part.0, sequence);
                        }
                        // All that was kept is gone, or something of it was taken out.
                        Ok(found) if found.as_ref().is_none_or(|(sequence, _)| Some(sequence) < self.last.get(&part.0)) => {
                            match found {
                                Some((sequence, _)) => _ = self.last.insert(part.0, sequence),
                                None => _ = self.last.remove(&part.0),
                            }
                            again.push(part);
                        }
                        Ok(_) => {
                            return Err(format!(
                                "somebody else publishes into the stream `{}`: one program may; end the other, or choose another name",
                                self.address.stream()
                            ));
                        }
                        Err(words) => {
                            trouble = Some(words);
                            again.push(part);
                        }
                    },
                    Err(Failed::TooLarge) => {
                        let bytes = part.2.len();
                        return Err(format!("the server takes no message of {bytes} bytes: let it take 1 MB (max_payload)"));
                    }
                    Err(Failed::Trouble(words)) => {
                        trouble = Some(words);
                        again.push(part);
                    }
                    Err(Failed::NoStream) => {
                        // A server which has just begun says so, too, before it has read what it keeps.
                        if self.is_gone().await {
                            self.make_again().await?;
                        }
                        trouble = Some("its stream is gone".to_owned());
                        again.push(part);
                    }
                }
            }
            if again.is_empty() {
                return Ok(());
            }
            left = again;
            if let Some(words) = trouble {
                if !std::mem::replace(&mut told, true) {
                    // Nobody listens only when all has ended.
                    let _ = troubles.send(words).await;
                }
                sleep(PAUSE).await;
            }
        }
    }

    async fn send(&self, (part, id, bytes): &(Part, String, bytes::Bytes), until: Option<Timestamp>) -> Result<u64, Failed> {
        let last = self.last.get(part).copied().unwrap_or(0);
        let mut message = PublishMessage::build().payload(bytes.clone()).message_id(id).expected_last_subject_sequence(last);
        if let Some(until) = until {
            message = message.header(UNTIL, until.micros().to_string());
        }
        let failed = |error: async_nats::jetstream::context::PublishError| match error.kind() {
            PublishErrorKind::WrongLastSequence => Failed::Follows,
            PublishErrorKind::MaxPayloadExceeded => Failed::TooLarge,
            PublishErrorKind::StreamNotFound => Failed::NoStream,
            PublishErrorKind::WrongLastMessageId
            | PublishErrorKind::TimedOut
            | PublishErrorKind::BrokenPipe
            | PublishErrorKind::MaxAckPending
            | PublishErrorKind::Other => Failed::Trouble(error.to_string()),
        };
        let kept = self.context.send_publish(self.subject(*part), message).await.map_err(failed)?;
        Ok(kept.await.map_err(failed)?.sequence)
    }
}

enum Failed {
    /// Another message is the last one.
    Follows,
    TooLarge,
    NoStream,
    Trouble(String),
}

fn is_missing(kind: GetStreamErrorKind) -> bool {
    matches!(kind, GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

/// What people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News<'a> {
    /// Something of the stream.
    Stream(&'a str),
    /// Something of the bus.
    Bus(&'a str),
}

/// Hears a stream and puts what it says onto the bus, until the stream has ended, or nothing comes from it any more.
///
/// # Errors
/// If it cannot go on, or what was said last did not get onto the bus.
pub async fn publish(
    mut bus: Bus,
    mut hearing: Hearing,
    mut events: mpsc::Receiver<Event>,
    mut tell: impl FnMut(News<'_>),
) -> Result<(), String> {
    hearing.missed_since(bus.until);
    let mut sets = Sets::new(bus.shares, RandomState::new().hash_one(()));
    let (to_bus, mut stretches) = mpsc::channel::<Packed>(1);
    let (troubles, mut told) = mpsc::channel(16);
    let mut putting = tokio::spawn(async move {
        while let Some(packed) = stretches.recv().await {
            bus.put(packed, &troubles).await?;
        }
        Ok(())
    });
    let mut looking = interval(EVERY);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut next, mut ended, mut tells_left_out) = (None, false, false);
    loop {
        next = next.or_else(|| sets.pop());
        if ended && next.is_none() {
            break;
        }
        tokio::select! {
            permit = to_bus.reserve(), if next.is_some() => match (permit, next.take()) {
                (Ok(permit), Some(packed)) => permit.send(packed),
                // It has ended, and says why.
                _ => break,
            },
            event = events.recv(), if !ended => {
                let over = event.as_ref().is_none_or(|event| matches!(event, Event::Ended(_)));
                let said = event.map(|event| hearing.take(event, &mut |words| tell(News::Stream(words)))).unwrap_or_default();
                said.into_iter().try_for_each(|said| sets.take(said))?;
                if over {
                    sets.close()?;
                    ended = true;
                }
            }
            Some(words) = told.recv() => tell(News::Bus(&format!("the bus does not take what is said: {words}; it waits"))),
            _ = looking.tick(), if !ended => {
                let said = hearing.look(&mut |words| tell(News::Stream(words)));
                said.into_iter().try_for_each(|said| sets.take(said))?;
                sets.close()?;
                let left_out = sets.left_out_since();
                if let Some(since) = left_out.filter(|_| !tells_left_out) {
                    let words = format!("so much waits for the bus that what is said is left out, since {}", since.in_words());
                    tell(News::Bus(&words));
                }
                tells_left_out = left_out.is_some();
            }
            () = sleep(AT_LAST), if ended => break,
        }
    }
    drop(to_bus);
    match timeout(AT_LAST, &mut putting).await {
        Ok(ended) if sets.is_empty() && next.is_none() => ended.map_err(|error| error.to_string())?,
        Ok(Ok(Err(problem))) => Err(problem),
        _ => {
            putting.abort();
            Err("what was said last did not get onto the bus".to_owned())
        }
    }
}
