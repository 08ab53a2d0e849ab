//! What one file gives while it is read: results, bad records, fields and kinds of records which were left out.
//!
//! The importers turn records into [`Draft`]s; here they get their place (file and record number) and are counted. Nothing is read
//! and nothing is judged.

use super::fields::{BadRecord, Ignored};
use super::{Outcome, ProbeResult, Target};
use crate::observation::{FileId, RecordRef};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Reasons kept of each file; all bad records are counted.
pub const BAD_RECORDS_SHOWN: usize = 100;

/// A record which could not be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadLine {
    /// Its number in the file, from 1: a line, an element of a JSON array, or a row of a table.
    pub record: u64,
    /// Why, in words for people.
    pub reason: String,
}

/// A result without its place.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub at: Timestamp,
    pub took: Span,
    pub vantage: Arc<str>,
    pub target: Target,
    pub outcome: Outcome,
}

/// Texts which repeat in every record, kept once.
#[derive(Default)]
pub(super) struct Names(HashSet<Arc<str>>);

/// What one file has given so far.
pub(super) struct Intake {
    pub file: FileId,
    pub results: Vec<ProbeResult>,
    pub records: u64,
    pub bad_count: u64,
    pub bad: Vec<BadLine>,
    pub ignored: Ignored,
    pub unsupported: BTreeMap<String, u64>,
}

impl Names {
    /// The one copy of this text.
    pub(super) fn of(&mut self, text: &str) -> Arc<str> {
        if let Some(name) = self.0.get(text) {
            return Arc::clone(name);
        }
        let name: Arc<str> = text.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

impl Intake {
    /// Nothing yet, of this file.
    pub(super) fn of(file: FileId) -> Intake {
        Intake {
            file,
            results: Vec::new(),
            records: 0,
            bad_count: 0,
            bad: Vec::new(),
            ignored: Ignored::new(),
            unsupported: BTreeMap::new(),
        }
    }

    /// Takes what an importer made of the record.
    pub(super) fn take(&mut self, record: u64, outcome: Result<Draft, BadRecord>) {
        match outcome {
            Ok(draft) => self.accept(record, draft),
            Err(reason) => self.reject(record, &reason),
        }
    }

    /// Takes a good record, or one of several results of it.
    pub(super) fn accept(&mut self, record: u64, draft: Draft) {
        let Draft { at, took, vantage, target, outcome } = draft;
        let source = RecordRef { file: self.file, record };
        self.results.push(ProbeResult { at, took, vantage, target, outcome, source });
    }

    /// Counts a bad record.
    pub(super) fn reject(&mut self, record: u64, reason: &BadRecord) {
        self.bad_count += 1;
        if self.bad.len() < BAD_RECORDS_SHOWN {
            self.bad.push(BadLine { record, reason: reason.to_string() });
        }
    }

    /// Counts a record of a kind which Faultline has no use for.
    pub(super) fn leave_out(&mut self, kind: &str) {
        *self.unsupported.entry(kind.to_owned()).or_default() += 1;
    }
}
