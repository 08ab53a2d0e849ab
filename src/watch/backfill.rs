//! Holes in what a stream told, filled from the archives of its collectors.
//!
//! RIS Live shows what its collectors write into archives a few minutes later. When a connection is lost, [`Backfill`] keeps the routing stages as they were
//! then, and everything that is said afterwards. When the archives' files of the time between have come, everything is taken again from there, with what they
//! tell in its place. Until then nothing is known of that time, and of collectors whose files do not come that stays so.
//!
//! Takes observations and files; gives the stages as they would be had nothing been missed. Fetches nothing and reads no clock.

use crate::observation::{FileId, GapCause, Observation, Statement};
use crate::pipeline::Pipeline;
use crate::source::{FileAccount, InputFile, Interest, Merge, Resources, SourceError};
use crate::time::{Span, Timestamp};
use crate::vantage::{CollectorId, Vantages};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// A stretch of time of which the stream told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hole {
    /// It begins; of a collector which was heard last before that, then.
    pub from: Timestamp,
    /// It ends.
    pub until: Timestamp,
}

/// What came of a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The hole.
    pub hole: Hole,
    /// Collectors of which everything is known now.
    pub collectors: Vec<Arc<str>>,
    /// Collectors of which nothing is known of that time.
    pub unknown: Vec<Arc<str>>,
    /// How many files told it.
    pub files: usize,
}

/// Fills holes.
#[derive(Default)]
pub struct Backfill {
    /// Whose archives are fetched.
    collectors: Vec<String>,
    /// Those which are not filled, in order of time; the first one is the next to be.
    holes: VecDeque<Hole>,
    /// The stages as they were before the first of them, and what was said since.
    before: Option<Box<Pipeline>>,
    since: Vec<Observation>,
    /// How many messages that are.
    messages: usize,
    /// Holes of which all is done.
    done: BTreeSet<Hole>,
    reading: Option<Box<Reading>>,
    /// What was read.
    accounts: Vec<FileAccount>,
}

/// Files of a hole while they are read.
struct Reading {
    merge: Merge,
    /// The collectors whose files they are, and when each was heard last.
    heard: HashMap<CollectorId, Timestamp>,
    said: Vec<Observation>,
}

/// More messages are not kept.
const MOST: usize = 2_000_000;
/// A collector's clock, and a connection which comes up, are not more exact than this.
pub(super) const MARGIN: Span = Span::from_seconds(2);

impl Backfill {
    /// The archives of these collectors can be had.
    pub fn new(collectors: Vec<String>) -> Self {
        Backfill { collectors, ..Backfill::default() }
    }

    /// Whose archives can be had.
    pub fn collectors(&self) -> &[String] {
        &self.collectors
    }

    /// The hole which is to be filled next. Its files must begin by [`heard_until`](Self::heard_until).
    pub fn hole(&self) -> Option<Hole> {
        self.holes.front().copied()
    }

    /// Until when everything was heard before the next hole, of every collector.
    pub fn heard_until(&self, vantages: &Vantages) -> Option<Timestamp> {
        let (hole, before) = (self.hole()?, self.before.as_ref()?);
        let heard = self.collectors_of(vantages).into_iter().filter_map(|collector| before.feeds().last_heard(collector));
        Some(heard.min().map_or(hole.from, |heard| heard.min(hole.from)))
    }

    /// What was read from archives.
    pub fn accounts(&self) -> &[FileAccount] {
        &self.accounts
    }

    /// Nothing was said between these times, though no connection was lost: as between the archives with which it began, and the stream.
    pub fn opens(&mut self, hole: Hole, stages: &Pipeline) {
        if self.collectors.is_empty() || hole.from >= hole.until || self.done.contains(&hole) || self.holes.contains(&hole) {
            return;
        }
        if self.before.is_none() {
            self.before = Some(Box::new(stages.clone()));
        }
        self.holes.push_back(hole);
    }

    /// This is said next, and the stages know everything before it.
    pub fn notes(&mut self, observation: &Observation, stages: &Pipeline) {
        if let Some(hole) = hole_of(observation) {
            self.opens(hole, stages);
        }
    }

    /// This was said. False if it is too much to be kept: then no hole is filled any more which is open now.
    pub fn keeps(&mut self, observation: Observation) -> bool {
        if self.before.is_none() {
            return true;
        }
        self.messages += if let Statement::Other(others) = &observation.what { others.iter().count() } else { 1 };
        self.since.push(observation);
        let much = self.messages > MOST;
        if much {
            self.done.extend(self.holes.drain(..));
            self.forget();
        }
        !much
    }

    fn forget(&mut self) {
        (self.before, self.since, self.messages, self.reading) = (None, Vec::new(), 0, None);
    }

    /// Begins to read the files of the next hole: all of it, of these collectors. They are numbered from `first_file`.
    ///
    /// # Errors
    /// If not one of them can be read.
    pub fn read(
        &mut self,
        (files, first_file): (Vec<InputFile>, FileId),
        interest: &Interest,
        vantages: &mut Vantages,
    ) -> Result<(), SourceError> {
        let Some(before) = &self.before else { return Ok(()) };
        let names: BTreeSet<&str> = files.iter().map(|file| file.collector.as_str()).collect();
        let heard = names.into_iter().map(|name| {
            let collector = vantages.collector(name);
            (collector, before.feeds().last_heard(collector).unwrap_or(Timestamp::MIN))
        });
        let heard = heard.collect();
        let resources = Resources { first_file: first_file.0, ..Resources::default() };
        let merge = Merge::open(files, interest.clone(), &resources)?;
        self.reading = Some(Box::new(Reading { merge, heard, said: Vec::new() }));
        Ok(())
    }

    /// Whether files are being read.
    pub fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Reads some more; false when there is no more to read.
    pub fn read_on(&mut self, vantages: &mut Vantages) -> bool {
        let (Some(hole), Some(reading)) = (self.holes.front(), &mut self.reading) else { return false };
        let mut next = VecDeque::new();
        reading.merge.next_some(vantages, &mut next);
        let more = !next.is_empty();
        for mut observation in next {
            // Messages which concern no watched prefix are signs of life, and may be told twice.
            let from = observation.what.from().map(|from| vantages.collector_of(from));
            let heard = from.and_then(|from| reading.heard.get(&from)).copied().unwrap_or(hole.from);
            if observation.until() >= heard && observation.at < hole.until + MARGIN {
                observation.at = observation.at.max(hole.from);
                reading.said.push(observation);
            }
        }
        more
    }

    /// The next hole is done with, filled by what was read, if anything was. Gives the stages as they were before it, and what was said since
    /// then, in order; all of it is to be taken again, and [noted](Self::notes) and [kept](Self::keeps) again. `None` without a hole.
    pub fn close(&mut self, vantages: &Vantages) -> Option<(Box<Pipeline>, Vec<Observation>, Filled)> {
        let hole = self.holes.front().copied()?;
        let before = self.before.take()?;
        let mut all = Vec::new();
        let (mut known, mut files) = (BTreeSet::new(), 0);
        if let Some(reading) = self.reading.take() {
            let Reading { merge, heard, said } = *reading;
            files = merge.accounts().len();
            self.accounts.extend(merge.accounts().iter().cloned());
            known = heard.into_keys().collect();
            all = said;
        }
        let since = std::mem::take(&mut self.since);
        let told = |observation: &Observation| {
            let Statement::FeedGap { collector, .. } = &observation.what else { return false };
            hole_of(observation) == Some(hole) && known.contains(collector)
        };
        all.extend(since.into_iter().filter(|observation| !told(observation)));
        all.sort_by_key(|observation| observation.at);
        self.messages = 0;
        self.holes.clear();
        self.done.insert(hole);
        let name = |collector: &CollectorId| Arc::clone(vantages.collector_name(*collector));
        let (filled, unknown) =
            self.collectors_of(vantages).into_iter().partition::<Vec<_>, _>(|collector| known.contains(collector));
        let filled =
            Filled { hole, collectors: filled.iter().map(name).collect(), unknown: unknown.iter().map(name).collect(), files };
        Some((before, all, filled))
    }

    fn collectors_of(&self, vantages: &Vantages) -> Vec<CollectorId> {
        let ours = |name: &str| self.collectors.iter().any(|collector| collector == name);
        vantages.collectors().filter(|(_, name)| ours(name)).map(|(collector, _)| collector).collect()
    }
}

/// The hole which a lost connection leaves.
fn hole_of(observation: &Observation) -> Option<Hole> {
    let Statement::FeedGap { until, cause: GapCause::Disconnected, .. } = &observation.what else { return None };
    Some(Hole { from: observation.at, until: *until })
}
