//! Reachability losses as reports show them: bounds, kinds of failure, and every failed attempt by file and record.

use super::place::{Files, RecordView, When, lasted};
use crate::observation::{FileId, RecordRef};
use crate::org::Organization;
use crate::reachability::{FailureKind, Layer, ReachabilityLoss};
use crate::report::words;
use crate::time::{Bounds, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// One loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossView {
    /// Who asked.
    pub vantage: String,
    /// What it tests.
    pub layer: Layer,
    /// The profile's name for it.
    pub check: String,
    /// What was asked of whom.
    pub target: String,
    /// Services it speaks of.
    pub services: Vec<String>,
    /// It began in here.
    pub onset: When,
    /// It ended in here; `null` if it had not by the last probe.
    pub recovery: Option<When>,
    /// The good attempt which ended it; `null` if none had.
    pub recovered_by: Option<RecordView>,
    /// How long it lasted, or lasts at least.
    pub lasted: String,
    /// When the last failure was known.
    pub last_failure: Timestamp,
    /// Kinds of failure, the most frequent first.
    pub kinds: Vec<KindView>,
    /// Extended DNS errors.
    pub extended_errors: Vec<ExtendedErrorView>,
    /// A cache may have hidden the loss this many seconds.
    pub cached_for_s: u32,
    /// Failed attempts.
    pub failed_attempts: u64,
    /// Where they stand.
    pub evidence: Vec<Records>,
}

/// A kind of failure, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KindView {
    /// Its code.
    pub kind: FailureKind,
    /// For people.
    pub words: Cow<'static, str>,
    /// How often.
    pub count: u64,
    /// The first such attempt began.
    pub first: Timestamp,
    /// The last such attempt ended.
    pub last: Timestamp,
}

/// An extended DNS error (RFC 8914), and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendedErrorView {
    /// Its code.
    pub code: u16,
    /// Its name.
    pub words: Cow<'static, str>,
    /// How often.
    pub count: u64,
}

/// Records of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// The file.
    pub file: String,
    /// Their numbers, from 1, such as `12-40, 44`.
    pub records: String,
    /// How many there are.
    pub count: u64,
}

/// Losses of one layer at one vantage, together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossGroup {
    /// Who asked.
    pub vantage: String,
    /// What they test.
    pub layer: Layer,
    /// Targets which failed.
    pub targets: u64,
    /// The first onset.
    pub first_onset: When,
    /// The last recovery; `null` if one has not recovered.
    pub last_recovery: Option<When>,
    /// Kinds of failure, the most frequent first.
    pub kinds: Vec<KindView>,
    /// Failed attempts.
    pub failed_attempts: u64,
}

impl LossView {
    pub(in crate::report) fn of(loss: &ReachabilityLoss, organization: &Organization, files: &Files) -> Self {
        let names = loss.series.services.iter().filter_map(|index| organization.services.get(*index));
        LossView {
            vantage: loss.series.vantage.to_string(),
            layer: loss.series.layer,
            check: loss.series.check.to_string(),
            target: loss.series.target_in_words(),
            services: names.map(|service| service.name.clone()).collect(),
            onset: When::of(loss.onset),
            recovery: loss.recovery.map(When::of),
            recovered_by: loss.recovered_by.map(|source| files.record(source)),
            lasted: lasted(loss.onset, loss.recovery, loss.last_failure),
            last_failure: loss.last_failure,
            kinds: kinds(std::iter::once(loss)),
            extended_errors: loss
                .extended_errors
                .iter()
                .map(|(code, count)| ExtendedErrorView { code: *code, words: words::extended_error(*code).into(), count: *count })
                .collect(),
            cached_for_s: loss.cached_for,
            failed_attempts: words::size(loss.evidence.len()),
            evidence: records(&loss.evidence, files),
        }
    }
}

impl LossView {
    /// The profile's name for it, with what was asked of whom where the name is another.
    pub(in crate::report) fn named_target(&self) -> String {
        if self.check == self.target { self.target.clone() } else { format!("{}: {}", self.check, self.target) }
    }
}

/// Kinds of failure of several losses, the most frequent first.
pub(in crate::report) fn kinds<'a>(losses: impl Iterator<Item = &'a ReachabilityLoss>) -> Vec<KindView> {
    let mut kinds: BTreeMap<FailureKind, KindView> = BTreeMap::new();
    for loss in losses {
        for (kind, count) in &loss.kinds {
            let (first, last) = loss.kind_spans.get(kind).copied().unwrap_or((loss.onset.latest, loss.last_failure));
            let empty = KindView { kind: *kind, words: kind.word().into(), count: 0, first, last };
            let view = kinds.entry(*kind).or_insert(empty);
            view.count += count;
            view.first = view.first.min(first);
            view.last = view.last.max(last);
        }
    }
    let mut kinds: Vec<KindView> = kinds.into_values().collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    kinds
}

/// Kinds in words: `SERVFAIL ×12, DNS time-out ×3`.
pub(in crate::report) fn kinds_words(kinds: &[KindView]) -> String {
    words::all(kinds.iter().map(|kind| format!("{} ×{}", kind.words, words::grouped(kind.count))))
}

/// Losses by layer and vantage, in order of their first onset.
pub(in crate::report) fn groups(losses: &[ReachabilityLoss]) -> Vec<LossGroup> {
    let mut together: BTreeMap<_, Vec<&ReachabilityLoss>> = BTreeMap::new();
    for loss in losses {
        together.entry((loss.series.layer, &loss.series.vantage)).or_default().push(loss);
    }
    let mut groups: Vec<LossGroup> = together
        .into_iter()
        .filter_map(|((layer, vantage), losses)| {
            let onset = losses.iter().map(|loss| loss.onset).min_by_key(|onset| (onset.latest, onset.earliest))?;
            let ends: Option<Vec<Bounds>> = losses.iter().map(|loss| loss.recovery).collect();
            let targets: BTreeSet<_> = losses.iter().map(|loss| &loss.series).collect();
            Some(LossGroup {
                vantage: vantage.to_string(),
                layer,
                targets: words::size(targets.len()),
                first_onset: When::of(onset),
                last_recovery: ends.and_then(Bounds::last_of).map(When::of),
                kinds: kinds(losses.iter().copied()),
                failed_attempts: losses.iter().map(|loss| words::size(loss.evidence.len())).sum(),
            })
        })
        .collect();
    groups.sort_by_key(|group| group.first_onset.latest);
    groups
}

/// Records by file, with runs of numbers written as ranges.
pub(in crate::report) fn records(evidence: &[RecordRef], files: &Files) -> Vec<Records> {
    let mut by_file: BTreeMap<FileId, BTreeSet<u64>> = BTreeMap::new();
    for source in evidence {
        by_file.entry(source.file).or_default().insert(source.record);
    }
    by_file
        .into_iter()
        .map(|(file, numbers)| Records { file: files.name(file), count: words::size(numbers.len()), records: words::runs(numbers) })
        .collect()
}
