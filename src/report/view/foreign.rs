//! Foreign origins as reports show them.

use super::place::{Period, lasted};
use super::withdrawal::Witnesses;
use crate::foreign::ForeignOrigin;
use crate::report::words;
use crate::time::{Bounds, Timestamp};
use crate::vantage::Asn;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Another AS announced a prefix of the organization, or a more specific of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForeignView {
    /// What was announced.
    pub prefix: String,
    /// By whom.
    pub origin: Asn,
    /// The first statement.
    pub first: Timestamp,
    /// When enough ASes had taken it; `null` if too few did.
    pub opened: Option<Timestamp>,
    /// When the last AS had dropped it.
    pub ended: Option<Timestamp>,
    /// From when to when, if it ended.
    pub period: Option<Period>,
    /// How long it lasted, or lasts at least.
    pub lasted: String,
    /// ASes which took it at any time.
    pub taken_by: Vec<Asn>,
    /// Full-feed ASes which spoke then: the denominator.
    pub eligible: u32,
    /// In a sentence.
    pub sentence: String,
    /// Every statement, in time order.
    pub statements: Vec<ForeignStatementView>,
}

/// A vantage point takes or drops the route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForeignStatementView {
    /// When.
    pub at: Timestamp,
    /// Who: a name of `completeness.peers`.
    pub vantage: String,
    /// True: it has the route now.
    pub taken: bool,
    /// The file; `null` for silence.
    pub file: Option<String>,
    /// The record in it, from 1.
    pub record: Option<u64>,
}

impl ForeignView {
    pub(in crate::report) fn of(foreign: &ForeignOrigin, witnesses: &Witnesses<'_>) -> Self {
        let statements = foreign.evidence.iter().map(|statement| {
            let (file, record) = witnesses.files.place(statement.source);
            let vantage = witnesses.vantages.point(statement.from).to_string();
            ForeignStatementView { at: statement.at, vantage, taken: statement.taken, file, record }
        });
        ForeignView {
            prefix: foreign.prefix.to_string(),
            origin: foreign.origin,
            first: foreign.first,
            opened: foreign.opened,
            ended: foreign.ended,
            period: foreign.ended.map(|ended| Period::between(foreign.first, ended)),
            lasted: lasted(Bounds::exact(foreign.first), foreign.ended.map(Bounds::exact), witnesses.bgp_until),
            taken_by: foreign.taken_by.iter().copied().collect(),
            eligible: foreign.eligible,
            sentence: sentence(foreign),
            statements: statements.collect(),
        }
    }
}

fn sentence(foreign: &ForeignOrigin) -> String {
    let end = if foreign.ended.is_some() { "" } else { ", and still does" };
    let taken = match foreign.eligible {
        0 => format!("{}, none known to carry a full table", words::count(words::size(foreign.taken_by.len()), "AS", "ASes")),
        eligible => format!("{} of {eligible} ASes", foreign.taken_by.len()),
    };
    format!("{} announced {}, taken by {taken}{end}", foreign.origin, foreign.prefix)
}
