//! One JSON record as named fields: each is taken once, with its type checked, and what nobody took is told by name.
//!
//! Takes a `serde_json::Value`, gives values with units, or a [`BadRecord`] saying which field is wrong and what was expected. It
//! does not know any format: which fields there are is the importers' business.

use crate::time::{Span, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Fields which no importer knows, by name, and how often each was met.
pub(super) type Ignored = BTreeMap<String, u64>;

/// How much of a wrong value an error quotes.
const QUOTED: usize = 60;
/// Unix seconds of the year 10000: beyond it a number is a count of milliseconds or microseconds.
const YEAR_10000: i64 = 253_402_300_800;

/// Microseconds: no attempt takes longer.
const DAY: i64 = 86_400_000_000;

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// The text is no JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// JSON, but no object.
    #[error("not a JSON object")]
    NotObject,
    /// Bytes which are no text.
    #[error("not UTF-8 from byte {0}")]
    NotUtf8(usize),
    /// Longer than any record of these formats.
    #[error("longer than {0} bytes")]
    TooLong(usize),
    /// A row which does not fit its table.
    #[error("not a row of this table: {0}")]
    Row(String),
    /// A field which must be there is not.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field holds something else than it should.
    #[error("`{field}` is {found}, expected {expected}")]
    Wrong {
        /// Its name.
        field: &'static str,
        /// What it holds, shortened.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// Two fields cannot both be true.
    #[error("`{0}` and `{1}` contradict each other")]
    Contradiction(&'static str, &'static str),
    /// The attempt says nothing of its target, for a reason of the prober's own.
    #[error("the probe did not ask: {0}")]
    NotAsked(String),
    /// The record does not say what was asked.
    #[error("what was asked is not recorded: {0}")]
    NoQuestion(&'static str),
}

/// A JSON object whose fields are taken one by one.
pub(super) struct Fields {
    prefix: &'static str,
    map: Map<String, Value>,
}

impl BadRecord {
    /// The error for a field with this value.
    pub(super) fn wrong(field: &'static str, found: &Value, expected: &'static str) -> BadRecord {
        BadRecord::Wrong { field, found: shorten(&found.to_string()), expected }
    }

    /// The error for a field with this text.
    pub(super) fn wrong_text(field: &'static str, found: &str, expected: &'static str) -> BadRecord {
        BadRecord::Wrong { field, found: format!("`{}`", shorten(found)), expected }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

impl Fields {
    /// The fields of a whole record.
    pub(super) fn of(record: Value) -> Result<Fields, BadRecord> {
        Fields::inside("", record)
    }

    /// The fields of an object inside a record; what nobody takes is counted as `prefix` and its name.
    pub(super) fn inside(prefix: &'static str, value: Value) -> Result<Fields, BadRecord> {
        let Value::Object(map) = value else { return Err(BadRecord::NotObject) };
        Ok(Fields { prefix, map })
    }

    /// True if the field is there and not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    /// The text of a field which stays.
    pub(super) fn peek(&self, key: &str) -> Option<&str> {
        self.map.get(key).and_then(Value::as_str)
    }

    /// The value as it is; `None` if absent or null.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key).filter(|value| !value.is_null())
    }

    /// Text as it is.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, BadRecord> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(BadRecord::wrong(key, &other, "text")),
        }
    }

    /// Text without surrounding space; `None` if nothing is left.
    pub(super) fn word(&mut self, key: &'static str) -> Result<Option<String>, BadRecord> {
        let text = self.text(key)?.map(|text| text.trim().to_owned());
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// Text which must be there.
    pub(super) fn need_word(&mut self, key: &'static str) -> Result<String, BadRecord> {
        self.word(key)?.ok_or(BadRecord::Missing(key))
    }

    /// A whole number, also when written as text (old RIPE Atlas firmware does).
    pub(super) fn whole<N: TryFrom<i64>>(&mut self, key: &'static str) -> Result<Option<N>, BadRecord> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let number = match &value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        number
            .and_then(|number| N::try_from(number).ok())
            .map(Some)
            .ok_or_else(|| BadRecord::wrong(key, &value, "a whole number in range"))
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, BadRecord> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(BadRecord::wrong(key, &other, "true or false")),
        }
    }

    /// An IP address.
    pub(super) fn address(&mut self, key: &'static str) -> Result<Option<IpAddr>, BadRecord> {
        match self.word(key)? {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| BadRecord::wrong_text(key, &text, "an IP address")),
        }
    }

    /// A time: RFC 3339 with an offset, or Unix seconds as number or text. Rounded to the nearest microsecond.
    pub(super) fn time(&mut self, key: &'static str) -> Result<Option<Timestamp>, BadRecord> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match &value {
            Value::Number(number) => decimal(number, 6).map(Timestamp::from_micros),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
        .filter(|at| at.seconds() < YEAR_10000)
        .map(Some)
        .ok_or_else(|| BadRecord::wrong(key, &value, "a time such as 2021-10-04T15:39:00Z (with its offset) or Unix seconds"))
    }

    /// A length of time given in milliseconds.
    pub(super) fn millis(&mut self, key: &'static str) -> Result<Option<Span>, BadRecord> {
        self.span(key, 3, "milliseconds, from 0 to those of a day")
    }

    /// A length of time given in seconds.
    pub(super) fn seconds(&mut self, key: &'static str) -> Result<Option<Span>, BadRecord> {
        self.span(key, 6, "seconds, from 0 to those of a day")
    }

    fn span(&mut self, key: &'static str, decimals: usize, expected: &'static str) -> Result<Option<Span>, BadRecord> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let micros = value.as_number().and_then(|number| decimal(number, decimals)).filter(|micros| (0..=DAY).contains(micros));
        micros.map(|micros| Some(Span::from_micros(micros))).ok_or_else(|| BadRecord::wrong(key, &value, expected))
    }

    /// An object inside.
    pub(super) fn object(&mut self, key: &'static str, prefix: &'static str) -> Result<Option<Fields>, BadRecord> {
        match self.take(key) {
            None => Ok(None),
            Some(value @ Value::Object(_)) => Fields::inside(prefix, value).map(Some),
            Some(other) => Err(BadRecord::wrong(key, &other, "an object")),
        }
    }

    /// A list; empty if absent.
    pub(super) fn list(&mut self, key: &'static str) -> Result<Vec<Value>, BadRecord> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(BadRecord::wrong(key, &other, "a list")),
        }
    }

    /// The names and values which are left.
    pub(super) fn entries(self) -> impl Iterator<Item = (String, Value)> {
        self.map.into_iter()
    }

    /// Ends the record: what is left, and is not one of the known fields which carry nothing for Faultline, is counted by name.
    pub(super) fn end(self, known: &[&str], ignored: &mut Ignored) {
        for (name, _) in self.map {
            if !known.contains(&name.as_str()) {
                *ignored.entry(format!("{}{name}", self.prefix)).or_default() += 1;
            }
        }
    }
}

/// `number` times ten to the power `decimals`, to the nearest whole; `None` if out of range.
///
/// A double holds a time of this century in seconds to 0.24 µs, so that six decimals survive; formatting rounds them correctly.
fn decimal(number: &serde_json::Number, decimals: usize) -> Option<i64> {
    if let Some(whole) = number.as_i64() {
        return 10i64.checked_pow(u32::try_from(decimals).ok()?)?.checked_mul(whole);
    }
    let text = format!("{:.decimals$}", number.as_f64()?);
    text.replacen('.', "", 1).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_lab_s_floating_seconds_keep_their_microseconds() {
        let mut fields = Fields::of(json!({"a": 1795338804.002133, "b": 1795338804.00268, "c": 1795338804, "d": 6.647})).unwrap();
        assert_eq!(fields.time("a").unwrap().unwrap().micros(), 1_795_338_804_002_133);
        assert_eq!(fields.time("b").unwrap().unwrap().micros(), 1_795_338_804_002_680);
        assert_eq!(fields.time("c").unwrap().unwrap().micros(), 1_795_338_804_000_000);
        assert_eq!(fields.millis("d").unwrap().unwrap().micros(), 6_647);
    }

    #[test]
    fn every_offset_is_the_same_moment() {
        let at: Vec<_> = ["2021-10-04T15:39:00Z", "2021-10-04T17:39:00+02:00", "2021-10-04 08:39:00-07:00", "1633361940"]
            .into_iter()
            .map(|text| Fields::of(json!({ "t": text })).unwrap().time("t").unwrap().unwrap().micros())
            .collect();
        assert_eq!(at, vec![1_633_361_940_000_000; 4]);
    }

    #[test]
    fn a_time_without_offset_and_a_count_of_milliseconds_are_refused() {
        for bad in [json!("2021-10-04T15:39:00"), json!(1633361940000i64), json!(true), json!("yesterday"), json!(1e300)] {
            let refused = Fields::of(json!({ "t": bad.clone() })).unwrap().time("t").unwrap_err();
            assert!(refused.to_string().contains("with its offset"), "{bad}: {refused}");
        }
    }

    #[test]
    fn what_nobody_takes_is_told_by_name() {
        let mut fields = Fields::of(json!({"ts": 1, "colour": "red", "ok": true, "empty": null})).unwrap();
        fields.time("ts").unwrap();
        let mut ignored = Ignored::new();
        fields.end(&["ok", "empty"], &mut ignored);
        assert_eq!(ignored.into_iter().collect::<Vec<_>>(), [("colour".to_owned(), 1)]);
    }
}
