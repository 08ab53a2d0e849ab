//! One series through time: from judged attempts to losses, coverage and gaps.
//!
//! Takes the attempts of one series in the order in which they began. The rule is written at the top of [`reachability`](super).

use super::judgement::Judgement;
use super::{FailureKind, Layer, ReachabilityLoss, Series, SeriesCoverage, SeriesGlance};
use crate::observation::RecordRef;
use crate::probe::ProbeResult;
use crate::time::{Bounds, Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What it takes to be down, up, unobserved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) down_after: u32,
    pub(super) up_after: u32,
    /// `None`: attempts are statements which hold until the next.
    pub(super) probe_gap: Option<Span>,
}

/// One series.
#[derive(Debug)]
pub(super) struct Track {
    rule: Rule,
    coverage: SeriesCoverage,
    /// The latest attempt's start.
    began: Timestamp,
    /// The success before the present run of failures which ended last.
    last_good: Option<Attempt>,
    /// Largest TTL of good answers.
    ttl: u32,
    answered: bool,
    state: State,
    losses: Vec<ReachabilityLoss>,
}

#[derive(Debug)]
enum State {
    /// Up, or not known to be down, with the failures since the last success.
    Up { failures: Vec<Failure> },
    /// Down.
    Down { loss: Box<ReachabilityLoss>, last: Attempt, successes: Option<Successes> },
}

/// From the start of an attempt to its end.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    start: Timestamp,
    end: Timestamp,
}

impl Attempt {
    /// The one of the two which ended later.
    fn later(self, other: Attempt) -> Attempt {
        if other.end > self.end { other } else { self }
    }
}

#[derive(Debug)]
struct Failure {
    attempt: Attempt,
    kind: FailureKind,
    extended_error: Option<u16>,
    source: RecordRef,
}

/// Successes in a row while down.
#[derive(Clone, Copy, Debug)]
struct Successes {
    first: Attempt,
    /// The record of the first.
    source: RecordRef,
    last: Attempt,
    count: u32,
}

impl Track {
    pub(super) fn new(series: Arc<Series>, rule: Rule) -> Self {
        let (first, last) = (Timestamp::MIN, Timestamp::MIN);
        Track {
            rule,
            coverage: SeriesCoverage { series, first, last, attempts: 0, successes: 0, gaps: Vec::new() },
            began: Timestamp::MIN,
            last_good: None,
            ttl: 0,
            answered: false,
            state: State::Up { failures: Vec::new() },
            losses: Vec::new(),
        }
    }

    /// Did an attempt find a record of the type asked for?
    pub(super) fn was_answered(&self) -> bool {
        self.answered
    }

    /// True unless the result began before the latest one.
    pub(super) fn follows(&self, result: &ProbeResult) -> bool {
        result.at >= self.began
    }

    pub(super) fn series(&self) -> Arc<Series> {
        Arc::clone(&self.coverage.series)
    }

    pub(super) fn attempts(&self) -> u64 {
        self.coverage.attempts
    }

    /// Takes the next attempt.
    pub(super) fn attempt(&mut self, result: &ProbeResult, judgement: Judgement) {
        let attempt = Attempt { start: result.at, end: result.end() };
        self.cover(attempt);
        match judgement {
            Judgement::Good { ttl, answered, .. } => self.success(attempt, result.source, ttl, answered),
            Judgement::Bad { kind, extended_error } => {
                self.failure(Failure { attempt, kind, extended_error, source: result.source })
            }
            Judgement::OtherOutcome => {}
        }
    }

    fn cover(&mut self, attempt: Attempt) {
        let coverage = &mut self.coverage;
        if coverage.attempts == 0 {
            (coverage.first, coverage.last) = (attempt.start, attempt.end);
        }
        coverage.gaps.extend(gap(self.rule, coverage.last, attempt.start));
        coverage.last = coverage.last.max(attempt.end);
        coverage.attempts += 1;
        self.began = attempt.start;
    }

    fn success(&mut self, attempt: Attempt, source: RecordRef, ttl: u32, answered: bool) {
        self.coverage.successes += 1;
        self.answered |= answered;
        self.ttl = self.ttl.max(ttl);
        let good = match &mut self.state {
            State::Up { failures } => {
                failures.clear();
                Some(attempt)
            }
            State::Down { successes, .. } => {
                let run = successes.get_or_insert(Successes { first: attempt, source, last: attempt, count: 0 });
                run.count += 1;
                run.last = run.last.later(attempt);
                (run.count >= self.rule.up_after).then_some(run.last)
            }
        };
        if let Some(good) = good {
            self.last_good = Some(self.last_good.map_or(good, |before| before.later(good)));
            self.close();
        }
    }

    /// Ends the loss, if there is one: its recovery is the first success of the run.
    fn close(&mut self) {
        let up = State::Up { failures: Vec::new() };
        if let State::Down { mut loss, last, successes: Some(run) } = std::mem::replace(&mut self.state, up) {
            let bad = if last.end <= run.first.start { last.end } else { last.start };
            let recovery = Bounds::between(bad, run.first.end);
            // Only attempts which all overlap leave an onset which might lie after the recovery.
            let latest = loss.onset.latest.min(recovery.latest);
            loss.onset = Bounds { earliest: loss.onset.earliest.min(latest), latest };
            loss.recovery = Some(recovery);
            loss.recovered_by = Some(run.source);
            self.losses.push(*loss);
        }
    }

    fn failure(&mut self, failure: Failure) {
        match &mut self.state {
            State::Down { loss, last, successes } => {
                *successes = None;
                *last = failure.attempt;
                include(loss, &failure);
            }
            State::Up { failures } => {
                failures.push(failure);
                if u32::try_from(failures.len()).is_ok_and(|count| count < self.rule.down_after) {
                    return;
                }
                let run = std::mem::take(failures);
                self.open(&run);
            }
        }
    }

    /// A loss begins with the first failure of a run which is long enough.
    fn open(&mut self, run: &[Failure]) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
        let onset = onset(self.last_good, first.attempt, run);
        let mut loss = Box::new(ReachabilityLoss {
            series: Arc::clone(&self.coverage.series),
            onset,
            recovery: None,
            recovered_by: None,
            last_failure: first.attempt.end,
            kinds: BTreeMap::new(),
            kind_spans: BTreeMap::new(),
            extended_errors: BTreeMap::new(),
            cached_for: if self.coverage.series.layer == Layer::Resolver { self.ttl } else { 0 },
            evidence: Vec::new(),
        });
        run.iter().for_each(|failure| include(&mut loss, failure));
        self.state = State::Down { loss, last: last.attempt, successes: None };
    }

    /// How it is now.
    pub(super) fn glance(&self) -> SeriesGlance<'_> {
        let SeriesCoverage { series, last, attempts, successes, .. } = &self.coverage;
        let (down, failing) = match &self.state {
            State::Down { successes, .. } => (true, successes.is_none()),
            State::Up { failures } => (false, !failures.is_empty()),
        };
        SeriesGlance { series, down, failing, succeeded: *successes > 0, attempts: *attempts, last: *last }
    }

    /// How many losses have begun and ended.
    pub(super) fn turns(&self) -> usize {
        self.losses.len() * 2 + usize::from(matches!(self.state, State::Down { .. }))
    }

    /// Every loss so far, the open one last.
    pub(super) fn losses(&self) -> Vec<ReachabilityLoss> {
        let open = match &self.state {
            State::Down { loss, .. } => Some(&**loss),
            State::Up { .. } => None,
        };
        self.losses.iter().chain(open).cloned().collect()
    }

    /// What was probed until `end`.
    pub(super) fn coverage(&self, end: Timestamp) -> SeriesCoverage {
        let mut coverage = self.coverage.clone();
        coverage.gaps.extend(gap(self.rule, coverage.last, end));
        coverage
    }
}

/// Each failure of the run bounds the onset: by its start, or by its end if the last success ended only after that start. A success
/// which ended later than all that says nothing but that it began before.
fn onset(last_good: Option<Attempt>, first: Attempt, run: &[Failure]) -> Bounds {
    let Some(good) = last_good else { return Bounds { earliest: Timestamp::MIN, latest: first.start } };
    let bound = |failure: &Failure| if good.end <= failure.attempt.start { failure.attempt.start } else { failure.attempt.end };
    let latest = run.iter().map(bound).min().unwrap_or(first.end);
    Bounds::between(if good.end <= latest { good.end } else { good.start }, latest)
}

fn gap(rule: Rule, from: Timestamp, until: Timestamp) -> Option<Bounds> {
    rule.probe_gap.filter(|longest| until > from + *longest).map(|_| Bounds { earliest: from, latest: until })
}

fn include(loss: &mut ReachabilityLoss, failure: &Failure) {
    loss.last_failure = loss.last_failure.max(failure.attempt.end);
    *loss.kinds.entry(failure.kind).or_default() += 1;
    let span = loss.kind_spans.entry(failure.kind).or_insert((failure.attempt.start, failure.attempt.end));
    span.1 = span.1.max(failure.attempt.end);
    if let Some(code) = failure.extended_error {
        *loss.extended_errors.entry(code).or_default() += 1;
    }
    loss.evidence.push(failure.source);
}
