//! Reachability: from single probe results to intervals in which a target could not be reached.
//!
//! Takes [`ProbeResult`](crate::probe::ProbeResult)s in time order and the organization's targets; gives [`ReachabilityLoss`]es with
//! bounds on onset and recovery, and for every series what was probed when, so that "nobody probed" is a gap and not health.
//! It knows nothing of routing and gives no verdict.
//!
//! **How attempts are read.** A success speaks for its end, a failure for the span from its start to its end. Attempts overlap (a
//! question may wait 12 s for its answer while the next is asked every second), so the attempts of a series are taken in the order in which
//! they *began*: a slow failure which began before a success and ended after it belongs before it and cannot open a loss again.
//! A target is down after `down_after` failures in a row and up after `up_after` successes in a row; the onset is that of the first
//! failure of the run, the recovery that of the first success. The onset lies between the end of the last success before it and the start
//! of the first failure (where the two overlap: the end of that failure or the start of the next, whichever is earlier); the recovery
//! between the end of the last failure (its start, where the two overlap) and the end of the first success. While nobody probes nothing
//! changes: the bounds are simply wide.
//!
//! Reported statuses are statements rather than attempts: each holds until the next, so one is enough for down and one for up, and they
//! have no gaps.
//!
//! Order of the parts: `matching` (whose result is it?), `judgement` (was it up?), `track` (one series through time), `words`.

mod judgement;
mod matching;
mod track;
mod words;

pub use words::{Mismatch, Unmatched};

use crate::dependency::Dependencies;
use crate::observation::RecordRef;
use crate::org::Organization;
use crate::probe::{ProbeResult, Target};
use crate::time::{Bounds, Span, Timestamp};
use judgement::{Judgement, judge};
use matching::{Check, Matcher};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use track::{Rule, Track};

/// A series of attempts: one vantage, one target, and whose it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Series {
    /// Who asked.
    pub vantage: Arc<str>,
    /// What was asked of whom.
    pub target: Target,
    /// Which of the profile's targets this is, by the name the profile gives it; the target in words otherwise.
    pub check: Arc<str>,
    /// Which layer it tests.
    pub layer: Layer,
    /// Indices into `Organization::services` of the services it speaks of; empty for controls.
    pub services: Vec<usize>,
}

/// What a series tests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A name through a recursive resolver.
    Resolver,
    /// A name server asked directly.
    Authority,
    /// The service itself at a fixed address: DNS is not part of the attempt.
    ServiceByAddress,
    /// The service itself by name.
    ServiceByName,
    /// What a status page, a login check or its users say.
    Status,
    /// Somebody else's target, to tell "we are offline" from "they are down".
    Control,
}

impl Layer {
    /// The words reports use.
    pub const fn word(self) -> &'static str {
        match self {
            Layer::Resolver => "resolver",
            Layer::Authority => "name server",
            Layer::ServiceByAddress => "service by address",
            Layer::ServiceByName => "service by name",
            Layer::Status => "status",
            Layer::Control => "control",
        }
    }
}

/// An interval in which a target could not be reached, or was not up as the profile defines it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReachabilityLoss {
    /// Whose.
    pub series: Arc<Series>,
    /// It began in (last good, first bad]. If the target was never seen up before, it may have been down for ever: `earliest` is
    /// [`Timestamp::MIN`] then.
    pub onset: Bounds,
    /// It ended in (last bad, first good]; `None` if it had not by the last probe.
    pub recovery: Option<Bounds>,
    /// The success which ended it.
    pub recovered_by: Option<RecordRef>,
    /// When the last failure in it was known; after the recovery if an attempt from before it was slow to fail.
    pub last_failure: Timestamp,
    /// How often each kind of failure was seen.
    pub kinds: BTreeMap<FailureKind, u64>,
    /// Of each kind of failure, when the first such attempt began and the last one ended: one loss may change its face.
    pub kind_spans: BTreeMap<FailureKind, (Timestamp, Timestamp)>,
    /// Extended DNS errors (RFC 8914) seen, and how often.
    pub extended_errors: BTreeMap<u16, u64>,
    /// Largest TTL, in seconds, in the good answers of this series before the loss: a cache may have hidden the loss this long. (The
    /// last good answer alone holds only what was left of it.) Zero for layers other than [`Layer::Resolver`].
    pub cached_for: u32,
    /// Every failed attempt, in time order.
    pub evidence: Vec<RecordRef>,
}

/// Why an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// DNS: NOERROR without a record which was there before.
    NoData,
    /// DNS: the name does not exist.
    NxDomain,
    /// DNS: SERVFAIL.
    ServFail,
    /// DNS: REFUSED.
    Refused,
    /// DNS: another response code.
    OtherRcode,
    /// DNS: no answer in time.
    DnsTimeout,
    /// DNS: port or host unreachable.
    DnsNetworkError,
    /// DNS: malformed answer.
    Malformed,
    /// DNS: answers which the profile does not allow.
    WrongAnswer,
    /// HTTP: a status code which does not mean up, below 500.
    HttpStatus,
    /// HTTP: a status code of 500 or more.
    ServerError,
    /// HTTP: the body or the server's name is not what the profile demands.
    WrongContent,
    /// The connection was refused.
    ConnectRefused,
    /// No answer to the connection attempt.
    ConnectTimeout,
    /// Host or net unreachable.
    Unreachable,
    /// The TLS handshake failed.
    TlsFailed,
    /// Connected, but no whole response.
    ReadFailed,
    /// The name did not resolve.
    NameNotResolved,
    /// No echo.
    NoEcho,
    /// Reported as degraded.
    ReportedDegraded,
    /// Reported as down.
    ReportedDown,
}

impl FailureKind {
    /// The words reports use.
    pub const fn word(self) -> &'static str {
        match self {
            FailureKind::NoData => "no data",
            FailureKind::NxDomain => "NXDOMAIN",
            FailureKind::ServFail => "SERVFAIL",
            FailureKind::Refused => "REFUSED",
            FailureKind::OtherRcode => "other response code",
            FailureKind::DnsTimeout => "DNS time-out",
            FailureKind::DnsNetworkError => "port or host unreachable",
            FailureKind::Malformed => "malformed answer",
            FailureKind::WrongAnswer => "wrong answer",
            FailureKind::HttpStatus => "HTTP status below 500",
            FailureKind::ServerError => "HTTP status 500 or more",
            FailureKind::WrongContent => "wrong content",
            FailureKind::ConnectRefused => "connection refused",
            FailureKind::ConnectTimeout => "connection time-out",
            FailureKind::Unreachable => "unreachable",
            FailureKind::TlsFailed => "TLS failed",
            FailureKind::ReadFailed => "no whole response",
            FailureKind::NameNotResolved => "name not resolved",
            FailureKind::NoEcho => "no echo",
            FailureKind::ReportedDegraded => "reported degraded",
            FailureKind::ReportedDown => "reported down",
        }
    }
}

/// What is known of a series as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeriesCoverage {
    /// Whose.
    pub series: Arc<Series>,
    /// The first attempt began.
    pub first: Timestamp,
    /// The last attempt ended.
    pub last: Timestamp,
    /// Attempts.
    pub attempts: u64,
    /// Attempts which found the target up.
    pub successes: u64,
    /// Spans longer than the setting `probe_gap` in which nobody probed.
    pub gaps: Vec<Bounds>,
}

/// Everything found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReachabilityFindings {
    /// By onset.
    pub losses: Vec<ReachabilityLoss>,
    /// One entry a series, in the order of [`Series`].
    pub coverage: Vec<SeriesCoverage>,
    /// Results which could not be used, or not wholly.
    pub unmatched: Vec<Unmatched>,
}

/// An attempt, judged by what the profile calls up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JudgedAttempt {
    /// Whose.
    pub series: Arc<Series>,
    /// It began.
    pub began: Timestamp,
    /// It ended.
    pub ended: Timestamp,
    /// Why it failed; `None`: the target was up.
    pub failure: Option<FailureKind>,
}

/// A series as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeriesGlance<'a> {
    /// Whose.
    pub series: &'a Series,
    /// Whether it is down.
    pub down: bool,
    /// The last attempt failed.
    pub failing: bool,
    /// An attempt has succeeded, ever.
    pub succeeded: bool,
    /// Attempts so far.
    pub attempts: u64,
    /// When the last of them ended.
    pub last: Timestamp,
}

/// The stage: takes results in the order in which they began, gives [`ReachabilityFindings`] at any time.
#[derive(Debug)]
pub struct Reachability {
    matcher: Matcher,
    down_after: u32,
    up_after: u32,
    probe_gap: Span,
    known: HashMap<Target, Matched>,
    tracks: Vec<Track>,
    unmatched: BTreeMap<Mismatch, Unmatched>,
}

/// What a target is, found once.
#[derive(Debug)]
struct Matched {
    checks: Arc<[Check]>,
    /// By vantage: the place in `tracks` of each check's series.
    tracks: BTreeMap<Arc<str>, Vec<usize>>,
}

impl ReachabilityLoss {
    /// True if the target was never seen up before it: when the loss began cannot be told.
    pub fn began_unseen(&self) -> bool {
        self.onset.earliest == Timestamp::MIN
    }
}

impl Reachability {
    /// Nothing seen yet.
    pub fn new(org: &Organization, dependencies: &Dependencies) -> Self {
        Reachability {
            matcher: Matcher::new(org, dependencies),
            down_after: org.settings.down_after,
            up_after: org.settings.up_after,
            probe_gap: org.settings.probe_gap,
            known: HashMap::new(),
            tracks: Vec::new(),
            unmatched: BTreeMap::new(),
        }
    }

    /// Takes one result. Results of a series which come out of the order in which they began are counted and left out: whoever reads
    /// results as they end holds them back for as long as the longest may take.
    pub fn observe(&mut self, result: &ProbeResult) {
        self.observe_each(result, |_| {});
    }

    /// As [`observe`](Self::observe), and hands out what the result was taken for: one attempt for each series it belongs to, none
    /// where it was left out.
    pub fn observe_each(&mut self, result: &ProbeResult, mut judged: impl FnMut(JudgedAttempt)) {
        let (checks, tracks) = self.places(result);
        if checks.is_empty() {
            self.set_aside(Mismatch::unknown(&result.target), result);
        }
        for (check, place) in checks.iter().zip(tracks) {
            if check.since.is_some_and(|since| result.at < since) {
                self.set_aside(Mismatch::BeforeService, result);
                continue;
            }
            let track = &mut self.tracks[place];
            let judgement = judge(check, &result.target, &result.outcome, track.was_answered());
            let mismatch = match &judgement {
                Judgement::OtherOutcome => Some(Mismatch::OtherOutcome),
                _ if !track.follows(result) => Some(Mismatch::OutOfOrder),
                Judgement::Good { content_unknown: true, .. } => Some(Mismatch::ContentNotRecorded),
                Judgement::Good { .. } | Judgement::Bad { .. } => None,
            };
            if mismatch.is_none() || mismatch == Some(Mismatch::ContentNotRecorded) {
                let failure = judgement.failure();
                judged(JudgedAttempt { series: track.series(), began: result.at, ended: result.end(), failure });
                track.attempt(result, judgement);
            }
            if let Some(mismatch) = mismatch {
                self.set_aside(mismatch, result);
            }
        }
    }

    /// The checks a result is about and the places of their series, new if this vantage did not ask before.
    fn places(&mut self, result: &ProbeResult) -> (Arc<[Check]>, Vec<usize>) {
        if !self.known.contains_key(&result.target) {
            let checks = self.matcher.checks(&result.target).into();
            self.known.insert(result.target.clone(), Matched { checks, tracks: BTreeMap::new() });
        }
        let Some(matched) = self.known.get_mut(&result.target) else { return (Arc::new([]), Vec::new()) };
        let checks = Arc::clone(&matched.checks);
        if let Some(places) = matched.tracks.get(&result.vantage) {
            return (checks, places.clone());
        }
        let places: Vec<usize> = checks
            .iter()
            .map(|check| {
                let series = Series {
                    vantage: Arc::clone(&result.vantage),
                    target: result.target.clone(),
                    check: Arc::clone(&check.name),
                    layer: check.layer,
                    services: check.services.clone(),
                };
                let rule = if check.layer == Layer::Status {
                    Rule { down_after: 1, up_after: 1, probe_gap: None }
                } else {
                    Rule { down_after: self.down_after, up_after: self.up_after, probe_gap: Some(self.probe_gap) }
                };
                self.tracks.push(Track::new(Arc::new(series), rule));
                self.tracks.len() - 1
            })
            .collect();
        matched.tracks.insert(Arc::clone(&result.vantage), places.clone());
        (checks, places)
    }

    fn set_aside(&mut self, why: Mismatch, result: &ProbeResult) {
        let entry = self.unmatched.entry(why).or_insert_with(|| Unmatched {
            why,
            results: 0,
            example: words::target(&result.target),
            source: result.source,
        });
        entry.results += 1;
    }

    /// Every series which was attempted, as it is now.
    pub fn glance(&self) -> impl Iterator<Item = SeriesGlance<'_>> {
        self.tracks.iter().filter(|track| track.attempts() > 0).map(Track::glance)
    }

    /// How many losses have begun and ended: as long as it is the same, no loss is new, and none is over.
    pub fn turns(&self) -> usize {
        self.tracks.iter().map(Track::turns).sum()
    }

    /// Everything found until `end`: what is down stays open, and who has not probed for long by then has a gap.
    pub fn snapshot(&self, end: Timestamp) -> ReachabilityFindings {
        let seen = || self.tracks.iter().filter(|track| track.attempts() > 0);
        let mut losses: Vec<_> = seen().flat_map(Track::losses).collect();
        losses.sort_by(|a, b| (a.onset.latest, &a.series).cmp(&(b.onset.latest, &b.series)));
        let mut coverage: Vec<_> = seen().map(|track| track.coverage(end)).collect();
        coverage.sort_by(|a, b| a.series.cmp(&b.series));
        ReachabilityFindings { losses, coverage, unmatched: self.unmatched.values().cloned().collect() }
    }

    /// Everything found, at the end of the input.
    pub fn finish(self, end: Timestamp) -> ReachabilityFindings {
        self.snapshot(end)
    }
}

#[cfg(test)]
mod tests;
