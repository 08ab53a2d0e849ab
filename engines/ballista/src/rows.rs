//! Rows of statements, of the accounts of files, and of what tasks pass on to each other.

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringBuilder, TimestampMicrosecondBuilder, UInt32Builder, UInt64Builder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::Result;
use faultline::observation::{Observation, Route, Statement, WithdrawCause};
use faultline::source::FileAccount;
use faultline::time::Timestamp;
use faultline::vantage::{VantageId, Vantages};
use ipnet::IpNet;
use std::fmt::Write;
use std::sync::Arc;

/// Rows of one batch.
pub const ROWS: usize = 8_192;

fn at() -> Field {
    Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false)
}

fn schema(fields: Vec<Field>) -> SchemaRef {
    Arc::new(Schema::new(fields))
}

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}

/// Who said something of what.
fn statement_fields(with_kind: bool) -> Vec<Field> {
    let mut fields = vec![at(), text("collector", false), text("peer", false), Field::new("peer_asn", DataType::UInt32, false)];
    fields.extend(with_kind.then(|| text("kind", false)));
    fields.extend([
        text("prefix", false),
        Field::new("path_id", DataType::UInt32, false),
        Field::new("origin", DataType::UInt32, true),
        text("path", true),
        text("file", false),
        Field::new("record", DataType::UInt64, false),
    ]);
    fields
}

/// Of [`crate::TableKind::Updates`]. `kind`: `announce`, `withdraw`, or `treated_as_withdraw` (RFC 7606); `path`: AS numbers, nearest first.
pub fn updates_schema() -> SchemaRef {
    schema(statement_fields(true))
}

/// Of [`crate::TableKind::Ribs`].
pub fn ribs_schema() -> SchemaRef {
    schema(statement_fields(false))
}

/// Of [`crate::TableKind::Files`].
pub fn files_schema() -> SchemaRef {
    let count = |name: &str| Field::new(name, DataType::UInt64, false);
    let mut fields =
        vec![text("file", false), text("collector", false), text("kind", false), count("bytes"), text("blake3", false)];
    let some_at = |name: &str| at().with_name(name).with_nullable(true);
    fields.extend([some_at("first"), some_at("last")]);
    fields.extend(
        ["records", "announced", "withdrawn", "table_entries", "state_changes", "damaged_places", "damaged_bytes"].map(count),
    );
    fields.push(text("error", true));
    schema(fields)
}

/// Pieces of the stand-ins of files, each for every share, by its key; of the first piece of a file what is known of the file.
pub fn pieces_schema() -> SchemaRef {
    let number = |name: &str| Field::new(name, DataType::UInt32, false);
    let mut fields = ["key", "file", "piece", "pieces"].map(number).to_vec();
    fields.extend([text("original", false), Field::new("bytes", DataType::LargeBinary, false)]);
    schema(fields)
}

/// Pieces of what shares found.
pub fn found_schema() -> SchemaRef {
    let number = |name: &str| Field::new(name, DataType::UInt32, false);
    let mut fields = ["share", "piece", "pieces"].map(number).to_vec();
    fields.push(text("found", false));
    schema(fields)
}

/// Statements of one file, as they become rows.
pub struct StatementRows {
    schema: SchemaRef,
    file: String,
    at: TimestampMicrosecondBuilder,
    collector: StringBuilder,
    peer: StringBuilder,
    peer_asn: UInt32Builder,
    /// `None` where there is but one kind.
    kind: Option<StringBuilder>,
    prefix: StringBuilder,
    path_id: UInt32Builder,
    origin: UInt32Builder,
    path: StringBuilder,
    files: StringBuilder,
    record: UInt64Builder,
    rows: usize,
    word: String,
}

/// One of them.
struct Row<'a> {
    from: VantageId,
    kind: &'static str,
    prefix: &'a IpNet,
    path_id: u32,
    route: Option<&'a Route>,
}

impl StatementRows {
    /// None yet, of UPDATEs or of table dumps.
    pub fn new(updates: bool, file: String) -> Self {
        StatementRows {
            schema: if updates { updates_schema() } else { ribs_schema() },
            file,
            at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            collector: StringBuilder::new(),
            peer: StringBuilder::new(),
            peer_asn: UInt32Builder::new(),
            kind: updates.then(StringBuilder::new),
            prefix: StringBuilder::new(),
            path_id: UInt32Builder::new(),
            origin: UInt32Builder::new(),
            path: StringBuilder::new(),
            files: StringBuilder::new(),
            record: UInt64Builder::new(),
            rows: 0,
            word: String::new(),
        }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Appends the row of a statement, if it is one of these.
    pub fn push(&mut self, observation: &Observation, vantages: &Vantages) {
        let row = match (&observation.what, self.kind.is_some()) {
            (Statement::Announce { from, prefix, path_id, route }, true) => {
                Row { from: *from, kind: "announce", prefix, path_id: *path_id, route: Some(route) }
            }
            (Statement::Withdraw { from, prefix, path_id, cause }, true) => {
                let kind = if *cause == WithdrawCause::Statement { "withdraw" } else { "treated_as_withdraw" };
                Row { from: *from, kind, prefix, path_id: *path_id, route: None }
            }
            (Statement::TableEntry { from, prefix, path_id, route }, false) => {
                Row { from: *from, kind: "", prefix, path_id: *path_id, route: Some(route) }
            }
            _ => return,
        };
        let point = vantages.point(row.from);
        self.at.append_value(observation.at.micros());
        self.collector.append_value(&point.collector);
        append(&mut self.peer, &mut self.word, &point.peer);
        self.peer_asn.append_value(point.asn.0);
        if let Some(kind) = &mut self.kind {
            kind.append_value(row.kind);
        }
        append(&mut self.prefix, &mut self.word, row.prefix);
        self.path_id.append_value(row.path_id);
        self.origin.append_option(row.route.and_then(|route| route.origin).map(|origin| origin.0));
        match row.route {
            Some(route) => {
                self.word.clear();
                for (place, asn) in route.path.iter().enumerate() {
                    let _ = write!(self.word, "{}{}", if place > 0 { " " } else { "" }, asn.0);
                }
                self.path.append_value(&self.word);
            }
            None => self.path.append_null(),
        }
        self.files.append_value(&self.file);
        self.record.append_value(observation.source.record);
        self.rows += 1;
    }

    /// Takes them as a batch of these columns.
    ///
    /// # Errors
    /// None but by a mistake in here.
    pub fn take(&mut self, columns: &[usize]) -> Result<RecordBatch> {
        self.rows = 0;
        let mut all: Vec<ArrayRef> = vec![
            Arc::new(self.at.finish()),
            Arc::new(self.collector.finish()),
            Arc::new(self.peer.finish()),
            Arc::new(self.peer_asn.finish()),
        ];
        all.extend(self.kind.as_mut().map(|kind| Arc::new(kind.finish()) as ArrayRef));
        all.extend([
            Arc::new(self.prefix.finish()) as ArrayRef,
            Arc::new(self.path_id.finish()),
            Arc::new(self.origin.finish()),
            Arc::new(self.path.finish()),
            Arc::new(self.files.finish()),
            Arc::new(self.record.finish()),
        ]);
        Ok(RecordBatch::try_new(self.schema.clone(), all)?.project(columns)?)
    }
}

fn append(column: &mut StringBuilder, word: &mut String, what: &impl std::fmt::Display) {
    word.clear();
    let _ = write!(word, "{what}");
    column.append_value(&*word);
}

/// The row of a file.
///
/// # Errors
/// None but by a mistake in here.
pub fn file_row(account: &FileAccount, columns: &[usize]) -> Result<RecordBatch> {
    let kind = serde_json::to_value(account.kind).ok().and_then(|kind| Some(kind.as_str()?.to_owned())).unwrap_or_default();
    let text = |text: &str| {
        let mut column = StringBuilder::new();
        column.append_value(text);
        Arc::new(column.finish()) as ArrayRef
    };
    let count = |number: u64| {
        let mut column = UInt64Builder::new();
        column.append_value(number);
        Arc::new(column.finish()) as ArrayRef
    };
    let time = |at: Option<Timestamp>| {
        let mut column = TimestampMicrosecondBuilder::new().with_timezone("UTC");
        column.append_option(at.map(Timestamp::micros));
        Arc::new(column.finish()) as ArrayRef
    };
    let mut error = StringBuilder::new();
    error.append_option(account.error.as_deref());
    let all = vec![
        text(&account.path.display().to_string()),
        text(&account.collector),
        text(&kind),
        count(account.bytes),
        text(&account.blake3),
        time(account.first),
        time(account.last),
        count(account.records),
        count(account.announced),
        count(account.withdrawn),
        count(account.table_entries),
        count(account.state_changes),
        count(account.skipped_count),
        count(account.skipped_bytes),
        Arc::new(error.finish()),
    ];
    Ok(RecordBatch::try_new(files_schema(), all)?.project(columns)?)
}
