//! Faultline's own probe results as Parquet tables: one row a result, the same fields as the JSON Lines, one column each.
//!
//! The time is the column `ts_us` (whole microseconds since 1970, UTC), `answers` holds the JSON text of the list. A column which
//! Faultline does not know is left out like an unknown field.

use super::ProbeResult;
use super::fields::BadRecord;
use super::own::write;
use crate::table::{self, Column, Values};
use crate::time::Timestamp;
use serde_json::{Map, Value};

pub use crate::table::TableError;

/// Columns and what they hold, in the order in which they are written.
const COLUMNS: &[(&str, Holds)] = &[
    ("kind", Holds::Text),
    ("ts_us", Holds::Whole),
    ("vantage", Holds::Text),
    ("latency_us", Holds::Whole),
    ("via", Holds::Text),
    ("server", Holds::Text),
    ("resolver", Holds::Text),
    ("server_name", Holds::Text),
    ("qname", Holds::Text),
    ("qtype", Holds::Text),
    ("rcode", Holds::Text),
    ("ede", Holds::Whole),
    ("aa", Holds::Flag),
    ("answers", Holds::Text),
    ("target", Holds::Text),
    ("host", Holds::Text),
    ("mode", Holds::Text),
    ("ip", Holds::Text),
    ("stage", Holds::Text),
    ("http_status", Holds::Whole),
    ("error", Holds::Text),
    ("body", Holds::Text),
    ("cert_not_after", Holds::Text),
    ("answered", Holds::Flag),
    ("service", Holds::Text),
    ("reporter", Holds::Text),
    ("service_status", Holds::Text),
];

#[derive(Clone, Copy)]
enum Holds {
    Text,
    Whole,
    Flag,
}

/// One row a result, as the bytes of a Parquet file.
///
/// # Errors
/// If the program was built without the feature `tables`.
pub fn write(results: &[ProbeResult]) -> Result<Vec<u8>, TableError> {
    let records: Vec<Map<String, Value>> = results.iter().map(row).collect();
    let columns = COLUMNS.iter().map(|(name, holds)| {
        let cells = records.iter().map(|record| record.get(*name).cloned());
        let values = match holds {
            Holds::Text => Values::Text(cells.map(|cell| cell.as_ref().and_then(Value::as_str).map(str::to_owned)).collect()),
            Holds::Whole => Values::Whole(cells.map(|cell| cell.as_ref().and_then(Value::as_i64)).collect()),
            Holds::Flag => Values::Flag(cells.map(|cell| cell.as_ref().and_then(Value::as_bool)).collect()),
        };
        Column { name: (*name).to_owned(), values }
    });
    table::write_parquet(columns.collect())
}

/// A result as the fields of its JSON record, renamed and typed as the table's columns are.
fn row(result: &ProbeResult) -> Map<String, Value> {
    let mut record = write::record(result);
    record.remove("ts");
    record.remove("latency_ms");
    record.insert("ts_us".to_owned(), result.at.micros().into());
    if result.took.micros() != 0 {
        record.insert("latency_us".to_owned(), result.took.micros().into());
    }
    if let Some(answers) = record.remove("answers") {
        record.insert("answers".to_owned(), answers.to_string().into());
    }
    // A name server and the name of a web server share their JSON name, and so do the two kinds of status; columns have one type.
    if let Some(status) = record.remove("status") {
        record.insert(if status.is_number() { "http_status" } else { "service_status" }.to_owned(), status);
    }
    record
}

/// Rows as JSON records, in order.
///
/// # Errors
/// If the bytes are no Parquet file, or the program was built without the feature `tables`.
pub(super) fn rows(bytes: Vec<u8>) -> Result<Vec<Result<Value, BadRecord>>, TableError> {
    let columns = table::read_parquet(bytes)?;
    let height = columns.first().map_or(0, Column::height);
    Ok((0..height).map(|index| record(&columns, index)).collect())
}

fn record(columns: &[Column], index: usize) -> Result<Value, BadRecord> {
    let mut record = Map::new();
    for column in columns {
        let value = match &column.values {
            Values::Text(cells) => cells[index].clone().map(Value::from),
            Values::Whole(cells) => cells[index].map(Value::from),
            Values::Flag(cells) => cells[index].map(Value::from),
        };
        let Some(value) = value else { continue };
        let (name, value) = match column.name.as_str() {
            "ts_us" => ("ts", Timestamp::from_micros(micros("ts_us", &value)?).to_string().into()),
            "latency_us" => ("latency_ms", milliseconds(micros("latency_us", &value)?)?),
            "http_status" | "service_status" => ("status", value),
            "answers" => ("answers", answers(&value)?),
            name => (name, value),
        };
        record.insert(name.to_owned(), value);
    }
    Ok(Value::Object(record))
}

fn micros(column: &'static str, value: &Value) -> Result<i64, BadRecord> {
    let micros = value.as_i64().filter(|micros| *micros >= 0);
    micros.ok_or_else(|| BadRecord::wrong(column, value, "whole microseconds, not negative"))
}

/// Milliseconds as an exact decimal.
fn milliseconds(micros: i64) -> Result<Value, BadRecord> {
    let text = format!("{}.{:03}", micros / 1000, micros % 1000);
    serde_json::from_str(&text).map_err(|error| BadRecord::Json(error.to_string()))
}

fn answers(value: &Value) -> Result<Value, BadRecord> {
    let text = value.as_str().ok_or_else(|| BadRecord::wrong("answers", value, "the JSON text of a list"))?;
    serde_json::from_str(text).map_err(|error| BadRecord::Json(error.to_string()))
}
