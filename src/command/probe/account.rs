//! What attempts come to: what is up, what is down, and what could not be asked.
//!
//! An attempt is judged by what the profile calls up, as in an analysis; a single failure is enough here, for this tells how things are and not
//! when they broke.

use crate::analysis::Outcome;
use crate::dependency::{Answers, Dependencies};
use crate::org::Organization;
use crate::probe::{HttpKind, Outcome as Ended, ProbeResult, Target};
use crate::reachability::{FailureKind, Reachability};
use crate::time::Span;
use std::collections::{BTreeMap, HashMap};

/// After so many results the judge begins anew, so that probing for months takes no more memory than for a day.
const JUDGED: u64 = 50_000;
/// Columns of a table for what an attempt gave.
const GAVE: usize = 34;

/// How it stands with every target.
pub(super) struct Account {
    organization: Organization,
    dependencies: Dependencies,
    judge: Reachability,
    judged: u64,
    last: HashMap<Target, State>,
    results: u64,
    failures: BTreeMap<FailureKind, u64>,
    not_asked: u64,
    passed_over: u64,
}

struct State {
    /// In which order targets were met first.
    place: usize,
    name: String,
    failure: Option<FailureKind>,
    took: Span,
    gave: String,
}

impl Account {
    pub(super) fn new(organization: Organization) -> Self {
        let dependencies = Dependencies::new(&organization, &Answers::default());
        Account {
            judge: Reachability::new(&organization, &dependencies),
            organization,
            dependencies,
            judged: 0,
            last: HashMap::new(),
            results: 0,
            failures: BTreeMap::new(),
            not_asked: 0,
            passed_over: 0,
        }
    }

    /// What services need is known better now.
    pub(super) fn learn(&mut self, dependencies: Dependencies) {
        self.dependencies = dependencies;
        self.begin_judging();
    }

    fn begin_judging(&mut self) {
        self.judge = Reachability::new(&self.organization, &self.dependencies);
        self.judged = 0;
    }

    /// Takes an attempt; gives in words what has changed: a target which is down, or up again.
    pub(super) fn take(&mut self, result: &ProbeResult) -> Option<String> {
        self.results += 1;
        self.judged += 1;
        if self.judged > JUDGED {
            self.begin_judging();
        }
        let (mut failure, mut name) = (None, None);
        self.judge.observe_each(result, |attempt| {
            failure = failure.or(attempt.failure);
            name = Some(attempt.series.target_in_words());
        });
        if let Some(kind) = failure {
            *self.failures.entry(kind).or_default() += 1;
        }
        let name = name.unwrap_or_else(|| format!("{:?}", result.target));
        let gave = failure.map_or_else(|| gave(&result.outcome), |kind| kind.word().to_owned());
        let before = self.last.get(&result.target);
        let place = before.map_or(self.last.len(), |before| before.place);
        let changed = before.map_or(failure.is_some(), |before| before.failure.is_some() != failure.is_some());
        let state = State { place, name, failure, took: result.took, gave };
        let words = changed.then(|| format!("{}  {}", result.end().in_words(), row(&state, 0)));
        self.last.insert(result.target.clone(), state);
        words
    }

    pub(super) fn not_asked(&mut self) {
        self.not_asked += 1;
    }

    pub(super) fn passed_over(&mut self) {
        self.passed_over += 1;
    }

    /// What it all comes to; `None` if nothing could be asked.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        if self.results == 0 && self.not_asked > 0 {
            None
        } else if self.last.values().any(|state| state.failure.is_some()) {
            Some(Outcome::Incident)
        } else if self.results == 0 || self.not_asked > 0 {
            Some(Outcome::CouldNotTell)
        } else {
            Some(Outcome::NoIncident)
        }
    }

    /// A row for each target: what is down first, else in the order in which answers came.
    pub(super) fn table(&self) -> Vec<String> {
        let mut states: Vec<&State> = self.last.values().collect();
        states.sort_by_key(|state| (state.failure.is_none(), state.place));
        let width = states.iter().map(|state| state.gave.chars().count()).max().unwrap_or(0).min(GAVE);
        states.into_iter().map(|state| row(state, width)).collect()
    }

    /// All in one line.
    pub(super) fn summary(&self) -> String {
        let down = self.last.values().filter(|state| state.failure.is_some()).count();
        let mut words = format!("{} attempts: {} targets up, {down} down", self.results, self.last.len() - down);
        if !self.failures.is_empty() {
            let kinds: Vec<String> = self.failures.iter().map(|(kind, count)| format!("{} {count}", kind.word())).collect();
            words += &format!("; failed attempts: {}", kinds.join(", "));
        }
        if self.not_asked > 0 {
            words += &format!("; {} not asked, since the prober was in trouble itself", self.not_asked);
        }
        if self.passed_over > 0 {
            words += &format!("; {} passed over, since the question before was still unanswered", self.passed_over);
        }
        words
    }
}

fn row(state: &State, width: usize) -> String {
    let up = if state.failure.is_some() { "down" } else { "up" };
    let took = format!("{} ms", (state.took.micros() + 500) / 1_000);
    format!("{up:<4}  {took:>8}  {:<width$}  {}", state.gave, state.name)
}

/// What a good attempt gave.
fn gave(outcome: &Ended) -> String {
    match outcome {
        Ended::Dns(dns) => match dns.answers.split_last() {
            None => "no such record".to_owned(),
            Some((last, [])) => shortened(&last.data),
            Some((last, others)) => format!("{} and {} more", shortened(&last.data), others.len()),
        },
        Ended::Http(http) => match http.kind {
            HttpKind::Status(code) => format!("HTTP status {code}"),
            HttpKind::Connected => "connected".to_owned(),
            HttpKind::ConnectRefused
            | HttpKind::ConnectTimeout
            | HttpKind::Unreachable
            | HttpKind::TlsFailed
            | HttpKind::ReadFailed
            | HttpKind::NameNotResolved => "failed".to_owned(),
        },
        Ended::Ping { .. } | Ended::Status(_) => String::new(),
    }
}

fn shortened(text: &str) -> String {
    let most = GAVE - 12;
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
