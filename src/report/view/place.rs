//! Where and when: file names behind record references, moments with bounds, periods.

use crate::analysis::Analysis;
use crate::observation::{FileId, RecordRef};
use crate::report::words;
use crate::source::FileAccount;
use crate::time::{Bounds, Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A moment with its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Not before this; `null` if that cannot be told, because the target was never seen up before.
    pub earliest: Option<Timestamp>,
    /// Not after this.
    pub latest: Timestamp,
    /// For people, cut to the second.
    pub words: String,
}

/// From when to when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first.
    pub from: Timestamp,
    /// The last.
    pub until: Timestamp,
    /// For people.
    pub words: String,
}

/// A record of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordView {
    /// The file.
    pub file: String,
    /// Its number in it, from 1.
    pub record: u64,
}

/// Names of input files.
pub(in crate::report) struct Files {
    names: BTreeMap<FileId, String>,
}

impl When {
    pub(in crate::report) fn of(bounds: Bounds) -> Self {
        let earliest = (bounds.earliest != Timestamp::MIN).then_some(bounds.earliest);
        When { earliest, latest: bounds.latest, words: words::bounds_whole(bounds) }
    }

    /// The bounds again.
    pub(in crate::report) fn bounds(&self) -> Bounds {
        Bounds { earliest: self.earliest.unwrap_or(Timestamp::MIN), latest: self.latest }
    }

    /// Without the date, where it is the given day.
    pub(in crate::report) fn on(&self, day: Timestamp) -> String {
        words::bounds(self.bounds(), day)
    }
}

impl Period {
    pub(in crate::report) fn between(from: Timestamp, until: Timestamp) -> Self {
        let words = format!("{} to {} UTC", words::moment(from), words::clock(until, from));
        Period { from, until, words }
    }

    /// From the first of the beginnings to the last of the ends, if there is any.
    pub(in crate::report) fn over(spans: impl Iterator<Item = (Option<Timestamp>, Option<Timestamp>)>) -> Option<Self> {
        let whole = spans.filter_map(|(first, last)| first.zip(last)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        Some(Period::between(whole.0, whole.1))
    }
}

impl Files {
    /// The files of an analysis, BGP and probes.
    pub fn of(analysis: &Analysis) -> Self {
        let mut files = Files::bgp(&analysis.bgp_files);
        files.names.extend(analysis.probe_files.iter().map(|file| (file.id, file.path.display().to_string())));
        files
    }

    /// BGP files alone.
    pub fn bgp(accounts: &[FileAccount]) -> Self {
        let names = accounts.iter().map(|file| (file.id, file.path.display().to_string()));
        Files { names: names.collect() }
    }

    /// The file's name.
    pub fn name(&self, file: FileId) -> String {
        self.names.get(&file).cloned().unwrap_or_else(|| format!("file {}", file.0))
    }

    /// A record, for people to look up.
    pub fn record(&self, source: RecordRef) -> RecordView {
        RecordView { file: self.name(source.file), record: source.record }
    }

    /// File name and record number; `None` for silence, which stands nowhere.
    pub fn place(&self, source: Option<RecordRef>) -> (Option<String>, Option<u64>) {
        (source.map(|source| self.name(source.file)), source.map(|source| source.record))
    }
}

/// How long from one moment to another, in words, with bounds where the seconds differ.
pub(super) fn span_words(least: Option<Span>, most: Span) -> String {
    match least {
        None => format!("at least {}", words::length(most.max(Span::ZERO))),
        Some(least) if least.seconds() == most.seconds() => words::length(most),
        // Within two minutes both are in seconds.
        Some(least) if most.seconds() < 119 => format!("{} to {}", least.seconds(), words::length_at_most(most)),
        Some(least) => format!("{} to {}", words::length(least), words::length_at_most(most)),
    }
}

/// How long something lasted; until `now` if it has not ended.
pub(super) fn lasted(onset: Bounds, end: Option<Bounds>, now: Timestamp) -> String {
    let end = end.unwrap_or(Bounds::exact(now));
    if onset.earliest == Timestamp::MIN {
        return span_words(None, end.earliest.since(onset.latest));
    }
    let least = end.earliest.since(onset.latest).max(Span::ZERO);
    span_words(Some(least), end.latest.since(onset.earliest).max(least))
}
