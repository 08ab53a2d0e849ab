//! Input files as reports show them: what was in each, what was skipped, and why.

use crate::compression::Compression;
use crate::probe::ProbeFile;
use crate::source::{Damage, FileAccount, FileKind};
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A BGP file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BgpFileView {
    /// The file; `-` for standard input.
    pub path: String,
    /// The collector which wrote it.
    pub collector: String,
    /// What it holds.
    pub kind: FileKind,
    /// How it is compressed.
    pub compression: Compression,
    /// Size on disk, in bytes.
    pub bytes: u64,
    /// BLAKE3 of the file, in hexadecimal; empty if it was not read to its end.
    pub blake3: String,
    /// Time of the earliest record; `null` if there is none.
    pub first: Option<Timestamp>,
    /// Time of the latest record.
    pub last: Option<Timestamp>,
    /// Records (MRT) or events (RIPEstat), damaged ones included.
    pub records: u64,
    /// Announced unicast prefixes, IPv4 and IPv6, in UPDATE messages.
    pub announced: u64,
    /// Withdrawn unicast prefixes, IPv4 and IPv6, in UPDATE messages.
    pub withdrawn: u64,
    /// Of the announced ones, those of malformed UPDATEs, taken as withdrawn (RFC 7606).
    pub treated_as_withdrawn: u64,
    /// State-change records.
    pub state_changes: u64,
    /// Table dumps begun.
    pub tables: u64,
    /// Table entries, IPv4 and IPv6 unicast: one a prefix, peer and path.
    pub table_entries: u64,
    /// Everything else, by name: other address families, other record types, messages of the collector itself.
    pub other: BTreeMap<String, u64>,
    /// Records whose time is before that of an earlier record.
    pub out_of_order: u64,
    /// UPDATE messages which another series of the same collector repeats, taken from there.
    pub duplicates_dropped: u64,
    /// Damaged places, all of them.
    pub skipped_count: u64,
    /// Bytes of the decompressed stream which were skipped in all.
    pub skipped_bytes: u64,
    /// The damaged places; of very many the first.
    pub skipped: Vec<Damage>,
    /// The file whose copy this is; `null` if it is none.
    pub copy_of: Option<String>,
    /// Why it could not be read, or not to its end, and what to do; `null` if it was.
    pub error: Option<String>,
}

/// A file of probe results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeFileView {
    /// The file.
    pub path: String,
    /// The format, in words; `null` if none fits.
    pub format: Option<String>,
    /// How it is compressed.
    pub compression: Compression,
    /// Size on disk, in bytes.
    pub bytes: u64,
    /// BLAKE3 of the file, in hexadecimal; empty if it could not be opened.
    pub blake3: String,
    /// Time of the first result; `null` if there is none.
    pub first: Option<Timestamp>,
    /// Time of the last result.
    pub last: Option<Timestamp>,
    /// Records met: lines with something on them, elements, rows.
    pub records: u64,
    /// Results taken. One record may hold none or several.
    pub results: u64,
    /// Results which a file read earlier holds too, not taken again.
    pub repeated: u64,
    /// Records which could not be used, all of them.
    pub bad_count: u64,
    /// Records which could not be used; of very many the first.
    pub bad: Vec<BadRecordView>,
    /// Fields which Faultline does not know, by name, and in how many records.
    pub ignored_fields: BTreeMap<String, u64>,
    /// Kinds of records which Faultline does not use, by name, and how many.
    pub unsupported: BTreeMap<String, u64>,
    /// Why it could not be read, or not to its end; `null` if it was.
    pub error: Option<String>,
}

/// A record of a probe file which could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BadRecordView {
    /// Its number, from 1.
    pub record: u64,
    /// Why.
    pub reason: String,
}

impl BgpFileView {
    pub(super) fn of(file: &FileAccount) -> Self {
        BgpFileView {
            path: file.path.display().to_string(),
            collector: file.collector.clone(),
            kind: file.kind,
            compression: file.compression,
            bytes: file.bytes,
            blake3: file.blake3.clone(),
            first: file.first,
            last: file.last,
            records: file.records,
            announced: file.announced,
            withdrawn: file.withdrawn,
            treated_as_withdrawn: file.treated_as_withdrawn,
            state_changes: file.state_changes,
            tables: file.tables,
            table_entries: file.table_entries,
            other: file.other.clone(),
            out_of_order: file.out_of_order,
            duplicates_dropped: file.duplicates_dropped,
            skipped_count: file.skipped_count,
            skipped_bytes: file.skipped_bytes,
            skipped: file.skipped.clone(),
            copy_of: file.copy_of.as_ref().map(|path| path.display().to_string()),
            error: file.error.clone(),
        }
    }
}

impl ProbeFileView {
    pub(super) fn of(file: &ProbeFile) -> Self {
        let bad = file.bad.iter().map(|bad| BadRecordView { record: bad.record, reason: bad.reason.clone() });
        ProbeFileView {
            path: file.path.display().to_string(),
            format: file.format.map(|format| format.to_string()),
            compression: file.compression,
            bytes: file.bytes,
            blake3: file.blake3.clone(),
            first: file.first,
            last: file.last,
            records: file.records,
            results: file.results,
            repeated: file.repeated,
            bad_count: file.bad_count,
            bad: bad.collect(),
            ignored_fields: file.ignored_fields.clone(),
            unsupported: file.unsupported.clone(),
            error: file.error.as_ref().map(ToString::to_string),
        }
    }
}
