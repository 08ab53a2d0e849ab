//! Lines of a picture, and what they are written on.

use super::super::clean;
use super::super::screen::{Look, columns, take, wrap};
use super::Glyphs;

/// What is written on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paper {
    pub width: usize,
    pub color: bool,
    pub glyphs: Glyphs,
}

/// Texts with their looks, one after the other.
#[derive(Debug, Default)]
pub(super) struct Line {
    parts: Vec<(Look, String)>,
}

impl Paper {
    /// A text which may come from outside, as this terminal can show it.
    pub fn text(self, text: &str) -> String {
        let text = clean(text);
        match self.glyphs {
            Glyphs::Blocks => text,
            Glyphs::Ascii => {
                let known = text.replace('→', "->").replace('…', "..");
                known.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
            }
        }
    }

    /// Columns of a text on it.
    pub fn columns(self, text: &str) -> usize {
        columns(&self.text(text))
    }

    /// A text in exactly so many columns, cut with an ellipsis if it is longer.
    pub fn fitted(self, text: &str, width: usize) -> String {
        let mut text = self.text(text);
        if columns(&text) > width {
            let ellipsis = self.text("…");
            text = take(&text, width.saturating_sub(columns(&ellipsis))) + &ellipsis;
            text = take(&text, width);
        }
        let pad = width.saturating_sub(columns(&text));
        text + &" ".repeat(pad)
    }

    /// What is shown, and of which time: in one line or in two.
    pub fn title(self, title: &str, window: &str) -> Vec<Line> {
        let whole = format!("{title}: {window}");
        if self.columns(&whole) <= self.width {
            return self.flow(Look::Plain, &[&whole], 1);
        }
        self.flow(Look::Plain, &[title, window], 2)
    }

    /// Units one after the other, each broken only where it is longer than a line, and then into `most` lines.
    pub fn flow(self, look: Look, units: &[&str], most: usize) -> Vec<Line> {
        self.packed(look, units, "  ", most)
    }

    /// The same, with another gap between two units on one line.
    pub fn packed(self, look: Look, units: &[impl AsRef<str>], gap: &str, most: usize) -> Vec<Line> {
        // An ellipsis of ASCII is wider than the one for which lines are broken.
        let wide = self.width + 1 - self.columns("…");
        let mut lines: Vec<String> = Vec::new();
        for unit in units {
            let unit = self.text(unit.as_ref());
            match lines.last_mut() {
                Some(last) if columns(last) + columns(gap) + columns(&unit) <= self.width => *last += &format!("{gap}{unit}"),
                Some(_) | None if columns(&unit) <= self.width => lines.push(unit),
                Some(_) | None => lines.extend(wrap(&unit, wide, most).into_iter().map(|line| self.text(&line))),
            }
        }
        lines.into_iter().map(|text| Line { parts: vec![(look, text)] }).collect()
    }
}

impl Line {
    pub fn push(&mut self, look: Look, text: &str) {
        self.parts.push((look, text.to_owned()));
    }

    pub fn extend(&mut self, other: Line) {
        self.parts.extend(other.parts);
    }

    /// Blanks up to a column.
    pub fn pad(&mut self, column: usize) {
        let pad = column.saturating_sub(self.parts.iter().map(|(_, text)| columns(text)).sum());
        self.push(Look::Plain, &" ".repeat(pad));
    }

    /// The line with its end, no wider than the paper and without blanks at its end.
    pub fn finish(self, paper: Paper) -> String {
        let (mut written, mut room, mut blank) = (String::new(), paper.width, String::new());
        for (look, text) in self.parts {
            let text = take(&text, room);
            room -= columns(&text);
            let bare = text.trim_end();
            if !bare.is_empty() {
                written += &std::mem::take(&mut blank);
                written += &look.paint(paper.color, bare);
            }
            blank.push_str(&text[bare.len()..]);
        }
        written + "\n"
    }
}
