//! When each question is asked: every so often, spread evenly, a little earlier or later by chance, not too many at one time.
//!
//! Takes the questions of each round and how one is asked; gives [`Turn`]s. Each is asked by a task of its own, so that who is slow delays
//! nobody. A question which is still unanswered when its next turn comes is passed over, and that is told.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

/// How often, how many, and where chance begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pace {
    /// Each question is asked once in this time; zero: all at once.
    pub(super) every: Duration,
    /// So many wait for their answers at one time.
    pub(super) concurrency: usize,
    /// So many rounds; `None`: for ever.
    pub(super) rounds: Option<u64>,
    /// Of the chance by which questions are moved.
    pub(super) seed: u64,
}

/// What happens next.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Turn<Q, R> {
    /// A round begins: [`Schedule::begin`] takes its questions.
    Round,
    /// A question was asked.
    Ended(Arc<Q>, R),
    /// A question was not asked, since it is still unanswered.
    PassedOver(Arc<Q>),
    /// Nothing more happens.
    Over,
}

/// Questions and when they are due.
pub(super) struct Schedule<Q, R> {
    pace: Pace,
    limit: Arc<Semaphore>,
    asking: JoinSet<R>,
    unanswered: HashMap<Id, Arc<Q>>,
    waiting: VecDeque<(Instant, Arc<Q>)>,
    next_round: Instant,
    begun: u64,
    chance: u64,
}

impl<Q: Eq + Hash, R: Send + 'static> Schedule<Q, R> {
    /// The first round begins at once.
    pub(super) fn new(pace: Pace) -> Self {
        Schedule {
            pace,
            limit: Arc::new(Semaphore::new(pace.concurrency)),
            asking: JoinSet::new(),
            unanswered: HashMap::new(),
            waiting: VecDeque::new(),
            next_round: Instant::now(),
            begun: 0,
            chance: pace.seed,
        }
    }

    /// Waits for what happens next; `ask` asks one question.
    pub(super) async fn turn<A: Future<Output = R> + Send + 'static>(&mut self, ask: impl Fn(&Q) -> A) -> Turn<Q, R> {
        loop {
            let due = match self.waiting.front() {
                Some((due, _)) => Some(*due),
                None if self.pace.rounds.is_none_or(|rounds| self.begun < rounds) => Some(self.next_round),
                None => None,
            };
            tokio::select! {
                // In this order, so that an answer which came before the next turn counts before it.
                biased;
                Some(ended) = self.asking.join_next_with_id() => {
                    if let Some(turn) = self.ended(ended) {
                        return turn;
                    }
                }
                () = until(due), if due.is_some() => match self.waiting.pop_front() {
                    None => return Turn::Round,
                    Some((_, question)) if self.unanswered.values().any(|known| *known == question) => {
                        return Turn::PassedOver(question);
                    }
                    Some((_, question)) => self.spawn(question, &ask),
                },
                else => return Turn::Over,
            }
        }
    }

    /// Takes the questions of the round which begins.
    pub(super) fn begin(&mut self, questions: Vec<Arc<Q>>) {
        let now = Instant::now();
        // After a sleep of the machine rounds which were missed are not made up for.
        let start = if now > self.next_round + self.pace.every { now } else { self.next_round };
        self.begun += 1;
        self.next_round = start + self.pace.every;
        let Ok(count) = u32::try_from(questions.len().max(1)) else { return };
        let slot = self.pace.every / count;
        for (place, question) in (0..count).zip(questions) {
            let moved = slot.mul_f64(self.chance());
            self.waiting.push_back((start + slot * place + moved, question));
        }
    }

    fn spawn<A: Future<Output = R> + Send + 'static>(&mut self, question: Arc<Q>, ask: impl Fn(&Q) -> A) {
        let (limit, asking) = (Arc::clone(&self.limit), ask(&question));
        let task = self.asking.spawn(async move {
            // Nobody closes the semaphore; without it there would only be no limit.
            let _one = limit.acquire_owned().await;
            asking.await
        });
        self.unanswered.insert(task.id(), question);
    }

    fn ended(&mut self, ended: Result<(Id, R), JoinError>) -> Option<Turn<Q, R>> {
        match ended {
            Ok((id, result)) => self.unanswered.remove(&id).map(|question| Turn::Ended(question, result)),
            Err(error) => {
                self.unanswered.remove(&error.id());
                None
            }
        }
    }

    /// From 0 to just below 1: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    fn chance(&mut self) -> f64 {
        self.chance = self.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let [a, b, c, d, ..] = (z ^ (z >> 31)).to_be_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
