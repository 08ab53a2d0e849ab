//! Points and spans of time: integer microseconds, UTC.
//!
//! Takes and gives RFC 3339 text. There are no floats and no local times here, and nothing reads the clock: time is always an
//! argument, so a replay of an archive decides exactly what a live run decided.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A signed length of time in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

/// A moment that is only known to lie in `earliest..=latest`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Bounds {
    /// Not before this.
    pub earliest: Timestamp,
    /// Not after this.
    pub latest: Timestamp,
}

/// A text which is not a time or not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct ParseTimeError {
    text: String,
    expected: &'static str,
}

impl Timestamp {
    /// Before every other time.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// After every other time.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Timestamp(micros)
    }

    /// From whole seconds since the epoch and microseconds within the second.
    pub const fn from_parts(seconds: i64, micros: u32) -> Self {
        Timestamp(seconds.saturating_mul(1_000_000).saturating_add(micros as i64))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Time since `earlier`; negative if `earlier` is later.
    pub const fn since(self, earlier: Timestamp) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// `2021-10-04 15:39:04 UTC`, cut to the second: for sentences.
    pub fn in_words(self) -> String {
        let text = Timestamp::from_parts(self.seconds(), 0).to_string();
        format!("{} UTC", text.replace('T', " ").trim_end_matches('Z'))
    }

    /// `15:39:04` or, with microseconds, `15:39:04.250000`: for tables whose heading names the day.
    pub fn clock(self) -> String {
        let text = self.to_string();
        text.get(11..text.len() - 1).unwrap_or(&text).to_owned()
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// From whole seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Span(seconds.saturating_mul(1_000_000))
    }

    /// From microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Span(micros)
    }

    /// Length in microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Length in whole seconds, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Without its sign.
    pub const fn abs(self) -> Self {
        Span(self.0.saturating_abs())
    }

    /// `factor` times as long.
    pub const fn times(self, factor: i64) -> Self {
        Span(self.0.saturating_mul(factor))
    }
}

impl Bounds {
    /// A moment known exactly.
    pub const fn exact(at: Timestamp) -> Self {
        Bounds { earliest: at, latest: at }
    }

    /// A moment in `earliest..=latest`; swapped if given the wrong way round.
    pub fn between(earliest: Timestamp, latest: Timestamp) -> Self {
        Bounds { earliest: earliest.min(latest), latest: latest.max(earliest) }
    }

    /// The last of several moments: the one known to be over latest; `None` of none.
    pub fn last_of(moments: impl IntoIterator<Item = Bounds>) -> Option<Self> {
        moments.into_iter().max_by_key(|moment| (moment.latest, moment.earliest))
    }

    /// True if this moment certainly lies more than `margin` after `other`.
    pub fn is_after(self, other: Bounds, margin: Span) -> bool {
        self.earliest > other.latest + margin
    }
}

impl Add<Span> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Timestamp;
    fn sub(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

/// RFC 3339 in UTC, with six decimals only where there are microseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) if self.0.rem_euclid(1_000_000) == 0 => write!(f, "{time:.0}"),
            Ok(time) => write!(f, "{time:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// RFC 3339 with any offset (normalised to UTC), or a Unix time in seconds with at most six decimals.
impl FromStr for Timestamp {
    type Err = ParseTimeError;
    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        let text = text.trim();
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Ok(Timestamp(time.as_microsecond()));
        }
        unix_seconds(text).ok_or_else(|| ParseTimeError {
            text: text.to_owned(),
            expected: "a time; write it as 2021-10-04T15:39:00Z or as Unix seconds",
        })
    }
}

/// Reads `1633361940.25` without going through a float.
fn unix_seconds(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = fraction.len() <= 9 && !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    if !digits || whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    let seconds: i64 = whole.parse().ok()?;
    Some(Timestamp(seconds.checked_mul(1_000_000)?.checked_add(nanos / 1000)?))
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What [`Serialize`] writes: always UTC, with all six decimals or none.
impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time in UTC (RFC 3339), with six decimals where there are microseconds.",
            "type": "string",
            "format": "date-time",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z$",
        })
    }
}

/// `90 s`, `2 min 30 s`, `3 h 05 min`, with a fraction of a second only below one minute.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let seconds = micros / 1_000_000;
        match seconds {
            0..60 if !micros.is_multiple_of(1_000_000) => {
                let tenths = micros / 100_000;
                write!(f, "{sign}{}.{} s", tenths / 10, tenths % 10)
            }
            0..120 => write!(f, "{sign}{seconds} s"),
            120..3600 if seconds.is_multiple_of(60) => write!(f, "{sign}{} min", seconds / 60),
            120..3600 => write!(f, "{sign}{} min {:02} s", seconds / 60, seconds % 60),
            3600..172_800 => write!(f, "{sign}{} h {:02} min", seconds / 3600, seconds / 60 % 60),
            _ => write!(f, "{sign}{} d {:02} h", seconds / 86_400, seconds / 3600 % 24),
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A whole number with a unit: `250ms`, `60s`, `5min`, `24h`, `2d`.
impl FromStr for Span {
    type Err = ParseTimeError;
    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let factor = match unit.trim() {
            "ms" => 1_000,
            "s" => 1_000_000,
            "min" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            _ => 0,
        };
        match number.parse::<i64>() {
            Ok(number) if factor > 0 => number.checked_mul(factor).map(Span),
            _ => None,
        }
        .ok_or_else(|| ParseTimeError {
            text: text.to_owned(),
            expected: "a span of time; write a whole number and a unit, such as 250ms, 60s, 5min, 24h or 2d",
        })
    }
}

impl Serialize for Span {
    /// As a count of seconds with up to six decimals, in text, so that it stays exact.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        match rest {
            0 => serializer.collect_str(&format_args!("{sign}{seconds}s")),
            _ if rest.is_multiple_of(1000) => serializer.collect_str(&format_args!("{sign}{}ms", micros / 1000)),
            _ => serializer.collect_str(&format_args!("{sign}{micros}us")),
        }
    }
}

impl Span {
    /// Reads what [`Serialize`] writes, which has a sign where it is negative; what people write is a length, and has none.
    ///
    /// # Errors
    /// If it is none.
    pub fn signed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (sign, length) = text.strip_prefix('-').map_or((1, text.as_str()), |length| (-1, length));
        let micros = length.strip_suffix("us").and_then(|micros| micros.parse().ok()).map(Span::from_micros);
        let length = micros.map_or_else(|| length.parse(), Ok).map_err(serde::de::Error::custom)?;
        Ok(length.times(sign))
    }

    /// The same, or `null`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn signed_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        #[derive(Deserialize)]
        struct Signed(#[serde(deserialize_with = "Span::signed")] Span);
        Ok(Option::<Signed>::deserialize(deserializer)?.map(|signed| signed.0))
    }
}

/// What [`Serialize`] writes.
impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: whole seconds, else milliseconds, else microseconds; with a sign if it is negative.",
            "type": "string",
            "pattern": "^-?[0-9]+(s|ms|us)$",
        })
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_offset_is_normalised_to_utc() {
        let utc: Timestamp = "2021-10-04T15:39:00Z".parse().unwrap();
        assert_eq!("2021-10-04T17:39:00+02:00".parse::<Timestamp>().unwrap(), utc);
        assert_eq!("1633361940".parse::<Timestamp>().unwrap(), utc);
        assert_eq!(utc.to_string(), "2021-10-04T15:39:00Z");
    }

    #[test]
    fn microseconds_survive_a_round_trip_through_text() {
        let at = Timestamp::from_parts(1_795_338_804, 533_249);
        assert_eq!(at.to_string(), "2026-11-22T09:13:24.533249Z");
        assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
        assert_eq!("1795338804.533249".parse::<Timestamp>().unwrap(), at);
        assert_eq!(at.clock(), "09:13:24.533249");
    }

    #[test]
    fn sentences_tell_seconds_and_the_zone() {
        let at: Timestamp = "2026-11-22T09:13:24.999999Z".parse().unwrap();
        assert_eq!(at.in_words(), "2026-11-22 09:13:24 UTC");
    }

    #[test]
    fn what_is_not_a_time_says_what_to_write() {
        for bad in ["", "yesterday", "12:00", "1e9", "-5", "1.2.3", "2021-10-04T15:39:00", "2021-13-04T00:00:00Z"] {
            let error = bad.parse::<Timestamp>().unwrap_err();
            assert!(error.to_string().contains("write it as"), "{bad}: {error}");
        }
        assert!("60".parse::<Span>().is_err());
        assert!("".parse::<Span>().is_err());
    }

    #[test]
    fn spans_are_read_and_shown() {
        assert_eq!("90s".parse::<Span>().unwrap(), Span::from_seconds(90));
        assert_eq!("5 min".parse::<Span>().unwrap(), Span::from_seconds(300));
        assert_eq!(Span::from_seconds(150).to_string(), "2 min 30 s");
        assert_eq!(Span::from_micros(1_500_000).to_string(), "1.5 s");
        assert_eq!(Span::from_seconds(18_300).to_string(), "5 h 05 min");
        assert_eq!(Span::from_seconds(-60).to_string(), "-60 s");
    }

    #[test]
    fn a_written_span_is_read_again_to_the_microsecond() {
        for micros in [0, 1, -1, 250_000, -250_000, 90_000_000, -90_000_000, 1_500_001] {
            let span = Span::from_micros(micros);
            let written = serde_json::to_string(&span).unwrap();
            assert_eq!(Span::signed(&mut serde_json::Deserializer::from_str(&written)).unwrap(), span, "{written}");
        }
        assert!(serde_json::from_str::<Span>("\"-90s\"").is_err(), "what people write is a length");
    }

    #[test]
    fn only_disjoint_bounds_are_ordered() {
        let at = |s| Timestamp::from_parts(s, 0);
        let early = Bounds::between(at(10), at(0));
        assert_eq!(early, Bounds { earliest: at(0), latest: at(10) });
        assert!(Bounds::exact(at(131)).is_after(early, Span::from_seconds(120)));
        assert!(!Bounds::exact(at(130)).is_after(early, Span::from_seconds(120)));
    }
}
