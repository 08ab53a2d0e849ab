//! One value or table of the document, with its place: typed reading which reports a wrong type and goes on.
//!
//! Takes toml's spanned values; gives texts, numbers, times, lists and sections. A [`Section`] remembers which keys were asked for, so
//! that what remains is unknown and is reported with the known key nearest to it.

use super::problem::{Findings, nearest};
use super::value::Complaint;
use crate::time::Timestamp;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table and where it begins.
#[derive(Clone)]
pub(super) struct Table<'a, 'i> {
    /// Its name in messages, such as `services.probes`; empty for the document itself.
    pub(super) key: &'static str,
    /// Its head.
    pub(super) span: Range<usize>,
    /// Its entries.
    pub(super) table: &'a DeTable<'i>,
}

/// A table which is being read.
pub(super) struct Section<'a, 'i> {
    table: Table<'a, 'i>,
    known: Vec<&'static str>,
}

/// A value and the key it stands under.
#[derive(Clone, Copy)]
pub(super) struct Field<'a, 'i> {
    pub(super) key: &'static str,
    value: &'a Spanned<DeValue<'i>>,
}

impl<'a, 'i> Section<'a, 'i> {
    pub(super) fn new(table: Table<'a, 'i>) -> Self {
        Section { table, known: Vec::new() }
    }

    /// Where it begins.
    pub(super) fn span(&self) -> Range<usize> {
        self.table.span.clone()
    }

    /// The value under a key, which is known from now on.
    pub(super) fn field(&mut self, key: &'static str) -> Option<Field<'a, 'i>> {
        self.known.push(key);
        self.table.table.get(key).map(|value| Field { key, value })
    }

    /// The value under a key which must be there; `write` says what to write.
    pub(super) fn required(&mut self, key: &'static str, write: &str, findings: &mut Findings) -> Option<Field<'a, 'i>> {
        let field = self.field(key);
        if field.is_none() {
            findings.problem(self.span(), format!("`{key}` is missing from [{}]", self.table.key), format!("add {write}"));
        }
        field
    }

    /// The items of a list; a single value stands for a list of one.
    pub(super) fn items(&mut self, key: &'static str) -> Vec<Field<'a, 'i>> {
        self.field(key).map(Field::items).unwrap_or_default()
    }

    /// The tables of a list of tables (`[[key]]`), called `name` in messages.
    pub(super) fn tables(&mut self, key: &'static str, name: &'static str, findings: &mut Findings) -> Vec<Section<'a, 'i>> {
        self.items(key).into_iter().filter_map(|item| item.section(name, findings)).collect()
    }

    /// A text, if it is there.
    pub(super) fn text(&mut self, key: &'static str, findings: &mut Findings) -> Option<String> {
        self.field(key).and_then(|field| field.text(findings)).map(str::to_owned)
    }

    /// A list of texts with a meaning, each read by `read`; bad ones are reported and left out.
    pub(super) fn list<T>(&mut self, key: &'static str, findings: &mut Findings, read: fn(&str) -> Result<T, Complaint>) -> Vec<T> {
        self.items(key).into_iter().filter_map(|item| item.read(findings, read)).collect()
    }

    /// Reports every key which nobody asked for.
    pub(super) fn finish(self, findings: &mut Findings) {
        for (key, _) in self.table.table.iter().filter(|(key, _)| !self.known.contains(&key.get_ref().as_ref())) {
            let place = if self.table.key.is_empty() { "a profile".to_owned() } else { format!("[{}]", self.table.key) };
            let help = match nearest(key.get_ref(), &self.known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            findings.problem(key.span(), format!("`{}` is unknown in {place}", key.get_ref()), help);
        }
    }

    /// Every entry, for a table whose keys are looked up elsewhere: key, its place, value.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Range<usize>, Field<'a, 'i>)> + use<'a, 'i> {
        self.table.table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), Field { key: "value", value }))
    }
}

impl<'a, 'i> Field<'a, 'i> {
    /// Where it stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// The same value under another name in messages.
    pub(super) fn called(self, key: &'static str) -> Self {
        Field { key, ..self }
    }

    /// The value itself, for readers which take several types.
    pub(super) fn raw(&self) -> &'a DeValue<'i> {
        self.value.get_ref()
    }

    fn wrong_type(&self, expected: &str, help: impl Into<String>, findings: &mut Findings) {
        let found = match self.raw() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        findings.problem(self.span(), format!("`{}` must be {expected}, but this is {found}", self.key), help);
    }

    /// A text which is not empty.
    pub(super) fn text(self, findings: &mut Findings) -> Option<&'a str> {
        let text = self.raw().as_str();
        match text.map(|text| text.trim().is_empty()) {
            Some(false) => return text,
            Some(true) => findings.problem(self.span(), format!("`{}` is empty", self.key), "write something, or remove the line"),
            None => self.wrong_type("a text", format!("write it in quotes: {} = \"…\"", self.key), findings),
        }
        None
    }

    /// A text with a meaning.
    pub(super) fn read<T>(self, findings: &mut Findings, read: fn(&str) -> Result<T, Complaint>) -> Option<T> {
        let text = self.text(findings)?;
        self.accept(read(text), findings)
    }

    /// A text or a number with a meaning: both are read in their written form.
    pub(super) fn read_number<T>(self, findings: &mut Findings, read: fn(&str) -> Result<T, Complaint>) -> Option<T> {
        match self.raw().as_integer().filter(|number| number.radix() == 10) {
            Some(number) => self.accept(read(number.as_str()), findings),
            None => self.read(findings, read),
        }
    }

    fn accept<T>(self, result: Result<T, Complaint>, findings: &mut Findings) -> Option<T> {
        result.map_err(|complaint| findings.problem(self.span(), complaint.message, complaint.help)).ok()
    }

    /// A time with its offset, as a TOML time or as text.
    pub(super) fn time(self, findings: &mut Findings) -> Option<Timestamp> {
        let raw = self.raw();
        let Some(text) = raw.as_datetime().map(ToString::to_string).or_else(|| raw.as_str().map(str::to_owned)) else {
            self.wrong_type("a time", format!("write {} = 2021-10-04T15:39:00Z", self.key), findings);
            return None;
        };
        let parsed: Result<Timestamp, _> = text.replacen(' ', "T", 1).parse();
        if parsed.is_err() {
            let help = "write date, time and offset from UTC: 2021-10-04T15:39:00Z or 2021-10-04T17:39:00+02:00";
            findings.problem(self.span(), format!("`{text}` is not a point in time"), help);
        }
        parsed.ok()
    }

    /// The items of a list; any other value is a list of one.
    pub(super) fn items(self) -> Vec<Field<'a, 'i>> {
        match self.raw().as_array() {
            Some(items) => items.iter().map(|value| Field { key: self.key, value }).collect(),
            None => vec![self],
        }
    }

    /// A table, called `name` in messages.
    pub(super) fn section(self, name: &'static str, findings: &mut Findings) -> Option<Section<'a, 'i>> {
        let table = self.raw().as_table();
        if table.is_none() {
            self.wrong_type("a table", format!("write a heading [{name}] or [[{name}]], or braces {{ … }}"), findings);
        }
        table.map(|table| Section::new(Table { key: name, span: self.span(), table }))
    }
}
