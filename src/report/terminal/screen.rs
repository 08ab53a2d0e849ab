//! A screen of limited height: rows with a weight, wrapped to its width; when they are too many, the lightest go.

use super::clean;
use unicode_width::UnicodeWidthStr;

/// Lines of a screen.
const LINES: usize = 24;
/// Columns of labels.
const LABEL: usize = 10;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Bad,
    Warning,
    Good,
    Faint,
}

impl Look {
    /// Select Graphic Rendition (ECMA-48).
    const fn code(self) -> &'static str {
        match self {
            Look::Plain => "",
            Look::Bad => "1;31",
            Look::Warning => "33",
            Look::Good => "1;32",
            Look::Faint => "2",
        }
    }

    /// The text, coloured if it may be; blanks have no look.
    pub fn paint(self, color: bool, text: &str) -> String {
        if !color || self == Look::Plain || text.trim().is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", self.code())
    }
}

/// What must stay on the screen, and what may go first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    Must,
    Should,
    May,
}

pub(super) struct Screen {
    width: usize,
    color: bool,
    lines: Vec<(Weight, String)>,
}

impl Screen {
    pub fn new(width: usize, color: bool) -> Self {
        Screen { width: width.clamp(40, 120), color, lines: Vec::new() }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Text over the whole width, at most `most` lines of it.
    pub fn text(&mut self, weight: Weight, look: Look, text: &str, most: usize) {
        for line in wrap(&clean(text), self.width, most) {
            let line = self.paint(look, &line);
            self.lines.push((weight, line));
        }
    }

    /// Text beside a label, at most `most` lines of it; an empty label continues the row above.
    pub fn row(&mut self, weight: Weight, label: &str, text: &str, most: usize) {
        if text.is_empty() {
            return;
        }
        for (number, line) in wrap(&clean(text), self.width - LABEL, most).into_iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let label = self.paint(Look::Faint, &format!("{label:LABEL$}"));
            self.lines.push((weight, format!("{label}{line}")));
        }
    }

    /// Lines which are laid out already.
    pub fn laid_out(&mut self, weight: Weight, text: &str) {
        self.lines.extend(text.lines().map(|line| (weight, line.to_owned())));
    }

    pub fn finish(mut self) -> String {
        let mut left_out = 0;
        while self.lines.len() > LINES - usize::from(left_out > 0) {
            let lightest = self.lines.iter().map(|(weight, _)| *weight).max().unwrap_or(Weight::Must);
            let Some(place) = self.lines.iter().rposition(|(weight, _)| *weight == lightest) else { break };
            self.lines.remove(place);
            left_out += 1;
        }
        if left_out > 0 {
            let text = format!("{:LABEL$}{left_out} lines more: see the report", "…");
            self.lines.push((Weight::Must, self.paint(Look::Faint, &text)));
        }
        self.lines.into_iter().map(|(_, line)| line.trim_end().to_owned() + "\n").collect()
    }

    fn paint(&self, look: Look, text: &str) -> String {
        look.paint(self.color, text)
    }
}

/// Columns a text takes (Unicode Standard Annex 11): two for wide characters, none for those which are set upon others.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// Broken at spaces into lines of at most `width` columns; what goes beyond `most` lines is cut with an ellipsis.
pub(super) fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    // What is cut away is not laid out first.
    for word in text.split(' ') {
        if lines.len() > most {
            break;
        }
        let mut word = word;
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        while lines.len() <= most && columns(&line) + columns(word) > width {
            let fits: String = take(word, width - columns(&line));
            word = &word[fits.len()..];
            line.push_str(&fits);
            lines.push(std::mem::take(&mut line));
        }
        line.push_str(word);
    }
    lines.push(line);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = whole_words(last, width.saturating_sub(2)) + " …";
        }
    }
    lines
}

/// As many whole words as take at most so many columns: half a number would be another number.
fn whole_words(text: &str, width: usize) -> String {
    let taken = take(text, width);
    let cut = taken.len() < text.len() && !text[taken.len()..].starts_with(' ');
    match taken.rsplit_once(' ') {
        Some((whole, _)) if cut => whole.trim_end().to_owned(),
        _ => taken.trim_end().to_owned(),
    }
}

/// As much of the beginning as takes at most so many columns.
pub(super) fn take(text: &str, width: usize) -> String {
    let mut taken = String::new();
    for c in text.chars() {
        taken.push(c);
        if columns(&taken) > width {
            taken.pop();
            break;
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_the_screen_and_what_is_cut_shows() {
        let text = "one two three four five averyveryverylongwordwhichfitsnowhere";
        let lines = wrap(text, 12, 9);
        assert!(lines.iter().all(|line| columns(line) <= 12), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(wrap(text, 12, 1), ["one two …"]);
        assert!(columns(&wrap("路由消失 路由消失 路由消失", 10, 9)[0]) <= 10);
    }

    // Why: a name of a million letters in a file from elsewhere once took ten seconds to be cut to one line.
    #[test]
    fn what_is_cut_away_is_not_laid_out_first() {
        // With the square of the length this would not end.
        assert_eq!(wrap(&"x".repeat(20_000_000), 80, 2).len(), 2);
    }

    #[test]
    fn the_lightest_rows_go_first_when_the_screen_is_full() {
        let mut screen = Screen::new(80, false);
        screen.text(Weight::Must, Look::Bad, "headline", 1);
        for _ in 0..40 {
            screen.row(Weight::May, "more", "detail", 1);
        }
        screen.row(Weight::Must, "proof", "last", 1);
        let text = screen.finish();
        assert_eq!(text.lines().count(), LINES);
        assert!(text.starts_with("headline") && text.contains("\nproof     last\n"), "{text}");
        assert!(text.ends_with("…         19 lines more: see the report\n"), "{text}");
    }

    #[test]
    fn escape_sequences_from_outside_do_not_reach_the_terminal() {
        let mut screen = Screen::new(80, true);
        screen.row(Weight::Must, "service", "\u{1b}[2Jwiped\nnext\u{7}\u{202e}x", 2);
        let text = screen.finish();
        assert!(!text.contains("\u{1b}[2J") && !text.contains('\u{7}') && !text.contains('\u{202e}'), "{text:?}");
        assert_eq!(text.lines().count(), 1);
    }
}
