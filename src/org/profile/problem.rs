//! What may be wrong with a profile, and where.
//!
//! Takes byte ranges of the text; gives them as line and column. Nothing is decided here.

use miette::SourceSpan;
use std::ops::Range;

/// One error of a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    #[label("here")]
    span: SourceSpan,
    /// What to write instead.
    #[help]
    pub help: String,
}

/// Something a profile may say, but which looks like a mistake or has a price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
#[diagnostic(severity(Warning))]
pub struct ProfileWarning {
    /// What is odd.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    #[label("here")]
    span: SourceSpan,
    /// What it means, and what to write if it is not meant.
    #[help]
    pub help: String,
}

/// All that was found so far.
pub(super) struct Findings<'t> {
    text: &'t str,
    problems: Vec<Problem>,
    warnings: Vec<ProfileWarning>,
}

impl<'t> Findings<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Findings { text, problems: Vec::new(), warnings: Vec::new() }
    }

    /// Adds an error.
    pub(super) fn problem(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let (line, column) = place(self.text, span.start);
        self.problems.push(Problem { message: message.into(), line, column, span: span.into(), help: help.into() });
    }

    /// Adds a warning.
    pub(super) fn warning(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let (line, column) = place(self.text, span.start);
        self.warnings.push(ProfileWarning { message: message.into(), line, column, span: span.into(), help: help.into() });
    }

    /// Everything found, in the order of the file.
    pub(super) fn into_sorted(mut self) -> (Vec<Problem>, Vec<ProfileWarning>) {
        self.problems.sort_by_key(|p| p.span.offset());
        self.warnings.sort_by_key(|w| w.span.offset());
        (self.problems, self.warnings)
    }
}

/// Line and column, both from 1, of a byte of the text; its end if the byte lies beyond or inside a character.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// `; did you mean …?` for the word of `known` which is written most alike, if one is near enough to be a slip of the hand.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    known.iter().map(|k| (edits(word, k), *k)).filter(|(distance, _)| *distance <= allowed).min().map(|(_, k)| k)
}

/// Edit distance with swaps of neighbours (optimal string alignment), case ignored: `upstrems` → `upstreams` is 1, `nmae` → `name` is 1.
fn edits(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "a = 1\nä = x\n";
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, text.find('x').unwrap()), (2, 5), "ä is one column though two bytes");
        assert_eq!(place(text, 999), (3, 1));
    }

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["name", "hostnames", "addresses"];
        for (word, meant) in
            [("nmae", Some("name")), ("hostname", Some("hostnames")), ("Addresses", Some("addresses")), ("colour", None)]
        {
            assert_eq!(nearest(word, &known), meant, "{word}");
        }
    }
}
