//! Service status as people and pages report it: CSV, or JSON records, of time, service and status.
//!
//! Takes rows with the columns `time` (or `ts`, `timestamp`), `service`, `status` and, if there, `reporter` and `vantage`; gives one
//! result a row. Only the words of [`STATUS_WORDS`] are a status: "investigating" says that somebody looks, not that it is down. A
//! count of user reports alone is no status either: such columns are left out and told by name, and so is every other one.

use super::fields::{BadRecord, Fields, Ignored};
use super::intake::{Draft, Intake, Names};
use super::{Outcome, ServiceStatus, Target};
use crate::time::Span;
use serde_json::{Map, Value};
use std::io::{self, Read};

/// Every word which is a status, in any case, with spaces or hyphens for underscores. The longer ones are those of Statuspage.io
/// components.
pub const STATUS_WORDS: &[(&str, ServiceStatus)] = &[
    ("up", ServiceStatus::Up),
    ("ok", ServiceStatus::Up),
    ("operational", ServiceStatus::Up),
    ("available", ServiceStatus::Up),
    ("healthy", ServiceStatus::Up),
    ("degraded", ServiceStatus::Degraded),
    ("degraded_performance", ServiceStatus::Degraded),
    ("partial_outage", ServiceStatus::Degraded),
    ("down", ServiceStatus::Down),
    ("outage", ServiceStatus::Down),
    ("major_outage", ServiceStatus::Down),
    ("unavailable", ServiceStatus::Down),
];
/// Names of the column with the time.
const TIME_COLUMNS: [&str; 3] = ["ts", "time", "timestamp"];
/// Who reports where nobody is named.
const UNNAMED_REPORTER: &str = "status";
/// Delimiters of tables, most usual first.
const DELIMITERS: [char; 3] = [',', ';', '\t'];

/// True if the object looks like a record of this kind.
pub(super) fn recognises(fields: &Fields) -> bool {
    fields.has("service") && fields.has("status") && TIME_COLUMNS.iter().any(|column| fields.has(column))
}

/// The delimiter, if this line is the heading of such a table.
pub(super) fn recognises_heading(line: &str) -> Option<char> {
    DELIMITERS.into_iter().find(|delimiter| {
        let columns: Vec<String> = line.split(*delimiter).map(column_name).collect();
        let has = |name: &str| columns.iter().any(|column| column == name);
        has("service") && has("status") && TIME_COLUMNS.into_iter().any(has)
    })
}

fn column_name(text: &str) -> String {
    text.trim().trim_matches('"').trim().to_ascii_lowercase()
}

/// Reads one JSON record.
pub(super) fn read(record: Value, names: &mut Names, ignored: &mut Ignored) -> Result<Draft, BadRecord> {
    read_fields(Fields::of(record)?, names, ignored)
}

/// Reads the fields of one record, whatever it was written in.
pub(super) fn read_fields(mut fields: Fields, names: &mut Names, ignored: &mut Ignored) -> Result<Draft, BadRecord> {
    let column = TIME_COLUMNS.into_iter().find(|column| fields.has(column)).ok_or(BadRecord::Missing("time"))?;
    let at = fields.time(column)?.ok_or(BadRecord::Missing("time"))?;
    let service = names.of(&fields.need_word("service")?);
    let status = status(&fields.need_word("status")?)?;
    let reporter = fields.word("reporter")?.unwrap_or_else(|| UNNAMED_REPORTER.to_owned());
    let vantage = fields.word("vantage")?.unwrap_or_else(|| reporter.clone());
    let took = fields.millis("latency_ms")?.unwrap_or(Span::ZERO);
    fields.end(&[], ignored);
    let target = Target::Status { service, reporter: names.of(&reporter) };
    Ok(Draft { at, took, vantage: names.of(&vantage), target, outcome: Outcome::Status(status) })
}

fn status(text: &str) -> Result<ServiceStatus, BadRecord> {
    let word = text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    STATUS_WORDS
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, status)| *status)
        .ok_or_else(|| BadRecord::wrong_text("status", text, "up, degraded, down or one of their documented synonyms"))
}

/// Reads a table to its end.
///
/// # Errors
/// If the stream cannot be read on; what came before it has been taken.
pub(super) fn read_table<R: Read>(table: R, delimiter: char, intake: &mut Intake, names: &mut Names) -> io::Result<()> {
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    let mut rows = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(table);
    let columns: Vec<String> = rows.byte_headers()?.iter().map(|name| column_name(&String::from_utf8_lossy(name))).collect();
    let mut row = csv::ByteRecord::new();
    loop {
        let line = rows.position().line();
        match rows.read_byte_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) if error.is_io_error() => return Err(error.into()),
            Err(error) => {
                intake.records += 1;
                intake.reject(line, &BadRecord::Row(error.to_string()));
                continue;
            }
        }
        intake.records += 1;
        let line = row.position().map_or(line, csv::Position::line);
        let draft = cells(&columns, &row).and_then(|fields| read_fields(fields, names, &mut intake.ignored));
        intake.take(line, draft);
    }
}

/// A row as fields; empty cells are absent.
fn cells(columns: &[String], row: &csv::ByteRecord) -> Result<Fields, BadRecord> {
    let mut map = Map::new();
    for (column, cell) in columns.iter().zip(row) {
        let text = std::str::from_utf8(cell).map_err(|error| BadRecord::NotUtf8(error.valid_up_to()))?;
        if text.contains('\n') && column != "detail" {
            return Err(BadRecord::Row(format!("the quoted cell `{column}` runs over several lines")));
        }
        if !text.is_empty() {
            map.insert(column.clone(), Value::String(text.to_owned()));
        }
    }
    Fields::of(Value::Object(map))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::FileId;

    fn table(text: &str) -> Intake {
        let mut intake = Intake::of(FileId(7));
        let delimiter = recognises_heading(text.lines().next().unwrap()).unwrap();
        read_table(text.as_bytes(), delimiter, &mut intake, &mut Names::default()).unwrap();
        intake
    }

    #[test]
    fn the_status_page_of_5_march_2024_with_its_offsets() {
        let intake = table(
            "Time,Service,Status,Reporter,detail,reports\n\
             2024-03-05T15:17:00Z,Facebook Login,Major Outage,metastatus.com,\"Login, all users\",\n\
             2024-03-05T10:35:00-05:00,Facebook Login,down,users,,500000\n\
             2024-03-05T18:19:00+01:00,Facebook Login,operational,metastatus.com,,\n",
        );
        let seen: Vec<_> = intake.results.iter().map(|r| (r.at.to_string(), r.outcome.clone(), r.source.record)).collect();
        assert_eq!(
            seen,
            [
                ("2024-03-05T15:17:00Z".to_owned(), Outcome::Status(ServiceStatus::Down), 2),
                ("2024-03-05T15:35:00Z".to_owned(), Outcome::Status(ServiceStatus::Down), 3),
                ("2024-03-05T17:19:00Z".to_owned(), Outcome::Status(ServiceStatus::Up), 4),
            ]
        );
        let ignored: Vec<_> = intake.ignored.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(ignored, [("detail", 1), ("reports", 1)], "a count of reports is told, not judged");
    }

    #[test]
    fn investigating_is_no_status_and_a_time_needs_its_offset() {
        let intake = table(
            "service;time;status\nWhatsApp;2024-03-05T15:00:00Z;investigating\nWhatsApp;2024-03-05 15:00;up\nWhatsApp;;up\n\
             WhatsApp;2024-03-05T15:00:00Z\nWhatsApp;2024-03-05T15:05:00Z;up\n",
        );
        assert_eq!((intake.results.len(), intake.bad_count, intake.records), (1, 4, 5));
        let lines: Vec<u64> = intake.bad.iter().map(|bad| bad.record).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
        assert!(intake.bad[0].reason.contains("investigating"), "{}", intake.bad[0].reason);
        assert!(intake.bad[3].reason.contains("not a row"), "{}", intake.bad[3].reason);
    }

    #[test]
    fn the_documented_words_are_the_only_ones() {
        for (word, expected) in STATUS_WORDS {
            assert_eq!(status(&word.replace('_', " ").to_uppercase()).unwrap(), *expected);
        }
        for word in ["monitoring", "identified", "under_maintenance", "1", "true"] {
            assert!(status(word).is_err(), "{word}");
        }
        assert_eq!(recognises_heading("prefix,origin,time"), None);
    }
}
