//! The account of one input file: what was in it, what was skipped, and why.
//!
//! "Nothing was withdrawn" and "nothing could be read" must never look alike, so every file which was named or found has an account.

use crate::compression::Compression;
use crate::observation::FileId;
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a file turned out to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Not looked at yet, or it could not be opened.
    Unread,
    /// No bytes at all.
    Empty,
    /// MRT: BGP messages and state changes.
    Updates,
    /// MRT: table dumps.
    Table,
    /// MRT: both.
    Mixed,
    /// A RIPEstat `bgp-updates` or `bgplay` answer.
    Ripestat,
    /// Frames of RIS Live, as they came.
    RisLive,
    /// Messages of BMP, as a router sent them.
    Bmp,
    /// None of these.
    NotBgp,
    /// The same bytes as another file, read there.
    Copy,
}

/// Bytes which could not be read as what they should be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Damage {
    /// Offset of the first byte in the decompressed stream.
    pub offset: u64,
    /// How many bytes were skipped.
    pub bytes: u64,
    /// Number the damaged record has or would have, from 1.
    pub record: u64,
    /// What is wrong with it.
    pub cause: String,
}

/// What was read from one input file. Counts are what the file says; nothing is left out of them because it was not of interest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FileAccount {
    /// By which statements name it.
    #[serde(skip)]
    pub id: FileId,
    /// The file; `-` for standard input.
    pub path: PathBuf,
    /// The collector which wrote it, from `--collector` or from the archive's naming.
    pub collector: String,
    /// What it holds.
    pub kind: FileKind,
    /// How it is compressed.
    pub compression: Compression,
    /// Size on disk, in bytes.
    pub bytes: u64,
    /// BLAKE3 of the file, in hexadecimal; empty as long as it was not read to its end.
    pub blake3: String,
    /// Time of the earliest record.
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
    /// KEEPALIVE messages.
    pub keepalives: u64,
    /// OPEN messages.
    pub opens: u64,
    /// NOTIFICATION messages.
    pub notifications: u64,
    /// End-of-RIB markers (RFC 4724).
    pub end_of_ribs: u64,
    /// Table dumps begun.
    pub tables: u64,
    /// Table entries, IPv4 and IPv6 unicast: one a prefix, peer and path.
    pub table_entries: u64,
    /// Everything else, by name: other address families, other record types, messages of the collector itself.
    pub other: BTreeMap<String, u64>,
    /// Records whose time is before that of an earlier record; they keep their place in the file and take its time.
    pub out_of_order: u64,
    /// UPDATE messages which another series of the same collector repeats, taken from there.
    pub duplicates_dropped: u64,
    /// What was skipped, the first [`FileAccount::DAMAGE_LISTED`] of them.
    pub skipped: Vec<Damage>,
    /// How many were skipped in all.
    pub skipped_count: u64,
    /// How many bytes of the decompressed stream were skipped in all.
    pub skipped_bytes: u64,
    /// The file whose copy this is.
    pub copy_of: Option<PathBuf>,
    /// Why the file could not be read, or not to its end, and what to do.
    pub error: Option<String>,
}

impl FileAccount {
    /// How many damaged places are kept one by one.
    pub const DAMAGE_LISTED: usize = 1_000;

    /// The account of a file before it is read.
    pub fn new(path: PathBuf, collector: String, bytes: u64) -> Self {
        FileAccount {
            id: FileId(0),
            path,
            collector,
            kind: FileKind::Unread,
            compression: Compression::Plain,
            bytes,
            blake3: String::new(),
            first: None,
            last: None,
            records: 0,
            announced: 0,
            withdrawn: 0,
            treated_as_withdrawn: 0,
            state_changes: 0,
            keepalives: 0,
            opens: 0,
            notifications: 0,
            end_of_ribs: 0,
            tables: 0,
            table_entries: 0,
            other: BTreeMap::new(),
            out_of_order: 0,
            duplicates_dropped: 0,
            skipped: Vec::new(),
            skipped_count: 0,
            skipped_bytes: 0,
            copy_of: None,
            error: None,
        }
    }

    /// Counts a record of the given time.
    pub(super) fn saw(&mut self, at: Timestamp) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    /// Notes that the file holds this kind of record.
    pub(super) fn holds(&mut self, kind: FileKind) {
        self.kind = match (self.kind, kind) {
            (FileKind::Updates, FileKind::Table) | (FileKind::Table, FileKind::Updates) => FileKind::Mixed,
            (FileKind::Mixed, FileKind::Table | FileKind::Updates) => FileKind::Mixed,
            (_, kind) => kind,
        };
    }

    /// Counts things which have no field of their own.
    pub(super) fn count_other(&mut self, name: &str, count: u64) {
        if count == 0 {
            return;
        }
        match self.other.get_mut(name) {
            Some(total) => *total += count,
            None => {
                self.other.insert(name.to_owned(), count);
            }
        }
    }

    /// Counts what another one has counted of messages, too.
    pub(super) fn add(&mut self, other: &FileAccount) {
        self.announced += other.announced;
        self.withdrawn += other.withdrawn;
        self.treated_as_withdrawn += other.treated_as_withdrawn;
        self.state_changes += other.state_changes;
        self.keepalives += other.keepalives;
        self.opens += other.opens;
        self.notifications += other.notifications;
        self.end_of_ribs += other.end_of_ribs;
        self.out_of_order += other.out_of_order;
        other.other.iter().for_each(|(name, count)| self.count_other(name, *count));
        self.skipped_count += other.skipped_count;
        self.skipped_bytes += other.skipped_bytes;
        let room = FileAccount::DAMAGE_LISTED.saturating_sub(self.skipped.len());
        self.skipped.extend(other.skipped.iter().take(room).cloned());
    }

    /// Counts damage.
    pub(super) fn skip(&mut self, damage: Damage) {
        self.skipped_count += 1;
        self.skipped_bytes += damage.bytes;
        if self.skipped.len() < FileAccount::DAMAGE_LISTED {
            self.skipped.push(damage);
        }
    }
}
