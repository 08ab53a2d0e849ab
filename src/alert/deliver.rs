//! Notices out of the outbox, to their receivers: again and again until they have arrived or are a day old.
//!
//! Each receiver is served by itself, one attempt at a time, so that a slow one delays nobody else. Notices of one incident keep their order.
//! After a failure the next attempt is a second later, then two, up to a quarter of an hour, by chance a little less, so that not everybody
//! comes back at once.

use super::desk::{Desk, LOCAL};
use super::journal::{Journal, JournalError, Outgoing};
use super::resolve::Resolver;
use super::sink::{Failure, Sink};
use crate::time::{Span, Timestamp};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// The first pause between attempts …
const PAUSE: Span = Span::from_seconds(1);
/// … and the longest.
const LONGEST_PAUSE: Span = Span::from_seconds(900);
/// Nobody wants to be told of what is older.
const OLDEST: Span = Span::from_seconds(86_400);
/// How often requests are looked for.
const TICK: Duration = Duration::from_secs(1);
/// How often names are looked up.
const REFRESH: Duration = Duration::from_secs(600);
/// The clock may have been set: nobody sleeps longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// When watching ends, what is due has so long to arrive.
const GRACE: Duration = Duration::from_secs(30);

/// Tells how late it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Tells people something.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What everybody who delivers shares.
#[derive(Clone)]
pub struct Delivery {
    /// Where notices are.
    pub journal: Arc<Journal>,
    /// Where hosts are.
    pub resolver: Resolver,
    /// How late it is.
    pub clock: Clock,
    /// Whom to tell what people should know.
    pub tell: Tell,
    /// Turns true when nothing more will come.
    pub ending: watch::Receiver<bool>,
    /// How often it came to anything.
    pub tally: Arc<Tally>,
}

/// Attempts since the program was begun.
#[derive(Debug, Default)]
pub struct Tally {
    delivered: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    /// How many notices were delivered, and how many attempts failed.
    pub fn counts(&self) -> (u64, u64) {
        (self.delivered.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    fn count(&self, sent: bool) {
        let counter = if sent { &self.delivered } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Delivers until the end, and what is due then. Looks after what is due at the desk meanwhile.
pub async fn run(delivery: Delivery, desk: Arc<Desk>, sinks: Vec<Sink>) {
    let mut servers = JoinSet::new();
    let hosts: Vec<String> = sinks.iter().filter_map(|sink| sink.host().map(str::to_owned)).collect();
    let keeping = tokio::spawn(keep_addresses(delivery.clone(), hosts));
    for sink in sinks {
        servers.spawn(serve(delivery.clone(), sink));
    }
    let mut ending = delivery.ending.clone();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !*ending.borrow() {
        tokio::select! {
            _ = ticks.tick() => tick(&delivery, &desk),
            changed = ending.changed() => if changed.is_err() { break },
        }
    }
    tick(&delivery, &desk);
    if timeout(GRACE, async { while servers.join_next().await.is_some() {} }).await.is_err() {
        (delivery.tell)("some receivers did not answer in time");
    }
    keeping.abort();
    tick(&delivery, &desk);
}

fn tick(delivery: &Delivery, desk: &Desk) {
    desk.tick((delivery.clock)()).iter().for_each(|words| (delivery.tell)(words));
}

/// Names are looked up before they are needed.
async fn keep_addresses(delivery: Delivery, hosts: Vec<String>) {
    let mut due = interval(REFRESH);
    let mut first = true;
    loop {
        due.tick().await;
        for host in &hosts {
            // Later on what was known last will do.
            if let Err(error) = delivery.resolver.refresh(host).await
                && first
                && let Err(error) = delivery.resolver.addresses(host).await.map_err(|_| error)
            {
                (delivery.tell)(&format!("the address of {host}, which alerts go to, is not known: {error}"));
            }
        }
        first = false;
    }
}

/// Serves one receiver.
pub async fn serve(delivery: Delivery, sink: Sink) {
    let (mut news, mut ending) = (delivery.journal.news(), delivery.ending.clone());
    let mut troubled = false;
    loop {
        news.mark_unchanged();
        let at_an_end = *ending.borrow_and_update();
        let now = (delivery.clock)();
        let pause = match delivery.journal.next(&sink.name) {
            Ok(Some((at, sequence))) if is_due(at, now) => {
                delivery.attempt(&sink, sequence).await;
                continue;
            }
            Ok(_) if at_an_end => return,
            Ok(Some((at, _))) => micros(at.since(now)).min(LONGEST_SLEEP),
            Ok(None) => LONGEST_SLEEP,
            Err(error) => {
                if !troubled {
                    (delivery.tell)(&error.to_string());
                }
                troubled = true;
                if at_an_end {
                    return;
                }
                TICK
            }
        };
        tokio::select! {
            heard = news.changed() => if heard.is_err() { return },
            heard = ending.changed() => if heard.is_err() { return },
            () = sleep(pause) => {}
        }
    }
}

/// The time has come, or the clock was put back so far that it never would.
fn is_due(at: Timestamp, now: Timestamp) -> bool {
    at <= now || at.since(now) > LONGEST_PAUSE
}

fn micros(span: Span) -> Duration {
    Duration::from_micros(u64::try_from(span.micros()).unwrap_or(0))
}

/// How long to wait after so many attempts; `chance` makes it shorter by up to a half.
pub fn pause(attempts: u32, chance: u8) -> Span {
    let doubled = PAUSE.times(1_i64 << attempts.saturating_sub(1).min(20)).min(LONGEST_PAUSE);
    Span::from_micros(doubled.micros() - doubled.micros() / 2 * i64::from(chance) / 256)
}

impl Delivery {
    /// Makes one attempt, and keeps what came of it.
    async fn attempt(&self, sink: &Sink, sequence: u64) {
        let row = match self.begin(sequence) {
            Ok(Some(row)) => row,
            // It was taken in by another one.
            Ok(None) => return,
            Err(error) => {
                // Notices must leave, even if nobody can write that they do.
                (self.tell)(&error.to_string());
                match self.journal.read(|book| book.outgoing(sequence)) {
                    Ok(Some(row)) => row,
                    Ok(None) | Err(_) => return sleep(TICK).await,
                }
            }
        };
        if let Some(host) = sink.host().filter(|_| row.attempts > 1) {
            // It may be elsewhere by now.
            let _ = self.resolver.refresh(host).await;
        }
        let sent = sink.send(&row.notice, (self.clock)()).await;
        let mut troubled = false;
        while let Err(error) = self.finish(sink, &row, &sent) {
            // Without this the notice would be sent again and again.
            if !troubled {
                (self.tell)(&error.to_string());
            }
            troubled = true;
            sleep(TICK).await;
        }
        self.journal.wake();
    }

    fn begin(&self, sequence: u64) -> Result<Option<Outgoing>, JournalError> {
        self.journal.change(|book| {
            let Some(mut row) = book.outgoing(sequence)? else { return Ok(None) };
            row.under_way = true;
            row.attempts += 1;
            book.put(&row)?;
            Ok(Some(row))
        })
    }

    fn finish(&self, sink: &Sink, row: &Outgoing, sent: &Result<(), Failure>) -> Result<(), JournalError> {
        let now = (self.clock)();
        self.tally.count(sent.is_ok());
        let Err(failure) = sent else { return self.journal.change(|book| book.take(row.sequence)) };
        let mut row = Outgoing { under_way: false, ..row.clone() };
        let name = if sink.name == LOCAL { "the file beside the journal" } else { &sink.name };
        let words = if failure.again && now.since(row.made) < OLDEST {
            let chance = RandomState::new().hash_one(row.attempts).to_le_bytes()[0];
            row.next = now + pause(row.attempts, chance);
            format!("{name} was not told of incident {} (attempt {}): {failure}; trying again", row.incident, row.attempts)
        } else {
            row.given_up = Some(failure.to_string());
            format!("{name} is not told of incident {}, which is given up after {} attempts: {failure}", row.incident, row.attempts)
        };
        self.journal.change(|book| book.put(&row))?;
        // Every attempt would be too much to read.
        if row.given_up.is_some() || row.attempts.is_power_of_two() {
            (self.tell)(&words);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
