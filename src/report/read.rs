//! Reports read back: what stands in an `incidents.json` becomes a view again.
//!
//! Takes text, gives a view, or an error with file and place. Nothing is guessed and nothing is lost: another version, a field which is
//! not known, one which is missing and a value which would be written otherwise are errors. How a report came about is not asked.

use super::view::{ReportView, VERSION};
use super::{Shown, SurveyView, json};
use crate::analysis::Outcome;
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;

/// A report read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// About an organization.
    Incidents(Box<ReportView>),
    /// About every origin.
    Survey(Box<SurveyView>),
}

/// Why a report could not be read back. Each names the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum ReadError {
    /// No JSON, or not to its end.
    #[error("{file}:{line}:{column}: not valid JSON: {what}")]
    #[diagnostic(help(
        "a report is one JSON document, which this is not, or not whole: write it again with `faultline analyze … --out DIR`"
    ))]
    Json {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Byte in the line, from 1; 0 before the first.
        column: usize,
        /// What was expected.
        what: String,
    },
    /// JSON, but no report.
    #[error("{file}:{line}:{column}: not as in {format}, version {VERSION}: {what}")]
    #[diagnostic(help(
        "it was changed, or another Faultline wrote it: write it again with `faultline analyze … --out DIR`; what may stand in it: \
         `faultline report --schema incidents` or `survey`"
    ))]
    Shape {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Byte in the line, from 1.
        column: usize,
        /// The format it names.
        format: &'static str,
        /// What was expected.
        what: String,
    },
    /// Another format.
    #[error("{file}: its `format` is {found}; {supported} can be read")]
    #[diagnostic(help("name an incidents.json which `faultline analyze … --out DIR` wrote"))]
    Format {
        /// The file.
        file: String,
        /// What was found.
        found: String,
        /// What can be read.
        supported: &'static str,
    },
    /// Another version of the format.
    #[error("{file}: its `version` of {format} is {found}; version {VERSION} can be read")]
    #[diagnostic(help(
        "read it with the Faultline which wrote it, or write it again with this one: `faultline analyze … --out DIR`"
    ))]
    Version {
        /// The file.
        file: String,
        /// The format.
        format: &'static str,
        /// What was found.
        found: String,
    },
    /// It can be read, but not to the same meaning.
    #[error("{file}: {place} {what}")]
    #[diagnostic(help("the file was changed since it was written: write it again with `faultline analyze … --out DIR`"))]
    Altered {
        /// The file.
        file: String,
        /// Where, as a JSON pointer (RFC 6901).
        place: String,
        /// What is wrong there.
        what: String,
    },
}

/// What tells a report from another document.
#[derive(Deserialize)]
#[serde(expecting = "an object with `format` and `version`")]
struct Head {
    format: Option<Value>,
    version: Option<Value>,
}

impl Saved {
    /// Reads a report of either kind; `file` is how errors call it.
    ///
    /// # Errors
    /// If it is no report, or not one which this program writes.
    pub fn from_json(file: &str, text: &str) -> Result<Saved, ReadError> {
        let found = head(file, text)?.format;
        match found.as_ref().and_then(Value::as_str) {
            Some(ReportView::FORMAT) => from_json(file, text).map(|view| Saved::Incidents(Box::new(view))),
            Some(SurveyView::FORMAT) => from_json(file, text).map(|view| Saved::Survey(Box::new(view))),
            _ => Err(another_format(file, found.as_ref(), "`faultline-incidents` and `faultline-survey`")),
        }
    }
}

/// Reads a report of one kind; `file` is how errors call it.
///
/// # Errors
/// If it is not one which this program writes.
pub fn from_json<V: Shown>(file: &str, text: &str) -> Result<V, ReadError> {
    let Head { format, version } = head(file, text)?;
    if format.as_ref().and_then(Value::as_str) != Some(V::FORMAT) {
        return Err(another_format(file, format.as_ref(), V::FORMAT));
    }
    if version.as_ref().and_then(Value::as_u64) != Some(u64::from(VERSION)) {
        return Err(ReadError::Version { file: file.to_owned(), format: V::FORMAT, found: shown(version.as_ref()) });
    }
    let view: V = serde_json::from_str(text).map_err(|error| ReadError::Shape {
        file: file.to_owned(),
        line: error.line(),
        column: error.column(),
        format: V::FORMAT,
        what: what(&error),
    })?;
    match difference(text, &json(&view)).or_else(|| exit_status(&view)).or_else(|| view.contradiction()) {
        Some((place, what)) => Err(ReadError::Altered { file: file.to_owned(), place, what }),
        None => Ok(view),
    }
}

fn head(file: &str, text: &str) -> Result<Head, ReadError> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => ReadError::Format {
            file: file.to_owned(),
            found: format!("not there ({})", what(&error)),
            supported: "`faultline-incidents` and `faultline-survey`",
        },
        Category::Io | Category::Syntax | Category::Eof => {
            ReadError::Json { file: file.to_owned(), line: error.line(), column: error.column(), what: what(&error) }
        }
    })
}

/// The message without the place, which stands before it.
fn what(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

fn another_format(file: &str, found: Option<&Value>, supported: &'static str) -> ReadError {
    ReadError::Format { file: file.to_owned(), found: shown(found), supported }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "not there".to_owned(), ToString::to_string)
}

/// Where what was read would not be written again as it stands, apart from blanks and the order of fields. The types forgive more than
/// a report may: an absent `null`, a time with another offset.
fn difference(text: &str, written: &str) -> Option<(String, String)> {
    if text == written {
        return None;
    }
    let (found, written) = (serde_json::from_str(text).ok()?, serde_json::from_str(written).ok()?);
    differs(&found, &written, &mut String::new())
}

fn differs(found: &Value, written: &Value, place: &mut String) -> Option<(String, String)> {
    let length = place.len();
    let mut within = |key: &str, found: Option<&Value>, written: &Value| {
        place.push('/');
        place.push_str(key);
        let differs = match found {
            Some(found) => differs(found, written, place),
            None => Some((place.clone(), "is missing".to_owned())),
        };
        place.truncate(length);
        differs
    };
    match (found, written) {
        (Value::Object(found), Value::Object(written)) => {
            let unwritten = found.keys().find(|key| !written.contains_key(*key));
            let less = written.iter().find_map(|(key, written)| within(key, found.get(key), written));
            less.or_else(|| unwritten.map(|key| (format!("{place}/{key}"), "would be left out".to_owned())))
        }
        (Value::Array(found), Value::Array(written)) => {
            let items = found.iter().zip(written).enumerate();
            items.into_iter().find_map(|(number, (found, written))| within(&number.to_string(), Some(found), written))
        }
        _ if found == written => None,
        _ => Some((place.clone(), format!("is {found}, which would be written as {written}"))),
    }
}

/// What other fields decide of incidents: without it a page would name two alike, or tell of one which is not there.
pub(super) fn contradiction(view: &ReportView) -> Option<(String, String)> {
    if (view.outcome.code == Outcome::Incident) == view.incidents.is_empty() {
        return Some(("/outcome/code".to_owned(), format!("does not fit {} incidents", view.incidents.len())));
    }
    view.incidents.iter().enumerate().find_map(|(place, incident)| {
        let wrong = |field: &str, what: String| Some((format!("/incidents/{place}/{field}"), what));
        let (open, window) = (incident.ended.is_none(), &incident.timeline.window);
        match incident {
            _ if incident.number != place + 1 => {
                wrong("number", format!("is {}; by its place it is {}", incident.number, place + 1))
            }
            _ if incident.open != open => wrong("open", format!("is {}; with this `ended` it is {open}", incident.open)),
            _ if window.until < window.from => wrong("timeline/window", "ends before it begins".to_owned()),
            _ => None,
        }
    })
}

/// The one field which another decides, and on which the program's end depends.
fn exit_status(view: &impl Shown) -> Option<(String, String)> {
    let outcome = view.outcome();
    let expected = outcome.code.exit_status();
    (outcome.exit_status != expected)
        .then(|| ("/outcome/exit_status".to_owned(), format!("is {}; with this `code` it is {expected}", outcome.exit_status)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        Saved::from_json("r/incidents.json", text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_json_is_told_with_line_and_column() {
        assert_eq!(read("{\n  \"format\": \"x\"\n  \"v"), "r/incidents.json:3:3: not valid JSON: expected `,` or `}`");
        assert_eq!(read("{\"format\": [1, 2"), "r/incidents.json:1:16: not valid JSON: EOF while parsing a list");
        assert_eq!(read(""), "r/incidents.json:1:0: not valid JSON: EOF while parsing a value");
    }

    #[test]
    fn another_format_or_version_is_told_with_what_can_be_read() {
        let both = "`faultline-incidents` and `faultline-survey` can be read";
        assert_eq!(read("{\"format\": \"drill\"}"), format!("r/incidents.json: its `format` is \"drill\"; {both}"));
        assert_eq!(read("{\"version\": 1}"), format!("r/incidents.json: its `format` is not there; {both}"));
        assert!(read("[]").ends_with(both) && read("7").ends_with(both), "{} {}", read("[]"), read("7"));
        for (version, found) in [("", "not there"), (", \"version\": 2", "2"), (", \"version\": \"1\"", "\"1\"")] {
            let text = format!("{{\"format\": \"faultline-survey\"{version}}}");
            let told = format!("r/incidents.json: its `version` of faultline-survey is {found}; version 1 can be read");
            assert_eq!(read(&text), told);
        }
        let error = from_json::<ReportView>("x", "{\"format\": \"faultline-survey\", \"version\": 1}").unwrap_err();
        assert_eq!(error.to_string(), "x: its `format` is \"faultline-survey\"; faultline-incidents can be read");
    }

    #[test]
    fn what_is_missing_is_named() {
        let told = read("{\"format\": \"faultline-incidents\", \"version\": 1,\n \"generated_at\": \"2026-11-23T12:00:00Z\"}");
        assert_eq!(told, "r/incidents.json:2:40: not as in faultline-incidents, version 1: missing field `organization`");
    }

    #[test]
    fn only_blanks_and_the_order_of_fields_may_differ() {
        let written = "{\"a\": {\"b\": null, \"c\": [1, \"x\"]}}\n";
        assert_eq!(difference("{\"a\":{\"c\":[1,\"x\"],\"b\":null}}", written), None);
        let at = |place: &str, what: &str| Some((place.to_owned(), what.to_owned()));
        assert_eq!(difference("{\"a\": {\"c\": [1, \"x\"]}}", written), at("/a/b", "is missing"));
        let told = "is \"y\", which would be written as \"x\"";
        assert_eq!(difference("{\"a\": {\"b\": null, \"c\": [1, \"y\"]}}", written), at("/a/c/1", told));
    }
}
