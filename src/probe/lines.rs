//! JSON records one by one: from lines, or from one array, without holding the whole file.
//!
//! Knows nothing of what a record means.

use super::fields::BadRecord;
use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;
use std::io::{self, BufRead};

/// Longest line which is kept, in bytes: the longest real records (chains of certificates) are a thousand times shorter.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;

/// What the next line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NextLine {
    /// A line with something on it.
    Line,
    /// Nothing but space.
    Blank,
    /// Longer than [`LONGEST`]; its end was found, its content was not kept.
    TooLong,
    /// There is none.
    End,
}

/// Reads the next line, without its end.
pub(super) fn next(content: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<NextLine> {
    line.clear();
    let (mut any, mut too_long) = (false, false);
    loop {
        let chunk = content.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        too_long |= line.len() + part.len() > LONGEST;
        if !too_long {
            line.extend_from_slice(part);
        }
        let used = end.map_or(chunk.len(), |end| end + 1);
        content.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(match (any, too_long) {
        (false, _) => NextLine::End,
        (true, true) => NextLine::TooLong,
        (true, false) if line.trim_ascii().is_empty() => NextLine::Blank,
        (true, false) => NextLine::Line,
    })
}

/// The JSON value on a line.
pub(super) fn json(line: &[u8]) -> Result<Value, BadRecord> {
    let text = std::str::from_utf8(line).map_err(|error| BadRecord::NotUtf8(error.valid_up_to()))?;
    serde_json::from_str(text).map_err(|error| BadRecord::Json(error.to_string()))
}

/// Hands every element of one JSON array over, then makes sure that nothing follows it.
///
/// # Errors
/// At the first byte which does not continue the array; the elements before it have been handed over.
pub(super) fn array(content: &mut impl BufRead, take: &mut impl FnMut(Value)) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_reader(content);
    deserializer.deserialize_seq(Elements(take))?;
    deserializer.end()
}

struct Elements<'a, F>(&'a mut F);

impl<'de, F: FnMut(Value)> Visitor<'de> for Elements<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(value) = elements.next_element()? {
            (self.0)(value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_line_costs_itself_and_not_the_next() {
        let mut text = vec![b'x'; LONGEST + 1];
        text.extend(b"\n  \n{\"a\":1}");
        let (mut content, mut line) = (io::BufReader::with_capacity(1000, text.as_slice()), Vec::new());
        let mut kinds = Vec::new();
        while let kind @ (NextLine::Line | NextLine::Blank | NextLine::TooLong) = next(&mut content, &mut line).unwrap() {
            kinds.push(kind);
            assert!(line.len() <= LONGEST);
        }
        assert_eq!(kinds, [NextLine::TooLong, NextLine::Blank, NextLine::Line]);
    }

    #[test]
    fn a_broken_array_gives_what_came_before() {
        for (text, count, whole) in [("[1,2]", 2, true), ("[1,2,", 2, false), ("[1 2]", 1, false), ("[1] 2", 1, false)] {
            let mut seen = 0;
            let done = array(&mut text.as_bytes(), &mut |_| seen += 1);
            assert_eq!((seen, done.is_ok()), (count, whole), "{text}");
        }
    }
}
