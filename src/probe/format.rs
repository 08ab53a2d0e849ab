//! Which format a file of probe results is in, decided by its first bytes and never by its name.
//!
//! Takes the beginning of the (decompressed) content, gives the format, or nothing for a foreign file.

use super::fields::Fields;
use super::{atlas, own, service_status, zdns};
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// Bytes of the beginning which are looked at: room for the longest usual record (a chain of certificates) and some damage before.
pub(super) const LOOKED_AT: usize = 256 * 1024;
/// First bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";
/// The mark with which some programs begin UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The formats which can be read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeFormat {
    /// Faultline's own records, as JSON Lines or a JSON array.
    FaultlineJson,
    /// The same records as a Parquet table.
    FaultlineParquet,
    /// RIPE Atlas results, as JSON Lines or a JSON array.
    RipeAtlas,
    /// ZDNS output.
    Zdns,
    /// Service status as JSON.
    StatusJson,
    /// Service status as a table of text.
    StatusCsv,
}

/// How the records of a file are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// One JSON value a line.
    Lines,
    /// One JSON array of all.
    Array,
    /// Rows of text, with this delimiter.
    Table(char),
    /// Parquet.
    Parquet,
}

impl fmt::Display for ProbeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProbeFormat::FaultlineJson => "Faultline JSON Lines",
            ProbeFormat::FaultlineParquet => "Faultline Parquet",
            ProbeFormat::RipeAtlas => "RIPE Atlas",
            ProbeFormat::Zdns => "ZDNS",
            ProbeFormat::StatusJson => "service status JSON",
            ProbeFormat::StatusCsv => "service status CSV",
        })
    }
}

/// The format of a file which begins like this. The first record which is of a known format decides; damaged ones before it do not
/// matter.
pub(super) fn decide(start: &[u8]) -> Option<(ProbeFormat, Layout)> {
    if start.starts_with(PARQUET) {
        return Some((ProbeFormat::FaultlineParquet, Layout::Parquet));
    }
    let text = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
    if text.trim_ascii_start().first() == Some(&b'[') {
        let inside = text.trim_ascii_start().get(1..).unwrap_or_default();
        return elements(inside).find_map(|record| of_record(record).map(|format| (format, Layout::Array)));
    }
    let mut lines = text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let first = lines.clone().find(|line| !line.trim().is_empty())?;
    if let Some(delimiter) = service_status::recognises_heading(first) {
        return Some((ProbeFormat::StatusCsv, Layout::Table(delimiter)));
    }
    let record = |line: &str| serde_json::from_str(line).ok().and_then(of_record);
    lines.find_map(record).map(|format| (format, Layout::Lines))
}

/// The elements of an array up to the first which is not whole.
fn elements(mut inside: &[u8]) -> impl Iterator<Item = Value> {
    std::iter::from_fn(move || {
        inside = inside.trim_ascii_start();
        inside = inside.strip_prefix(b",").unwrap_or(inside);
        let mut values = serde_json::Deserializer::from_slice(inside).into_iter::<Value>();
        let value = values.next()?.ok()?;
        let read = values.byte_offset();
        inside = inside.get(read..).unwrap_or_default();
        Some(value)
    })
}

fn of_record(record: Value) -> Option<ProbeFormat> {
    let fields = Fields::of(record).ok()?;
    if atlas::recognises(&fields) {
        Some(ProbeFormat::RipeAtlas)
    } else if own::recognises(&fields) {
        Some(ProbeFormat::FaultlineJson)
    } else if service_status::recognises(&fields) {
        Some(ProbeFormat::StatusJson)
    } else if zdns::recognises(&fields) {
        Some(ProbeFormat::Zdns)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_record_which_is_known_decides() {
        let cases: &[(&str, Option<(ProbeFormat, Layout)>)] = &[
            ("{broken\n\n{\"prb_id\":1,\"type\":\"ping\"}\n", Some((ProbeFormat::RipeAtlas, Layout::Lines))),
            (" [ {\"prb_id\":1,\"type\":\"ping\"}, {\"cut", Some((ProbeFormat::RipeAtlas, Layout::Array))),
            ("[7, {\"kind\":\"ping\",\"ts\":1}]", Some((ProbeFormat::FaultlineJson, Layout::Array))),
            ("\u{feff}{\"ts\":1,\"qname\":\"a\"}", Some((ProbeFormat::FaultlineJson, Layout::Lines))),
            ("{\"time\":\"x\",\"service\":\"a\",\"status\":\"up\"}", Some((ProbeFormat::StatusJson, Layout::Lines))),
            ("\n\"Service\",\"Time\",\"Status\"\n", Some((ProbeFormat::StatusCsv, Layout::Table(',')))),
            ("{\"name\":\"a\",\"status\":\"NOERROR\",\"timestamp\":\"x\"}", Some((ProbeFormat::Zdns, Layout::Lines))),
            ("{\"t\": 1, \"op\": \"A\", \"prefix\": \"100.64.0.0/24\"}", None),
            ("[]", None),
            ("", None),
            ("PAR1....", Some((ProbeFormat::FaultlineParquet, Layout::Parquet))),
        ];
        for (start, expected) in cases {
            assert_eq!(decide(start.as_bytes()), *expected, "{start}");
        }
        assert_eq!(decide(&[0xff; 64]), None);
    }
}
